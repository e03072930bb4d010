//! What goes: from the ends of a lane, and from between others.

use std::ops::Range;

use super::super::super::Sample;
use super::super::super::lanes::lanes_of;
use super::{FEWEST, Fits, Hole};

impl<T: Sample> Fits<'_, T> {
    /// Takes what is marked in these rows, in these lanes; the others are done.
    pub(super) fn take(&mut self, lanes: u64, rows: &[Range<usize>; 2]) {
        self.open = lanes;
        for lane in lanes_of(lanes) {
            self.take_ends(lane, rows);
        }
        // From above, so that what is marked below stays where it is.
        for row in rows.iter().rev().flat_map(|rows| rows.clone().rev()) {
            let [low, high] = self.lines.far[row].map(u64::from);
            for lane in lanes_of((low | high) & lanes) {
                self.take_hole(row, lane, low >> lane & 1 == 1);
            }
        }
        for lane in lanes_of(self.open) {
            if self.n(lane) < FEWEST {
                self.open &= !(1 << lane);
            }
        }
    }

    /// Takes low samples from the lower end, and high ones from the upper.
    #[inline(always)]
    fn take_ends(&mut self, lane: usize, rows: &[Range<usize>; 2]) {
        let is_read = |row: usize| rows[0].contains(&row) || rows[1].contains(&row);
        while self.n(lane) > 0 {
            let row = self.kept.from[lane] as usize;
            if !is_read(row) || !self.unmark(row, lane, 0) {
                break;
            }
            self.leave_out(row, lane);
            self.kept.take_end(lane, false);
        }
        while self.n(lane) > 0 {
            let row = self.kept.to[lane] as usize - 1;
            if !is_read(row) || !self.unmark(row, lane, 1) {
                break;
            }
            self.leave_out(row, lane);
            self.kept.take_end(lane, true);
        }
    }

    /// Whether a sample is marked on a side; it is no longer.
    #[inline(always)]
    fn unmark(&mut self, row: usize, lane: usize, side: usize) -> bool {
        let bits = &mut self.lines.far[row][side];
        let is_marked = *bits >> lane & 1 == 1;
        *bits &= !(1 << lane);
        is_marked
    }

    /// Takes a sample out of the sums.
    #[inline(always)]
    fn leave_out(&mut self, row: usize, lane: usize) {
        let distance = self.distance(row, lane);
        self.sum[lane] -= distance;
        self.products[lane] -= self.place(row) * distance;
    }

    /// Takes a sample from between others, and moves what stands above it down.
    fn take_hole(&mut self, row: usize, lane: usize, low: bool) {
        if self.lines.holes.len() == self.lines.holes.capacity() {
            self.give_up(lane);
            return;
        }
        let sample = self.sorted[row].0[lane];
        let before = self.sorted[..row].iter().rev();
        let nbefore = before.take_while(|row| row.0[lane] == sample).count();
        self.lines.holes.push(Hole {
            lane,
            sample,
            nbefore,
            low,
        });
        self.leave_out(row, lane);
        let to = self.kept.to[lane] as usize;
        for above in row + 1..self.sorted.len() {
            if above < to {
                self.products[lane] -= self.distance(above, lane);
                self.lines.distances[above - 1].0[lane] = self.lines.distances[above].0[lane];
            }
            self.sorted[above - 1].0[lane] = self.sorted[above].0[lane];
        }
        if let Some(last) = self.sorted.last_mut() {
            last.0[lane] = T::ABSENT;
        }
        self.kept.to[lane] -= 1;
    }
}
