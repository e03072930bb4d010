//! Lines through one lane alone, from the first to the one beyond which nothing lies.
//!
//! Sums are taken as they come fastest, so that they differ from those of the textbook in the last digits: where a sample lies so near a
//! bound that this may matter, nothing is decided here.

use std::ops::Range;

use fearless_simd::{Simd, f64x8, prelude::*};

use super::super::super::lanes::{Mask, Wide, both, lanes_of, splat, wide};
use super::super::super::{LANES, Row, Sample};
use super::super::Table;
use super::{ROUNDING, Strip};

/// What rounding makes of a sum, a part of its largest term, many times over.
const CERTAIN: f64 = 1e-14;
/// The fewest samples that a line is drawn through.
const FEWEST: usize = 5;
/// Numbers from 0 on.
const RANKS: [f64; LANES] = [
    0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0, 11.0, 12.0, 13.0, 14.0, 15.0,
];

/// The samples of a lane, sixteen to a row, and what is left of them.
pub(super) struct Alone<'a> {
    /// Distances from the centre.
    numbers: &'a mut [Row<f64>],
    /// Where they stood at first; written only when some from between others are gone.
    ranks: &'a mut [Row<f64>],
    moved: bool,
    left: Range<usize>,
    /// How many went below the line.
    nlow: usize,
    /// What rounding may make of a distance from the line.
    doubt: f64,
    centre: f64,
}

/// What becomes of a sample.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Kept,
    Low,
    High,
}

/// A line, and how far from it samples lie on the average.
#[derive(Clone, Copy)]
struct Line {
    base: f64,
    slope: f64,
    sigma: f64,
    widest: f64,
}

impl<'a> Alone<'a> {
    /// The samples of these rows.
    #[inline(always)]
    pub(super) fn new<T: Sample>(
        rows: &[Row<T>],
        lane: usize,
        centre: f64,
        table: &'a mut Table,
    ) -> Self {
        let (numbers, ranks) = table.both();
        for (numbers, rows) in numbers.iter_mut().zip(rows.chunks(LANES)) {
            for (number, row) in numbers.0.iter_mut().zip(rows) {
                *number = row.0[lane].to_f64() - centre;
            }
        }
        let n = rows.len();
        let mut alone = Self {
            numbers,
            ranks,
            moved: false,
            left: 0..n,
            nlow: 0,
            doubt: 0.0,
            centre,
        };
        let largest = alone.at(0).abs().max(alone.at(n - 1).abs());
        alone.doubt = CERTAIN * (n as f64 * largest + centre.abs());
        alone
    }

    #[inline(always)]
    fn at(&self, index: usize) -> f64 {
        self.numbers[index / LANES].0[index % LANES]
    }

    /// The samples that are left when nothing more goes; `None` where they are not certain, or others are gone between them.
    #[inline(always)]
    pub(super) fn left<S: Simd>(mut self, simd: S, strip: Strip) -> Option<Range<usize>> {
        let nearest = strip.low.min(strip.high);
        let mut sums = self.sums(simd);
        while self.left.len() >= FEWEST {
            let (first, last) = (self.at(self.left.start), self.at(self.left.end - 1));
            let size = |distance: f64| (distance + self.centre).abs();
            let rounding = ROUNDING * size(first).max(size(last));
            if first >= last && self.doubt <= rounding {
                break;
            }
            let line = self.line(simd, sums);
            // What is no number is not certain, either.
            if !(line.sigma > 2.0 * rounding && line.sigma > 4.0 * self.doubt) {
                return None;
            }
            let within = nearest * line.sigma - self.doubt * (1.0 + nearest);
            if line.widest < within {
                break;
            }
            let before = self.left.clone();
            self.take_ends(&line, strip)?;
            for index in (before.start..self.left.start).chain(self.left.end..before.end) {
                sums.0 -= self.at(index);
                sums.1 -= index as f64 * self.at(index);
            }
            if self.take_others(simd, &line, strip, within)? {
                sums = self.sums(simd);
            } else if self.left == before {
                break;
            }
        }
        self.rows()
    }

    /// What is left, by the rows of the beginning.
    fn rows(&self) -> Option<Range<usize>> {
        if self.left.is_empty() {
            return None;
        }
        let rank = |index: usize| {
            if self.moved {
                self.ranks[index / LANES].0[index % LANES]
            } else {
                index as f64
            }
        };
        let (first, last) = (rank(self.left.start), rank(self.left.end - 1));
        // Ranks are whole numbers, so that these are exact.
        let is = |rank: f64, number: usize| rank.total_cmp(&(number as f64)).is_eq();
        let whole = is(last - first, self.left.len() - 1);
        // Samples on the low side that went above the line count as high.
        (whole && is(first, self.nlow)).then(|| self.nlow..self.nlow + self.left.len())
    }

    /// The sum of what is left, and that of its products with its places.
    #[inline(always)]
    fn sums<S: Simd>(&self, simd: S) -> (f64, f64) {
        let (mut sum, mut products) = (splat(simd, 0.0), splat(simd, 0.0));
        self.each(
            simd,
            #[inline(always)]
            |number, place, left| {
                for half in 0..2 {
                    let number = left[half].select(number[half], f64x8::splat(simd, 0.0));
                    sum[half] += number;
                    products[half] = number.mul_add(place[half], products[half]);
                }
            },
        );
        (total(sum), total(products))
    }

    /// The line of least squares.
    #[inline(always)]
    fn line<S: Simd>(&self, simd: S, (sum, products): (f64, f64)) -> Line {
        let n = self.left.len() as f64;
        let middle = (self.left.start + self.left.end - 1) as f64 * 0.5;
        let slope = (products - middle * sum) / (n * (n * n - 1.0) / 12.0);
        let base = sum / n - slope * middle;
        let (sum, widest) = self.survey(simd, base, slope);
        Line {
            base,
            slope,
            sigma: sum / n,
            widest,
        }
    }

    /// The sum of the distances of what is left from a line, and the largest of them.
    #[inline(always)]
    fn survey<S: Simd>(&self, simd: S, base: f64, slope: f64) -> (f64, f64) {
        let (mut sum, mut widest) = (splat(simd, 0.0), splat(simd, 0.0));
        let (base, slope) = (f64x8::splat(simd, base), f64x8::splat(simd, slope));
        self.each(
            simd,
            #[inline(always)]
            |number, place, left| {
                for half in 0..2 {
                    let away = number[half] - slope.mul_add(place[half], base);
                    let away = left[half].select(away.abs(), f64x8::splat(simd, 0.0));
                    sum[half] += away;
                    widest[half] = widest[half].max(away);
                }
            },
        );
        let widest = together(
            widest[0].max(widest[1]),
            #[inline(always)]
            |a, b| if a > b { a } else { b },
        );
        (total(sum), widest)
    }

    /// Walks along what is left, sixteen samples at a time, with their places.
    #[inline(always)]
    fn each<S: Simd>(&self, simd: S, mut each: impl FnMut(Wide<S>, Wide<S>, Mask<S>)) {
        let (from, to) = (self.left.start as f64, self.left.end as f64);
        let first = self.left.start / LANES;
        let rows = &self.numbers[first..self.left.end.div_ceil(LANES)];
        for (index, row) in (first..).zip(rows) {
            let place = places(simd, index);
            let left = both(
                #[inline(always)]
                |half| place[half].simd_ge(from) & place[half].simd_lt(to),
            );
            each(wide(simd, &row.0), place, left);
        }
    }

    /// Whether a sample lies too far below a line, or too far above; `None` where that is not certain.
    #[inline(always)]
    fn judge(&self, index: usize, line: &Line, strip: Strip) -> Option<Verdict> {
        let away = self.at(index) - (line.base + line.slope * index as f64);
        let (bound, beyond_it) = if away < 0.0 {
            (strip.low, Verdict::Low)
        } else {
            (strip.high, Verdict::High)
        };
        let beyond = away.abs() - bound * line.sigma;
        let certain = beyond.abs() > self.doubt * (1.0 + bound) || bound.is_infinite();
        certain.then_some(if beyond > 0.0 {
            beyond_it
        } else {
            Verdict::Kept
        })
    }

    /// Takes the samples at both ends that lie too far out; `None` where that is not certain.
    #[inline(always)]
    fn take_ends(&mut self, line: &Line, strip: Strip) -> Option<()> {
        while !self.left.is_empty() && self.judge(self.left.start, line, strip)? == Verdict::Low {
            self.left.start += 1;
            self.nlow += 1;
        }
        while !self.left.is_empty() && self.judge(self.left.end - 1, line, strip)? == Verdict::High
        {
            self.left.end -= 1;
        }
        Some(())
    }

    /// Takes samples from between others, and moves those between them and the nearer end up; whether there were any, `None` where that
    /// is not certain, or there are too many.
    #[inline(always)]
    fn take_others<S: Simd>(
        &mut self,
        simd: S,
        line: &Line,
        strip: Strip,
        within: f64,
    ) -> Option<bool> {
        let (mut taken, mut ntaken) = ([0; LANES], 0);
        let (base, slope) = (
            f64x8::splat(simd, line.base),
            f64x8::splat(simd, line.slope),
        );
        for row in self.left.start / LANES..self.left.end.div_ceil(LANES) {
            let (number, place) = (wide(simd, &self.numbers[row].0), places(simd, row));
            let far = both(
                #[inline(always)]
                |half| {
                    let away = number[half] - slope.mul_add(place[half], base);
                    away.abs().simd_ge(within).to_bitmask()
                },
            );
            for at in lanes_of(far[0] | far[1] << (LANES / 2)) {
                let index = row * LANES + at;
                if !self.left.contains(&index) {
                    continue;
                }
                let verdict = self.judge(index, line, strip)?;
                if verdict != Verdict::Kept {
                    *taken.get_mut(ntaken)? = index;
                    ntaken += 1;
                    self.nlow += usize::from(verdict == Verdict::Low);
                }
            }
        }
        if ntaken > 0 && !self.moved {
            self.moved = true;
            for index in self.left.clone() {
                self.ranks[index / LANES].0[index % LANES] = index as f64;
            }
        }
        let middle = self.left.start.midpoint(self.left.end);
        let taken = &taken[..ntaken];
        let nfirst = taken.partition_point(|index| *index < middle);
        for index in &taken[..nfirst] {
            for from in (self.left.start..*index).rev() {
                self.put(from, from + 1);
            }
            self.left.start += 1;
        }
        for index in taken[nfirst..].iter().rev() {
            for from in index + 1..self.left.end {
                self.put(from, from - 1);
            }
            self.left.end -= 1;
        }
        Some(ntaken > 0)
    }

    /// Moves a sample.
    #[inline(always)]
    fn put(&mut self, from: usize, to: usize) {
        for rows in [&mut *self.numbers, &mut *self.ranks] {
            rows[to / LANES].0[to % LANES] = rows[from / LANES].0[from % LANES];
        }
    }
}

/// The places of the samples of a row.
#[inline(always)]
fn places<S: Simd>(simd: S, row: usize) -> Wide<S> {
    let (ranks, first) = (wide(simd, &RANKS), (row * LANES) as f64);
    [ranks[0] + first, ranks[1] + first]
}

/// Sixteen numbers made one, pair by pair.
#[inline(always)]
fn together<S: Simd>(numbers: f64x8<S>, pair: impl Fn(f64, f64) -> f64) -> f64 {
    let mut eight = [0.0; LANES / 2];
    numbers.store_slice(&mut eight);
    let [a, b, c, d, e, f, g, h] = eight;
    pair(pair(pair(a, b), pair(c, d)), pair(pair(e, f), pair(g, h)))
}

/// The sum of sixteen numbers.
#[inline(always)]
fn total<S: Simd>(numbers: Wide<S>) -> f64 {
    together(
        numbers[0] + numbers[1],
        #[inline(always)]
        |a, b| a + b,
    )
}
