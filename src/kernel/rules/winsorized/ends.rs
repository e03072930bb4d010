//! What is certain of the samples at the ends of a lane before its deviation is known.

/// Deviations that differ by less than this part are not told apart: far more than rounding makes of them.
pub(super) const CERTAIN: f64 = 1e-9;
/// The rounding of bounds, a part of the centre, many times over.
const ROUNDING: f64 = 1e-14;
/// The squares of smaller deviations lose digits.
const TINY: f64 = 1e-140;

/// How far from the centre the samples at the ends may lie.
pub(super) struct Ends {
    low: f64,
    high: f64,
    guard: f64,
}

impl Ends {
    /// So many deviations below the centre, and above.
    #[inline(always)]
    pub(super) fn new(centre: f64, (low, high): (f64, f64)) -> Self {
        Self {
            low,
            high,
            guard: centre.abs() * ROUNDING,
        }
    }

    /// The least deviation with which both ends certainly stay, by how far above the centre they are; +∞ where that is not certain.
    #[inline(always)]
    pub(super) fn least(&self, lowest: f64, highest: f64) -> f64 {
        let low = (self.guard - lowest) / self.low;
        let high = (self.guard + highest) / self.high;
        let least = low.max(high) * (1.0 + CERTAIN);
        if least > TINY { least } else { f64::INFINITY }
    }

    /// The same of those ends that do not certainly go with the deviation `most`; `None` where it is larger than that.
    #[inline(always)]
    pub(super) fn least_within(
        &self,
        n: usize,
        at: impl Fn(usize) -> f64,
        most: f64,
    ) -> Option<f64> {
        let beyond = most * (1.0 + CERTAIN);
        let (low, high) = (self.low * beyond, self.high * beyond);
        let (mut from, mut to) = (0, n);
        while from < to && -at(from) - self.guard > low {
            from += 1;
        }
        while from < to && at(to - 1) - self.guard > high {
            to -= 1;
        }
        if from == to {
            return None;
        }
        let least = self.least(at(from), at(to - 1));
        (least <= most).then_some(least)
    }
}
