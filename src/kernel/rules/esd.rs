//! Outliers, one after the other, by their distance from the mean in standard deviations: guessed from running sums, decided as the textbook
//! decides.
//!
//! The textbook sums up what is left anew for each sample that may go, from the middle outwards: Σd and Σd², d being distances from the median
//! of all. Here one pass takes both sums of everything, about some sample, and each sample that goes is taken off them. Where a
//! comparison is nearer than the errors of both ways, it is made with the textbook's sums, and the running ones go on from those.
//!
//! The errors, with u = 2⁻⁵³, n ≥ 3 samples at first, M the largest |d| here and Q the Σd² of then:
//!
//! * Σd: 2n additions and subtractions of sums up to nM here, n of sums up to 2nM there. With the products n·d and the differences, the
//!   distances from the mean, n times over, are at most 9n²uM apart, and two of them twice that. 32n²uM is taken.
//! * n·Σd² − (Σd)²: (2n + 8)nuQ and 4n²uQ here; as much there, of a sum that is at most 2Q, mean and median being no more than a
//!   standard deviation apart. At most 32n²uQ; 128 is taken.

mod ahead;

use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use self::ahead::Ahead;
use super::super::lanes::{
    Wide, add, bits_of, both, counts, flags, inlined, lanes_of, mask, narrow, wide,
};
use super::super::moments::{ends, fold_kept};
use super::super::spread::pivots;
use super::super::{Kept, LANES, Row, Sample, Width};
use super::outward::distance_and_square;

/// Rounding error of a number of size 1.
const UNIT: f64 = f64::EPSILON / 2.0;
/// Below such sums of squares underflow may have a say.
const SMALLEST: f64 = 1e-290;

/// How far Σd may be off, n times over, in n²uM, and n·Σd² − (Σd)² in n²uQ.
const SUM_ERROR: f64 = 32.0;
const SPREAD_ERROR: f64 = 128.0;

/// How far the search for outliers goes.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The square of the largest distance from the mean, in standard deviations, by the number of samples.
    pub critical: &'a [f64],
    /// How many samples of each lane may go, at most half of those it keeps.
    pub most: [u32; LANES],
    /// Whether it goes on behind a sample that deviates too little: those before it go where a later one deviates enough.
    pub past: bool,
}

/// Takes the sample farthest from the mean out of what is kept of each lane, and again; what is left when the last that deviated is out.
/// Of samples equally far on both sides the low one goes first.
///
/// # Panics
///
/// If there is no critical value for so many samples.
pub fn outliers_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    search: &Search<'_>,
) -> Kept {
    dispatch!(width.0, simd => take_out(simd, sorted, kept, search))
}

#[inline(always)]
fn take_out<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    search: &Search<'_>,
) -> Kept {
    let count = kept.count();
    let (mut sums, differ) = Sums::new(simd, sorted, kept);
    let (mut left, mut found) = (*kept, *kept);
    // Of equal samples none is an outlier.
    let mut open = differ
        & bits_of(
            #[inline(always)]
            |lane| search.most[lane] > 0,
        );
    let alike = count.iter().all(|n| *n == count[0]);
    let least = search
        .most
        .iter()
        .fold(u32::MAX, |least, most| least.min(*most));
    let n = counts(simd, &count);
    // From every lane that is open as many were taken.
    let mut taken = 0;
    let mut ahead = Ahead::none();
    while open != 0 {
        let value = |lane: usize| search.critical[count[lane].saturating_sub(taken) as usize];
        let critical = if alike {
            [value(0); LANES]
        } else {
            std::array::from_fn(value)
        };
        let n = both(
            #[inline(always)]
            |half| n[half] - f64::from(taken),
        );
        let mut judged = sums.judge(simd, n, wide(simd, &critical));
        for lane in lanes_of(open & !judged.certain) {
            let of = (sorted, kept.rows(lane), left.rows(lane));
            judged.set(lane, sums.judge_again(of, lane, critical[lane]));
            ahead.fetch((sorted, &left), &sums.pivot, 1 << lane);
        }
        open &= judged.spreads;
        if !search.past {
            open &= judged.deviates;
        }
        if open == 0 {
            break;
        }
        taken += 1;
        ahead.fill(simd, (sorted, &left), &sums.pivot, (open, search.past));
        sums.go_on(simd, &mut ahead, judged.is_high);
        // Which end it is nobody can foretell: no branch may hang on it.
        let (goes, is_high) = (flags(open), flags(open & judged.is_high));
        for lane in 0..LANES {
            left.to[lane] -= is_high[lane];
            left.from[lane] += goes[lane] - is_high[lane];
        }
        if open & judged.deviates != 0 {
            let deviates = flags(open & judged.deviates);
            let which = inlined(
                #[inline(always)]
                |lane: usize, is: u32, was: u32| if deviates[lane] == 1 { is } else { was },
            );
            for lane in 0..LANES {
                found.from[lane] = which(lane, left.from[lane], found.from[lane]);
                found.to[lane] = which(lane, left.to[lane], found.to[lane]);
            }
        }
        if taken >= least {
            open &= bits_of(
                #[inline(always)]
                |lane| search.most[lane] > taken,
            );
        }
    }
    found
}

/// A bit for each lane.
struct Judged {
    /// Whether its highest sample is farther from the mean than its lowest.
    is_high: u64,
    /// Whether the farther one is too far.
    deviates: u64,
    /// Whether its samples differ.
    spreads: u64,
    /// Whether all that is certain.
    certain: u64,
}

impl Judged {
    fn set(&mut self, lane: usize, [is_high, deviates, spreads]: [bool; 3]) {
        let set = |bits: &mut u64, is: bool| *bits = *bits & !(1 << lane) | u64::from(is) << lane;
        set(&mut self.is_high, is_high);
        set(&mut self.deviates, deviates);
        set(&mut self.spreads, spreads);
    }
}

/// What is known of what is left of each lane.
struct Sums {
    /// What distances are from.
    pivot: [f64; LANES],
    /// n²u.
    part: [f64; LANES],
    /// Distances of its lowest and of its highest sample.
    low: [f64; LANES],
    high: [f64; LANES],
    /// Σd and Σd².
    sum: [f64; LANES],
    squares: [f64; LANES],
    /// How far distances from the mean, n times over, may be from the textbook's, and n·Σd² − (Σd)².
    sum_error: [f64; LANES],
    spread_error: [f64; LANES],
}

impl Sums {
    /// Of what is kept, and a bit for each lane whose samples differ.
    #[inline(always)]
    fn new<S: Simd, T: Sample>(simd: S, sorted: &[Row<T>], kept: &Kept) -> (Self, u64) {
        let pivot = pivots(simd, sorted);
        let [sum, squares] = fold_kept(
            simd,
            sorted,
            kept,
            #[inline(always)]
            |sample| distance_and_square(sample, pivot),
            #[inline(always)]
            |[sum, squares], [distance, square]| {
                add(sum, distance);
                add(squares, square);
            },
        );
        let (lowest, highest) = ends(simd, sorted, kept);
        let n = counts(simd, &kept.count());
        let infinite = f64x8::splat(simd, f64::INFINITY);
        let (mut low, mut high) = (lowest, highest);
        let (mut part, mut sum_error, mut spread_error) = (n, n, n);
        let mut differ = 0;
        for half in 0..2 {
            differ |= lowest[half].simd_lt(highest[half]).to_bitmask() << (half * LANES / 2);
            low[half] -= pivot[half];
            high[half] -= pivot[half];
            part[half] = n[half] * n[half] * UNIT;
            let largest = low[half].abs().max(high[half].abs());
            sum_error[half] = part[half] * largest * SUM_ERROR;
            let error = part[half] * squares[half] * SPREAD_ERROR;
            spread_error[half] = squares[half].simd_gt(SMALLEST).select(error, infinite);
        }
        let sums = Self {
            pivot: narrow(pivot),
            part: narrow(part),
            low: narrow(low),
            high: narrow(high),
            sum: narrow(sum),
            squares: narrow(squares),
            sum_error: narrow(sum_error),
            spread_error: narrow(spread_error),
        };
        (sums, differ)
    }

    /// Judges the farthest sample of each lane, of which `n` are left, and takes it off the sums.
    #[inline(always)]
    fn judge<S: Simd>(&mut self, simd: S, n: Wide<S>, critical: Wide<S>) -> Judged {
        let (low, high) = (wide(simd, &self.low), wide(simd, &self.high));
        let (mut sum, mut squares) = (wide(simd, &self.sum), wide(simd, &self.squares));
        let sum_error = wide(simd, &self.sum_error);
        let spread_error = wide(simd, &self.spread_error);
        let mut judged = Judged {
            is_high: 0,
            deviates: 0,
            spreads: 0,
            certain: 0,
        };
        for half in 0..2 {
            let (n, critical) = (n[half], critical[half]);
            let (sum_error, spread_error) = (sum_error[half], spread_error[half]);
            let below = sum[half] - n * low[half];
            let above = n * high[half] - sum[half];
            let is_high = above.simd_gt(below);
            let farthest = is_high.select(above, below);
            let spread = n * squares[half] - sum[half] * sum[half];
            let far = farthest * farthest * (n - 1.0);
            let near = critical * n * spread;
            let error = (farthest * 2.0 + sum_error) * sum_error * (n - 1.0)
                + critical * n * spread_error
                + (far + near) * (16.0 * UNIT);
            let certain = (above - below).abs().simd_gt(sum_error)
                & spread.simd_gt(spread_error)
                & (far - near).abs().simd_gt(error)
                & (far + near).simd_lt(f64::MAX);
            let shift = half * LANES / 2;
            judged.is_high |= is_high.to_bitmask() << shift;
            judged.deviates |= far.simd_gt(near).to_bitmask() << shift;
            judged.spreads |= spread.simd_gt(0.0).to_bitmask() << shift;
            judged.certain |= certain.to_bitmask() << shift;
            let goes = is_high.select(high[half], low[half]);
            sum[half] -= goes;
            squares[half] -= goes * goes;
        }
        self.sum = narrow(sum);
        self.squares = narrow(squares);
        judged
    }

    /// Moves to the next sample of the end that lost one.
    #[inline(always)]
    fn go_on<S: Simd>(&mut self, simd: S, ahead: &mut Ahead, is_high: u64) {
        let (mut low, mut high) = (wide(simd, &self.low), wide(simd, &self.high));
        let (lower, higher) = ahead.next(simd);
        let is_high = mask(simd, is_high);
        for half in 0..2 {
            low[half] = is_high[half].select(low[half], lower[half]);
            high[half] = is_high[half].select(higher[half], high[half]);
        }
        self.low = narrow(low);
        self.high = narrow(high);
        ahead.go_on(simd, is_high);
    }

    /// The same for one lane, with sums as the textbook has them: of the rows that are left of those it kept. From here on distances are from their
    /// median.
    #[cold]
    fn judge_again<T: Sample>(
        &mut self,
        (sorted, kept, left): (&[Row<T>], Range<usize>, Range<usize>),
        lane: usize,
        critical: f64,
    ) -> [bool; 3] {
        let middle = kept.start + kept.len() / 2;
        let sample = |row: usize| sorted[row].0[lane];
        let centre = sample(kept.start + (kept.len() - 1) / 2).halfway(sample(middle));
        let distance = |row: usize| sample(row).to_f64() - centre;
        let add = |[sum, squares]: [f64; 2], row: usize| {
            [sum + distance(row), squares + distance(row) * distance(row)]
        };
        let lower = (left.start..middle).rev().fold([0.0; 2], add);
        let upper = (middle..left.end).fold([0.0; 2], add);
        let (sum, squares) = (lower[0] + upper[0], lower[1] + upper[1]);
        let n = left.len() as f64;
        let (low, high) = (distance(left.start), distance(left.end - 1));
        let (below, above) = (sum - n * low, n * high - sum);
        let is_high = above > below;
        let farthest = if is_high { above } else { below };
        let spread = n * squares - sum * sum;
        let deviates = farthest * farthest * (n - 1.0) > critical * n * spread;
        let goes = if is_high { high } else { low };
        let part = self.part[lane];
        self.pivot[lane] = centre;
        (self.low[lane], self.high[lane]) = (low, high);
        (self.sum[lane], self.squares[lane]) = (sum - goes, squares - goes * goes);
        self.sum_error[lane] = part * low.abs().max(high.abs()) * SUM_ERROR;
        self.spread_error[lane] = if squares > SMALLEST {
            part * squares * SPREAD_ERROR
        } else {
            f64::INFINITY
        };
        [is_high, deviates, spread > 0.0]
    }
}
