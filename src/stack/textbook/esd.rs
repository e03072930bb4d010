//! See [`rules::esd`](super::super::rules).

use std::ops::Range;

use super::super::critical::Critical;
use super::outward::outward;
use super::{Page, median};
use crate::recipe::outliers;

impl Page {
    pub(super) fn esd(
        &mut self,
        step: u32,
        y: &[f64],
        (fraction, critical): (f64, &Critical),
        nkeep: usize,
    ) {
        let n = self.column(y);
        let mut ranks = 0..n;
        let mut kept = 0..n;
        for _ in 0..outliers(fraction, n).min(n.saturating_sub(nkeep)) {
            let Some((high, deviates)) = farthest(&self.numbers, &ranks, critical) else {
                break;
            };
            if high {
                ranks.end -= 1;
            } else {
                ranks.start += 1;
            }
            if deviates {
                kept = ranks.clone();
            }
        }
        self.drop_ends(step, kept.start, n - kept.end);
    }
}

/// Whether the sample farthest from the mean of these ranks is the highest of them, and whether it deviates by more than the critical
/// number of standard deviations; `None` where there is no deviation.
pub(super) fn farthest(
    column: &[f64],
    ranks: &Range<usize>,
    critical: &Critical,
) -> Option<(bool, bool)> {
    let (centre, middle) = (median(column), column.len() / 2);
    let distance = |rank: usize| column[rank] - centre;
    let sum = outward(ranks.clone(), middle, distance);
    let squares = outward(ranks.clone(), middle, |rank| {
        distance(rank) * distance(rank)
    });
    let n = ranks.len() as f64;
    let low = sum - n * distance(ranks.start);
    let high = n * distance(ranks.end - 1) - sum;
    let is_high = high > low;
    let farthest = if is_high { high } else { low };
    // Both sides of 'distance above so many deviations' are squared, so that nothing is divided.
    let spread = n * squares - sum * sum;
    let deviates = farthest * farthest * (n - 1.0) > critical.precise(ranks.len()) * n * spread;
    (spread > 0.0).then_some((is_high, deviates))
}
