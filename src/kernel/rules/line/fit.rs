//! Lines through half a block, the distances from them, and which of these may be too large.

use std::ops::Range;

use fearless_simd::{Simd, f32x8, f64x8, mask32x8, prelude::*};

use super::super::super::Sample;
use super::super::super::lanes::{inlined, lanes_of};
use super::{Fits, HALF, ROUNDING, Strip};

/// What rounding makes of a sum in f64, a part of its largest term, many times over.
const CERTAIN: f64 = 1e-14;
/// What rounding makes of a distance in f32, a part of the numbers that it is made of: seven halves of a last digit.
const ROUNDED: f64 = 4e-7;
/// What it makes of the smallest numbers, many times over.
const TINY: f64 = 1e-44;
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
    /// All but a sixteenth of those at either end, where mostly nothing goes.
    inner: Range<usize>,
}

impl Zones {
    #[inline(always)]
    pub(super) fn of<T>(fits: &Fits<'_, T>) -> Self {
        // The first row of any lane, the last of any, the first of all, the last of all.
        let mut ends = [u32::MAX, 0, 0, u32::MAX];
        for lane in 0..HALF {
            let is_open = fits.open >> lane & 1 == 1;
            let or = |row: u32, none: u32| if is_open { row } else { none };
            let (from, to) = (fits.from[lane], fits.to[lane]);
            ends[0] = ends[0].min(or(from, u32::MAX));
            ends[1] = ends[1].max(or(to, 0));
            ends[2] = ends[2].max(or(from, 0));
            ends[3] = ends[3].min(or(to, u32::MAX));
        }
        let [first, last, all_from, all_to] = ends.map(|row| row as usize);
        let all = all_from..all_to.max(all_from);
        let few = all.len() / 16;
        Self {
            any: first..last,
            inner: all.start + few..all.end - few,
            all,
        }
    }

    /// Every row.
    pub(super) fn any(&self) -> Range<usize> {
        self.any.clone()
    }

    /// The rows below the inner ones, and those above.
    fn outer(&self) -> [Range<usize>; 2] {
        [
            self.any.start..self.inner.start,
            self.inner.end..self.any.end,
        ]
    }
}

/// A line through each lane: where it passes the origin, and how much it rises with each row.
pub(super) struct Line<S: Simd> {
    base: f32x8<S>,
    slope: f32x8<S>,
}

impl<S: Simd> Line<S> {
    /// How far above it samples lie.
    #[inline(always)]
    fn away(&self, distances: &[f32; HALF], place: f32x8<S>) -> f32x8<S> {
        let distances = f32x8::load_array_ref(place.simd, distances);
        distances - self.slope.mul_add(place, self.base)
    }
}

impl<T: Sample> Fits<'_, T> {
    /// Makes the table of distances, and their sums.
    #[inline(always)]
    pub(super) fn begin<S: Simd>(&mut self, simd: S) {
        let zones = Zones::of(self);
        self.origin = u32::try_from(zones.any.start.midpoint(zones.any.end)).unwrap_or(0);
        let centre = f64x8::from_slice(simd, &self.centre);
        let zero = f64x8::splat(simd, 0.0);
        let (from, to) = (counts(simd, &self.from), counts(simd, &self.to));
        let (mut sum, mut products) = (zero, zero);
        for row in zones.any() {
            let [low, high] = T::widen(simd, &self.sorted[row]);
            let sample = if self.first == 0 { low } else { high };
            let mut distance = sample - centre;
            single(distance).store_slice(&mut self.lines.distances[row]);
            self.lines.ranks[row] = [u32::try_from(row).unwrap_or(u32::MAX); HALF];
            if !zones.all.contains(&row) {
                let at = row as f64;
                distance = (from.simd_le(at) & to.simd_gt(at)).select(distance, zero);
            }
            sum += distance;
            products = distance.mul_add(f64x8::splat(simd, self.place(row)), products);
        }
        sum.store_slice(&mut self.sum);
        products.store_slice(&mut self.products);
        for lane in lanes_of(self.open) {
            self.measure(lane);
            self.summed(lane);
        }
    }

    /// Takes the sums of a lane anew.
    pub(super) fn sum_up(&mut self, lane: usize) {
        let (mut sum, mut products) = (0.0, 0.0);
        for row in self.from[lane] as usize..self.to[lane] as usize {
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
        let (first, last) = (self.from[lane], self.to[lane] - 1);
        let at = |row: u32| f64::from(self.lines.distances[row as usize][lane].abs());
        self.largest[lane] = at(first).max(at(last));
    }

    /// Notes that the sums of a lane were taken.
    #[inline(always)]
    fn summed(&mut self, lane: usize) {
        let n = self.n(lane);
        self.nsummed[lane] = n;
        self.doubt[lane] = CERTAIN * (f64::from(n) * self.largest[lane] + self.centre[lane].abs());
    }

    /// Fits the lines of least squares, takes the mean distance from them, and marks the samples that may lie too far out. Lanes where
    /// these distances are rounding are closed.
    #[inline(always)]
    pub(super) fn look<S: Simd>(&mut self, simd: S, strip: Strip, zones: &Zones) {
        let load = inlined(
            #[inline(always)]
            |numbers: &[f64; HALF]| f64x8::from_slice(simd, numbers),
        );
        let (from, to) = (counts(simd, &self.from), counts(simd, &self.to));
        let n = to - from;
        let origin = f64::from(self.origin);
        let middle = (from + to - 1.0) * 0.5 - origin;
        let sum = load(&self.sum);
        let slope = (load(&self.products) - middle * sum) / (n * (n * n - 1.0) * (1.0 / 12.0));
        let base = sum / n - slope * middle;
        let reach = (from - origin).abs().max((to - origin).abs());
        let size = load(&self.largest) + base.abs() + slope.abs() * reach;
        let line = Line {
            base: single(base),
            slope: single(slope),
        };
        let (sum, widest) = self.survey(simd, &line, zones);
        let sigma = sum / n;
        let away = size * ROUNDED + TINY + load(&self.doubt);
        let wrong = sigma * SUMMED + away;
        base.store_slice(&mut self.base);
        slope.store_slice(&mut self.slope);
        sigma.store_slice(&mut self.sigma);
        wrong.store_slice(&mut self.wrong);
        let flat = !(sigma - wrong).simd_gt((size + load(&self.centre).abs()) * (2.0 * ROUNDING));
        for lane in lanes_of(flat.to_bitmask() & self.open) {
            self.close_flat(lane);
        }
        let nearest = strip.low.min(strip.high);
        let within = if nearest.is_infinite() {
            f32x8::splat(simd, f32::INFINITY)
        } else {
            single(sigma * nearest - wrong * nearest - away)
        };
        self.mark(simd, (&line, within), zones, widest);
    }

    /// The sums of the distances from the lines, and the largest of the inner rows.
    #[inline(always)]
    fn survey<S: Simd>(&self, simd: S, line: &Line<S>, zones: &Zones) -> (f64x8<S>, f32x8<S>) {
        let zero = f32x8::splat(simd, 0.0);
        let mut sum = f64x8::splat(simd, 0.0);
        let left = Left::of(simd, self);
        for rows in zones.outer() {
            let mut place = self.place_of(simd, rows.start);
            for start in rows.clone().step_by(RUN) {
                let mut part = zero;
                for row in start..(start + RUN).min(rows.end) {
                    let mut away = line.away(&self.lines.distances[row], place).abs();
                    if !zones.all.contains(&row) {
                        away = left.at(place).select(away, zero);
                    }
                    part += away;
                    place += 1.0;
                }
                sum += double(part);
            }
        }
        // Two sums at once: each addition waits for the one before.
        let (mut parts, mut widest) = ([zero; 2], zero);
        let first = self.place_of(simd, zones.inner.start);
        let mut places = [first, first + 1.0];
        for distances in self.lines.distances[zones.inner.clone()].chunks(RUN) {
            let (pairs, last) = distances.as_chunks::<2>();
            for pair in pairs {
                for (which, distances) in pair.iter().enumerate() {
                    let away = line.away(distances, places[which]).abs();
                    widest = widest.max(away);
                    parts[which] += away;
                    places[which] += 2.0;
                }
            }
            for distances in last {
                let away = line.away(distances, places[0]).abs();
                widest = widest.max(away);
                parts[0] += away;
            }
            sum += double(parts[0] + parts[1]);
            parts = [zero; 2];
        }
        (sum, widest)
    }

    /// Marks what does not certainly lie within these distances from its line; lanes where all does are done.
    #[inline(always)]
    fn mark<S: Simd>(
        &mut self,
        simd: S,
        (line, within): (&Line<S>, f32x8<S>),
        zones: &Zones,
        widest: f32x8<S>,
    ) {
        let left = Left::of(simd, self);
        let (open, mut marked) = (self.open, 0);
        let is_wide = (!widest.simd_lt(within)).to_bitmask() & open != 0;
        let eights = zones.any.start / HALF * HALF..zones.any.end.next_multiple_of(HALF);
        self.lines.far[eights].fill(0);
        let [below, above] = zones.outer();
        let inner = if is_wide { zones.inner.clone() } else { 0..0 };
        for rows in [below, inner, above] {
            let mut place = self.place_of(simd, rows.start);
            for row in rows {
                let away = line.away(&self.lines.distances[row], place).abs();
                let mut far = !away.simd_lt(within);
                if !zones.all.contains(&row) {
                    far &= left.at(place);
                }
                let far = far.to_bitmask() & open;
                marked |= far;
                self.lines.far[row] = u8::try_from(far).unwrap_or(u8::MAX);
                place += 1.0;
            }
        }
        // Of the others nothing goes.
        self.open = marked;
    }

    /// The place of a row in every lane.
    #[inline(always)]
    fn place_of<S: Simd>(&self, simd: S, row: usize) -> f32x8<S> {
        f32x8::splat(simd, row as f32 - self.origin as f32)
    }

    /// Whether a sample lies too far below its line, or too far above; `None` where that is not certain.
    #[inline(always)]
    pub(super) fn judge(&self, row: usize, lane: usize, strip: Strip) -> Option<Verdict> {
        let line = self.base[lane] + self.slope[lane] * self.place(row);
        let away = self.distance(row, lane) - line;
        let (factor, goes) = if away < 0.0 {
            (strip.low, Verdict::Low)
        } else {
            (strip.high, Verdict::High)
        };
        if factor.is_infinite() {
            return Some(Verdict::Stays);
        }
        let beyond = away.abs() - factor * self.sigma[lane];
        let certain = beyond.abs() > factor * self.wrong[lane] + 2.0 * self.doubt[lane];
        certain.then_some(if beyond > 0.0 { goes } else { Verdict::Stays })
    }

    /// Closes a lane whose distances from the line may be rounding: where all samples are equal they are, elsewhere that is not certain.
    fn close_flat(&mut self, lane: usize) {
        let (first, last) = (self.from[lane] as usize, self.to[lane] as usize - 1);
        let (lowest, highest) = (self.distance(first, lane), self.distance(last, lane));
        let rounding = ROUNDING * (lowest + self.centre[lane]).abs();
        if lowest >= highest && (lowest == 0.0 || self.doubt[lane] <= rounding) {
            self.open &= !(1 << lane);
        } else {
            self.give_up(lane);
        }
    }
}

/// What becomes of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Stays,
    Low,
    High,
}

/// The rows that are left of each lane, as places.
struct Left<S: Simd> {
    from: f32x8<S>,
    to: f32x8<S>,
}

impl<S: Simd> Left<S> {
    #[inline(always)]
    fn of<T: Sample>(simd: S, fits: &Fits<'_, T>) -> Self {
        let origin = fits.origin as f32;
        let places = |rows: &[u32; HALF]| rows.map(|row| row as f32 - origin);
        Self {
            from: f32x8::from_slice(simd, &places(&fits.from)),
            to: f32x8::from_slice(simd, &places(&fits.to)),
        }
    }

    /// The lanes that have the row of this place.
    #[inline(always)]
    fn at(&self, place: f32x8<S>) -> mask32x8<S> {
        self.from.simd_le(place) & self.to.simd_gt(place)
    }
}

/// Counts as vectors, exact.
#[inline(always)]
fn counts<S: Simd>(simd: S, lanes: &[u32; HALF]) -> f64x8<S> {
    f64x8::from_slice(simd, &lanes.map(f64::from))
}

/// The same in f32.
#[inline(always)]
fn single<S: Simd>(wide: f64x8<S>) -> f32x8<S> {
    wide.narrow(wide).split().0
}

/// The same in f64.
#[inline(always)]
fn double<S: Simd>(narrow: f32x8<S>) -> f64x8<S> {
    let (low, high) = narrow.widen();
    low.combine(high)
}
