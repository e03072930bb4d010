//! The name of the output, and the hidden names beside it: nothing stands under it before the file is whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempPath;

use crate::checksum::digest;
use crate::error::{Error, Result};
use crate::sys;

/// Bytes of a name that hidden names take over whole; file systems allow 255, some 143, and ours are longer.
const LONGEST: usize = 100;

/// The hidden names that stand beside an output while it is made. They follow from its own, so that a later run finds them.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    /// The file that becomes the output.
    pub(super) part: PathBuf,
    /// What is known of it.
    pub(super) state: PathBuf,
    /// The same while it is written.
    pub(super) draft: PathBuf,
    /// The packed form of the file, where it is to be packed.
    pub(super) packed: PathBuf,
    /// What is told of the samples, where that is asked for.
    pub(super) beside: PathBuf,
}

impl Hidden {
    /// The names beside an output.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where `path` is not the name of a file.
    pub(super) fn beside(path: &Path) -> Result<Self> {
        let own = path.file_name().ok_or_else(|| Error::Output {
            path: path.into(),
            fault: "is not the name of a file".into(),
        })?;
        let stem = match own.to_str().filter(|name| name.len() <= LONGEST) {
            Some(name) => OsString::from(name),
            None => {
                let name = own.to_string_lossy();
                let mut end = name.len().min(LONGEST / 2);
                while !name.is_char_boundary(end) {
                    end -= 1;
                }
                let digest = digest([own.as_bytes()]);
                format!("{}~{digest:016x}", &name[..end]).into()
            }
        };
        let beside = |ending: &str| {
            let mut name = OsString::from(".");
            name.push(&stem);
            name.push(ending);
            path.with_file_name(name)
        };
        Ok(Self {
            part: beside(".part"),
            state: beside(".state"),
            draft: beside(".state.new"),
            packed: beside(".packed"),
            beside: beside(".rejected"),
        })
    }
}

/// Checks that an output may come to stand at `path`, as far as that can be told without writing.
///
/// # Errors
///
/// [`Error::Output`] where it exists and is not to be replaced, or is not a regular file.
pub(crate) fn vacant(path: &Path, overwrite: bool) -> Result<()> {
    let fault = |fault: String| Error::Output {
        path: path.into(),
        fault,
    };
    if let Ok(found) = path.symlink_metadata() {
        let target = path
            .metadata()
            .map_or(found.file_type(), |target| target.file_type());
        if target.is_dir() {
            return Err(fault("is a folder; name the file to write".into()));
        }
        if !overwrite {
            return Err(fault(
                "exists already; choose another name, or replace it with --overwrite".into(),
            ));
        }
        if !target.is_file() && !target.is_symlink() {
            return Err(fault("is not a regular file; choose another name".into()));
        }
    }
    Ok(())
}

/// The folder in which `path` stands.
pub(crate) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// Brings to the disk which names a folder has. Where the folder cannot be flushed, the system does it in its own time.
pub(super) fn flush(folder: &Path) {
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// Moves the whole file to its name.
pub(super) fn give(temporary: TempPath, path: &Path, overwrite: bool) -> Result<()> {
    let refused = |source| Error::io(path, "cannot give the file its name", source);
    if overwrite {
        return temporary
            .persist(path)
            .map_err(|refusal| refused(refusal.error));
    }
    let refusal = match temporary.persist_noclobber(path) {
        Ok(()) => return Ok(()),
        Err(refusal) => refusal,
    };
    if refusal.error.kind() == io::ErrorKind::AlreadyExists || path.symlink_metadata().is_ok() {
        let fault = "came to exist meanwhile; nothing was written".into();
        return Err(Error::Output {
            path: path.into(),
            fault,
        });
    }
    // Some file systems (FAT) have no way to rename that spares an existing file; there is none.
    refusal
        .path
        .persist(path)
        .map_err(|refusal| refused(refusal.error))
}

/// Links are not followed: hidden names can be foretold, and whoever may write to the folder could have put one there. Nor does opening
/// wait for the other end of a pipe.
pub(super) const FLAGS: i32 = sys::O_NOFOLLOW | sys::O_NONBLOCK;

/// Opens hidden files.
pub(super) fn options() -> OpenOptions {
    let mut options = File::options();
    options
        .read(true)
        .write(true)
        .mode(0o666)
        .custom_flags(FLAGS);
    options
}

/// Removes a file, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;

    #[test]
    fn hidden_names_follow_from_the_name_of_the_output() {
        let hidden = |name: &OsStr| {
            let names = Hidden::beside(&Path::new("night").join(name)).expect("a name");
            assert_eq!(names.part.parent(), Some(Path::new("night")));
            names.part.file_name().unwrap_or_default().to_owned()
        };
        assert_eq!(hidden(OsStr::new("out.fits")), ".out.fits.part");
        let long = |last: char| format!("{}{last}", "ä".repeat(120));
        let (one, other) = (long('1'), long('2'));
        assert_eq!(hidden(one.as_ref()), hidden(one.as_ref()));
        assert_ne!(hidden(one.as_ref()), hidden(other.as_ref()));
        assert!(hidden(one.as_ref()).len() < 80 && hidden(one.as_ref()).to_str().is_some());
        let odd = OsStr::from_bytes(b"m\xff.fits");
        assert_ne!(hidden(odd), hidden(OsStr::from_bytes(b"m\xfe.fits")));
        assert!(Hidden::beside(Path::new("..")).is_err());
    }
}
