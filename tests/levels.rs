//! Scale, zero and weight of each frame: y = (x − zero) / scale · scale_to + zero_to.

use std::fs;

use crate::common::{Place, assert_close, assert_same};
use crate::fits::Image;

/// Two frames, of means 4 and 8 and medians 2 and 4.
fn two() -> Place {
    let place = Place::new();
    for (name, row, seconds) in [
        ("a.fits", [1.0, 2.0, 9.0], 2.0),
        ("b.fits", [2.0, 4.0, 18.0], 4.0),
    ] {
        Image::row(&row)
            .card(format!("EXPTIME = {seconds:>20.1}"))
            .write(place.path(name));
    }
    fs::write(place.path("levels.txt"), "# one a frame\n2\n4.0\n").unwrap();
    place
}

#[test]
fn frames_are_divided_by_their_scale() {
    let place = two();
    for scale in ["median", "2,4", "@levels.txt", "key:EXPTIME", "key:exptime"] {
        assert_same(
            &place.combined(&format!("--scale {scale} a.fits b.fits")),
            &[0.5, 1.0, 4.5],
        );
    }
    assert_same(
        &place.combined("--scale mean a.fits b.fits"),
        &[0.25, 0.5, 2.25],
    );
}

#[test]
fn scaled_frames_are_brought_back_to_a_level() {
    let place = two();
    for (to, want) in [
        ("first", [1.0, 2.0, 9.0]),
        ("mean", [1.5, 3.0, 13.5]),
        ("10", [2.5, 5.0, 22.5]),
    ] {
        assert_same(
            &place.combined(&format!("--scale mean --scale-to {to} a.fits b.fits")),
            &want,
        );
    }
}

#[test]
fn the_zero_is_taken_off_before_the_division_and_added_back_after() {
    let place = two();
    assert_same(
        &place.combined("--zero median a.fits b.fits"),
        &[-1.5, 0.0, 10.5],
    );
    assert_same(
        &place.combined("--zero median --zero-to first a.fits b.fits"),
        &[0.5, 2.0, 12.5],
    );
    assert_same(
        &place.combined("--zero median --zero-to mean a.fits b.fits"),
        &[1.5, 3.0, 13.5],
    );
    assert_same(
        &place.combined("--zero 1,2 --scale 2,4 a.fits b.fits"),
        &[0.0, 0.5, 4.0],
    );
    assert_same(
        &place.combined("--zero 1,2 --scale 2,4 --scale-to 2 --zero-to 100 a.fits b.fits"),
        &[100.0, 101.0, 108.0],
    );
    assert_same(
        &place.combined("--zero=-1,-2 a.fits b.fits"),
        &[3.0, 4.5, 15.0],
    );
}

#[test]
fn json_tells_what_each_frame_was_brought_to_and_what_it_counts() {
    let place = two();
    let said = |flags: &str| {
        let said = place.json(&format!(
            "combine -q --overwrite {flags} -o out.fits a.fits b.fits"
        ));
        said["levels"].clone()
    };
    let used = |frame: &str, [zero, zero_to]: [f64; 2], [scale, scale_to]: [f64; 2], weight| {
        serde_json::json!({
            "frame": frame, "zero": zero, "zero_to": zero_to, "scale": scale, "scale_to": scale_to, "weight": weight
        })
    };
    let (a, b, none) = ("a.fits", "b.fits", None::<f64>);
    for (flags, want) in [
        (
            "--scale median --scale-to mean --zero 1,3 --zero-to first --weight exposure",
            [
                used(a, [1.0, 1.0], [2.0, 3.0], Some(2.0)),
                used(b, [3.0, 1.0], [4.0, 3.0], Some(4.0)),
            ],
        ),
        (
            "--weight 1,0.5",
            [
                used(a, [0.0, 0.0], [1.0, 1.0], Some(1.0)),
                used(b, [0.0, 0.0], [1.0, 1.0], Some(0.5)),
            ],
        ),
        (
            "-m median --norm add --weight 1,0.5",
            [
                used(a, [2.0, 2.0], [1.0, 1.0], none),
                used(b, [4.0, 2.0], [1.0, 1.0], none),
            ],
        ),
    ] {
        assert_eq!(said(flags), serde_json::json!(want), "{flags}");
    }
    assert_eq!(said(""), serde_json::json!([]));
}

#[test]
fn levels_are_measured_where_they_are_told_to_and_on_present_samples() {
    let place = Place::with_rows(&[
        &[1000.0, 2.0, 4.0, f64::NAN],
        &[-1000.0, 4.0, 8.0, f64::INFINITY],
    ]);
    for kind in ["mean", "median"] {
        let scaled = place.combined(&format!(
            "--scale {kind} --stats-section '[2:4,1:1]' a.fits b.fits"
        ));
        assert_close(&scaled[1..3], &[2.0 / 3.0, 4.0 / 3.0], 6e-8);
        assert!(scaled[3].is_nan());
        let same = place.combined(&format!(
            "--scale {kind} --stats-section '[2:3,*]' a.fits b.fits"
        ));
        assert_same(&same, &scaled);
    }
}

#[test]
fn the_median_of_a_frame_is_exact_for_every_kind_of_sample() {
    let pixels = [7.0, 1.0, 3.0, 100.0, 4.0, 2.0];
    for bitpix in [8, 16, 32, 64, -32, -64] {
        let place = Place::new();
        Image::new(bitpix, &[3, 2], &pixels).write(place.path("a.fits"));
        assert_same(
            &place.combined("--zero median a.fits"),
            &pixels.map(|pixel| pixel - 3.5),
        );
    }
    let place = Place::new();
    Image::uint16(&[3, 1], &[65535, 0, 40000]).write(place.path("a.fits"));
    assert_same(
        &place.combined("--zero median a.fits"),
        &[25535.0, -40000.0, 0.0],
    );
}

#[test]
fn the_mode_is_the_mean_of_the_fullest_bin_and_of_few_samples_the_median() {
    let mut pixels = vec![50.0; 60];
    pixels.extend([0.0; 20]);
    pixels.extend([100.0; 20]);
    let place = Place::with_rows(&[&pixels, &[1.0, 2.0, 9.0]]);
    assert_same(&place.combined("--zero mode a.fits")[..1], &[0.0]);
    assert_same(&place.combined("--zero mode b.fits"), &[-1.0, 0.0, 7.0]);
}

#[test]
fn weights_count_in_the_average_and_the_sum() {
    let place = Place::new();
    for (name, value, weight) in [("a.fits", 0.0, 1), ("b.fits", 4.0, 3)] {
        Image::row(&[value, 1.0])
            .card(format!("NIMG    = {weight:>20}"))
            .write(place.path(name));
    }
    fs::write(place.path("weights.txt"), "1\n3\n").unwrap();
    for weight in ["1,3", "key:NIMG", "@weights.txt"] {
        assert_same(
            &place.combined(&format!("--weight {weight} a.fits b.fits")),
            &[3.0, 1.0],
        );
        assert_same(
            &place.combined(&format!("--weight {weight} -m sum a.fits b.fits")),
            &[12.0, 4.0],
        );
    }
    assert_same(&place.combined("--weight 0,1 a.fits b.fits"), &[4.0, 1.0]);
    let run = place.done("combine --overwrite -o out.fits --weight 1,3 -m median a.fits b.fits");
    assert!(
        run.stderr.contains("weight"),
        "median ignores weights and says so: {}",
        run.stderr
    );
    assert_same(&place.plane("out.fits", None), &[2.0, 1.0]);
}

#[test]
fn a_pixel_whose_weights_add_up_to_nothing_has_no_value() {
    let place = Place::with_rows(&[&[1.0, 1.0], &[f64::NAN, 3.0]]);
    assert_same(
        &place.combined("--weight 0,1 --planes data,mask,count a.fits b.fits"),
        &[f64::NAN, 3.0],
    );
    assert_same(&place.plane("out.fits", Some("MASK")), &[1.0, 0.0]);
}

#[test]
fn ivar_weighs_each_sample_by_its_uncertainty() {
    let place = Place::new();
    for (name, value, u) in [("a.fits", 0.0, 1.0), ("b.fits", 5.0, 2.0)] {
        let uncertainty = Image::row(&[u, 1.0])
            .named("UNCERT")
            .card("UTYPE   = 'StdDevUncertainty'");
        Image::row(&[value, value]).write_with(&[uncertainty], place.path(name));
    }
    assert_same(&place.combined("--weight ivar a.fits b.fits"), &[1.0, 2.5]);
}
