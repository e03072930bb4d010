//! See [`rules::detector`](super::super::rules).

use super::super::critical::Critical;
use super::super::detector::far;
use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn detector(
        &mut self,
        step: u32,
        y: &[f64],
        (factors, critical): (Factors, &Critical),
        nkeep: usize,
    ) {
        let far = far(factors);
        while self.column(y) >= 2 {
            let centre = median(&self.numbers);
            self.took.clear();
            for (frame, noise) in (0..).zip(critical.noises().frames()) {
                let y = y[frame as usize];
                if self.kept[frame as usize] && far.has(y, centre, noise.variance(centre)) {
                    self.take(step, frame as usize, y < centre);
                    self.took.push(((y - centre).abs(), frame));
                }
            }
            self.give_back(nkeep);
            if self.took.is_empty() {
                return;
            }
        }
    }
}
