//! The state of an output that is not whole yet: a small file beside it, replaced as a whole, so that it can be read at any time.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::name::{self, FLAGS, Hidden, options, remove};
use crate::error::{Error, Result};

/// What a state file says; `None` where there is none, or it does not read.
pub(super) fn read<S: DeserializeOwned>(path: &Path) -> Result<Option<S>> {
    match File::options().read(true).custom_flags(FLAGS).open(path) {
        Ok(file) => {
            let state = serde_json::from_reader(BufReader::new(file));
            Ok(state
                .map_err(|e| tracing::info!("{}: {e}", path.display()))
                .ok())
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io(path, "cannot open", e)),
    }
}

/// Writes the state of a hidden file; from any thread.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    hidden: Hidden,
    /// The hidden file, and the one beside it.
    files: [Option<File>; 2],
    /// Whether it is on the disk that the folder has the hidden file.
    is_listed: AtomicBool,
}

impl StateFile {
    /// The state of the hidden files of the output `path`.
    pub(super) fn new(path: &Path, hidden: &Hidden, files: [Option<File>; 2]) -> Self {
        Self {
            path: path.into(),
            hidden: hidden.clone(),
            files,
            is_listed: AtomicBool::new(false),
        }
    }

    /// The output.
    pub(crate) fn output(&self) -> &Path {
        &self.path
    }

    /// Writes a state under a name of its own, where it does not count yet.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn draft(&self, state: &impl Serialize) -> io::Result<File> {
        let file = options()
            .create(true)
            .truncate(true)
            .open(&self.hidden.draft)?;
        let mut writer = BufWriter::new(file);
        serde_json::to_writer(&mut writer, state)?;
        writer.flush()?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)
    }

    /// Waits until what was written to the hidden file is on its disk.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses: what it has is not known then.
    pub(crate) fn sync(&self) -> Result<()> {
        for file in self.files.iter().flatten() {
            file.sync_data()
                .map_err(|source| Error::io(&self.path, "cannot write", source))?;
        }
        if !self.is_listed.swap(true, Ordering::Relaxed) {
            name::flush(name::folder(&self.path));
        }
        Ok(())
    }

    /// Makes a draft the state.
    ///
    /// # Errors
    ///
    /// Those of the system.
    pub(crate) fn publish(&self, draft: &File) -> io::Result<()> {
        draft.sync_data()?;
        fs::rename(&self.hidden.draft, &self.hidden.state)
    }

    /// Removes a draft that does not become the state.
    pub(crate) fn withdraw(&self) {
        // The next draft, or the next run, replaces what cannot be removed.
        let _ = remove(&self.hidden.draft);
    }
}
