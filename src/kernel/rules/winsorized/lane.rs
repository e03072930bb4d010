//! The same deviation, of one lane alone.

use std::f64::consts::FRAC_PI_2;

use super::super::super::{Row, Sample};
use super::ends::{CERTAIN, Ends};
use super::{GIVE_BACK, REACH, SETTLED};

/// The samples of one lane.
pub(super) struct InLane<'a, T> {
    rows: &'a [Row<T>],
    lane: usize,
    centre: f64,
    over: f64,
}

impl<'a, T: Sample> InLane<'a, T> {
    /// Of which all `rows` are kept.
    pub(super) fn new(rows: &'a [Row<T>], lane: usize, centre: f64) -> Self {
        let n = rows.len() as f64;
        Self {
            rows,
            lane,
            centre,
            over: 1.0 / (n * (n - 1.0)),
        }
    }

    #[inline(always)]
    fn distance(&self, row: usize) -> f64 {
        self.rows[row].0[self.lane].to_f64() - self.centre
    }

    /// As in all lanes at once; what is known is the standard deviation of all, NaN where it is not, and the least deviation that is not
    /// certain to hold.
    pub(super) fn winsorized(&self, ends: &Ends, (known, mut refused): (f64, f64)) -> f64 {
        let n = self.rows.len();
        let mut reach = f64::INFINITY;
        let first = if known.is_nan() {
            self.within(reach)
        } else {
            known
        };
        let mut holds = |least: f64| {
            let asked = least < first && least < refused;
            refused = refused.min(least);
            asked && self.within(least * REACH) * GIVE_BACK > least * (1.0 + CERTAIN)
        };
        let least = ends.least(self.distance(0), self.distance(n - 1));
        if first > 0.0 && holds(least) {
            return least;
        }
        let mut sigma = first;
        while sigma > 0.0 && sigma < f64::INFINITY {
            let before = sigma;
            reach = reach.min(before * REACH);
            sigma = self.within(reach) * GIVE_BACK;
            if (sigma - before).abs() <= before * SETTLED {
                break;
            }
            if sigma < before && reach <= self.nearest() {
                return self.by_distance();
            }
            let least = ends.least_within(n, |row| self.distance(row), sigma);
            if least.is_some_and(&mut holds) {
                return sigma;
            }
        }
        sigma
    }

    /// The standard deviation where what is farther than `reach` is drawn in.
    fn within(&self, reach: f64) -> f64 {
        let n = self.rows.len();
        let (mut low, mut high) = ([0.0; 2], [0.0; 2]);
        for row in (0..n / 2).rev() {
            let distance = self.distance(row).max(-reach);
            low = [low[0] + distance, low[1] + distance * distance];
        }
        for row in n / 2..n {
            let distance = self.distance(row).min(reach);
            high = [high[0] + distance, high[1] + distance * distance];
        }
        let (sum, squares) = (low[0] + high[0], low[1] + high[1]);
        ((n as f64 * squares - sum * sum) * self.over).sqrt()
    }

    /// The smallest distance of a sample that is not the centre: next to the middle.
    fn nearest(&self) -> f64 {
        let n = self.rows.len();
        let first = |rows: &mut dyn Iterator<Item = usize>| {
            rows.map(|row| self.distance(row).abs())
                .find(|distance| *distance > 0.0)
        };
        let (below, above) = (first(&mut (0..n / 2).rev()), first(&mut (n / 2..n)));
        let least = |side: Option<f64>| side.unwrap_or(f64::INFINITY);
        least(below).min(least(above))
    }

    /// The deviation as the mean distance has it.
    fn by_distance(&self) -> f64 {
        let n = self.rows.len();
        let sum = |rows: &mut dyn Iterator<Item = usize>| {
            rows.fold(0.0, |sum, row| sum + self.distance(row).abs())
        };
        let sum = sum(&mut (0..n / 2).rev()) + sum(&mut (n / 2..n));
        sum / n as f64 * FRAC_PI_2.sqrt()
    }
}
