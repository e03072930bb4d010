//! Masks of what was rejected, one a frame, made when an image is combined of what was noted meanwhile.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::by_frame::in_turn;
use crate::error::{Error, Result};
use crate::recipe::Output;
use crate::shape::Shape;
use crate::sink::{self, FrameMask, Rejected};
use crate::source::{Frame, FrameList};
use crate::stack::{code, told_nbyte, told_of};
use crate::watch::Watch;

/// The masks that a run has made; where it is dropped, they are removed unless they are to stay.
#[derive(Debug, Default)]
pub(super) struct Made {
    files: Vec<PathBuf>,
    folder: Option<PathBuf>,
}

impl Made {
    /// Has them stay.
    pub(super) fn keep(mut self) {
        self.files.clear();
        self.folder = None;
    }

    /// Makes the folder for them, if it is not there.
    fn folder(&mut self, folder: &Path) -> Result<()> {
        if !folder.exists() {
            let refused = |source| Error::io(folder, "cannot make the folder", source);
            fs::create_dir_all(folder).map_err(refused)?;
            self.folder = Some(folder.into());
        }
        Ok(())
    }
}

impl Drop for Made {
    fn drop(&mut self) {
        for file in &self.files {
            // What cannot be removed is whole, and the run says that it failed.
            let _ = fs::remove_file(file);
        }
        if let Some(folder) = &self.folder {
            // It stays where somebody has put something into it.
            let _ = fs::remove_dir(folder);
        }
    }
}

/// The names of the masks of an image, in the order of its frames.
///
/// # Errors
///
/// [`Error::Output`] where two frames would have one mask, or a mask would be the output or one of the frames.
pub(super) fn names(folder: &Path, list: &FrameList, output: &Path) -> Result<Vec<PathBuf>> {
    let refused = |path: &Path, fault: String| {
        Err(Error::Output {
            path: path.into(),
            fault,
        })
    };
    if folder.exists() && !folder.is_dir() {
        return refused(
            folder,
            "is a file; --rejected names the folder for the masks".into(),
        );
    }
    let canonical = |path: &Path| {
        let name = path.file_name()?;
        Some(sink::folder(path).canonicalize().ok()?.join(name))
    };
    let output = canonical(output);
    let files = list
        .frames
        .iter()
        .filter_map(|f| f.path.canonicalize().ok());
    let inputs: std::collections::HashSet<PathBuf> = files.collect();
    let mut taken: HashMap<PathBuf, &Frame> = HashMap::new();
    let mut names = Vec::new();
    for frame in &list.frames {
        let path = folder.join(name(frame));
        if let Some(other) = taken.insert(path.clone(), frame) {
            let (one, other) = (other.name(), frame.name());
            let fault = format!(
                "would be the mask of both {one} and {other}; --rejected needs frames of unlike names"
            );
            return refused(&path, fault);
        }
        let at = canonical(&path);
        if at.is_some()
            && (at == output || path.canonicalize().is_ok_and(|is| inputs.contains(&is)))
        {
            let fault = "would be a mask, and is the output or one of the frames; choose another folder for --rejected";
            return refused(&path, fault.into());
        }
        names.push(path);
    }
    Ok(names)
}

/// The name of the mask of a frame: its own, with HDU and plane before the ending, less the ending of a packed file.
fn name(frame: &Frame) -> String {
    let file = frame.base_name();
    let file = &file[..file.len() - frame.suffix.len().min(file.len())];
    let mut stem = file;
    for ending in [".gz", ".fz", ".bz2", ".Z", ".fits", ".fit", ".fts"] {
        let at = stem.len().saturating_sub(ending.len());
        if at > 0
            && stem
                .get(at..)
                .is_some_and(|end| end.eq_ignore_ascii_case(ending))
        {
            stem = &stem[..at];
        }
    }
    let words = frame.suffix.split(|c: char| !c.is_alphanumeric());
    let words = words.filter(|word| !word.is_empty());
    let parts: Vec<&str> = std::iter::once(stem).chain(words).collect();
    format!("{}.fits", parts.join("_"))
}

/// Bytes that the names of so many masks take.
pub(super) fn names_nbyte(output: &Output, list: &FrameList) -> usize {
    let Some(folder) = &output.rejected else {
        return 0;
    };
    let name = |frame: &Frame| 3 * (folder.as_os_str().len() + frame.base_name().len() + 96);
    list.frames.iter().map(name).sum()
}

/// Checks that masks may come to stand under these names.
///
/// # Errors
///
/// [`Error::Output`] where one exists that is not to be replaced.
pub(super) fn vacant(names: &[PathBuf], overwrite: bool) -> Result<()> {
    let mut names = names.iter();
    names.try_for_each(|path| sink::vacant(path, overwrite))
}

/// What masks are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told<'a> {
    pub(super) rejected: &'a Rejected,
    /// The number of the image there.
    pub(super) image: usize,
    pub(super) shape: Shape,
    pub(super) list: &'a FrameList,
    /// Lines of HISTORY.
    pub(super) making: &'a [String],
}

/// Makes the masks of an image on so many threads; those that replace nothing are noted as made.
///
/// # Errors
///
/// Those of the disk, and [`Error::Stopped`].
pub(super) fn make(
    told: Told<'_>,
    (folder, names): (&Path, &[PathBuf]),
    made: &mut Made,
    (threads, watch): (usize, &Watch),
) -> Result<()> {
    made.folder(folder)?;
    let replaces = |path: &&PathBuf| path.symlink_metadata().is_err();
    made.files.extend(names.iter().filter(replaces).cloned());
    let Told {
        rejected,
        image,
        shape,
        list,
        making,
    } = told;
    let row_nbyte = shape.ncol * told_nbyte(list.frames.len());
    in_turn(
        threads,
        names.len(),
        || (),
        |(), frame| {
            let mask = FrameMask {
                path: &names[frame],
                // What is there by now a run made that was killed, or is to be replaced.
                overwrite: true,
                shape,
                frame: &list.frames[frame].base_name(),
                making,
            };
            let row = |row: usize, codes: &mut [u8]| {
                let offset = row * row_nbyte + told_of(frame, shape.ncol).start;
                rejected.read(image, offset as u64, codes)?;
                for byte in codes {
                    *byte = code(frame, *byte);
                }
                Ok(())
            };
            mask.write(row, || watch.check())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_that_are_not_to_stay_go_with_their_folder() {
        let place = tempfile::tempdir().expect("a folder");
        let folder = place.path().join("masks");
        let file = folder.join("a.fits");
        let mut made = Made::default();
        made.folder(&folder).expect("made");
        fs::write(&file, "").expect("written");
        made.files.push(file.clone());
        drop(made);
        assert!(!folder.exists());
        let mut made = Made::default();
        made.folder(&folder).expect("made");
        fs::write(&file, "").expect("written");
        made.files.push(file.clone());
        made.keep();
        assert!(file.exists());
    }
}
