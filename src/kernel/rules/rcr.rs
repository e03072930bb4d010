//! Outliers, one after the other, by their distance from the median in deviations that are a distance of one certain rank.

use std::hint::select_unpredictable;

use fearless_simd::{Simd, dispatch, prelude::*};

use super::super::distance::{nearer, window};
use super::super::lanes::{Wide, inlined, lanes_of, splat, wide};
use super::super::moments::distance;
use super::super::{Kept, LANES, Row, Sample, Width, median_kept};

/// What the deviation is, and how far it reaches.
#[derive(Clone, Copy, Debug)]
pub struct Robust<'a> {
    /// Where the deviation lies among so many sorted distances: the rank below it and which part of the way to the next.
    pub place: fn(usize) -> (usize, f64),
    /// The largest distance from the median, in deviations, by the number of samples.
    pub critical: &'a [f64],
    /// As soon as no more than these are left, nothing more goes; at least 2.
    pub fewest: usize,
}

/// A bit for each lane: whether its farthest sample goes, and whether that is the highest.
#[derive(Default)]
struct Judged {
    goes: u64,
    is_high: u64,
}

/// Takes the sample farthest from the median out of what is kept of each lane as long as it is too far.
///
/// # Panics
///
/// If there is no critical value for so many samples.
pub fn rcr_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    robust: &Robust<'_>,
) -> Kept {
    let mut left = *kept;
    let mut judged = match kept.shared() {
        Some(rows) if rows.len() > robust.fewest => {
            dispatch!(width.0, simd => judge_all(simd, &sorted[rows], robust))
        }
        _ => judge(
            sorted,
            &left,
            u64::MAX >> (u64::BITS as usize - LANES),
            robust,
        ),
    };
    while judged.goes != 0 {
        for lane in lanes_of(judged.goes) {
            left.take_end(lane, judged.is_high >> lane & 1 == 1);
        }
        judged = judge(sorted, &left, judged.goes, robust);
    }
    left
}

/// Judges every lane, all rows of which are kept.
#[inline(always)]
fn judge_all<S: Simd, T: Sample>(simd: S, rows: &[Row<T>], robust: &Robust<'_>) -> Judged {
    let n = rows.len();
    let centre = wide(simd, &median_kept(rows, &Kept::present(rows)));
    let deviation = deviations(simd, rows, centre, (robust.place)(n));
    let (lowest, highest) = (T::widen(simd, &rows[0]), T::widen(simd, &rows[n - 1]));
    let mut judged = Judged::default();
    for half in 0..2 {
        let low = centre[half] - lowest[half];
        let high = highest[half] - centre[half];
        let reach = deviation[half] * robust.critical[n];
        let goes = deviation[half].simd_gt(0.0) & low.max(high).simd_gt(reach);
        judged.goes |= goes.to_bitmask() << (half * LANES / 2);
        judged.is_high |= high.simd_gt(low).to_bitmask() << (half * LANES / 2);
    }
    judged
}

/// The deviation of every lane, all rows of which are kept.
#[inline(always)]
fn deviations<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    centre: Wide<S>,
    (rank, part): (usize, f64),
) -> Wide<S> {
    let at = inlined(
        #[inline(always)]
        |row: &Row<T>| distance(T::widen(simd, row), centre),
    );
    let (mut near, mut far) = (splat(simd, f64::INFINITY), splat(simd, f64::INFINITY));
    // A window of rank + 1 samples, and that and the next one.
    let windows = rows.len() - rank;
    let mut first = at(&rows[0]);
    for start in 0..windows - 1 {
        let (last, next) = (at(&rows[start + rank]), at(&rows[start + rank + 1]));
        nearer(&mut near, first, last);
        nearer(&mut far, first, next);
        first = at(&rows[start + 1]);
    }
    nearer(&mut near, first, at(&rows[rows.len() - 1]));
    let between = inlined(
        #[inline(always)]
        |half: usize| near[half] + (far[half] - near[half]) * part,
    );
    [between(0), between(1)]
}

/// Judges some lanes one after the other. What becomes of one is chance, and they are many: without a branch that hangs on it the next begins before
/// the last is done.
#[inline(always)]
fn judge<T: Sample>(sorted: &[Row<T>], left: &Kept, lanes: u64, robust: &Robust<'_>) -> Judged {
    let mut judged = Judged::default();
    let (mut n, mut place) = (0, (0, 0.0));
    for lane in lanes_of(lanes) {
        let rows = left.rows(lane);
        if rows.len() <= robust.fewest {
            continue;
        }
        if rows.len() != n {
            n = rows.len();
            place = (robust.place)(n);
        }
        let [low, high, deviation] = spans(&sorted[rows], lane, place);
        let goes = (deviation > 0.0) & (low.max(high) > robust.critical[n] * deviation);
        judged.goes |= u64::from(goes) << lane;
        judged.is_high |= u64::from(high > low) << lane;
    }
    judged
}

/// How far the lowest and the highest sample of a lane, of which all `rows` are kept, are from the median, and the deviation.
#[inline(always)]
fn spans<T: Sample>(rows: &[Row<T>], lane: usize, (rank, part): (usize, f64)) -> [f64; 3] {
    let end = rows.len() - 1;
    let sample = |row: usize| rows[row].0[lane];
    let centre = sample(end / 2).halfway(sample(rows.len() / 2));
    let first = window(rows, lane, centre, rank + 1);
    let last = first + rank;
    let at = |row: usize| (sample(row).to_f64() - centre).abs();
    let near = at(first).max(at(last));
    let none = f64::INFINITY;
    let below = select_unpredictable(first > 0, at(first.saturating_sub(1)), none);
    let above = select_unpredictable(last < end, at((last + 1).min(end)), none);
    let deviation = near + part * (below.min(above) - near);
    let (low, high) = (centre - sample(0).to_f64(), sample(end).to_f64() - centre);
    [low, high, deviation]
}
