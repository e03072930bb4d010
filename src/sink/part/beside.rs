//! A file beside the hidden one: kept with it, and removed with it.

use std::fs::File;
use std::io;

use super::Part;
use crate::error::{Error, Result};
use crate::sink::name::{options, remove};

impl Part {
    /// Makes such a file, in the place of any that a run has left: the lock on the first keeps others out.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder refuses it.
    pub(in crate::sink) fn new_beside(&self) -> Result<File> {
        let path = &self.state.hidden.beside;
        let refused = |source| Error::io(path, "cannot create", source);
        remove(path).map_err(refused)?;
        options().create_new(true).open(path).map_err(refused)
    }

    /// The one that a run has left; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where it cannot be opened.
    pub(crate) fn beside(&self) -> Result<Option<File>> {
        let path = &self.state.hidden.beside;
        match options().open(path) {
            Ok(file) => Ok(Some(file)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(path, "cannot open", e)),
        }
    }
}
