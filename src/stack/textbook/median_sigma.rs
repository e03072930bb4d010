//! See [`rules::median_sigma`](super::super::rules).

use super::outward::{deviation, outward};
use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn median_sigma(&mut self, step: u32, y: &[f64], factors: Factors, nkeep: usize) {
        let n = self.column(y);
        if n < 3 {
            return;
        }
        self.note_halves();
        let centre = median(&self.numbers);
        loop {
            let distance = |rank: usize| self.numbers[rank] - centre;
            let (ranks, middle) = (0..self.numbers.len(), self.lower());
            let sum = outward(ranks.clone(), middle, distance);
            let squares = outward(ranks, middle, |rank| distance(rank) * distance(rank));
            // What was dropped counts among the n, at no distance.
            let (low, high) = factors.bounds(centre, deviation(sum, squares, n));
            if !self.drop_outside(step, y, (centre, low, high), nkeep) {
                return;
            }
            self.column(y);
        }
    }
}
