//! Outliers, one after the other, by their distance from the median in deviations that are a distance of one certain rank.

use fearless_simd::{Simd, dispatch};

use super::super::distance::{nearer, window};
use super::super::lanes::{inlined, lanes_of, narrow, splat, wide};
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

impl Robust<'_> {
    /// Whether a sample goes, and whether it is the highest, by the distances of both ends and the deviation of `n` samples.
    #[inline(always)]
    fn judge(&self, n: usize, low: f64, high: f64, deviation: f64) -> Option<bool> {
        let farthest = low.max(high);
        let out = deviation > 0.0 && farthest > self.critical[n] * deviation;
        out.then_some(high > low)
    }
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
    let mut open = (1_u64 << LANES) - 1;
    if let Some(rows) = kept.shared().filter(|rows| rows.len() > robust.fewest) {
        let sorted = &sorted[rows];
        let centre = median_kept(sorted, &Kept::present(sorted));
        let (rank, part) = (robust.place)(sorted.len());
        let deviation = dispatch!(width.0, simd => deviations(simd, sorted, &centre, (rank, part)));
        open = 0;
        for lane in 0..LANES {
            let at = |row: usize| sorted[row].0[lane].to_f64();
            let (low, high) = (centre[lane] - at(0), at(sorted.len() - 1) - centre[lane]);
            if let Some(high) = robust.judge(sorted.len(), low, high, deviation[lane]) {
                left.take_end(lane, high);
                open |= 1 << lane;
            }
        }
    }
    for lane in lanes_of(open) {
        while let Some(high) = farthest(&sorted[left.rows(lane)], lane, robust) {
            left.take_end(lane, high);
        }
    }
    left
}

/// The deviation of every lane, all rows of which are kept.
#[inline(always)]
fn deviations<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    centre: &[f64; LANES],
    (rank, part): (usize, f64),
) -> [f64; LANES] {
    let centre = wide(simd, centre);
    let at = inlined(
        #[inline(always)]
        |row: &Row<T>| distance(T::widen(simd, row), centre),
    );
    let (mut near, mut far) = (splat(simd, f64::INFINITY), splat(simd, f64::INFINITY));
    for (first, last) in rows.iter().zip(&rows[rank..]) {
        nearer(&mut near, at(first), at(last));
    }
    for (first, last) in rows.iter().zip(&rows[rank + 1..]) {
        nearer(&mut far, at(first), at(last));
    }
    let between = inlined(
        #[inline(always)]
        |half: usize| near[half] + (far[half] - near[half]) * part,
    );
    narrow([between(0), between(1)])
}

/// Whether the farthest sample of a lane, of which all `rows` are kept, is the highest; `None` where it stays.
fn farthest<T: Sample>(rows: &[Row<T>], lane: usize, robust: &Robust<'_>) -> Option<bool> {
    let n = rows.len();
    if n <= robust.fewest {
        return None;
    }
    let sample = |row: usize| rows[row].0[lane];
    let centre = sample((n - 1) / 2).halfway(sample(n / 2));
    let (rank, part) = (robust.place)(n);
    let first = window(rows, lane, centre, rank + 1);
    let last = first + rank;
    let at = |row: usize| (sample(row).to_f64() - centre).abs();
    let near = at(first).max(at(last));
    let below = if first > 0 {
        at(first - 1)
    } else {
        f64::INFINITY
    };
    let above = if last + 1 < n {
        at(last + 1)
    } else {
        f64::INFINITY
    };
    let deviation = near + part * (below.min(above) - near);
    let (low, high) = (centre - sample(0).to_f64(), sample(n - 1).to_f64() - centre);
    robust.judge(n, low, high, deviation)
}
