//! The hidden file that an output is until it is whole, and beside it the state from which an interrupted run is taken up.
//!
//! A lock on the hidden file keeps two runs of one output apart. What is left of a run that was killed is cleared by the next run of the
//! same output, or taken up by it.

mod beside;
mod second;

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use tempfile::TempPath;

use super::name::{self, Hidden, options, remove};
use super::state::{StateFile, read};
use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::runs::Runs;
pub(super) use second::Second;

/// How often a file that was opened may turn out to be gone, or to have its name, by the time that it is locked.
const TRIES: usize = 16;
/// How long another run may take to let go of the file.
const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that are read at a time where what is there is summed up.
const PIECE: usize = 64 << 10;

/// The hidden file of an output; where it is dropped, it is removed with its state, unless it is to be kept.
#[derive(Debug)]
pub(crate) struct Part {
    /// Goes first: a state without its file is that of an output that has its name.
    state: StatePaths,
    temporary: TempPath,
    file: File,
}

/// The files of the state.
#[derive(Debug)]
struct StatePaths {
    hidden: Hidden,
    kept: bool,
}

impl Drop for StatePaths {
    fn drop(&mut self) {
        if !self.kept {
            // What is not there need not be removed; what cannot be removed is cleared by the next run.
            let _ = remove(&self.hidden.state).and_then(|()| remove(&self.hidden.draft));
            let _ = remove(&self.hidden.packed);
            let _ = remove(&self.hidden.beside);
        }
    }
}

/// What an earlier run of an output has left.
#[derive(Debug)]
pub(crate) enum Leftover<S> {
    /// Nothing.
    None,
    /// Its hidden file; and its state, if that was written and can be read.
    Part(Part, Option<S>),
    /// A state alone: the run ended, or was to end, between giving the file its name and removing the state.
    State(S),
}

impl Part {
    /// Makes an empty hidden file beside `path`, in the place of any that a run has left.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where `path` exists and is not to be replaced, is not a regular file, has no folder, or another run is writing it;
    /// [`Error::Io`] where the folder refuses the file.
    pub(super) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        name::vacant(path, overwrite)?;
        let hidden = Hidden::beside(path)?;
        let folder = name::folder(path);
        if !folder.is_dir() {
            return Err(Error::Output {
                path: path.into(),
                fault: format!("there is no folder {}; make it first", folder.display()),
            });
        }
        let refused = |source| Error::io(path, "cannot create", source);
        for _ in 0..TRIES {
            if let Some(left) = Self::find(path, &hidden)? {
                // Not emptied but removed: it may be the output itself under a second name.
                left.discard();
            }
            remove(&hidden.state)
                .and_then(|()| remove(&hidden.draft))
                .and_then(|()| remove(&hidden.packed))
                .and_then(|()| remove(&hidden.beside))
                .map_err(refused)?;
            let new = options().create_new(true).open(&hidden.part);
            match new {
                Ok(file) => {
                    if let Some(mut part) = Self::locked(path, &hidden, file)? {
                        part.keep(false);
                        return Ok(part);
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(refused(e)),
            }
        }
        Err(busy(path, &hidden))
    }

    /// The hidden file that a run has left, locked and to be kept; `None` where there is none.
    fn find(path: &Path, hidden: &Hidden) -> Result<Option<Self>> {
        for _ in 0..TRIES {
            let file = match options().open(&hidden.part) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(e) => return Err(Error::io(&hidden.part, "cannot open", e)),
            };
            if let Some(part) = Self::locked(path, hidden, file)? {
                // A state that its run did not come to finish counts for nothing.
                let _ = remove(&hidden.draft);
                return Ok(Some(part));
            }
        }
        Err(busy(path, hidden))
    }

    /// Locks the hidden file; `None` where it is no longer the one that stands there.
    fn locked(path: &Path, hidden: &Hidden, file: File) -> Result<Option<Self>> {
        let refused = |source| Error::io(&hidden.part, "cannot open", source);
        let about = file.metadata().map_err(refused)?;
        if !about.is_file() {
            return Err(Error::Output {
                path: hidden.part.clone(),
                fault: "is in the way of the temporary file; remove it".into(),
            });
        }
        if !lock(&file) {
            return Err(busy(path, hidden));
        }
        let same = |now: Metadata| (now.dev(), now.ino()) == (about.dev(), about.ino());
        if !hidden.part.symlink_metadata().is_ok_and(same) {
            return Ok(None);
        }
        let mut temporary = TempPath::try_from_path(&hidden.part).map_err(refused)?;
        temporary.disable_cleanup(true);
        let state = StatePaths {
            hidden: hidden.clone(),
            kept: true,
        };
        Ok(Some(Self {
            state,
            temporary,
            file,
        }))
    }

    /// Whether the file and its state stay when this is dropped; returns whether they can, for somebody may have removed the file.
    pub(crate) fn keep(&mut self, kept: bool) -> bool {
        let kept = kept && self.is(&self.state.hidden.part);
        self.state.kept = kept;
        self.temporary.disable_cleanup(kept);
        kept
    }

    /// Removes the file and its state.
    pub(crate) fn discard(mut self) {
        self.keep(false);
    }

    /// What is written to.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// The number by which the system knows the file, whatever its name.
    pub(crate) fn inode(&self) -> Result<u64> {
        let about = self.file.metadata();
        about.map(|about| about.ino()).map_err(|e| self.refused(e))
    }

    /// Whether the file stands under this name.
    pub(crate) fn is(&self, path: &Path) -> bool {
        let known = |about: &Metadata| (about.dev(), about.ino());
        let other = path.symlink_metadata().as_ref().map(known).ok();
        other.is_some() && self.file.metadata().as_ref().map(known).ok() == other
    }

    /// The sum of these runs of pixels of so many bytes each, of an image that begins at byte `start` of this file, or of the one beside
    /// it; `None` where that does not have them. `go_on` is asked again and again whether to.
    ///
    /// # Errors
    ///
    /// Those of `go_on`, and [`Error::Io`] where the file cannot be read.
    pub(crate) fn sum(
        &self,
        (start, nbyte, beside): (u64, u64, Option<&File>),
        runs: &Runs,
        go_on: impl Fn() -> Result<()>,
    ) -> Result<Option<Sum>> {
        let file = beside.unwrap_or(&self.file);
        let mut sum = Sum::default();
        let mut piece = vec![0; PIECE];
        for run in runs.iter() {
            let bytes = |pixel: usize| u64::try_from(pixel).ok()?.checked_mul(nbyte);
            let (Some(mut at), Some(end)) = (bytes(run.start), bytes(run.end)) else {
                return Ok(None);
            };
            while at < end {
                go_on()?;
                let length = usize::try_from(end - at).map_or(PIECE, |rest| rest.min(PIECE));
                let Some(place) = start.checked_add(at) else {
                    return Ok(None);
                };
                match file.read_exact_at(&mut piece[..length], place) {
                    Ok(()) => sum.add(at, &piece[..length]),
                    Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                    Err(e) => return Err(Error::io(&self.state.hidden.part, "cannot read", e)),
                }
                at += length as u64;
            }
        }
        Ok(Some(sum))
    }

    /// What writes its state.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system has no descriptor left.
    pub(super) fn state(&self, path: &Path, beside: Option<File>) -> Result<StateFile> {
        let part = self.file.try_clone().map_err(|e| self.refused(e))?;
        Ok(StateFile::new(
            path,
            &self.state.hidden,
            [Some(part), beside],
        ))
    }

    /// Gives the file, or its packed form, the name, brings that to the disk if it is to be `flushed`, and removes the state and what is
    /// not needed any more. Where that fails, file and state stay if they are to be kept.
    pub(super) fn give_name(
        self,
        packed: Option<Second>,
        path: &Path,
        overwrite: bool,
        flushed: bool,
    ) -> Result<()> {
        let Self {
            mut state,
            temporary,
            file: _locked,
        } = self;
        let (named, plain) = match packed {
            None => (temporary, None),
            Some(packed) => (packed.temporary, Some(temporary)),
        };
        if let Err(error) = name::give(named, path, overwrite) {
            state.kept &= state.hidden.part.is_file();
            return Err(error);
        }
        if flushed {
            name::flush(name::folder(path));
        }
        if let Some(mut plain) = plain {
            plain.disable_cleanup(false);
        }
        state.kept = false;
        Ok(())
    }

    fn refused(&self, source: io::Error) -> Error {
        Error::io(&self.state.hidden.part, "cannot open", source)
    }
}

/// Looks for what an earlier run of an output has left, and locks it against others.
///
/// # Errors
///
/// [`Error::Output`] where another run is writing it, [`Error::Io`] where it cannot be opened.
pub(crate) fn leftover<S: DeserializeOwned>(path: &Path) -> Result<Leftover<S>> {
    let hidden = Hidden::beside(path)?;
    let part = Part::find(path, &hidden)?;
    let state = read(&hidden.state)?;
    Ok(match (part, state) {
        (Some(part), state) => Leftover::Part(part, state),
        (None, Some(state)) => Leftover::State(state),
        (None, None) => Leftover::None,
    })
}

/// The number by which the system knows a file.
pub(crate) fn inode(path: &Path) -> Option<u64> {
    path.symlink_metadata().ok().map(|about| about.ino())
}

/// Whether there is something to take up of an output.
pub(crate) fn has_leftover(path: &Path) -> bool {
    Hidden::beside(path).is_ok_and(|hidden| hidden.part.is_file() && hidden.state.is_file())
}

/// Removes what a run that was killed has left of an output that got its name: the plain form of a packed one.
pub(crate) fn clear(path: &Path) {
    let Ok(hidden) = Hidden::beside(path) else {
        return;
    };
    // What another run has in hand is left alone.
    if hidden.part.is_file()
        && let Ok(Some(left)) = Part::find(path, &hidden)
    {
        left.discard();
    }
}

/// Removes what is left of an output that has its name: the state, and the plain form of a packed one.
pub(crate) fn forget(path: &Path) {
    if let Ok(hidden) = Hidden::beside(path) {
        // What cannot be removed is cleared by the next run.
        let _ = remove(&hidden.part);
        drop(StatePaths {
            hidden,
            kept: false,
        });
    }
}

/// Locks a file; returns whether nobody else has it.
fn lock(file: &File) -> bool {
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return true,
            // A run that was killed lets go only when the disk has done what it was at.
            Err(TryLockError::WouldBlock) if begun.elapsed() < PATIENCE => {
                thread::sleep(Duration::from_millis(50));
            }
            Err(TryLockError::WouldBlock) => return false,
            // Some network file systems have no locks; there nothing keeps two runs apart but whoever starts them.
            Err(TryLockError::Error(e)) => {
                tracing::info!("runs of one output cannot be told apart here: {e}");
                return true;
            }
        }
    }
}

fn busy(path: &Path, hidden: &Hidden) -> Error {
    Error::Output {
        path: path.into(),
        fault: format!(
            "another run is writing it right now, to {}; wait for it, or choose another name",
            hidden.part.display()
        ),
    }
}
