//! The steps to the deviation, made one after the other, with sums as the textbook has them.

use std::f64::consts::FRAC_PI_2;

use super::{Column, GIVE_BACK, REACH, SETTLED};

impl Column<'_> {
    /// The bounds of what stays; none where there is no deviation, or one that is no number.
    #[cold]
    pub(super) fn bounds_by_steps(&self) -> (f64, f64) {
        let sigma = self.deviation();
        if sigma > 0.0 {
            self.reach.bounds(self.centre, sigma)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        }
    }

    /// Where nothing but the centre is left within reach, and still it falls, it would fall for ever: the mean distance stands in.
    fn deviation(&self) -> f64 {
        let mut reach = f64::INFINITY;
        let mut sigma = self.spread(reach);
        while sigma > 0.0 && sigma < f64::INFINITY {
            let before = sigma;
            reach = reach.min(before * REACH);
            sigma = self.spread(reach) * GIVE_BACK;
            if (sigma - before).abs() <= before * SETTLED {
                break;
            }
            if sigma < before && reach <= self.nearest() {
                return self.by_distance();
            }
        }
        sigma
    }

    /// The standard deviation where what is farther than `reach` is drawn in.
    fn spread(&self, reach: f64) -> f64 {
        let distance = |rank: usize| self.at(rank).max(-reach).min(reach);
        let sum = self.outward(distance);
        let squares = self.outward(|rank| distance(rank) * distance(rank));
        let n = self.n as f64;
        ((n * squares - sum * sum) * (1.0 / (n * (n - 1.0)))).sqrt()
    }

    /// The sum of a term of each sample, from the middle downwards and from the middle upwards.
    fn outward(&self, term: impl Fn(usize) -> f64) -> f64 {
        let middle = self.n / 2;
        let low = (0..middle).rev().fold(0.0, |sum, rank| sum + term(rank));
        low + (middle..self.n).fold(0.0, |sum, rank| sum + term(rank))
    }

    /// The smallest distance of a sample that is not the centre.
    fn nearest(&self) -> f64 {
        (0..self.n)
            .map(|rank| self.at(rank).abs())
            .filter(|distance| *distance > 0.0)
            .fold(f64::INFINITY, f64::min)
    }

    /// The deviation as the mean distance has it.
    fn by_distance(&self) -> f64 {
        let sum = self.outward(|rank| self.at(rank).abs());
        sum / self.n as f64 * FRAC_PI_2.sqrt()
    }
}
