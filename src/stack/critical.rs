//! Critical values of the rules that ask how probable a deviation is: one for every number of samples, made when a run begins.

use std::f64::consts::SQRT_2;

use statrs::function::beta::inv_beta_reg;
use statrs::function::erf::erfc_inv;

use super::detector::{Detector, Noises};
use crate::level::FrameLevel;
use crate::recipe::Clip;

/// Values are rounded to this, so that they are the same on every machine, whatever its logarithm.
const GRAIN: f64 = 1.0 / (1_u64 << 40) as f64;

/// What one clip step compares with, by the number of samples.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Critical {
    robust: Vec<f64>,
    precise: Vec<f64>,
    noises: Noises,
}

impl Critical {
    /// Those of a step, up to `nframe` samples; nothing for a step that needs none.
    pub(crate) fn new(clip: &Clip, nframe: usize) -> Self {
        let table = |of: &dyn Fn(f64) -> f64| {
            (0..=nframe)
                .map(|n| {
                    if n < 3 {
                        f64::INFINITY
                    } else {
                        (of(n as f64) / GRAIN).round() * GRAIN
                    }
                })
                .collect()
        };
        match *clip {
            Clip::Esd { alpha, .. } => Self {
                precise: table(&|n| esd_squared(alpha, n)),
                ..Self::default()
            },
            Clip::Rcr { limit } => Self {
                robust: table(&|n| chauvenet(limit, n) * small_sample(n)),
                precise: table(&|n| chauvenet(limit, n).powi(2)),
                ..Self::default()
            },
            _ => Self::default(),
        }
    }

    /// That of a step that goes by the noise of the frames, samples being as they are.
    pub(crate) fn of_noise(detectors: Vec<Detector>) -> Self {
        Self {
            noises: Noises::new(detectors, &[]),
            ..Self::default()
        }
    }

    /// The same where samples are scaled.
    pub(super) fn scaled(&self, levels: &[FrameLevel]) -> Self {
        Self {
            noises: self.noises.scaled(levels),
            ..self.clone()
        }
    }

    /// The noise of the frames.
    pub(super) fn noises(&self) -> &Noises {
        &self.noises
    }

    /// Bytes that those of every step take.
    pub(crate) fn nbyte(clip: &[Clip], nframe: usize) -> usize {
        let table = (nframe + 1) * size_of::<f64>();
        let tables = clip.iter().map(|clip| match clip {
            Clip::Esd { .. } => table,
            Clip::Rcr { .. } => 2 * table,
            Clip::Ccd { .. } | Clip::Cr { .. } => 2 * nframe * Noises::NBYTE,
            _ => 0,
        });
        tables.sum::<usize>() + clip.len() * size_of::<Self>()
    }

    /// The largest distance from the median, in 68.3 % deviations, of `n` samples.
    pub(crate) fn robust(&self, n: usize) -> f64 {
        self.robust[n]
    }

    /// The square of the largest distance from the mean, in standard deviations, of `n` samples.
    pub(crate) fn precise(&self, n: usize) -> f64 {
        self.precise[n]
    }

    /// The whole tables.
    pub(crate) fn tables(&self) -> (&[f64], &[f64]) {
        (&self.robust, &self.precise)
    }
}

/// The square of λ of the generalized extreme Studentized deviate for `n` samples that are left: t is the quantile 1 − α/2n of Student's
/// distribution with n − 2 degrees of freedom.
fn esd_squared(alpha: f64, n: f64) -> f64 {
    let freedom = n - 2.0;
    // The share of both tails, from which t² follows without the cancellation that 1 − α/2n has.
    let share = inv_beta_reg(0.5 * freedom, 0.5, alpha / n);
    let t_squared = freedom * (1.0 - share) / share;
    (n - 1.0).powi(2) * t_squared / ((freedom + t_squared) * n)
}

/// How many standard deviations away fewer than `limit` of `n` normal samples are expected.
fn chauvenet(limit: f64, n: f64) -> f64 {
    SQRT_2 * erfc_inv(limit / n)
}

/// What the 68.3 % deviation of `n` samples is multiplied by, so that few samples do not seem closer together than they are.
fn small_sample(n: f64) -> f64 {
    1.0 / (1.0 - 2.9442 * n.powf(-1.073))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lambdas_are_those_of_the_handbook() {
        // NIST/SEMATECH handbook 1.3.5.17.3: 54 samples, α = 0.05.
        let clip = Clip::Esd {
            fraction: 0.3,
            alpha: 0.05,
        };
        let critical = Critical::new(&clip, 54);
        for (taken, lambda) in [
            (0, 3.158),
            (1, 3.151),
            (2, 3.143),
            (3, 3.136),
            (4, 3.128),
            (9, 3.085),
        ] {
            let ours = critical.precise(54 - taken).sqrt();
            assert!((ours - lambda).abs() < 1e-3, "{taken}: {ours}");
        }
    }

    #[test]
    fn half_a_sample_of_ten_is_expected_beyond_chauvenets_bound() {
        let critical = Critical::new(&Clip::Rcr { limit: 0.5 }, 10);
        // Of 10 samples: z = 1.95996, where both tails hold 5 %.
        assert!((critical.precise(10).sqrt() - 1.959_963_985).abs() < 1e-9);
        assert!((critical.robust(10) / 1.959_963_985 - 1.331_4).abs() < 1e-3);
    }
}
