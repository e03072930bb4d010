//! One run: what it is asked for, what comes of it, and what it leaves.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{DefaultHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ccdstream::recipe::Io;
use ccdstream::{Error, Watch, calibrate, combine};

use crate::census;
use crate::draw::Draw;
use crate::frames::Night;
use crate::settings::{Asked, asked};
use crate::trouble::{EXISTING, Trouble};

/// What came of a run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) call: &'static str,
    pub(crate) trouble: &'static str,
    /// How it ended, in a word.
    pub(crate) end: &'static str,
    /// Files that stand in the folder of the outputs and are none.
    pub(crate) left: usize,
    /// The sum of the outputs, where there are those of the setting.
    pub(crate) sum: Option<u64>,
    /// What should not be.
    pub(crate) faults: Vec<String>,
}

/// Where runs find their frames, and where their results go.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) night: Night,
    pub(crate) out: PathBuf,
    pub(crate) seed: u64,
}

impl Place {
    /// Does run `number` with this setting, and takes its outputs away again.
    pub(crate) fn run(&self, number: usize, setting: usize) -> io::Result<Outcome> {
        fs::create_dir_all(&self.out)?;
        let mut asked = asked(
            &self.night,
            &self.out,
            &mut Draw::new(self.seed, setting as u64),
        );
        let mut draw = Draw::new(!self.seed, number as u64);
        // Neither changes a bit of the outputs.
        asked.resources().threads = draw.one_of(&[1, 1, 2, 3, 4, 8]);
        asked.resources().io = draw.one_of(&[Io::Auto, Io::Mmap, Io::Read]);
        let mut trouble = Trouble::draw(&mut draw);
        trouble.prepare(&mut asked, &self.night, census::resident()?, &mut draw)?;
        let existing = existing(&trouble, &asked)?;

        asked.sync_every(draw.one_of(&[Duration::ZERO, Duration::from_secs(5)]));

        let mut judged = self.judged(&asked, &trouble, existing.as_deref())?;
        let mut end = judged.fault.as_ref().map_or("done", word);
        if let (Trouble::Stopped(_), Some(_)) = (&trouble, &judged.fault) {
            let resume = draw.percent(60);
            asked.again(resume);
            let before = judged.faults;
            judged = self.judged(&asked, &Trouble::None, None)?;
            judged.faults.extend(before);
            end = again(end, resume);
        }
        let sum = match (&trouble, &judged.fault) {
            (Trouble::None | Trouble::TightLimit | Trouble::Stopped(_), None) => {
                Some(sum(&judged.outputs)?)
            }
            _ => None,
        };
        fs::remove_dir_all(&self.out)?;
        Ok(Outcome {
            call: asked.name(),
            trouble: trouble.name(),
            end,
            left: judged.left,
            sum,
            faults: judged.faults,
        })
    }

    /// Carries it out, and looks whether it ended as it may, within its limit, and left nothing that it should not.
    fn judged(
        &self,
        asked: &Asked,
        trouble: &Trouble,
        existing: Option<&Path>,
    ) -> io::Result<Judged> {
        let is_peak_known = census::forget_peak();
        let Ended {
            outputs,
            fault,
            told,
        } = carried_out(asked, trouble);
        let peak = census::peak()?;

        let mut faults = Vec::new();
        if !trouble.may_end(fault.as_ref()) {
            let end = fault.as_ref().map_or("it is done".into(), Error::to_string);
            faults.push(format!("not to be expected: {end} {told}"));
        }
        let limit = asked.limit();
        if is_peak_known && fault.is_none() && peak > limit.0 >> 10 {
            faults.push(format!("took {peak} KiB of {limit}"));
        }
        if let Some(path) = existing
            && fs::read(path)? != EXISTING
        {
            faults.push(format!("{} was replaced", path.display()));
        }
        // These can be taken up, by what stands hidden beside the outputs.
        let is_kept = matches!(
            fault,
            Some(Error::Interrupted { .. } | Error::StoppedBetween { .. } | Error::Failed { .. })
        );
        let left: Vec<PathBuf> = files(&self.out)?
            .into_iter()
            .filter(|path| !outputs.contains(path) && Some(path.as_path()) != existing)
            .filter(|path| !self.is_done_before_a_fault(path, fault.as_ref()))
            .filter(|path| !(is_kept && is_hidden(path)))
            .collect();
        if !left.is_empty() {
            faults.push(format!("left are {left:?}"));
        }
        Ok(Judged {
            outputs,
            fault,
            left: left.len(),
            faults,
        })
    }

    /// Whether a file is a calibrated frame of a run that was ended behind it: whole under its name.
    fn is_done_before_a_fault(&self, path: &Path, fault: Option<&Error>) -> bool {
        fault.is_some() && !is_hidden(path) && path.parent() != Some(&self.out)
    }
}

/// Puts something in the place of the output, where that is the trouble.
fn existing(trouble: &Trouble, asked: &Asked) -> io::Result<Option<PathBuf>> {
    if !matches!(trouble, Trouble::Exists) {
        return Ok(None);
    }
    let path = match asked {
        Asked::Combine(recipe) => recipe.output.path.clone(),
        // A file where the folder is to be.
        Asked::Calibrate(recipe) => recipe.folder.path.clone(),
    };
    fs::write(&path, EXISTING)?;
    Ok(Some(path))
}

/// How a run ended that was looked at.
#[derive(Debug)]
struct Judged {
    outputs: BTreeSet<PathBuf>,
    fault: Option<Error>,
    left: usize,
    faults: Vec<String>,
}

/// How a run ended.
#[derive(Debug, Default)]
struct Ended {
    outputs: BTreeSet<PathBuf>,
    fault: Option<Error>,
    /// What is told of the first frame that failed.
    told: String,
}

/// Carries it out, while what goes wrong happens.
fn carried_out(asked: &Asked, trouble: &Trouble) -> Ended {
    let (watch, over) = (Watch::default(), AtomicBool::new(false));
    thread::scope(|scope| {
        if matches!(trouble, Trouble::Stopped(_) | Trouble::Shrinks(_)) {
            scope.spawn(|| trouble.happen(&watch, &over));
        }
        let ended = match asked {
            Asked::Combine(recipe) => combine(recipe, &watch).map(|summary| Ended {
                outputs: BTreeSet::from([summary.output]),
                ..Ended::default()
            }),
            Asked::Calibrate(recipe) => calibrate(recipe, &watch).map(|summary| Ended {
                fault: summary.complete().err(),
                told: summary
                    .frames
                    .iter()
                    .find_map(|f| f.fault.clone())
                    .unwrap_or_default(),
                outputs: summary
                    .frames
                    .into_iter()
                    .filter_map(|frame| frame.output)
                    .collect(),
            }),
        };
        over.store(true, Ordering::Relaxed);
        ended.unwrap_or_else(|error| Ended {
            fault: Some(error),
            ..Ended::default()
        })
    })
}

/// Whether a file is one of those that stand beside an output while it is made.
fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.is_none_or(|name| name.starts_with('.'))
}

/// Every file below a folder.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}

/// A sum over the names and bytes of files.
fn sum(paths: &BTreeSet<PathBuf>) -> io::Result<u64> {
    let mut hasher = DefaultHasher::new();
    for path in paths {
        hasher.write(path.as_os_str().as_encoded_bytes());
        hasher.write(&fs::read(path)?);
    }
    Ok(hasher.finish())
}

/// An error in a word or two.
fn word(error: &Error) -> &'static str {
    match error {
        Error::Choice(_) | Error::Value { .. } => "choice",
        Error::NoFrames(_) => "no frames",
        Error::Frame { .. } => "frame",
        Error::Damaged(_) => "damaged",
        Error::Shapes { .. } => "shapes",
        Error::Failed { .. } => "some failed",
        Error::LimitTooSmall { .. } => "limit",
        Error::Output { .. } => "output",
        Error::Stopped(_) => STOPPED,
        Error::Interrupted { .. } => INTERRUPTED,
        Error::StoppedBetween { .. } => BETWEEN,
        _ => "other",
    }
}

const STOPPED: &str = "stopped";
const INTERRUPTED: &str = "interrupted";
const BETWEEN: &str = "stopped between";

/// What a run came to that was stopped and done again.
fn again(end: &str, resume: bool) -> &'static str {
    match (end, resume) {
        (STOPPED, true) => "stopped, with --resume done",
        (STOPPED, false) => "stopped, again done",
        (INTERRUPTED, true) => "interrupted, with --resume done",
        (INTERRUPTED, false) => "interrupted, again done",
        (BETWEEN, true) => "stopped between, with --resume done",
        (BETWEEN, false) => "stopped between, again done",
        _ => "ended otherwise",
    }
}
