//! The stack at one pixel, as REFERENCE has it: plain, slow, with every frame by its number.
//!
//! The twin that the fast paths are tested against, to the bit. The program itself takes it for the pixels that the fast
//! paths do not decide: where `--nkeep` gives samples back (which frame comes first matters there), and for bounds in the
//! units of the frames that follow another step on scaled frames (what is kept is then no interval of the scaled samples).

mod combine;
mod detector;
mod esd;
mod linear_fit;
mod median_sigma;
mod outward;
mod pclip;
mod percentile;
mod poisson;
mod rcr;
#[cfg(test)]
mod tests;
mod winsorized;

use std::f64::consts::FRAC_PI_2;

use super::critical::Critical;
use super::formulas::MAD_TO_SIGMA;
use crate::recipe::{Center, Clip, Deviation, Iterations, Method, Sigma, Uncertainty, stay};

/// What is done at a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// The clip steps.
    pub(crate) clip: &'a [Clip],
    /// What each of them compares with.
    pub(crate) critical: &'a [Critical],
    /// The deviation of a signal of 1 in the row of the pixel, for the step that wants it.
    pub(crate) light: f64,
    /// A step that would leave fewer gives back; where it is negative, that would take more.
    pub(crate) nkeep: i64,
    /// How the rest become one value.
    pub(crate) method: Method,
    /// What the uncertainty is made from.
    pub(crate) uncertainty: Uncertainty,
    /// Whether sums without weights run in ascending order of the samples (where they were sorted) or in frame order.
    pub(crate) ascending: bool,
}

/// The samples of a pixel, one a frame; absent ones are +∞ in `y`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Samples<'a> {
    /// Before scaling: what `minmax` compares.
    pub(crate) x: &'a [f64],
    /// After.
    pub(crate) y: &'a [f64],
    /// Weights, if any.
    pub(crate) weight: Option<&'a [f64]>,
    /// Uncertainties scaled as `y` is, if any.
    pub(crate) deviation: Option<&'a [f64]>,
}

/// What came of a pixel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct PixelValue {
    /// The combined value; NaN where nothing was left.
    pub(crate) value: f64,
    /// Its standard deviation; NaN where it cannot be told.
    pub(crate) uncertainty: f64,
    /// Samples left.
    pub(crate) count: u32,
    /// Samples that the steps took on the low side.
    pub(crate) low: u32,
    /// Samples that the steps took on the high side.
    pub(crate) high: u32,
}

/// Room for one pixel, made once and used again.
#[derive(Debug, Default)]
pub(crate) struct Page {
    /// Whether the sample of each frame is kept.
    kept: Vec<bool>,
    /// The step that took the sample of each frame, and whether on its low side.
    pub(crate) taken: Vec<Option<(u32, bool)>>,
    /// Frames in the order that a step asks for.
    order: Vec<u32>,
    /// Numbers of the kept samples.
    numbers: Vec<f64>,
    /// Frames that the present iteration of a step took, with the distance of their samples from its centre.
    took: Vec<(f64, u32)>,
    /// Distances, sorted.
    distances: Vec<f64>,
    /// Whether the sample of each frame stood above the middle when the step began.
    upper: Vec<bool>,
}

impl Page {
    /// Bytes a frame that a page takes.
    pub(crate) const NBYTE: usize = 1 + 12 + 4 + 8 + 16 + 8 + 1;

    /// Room for `nframe` samples.
    pub(crate) fn new(nframe: usize) -> Self {
        Self {
            kept: vec![false; nframe],
            taken: vec![None; nframe],
            order: Vec::with_capacity(nframe),
            numbers: Vec::with_capacity(nframe),
            took: Vec::with_capacity(nframe),
            distances: Vec::with_capacity(nframe),
            upper: vec![false; nframe],
        }
    }

    /// Combines one pixel; afterwards `taken` says what became of each frame.
    pub(crate) fn pixel(&mut self, rules: &Rules<'_>, samples: &Samples<'_>) -> PixelValue {
        for (frame, &y) in samples.y.iter().enumerate() {
            self.kept[frame] = y.is_finite();
            self.taken[frame] = None;
        }
        let y = samples.y;
        let mut nkeep = None;
        for ((step, clip), critical) in (0..).zip(rules.clip).zip(rules.critical) {
            if let Clip::Minmax { low, high } = *clip {
                self.minmax(step, samples.x, low, high);
                continue;
            }
            let present = || self.kept.iter().filter(|kept| **kept).count();
            let nkeep = *nkeep.get_or_insert_with(|| stay(rules.nkeep, present()));
            match *clip {
                Clip::Minmax { .. } | Clip::Auto => {}
                Clip::Extrema { nlow, nhigh } => self.extrema(step, y, nlow, nhigh, nkeep),
                Clip::Sigma(sigma) => self.sigma(step, y, &sigma, (rules.ascending, nkeep)),
                Clip::Percentile(factors) => self.percentile(step, y, factors, nkeep),
                Clip::Pclip { rank, factors } => self.pclip(step, y, (rank, factors), nkeep),
                Clip::Winsorized(factors) => self.winsorized(step, y, factors, nkeep),
                Clip::MedianSigma(factors) => self.median_sigma(step, y, factors, nkeep),
                Clip::LinearFit(factors) => self.linear_fit(step, y, factors, nkeep),
                Clip::Poisson(factors) => self.poisson(step, y, (factors, rules.light), nkeep),
                Clip::Esd { fraction, .. } => self.esd(step, y, (fraction, critical), nkeep),
                Clip::Rcr { .. } => self.rcr(step, y, critical, nkeep),
                Clip::Ccd { .. } | Clip::Cr { .. } => {
                    if let Some(factors) = clip.of_detector() {
                        self.detector(step, y, (factors, critical), nkeep);
                    }
                }
            }
        }
        self.combine(rules, samples)
    }

    /// Drops samples outside the bounds.
    fn minmax(&mut self, step: u32, x: &[f64], low: f64, high: f64) {
        for (frame, &x) in x.iter().enumerate() {
            if self.kept[frame] && (x < low || x > high) {
                self.take(step, frame, x < low);
            }
        }
    }

    /// Drops the lowest and highest; of equal samples the earlier frame is lower.
    fn extrema(&mut self, step: u32, y: &[f64], nlow: usize, nhigh: usize, nkeep: usize) {
        let n = self.column(y);
        let centre = median(&self.numbers);
        let nlow = nlow.min(n);
        let nhigh = nhigh.min(n - nlow);
        self.drop_ends(step, nlow, nhigh);
        for (distance, frame) in &mut self.took {
            *distance = (y[*frame as usize] - centre).abs();
        }
        self.give_back(nkeep);
    }

    /// Puts the kept samples into `numbers`, ascending, and their frames into `order`; of equal samples the earlier frame is lower.
    /// Returns how many there are.
    fn column(&mut self, y: &[f64]) -> usize {
        self.order.clear();
        self.order.extend(
            (0..)
                .zip(&self.kept)
                .filter(|(_, kept)| **kept)
                .map(|(frame, _): (u32, _)| frame),
        );
        // Adding 0 makes −0 the equal of 0.
        let value = |frame: u32| y[frame as usize] + 0.0;
        self.order
            .sort_by(|&a, &b| value(a).total_cmp(&value(b)).then(a.cmp(&b)));
        self.numbers.clear();
        self.numbers
            .extend(self.order.iter().map(|&frame| value(frame)));
        self.order.len()
    }

    /// Takes what is no longer kept out of the column.
    fn shorten(&mut self, y: &[f64]) {
        self.order.retain(|&frame| self.kept[frame as usize]);
        self.numbers.clear();
        self.numbers
            .extend(self.order.iter().map(|&frame| y[frame as usize] + 0.0));
    }

    /// Notes which half of the column each sample is in.
    fn note_halves(&mut self) {
        let middle = self.order.len() / 2;
        for (rank, frame) in self.order.iter().enumerate() {
            self.upper[*frame as usize] = rank >= middle;
        }
    }

    /// How many samples of the column were in the lower half when halves were noted.
    fn lower(&self) -> usize {
        let upper = |frame: &&u32| !self.upper[**frame as usize];
        self.order.iter().filter(upper).count()
    }

    /// Drops so many of the lowest and of the highest of the column.
    fn drop_ends(&mut self, step: u32, nlow: usize, nhigh: usize) {
        let n = self.order.len();
        self.took.clear();
        for rank in (0..nlow).chain(n - nhigh..n) {
            let frame = self.order[rank];
            self.take(step, frame as usize, rank < nlow);
            self.took.push((0.0, frame));
        }
    }

    /// Drops samples beyond the bounds, but gives back as many as `nkeep` asks for; returns whether anything is gone.
    fn drop_outside(
        &mut self,
        step: u32,
        y: &[f64],
        (centre, low, high): (f64, f64, f64),
        nkeep: usize,
    ) -> bool {
        self.took.clear();
        for (frame, &y) in (0..).zip(y) {
            if self.kept[frame as usize] && (y < low || y > high) {
                self.take(step, frame as usize, y < low);
                self.took.push(((y - centre).abs(), frame));
            }
        }
        self.give_back(nkeep);
        !self.took.is_empty()
    }

    /// Drops samples far from the centre, as often as asked.
    fn sigma(&mut self, step: u32, y: &[f64], sigma: &Sigma, (ascending, nkeep): (bool, usize)) {
        let mut round = 0;
        loop {
            let Some((centre, deviation)) = self.centre_and_deviation(y, sigma, ascending) else {
                return;
            };
            let (low, high) = sigma.reach().bounds(centre, deviation);
            let changed = self.drop_outside(step, y, (centre, low, high), nkeep);
            round += 1;
            if !changed || sigma.iters == Iterations::Times(round) {
                return;
            }
        }
    }

    /// The centre of the kept samples and their deviation; `None` where none is left.
    fn centre_and_deviation(
        &mut self,
        y: &[f64],
        sigma: &Sigma,
        ascending: bool,
    ) -> Option<(f64, f64)> {
        let middle = median(self.sorted(y));
        if self.numbers.is_empty() {
            return None;
        }
        let n = self.numbers.len() as f64;
        let mean = self.sum(y, ascending, |y| y) / n;
        let centre = match sigma.center {
            Center::Median => middle,
            Center::Mean => mean,
        };
        let deviation = match sigma.dev {
            Deviation::Std => (self.sum(y, ascending, |y| (y - mean) * (y - mean)) / n).sqrt(),
            Deviation::Mad => match MAD_TO_SIGMA * self.median_distance(y, middle) {
                0.0 => FRAC_PI_2.sqrt() * (self.sum(y, ascending, |y| (y - middle).abs()) / n),
                mad => mad,
            },
        };
        Some((centre, deviation))
    }

    /// Where fewer than `nkeep` are left, gives back what the iteration took, nearest first, ties in frame order.
    fn give_back(&mut self, nkeep: usize) {
        let left = self.kept.iter().filter(|kept| **kept).count();
        self.took
            .sort_by(|(near, a), (far, b)| near.total_cmp(far).then(a.cmp(b)));
        let given = nkeep.saturating_sub(left).min(self.took.len());
        for (_, frame) in self.took.drain(..given) {
            self.kept[frame as usize] = true;
            self.taken[frame as usize] = None;
        }
    }

    /// Marks a sample as taken.
    fn take(&mut self, step: u32, frame: usize, low: bool) {
        self.kept[frame] = false;
        self.taken[frame] = Some((step, low));
    }

    /// The kept samples, ascending.
    fn sorted(&mut self, y: &[f64]) -> &[f64] {
        self.numbers.clear();
        self.numbers.extend(
            y.iter()
                .zip(&self.kept)
                .filter(|(_, kept)| **kept)
                .map(|(y, _)| *y),
        );
        self.numbers.sort_unstable_by(f64::total_cmp);
        &self.numbers
    }

    /// Sums a term over the kept samples, in ascending or frame order.
    fn sum(&mut self, y: &[f64], ascending: bool, term: impl Fn(f64) -> f64) -> f64 {
        if ascending {
            self.sorted(y).iter().fold(0.0, |sum, &y| sum + term(y))
        } else {
            y.iter()
                .zip(&self.kept)
                .filter(|(_, kept)| **kept)
                .fold(0.0, |sum, (&y, _)| sum + term(y))
        }
    }

    /// The median of |y − centre| over the kept samples.
    fn median_distance(&mut self, y: &[f64], centre: f64) -> f64 {
        self.numbers.clear();
        let kept = y.iter().zip(&self.kept).filter(|(_, kept)| **kept);
        self.numbers.extend(kept.map(|(y, _)| (y - centre).abs()));
        self.numbers.sort_unstable_by(f64::total_cmp);
        median(&self.numbers)
    }
}

/// The middle number, or the mean of the middle two; NaN of none.
fn median(sorted: &[f64]) -> f64 {
    match sorted.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => sorted[n / 2],
        n => halfway(sorted[n / 2 - 1], sorted[n / 2]),
    }
}

/// The mean of two numbers, also where their sum overflows.
fn halfway(a: f64, b: f64) -> f64 {
    let sum = a + b;
    if sum.is_finite() {
        sum / 2.0
    } else {
        a / 2.0 + b / 2.0
    }
}
