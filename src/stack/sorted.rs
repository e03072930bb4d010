//! The way of sorted columns: what is kept of a pixel is an interval.

use std::f64::consts::FRAC_PI_2;

use super::around::note_ranks;
use super::formulas::MAD_TO_SIGMA;
use super::lanes::{Lanes, Sides};
use super::{StackRoom, Tally};
use crate::kernel::{
    Bounds, Centre, Kept, LANES, Lines, Row, Sample, Spread, Table, Width, bounds_of_kept,
    clip_kept, count_rejected, distances_kept, median_distance_kept, median_kept, sort, sum_kept,
};
use crate::recipe::{Center, Clip, Deviation, Factors, Family, Iterations, Sigma};

/// A block whose columns are sorted, and what is kept of each.
#[derive(Debug)]
pub(super) struct SortedBlock<'a, T> {
    pub(super) width: Width,
    /// Samples, ascending; absent ones last.
    pub(super) sorted: &'a mut [Row<T>],
    /// Ranks that are kept.
    pub(super) kept: Kept,
    /// The same by value.
    pub(super) bounds: Bounds<T>,
    /// The deviation of a signal of 1 in the row of each pixel, where a step wants it.
    pub(super) lit: &'a [f64; LANES],
    /// How many samples of each lane have to stay.
    pub(super) stay: [u32; LANES],
    /// Whether rows of its own have taken the place of those of the strip.
    pub(super) settled: bool,
    pub(super) apart: &'a mut Apart<T>,
}

/// Room for a block of which what is kept is no interval: the samples that are left, in the order of their frames.
#[derive(Debug)]
pub(super) struct Apart<T> {
    pub(super) rows: Vec<Row<T>>,
    /// The same while they are copied.
    pub(super) other: Vec<Row<T>>,
    /// What an iteration would take of each frame, a bit a lane.
    pub(super) marks: Vec<u16>,
    /// What a step has taken of each frame.
    pub(super) gone: Vec<u16>,
    /// What a step needs that goes by lines.
    pub(super) lines: Lines<T>,
}

impl<T: Sample> Apart<T> {
    /// Bytes for so many frames.
    pub(super) fn nbyte(nframe: usize) -> usize {
        if nframe == 0 {
            return 0;
        }
        let a_frame = 2 * size_of::<Row<T>>() + 2 * size_of::<u16>() + Lines::<T>::NBYTE;
        nframe * a_frame + Lines::<T>::NBYTE_MORE
    }

    /// Room for so many frames.
    pub(super) fn new(nframe: usize) -> Self {
        Self {
            rows: vec![Row([T::ABSENT; LANES]); nframe],
            other: vec![Row([T::ABSENT; LANES]); nframe],
            marks: vec![0; nframe],
            gone: vec![0; nframe],
            lines: Lines::new(nframe),
        }
    }
}

impl<'a, T: Sample> SortedBlock<'a, T> {
    /// Sorts a block; everything that is present is kept.
    pub(super) fn new(
        room: &StackRoom,
        rows: &[Row<T>],
        sorted: &'a mut [Row<T>],
        (apart, lit): (&'a mut Apart<T>, &'a [f64; LANES]),
    ) -> Self {
        sort(room.width, rows, sorted);
        let kept = Kept::present(sorted);
        Self {
            width: room.width,
            sorted,
            stay: room.stay(&kept.count()),
            kept,
            bounds: Bounds::all(),
            lit,
            settled: false,
            apart,
        }
    }

    /// The samples that `bounds` is about: those of the strip, or the block's own.
    pub(super) fn rows<'r>(&'r self, rows: &'r [Row<T>]) -> &'r [Row<T>] {
        if self.settled { &self.apart.rows } else { rows }
    }

    /// How many samples of each lane are kept.
    pub(super) fn count(&self) -> [u32; LANES] {
        self.kept.count()
    }

    /// Runs the steps of the chain behind its head.
    pub(super) fn clip(
        &mut self,
        room: &StackRoom,
        rows: &[Row<T>],
        table: &mut Table,
        tally: &mut Tally,
        (lanes, marks): (&mut Lanes, &mut [[u8; LANES]]),
    ) {
        let steps = room.clip[..room.steps()].iter().enumerate();
        for (step, clip) in steps.skip(room.nhead()) {
            let critical = &room.critical[step];
            if let Some(factors) = clip.of_detector()
                && critical.noises().differ()
            {
                self.unlike_frames(room, (step, factors, critical), rows, tally, (lanes, marks));
                continue;
            }
            let mut before = self.kept;
            let mut gives_back = [false; LANES];
            self.step(room, (step, clip), table, &mut gives_back);
            for lane in 0..LANES {
                if gives_back[lane] && lanes.undecided[lane].is_none() {
                    lanes.undecided[lane] = Some(step);
                }
            }
            let mut taken = Sides::default();
            if matches!(clip, Clip::LinearFit(_)) {
                let noted = (tally.frames_mut(step), &mut *marks);
                taken = self.leave_holes(rows, &mut before, &lanes.undecided, noted);
            }
            for lane in 0..LANES {
                if lanes.undecided[lane].is_some() {
                    self.kept.from[lane] = before.from[lane];
                    self.kept.to[lane] = before.to[lane];
                }
                taken.low[lane] += self.kept.from[lane] - before.from[lane];
                taken.high[lane] += before.to[lane] - self.kept.to[lane];
            }
            if tally.step(step, &taken) {
                let after = bounds_of_kept(self.sorted, &self.kept);
                count_rejected(
                    self.width,
                    self.rows(rows),
                    &self.bounds,
                    &after,
                    tally.frames_mut(step),
                );
                self.bounds = after;
                lanes.take(Family::of(clip), &taken);
                let of = self.rows(rows);
                note_ranks(marks, of, (self.sorted, &self.kept), clip);
            }
        }
    }

    /// Runs one step; the lanes that the page is to decide are marked.
    fn step(
        &mut self,
        room: &StackRoom,
        (step, clip): (usize, &Clip),
        table: &mut Table,
        gives_back: &mut [bool; LANES],
    ) {
        let nkeep = &self.stay.clone();
        let critical = &room.critical[step];
        match *clip {
            Clip::Minmax { low, high } => {
                clip_kept(self.sorted, &mut self.kept, &[low; LANES], &[high; LANES]);
            }
            Clip::Extrema { nlow, nhigh } => {
                let before = self.kept;
                self.extrema(nlow, nhigh);
                self.hold(nkeep, &before, gives_back);
            }
            Clip::Sigma(sigma) if sigma.dev == Deviation::Std => {
                self.sigma_std(&sigma, nkeep, gives_back);
            }
            Clip::Sigma(sigma) => self.sigma_mad(&sigma, nkeep, gives_back),
            Clip::Percentile(factors) => self.percentile(factors, nkeep, gives_back),
            Clip::Pclip { rank, factors } => {
                self.pclip((rank, factors), room.nframe, nkeep, gives_back);
            }
            Clip::Winsorized(factors) => self.winsorized(factors, nkeep, table, gives_back),
            Clip::MedianSigma(factors) => self.median_sigma(factors, nkeep, gives_back),
            Clip::LinearFit(factors) => self.linear_fit(factors, nkeep, gives_back),
            Clip::Poisson(factors) => self.poisson(factors, nkeep, gives_back),
            Clip::Esd { fraction, .. } => self.esd(fraction, critical, nkeep),
            Clip::Rcr { .. } => self.rcr(critical, nkeep),
            Clip::Ccd { .. } | Clip::Cr { .. } => {
                if let (Some(factors), Some(noise)) =
                    (clip.of_detector(), critical.noises().shared())
                {
                    self.like_frames((factors, noise), nkeep, gives_back);
                }
            }
            Clip::Auto => {}
        }
    }

    /// Drops samples beyond so many deviations from a centre; none where either is NaN.
    pub(super) fn drop_outside(
        &mut self,
        factors: Factors,
        centre: &[f64; LANES],
        deviation: &[f64; LANES],
    ) {
        let bounds: [_; LANES] =
            std::array::from_fn(|lane| factors.bounds(centre[lane], deviation[lane]));
        clip_kept(
            self.sorted,
            &mut self.kept,
            &bounds.map(|(low, _)| low),
            &bounds.map(|(_, high)| high),
        );
    }

    /// Drops the lowest and the highest; where there are not enough, all.
    fn extrema(&mut self, nlow: usize, nhigh: usize) {
        let narrow = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        for lane in 0..LANES {
            let (from, to) = (&mut self.kept.from[lane], &mut self.kept.to[lane]);
            *from += narrow(nlow).min(*to - *from);
            *to -= narrow(nhigh).min(*to - *from);
        }
    }

    /// Undoes an iteration where it left fewer than `nkeep` and there is no choice of what comes back; where there is, the lane is
    /// marked. Returns whether anything was undone.
    pub(super) fn hold(
        &mut self,
        nkeep: &[u32; LANES],
        before: &Kept,
        gives_back: &mut [bool; LANES],
    ) -> bool {
        let mut undone = false;
        for lane in 0..LANES {
            let (was, is) = (
                before.to[lane] - before.from[lane],
                self.kept.to[lane] - self.kept.from[lane],
            );
            if is < was && is < nkeep[lane] {
                gives_back[lane] |= was > nkeep[lane];
                self.kept.from[lane] = before.from[lane];
                self.kept.to[lane] = before.to[lane];
                undone = true;
            }
        }
        undone
    }

    /// Drops samples far from the centre by their standard deviation, as often as asked.
    fn sigma_std(&mut self, sigma: &Sigma, nkeep: &[u32; LANES], gives_back: &mut [bool; LANES]) {
        let width = self.width;
        let centre = match sigma.center {
            Center::Mean => Centre::Mean,
            Center::Median => Centre::Median,
        };
        let mut spread = Spread::of_ranks(width, self.sorted, &self.kept);
        let mut open = self.kept;
        let mut round = 0;
        loop {
            let before = self.kept;
            let how = (centre, &sigma.reach());
            let changed = spread.clip_ranks(width, self.sorted, &mut self.kept, &mut open, how);
            if self.hold(nkeep, &before, gives_back) {
                open = self.kept.where_changed(&before);
            }
            round += 1;
            if !changed || sigma.iters == Iterations::Times(round) {
                return;
            }
        }
    }

    /// Drops samples far from the centre by their median distance, as often as asked.
    fn sigma_mad(&mut self, sigma: &Sigma, nkeep: &[u32; LANES], gives_back: &mut [bool; LANES]) {
        let mut round = 0;
        // A lane from which an iteration took nothing is done: what would be done to it again is what was done.
        let mut open = self.kept;
        loop {
            let before = self.kept;
            let (centre, deviation) = self.centre_and_deviation(&open, sigma);
            let bounds: [_; LANES] =
                std::array::from_fn(|lane| sigma.reach().bounds(centre[lane], deviation[lane]));
            clip_kept(
                self.sorted,
                &mut self.kept,
                &bounds.map(|(low, _)| low),
                &bounds.map(|(_, high)| high),
            );
            self.hold(nkeep, &before, gives_back);
            round += 1;
            if self.kept == before || sigma.iters == Iterations::Times(round) {
                return;
            }
            open = self.kept.where_changed(&before);
        }
    }

    /// The centre of what is kept of each lane, and its deviation by the median distance; NaN where nothing is, so that nothing more is dropped.
    fn centre_and_deviation(&self, kept: &Kept, sigma: &Sigma) -> ([f64; LANES], [f64; LANES]) {
        let Self { width, sorted, .. } = self;
        let n = kept.count().map(f64::from);
        let over_n =
            |sum: [f64; LANES]| -> [f64; LANES] { std::array::from_fn(|lane| sum[lane] / n[lane]) };
        let middle = median_kept(sorted, kept);
        let mut mad = median_distance_kept(*width, sorted, kept, &middle).map(|d| MAD_TO_SIGMA * d);
        if mad.contains(&0.0) {
            let distance = over_n(distances_kept(*width, sorted, kept, &middle));
            for lane in 0..LANES {
                if mad[lane] == 0.0 {
                    mad[lane] = FRAC_PI_2.sqrt() * distance[lane];
                }
            }
        }
        let centre = match sigma.center {
            Center::Mean => over_n(sum_kept(*width, sorted, kept)),
            Center::Median => middle,
        };
        (centre, mad)
    }
}
