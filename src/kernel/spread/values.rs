//! Clips of what is kept between values of unsorted rows.

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::super::bounds::Keeper;
use super::super::lanes::{bits_of, counts, lanes_of, select};
use super::super::{Bounds, LANES, Row, Sample, Width, squares_between, sum_between};
use super::{Reach, Spread, add_terms, pivots, terms};

/// What lies between values, with no ties split.
#[derive(Clone, Debug, PartialEq)]
pub struct Between<T> {
    /// The values.
    pub bounds: Bounds<T>,
    /// How many samples of each lane lie between them.
    pub count: [u32; LANES],
    /// How many of those that were present at first lie below.
    pub below: [u32; LANES],
}

/// Which samples clips dropped, as long as they are few: what a pass over all rows would find again.
#[derive(Clone, Debug)]
pub struct Dropped {
    /// Row · 16 + lane.
    places: [u32; Self::MOST],
    /// How many; more than there is room for where the list is not complete.
    count: usize,
}

impl Dropped {
    const MOST: usize = 128;

    /// None.
    pub fn none() -> Self {
        Self {
            places: [0; Self::MOST],
            count: 0,
        }
    }

    /// Row and lane of each; `None` where not all are listed.
    pub fn list(&self) -> Option<impl Iterator<Item = (usize, usize)>> {
        let places = self.places.get(..self.count)?.iter();
        Some(places.map(|place| (*place as usize / LANES, *place as usize % LANES)))
    }

    /// Says that not all are listed.
    pub fn forget(&mut self) {
        self.count = Self::MOST + 1;
    }

    #[inline(always)]
    fn add(&mut self, row: usize, lane: usize) {
        let place = u32::try_from(row * LANES + lane);
        match (self.places.get_mut(self.count), place) {
            (Some(free), Ok(place)) => {
                *free = place;
                self.count += 1;
            }
            _ => self.forget(),
        }
    }
}

impl Spread {
    /// Of what is kept of rows.
    pub fn of_values<T: Sample>(width: Width, rows: &[Row<T>], kept: &Between<T>) -> Self {
        let full = u32::try_from(rows.len()).is_ok_and(|n| kept.count == [n; LANES]);
        dispatch!(width.0, simd => of_values(simd, rows, kept, full))
    }

    /// Drops samples beyond the reach about their mean, once, in the `open` lanes: what these keep is what these sums are of.
    /// Afterwards only the lanes that lost something are open; returns whether there are any. What was dropped is added to `dropped`.
    pub fn clip_values<T: Sample>(
        &mut self,
        width: Width,
        rows: &[Row<T>],
        (kept, dropped): (&mut Between<T>, &mut Dropped),
        open: &mut [bool; LANES],
        reach: &Reach,
    ) -> bool {
        let doubtful =
            dispatch!(width.0, simd => self.clip_sure(simd, rows, (kept, dropped), open, reach));
        if doubtful != 0 {
            dropped.forget();
            self.clip_doubtful(width, rows, kept, (open, doubtful), reach);
        }
        open.contains(&true)
    }

    /// As [`Self::clip_values`], where the running sums decide; returns the lanes where they do not, whose sums are lost.
    #[inline(always)]
    fn clip_sure<S: Simd, T: Sample>(
        &mut self,
        simd: S,
        rows: &[Row<T>],
        (kept, dropped): (&mut Between<T>, &mut Dropped),
        open: &mut [bool; LANES],
        reach: &Reach,
    ) -> u64 {
        let guess = self.guess(simd, counts(simd, &kept.count), None, reach);
        let (mut below, mut above, mut doubtful) = ([0; LANES], [0; LANES], 0);
        // Every sample that is not surely inside is at or below the one, or at or above the other: rounding to the nearest
        // sample passes over none.
        let mut inside = [Row([-T::ABSENT; LANES]), Row([T::ABSENT; LANES])];
        for lane in 0..LANES {
            let (low, high, slack) = (guess.low[lane], guess.high[lane], guess.slack[lane]);
            let is_open = open[lane] & (kept.count[lane] > 0);
            let sure = slack < f64::INFINITY;
            if is_open & sure {
                inside[0].0[lane] = T::from_f64(low + slack);
                inside[1].0[lane] = T::from_f64(high - slack);
            }
            doubtful |= u64::from(is_open & !sure) << lane;
        }
        for (part, first) in (0..LANES).step_by(T::Native::<S>::LEN).enumerate() {
            let low = kept.bounds.low.load(simd, part);
            let high = kept.bounds.high.load(simd, part);
            let (lowest, highest) = (inside[0].load(simd, part), inside[1].load(simd, part));
            for (at, row) in rows.iter().enumerate() {
                let sample = row.load(simd, part);
                let outside = (sample.simd_le(lowest) | sample.simd_ge(highest))
                    & sample.simd_ge(low)
                    & sample.simd_le(high);
                for lane in lanes_of(outside.to_bitmask()) {
                    let (lane, sample) = (first + lane, row.0[first + lane].to_f64());
                    let slack = guess.slack[lane];
                    if guess.low[lane] - sample > slack {
                        below[lane] += 1;
                    } else if sample - guess.high[lane] > slack {
                        above[lane] += 1;
                    } else {
                        doubtful |= 1 << lane;
                    }
                    dropped.add(at, lane);
                    self.leave(lane, sample);
                }
            }
        }
        *open = [false; LANES];
        let losing = bits_of(|lane| below[lane] + above[lane] > 0);
        for lane in lanes_of(losing & !doubtful) {
            kept.narrow(lane, guess.low[lane], guess.high[lane]);
            kept.count[lane] -= below[lane] + above[lane];
            kept.below[lane] += below[lane];
            open[lane] = true;
        }
        doubtful
    }

    /// As [`Self::clip_values`], by two passes over what some lanes keep; makes their sums anew.
    #[cold]
    fn clip_doubtful<T: Sample>(
        &mut self,
        width: Width,
        rows: &[Row<T>],
        kept: &mut Between<T>,
        (open, doubtful): (&mut [bool; LANES], u64),
        reach: &Reach,
    ) {
        let mut bounds = Bounds::none();
        for lane in lanes_of(doubtful) {
            bounds.low.0[lane] = kept.bounds.low.0[lane];
            bounds.high.0[lane] = kept.bounds.high.0[lane];
        }
        let n = kept.count.map(f64::from);
        let mut mean = sum_between(width, rows, &bounds);
        for lane in lanes_of(doubtful) {
            mean[lane] /= n[lane];
        }
        let squares = squares_between(width, rows, &bounds, &mean);
        for lane in lanes_of(doubtful) {
            let (low, high) = reach.bounds(mean[lane], (squares[lane] / n[lane]).sqrt());
            kept.narrow(lane, low, high);
            let before = std::mem::take(&mut kept.count[lane]);
            (self.sum[lane], self.squares[lane]) = (0.0, 0.0);
            for sample in rows.iter().map(|row| row.0[lane]) {
                if (sample < bounds.low.0[lane]) | (sample > bounds.high.0[lane]) {
                    continue;
                }
                if sample < kept.bounds.low.0[lane] {
                    kept.below[lane] += 1;
                } else if sample <= kept.bounds.high.0[lane] {
                    self.enter(lane, sample.to_f64());
                    kept.count[lane] += 1;
                }
            }
            open[lane] = kept.count[lane] < before;
        }
    }
}

impl<T: Sample> Between<T> {
    /// Everything that is present: `count` of each lane.
    pub fn all(count: [u32; LANES]) -> Self {
        Self {
            bounds: Bounds::all(),
            count,
            below: [0; LANES],
        }
    }

    /// Gives a lane back what it had.
    pub fn restore(&mut self, lane: usize, before: &Self) {
        self.bounds.low.0[lane] = before.bounds.low.0[lane];
        self.bounds.high.0[lane] = before.bounds.high.0[lane];
        self.count[lane] = before.count[lane];
        self.below[lane] = before.below[lane];
    }

    /// Drops samples below `low` or above `high`.
    pub fn drop_outside(&mut self, width: Width, rows: &[Row<T>], low: f64, high: f64) {
        let before = self.bounds;
        for lane in 0..LANES {
            self.narrow(lane, low, high);
        }
        let after = &self.bounds;
        let (below, above) = width.vectorize(
            #[inline(always)]
            || {
                let (mut below, mut above) = ([0; LANES], [0; LANES]);
                for row in rows {
                    for lane in 0..LANES {
                        let sample = row.0[lane];
                        let was = (sample >= before.low.0[lane]) & (sample <= before.high.0[lane]);
                        below[lane] += u32::from(was & (sample < after.low.0[lane]));
                        above[lane] += u32::from(was & (sample > after.high.0[lane]));
                    }
                }
                (below, above)
            },
        );
        for lane in 0..LANES {
            self.count[lane] -= below[lane] + above[lane];
            self.below[lane] += below[lane];
        }
    }

    /// Moves the bounds of a lane inwards; the count stays as it is.
    fn narrow(&mut self, lane: usize, low: f64, high: f64) {
        let (least, most) = (T::at_least(low), T::at_most(high));
        let (low, high) = (&mut self.bounds.low.0[lane], &mut self.bounds.high.0[lane]);
        if least > *low {
            *low = least;
        }
        if most < *high {
            *high = most;
        }
    }
}

#[inline(always)]
fn of_values<S: Simd, T: Sample>(
    simd: S,
    rows: &[Row<T>],
    kept: &Between<T>,
    full: bool,
) -> Spread {
    let pivot = pivots(simd, rows);
    let mut sums = [[f64x8::splat(simd, 0.0); 2]; 2];
    if full {
        for row in rows {
            add_terms(&mut sums, terms(T::widen(simd, row), pivot));
        }
    } else {
        let mut keeper = Keeper::<S, false>::new(simd, &kept.bounds);
        for row in rows {
            let sample = T::widen(simd, row);
            let mask = keeper.keeps(sample);
            let [sample, apart] = terms(sample, pivot);
            add_terms(
                &mut sums,
                [select(simd, mask, sample), select(simd, mask, apart)],
            );
        }
    }
    Spread::of_sums(pivot, counts(simd, &kept.count), sums)
}
