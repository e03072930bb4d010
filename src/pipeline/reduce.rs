//! The calibration of frames one by one: each goes into a file of its own, and one that fails leaves the others done.

mod chip;
mod desk;
mod outputs;

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use super::by_frame::by_frame;
use super::calibrating::Facts;
use super::corridor::Times;
use super::unpacking::{Depth, Ground, desk_nbyte};
use crate::error::{Error, Result};
use crate::kernel::Width;
use crate::plan::{Demand, Packing, Plan};
use crate::recipe::{Hdu, Reduction};
use crate::sink::FitsSink;
use crate::source::{self, FrameList, Masters, Named, Selection};
use crate::summary::{Memory, Reading, ReducedFrame, ReductionSummary, RoomTime};
use crate::sys;
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

use chip::Chip;
use desk::Desk;
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
    let run = Run::new(recipe, Depth::AllThatCan, watch)?;
    let folder = &recipe.folder.path;
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, "cannot make the folder", e))?;
    watch.begin(
        Walk::Calibrating,
        run.plan.walks.last().copied().unwrap_or(0),
    );
    let done = by_frame(
        run.plan.threads,
        run.files.len(),
        || Desk::new(run.plan.capacity()),
        |desk, file| {
            watch.check()?;
            let done = run.file(desk, file);
            run.ground.unpacked.release(&run.files[file].named.path);
            match done {
                Err(Error::Stopped(signal)) => Err(Error::Stopped(signal)),
                other => Ok(run.told(file, other)),
            }
        },
    )?;
    Ok(run.summary(done, begun))
}

/// A file of the run, and where it goes.
#[derive(Debug)]
struct File {
    named: Named,
    output: PathBuf,
    /// Why it cannot be opened, if it cannot.
    fault: Option<String>,
}

/// What came of a file.
#[derive(Debug, Default)]
struct Done {
    frames: Vec<ReducedFrame>,
    bytes: u64,
    times: [Times; 3],
}

/// Files of masters, and where in them their pixels begin.
type MasterPlaces = Vec<(PathBuf, u64)>;

/// A run over files.
struct Run<'a> {
    recipe: &'a Reduction,
    watch: &'a Watch,
    width: Width,
    files: Vec<File>,
    ground: Ground<'a>,
    plan: Plan,
    /// The norm of the flat and what is told of the masters, for each set of masters that was met, by files and places in them.
    known: Mutex<HashMap<MasterPlaces, (f64, Facts)>>,
}

impl<'a> Run<'a> {
    /// Opens every file once, to see what it takes.
    fn new(recipe: &'a Reduction, depth: Depth, watch: &'a Watch) -> Result<Self> {
        recipe.check()?;
        let (frames, beside) = (&recipe.frames, &recipe.folder.path);
        let ground = Ground::new(frames, &recipe.resources, beside, depth, watch)?;
        let named = source::expand(&recipe.frames.names)?;
        watch.begin(Walk::Opening, named.len() as u64);
        let mut run = Self {
            recipe,
            watch,
            width: Width::widest(),
            files: Vec::new(),
            ground,
            plan: Plan::default(),
            known: Mutex::default(),
        };
        let mut demand: Option<Demand> = None;
        let mut npixel = 0;
        let mut nbyte = 0;
        let (mut widest, mut text, mut scratch, mut first) = (0, 0, 0, None);
        let (mut unpacking, mut npacked) = (0, 0);
        for named in named {
            watch.check()?;
            let chips = run.hdus(&named).and_then(|hdus| {
                let chips = hdus.iter().map(|hdu| run.open(&named, hdu));
                chips.collect::<Result<Vec<_>>>()
            });
            let fault = match chips {
                Ok(chips) => {
                    let chips: Vec<_> = chips.into_iter().flatten().collect();
                    if chips.is_empty() {
                        watch.advance(1);
                        continue;
                    }
                    for (list, masters) in &chips {
                        let chip = Chip::new(recipe, list, masters, run.width);
                        if list.shape.npixel() > npixel {
                            npixel = list.shape.npixel();
                            first = Some(list.shape);
                        }
                        nbyte += chip.nbyte();
                        widest = widest.max(chip.pixel_nbyte());
                        scratch = scratch.max(chip.scratch_nbyte()?);
                        let packed = desk_nbyte(&list.frames[0]);
                        unpacking = unpacking.max(packed);
                        npacked += usize::from(packed > 0);
                    }
                    None
                }
                Err(Error::Stopped(signal)) => return Err(Error::Stopped(signal)),
                Err(error) => Some(error.to_string()),
            };
            text += named.path.as_os_str().len() as u64 * 3;
            run.files.push(File {
                output: PathBuf::new(),
                named,
                fault,
            });
            watch.advance(1);
        }
        if run.files.is_empty() {
            return Err(Error::NoFrames(
                "no frame meets the conditions of --where".into(),
            ));
        }
        let outputs = outputs(recipe, run.files.iter().map(|file| &file.named))?;
        for (file, output) in run.files.iter_mut().zip(outputs) {
            file.output = output;
        }
        if let Some(shape) = first {
            demand.replace(Demand {
                process: run.ground.process.0,
                nframe: run.files.len(),
                shape,
                raw_nbyte: widest,
                nplane: 1,
                out_nbyte: 0,
                text_nbyte: text,
                threads: recipe.resources.threads.min(run.files.len()),
                scratch_nbyte: scratch,
                mapped: None,
                nfile: 2 * recipe.resources.threads,
                measure_nbyte: None,
                walks: vec![nbyte],
                unpacking: run.ground.unpacking_rows(unpacking),
            });
        }
        if let Some(demand) = demand {
            run.plan = plan_with_fewer_threads(demand, recipe.resources.mem_limit)?;
        }
        run.plan.packing = Packing {
            plain: run.files.len().saturating_sub(npacked),
            by_bands: npacked,
            ..run.ground.packing()
        };
        run.plan.threads = run.plan.threads.max(1);
        run.plan.one_by_one = true;
        Ok(run)
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
        };
        let Some(list) = source::open_one(&selection, named)? else {
            return Ok(None);
        };
        if let [frame, _, ..] = &*list.frames {
            return Err(Error::frame(
                frame.name(),
                format!(
                    "is one of {} planes of a cube; frames are calibrated one image a file",
                    list.frames.len()
                ),
            ));
        }
        let every = self.recipe.frames.hdu == Hdu::All;
        let masters = source::masters(&selection, &list, every)?;
        Ok(Some((list, masters)))
    }

    /// Calibrates a file.
    fn file(&self, desk: &mut Desk, file: usize) -> Result<Done> {
        let File {
            named,
            output,
            fault,
        } = &self.files[file];
        if let Some(fault) = fault {
            return Err(Error::Choice(fault.clone()));
        }
        let hdus = self.hdus(named)?;
        let all = named.hdu.is_none() && self.recipe.frames.hdu == Hdu::All;
        let mut sink = FitsSink::create(output, self.recipe.folder.overwrite)?;
        let mut done = Done::default();
        for (number, hdu) in hdus.iter().enumerate() {
            let Some((list, masters)) = self.open(named, hdu)? else {
                continue;
            };
            let chip = Chip::new(self.recipe, &list, &masters, self.width);
            if all && number == 0 {
                sink.add(&chip.shared_header())?;
            }
            let place = all.then_some(hdu);
            let mut reduced = chip.reduce(self, desk, &mut sink, place, &mut done)?;
            reduced.output = Some(output.clone());
            // Told with the frame, so without its name.
            let name = format!("{}: ", reduced.frame);
            let notes = list.warnings.iter();
            let notes = notes.map(|note| note.strip_prefix(&name).unwrap_or(note).to_owned());
            reduced.notes = notes.collect();
            done.frames.push(reduced);
        }
        let begun = Instant::now();
        sink.finish_unflushed()?;
        done.times[2].busy += begun.elapsed();
        Ok(done)
    }

    /// What is told of a file.
    fn told(&self, file: usize, done: Result<Done>) -> Done {
        done.unwrap_or_else(|error| {
            let name = self.files[file].named.path.display().to_string();
            let fault = error.to_string();
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

    fn summary(self, done: Vec<Done>, begun: Instant) -> ReductionSummary {
        let mut all = Done::default();
        for done in done {
            all.frames.extend(done.frames);
            all.bytes += done.bytes;
            for (sum, times) in all.times.iter_mut().zip(done.times) {
                sum.add(times);
            }
        }
        let warnings = warnings(&all.frames);
        let once = self.plan.walks.last().copied().unwrap_or(0);
        let rooms = ["read", "work", "write"].into_iter().zip(all.times);
        ReductionSummary {
            folder: self.recipe.folder.path.clone(),
            version: env!("CARGO_PKG_VERSION"),
            frames: all.frames,
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

/// Plans with as many threads as find room: each may hold tiles of its frame that are as large as that.
fn plan_with_fewer_threads(mut demand: Demand, limit: ByteSize) -> Result<Plan> {
    loop {
        match demand.plan(limit) {
            Err(Error::LimitTooSmall { .. })
                if demand.threads > 1 && demand.unpacking.desk_nbyte > 0 =>
            {
                demand.threads -= 1;
            }
            plan => return plan,
        }
    }
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
