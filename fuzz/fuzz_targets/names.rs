//! Names of frames: literal names, folders, patterns, lists in lists, HDUs; and headers that choose among them.
#![no_main]

use std::env;
use std::fs;
use std::sync::Once;

use ccdstream::recipe::{Calibration, Condition, Frames, Io, Output, Resources, Stack};
use ccdstream::{ByteSize, Recipe, Watch, plan};
use libfuzzer_sys::fuzz_target;

/// Goes to a folder in memory with some frames, folders and lists.
fn settle() {
    let folder = format!("/dev/shm/ccdstream-fuzz-{}", std::process::id());
    fs::create_dir_all(format!("{folder}/night[1]/below")).expect("a folder in memory");
    env::set_current_dir(&folder).expect("it was just made");
    let cards = ["SIMPLE  = T", "BITPIX  = 8", "NAXIS   = 2", "NAXIS1  = 3", "NAXIS2  = 2", "END"];
    let mut frame = cards.map(|card| format!("{card:80}")).concat().into_bytes();
    frame.resize(2880, b' ');
    frame.resize(5760, 0);
    for name in ["a.fits", "b.FIT", "a b.fits", "M31[1].fits", "#.fits", "night[1]/c.fts", "night[1]/*.fits"] {
        fs::write(name, &frame).expect("room in memory");
    }
    fs::write("all.txt", "a.fits\n@more.txt # and\n").expect("room in memory");
    fs::write("more.txt", "night[1]/\n@all.txt\n").expect("room in memory");
}

// The first line is a condition, the second names with tabs between them, the rest a list.
fuzz_target!(|text: &str| {
    static SETTLED: Once = Once::new();
    SETTLED.call_once(settle);
    // Nothing outside of the folder is listed.
    if text.contains("..") || text.contains('/') {
        return;
    }
    let mut lines = text.splitn(3, '\n');
    let mut next = || lines.next().unwrap_or_default();
    let (condition, names, list) = (next(), next(), next());
    fs::write("list.txt", list).expect("room in memory");
    let recipe = Recipe {
        frames: Frames {
            conditions: condition.parse::<Condition>().into_iter().collect(),
            ..Frames::new(names.split('\t').chain(["@list.txt"]))
        },
        calibration: Calibration::default(),
        stack: Stack::default(),
        output: Output::new("out.fits"),
        resources: Resources {
            mem_limit: ByteSize(64 << 20),
            threads: 1,
            io: Io::Read,
            temp_dir: None,
        },
    };
    let _ = plan(&recipe, &Watch::default());
});
