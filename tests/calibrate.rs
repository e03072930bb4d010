//! Frames calibrated into files of their own, and on their way into a stack.

/// Bad masters.
mod masters;
/// What ccdproc gets wrong, and what is right.
mod mended;
/// The files that come out: names, planes, headers.
mod outputs;
/// Bad frames and steps.
mod refused;
/// Every flag of a step.
mod steps;

use crate::common::{Place, assert_close, assert_same};
use crate::fits::{Image, empty_primary};

/// Precision of one rounding to f32.
const SINGLE: f64 = 1e-7;

/// A raw frame of 4 × 2 pixels: two columns of light, two of overscan at 100 and 102.
fn raw(light: [u16; 4]) -> Image {
    raw_of(light, &[])
}

/// That of raw1.fits, but for some cards: with other values, and without those whose value is nothing.
fn raw_but(cards: &[(&str, &str)]) -> Image {
    raw_of([1100, 2100, 3102, 102], cards)
}

fn raw_of(light: [u16; 4], other: &[(&str, &str)]) -> Image {
    let [a, b, c, d] = light;
    let pixels = [a, b, 99, 101, c, d, 101, 103];
    let usual = [
        ("BIASSEC", "'[3:9,1:2]'"),
        ("TRIMSEC", "'[1:2,1:2]'"),
        ("EXPTIME", "'60'"),
        ("GAIN", "2.0"),
        ("RDNOISE", "4.0"),
        ("CRPIX1", "2.0"),
        ("CTYPE1", "'RA---TAN'"),
    ];
    let usual = usual
        .iter()
        .filter(|(keyword, _)| other.iter().all(|(of, _)| of != keyword));
    let cards = usual.chain(other).filter(|(_, value)| !value.is_empty());
    let frame = Image::uint16(&[4, 2], &pixels);
    cards.fold(frame, |frame, (keyword, value)| {
        frame.card(format!("{keyword:<8}= {value}"))
    })
}

/// A night with one more frame.
fn night_with(name: &str, frame: &Image) -> Place {
    let place = night();
    frame.write(place.path(name));
    place
}

/// Everything in a folder of a place, by name, but the ledger of a run that --resume may go on with.
fn listing(place: &Place, folder: &str) -> Vec<String> {
    let entries = std::fs::read_dir(place.path(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.collect();
    names.retain(|name| !name.starts_with(".ccdstream-"));
    names.sort();
    names
}

/// Raw frames and masters of 2 × 2 pixels.
fn night() -> Place {
    let place = Place::new();
    raw([1100, 2100, 3102, 102]).write(place.path("raw1.fits"));
    raw([1200, 2200, 3202, 90]).write(place.path("raw2.fits"));
    let master = |pixels: [f64; 4]| Image::new(-32, &[2, 2], &pixels);
    master([10.0, 20.0, 30.0, 40.0]).write(place.path("bias.fits"));
    master([1.0, 2.0, 3.0, 4.0])
        .card("EXPTIME =                 30.0")
        .write(place.path("dark.fits"));
    // Its mean over good pixels is 2; the last is none.
    master([1.0, 2.0, 3.0, f64::NAN]).write(place.path("flat.fits"));
    place
}

const STEPS: &str = "--overscan BIASSEC --trim TRIMSEC --bias bias.fits --dark dark.fits --dark-scale --flat flat.fits";

#[test]
fn a_frame_goes_through_all_steps() {
    let place = night();
    let run = place.done(&format!("calibrate -o red {STEPS} raw1.fits"));
    assert!(
        run.stderr.contains("raw1.fits: --overscan is cut") || run.stderr.contains("cut"),
        "{}",
        run.stderr
    );
    let expected = [
        (1000.0 - 10.0 - 2.0) / 0.5,
        2000.0 - 20.0 - 4.0,
        (3000.0 - 30.0 - 6.0) / 1.5,
        0.0 - 40.0 - 8.0,
    ];
    assert_close(&place.plane("red/raw1.fits", None), &expected, SINGLE);
    assert_same(
        &place.plane("red/raw1.fits", Some("MASK")),
        &[0.0, 0.0, 0.0, 1.0],
    );
    let header = place.header("red/raw1.fits");
    for card in ["OVERSCAN", "TRIM", "ZEROCOR", "DARKCOR", "FLATCOR"] {
        assert!(header.value(card).is_some(), "{card}");
    }
    assert!(header.value("BIASSEC").is_none() && header.value("BZERO").is_none());
    assert!(
        header.history().contains("bias.fits"),
        "{}",
        header.history()
    );
    assert_eq!(place.hdus("red/raw1.fits").len(), 2);
}

#[test]
fn photon_noise_goes_through_the_chain() {
    let place = night();
    place.done("calibrate -q -o red --overscan BIASSEC --trim TRIMSEC --deviation --gain GAIN --readnoise RDNOISE raw2.fits");
    let noise = |counts: f64| (2.0 * counts + 16.0).sqrt();
    assert_close(
        &place.plane("red/raw2.fits", Some("UNCERT")),
        &[noise(1100.0), noise(2100.0), noise(3100.0), 4.0],
        SINGLE,
    );
    assert_eq!(
        place.header("red/raw2.fits").value("BUNIT").as_deref(),
        Some("electron")
    );
    place.done("calibrate -q --overwrite -o red --overscan BIASSEC --trim TRIMSEC --deviation --negative mask --readnoise 4 raw2.fits");
    assert_same(
        &place.plane("red/raw2.fits", Some("MASK")),
        &[0.0, 0.0, 0.0, 1.0],
    );
}

#[test]
fn on_the_way_into_a_stack_frames_are_what_they_are_on_disk() {
    let place = night();
    let stack = "-m median --scale mean --planes data,mask,uncertainty,count";
    place.done(&format!("calibrate -q -o red {STEPS} 'raw?.fits'"));
    place.done(&format!("combine -q -o disk.fits {stack} red/"));
    for how in ["-j 1 --mem-limit 32M", "-j 3 --io mmap"] {
        place.done(&format!(
            "combine -q --overwrite -o way.fits {how} {stack} {STEPS} 'raw?.fits'"
        ));
        for plane in [None, Some("MASK"), Some("UNCERT"), Some("COUNT")] {
            assert_same(
                &place.plane("way.fits", plane),
                &place.plane("disk.fits", plane),
            );
        }
    }
}

#[test]
fn a_frame_that_fails_leaves_the_others_done() {
    let place = night();
    Image::uint16(&[4, 3], &[1; 12]).write(place.path("raw3.fits"));
    let run = place.run(
        "calibrate -o red --bias bias.fits --trim '[1:2,1:2]' raw1.fits raw3.fits nothing.txt",
    );
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let run =
        place.run("calibrate -o red --overscan BIASSEC --trim '[1:2,1:2]' raw1.fits raw3.fits");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(
        run.stderr.contains("raw3.fits") && run.stderr.contains("BIASSEC"),
        "{}",
        run.stderr
    );
    assert!(place.path("red/raw1.fits").exists() && !place.path("red/raw3.fits").exists());
    let again = place.run("calibrate -o red --trim '[1:2,1:2]' raw1.fits");
    assert_eq!(again.status, Some(1), "{}", again.stderr);
    assert!(again.stderr.contains("--overwrite"), "{}", again.stderr);
}

#[test]
fn a_step_that_is_done_is_skipped_and_done_again_if_asked() {
    let place = night();
    let raw = "-q --overwrite --bias bias.fits --trim '[1:2,1:2]'";
    place.done(&format!("calibrate -o once {raw} raw1.fits"));
    let once = place.plane("once/raw1.fits", None);
    let run = place.done("calibrate -o twice --bias bias.fits once/");
    assert!(run.stderr.contains("ZEROCOR"), "{}", run.stderr);
    assert_same(&place.plane("twice/raw1.fits", None), &once);
    place.done("calibrate -q --overwrite -o twice --redo --bias bias.fits once/");
    let less: Vec<f64> = once
        .iter()
        .zip([10.0, 20.0, 30.0, 40.0])
        .map(|(v, b)| v - b)
        .collect();
    assert_same(&place.plane("twice/raw1.fits", None), &less);
}

#[test]
fn outputs_are_neither_frames_nor_masters_nor_two_of_one_name() {
    let place = night();
    std::fs::create_dir(place.path("other")).unwrap();
    raw([1; 4]).write(place.path("other/raw1.fits"));
    for (arguments, said) in [
        ("-o red --bias bias.fits raw1.fits other/raw1.fits", "both"),
        (
            "-o . --overwrite --trim '[1:2,1:2]' raw1.fits",
            "one of the frames",
        ),
        ("-o raw1.fits --trim '[1:2,1:2]' raw2.fits", "folder"),
    ] {
        let run = place.run(&format!("calibrate {arguments}"));
        assert_eq!(run.status, Some(1), "{arguments}: {}", run.stderr);
        assert!(run.stderr.contains(said), "{said} in {}", run.stderr);
        assert!(!place.path("red").exists());
    }
}

#[test]
fn chips_take_the_masters_of_their_names() {
    let place = Place::new();
    let chip = |name: &str, value: f64| Image::new(-32, &[2, 1], &[value, value + 1.0]).named(name);
    let file = |name: &str, chips: &[Image]| {
        let mut bytes = empty_primary(&[]);
        bytes.extend(chips.iter().flat_map(Image::extension));
        std::fs::write(place.path(name), bytes).unwrap();
    };
    file("raw.fits", &[chip("A", 100.0), chip("B", 200.0)]);
    file("bias.fits", &[chip("B", 20.0), chip("A", 10.0)]);
    place.done("calibrate -q --hdu all -o red --bias bias.fits raw.fits");
    assert_same(&place.plane("red/raw.fits", Some("A")), &[90.0, 90.0]);
    assert_same(&place.plane("red/raw.fits", Some("B")), &[180.0, 180.0]);
}

#[test]
fn values_beyond_a_level_are_masked_blanked_or_replaced() {
    let place = Place::with_rows(&[&[0.1, 1.0, 9.0]]);
    place.done("calibrate -q -o red --below 0.2=mask --above 5=nan a.fits");
    assert_same(
        &place.plane("red/a.fits", None),
        &[f64::from(0.1_f32), 1.0, f64::NAN],
    );
    assert_same(&place.plane("red/a.fits", Some("MASK")), &[1.0, 0.0, 1.0]);
    assert_same(
        &place.combined("--below 0.2=1 --above 5=2 a.fits"),
        &[1.0, 1.0, 2.0],
    );
}
