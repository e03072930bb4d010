//! What goes: from the ends of a lane, and from between others.

use super::super::super::Sample;
use super::super::super::lanes::lanes_of;
use super::fit::Zones;
use super::hole::Gone;
use super::{FEWEST, Fits};

impl<T: Sample> Fits<'_, T> {
    /// Takes what is marked, in these lanes; the others are done.
    pub(super) fn take(&mut self, lanes: u64, zones: &Zones) {
        self.open = lanes;
        for lane in lanes_of(lanes) {
            self.take_ends(lane);
        }
        self.take_others(zones);
        for lane in lanes_of(self.open) {
            let (n, nsummed) = (self.n(lane), self.nsummed[lane]);
            if n < FEWEST {
                self.open &= !(1 << lane);
            } else if u64::from(n) * 4 < u64::from(nsummed) * 3 {
                // Sums keep the rounding of what has gone.
                self.sum_up(lane);
            } else {
                self.measure(lane);
            }
        }
    }

    /// Takes low samples from the lower end, and high ones from the upper.
    #[inline(always)]
    fn take_ends(&mut self, lane: usize) {
        while self.n(lane) > 0 {
            let row = self.kept.from[lane] as usize;
            if !self.unmark(row, lane, 0) {
                break;
            }
            self.leave_out(row, lane);
            self.kept.take_end(lane, false);
        }
        while self.n(lane) > 0 {
            let row = self.kept.to[lane] as usize - 1;
            if !self.unmark(row, lane, 1) {
                break;
            }
            self.leave_out(row, lane);
            self.kept.take_end(lane, true);
        }
    }

    /// Takes what is still marked: what stands nearer to the lower end upwards, the rest downwards, so that nothing that is marked moves.
    fn take_others(&mut self, zones: &Zones) {
        let rows = zones.any();
        for row in rows.clone() {
            for lane in self.marked(row) {
                if row - (self.kept.from[lane] as usize) < self.kept.to[lane] as usize - row {
                    self.take_one(row, lane);
                }
            }
        }
        for row in rows.rev() {
            for lane in self.marked(row) {
                self.take_one(row, lane);
            }
        }
    }

    /// The lanes that are marked in a row.
    #[inline(always)]
    fn marked(&self, row: usize) -> impl Iterator<Item = usize> + use<T> {
        let [low, high] = self.lines.far[row];
        lanes_of(u64::from(low | high) & self.open)
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

    /// Takes a sample from between others; those between it and the nearer end move up to it.
    fn take_one(&mut self, row: usize, lane: usize) {
        let low = self.unmark(row, lane, 0);
        self.unmark(row, lane, 1);
        let rank = self.lines.ranks[row][lane];
        if !self.lines.note(Gone { lane, rank, low }) {
            self.give_up(lane);
            return;
        }
        self.leave_out(row, lane);
        let (from, to) = (self.kept.from[lane] as usize, self.kept.to[lane] as usize);
        let mut sum = 0.0;
        if row - from < to - row {
            for below in (from..row).rev() {
                sum += self.distance(below, lane);
                self.put(below, below + 1, lane);
            }
            self.products[lane] += sum;
            self.kept.take_end(lane, false);
        } else {
            for above in row + 1..to {
                sum += self.distance(above, lane);
                self.put(above, above - 1, lane);
            }
            self.products[lane] -= sum;
            self.kept.take_end(lane, true);
        }
    }

    /// Moves a sample.
    #[inline(always)]
    fn put(&mut self, from: usize, to: usize, lane: usize) {
        self.lines.distances[to].0[lane] = self.lines.distances[from].0[lane];
        self.lines.ranks[to][lane] = self.lines.ranks[from][lane];
    }
}
