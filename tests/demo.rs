//! The demo: a stack of its own, combined under its limit, and told in numbers that hold.

use std::fs;

use crate::common::{Place, words};

/// Bytes of all files below a folder.
fn size(folder: &std::path::Path) -> u64 {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            if path.is_dir() {
                size(&path)
            } else {
                path.metadata().unwrap().len()
            }
        })
        .sum()
}

#[test]
fn the_demo_combines_its_night_and_its_commands_give_the_same_files() {
    let place = Place::new();
    let said = place.done("demo 'my night'").stdout;
    assert!(size(&place.path("my night")) < 100_000_000);
    for part in [
        "50 frames",
        "64.0 MiB",
        "within the limit",
        "cosmic rays",
        "sky.fits",
        "my night/",
    ] {
        assert!(said.contains(part), "{part} in {said}");
    }
    let commands: Vec<&str> = said
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ccdstream "))
        .collect();
    assert_eq!(commands.len(), 4, "{said}");
    for command in commands {
        let arguments = words(command);
        let output = &arguments[arguments.iter().position(|word| word == "-o").unwrap() + 1];
        let before = place.bytes(output);
        place.done(command);
        assert!(place.bytes(output) == before, "{command}");
    }
    // Most cosmic rays are proved to be out of the result: the last number of the line is in per cent.
    let line = said
        .lines()
        .find(|line| line.contains("sky.fits") && line.contains("proved"))
        .unwrap();
    let percent = line
        .rsplit(['(', ' '])
        .find_map(|word| word.parse::<f64>().ok())
        .unwrap();
    assert!(percent > 95.0, "{line}");
}

#[test]
fn the_demo_runs_again_in_its_own_folder_and_leaves_those_of_others_alone() {
    let place = Place::new();
    place.done("demo");
    let sky = place.bytes("ccdstream-demo/sky.fits");
    fs::write(place.path("ccdstream-demo/notes.txt"), "mine").unwrap();
    place.done("demo");
    assert!(place.bytes("ccdstream-demo/sky.fits") == sky);
    assert_eq!(place.bytes("ccdstream-demo/notes.txt"), b"mine");
    fs::create_dir(place.path("mine")).unwrap();
    fs::write(place.path("mine/frame.fits"), "mine").unwrap();
    let run = place.run("demo mine");
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("mine") && run.stderr.contains("not empty"),
        "{}",
        run.stderr
    );
    assert_eq!(fs::read_dir(place.path("mine")).unwrap().count(), 1);
}
