//! Samples beyond so many deviations of the median, where the deviation is that of samples drawn in.
//!
//! That deviation, σ, comes of steps. Samples are drawn in to 1.5σ on either side of the median; f(σ), 1.134 times the standard deviation of what
//! that gives, is the next σ; and so on, never farther out than before, until it changes by 0.05 % or less. It begins as the standard
//! deviation of all. But nobody asks for σ, only which samples lie beyond LOW·σ and HIGH·σ. So they are judged from the farthest
//! inwards, each by s, the deviation that just keeps it:
//!
//! * Where f(s) and the standard deviation of all are more than s, the sample stays, and the nearer ones do: the farther out samples are drawn
//!   in to, the larger is f, so no step from above s ends below it.
//! * Where q(s) is less than 0.999·s, the sample goes, and so do all that q(s) does not keep: q is f with squares about the median, not
//!   the mean, hence never smaller, and q(σ)/σ falls as σ grows. From above s every step takes off more than 0.1 %, so the steps go on; from
//!   below it none ends above q(s).
//! * Otherwise, in less than one lane of a hundred, and where rounding might have a say, the steps are made as the textbook makes them.
//!
//! Where something stays by the first of these, the steps never collapse: below the nearest sample f(σ) is in proportion to σ, and larger.

mod steps;

use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::super::lanes::{Wide, add, bits_of, both, counts, inlined, lanes_of, splat, wide};
use super::super::moments::{ends, fold_kept};
use super::super::{Kept, LANES, Reach, Row, Sample, Width, median_kept};
use super::Table;
use super::outward::distance_and_square;

/// Samples farther than so many deviations are drawn in.
const REACH: f64 = 1.5;
/// What drawing in takes from the deviation of normal samples.
const GIVE_BACK: f64 = 1.134;
/// A change below this part is none.
const SETTLED: f64 = 0.0005;
/// A step that takes off more than this part is certainly not the last.
const FALLS: f64 = 2.0 * SETTLED;
/// Deviations that differ by less than this part are not told apart: far more than rounding makes of them.
const CERTAIN: f64 = 1e-9;
/// The rounding of bounds, a part of the centre, many times over.
const ROUNDING: f64 = 1e-14;
/// The squares of smaller deviations lose digits.
const TINY: f64 = 1e-140;
/// With fewer samples nothing goes.
const FEWEST: u32 = 3;

/// Takes from each lane what lies beyond the reach of its winsorized deviations about its median, again and again until nothing goes. A lane stops
/// before an iteration that would leave fewer than `nkeep`.
///
/// Returns what is left, and a bit for each lane that kept more than `nkeep` when it stopped so.
///
/// # Panics
///
/// If the table has fewer rows than a sixteenth of those there are.
pub fn winsorized_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    (reach, nkeep): (&Reach, &[u32; LANES]),
    table: &mut Table,
) -> (Kept, u64) {
    let (mut left, mut stopped) = (*kept, 0);
    dispatch!(width.0, simd => {
        for lane in lanes_of(doubtful(simd, sorted, kept, reach)) {
            let mut rows = kept.rows(lane);
            while rows.len() >= FEWEST as usize {
                let column = Column::new(&sorted[rows.clone()], lane, reach, table);
                let inner = match column.within(simd) {
                    Some(ranks) => rows.start + ranks.start..rows.start + ranks.end,
                    None => inside(sorted, &rows, lane, column.bounds_by_steps()),
                };
                if inner == rows {
                    break;
                }
                if inner.len() < nkeep[lane] as usize {
                    stopped |= u64::from(rows.len() > nkeep[lane] as usize) << lane;
                    break;
                }
                rows = inner;
            }
            left.set(lane, &rows);
        }
    });
    (left, stopped)
}

/// The rows of a lane that lie within bounds.
fn inside<T: Sample>(
    sorted: &[Row<T>],
    rows: &Range<usize>,
    lane: usize,
    (low, high): (f64, f64),
) -> Range<usize> {
    let sample = |row: usize| sorted[row].0[lane].to_f64();
    let mut rows = rows.clone();
    while !rows.is_empty() && sample(rows.start) < low {
        rows.start += 1;
    }
    while !rows.is_empty() && sample(rows.end - 1) > high {
        rows.end -= 1;
    }
    rows
}

/// A bit for each lane of which not certainly all stays.
#[inline(always)]
fn doubtful<S: Simd, T: Sample>(simd: S, sorted: &[Row<T>], kept: &Kept, reach: &Reach) -> u64 {
    let open = bits_of(
        #[inline(always)]
        |lane| kept.to[lane] - kept.from[lane] >= FEWEST,
    );
    let centre = wide(simd, &median_kept(sorted, kept));
    let n = counts(simd, &kept.count());
    let (lowest, highest) = ends(simd, sorted, kept);
    let (over_low, over_high) = (1.0 / reach.low, 1.0 / reach.high);
    let keeps: Wide<S> = both(
        #[inline(always)]
        |half| {
            let guard = centre[half].abs() * ROUNDING;
            let low = (centre[half] - lowest[half] + guard) * over_low;
            let high = (highest[half] - centre[half] + guard) * over_high;
            low.max(high) * (1.0 + CERTAIN)
        },
    );
    let [sum, squares, within_sum, within_squares] = fold_kept(
        simd,
        sorted,
        kept,
        #[inline(always)]
        |sample| {
            let [distance, square] = distance_and_square(sample, centre);
            let [within, within_square] = drawn_in(simd, distance, keeps);
            [distance, square, within, within_square]
        },
        #[inline(always)]
        |sums, terms| {
            for (sum, term) in sums.iter_mut().zip(terms) {
                add(sum, term);
            }
        },
    );
    let stays = inlined(
        #[inline(always)]
        |half: usize| {
            let n = n[half];
            let least = keeps[half] * (1.0 + CERTAIN);
            let least = least * least * n * (n - 1.0);
            let all = n * squares[half] - sum[half] * sum[half];
            let within = n * within_squares[half] - within_sum[half] * within_sum[half];
            let stays = keeps[half].simd_gt(TINY)
                & all.simd_gt(least)
                & all.simd_lt(f64::MAX)
                & (within * (GIVE_BACK * GIVE_BACK)).simd_gt(least);
            (stays | lowest[half].simd_eq(highest[half])).to_bitmask()
        },
    );
    open & !(stays(0) | stays(1) << (LANES / 2))
}

/// Distances drawn in to where those that so many deviations just keep draw them, and their squares.
#[inline(always)]
fn drawn_in<S: Simd>(simd: S, distance: Wide<S>, sigma: Wide<S>) -> [Wide<S>; 2] {
    let zero = f64x8::splat(simd, 0.0);
    let within: Wide<S> = both(
        #[inline(always)]
        |half| {
            let reach = sigma[half] * REACH;
            distance[half].max(zero - reach).min(reach)
        },
    );
    [within, [within[0] * within[0], within[1] * within[1]]]
}

/// The samples of one lane.
struct Column<'a> {
    /// Distances from the centre, in rows of sixteen; beyond the last 0, which adds nothing to any sum.
    distances: &'a [Row<f64>],
    n: usize,
    centre: f64,
    reach: &'a Reach,
}

/// Deviations between which it is not certain whether a sample stays.
struct Span {
    takes: f64,
    keeps: f64,
}

impl<'a> Column<'a> {
    #[inline(always)]
    fn new<T: Sample>(
        rows: &[Row<T>],
        lane: usize,
        reach: &'a Reach,
        table: &'a mut Table,
    ) -> Self {
        let n = rows.len();
        let centre = rows[(n - 1) / 2].0[lane].halfway(rows[n / 2].0[lane]);
        let (distances, _) = table.both();
        let distances = &mut distances[..n.div_ceil(LANES)];
        for (distances, rows) in distances.iter_mut().zip(rows.chunks(LANES)) {
            distances.0 = [0.0; LANES];
            for (distance, row) in distances.0.iter_mut().zip(rows) {
                *distance = row.0[lane].to_f64() - centre;
            }
        }
        Self {
            distances,
            n,
            centre,
            reach,
        }
    }

    #[inline(always)]
    fn at(&self, rank: usize) -> f64 {
        self.distances[rank / LANES].0[rank % LANES]
    }

    /// Of the sample of a rank, by how far below the centre it is.
    #[inline(always)]
    fn low(&self, rank: usize) -> Span {
        self.span(-self.at(rank), self.reach.low)
    }

    /// The same by how far above.
    #[inline(always)]
    fn high(&self, rank: usize) -> Span {
        self.span(self.at(rank), self.reach.high)
    }

    #[inline(always)]
    fn span(&self, distance: f64, factor: f64) -> Span {
        let guard = self.centre.abs() * ROUNDING;
        Span {
            takes: (distance - guard) / factor * (1.0 - CERTAIN),
            keeps: (distance + guard) / factor * (1.0 + CERTAIN),
        }
    }

    /// The ranks of the samples that stay; `None` where that is not certain.
    #[inline(always)]
    fn within<S: Simd>(&self, simd: S) -> Option<Range<usize>> {
        let n = self.n as f64;
        let over = 1.0 / (n * (n - 1.0));
        let (sum, squares) = self.sums(simd, f64::INFINITY);
        let first = (n * squares - sum * sum) * over;
        let (mut from, mut to) = (0, self.n);
        while from < to && first < f64::MAX {
            let (low, high) = (self.low(from), self.high(to - 1));
            let farthest = if low.keeps > high.keeps { low } else { high };
            let (sum, squares) = self.sums(simd, farthest.keeps);
            let least = (farthest.keeps * (1.0 + CERTAIN)).powi(2);
            let after = (n * squares - sum * sum) * over * (GIVE_BACK * GIVE_BACK);
            if farthest.keeps > TINY && first > least && after > least {
                return Some(from..to);
            }
            let most = (n * squares * over).sqrt() * GIVE_BACK;
            if !(farthest.takes > TINY && most < farthest.takes * (1.0 - FALLS)) {
                break;
            }
            while from < to && self.low(from).takes > most {
                from += 1;
            }
            while from < to && self.high(to - 1).takes > most {
                to -= 1;
            }
        }
        None
    }

    /// The sum of the distances, drawn in to 1.5 of these deviations, and of their squares.
    #[inline(always)]
    fn sums<S: Simd>(&self, simd: S, sigma: f64) -> (f64, f64) {
        let sigma = splat(simd, sigma);
        let (mut sum, mut squares) = (splat(simd, 0.0), splat(simd, 0.0));
        for distances in self.distances {
            let [within, square] = drawn_in(simd, wide(simd, &distances.0), sigma);
            add(&mut sum, within);
            add(&mut squares, square);
        }
        (
            (sum[0] + sum[1]).reduce_sum(),
            (squares[0] + squares[1]).reduce_sum(),
        )
    }
}
