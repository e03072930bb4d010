//! The way of means and standard deviations: nothing is sorted, what is kept lies between two values.

use super::formulas::thresholds;
use super::lanes::{Lanes, Sides};
use super::{StackRoom, Tally};
use crate::kernel::{
    Bounds, LANES, Row, Sample, Width, count_rejected, squares_all, squares_between, sum_all,
    sum_between,
};
use crate::recipe::{Clip, Iterations, Sigma};

/// What lies between values.
#[derive(Clone, Debug)]
pub(super) struct Moments<T> {
    /// The values.
    pub(super) bounds: Bounds<T>,
    /// How many samples of each lane lie between them.
    pub(super) count: [u32; LANES],
    /// Their sums, in frame order.
    pub(super) sum: [f64; LANES],
    /// Whether they are all the samples of the block, and none is absent.
    all: bool,
}

impl StackRoom {
    /// Runs the steps of the chain behind its head; `full` says that no sample of the block is absent. `None`: all of them are kept, and
    /// nothing had to be looked at.
    pub(super) fn clip_moments<T: Sample>(
        &self,
        rows: &[Row<T>],
        full: bool,
        tally: &mut Tally,
        lanes: &mut Lanes,
    ) -> Option<Moments<T>> {
        let nhead = self.nhead();
        if full && nhead == self.clip.len() && self.clip.is_empty() {
            return None;
        }
        let mut kept = Moments::all(self.width, rows, full && nhead == 0);
        for (step, clip) in self.clip.iter().enumerate().skip(nhead) {
            let before = kept.clone();
            let mut gives_back = [false; LANES];
            match clip {
                Clip::Minmax { low, high } => {
                    kept.narrow(self.width, rows, &[(*low, *high); LANES]);
                }
                Clip::Sigma(sigma) => kept.sigma(self, rows, sigma, &mut gives_back),
                Clip::Extrema { .. } => {}
            }
            for lane in 0..LANES {
                if gives_back[lane] && lanes.undecided[lane].is_none() {
                    lanes.undecided[lane] = Some(step);
                }
                if lanes.undecided[lane].is_some() {
                    kept.restore(lane, &before);
                }
            }
            if kept.count != before.count {
                let taken = taken(self.width, rows, &before, &kept);
                tally.step(step, &taken);
                lanes.taken.add(&taken);
                count_rejected(
                    self.width,
                    rows,
                    &before.bounds,
                    &kept.bounds,
                    tally.frames_mut(step),
                );
            }
        }
        Some(kept)
    }
}

impl<T: Sample> Moments<T> {
    /// Keeps everything that is present.
    fn all(width: Width, rows: &[Row<T>], full: bool) -> Self {
        let bounds = Bounds::all();
        let (sum, count) = if full {
            (
                sum_all(width, rows),
                [u32::try_from(rows.len()).expect("frames are counted in u32"); LANES],
            )
        } else {
            sum_between(width, rows, &bounds)
        };
        Self {
            bounds,
            count,
            sum,
            all: full,
        }
    }

    /// Gives a lane back what it had.
    fn restore(&mut self, lane: usize, before: &Self) {
        self.bounds.low.0[lane] = before.bounds.low.0[lane];
        self.bounds.high.0[lane] = before.bounds.high.0[lane];
        self.count[lane] = before.count[lane];
        self.sum[lane] = before.sum[lane];
    }

    /// Drops what lies outside further bounds; returns whether anything did.
    fn narrow(&mut self, width: Width, rows: &[Row<T>], bounds: &[(f64, f64); LANES]) -> bool {
        let before = self.count;
        for (lane, &(low, high)) in bounds.iter().enumerate() {
            let (least, most) = (T::at_least(low), T::at_most(high));
            if least > self.bounds.low.0[lane] {
                self.bounds.low.0[lane] = least;
            }
            if most < self.bounds.high.0[lane] {
                self.bounds.high.0[lane] = most;
            }
        }
        (self.sum, self.count) = sum_between(width, rows, &self.bounds);
        let changed = self.count != before;
        self.all &= !changed;
        changed
    }

    /// Drops samples far from the mean, as often as asked.
    fn sigma(
        &mut self,
        room: &StackRoom,
        rows: &[Row<T>],
        sigma: &Sigma,
        gives_back: &mut [bool; LANES],
    ) {
        let mut round = 0;
        loop {
            let before = self.clone();
            let n = self.count.map(f64::from);
            let mean: [f64; LANES] = std::array::from_fn(|lane| self.sum[lane] / n[lane]);
            let squares = if self.all {
                squares_all(room.width, rows, &mean)
            } else {
                squares_between(room.width, rows, &self.bounds, &mean)
            };
            let bounds: [_; LANES] = std::array::from_fn(|lane| {
                let deviation = (squares[lane] / n[lane]).sqrt().max(sigma.floor);
                thresholds(sigma, mean[lane], deviation)
            });
            self.narrow(room.width, rows, &bounds);
            for lane in 0..LANES {
                let (was, is) = (before.count[lane], self.count[lane]);
                if is < was && (is as usize) < room.nkeep {
                    gives_back[lane] |= was as usize > room.nkeep;
                    self.restore(lane, &before);
                }
            }
            round += 1;
            if self.count == before.count || sigma.iters == Iterations::Times(round) {
                return;
            }
        }
    }
}

/// What a step took on either side.
fn taken<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    before: &Moments<T>,
    after: &Moments<T>,
) -> Sides {
    let low = width.vectorize(
        #[inline(always)]
        || {
            let mut low = [0_u32; LANES];
            for row in rows {
                for lane in 0..LANES {
                    let sample = row.0[lane];
                    let below =
                        (sample >= before.bounds.low.0[lane]) & (sample < after.bounds.low.0[lane]);
                    low[lane] += u32::from(below & (sample <= before.bounds.high.0[lane]));
                }
            }
            low
        },
    );
    Sides {
        low,
        high: std::array::from_fn(|lane| before.count[lane] - after.count[lane] - low[lane]),
    }
}
