//! Clips by standard deviation: guessed from running sums, decided as two passes decide.
//!
//! A clip drops what lies outside centre ∓ factor · σ, where mean and σ are those of the textbook: a sum in f64 over the kept
//! samples, ascending where rows are sorted and in frame order where they are not, then the sum of their squares about the mean. Two passes an iteration are what makes such clips
//! slow, and nearly always the decision does not hang on the last bits. So one pass takes S = Σy and Q = Σ(y − p)² about some
//! sample p, an iteration takes the dropped samples off S and Q, and mean = S/n, σ² = Q/n − (mean − p)² are a guess whose
//! distance from the textbook's numbers has a bound. Where a sample lies nearer than that to the end of the interval, or
//! the bound says nothing, the two passes are made for that lane: every decision is theirs.
//!
//! The bound, with u = 2⁻⁵³, n₀ samples at first of which n are kept, M = |p| + √Q₀, above the largest |y|, and Q₀ the first Q:
//!
//! * S: both sums are off by at most n₀²uM, and at most n₀ subtractions by n₀uM each. With the divisions the means
//!   are at most 5n₀²uM/n apart; 8 is taken, which also covers the rounding of centre ∓ factor · σ.
//! * Q: a sum of n₀ terms, each off by 3u, less dropped terms: (2n₀ + 8)uQ₀. An error e of the mean adds
//!   2|mean − p|e + 2e², the textbook's own sum (n + 6)uσ²; σ² is at most 8(n₀ + 8)uQ₀/n + 4e(|mean − p| + e) off, with room.
//! * σ: half of the error of σ² over σ, where σ² is well above that error; the whole is taken.
//!
//! Sums that overflow give bounds that are infinite or NaN, and variances near the smallest numbers are not trusted. As no
//! decision hangs on the guess, Q may be summed with fused multiply-adds.

mod ranks;
mod values;

use fearless_simd::{Simd, f64x8, prelude::*};

use super::lanes::{Wide, add, narrow, wide};
use super::{LANES, Row, Sample};

pub use values::{Between, Dropped};

/// Rounding error of a number of size 1.
const UNIT: f64 = f64::EPSILON / 2.0;
/// Below this variance underflow may have a say.
const SMALLEST: f64 = 1e-290;

/// What the deviation is measured from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Centre {
    /// The mean of what is kept.
    Mean,
    /// Its median.
    Median,
}

/// How far from its centre a clip keeps samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reach {
    /// Deviations below the centre; not negative, infinite for no bound.
    pub low: f64,
    /// Deviations above the centre.
    pub high: f64,
    /// The deviation is never taken to be less.
    pub floor: f64,
}

impl Reach {
    /// The lowest and the highest value that are kept.
    #[inline(always)]
    pub fn bounds(&self, centre: f64, deviation: f64) -> (f64, f64) {
        let deviation = deviation.max(self.floor);
        let low = if self.low.is_finite() {
            centre - self.low * deviation
        } else {
            f64::NEG_INFINITY
        };
        let high = if self.high.is_finite() {
            centre + self.high * deviation
        } else {
            f64::INFINITY
        };
        (low, high)
    }

    /// The larger factor that is a bound.
    fn factor(&self) -> f64 {
        let finite = |factor: f64| if factor.is_finite() { factor } else { 0.0 };
        finite(self.low).max(finite(self.high))
    }
}

/// Running sums of the kept samples of each lane.
#[derive(Clone, Debug)]
pub struct Spread {
    /// S.
    sum: [f64; LANES],
    /// Q.
    squares: [f64; LANES],
    /// p.
    pivot: [f64; LANES],
    /// n times the bound of the error of the mean.
    sum_error: [f64; LANES],
    /// n times what Q adds to the bound of the error of σ².
    squares_error: [f64; LANES],
}

/// Bounds of the kept samples of each lane that the textbook's are near.
#[derive(Default)]
struct Guess {
    low: [f64; LANES],
    high: [f64; LANES],
    /// How near.
    slack: [f64; LANES],
}

impl Spread {
    /// Of sums about `pivot`, and of how many samples they are.
    #[inline(always)]
    fn of_sums<S: Simd>(pivot: Wide<S>, n: Wide<S>, [sum, squares]: [Wide<S>; 2]) -> Self {
        let (mut sum_error, mut squares_error) = (n, n);
        for half in 0..2 {
            let largest = pivot[half].abs() + squares[half].sqrt();
            sum_error[half] = largest * n[half] * n[half] * (8.0 * UNIT);
            squares_error[half] = squares[half] * (n[half] + 8.0) * (8.0 * UNIT);
        }
        Self {
            sum: narrow(sum),
            squares: narrow(squares),
            pivot: narrow(pivot),
            sum_error: narrow(sum_error),
            squares_error: narrow(squares_error),
        }
    }

    /// What the sums of `n` samples say of the bounds; `middle` is their median, where that is the centre.
    #[inline(always)]
    fn guess<S: Simd>(
        &self,
        simd: S,
        n: Wide<S>,
        middle: Option<&[f64; LANES]>,
        reach: &Reach,
    ) -> Guess {
        let (sum, squares) = (wide(simd, &self.sum), wide(simd, &self.squares));
        let pivot = wide(simd, &self.pivot);
        let sum_error = wide(simd, &self.sum_error);
        let squares_error = wide(simd, &self.squares_error);
        let (mut mean, mut deviation, mut slack) = (n, n, n);
        let factor = reach.factor();
        let infinite = f64x8::splat(simd, f64::INFINITY);
        for half in 0..2 {
            let over_n = f64x8::splat(simd, 1.0) / n[half];
            mean[half] = sum[half] * over_n;
            let mean_error = sum_error[half] * over_n;
            let apart = mean[half] - pivot[half];
            let variance = squares[half] * over_n - apart * apart;
            let variance_error =
                squares_error[half] * over_n + mean_error * (apart.abs() + mean_error) * 4.0;
            deviation[half] = variance.sqrt();
            let deviation_error = variance_error / deviation[half] + 8.0 * UNIT * reach.floor;
            let sure = variance.simd_gt(variance_error * 4.0) & variance.simd_gt(SMALLEST);
            slack[half] = sure.select(mean_error + deviation_error * factor, infinite);
        }
        let centre = middle.map_or(narrow(mean), |middle| *middle);
        let deviation = narrow(deviation);
        let mut guess = Guess {
            slack: narrow(slack),
            ..Guess::default()
        };
        for lane in 0..LANES {
            (guess.low[lane], guess.high[lane]) = reach.bounds(centre[lane], deviation[lane]);
        }
        guess
    }

    /// Adds a sample to the sums of a lane.
    fn enter(&mut self, lane: usize, sample: f64) {
        let apart = sample - self.pivot[lane];
        self.sum[lane] += sample;
        self.squares[lane] += apart * apart;
    }

    /// Takes a sample that a lane no longer keeps off its sums.
    #[inline(always)]
    fn leave(&mut self, lane: usize, sample: f64) {
        let apart = sample - self.pivot[lane];
        self.sum[lane] -= sample;
        self.squares[lane] -= apart * apart;
    }
}

/// Samples about which the squares are summed: some of those that are present, else 0.
#[inline(always)]
pub(super) fn pivots<S: Simd, T: Sample>(simd: S, rows: &[Row<T>]) -> Wide<S> {
    let mut pivots = [0.0; LANES];
    if let Some(row) = rows.get(rows.len() / 2) {
        for (pivot, y) in pivots.iter_mut().zip(&row.0) {
            *pivot = if *y < T::ABSENT { y.to_f64() } else { 0.0 };
        }
    }
    wide(simd, &pivots)
}

/// A sample, and its distance from the pivot.
#[inline(always)]
fn terms<S: Simd>(sample: Wide<S>, pivot: Wide<S>) -> [Wide<S>; 2] {
    [sample, [sample[0] - pivot[0], sample[1] - pivot[1]]]
}

/// Adds a sample to S, and the square of its distance to Q.
#[inline(always)]
fn add_terms<S: Simd>([sum, squares]: &mut [Wide<S>; 2], [sample, apart]: [Wide<S>; 2]) {
    add(sum, sample);
    for half in 0..2 {
        squares[half] = apart[half].mul_add(apart[half], squares[half]);
    }
}
