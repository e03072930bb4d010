//! Where ccdproc 2.5.1 gives what is wrong: the numbers that it gives, as measured, and those that are right. `scripts/mended.py` measures
//! both.

use crate::common::{Place, assert_close, assert_same};
use crate::fits::Image;

use super::listing;

const NAN: f64 = f64::NAN;

/// The values and the mask that a frame and a master, `m.fits`, of one row come to; a mask of zeros where none is written.
#[track_caller]
fn calibrated(steps: &str, frame: &Image, master: &Image) -> (Vec<f64>, Vec<f64>) {
    let place = Place::new();
    frame.write(place.path("raw.fits"));
    master.write(place.path("m.fits"));
    place.done(&format!("calibrate -q -o red {steps} raw.fits"));
    planes(&place)
}

/// The same of a frame or a master with a mask.
#[track_caller]
fn masked(steps: &str, frame: (&Image, &[f64]), master: (&Image, &[f64])) -> (Vec<f64>, Vec<f64>) {
    let place = Place::new();
    for (name, (image, mask)) in [("raw.fits", frame), ("m.fits", master)] {
        let mask = Image::new(8, &[mask.len(), 1], mask).named("MASK");
        image.write_with(&[mask], place.path(name));
    }
    place.done(&format!("calibrate -q -o red {steps} raw.fits"));
    planes(&place)
}

fn planes(place: &Place) -> (Vec<f64>, Vec<f64>) {
    let value = place.plane("red/raw.fits", None);
    let has_mask = place.hdus("red/raw.fits").len() > 1;
    let mask = has_mask.then(|| place.plane("red/raw.fits", Some("MASK")));
    let none = vec![0.0; value.len()];
    (value, mask.unwrap_or(none))
}

/// What `calibrate` says where it refuses.
fn refused(steps: &str, frame: &Image, master: &Image) -> String {
    let place = Place::new();
    frame.write(place.path("raw.fits"));
    master.write(place.path("m.fits"));
    let run = place.run(&format!("calibrate -q -o red {steps} raw.fits"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(listing(&place, "red").is_empty());
    run.stderr
}

fn light() -> Image {
    Image::row(&[8.0; 4])
}

#[test]
fn b15_integers_do_not_wrap() {
    let frame = Image::uint16(&[2, 1], &[100, 300]);
    let master = Image::uint16(&[2, 1], &[200, 200]);
    // ccdproc.subtract_bias and subtract_dark: 65436, 100.
    for flag in ["--bias", "--dark"] {
        let (value, _) = calibrated(&format!("{flag} m.fits"), &frame, &master);
        assert_same(&value, &[-100.0, 100.0]);
    }
}

#[test]
fn b16_a_nan_in_the_flat_spoils_its_own_pixel_only() {
    // ccdproc.flat_correct: NaN, NaN, NaN, NaN.
    let (value, mask) = calibrated(
        "--flat m.fits",
        &light(),
        &Image::row(&[1.0, 2.0, NAN, 3.0]),
    );
    assert_close(&value, &[16.0, 8.0, 8.0, 16.0 / 3.0], 1e-7);
    assert_same(&mask, &[0.0, 0.0, 1.0, 0.0]);
}

#[test]
fn b16_what_is_masked_in_the_flat_is_not_in_its_mean() {
    // ccdproc.flat_correct: 8, 4000006, 4000006, 4000006.
    let flat = Image::row(&[4e6, 2.0, 2.0, 2.0]);
    let bad = [1.0, 0.0, 0.0, 0.0];
    let (value, mask) = masked("--flat m.fits", (&light(), &[0.0; 4]), (&flat, &bad));
    assert_same(&value, &[8.0; 4]);
    assert_same(&mask, &bad);
}

#[test]
fn b16_a_zero_of_the_flat_is_masked_not_infinite() {
    // ccdproc.flat_correct: inf, 6, 6, 6; nothing masked.
    let (value, mask) = calibrated(
        "--flat m.fits",
        &light(),
        &Image::row(&[0.0, 2.0, 2.0, 2.0]),
    );
    assert_same(&value, &[8.0, 6.0, 6.0, 6.0]);
    assert_same(&mask, &[1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn b16_a_negative_pixel_of_the_flat_is_masked() {
    // ccdproc.flat_correct: -4, 4, 4, 4; nothing masked.
    let (value, mask) = calibrated(
        "--flat m.fits",
        &light(),
        &Image::row(&[-2.0, 2.0, 2.0, 2.0]),
    );
    assert_same(&value, &[8.0, 4.0, 4.0, 4.0]);
    assert_same(&mask, &[1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn b16_the_minimum_of_the_flat_comes_before_a_norm_over_good_pixels() {
    // ccdproc.flat_correct with min_value=0.5: 14, 7, 7, 7, which is right.
    let steps = "--flat m.fits --flat-min 0.5";
    let (value, _) = calibrated(steps, &light(), &Image::row(&[0.1, 1.0, 1.0, 1.0]));
    assert_same(&value, &[14.0, 7.0, 7.0, 7.0]);
    // With one NaN: NaN, NaN, NaN, NaN.
    let (value, mask) = calibrated(steps, &light(), &Image::row(&[0.25, 1.0, NAN, 1.5]));
    assert_close(&value, &[16.0, 8.0, 8.0, 16.0 / 3.0], 1e-7);
    assert_same(&mask, &[0.0, 0.0, 1.0, 0.0]);
    // With the first masked: 8, 6.5, 6.5, 6.5; the raised minimum counts there.
    let flat = Image::row(&[-9.0, 2.0, 2.0, 2.0]);
    let (value, _) = masked(steps, (&light(), &[0.0; 4]), (&flat, &[1.0, 0.0, 0.0, 0.0]));
    assert_same(&value, &[8.0; 4]);
}

#[test]
fn b17_what_is_masked_in_the_overscan_does_not_count() {
    // ccdproc.subtract_overscan by the mean: 666666657, -333333333, -333333323, -333333243.
    let frame = Image::row(&[1e9, 10.0, 20.0, 100.0]);
    let steps = "--overscan [1:3,1:1] --overscan-stat mean --overscan-axis row --trim [2:4,1:1]";
    let bad = [1.0, 0.0, 0.0, 0.0];
    let (value, _) = masked(steps, (&frame, &bad), (&light(), &[0.0; 4]));
    assert_same(&value, &[-5.0, 5.0, 85.0]);
}

#[test]
fn b17_a_nan_in_the_overscan_does_not_count() {
    // ccdproc.subtract_overscan: NaN, NaN, NaN, NaN.
    let frame = Image::row(&[NAN, 10.0, 20.0, 100.0]);
    for stat in ["mean", "median"] {
        let steps = format!("--overscan [1:3,1:1] --overscan-stat {stat} --overscan-axis row");
        let (value, _) = calibrated(&steps, &frame, &light());
        assert_same(&value, &[NAN, -5.0, 5.0, 85.0]);
    }
}

#[test]
fn b17_a_spike_in_the_overscan_can_be_clipped() {
    // ccdproc.subtract_overscan rejects nothing: its mean of these is 12.4, ours 0.
    let mut pixels = [0.0; 26];
    pixels[..24].fill(1.0);
    pixels[..12].fill(-1.0);
    pixels[24] = 310.0;
    let steps = "--overscan [1:25,1:1] --overscan-stat mean --overscan-axis row";
    let (value, _) = calibrated(steps, &Image::row(&pixels), &light());
    assert_close(&value[25..], &[-12.4], 1e-7);
    let steps = format!("{steps} --overscan-clip 3,3,1");
    let (value, _) = calibrated(&steps, &Image::row(&pixels), &light());
    assert_same(&value[25..], &[0.0]);
}

#[test]
fn the_deviation_of_a_negative_count_is_that_of_the_read_noise_or_it_is_masked() {
    // ccdproc.create_deviation: NaN, 2, 2.449, 2.915, and NaN it stays in every later step.
    let frame = Image::row(&[-50.0, 0.0, 4.0, 9.0]);
    let place = Place::new();
    frame.write(place.path("raw.fits"));
    let steps = "--deviation --gain 2 --gain-last --readnoise 4";
    let deviation = [4.0, 4.0, 24_f64.sqrt(), 34_f64.sqrt()];
    for (negative, mask) in [("readnoise", None), ("mask", Some([1.0, 0.0, 0.0, 0.0]))] {
        place.done(&format!(
            "calibrate -q --overwrite -o red {steps} --negative {negative} raw.fits"
        ));
        assert_close(
            &place.plane("red/raw.fits", Some("UNCERT")),
            &deviation,
            1e-7,
        );
        let hdus = place.hdus("red/raw.fits");
        assert_eq!(hdus.len(), if mask.is_some() { 3 } else { 2 });
        if let Some(mask) = mask {
            assert_same(&place.plane("red/raw.fits", Some("MASK")), &mask);
        }
    }
}

#[test]
fn a_pixel_of_a_bias_that_is_no_number_is_masked() {
    // ccdproc.subtract_bias: NaN, 8, 8, 8; nothing masked.
    let (value, mask) = calibrated(
        "--bias m.fits",
        &light(),
        &Image::row(&[NAN, 0.0, 0.0, 0.0]),
    );
    assert_same(&value, &[8.0; 4]);
    assert_same(&mask, &[1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn bad_pixels_are_added_to_the_mask_of_a_frame() {
    // ccdproc.ccd_process replaces the mask: False, True, False, False.
    let place = Place::new();
    let mask = Image::new(8, &[4, 1], &[1.0, 0.0, 0.0, 0.0]).named("MASK");
    light().write_with(&[mask], place.path("raw.fits"));
    Image::new(8, &[4, 1], &[0.0, 1.0, 0.0, 0.0]).write(place.path("bad.fits"));
    place.done("calibrate -q -o red --bad-pixels bad.fits raw.fits");
    assert_same(&planes(&place).1, &[1.0, 1.0, 0.0, 0.0]);
}

#[test]
fn the_spellings_of_counts_are_one_unit() {
    // ccdproc.subtract_bias: UnitConversionError.
    for unit in ["DN", "count", "counts", "ADU", "adu"] {
        let master = Image::row(&[3.0; 4]).card(format!("BUNIT   = '{unit}'"));
        let (value, _) = calibrated("--bias m.fits", &light(), &master);
        assert_same(&value, &[5.0; 4]);
    }
}

#[test]
fn exposures_of_nothing_are_refused() {
    // ccdproc.subtract_dark with scale=True: -inf for a dark of 0 s, no dark at all for a frame of 0 s.
    let of = |seconds: f64| light().card(format!("EXPTIME = {seconds:?}"));
    let said = refused("--dark m.fits --dark-scale", &of(60.0), &of(0.0));
    assert!(
        said.contains("--dark m.fits: has no exposure time: EXPTIME is 0"),
        "{said}"
    );
    let said = refused("--dark m.fits --dark-scale", &of(0.0), &of(60.0));
    assert!(
        said.contains("raw.fits: has no exposure time: EXPTIME is 0"),
        "{said}"
    );
}

#[test]
fn a_master_of_one_row_is_not_repeated_for_all() {
    // ccdproc.subtract_bias repeats it: 95, 295 in both rows.
    let frame = Image::new(-32, &[2, 2], &[100.0, 300.0, 100.0, 300.0]);
    let said = refused("--bias m.fits", &frame, &Image::row(&[5.0, 5.0]));
    assert!(
        said.contains("--bias m.fits: 2 × 1 pixels, but raw.fits has 2 × 2"),
        "{said}"
    );
}

#[test]
fn a_section_beyond_the_frame_is_not_cut_in_silence() {
    let frame = Image::row(&[1.0, 2.0, 3.0, 4.0]);
    // ccdproc.trim_image: the two columns that there are; ccdproc.subtract_overscan outside of the frame: NaN everywhere.
    for (flag, section) in [("--trim", "[3:9,1:1]"), ("--overscan", "[13:19,1:1]")] {
        let said = refused(&format!("{flag} {section}"), &frame, &light());
        assert!(
            said.contains("raw.fits: ") && said.contains("is not within its 4 × 1 pixels"),
            "{said}"
        );
    }
}

#[test]
fn a_fit_has_as_many_points_as_coefficients() {
    // ccdproc.subtract_overscan fits six coefficients to two rows: -2.5, -1.5, -0.5, 0.5.
    let frame = Image::new(-32, &[4, 2], &[1.0, 2.0, 3.0, 4.0, 1.0, 2.0, 3.0, 4.0]);
    let said = refused(
        "--overscan [3:4,1:2] --overscan-fit poly:5",
        &frame,
        &light(),
    );
    assert!(
        said.contains("2 of the overscan's lines have samples, and --overscan-fit has 6"),
        "{said}"
    );
}
