//! Lines through all lanes at once, the distances from them, and the bounds that these make.

use std::ops::Range;

use fearless_simd::{Simd, f32x16, f64x8, prelude::*};

use super::super::super::lanes::{
    Mask, Wide, add, both, counts, lanes_of, narrow, select, splat, wide,
};
use super::super::super::{LANES, Sample};
use super::{Fits, ROUNDING, Strip};

/// What rounding makes of a sum in f64, a part of its largest term, many times over.
const CERTAIN: f64 = 1e-14;
/// What rounding makes of a distance in f32, a part of the numbers that it is made of: seven halves of a last digit.
const ROUNDED: f64 = 4e-7;
/// What it makes of the sum of distances, a part of that.
const SUMMED: f64 = 4e-6;
/// So many distances are added up in f32.
const RUN: usize = 32;

/// Rows by how many of the open lanes have them.
pub(super) struct Zones {
    /// Some.
    any: Range<usize>,
    /// All.
    all: Range<usize>,
    /// All but an eighth of those at either end, where mostly nothing goes.
    inner: Range<usize>,
}

impl Zones {
    pub(super) fn of<T>(fits: &Fits<'_, T>) -> Self {
        let (mut any, mut all) = (u32::MAX..0, 0..u32::MAX);
        for lane in lanes_of(fits.open) {
            let (from, to) = (fits.kept.from[lane], fits.kept.to[lane]);
            any = any.start.min(from)..any.end.max(to);
            all = all.start.max(from)..all.end.min(to);
        }
        let all = all.start as usize..all.end.max(all.start) as usize;
        let eighth = all.len() / 8;
        Self {
            any: any.start as usize..any.end as usize,
            inner: all.start + eighth..all.end - eighth,
            all,
        }
    }

    /// The rows from which something may go, in two parts.
    pub(super) fn suspects(&self, everywhere: bool) -> [Range<usize>; 2] {
        let inner = if everywhere {
            self.inner.start..self.inner.start
        } else {
            self.inner.clone()
        };
        [self.any.start..inner.start, inner.end..self.any.end]
    }
}

/// A line through each lane.
pub(super) struct Line<S: Simd> {
    /// Where it passes the origin, and how much it rises with each row.
    base: f32x16<S>,
    slope: f32x16<S>,
    /// The size of the numbers that distances from it are made of.
    scale: Wide<S>,
    n: Wide<S>,
}

/// How far from the line samples stay: beyond the outer bounds they certainly go, within the inner ones they certainly stay.
pub(super) struct Bounds<S: Simd> {
    low: [f32x16<S>; 2],
    high: [f32x16<S>; 2],
    nearest: [f64; LANES],
}

impl<S: Simd> Bounds<S> {
    /// The bounds that sums of distances make. Lanes where these are no more than rounding are closed.
    #[inline(always)]
    pub(super) fn of<T: Sample>(
        simd: S,
        fits: &mut Fits<'_, T>,
        line: &Line<S>,
        sum: Wide<S>,
        strip: Strip,
    ) -> Self {
        let doubt = wide(simd, &fits.doubt);
        let zero = f64x8::splat(simd, 0.0);
        let mut bounds = [[splat(simd, 0.0); 2]; 2];
        let (mut nearest, mut above_doubt) = (sum, sum);
        for half in 0..2 {
            let sigma = sum[half] / line.n[half];
            let away = line.scale[half] * ROUNDED + doubt[half];
            let wrong = sigma * SUMMED + away;
            for (factor, bounds) in [strip.low, strip.high].into_iter().zip(&mut bounds) {
                let (bound, wrong) = (sigma * factor, wrong * factor + away);
                bounds[0][half] = bound - wrong;
                bounds[1][half] = bound + wrong;
            }
            nearest[half] = bounds[0][0][half].min(bounds[1][0][half]);
            if strip.low.is_infinite() {
                nearest[half] = bounds[1][0][half];
            } else if strip.high.is_infinite() {
                nearest[half] = bounds[0][0][half];
            }
            above_doubt[half] = sigma - wrong;
        }
        fits.close_flat(&narrow(above_doubt));
        let [low, high] = bounds;
        let below = |bound: Wide<S>| (zero - bound[0]).narrow(zero - bound[1]);
        Self {
            low: [below(low[0]), below(low[1])],
            high: [high[0][0].narrow(high[0][1]), high[1][0].narrow(high[1][1])],
            nearest: narrow(nearest),
        }
    }

    /// Whether so large distances are certainly within the bounds, in these lanes.
    pub(super) fn hold(&self, widest: f32x16<S>, lanes: u64) -> bool {
        lanes_of(lanes).all(|lane| f64::from(widest[lane]) < self.nearest[lane])
    }
}

impl<T: Sample> Fits<'_, T> {
    /// Whether sums are to be taken anew: they keep the rounding of what has gone.
    pub(super) fn is_stale(&self) -> bool {
        lanes_of(self.open).any(|lane| {
            4 * u64::from(self.n(lane)) < 3 * u64::from(self.nsummed[lane])
                || self.nsummed[lane] == 0
        })
    }

    /// Takes distances, and their sums.
    #[inline(always)]
    pub(super) fn sum_up<S: Simd>(&mut self, simd: S) {
        let zones = Zones::of(self);
        self.origin = zones.any.start.midpoint(zones.any.end);
        let centre = wide(simd, &self.centre);
        let (mut sum, mut products) = (splat(simd, 0.0), splat(simd, 0.0));
        let (from, to) = (counts(simd, &self.kept.from), counts(simd, &self.kept.to));
        for row in zones.any.clone() {
            let sample = T::widen(simd, &self.sorted[row]);
            let mut distance = [sample[0] - centre[0], sample[1] - centre[1]];
            distance[0]
                .narrow(distance[1])
                .store_slice(&mut self.lines.distances[row].0);
            if !zones.all.contains(&row) {
                let at = row as f64;
                let left: Mask<S> = both(
                    #[inline(always)]
                    |half| from[half].simd_le(at) & to[half].simd_gt(at),
                );
                distance = select(simd, left, distance);
            }
            let place = f64x8::splat(simd, self.place(row));
            add(&mut sum, distance);
            for half in 0..2 {
                products[half] = distance[half].mul_add(place, products[half]);
            }
        }
        (self.sum, self.products) = (narrow(sum), narrow(products));
        for lane in lanes_of(self.open) {
            let n = self.n(lane);
            self.nsummed[lane] = n;
            self.doubt[lane] =
                CERTAIN * (f64::from(n) * self.largest(lane) + self.centre[lane].abs());
        }
    }

    /// The largest distance of what is left from the centre.
    #[inline(always)]
    fn largest(&self, lane: usize) -> f64 {
        let (first, last) = (self.kept.from[lane], self.kept.to[lane] - 1);
        let at = |row: u32| f64::from(self.lines.distances[row as usize].0[lane].abs());
        at(first).max(at(last))
    }

    /// The lines of least squares.
    #[inline(always)]
    pub(super) fn fit<S: Simd>(&self, simd: S) -> Line<S> {
        let mut largest = [0.0; LANES];
        for lane in lanes_of(self.open) {
            largest[lane] = self.largest(lane);
        }
        let (from, to) = (counts(simd, &self.kept.from), counts(simd, &self.kept.to));
        let (sum, products) = (wide(simd, &self.sum), wide(simd, &self.products));
        let (mut base, mut slope) = (sum, sum);
        let (mut scale, mut n) = (wide(simd, &largest), sum);
        for half in 0..2 {
            n[half] = to[half] - from[half];
            let middle = (from[half] + to[half] - 1.0) * 0.5 - self.origin as f64;
            let squares = n[half] * (n[half] * n[half] - 1.0) * (1.0 / 12.0);
            slope[half] = (products[half] - middle * sum[half]) / squares;
            base[half] = sum[half] / n[half] - slope[half] * middle;
            let reach = (from[half] - self.origin as f64)
                .abs()
                .max((to[half] - self.origin as f64).abs());
            scale[half] += base[half].abs() + slope[half].abs() * reach;
        }
        Line {
            base: base[0].narrow(base[1]),
            slope: slope[0].narrow(slope[1]),
            scale,
            n,
        }
    }

    /// How far above its line the sample of each lane in a row lies.
    #[inline(always)]
    fn away<S: Simd>(&self, simd: S, line: &Line<S>, row: usize) -> f32x16<S> {
        let place = f32x16::splat(simd, row as f32 - self.origin as f32);
        let distance = f32x16::load_array_ref(simd, &self.lines.distances[row].0);
        distance - line.slope.mul_add(place, line.base)
    }

    /// The sums of the distances from the lines, and the largest of the inner rows.
    #[inline(always)]
    pub(super) fn survey<S: Simd>(
        &self,
        simd: S,
        line: &Line<S>,
        zones: &Zones,
    ) -> (Wide<S>, f32x16<S>) {
        let zero = f32x16::splat(simd, 0.0);
        let (mut sum, mut widest) = (splat(simd, 0.0), zero);
        let left = Left::of(simd, self);
        for first in zones.any.clone().step_by(RUN) {
            let mut part = zero;
            for row in first..(first + RUN).min(zones.any.end) {
                let mut away = self.away(simd, line, row).abs();
                if !zones.all.contains(&row) {
                    away = left.at(row).select(away, zero);
                }
                if zones.inner.contains(&row) {
                    widest = widest.max(away);
                }
                part += away;
            }
            add(&mut sum, part.widen().into());
        }
        (sum, widest)
    }

    /// Marks what lies too far from its line in these rows; a bit for each lane of which anything does. Lanes where that is not certain
    /// are given up.
    #[inline(always)]
    pub(super) fn mark<S: Simd>(
        &mut self,
        simd: S,
        line: &Line<S>,
        bounds: &Bounds<S>,
        (zones, rows): (&Zones, &[Range<usize>; 2]),
    ) -> u64 {
        let left = Left::of(simd, self);
        let (mut gone, mut uncertain) = (0, 0);
        for row in rows.iter().flat_map(Range::clone) {
            let away = self.away(simd, line, row);
            let mut perhaps = away.simd_lt(bounds.low[0]) | away.simd_gt(bounds.high[0]);
            if !zones.all.contains(&row) {
                perhaps &= left.at(row);
            }
            let perhaps = perhaps.to_bitmask() & self.open;
            let mut far = [0; 2];
            if perhaps != 0 {
                let (low, high) = (away.simd_lt(bounds.low[1]), away.simd_gt(bounds.high[1]));
                far = [low.to_bitmask() & perhaps, high.to_bitmask() & perhaps];
                gone |= far[0] | far[1];
                uncertain |= perhaps & !(far[0] | far[1]);
            }
            self.lines.far[row] = far.map(|bits| u16::try_from(bits).unwrap_or(u16::MAX));
        }
        for lane in lanes_of(uncertain) {
            self.give_up(lane);
        }
        gone & self.open
    }

    /// Closes lanes whose distances from the line may be rounding: where all samples are equal they are, elsewhere that is not certain.
    fn close_flat(&mut self, sigma: &[f64; LANES]) {
        for lane in lanes_of(self.open) {
            let largest = self.largest(lane) + self.centre[lane].abs();
            if sigma[lane] > 2.0 * ROUNDING * largest {
                continue;
            }
            let (first, last) = (
                self.kept.from[lane] as usize,
                self.kept.to[lane] as usize - 1,
            );
            let sample = self.sorted[first].0[lane];
            let rounding = ROUNDING * sample.to_f64().abs();
            let exact = self.distance(first, lane) == 0.0 || self.doubt[lane] <= rounding;
            if sample >= self.sorted[last].0[lane] && exact {
                self.open &= !(1 << lane);
            } else {
                self.give_up(lane);
            }
        }
    }
}

/// The rows that are left of each lane.
struct Left<S: Simd> {
    from: f32x16<S>,
    to: f32x16<S>,
}

impl<S: Simd> Left<S> {
    #[inline(always)]
    fn of<T>(simd: S, fits: &Fits<'_, T>) -> Self {
        let load = |rows: &[u32; LANES]| f32x16::from_slice(simd, &rows.map(|row| row as f32));
        Self {
            from: load(&fits.kept.from),
            to: load(&fits.kept.to),
        }
    }

    /// The lanes that have this row.
    #[inline(always)]
    fn at(&self, row: usize) -> fearless_simd::mask32x16<S> {
        self.from.simd_le(row as f32) & self.to.simd_gt(row as f32)
    }
}
