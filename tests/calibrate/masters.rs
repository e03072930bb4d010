//! Bad masters: of another shape or unit, of no exposure, flats of no use, masters that would be overwritten.

use std::fs;

use super::refused::{fails, spoils_all, spoils_its_frame};
use super::{listing, night, raw_but};
use crate::common::assert_same;
use crate::fits::Image;

#[test]
fn shapes_that_differ_after_the_trim() {
    let place = night();
    Image::new(-32, &[4, 2], &[1.0; 8]).write(place.path("whole.fits"));
    Image::new(-32, &[3, 3], &[1.0; 9]).write(place.path("odd.fits"));
    for (flag, role) in [
        ("--bias", "--bias"),
        ("--dark", "--dark"),
        ("--flat", "--flat"),
        ("--bad-pixels", "--bad-pixels"),
    ] {
        spoils_all(
            &place,
            &format!("--trim TRIMSEC {flag} odd.fits"),
            &[
                role,
                "odd.fits",
                "raw1.fits",
                "3 × 3",
                "2 × 2 after the trim, 4 × 2 before",
                "--trim",
            ],
        );
        spoils_all(
            &place,
            &format!("--trim TRIMSEC {flag} whole.fits"),
            &[
                role,
                "whole.fits",
                "raw1.fits is trimmed from that to 2 × 2; trim this in the same way",
            ],
        );
        spoils_all(
            &place,
            &format!("{flag} bias.fits"),
            &[
                role,
                "bias.fits",
                "2 × 2 pixels, but raw1.fits has 4 × 2",
                "--trim",
            ],
        );
    }
    // Frames among themselves: a matter of stacks only.
    raw_but(&[("TRIMSEC", "'[1:3,1:2]'")]).write(place.path("wide.fits"));
    place.refused(
        "--trim TRIMSEC raw1.fits wide.fits",
        1,
        &[
            "wide.fits: 3 × 2 pixels after the trim",
            "raw1.fits has 2 × 2",
            "one shape",
        ],
    );
    place.done("calibrate -q -o red --trim TRIMSEC raw1.fits wide.fits");
    fails(
        &place,
        "--overwrite --trim TRIMSEC --bias bias.fits raw1.fits wide.fits",
        &["--bias bias.fits", "wide.fits has 3 × 2 after the trim"],
    );
}

#[test]
fn units_that_disagree() {
    let place = night();
    Image::new(-32, &[2, 2], &[1.0; 4])
        .card("BUNIT   = 'electron'")
        .card("EXPTIME =                 30.0")
        .write(place.path("e.fits"));
    for flag in ["--bias", "--dark"] {
        spoils_all(
            &place,
            &format!("--trim TRIMSEC {flag} e.fits"),
            &[
                flag,
                "e.fits",
                "'electron', but raw1.fits is in 'adu'",
                "give --gain",
            ],
        );
        spoils_all(
            &place,
            &format!("--trim TRIMSEC --gain 2 {flag} dark.fits"),
            &[
                flag,
                "dark.fits",
                "'adu', but raw1.fits is in 'electron' after --gain",
                "--gain-last",
            ],
        );
    }
    // The flat has a unit of its own, and the spellings of counts are one unit.
    place.done("calibrate -q -o red --trim TRIMSEC --flat e.fits raw1.fits");
    raw_but(&[("BUNIT", "'electron'")]).write(place.path("bad.fits"));
    fails(
        &place,
        "--overwrite --trim TRIMSEC --bias bias.fits raw1.fits bad.fits",
        &[
            "--bias bias.fits",
            "bad.fits is in 'electron'",
            "a master in 'electron'",
        ],
    );
    assert_eq!(listing(&place, "red"), ["raw1.fits"]);
    place.refused(
        "--trim TRIMSEC --bias bias.fits raw1.fits bad.fits",
        1,
        &["bad.fits", "electron", "raw1.fits", "adu"],
    );
}

#[test]
fn exposures_by_which_no_dark_can_be_scaled() {
    let steps = "--trim TRIMSEC --dark dark.fits --dark-scale";
    for (value, said) in [
        ("", "EXPTIME is not in its header"),
        ("0.0", "EXPTIME is 0"),
        ("-3", "EXPTIME is -3"),
        ("'long'", "EXPTIME is 'long', which is no number"),
    ] {
        let parts = [
            "bad.fits: has no exposure time",
            said,
            "dark.fits",
            "give --exposure",
        ];
        spoils_its_frame(steps, &[("EXPTIME", value)], &parts);
        let place = night();
        let dark = Image::new(-32, &[2, 2], &[1.0; 4]);
        let dark = if value.is_empty() {
            dark
        } else {
            dark.card(format!("EXPTIME = {value}"))
        };
        dark.write(place.path("dark.fits"));
        let parts = [
            "--dark dark.fits: has no exposure time",
            said,
            "raw1.fits",
            "give --dark-exposure",
        ];
        spoils_all(&place, steps, &parts);
        place.done(&format!(
            "calibrate -q -o red {steps} --dark-exposure 30 raw1.fits"
        ));
        // Unscaled it is not asked for.
        place.done("calibrate -q -o un --trim TRIMSEC --dark dark.fits raw1.fits");
    }
    let place = night();
    for flag in ["--exposure", "--dark-exposure"] {
        let run = place.run(&format!("calibrate -o red {steps} {flag} 0 raw1.fits"));
        assert_eq!(run.status, Some(2), "{}", run.stderr);
        assert!(
            run.stderr
                .contains(&format!("{flag} 0: exposures are positive"))
        );
        place.refused(
            &format!("{steps} {flag} -1 raw1.fits"),
            2,
            &[flag, "positive"],
        );
    }
}

#[test]
fn a_flat_of_no_use() {
    let place = night();
    let flat = |pixels: [f64; 4]| Image::new(-32, &[2, 2], &pixels);
    let none = [
        ("none of its 4 pixels is good", flat([f64::NAN; 4])),
        ("its norm is 0", flat([0.0; 4])),
        ("its norm is -2", flat([-2.0; 4])),
    ];
    for (said, flat) in none {
        flat.write(place.path("flat.fits"));
        let parts = [
            "--flat flat.fits",
            said,
            "--flat-section",
            "--flat-norm a number",
        ];
        spoils_all(&place, "--trim TRIMSEC --flat flat.fits", &parts);
    }
    let mask = Image::new(8, &[2, 2], &[1.0; 4]).named("MASK");
    flat([1.0; 4]).write_with(&[mask], place.path("flat.fits"));
    let parts = ["--flat flat.fits", "none of its 4 pixels is good", "masked"];
    spoils_all(&place, "--trim TRIMSEC --flat flat.fits", &parts);
}

#[test]
fn pixels_of_a_flat_that_are_zero_negative_or_masked_are_masked_and_counted() {
    let place = night();
    let mask = Image::new(8, &[2, 2], &[0.0, 0.0, 0.0, 7.0]).named("MASK");
    Image::new(-32, &[2, 2], &[6.0, 0.0, -3.0, 5.0]).write_with(&[mask], place.path("flat.fits"));
    let said = "--flat flat.fits: 3 of its 4 pixels are masked, not finite or not above 0, and so are masked in the result";
    // The norm over the flat, over a part of it, and none: it is counted on the way, or by itself.
    for norm in ["", "--flat-section [1:1,1:1]", "--flat-norm 2"] {
        let steps = format!("--trim TRIMSEC --flat flat.fits {norm}");
        let run = place.run(&format!(
            "calibrate --overwrite -o red {steps} raw1.fits raw2.fits"
        ));
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        let warning = format!("warning: raw1.fits: {said} (and so with 1 more frame)");
        assert!(run.stderr.contains(&warning), "{norm}: {}", run.stderr);
        assert!(
            run.stderr.contains("masked  6 (75.000 %) pixels"),
            "{}",
            run.stderr
        );
        assert_same(
            &place.plane("red/raw1.fits", Some("MASK")),
            &[0.0, 1.0, 1.0, 1.0],
        );
        // What is masked is divided by 1.
        assert_same(
            &place.plane("red/raw1.fits", None)[1..],
            &[2100.0, 3102.0, 102.0],
        );
        let run = place.done(&format!(
            "combine --overwrite -o out.fits {steps} raw1.fits raw2.fits"
        ));
        assert!(
            run.stderr.contains(&format!("warning: {said}")),
            "{}",
            run.stderr
        );
        assert!(
            run.stderr.contains("empty   3 (75.000 %) pixels"),
            "{}",
            run.stderr
        );
    }
    // A minimum above 0 leaves only the masked one.
    let run = place.done(
        "calibrate -q --overwrite -o red --trim TRIMSEC --flat flat.fits --flat-min 1 raw1.fits",
    );
    assert!(
        run.stderr.contains("1 of its 4 pixels are masked"),
        "{}",
        run.stderr
    );
    let flat = place.done("calibrate -q -o un --trim TRIMSEC --flat dark.fits raw1.fits");
    assert_eq!(flat.stderr, "");
}

#[test]
fn masters_that_are_no_masters() {
    let place = night();
    Image::new(-32, &[2, 2, 2], &[1.0; 8]).write(place.path("cube.fits"));
    fs::write(place.path("text.fits"), "clouds").unwrap();
    for (flag, file, said) in [
        (
            "--bias",
            "none.fits",
            "none.fits: cannot open: No such file",
        ),
        (
            "--dark",
            "none.fits",
            "none.fits: cannot open: No such file",
        ),
        ("--flat", "text.fits", "text.fits: is text, not FITS"),
        (
            "--bias",
            "cube.fits",
            "cube.fits: has 2 planes, where a master has one",
        ),
    ] {
        spoils_all(
            &place,
            &format!("--trim TRIMSEC {flag} {file}"),
            &[flag, said],
        );
    }
    spoils_all(
        &place,
        "--trim TRIMSEC --bias none.fits",
        &["it is needed for raw1.fits"],
    );
}

#[test]
fn a_master_that_is_one_of_the_outputs() {
    let place = night();
    fs::create_dir(place.path("red")).unwrap();
    fs::rename(place.path("bias.fits"), place.path("red/raw1.fits")).unwrap();
    let before = place.bytes("red/raw1.fits");
    for (steps, what) in [
        ("--bias red/raw1.fits", "a master"),
        ("--dark red/raw1.fits", "a master"),
        ("--flat 'red/raw1.fits[0]'", "a master"),
        ("--bad-pixels red/raw1.fits", "the mask of bad pixels"),
    ] {
        let arguments = format!("--overwrite --trim TRIMSEC {steps} raw1.fits raw2.fits");
        let said = format!("red/raw1.fits: is {what} and would be overwritten");
        fails(&place, &arguments, &[&said, "another folder or a --suffix"]);
        assert_eq!(listing(&place, "red"), ["raw1.fits"]);
        let arguments = format!("combine -o red/raw1.fits {arguments}");
        let run = place.run(&arguments);
        assert_eq!(run.status, Some(1), "{arguments}: {}", run.stderr);
        let said = "red/raw1.fits: is the output and one of the inputs; choose another --output";
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_eq!(place.bytes("red/raw1.fits"), before);
    }
    place.done("calibrate -q -o red --suffix _b --trim TRIMSEC --bias red/raw1.fits raw1.fits");
}
