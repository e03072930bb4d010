//! The formulas of REFERENCE that every way through a block ends in.

use std::f64::consts::FRAC_PI_2;

use crate::kernel::Reach;
use crate::recipe::{Factors, Method, Sigma};

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
        Method::Sum => squares.sqrt(),
        Method::Median | Method::Lmedian if n > 2.0 => FRAC_PI_2.sqrt() * squares.sqrt() / n,
        Method::Median | Method::Lmedian => squares.sqrt() / n,
        _ => squares.sqrt() / weight,
    }
}

impl Factors {
    /// How far a rule reaches.
    pub(super) fn reach(&self) -> Reach {
        Reach {
            low: self.low,
            high: self.high,
            floor: 0.0,
        }
    }

    /// The lowest and the highest value that are kept; there are no bounds where there is no deviation.
    pub(super) fn bounds(&self, centre: f64, deviation: f64) -> (f64, f64) {
        if deviation > 0.0 {
            self.reach().bounds(centre, deviation)
        } else {
            (f64::NEG_INFINITY, f64::INFINITY)
        }
    }
}

/// The rank, of `n` samples of `nframe` frames, whose distance from the median is the unit of a pclip.
///
/// How far it is from the middle is settled for the run: it stays the same where samples are absent, as far as there are so many.
pub(super) fn pclip_rank(rank: f64, nframe: usize, n: usize) -> usize {
    let side = nframe / 2;
    let asked = if rank.abs() < 1.0 {
        // What a decimal part falls short of a whole number by is rounding.
        rank.abs() * side as f64 * (1.0 + 1e-9)
    } else {
        rank.abs()
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number of samples, rounded down"
    )]
    let away = (asked as usize).min(side).max(1);
    if rank < 0.0 {
        (n.saturating_sub(1) / 2).saturating_sub(away)
    } else {
        (n / 2 + away).min(n.saturating_sub(1))
    }
}

/// Where the 68.3 % deviation lies among `n` sorted distances: the rank below it, and which part of the way to the next one. At least 2.
pub(super) fn rcr_place(n: usize) -> (usize, f64) {
    place(0.682_689, n)
}

/// Where a part of the way lies among `n` ranks.
fn place(part: f64, n: usize) -> (usize, f64) {
    let place = part * (n - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank, rounded down"
    )]
    let rank = place as usize;
    (rank, place - rank as f64)
}

/// The value at a part of the way through `n` sorted samples, at least one.
pub(super) fn quantile(part: f64, n: usize, at: impl Fn(usize) -> f64) -> f64 {
    let (rank, part) = place(part, n);
    if part > 0.0 {
        (1.0 - part) * at(rank) + part * at(rank + 1)
    } else {
        at(rank)
    }
}

/// Fewer samples than these have no mode; their median stands in.
const FEWEST: usize = 10;
/// Cells of the range of a mode, and of a bin.
const NCELL: usize = 100;
const BIN: usize = 10;
/// Beyond this, sums and differences of samples might run over; times 2⁻⁶⁴ they cannot.
const HUGE: f64 = f64::from_bits((1023 + 900) << 52);
const SHRINK: f64 = f64::from_bits((1023 - 64) << 52);

/// The mode of `n` sorted samples, at least one: that of a frame, which is the mean of the fullest bin between the 15 % and the 85 % rank.
pub(super) fn mode(n: usize, at: impl Fn(usize) -> f64) -> f64 {
    if n < FEWEST {
        return quantile(0.5, n, at);
    }
    let [low, high] = [15, 85].map(|percent| at(n / 100 * percent + n % 100 * percent / 100));
    if low >= high {
        return low;
    }
    let unit = if low.abs().max(high.abs()) > HUGE {
        SHRINK
    } else {
        1.0
    };
    let (start, range) = (low * unit, high * unit - low * unit);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "0 to 100"
    )]
    let cell = |y: f64| ((100.0 * (y * unit - start) / range) as usize).min(NCELL - 1);
    let inside = || (0..n).map(&at).filter(|y| (low..=high).contains(y));
    let mut counts = [0_u32; NCELL];
    inside().for_each(|y| counts[cell(y)] += 1);
    let count = |bin: usize| counts[bin..bin + BIN].iter().sum::<u32>();
    let bins = (0..=NCELL - BIN).rev();
    let fullest = bins.max_by_key(|bin| count(*bin)).unwrap_or(0);
    let has = |y: &f64| (fullest..fullest + BIN).contains(&cell(*y));
    let sum = inside().filter(has).fold(0.0, |sum, y| sum + y * unit);
    sum / f64::from(count(fullest)) / unit
}
