//! See [`rules::winsorized`](super::super::rules).

use super::outward::{by_distance, deviation, outward};
use super::{Page, median};
use crate::recipe::Factors;

impl Page {
    pub(super) fn winsorized(&mut self, step: u32, y: &[f64], factors: Factors, nkeep: usize) {
        while self.column(y) >= 3 {
            let centre = median(&self.numbers);
            let (low, high) = factors.bounds(centre, drawn_in(&self.numbers, centre));
            if !self.drop_outside(step, y, (centre, low, high), nkeep) {
                return;
            }
        }
    }
}

/// The deviation of a column with what lies beyond 1.5 deviations drawn in to there.
fn drawn_in(column: &[f64], centre: f64) -> f64 {
    let nearest = column
        .iter()
        .map(|y| (y - centre).abs())
        .filter(|distance| *distance > 0.0)
        .fold(f64::INFINITY, f64::min);
    let n = column.len();
    let within = |reach: f64| {
        let distance = |rank: usize| (column[rank] - centre).max(-reach).min(reach);
        let sum = outward(0..n, n / 2, distance);
        let squares = outward(0..n, n / 2, |rank| distance(rank) * distance(rank));
        deviation(sum, squares, n)
    };
    let mut reach = f64::INFINITY;
    let mut sigma = within(reach);
    while sigma > 0.0 && sigma < f64::INFINITY {
        let before = sigma;
        reach = reach.min(1.5 * before);
        sigma = 1.134 * within(reach);
        if (sigma - before).abs() <= 0.0005 * before {
            break;
        }
        // Nothing is left within reach: from here on it would only shrink.
        if sigma < before && reach <= nearest {
            return by_distance(column, centre);
        }
    }
    sigma
}
