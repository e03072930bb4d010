//! Where calibrated frames go: a file a frame, under the name of the frame, in one folder.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::recipe::Reduction;
use crate::source::Named;

/// The output of each file.
///
/// # Errors
///
/// [`Error::Output`] where the folder is a file, two frames would have one output, or an output is a frame or a master.
pub(super) fn outputs<'n>(
    recipe: &Reduction,
    files: impl Iterator<Item = &'n Named>,
) -> Result<Vec<PathBuf>> {
    let folder = &recipe.folder.path;
    if folder.exists() && !folder.is_dir() {
        return Err(Error::Output {
            path: folder.clone(),
            fault: "is a file; --output names the folder for the calibrated frames".into(),
        });
    }
    let mut taken: HashMap<PathBuf, &Path> = HashMap::new();
    let mut inputs: Vec<(PathBuf, &str)> = Vec::new();
    let mut outputs = Vec::new();
    for named in files {
        let mut output = name(&named.path, &recipe.folder.suffix);
        if recipe.folder.compression.is_some() {
            output.push(".fz");
        }
        let output = folder.join(output);
        if let Some(other) = taken.insert(output.clone(), &named.path) {
            return Err(Error::Output {
                path: output,
                fault: format!(
                    "would be the output of both {} and {}; calibrate them into two folders",
                    other.display(),
                    named.path.display()
                ),
            });
        }
        inputs.extend(
            named
                .path
                .canonicalize()
                .map(|path| (path, "one of the frames")),
        );
        outputs.push(output);
    }
    let calibration = &recipe.calibration;
    let masters = [
        calibration.bias.as_deref(),
        calibration.dark.as_ref().map(|dark| &*dark.file),
        calibration.flat.as_ref().map(|flat| &*flat.file),
    ];
    for master in masters.into_iter().flatten() {
        // An HDU may stand behind the name.
        let file = if Path::new(master).exists() {
            master
        } else {
            master.rsplit_once('[').map_or(master, |(file, _)| file)
        };
        inputs.extend(
            Path::new(file)
                .canonicalize()
                .map(|path| (path, "a master")),
        );
    }
    let bad_pixels = recipe.frames.bad_pixels.as_deref();
    inputs.extend(
        bad_pixels
            .and_then(|path| path.canonicalize().ok())
            .map(|path| (path, "the mask of bad pixels")),
    );
    for output in &outputs {
        let Ok(canonical) = output.canonicalize() else {
            continue;
        };
        if let Some((_, what)) = inputs.iter().find(|(input, _)| *input == canonical) {
            return Err(Error::Output {
                path: output.clone(),
                fault: format!(
                    "is {what} and would be overwritten; choose another folder or a --suffix"
                ),
            });
        }
    }
    Ok(outputs)
}

/// The name of the output of a frame: its own, less the ending of a packed file, the suffix before its ending.
fn name(path: &Path, suffix: &str) -> OsString {
    const PACKED: [&str; 4] = ["gz", "fz", "bz2", "Z"];
    let packed = path.extension().is_some_and(|ending| {
        PACKED
            .iter()
            .any(|packed| ending.eq_ignore_ascii_case(packed))
    });
    let path = if packed {
        path.with_extension("")
    } else {
        path.to_owned()
    };
    let mut name = path.file_stem().unwrap_or_default().to_owned();
    name.push(suffix);
    if let Some(ending) = path.extension() {
        name.push(".");
        name.push(ending);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_keeps_its_name_without_the_ending_of_a_packed_file() {
        for (path, suffix, wanted) in [
            ("raw/a.fits", "", "a.fits"),
            ("raw/a.b.fits.gz", "_red", "a.b_red.fits"),
            ("a.FIT.fz", "", "a.FIT"),
            ("a", "_r", "a_r"),
        ] {
            assert_eq!(name(Path::new(path), suffix), wanted);
        }
    }
}
