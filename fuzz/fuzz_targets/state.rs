//! The state of an interrupted run: any text may stand in it. The run is taken up, begins afresh, or is refused; nothing is asked for that
//! the state alone calls for.
#![no_main]

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::SystemTime;

use ccdstream::recipe::{Calibration, Frames, Io, Level, Output, Resources, Stack};
use ccdstream::{ByteSize, Recipe, Watch, combine};
use libfuzzer_sys::fuzz_target;

/// Three frames in a folder in memory, always the same, as old as can be.
fn folder() -> PathBuf {
    let folder = Path::new("/dev/shm").join(format!("ccdstream-fuzz-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder in memory");
    let cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 30", "NAXIS2  = 20", "END"];
    for number in 1..=3 {
        let mut frame = cards.map(|card| format!("{card:80}")).concat().into_bytes();
        frame.resize(2880, b' ');
        frame.resize(5760, number);
        let path = folder.join(format!("f{number}.fits"));
        fs::write(&path, frame).expect("room in memory");
        let file = File::options().write(true).open(path).expect("it was just made");
        file.set_modified(SystemTime::UNIX_EPOCH).expect("it is ours");
    }
    folder
}

// An inode of 0 becomes that of the hidden file, which is all zeros.
fuzz_target!(|text: &str| {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let folder = FOLDER.get_or_init(folder);
    let (part, output) = (folder.join(".out.fits.part"), folder.join("out.fits"));
    fs::write(&part, [0; 8 * 2880]).expect("room in memory");
    let inode = fs::metadata(&part).expect("it was just made").ino();
    let state = text.replacen("\"inode\":0,", &format!("\"inode\":{inode},"), 1);
    fs::write(folder.join(".out.fits.state"), state).expect("room in memory");
    let frames = [1, 2, 3].map(|number| folder.join(format!("f{number}.fits")));
    let recipe = Recipe {
        frames: Frames::new(frames.iter().map(|path| path.to_str().expect("a plain name"))),
        calibration: Calibration::default(),
        stack: Stack {
            scale: Level::Median,
            ..Stack::default()
        },
        output: Output {
            overwrite: true,
            resume: true,
            ..Output::new(&output)
        },
        resources: Resources {
            mem_limit: ByteSize(64 << 20),
            threads: 1,
            io: Io::Read,
            temp_dir: None,
        },
    };
    if combine(&recipe, &Watch::default()).is_ok() {
        let left = [&part, &folder.join(".out.fits.state")].map(|path| path.exists());
        assert_eq!((output.is_file(), left), (true, [false, false]));
    }
});
