//! What holds for every overscan, over drawn ones.

use proptest::prelude::*;

use super::{assert_near, clipped, of_curve, of_lines, one_each, wanted};
use crate::overscan::{Wanted, levels};
use crate::recipe::OverscanStat::{Mean, Median};
use crate::recipe::{Fit, OverscanClip};

/// Any fit that some lines determine.
fn fits() -> impl Strategy<Value = Fit> {
    prop_oneof![
        (0_usize..8).prop_map(Fit::Polynomial),
        (0_usize..8).prop_map(Fit::Legendre),
        (0_usize..8).prop_map(Fit::Chebyshev),
        (1_usize..6).prop_map(Fit::Spline),
    ]
}

/// Any way from lines to levels.
fn ways() -> impl Strategy<Value = Wanted> {
    let clip = (0.0_f64..4.0, 0.0_f64..4.0, 0_u32..4)
        .prop_map(|(low, high, rounds)| OverscanClip { low, high, rounds });
    (
        prop_oneof![Just(Median), Just(Mean)],
        proptest::option::of(fits()),
        proptest::option::of(clip),
    )
        .prop_map(|(stat, fit, clip)| Wanted { stat, fit, clip })
}

proptest! {
    /// Levels that a curve runs through come out of its fit as they went in.
    #[test]
    fn a_fit_reproduces_its_own_curve(fit in fits(), lines in prop::collection::vec(0.0_f64..65535.0, 12..200)) {
        let once = of_curve(fit, &lines).expect("levels");
        let twice = of_curve(fit, &once).expect("levels");
        assert_near(&twice, &once, 1e-11);
    }

    /// Whatever is added to all lines, or they are multiplied by, is so with their curve.
    #[test]
    fn a_fit_is_linear(
        fit in fits(),
        lines in prop::collection::vec((0.0_f64..65535.0, 0.0_f64..65535.0), 12..60),
        factor in -3.0_f64..3.0,
    ) {
        let curve = |pick: &dyn Fn(&(f64, f64)) -> f64| {
            of_curve(fit, &lines.iter().map(pick).collect::<Vec<_>>()).expect("levels")
        };
        let (one, other) = (curve(&|line| line.0), curve(&|line| line.1));
        let sum: Vec<f64> = one.iter().zip(&other).map(|(one, other)| one + factor * other + 50.0).collect();
        assert_near(&curve(&|line| line.0 + factor * line.1 + 50.0), &sum, 1e-9);
    }

    /// The differences from the curve are square to each function of a polynomial: no other curve comes closer.
    #[test]
    fn no_other_polynomial_comes_closer(degree in 0_usize..8, lines in prop::collection::vec(0.0_f64..1000.0, 12..100)) {
        let curve = of_curve(Fit::Polynomial(degree), &lines).expect("levels");
        for power in 0..=degree {
            let x = |place: usize| (place as f64 / lines.len() as f64).powf(power as f64);
            let along: f64 = (0..lines.len()).map(|place| (lines[place] - curve[place]) * x(place)).sum();
            prop_assert!(along.abs() < 1e-7, "{along} along the power {power}");
        }
    }

    /// A bright star across one line of a smooth overscan leaves no trace.
    #[test]
    fn a_clip_drops_a_planted_outlier(
        fit in fits(),
        noise in prop::collection::vec(-1.0_f64..1.0, 60..200),
        place in any::<prop::sample::Index>(),
        height in prop_oneof![-9000.0_f64..-3000.0, 3000.0_f64..9000.0],
    ) {
        let mut lines: Vec<f64> = noise.iter().enumerate().map(|(i, noise)| 300.0 + 0.1 * i as f64 + noise).collect();
        let planted = 10 + place.index(lines.len() - 20);
        lines[planted] += height;
        let clip = clipped(wanted(Median, Some(fit)), 3.5, 3.5, 1);
        let found = of_lines(clip, &one_each(&lines)).expect("levels");
        lines[planted] = f64::NAN;
        prop_assert_eq!(found, of_curve(fit, &lines).expect("levels"));
    }

    /// A bright sample in one line leaves no trace in its level.
    #[test]
    fn a_clip_drops_a_planted_sample(
        mut line in prop::collection::vec(299.0_f64..301.0, 20..60),
        height in 5000.0_f64..9000.0,
        stat in prop_oneof![Just(Median), Just(Mean)],
    ) {
        let clean = of_lines(wanted(stat, None), std::slice::from_ref(&line)).expect("levels");
        line.insert(line.len() / 2, height);
        let found = of_lines(clipped(wanted(stat, None), 4.0, 4.0, 1), &[line]).expect("levels");
        prop_assert_eq!(found, clean);
    }

    /// Each line is asked for once, in order, and gets a clean slate; without a fit its level is its own, whatever lines go
    /// before and behind.
    #[test]
    fn levels_never_depend_on_the_batch_of_lines(
        way in ways(),
        lines in prop::collection::vec(prop::collection::vec(-1e6_f64..1e6, 1..12), 12..40),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut asked = Vec::new();
        let whole = levels(&way, lines.len(), |place, samples| {
            assert!(samples.is_empty());
            asked.push(place);
            samples.extend(&lines[place]);
        });
        prop_assert!(asked.iter().copied().eq(0..lines.len()));
        prop_assert_eq!(&whole, &of_lines(way, &lines));
        if way.fit.is_none() {
            let cut = cut.index(lines.len());
            let (front, back) = (of_lines(way, &lines[..cut]).expect("levels"), of_lines(way, &lines[cut..]).expect("levels"));
            prop_assert_eq!(whole.expect("levels"), [front, back].concat());
        }
    }

    /// Whatever is asked for: a finite level for each line, or a text.
    #[test]
    fn no_input_makes_it_panic(way in ways(), lines in prop::collection::vec(prop::collection::vec(-1e308_f64..1e308, 0..6), 0..20)) {
        match of_lines(way, &lines) {
            Ok(levels) => prop_assert!(levels.len() == lines.len() && levels.iter().all(|level| level.is_finite())),
            Err(fault) => prop_assert!(!fault.is_empty()),
        }
    }
}
