//! The folder of temporary files, and the space that is left there.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::sys;
use crate::units::ByteSize;

/// After so many bytes it is looked again whether what is promised still has space.
const LOOK_AGAIN: u64 = 64 << 20;

/// A folder, and how many bytes are to come that have been promised space there.
#[derive(Debug)]
pub(super) struct Space {
    folder: PathBuf,
    promised: Mutex<u64>,
}

/// Bytes that are still to come.
#[derive(Debug)]
pub(super) struct Promise<'a> {
    space: &'a Space,
    left: u64,
    /// How many came since it was looked.
    since: u64,
}

impl Space {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            promised: Mutex::default(),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// A new file without a name: it is gone with its last descriptor and map, however the run ends.
    pub(super) fn file(&self) -> Result<File> {
        tempfile::tempfile_in(&self.folder).map_err(|e| self.refused(e))
    }

    /// Promises space for so many bytes, if there is as much beside all that has been promised; `what` is unpacked.
    pub(super) fn promise(&self, nbyte: u64, what: &str) -> Result<Promise<'_>> {
        let mut promised = self.lock();
        let wanted = promised.saturating_add(nbyte);
        self.look(wanted, what)?;
        *promised = wanted;
        Ok(Promise {
            space: self,
            left: nbyte,
            since: 0,
        })
    }

    fn lock(&self) -> MutexGuard<'_, u64> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is space for so many bytes. Where the system does not say, writing shows it.
    fn look(&self, wanted: u64, what: &str) -> Result<()> {
        match sys::free_space(&self.folder) {
            Ok(free) if free < wanted => Err(self.fault(&format!(
                "{what}, unpacked, and what else is to come need {} here, and {} are free",
                ByteSize(wanted),
                ByteSize(free)
            ))),
            _ => Ok(()),
        }
    }

    /// What is said where the system refuses a temporary file.
    #[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
    pub(super) fn refused(&self, reason: io::Error) -> Error {
        let why = match reason.kind() {
            io::ErrorKind::FileTooLarge => "; a limit on file sizes is in force (see ulimit -f)",
            _ => "",
        };
        self.fault(&format!("cannot unpack frames here: {reason}{why}"))
    }

    fn fault(&self, fault: &str) -> Error {
        Error::Temporary {
            folder: self.folder.clone(),
            fault: fault.to_owned(),
        }
    }
}

impl Promise<'_> {
    /// Notes that so many bytes came.
    pub(super) fn keep(&mut self, nbyte: u64) -> Result<()> {
        let kept = nbyte.min(self.left);
        self.left -= kept;
        self.since += nbyte;
        let mut promised = self.space.lock();
        *promised -= kept;
        if self.since >= LOOK_AGAIN {
            self.since = 0;
            self.space.look(*promised, "frames")?;
        }
        Ok(())
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        *self.space.lock() -= self.left;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_space_is_promised_than_there_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let space = Space::new(folder.path());
        let mut one = space.promise(1000, "a").expect("there is space");
        let two = space.promise(500, "b").expect("there is space");
        one.keep(400).expect("there is space");
        assert_eq!(*space.lock(), 1100);
        drop(two);
        assert_eq!(*space.lock(), 600);
        let said = space
            .promise(u64::MAX / 2, "c")
            .expect_err("there is not")
            .to_string();
        assert!(
            said.contains("c, unpacked, and what else is to come need")
                && said.contains("--temp-dir"),
            "{said}"
        );
        one.keep(5000).expect("there is space");
        drop(one);
        assert_eq!(*space.lock(), 0);
    }

    #[test]
    fn a_folder_that_takes_no_files_is_named() {
        let space = Space::new(Path::new("/proc"));
        let said = space.file().expect_err("refused").to_string();
        assert!(
            said.starts_with("/proc: cannot unpack frames here: "),
            "{said}"
        );
    }
}
