//! One block of 16 pixels: the way through it, and the values that come of what is kept.

use super::formulas::{MAD_TO_SIGMA, median_scatter, mode, moment_scatter, propagated, quantile};
use super::lanes::{Beside, Lanes};
use super::propagate::variances;
use super::sorted::SortedBlock;
use super::{Scratch, StackRoom, Way};
use crate::kernel::{
    Between, Bounds, LANES, Row, Sample, Weights, median_distance_kept, median_kept, squares_all,
    squares_between, squares_kept, sum_all, sum_between, sum_kept, weighted_between,
    weighted_squares_between,
};
use crate::recipe::{Method, Uncertainty};

/// What the chain kept of a block.
#[derive(Debug)]
pub(super) enum What<'a, T> {
    /// Intervals of sorted columns.
    Sorted(&'a SortedBlock<'a, T>),
    /// Everything: no sample is absent.
    All,
    /// What lies between values.
    Between(&'a Between<T>),
}

impl StackRoom {
    /// Clips and combines a block.
    pub(super) fn block<T: Sample>(
        &self,
        block: usize,
        nused: usize,
        scratch: &mut Scratch<T>,
        lanes: &mut Lanes,
    ) {
        let place = block * self.nframe..(block + 1) * self.nframe;
        let Scratch {
            way,
            rows,
            sorted,
            apart,
            deviations,
            weights,
            table,
            tally,
            marks,
            lit,
            ..
        } = scratch;
        let rows = &rows[place.clone()];
        let weights = match (self.weighs(), &self.weights) {
            (false, _) => None,
            (true, Some(frames)) => Some(Weights::PerFrame(frames)),
            (true, None) => Some(Weights::PerSample(&weights[place.clone()])),
        };
        let beside = Beside {
            deviations: deviations.get(place).unwrap_or_default(),
            weights,
        };
        match *way {
            Way::Sorted => {
                let mut sorted = SortedBlock::new(self, rows, sorted, (apart, lit));
                sorted.clip(self, rows, table, tally, (lanes, marks));
                if self.method.has_moments() {
                    let rows = sorted.rows(rows);
                    self.moments(rows, &What::Sorted(&sorted), beside, lanes);
                } else {
                    self.ranked(sorted.rows(rows), &sorted, beside, lanes);
                }
            }
            Way::Moments => {
                let full = !self.may_be_absent && nused == LANES;
                let what = self.clip_moments(rows, full, tally, (lanes, marks));
                let what = what.as_ref().map_or(What::All, What::Between);
                self.moments(rows, &what, beside, lanes);
            }
            Way::Page => lanes.undecided[..nused].fill(Some(0)),
        }
        for lane in 0..nused {
            if let Some(step) = lanes.undecided[lane] {
                self.page(block, lane, step, scratch, lanes);
            }
        }
    }

    /// Averages or sums of a block, and their uncertainties.
    fn moments<T: Sample>(
        &self,
        rows: &[Row<T>],
        what: &What<'_, T>,
        beside: Beside<'_>,
        lanes: &mut Lanes,
    ) {
        let width = self.width;
        let all = Bounds::all();
        let (bounds, count) = match what {
            What::Sorted(block) => (&block.bounds, block.count()),
            What::All => (
                &all,
                [u32::try_from(rows.len()).expect("frames are counted in u32"); LANES],
            ),
            What::Between(kept) => (&kept.bounds, kept.count),
        };
        let (weight, sum, n) = match &beside.weights {
            Some(weights) => {
                let moments = weighted_between(width, rows, *weights, bounds);
                (moments.weight, moments.sum, moments.count.map(f64::from))
            }
            None => {
                let sum = match what {
                    What::Sorted(block) => sum_kept(width, block.sorted, &block.kept),
                    What::All => sum_all(width, rows),
                    What::Between(_) => sum_between(width, rows, bounds),
                };
                (count.map(f64::from), sum, count.map(f64::from))
            }
        };
        let mean: [f64; LANES] = std::array::from_fn(|lane| sum[lane] / weight[lane]);
        let squares_about = |centre: &[f64; LANES]| match (&beside.weights, what) {
            (Some(weights), _) => weighted_squares_between(width, rows, *weights, bounds, centre),
            (None, What::Sorted(block)) => squares_kept(width, block.sorted, &block.kept, centre),
            (None, What::All) => squares_all(width, rows, centre),
            (None, What::Between(_)) => squares_between(width, rows, bounds, centre),
        };
        let squares = match (self.method, self.uncertainty) {
            (Method::Quadrature, _) => squares_about(&[0.0; LANES]),
            (Method::Std, _) | (_, Uncertainty::Scatter) => squares_about(&mean),
            (_, Uncertainty::None) => [f64::NAN; LANES],
            (_, Uncertainty::Propagate) => variances(width, rows, bounds, beside),
        };
        lanes.count = count;
        for lane in 0..LANES {
            if count[lane] == 0 || weight[lane] == 0.0 {
                lanes.nothing(lane);
                continue;
            }
            lanes.value[lane] = 0.0
                + match self.method {
                    Method::Sum => sum[lane],
                    Method::Std => (squares[lane] / (n[lane] - 1.0)).sqrt(),
                    Method::Quadrature => squares[lane].sqrt() / weight[lane],
                    _ => mean[lane],
                };
            lanes.uncertainty[lane] = match self.uncertainty {
                _ if !self.method.has_uncertainty() => f64::NAN,
                Uncertainty::None => f64::NAN,
                Uncertainty::Scatter => {
                    moment_scatter(self.method, squares[lane], n[lane], weight[lane])
                }
                Uncertainty::Propagate => {
                    propagated(self.method, squares[lane], n[lane], weight[lane])
                }
            };
        }
    }

    /// What the order of the samples of a block gives, and its uncertainties.
    fn ranked<T: Sample>(
        &self,
        rows: &[Row<T>],
        block: &SortedBlock<'_, T>,
        beside: Beside<'_>,
        lanes: &mut Lanes,
    ) {
        lanes.count = block.count();
        let n = lanes.count.map(f64::from);
        let middle = median_kept(block.sorted, &block.kept);
        let distance = || median_distance_kept(self.width, block.sorted, &block.kept, &middle);
        lanes.value = match self.method {
            Method::Mad => distance().map(|mad| MAD_TO_SIGMA * mad),
            Method::Median => middle,
            Method::Lmedian => std::array::from_fn(|lane| match lanes.count[lane] {
                2 => self.by_rank(block, lane),
                _ => middle[lane],
            }),
            _ => std::array::from_fn(|lane| self.by_rank(block, lane)),
        };
        lanes.uncertainty = match self.uncertainty {
            _ if !self.method.has_uncertainty() => [f64::NAN; LANES],
            Uncertainty::None => [f64::NAN; LANES],
            Uncertainty::Scatter => {
                let distance = distance();
                std::array::from_fn(|lane| median_scatter(distance[lane], n[lane]))
            }
            Uncertainty::Propagate => {
                let plain = Beside {
                    weights: None,
                    ..beside
                };
                let squares = variances(self.width, rows, &block.bounds, plain);
                std::array::from_fn(|lane| {
                    propagated(Method::Median, squares[lane], n[lane], n[lane])
                })
            }
        };
        for lane in 0..LANES {
            if lanes.count[lane] == 0 {
                lanes.nothing(lane);
            }
        }
    }

    /// The value of one lane from the ranks of what is kept; NaN of nothing.
    fn by_rank<T: Sample>(&self, block: &SortedBlock<'_, T>, lane: usize) -> f64 {
        let from = block.kept.from[lane] as usize;
        let n = block.kept.to[lane] as usize - from;
        if n == 0 {
            return f64::NAN;
        }
        let at = |rank: usize| block.sorted[from + rank].0[lane].to_f64();
        let value = match self.method {
            Method::Min | Method::Lmedian => at(0),
            Method::Max => at(n - 1),
            Method::Quantile(part) => quantile(part, n, at),
            Method::Mode => mode(n, at),
            _ => at((n - 1) / 2),
        };
        // As the textbook does.
        value + 0.0
    }
}
