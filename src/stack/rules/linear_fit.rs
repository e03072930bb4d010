//! `linear-fit:LOW,HIGH`: samples that lie more than LOW·s below or HIGH·s above a line through the sorted samples go; from 5 samples on,
//! again and again until nothing goes.
//!
//! The line is that of least squares through (rank, y), s the mean distance of the samples from it, along y. Where s is below 10⁻¹² of the
//! largest sample it is rounding, and nothing goes. What goes mostly stands at the ends of the column; where others go, they are made absent
//! in a copy of the block.
//!
//! *Source*: Siril `LINEARFIT`. *Assumes* that samples drift: sky that brightens through a night, frames of unlike levels. *Use* it from 25
//! frames on, with 5 and more: sorted normal samples are no line, and 3 takes good ones. *Differs*: from the second iteration on Siril's
//! line is not that of least squares (it takes the mean rank of all frames). PixInsight fits by least distance, and its s depends
//! on the unit of the samples.

use super::super::around::note_of;
use super::super::lanes::Sides;
use super::super::sorted::SortedBlock;
use crate::kernel::{Kept, LANES, Row, Sample, Strip, along_lines_kept, bounds_of_kept};
use crate::recipe::{Factors, Family};

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn linear_fit(
        &mut self,
        factors: Factors,
        nkeep: &[u32; LANES],
        gives_back: &mut [bool; LANES],
    ) {
        let strip = Strip {
            low: factors.low,
            high: factors.high,
        };
        let mut open = self.kept.where_at_least(5);
        let n = |kept: &Kept, lane: usize| kept.to[lane] - kept.from[lane];
        for lane in 0..LANES {
            if n(&open, lane) <= nkeep[lane] {
                open.to[lane] = open.from[lane];
            }
        }
        let lines = &mut self.apart.lines;
        let (left, uncertain) = along_lines_kept(self.width, self.sorted, &open, strip, lines);
        for lane in (0..LANES).filter(|lane| n(&open, *lane) > 0) {
            if uncertain >> lane & 1 == 1 || n(&left, lane) < nkeep[lane] {
                gives_back[lane] = true;
            } else {
                self.kept.from[lane] = left.from[lane];
                self.kept.to[lane] = left.to[lane];
            }
        }
    }

    /// Leaves what went from between others out of a copy of the rows, too, and out of `before`: what was kept before, as it stands now.
    /// Of lanes that are decided here it is noted, by frame, and returned.
    pub(in super::super) fn leave_holes(
        &mut self,
        rows: &[Row<T>],
        before: &mut Kept,
        undecided: &[Option<usize>; LANES],
        (frames, marks): (&mut [u64], &mut [[u8; LANES]]),
    ) -> Sides {
        let mut taken = Sides::default();
        if self.apart.lines.holes().is_empty() {
            return taken;
        }
        if !self.settled {
            self.apart.rows.copy_from_slice(rows);
            self.settled = true;
        }
        let apart = &mut *self.apart;
        for hole in apart.lines.holes() {
            let lane = hole.lane;
            // Of equal samples that of the earlier frame counts as lower.
            let mut equal = apart
                .rows
                .iter_mut()
                .enumerate()
                .filter(|(_, row)| row.0[lane] == hole.sample);
            let (frame, row) = equal.nth(hole.nbefore).expect("what is taken was there");
            row.0[lane] = T::ABSENT;
            before.to[lane] -= 1;
            if undecided[lane].is_none() {
                let side = if hole.low {
                    &mut taken.low
                } else {
                    &mut taken.high
                };
                side[lane] += 1;
                frames[frame] += 1;
                if let Some(marks) = marks.get_mut(frame) {
                    marks[lane] = note_of(Family::Deviation, hole.low);
                }
            }
        }
        self.bounds = bounds_of_kept(self.sorted, before);
        taken
    }
}
