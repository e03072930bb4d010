//! Sums over the rows of a block, added one after the other in f64.

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::lanes::{Wide, add, add_where, counts, narrow, splat, wide};
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
    dispatch!(width.0, simd => fold_kept(simd, sorted, kept, #[inline(always)] |sample| sample))
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
        fold_kept(simd, sorted, kept, #[inline(always)] |sample| square(sample, centre))
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
        fold_kept(simd, sorted, kept, #[inline(always)] |sample| distance(sample, centre))
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

/// The sum of `term` over the kept samples: with a mask where lanes differ, without where all lanes keep.
#[inline(always)]
fn fold_kept<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    term: impl Fn(Wide<S>) -> Wide<S>,
) -> [f64; LANES] {
    let bound = |bound: Option<&u32>| bound.map_or(0, |row| *row as usize).min(sorted.len());
    let last = bound(kept.to.iter().max());
    let first = bound(kept.from.iter().min()).min(last);
    let all_from = bound(kept.from.iter().max()).clamp(first, last);
    let all_to = bound(kept.to.iter().min()).clamp(all_from, last);
    let (from, to) = (counts(simd, &kept.from), counts(simd, &kept.to));
    let mut sum = splat(simd, 0.0);
    let mut index = f64x8::splat(simd, first as f64);
    for row in &sorted[first..all_from] {
        let mask = [
            from[0].simd_le(index) & to[0].simd_gt(index),
            from[1].simd_le(index) & to[1].simd_gt(index),
        ];
        add_where(simd, &mut sum, mask, term(T::widen(simd, row)));
        index += 1.0;
    }
    for row in &sorted[all_from..all_to] {
        add(&mut sum, term(T::widen(simd, row)));
    }
    let mut index = f64x8::splat(simd, all_to as f64);
    for row in &sorted[all_to..last] {
        let mask = [
            from[0].simd_le(index) & to[0].simd_gt(index),
            from[1].simd_le(index) & to[1].simd_gt(index),
        ];
        add_where(simd, &mut sum, mask, term(T::widen(simd, row)));
        index += 1.0;
    }
    narrow(sum)
}
