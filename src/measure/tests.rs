//! What is measured equals what a plain sort and plain loops over the whole frame say.

use super::plain::{ALL, Book, choices, noise, plain};
use super::*;
use crate::error::Error;
use proptest::prelude::*;

/// Measures rows handed over `nrow` at a time; also says how many passes it took.
fn measured<T: Ranked>(
    scratch: &mut Scratch<T>,
    frame: &[T],
    ncol: usize,
    nrow: usize,
) -> (Option<Measured>, u32) {
    let mut npass = 0;
    let result = measure(
        scratch,
        &|_| unreachable!("these are no codes"),
        &mut |visit| {
            npass += 1;
            for rows in frame.chunks(nrow * ncol) {
                visit(FrameRows::Samples { rows, ncol });
            }
            Ok(())
        },
    );
    (result.expect("the pass does not fail"), npass)
}

/// As above, for codes.
fn measured_codes<T: Ranked>(
    scratch: &mut Scratch<T>,
    codes: &[u16],
    present: Option<&[bool]>,
    ncol: usize,
    value: &dyn Fn(u16) -> T,
) -> (Option<Measured>, u32) {
    let mut npass = 0;
    let result = measure(scratch, value, &mut |visit| {
        npass += 1;
        for (i, rows) in codes.chunks(3 * ncol).enumerate() {
            let present = present.map(|present| &present[3 * ncol * i..][..rows.len()]);
            visit(FrameRows::Codes {
                rows,
                present,
                ncol,
            });
        }
        Ok(())
    });
    (result.expect("the pass does not fail"), npass)
}

/// Holds what was measured against the answers by the book, bit by bit.
fn assert_same(found: Option<Measured>, wanted: Wanted, book: Option<Book>) {
    let bits = |value: f64| if value == 0.0 { 0 } else { value.to_bits() };
    assert_eq!(
        found.map(|found| found.npresent),
        book.map(|book| book.npresent)
    );
    let (Some(found), Some(book)) = (found, book) else {
        return;
    };
    for (name, wanted, found, book) in [
        ("mean", wanted.mean, found.mean, book.mean),
        ("median", wanted.median, found.median, book.median),
        ("mode", wanted.mode, found.mode, book.mode),
        ("mad", wanted.mad, found.mad, book.mad),
        ("noise", wanted.noise.is_some(), found.noise, book.noise),
    ] {
        if wanted {
            assert_eq!(
                bits(found),
                bits(book),
                "{name}: {found:e}, by the book {book:e}"
            );
        } else {
            assert!(found.is_nan(), "{name} was not asked for");
        }
    }
}

/// Measures a frame for every choice of what is wanted and holds all against the plain answers, the promised passes and
/// the promised memory.
fn check<T: Ranked>(frame: &[T], ncol: usize) {
    let plainly: Vec<f64> = frame.iter().map(|sample| sample.to_f64()).collect();
    let book = plain(&plainly, ncol);
    let nrow = frame.len() / ncol;
    for wanted in choices(Shape { nrow, ncol }) {
        let npixel = frame.len() as u64;
        let mut scratch = Scratch::<T>::new(wanted, false, npixel);
        let nbyte = Scratch::<T>::nbyte(wanted, false, npixel);
        assert_eq!(
            scratch.nbyte_held(),
            nbyte,
            "as planned: {wanted:?}, {npixel}"
        );
        // Twice, for a scratch is used again and again.
        for nrow in [1, 19] {
            let (found, npass) = measured(&mut scratch, frame, ncol, nrow);
            assert!(
                npass <= wanted.passes(false),
                "{npass} passes for {wanted:?}"
            );
            assert_same(found, wanted, book);
            assert_eq!(
                scratch.nbyte_held(),
                nbyte,
                "after use: {wanted:?}, {npixel}"
            );
        }
    }
}

/// Frames that are hard on a selection, `n` samples each.
fn hard_frames(n: usize) -> Vec<Vec<f64>> {
    let frame = |sample: &dyn Fn(usize) -> f64| (0..n).map(sample).collect();
    let part = |i: usize| i as f64 / n as f64;
    vec![
        frame(&|_| 7.25),
        frame(&|i| i as f64),
        frame(&|i| -(i as f64)),
        frame(&|i| (noise(i) - 0.5) * 1e-3),
        frame(&|i| (300.0 + 10.0 * noise(i) + 10.0 * noise(i + n)).round()),
        // A step in the middle: half are the same, half are all different.
        frame(&|i| if i % 2 == 0 { 1.0 } else { 1.0 + noise(i) }),
        // Up and down again, so that each part of the frame holds other samples.
        frame(&|i| (part(i) - 0.5).abs()),
        // Ties at all ranks sought, and nearly nothing between them.
        frame(&|i| (noise(i) * 7.0).floor() + if i % 500 == 0 { 0.5 } else { 0.0 }),
        // Outliers beyond reason, zeros of both signs, gaps.
        frame(&|i| match i % 11 {
            0 => f64::from(f32::MAX) * (noise(i) - 0.5),
            1 => -0.0,
            2 => 0.0,
            3 => f64::INFINITY,
            4 => f64::from(f32::from_bits(1)) * (i % 5) as f64,
            _ => (noise(i) - 0.4) * 10_f64.powf((i % 60) as f64 - 30.0),
        }),
    ]
}

#[expect(clippy::cast_possible_truncation, reason = "the loss is meant")]
fn narrow(frame: &[f64]) -> Vec<f32> {
    frame.iter().map(|&sample| sample as f32).collect()
}

#[test]
fn hard_frames_are_measured_exactly_whatever_their_size() {
    // 4096 samples are one chunk; beyond, there are several.
    for n in [
        1, 2, 3, 9, 10, 11, 100, 4095, 4096, 4097, 8192, 30_000, 120_000,
    ] {
        for frame in hard_frames(n) {
            for ncol in [1, 100, n] {
                if n % ncol == 0 && (ncol != 1 || n < 1000) {
                    check(&frame, ncol);
                    check(&narrow(&frame), ncol);
                }
            }
        }
    }
}

#[test]
fn a_zero_has_no_sign() {
    fn zeros<T: Ranked>(zeros: &[T]) {
        let found = measured(&mut Scratch::new(ALL, false, 20), zeros, 4, 1).0;
        let Measured {
            mean, median, mode, ..
        } = found.expect("there are samples");
        assert_eq!([mean, median, mode].map(f64::to_bits), [0; 3]);
    }
    zeros(&[-0.0_f32; 20]);
    zeros(&[-0.0_f64; 20]);
}

#[test]
fn f64_beyond_the_range_of_f32_is_no_harder() {
    let frame = |sample: &dyn Fn(usize) -> f64| (0..6000).map(sample).collect::<Vec<_>>();
    check(&frame(&|i| f64::from_bits(i as u64 % 700)), 60);
    check(&frame(&|i| (noise(i) - 0.5) * 2.0 * f64::MAX / 1e4), 60);
    let extremes = frame(&|i| if i % 2 == 0 { f64::MAX } else { -f64::MAX });
    let (found, _) = measured(&mut Scratch::new(ALL, false, 6000), &extremes, 60, 1);
    let found = found.expect("there are samples");
    assert_eq!((found.median, found.mode), (0.0, -f64::MAX));
}

#[test]
fn a_frame_without_samples_has_no_measure_and_takes_one_pass() {
    for wanted in choices(Shape { nrow: 5, ncol: 8 }) {
        let absent = [f64::ABSENT; 40];
        assert!(matches!(
            measured(&mut Scratch::new(wanted, false, 40), &absent, 8, 2),
            (None, 1)
        ));
        let absent = [f32::ABSENT; 40];
        assert!(matches!(
            measured(&mut Scratch::new(wanted, false, 40), &absent, 8, 2),
            (None, 1)
        ));
        let mut scratch = Scratch::new(wanted, true, 40);
        let blank = |_| f32::ABSENT;
        assert!(matches!(
            measured_codes(&mut scratch, &[5; 40], None, 8, &blank),
            (None, 1)
        ));
        assert!(matches!(
            measured_codes(&mut scratch, &[5; 40], Some(&[false; 40]), 8, &f32::from),
            (None, 1)
        ));
        assert!(matches!(
            measured(&mut Scratch::<f32>::new(wanted, false, 0), &[], 1, 1),
            (None, 1)
        ));
    }
}

#[test]
fn codes_mean_what_their_samples_mean_and_take_one_pass_where_sums_are_exact() {
    let n = 3000;
    let code = |i| {
        32_600
            + (0..80)
                .find(|&step| 40.0 * (noise(i) + noise(i + n)) < f64::from(step + 1))
                .unwrap_or(80)
    };
    let codes: Vec<u16> = (0..n).map(code).collect();
    let mask: Vec<bool> = (0..n).map(|i| noise(i + 7) < 0.8).collect();
    let blank_if = |blank, value| if blank { f64::ABSENT } else { value };
    let values: [(u32, &dyn Fn(u16) -> f64); 5] = [
        (1, &|code| f64::from(code) - 32_768.0),
        // BSCALE below zero and a BLANK: in the midst, at the end.
        (2, &|code| {
            blank_if(code == 32_640, 500.0 - 0.5 * f64::from(code))
        }),
        (1, &|code| blank_if(code < 32_620, -f64::from(code))),
        // So coarse that neighbouring codes are one sample.
        (1, &|code| f64::from(f32::from(code) * 0.125 + 16_777_216.0)),
        // Not a sum of these is exact.
        (2, &|code| 0.1 * f64::from(code) - 3.7),
    ];
    for wanted in choices(Shape {
        nrow: 100,
        ncol: 30,
    }) {
        let mut scratch = Scratch::<f64>::new(wanted, true, n as u64);
        let nbyte = Scratch::<f64>::nbyte(wanted, true, n as u64);
        assert_eq!(scratch.nbyte_held(), nbyte);
        for (most, value) in values {
            for present in [None, Some(&*mask)] {
                let sample = |i: usize| {
                    blank_if(present.is_some_and(|present| !present[i]), value(codes[i]))
                };
                let frame: Vec<f64> = (0..n).map(sample).collect();
                let (found, npass) = measured_codes(&mut scratch, &codes, present, 30, value);
                assert_eq!(npass, most.min(wanted.passes(true)), "{wanted:?}");
                assert_same(found, wanted, plain(&frame, 30));
            }
        }
        assert_eq!(scratch.nbyte_held(), nbyte);
    }
}

#[test]
fn a_failing_pass_fails_the_measurement_and_leaves_the_scratch_fit_for_the_next_frame() {
    let frame: Vec<f64> = (0..9000).map(noise).collect();
    for failing in 1..=5 {
        let mut scratch = Scratch::new(ALL, false, 9000);
        let mut npass = 0;
        let result = measure(&mut scratch, &|_| 0.0, &mut |visit| {
            npass += 1;
            visit(FrameRows::Samples {
                rows: &frame[..if npass == failing { 900 } else { 9000 }],
                ncol: 90,
            });
            if npass == failing {
                Err(Error::System("gone".into()))
            } else {
                Ok(())
            }
        });
        assert!(result.is_err());
        assert_eq!(npass, failing);
        assert_same(
            measured(&mut scratch, &frame, 90, 7).0,
            ALL,
            plain(&frame, 90),
        );
    }
}

#[test]
fn a_frame_that_changes_between_passes_neither_panics_nor_takes_more_memory() {
    fn changing<T: Ranked>(sample: impl Fn(usize) -> T) {
        let n = 60_000;
        let mut scratch = Scratch::<T>::new(ALL, false, n as u64);
        let mut npass = 0;
        let result = measure(&mut scratch, &|_| T::ABSENT, &mut |visit| {
            npass += 1;
            let frame: Vec<T> = (0..n)
                .map(|i| {
                    sample(if npass == 2 {
                        n / 2 + i % 90 * 1000 + i / 90
                    } else {
                        i
                    })
                })
                .collect();
            visit(FrameRows::Samples {
                rows: &frame,
                ncol: 100,
            });
            Ok(())
        });
        assert!(result.is_ok());
        assert_eq!(
            scratch.nbyte_held(),
            Scratch::<T>::nbyte(ALL, false, n as u64)
        );
    }
    changing(|i| {
        if i < 60_000 {
            i as f64
        } else {
            30_000.0 + i as f64 * 1e-9
        }
    });
    changing(|i| if i < 60_000 { i as f32 } else { f32::ABSENT });
}

#[test]
fn memory_grows_far_slower_than_the_frame() {
    let by_rank = Wanted { mad: false, ..ALL };
    let nbyte = |npixel| scratch_nbyte(by_rank, false, npixel, SampleType::F64);
    assert!(
        nbyte(1 << 22) < 2 << 20,
        "{} bytes for 2048²",
        nbyte(1 << 22)
    );
    assert!(
        nbyte(1 << 26) < 14 << 20,
        "{} bytes for 8192²",
        nbyte(1 << 26)
    );
    assert!(
        nbyte(1 << 40) < 9 << 30,
        "{} bytes for a million squared",
        nbyte(1 << 40)
    );
    let distances = |npixel| scratch_nbyte(ALL, false, npixel, SampleType::F64) - nbyte(npixel);
    assert!(distances(1 << 22) < 2 << 20 && distances(1 << 26) < 9 << 20);
    assert!(scratch_nbyte(by_rank, false, 1 << 40, SampleType::F32) < 3 << 20);
    assert!(scratch_nbyte(ALL, true, 1 << 40, SampleType::F64) < 2 << 20);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn drawn_frames_are_measured_exactly(
        nrow in 1_usize..120,
        ncol in 1_usize..120,
        seed in 0_usize..1_000_000,
        steps in prop_oneof![Just(1e-12), Just(0.1), Just(1.0), Just(30.0)],
        scale in prop_oneof![Just(1.0), Just(1e3), Just(1e30), Just(1e-40)],
        absent in 0.0..1.0,
    ) {
        let sample = |i: usize| {
            let i = i + seed;
            let level = (100.0 * (noise(3 * i) + noise(3 * i + 1) - 0.7) / steps).round() * steps;
            if noise(3 * i + 2) < absent { f64::INFINITY } else { level * scale }
        };
        let frame: Vec<f64> = (0..nrow * ncol).map(sample).collect();
        check(&frame, ncol);
        check(&narrow(&frame), ncol);
    }

    #[test]
    fn brackets_hold_whatever_the_order_of_the_samples(seed in 0_usize..1_000_000, levels in 1_usize..50_000, n in 4000_usize..40_000) {
        let frame: Vec<f64> = (0..n).map(|i| ((noise(i + seed) * levels as f64).floor() / 64.0).sin()).collect();
        check(&frame, n);
        let mut sorted = frame;
        sorted.sort_by(f64::total_cmp);
        check(&sorted, n);
        let half = n / 2;
        let interleaved: Vec<f64> = (0..n).map(|i| sorted[if i % 2 == 0 { i / 2 } else { n - 1 - i / 2 }]).collect();
        check(&interleaved, n);
        sorted.rotate_left(half);
        check(&sorted, n);
    }
}
