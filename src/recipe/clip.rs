//! The clip steps: what is rejected.

use super::DetectorNoise;

/// One clip step.
#[derive(Clone, Debug, PartialEq)]
pub enum Clip {
    /// The rule that serves the number of frames best; of fewer than 3 it takes nothing.
    Auto,
    /// Drops samples outside these bounds, in the units of the calibrated frames; the bounds are kept.
    Minmax {
        /// The lowest value that is kept; −∞ for no bound.
        low: f64,
        /// The highest value that is kept; +∞ for no bound.
        high: f64,
    },
    /// Drops so many of the lowest and highest present samples.
    Extrema {
        /// How many of the lowest.
        nlow: usize,
        /// How many of the highest.
        nhigh: usize,
    },
    /// Drops samples far from the centre of the pixel.
    Sigma(Sigma),
    /// Drops samples whose distance from the median is more than these parts of it. Once; not where the median is 0.
    Percentile(Factors),
    /// Drops samples by the distance of one sample from the median. Once.
    Pclip {
        /// Which sample: so many places above the median, or below it where negative; where it is between −1 and 1, that part of the
        /// frames on one side. Not 0.
        rank: f64,
        /// How many of its distances samples may be away.
        factors: Factors,
    },
    /// Drops samples by a deviation for which those beyond 1.5 deviations are drawn in; until nothing changes.
    Winsorized(Factors),
    /// Drops samples by a standard deviation in which those that were dropped count as the median; until nothing changes.
    MedianSigma(Factors),
    /// Drops samples by their distance from a line through the sorted samples, in mean distances; until nothing changes.
    LinearFit(Factors),
    /// Drops outliers by the generalized extreme Studentized deviate.
    Esd {
        /// The part of the samples that may be outliers; above 0, at most 0.5.
        fraction: f64,
        /// The probability to find any where there are none; above 0, below 1.
        alpha: f64,
    },
    /// Drops samples by a deviation that goes with the root of the median, one for each row of the result; until nothing changes.
    Poisson(Factors),
    /// Drops outliers by Chauvenet's criterion with robust, then with precise measures.
    Rcr {
        /// A sample goes where fewer than so many as deviant are expected; above 0, at most 1.
        limit: f64,
    },
    /// Drops samples by the noise that their detector makes at the median, each frame by its own; until nothing changes.
    Ccd {
        /// How many of its deviations samples may be away.
        factors: Factors,
        /// What the noise is made of.
        noise: DetectorNoise,
    },
    /// The same on the high side alone: cosmic rays, from 2 frames on.
    Cr {
        /// How many of its deviations samples may be above.
        high: f64,
        /// What the noise is made of.
        noise: DetectorNoise,
    },
}

impl Clip {
    /// The noise of the detector, where the step goes by that.
    pub(crate) fn noise(&self) -> Option<&DetectorNoise> {
        match self {
            Self::Ccd { noise, .. } | Self::Cr { noise, .. } => Some(noise),
            _ => None,
        }
    }

    /// With fewer samples at a pixel the step can take nothing, or nothing that could be trusted.
    pub(crate) fn fewest(&self) -> usize {
        match *self {
            Self::Minmax { .. } | Self::Extrema { .. } | Self::Auto => 1,
            Self::Ccd { .. } | Self::Cr { .. } => 2,
            Self::LinearFit(_) => 5,
            // One sample at least has to be allowed to be an outlier.
            Self::Esd { fraction, .. } => (3..1000)
                .find(|n| outliers(fraction, *n) > 0)
                .unwrap_or(1000),
            _ => 3,
        }
    }
}

/// How many of `n` samples, which are present before clipping, have to stay: `nkeep` of them or, where that is negative, all but so many.
pub(crate) fn stay(nkeep: i64, n: usize) -> usize {
    let number = usize::try_from(nkeep.unsigned_abs()).unwrap_or(usize::MAX);
    if nkeep < 0 {
        n.saturating_sub(number)
    } else {
        number
    }
}

/// How many of `n` samples that part of them is, at most; a thousand-millionth counts as rounding.
pub(crate) fn outliers(fraction: f64, n: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a part of a number of samples, rounded down"
    )]
    let part = (fraction * n as f64 + 1e-9) as usize;
    part.min(n.saturating_sub(2))
}

/// How far from a centre samples are kept, in the units of a rule.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Below the centre; positive, +∞ for no bound.
    pub low: f64,
    /// Above it.
    pub high: f64,
}

/// The parameters of a sigma clip.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sigma {
    /// Samples below centre − low·σ go; +∞ for no bound.
    pub low: f64,
    /// Samples above centre + high·σ go; +∞ for no bound.
    pub high: f64,
    /// What distances are counted from.
    pub center: Center,
    /// What σ is.
    pub dev: Deviation,
    /// How often it is done, on what is left each time.
    pub iters: Iterations,
    /// σ is never taken below this.
    pub floor: f64,
}

/// The centre of a sigma clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Center {
    #[default]
    Median,
    Mean,
}

/// The deviation of a sigma clip.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Deviation {
    /// 1.4826 · median|y − median|; where that is 0, √(π/2) · mean|y − median|.
    #[default]
    Mad,
    /// The standard deviation about the mean, ddof 0.
    Std,
}

/// How often a clip step is repeated on what it left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Iterations {
    /// At most so often.
    Times(u32),
    /// Until nothing changes.
    Converge,
}
