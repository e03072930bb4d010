//! Every flag of a step, by numbers worked out by hand, the same from `calibrate` and from `combine` of one frame.

use crate::common::{Place, assert_close, assert_same};
use crate::fits::{Image, empty_primary};

/// Wants both commands to come to these values with these steps.
#[track_caller]
fn comes_to(place: &Place, steps: &str, frame: &str, values: &[f64]) {
    place.done(&format!("calibrate -q --overwrite -o red {steps} {frame}"));
    assert_close(&place.plane(&format!("red/{frame}"), None), values, 1e-6);
    place.done(&format!(
        "combine -q --overwrite -o out.fits {steps} {frame}"
    ));
    assert_close(&place.plane("out.fits", None), values, 1e-6);
}

/// Every flag of a calibration, and its default as the help tells it; nothing where it is a switch.
const FLAGS: [(&str, &str); 29] = [
    ("--overscan", "none"),
    ("--overscan-stat", "median"),
    ("--overscan-fit", "none"),
    ("--overscan-axis", "auto"),
    ("--overscan-clip", "none"),
    ("--trim", "the whole frame"),
    ("--deviation", ""),
    ("--gain", "none"),
    ("--readnoise", ""),
    ("--negative", "readnoise"),
    ("--bad-pixels", "none"),
    ("--mask-bits", "all"),
    ("--mask-hdu", "MASK"),
    ("--flip-bits", ""),
    ("--gain-last", ""),
    ("--bias", "none"),
    ("--dark", "none"),
    ("--dark-scale", ""),
    ("--exposure-key", "EXPTIME"),
    ("--exposure", ""),
    ("--dark-exposure", ""),
    ("--flat", "none"),
    ("--flat-min", "none"),
    ("--flat-norm", "mean"),
    ("--flat-section", "the whole flat"),
    ("--flat-norm-over", "frame"),
    ("--sky", "none"),
    ("--below", "none"),
    ("--redo", ""),
];

#[test]
fn every_flag_stands_in_the_help_of_both_commands_with_its_default() {
    let place = Place::new();
    for command in ["calibrate", "combine"] {
        for help in ["--help", "-h"] {
            let text = place.done(&format!("{command} {help}")).stdout;
            let words: Vec<&str> = text.split_whitespace().collect();
            let text = words.join(" ");
            for (flag, default) in FLAGS {
                // The first default behind the flag is its own.
                let entry = text.split(&format!(" {flag} ")).skip(1).any(|rest| {
                    let first = rest.split("[default: ").nth(1).unwrap_or("");
                    default.is_empty() || first.starts_with(&format!("{default}]"))
                });
                assert!(entry, "{flag} [default: {default}] in {command} {help}");
            }
            for flag in ["--above", "--stats-section"] {
                assert!(
                    text.contains(&format!(" {flag} <")),
                    "{flag} in {command} {help}"
                );
            }
        }
    }
}

#[test]
fn the_level_of_an_overscan() {
    let place = Place::new();
    // A column of light, and three of overscan.
    let row = |level: f64| [100.0, level, level + 1.0, level + 5.0];
    let pixels = [10.0, 20.0, 30.0, 40.0].map(row).concat();
    Image::new(-32, &[4, 4], &pixels).write(place.path("raw.fits"));
    let by = |flags: &str| format!("--overscan [2:4,1:4] --trim [1:1,*] {flags}");
    let (medians, means) = ([89.0, 79.0, 69.0, 59.0], [88.0, 78.0, 68.0, 58.0]);
    for (flags, values) in [
        ("", medians),
        (
            "--overscan-stat median --overscan-fit none --overscan-axis auto",
            medians,
        ),
        ("--overscan-axis row", medians),
        ("--overscan-stat mean", means),
        ("--overscan-fit poly:0", [74.0; 4]),
        ("--overscan-fit poly:1", medians),
        ("--overscan-fit legendre:1", medians),
        ("--overscan-fit chebyshev:2", medians),
        ("--overscan-fit spline3:1 --overscan-stat mean", means),
    ] {
        comes_to(&place, &by(flags), "raw.fits", &values);
    }
    let columns = "--overscan [2:4,1:4] --overscan-axis column --trim [2:4,1:1]";
    comes_to(&place, columns, "raw.fits", &[-15.0; 3]);
}

#[test]
fn a_clip_leaves_lines_out_of_a_fit() {
    let place = Place::new();
    let mut pixels = [100.0, 10.0].repeat(12);
    pixels[7] = 1000.0;
    Image::new(-32, &[2, 12], &pixels).write(place.path("raw.fits"));
    let steps = "--overscan [2:2,*] --trim [1:1,*] --overscan-fit poly:0";
    comes_to(&place, steps, "raw.fits", &[7.5; 12]);
    comes_to(
        &place,
        &format!("{steps} --overscan-clip 2,2,3"),
        "raw.fits",
        &[90.0; 12],
    );
    comes_to(
        &place,
        &format!("{steps} --overscan-clip ,2,1"),
        "raw.fits",
        &[90.0; 12],
    );
    comes_to(
        &place,
        &format!("{steps} --overscan-clip 2,,1"),
        "raw.fits",
        &[7.5; 12],
    );
}

#[test]
fn masters_exposures_gain_and_sky() {
    let place = Place::new();
    let timed = |pixels: [f64; 2], seconds: f64, other: f64| {
        Image::row(&pixels)
            .card(format!("EXPTIME = {seconds:?}"))
            .card(format!("EXPOSED = {other:?}"))
            .card("GAIN    = 2.0")
    };
    timed([10.0, 20.0], 60.0, 30.0).write(place.path("raw.fits"));
    timed([1.0, 2.0], 0.0, 0.0).write(place.path("b.fits"));
    timed([3.0, 4.0], 30.0, 60.0).write(place.path("d.fits"));
    timed([1.0, 3.0], 5.0, 5.0).write(place.path("f.fits"));
    let third = |n: f64| n / 3.0;
    for (steps, values) in [
        ("--bias b.fits", [9.0, 18.0]),
        ("--bias b.fits[0]", [9.0, 18.0]),
        ("--dark d.fits", [7.0, 16.0]),
        ("--dark d.fits --dark-scale", [4.0, 12.0]),
        ("--dark d.fits --dark-scale --exposure 30", [7.0, 16.0]),
        ("--dark d.fits --dark-scale --dark-exposure 20", [1.0, 8.0]),
        (
            "--dark d.fits --dark-scale --exposure-key EXPOSED",
            [8.5, 18.0],
        ),
        ("--flat f.fits", [20.0, third(40.0)]),
        (
            "--flat f.fits --flat-norm mean --flat-norm-over frame",
            [20.0, third(40.0)],
        ),
        ("--flat f.fits --flat-norm median", [20.0, third(40.0)]),
        ("--flat f.fits --flat-norm 1", [10.0, third(20.0)]),
        (
            "--flat f.fits --flat-section [1:1,1:1]",
            [10.0, third(20.0)],
        ),
        ("--flat f.fits --flat-min 3", [10.0, 20.0]),
        ("--gain 2", [20.0, 40.0]),
        ("--gain GAIN", [20.0, 40.0]),
        ("--gain GAIN --gain-last --bias b.fits", [18.0, 36.0]),
        ("--sky none", [10.0, 20.0]),
        ("--sky median", [-5.0, 5.0]),
        ("--sky median --stats-section [1:1,1:1]", [0.0, 10.0]),
        ("--sky mode --stats-section [2:2,1:1]", [-10.0, 0.0]),
        ("--below 15=1 --above 19=7", [1.0, 7.0]),
        ("--trim [2:2,1:1] --below 25=-3", [-3.0, -3.0]),
        (
            "--bias b.fits --dark d.fits --dark-scale --flat f.fits --gain 2 --gain-last",
            [12.0, third(40.0)],
        ),
    ] {
        let values = if steps.contains("--trim") {
            &values[1..]
        } else {
            &values[..]
        };
        comes_to(&place, steps, "raw.fits", values);
    }
}

#[test]
fn bits_of_masks_that_are_bad() {
    let place = Place::new();
    let bits = Image::new(8, &[5, 1], &[0.0, 1.0, 2.0, 4.0, 6.0]).named("DQ");
    Image::row(&[5.0; 5]).write_with(&[bits], place.path("raw.fits"));
    for (flags, mask) in [
        ("", [0.0, 1.0, 1.0, 1.0, 1.0]),
        ("--mask-bits all", [0.0, 1.0, 1.0, 1.0, 1.0]),
        ("--mask-bits 1,4", [0.0, 1.0, 0.0, 1.0, 1.0]),
        ("--mask-bits ~2", [0.0, 1.0, 0.0, 1.0, 1.0]),
        ("--mask-bits 2 --flip-bits", [0.0, 1.0, 0.0, 1.0, 1.0]),
        ("--mask-bits ~2 --flip-bits", [0.0, 0.0, 1.0, 0.0, 1.0]),
        ("--mask-bits 6", [0.0, 0.0, 1.0, 1.0, 1.0]),
    ] {
        let steps = format!("-q --overwrite --mask-hdu DQ {flags} raw.fits");
        place.done(&format!("calibrate -o red {steps}"));
        assert_same(&place.plane("red/raw.fits", Some("MASK")), &mask);
        place.done(&format!("combine -o out.fits {steps}"));
        assert_same(&place.plane("out.fits", Some("MASK")), &mask);
    }
}

#[test]
fn chips_have_their_norms_or_share_one() {
    let place = Place::new();
    let file = |name: &str, chips: [(&str, f64); 2]| {
        let mut bytes = empty_primary(&["EXTEND  =                    T"]);
        let chip = |(name, value)| Image::row(&[value; 2]).named(name).extension();
        bytes.extend(chips.into_iter().flat_map(chip));
        std::fs::write(place.path(name), bytes).unwrap();
    };
    file("raw.fits", [("A", 10.0), ("B", 30.0)]);
    file("flat.fits", [("A", 1.0), ("B", 3.0)]);
    for (over, a, b) in [("frame", 10.0, 30.0), ("mef", 20.0, 20.0)] {
        let steps =
            format!("-q --overwrite --hdu all --flat flat.fits --flat-norm-over {over} raw.fits");
        place.done(&format!("calibrate -o red {steps}"));
        place.done(&format!("combine -o out.fits {steps}"));
        for out in ["red/raw.fits", "out.fits"] {
            assert_same(&place.plane(out, Some("A")), &[a; 2]);
            assert_same(&place.plane(out, Some("B")), &[b; 2]);
        }
    }
}

#[test]
fn a_deviation_that_was_written_without_its_plane_is_made_again() {
    let place = Place::new();
    Image::row(&[-2.0, 9.0]).write(place.path("raw.fits"));
    let noise = "--deviation --readnoise 4";
    place.done(&format!("calibrate -q -o whole {noise} raw.fits"));
    place.done(&format!(
        "calibrate -q -o data --planes data {noise} raw.fits"
    ));
    Image::row(&[-2.0, 9.0])
        .card("CREATVAR= 'ccd_data=<CCDData>'")
        .write(place.path("ccdproc.fits"));
    for (frame, said) in [
        (
            "whole/raw.fits",
            "deviation is done (DEVIATN); --deviation is left out",
        ),
        (
            "data/raw.fits",
            "deviation is done (DEVIATN), but it has no uncertainty; --deviation makes one",
        ),
        (
            "ccdproc.fits",
            "deviation is done (CREATVAR), but it has no uncertainty; --deviation makes one",
        ),
    ] {
        let run = place.done(&format!("calibrate -q --overwrite -o red {noise} {frame}"));
        assert!(run.stderr.contains(said), "{}", run.stderr);
        let name = frame.rsplit('/').next().unwrap();
        assert_close(
            &place.plane(&format!("red/{name}"), Some("UNCERT")),
            &[4.0, 5.0],
            1e-6,
        );
        let run = place.done(&format!(
            "combine -q --overwrite -o out.fits --uncertainty propagate {noise} {frame}"
        ));
        assert!(run.stderr.contains(said), "{}", run.stderr);
        assert_close(&place.plane("out.fits", Some("UNCERT")), &[4.0, 5.0], 1e-6);
    }
    // Not asked for, nothing is made, and nothing said.
    let run = place.done("calibrate -q --overwrite -o red --trim [*,*] data/raw.fits");
    assert_eq!(
        (run.stderr.as_str(), place.hdus("red/raw.fits").len()),
        ("", 1)
    );
}
