//! Samples beyond so many deviations of the median, where the deviation is that of samples drawn in.
//!
//! That deviation, σ, comes of steps. Samples are drawn in to 1.5σ on either side of the median; f(σ), 1.134 times the standard deviation of what
//! that gives, is the next σ; and so on, never farther out than before, until it changes by 0.05 % or less. It begins as the standard
//! deviation of all. But nobody asks for σ, only which samples lie beyond LOW·σ and HIGH·σ. So they are judged from the farthest
//! inwards, each by s, the deviation that just keeps it:
//!
//! * Where f(s) and the standard deviation of all are more than s, the sample stays, and the nearer ones do: the farther out samples are drawn
//!   in to, the larger is f, so no step from above s ends below it. The steps never collapse then: below the nearest sample f(σ) is in
//!   proportion to σ, and larger.
//! * Where f(s) is so much less than s that every step from above s takes off more than 0.1 %, the sample goes, and so do all that f(s) does not
//!   keep: the steps go on, and from below s none ends above f(s). Of f(σ)/σ it is known that it mostly falls as σ grows: with w
//!   the distances in units of σ, drawn in, and t their mean at s, f(σ)² is at most 1.134²·σ²·Σ(w − t)²/(n − 1), and that sum grows by t²/2 a
//!   sample at most while σ grows e times, from s to the largest σ that there can be.
//! * Otherwise, in one lane of some hundred, and where rounding might have a say, the steps are made as the textbook makes them.

mod steps;

use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use self::steps::Steps;
use super::super::lanes::{
    Wide, add, bits_of, both, counts, inlined, lanes_of, narrow, splat, wide,
};
use super::super::moments::{ends, fold_kept};
use super::super::{Kept, LANES, Reach, Row, Sample, Width, median_kept};
use super::Table;

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
        let looks = look_at_all(simd, sorted, kept, reach);
        for lane in lanes_of(looks.doubtful) {
            let all = kept.rows(lane);
            let mut column = Column::new(&sorted[all.clone()], lane, reach, table);
            let mut look = Some(looks.of(lane));
            while column.left.len() >= FEWEST as usize {
                let inner = column.within(simd, look.take()).unwrap_or_else(|| {
                    let start = all.start + column.left.start;
                    let rows = &sorted[start..all.start + column.left.end];
                    let ranks = Steps::new(rows, lane).within(reach);
                    column.left.start + ranks.start..column.left.start + ranks.end
                });
                if inner == column.left {
                    break;
                }
                if inner.len() < nkeep[lane] as usize {
                    stopped |= u64::from(column.left.len() > nkeep[lane] as usize) << lane;
                    break;
                }
                column.keep(inner);
            }
            left.set(lane, &(all.start + column.left.start..all.start + column.left.end));
        }
    });
    (left, stopped)
}

/// What samples come to, and what they come to drawn in to where the deviation that just keeps the farthest draws them.
#[derive(Clone, Copy)]
struct Look {
    /// The square of their standard deviation.
    first: f64,
    /// That of f.
    after: f64,
    /// How much more that may be a σ that is e times as large, in units of σ².
    rise: f64,
}

/// The same of every lane, and a bit for each of which not certainly all stays.
struct Looks {
    first: [f64; LANES],
    after: [f64; LANES],
    rise: [f64; LANES],
    doubtful: u64,
}

impl Looks {
    fn of(&self, lane: usize) -> Look {
        Look {
            first: self.first[lane],
            after: self.after[lane],
            rise: self.rise[lane],
        }
    }
}

/// What makes a [`Look`] of the sums of `n` distances and of their squares, as they are and drawn in.
#[inline(always)]
fn look<S: Simd>(
    n: f64x8<S>,
    [sum, squares, within_sum, within_squares]: [f64x8<S>; 4],
) -> [f64x8<S>; 3] {
    let over = 1.0 / (n * (n - 1.0));
    let square = within_sum * within_sum;
    let less = GIVE_BACK * GIVE_BACK;
    [
        (n * squares - sum * sum) * over,
        (n * within_squares - square) * over * less,
        square * over * (0.5 * less),
    ]
}

/// Adds distances and their squares, as they are and drawn in.
#[inline(always)]
fn add_terms<S: Simd>(
    [sum, squares, within_sum, within_squares]: &mut [Wide<S>; 4],
    [distance, _, within, _]: [Wide<S>; 4],
) {
    add(sum, distance);
    add(within_sum, within);
    for half in 0..2 {
        squares[half] = distance[half].mul_add(distance[half], squares[half]);
        within_squares[half] = within[half].mul_add(within[half], within_squares[half]);
    }
}

/// Distances, twice, and the same drawn in to 1.5 deviations.
#[inline(always)]
fn terms<S: Simd>(simd: S, distance: Wide<S>, sigma: Wide<S>) -> [Wide<S>; 4] {
    let zero = f64x8::splat(simd, 0.0);
    let within: Wide<S> = both(
        #[inline(always)]
        |half| {
            let reach = sigma[half] * REACH;
            distance[half].max(zero - reach).min(reach)
        },
    );
    [distance, distance, within, within]
}

#[inline(always)]
fn look_at_all<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    reach: &Reach,
) -> Looks {
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
    let sums = fold_kept(
        simd,
        sorted,
        kept,
        #[inline(always)]
        |sample| {
            let distance = [sample[0] - centre[0], sample[1] - centre[1]];
            terms(simd, distance, keeps)
        },
        #[inline(always)]
        |sums, terms| add_terms(sums, terms),
    );
    let [mut first, mut after, mut rise] = [n; 3];
    let mut stays = 0;
    for half in 0..2 {
        let sums = [sums[0][half], sums[1][half], sums[2][half], sums[3][half]];
        [first[half], after[half], rise[half]] = look(n[half], sums);
        let least = keeps[half] * (1.0 + CERTAIN);
        let least = least * least;
        let all = keeps[half].simd_gt(TINY)
            & first[half].simd_gt(least)
            & first[half].simd_lt(f64::MAX)
            & after[half].simd_gt(least);
        let all = all | lowest[half].simd_eq(highest[half]);
        stays |= all.to_bitmask() << (half * LANES / 2);
    }
    Looks {
        first: narrow(first),
        after: narrow(after),
        rise: narrow(rise),
        doubtful: open & !stays,
    }
}

/// The samples of one lane.
struct Column<'a> {
    /// Distances from the median when it began, in rows of sixteen. Of those that are gone, and beyond the last, that of the median of what is left:
    /// it adds nothing to any sum.
    distances: &'a mut [Row<f64>],
    /// The ranks of what is left.
    left: Range<usize>,
    /// The median of what is left.
    middle: f64,
    /// The rounding of bounds.
    guard: f64,
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
        let centre = centre(rows, lane);
        let (distances, _) = table.both();
        let distances = &mut distances[..rows.len().div_ceil(LANES)];
        for (distances, rows) in distances.iter_mut().zip(rows.chunks(LANES)) {
            distances.0 = [0.0; LANES];
            for (distance, row) in distances.0.iter_mut().zip(rows) {
                *distance = row.0[lane].to_f64() - centre;
            }
        }
        Self {
            distances,
            left: 0..rows.len(),
            middle: 0.0,
            guard: centre.abs() * ROUNDING,
            reach,
        }
    }

    /// Keeps some of the ranks that are left.
    fn keep(&mut self, inner: Range<usize>) {
        let number = |rank: usize| self.distances[rank / LANES].0[rank % LANES];
        let (low, high) = (inner.start + inner.end - 1, inner.start + inner.end);
        let middle = number(low / 2).midpoint(number(high / 2));
        let behind = self.distances.len() * LANES;
        for rank in (0..inner.start).chain(inner.end..behind) {
            self.distances[rank / LANES].0[rank % LANES] = middle;
        }
        self.guard += (middle - self.middle).abs() * ROUNDING;
        self.middle = middle;
        self.left = inner;
    }

    /// How far above the median the sample of a rank is.
    #[inline(always)]
    fn at(&self, rank: usize) -> f64 {
        self.distances[rank / LANES].0[rank % LANES] - self.middle
    }

    /// Of a sample by how far below the median it is.
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
        Span {
            takes: (distance - self.guard) / factor * (1.0 - CERTAIN),
            keeps: (distance + self.guard) / factor * (1.0 + CERTAIN),
        }
    }

    /// The ranks of the samples that one iteration leaves; `None` where that is not certain.
    #[inline(always)]
    fn within<S: Simd>(&self, simd: S, mut known: Option<Look>) -> Option<Range<usize>> {
        let mut inner = self.left.clone();
        let mut most = f64::INFINITY;
        while !inner.is_empty() {
            let (low, high) = (self.low(inner.start), self.high(inner.end - 1));
            let farthest = if low.keeps > high.keeps { low } else { high };
            let look = match known.take() {
                Some(look) => look,
                None => self.look(simd, farthest.keeps),
            };
            let least = (farthest.keeps * (1.0 + CERTAIN)).powi(2);
            let sure = farthest.keeps > TINY && look.first < f64::MAX;
            if sure && look.first > least && look.after > least {
                return Some(inner);
            }
            most = most.min(look.first.sqrt() * GIVE_BACK);
            let rise = look.rise * (most / farthest.keeps).ln().max(0.0);
            let falls = farthest.takes * (1.0 - FALLS);
            if !(sure && falls > TINY && look.after + rise < falls * falls) {
                return None;
            }
            // The last step is from no more than that.
            most = look.after.sqrt() * (1.0 + FALLS);
            while !inner.is_empty() && self.low(inner.start).takes > most {
                inner.start += 1;
            }
            while !inner.is_empty() && self.high(inner.end - 1).takes > most {
                inner.end -= 1;
            }
        }
        None
    }

    /// One pass over what is left.
    #[inline(always)]
    fn look<S: Simd>(&self, simd: S, keeps: f64) -> Look {
        let (keeps, middle) = (splat(simd, keeps), f64x8::splat(simd, self.middle));
        let mut sums = [splat(simd, 0.0); 4];
        for distances in &*self.distances {
            let numbers = wide(simd, &distances.0);
            let distance = [numbers[0] - middle, numbers[1] - middle];
            add_terms(&mut sums, terms(simd, distance, keeps));
        }
        let n = f64x8::splat(simd, self.left.len() as f64);
        let total = inlined(
            #[inline(always)]
            |sum: Wide<S>| f64x8::splat(simd, (sum[0] + sum[1]).reduce_sum()),
        );
        let [first, after, rise] = look(
            n,
            [
                total(sums[0]),
                total(sums[1]),
                total(sums[2]),
                total(sums[3]),
            ],
        );
        Look {
            first: first.as_slice()[0],
            after: after.as_slice()[0],
            rise: rise.as_slice()[0],
        }
    }
}

/// The median of a lane, of which all `rows` are kept.
#[inline(always)]
fn centre<T: Sample>(rows: &[Row<T>], lane: usize) -> f64 {
    rows[(rows.len() - 1) / 2].0[lane].halfway(rows[rows.len() / 2].0[lane])
}
