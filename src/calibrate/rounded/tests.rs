//! Samples made piece by piece are what the textbook gives, rounded once, on every vector width, whatever the numbers.

use proptest::prelude::*;

use super::super::textbook::{self, Calibrated};
use super::super::{MasterLine, Taken};
use super::*;
use crate::shape::Area;

const NPIXEL: usize = 600;
const FIRST: usize = 40;

/// Numbers of a camera, and numbers of any size and sign.
fn wild() -> BoxedStrategy<f64> {
    prop_oneof![
        6 => (0..65536_u32).prop_map(f64::from),
        2 => prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO,
        2 => (-2.0..2.0_f64, -330..310_i32).prop_map(|(number, power)| number * 10.0_f64.powi(power)),
        1 => prop_oneof![Just(f64::INFINITY), Just(-0.0), Just(f64::from(f32::MAX)), Just(1e-45)],
    ]
    .boxed()
}

/// Numbers for all pixels, from a few drawn ones.
fn many(number: impl Strategy<Value = f64> + 'static) -> BoxedStrategy<Vec<f64>> {
    let few = prop::collection::vec(number, 41);
    few.prop_map(|few| few.into_iter().cycle().take(NPIXEL).collect())
        .boxed()
}

fn master(
    number: impl Strategy<Value = f64> + 'static,
) -> impl Strategy<Value = Option<MasterLine>> {
    let masked = prop_oneof![
        Just(Vec::new()).boxed(),
        prop::collection::vec(prop::bool::weighted(0.1), NPIXEL).boxed(),
    ];
    let line = (many(number), masked).prop_map(|(value, masked)| MasterLine {
        value,
        deviation: Vec::new(),
        masked,
    });
    prop::option::weighted(0.8, line)
}

fn flats() -> impl Strategy<Value = f64> {
    let power = prop_oneof![9 => Just(0), 1 => -305..305_i32];
    (0.1..3.0_f64, power).prop_map(|(number, power)| number * 10.0_f64.powi(power))
}

fn steps() -> impl Strategy<Value = FrameSteps> {
    let scale = prop_oneof![
        0.3..4.0_f64,
        wild().prop_filter("finite", |number| number.is_finite())
    ];
    let rows = scale
        .clone()
        .prop_map(|level| OverscanLevels::Rows(vec![level]));
    (
        prop::option::weighted(0.3, rows),
        prop::option::weighted(0.3, scale.clone()),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(prop_oneof![Just(1.0), -2.0..50.0_f64]),
        any::<bool>(),
        prop::option::weighted(0.3, scale),
    )
        .prop_map(
            |(overscan, gain, gain_last, bias, dark, flat, sky)| FrameSteps {
                overscan,
                deviation: None,
                gain,
                gain_last,
                bias,
                dark,
                flat,
                sky,
            },
        )
}

/// A sample as the textbook has it.
fn told<T: Sample>(steps: &FrameSteps, masters: &MasterLines, pixel: usize, value: f64) -> T {
    let stored = Calibrated {
        value,
        deviation: 0.0,
        masked: false,
    };
    let calibrated = textbook::sample(steps, masters, (0, FIRST + pixel, pixel), stored);
    let sample = T::from_f64(calibrated.value);
    if calibrated.masked || !sample.is_present() {
        T::ABSENT
    } else {
        sample
    }
}

/// Calibrates all frames, piece after piece as a strip does it, and compares.
fn are_as_told<T: Sample>(frames: &[FrameSteps], masters: &MasterLines, value: &[f64]) {
    let area = Area {
        rows: 0..1,
        cols: 0..FIRST + NPIXEL,
    };
    for width in Width::available() {
        let mut rounding = Rounding::new(width, masters);
        for first in (0..NPIXEL).step_by(PIECE) {
            let pixels = first..NPIXEL.min(first + PIECE);
            for steps in frames {
                let place = Run {
                    first: FIRST + first,
                    area: &area,
                };
                let mut decoded = value[pixels.clone()].to_vec();
                let mut samples = vec![T::MAX; pixels.len()];
                rounding.of_decoded(Taken { steps, place }, &mut decoded, None, &mut samples);
                for (pixel, sample) in pixels.clone().zip(samples) {
                    let told = told::<T>(steps, masters, pixel, value[pixel]);
                    let bits = [sample, told].map(|sample| sample.to_f64().to_bits());
                    assert_eq!(
                        bits[0], bits[1],
                        "{told:?} {sample:?}, {pixel} on {width}: {steps:?}"
                    );
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn samples_are_those_of_the_textbook_rounded_once(
        frames in prop::collection::vec(steps(), 1..4),
        bias in master(prop_oneof![9 => 0.0..500.0_f64, 1 => -1e300..1e300_f64]),
        dark in master(-5.0..40.0),
        flat in master(flats()),
        tame in master(0.1..3.0),
        value in many(wild()),
    ) {
        for flat in [flat, tame] {
            let masters = MasterLines { first: FIRST, bias: bias.clone(), dark: dark.clone(), flat };
            are_as_told::<f32>(&frames, &masters, &value);
            are_as_told::<f64>(&frames, &masters, &value);
        }
    }
}
