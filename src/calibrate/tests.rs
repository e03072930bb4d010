//! The chain gives what the textbook gives, to the bit, on every vector width and however a run is cut; and what ccdproc gives.

use proptest::prelude::*;

use super::textbook::{self, Calibrated};
use super::{
    FrameSteps, Line, MasterLine, MasterLines, OverscanLevels, PhotonNoise, Run, calibrate,
};
use crate::kernel::Width;
use crate::recipe::Negative;
use crate::shape::Area;

/// Rows and columns of the frames that are drawn, and the part of them that is calibrated: more than a piece to a row.
const NROW: usize = 6;
const NCOL: usize = 310;
const NPIXEL: usize = 700;

fn area() -> Area {
    Area {
        rows: 2..5,
        cols: 7..303,
    }
}

/// A frame's samples: counts, fractions, zeros of either sign, and what is not finite.
fn sample() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (0..65536_u32).prop_map(f64::from),
        4 => -50.0..3000.0_f64,
        1 => prop_oneof![Just(0.0), Just(-0.0), Just(1e-300), Just(1e300)],
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY)],
    ]
}

/// Numbers for all pixels of a run, from a few drawn ones.
fn many(number: impl Strategy<Value = f64> + 'static) -> BoxedStrategy<Vec<f64>> {
    let few = prop::collection::vec(number, 37);
    few.prop_map(|few| few.into_iter().cycle().take(NPIXEL).collect())
        .boxed()
}

/// A master, or none, with or without deviations and masked pixels.
fn master(values: std::ops::Range<f64>) -> impl Strategy<Value = Option<MasterLine>> {
    let deviation = prop_oneof![Just(Vec::new()).boxed(), many(0.0..5.0)];
    let masked = prop_oneof![
        Just(Vec::new()).boxed(),
        prop::collection::vec(prop::bool::weighted(0.1), NPIXEL).boxed(),
    ];
    let line =
        (many(values), deviation, masked).prop_map(|(value, deviation, masked)| MasterLine {
            value,
            deviation,
            masked,
        });
    prop::option::weighted(0.8, line)
}

fn steps() -> impl Strategy<Value = FrameSteps> {
    let levels = |n| prop::collection::vec(900.0..1100.0_f64, n);
    let overscan = prop_oneof![
        Just(None),
        levels(NROW).prop_map(|levels| Some(OverscanLevels::Rows(levels))),
        levels(NCOL).prop_map(|levels| Some(OverscanLevels::Columns(levels))),
    ];
    let negative = prop_oneof![Just(Negative::Readnoise), Just(Negative::Mask)];
    let noise = (0.3..4.0_f64, 0.0..20.0_f64, negative);
    let noise = noise.prop_map(|(gain, readnoise, negative)| PhotonNoise {
        gain,
        readnoise,
        negative,
    });
    (
        overscan,
        prop::option::of(noise),
        prop::option::of(0.3..4.0_f64),
        any::<bool>(),
        any::<bool>(),
        prop::option::of(prop_oneof![Just(1.0), 0.0..50.0_f64]),
        any::<bool>(),
        prop::option::of(-10.0..1000.0_f64),
    )
        .prop_map(
            |(overscan, deviation, gain, gain_last, bias, dark, flat, sky)| FrameSteps {
                overscan,
                deviation,
                gain,
                gain_last,
                bias,
                dark,
                flat,
                sky,
            },
        )
}

/// Bits that tell numbers apart; one NaN is as good as another.
fn bits(number: f64) -> u64 {
    if number.is_nan() {
        f64::NAN.to_bits()
    } else {
        number.to_bits()
    }
}

/// Values, deviations and masks of a run of `NPIXEL` pixels, calibrated in runs of `at_once`.
fn in_runs(
    width: Width,
    (steps, masters): (&FrameSteps, &MasterLines),
    (value, own): (&[f64], &[f64]),
    deviates: bool,
    at_once: usize,
) -> (Vec<u64>, Vec<u64>, Vec<bool>) {
    let (mut value, mut deviation) = (value.to_vec(), own.to_vec());
    let mut masked: Vec<bool> = (0..NPIXEL).map(|pixel| pixel % 50 == 3).collect();
    let area = area();
    for first in (0..NPIXEL).step_by(at_once) {
        let pixels = first..NPIXEL.min(first + at_once);
        let line = Line {
            value: &mut value[pixels.clone()],
            deviation: deviates.then_some(&mut deviation[pixels.clone()]),
            masked: Some(&mut masked[pixels.clone()]),
        };
        let place = Run {
            first: masters.first + first,
            area: &area,
        };
        calibrate(width, steps, masters, place, line);
    }
    let bits = |numbers: Vec<f64>| numbers.into_iter().map(bits).collect();
    (bits(value), bits(deviation), masked)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn every_chain_gives_what_the_textbook_gives_on_every_width_however_it_is_cut(
        steps in steps(),
        bias in master(0.0..500.0),
        dark in master(-5.0..40.0),
        flat in master(0.01..3.0),
        value in prop::collection::vec(sample(), NPIXEL),
        own in many(prop_oneof![9 => 0.0..30.0_f64, 1 => Just(f64::INFINITY)]),
        deviates in any::<bool>(),
        first in 0..150_usize,
        at_once in 1..NPIXEL,
    ) {
        let masters = MasterLines { first, bias, dark, flat };
        let area = area();
        let ncol = area.cols.len();
        let told: Vec<Calibrated> = (0..NPIXEL)
            .map(|pixel| {
                let place = first + pixel;
                let (row, col) = (area.rows.start + place / ncol, area.cols.start + place % ncol);
                let stored = Calibrated { value: value[pixel], deviation: own[pixel], masked: pixel % 50 == 3 };
                textbook::sample(&steps, &masters, (row, col, pixel), stored)
            })
            .collect();
        for width in Width::available() {
            for at_once in [at_once, NPIXEL] {
                let (value, deviation, masked) = in_runs(width, (&steps, &masters), (&value, &own), deviates, at_once);
                for (pixel, told) in told.iter().enumerate() {
                    prop_assert_eq!(value[pixel], bits(told.value), "value {} of {:?} on {}", pixel, told, width);
                    prop_assert_eq!(masked[pixel], told.masked, "mask {}", pixel);
                    let expected = if deviates { told.deviation } else { own[pixel] };
                    prop_assert_eq!(deviation[pixel], bits(expected), "deviation {} of {:?} on {}", pixel, told, width);
                }
            }
        }
    }

    #[test]
    fn a_deviation_to_which_nothing_adds_stays_as_it_is(own in 1e-150..1e150_f64, level in -10.0..10.0_f64) {
        let steps = FrameSteps { overscan: Some(OverscanLevels::Rows(vec![level])), sky: Some(3.0), ..FrameSteps::default() };
        let area = Area { rows: 0..1, cols: 0..1 };
        let (mut value, mut deviation) = ([5.0], [own]);
        let line = Line { value: &mut value, deviation: Some(&mut deviation), masked: None };
        calibrate(Width::widest(), &steps, &MasterLines::default(), Run { first: 0, area: &area }, line);
        prop_assert_eq!(deviation[0].to_bits(), own.to_bits());
    }
}

/// Five pixels with every step, after those of scripts that call ccdproc 2.5.1: an overscan of 990.5, create_deviation (gain 1.7, read noise
/// 5.3, disregard_nan), gain_correct before all or last, subtract_bias, subtract_dark (45 s of 60 s, scaled), flat_correct (min_value 15000,
/// norm_value 18875).
fn five_pixels(gain_last: bool) -> (Vec<f64>, Vec<f64>, Vec<bool>) {
    let steps = FrameSteps {
        overscan: Some(OverscanLevels::Rows(vec![990.5])),
        deviation: Some(PhotonNoise {
            gain: 1.7,
            readnoise: 5.3,
            negative: Negative::Readnoise,
        }),
        gain: Some(1.7),
        gain_last,
        bias: true,
        dark: Some(45.0 / 60.0),
        flat: true,
        sky: None,
    };
    let master = |value: [f64; 5], deviation: [f64; 5], masked: Option<usize>| MasterLine {
        value: value.to_vec(),
        deviation: deviation.to_vec(),
        masked: (0..5).map(|pixel| Some(pixel) == masked).collect(),
    };
    let mut bias = master(
        [3.5, 2.25, 4.0, 3.0, 2.5],
        [0.5, 0.4, 0.3, 0.2, 0.1],
        Some(2),
    );
    let mut dark = master(
        [10.0, 11.0, 9.5, 10.25, 12.0],
        [0.7, 0.8, 0.9, 0.6, 0.5],
        None,
    );
    let mut flat = master(
        [20000.0, 21500.0, 19000.0, 100.0, 22000.0],
        [150.0, 160.0, 140.0, 15.0, 155.0],
        Some(4),
    );
    assert_eq!(bias.for_subtraction(), 1);
    assert_eq!(dark.for_subtraction(), 0);
    assert_eq!(flat.for_division(Some(15000.0), 18875.0), 1);
    let masters = MasterLines {
        first: 0,
        bias: Some(bias),
        dark: Some(dark),
        flat: Some(flat),
    };
    let mut value = vec![1012.0, 1530.5, 998.0, 2047.25, 30011.0];
    let (mut deviation, mut masked) = (vec![0.0; 5], vec![false; 5]);
    let line = Line {
        value: &mut value,
        deviation: Some(&mut deviation),
        masked: Some(&mut masked),
    };
    let area = Area {
        rows: 0..1,
        cols: 0..5,
    };
    let place = Run {
        first: 0,
        area: &area,
    };
    calibrate(Width::widest(), &steps, &masters, place, line);
    (value, deviation, masked)
}

#[test]
fn ccdproc_gives_the_same() {
    let of_ccdproc = [
        (
            [
                24.112_812_499_999_997,
                796.700_581_395_348_8,
                1.614_309_210_526_315_7,
                2_247.115_937_5,
                49_323.35,
            ],
            [
                7.620_589_583_980_769,
                27.653_646_211_594_985,
                6.390_853_625_833_962,
                53.800_137_494_678_29,
                461.974_058_638_857_1,
            ],
        ),
        (
            [
                16.845_937_499_999_998,
                790.247_965_116_279,
                -6.121_957_236_842_105,
                2_237.702_031_250_000_3,
                49_315.299_999_999_996,
            ],
            [
                7.677_333_961_172_184,
                27.657_087_886_106_552,
                6.470_132_183_056_234,
                53.806_489_272_842_43,
                461.916_408_958_930_9,
            ],
        ),
    ];
    for (gain_last, (values, deviations)) in [false, true].into_iter().zip(of_ccdproc) {
        let (value, deviation, masked) = five_pixels(gain_last);
        assert_eq!(masked, [false, false, true, false, true]);
        for (ours, ccdproc) in value
            .iter()
            .zip(values)
            .chain(deviation.iter().zip(deviations))
        {
            assert!(
                (ours - ccdproc).abs() < 1e-13 * ccdproc.abs(),
                "{ours} {ccdproc}"
            );
        }
    }
}

#[test]
fn a_negative_sample_is_masked_if_asked_for_and_has_the_read_noise() {
    let area = Area {
        rows: 0..1,
        cols: 0..2,
    };
    for (negative, masked_first) in [(Negative::Readnoise, false), (Negative::Mask, true)] {
        let noise = PhotonNoise {
            gain: 2.0,
            readnoise: 5.0,
            negative,
        };
        let steps = FrameSteps {
            overscan: Some(OverscanLevels::Columns(vec![10.0, 10.0])),
            deviation: Some(noise),
            ..FrameSteps::default()
        };
        assert_eq!(steps.masks(&MasterLines::default()), masked_first);
        let (mut value, mut deviation) = ([7.0, 10.0], [99.0, f64::NAN]);
        let mut masked = [false; 2];
        let line = Line {
            value: &mut value,
            deviation: Some(&mut deviation),
            masked: Some(&mut masked),
        };
        let place = Run {
            first: 0,
            area: &area,
        };
        calibrate(
            Width::widest(),
            &steps,
            &MasterLines::default(),
            place,
            line,
        );
        assert_eq!((value, deviation), ([-3.0, 0.0], [2.5, 2.5]));
        assert_eq!(masked, [masked_first, false]);
    }
}
