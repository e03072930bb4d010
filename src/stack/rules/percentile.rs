//! `percentile:LOW,HIGH`: y < m − LOW·|m| and y > m + HIGH·|m| go, m being the median; once, from 3 samples on.
//!
//! *Source*: Siril `percentile_clipping`, PixInsight PercentileClip. *Assumes* that what good samples differ by is a known part of their
//! level: flats, or few frames whose noise is known beforehand. *Use* it for 3 to 6 frames. *Differs*: where the median is 0 nothing goes
//! (Siril takes all); below 0 the distance is a part of |m|, where Siril and PixInsight take nearly all.

use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Sample, median_kept};
use crate::recipe::Factors;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn percentile(
        &mut self,
        factors: Factors,
        nkeep: &[u32; LANES],
        gives_back: &mut [bool; LANES],
    ) {
        let before = self.kept;
        let centre = median_kept(self.sorted, &self.kept.where_at_least(3));
        self.drop_outside(factors, &centre, &centre.map(f64::abs));
        self.hold(nkeep, &before, gives_back);
    }
}
