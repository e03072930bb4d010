//! The packed form of a hidden file, hidden too until it has the name. It is never kept: from the plain file it can be made again.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use tempfile::TempPath;

use super::Part;
use crate::error::{Error, Result};
use crate::sink::name::{options, remove};

/// A second file beside a hidden one; removed where it is dropped without a name.
#[derive(Debug)]
pub(in crate::sink) struct Second {
    pub(super) temporary: TempPath,
    file: File,
}

impl Part {
    /// Makes an empty second file, in the place of any that a run has left: the lock on the first keeps others out.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder refuses the file.
    pub(in crate::sink) fn second(&self) -> Result<Second> {
        let path = &self.state.hidden.packed;
        let refused = |source| Error::io(path, "cannot create", source);
        remove(path).map_err(refused)?;
        let file = options().create_new(true).open(path).map_err(refused)?;
        let temporary = TempPath::try_from_path(path).map_err(refused)?;
        Ok(Second { temporary, file })
    }
}

impl Second {
    /// What is written to.
    pub(in crate::sink) fn file(&self) -> &File {
        &self.file
    }

    /// Its bytes.
    pub(in crate::sink) fn length(&self) -> Option<u64> {
        self.file.metadata().ok().map(|about| about.len())
    }

    /// The number by which the system knows the file.
    pub(in crate::sink) fn inode(&self) -> Option<u64> {
        self.file.metadata().ok().map(|about| about.ino())
    }
}
