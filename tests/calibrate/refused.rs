//! Bad input of calibrations: what is at fault is named, with what would help; other frames are done, and nothing is left half-written.

use std::fs;

use super::{listing, night, night_with, raw, raw_but};
use crate::common::{Place, Run, assert_same};
use crate::fits::Image;

/// Runs `calibrate -o red`, wants it to fail, and every part in what it says of one frame; returns the run.
#[track_caller]
pub(super) fn fails(place: &Place, arguments: &str, parts: &[&str]) -> Run {
    let run = place.run(&format!("calibrate -o red {arguments}"));
    assert_eq!(run.status, Some(1), "{arguments}: {}", run.stderr);
    let told = |line: &&str| parts.iter().all(|part| line.contains(part));
    assert!(
        run.stderr.lines().any(|line| told(&line)),
        "{parts:?} in: {}",
        run.stderr
    );
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    run
}

/// Wants these steps to be refused for the frame `bad.fits` of these cards: `calibrate` does the frame beside it and tells why this one
/// failed, `combine` tells the same and writes nothing.
#[track_caller]
pub(super) fn spoils_its_frame(steps: &str, cards: &[(&str, &str)], parts: &[&str]) {
    let place = night_with("bad.fits", &raw_but(cards));
    let before = place.listing();
    let run = fails(&place, &format!("{steps} raw1.fits bad.fits"), parts);
    assert!(
        run.stderr.contains("ccdstream: failed: bad.fits: ")
            && run
                .stderr
                .contains("1 of 2 frames could not be calibrated; the others are written"),
        "{}",
        run.stderr
    );
    assert_eq!(listing(&place, "red"), ["raw1.fits"]);
    fs::remove_dir_all(place.path("red")).unwrap();
    assert_eq!(place.listing(), before);
    place.refused(&format!("{steps} raw1.fits bad.fits"), 1, parts);
}

/// Wants these steps to be refused by both commands, whatever the frame.
#[track_caller]
pub(super) fn spoils_all(place: &Place, steps: &str, parts: &[&str]) {
    let before = place.listing();
    let run = fails(place, &format!("{steps} raw1.fits raw2.fits"), parts);
    assert!(
        run.stderr.contains("2 of 2 frames could not be calibrated"),
        "{}",
        run.stderr
    );
    assert!(listing(place, "red").is_empty());
    fs::remove_dir(place.path("red")).unwrap();
    assert_eq!(place.listing(), before);
    place.refused(&format!("{steps} raw1.fits raw2.fits"), 1, parts);
}

#[test]
fn sections_that_are_typed_beyond_the_frame() {
    let place = night();
    for flag in ["--overscan", "--trim"] {
        for section in ["[3:9,1:2]", "[13:19,1:2]", "[1:2,1:3]"] {
            spoils_all(
                &place,
                &format!("{flag} {section}"),
                &[
                    "raw1.fits",
                    flag,
                    section,
                    "is not within its 4 × 2 pixels",
                    "counted from 1",
                ],
            );
        }
    }
    for flag in ["--flat-section", "--region"] {
        let steps = format!("--trim TRIMSEC --flat flat.fits {flag} [1:3,1:1]");
        place.refused(
            &format!("{steps} raw1.fits"),
            1,
            &[flag, "[1:3,1:1]", "2 × 2"],
        );
    }
    spoils_all(
        &place,
        "--trim TRIMSEC --sky median --stats-section [1:3,1:1]",
        &["--stats-section [1:3,1:1]", "over the edge", "2 × 2"],
    );
}

#[test]
fn a_section_of_a_header_that_runs_over_the_edge_is_cut_with_a_warning() {
    let place = night();
    let said =
        "raw1.fits: BIASSEC '[3:9,1:2]' runs over the edge of its 4 × 2 pixels; cut to [3:4,1:2]";
    let run =
        place.done("calibrate -q -o red --overscan BIASSEC --trim [1:2,1:2] raw1.fits raw2.fits");
    assert!(
        run.stderr.contains(&format!("ccdstream: warning: {said}")),
        "{}",
        run.stderr
    );
    assert_same(
        &place.plane("red/raw1.fits", None),
        &[1000.0, 2000.0, 3000.0, 0.0],
    );
    let run = place
        .done("combine -q -o out.fits --overscan BIASSEC --trim [1:2,1:2] raw1.fits raw2.fits");
    assert!(
        run.stderr
            .contains(&format!("{said} (and so with 1 more frame)")),
        "{}",
        run.stderr
    );
}

#[test]
fn sections_of_a_header_that_lie_outside_or_are_none() {
    for (flag, keyword) in [("--overscan", "BIASSEC"), ("--trim", "TRIMSEC")] {
        for (value, said) in [
            ("'[13:19,1:2]'", "lies outside its 4 × 2 pixels"),
            ("'[0:0,1:2]'", "lies outside its 4 × 2 pixels"),
            ("'none'", "is no section"),
            ("5", "is no section"),
        ] {
            let help = format!("give the section: {flag} [x1:x2,y1:y2]");
            let parts = ["bad.fits: ", keyword, said, &help];
            spoils_its_frame(&format!("{flag} {keyword}"), &[(keyword, value)], &parts);
        }
    }
}

#[test]
fn keywords_that_are_missing_or_no_number() {
    for (steps, keyword, flag) in [
        ("--overscan BIASSEC --trim TRIMSEC", "BIASSEC", "--overscan"),
        ("--overscan [3:4,1:2] --trim TRIMSEC", "TRIMSEC", "--trim"),
        ("--gain GAIN", "GAIN", "--gain"),
        ("--deviation --readnoise RDNOISE", "RDNOISE", "--readnoise"),
    ] {
        let said = format!("{keyword}, which {flag} asks for, is not in its header");
        spoils_its_frame(
            steps,
            &[(keyword, "")],
            &["bad.fits: ", &said, "name another keyword, or give "],
        );
    }
    for (steps, keyword, value, help) in [
        ("--gain GAIN", "GAIN", "0", "give --gain a number above 0"),
        (
            "--gain GAIN",
            "GAIN",
            "-2.5",
            "give --gain a number above 0",
        ),
        (
            "--gain GAIN",
            "GAIN",
            "'high'",
            "give --gain a number above 0",
        ),
        (
            "--deviation --readnoise RDNOISE",
            "RDNOISE",
            "-1",
            "give --readnoise a number not below 0",
        ),
    ] {
        let shown = value.trim_matches('\'');
        spoils_its_frame(
            steps,
            &[(keyword, value)],
            &["bad.fits: ", keyword, shown, help],
        );
    }
}

#[test]
fn a_fit_of_an_order_above_its_points() {
    let place = night();
    for (fit, ncoefficient) in [
        ("poly:2", 3),
        ("legendre:4", 5),
        ("chebyshev:2", 3),
        ("spline3:1", 4),
    ] {
        let said = format!(
            "2 of the overscan's lines have samples, and --overscan-fit has {ncoefficient} coefficients"
        );
        spoils_all(
            &place,
            &format!("--overscan BIASSEC --trim TRIMSEC --overscan-fit {fit}"),
            &["raw1.fits: ", &said, "lower order"],
        );
    }
    place.done("calibrate -q -o fits --overscan BIASSEC --overscan-fit poly:1 raw1.fits");
    // An overscan that does not reach along the rows that are kept.
    spoils_all(
        &place,
        "--overscan [3:4,1:1] --overscan-axis row --trim TRIMSEC",
        &["raw1.fits", "rows 1 to 1", "rows 1 to 2", "--overscan-axis"],
    );
}

#[test]
fn a_frame_that_fails_half_way_leaves_nothing_of_itself_and_the_others_done() {
    let place = night();
    // Its last sample is below 0 behind the overscan, and is met when the file is being written.
    raw([1200, 2200, 3202, 90]).write(place.path("raw0.fits"));
    let steps = "--overscan BIASSEC --trim TRIMSEC --dtype u16";
    for threads in [1, 2] {
        let run = fails(
            &place,
            &format!("-j {threads} --overwrite {steps} raw0.fits raw1.fits"),
            &["raw0.fits: ", "-12", "does not fit --dtype u16"],
        );
        assert!(
            run.stderr.contains("frames  1 of 2 calibrated, 1 failed"),
            "{}",
            run.stderr
        );
        assert_eq!(listing(&place, "red"), ["raw1.fits"]);
        assert_same(
            &place.plane("red/raw1.fits", None),
            &[1000.0, 2000.0, 3000.0, 0.0],
        );
    }
    let run = place.run(&format!(
        "calibrate --json --overwrite -o red {steps} raw0.fits raw1.fits"
    ));
    let told: serde_json::Value = serde_json::from_str(&run.stdout).unwrap();
    let frames = &told["frames"];
    assert!(
        frames[0]["fault"]
            .as_str()
            .unwrap()
            .contains("does not fit")
            && frames[0]["output"].is_null()
    );
    assert!(frames[1]["fault"].is_null() && frames[1]["output"] == "red/raw1.fits");
    assert_eq!(run.status, Some(1));
    // What stood there before stays where its frame fails.
    fs::write(place.path("red/raw0.fits"), "precious").unwrap();
    fails(
        &place,
        &format!("--overwrite {steps} raw0.fits raw1.fits"),
        &["raw0.fits"],
    );
    assert_eq!(place.bytes("red/raw0.fits"), b"precious");
    let combined = place.run(&format!("combine -o out.fits {steps} raw0.fits"));
    assert_eq!(combined.status, Some(1));
    assert!(!place.path("out.fits").exists());
}

#[test]
fn frames_that_cannot_be_read_leave_the_others_done() {
    let place = night();
    fs::write(place.path("text.fits"), "clouds").unwrap();
    let whole = raw([1; 4]).primary();
    fs::write(place.path("short.fits"), &whole[..2890]).unwrap();
    Image::uint16(&[4, 2, 2], &[7; 16]).write(place.path("cube.fits"));
    let run =
        place.run("calibrate -o red --trim [1:2,1:2] text.fits raw1.fits short.fits cube.fits");
    assert_eq!(run.status, Some(1));
    for said in [
        "failed: text.fits: is text, not FITS",
        "failed: short.fits: is cut short",
        "failed: cube.fits plane 1: is one of 2 planes of a cube; calibrate takes one image a file, combine also cubes",
        "3 of 4 frames could not be calibrated; the others are written",
    ] {
        assert!(run.stderr.contains(said), "{said} in {}", run.stderr);
    }
    assert_eq!(listing(&place, "red"), ["raw1.fits"]);
}
