//! What goes wrong with a run: some end in an error, some are stopped, and a frame of some is cut short while they read it.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use ccdstream::recipe::Frames;
use ccdstream::{ByteSize, Error, Walk, Watch};

use crate::draw::Draw;
use crate::frames::Night;
use crate::settings::{Asked, path};

/// The signal that runs are told to be stopped by: SIGTERM.
const SIGNAL: i32 = 15;
/// What stands where an output is to go that exists.
pub(crate) const EXISTING: &[u8] = b"not to be replaced";

/// What goes wrong with a run.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// The limit may be too small: so much above what the process takes now.
    TightLimit,
    /// The limit is too small.
    SmallLimit,
    /// A frame is not there.
    Missing,
    /// A frame is cut short.
    CutShort,
    /// There is something in the place of the output.
    Exists,
    /// No frame has what its header must say.
    NoFrames,
    /// Choices that do not go together.
    Choice,
    /// The run is stopped at a moment.
    Stopped(Moment),
    /// A frame is cut short at a moment.
    Shrinks(Moment),
}

/// A moment of a run: in this walk or behind it, when this part of it is done.
#[derive(Clone, Debug)]
pub(crate) struct Moment {
    walk: u8,
    part: f64,
    /// The frame that is cut short then.
    frame: PathBuf,
}

impl Trouble {
    /// What happens to a run; to more than every other nothing.
    pub(crate) fn draw(draw: &mut Draw) -> Self {
        let moment = Moment {
            walk: u8::try_from(draw.below(3)).expect("a small number"),
            part: draw.uniform(),
            frame: PathBuf::new(),
        };
        match draw.below(100) {
            0..8 => Self::TightLimit,
            8..12 => Self::SmallLimit,
            12..16 => Self::Missing,
            16..20 => Self::CutShort,
            20..24 => Self::Exists,
            24..27 => Self::NoFrames,
            27..30 => Self::Choice,
            30..38 => Self::Stopped(moment),
            38..44 => Self::Shrinks(moment),
            _ => Self::None,
        }
    }

    /// Its name.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::None => "",
            Self::TightLimit => "tight limit",
            Self::SmallLimit => "small limit",
            Self::Missing => "missing frame",
            Self::CutShort => "cut-short frame",
            Self::Exists => "existing output",
            Self::NoFrames => "no frames",
            Self::Choice => "wrong choice",
            Self::Stopped(_) => "stop",
            Self::Shrinks(_) => "shrinking frame",
        }
    }

    /// Prepares it. `resident` is what the process takes, in KiB.
    pub(crate) fn prepare(
        &mut self,
        asked: &mut Asked,
        night: &Night,
        resident: u64,
        draw: &mut Draw,
    ) -> io::Result<()> {
        match self {
            Self::None | Self::Exists | Self::Stopped(_) => {}
            Self::TightLimit => {
                let more = draw.one_of(&[4, 8, 12, 20, 32, 48]) << 20;
                asked.resources().mem_limit = ByteSize((resident << 10) + more);
            }
            Self::SmallLimit => asked.resources().mem_limit = ByteSize(1 << 20),
            Self::Missing => {
                let missing = night.cut_short().with_file_name("missing.fits");
                add(asked.frames(), &missing);
            }
            Self::CutShort => {
                add(asked.frames(), &night.cut_short());
            }
            Self::NoFrames => {
                let none = "OBJECT=nothing".parse().expect("a condition");
                asked.frames().conditions.push(none);
            }
            Self::Choice => asked.resources().threads = 0,
            Self::Shrinks(moment) => {
                moment.frame = night.shrinking()?;
                asked.frames().names.push(path(&moment.frame));
            }
        }
        Ok(())
    }

    /// Waits for the moment of it while the run goes on, and lets it happen.
    pub(crate) fn happen(&self, watch: &Watch, over: &AtomicBool) {
        let (Self::Stopped(moment) | Self::Shrinks(moment)) = self else {
            return;
        };
        while !moment.has_come(watch) {
            if over.load(Ordering::Relaxed) {
                return;
            }
            thread::sleep(Duration::from_micros(20));
        }
        match self {
            Self::Stopped(_) => watch.stop(SIGNAL),
            _ => {
                let file = File::options().write(true).open(&moment.frame);
                // Of a frame that cannot be cut short the run makes what it would have made anyway.
                let _ = file.and_then(|file| file.set_len(3000));
            }
        }
    }

    /// Whether a run may end so.
    pub(crate) fn may_end(&self, fault: Option<&Error>) -> bool {
        let fault = match fault {
            Some(Error::Interrupted { source, .. }) => Some(source.as_ref()),
            other => other,
        };
        let of_frames = |error: &Error| {
            matches!(
                error,
                Error::Damaged(_)
                    | Error::Frame { .. }
                    | Error::Io { .. }
                    | Error::Failed { .. }
                    | Error::Shapes { .. }
                    | Error::NoFrames(_)
            )
        };
        let Some(error) = fault else {
            return matches!(
                self,
                Self::None | Self::TightLimit | Self::Stopped(_) | Self::Shrinks(_)
            );
        };
        match self {
            Self::None => false,
            Self::TightLimit | Self::SmallLimit => matches!(error, Error::LimitTooSmall { .. }),
            Self::Missing | Self::CutShort | Self::Shrinks(_) => of_frames(error),
            Self::Exists => matches!(error, Error::Output { .. } | Error::Failed { .. }),
            Self::NoFrames => matches!(error, Error::NoFrames(_)),
            Self::Choice => matches!(error, Error::Choice(_)),
            Self::Stopped(_) => {
                matches!(error, Error::Stopped(_) | Error::StoppedBetween { .. })
            }
        }
    }
}

/// Adds a frame without which no run can do.
fn add(frames: &mut Frames, frame: &Path) {
    let frame = path(frame);
    if !frames.names.contains(&frame) {
        frames.names.push(frame);
    }
    frames.skip_bad = false;
}

impl Moment {
    fn has_come(&self, watch: &Watch) -> bool {
        let (walk, done, total) = watch.progress();
        let walk = match walk {
            Walk::Opening | Walk::Unpacking => 0,
            Walk::Measuring => 1,
            Walk::Combining | Walk::Calibrating => 2,
            Walk::Packing => 3,
        };
        let part = total > 0 && done as f64 >= self.part * total as f64;
        walk > self.walk || walk == self.walk && part
    }
}
