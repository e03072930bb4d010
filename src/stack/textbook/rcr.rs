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
        let mut left = robust;
        // As many as the middle of what is left allows, and again about its new middle where all those went.
        loop {
            let column = &self.numbers[left.clone()];
            let mut precise = 0..column.len();
            let most = column.len().saturating_sub(fewest).min(column.len() / 2);
            while column.len() - precise.len() < most {
                match farthest(column, &precise, critical) {
                    Some((true, true)) => precise.end -= 1,
                    Some((false, true)) => precise.start += 1,
                    _ => break,
                }
            }
            let all = column.len() - precise.len() == most;
            left = left.start + precise.start..left.start + precise.end;
            if !all || most == 0 {
                break;
            }
        }
        self.drop_ends(step, left.start, n - left.end);
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
