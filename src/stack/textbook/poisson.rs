//! See [`rules::poisson`](super::super::rules).

use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn poisson(
        &mut self,
        step: u32,
        y: &[f64],
        (factors, light): (Factors, f64),
        nkeep: usize,
    ) {
        while self.column(y) >= 3 {
            let centre = median(&self.numbers);
            let (low, high) = factors.bounds(centre, light * centre.max(1.0).sqrt());
            if !self.drop_outside(step, y, (centre, low, high), nkeep) {
                return;
            }
        }
    }

    /// What the kept samples add to the sums of their row, and how many they are.
    pub(in super::super) fn light(&mut self, y: &[f64]) -> (f64, u32) {
        let column = self.sorted(y);
        let centre = median(column);
        let squares = column
            .iter()
            .fold(0.0, |sum, y| sum + (y - centre) * (y - centre));
        let n = u32::try_from(column.len()).unwrap_or(u32::MAX);
        (squares / centre.max(1.0), n)
    }
}
