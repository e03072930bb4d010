//! Outliers, one after the other, by their distance from the mean in standard deviations.

use fearless_simd::{Simd, dispatch, prelude::*};

use super::super::lanes::{Mask, Wide, bits_of, both, counts, inlined, lanes_of, splat, wide};
use super::super::{Kept, LANES, Row, Sample, Width, median_kept};
use super::outward::{Halves, Walk, distance_and_square};

/// How far the search for outliers goes.
#[derive(Clone, Copy, Debug)]
pub struct Search<'a> {
    /// The square of the largest distance from the mean, in standard deviations, by the number of samples.
    pub critical: &'a [f64],
    /// How many samples of each lane may go, fewer than it keeps.
    pub most: [u32; LANES],
    /// Whether it goes on behind a sample that deviates too little: those before it go where a later one deviates enough.
    pub past: bool,
}

/// Room for the sums of a block: a row a row of samples.
#[derive(Clone, Debug, Default)]
pub struct Table {
    sums: Vec<Row<f64>>,
    squares: Vec<Row<f64>>,
}

impl Table {
    /// Bytes a row.
    pub const NBYTE: usize = 2 * size_of::<Row<f64>>();

    /// Room for so many rows.
    pub fn new(nrow: usize) -> Self {
        let rows = || vec![Row([0.0; LANES]); nrow];
        Self {
            sums: rows(),
            squares: rows(),
        }
    }

    /// Notes the sums up to a row, in all lanes or in those that are masked.
    #[inline(always)]
    fn put<S: Simd>(&mut self, simd: S, row: usize, sums: &[Wide<S>; 2], mask: Option<Mask<S>>) {
        put(simd, &mut self.sums[row], sums[0], mask);
        put(simd, &mut self.squares[row], sums[1], mask);
    }
}

/// Takes the sample farthest from the mean out of what is kept of each lane, and again; what is left when the last that deviated is out.
/// Of samples equally far on both sides the low one goes first.
///
/// # Panics
///
/// If the table has fewer rows than there are, or there is no critical value for so many samples.
pub fn outliers_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    table: &mut Table,
    search: &Search<'_>,
) -> Kept {
    dispatch!(width.0, simd => {
        fill(simd, sorted, kept, table);
        take_out(simd, sorted, kept, table, search)
    })
}

/// Sums of distances from the median, and of their squares, from the middle of each lane to each row.
#[inline(always)]
fn fill<S: Simd, T: Sample>(simd: S, sorted: &[Row<T>], kept: &Kept, table: &mut Table) {
    let centre = wide(simd, &median_kept(sorted, kept));
    let walk = Walk::new(simd, &Halves::of(kept));
    let terms = inlined(
        #[inline(always)]
        |sample, _| distance_and_square(sample, centre),
    );
    let zero = [splat(simd, 0.0); 2];
    let (below, above) = walk.rows();
    let mut sums = zero;
    walk.downwards(
        sorted,
        below,
        &mut sums,
        terms,
        #[inline(always)]
        |row, sums, mask| table.put(simd, row, sums, mask),
    );
    sums = zero;
    walk.upwards(
        sorted,
        above,
        &mut sums,
        terms,
        #[inline(always)]
        |row, sums, mask| table.put(simd, row, sums, mask),
    );
}

/// Writes a row, or those of its lanes that are masked.
#[inline(always)]
fn put<S: Simd>(simd: S, row: &mut Row<f64>, numbers: Wide<S>, mask: Option<Mask<S>>) {
    let numbers = match mask {
        None => numbers,
        Some(mask) => {
            let old = wide(simd, &row.0);
            [
                mask[0].select(numbers[0], old[0]),
                mask[1].select(numbers[1], old[1]),
            ]
        }
    };
    let (low, high) = row.0.split_at_mut(LANES / 2);
    numbers[0].store_slice(low);
    numbers[1].store_slice(high);
}

/// One end of what is left of each lane: the distance of its sample, and the sums from the middle to there.
#[derive(Clone, Copy)]
struct End {
    distance: [f64; LANES],
    sum: [f64; LANES],
    squares: [f64; LANES],
}

impl End {
    const NONE: Self = Self {
        distance: [0.0; LANES],
        sum: [0.0; LANES],
        squares: [0.0; LANES],
    };

    /// Moves the end of a lane to a row; `inner` where that is on the other side of the middle.
    #[inline(always)]
    fn set(&mut self, lane: usize, distance: f64, table: &Table, row: usize, inner: bool) {
        self.distance[lane] = distance;
        self.sum[lane] = if inner { 0.0 } else { table.sums[row].0[lane] };
        self.squares[lane] = if inner {
            0.0
        } else {
            table.squares[row].0[lane]
        };
    }
}

#[inline(always)]
fn take_out<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    table: &Table,
    search: &Search<'_>,
) -> Kept {
    let middle = Halves::of(kept).middle;
    let centre = median_kept(sorted, kept);
    let mut ends = [End::NONE; 2];
    let (mut left, mut found) = (*kept, *kept);
    let at = inlined(
        #[inline(always)]
        |row: usize, lane: usize| sorted[row].0[lane].to_f64() - centre[lane],
    );
    let mut open = bits_of(
        #[inline(always)]
        |lane| search.most[lane] > 0,
    );
    for lane in lanes_of(open) {
        let (from, last) = (left.from[lane] as usize, left.to[lane] as usize - 1);
        ends[0].set(
            lane,
            at(from, lane),
            table,
            from,
            from >= middle[lane] as usize,
        );
        ends[1].set(
            lane,
            at(last, lane),
            table,
            last,
            last < middle[lane] as usize,
        );
    }
    // From every lane that is open as many were taken.
    let count = kept.count();
    let n = counts(simd, &count);
    let mut critical = [0.0; LANES];
    let mut taken = 0;
    while open != 0 {
        for lane in lanes_of(open) {
            critical[lane] = search.critical[(count[lane] - taken) as usize];
        }
        let n = both(
            #[inline(always)]
            |half| n[half] - f64::from(taken),
        );
        let (is_high, deviates, spreads) = judge(simd, &ends, n, &critical);
        open &= spreads;
        if !search.past {
            open &= deviates;
        }
        taken += 1;
        for lane in lanes_of(open) {
            // Which end it is nobody can foretell: no branch may hang on it.
            let is_high = (is_high >> lane & 1) as usize;
            let end = u32::from(is_high == 1);
            left.to[lane] -= end;
            left.from[lane] += 1 - end;
            let rows = [left.from[lane], left.to[lane].saturating_sub(1)];
            let row = (rows[is_high] as usize).min(sorted.len() - 1);
            let above = row >= middle[lane] as usize;
            ends[is_high].set(lane, at(row, lane), table, row, above != (is_high == 1));
            if deviates >> lane & 1 == 1 {
                found.from[lane] = left.from[lane];
                found.to[lane] = left.to[lane];
            }
        }
        open &= bits_of(
            #[inline(always)]
            |lane| search.most[lane] > taken,
        );
    }
    found
}

/// A bit for each lane whose highest sample is farther from the mean than its lowest, for those whose farther one is too far, and for those
/// whose samples differ.
#[inline(always)]
fn judge<S: Simd>(
    simd: S,
    [low, high]: &[End; 2],
    n: Wide<S>,
    critical: &[f64; LANES],
) -> (u64, u64, u64) {
    let (low_sum, high_sum) = (wide(simd, &low.sum), wide(simd, &high.sum));
    let (low_squares, high_squares) = (wide(simd, &low.squares), wide(simd, &high.squares));
    let (lowest, highest) = (wide(simd, &low.distance), wide(simd, &high.distance));
    let critical = wide(simd, critical);
    let of = inlined(
        #[inline(always)]
        |half: usize| {
            let n = n[half];
            let sum = low_sum[half] + high_sum[half];
            let squares = low_squares[half] + high_squares[half];
            let low = sum - n * lowest[half];
            let high = n * highest[half] - sum;
            let is_high = high.simd_gt(low);
            let farthest = is_high.select(high, low);
            let spread = n * squares - sum * sum;
            let far = farthest * farthest * (n - 1.0);
            let deviates = far.simd_gt(critical[half] * n * spread);
            (
                is_high.to_bitmask(),
                deviates.to_bitmask(),
                spread.simd_gt(0.0).to_bitmask(),
            )
        },
    );
    let (first, second) = (of(0), of(1));
    (
        first.0 | second.0 << 8,
        first.1 | second.1 << 8,
        first.2 | second.2 << 8,
    )
}
