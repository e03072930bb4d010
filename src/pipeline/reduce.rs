//! The calibration of frames one by one: each goes into a file of its own, and one that fails leaves the others done.

mod batch;
mod chip;
mod desk;
mod need;
mod outputs;
mod resume;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::calibrating::{Facts, FlatLevel};
use super::ceiling;
use super::corridor::Times;
use super::pack;
use super::unpacking::{Depth, Ground};
use crate::error::{Error, Result};
use crate::kernel::Width;
use crate::plan::Plan;
use crate::recipe::{Hdu, Reduction};
use crate::sink::{FitsSink, Ledger};
use crate::source::{self, FrameList, Masters, Named, Selection};
use crate::summary::{Memory, Reading, ReducedFrame, ReductionSummary, RoomTime, SkippedFrame};
use crate::sys;
use crate::watch::{Walk, Watch};

use batch::Batch;
use chip::Chip;
use need::Need;
use outputs::outputs;

/// Plans the calibration of frames: opens them, and says what memory and which bands it would take. Nothing is written.
///
/// # Errors
///
/// Those of [`calibrate`], as far as they can be told without a pixel.
pub fn plan_calibration(recipe: &Reduction, watch: &Watch) -> Result<Plan> {
    Run::new(recipe, Depth::Headers, watch).map(|run| run.plan)
}

/// Calibrates frames, each into a file of its own, and says what became of each. A frame that fails leaves the others done.
///
/// # Errors
///
/// Every [`Error`] names the frame, file or choice at fault and says what would help; what one frame alone suffers from is
/// its `fault` in the summary.
pub fn calibrate(recipe: &Reduction, watch: &Watch) -> Result<ReductionSummary> {
    let begun = Instant::now();
    let mut run = Run::new(recipe, Depth::AllThatCan, watch)?;
    let folder = &recipe.folder.path;
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, "cannot make the folder", e))?;
    let (nfile, nbyte) = (run.files.len(), run.plan.walks.last().copied().unwrap_or(0));
    let (ledger, finished) = resume::take_up(&mut run)?;
    let left = run.files.len();
    watch.begin(Walk::Calibrating, nbyte / nfile as u64 * left as u64);
    let mut done = Vec::with_capacity(left);
    // Even batches: the last has no fewer files for its masters than the others.
    let nbatch = left.div_ceil(run.batch).max(1);
    for files in run.files.chunks(left.div_ceil(nbatch).max(1)) {
        let batch = watch
            .check()
            .and_then(|()| Batch::calibrate(&run, files, &ledger));
        done.extend(batch.map_err(|error| {
            let nfinished = nfile - left + run.nfinished.load(Ordering::Relaxed);
            error.with_done(nfinished, nfile)
        })?);
        for file in files {
            run.ground.unpacked.release(&file.named.path);
        }
    }
    if run.nfinished.load(Ordering::Relaxed) == left {
        ledger.close();
    }
    let done = resume::in_order(finished, done);
    Ok(run.summary(done, begun))
}

/// A file of the run, and where it goes.
#[derive(Debug)]
struct File {
    named: Named,
    output: PathBuf,
    /// Why it cannot be opened, if it cannot.
    fault: Option<String>,
    /// What tells the files that its output is made of from others.
    made_of: u64,
    /// Whether what stands under the name of its output is what the disk has kept of an earlier run's: not all.
    is_broken: bool,
}

impl File {
    /// What is told of the file.
    fn told(&self, done: std::result::Result<Done, String>) -> Done {
        done.unwrap_or_else(|fault| {
            let name = self.named.path.display().to_string();
            // The fault begins with the name that the line of the frame begins with.
            let fault = fault.strip_prefix(&format!("{name}: ")).unwrap_or(&fault);
            Done {
                frames: vec![ReducedFrame {
                    fault: Some(fault.to_owned()),
                    frame: name,
                    ..ReducedFrame::default()
                }],
                ..Done::default()
            }
        })
    }
}

/// What came of a file.
#[derive(Debug, Default)]
struct Done {
    frames: Vec<ReducedFrame>,
    /// Bytes that were read.
    bytes: u64,
}

/// Files of masters, and where in them their pixels begin.
type MasterPlaces = Vec<(PathBuf, u64)>;

/// A run over files.
struct Run<'a> {
    recipe: &'a Reduction,
    watch: &'a Watch,
    width: Width,
    files: Vec<File>,
    /// Those that are left out because they are damaged.
    skipped: Vec<SkippedFrame>,
    ground: Ground<'a>,
    plan: Plan,
    /// Files that are calibrated together.
    batch: usize,
    /// Files that have been given their names.
    nfinished: AtomicUsize,
    /// What read, work and write took, of all threads together.
    times: Mutex<[Times; 3]>,
    /// The norm of the flat and what is told of the masters, for each set of masters that was met, by files and places in them.
    known: Mutex<HashMap<MasterPlaces, (FlatLevel, Facts)>>,
}

impl<'a> Run<'a> {
    /// Opens every file once, to see what it takes.
    fn new(recipe: &'a Reduction, depth: Depth, watch: &'a Watch) -> Result<Self> {
        recipe.check()?;
        ceiling::start(recipe.resources.threads)?;
        let (frames, beside) = (&recipe.frames, &recipe.folder.path);
        let ground = Ground::new(frames, &recipe.resources, beside, depth, watch)?;
        let named = source::expand(&recipe.frames.names)?;
        watch.begin(Walk::Opening, named.len() as u64);
        let mut run = Self {
            recipe,
            watch,
            width: Width::widest(),
            files: Vec::new(),
            skipped: Vec::new(),
            ground,
            plan: Plan::default(),
            batch: 1,
            nfinished: AtomicUsize::new(0),
            times: Mutex::default(),
            known: Mutex::default(),
        };
        let mut need = Need::default();
        for named in named {
            watch.check()?;
            let (fault, made_of) = match run.look(&named) {
                Ok(images) => {
                    if images.is_empty() {
                        watch.advance(1);
                        continue;
                    }
                    let chips: Vec<_> = images.iter().map(|image| run.chip(image)).collect();
                    need.add(named.path.as_os_str().len(), &chips)?;
                    (None, resume::made_of(&images))
                }
                Err(Error::Stopped(signal)) => return Err(Error::Stopped(signal)),
                Err(Error::Damaged(fault)) if recipe.frames.skip_bad => {
                    run.skipped.push(source::skipped(&named, &fault));
                    watch.advance(1);
                    continue;
                }
                Err(error) => (Some(error.to_string()), 0),
            };
            run.files.push(File {
                output: PathBuf::new(),
                named,
                fault,
                made_of,
                is_broken: false,
            });
            watch.advance(1);
        }
        if run.files.is_empty() {
            let otherwise = || Error::NoFrames("no frame meets the conditions of --where".into());
            return Err(source::only_damaged(&run.skipped).unwrap_or_else(otherwise));
        }
        let outputs = outputs(recipe, run.files.iter().map(|file| &file.named))?;
        for (file, output) in run.files.iter_mut().zip(outputs) {
            file.output = output;
        }
        (run.plan, run.batch) = need.plan(&run.ground, run.files.len(), &recipe.resources)?;
        run.plan.threads = run.plan.threads.max(1);
        run.plan.one_by_one = true;
        Ok(run)
    }

    /// Opens the images of a file that are calibrated.
    fn look(&self, named: &Named) -> Result<Vec<(FrameList, Masters)>> {
        let hdus = self.hdus(named)?;
        let opened = hdus.iter().map(|hdu| self.open(named, hdu));
        opened.filter_map(Result::transpose).collect()
    }

    fn chip<'c>(&'c self, (list, masters): &'c (FrameList, Masters)) -> Chip<'c> {
        Chip::new(self.recipe, list, masters, self.width)
    }

    /// The HDUs of a file that are worked on.
    fn hdus(&self, named: &Named) -> Result<Vec<Hdu>> {
        match (&named.hdu, &self.recipe.frames.hdu) {
            (None, Hdu::All) => {
                source::image_hdus_of(&self.recipe.frames, named, &self.ground.unpacked)
            }
            (Some(hdu), _) | (None, hdu) => Ok(vec![hdu.clone()]),
        }
    }

    /// Opens an image of a file, and its masters; `None` where it does not meet the conditions.
    fn open(&self, named: &Named, hdu: &Hdu) -> Result<Option<(FrameList, Masters)>> {
        let selection = Selection {
            frames: &self.recipe.frames,
            hdu,
            keywords: &[],
            calibration: &self.recipe.calibration,
            unpacked: &self.ground.unpacked,
            mem_limit: ceiling::least(self.recipe.resources.mem_limit),
        };
        let Some(list) = source::open_one(&selection, named)? else {
            return Ok(None);
        };
        if let [frame, _, ..] = &*list.frames {
            return Err(Error::frame(
                frame.name(),
                format!(
                    "is one of {} planes of a cube; calibrate takes one image a file, combine also cubes",
                    list.frames.len()
                ),
            ));
        }
        let every = self.recipe.frames.hdu == Hdu::All;
        let masters = source::masters(&selection, &list, every)?;
        Ok(Some((list, masters)))
    }

    /// Gives a whole file its name, packed if it is to be.
    fn finish(&self, mut sink: FitsSink, ledger: &Ledger, made_of: u64) -> Result<()> {
        if let Some(compression) = self.recipe.folder.compression {
            pack::pack(&mut sink, compression, 1, self.watch)?;
        }
        sink.finish_entered(ledger, made_of)?;
        self.nfinished.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Notes what a room took.
    fn took(&self, times: [Times; 3]) {
        for (sum, times) in lock(&self.times).iter_mut().zip(times) {
            sum.add(times);
        }
    }

    /// Notes that a room was busy since `begun`.
    fn spent(&self, room: usize, begun: Instant) {
        let mut times = [Times::default(); 3];
        times[room].busy = begun.elapsed();
        self.took(times);
    }

    fn summary(self, done: Vec<Done>, begun: Instant) -> ReductionSummary {
        let times = self.times.into_inner();
        let times = times.unwrap_or_else(PoisonError::into_inner);
        let mut all = Done::default();
        for done in done {
            all.frames.extend(done.frames);
            all.bytes += done.bytes;
        }
        let warnings = warnings(&all.frames);
        let once = self.plan.walks.last().copied().unwrap_or(0);
        let rooms = ["read", "work", "write"].into_iter().zip(times);
        ReductionSummary {
            folder: self.recipe.folder.path.clone(),
            version: env!("CARGO_PKG_VERSION"),
            frames: all.frames,
            skipped: self.skipped,
            memory: Memory {
                limit: self.recipe.resources.mem_limit,
                planned: self.plan.resident,
                reserve: self.plan.reserve,
                peak: sys::peak_resident(),
                page_tables: sys::page_tables(),
            },
            reading: Reading {
                bytes: all.bytes,
                passes: if once == 0 {
                    0.0
                } else {
                    all.bytes as f64 / once as f64
                },
                tiles: self.plan.bands * self.files.len(),
                tile_rows: self.plan.tile_rows,
            },
            rooms: rooms
                .map(|(room, times)| RoomTime {
                    room,
                    busy: times.busy.as_secs_f64(),
                    waited: times.waited.as_secs_f64(),
                })
                .collect(),
            seconds: begun.elapsed().as_secs_f64(),
            threads: self.plan.threads,
            vectors: self.width.to_string(),
            warnings,
        }
    }
}

/// A panic of another thread ends the run: what it left is not looked at.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The notes on frames, each told once with the number of frames of which it holds.
fn warnings(frames: &[ReducedFrame]) -> Vec<String> {
    let mut told: Vec<(&str, &str, usize)> = Vec::new();
    for (frame, note) in frames
        .iter()
        .flat_map(|of| of.notes.iter().map(|note| (&*of.frame, &**note)))
    {
        match told.iter_mut().find(|(_, other, _)| *other == note) {
            Some((.., count)) => *count += 1,
            None => told.push((frame, note, 1)),
        }
    }
    let text = |(frame, note, count): (&str, &str, usize)| match count {
        1 => format!("{frame}: {note}"),
        2 => format!("{frame}: {note} (and so with 1 more frame)"),
        _ => format!("{frame}: {note} (and so with {} more frames)", count - 1),
    };
    told.into_iter().map(text).collect()
}
