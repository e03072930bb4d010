//! The files that come out of `calibrate`: their folder and names, planes, cards, and what a header says is done.

use std::fs;
use std::process::Command;

use super::{STEPS, listing, night, raw, raw_but};
use crate::common::{Place, assert_same};
use crate::fits::{Image, empty_primary};

const TRIM: &str = "-q --trim [1:2,1:2]";

/// A file of chips behind an empty primary.
fn chips(place: &Place, name: &str, primary: &[&str], chips: &[Image]) {
    let mut bytes = empty_primary(primary);
    bytes.extend(chips.iter().flat_map(Image::extension));
    fs::write(place.path(name), bytes).unwrap();
}

#[test]
fn the_output_is_a_folder_that_is_made_also_for_one_frame() {
    let place = night();
    for folder in ["one", "deep/er/", "a.fits"] {
        place.done(&format!("calibrate {TRIM} -o {folder} raw1.fits"));
        assert_eq!(listing(&place, folder), ["raw1.fits"]);
    }
    place.done(&format!("calibrate {TRIM} --dry-run -o none raw1.fits"));
    assert!(!place.path("none").exists());
}

#[test]
fn frames_keep_their_names_less_what_packs_them() {
    let place = Place::new();
    for name in ["a.fits.gz", "b.fits.fz", "c.FIT", "d"] {
        raw([1; 4]).write(place.path(name));
    }
    let frames = "a.fits.gz b.fits.fz c.FIT d";
    place.done(&format!("calibrate {TRIM} -o red {frames}"));
    assert_eq!(listing(&place, "red"), ["a.fits", "b.fits", "c.FIT", "d"]);
    place.done(&format!("calibrate {TRIM} -o red --suffix=-b {frames}"));
    for name in ["a-b.fits", "b-b.fits", "c-b.FIT", "d-b"] {
        assert!(place.path("red").join(name).exists(), "{name}");
    }
    raw([1; 4]).write(place.path("a.fits"));
    let run = place.run(&format!("calibrate {TRIM} -o new d a.fits a.fits.gz"));
    assert_eq!(run.status, Some(1));
    let said = "new/a.fits: would be the output of both a.fits and a.fits.gz; calibrate them into two folders";
    assert!(run.stderr.contains(said), "{}", run.stderr);
    assert!(!place.path("new").exists(), "refused before any work");
}

#[test]
fn an_output_that_exists_is_an_error_of_its_frame_unless_it_is_to_be_replaced() {
    let place = night();
    fs::create_dir(place.path("red")).unwrap();
    fs::write(place.path("red/raw1.fits"), "precious").unwrap();
    let run = place.run(&format!("calibrate {TRIM} -o red raw1.fits raw2.fits"));
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("red/raw1.fits: exists already"),
        "{}",
        run.stderr
    );
    assert_eq!(place.bytes("red/raw1.fits"), b"precious");
    assert_eq!(listing(&place, "red"), ["raw1.fits", "raw2.fits"]);
    place.done(&format!(
        "calibrate {TRIM} --overwrite -o red raw1.fits raw2.fits"
    ));
    assert_same(
        &place.plane("red/raw1.fits", None),
        &[1100.0, 2100.0, 3102.0, 102.0],
    );
}

#[test]
fn planes_are_written_as_soon_as_there_is_something_in_them() {
    let place = night();
    let ones = Image::new(-32, &[2, 2], &[1.0; 4]);
    let uncert = ones
        .clone()
        .named("UNCERT")
        .card("UTYPE   = 'StdDevUncertainty'");
    let mask = Image::new(8, &[2, 2], &[0.0, 1.0, 0.0, 0.0]).named("MASK");
    ones.write_with(&[uncert], place.path("u.fits"));
    ones.write_with(&[mask], place.path("m.fits"));
    for (steps, planes) in [
        ("", &["?"][..]),
        ("--bias bias.fits", &["?"]),
        ("--bias u.fits", &["?", "UNCERT"]),
        ("--dark m.fits", &["?", "MASK"]),
        ("--bias u.fits --flat m.fits", &["?", "MASK", "UNCERT"]),
        ("--deviation --readnoise 1", &["?", "UNCERT"]),
        ("--below 200=mask", &["?", "MASK"]),
        ("--below 2=mask", &["?"]),
        ("--bias u.fits --flat m.fits --planes data", &["?"]),
        (
            "--bias u.fits --planes data,uncertainty,mask",
            &["?", "MASK", "UNCERT"],
        ),
    ] {
        place.done(&format!(
            "calibrate {TRIM} --overwrite -o red {steps} raw1.fits"
        ));
        let hdus = place.hdus("red/raw1.fits");
        let name = |hdu: &crate::fits::Header| hdu.value("EXTNAME").unwrap_or("?".into());
        let mut names: Vec<_> = hdus.iter().map(name).collect();
        names.sort();
        assert_eq!(names, planes, "{steps}");
    }
    let run = place.run(&format!(
        "calibrate {TRIM} -o no --planes data,uncertainty --bias bias.fits raw1.fits"
    ));
    assert!(
        run.stderr.contains("has no uncertainty to write"),
        "{}",
        run.stderr
    );
    assert!(listing(&place, "no").is_empty());
    for (dtype, bitpix) in [
        ("auto", "-32"),
        ("f64", "-64"),
        ("u16", "16"),
        ("i32", "32"),
    ] {
        place.done(&format!(
            "calibrate {TRIM} --overwrite -o red --dtype {dtype} raw1.fits"
        ));
        let header = place.header("red/raw1.fits");
        assert_eq!(header.value("BITPIX").as_deref(), Some(bitpix));
    }
}

#[test]
fn each_step_leaves_a_card_and_a_line_with_the_master_and_its_sum() {
    let place = night();
    place.done(&format!(
        "calibrate -q -o red {STEPS} --gain 2 --gain-last raw1.fits"
    ));
    place.done("calibrate -q -o named --trim TRIMSEC --bias red/raw1.fits --redo --gain GAIN --sky median --above 9=mask raw1.fits");
    let header = place.header("red/raw1.fits");
    for (card, value) in [
        ("OVERSCAN", "Overscan section is [3:4,1:2] with mean=101"),
        ("TRIM", "Trim data section is [1:2,1:2]"),
        ("ZEROCOR", "Zero level correction image is bias.fits"),
        (
            "DARKCOR",
            "Dark count correction image is dark.fits with scale=2",
        ),
        ("FLATCOR", "Flat field image is flat.fits with scale=2"),
        ("GAINCOR", "Gain is 2 electron/adu"),
        ("BUNIT", "electron"),
    ] {
        assert_eq!(header.value(card).as_deref(), Some(value), "{card}");
    }
    let history = header.history().replace('\n', " ");
    let version = env!("CARGO_PKG_VERSION");
    for part in [
        &format!("ccdstream {version}: bias bias.fits (DATASUM "),
        "dark dark.fits (DATASUM ",
        "divided by flat flat.fits (DATASUM ",
        "multiplied by the gain",
    ] {
        assert!(history.contains(part), "{part} in {history}");
    }
    // A master that carries its own sum is named with it.
    let sum = header.value("DATASUM").unwrap();
    let named = place.header("named/raw1.fits");
    let history = named.history().replace('\n', " ");
    assert!(
        history.contains(&format!("bias raw1.fits (DATASUM {sum})")),
        "{history}"
    );
    for card in ["SKYSUB", "CALLIMIT"] {
        assert!(named.value(card).is_some(), "{card}");
    }
}

#[test]
fn what_other_programs_say_is_done_is_skipped_with_a_note_but_not_the_frame() {
    let place = night();
    for (cards, steps, step) in [
        (
            ("ZEROCOR", "'Zero level correction image is Zero'"),
            "--bias bias.fits",
            "bias",
        ),
        (
            ("SUBBIAS", "'ccd=<CCDData>, master=<CCDData>'"),
            "--bias bias.fits",
            "bias",
        ),
        (
            ("DARKCOR", "'Dark count correction image is D'"),
            "--dark dark.fits",
            "dark",
        ),
        (("FLATCOR", "T"), "--flat dark.fits", "flat"),
        (
            ("OVERSCAN", "'Overscan section is [3:4,1:2]'"),
            "--overscan [3:4,1:2]",
            "overscan",
        ),
        (
            ("TRIM", "'Trim data section is [1:2,1:2]'"),
            "--trim [1:1,1:1]",
            "trim",
        ),
    ] {
        raw_but(&[cards, ("TRIMSEC", "")]).write(place.path("done.fits"));
        let plain = if step == "trim" { "" } else { TRIM };
        let run = place.done(&format!(
            "calibrate --overwrite -o red {plain} {steps} done.fits"
        ));
        let card = cards.0;
        let said = format!("done.fits: its header says that its {step} is done ({card})");
        assert!(run.stderr.contains(&said), "{said} in {}", run.stderr);
        let header = place.header("red/done.fits");
        assert!(
            header.history().contains(&format!("{step} skipped")),
            "{}",
            header.history()
        );
        let first = place.plane("red/done.fits", None)[0];
        assert_same(&[first], &[1100.0]);
        if step != "trim" {
            let run = place.done(&format!(
                "calibrate --overwrite -o red --redo {TRIM} {steps} done.fits"
            ));
            assert!(!run.stderr.contains("is done ("), "{}", run.stderr);
            assert!(
                (place.plane("red/done.fits", None)[0] - 1100.0).abs() > 0.5,
                "{steps}"
            );
        }
    }
}

#[test]
fn masters_of_chips_go_by_name_then_by_order_and_the_primary_speaks_for_all() {
    let place = Place::new();
    let row = |value: f64| Image::row(&[value; 2]);
    let primary = ["EXPTIME = 60.0", "GAIN    = 2.0", "BIASSEC = '[2:2,1:1]'"];
    let raws = [
        row(100.0).named("A"),
        row(200.0).named("B").card("GAIN    = 3.0"),
    ];
    chips(&place, "raw.fits", &primary, &raws);
    chips(
        &place,
        "unnamed.fits",
        &["EXPTIME = 30.0"],
        &[row(1.0), row(2.0)],
    );
    row(7.0).write(place.path("single.fits"));
    let both = |steps: &str| {
        place.done(&format!(
            "calibrate -q --overwrite --hdu all -o red {steps} raw.fits"
        ));
        [
            place.plane("red/raw.fits", Some("A"))[0],
            place.plane("red/raw.fits", Some("B"))[0],
        ]
    };
    assert_same(&both("--bias unnamed.fits"), &[99.0, 198.0]);
    assert_same(&both("--dark unnamed.fits --dark-scale"), &[98.0, 196.0]);
    assert_same(&both("--gain GAIN"), &[200.0, 600.0]);
    assert_same(&both("--overscan BIASSEC"), &[0.0, 0.0]);
    let hdus = place.hdus("red/raw.fits");
    assert_eq!(
        hdus[0].value("GAIN").as_deref(),
        Some("2.0"),
        "the primary is kept"
    );
    let run = place.run("calibrate -q --hdu all -o not --bias single.fits raw.fits");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr
            .contains("--bias single.fits: has 1 image, none for image 2 of 2, 'B', of raw.fits"),
        "{}",
        run.stderr
    );
}

#[test]
fn calibrated_and_then_combined_frames_do_not_differ_by_their_steps() {
    let place = night();
    raw_of_level().write(place.path("raw3.fits"));
    place.done(&format!("calibrate -q -o red {STEPS} raw1.fits raw3.fits"));
    let [one, three] =
        ["red/raw1.fits", "red/raw3.fits"].map(|of| place.header(of).value("OVERSCAN"));
    assert_ne!(one, three);
    place.done("combine -q -o out.fits red/");
    let history = place.header("out.fits").history();
    assert!(
        history.contains("the frames differ in RDNOISE"),
        "{history}"
    );
    place.done("calibrate -q -o part --overscan BIASSEC --trim TRIMSEC raw1.fits");
    place.done("combine -q --overwrite -o out.fits part/raw1.fits red/raw3.fits");
    let history = place.header("out.fits").history().replace('\n', " ");
    assert!(
        history.contains("the frames differ in DARKCOR FLATCOR RDNOISE ZEROCOR"),
        "{history}"
    );
}

/// A frame whose overscan has another level.
fn raw_of_level() -> Image {
    let pixels = [1200, 2200, 200, 202, 3300, 400, 204, 206];
    Image::uint16(&[4, 2], &pixels)
        .card("BIASSEC = '[3:9,1:2]'")
        .card("TRIMSEC = '[1:2,1:2]'")
        .card("EXPTIME = '60'")
        .card("GAIN    = 2.0")
        .card("RDNOISE = 5.0")
        .card("CRPIX1  = 2.0")
        .card("CTYPE1  = 'RA---TAN'")
}

#[test]
fn fitsverify_where_there_is_one_finds_nothing_to_say() {
    let place = night();
    let of = |value: f64| Image::new(-32, &[2, 2], &[value; 4]).card("EXPTIME = 30.0");
    for (name, [a, b]) in [
        ("bias", [1.0, 2.0]),
        ("dark", [3.0, 4.0]),
        ("flat", [4.0, 5.0]),
    ] {
        let name = format!("{name}.fits");
        chips(
            &place,
            &name,
            &["EXTEND  =                    T"],
            &[of(a).named("A"), of(b).named("B")],
        );
    }
    let steps = "--overscan BIASSEC --trim TRIMSEC --bias bias.fits --dark dark.fits --dark-scale --flat flat.fits --flat-norm 5 --deviation \
                 --readnoise 4 --gain 2 --gain-last --sky median --below 0=nan";
    place.done(&format!(
        "calibrate -q -o red {} raw1.fits",
        steps.replace("--sky median", "")
    ));
    let chip = |name: &str| raw([1, 2, 3, 4]).named(name).card("BUNIT   = 'adu'");
    chips(
        &place,
        "mef.fits",
        &["EXTEND  =                    T"],
        &[chip("A"), chip("B")],
    );
    place.done(&format!("calibrate -q -o red --hdu all {steps} mef.fits"));
    for file in ["red/raw1.fits", "red/mef.fits"] {
        assert!(place.hdus(file).len() >= 3);
        let verify = Command::new("fitsverify")
            .arg("-q")
            .arg(place.path(file))
            .output();
        let Ok(verdict) = verify else {
            return;
        };
        let said = String::from_utf8_lossy(&verdict.stdout);
        assert!(said.contains("verification OK"), "{said}");
    }
}
