//! `--skip-bad`: damaged frames stay out of a stack, are listed, and never are left out unasked.

use std::fs;

use crate::common::{Place, assert_same, good, two};
use crate::fits::{Image, empty_primary};

const HINT: &str = "--skip-bad leaves damaged frames out";

/// Two good frames of 1 and 3, and damaged ones between them by name: text, cut short, empty, without its primary.
fn night() -> Place {
    let place = two();
    let whole = good(100.0).primary();
    fs::write(place.path("a1.fits"), "clouds all night\n").unwrap();
    fs::write(place.path("a2.fits"), &whole[..2880 + 5]).unwrap();
    fs::write(place.path("a3.fits"), "").unwrap();
    fs::write(place.path("a4.fits"), good(100.0).extension()).unwrap();
    place
}

#[test]
fn damaged_frames_are_left_out_and_listed() {
    let place = night();
    let json = place.json("combine --skip-bad -o out.fits '[ab]*.fits'");
    assert_same(&place.plane("out.fits", None), &[2.0; 6]);
    assert_eq!(json["frames"], 2);
    let skipped = json["skipped"].as_array().unwrap();
    let names: Vec<_> = skipped.iter().map(|frame| &frame["frame"]).collect();
    assert_eq!(names, ["a1.fits", "a2.fits", "a3.fits", "a4.fits"]);
    assert_eq!(skipped[0]["fault"], "is text, not FITS");
    let history = place.header("out.fits").history().replace('\n', "");
    for told in [
        "left out as damaged: a1.fits: is text, not FITS",
        "left out as damaged: a2.fits: is cut short: its pixels end at",
        "left out as damaged: a3.fits: is empty: 0 bytes",
        "left out as damaged: a4.fits: begins with an extension",
        "average of 2 frames",
    ] {
        assert!(history.contains(told), "{told} in {history}");
    }
    let run = place.done("combine --skip-bad --overwrite -o out.fits a1.fits a.fits");
    assert!(
        run.stderr.contains("a1.fits: is text, not FITS; left out"),
        "{}",
        run.stderr
    );
}

#[test]
fn unasked_a_damaged_frame_is_an_error_that_names_the_flag() {
    let place = night();
    for bad in ["a1.fits", "a2.fits", "a3.fits", "a4.fits"] {
        place.refused(&format!("a.fits {bad} b.fits"), 1, &[bad, HINT]);
    }
}

#[test]
fn a_stack_without_damaged_frames_is_the_same_with_and_without_the_flag() {
    let place = two();
    place.done("combine -o plain.fits a.fits b.fits");
    place.done("combine --skip-bad -o asked.fits a.fits b.fits");
    assert_eq!(place.bytes("plain.fits"), place.bytes("asked.fits"));
}

#[test]
fn the_first_frame_may_be_damaged() {
    let place = night();
    assert_same(
        &place.combined("--skip-bad a2.fits b.fits a.fits"),
        &[2.0; 6],
    );
    let header = place.header("out.fits");
    assert_eq!(header.value("IMCMB001").as_deref(), Some("b.fits"));
}

#[test]
fn nothing_left_is_an_error() {
    let place = night();
    place.refused("--skip-bad a1.fits", 1, &["no frames", "a1.fits: is text"]);
    place.refused(
        "--skip-bad 'a[1-4].fits'",
        1,
        &["no frames", "a1.fits", "3 more"],
    );
    place.refused("--skip-bad --where EXPTIME=1 'a*.fits'", 1, &["no frames"]);
}

#[test]
fn a_frame_that_is_whole_but_does_not_go_with_the_others_stays_an_error() {
    let place = two();
    Image::new(16, &[2, 3], &[0.0; 6]).write(place.path("turned.fits"));
    good(1.0)
        .card("BUNIT   = 'electron'")
        .write(place.path("e.fits"));
    fs::write(place.path("none.fits"), empty_primary(&[])).unwrap();
    for (arguments, said) in [
        ("a.fits turned.fits", "2 × 3"),
        ("a.fits e.fits", "electron"),
        ("a.fits none.fits", "no image"),
        ("--hdu 1 a.fits b.fits", "no HDU 1"),
        ("--scale key:AIRMASS a.fits b.fits", "AIRMASS"),
        ("--scale 1,2,3 a.fits b.fits", "3 numbers for 2 frames"),
    ] {
        let run = place.refused(&format!("--skip-bad {arguments}"), 1, &[said]);
        assert!(!run.stderr.contains(HINT), "{}", run.stderr);
    }
}

#[test]
fn numbers_a_frame_are_not_given_to_frames_that_are_left_out() {
    let place = night();
    assert_same(
        &place.combined("--skip-bad --scale 1,3 a.fits a1.fits b.fits"),
        &[1.0; 6],
    );
    fs::remove_file(place.path("out.fits")).unwrap();
    place.refused(
        "--skip-bad --scale 1,5,3 a.fits a1.fits b.fits",
        1,
        &["3 numbers for 2 frames", "--skip-bad leaves out (1 here)"],
    );
}

#[test]
fn a_damaged_master_is_an_error_all_the_same() {
    let place = night();
    place.refused(
        "--skip-bad --bias a2.fits a.fits",
        1,
        &["--bias", "cut short"],
    );
    place.refused(
        "--skip-bad --bad-pixels a2.fits a.fits",
        1,
        &["--bad-pixels", "cut short"],
    );
}

/// A file of two chips of these values, and a mask for the second.
fn chips(values: [f64; 2]) -> Vec<u8> {
    let chip = |name: &str, value| Image::row(&[value, value]).named(name).extension();
    let mask = Image::new(8, &[2, 1], &[0.0, 1.0]).named("B_MASK");
    [
        empty_primary(&[]),
        chip("A", values[0]),
        chip("B", values[1]),
        mask.extension(),
    ]
    .concat()
}

#[test]
fn a_file_of_many_chips_is_left_out_of_all_or_of_none() {
    let place = Place::new();
    for (name, values) in [("a.fits", [1.0, 2.0]), ("c.fits", [5.0, 6.0])] {
        fs::write(place.path(name), chips(values)).unwrap();
    }
    let whole = chips([100.0, 100.0]);
    let nan = f64::NAN;
    // In the pixels of B; in the header of B; in the header of its mask.
    for length in [4 * 2880 + 4, 3 * 2880 + 200, 5 * 2880 + 200] {
        fs::write(place.path("b.fits"), &whole[..length]).unwrap();
        for names in ["a.fits b.fits c.fits", "b.fits a.fits c.fits"] {
            place.refused(&format!("--hdu all {names}"), 1, &["b.fits", HINT]);
            let arguments = format!("combine --hdu all --skip-bad --overwrite -o out.fits {names}");
            let json = place.json(&arguments);
            assert_eq!(json["skipped"][0]["frame"], "b.fits");
            assert_eq!(json["extensions"], 2);
            assert_same(&place.plane("out.fits", Some("A")), &[3.0; 2]);
            assert_same(&place.plane("out.fits", Some("B")), &[4.0, nan]);
            fs::remove_file(place.path("out.fits")).unwrap();
        }
    }
}

#[test]
fn a_mask_of_which_only_the_beginning_is_there_is_not_passed_over() {
    let place = two();
    let mask = Image::new(8, &[3, 2], &[1.0; 6]).named("MASK").extension();
    let whole = [good(100.0).primary(), mask].concat();
    for length in [2 * 2880 + 80, 2 * 2880 + 2879, 3 * 2880, 3 * 2880 + 5] {
        fs::write(place.path("m.fits"), &whole[..length]).unwrap();
        place.refused("a.fits m.fits", 1, &["m.fits", HINT]);
        assert_same(
            &place.combined("--skip-bad a.fits m.fits b.fits"),
            &[2.0; 6],
        );
        assert_same(
            &place.combined("--mask-hdu none --uncertainty-hdu none a.fits m.fits"),
            &[50.5; 6],
        );
        fs::remove_file(place.path("out.fits")).unwrap();
    }
}

#[test]
fn calibrate_leaves_damaged_frames_out_and_the_rest_is_done() {
    let place = night();
    let arguments = "calibrate -o done --overwrite --gain 2";
    let run = place.run(&format!("{arguments} a.fits a1.fits a2.fits b.fits"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("2 of 4 frames"), "{}", run.stderr);
    assert!(run.stderr.contains(HINT), "{}", run.stderr);
    let json = place.json(&format!(
        "{arguments} --skip-bad a.fits a1.fits a2.fits b.fits"
    ));
    assert_eq!(json["frames"].as_array().unwrap().len(), 2);
    assert_eq!(json["skipped"][0]["frame"], "a1.fits");
    assert_eq!(json["skipped"][1]["frame"], "a2.fits");
    assert_same(&place.plane("done/b.fits", None), &[6.0; 6]);
    let run = place.run(&format!("{arguments} --skip-bad a1.fits"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("no frames"), "{}", run.stderr);
}
