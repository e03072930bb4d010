//! What is kept of a pixel becomes one value.

use super::super::formulas::{
    MAD_TO_SIGMA, median_scatter, mode, moment_scatter, propagated, quantile,
};
use super::{Page, PixelValue, Rules, Samples, median};
use crate::recipe::{Method, Uncertainty};

impl Page {
    /// One value, and its uncertainty, from what is kept.
    pub(super) fn combine(&mut self, rules: &Rules<'_>, samples: &Samples<'_>) -> PixelValue {
        let side = |low: bool| move |taken: &&Option<(u32, bool)>| matches!(taken, Some((_, l)) if *l == low);
        let count = |low: bool| {
            u32::try_from(self.taken.iter().filter(side(low)).count()).unwrap_or(u32::MAX)
        };
        let (low, high) = (count(true), count(false));
        let nkept = self.kept.iter().filter(|kept| **kept).count();
        let weighted = samples.weight.is_some() && rules.method.weighs();
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
        let column = self.sorted(samples.y);
        let (n, at) = (column.len(), |rank: usize| column[rank]);
        let middle = median(column);
        let value = match rules.method {
            Method::Average => mean,
            Method::Sum => moments.sum,
            Method::Median => middle,
            Method::Min => at(0),
            Method::Max => at(n - 1),
            Method::Lmedian => {
                if n > 2 {
                    middle
                } else {
                    at(0)
                }
            }
            Method::Quantile(part) => quantile(part, n, at),
            Method::Mode => mode(n, at),
            Method::Mad => MAD_TO_SIGMA * self.median_distance(samples.y, middle),
            Method::Std => {
                let squares = self.sum(samples.y, rules.ascending, |y| square(y - mean));
                (squares / (nkept as f64 - 1.0)).sqrt()
            }
            Method::Quadrature => {
                let squares = match samples.weight.filter(|_| weighted) {
                    None => self.sum(samples.y, rules.ascending, square),
                    Some(weights) => self.over_frames(|f| square(weights[f] * samples.y[f])),
                };
                squares.sqrt() / moments.weight
            }
        };
        let uncertainty = match (rules.uncertainty, rules.method) {
            (Uncertainty::None, _) => f64::NAN,
            (_, method) if !method.has_uncertainty() => f64::NAN,
            (Uncertainty::Scatter, Method::Median | Method::Lmedian) => {
                let distance = self.median_distance(samples.y, middle);
                median_scatter(distance, nkept as f64)
            }
            (Uncertainty::Scatter, method) => {
                let squares = match samples.weight.filter(|_| weighted) {
                    None => self.sum(samples.y, rules.ascending, |y| square(y - mean)),
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
