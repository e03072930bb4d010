//! Lines of least squares through sorted samples, and what lies far from them.

mod alone;

use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use self::alone::Alone;
use super::super::lanes::{
    Wide, add, bits_of, both, counts, inlined, lanes_of, narrow_counts, splat, wide,
};
use super::super::{Kept, LANES, Row, Sample, Width, median_kept};
use super::Table;
use super::outward::{Halves, Outward, Walk};

/// A mean distance below this part of the largest sample is rounding.
const ROUNDING: f64 = 1e-12;

/// How far from their line samples may be: mean distances below it and above it.
#[derive(Clone, Copy, Debug)]
pub struct Strip {
    /// Below.
    pub low: f64,
    /// Above.
    pub high: f64,
}

/// Fits a line to what is kept of each lane, at least 5 samples, distances from the median over ranks; takes what lies far from it, and
/// again from what is left, until nothing goes.
///
/// Returns what is left, and a bit for each lane where that is not certain or no interval: it keeps what it kept.
///
/// # Panics
///
/// If the table has fewer rows than a sixteenth of those there are.
pub fn along_lines_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    table: &mut Table,
    strip: Strip,
) -> (Kept, u64) {
    let halves = Halves::of(kept);
    let centre = median_kept(sorted, kept);
    let (mut left, mut uncertain) = (*kept, 0);
    let far = dispatch!(width.0, simd => look(simd, sorted, &halves, &centre, strip));
    let open = bits_of(|lane| kept.from[lane] < kept.to[lane] && far[lane] > 0);
    if open == 0 {
        return (left, 0);
    }
    dispatch!(width.0, simd => {
        for lane in lanes_of(open) {
            let rows = kept.rows(lane);
            let alone = Alone::new(&sorted[rows.clone()], lane, centre[lane], table);
            match alone.left(simd, strip) {
                Some(found) => left.set(lane, &(rows.start + found.start..rows.start + found.end)),
                None => uncertain |= 1 << lane,
            }
        }
    });
    (left, uncertain)
}

/// The lines as vectors.
#[derive(Clone, Copy)]
struct Line<S: Simd> {
    /// Where the line passes the middle.
    base: Wide<S>,
    slope: Wide<S>,
}

impl<S: Simd> Line<S> {
    /// How far above the line a sample lies.
    #[inline(always)]
    fn away(&self, sample: Wide<S>, above: Wide<S>) -> Wide<S> {
        both(
            #[inline(always)]
            |half| sample[half] - (self.base[half] + self.slope[half] * above[half]),
        )
    }

    /// The distance of a sample from the line.
    #[inline(always)]
    fn distance(&self, sample: Wide<S>, above: Wide<S>) -> [Wide<S>; 1] {
        let away = self.away(sample, above);
        [[away[0].abs(), away[1].abs()]]
    }
}

/// How many samples of each lane lie too far from their line.
#[inline(always)]
fn look<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    halves: &Halves,
    centre: &[f64; LANES],
    strip: Strip,
) -> [u32; LANES] {
    let walk = Walk::new(simd, halves);
    let n = counts(simd, &halves.kept.count());
    let line = fit(simd, sorted, &walk, (halves, centre), n);
    let (sum, widest) = distances(simd, sorted, &walk, line);
    let largest = wide(simd, &largest(sorted, halves));
    let (mut low, mut high) = (n, n);
    let (nan, zero) = (f64x8::splat(simd, f64::NAN), f64x8::splat(simd, 0.0));
    let mut within = true;
    for half in 0..2 {
        let sigma = sum[half] / n[half];
        let sigma = sigma.simd_gt(largest[half] * ROUNDING).select(sigma, nan);
        low[half] = zero - sigma * strip.low;
        high[half] = sigma * strip.high;
        // Comparisons with NaN are false, as they are in lanes that keep nothing.
        let beyond = widest[half].simd_gt(high[half]) | (zero - widest[half]).simd_lt(low[half]);
        within &= !(beyond & n[half].simd_gt(zero)).any_true();
    }
    count(simd, sorted, &walk, line, ((low, high), within))
}

/// The lines of least squares.
#[inline(always)]
fn fit<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    walk: &Walk<S>,
    (halves, centre): (&Halves, &[f64; LANES]),
    n: Wide<S>,
) -> Line<S> {
    let centre = wide(simd, centre);
    let (from, middle) = (
        counts(simd, &halves.kept.from),
        counts(simd, &halves.middle),
    );
    let sums = walk.sums(
        sorted,
        #[inline(always)]
        |sample, above| {
            let distance = [sample[0] - centre[0], sample[1] - centre[1]];
            [distance, [above[0] * distance[0], above[1] * distance[1]]]
        },
    );
    let (sum, products) = (sums.total(0), sums.total(1));
    let zero = splat(simd, 0.0);
    let mut line = Line {
        base: zero,
        slope: zero,
    };
    for half in 0..2 {
        let n = n[half];
        let rank = (n - 1.0) * 0.5 - (middle[half] - from[half]);
        let slope = (products[half] - rank * sum[half]) / (n * (n * n - 1.0) / 12.0);
        line.base[half] = centre[half] + (sum[half] / n - slope * rank);
        line.slope[half] = slope;
    }
    line
}

/// The rows far out on either side: an eighth each.
#[inline(always)]
fn outer((below, above): &(Range<usize>, Range<usize>)) -> (usize, usize) {
    let eighth = (above.end - below.start) / 8;
    (
        (below.start + eighth).min(below.end),
        (above.end - eighth).max(above.start),
    )
}

/// The sum of the distances from the line, and the largest of the inner rows.
#[inline(always)]
fn distances<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    walk: &Walk<S>,
    line: Line<S>,
) -> (Wide<S>, Wide<S>) {
    let rows = walk.rows();
    let (first, last) = outer(&rows);
    let (below, above) = rows;
    let zero = [splat(simd, 0.0)];
    let mut sums = Outward {
        low: zero,
        high: zero,
    };
    let mut widest = [zero[0]; 2];
    let [wide_low, wide_high] = &mut widest;
    walk.downwards(
        sorted,
        first..below.end,
        &mut sums.low,
        #[inline(always)]
        |sample, above| note(line.distance(sample, above), wide_low),
        #[inline(always)]
        |_, _, _| {},
    );
    walk.upwards(
        sorted,
        above.start..last,
        &mut sums.high,
        #[inline(always)]
        |sample, above| note(line.distance(sample, above), wide_high),
        #[inline(always)]
        |_, _, _| {},
    );
    walk.downwards(
        sorted,
        below.start..first,
        &mut sums.low,
        #[inline(always)]
        |sample, above| line.distance(sample, above),
        #[inline(always)]
        |_, _, _| {},
    );
    walk.upwards(
        sorted,
        last..above.end,
        &mut sums.high,
        #[inline(always)]
        |sample, above| line.distance(sample, above),
        #[inline(always)]
        |_, _, _| {},
    );
    let widest = both(
        #[inline(always)]
        |half| widest[0][half].max(widest[1][half]),
    );
    (sums.total(0), widest)
}

/// Widens what was seen so far.
#[inline(always)]
fn note<S: Simd>(distance: [Wide<S>; 1], widest: &mut Wide<S>) -> [Wide<S>; 1] {
    let [seen] = distance;
    *widest = [widest[0].max(seen[0]), widest[1].max(seen[1])];
    distance
}

/// How many samples lie beyond the bounds; `within` says that no inner row has any.
#[inline(always)]
fn count<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    walk: &Walk<S>,
    line: Line<S>,
    ((low, high), within): ((Wide<S>, Wide<S>), bool),
) -> [u32; LANES] {
    let (one, zero) = (f64x8::splat(simd, 1.0), f64x8::splat(simd, 0.0));
    let rows = walk.rows();
    let (first, last) = if within {
        outer(&rows)
    } else {
        (rows.0.end, rows.1.start)
    };
    let terms = inlined(
        #[inline(always)]
        |sample, above| {
            let away = line.away(sample, above);
            [both(
                #[inline(always)]
                |half| {
                    let far = away[half].simd_lt(low[half]) | away[half].simd_gt(high[half]);
                    far.select(one, zero)
                },
            )]
        },
    );
    let (mut far, mut above) = ([[zero; 2]], [[zero; 2]]);
    walk.downwards(
        sorted,
        rows.0.start..first,
        &mut far,
        terms,
        #[inline(always)]
        |_, _, _| {},
    );
    walk.upwards(
        sorted,
        last..rows.1.end,
        &mut above,
        terms,
        #[inline(always)]
        |_, _, _| {},
    );
    add(&mut far[0], above[0]);
    narrow_counts(far[0])
}

/// The largest of the samples that are kept of each lane, by size.
#[inline(always)]
fn largest<T: Sample>(sorted: &[Row<T>], halves: &Halves) -> [f64; LANES] {
    let mut largest = [0.0; LANES];
    for (lane, largest) in largest.iter_mut().enumerate() {
        let rows = halves.kept.rows(lane);
        if !rows.is_empty() {
            let at = |row: usize| sorted[row].0[lane].to_f64().abs();
            *largest = at(rows.start).max(at(rows.end - 1));
        }
    }
    largest
}
