//! The stack at one pixel, as REFERENCE has it: plain, slow, with every frame by its number.
//!
//! The twin that the fast paths are tested against, to the bit. The program itself takes it for the pixels that the fast
//! paths do not decide: where `--nkeep` gives samples back (which frame comes first matters there), and for bounds in the
//! units of the frames that follow another step on scaled frames (what is kept is then no interval of the scaled samples).

use std::f64::consts::FRAC_PI_2;

use super::formulas::{MAD_TO_SIGMA, median_scatter, moment_scatter, propagated};
use crate::recipe::{Center, Clip, Deviation, Iterations, Method, Sigma, Uncertainty};

/// What is done at a pixel.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'a> {
    /// The clip steps.
    pub(crate) clip: &'a [Clip],
    /// A step that would leave fewer gives back.
    pub(crate) nkeep: usize,
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
    /// Frames that the present iteration of a step took.
    took: Vec<u32>,
}

impl Page {
    /// Bytes a frame that a page takes.
    pub(crate) const NBYTE: usize = 1 + 12 + 4 + 8 + 4;

    /// Room for `nframe` samples.
    pub(crate) fn new(nframe: usize) -> Self {
        Self {
            kept: vec![false; nframe],
            taken: vec![None; nframe],
            order: Vec::with_capacity(nframe),
            numbers: Vec::with_capacity(nframe),
            took: Vec::with_capacity(nframe),
        }
    }

    /// Combines one pixel; afterwards `taken` says what became of each frame.
    pub(crate) fn pixel(&mut self, rules: &Rules<'_>, samples: &Samples<'_>) -> PixelValue {
        for (frame, &y) in samples.y.iter().enumerate() {
            self.kept[frame] = y.is_finite();
            self.taken[frame] = None;
        }
        for (step, clip) in (0..).zip(rules.clip) {
            match *clip {
                Clip::Minmax { low, high } => self.minmax(step, samples.x, low, high),
                Clip::Extrema { nlow, nhigh } => {
                    self.extrema(step, samples.y, nlow, nhigh, rules.nkeep);
                }
                Clip::Sigma(sigma) => self.sigma(step, samples.y, &sigma, rules),
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
        let centre = median(self.sorted(y));
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
        let nlow = nlow.min(self.order.len());
        let nhigh = nhigh.min(self.order.len() - nlow);
        let first_high = self.order.len() - nhigh;
        self.took.clear();
        for rank in (0..nlow).chain(first_high..self.order.len()) {
            let frame = self.order[rank];
            self.take(step, frame as usize, rank < nlow);
            self.took.push(frame);
        }
        self.give_back(y, centre, nkeep);
    }

    /// Drops samples far from the centre, as often as asked.
    fn sigma(&mut self, step: u32, y: &[f64], sigma: &Sigma, rules: &Rules<'_>) {
        let mut round = 0;
        loop {
            let Some((centre, deviation)) = self.centre_and_deviation(y, sigma, rules.ascending)
            else {
                return;
            };
            let (low, high) = sigma.reach().bounds(centre, deviation);
            self.took.clear();
            for (frame, &y) in (0..).zip(y) {
                if self.kept[frame as usize] && (y < low || y > high) {
                    self.take(step, frame as usize, y < low);
                    self.took.push(frame);
                }
            }
            self.give_back(y, centre, rules.nkeep);
            round += 1;
            if self.took.is_empty() || sigma.iters == Iterations::Times(round) {
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

    /// Where fewer than `nkeep` are left, gives back what the iteration took, nearest the centre first, ties in frame order.
    fn give_back(&mut self, y: &[f64], centre: f64, nkeep: usize) {
        let left = self.kept.iter().filter(|kept| **kept).count();
        let distance = |frame: u32| (y[frame as usize] - centre).abs();
        self.took
            .sort_by(|&a, &b| distance(a).total_cmp(&distance(b)).then(a.cmp(&b)));
        let given = nkeep.saturating_sub(left).min(self.took.len());
        for frame in self.took.drain(..given) {
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

    /// One value, and its uncertainty, from what is kept.
    fn combine(&mut self, rules: &Rules<'_>, samples: &Samples<'_>) -> PixelValue {
        let side = |low: bool| move |taken: &&Option<(u32, bool)>| matches!(taken, Some((_, l)) if *l == low);
        let count = |low: bool| {
            u32::try_from(self.taken.iter().filter(side(low)).count()).unwrap_or(u32::MAX)
        };
        let (low, high) = (count(true), count(false));
        let nkept = self.kept.iter().filter(|kept| **kept).count();
        let weighted = samples.weight.is_some() && rules.method != Method::Median;
        let moments = if weighted {
            self.weighted_moments(samples)
        } else {
            self.plain_moments(rules, samples)
        };
        if nkept == 0 || moments.weight == 0.0 {
            return PixelValue {
                value: f64::NAN,
                uncertainty: f64::NAN,
                count: 0,
                low,
                high,
            };
        }
        let mean = moments.sum / moments.weight;
        let middle = if rules.method == Method::Median {
            median(self.sorted(samples.y))
        } else {
            f64::NAN
        };
        let value = match rules.method {
            Method::Average => mean,
            Method::Sum => moments.sum,
            Method::Median => middle,
        };
        let uncertainty = match (rules.uncertainty, rules.method) {
            (Uncertainty::None, _) => f64::NAN,
            (Uncertainty::Scatter, Method::Median) => {
                let distance = self.median_distance(samples.y, middle);
                median_scatter(distance, nkept as f64)
            }
            (Uncertainty::Scatter, method) => {
                let squares = match samples.weight.filter(|_| weighted) {
                    None => self.sum(samples.y, rules.ascending, |y| (y - mean) * (y - mean)),
                    Some(weights) => {
                        self.over_frames(|f| square(weights[f] * (samples.y[f] - mean)))
                    }
                };
                moment_scatter(method, squares, moments.n, moments.weight)
            }
            (Uncertainty::Propagate, method) => {
                let u = samples
                    .deviation
                    .expect("a run that propagates has uncertainties");
                let squares = match samples.weight.filter(|_| weighted) {
                    None => self.over_frames(|f| u[f] * u[f]),
                    Some(weights) => {
                        self.over_frames(|f| (weights[f] * weights[f]) * (u[f] * u[f]))
                    }
                };
                propagated(method, squares, moments.n, moments.weight)
            }
        };
        // Adding 0 makes −0 a 0, as the sort of the fast paths does.
        PixelValue {
            value: value + 0.0,
            uncertainty,
            count: u32::try_from(nkept).unwrap_or(u32::MAX),
            low,
            high,
        }
    }

    /// Sums a term over the kept frames, in frame order.
    fn over_frames(&self, term: impl Fn(usize) -> f64) -> f64 {
        let kept = self.kept.iter().enumerate().filter(|(_, kept)| **kept);
        kept.fold(0.0, |sum, (frame, _)| sum + term(frame))
    }

    fn plain_moments(&mut self, rules: &Rules<'_>, samples: &Samples<'_>) -> Moments {
        let n = self.kept.iter().filter(|kept| **kept).count() as f64;
        Moments {
            weight: n,
            sum: self.sum(samples.y, rules.ascending, |y| y),
            n,
        }
    }

    fn weighted_moments(&self, samples: &Samples<'_>) -> Moments {
        let w = samples
            .weight
            .expect("asked for only where there are weights");
        Moments {
            weight: self.over_frames(|f| w[f]),
            sum: self.over_frames(|f| w[f] * samples.y[f]),
            n: self.over_frames(|f| if w[f] > 0.0 { 1.0 } else { 0.0 }),
        }
    }
}

/// Σw, Σwy and the number of samples of positive weight.
struct Moments {
    weight: f64,
    sum: f64,
    n: f64,
}

fn square(v: f64) -> f64 {
    v * v
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
