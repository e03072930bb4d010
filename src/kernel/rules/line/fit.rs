//! Lines through all lanes at once, the distances from them, and the bounds that these make.

use std::ops::Range;

use fearless_simd::{Simd, f32x16, f64x8, prelude::*};

use super::super::super::lanes::{
    Mask, Wide, add, both, counts, inlined, lanes_of, narrow, select, splat, wide,
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
        for lane in 0..LANES {
            let (from, to) = (fits.kept.from[lane], fits.kept.to[lane]);
            if fits.open >> lane & 1 == 1 {
                any = any.start.min(from)..any.end.max(to);
                all = all.start.max(from)..all.end.min(to);
            }
        }
        let all = all.start as usize..all.end.max(all.start) as usize;
        let eighth = all.len() / 8;
        Self {
            any: any.start as usize..any.end as usize,
            inner: all.start + eighth..all.end - eighth,
            all,
        }
    }

    /// Every row.
    pub(super) fn any(&self) -> Range<usize> {
        self.any.clone()
    }

    /// The rows around the inner ones.
    fn outer(&self) -> impl Iterator<Item = usize> {
        (self.any.start..self.inner.start).chain(self.inner.end..self.any.end)
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

/// How far from the line samples stay: within the inner bounds they certainly stay, beyond the outer ones they certainly go.
pub(super) struct Bounds<S: Simd> {
    low: [f32x16<S>; 2],
    high: [f32x16<S>; 2],
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
        let centre = wide(simd, &fits.centre);
        let (zero, infinite) = (f64x8::splat(simd, 0.0), f64x8::splat(simd, f64::INFINITY));
        let mut bounds = [splat(simd, 0.0); 4];
        let mut flat = 0;
        for half in 0..2 {
            let sigma = sum[half] / line.n[half];
            let away = line.scale[half] * ROUNDED + doubt[half];
            let wrong = sigma * SUMMED + away;
            let at = inlined(
                #[inline(always)]
                |factor: f64| {
                    if factor.is_infinite() {
                        return [infinite; 2];
                    }
                    let (bound, wrong) = (sigma * factor, wrong * factor + away);
                    [bound - wrong, bound + wrong]
                },
            );
            let ([low, lower], [high, higher]) = (at(strip.low), at(strip.high));
            bounds[0][half] = zero - low;
            bounds[1][half] = zero - lower;
            bounds[2][half] = high;
            bounds[3][half] = higher;
            let size = line.scale[half] + centre[half].abs();
            let is_clear = (sigma - wrong).simd_gt(size * (2.0 * ROUNDING));
            flat |= (!is_clear).to_bitmask() << (half * LANES / 2);
        }
        for lane in lanes_of(flat & fits.open) {
            fits.close_flat(lane);
        }
        let single = inlined(
            #[inline(always)]
            |bound: usize| bounds[bound][0].narrow(bounds[bound][1]),
        );
        Self {
            low: [single(0), single(1)],
            high: [single(2), single(3)],
        }
    }

    /// The lanes in which so large distances are not certainly within the bounds.
    #[inline(always)]
    fn exceeded(&self, widest: f32x16<S>) -> u64 {
        let nearest = self.high[0].min(-self.low[0]);
        (!widest.simd_lt(nearest)).to_bitmask()
    }
}

impl<T: Sample> Fits<'_, T> {
    /// Makes the table of distances, and their sums.
    #[inline(always)]
    pub(super) fn begin<S: Simd>(&mut self, simd: S) {
        let zones = Zones::of(self);
        self.origin = zones.any.start.midpoint(zones.any.end);
        let centre = wide(simd, &self.centre);
        let (mut sum, mut products) = (splat(simd, 0.0), splat(simd, 0.0));
        let (from, to) = (counts(simd, &self.kept.from), counts(simd, &self.kept.to));
        for row in zones.any() {
            let sample = T::widen(simd, &self.sorted[row]);
            let mut distance = [sample[0] - centre[0], sample[1] - centre[1]];
            let table = &mut self.lines.distances[row].0;
            distance[0].narrow(distance[1]).store_slice(table);
            self.lines.ranks[row] = [u32::try_from(row).unwrap_or(u32::MAX); LANES];
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
            self.measure(lane);
            self.summed(lane);
        }
    }

    /// Takes the sums of a lane anew.
    pub(super) fn sum_up(&mut self, lane: usize) {
        let (mut sum, mut products) = (0.0, 0.0);
        for row in self.kept.rows(lane) {
            let distance = self.distance(row, lane);
            sum += distance;
            products += self.place(row) * distance;
        }
        (self.sum[lane], self.products[lane]) = (sum, products);
        self.measure(lane);
        self.summed(lane);
    }

    /// Finds the largest distance of what is left.
    #[inline(always)]
    pub(super) fn measure(&mut self, lane: usize) {
        let (first, last) = (self.kept.from[lane], self.kept.to[lane] - 1);
        let at = |row: u32| f64::from(self.lines.distances[row as usize].0[lane].abs());
        self.largest[lane] = at(first).max(at(last));
    }

    /// Notes that the sums of a lane were taken.
    #[inline(always)]
    fn summed(&mut self, lane: usize) {
        let n = self.n(lane);
        self.nsummed[lane] = n;
        self.doubt[lane] = CERTAIN * (f64::from(n) * self.largest[lane] + self.centre[lane].abs());
    }

    /// The lines of least squares.
    #[inline(always)]
    pub(super) fn fit<S: Simd>(&self, simd: S) -> Line<S> {
        let (from, to) = (counts(simd, &self.kept.from), counts(simd, &self.kept.to));
        let (sum, products) = (wide(simd, &self.sum), wide(simd, &self.products));
        let (mut base, mut slope) = (sum, sum);
        let (mut scale, mut n) = (wide(simd, &self.largest), sum);
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
        for row in zones.outer() {
            let away = self.away(simd, line, row).abs();
            let away = if zones.all.contains(&row) {
                away
            } else {
                left.at(row).select(away, zero)
            };
            add(&mut sum, away.widen().into());
        }
        let mut place = f32x16::splat(simd, zones.inner.start as f32 - self.origin as f32);
        for distances in self.lines.distances[zones.inner.clone()].chunks(RUN) {
            let mut part = zero;
            for row in distances {
                let distance = f32x16::load_array_ref(simd, &row.0);
                let away = (distance - line.slope.mul_add(place, line.base)).abs();
                widest = widest.max(away);
                part += away;
                place += 1.0;
            }
            add(&mut sum, part.widen().into());
        }
        (sum, widest)
    }

    /// Marks what lies too far from its line; a bit for each lane of which anything does. Lanes where that is not certain are given up.
    #[inline(always)]
    pub(super) fn mark<S: Simd>(
        &mut self,
        simd: S,
        (line, bounds): (&Line<S>, &Bounds<S>),
        zones: &Zones,
        widest: f32x16<S>,
    ) -> u64 {
        let left = Left::of(simd, self);
        let (mut gone, mut uncertain) = (0, 0);
        let mut mark = inlined(
            #[inline(always)]
            |fits: &mut Self, row: usize, lanes: u64| {
                let away = fits.away(simd, line, row);
                let lanes = lanes
                    & if zones.all.contains(&row) {
                        u64::MAX
                    } else {
                        left.at(row).to_bitmask()
                    };
                let (low, high) = (away.simd_lt(bounds.low[1]), away.simd_gt(bounds.high[1]));
                let far = [low.to_bitmask() & lanes, high.to_bitmask() & lanes];
                let perhaps = away.simd_lt(bounds.low[0]) | away.simd_gt(bounds.high[0]);
                gone |= far[0] | far[1];
                uncertain |= perhaps.to_bitmask() & lanes & !(far[0] | far[1]);
                fits.lines.far[row] = far.map(|bits| u16::try_from(bits).unwrap_or(u16::MAX));
            },
        );
        for row in zones.outer() {
            mark(self, row, self.open);
        }
        let wide = bounds.exceeded(widest) & self.open;
        if wide == 0 {
            self.lines.far[zones.inner.clone()].fill([0; 2]);
        } else {
            zones.inner.clone().for_each(
                #[inline(always)]
                |row| mark(self, row, wide),
            );
        }
        for lane in lanes_of(uncertain) {
            self.give_up(lane);
        }
        gone & self.open
    }

    /// Closes a lane whose distances from the line may be rounding: where all samples are equal they are, elsewhere that is not certain.
    fn close_flat(&mut self, lane: usize) {
        let rows = self.kept.rows(lane);
        let (first, last) = (
            self.distance(rows.start, lane),
            self.distance(rows.end - 1, lane),
        );
        let rounding = ROUNDING * (first + self.centre[lane]).abs();
        if first >= last && (first == 0.0 || self.doubt[lane] <= rounding) {
            self.open &= !(1 << lane);
        } else {
            self.give_up(lane);
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
