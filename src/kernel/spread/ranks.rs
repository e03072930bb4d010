//! Clips of what is kept as ranks of sorted rows.

use std::ops::Range;

use fearless_simd::{Simd, dispatch, prelude::*};

use super::super::lanes::{Wide, counts, lanes_of, wide};
use super::super::moments::{ends, fold_kept};
use super::super::{
    Kept, LANES, Row, Sample, Width, clip_kept, median_kept, squares_kept, sum_kept,
};
use super::{Centre, Guess, Reach, Spread, add_terms, pivots, terms};

impl Spread {
    /// Of what is kept of sorted rows.
    pub fn of_ranks<T: Sample>(width: Width, sorted: &[Row<T>], kept: &Kept) -> Self {
        dispatch!(width.0, simd => of_ranks(simd, sorted, kept))
    }

    /// Drops samples beyond the reach, once, in the lanes of which something is `open`: that is what they keep, and what these
    /// sums are of. Afterwards only the lanes that lost something are open; returns whether there are any.
    pub fn clip_ranks<T: Sample>(
        &mut self,
        width: Width,
        sorted: &[Row<T>],
        kept: &mut Kept,
        open: &mut Kept,
        (centre, reach): (Centre, &Reach),
    ) -> bool {
        let middle = match centre {
            Centre::Mean => None,
            Centre::Median => Some(median_kept(sorted, open)),
        };
        let (guess, near) = dispatch!(width.0, simd => self.look_at_ends(simd, sorted, open, middle.as_ref(), reach));
        let before = std::mem::replace(open, Kept::none());
        let (mut changed, mut doubtful) = (false, None);
        for lane in lanes_of(near) {
            let rows = before.rows(lane);
            match guess.clip(sorted, &rows, lane) {
                Some(left) if left == rows => {}
                Some(left) => {
                    self.leave_ranks(sorted, lane, &rows, &left);
                    open.set(lane, &left);
                    kept.set(lane, &left);
                    changed = true;
                }
                None => doubtful.get_or_insert_with(Kept::none).set(lane, &rows),
            }
        }
        if let Some(doubtful) = doubtful {
            let left = clip_exactly(width, sorted, &doubtful, middle.as_ref(), reach);
            for lane in 0..LANES {
                let (rows, left) = (doubtful.rows(lane), left.rows(lane));
                if left != rows {
                    self.leave_ranks(sorted, lane, &rows, &left);
                    open.set(lane, &left);
                    kept.set(lane, &left);
                    changed = true;
                }
            }
        }
        changed
    }

    /// What the running sums say of the bounds, and a bit for each lane with a sample that may lie outside.
    #[inline(always)]
    fn look_at_ends<S: Simd, T: Sample>(
        &self,
        simd: S,
        sorted: &[Row<T>],
        open: &Kept,
        middle: Option<&[f64; LANES]>,
        reach: &Reach,
    ) -> (Guess, u64) {
        let n = lengths(simd, open);
        let guess = self.guess(simd, n, middle, reach);
        let (low, high) = (wide(simd, &guess.low), wide(simd, &guess.high));
        let slack = wide(simd, &guess.slack);
        let (lowest, highest) = ends(simd, sorted, open);
        let outside = |half: usize| {
            let inside = (lowest[half] - low[half]).simd_gt(slack[half])
                & (high[half] - highest[half]).simd_gt(slack[half]);
            (!inside & n[half].simd_gt(0.0)).to_bitmask()
        };
        (guess, outside(0) | outside(1) << 8)
    }

    /// Takes what a lane no longer keeps off its sums.
    fn leave_ranks<T: Sample>(
        &mut self,
        sorted: &[Row<T>],
        lane: usize,
        before: &Range<usize>,
        after: &Range<usize>,
    ) {
        for row in (before.start..after.start).chain(after.end..before.end) {
            self.leave(lane, sorted[row].0[lane].to_f64());
        }
    }
}

#[inline(always)]
fn of_ranks<S: Simd, T: Sample>(simd: S, sorted: &[Row<T>], kept: &Kept) -> Spread {
    let pivot = pivots(simd, sorted);
    let sums = fold_kept(
        simd,
        sorted,
        kept,
        #[inline(always)]
        |sample| terms(sample, pivot),
        #[inline(always)]
        |sums, terms| add_terms(sums, terms),
    );
    Spread::of_sums(pivot, lengths(simd, kept), sums)
}

/// What two passes over open lanes leave of them.
#[cold]
fn clip_exactly<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    open: &Kept,
    middle: Option<&[f64; LANES]>,
    reach: &Reach,
) -> Kept {
    let n = open.count().map(f64::from);
    let over_n =
        |sum: [f64; LANES]| -> [f64; LANES] { std::array::from_fn(|lane| sum[lane] / n[lane]) };
    let mean = over_n(sum_kept(width, sorted, open));
    let deviation = over_n(squares_kept(width, sorted, open, &mean)).map(f64::sqrt);
    let centre = middle.unwrap_or(&mean);
    let bounds: [_; LANES] =
        std::array::from_fn(|lane| reach.bounds(centre[lane], deviation[lane]));
    let mut left = *open;
    clip_kept(
        sorted,
        &mut left,
        &bounds.map(|(low, _)| low),
        &bounds.map(|(_, high)| high),
    );
    left
}

/// How many samples of each lane are kept.
#[inline(always)]
fn lengths<S: Simd>(simd: S, kept: &Kept) -> Wide<S> {
    let (from, to) = (counts(simd, &kept.from), counts(simd, &kept.to));
    [to[0] - from[0], to[1] - from[1]]
}

impl Guess {
    /// What the bounds leave of the rows of a lane; `None` where a sample is too near to a bound to tell.
    #[inline(always)]
    fn clip<T: Sample>(
        &self,
        sorted: &[Row<T>],
        rows: &Range<usize>,
        lane: usize,
    ) -> Option<Range<usize>> {
        let sample = |row: usize| sorted[row].0[lane].to_f64();
        let (low, high, slack) = (self.low[lane], self.high[lane], self.slack[lane]);
        let (mut from, mut to) = (rows.start, rows.end);
        while from < to && sample(from) < low {
            from += 1;
        }
        while from < to && sample(to - 1) > high {
            to -= 1;
        }
        let dropped_surely = (from == rows.start || low - sample(from - 1) > slack)
            && (to == rows.end || sample(to) - high > slack);
        let kept_surely = from < to && sample(from) - low > slack && high - sample(to - 1) > slack;
        (dropped_surely && kept_surely).then_some(from..to)
    }
}
