//! The median distance of the kept samples from a centre, without a second sort.
//!
//! Along sorted samples the distance from any centre falls, then rises. So the k samples nearest the centre are
//! neighbours, and the k-th smallest distance is the smaller, over all windows of k neighbours, of the larger
//! distance at its two ends. Rounding keeps this order, so the answer is exactly the median of the rounded distances.

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::kept::mean;
use super::lanes::{Wide, narrow, splat, wide};
use super::moments::distance;
use super::{Kept, LANES, Row, Sample, Width};

/// Up to so many kept samples a pass over all of them is faster than a search.
const FEW: usize = 24;

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
        _ => search(sorted, kept, centre),
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
        *median = mean(*median, high);
    }
    median
}

/// Lowers `least` to the larger distance at the ends of a window.
#[inline(always)]
fn nearer<S: Simd>(least: &mut Wide<S>, first: Wide<S>, last: Wide<S>) {
    let larger = |half: usize| -> f64x8<S> { first[half].max(last[half]) };
    *least = [least[0].min(larger(0)), least[1].min(larger(1))];
}

/// Finds the nearest window of each lane by bisection, all lanes in step: a window is moved up as long as the sample
/// that it leaves is farther than the one that it takes in.
#[inline(always)]
fn search<T: Sample>(sorted: &[Row<T>], kept: &Kept, centre: &[f64; LANES]) -> [f64; LANES] {
    let mut start = kept.from.map(|row| row as usize);
    let mut window = [0; LANES];
    let mut moves = [0; LANES];
    for lane in 0..LANES {
        let count = kept.rows(lane).len();
        window[lane] = count.div_ceil(2);
        moves[lane] = count / 2;
    }
    let most = moves.iter().copied().max().unwrap_or(0);
    let last = sorted.len().saturating_sub(1);
    for _ in 0..usize::BITS - most.leading_zeros() {
        for lane in 0..LANES {
            let half = moves[lane] / 2;
            let probe = start[lane] + half;
            let leaves = sorted[probe.min(last)].0[lane].to_f64();
            let enters = sorted[(probe + window[lane]).min(last)].0[lane].to_f64();
            let farther = centre[lane] - leaves > enters - centre[lane];
            let up = farther & (moves[lane] > 0);
            start[lane] = if up { probe + 1 } else { start[lane] };
            moves[lane] = if up { moves[lane] - half - 1 } else { half };
        }
    }
    let mut median = [f64::NAN; LANES];
    for (lane, median) in median.iter_mut().enumerate() {
        let rows = kept.rows(lane);
        let at = |row: usize| (sorted[row].0[lane].to_f64() - centre[lane]).abs();
        if !rows.is_empty() {
            let (first, after) = (start[lane], start[lane] + window[lane]);
            let low = at(first).max(at(after - 1));
            *median = if rows.len() % 2 == 1 {
                low
            } else {
                let below = if first > rows.start {
                    at(first - 1)
                } else {
                    f64::INFINITY
                };
                let above = if after < rows.end {
                    at(after)
                } else {
                    f64::INFINITY
                };
                mean(low, below.min(above))
            };
        }
    }
    median
}
