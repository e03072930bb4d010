//! What is kept of each lane, by value: for passes over samples in the order of their frames.

use fearless_simd::{Simd, mask64x8, prelude::*};

use super::lanes::{Mask, Wide, counts, lanes_of, splat};
use super::{Kept, LANES, Row, Sample};

/// Which samples of each lane of unsorted rows are kept: those from `low` to `high`, both included. Absent samples are
/// never kept.
///
/// Among equal samples an earlier frame counts as lower: of those equal to `low`, the first `low_ties` in frame order
/// are dropped; of those equal to `high`, only the first `high_ties` are kept. Where `low == high` both hold.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds<T> {
    /// The lowest sample that is kept; above `high` where none is.
    pub low: Row<T>,
    /// The highest sample that is kept; finite.
    pub high: Row<T>,
    /// How many samples equal to `low` are dropped, mostly 0.
    pub low_ties: [u32; LANES],
    /// How many samples equal to `high` are kept, mostly [`u32::MAX`]: all.
    pub high_ties: [u32; LANES],
}

impl<T: Sample> Bounds<T> {
    /// Everything that is present.
    pub fn all() -> Self {
        Self {
            low: Row([-T::MAX; LANES]),
            high: Row([T::MAX; LANES]),
            low_ties: [0; LANES],
            high_ties: [u32::MAX; LANES],
        }
    }

    /// Nothing.
    pub fn none() -> Self {
        Self {
            low: Row([T::MAX; LANES]),
            high: Row([-T::MAX; LANES]),
            ..Self::all()
        }
    }

    /// Whether some of the samples equal to a bound are dropped in any lane.
    pub fn splits_ties(&self) -> bool {
        let split = |lane: usize| (self.low_ties[lane] > 0) | (self.high_ties[lane] < u32::MAX);
        (0..LANES).any(split)
    }
}

/// The bounds by value of what is kept of sorted rows. Ties are counted only where a bound runs through them.
pub fn bounds_of_kept<T: Sample>(sorted: &[Row<T>], kept: &Kept) -> Bounds<T> {
    let mut bounds = Bounds::none();
    // Where a tie is split is chance: few lanes, and no branch of the others hangs on it.
    let (mut split_low, mut split_high) = (0_u64, 0_u64);
    for lane in 0..LANES {
        let rows = kept.rows(lane);
        if rows.is_empty() {
            continue;
        }
        let sample = |row: usize| sorted[row].0[lane];
        let (low, high) = (sample(rows.start), sample(rows.end - 1));
        bounds.low.0[lane] = low;
        bounds.high.0[lane] = high;
        let (below, above) = (rows.start.saturating_sub(1), rows.end.min(sorted.len() - 1));
        let is_split = (below < rows.start) & (sample(below) == low);
        split_low |= u64::from(is_split) << lane;
        let is_split = (above == rows.end) & (sample(above) == high);
        split_high |= u64::from(is_split) << lane;
    }
    for lane in lanes_of(split_low) {
        let dropped = sorted[..kept.rows(lane).start].iter().rev();
        bounds.low_ties[lane] = ties(dropped.map(|row| row.0[lane]), bounds.low.0[lane]);
    }
    for lane in lanes_of(split_high) {
        let kept = sorted[..kept.rows(lane).end].iter().rev();
        bounds.high_ties[lane] = ties(kept.map(|row| row.0[lane]), bounds.high.0[lane]);
    }
    bounds
}

/// How many samples at the beginning equal `bound`.
fn ties<T: Sample>(samples: impl Iterator<Item = T>, bound: T) -> u32 {
    let equal = samples.take_while(|sample| *sample == bound).count();
    u32::try_from(equal).unwrap_or(u32::MAX)
}

/// Says row after row, in frame order, which samples are kept. Without `TIES` no lane may split them.
pub(super) struct Keeper<S: Simd, const TIES: bool> {
    low: Wide<S>,
    high: Wide<S>,
    low_ties: Wide<S>,
    high_ties: Wide<S>,
    seen_low: Wide<S>,
    seen_high: Wide<S>,
}

impl<S: Simd, const TIES: bool> Keeper<S, TIES> {
    #[inline(always)]
    pub(super) fn new<T: Sample>(simd: S, bounds: &Bounds<T>) -> Self {
        Self {
            low: T::widen(simd, &bounds.low),
            high: T::widen(simd, &bounds.high),
            low_ties: counts(simd, &bounds.low_ties),
            high_ties: counts(simd, &bounds.high_ties),
            seen_low: splat(simd, 0.0),
            seen_high: splat(simd, 0.0),
        }
    }

    /// Which samples of the next row are kept.
    #[inline(always)]
    pub(super) fn keeps(&mut self, sample: Wide<S>) -> Mask<S> {
        [self.keeps_half(sample, 0), self.keeps_half(sample, 1)]
    }

    #[inline(always)]
    fn keeps_half(&mut self, sample: Wide<S>, half: usize) -> mask64x8<S> {
        let sample = sample[half];
        let within = sample.simd_ge(self.low[half]) & sample.simd_le(self.high[half]);
        if !TIES {
            return within;
        }
        let at_low = sample.simd_eq(self.low[half]);
        let at_high = sample.simd_eq(self.high[half]);
        let low_kept = !at_low | self.seen_low[half].simd_ge(self.low_ties[half]);
        let high_kept = !at_high | self.seen_high[half].simd_lt(self.high_ties[half]);
        let (seen_low, seen_high) = (self.seen_low[half], self.seen_high[half]);
        self.seen_low[half] = at_low.select(seen_low + 1.0, seen_low);
        self.seen_high[half] = at_high.select(seen_high + 1.0, seen_high);
        within & low_kept & high_kept
    }
}
