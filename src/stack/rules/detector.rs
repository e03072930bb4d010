//! `ccd:LOW,HIGH,gain=,rdnoise=,snoise=` and `cr:HIGH,...`: samples that the noise of their detector does not explain; `cr` on the high side
//! alone. From 2 samples on, again and again until nothing goes.
//!
//! m is the median, I = max(0, (m − b)/a) the signal that a frame has there in its own units, where y = x·a + b are its scaled samples. Then
//! σ² = a²·((rdnoise/gain)² + I/gain + (snoise·I)²), and y < m − LOW·σ and y > m + HIGH·σ go, which is asked by the squares of both
//! sides. The gain is in electrons per unit of x; where the calibration makes electrons it is 1. Without any noise, nothing goes.
//!
//! *Source*: IRAF imcombine `ccdclip` and `crreject`. *Assumes* that gain and read noise are known, and that samples hold all the light that
//! fell: a sky that was subtracted before makes noise that the rule does not know of. *Use* it for few frames, `cr` for two.
//! *Differs*: IRAF looks from both ends of the sorted samples and stops at the first that stays; among frames of unlike noise a deviant
//! behind a noisy sample is kept. Here each is judged by its own frame. Without noise IRAF takes all but the median.
//!
//! Where all frames have the same noise, what stays is an interval. Where not, what goes is made absent in a copy of the block, row by row, and
//! taken out of the sorted rows.

use super::super::around::note_of;
use super::super::critical::Critical;
use super::super::detector::far;
use super::super::lanes::{Lanes, Sides};
use super::super::sorted::SortedBlock;
use super::super::{StackRoom, Tally};
use crate::kernel::{
    Bounds, FrameNoise, Kept, LANES, Row, Sample, copy_kept, far_samples, median_kept, sort,
    take_sorted,
};
use crate::recipe::{Factors, Family};

/// Where more samples than this part of a block go at once, it is sorted anew.
const MANY: usize = 8;

impl<T: Sample> SortedBlock<'_, T> {
    /// Frames of the same noise.
    pub(in super::super) fn like_frames(
        &mut self,
        (factors, noise): (Factors, FrameNoise),
        stay: &[u32; LANES],
        gives_back: &mut [bool; LANES],
    ) {
        let far = far(factors);
        let mut open = self.kept;
        loop {
            let before = self.kept;
            open = open.where_at_least(2);
            let centre = median_kept(self.sorted, &open);
            for (lane, centre) in centre.into_iter().enumerate() {
                let variance = noise.variance(centre);
                let goes = |row: u32, below: bool| {
                    let sample = self.sorted[row as usize].0[lane].to_f64();
                    (sample < centre) == below && far.has(sample, centre, variance)
                };
                let (mut from, mut to) = (self.kept.from[lane], self.kept.to[lane]);
                while from < to && goes(from, true) {
                    from += 1;
                }
                while from < to && goes(to - 1, false) {
                    to -= 1;
                }
                (self.kept.from[lane], self.kept.to[lane]) = (from, to);
            }
            self.hold(stay, &before, gives_back);
            if self.kept == before {
                return;
            }
            open = self.kept.where_changed(&before);
        }
    }

    /// Frames each of which has noise of its own.
    pub(in super::super) fn unlike_frames(
        &mut self,
        room: &StackRoom,
        (step, factors, critical): (usize, Factors, &Critical),
        rows: &[Row<T>],
        tally: &mut Tally,
        (lanes, marks): (&mut Lanes, &mut [[u8; LANES]]),
    ) {
        let far = far(factors);
        let noise = critical.noises().frames();
        self.settle(rows);
        self.apart.gone.fill(0);
        let mut taken = Sides::default();
        let mut open = self.kept;
        loop {
            open = open.where_at_least(2);
            let centre = median_kept(self.sorted, &open);
            let apart = &mut *self.apart;
            let marked = far_samples(
                self.width,
                (&apart.rows, noise),
                &centre,
                far,
                &mut apart.marks,
            );
            let marked = self.held(marked, (step, room), lanes);
            if marked == 0 {
                break;
            }
            let before = self.kept;
            self.take_marked(marked, &centre, (&mut taken, marks));
            open = self.kept.where_changed(&before);
        }
        let mut decided = 0;
        for lane in 0..LANES {
            if lanes.undecided[lane].is_none() {
                decided |= 1 << lane;
            } else {
                (taken.low[lane], taken.high[lane]) = (0, 0);
            }
        }
        if tally.step(step, &taken) {
            for (count, gone) in tally.frames_mut(step).iter_mut().zip(&self.apart.gone) {
                *count += u64::from((gone & decided).count_ones());
            }
            lanes.take(Family::Deviation, &taken);
        }
    }

    /// Leaves in a copy of the block what is kept, so that from here on all that is there is kept.
    fn settle(&mut self, rows: &[Row<T>]) {
        let rows = if self.settled {
            // Steps since then have taken ends of columns.
            let kept = std::mem::replace(&mut self.bounds, Bounds::all());
            if kept == Bounds::all() {
                return;
            }
            let apart = &mut *self.apart;
            copy_kept(self.width, &apart.rows, &kept, &mut apart.other);
            std::mem::swap(&mut apart.rows, &mut apart.other);
            &apart.rows
        } else {
            let kept = std::mem::replace(&mut self.bounds, Bounds::all());
            self.settled = true;
            if kept == Bounds::all() {
                self.apart.rows.copy_from_slice(rows);
                return;
            }
            copy_kept(self.width, rows, &kept, &mut self.apart.rows);
            &self.apart.rows
        };
        sort(self.width, rows, self.sorted);
        self.kept = Kept::present(self.sorted);
    }

    /// The lanes of which what is marked may go: too few would stay in the others. Where there is a choice of what stays, the page decides.
    fn held(&self, marked: u16, (step, room): (usize, &StackRoom), lanes: &mut Lanes) -> u16 {
        if room.nkeep == 0 || marked == 0 {
            return marked;
        }
        let mut held = marked;
        for lane in (0..LANES).filter(|lane| marked >> lane & 1 == 1) {
            let marks = self.apart.marks.iter();
            let goes: u32 = marks.map(|mark| u32::from(mark >> lane & 1)).sum();
            let n = self.kept.to[lane];
            if n - goes < self.stay[lane] {
                held &= !(1 << lane);
                if n > self.stay[lane] && lanes.undecided[lane].is_none() {
                    lanes.undecided[lane] = Some(step);
                }
            }
        }
        held
    }

    /// Takes what is marked out of these lanes.
    fn take_marked(
        &mut self,
        lanes: u16,
        centre: &[f64; LANES],
        (taken, noted): (&mut Sides, &mut [[u8; LANES]]),
    ) {
        let apart = &mut *self.apart;
        let marks = apart.marks.iter();
        let ngone: u32 = marks.map(|mark| (mark & lanes).count_ones()).sum();
        let anew = ngone as usize > apart.rows.len() / MANY + LANES;
        for (frame, mark) in apart.marks.iter().enumerate() {
            let mut mark = mark & lanes;
            apart.gone[frame] |= mark;
            while mark != 0 {
                let lane = mark.trailing_zeros() as usize;
                mark &= mark - 1;
                let sample = std::mem::replace(&mut apart.rows[frame].0[lane], T::ABSENT);
                let is_high = sample.to_f64() >= centre[lane];
                let side = if is_high {
                    &mut taken.high
                } else {
                    &mut taken.low
                };
                side[lane] += 1;
                if let Some(noted) = noted.get_mut(frame) {
                    noted[lane] = note_of(Family::Deviation, !is_high);
                }
                if !anew {
                    take_sorted(self.sorted, &mut self.kept.to[lane], lane, sample, is_high);
                }
            }
        }
        if anew {
            sort(self.width, &apart.rows, self.sorted);
            self.kept = Kept::present(self.sorted);
        }
    }
}
