//! A whole file: it is combined and calibrated, or refused by an error that names it. What is written can be read again.
#![no_main]

use std::cell::OnceCell;
use std::fs;
use std::path::{Path, PathBuf};

use ccdstream::recipe::{Calibration, Frames, Hdu, Io, Output, Resources, Stack};
use ccdstream::{ByteSize, Error, Recipe, Watch, combine};
use libfuzzer_sys::fuzz_target;

/// Far more than any input takes, also in a process with a sanitizer, and far less than some of their headers ask for.
const LIMIT: ByteSize = ByteSize(1 << 30);

fn recipe(frame: &Path, hdu: Hdu, output: &Path) -> Recipe {
    Recipe {
        frames: Frames {
            hdu,
            ..Frames::new([frame.to_str().expect("a plain name")])
        },
        calibration: Calibration {
            trim: "TRIMSEC".parse().ok(),
            ..Calibration::default()
        },
        stack: Stack::default(),
        output: Output {
            overwrite: true,
            ..Output::new(output)
        },
        resources: Resources {
            mem_limit: LIMIT,
            threads: 1,
            io: Io::Read,
            temp_dir: None,
        },
    }
}

/// A folder in memory; one a process, since several may fuzz at a time.
fn folder() -> PathBuf {
    let folder = Path::new("/dev/shm").join(format!("ccdstream-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder in memory");
    folder
}

/// Combines a file; refused, it is named.
fn combined(recipe: &Recipe, frame: &Path) -> bool {
    match combine(recipe, &Watch::default()) {
        Ok(_) => true,
        Err(Error::LimitTooSmall { .. } | Error::Output { .. }) => false,
        Err(error) => {
            let said = error.to_string();
            let name = frame.file_name().and_then(|name| name.to_str());
            let named = name.is_some_and(|name| said.contains(name));
            assert!(named || said.starts_with("no frames"), "{said}");
            false
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    thread_local!(static FOLDER: OnceCell<PathBuf> = const { OnceCell::new() });
    let folder = FOLDER.with(|cell| cell.get_or_init(folder).clone());
    let (frame, result) = (folder.join("frame.fits"), folder.join("result.fits"));
    fs::write(&frame, bytes).expect("room in memory");
    for hdu in [Hdu::Auto, Hdu::All] {
        let mut recipe = recipe(&frame, hdu, &result);
        if combined(&recipe, &frame) {
            recipe.frames.names = vec![result.display().to_string()];
            recipe.calibration = Calibration::default();
            recipe.output.path = folder.join("again.fits");
            let again = combine(&recipe, &Watch::default());
            assert!(again.is_ok(), "{again:?}");
        }
        recipe.frames.names = vec![frame.display().to_string()];
        recipe.calibration = Calibration::default();
        combined(&recipe, &frame);
    }
});
