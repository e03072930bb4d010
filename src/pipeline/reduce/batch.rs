//! Some files that are calibrated together: all threads walk their pixels run by run, and what the masters say of a run is read, decoded
//! and prepared once for all of them. A frame that fails on the way leaves the others done, and nothing under its name.

mod runs;
mod walking;

use std::sync::Mutex;
use std::time::Instant;

use super::chip::{Begun, Chip};
use super::desk::Desk;
use super::{Done, File, Run, lock};
use crate::error::{Error, Result};
use crate::pipeline::by_frame::{by_frame, in_turn};
use crate::pipeline::corridor::Times;
use crate::recipe::Hdu;
use crate::sink::{FitsSink, Ledger};
use crate::summary::ReducedFrame;
use runs::Runs;
use walking::{Ended, Walking, groups};

/// What becomes of one frame, or why it failed.
type Fate<T> = std::result::Result<T, String>;

/// Parts what one frame suffers from off what ends the run.
fn fate<T>(result: Result<T>) -> Result<Fate<T>> {
    match result {
        Err(Error::Stopped(signal)) => Err(Error::Stopped(signal)),
        Err(error) => Ok(Err(error.to_string())),
        Ok(done) => Ok(Ok(done)),
    }
}

/// Files that are calibrated together.
pub(super) struct Batch<'r> {
    run: &'r Run<'r>,
    files: Vec<Fate<Going<'r>>>,
}

/// A file on its way.
struct Going<'r> {
    file: &'r File,
    /// The HDUs that are worked on.
    hdus: Vec<Hdu>,
    /// Whether they are all of the file, which then becomes such a file again.
    every: bool,
    sink: FitsSink,
    done: Done,
}

impl<'r> Batch<'r> {
    /// Calibrates files; what is told of them is in their order.
    pub(super) fn calibrate(
        run: &'r Run<'r>,
        files: &'r [File],
        ledger: &Ledger,
    ) -> Result<Vec<Done>> {
        let begun = Instant::now();
        let begin = |at: usize| fate(Going::new(run, &files[at]));
        let going = by_frame(run.plan.threads, files.len(), || (), |(), at| begin(at))?;
        let mut batch = Self { run, files: going };
        run.spent(0, begun);
        let counts = batch.files.iter().flatten().map(|going| going.hdus.len());
        for number in 0..counts.max().unwrap_or(0) {
            batch.images(number)?;
        }
        let begun = Instant::now();
        let places: Vec<_> = batch
            .files
            .into_iter()
            .map(|it| Mutex::new(Some(it)))
            .collect();
        let finish = |at: usize| {
            let going = lock(&places[at]).take();
            let going = going.expect("each is finished once");
            let done = match going {
                Err(fault) => Err(fault),
                Ok(Going {
                    sink, done, file, ..
                }) => fate(run.finish(sink, ledger, file.made_of))?.map(|()| done),
            };
            Ok(files[at].told(done))
        };
        let done = by_frame(run.plan.threads, files.len(), || (), |(), at| finish(at));
        run.spent(2, begun);
        done
    }

    /// Calibrates one image of every file that has so many.
    fn images(&mut self, number: usize) -> Result<()> {
        let (run, count) = (self.run, self.files.len());
        let threads = run.plan.threads;
        let begun = Instant::now();
        let open = |at: usize| match &self.files[at] {
            Ok(going) if number < going.hdus.len() => {
                fate(run.open(&going.file.named, &going.hdus[number]))
            }
            _ => Ok(Ok(None)),
        };
        let opened = by_frame(threads, count, || (), |(), at| open(at))?;
        let unpack = |at: usize| match &opened[at] {
            Ok(Some((list, masters))) => fate(run.ground.unpack_chip(list, masters, run.watch)),
            _ => Ok(Ok(())),
        };
        let unpackers = run.plan.unpackers.max(1);
        let unpacked = by_frame(unpackers, count, || (), |(), at| unpack(at))?;
        let files: Vec<_> = self.files.iter_mut().map(Mutex::new).collect();
        let begin = |at: usize| {
            let mut file = lock(&files[at]);
            match (&mut **file, &opened[at], &unpacked[at]) {
                (Ok(going), Ok(Some(image)), Ok(())) => {
                    fate(going.begin(run, run.chip(image), number).map(Some))
                }
                (_, Err(fault), _) | (_, _, Err(fault)) => Ok(Err(fault.clone())),
                _ => Ok(Ok(None)),
            }
        };
        let images = by_frame(threads, count, || (), |(), at| begin(at))?;
        drop(files);
        let mut frames = Vec::new();
        for (at, image) in images.into_iter().enumerate() {
            match image {
                Ok(Some(begun)) => frames.push(Walking::new(at, begun)),
                Ok(None) => {}
                Err(fault) => self.files[at] = Err(fault),
            }
        }
        run.spent(0, begun);
        for group in groups(&frames) {
            self.walk(&group)?;
        }
        for frame in frames {
            let (at, outcome) = frame.end();
            let file = &mut self.files[at];
            if let Ok(going) = file
                && let Err(fault) = outcome.and_then(|ended| going.end(ended))
            {
                *file = Err(fault);
            }
        }
        Ok(())
    }

    /// Calibrates the pixels of frames that share their masters.
    fn walk(&self, group: &[&Walking<'_>]) -> Result<()> {
        let Some(chip) = group.first().map(|frame| frame.image.chip()) else {
            return Ok(());
        };
        let run = self.run;
        let (threads, capacity) = (run.plan.threads, run.plan.capacity());
        let runs = Runs::new(chip.shape(), capacity);
        in_turn(
            threads,
            runs.count(),
            || Desk::new(chip.masters(), capacity),
            |desk, at| {
                run.watch.check()?;
                let going = |frame: &&&Walking<'_>| frame.is_going(at);
                let Some(first) = group.iter().find(going) else {
                    return Ok(());
                };
                let area = runs.area(at);
                let mut times = [Times::default(); 3];
                let begun = Instant::now();
                let shared = match first.image.load(&mut desk.shared, &area) {
                    Ok(shared) => shared,
                    Err(error) => {
                        let fault = error.to_string();
                        for frame in group {
                            frame.fail(at, &fault);
                        }
                        return Ok(());
                    }
                };
                times[1].busy += begun.elapsed();
                // Threads that walk side by side begin with different frames: two that write to one file wait for each other.
                let turn = at % threads * group.len() / threads;
                let (last, next) = group.split_at(turn);
                for frame in next.iter().chain(last).filter(going) {
                    let Ok(going) = &self.files[frame.file] else {
                        continue;
                    };
                    let (sink, desk) = (&going.sink, &mut desk.frame);
                    match frame.image.reduce(sink, shared, desk, &area, &mut times) {
                        Ok(nmasked) => frame.add(nmasked),
                        Err(error) => frame.fail(at, &error.to_string()),
                    }
                    let all = chip.shape().npixel() as u64;
                    let nbyte = frame.image.chip().nbyte();
                    run.watch.advance(nbyte * area.npixel() as u64 / all);
                }
                run.took(times);
                Ok(())
            },
        )
    }
}

impl<'r> Going<'r> {
    fn new(run: &Run<'_>, file: &'r File) -> Result<Self> {
        if let Some(fault) = &file.fault {
            return Err(Error::Choice(fault.clone()));
        }
        Ok(Self {
            file,
            hdus: run.hdus(&file.named)?,
            every: file.named.hdu.is_none() && run.recipe.frames.hdu == Hdu::All,
            sink: FitsSink::create(&file.output, run.recipe.folder.overwrite || file.is_broken)?,
            done: Done::default(),
        })
    }

    /// Begins with one image of the file.
    fn begin<'a>(&mut self, run: &'a Run<'_>, chip: Chip<'a>, number: usize) -> Result<Begun<'a>> {
        if self.every && number == 0 {
            self.sink.add(&chip.shared_header())?;
        }
        let extension = self.every.then_some(&self.hdus[number]);
        chip.begin(run, &mut self.sink, extension)
    }

    /// Ends with one image of the file.
    fn end(&mut self, ended: Ended) -> Fate<()> {
        if ended.drops_mask {
            self.sink.drop_last().map_err(|error| error.to_string())?;
        }
        self.done.bytes += ended.bytes;
        self.done.frames.push(ReducedFrame {
            output: Some(self.file.output.clone()),
            ..ended.told
        });
        Ok(())
    }
}
