//! See [`rules::rcr`](super::super::rules).

use std::ops::Range;

use super::super::critical::Critical;
use super::super::formulas::rcr_place;
use super::esd::farthest;
use super::{Page, median};

impl Page {
    pub(super) fn rcr(&mut self, step: u32, y: &[f64], critical: &Critical, nkeep: usize) {
        let n = self.column(y);
        let fewest = nkeep.max(2);
        let mut robust = 0..n;
        while robust.len() > fewest {
            match self.robustly_farthest(&robust, critical) {
                Some(true) => robust.end -= 1,
                Some(false) => robust.start += 1,
                None => break,
            }
        }
        let column = &self.numbers[robust.clone()];
        let mut precise = 0..column.len();
        while precise.len() > fewest {
            match farthest(column, &precise, critical) {
                Some((true, true)) => precise.end -= 1,
                Some((false, true)) => precise.start += 1,
                _ => break,
            }
        }
        let from = robust.start + precise.start;
        self.drop_ends(step, from, n - from - precise.len());
    }

    /// Whether the sample farthest from the median of these ranks is the highest; `None` where it is near enough.
    fn robustly_farthest(&mut self, ranks: &Range<usize>, critical: &Critical) -> Option<bool> {
        let column = &self.numbers[ranks.clone()];
        let centre = median(column);
        self.distances.clear();
        self.distances
            .extend(column.iter().map(|y| (y - centre).abs()));
        self.distances.sort_unstable_by(f64::total_cmp);
        let (rank, part) = rcr_place(column.len());
        let (near, far) = (self.distances[rank], self.distances[rank + 1]);
        let deviation = near + part * (far - near);
        let (low, high) = (centre - column[0], column[column.len() - 1] - centre);
        let farthest = low.max(high);
        let out = deviation > 0.0 && farthest > critical.robust(column.len()) * deviation;
        out.then_some(high > low)
    }
}
