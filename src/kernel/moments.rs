//! Sums over the rows of a block, added one after the other in f64.

use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::lanes::{Wide, add, bits_of, counts, lanes_of, narrow, select, splat, wide};
use super::{Kept, LANES, Row, Sample, Width};

/// Σ y of each lane. No sample may be absent.
pub fn sum_all<T: Sample>(width: Width, rows: &[Row<T>]) -> [f64; LANES] {
    dispatch!(width.0, simd => fold(simd, rows, #[inline(always)] |sample| sample))
}

/// Σ (y − centre)² of each lane. No sample may be absent.
pub fn squares_all<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    centre: &[f64; LANES],
) -> [f64; LANES] {
    dispatch!(width.0, simd => {
        let centre = wide(simd, centre);
        fold(simd, rows, #[inline(always)] |sample| square(sample, centre))
    })
}

/// Σ y of the kept samples of each lane of sorted rows.
pub fn sum_kept<T: Sample>(width: Width, sorted: &[Row<T>], kept: &Kept) -> [f64; LANES] {
    dispatch!(width.0, simd => sum_of_kept(simd, sorted, kept, #[inline(always)] |sample| sample))
}

/// Σ (y − centre)² of the kept samples of each lane of sorted rows.
pub fn squares_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    dispatch!(width.0, simd => {
        let centre = wide(simd, centre);
        sum_of_kept(simd, sorted, kept, #[inline(always)] |sample| square(sample, centre))
    })
}

/// Σ |y − centre| of the kept samples of each lane of sorted rows.
pub fn distances_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    dispatch!(width.0, simd => {
        let centre = wide(simd, centre);
        sum_of_kept(simd, sorted, kept, #[inline(always)] |sample| distance(sample, centre))
    })
}

/// (y − centre)².
#[inline(always)]
pub(super) fn square<S: Simd>(sample: Wide<S>, centre: Wide<S>) -> Wide<S> {
    let (low, high) = (sample[0] - centre[0], sample[1] - centre[1]);
    [low * low, high * high]
}

/// |y − centre|.
#[inline(always)]
pub(super) fn distance<S: Simd>(sample: Wide<S>, centre: Wide<S>) -> Wide<S> {
    [(sample[0] - centre[0]).abs(), (sample[1] - centre[1]).abs()]
}

/// The sum of `term` over all rows.
#[inline(always)]
fn fold<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    term: impl Fn(Wide<S>) -> Wide<S>,
) -> [f64; LANES] {
    let mut sum = splat(simd, 0.0);
    for row in rows {
        add(&mut sum, term(T::widen(simd, row)));
    }
    narrow(sum)
}

/// Adds up one term of each kept sample.
#[inline(always)]
fn sum_of_kept<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    term: impl Fn(Wide<S>) -> Wide<S>,
) -> [f64; LANES] {
    let [sum] = fold_kept(
        simd,
        sorted,
        kept,
        #[inline(always)]
        |sample| [term(sample)],
        #[inline(always)]
        |[sum], [term]| add(sum, term),
    );
    narrow(sum)
}

/// Adds up terms of each kept sample: with a mask where lanes differ, without where all lanes keep. `add` is given terms of +0
/// for a sample that is not kept.
#[inline(always)]
pub(super) fn fold_kept<S: Simd, T: Sample, const NSUM: usize>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    terms: impl Fn(Wide<S>) -> [Wide<S>; NSUM],
    add: impl Fn(&mut [Wide<S>; NSUM], [Wide<S>; NSUM]),
) -> [Wide<S>; NSUM] {
    let least = |rows: &[u32; LANES]| rows.iter().fold(u32::MAX, |least, row| least.min(*row));
    let most = |rows: &[u32; LANES]| rows.iter().fold(0, |most, row| most.max(*row));
    let last = (most(&kept.to) as usize).min(sorted.len());
    let first = (least(&kept.from) as usize).min(last);
    let all_from = (most(&kept.from) as usize).clamp(first, last);
    let all_to = (least(&kept.to) as usize).clamp(all_from, last);
    let mut sums = [splat(simd, 0.0); NSUM];
    if first < all_from {
        fold_where(simd, sorted, first..all_from, kept, &mut sums, &terms, &add);
    }
    for row in &sorted[all_from..all_to] {
        add(&mut sums, terms(T::widen(simd, row)));
    }
    if all_to < last {
        fold_where(simd, sorted, all_to..last, kept, &mut sums, &terms, &add);
    }
    sums
}

/// As [`fold_kept`], over some rows that lanes may not keep.
#[inline(always)]
fn fold_where<S: Simd, T: Sample, const NSUM: usize>(
    simd: S,
    sorted: &[Row<T>],
    rows: Range<usize>,
    kept: &Kept,
    sums: &mut [Wide<S>; NSUM],
    terms: impl Fn(Wide<S>) -> [Wide<S>; NSUM],
    add: impl Fn(&mut [Wide<S>; NSUM], [Wide<S>; NSUM]),
) {
    let (from, to) = (counts(simd, &kept.from), counts(simd, &kept.to));
    let mut index = f64x8::splat(simd, rows.start as f64);
    for row in &sorted[rows] {
        let mask = [
            from[0].simd_le(index) & to[0].simd_gt(index),
            from[1].simd_le(index) & to[1].simd_gt(index),
        ];
        let mut kept = terms(T::widen(simd, row));
        for term in &mut kept {
            *term = select(simd, mask, *term);
        }
        add(sums, kept);
        index += 1.0;
    }
}

/// The lowest and the highest sample that is kept of each lane.
#[inline(always)]
pub(super) fn ends<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
) -> (Wide<S>, Wide<S>) {
    if let Some(rows) = kept.shared().filter(|rows| !rows.is_empty()) {
        return (
            T::widen(simd, &sorted[rows.start]),
            T::widen(simd, &sorted[rows.end - 1]),
        );
    }
    let (mut lowest, mut highest) = ([0.0; LANES], [0.0; LANES]);
    for lane in lanes_of(bits_of(|lane| kept.from[lane] < kept.to[lane])) {
        let rows = kept.rows(lane);
        lowest[lane] = sorted[rows.start].0[lane].to_f64();
        highest[lane] = sorted[rows.end - 1].0[lane].to_f64();
    }
    (wide(simd, &lowest), wide(simd, &highest))
}
