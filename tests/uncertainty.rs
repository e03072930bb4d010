//! The uncertainty of the result, from the scatter of the samples or from the frames' own.

use std::f64::consts::FRAC_PI_2;

use crate::common::{Place, assert_close, assert_same};
use crate::fits::Image;

/// Frames of one pixel: value and uncertainty, the latter stored as this UTYPE has it.
fn frames(samples: &[(f64, f64)], utype: &str) -> Place {
    let place = Place::new();
    for ((value, u), letter) in samples.iter().zip('a'..) {
        let stored = match utype {
            "VarianceUncertainty" => u * u,
            "InverseVariance" => 1.0 / (u * u),
            _ => *u,
        };
        let plane = Image::row(&[stored])
            .named("UNCERT")
            .card(format!("UTYPE   = '{utype}'"));
        Image::row(&[*value]).write_with(&[plane], place.path(&format!("{letter}.fits")));
    }
    place
}

/// The uncertainty of a run with these arguments on every frame of a place.
fn uncertainty(place: &Place, arguments: &str) -> Vec<f64> {
    place.combined(&format!("{arguments} '[a-z].fits'"));
    place.plane("out.fits", Some("UNCERT"))
}

/// Relative precision that is asked of uncertainties.
const TOLERANCE: f64 = 1e-6;

#[test]
fn scatter_of_an_average_is_the_standard_error_of_the_samples() {
    let place = Place::with_rows(&[&[1.0], &[2.0], &[3.0], &[4.0]]);
    let standard_error = (5.0_f64 / 3.0).sqrt() / 2.0;
    assert_close(&uncertainty(&place, ""), &[standard_error], TOLERANCE);
    assert_close(
        &uncertainty(&place, "--uncertainty scatter -m sum"),
        &[4.0 * standard_error],
        TOLERANCE,
    );
}

#[test]
fn scatter_of_a_weighted_average_weighs_the_deviations() {
    let place = Place::with_rows(&[&[0.0], &[4.0]]);
    assert_close(&uncertainty(&place, "--weight 1,3"), &[1.5], TOLERANCE);
    assert_close(
        &uncertainty(&place, "--weight 1,3 -m sum"),
        &[6.0],
        TOLERANCE,
    );
}

#[test]
fn scatter_of_a_median_comes_from_the_mad_without_a_fallback() {
    let place = Place::with_rows(&[
        &[1.0, 5.0],
        &[2.0, 5.0],
        &[4.0, 5.0],
        &[8.0, 5.0],
        &[16.0, 9.0],
    ]);
    let want = FRAC_PI_2.sqrt() * 1.482_602_218_505_602 * 3.0 / 5.0_f64.sqrt();
    assert_close(&uncertainty(&place, "-m median"), &[want, 0.0], TOLERANCE);
}

#[test]
fn the_scatter_of_one_sample_is_not_known() {
    let place = Place::with_rows(&[&[1.0, 1.0], &[f64::NAN, 2.0]]);
    let u = uncertainty(&place, "");
    assert!(u[0].is_nan() && (u[1] - 0.5).abs() < TOLERANCE, "{u:?}");
    assert_same(&place.plane("out.fits", Some("MASK")), &[0.0, 0.0]);
}

#[test]
fn propagation_adds_the_uncertainties_of_the_frames_in_quadrature() {
    for utype in [
        "StdDevUncertainty",
        "VarianceUncertainty",
        "InverseVariance",
    ] {
        let place = frames(&[(1.0, 3.0), (2.0, 4.0)], utype);
        assert_close(
            &uncertainty(&place, "--uncertainty propagate"),
            &[2.5],
            TOLERANCE,
        );
        assert_close(
            &uncertainty(&place, "--uncertainty propagate -m sum"),
            &[5.0],
            TOLERANCE,
        );
        assert_close(
            &uncertainty(&place, "--uncertainty propagate -m median"),
            &[2.5],
            TOLERANCE,
        );
        assert_close(
            &uncertainty(&place, "--uncertainty propagate --scale 2,2"),
            &[1.25],
            TOLERANCE,
        );
        let unit = place
            .hdus("out.fits")
            .into_iter()
            .find(|hdu| hdu.value("EXTNAME").as_deref() == Some("UNCERT"));
        assert_eq!(
            unit.unwrap().value("UTYPE").as_deref(),
            Some("StdDevUncertainty")
        );
    }
}

#[test]
fn the_propagated_uncertainty_of_a_median_is_that_of_an_average_times_the_root_of_half_pi() {
    let place = frames(&[(1.0, 1.0), (2.0, 2.0), (3.0, 2.0)], "StdDevUncertainty");
    assert_close(
        &uncertainty(&place, "--uncertainty propagate -m median"),
        &[FRAC_PI_2.sqrt()],
        TOLERANCE,
    );
    let one = frames(&[(1.0, 7.0)], "StdDevUncertainty");
    assert_close(
        &uncertainty(&one, "--uncertainty propagate -m median"),
        &[7.0],
        TOLERANCE,
    );
    assert_close(
        &uncertainty(&one, "--uncertainty propagate"),
        &[7.0],
        TOLERANCE,
    );
}

#[test]
fn a_sample_without_a_usable_uncertainty_is_absent_where_one_is_needed() {
    let place = frames(
        &[(1.0, 0.0), (2.0, 4.0), (9.0, f64::NAN), (5.0, -1.0)],
        "StdDevUncertainty",
    );
    assert_close(
        &uncertainty(&place, "--uncertainty propagate"),
        &[4.0],
        TOLERANCE,
    );
    assert_same(&place.plane("out.fits", None), &[2.0]);
    assert_same(&place.combined("'[a-z].fits'"), &[4.25]);
}

#[test]
fn without_uncertainty_there_is_no_plane_of_it() {
    let place = Place::with_rows(&[&[1.0], &[2.0]]);
    place.combined("--uncertainty none a.fits b.fits");
    let names: Vec<_> = place
        .hdus("out.fits")
        .iter()
        .map(|hdu| hdu.value("EXTNAME"))
        .collect();
    assert!(!names.contains(&Some("UNCERT".to_owned())), "{names:?}");
}

#[test]
fn uncertainties_are_found_under_another_name_or_not_looked_for() {
    let place = Place::new();
    for name in ["a.fits", "b.fits"] {
        Image::row(&[1.0]).write_with(&[Image::row(&[4.0]).named("ERR")], place.path(name));
    }
    assert_close(
        &uncertainty(&place, "--uncertainty-hdu ERR --uncertainty propagate"),
        &[8.0_f64.sqrt()],
        TOLERANCE,
    );
    let run = place.run("combine --overwrite -o out.fits --uncertainty propagate a.fits b.fits");
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr.contains("a.fits") && run.stderr.contains("uncertainty"),
        "{}",
        run.stderr
    );
    let run = place.run("combine --overwrite -o out.fits --uncertainty-hdu none --uncertainty propagate a.fits b.fits");
    assert!(matches!(run.status, Some(1 | 2)), "{}", run.stderr);
}
