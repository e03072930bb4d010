//! The line of one lane.

use super::super::super::{Row, Sample};
use super::super::outward::Halves;
use super::{ROUNDING, Strip};

/// What is kept of a lane, with its line.
pub(super) struct InLane<'a, T> {
    rows: &'a [Row<T>],
    lane: usize,
    /// How many rows lie below the middle.
    middle: usize,
    base: f64,
    slope: f64,
    low: f64,
    high: f64,
}

impl<'a, T: Sample> InLane<'a, T> {
    /// With a line that is known: where it passes the middle and its slope, and how far from it samples may lie.
    pub(super) fn with(
        sorted: &'a [Row<T>],
        halves: &Halves,
        lane: usize,
        (base, slope): (f64, f64),
        (low, high): (f64, f64),
    ) -> Self {
        let rows = halves.kept.rows(lane);
        Self {
            middle: halves.middle[lane] as usize - rows.start,
            rows: &sorted[rows],
            lane,
            base,
            slope,
            low,
            high,
        }
    }

    /// With the line of least squares, as in all lanes at once.
    pub(super) fn fit(
        sorted: &'a [Row<T>],
        halves: &Halves,
        lane: usize,
        centre: f64,
        strip: Strip,
    ) -> Self {
        let mut line = Self::with(sorted, halves, lane, (0.0, 0.0), (0.0, 0.0));
        let n = line.rows.len() as f64;
        let (sum, products) = line.outward(|row, y| {
            let distance = y - centre;
            [distance, line.above(row) * distance]
        });
        let rank = (n - 1.0) * 0.5 - line.middle as f64;
        let slope = (products - rank * sum) / (n * (n * n - 1.0) / 12.0);
        (line.base, line.slope) = (centre + (sum / n - slope * rank), slope);
        let (sum, _) = line.outward(|row, _| [line.away(row).abs(), 0.0]);
        let sigma = sum / n;
        let largest = line
            .sample(0)
            .abs()
            .max(line.sample(line.rows.len() - 1).abs());
        let sigma = if sigma > largest * ROUNDING {
            sigma
        } else {
            f64::NAN
        };
        (line.low, line.high) = (-(sigma * strip.low), sigma * strip.high);
        line
    }

    /// Sums from the middle outwards.
    #[inline(always)]
    fn outward(&self, terms: impl Fn(usize, f64) -> [f64; 2]) -> (f64, f64) {
        let (mut low, mut high) = ([0.0; 2], [0.0; 2]);
        for row in (0..self.middle).rev() {
            let terms = terms(row, self.sample(row));
            low = [low[0] + terms[0], low[1] + terms[1]];
        }
        for row in self.middle..self.rows.len() {
            let terms = terms(row, self.sample(row));
            high = [high[0] + terms[0], high[1] + terms[1]];
        }
        (low[0] + high[0], low[1] + high[1])
    }

    #[inline(always)]
    fn sample(&self, row: usize) -> f64 {
        self.rows[row].0[self.lane].to_f64()
    }

    #[inline(always)]
    fn above(&self, row: usize) -> f64 {
        row as f64 - self.middle as f64
    }

    #[inline(always)]
    fn away(&self, row: usize) -> f64 {
        self.sample(row) - (self.base + self.slope * self.above(row))
    }

    /// How many samples lie too far away.
    pub(super) fn far(&self) -> u32 {
        (0..self.rows.len())
            .map(|row| {
                let away = self.away(row);
                u32::from((away < self.low) | (away > self.high))
            })
            .sum()
    }

    /// How many of them stand at the low end and lie below, and how many at the high end and lie above.
    pub(super) fn far_at_ends(&self) -> (usize, usize) {
        let (mut from, mut to) = (0, self.rows.len());
        while from < to && self.away(from) < self.low {
            from += 1;
        }
        while from < to && self.away(to - 1) > self.high {
            to -= 1;
        }
        (from, self.rows.len() - to)
    }

    /// Whether so many at either end would reach past the middle.
    pub(super) fn passes_middle(&self, nlow: usize, nhigh: usize) -> bool {
        nlow > self.middle || nhigh > self.rows.len() - self.middle
    }
}
