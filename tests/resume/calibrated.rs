//! Of frames that are calibrated one by one, those that an interrupted run has finished are left out.

use std::fs::{self, File};
use std::time::Duration;

use super::is_over_within;
use crate::common::{Place, Random};
use crate::fits::Image;

const FLAGS: &str = "calibrate --bias bias.fits --flat flat.fits --deviation --gain 2 --gain-last --readnoise 5 'f?.fits'";

/// Six frames and their masters; in ref/ what the frames come to.
fn night() -> Place {
    let place = Place::new();
    let mut random = Random(5);
    for n in 0..6 {
        Image::uint16(&[300, 200], &random.frame(60_000)).write(place.path(&format!("f{n}.fits")));
    }
    Image::uint16(&[300, 200], &vec![90; 60_000]).write(place.path("bias.fits"));
    Image::uint16(&[300, 200], &random.frame(60_000)).write(place.path("flat.fits"));
    place.done(&format!("{FLAGS} -q -o ref"));
    place
}

/// Wants the folder red/ to be as ref/ is.
#[track_caller]
fn assert_whole(place: &Place) {
    let names = |folder: &str| {
        let entries = fs::read_dir(place.path(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    assert_eq!(names("red"), names("ref"));
    for name in names("ref") {
        let name = name.to_str().unwrap().to_owned();
        let bytes = |folder: &str| place.bytes(&format!("{folder}/{name}"));
        assert!(bytes("red") == bytes("ref"), "{name} differs");
    }
}

/// A run of which one frame fails, and the others are done; then that frame is good again.
fn one_failed(place: &Place) {
    let good = place.bytes("f4.fits");
    File::options()
        .write(true)
        .open(place.path("f4.fits"))
        .unwrap()
        .set_len(9000)
        .unwrap();
    let run = place.run(&format!("{FLAGS} -o red"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    fs::write(place.path("f4.fits"), good).unwrap();
}

/// How many frames were left out.
fn left_out(told: &serde_json::Value) -> usize {
    let frames = told["frames"].as_array().unwrap();
    let note = |frame: &&serde_json::Value| frame["notes"][0] == "was calibrated by an earlier run";
    frames.iter().filter(note).count()
}

#[test]
fn frames_that_are_done_are_left_out_and_told() {
    let place = night();
    one_failed(&place);
    let told = place.json(&format!("{FLAGS} -o red --resume"));
    assert_eq!(
        (told["frames"].as_array().unwrap().len(), left_out(&told)),
        (6, 5)
    );
    assert_eq!(told["frames"][4]["notes"].as_array().unwrap().len(), 0);
    assert_whole(&place);
    let run = place.done(&format!("{FLAGS} -o red --resume"));
    assert!(
        run.stderr.contains("red: is finished already"),
        "{}",
        run.stderr
    );
    assert_whole(&place);
}

#[test]
fn an_output_that_the_disk_has_lost_is_made_again() {
    let place = night();
    one_failed(&place);
    let mut bytes = place.bytes("red/f1.fits");
    let end = bytes.len() - 2880;
    bytes[end..].fill(0);
    fs::write(place.path("red/f1.fits"), bytes).unwrap();
    let told = place.json(&format!("{FLAGS} -o red --resume"));
    assert_eq!(left_out(&told), 4);
    assert_whole(&place);
}

#[test]
fn a_frame_that_has_changed_since_is_told_and_its_output_stays() {
    let place = night();
    one_failed(&place);
    let path = place.path("f2.fits");
    let file = File::options().write(true).open(&path).unwrap();
    let written = file.metadata().unwrap().modified().unwrap();
    file.set_modified(written + Duration::from_secs(2)).unwrap();
    let run = place.run(&format!("{FLAGS} -o red --resume"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let said = "f2.fits: was changed since an interrupted run has calibrated it";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    place.done(&format!("{FLAGS} -q -o red --resume --overwrite"));
    assert_whole(&place);
}

#[test]
fn outputs_of_another_recipe_are_not_taken_for_those_of_this_one() {
    let place = night();
    one_failed(&place);
    let run = place.run(&format!("{FLAGS} --sky median -o red --resume"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("exists already"), "{}", run.stderr);
}

#[test]
fn killed_again_and_again_all_frames_come_to_be_the_same() {
    let place = night();
    let mut random = Random(9);
    let mut patience = 0;
    loop {
        let arguments = format!("{FLAGS} -q -o red --resume -j {}", 1 + random.bits() % 3);
        let drawn = Duration::from_millis(random.bits() % (patience + 1));
        if is_over_within(&place, &arguments, drawn) {
            break;
        }
        patience += 5 + patience / 4;
    }
    assert_whole(&place);
}
