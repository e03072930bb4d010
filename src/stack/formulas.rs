//! The formulas of REFERENCE that every way through a block ends in.

use std::f64::consts::FRAC_PI_2;

use crate::kernel::Reach;
use crate::recipe::{Method, Sigma};

/// σ of a normal distribution over its median absolute deviation.
pub(crate) const MAD_TO_SIGMA: f64 = 1.482_602_218_505_602;

impl Sigma {
    /// How far the clip reaches.
    pub(super) fn reach(&self) -> Reach {
        Reach {
            low: self.low,
            high: self.high,
            floor: self.floor,
        }
    }
}

/// Uncertainty of an average or a sum from Σw²(y−ȳ)², the number of samples and Σw; NaN for one sample.
pub(crate) fn moment_scatter(method: Method, squares: f64, n: f64, weight: f64) -> f64 {
    if n < 2.0 {
        return f64::NAN;
    }
    let sum = (n / (n - 1.0) * squares).sqrt();
    if method == Method::Sum {
        sum
    } else {
        sum / weight
    }
}

/// Uncertainty of a median from median|y − median|; NaN for one sample.
pub(crate) fn median_scatter(distance: f64, n: f64) -> f64 {
    if n < 2.0 {
        f64::NAN
    } else {
        FRAC_PI_2.sqrt() * MAD_TO_SIGMA * distance / n.sqrt()
    }
}

/// Uncertainty from Σw²u², the number of samples and Σw; the median as the average for up to two samples.
pub(crate) fn propagated(method: Method, squares: f64, n: f64, weight: f64) -> f64 {
    match method {
        Method::Average => squares.sqrt() / weight,
        Method::Sum => squares.sqrt(),
        Method::Median if n > 2.0 => FRAC_PI_2.sqrt() * squares.sqrt() / n,
        Method::Median => squares.sqrt() / n,
    }
}
