//! Outliers, one after the other, by their distance from the median in deviations that are a distance of one certain rank.

use std::hint::select_unpredictable;

use fearless_simd::{Simd, dispatch, prelude::*};

use super::super::distance::{nearer, window};
use super::super::lanes::{Wide, both, flags, inlined, lanes_of, mask, splat, wide};
use super::super::{Kept, LANES, Row, Sample, Width};

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

/// Up to so many lanes are faster one after the other than all at once.
const FEW: u32 = 3;

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
    let mut judged = Judged {
        goes: u64::MAX >> (u64::BITS as usize - LANES),
        is_high: 0,
    };
    // As long as they are many all lanes are judged at once, those that have stopped, too.
    let shared = kept.shared().unwrap_or_default();
    let rows = &sorted[shared];
    if rows.len() > robust.fewest {
        judged = dispatch!(width.0, simd => judge_all(simd, rows, None, robust));
        left.take_ends(&judged);
        if judged.goes.count_ones() > FEW && rows.len() - 1 > robust.fewest {
            let next = dispatch!(width.0, simd => judge_all(simd, rows, Some(&judged), robust));
            judged = Judged {
                goes: next.goes & judged.goes,
                ..next
            };
            left.take_ends(&judged);
        }
    }
    while judged.goes != 0 {
        judged = judge(sorted, &left, judged.goes, robust);
        left.take_ends(&judged);
    }
    left
}

impl Kept {
    /// Drops the ends that go.
    #[inline(always)]
    fn take_ends(&mut self, judged: &Judged) {
        for lane in lanes_of(judged.goes) {
            self.take_end(lane, judged.is_high >> lane & 1 == 1);
        }
    }
}

/// Judges every lane, all rows of which are kept, or all but the end that it has lost: of lanes that have lost none nothing is said then.
#[inline(always)]
fn judge_all<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    lost: Option<&Judged>,
    robust: &Robust<'_>,
) -> Judged {
    let n = rows.len() - usize::from(lost.is_some());
    let low = lost.map_or(0, |lost| lost.goes & !lost.is_high);
    let (first, begins_higher) = (flags(low), mask(simd, low));
    let at = inlined(
        #[inline(always)]
        |rank: usize| {
            let sample = T::widen(simd, &rows[rank]);
            if lost.is_none() {
                return sample;
            }
            let next = T::widen(simd, &rows[rank + 1]);
            both(
                #[inline(always)]
                |half| begins_higher[half].select(next[half], sample[half]),
            )
        },
    );
    let mut centre = [0.0; LANES];
    for (lane, centre) in centre.iter_mut().enumerate() {
        let sample = |rank: usize| rows[rank + first[lane] as usize].0[lane];
        *centre = sample((n - 1) / 2).halfway(sample(n / 2));
    }
    let centre = wide(simd, &centre);
    let deviation = deviations(
        simd,
        n,
        (robust.place)(n),
        inlined(
            #[inline(always)]
            |rank: usize| {
                let sample = at(rank);
                both(
                    #[inline(always)]
                    |half| (sample[half] - centre[half]).abs(),
                )
            },
        ),
    );
    let (lowest, highest) = (at(0), at(n - 1));
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

/// The deviation of every lane, by the distances of `n` ranks.
#[inline(always)]
fn deviations<S: Simd>(
    simd: S,
    n: usize,
    (rank, part): (usize, f64),
    at: impl Fn(usize) -> Wide<S>,
) -> Wide<S> {
    let (mut near, mut far) = (splat(simd, f64::INFINITY), splat(simd, f64::INFINITY));
    // A window of rank + 1 samples, and that and the next one.
    let mut first = at(0);
    for start in 0..n - rank - 1 {
        nearer(&mut near, first, at(start + rank));
        nearer(&mut far, first, at(start + rank + 1));
        first = at(start + 1);
    }
    nearer(&mut near, first, at(n - 1));
    both(
        #[inline(always)]
        |half| near[half] + (far[half] - near[half]) * part,
    )
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
