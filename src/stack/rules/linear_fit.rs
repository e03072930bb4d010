//! `linear-fit:LOW,HIGH`: samples that lie more than LOW·s below or HIGH·s above a line through the sorted samples go; from 5 samples on,
//! again and again until nothing goes.
//!
//! The line is that of least squares through (rank, y), s the mean distance of the samples from it, along y. Where s is below 10⁻¹² of the
//! largest sample it is rounding, and nothing goes. What goes mostly stands at the ends of the column; where others go and are not
//! followed by those outside them, the textbook decides the pixel.
//!
//! *Source*: Siril `LINEARFIT`. *Assumes* that samples drift: sky that brightens through a night, frames of unlike levels. *Use* it from 25
//! frames on, with 5 and more: sorted normal samples are no line, and 3 takes good ones. *Differs*: from the second iteration on Siril's
//! line is not that of least squares (it takes the mean rank of all frames). PixInsight fits by least distance, and its s depends
//! on the unit of the samples.

use super::super::sorted::SortedBlock;
use crate::kernel::{Kept, LANES, Sample, Strip, Table, along_lines_kept};
use crate::recipe::Factors;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn linear_fit(
        &mut self,
        factors: Factors,
        nkeep: &[u32; LANES],
        table: &mut Table,
        gives_back: &mut [bool; LANES],
    ) {
        let strip = Strip {
            low: factors.low,
            high: factors.high,
        };
        let open = self.kept.where_at_least(5);
        let (left, uncertain) = along_lines_kept(self.width, self.sorted, &open, table, strip);
        for lane in 0..LANES {
            let n = |kept: &Kept| kept.to[lane] - kept.from[lane];
            if n(&open) <= nkeep[lane] || n(&open) == 0 {
                continue;
            }
            if uncertain >> lane & 1 == 1 || n(&left) < nkeep[lane] {
                gives_back[lane] = true;
            } else {
                self.kept.from[lane] = left.from[lane];
                self.kept.to[lane] = left.to[lane];
            }
        }
    }
}
