//! The name of the output: nothing stands under it before the file is whole.

use std::fs::{File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempPath;

use crate::error::{Error, Result};

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

/// Makes an empty file beside `path`, under a hidden name; it vanishes where its path is dropped.
///
/// # Errors
///
/// [`Error::Output`] where `path` exists and is not to be replaced, is not a regular file, or has no folder;
/// [`Error::Io`] where the folder refuses the file.
pub(super) fn reserve(path: &Path, overwrite: bool) -> Result<(File, TempPath)> {
    vacant(path, overwrite)?;
    let fault = |fault: String| Error::Output {
        path: path.into(),
        fault,
    };
    let name = path
        .file_name()
        .ok_or_else(|| fault("is not the name of a file".into()))?;
    let folder = folder(path);
    if !folder.is_dir() {
        return Err(fault(format!(
            "there is no folder {}; make it first",
            folder.display()
        )));
    }
    // A name may be as long as the file system allows, and ours is longer.
    let name: String = name.to_string_lossy().chars().take(40).collect();
    Ok(tempfile::Builder::new()
        .prefix(&format!(".{name}."))
        .suffix(".part")
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
        .map_err(|source| Error::io(path, "cannot create", source))?
        .into_parts())
}

/// The folder in which `path` stands.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_name_that_is_taken_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.fits");
        fs::write(&path, "old").expect("a file");
        let message =
            |path: &Path, overwrite| reserve(path, overwrite).err().map(|e| e.to_string());
        assert!(message(&path, false).is_some_and(|m| m.contains("--overwrite")));
        assert!(message(folder.path(), true).is_some_and(|m| m.contains("is a folder")));
        let lost = folder.path().join("no/out.fits");
        assert!(message(&lost, false).is_some_and(|m| m.contains("there is no folder")));
        assert_eq!(message(&path, true), None);
        assert_eq!(fs::read(&path).expect("a file"), b"old");
    }

    #[test]
    fn permissions_are_those_of_any_new_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let plain = File::create(folder.path().join("plain")).expect("a file");
        let (ours, _path) = reserve(&folder.path().join("out.fits"), false).expect("a file");
        let mode = |file: &File| file.metadata().expect("a file").permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn the_longest_name_of_a_file_system_will_do() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x".repeat(255));
        let (_file, temporary) = reserve(&path, false).expect("a file");
        give(temporary, &path, false).expect("a name");
        assert!(path.is_file());
    }
}
