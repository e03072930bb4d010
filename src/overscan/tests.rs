//! The room against closed forms, astropy, numpy and IRAF.

mod drawn;

use super::{Wanted, levels};
use crate::recipe::OverscanStat::{Mean, Median};
use crate::recipe::{Fit, OverscanClip, OverscanStat};

/// Levels to fit: 24 lines that follow no curve.
const WILD: [f64; 24] = [
    300.0, 323.0, 314.75, 320.5, 303.5, 337.25, 303.0, 328.0, 321.75, 329.5, 310.25, 309.25, 318.0,
    340.75, 340.75, 309.5, 333.25, 330.0, 304.0, 328.75, 326.5, 342.5, 327.25, 326.0,
];

/// The lines at which fits of other programs are written down here.
const PLACES: [usize; 4] = [0, 5, 11, 23];

/// One line to clip.
const LINE: [f64; 14] = [
    300.0, 302.0, 301.5, 299.0, 300.5, 301.0, 298.5, 300.25, 460.0, 299.5, 303.0, 304.75, 301.25,
    200.0,
];

fn wanted(stat: OverscanStat, fit: Option<Fit>) -> Wanted {
    let clip = None;
    Wanted { stat, fit, clip }
}

fn clipped(wanted: Wanted, low: f64, high: f64, rounds: u32) -> Wanted {
    let clip = Some(OverscanClip { low, high, rounds });
    Wanted { clip, ..wanted }
}

/// The levels of lines that are all in memory.
fn of_lines(wanted: Wanted, lines: &[Vec<f64>]) -> Result<Vec<f64>, String> {
    levels(&wanted, lines.len(), |place, samples| {
        samples.extend(&lines[place]);
    })
}

/// The curve through lines of one sample each; a line that is not finite has none.
fn of_curve(fit: Fit, lines: &[f64]) -> Result<Vec<f64>, String> {
    of_lines(wanted(Median, Some(fit)), &one_each(lines))
}

fn one_each(lines: &[f64]) -> Vec<Vec<f64>> {
    let present = |&line: &f64| Some(line).filter(|line| line.is_finite());
    lines
        .iter()
        .map(|line| present(line).into_iter().collect())
        .collect()
}

#[track_caller]
fn assert_near(found: &[f64], expected: &[f64], relative: f64) {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
    for (found, expected) in found.iter().zip(expected) {
        let apart = (found - expected).abs();
        assert!(
            apart <= relative * largest,
            "{found} for {expected}, {apart} apart"
        );
    }
}

/// The curve at the lines of `PLACES`.
#[track_caller]
fn at_places(levels: &[f64]) -> [f64; 4] {
    PLACES.map(|place| levels[place])
}

#[test]
fn a_line_comes_to_its_median_or_its_mean() {
    let lines = [
        vec![3.0, 1.0, 2.0],
        vec![4.0, 1.0, 3.0, 10.0],
        vec![-7.5],
        vec![f64::MAX, f64::MAX],
    ];
    assert_eq!(
        of_lines(wanted(Median, None), &lines).expect("levels"),
        [2.0, 3.5, -7.5, f64::MAX]
    );
    assert_eq!(
        of_lines(wanted(Mean, None), &lines[..3]).expect("levels"),
        [2.0, 4.5, -7.5]
    );
    assert!(
        of_lines(wanted(Median, None), &[])
            .expect("levels")
            .is_empty()
    );
}

#[test]
fn polynomials_are_those_of_astropy() {
    // LinearLSQFitter()(Polynomial1D(degree), x, WILD)(x)
    for (degree, expected) in [
        (0, [322.0, 322.0, 322.0, 322.0]),
        (
            1,
            [313.61, 317.257_826_086_956_5, 321.635_217_391_304_4, 330.39],
        ),
        (
            3,
            [
                309.657_549_857_549_4,
                318.456_469_939_078_5,
                322.904_669_887_278_4,
                330.419_373_219_373_1,
            ],
        ),
        (
            6,
            [
                302.443_137_341_585,
                317.154_465_643_206,
                324.187_941_336_349_1,
                326.672_624_521_072_7,
            ],
        ),
    ] {
        let polynomial = of_curve(Fit::Polynomial(degree), &WILD).expect("levels");
        assert_near(&at_places(&polynomial), &expected, 1e-12);
        assert_eq!(
            of_curve(Fit::Legendre(degree), &WILD).expect("levels"),
            polynomial
        );
        assert_eq!(
            of_curve(Fit::Chebyshev(degree), &WILD).expect("levels"),
            polynomial
        );
    }
}

#[test]
fn splines_are_those_of_scipy_and_of_iraf() {
    // scipy.interpolate.BSpline of unit coefficients, numpy.linalg.lstsq; fit1d with function="spline3", in f32.
    for (npiece, scipy, iraf) in [
        (
            1,
            [
                309.657_549_857_549_4,
                318.456_469_939_078_6,
                322.904_669_887_278_5,
                330.419_373_219_373_1,
            ],
            [309.657_928, 318.456_238, 322.904_633, 330.418_945],
        ),
        (
            2,
            [
                308.164_507_079_599_6,
                319.407_842_248_382_9,
                321.833_142_857_711_1,
                328.926_330_441_423_4,
            ],
            [308.164_124, 319.408_020, 321.832_947, 328.926_117],
        ),
        (
            5,
            [
                304.686_100_958_306,
                320.073_793_883_752,
                322.855_876_781_882_9,
                324.341_521_741_236_5,
            ],
            [304.686_157, 320.073_700, 322.855_927, 324.341_522],
        ),
    ] {
        let found = at_places(&of_curve(Fit::Spline(npiece), &WILD).expect("levels"));
        assert_near(&found, &scipy, 1e-12);
        assert_near(&found, &iraf, 2e-6);
    }
}

#[test]
fn a_fit_is_clipped_as_in_iraf() {
    let mut lines = WILD;
    (lines[7], lines[15], lines[16]) = (528.0, 159.5, 423.25);
    // fit1d, in f32, with low_reject, high_reject and niterate.
    for (fit, low, high, rounds, expected) in [
        (
            Fit::Legendre(3),
            2.0,
            2.5,
            1,
            [314.789_063, 313.680_115, 329.807_312, 321.831_940],
        ),
        (
            Fit::Legendre(3),
            2.0,
            2.5,
            5,
            [312.318_512, 315.722_198, 324.431_671, 328.660_217],
        ),
        (
            Fit::Spline(2),
            0.0,
            2.0,
            3,
            [303.159_668, 322.759_979, 307.995_972, 341.597_595],
        ),
    ] {
        let wanted = clipped(wanted(Median, Some(fit)), low, high, rounds);
        let levels = of_lines(wanted, &one_each(&lines)).expect("levels");
        assert_near(&at_places(&levels), &expected, 5e-6);
    }
}

#[test]
fn the_samples_of_a_line_are_clipped_as_in_astropy() {
    // astropy.stats.sigma_clip(LINE, cenfunc=stat, stdfunc="std", maxiters=rounds)
    for (low, high, rounds, median, mean) in [
        (2.0, 2.0, 1, 300.75, 300.9375),
        (2.0, 2.0, 5, 300.5, 300.590_909_090_909_07),
        (1.5, 1.5, 3, 300.5, 300.555_555_555_555_54),
        // 0 and infinity are no limits.
        (0.0, 2.0, 5, 300.5, 293.173_076_923_076_9),
        (f64::INFINITY, 2.0, 5, 300.5, 293.173_076_923_076_9),
    ] {
        for (stat, expected) in [(Median, median), (Mean, mean)] {
            let wanted = clipped(wanted(stat, None), low, high, rounds);
            let levels = of_lines(wanted, &[LINE.to_vec()]).expect("levels");
            assert_near(&levels, &[expected], 1e-15);
        }
    }
}

#[test]
fn a_clip_of_samples_never_leaves_none() {
    // Ten times 0.1 has a mean a rounding away from 0.1, and each sample is as far from it as the deviation.
    let lines = [vec![0.1; 10], vec![0.0, 1.0], vec![5.0]];
    let levels = of_lines(clipped(wanted(Mean, None), 0.5, 0.5, 9), &lines).expect("levels");
    assert_near(&levels, &[0.1, 0.5, 5.0], 1e-15);
}

#[test]
fn lines_that_a_curve_meets_are_not_clipped_for_their_rounding() {
    let lines: Vec<f64> = (0..40)
        .map(|i| 0.1 * f64::from(i * i) + 1000.0 / 3.0)
        .collect();
    let wanted = clipped(wanted(Mean, Some(Fit::Polynomial(2))), 0.1, 0.1, 100);
    let levels = of_lines(wanted, &one_each(&lines)).expect("levels");
    assert_near(&levels, &lines, 1e-13);
}

#[test]
fn lines_without_samples_take_the_curve() {
    let mut lines: Vec<f64> = (0..20)
        .map(|i| 7.0 + 3.0 * f64::from(i) - 0.1 * f64::from(i * i))
        .collect();
    let whole = lines.clone();
    for gone in [0, 8, 9, 19] {
        lines[gone] = f64::NAN;
    }
    for fit in [Fit::Polynomial(2), Fit::Spline(2)] {
        assert_near(&of_curve(fit, &lines).expect("levels"), &whole, 1e-12);
    }
    assert_near(
        &of_curve(Fit::Legendre(0), &[4.0]).expect("levels"),
        &[4.0],
        1e-15,
    );
}

#[test]
fn what_cannot_be_answered_is_said() {
    let fault = |fit, lines: &[f64]| of_curve(fit, lines).expect_err("a fault");
    let no_sample =
        of_lines(wanted(Median, None), &[vec![1.0], vec![], vec![2.0]]).expect_err("a fault");
    assert!(no_sample.contains("line 2 of the 3"), "{no_sample}");

    let few = fault(Fit::Chebyshev(3), &[1.0, 2.0, f64::NAN, 3.0]);
    assert!(
        few.starts_with("3 of") && few.contains("4 coefficients"),
        "{few}"
    );
    for fit in [Fit::Polynomial(0), Fit::Polynomial(usize::MAX)] {
        assert!(fault(fit, &[]).starts_with("0 of"));
    }
    assert!(fault(Fit::Spline(usize::MAX), &WILD).starts_with("24 of"));
    assert!(fault(Fit::Spline(0), &WILD).contains("at least 1 piece"));

    let mut gap = WILD;
    gap[5..].fill(f64::NAN);
    assert!(fault(Fit::Spline(2), &gap).contains("open"));

    let mean =
        of_lines(wanted(Mean, None), &[vec![1.0], vec![f64::MAX, f64::MAX]]).expect_err("a fault");
    assert!(mean.contains("line 2 of the 2"), "{mean}");
    let curve = fault(Fit::Polynomial(3), &[1.7e308, -1.7e308, 1.7e308, -1.7e308]);
    assert!(curve.contains("beyond the largest number"), "{curve}");
}

#[test]
fn a_clip_that_leaves_too_few_lines_is_said() {
    let wanted = clipped(wanted(Mean, Some(Fit::Polynomial(11))), 0.7, 0.7, 9);
    let fault = of_lines(wanted, &one_each(&WILD)).expect_err("a fault");
    assert!(
        fault.contains("--overscan-clip leaves") && fault.contains("12 coefficients"),
        "{fault}"
    );
}
