//! The way of means and standard deviations: nothing is sorted, what is kept lies between two values.

use super::around::note_between;
use super::lanes::{Lanes, Sides};
use super::{StackRoom, Tally};
use crate::kernel::{Between, Dropped, LANES, Row, Sample, Spread, count_present, count_rejected};
use crate::recipe::{Clip, Family, Iterations, Sigma};

impl StackRoom {
    /// Runs the steps of the chain behind its head; `full` says that no sample of the block is absent. `None`: all of them are kept, and
    /// nothing had to be looked at.
    pub(super) fn clip_moments<T: Sample>(
        &self,
        rows: &[Row<T>],
        full: bool,
        tally: &mut Tally,
        (lanes, marks): (&mut Lanes, &mut [[u8; LANES]]),
    ) -> Option<Between<T>> {
        let nhead = self.nhead();
        if full && self.steps() == 0 {
            return None;
        }
        let mut kept = Between::all(if full && nhead == 0 {
            [u32::try_from(rows.len()).expect("frames are counted in u32"); LANES]
        } else {
            count_present(self.width, rows)
        });
        let stay = self.stay(&kept.count);
        for (step, clip) in self.clip[..self.steps()].iter().enumerate().skip(nhead) {
            let before = kept.clone();
            let mut dropped = Dropped::none();
            let mut gives_back = [false; LANES];
            match clip {
                Clip::Minmax { low, high } => {
                    kept.drop_outside(self.width, rows, *low, *high);
                    dropped.forget();
                }
                Clip::Sigma(sigma) => {
                    let both = (&mut kept, &mut dropped);
                    self.sigma(rows, sigma, both, (&stay, &mut gives_back));
                }
                // These sort.
                _ => {}
            }
            for lane in 0..LANES {
                if gives_back[lane] && lanes.undecided[lane].is_none() {
                    lanes.undecided[lane] = Some(step);
                }
                if lanes.undecided[lane].is_some() {
                    kept.restore(lane, &before);
                    dropped.forget();
                }
            }
            if kept.count != before.count {
                let taken = taken(&before, &kept);
                tally.step(step, &taken);
                lanes.take(Family::of(clip), &taken);
                note_between(marks, rows, &kept, clip);
                let of_frames = tally.frames_mut(step);
                match dropped.list() {
                    Some(list) => list.for_each(|(frame, _)| of_frames[frame] += 1),
                    None => {
                        count_rejected(self.width, rows, &before.bounds, &kept.bounds, of_frames);
                    }
                }
            }
        }
        Some(kept)
    }

    /// Drops samples far from the mean, as often as asked.
    fn sigma<T: Sample>(
        &self,
        rows: &[Row<T>],
        sigma: &Sigma,
        (kept, dropped): (&mut Between<T>, &mut Dropped),
        (stay, gives_back): (&[u32; LANES], &mut [bool; LANES]),
    ) {
        let mut spread = Spread::of_values(self.width, rows, kept);
        let mut open = [true; LANES];
        let mut round = 0;
        loop {
            let before = kept.clone();
            let changed =
                spread.clip_values(self.width, rows, (kept, dropped), &mut open, &sigma.reach());
            for lane in 0..LANES {
                let (was, is) = (before.count[lane], kept.count[lane]);
                if is < was && is < stay[lane] {
                    gives_back[lane] |= was > stay[lane];
                    kept.restore(lane, &before);
                    dropped.forget();
                    open[lane] = false;
                }
            }
            round += 1;
            if !changed || sigma.iters == Iterations::Times(round) {
                return;
            }
        }
    }
}

/// What a step took on either side.
fn taken<T>(before: &Between<T>, after: &Between<T>) -> Sides {
    let mut taken = Sides::default();
    for lane in 0..LANES {
        taken.low[lane] = after.below[lane] - before.below[lane];
        taken.high[lane] = before.count[lane] - after.count[lane] - taken.low[lane];
    }
    taken
}
