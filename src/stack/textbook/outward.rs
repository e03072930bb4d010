//! Sums that begin in the middle of a sorted column and run outwards, so that what is far is added last.

use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

/// The sum of a term over some ranks of a column: from the middle downwards, from the middle upwards, and both together.
pub(super) fn outward(ranks: Range<usize>, middle: usize, term: impl Fn(usize) -> f64) -> f64 {
    let lower = (ranks.start..middle)
        .rev()
        .fold(0.0, |sum, rank| sum + term(rank));
    lower + (middle..ranks.end).fold(0.0, |sum, rank| sum + term(rank))
}

/// The standard deviation, ddof 1, of `n` numbers from the sums of their distances from their median and of the squares of those.
pub(super) fn deviation(sum: f64, squares: f64, n: usize) -> f64 {
    let n = n as f64;
    ((n * squares - sum * sum) * (1.0 / (n * (n - 1.0)))).sqrt()
}

/// The standard deviation of a column as its mean distance from its median has it.
pub(super) fn by_distance(column: &[f64], centre: f64) -> f64 {
    let n = column.len();
    let sum = outward(0..n, n / 2, |rank| (column[rank] - centre).abs());
    FRAC_PI_2.sqrt() * (sum / n as f64)
}
