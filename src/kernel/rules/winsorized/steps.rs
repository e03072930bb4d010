//! The steps to the deviation of one lane, made one after the other, with sums as the textbook has them.

use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

use super::super::super::{Reach, Row, Sample};
use super::{GIVE_BACK, REACH, SETTLED, centre};

/// The samples of one lane.
pub(super) struct Steps<'a, T> {
    rows: &'a [Row<T>],
    lane: usize,
    centre: f64,
}

impl<'a, T: Sample> Steps<'a, T> {
    /// Of which all `rows` are kept.
    #[cold]
    pub(super) fn new(rows: &'a [Row<T>], lane: usize) -> Self {
        let centre = centre(rows, lane);
        Self { rows, lane, centre }
    }

    /// The ranks of what lies within reach; all where there is no deviation, or one that is no number.
    pub(super) fn within(&self, reach: &Reach) -> Range<usize> {
        let sigma = self.deviation();
        let sample = |rank: usize| self.rows[rank].0[self.lane].to_f64();
        let mut ranks = 0..self.rows.len();
        if sigma > 0.0 {
            let (low, high) = reach.bounds(self.centre, sigma);
            while !ranks.is_empty() && sample(ranks.start) < low {
                ranks.start += 1;
            }
            while !ranks.is_empty() && sample(ranks.end - 1) > high {
                ranks.end -= 1;
            }
        }
        ranks
    }

    /// Where nothing but the centre is left within reach, and still it falls, it would fall for ever: the mean distance stands in.
    fn deviation(&self) -> f64 {
        let mut reach = f64::INFINITY;
        let mut sigma = self.drawn_in(reach);
        while sigma > 0.0 && sigma < f64::INFINITY {
            let before = sigma;
            reach = reach.min(before * REACH);
            sigma = self.drawn_in(reach) * GIVE_BACK;
            if (sigma - before).abs() <= before * SETTLED {
                break;
            }
            if sigma < before && reach <= self.nearest() {
                return self.by_distance();
            }
        }
        sigma
    }

    fn distance(&self, rank: usize) -> f64 {
        self.rows[rank].0[self.lane].to_f64() - self.centre
    }

    /// The standard deviation where what is farther than `reach` is drawn in.
    fn drawn_in(&self, reach: f64) -> f64 {
        let [sum, squares] = self.outward(|distance| {
            let within = distance.max(-reach).min(reach);
            [within, within * within]
        });
        let n = self.rows.len() as f64;
        ((n * squares - sum * sum) * (1.0 / (n * (n - 1.0)))).sqrt()
    }

    /// Sums of what is made of each distance, from the middle downwards and from the middle upwards.
    fn outward<const NSUM: usize>(&self, terms: impl Fn(f64) -> [f64; NSUM]) -> [f64; NSUM] {
        let middle = self.rows.len() / 2;
        let add = |mut sums: [f64; NSUM], rank: usize| {
            for (sum, term) in sums.iter_mut().zip(terms(self.distance(rank))) {
                *sum += term;
            }
            sums
        };
        let low = (0..middle).rev().fold([0.0; NSUM], add);
        let high = (middle..self.rows.len()).fold([0.0; NSUM], add);
        std::array::from_fn(|sum| low[sum] + high[sum])
    }

    /// The smallest distance of a sample that is not the centre.
    fn nearest(&self) -> f64 {
        (0..self.rows.len())
            .map(|rank| self.distance(rank).abs())
            .filter(|distance| *distance > 0.0)
            .fold(f64::INFINITY, f64::min)
    }

    /// The deviation as the mean distance has it.
    fn by_distance(&self) -> f64 {
        let [sum] = self.outward(|distance| [distance.abs()]);
        sum / self.rows.len() as f64 * FRAC_PI_2.sqrt()
    }
}
