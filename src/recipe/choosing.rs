//! Which rule `--clip auto` is, and from how many frames on a rule can see an outlier at all.

use super::{Calibration, Center, Clip, Deviation, Factors, Iterations, Sigma};

/// No stack has more frames.
const MANY: usize = 1 << 20;

impl Clip {
    /// The step as it is done on so many frames: `auto` becomes the rule that serves them best, where there is one, and noise is in the
    /// units that the calibration makes.
    ///
    /// The table of docs/rejection.md has the reasons. Of two samples that differ nothing tells which is right. Of 3 to 7 the median distance
    /// holds where two of five are bad, at 4 deviations, since 3 would lose up to a tenth of the good ones; from 8 on
    /// winsorized is the sharpest, from 20 on the median distance loses least.
    pub(crate) fn settled(&self, calibration: &Calibration, nframe: usize) -> Self {
        match (self, nframe) {
            (Self::Auto, 0..3) => Self::Auto,
            (Self::Auto, 8..20) => Self::Winsorized(Factors {
                low: 3.0,
                high: 3.0,
            }),
            (Self::Auto, _) => Self::Sigma(Sigma {
                low: 4.0,
                high: 4.0,
                center: Center::Median,
                dev: Deviation::Mad,
                iters: Iterations::Converge,
                floor: 0.0,
            }),
            (Self::Ccd { factors, noise }, _) => Self::Ccd {
                factors: *factors,
                noise: noise.settled(calibration),
            },
            (Self::Cr { high, noise }, _) => Self::Cr {
                high: *high,
                noise: noise.settled(calibration),
            },
            _ => self.clone(),
        }
    }

    /// What is told of this step, `asked` being what it was before it was [settled](Self::settled).
    pub(crate) fn told(&self, asked: &Self) -> String {
        match (asked, self) {
            (Self::Auto, Self::Auto) => "auto: nothing".into(),
            (Self::Auto, chosen) => format!("auto: {chosen}"),
            (_, step) => step.to_string(),
        }
    }

    /// The number of frames from which on one outlier, however far away, can be taken; `None` where any number will do.
    ///
    /// A standard deviation that the outlier itself makes grows with it: of n samples it is never farther away than a number that n
    /// tells.
    pub(crate) fn sees_from(&self) -> Option<usize> {
        let (low, high, farthest): (f64, f64, fn(f64) -> f64) = match self {
            Self::Sigma(sigma) if sigma.dev == Deviation::Std => {
                let farthest: fn(f64) -> f64 = match sigma.center {
                    Center::Mean => |n| (n - 1.0).sqrt(),
                    Center::Median => |n| n / (n - 1.0).sqrt(),
                };
                (sigma.low, sigma.high, farthest)
            }
            Self::MedianSigma(factors) => (factors.low, factors.high, f64::sqrt),
            Self::LinearFit(factors) => (factors.low, factors.high, off_the_line),
            _ => return None,
        };
        let factor = low.min(high);
        (factor < f64::INFINITY)
            .then(|| (3..MANY).find(|n| farthest(*n as f64) > factor))
            .flatten()
    }
}

/// How many mean distances from the line of least squares an outlier is away at most, n − 1 other samples being equal.
///
/// Of the ranks 0 to n − 1 only the last is 1, the others are 0: the line is 1/n + slope · (rank − (n − 1)/2), slope = 6/(n(n + 1)).
fn off_the_line(n: f64) -> f64 {
    let slope = 6.0 / (n * (n + 1.0));
    let line = |rank: f64| 1.0 / n + slope * (rank - (n - 1.0) / 2.0);
    let away = 1.0 - line(n - 1.0);
    // Those of the others add up on both sides of where the line is 0; their sum is that of the outlier, as residuals have no sum.
    let zero = (n - 1.0) / 2.0 - 1.0 / (n * slope);
    let above = (zero.floor() + 1.0).max(0.0);
    let below = (0.5 * above * (line(0.0) + line(above - 1.0))).abs();
    // Σr = 0 and the outlier is the only one above but for those below the zero of the line.
    let sum = 2.0 * (away + below);
    away * n / sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(text: &str) -> Clip {
        text.parse().expect("a step")
    }

    #[test]
    fn auto_goes_by_the_number_of_frames() {
        for (nframe, told) in [
            (1, "auto: nothing"),
            (2, "auto: nothing"),
            (3, "auto: sigma:4,4,iters=converge"),
            (7, "auto: sigma:4,4,iters=converge"),
            (8, "auto: winsorized:3,3"),
            (19, "auto: winsorized:3,3"),
            (20, "auto: sigma:4,4,iters=converge"),
            (1000, "auto: sigma:4,4,iters=converge"),
        ] {
            let chosen = Clip::Auto.settled(&Calibration::default(), nframe);
            assert_eq!(chosen.told(&Clip::Auto), told, "{nframe}");
        }
    }

    #[test]
    fn a_rule_is_blind_to_an_outlier_that_makes_its_deviation() {
        for (text, from) in [
            ("sigma:3,3,dev=std,center=mean", Some(11)),
            ("sigma:3,3,dev=std", Some(8)),
            ("sigma:,3,dev=std,center=mean", Some(11)),
            ("median-sigma:3", Some(10)),
            ("linear-fit:5", Some(14)),
            ("sigma:1,3,dev=std", Some(3)),
            ("sigma:3", None),
            ("winsorized:3", None),
            ("extrema:1,1", None),
        ] {
            assert_eq!(step(text).sees_from(), from, "{text}");
        }
    }

    #[test]
    fn an_outlier_is_as_far_from_the_line_as_least_squares_has_it() {
        for n in 3_u32..40 {
            let ranks: Vec<f64> = (0..n).map(f64::from).collect();
            let y: Vec<f64> = (0..n)
                .map(|rank| f64::from(u8::from(rank == n - 1)))
                .collect();
            let count = f64::from(n);
            let (x_mean, y_mean) = ((count - 1.0) / 2.0, 1.0 / count);
            let products: f64 = ranks
                .iter()
                .zip(&y)
                .map(|(x, y)| (x - x_mean) * (y - y_mean))
                .sum();
            let squares: f64 = ranks.iter().map(|x| (x - x_mean).powi(2)).sum();
            let away = |(x, y): (&f64, &f64)| y - (y_mean + products / squares * (x - x_mean));
            let distances: Vec<f64> = ranks.iter().zip(&y).map(away).collect();
            let mean = distances.iter().map(|away| away.abs()).sum::<f64>() / count;
            let farthest = distances[distances.len() - 1] / mean;
            assert!((off_the_line(count) - farthest).abs() < 1e-9, "{n}");
        }
    }
}
