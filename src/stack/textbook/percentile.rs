//! See [`rules::percentile`](super::super::rules).

use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn percentile(&mut self, step: u32, y: &[f64], factors: Factors, nkeep: usize) {
        if self.column(y) < 3 {
            return;
        }
        let centre = median(&self.numbers);
        let (low, high) = factors.bounds(centre, centre.abs());
        self.drop_outside(step, y, (centre, low, high), nkeep);
    }
}
