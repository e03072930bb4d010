//! `median-sigma:LOW,HIGH`: y < m − LOW·s and y > m + HIGH·s go, m being the median of the samples that the step begins with and s the
//! standard deviation where every sample that is gone counts as m; from 3 samples on, again and again until nothing goes.
//!
//! *Source*: Siril `SIGMEDIAN`. *Assumes* normal noise, and that outliers are no majority. *Use* it where samples are many and outliers few: s
//! shrinks less from one iteration to the next than that of a sigma clip, which takes the gone samples out of n. *Differs*: what is gone is
//! gone; Siril averages it as the median, which counts a guess as a measurement. And m is taken once: for an odd number Siril's never
//! moves either; for an even one it creeps within the gap of the middle two samples.

use super::super::sorted::SortedBlock;
use crate::kernel::{Halves, LANES, Sample, deviation_kept, median_kept};
use crate::recipe::Factors;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn median_sigma(
        &mut self,
        factors: Factors,
        nkeep: &[u32; LANES],
        gives_back: &mut [bool; LANES],
    ) {
        let mut halves = Halves::of(&self.kept.where_at_least(3));
        let centre = median_kept(self.sorted, &halves.kept);
        let n = halves.kept.count().map(f64::from);
        // A lane that keeps nothing more still has its sums: they are 0.
        let mut open = halves.kept;
        loop {
            let before = self.kept;
            halves.kept = open;
            let mut sigma = deviation_kept(self.width, self.sorted, &halves, &centre, &n);
            for lane in 0..LANES {
                if open.from[lane] == open.to[lane] {
                    sigma[lane] = f64::NAN;
                }
            }
            self.drop_outside(factors, &centre, &sigma);
            self.hold(nkeep, &before, gives_back);
            if self.kept == before {
                return;
            }
            open = self.kept.where_changed(&before);
        }
    }
}
