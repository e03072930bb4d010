//! Lines of least squares through sorted samples, and what lies far from them.

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::super::lanes::{
    Wide, bits_of, counts, inlined, lanes_of, narrow, narrow_counts, splat, wide,
};
use super::super::{LANES, Row, Sample, Width};
use super::outward::{Halves, Walk};

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

/// What lies too far from the line of each lane.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deviants {
    /// How many at the low end lie too far below.
    pub low: [u32; LANES],
    /// How many at the high end lie too far above.
    pub high: [u32; LANES],
    /// A bit for each lane where others do, or where a middle would be passed.
    pub elsewhere: u64,
}

/// The line of each lane.
struct Line<S: Simd> {
    centre: Wide<S>,
    middle: Wide<S>,
    /// The mean of the ranks, counted from the middle.
    rank: Wide<S>,
    /// The mean of the distances from the centre.
    mean: Wide<S>,
    slope: Wide<S>,
}

impl<S: Simd> Line<S> {
    /// How far above the line a sample lies.
    #[inline(always)]
    fn away(&self, sample: Wide<S>, at: f64x8<S>) -> Wide<S> {
        let of = inlined(
            #[inline(always)]
            |half: usize| {
                let from_mean = at - self.middle[half] - self.rank[half];
                (sample[half] - self.centre[half])
                    - (self.mean[half] + self.slope[half] * from_mean)
            },
        );
        [of(0), of(1)]
    }
}

/// Fits a line to what is kept of each lane, distances from `centre` over ranks, and looks what lies far from it.
pub fn deviants_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    halves: &Halves,
    centre: &[f64; LANES],
    strip: Strip,
) -> Deviants {
    dispatch!(width.0, simd => deviants(simd, sorted, halves, centre, strip))
}

#[inline(always)]
fn deviants<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    halves: &Halves,
    centre: &[f64; LANES],
    strip: Strip,
) -> Deviants {
    let walk = Walk::new(simd, halves);
    let n = counts(simd, &halves.kept.count());
    let line = fit(simd, sorted, &walk, (halves, centre), n);
    let away = inlined(
        #[inline(always)]
        |sample, at| line.away(sample, at),
    );
    let sums = walk.sums(
        sorted,
        #[inline(always)]
        |sample, at| {
            let away = away(sample, at);
            [[away[0].abs(), away[1].abs()]]
        },
    );
    let sum = sums.total(0);
    let largest = wide(simd, &largest(sorted, halves));
    let (mut low, mut high) = (n, n);
    let nan = f64x8::splat(simd, f64::NAN);
    for half in 0..2 {
        let sigma = sum[half] / n[half];
        let sigma = sigma.simd_gt(largest[half] * ROUNDING).select(sigma, nan);
        low[half] = f64x8::splat(simd, 0.0) - sigma * strip.low;
        high[half] = sigma * strip.high;
    }
    let (one, zero) = (f64x8::splat(simd, 1.0), f64x8::splat(simd, 0.0));
    let far = walk.sums(
        sorted,
        #[inline(always)]
        |sample, at| {
            let away = away(sample, at);
            let of = inlined(
                #[inline(always)]
                |half: usize| {
                    let far = away[half].simd_lt(low[half]) | away[half].simd_gt(high[half]);
                    far.select(one, zero)
                },
            );
            [[of(0), of(1)]]
        },
    );
    let far = narrow_counts(far.total(0));
    let bounds = (narrow(low), narrow(high));
    let away = Away {
        middle: narrow(line.middle),
        centre: narrow(line.centre),
        rank: narrow(line.rank),
        mean: narrow(line.mean),
        slope: narrow(line.slope),
    };
    ends(sorted, halves, &away, (&bounds.0, &bounds.1), &far)
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
        |sample: Wide<S>, at: f64x8<S>| {
            let distance = [sample[0] - centre[0], sample[1] - centre[1]];
            let ranks = [at - middle[0], at - middle[1]];
            [distance, [ranks[0] * distance[0], ranks[1] * distance[1]]]
        },
    );
    let (sum, products) = (sums.total(0), sums.total(1));
    let mut line = Line {
        centre,
        middle,
        rank: splat(simd, 0.0),
        mean: splat(simd, 0.0),
        slope: splat(simd, 0.0),
    };
    for half in 0..2 {
        let n = n[half];
        let rank = (n - 1.0) * 0.5 - (middle[half] - from[half]);
        let spread = n * (n * n - 1.0) / 12.0;
        line.rank[half] = rank;
        line.mean[half] = sum[half] / n;
        line.slope[half] = (products[half] - rank * sum[half]) / spread;
    }
    line
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

/// The lines, lane by lane.
struct Away {
    middle: [f64; LANES],
    centre: [f64; LANES],
    rank: [f64; LANES],
    mean: [f64; LANES],
    slope: [f64; LANES],
}

/// What lies far at the ends of lanes of which so many are too `far` in all.
#[inline(always)]
fn ends<T: Sample>(
    sorted: &[Row<T>],
    halves: &Halves,
    line: &Away,
    (low, high): (&[f64; LANES], &[f64; LANES]),
    far: &[u32; LANES],
) -> Deviants {
    let mut deviants = Deviants::default();
    let any = bits_of(
        #[inline(always)]
        |lane| (far[lane] > 0) & (halves.kept.from[lane] < halves.kept.to[lane]),
    );
    for lane in lanes_of(any) {
        let away = |row: usize| {
            let from_mean = row as f64 - line.middle[lane] - line.rank[lane];
            (sorted[row].0[lane].to_f64() - line.centre[lane])
                - (line.mean[lane] + line.slope[lane] * from_mean)
        };
        let rows = halves.kept.rows(lane);
        let (mut from, mut to) = (rows.start, rows.end);
        while from < to && away(from) < low[lane] {
            from += 1;
        }
        while from < to && away(to - 1) > high[lane] {
            to -= 1;
        }
        let middle = halves.middle[lane] as usize;
        let (nlow, nhigh) = (from - rows.start, rows.end - to);
        let all = nlow + nhigh == far[lane] as usize;
        if !all || from > middle || to < middle {
            deviants.elsewhere |= 1 << lane;
        }
        deviants.low[lane] = u32::try_from(nlow).unwrap_or(u32::MAX);
        deviants.high[lane] = u32::try_from(nhigh).unwrap_or(u32::MAX);
    }
    deviants
}
