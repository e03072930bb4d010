//! Sums from the middle of what is kept of each lane outwards.

use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::super::lanes::{Mask, Wide, add, both, counts, narrow, select, splat, wide};
use super::super::{Kept, LANES, Row, Sample, Width};

/// What is kept of each lane, cut in two at a middle that stays where it is when samples at the ends go.
#[derive(Clone, Copy, Debug)]
pub struct Halves {
    /// What is kept.
    pub kept: Kept,
    /// The first row of the upper half of each lane.
    pub middle: [u32; LANES],
}

impl Halves {
    /// Cuts what is kept in the middle.
    pub fn of(kept: &Kept) -> Self {
        let mut middle = kept.from;
        for lane in 0..LANES {
            middle[lane] += (kept.to[lane] - kept.from[lane]) / 2;
        }
        Self {
            kept: *kept,
            middle,
        }
    }

    /// The rows that any lane keeps below its middle, those above it, and those that all lanes keep of either.
    fn zones(&self) -> Zones {
        let (first, last) = (u32::MIN, u32::MAX);
        let none = Range {
            start: last,
            end: first,
        };
        let mut zones = Zones {
            any: none.clone(),
            all: first..last,
            middles: none,
        };
        for lane in 0..LANES {
            let (from, middle, to) = (self.kept.from[lane], self.middle[lane], self.kept.to[lane]);
            // Lanes that keep nothing have no say: what is summed up for them is not read.
            if from < to {
                zones.any = zones.any.start.min(from)..zones.any.end.max(to);
                zones.all = zones.all.start.max(from)..zones.all.end.min(to);
                zones.middles = zones.middles.start.min(middle)..zones.middles.end.max(middle);
            }
        }
        zones
    }
}

/// Rows by how many lanes keep them.
struct Zones {
    /// Kept by some lane.
    any: Range<u32>,
    /// Kept by all that keep anything.
    all: Range<u32>,
    /// From the first middle to the last.
    middles: Range<u32>,
}

/// Sums over both halves of each lane.
#[derive(Clone, Copy)]
pub(super) struct Outward<S: Simd, const NSUM: usize> {
    pub(super) low: [Wide<S>; NSUM],
    pub(super) high: [Wide<S>; NSUM],
}

impl<S: Simd, const NSUM: usize> Outward<S, NSUM> {
    /// Both halves together.
    #[inline(always)]
    pub(super) fn total(self, sum: usize) -> Wide<S> {
        let mut total = self.low[sum];
        add(&mut total, self.high[sum]);
        total
    }
}

/// A walk from the middle outwards.
pub(super) struct Walk<S: Simd> {
    simd: S,
    zones: Zones,
    from: Wide<S>,
    middle: Wide<S>,
    to: Wide<S>,
    /// The middle, where all lanes have the same.
    shared: Option<f64>,
}

impl<S: Simd> Walk<S> {
    #[inline(always)]
    pub(super) fn new(simd: S, halves: &Halves) -> Self {
        let zones = halves.zones();
        let shared = zones.middles.start == zones.middles.end;
        Self {
            simd,
            shared: shared.then_some(f64::from(zones.middles.start)),
            zones,
            from: counts(simd, &halves.kept.from),
            middle: counts(simd, &halves.middle),
            to: counts(simd, &halves.kept.to),
        }
    }

    /// How many rows a row is above the middle of each lane.
    #[inline(always)]
    fn above(&self, index: usize) -> Wide<S> {
        let at = index as f64;
        match self.shared {
            Some(middle) => splat(self.simd, at - middle),
            None => {
                let at = f64x8::splat(self.simd, at);
                [at - self.middle[0], at - self.middle[1]]
            }
        }
    }

    /// The rows below the middles, and those from the middles on.
    pub(super) fn rows(&self) -> (Range<usize>, Range<usize>) {
        let Zones { any, middles, .. } = &self.zones;
        if any.start >= any.end {
            return (0..0, 0..0);
        }
        (
            any.start as usize..middles.end as usize,
            middles.start as usize..any.end as usize,
        )
    }

    /// Adds the terms of rows below the middles, downwards: made of a sample and how far above the middle it stands. `each` is told the row
    /// and the sums up to there.
    #[inline(always)]
    pub(super) fn downwards<T: Sample, const NSUM: usize>(
        &self,
        sorted: &[Row<T>],
        rows: Range<usize>,
        sums: &mut [Wide<S>; NSUM],
        mut terms: impl FnMut(Wide<S>, Wide<S>) -> [Wide<S>; NSUM],
        mut each: impl FnMut(usize, &[Wide<S>; NSUM], Option<Mask<S>>),
    ) {
        let plain = self.zones.all.start as usize..self.zones.middles.start as usize;
        for index in rows.rev() {
            let mut terms = terms(T::widen(self.simd, &sorted[index]), self.above(index));
            let mut mask = None;
            if !plain.contains(&index) {
                let at = f64x8::splat(self.simd, index as f64);
                let below = [
                    self.from[0].simd_le(at) & self.middle[0].simd_gt(at),
                    self.from[1].simd_le(at) & self.middle[1].simd_gt(at),
                ];
                for term in 0..NSUM {
                    terms[term] = select(self.simd, below, terms[term]);
                }
                mask = Some(below);
            }
            for sum in 0..NSUM {
                add(&mut sums[sum], terms[sum]);
            }
            each(index, sums, mask);
        }
    }

    /// Adds the terms of rows from the middles on, upwards.
    #[inline(always)]
    pub(super) fn upwards<T: Sample, const NSUM: usize>(
        &self,
        sorted: &[Row<T>],
        rows: Range<usize>,
        sums: &mut [Wide<S>; NSUM],
        mut terms: impl FnMut(Wide<S>, Wide<S>) -> [Wide<S>; NSUM],
        mut each: impl FnMut(usize, &[Wide<S>; NSUM], Option<Mask<S>>),
    ) {
        let plain = self.zones.middles.end as usize..self.zones.all.end as usize;
        for index in rows {
            let mut terms = terms(T::widen(self.simd, &sorted[index]), self.above(index));
            let mut mask = None;
            if !plain.contains(&index) {
                let at = f64x8::splat(self.simd, index as f64);
                let above = [
                    self.middle[0].simd_le(at) & self.to[0].simd_gt(at),
                    self.middle[1].simd_le(at) & self.to[1].simd_gt(at),
                ];
                for term in 0..NSUM {
                    terms[term] = select(self.simd, above, terms[term]);
                }
                mask = Some(above);
            }
            for sum in 0..NSUM {
                add(&mut sums[sum], terms[sum]);
            }
            each(index, sums, mask);
        }
    }

    /// Sums over both halves.
    #[inline(always)]
    pub(super) fn sums<T: Sample, const NSUM: usize>(
        &self,
        sorted: &[Row<T>],
        terms: impl Fn(Wide<S>, Wide<S>) -> [Wide<S>; NSUM] + Copy,
    ) -> Outward<S, NSUM> {
        let zero = [splat(self.simd, 0.0); NSUM];
        let mut sums = Outward {
            low: zero,
            high: zero,
        };
        let (below, above) = self.rows();
        self.downwards(
            sorted,
            below,
            &mut sums.low,
            terms,
            #[inline(always)]
            |_, _, _| {},
        );
        self.upwards(
            sorted,
            above,
            &mut sums.high,
            terms,
            #[inline(always)]
            |_, _, _| {},
        );
        sums
    }
}

/// The distance of a sample from a centre, and its square.
#[inline(always)]
pub(super) fn distance_and_square<S: Simd>(sample: Wide<S>, centre: Wide<S>) -> [Wide<S>; 2] {
    let distance = [sample[0] - centre[0], sample[1] - centre[1]];
    [
        distance,
        [distance[0] * distance[0], distance[1] * distance[1]],
    ]
}

/// What makes a variance, ddof 1, of n·Σd² − (Σd)².
#[inline(always)]
pub(super) fn over<S: Simd>(simd: S, n: Wide<S>) -> Wide<S> {
    let one = f64x8::splat(simd, 1.0);
    both(
        #[inline(always)]
        |half| one / (n[half] * (n[half] - 1.0)),
    )
}

/// The standard deviation of `n` numbers from Σd and Σd² about their median; `over` is [`over()`] n.
#[inline(always)]
pub(super) fn deviation<S: Simd>(
    sum: Wide<S>,
    squares: Wide<S>,
    n: Wide<S>,
    over: Wide<S>,
) -> Wide<S> {
    both(
        #[inline(always)]
        |half| ((n[half] * squares[half] - sum[half] * sum[half]) * over[half]).sqrt(),
    )
}

/// The standard deviation of `n` samples of each lane about `centre`, their median, at which those that are not kept count; ddof 1.
pub fn deviation_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    halves: &Halves,
    centre: &[f64; LANES],
    n: &[f64; LANES],
) -> [f64; LANES] {
    dispatch!(width.0, simd => {
        let walk = Walk::new(simd, halves);
        let (centre, n) = (wide(simd, centre), wide(simd, n));
        let sums = walk.sums(sorted, #[inline(always)] |sample, _| distance_and_square(sample, centre));
        narrow(deviation(sums.total(0), sums.total(1), n, over(simd, n)))
    })
}
