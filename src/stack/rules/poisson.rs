//! `poisson:LOW,HIGH`: y < m − LOW·σ and y > m + HIGH·σ go, m being the median and σ = s·√max(1, m), with one s for each row of the
//! result; from 3 samples on, again and again until nothing goes.
//!
//! s² is Σ (y − m)²/max(1, m) over the samples that the step finds at the pixels of the row that have 3 and more, divided by their
//! Σ (n − 1): the noise of a signal of 1, where noise goes with the root of the signal.
//!
//! *Source*: IRAF `avsigclip` (`icaclip.x`, about the median). *Assumes* photon noise, counts above 1 (no bias frames), and rows that are mostly
//! clean: outliers swell s too. *Use* it for 3 to 6 frames whose gain is not known. *Differs*: IRAF divides by Σ n − 1, as if one median
//! served the row, so that for n frames its s is √((n − 1)/n) of this.

use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Sample, median_kept};
use crate::recipe::Factors;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn poisson(
        &mut self,
        factors: Factors,
        nkeep: &[u32; LANES],
        gives_back: &mut [bool; LANES],
    ) {
        let mut open = self.kept;
        loop {
            let before = self.kept;
            open = open.where_at_least(3);
            let centre = median_kept(self.sorted, &open);
            let sigma = std::array::from_fn(|lane| self.lit[lane] * centre[lane].max(1.0).sqrt());
            self.drop_outside(factors, &centre, &sigma);
            self.hold(nkeep, &before, gives_back);
            if self.kept == before {
                return;
            }
            open = self.kept.where_changed(&before);
        }
    }
}
