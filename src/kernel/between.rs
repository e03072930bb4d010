//! Sums over the samples between bounds, in the order of the frames: weights, counts, and what each frame lost.

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::bounds::Keeper;
use super::lanes::{Wide, add, add_where, narrow, narrow_counts, splat, wide};
use super::moments::square;
use super::{Bounds, LANES, Row, Sample, Width};

/// The weights of the samples of a block: finite, not negative.
#[derive(Clone, Copy, Debug)]
pub enum Weights<'a> {
    /// One for each row.
    PerFrame(&'a [f64]),
    /// One for each sample; what stands at an absent sample is not read.
    PerSample(&'a [Row<f64>]),
}

impl Weights<'_> {
    fn len(&self) -> usize {
        match self {
            Self::PerFrame(weights) => weights.len(),
            Self::PerSample(weights) => weights.len(),
        }
    }
}

/// Weighted sums of each lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Weighted {
    /// Σ w.
    pub weight: [f64; LANES],
    /// Σ w·y.
    pub sum: [f64; LANES],
    /// How many samples of positive weight are kept.
    pub count: [u32; LANES],
}

/// Calls one of the two passes: that which counts ties only where any lane needs it.
macro_rules! by_ties {
    ($width:ident, $bounds:expr, $pass:ident($($argument:expr),*)) => {
        if $bounds {
            dispatch!($width.0, simd => $pass::<_, _, true>(simd, $($argument),*))
        } else {
            dispatch!($width.0, simd => $pass::<_, _, false>(simd, $($argument),*))
        }
    };
}

/// Σ y of the samples that are kept of each lane.
pub fn sum_between<T: Sample>(width: Width, rows: &[Row<T>], bounds: &Bounds<T>) -> [f64; LANES] {
    if bounds.splits_ties() {
        dispatch!(width.0, simd => sum_with_ties(simd, rows, bounds))
    } else {
        dispatch!(width.0, simd => sum_pass(simd, rows, bounds))
    }
}

/// Σ (y − centre)² of the samples that are kept of each lane.
pub fn squares_between<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    bounds: &Bounds<T>,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    by_ties!(
        width,
        bounds.splits_ties(),
        squares_pass(rows, bounds, centre)
    )
}

/// Σ w, Σ w·y and the number of positive weights of the samples that are kept of each lane.
///
/// # Panics
///
/// If there are not as many weights as rows.
pub fn weighted_between<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    weights: Weights<'_>,
    bounds: &Bounds<T>,
) -> Weighted {
    assert_eq!(weights.len(), rows.len(), "weights of the rows");
    by_ties!(
        width,
        bounds.splits_ties(),
        weighted_pass(rows, weights, bounds)
    )
}

/// Σ (w·(y − centre))² of the samples that are kept of each lane.
///
/// # Panics
///
/// If there are not as many weights as rows.
pub fn weighted_squares_between<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    weights: Weights<'_>,
    bounds: &Bounds<T>,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    assert_eq!(weights.len(), rows.len(), "weights of the rows");
    by_ties!(
        width,
        bounds.splits_ties(),
        weighted_squares_pass(rows, weights, bounds, centre)
    )
}

/// Adds to the count of each frame its samples that `before` keeps and `after` does not.
///
/// # Panics
///
/// If there are not as many counts as rows.
pub fn count_rejected<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    before: &Bounds<T>,
    after: &Bounds<T>,
    per_frame: &mut [u64],
) {
    assert_eq!(per_frame.len(), rows.len(), "counts of the rows");
    if before.splits_ties() | after.splits_ties() {
        dispatch!(width.0, simd => rejected_with_ties(simd, rows, before, after, per_frame));
    } else {
        dispatch!(width.0, simd => rejected_pass(simd, rows, before, after, per_frame));
    }
}

/// Without ties samples are compared as they are, twice as many at once as in f64.
#[inline(always)]
fn sum_pass<S: Simd, T: Sample>(simd: S, rows: &[Row<T>], bounds: &Bounds<T>) -> [f64; LANES] {
    let mut sum = splat(simd, 0.0);
    for row in rows {
        add(
            &mut sum,
            T::widen_between(simd, row, &bounds.low, &bounds.high),
        );
    }
    narrow(sum)
}

#[inline(always)]
fn sum_with_ties<S: Simd, T: Sample>(simd: S, rows: &[Row<T>], bounds: &Bounds<T>) -> [f64; LANES] {
    let mut keeper = Keeper::<S, true>::new(simd, bounds);
    let mut sum = splat(simd, 0.0);
    for row in rows {
        let sample = T::widen(simd, row);
        add_where(simd, &mut sum, keeper.keeps(sample), sample);
    }
    narrow(sum)
}

#[inline(always)]
fn squares_pass<S: Simd, T: Sample, const TIES: bool>(
    simd: S,
    rows: &[Row<T>],
    bounds: &Bounds<T>,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    let mut keeper = Keeper::<S, TIES>::new(simd, bounds);
    let centre = wide(simd, centre);
    let mut sum = splat(simd, 0.0);
    for row in rows {
        let sample = T::widen(simd, row);
        let kept = keeper.keeps(sample);
        add_where(simd, &mut sum, kept, square(sample, centre));
    }
    narrow(sum)
}

/// The weights of one row, in every lane.
#[inline(always)]
fn weights_of<S: Simd>(simd: S, weights: Weights<'_>, row: usize) -> Wide<S> {
    match weights {
        Weights::PerFrame(weights) => splat(simd, weights[row]),
        Weights::PerSample(weights) => wide(simd, &weights[row].0),
    }
}

#[inline(always)]
fn weighted_pass<S: Simd, T: Sample, const TIES: bool>(
    simd: S,
    rows: &[Row<T>],
    weights: Weights<'_>,
    bounds: &Bounds<T>,
) -> Weighted {
    let mut keeper = Keeper::<S, TIES>::new(simd, bounds);
    let one = splat(simd, 1.0);
    let zero = f64x8::splat(simd, 0.0);
    let mut total = splat(simd, 0.0);
    let (mut sum, mut count) = (total, total);
    for (index, row) in rows.iter().enumerate() {
        let weight = weights_of(simd, weights, index);
        let sample = T::widen(simd, row);
        let kept = keeper.keeps(sample);
        let product = [weight[0] * sample[0], weight[1] * sample[1]];
        let positive = [
            kept[0] & weight[0].simd_gt(zero),
            kept[1] & weight[1].simd_gt(zero),
        ];
        add_where(simd, &mut total, kept, weight);
        add_where(simd, &mut sum, kept, product);
        add_where(simd, &mut count, positive, one);
    }
    Weighted {
        weight: narrow(total),
        sum: narrow(sum),
        count: narrow_counts(count),
    }
}

#[inline(always)]
fn weighted_squares_pass<S: Simd, T: Sample, const TIES: bool>(
    simd: S,
    rows: &[Row<T>],
    weights: Weights<'_>,
    bounds: &Bounds<T>,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    let mut keeper = Keeper::<S, TIES>::new(simd, bounds);
    let centre = wide(simd, centre);
    let mut sum = splat(simd, 0.0);
    for (index, row) in rows.iter().enumerate() {
        let weight = weights_of(simd, weights, index);
        let sample = T::widen(simd, row);
        let kept = keeper.keeps(sample);
        let apart = [
            weight[0] * (sample[0] - centre[0]),
            weight[1] * (sample[1] - centre[1]),
        ];
        let square = [apart[0] * apart[0], apart[1] * apart[1]];
        add_where(simd, &mut sum, kept, square);
    }
    narrow(sum)
}

/// As [`sum_pass`], of what only the first bounds keep.
#[inline(always)]
fn rejected_pass<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    before: &Bounds<T>,
    after: &Bounds<T>,
    per_frame: &mut [u64],
) {
    for (row, rejected) in rows.iter().zip(per_frame) {
        for part in 0..LANES / T::Native::<S>::LEN {
            let sample = row.load(simd, part);
            let within = |bounds: &Bounds<T>| {
                sample.simd_ge(bounds.low.load(simd, part))
                    & sample.simd_le(bounds.high.load(simd, part))
            };
            let lost = within(before) & !within(after);
            *rejected += u64::from(lost.to_bitmask().count_ones());
        }
    }
}

#[inline(always)]
fn rejected_with_ties<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    before: &Bounds<T>,
    after: &Bounds<T>,
    per_frame: &mut [u64],
) {
    let mut before = Keeper::<S, true>::new(simd, before);
    let mut after = Keeper::<S, true>::new(simd, after);
    for (row, rejected) in rows.iter().zip(per_frame) {
        let sample = T::widen(simd, row);
        let (was, is) = (before.keeps(sample), after.keeps(sample));
        let lost = [was[0] & !is[0], was[1] & !is[1]];
        let lanes = lost[0].to_bitmask().count_ones() + lost[1].to_bitmask().count_ones();
        *rejected += u64::from(lanes);
    }
}
