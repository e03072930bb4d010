//! The rejection rules and the methods of other programs, as the command line has them.

use crate::common::{Place, assert_close, assert_same};
use crate::fits::Image;

const PLANES: &str = "--planes data,mask,count,low,high";

/// One frame a sample of a single pixel.
fn pixel(samples: &[f64]) -> Place {
    let place = Place::new();
    for (number, sample) in samples.iter().enumerate() {
        Image::row(&[*sample]).write(place.path(&format!("f{number:02}.fits")));
    }
    place
}

/// The bytes of a file, as far as they are text.
fn text(place: &Place, file: &str) -> String {
    String::from_utf8_lossy(&place.bytes(file)).into_owned()
}

const HIT: [f64; 12] = [
    100.0, 103.0, 98.0, 101.0, 99.0, 102.0, 97.0, 100.0, 104.0, 96.0, 9000.0, 5.0,
];

#[test]
fn every_rule_takes_a_cosmic_ray_and_a_dead_sample_and_says_on_which_side() {
    let place = pixel(&HIT);
    for step in [
        "percentile:0.2",
        "pclip:-0.5,5,5",
        "winsorized:3",
        "esd:0.3,0.05",
        "rcr",
        "rcr:0.3",
    ] {
        let value = place.combined(&format!("--clip {step} {PLANES} 'f*.fits'"));
        assert_same(&value, &[100.0]);
        for (plane, count) in [("COUNT", 10.0), ("LOW", 1.0), ("HIGH", 1.0)] {
            assert_same(&place.plane("out.fits", Some(plane)), &[count]);
        }
    }
    for step in ["median-sigma:3", "linear-fit:4"] {
        place.combined(&format!("--clip {step} {PLANES} 'f*.fits'"));
        assert!(place.plane("out.fits", Some("HIGH"))[0] >= 1.0, "{step}");
    }
}

#[test]
fn a_rule_that_needs_more_frames_says_so_before_it_reads() {
    let place = pixel(&HIT[..4]);
    for (step, nframe, fewest) in [
        ("winsorized:3", "f00.fits f01.fits", "3"),
        ("percentile:0.1", "f00.fits f01.fits", "3"),
        ("linear-fit:5", "'f*.fits'", "5"),
        ("esd:0.2,0.05", "'f*.fits'", "5"),
        ("rcr", "f00.fits f01.fits", "3"),
    ] {
        place.refused(
            &format!("--clip {step} {nframe}"),
            1,
            &[step.split(':').next().unwrap_or(step), "needs", fewest],
        );
    }
}

#[test]
fn the_header_tells_a_rule_with_all_its_numbers() {
    let place = pixel(&HIT);
    place.combined("--clip esd --clip rcr --clip linear-fit:6 -m quantile:0.25 'f*.fits'");
    let header = text(&place, "out.fits");
    for line in [
        "HISTORY ccdstream 0.1.0: quantile:0.25 of 12 frames",
        "HISTORY clip esd:0.3,0.05",
        "HISTORY clip rcr:0.5",
        "HISTORY clip linear-fit:6,6",
    ] {
        assert!(header.contains(line), "{line}");
    }
}

#[test]
fn methods_that_look_at_the_order_of_samples_give_what_numpy_gives() {
    let place = pixel(&[4.0, 1.0, 7.0, 2.0, 10.0, f64::NAN]);
    for (method, value) in [
        ("min", 1.0),
        ("max", 10.0),
        ("lmedian", 4.0),
        ("quantile:0", 1.0),
        ("quantile:0.5", 4.0),
        ("quantile:0.9", 8.8),
        ("mode", 4.0),
        ("mad", 3.0 * 1.482_602_218_505_602),
        ("std", 3.701_351_105),
        ("quadrature", 170.0_f64.sqrt() / 5.0),
    ] {
        assert_close(
            &place.combined(&format!("-m {method} 'f*.fits'")),
            &[value],
            1e-6,
        );
    }
    let even = pixel(&[4.0, 1.0, 7.0, 2.0]);
    assert_same(
        &even.combined("-m lmedian 'f*.fits'"),
        &even.combined("-m median 'f*.fits'"),
    );
    assert_same(
        &even.combined("-m lmedian f00.fits f01.fits"),
        &even.combined("-m min f00.fits f01.fits"),
    );
    assert_close(
        &even.combined("-m quadrature --weight 1,2,0,1 'f*.fits'"),
        &[24.0_f64.sqrt() / 4.0],
        1e-6,
    );
    // One sample has no spread.
    assert!(even.combined("-m std f00.fits")[0].is_nan());
}

#[test]
fn the_mode_of_many_samples_is_where_most_are() {
    let mut samples = vec![50.0; 9];
    samples.extend((0..11).map(|n| 20.0 + 8.0 * f64::from(n)));
    let place = pixel(&samples);
    assert_close(&place.combined("-m mode 'f*.fits'"), &[50.2], 1e-5);
}

#[test]
fn a_method_without_an_uncertainty_writes_none() {
    let place = pixel(&HIT);
    place.combined("-m max 'f*.fits'");
    assert!(!text(&place, "out.fits").contains("UNCERT"));
    place.refused(
        "-m max --planes uncertainty 'f*.fits'",
        2,
        &["--method max", "uncertainty"],
    );
    place.refused(
        "-m std --uncertainty propagate 'f*.fits'",
        2,
        &["--uncertainty propagate", "--method std"],
    );
}

#[test]
fn rcr_takes_more_than_half_where_one_after_the_other_deviates() {
    // Found by the oracle: what is left lies on one side of the middle that phase two began with.
    let place = pixel(&[
        1.482_175_508_765_240_2,
        1.481_389_478_468_592_4,
        1.491_304_760_418_915_4,
        1.483_429_426_679_628_2,
        1.484_175_919_822_143_6,
        1.484_708_612_569_395,
        1.482_539_524_419_704_2,
        1.481_646_553_963_459_6,
        1.488_858_160_750_773_4,
        1.491_657_164_400_933_3,
        1.481_847_917_326_762,
    ]);
    place.combined(&format!("--clip rcr:0.9 {PLANES} 'f*.fits'"));
    for (plane, count) in [("COUNT", 2.0), ("LOW", 1.0), ("HIGH", 8.0)] {
        assert_same(&place.plane("out.fits", Some(plane)), &[count]);
    }
}
