//! See [`rules::linear_fit`](super::super::rules).

use super::outward::outward;
use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn linear_fit(&mut self, step: u32, y: &[f64], factors: Factors, nkeep: usize) {
        self.column(y);
        self.note_halves();
        let centre = median(&self.numbers);
        while self.numbers.len() >= 5 {
            let line = Line::through(&self.numbers, self.lower(), centre);
            self.took.clear();
            for rank in 0..self.order.len() {
                let away = line.away(rank, self.numbers[rank]);
                let low = away < -(factors.low * line.sigma);
                if low || away > factors.high * line.sigma {
                    let frame = self.order[rank];
                    self.take(step, frame as usize, low);
                    self.took.push((away.abs(), frame));
                }
            }
            self.give_back(nkeep);
            if self.took.is_empty() {
                return;
            }
            self.shorten(y);
        }
    }
}

/// A line through a sorted column, over ranks from the middle.
struct Line {
    /// How many samples lie below the middle.
    nlow: usize,
    /// Where the line passes the middle.
    base: f64,
    slope: f64,
    /// The mean distance of the samples from the line; NaN where it is rounding.
    sigma: f64,
}

impl Line {
    /// The line of least squares, by distances from a centre.
    fn through(column: &[f64], nlow: usize, centre: f64) -> Self {
        let ranks = 0..column.len();
        let n = column.len() as f64;
        let from_middle = |rank: usize| rank as f64 - nlow as f64;
        let distance = |rank: usize| column[rank] - centre;
        let sum = outward(ranks.clone(), nlow, distance);
        let products = outward(ranks.clone(), nlow, |rank| {
            from_middle(rank) * distance(rank)
        });
        let mean_rank = (n - 1.0) * 0.5 - nlow as f64;
        let slope = (products - mean_rank * sum) / (n * (n * n - 1.0) / 12.0);
        let mut line = Self {
            nlow,
            base: centre + (sum / n - slope * mean_rank),
            slope,
            sigma: f64::NAN,
        };
        let sigma = outward(ranks, nlow, |rank| line.away(rank, column[rank]).abs()) / n;
        let largest = column[0].abs().max(column[column.len() - 1].abs());
        if sigma > 1e-12 * largest {
            line.sigma = sigma;
        }
        line
    }

    /// How far above the line the sample of this rank lies.
    fn away(&self, rank: usize, y: f64) -> f64 {
        let from_middle = rank as f64 - self.nlow as f64;
        y - (self.base + self.slope * from_middle)
    }
}
