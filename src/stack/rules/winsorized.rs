//! `winsorized:LOW,HIGH`: y < m − LOW·σ and y > m + HIGH·σ go, m being the median and σ a deviation that outliers hardly move; from 3
//! samples on, again and again until nothing goes.
//!
//! σ begins as the standard deviation. Samples beyond m ∓ 1.5σ are drawn in to there, σ is 1.134 times the standard deviation of what
//! that gives, and so on, never farther out than before, until σ changes by 0.05 % or less. Where nothing but m itself is left within
//! reach and σ still falls, it would fall for ever: then σ is √(π/2) · mean|y − m|, as that of `dev=mad` is.
//!
//! *Source*: Siril `WINSORIZED` (Huber 1981); PixInsight begins with another deviation and cuts off at 5 of them. *Assumes* normal noise and
//! fewer than about a fifth of outliers. *Use* it from 10 frames on. *Differs*: Siril takes all that differs from the median in a stack of
//! quantised frames most of which are equal, and stops at 4 samples.

use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Sample, Table, winsorized_kept};
use crate::recipe::Factors;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn winsorized(
        &mut self,
        factors: Factors,
        nkeep: &[u32; LANES],
        table: &mut Table,
        gives_back: &mut [bool; LANES],
    ) {
        let how = (&factors.reach(), nkeep);
        let (left, stopped) = winsorized_kept(self.width, self.sorted, &self.kept, how, table);
        self.kept = left;
        for lane in 0..LANES {
            gives_back[lane] |= stopped >> lane & 1 == 1;
        }
    }
}
