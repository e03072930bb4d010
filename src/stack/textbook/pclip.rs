//! See [`rules::pclip`](super::super::rules).

use super::super::formulas::pclip_rank;
use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn pclip(
        &mut self,
        step: u32,
        y: &[f64],
        (rank, factors): (f64, Factors),
        nkeep: usize,
    ) {
        let n = self.column(y);
        if n < 3 {
            return;
        }
        let centre = median(&self.numbers);
        let sample = self.numbers[pclip_rank(rank, y.len(), n)];
        let (low, high) = factors.bounds(centre, (sample - centre).abs());
        self.drop_outside(step, y, (centre, low, high), nkeep);
    }
}
