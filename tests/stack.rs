//! What happens at each pixel: methods, clip steps in their order, what is kept, what is left.
//!
//! Every frame is one row; its columns are pixels that know nothing of each other.

use crate::common::{Place, Random, assert_close, assert_same};
use crate::fits::Image;

/// One frame a sample of a single pixel.
fn pixel(samples: &[f64]) -> Place {
    let rows: Vec<Vec<f64>> = samples.iter().map(|&sample| vec![sample]).collect();
    let rows: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    Place::with_rows(&rows)
}

const FRAMES: &str = "'[a-z].fits'";

#[test]
fn average_median_and_sum_of_frames_add_up_by_hand() {
    let place = Place::with_rows(&[&[1.0, 10.0, -5.0], &[2.0, 20.0, 0.0], &[6.0, 90.0, 8.0]]);
    assert_same(&place.combined("a.fits b.fits c.fits"), &[3.0, 40.0, 1.0]);
    assert_same(
        &place.combined("-m average a.fits b.fits c.fits"),
        &[3.0, 40.0, 1.0],
    );
    assert_same(
        &place.combined("-m median a.fits b.fits c.fits"),
        &[2.0, 20.0, 0.0],
    );
    assert_same(
        &place.combined("--method sum a.fits b.fits c.fits"),
        &[9.0, 120.0, 3.0],
    );
}

#[test]
fn the_median_of_an_even_number_is_the_mean_of_the_middle_two() {
    let place = pixel(&[8.0, 1.0, 4.0, 2.0]);
    assert_same(
        &place.combined("-m median a.fits b.fits c.fits d.fits"),
        &[3.0],
    );
    assert_same(&place.combined("-m median a.fits"), &[8.0]);
}

#[test]
fn any_number_of_frames_and_columns_gives_the_median_and_the_average_of_its_samples() {
    for (nframe, ncol) in [
        (1, 1),
        (2, 63),
        (3, 64),
        (4, 65),
        (5, 129),
        (8, 7),
        (15, 33),
        (16, 16),
        (17, 130),
        (33, 70),
        (100, 3),
    ] {
        let place = Place::new();
        let mut random = Random(u64::try_from(nframe * 1000 + ncol).unwrap());
        let mut stack = Vec::new();
        for n in 0..nframe {
            let frame = random.frame(ncol * 2);
            Image::uint16(&[ncol, 2], &frame).write(place.path(&format!("f{n:03}.fits")));
            stack.push(frame);
        }
        let mut medians = Vec::new();
        let mut averages = Vec::new();
        for pixel in 0..ncol * 2 {
            let mut samples: Vec<f64> = stack.iter().map(|frame| f64::from(frame[pixel])).collect();
            samples.sort_by(f64::total_cmp);
            medians.push(f64::midpoint(
                samples[(nframe - 1) / 2],
                samples[nframe / 2],
            ));
            averages.push(samples.iter().sum::<f64>() / nframe as f64);
        }
        assert_same(&place.combined("-m median 'f*.fits'"), &medians);
        // One rounding to f32.
        assert_close(&place.combined("'f*.fits'"), &averages, 6e-8);
    }
}

#[test]
fn absent_samples_take_part_in_nothing_and_a_pixel_without_samples_says_so_in_every_plane() {
    let place = Place::with_rows(&[
        &[1.0, f64::NAN, f64::NAN],
        &[3.0, 5.0, f64::INFINITY],
        &[f64::NEG_INFINITY, 7.0, f64::NAN],
    ]);
    let nan = f64::NAN;
    for (method, want) in [
        ("average", [2.0, 6.0, nan]),
        ("median", [2.0, 6.0, nan]),
        ("sum", [4.0, 12.0, nan]),
    ] {
        let planes = "--planes data,mask,uncertainty,count,low,high";
        assert_same(
            &place.combined(&format!("-m {method} {planes} a.fits b.fits c.fits")),
            &want,
        );
        assert_same(&place.plane("out.fits", Some("MASK")), &[0.0, 0.0, 1.0]);
        assert_same(&place.plane("out.fits", Some("COUNT")), &[2.0, 2.0, 0.0]);
        assert_same(&place.plane("out.fits", Some("LOW")), &[0.0; 3]);
        assert_same(&place.plane("out.fits", Some("HIGH")), &[0.0; 3]);
        let uncertainty = place.plane("out.fits", Some("UNCERT"));
        assert!(
            uncertainty[2].is_nan() && uncertainty[0] > 0.0,
            "{method}: {uncertainty:?}"
        );
    }
}

#[test]
fn minmax_keeps_its_bounds_and_an_empty_side_is_none() {
    let place = pixel(&[1.0, 2.0, 5.0, 6.0]);
    assert_same(
        &place.combined(&format!("--clip minmax:2,5 {FRAMES}")),
        &[3.5],
    );
    assert_same(
        &place.combined(&format!("--clip minmax:,5 -m sum {FRAMES}")),
        &[8.0],
    );
    assert_same(
        &place.combined(&format!("--clip minmax:5, -m sum {FRAMES}")),
        &[11.0],
    );
}

#[test]
fn minmax_compares_samples_before_they_are_scaled() {
    let place = Place::with_rows(&[&[10.0], &[30.0]]);
    assert_same(
        &place.combined("--scale 10,10 --clip minmax:,20 a.fits b.fits"),
        &[1.0],
    );
    assert_same(
        &place.combined("--scale 10,10 --clip minmax:,2 a.fits b.fits"),
        &[f64::NAN],
    );
}

#[test]
fn extrema_drops_the_lowest_and_highest_present_samples() {
    let place = pixel(&[5.0, 1.0, 3.0, 9.0, 7.0, f64::NAN]);
    assert_same(
        &place.combined(&format!("--clip extrema:1,2 {FRAMES}")),
        &[4.0],
    );
    assert_same(
        &place.combined(&format!("--clip extrema:0,0 {FRAMES}")),
        &[5.0],
    );
    assert_same(
        &place.combined(&format!("--clip extrema:3,3 {FRAMES}")),
        &[f64::NAN],
    );
}

#[test]
fn sigma_measures_with_the_median_and_the_mad() {
    // Median 10, MAD 1: σ is 1.4826.
    let place = pixel(&[11.0, 100.0, 8.0, 9.0, 10.0, 9.0, 10.0, 11.0, 10.0]);
    let planes = "--planes data,mask,uncertainty,count,low,high";
    assert_same(
        &place.combined(&format!("--clip sigma:3 {FRAMES}")),
        &[9.75],
    );
    assert_same(
        &place.combined(&format!("--clip sigma:1,60 {planes} {FRAMES}")),
        &[10.0],
    );
    assert_same(&place.plane("out.fits", Some("COUNT")), &[7.0]);
    assert_same(&place.plane("out.fits", Some("LOW")), &[1.0]);
    assert_same(&place.plane("out.fits", Some("HIGH")), &[1.0]);
    assert_same(
        &place.combined(&format!("--clip sigma:3,61 {FRAMES}")),
        &[178.0 / 9.0_f64].map(single),
    );
}

/// What f32 makes of a number.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the rounding is what is asked for"
)]
fn single(value: f64) -> f64 {
    f64::from(value as f32)
}

#[test]
fn a_sample_that_lies_at_the_bound_of_sigma_is_kept() {
    // Mean 2, standard deviation 4 (ddof 0): at 2 σ the bound is 10.
    let place = pixel(&[0.0, 0.0, 10.0, 0.0, 0.0]);
    assert_same(
        &place.combined(&format!("--clip sigma:2,center=mean,dev=std {FRAMES}")),
        &[2.0],
    );
    assert_same(
        &place.combined(&format!("--clip sigma:1.9,center=mean,dev=std {FRAMES}")),
        &[0.0],
    );
    assert_same(
        &place.combined(&format!("--clip sigma:9,1.9,dev=std,center=mean {FRAMES}")),
        &[0.0],
    );
}

#[test]
fn sigma_repeats_on_what_it_left_as_often_as_it_is_told() {
    // First the bound is 70.6 and takes 100; then 7.4 and takes 10.
    let place = pixel(&[0.0, 0.0, 0.0, 0.0, 100.0, 10.0, 0.0, 0.0, 0.0, 0.0]);
    let clip = |iters: &str| {
        place.combined(&format!(
            "--clip sigma:2,center=mean,dev=std{iters} {FRAMES}"
        ))
    };
    assert_same(&clip(""), &[single(10.0 / 9.0)]);
    assert_same(&clip(",iters=1"), &[single(10.0 / 9.0)]);
    assert_same(&clip(",iters=2"), &[0.0]);
    assert_same(&clip(",iters=converge"), &[0.0]);
}

#[test]
fn a_stack_of_equal_samples_falls_back_on_the_mean_deviation_and_a_floor_holds() {
    // The MAD is 0; √(π/2) · 0.6 = 0.752, so that 3 σ is 2.26.
    let place = pixel(&[100.0, 100.0, 103.0, 100.0, 100.0]);
    assert_same(
        &place.combined(&format!("--clip sigma:3 {FRAMES}")),
        &[100.0],
    );
    assert_same(
        &place.combined(&format!("--clip sigma:3,floor=2 {FRAMES}")),
        &[single(100.6)],
    );
    let equal = pixel(&[7.0, 7.0, 7.0]);
    assert_same(
        &equal.combined(&format!("--clip sigma:0.1,iters=converge {FRAMES}")),
        &[7.0],
    );
}

#[test]
fn clip_steps_run_in_the_order_given() {
    let place = pixel(&[1.0, 2.0, 3.0, 100.0]);
    assert_same(
        &place.combined(&format!("--clip minmax:,50 --clip extrema:0,1 {FRAMES}")),
        &[1.5],
    );
    assert_same(
        &place.combined(&format!("--clip extrema:0,1 --clip minmax:,50 {FRAMES}")),
        &[2.0],
    );
}

#[test]
fn nkeep_gives_back_the_samples_nearest_the_centre() {
    let place = pixel(&[1.0, 200.0, 2.0, 100.0, 3.0]);
    assert_same(
        &place.combined(&format!("--clip extrema:0,4 {FRAMES}")),
        &[1.0],
    );
    assert_same(
        &place.combined(&format!("--clip extrema:0,4 --nkeep 3 {FRAMES}")),
        &[2.0],
    );
    assert_same(
        &place.combined(&format!("--clip minmax:,1 --nkeep 3 {FRAMES}")),
        &[1.0],
    );
}

#[test]
fn clipping_comes_after_scaling() {
    // Alike once each is divided by its own level.
    let place = Place::with_rows(&[&[10.0, 20.0], &[1.0, 2.0], &[100.0, 200.0], &[5.0, 90.0]]);
    let arguments =
        "--scale 10,1,100,5 --clip sigma:2 --planes data,count a.fits b.fits c.fits d.fits";
    assert_same(&place.combined(arguments), &[1.0, 2.0]);
    assert_same(&place.plane("out.fits", Some("COUNT")), &[4.0, 3.0]);
}
