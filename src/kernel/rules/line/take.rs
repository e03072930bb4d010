//! What goes: from the ends of a lane, and from between others.

use super::super::super::Sample;
use super::super::super::lanes::lanes_of;
use super::fit::{Verdict, Zones};
use super::hole::Gone;
use super::{FEWEST, Fits, HALF, Strip};

impl<T: Sample> Fits<'_, T> {
    /// Takes what lies too far out of what is marked. Lanes that lose nothing are done; those where it is not certain are given up.
    pub(super) fn take(&mut self, strip: Strip, zones: &Zones) {
        let before = (self.from, self.to);
        for lane in lanes_of(self.open) {
            self.take_ends(lane, strip);
        }
        self.take_others(strip, zones);
        for lane in lanes_of(self.open) {
            let (n, nsummed) = (self.n(lane), self.nsummed[lane]);
            let same = self.from[lane] == before.0[lane] && self.to[lane] == before.1[lane];
            if same || n < FEWEST {
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
    fn take_ends(&mut self, lane: usize, strip: Strip) {
        while self.n(lane) > 0 {
            let row = self.from[lane] as usize;
            if self.lines.far[row] >> lane & 1 == 0
                || self.judge(row, lane, strip) != Some(Verdict::Low)
            {
                break;
            }
            self.unmark(row, lane);
            self.leave_out(row, lane);
            self.from[lane] += 1;
        }
        while self.n(lane) > 0 {
            let row = self.to[lane] as usize - 1;
            if self.lines.far[row] >> lane & 1 == 0
                || self.judge(row, lane, strip) != Some(Verdict::High)
            {
                break;
            }
            self.unmark(row, lane);
            self.leave_out(row, lane);
            self.to[lane] -= 1;
        }
    }

    /// Takes what is still marked: what stands nearer to the lower end upwards, the rest downwards, so that nothing that is marked moves.
    fn take_others(&mut self, strip: Strip, zones: &Zones) {
        let (first, last) = (zones.any().start / HALF, zones.any().end.div_ceil(HALF));
        let mut is_more = false;
        for eight in first..last {
            let mut marked = self.marked(eight);
            while marked != 0 {
                let (row, lane) = cell(eight, marked.trailing_zeros());
                marked &= marked - 1;
                if row - (self.from[lane] as usize) < self.to[lane] as usize - row {
                    self.take_one(row, lane, (strip, true));
                } else {
                    is_more = true;
                }
            }
        }
        for eight in (first..last).rev().filter(|_| is_more) {
            let mut marked = self.marked(eight);
            while marked != 0 {
                let (row, lane) = cell(eight, marked.ilog2());
                marked ^= 1 << marked.ilog2();
                self.take_one(row, lane, (strip, false));
            }
        }
    }

    /// What is marked of the open lanes in eight rows, a byte each.
    #[inline(always)]
    fn marked(&self, eight: usize) -> u64 {
        let open = u8::try_from(self.open).unwrap_or(u8::MAX);
        let (eights, _) = self.lines.far.as_chunks::<HALF>();
        u64::from_le_bytes(eights[eight]) & u64::from_le_bytes([open; HALF])
    }

    /// Forgets that a sample is marked.
    #[inline(always)]
    fn unmark(&mut self, row: usize, lane: usize) {
        self.lines.far[row] &= !(1 << lane);
    }

    /// Takes a sample out of the sums.
    #[inline(always)]
    fn leave_out(&mut self, row: usize, lane: usize) {
        let distance = self.distance(row, lane);
        self.sum[lane] -= distance;
        self.products[lane] -= self.place(row) * distance;
    }

    /// Takes a sample from between others, if it is to go; those between it and one end move up to it.
    fn take_one(&mut self, row: usize, lane: usize, (strip, from_below): (Strip, bool)) {
        if self.open >> lane & 1 == 0 {
            return;
        }
        self.unmark(row, lane);
        let low = match self.judge(row, lane, strip) {
            Some(Verdict::Stays) => return,
            Some(verdict) => verdict == Verdict::Low,
            None => return self.give_up(lane),
        };
        let rank = self.lines.ranks[row][lane];
        if !self.lines.note(Gone { lane, rank, low }) {
            return self.give_up(lane);
        }
        self.leave_out(row, lane);
        let (from, to) = (self.from[lane] as usize, self.to[lane] as usize);
        let mut sum = 0.0;
        if from_below {
            for below in (from..row).rev() {
                sum += self.distance(below, lane);
                self.put(below, below + 1, lane);
            }
            self.products[lane] += sum;
            self.from[lane] += 1;
        } else {
            for above in row + 1..to {
                sum += self.distance(above, lane);
                self.put(above, above - 1, lane);
            }
            self.products[lane] -= sum;
            self.to[lane] -= 1;
        }
    }

    /// Moves a sample.
    #[inline(always)]
    fn put(&mut self, from: usize, to: usize, lane: usize) {
        self.lines.distances[to][lane] = self.lines.distances[from][lane];
        self.lines.ranks[to][lane] = self.lines.ranks[from][lane];
    }
}

/// The row and the lane of a bit of eight rows.
#[inline(always)]
fn cell(eight: usize, bit: u32) -> (usize, usize) {
    (eight * HALF + bit as usize / HALF, bit as usize % HALF)
}
