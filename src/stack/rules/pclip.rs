//! `pclip:K,LOW,HIGH`: y < m − LOW·s and y > m + HIGH·s go, m being the median and s the distance of the K-th sample from it; once, from 3
//! samples on.
//!
//! *Source*: IRAF imcombine `pclip`. K counts from the middle sample upwards, or downwards where it is negative; of an even number, from the
//! one of the middle two on that side. |K| below 1 is a part of the frames of one side. How many samples that are is settled once for
//! all pixels; where fewer are present, it is the outermost. *Assumes* that one side is free of outliers: K = −0.5, as IRAF has it,
//! takes the noise from the faint side, which cosmic rays and stars do not reach. *Use* it for crowded or nebulous sky, from 10 frames on.
//! *Differs*: IRAF takes samples on a bound, too.

use super::super::formulas::pclip_rank;
use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Sample, median_kept};
use crate::recipe::Factors;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn pclip(
        &mut self,
        (rank, factors): (f64, Factors),
        nframe: usize,
        nkeep: &[u32; LANES],
        gives_back: &mut [bool; LANES],
    ) {
        let before = self.kept;
        let centre = median_kept(self.sorted, &self.kept.where_at_least(3));
        let mut distance = [f64::NAN; LANES];
        for lane in 0..LANES {
            let (from, to) = (self.kept.from[lane] as usize, self.kept.to[lane] as usize);
            if to - from >= 3 {
                let row = from + pclip_rank(rank, nframe, to - from);
                distance[lane] = (self.sorted[row].0[lane].to_f64() - centre[lane]).abs();
            }
        }
        self.drop_outside(factors, &centre, &distance);
        self.hold(nkeep, &before, gives_back);
    }
}
