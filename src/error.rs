//! What can go wrong, where, and what would help.

use std::path::PathBuf;

use crate::shape::Shape;
use crate::units::ByteSize;

/// The result of anything that can fail here.
pub type Result<T> = std::result::Result<T, Error>;

/// What went wrong: every variant names the file or the flag at fault.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    // ── the choices of the user: found without opening a frame ──
    /// A value that does not read.
    #[error("{what} '{text}': expected {expected}")]
    Value {
        /// What was being read, with its flag: `--clip`.
        what: &'static str,
        /// What was typed.
        text: String,
        /// The form that would do.
        expected: String,
    },
    /// Choices that do not go together.
    #[error("{0}")]
    Choice(String),

    // ── the frames ──
    /// There is nothing to combine.
    #[error("no frames: {0}")]
    NoFrames(String),
    /// A frame that cannot be used; `fault` says why and what would help.
    #[error("{frame}: {fault}")]
    Frame {
        /// The frame, by file name and HDU or plane.
        frame: String,
        /// What is wrong with it and what would help.
        fault: String,
    },
    /// A frame that is damaged: its file cannot be opened, is no FITS file that can be read, is cut short or contradicts itself.
    #[error("{0}; --skip-bad leaves damaged frames out")]
    Damaged(Box<Error>),
    /// Frames of different shapes.
    #[error(
        "{frame}: {shape} pixels, but {first} has {first_shape}; only frames of one shape combine"
    )]
    Shapes {
        /// The frame that differs.
        frame: String,
        /// Its shape.
        shape: Shape,
        /// The first frame.
        first: String,
        /// The shape of the first frame.
        first_shape: Shape,
    },

    /// Some frames of many could not be used; each has been told.
    #[error("{failed} of {frames} frames could not be calibrated{}", if failed < frames { "; the others are written" } else { "" })]
    Failed {
        /// How many.
        failed: usize,
        /// How many there were.
        frames: usize,
    },

    /// A value of the result that the type of its pixels cannot hold.
    #[error("{pixel}: {fault}")]
    Misfit {
        /// Which pixel.
        pixel: String,
        /// Its value, what would fit, and what would help.
        fault: String,
    },

    // ── the machine ──
    /// Not even the smallest tile fits in the memory limit.
    #[error("--mem-limit {limit} is too small: {frames} frames need at least {needed}; try --mem-limit {}", needed_flag(*.needed))]
    LimitTooSmall {
        /// The limit asked for.
        limit: ByteSize,
        /// The smallest limit that would do.
        needed: ByteSize,
        /// How many frames there are.
        frames: usize,
    },
    /// The system refused an operation on a file.
    #[error("{}: {doing}: {source}{}", path.display(), advice(source))]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What was being done: `cannot open`.
        doing: &'static str,
        /// The system's own reason.
        source: std::io::Error,
    },
    /// Frames cannot be unpacked to the folder of temporary files.
    #[error("{}: {fault}; choose another --temp-dir, or unpack them first", folder.display())]
    Temporary {
        /// The folder.
        folder: PathBuf,
        /// What is wrong with it.
        fault: String,
    },
    /// The output cannot be written as asked; says what would help.
    #[error("{}: {fault}", path.display())]
    Output {
        /// The output.
        path: PathBuf,
        /// What is wrong and what would help.
        fault: String,
    },
    /// The system refused something that is not a file: a thread, memory.
    #[error("{0}")]
    System(String),

    /// The run was asked to stop by this signal.
    #[error("stopped by signal {0}; no output was written")]
    Stopped(i32),
    /// The run was cut short, but what it has done is kept.
    #[error("{source}; {done}, and that is kept: to go on, the same command with --resume")]
    Interrupted {
        /// What cut it short.
        source: Box<Error>,
        /// How far it came: `62 % of it is done`.
        done: String,
    },
    /// The run that was to be taken up was another one.
    #[error("{}: its interrupted run cannot be taken up: {what}; leave out --resume to start afresh", path.display())]
    NotTakenUp {
        /// The output.
        path: PathBuf,
        /// What has changed since.
        what: String,
    },
    /// The output that a run was to be taken up for is there already: nothing was done, and nothing is wrong.
    #[error("{}: is finished already; nothing is left to do", path.display())]
    Finished {
        /// The output.
        path: PathBuf,
    },
    /// The run was asked to stop when some of its frames, each an output of its own, were done.
    #[error(
        "stopped by signal {signal}; {done} of {frames} frames are calibrated and written, of the others nothing is: to go on, the same command with --resume"
    )]
    StoppedBetween {
        /// The signal.
        signal: i32,
        /// How many frames are done.
        done: usize,
        /// How many there were.
        frames: usize,
    },
}

/// Too many files are open: in the system, in the process. The standard library has no name for them.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;

/// The size in whole kibibytes, rounded up, as `--mem-limit` takes it.
fn needed_flag(needed: ByteSize) -> String {
    format!("{}K", needed.0.div_ceil(1024))
}

/// What would help, for the errors of the system that users meet.
fn advice(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as K;
    match source.kind() {
        K::StorageFull | K::QuotaExceeded => {
            "; free some space, or choose another place for --output"
        }
        K::FileTooLarge => "; a limit on file sizes is in force (see ulimit -f)",
        K::PermissionDenied => "; check the permissions of the file and its folder",
        K::ReadOnlyFilesystem => "; choose another place for --output",
        _ => "",
    }
}

impl Error {
    /// The exit status of a program that ends with this error: 2 for the command line, 1 for anything else,
    /// 128 plus the number of the signal that stopped the run, 0 where the output was there already.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Value { .. } | Self::Choice(_) => 2,
            Self::Stopped(signal) | Self::StoppedBetween { signal, .. } => {
                u8::try_from(128 + signal).unwrap_or(1)
            }
            Self::Interrupted { source, .. } => source.exit_code(),
            Self::Finished { .. } => 0,
            _ => 1,
        }
    }

    /// The same, of a run over `frames` frames with an output each, of which `done` were finished: a stop leaves those.
    pub(crate) fn with_done(self, done: usize, frames: usize) -> Self {
        match self {
            Self::Stopped(signal) if done > 0 => Self::StoppedBetween {
                signal,
                done,
                frames,
            },
            other => other,
        }
    }

    /// A frame that cannot be used, and why.
    pub(crate) fn frame(frame: impl Into<String>, fault: impl Into<String>) -> Self {
        Self::Frame {
            frame: frame.into(),
            fault: fault.into(),
        }
    }

    /// An interrupted run of the output `path` that cannot be taken up, for this has changed.
    pub(crate) fn not_taken_up(path: impl Into<PathBuf>, what: impl Into<String>) -> Self {
        Self::NotTakenUp {
            path: path.into(),
            what: what.into(),
        }
    }

    /// The same as the fault of a damaged frame, unless the machine is at fault: it has no memory, disk or descriptors left.
    pub(crate) fn damaged(self) -> Self {
        use std::io::ErrorKind as K;
        let of_machine = |e: &std::io::Error| {
            matches!(e.kind(), K::OutOfMemory | K::StorageFull | K::QuotaExceeded)
                || matches!(e.raw_os_error(), Some(ENFILE | EMFILE))
        };
        match self {
            Self::Frame { .. } => Self::Damaged(Box::new(self)),
            Self::Io { ref source, .. } if !of_machine(source) => Self::Damaged(Box::new(self)),
            other => other,
        }
    }

    /// An operation on `path` that the system refused.
    pub(crate) fn io(
        path: impl Into<PathBuf>,
        doing: &'static str,
        source: std::io::Error,
    ) -> Self {
        Self::Io {
            path: path.into(),
            doing,
            source,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn a_machine_without_descriptors_or_room_makes_no_frame_damaged() {
        let io = |source: io::Error| Error::io("f.fits", "cannot open", source).damaged();
        for kind in [io::ErrorKind::NotFound, io::ErrorKind::PermissionDenied] {
            let error = io(kind.into());
            assert!(matches!(error, Error::Damaged(_)), "{error}");
            assert_eq!(error.exit_code(), 1);
            assert!(
                error
                    .to_string()
                    .ends_with("; --skip-bad leaves damaged frames out")
            );
        }
        let failed_disk = io(io::Error::from_raw_os_error(5));
        assert!(matches!(failed_disk, Error::Damaged(_)));
        for number in [ENFILE, EMFILE, 12, 28] {
            let error = io(io::Error::from_raw_os_error(number));
            assert!(matches!(error, Error::Io { .. }), "{error}");
        }
        assert!(matches!(
            Error::frame("f.fits", "is empty").damaged(),
            Error::Damaged(_)
        ));
        assert!(matches!(Error::Stopped(2).damaged(), Error::Stopped(2)));
    }
}
