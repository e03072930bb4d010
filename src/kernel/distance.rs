//! The median distance of the kept samples from a centre, without a second sort.
//!
//! Along sorted samples the distance from any centre falls, then rises. So the k samples nearest the centre are
//! neighbours, and the k-th smallest distance is the smallest, over all windows of k neighbours, of the larger
//! distance at its two ends. Rounding keeps this order, so the answer is exactly the median of the rounded distances.

use std::hint::select_unpredictable;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::lanes::{Wide, narrow, splat, wide};
use super::moments::distance;
use super::{Kept, LANES, Row, Sample, Width};

/// Up to so many kept samples a pass over all of them is faster than a search.
const FEW: usize = 100;

/// The median of |y − centre| of the kept samples of each lane of sorted rows: the middle one, or the mean of the
/// middle two, in f64. NaN where nothing is kept.
pub fn median_distance_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    centre: &[f64; LANES],
) -> [f64; LANES] {
    match kept.shared() {
        Some(rows) if rows.is_empty() => [f64::NAN; LANES],
        Some(rows) if rows.len() <= FEW => {
            dispatch!(width.0, simd => pass(simd, &sorted[rows], centre))
        }
        _ => {
            let mut median = [f64::NAN; LANES];
            for (lane, median) in median.iter_mut().enumerate() {
                let rows = kept.rows(lane);
                if !rows.is_empty() {
                    *median = search(&sorted[rows], lane, centre[lane]);
                }
            }
            median
        }
    }
}

/// Looks at every window, for lanes that all keep these rows.
#[inline(always)]
fn pass<S: Simd, T: Sample>(simd: S, rows: &[Row<T>], centre: &[f64; LANES]) -> [f64; LANES] {
    let centre = wide(simd, centre);
    let at = |row: &Row<T>| distance(T::widen(simd, row), centre);
    let half = rows.len() / 2;
    let mut high = splat(simd, f64::INFINITY);
    if rows.len() % 2 == 1 {
        for (first, last) in rows.iter().zip(&rows[half..]) {
            nearer(&mut high, at(first), at(last));
        }
        return narrow(high);
    }
    let mut low = splat(simd, f64::INFINITY);
    let mut inner = at(&rows[half - 1]);
    for (first, last) in rows.iter().zip(&rows[half..]) {
        let (first, last) = (at(first), at(last));
        nearer(&mut low, first, inner);
        nearer(&mut high, first, last);
        inner = last;
    }
    nearer(&mut low, at(&rows[half]), inner);
    let (mut median, high) = (narrow(low), narrow(high));
    for (median, high) in median.iter_mut().zip(high) {
        *median = median.midpoint(high);
    }
    median
}

/// Lowers `least` to the larger distance at the ends of a window.
#[inline(always)]
pub(super) fn nearer<S: Simd>(least: &mut Wide<S>, first: Wide<S>, last: Wide<S>) {
    let larger = |half: usize| -> f64x8<S> { first[half].max(last[half]) };
    *least = [least[0].min(larger(0)), least[1].min(larger(1))];
}

/// The median distance of one lane, of which all `rows` are kept.
#[inline(always)]
fn search<T: Sample>(rows: &[Row<T>], lane: usize, centre: f64) -> f64 {
    let sample = |row: usize| rows[row].0[lane].to_f64();
    let end = rows.len() - 1;
    let len = rows.len().div_ceil(2);
    let first = window(rows, lane, centre, len);
    let last = first + len - 1;
    let at = |row: usize| (sample(row) - centre).abs();
    let inner = at(first).max(at(last));
    if rows.len() % 2 == 1 {
        return inner;
    }
    let none = f64::INFINITY;
    let below = select_unpredictable(first > 0, at(first.saturating_sub(1)), none);
    let above = select_unpredictable(last < end, at((last + 1).min(end)), none);
    inner.midpoint(below.min(above))
}

/// The first of the `len` neighbours that lie nearest to `centre` in one lane, of which all `rows` are kept: by bisection. A window is moved
/// up as long as the sample that it leaves is farther than the one that it takes in. Which way it goes is chance, so nothing here branches
/// on it.
#[inline(always)]
pub(super) fn window<T: Sample>(rows: &[Row<T>], lane: usize, centre: f64, len: usize) -> usize {
    let sample = |row: usize| rows[row].0[lane].to_f64();
    let end = rows.len() - 1;
    let mut moves = rows.len() - len;
    let mut first = 0;
    while moves > 0 {
        let half = moves.div_ceil(2);
        let leaves = sample(first + half - 1);
        let enters = sample((first + half - 1 + len).min(end));
        let up = centre - leaves > enters - centre;
        first += select_unpredictable(up, half, 0);
        moves -= half;
    }
    first
}
