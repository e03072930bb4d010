//! The deviation of samples of which those far from the median are drawn in.

mod ends;
mod lane;

use std::f64::consts::FRAC_PI_2;
use std::ops::Range;

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use self::ends::{CERTAIN, Ends};
use self::lane::InLane;
use super::super::lanes::{Mask, Wide, add, bits_of, both, counts, lanes_of, narrow, splat, wide};
use super::super::{Kept, LANES, Row, Sample, Width};
use super::outward::{Halves, Walk, deviation, over};

/// Samples farther than so many deviations are drawn in.
const REACH: f64 = 1.5;
/// What drawing in takes from the deviation of normal samples.
const GIVE_BACK: f64 = 1.134;
/// A change below this part is none.
const SETTLED: f64 = 0.0005;

/// The deviation of what is kept of each lane about `centre`, its median, at least 3 samples: samples beyond 1.5 deviations are drawn in
/// to there, 1.134 times the standard deviation is taken anew, until it hardly changes. NaN where nothing is kept.
///
/// Where it is certain which samples lie beyond `factors` of them, below and above, before that is done, another that takes the same.
pub fn winsorized_kept<T: Sample>(
    width: Width,
    sorted: &[Row<T>],
    kept: &Kept,
    centre: &[f64; LANES],
    factors: (f64, f64),
) -> [f64; LANES] {
    let mut open = bits_of(|lane| kept.from[lane] < kept.to[lane]);
    let mut begun = Begun {
        sigma: [f64::NAN; LANES],
        first: [f64::NAN; LANES],
        refused: [f64::INFINITY; LANES],
    };
    if open.count_ones() > FEW {
        open = dispatch!(width.0, simd => winsorized(simd, sorted, kept, (centre, factors), &mut begun));
    }
    for lane in lanes_of(open) {
        let ends = Ends::new(centre[lane], factors);
        let known = (begun.first[lane], begun.refused[lane]);
        let lane_alone = InLane::new(&sorted[kept.rows(lane)], lane, centre[lane]);
        begun.sigma[lane] = lane_alone.winsorized(&ends, known);
    }
    begun.sigma
}

/// Up to so many lanes are faster one after the other than all at once.
const FEW: u32 = 3;

/// What is known of each lane.
struct Begun {
    sigma: [f64; LANES],
    /// The standard deviation of all; NaN where it was not taken.
    first: [f64; LANES],
    /// The least deviation that is not certain to hold.
    refused: [f64; LANES],
}

/// Fills in the deviations; a bit for each lane that is still to be done: few of them.
#[inline(always)]
fn winsorized<S: Simd, T: Sample>(
    simd: S,
    sorted: &[Row<T>],
    kept: &Kept,
    (centre, factors): (&[f64; LANES], (f64, f64)),
    begun: &mut Begun,
) -> u64 {
    let halves = Halves::of(kept);
    let n = counts(simd, &kept.count());
    let column = Column {
        simd,
        sorted,
        walk: Walk::new(simd, &halves),
        centre: wide(simd, centre),
        n,
        over: over(simd, n),
    };
    let mut core = Core::of(&column);
    let infinite = f64x8::splat(simd, f64::INFINITY);
    let zero = f64x8::splat(simd, 0.0);
    let nan = f64x8::splat(simd, f64::NAN);
    let mut reach = [infinite; 2];
    let mut sigma = column.within(&mut core, reach);
    for half in 0..2 {
        sigma[half] = column.n[half].simd_gt(0.0).select(sigma[half], nan);
    }
    let first = sigma;
    let mut open = both(
        #[inline(always)]
        |half| sigma[half].simd_gt(zero) & sigma[half].simd_lt(infinite),
    );
    // Before the first step it can only be certain that nothing goes.
    let least = least_of(sorted, kept, (centre, factors), bits(open), None);
    (begun.first, begun.refused) = (narrow(first), least);
    let least = wide(simd, &least);
    let held = column.holds(&mut core, least, first);
    for half in 0..2 {
        let held = held[half] & open[half];
        sigma[half] = held.select(least[half], sigma[half]);
        open[half] &= !held;
    }
    while bits(open).count_ones() > FEW {
        for half in 0..2 {
            let nearer = reach[half].min(sigma[half] * REACH);
            // A lane that is done asks for nothing.
            reach[half] = open[half].select(nearer, infinite);
        }
        let after = column.within(&mut core, reach);
        let mut shrunk = open;
        for half in 0..2 {
            let after = after[half] * GIVE_BACK;
            let before = sigma[half];
            sigma[half] = open[half].select(after, before);
            let settled = (after - before).abs().simd_le(before * SETTLED);
            open[half] &= !settled;
            shrunk[half] = open[half] & after.simd_lt(before);
        }
        collapse(&column, &core, reach, shrunk, (&mut sigma, &mut open));
        let most = narrow(sigma);
        let mut least = least_of(sorted, kept, (centre, factors), bits(open), Some(&most));
        for lane in lanes_of(bits(open)) {
            if least[lane] < begun.refused[lane] {
                begun.refused[lane] = least[lane];
            } else {
                least[lane] = f64::INFINITY;
            }
        }
        let held = column.holds(&mut core, wide(simd, &least), first);
        for half in 0..2 {
            open[half] &= sigma[half].simd_gt(zero) & sigma[half].simd_lt(infinite) & !held[half];
        }
    }
    begun.sigma = narrow(sigma);
    bits(open)
}

/// A bit for each lane.
#[inline(always)]
fn bits<S: Simd>(mask: Mask<S>) -> u64 {
    mask[0].to_bitmask() | mask[1].to_bitmask() << (LANES / 2)
}

/// The least deviation with which nothing goes of the lanes in question but what goes with `most`, too; +∞ where there is none that is
/// certain.
#[inline(always)]
fn least_of<T: Sample>(
    sorted: &[Row<T>],
    kept: &Kept,
    (centre, factors): (&[f64; LANES], (f64, f64)),
    open: u64,
    most: Option<&[f64; LANES]>,
) -> [f64; LANES] {
    let mut least = [f64::INFINITY; LANES];
    for lane in lanes_of(open) {
        let rows = kept.rows(lane);
        let (first, behind) = (rows.start, rows.end);
        let ends = Ends::new(centre[lane], factors);
        let at = |row: usize| sorted[first + row].0[lane].to_f64() - centre[lane];
        least[lane] = match most {
            None => ends.least(at(0), at(behind - first - 1)),
            Some(most) => ends
                .least_within(behind - first, at, most[lane])
                .unwrap_or(f64::INFINITY),
        };
    }
    least
}

/// Ends it in lanes where nothing but the centre is left within reach: from there on the deviation would only shrink. The mean distance
/// stands in.
#[inline(always)]
fn collapse<S: Simd, T: Sample>(
    column: &Column<'_, S, T>,
    core: &Core<S>,
    reach: Wide<S>,
    shrunk: Mask<S>,
    (sigma, open): (&mut Wide<S>, &mut Mask<S>),
) {
    let doubtful = both(
        #[inline(always)]
        |half| {
            let inside = core.edge[half].simd_gt(0.0) & core.edge[half].simd_lt(reach[half]);
            shrunk[half] & !inside
        },
    );
    if !(doubtful[0].any_true() | doubtful[1].any_true()) {
        return;
    }
    let nearest = column.nearest();
    let collapsed = both(
        #[inline(always)]
        |half| doubtful[half] & reach[half].simd_le(nearest[half]),
    );
    if !(collapsed[0].any_true() | collapsed[1].any_true()) {
        return;
    }
    let by_distance = column.by_distance();
    for half in 0..2 {
        sigma[half] = collapsed[half].select(by_distance[half], sigma[half]);
        open[half] &= !collapsed[half];
    }
}

/// The sorted columns of a block.
struct Column<'a, S: Simd, T> {
    simd: S,
    sorted: &'a [Row<T>],
    walk: Walk<S>,
    centre: Wide<S>,
    n: Wide<S>,
    over: Wide<S>,
}

/// The middle rows: mostly nothing of them is drawn in, and their sums need not be taken again.
struct Core<S: Simd> {
    /// The first of them, and the first behind them.
    first: usize,
    last: usize,
    /// The largest distance in them; infinite where it is not known that they are kept.
    edge: Wide<S>,
    /// Sums over the rows below and above the middles.
    low: [Wide<S>; 2],
    high: [Wide<S>; 2],
}

impl<S: Simd> Core<S> {
    /// Five eighths of the rows, with their sums.
    #[inline(always)]
    fn of<T: Sample>(column: &Column<'_, S, T>) -> Self {
        let (below, above) = column.walk.rows();
        let zero = [splat(column.simd, 0.0); 2];
        let mut core = Self {
            first: below.end - (below.end - below.start) * 5 / 8,
            last: above.start + (above.end - above.start) * 5 / 8,
            edge: splat(column.simd, f64::INFINITY),
            low: zero,
            high: zero,
        };
        column.add(
            (core.first..below.end, above.start..core.last),
            None,
            (&mut core.low, &mut core.high),
        );
        if core.first < below.end && above.start < core.last {
            let at = |row: usize| {
                let sample = T::widen(column.simd, &column.sorted[row]);
                both(
                    #[inline(always)]
                    |half| (sample[half] - column.centre[half]).abs(),
                )
            };
            let (first, last) = (at(core.first), at(core.last - 1));
            core.edge = [first[0].max(last[0]), first[1].max(last[1])];
        }
        core
    }
}

/// A number, and its square.
#[inline(always)]
fn with_square<S: Simd>(number: Wide<S>) -> [Wide<S>; 2] {
    [number, [number[0] * number[0], number[1] * number[1]]]
}

impl<S: Simd, T: Sample> Column<'_, S, T> {
    /// The lanes whose deviation never falls below `least`: it begins as `first`, and where samples are drawn in to 1.5 times the least,
    /// more than that comes out. The farther out samples are drawn in to, the more it is.
    #[inline(always)]
    fn holds(&self, core: &mut Core<S>, least: Wide<S>, first: Wide<S>) -> Mask<S> {
        let infinite = f64x8::splat(self.simd, f64::INFINITY);
        let asked = both(
            #[inline(always)]
            |half| least[half].simd_lt(first[half]),
        );
        if !(asked[0].any_true() | asked[1].any_true()) {
            return asked;
        }
        let reach = both(
            #[inline(always)]
            |half| asked[half].select(least[half] * REACH, infinite),
        );
        let after = self.within(core, reach);
        both(
            #[inline(always)]
            |half| {
                let after = after[half] * GIVE_BACK;
                asked[half] & after.simd_gt(least[half] * (1.0 + CERTAIN))
            },
        )
    }

    /// The standard deviation where what is farther than `reach` is drawn in.
    #[inline(always)]
    fn within(&self, core: &mut Core<S>, reach: Wide<S>) -> Wide<S> {
        let (below, above) = self.walk.rows();
        let held = both(
            #[inline(always)]
            |half| core.edge[half].simd_le(reach[half]) | !self.n[half].simd_gt(0.0),
        );
        let (mut low, mut high) = (core.low, core.high);
        if held[0].all_true() & held[1].all_true() {
            self.add(
                (below.start..core.first, core.last..above.end),
                Some(reach),
                (&mut low, &mut high),
            );
        } else {
            low = [splat(self.simd, 0.0); 2];
            high = low;
            self.add((below, above), Some(reach), (&mut low, &mut high));
        }
        add(&mut low[0], high[0]);
        add(&mut low[1], high[1]);
        deviation(low[0], low[1], self.n, self.over)
    }

    /// Adds distances and their squares over rows below and above the middles.
    #[inline(always)]
    fn add(
        &self,
        (below, above): (Range<usize>, Range<usize>),
        reach: Option<Wide<S>>,
        (low, high): (&mut [Wide<S>; 2], &mut [Wide<S>; 2]),
    ) {
        let reach = reach.unwrap_or(splat(self.simd, f64::INFINITY));
        let centre = self.centre;
        let zero = f64x8::splat(self.simd, 0.0);
        // Below the middle no sample is above the centre, and above it none is below.
        self.walk.downwards(
            self.sorted,
            below,
            low,
            #[inline(always)]
            |sample, _| {
                with_square(both(
                    #[inline(always)]
                    |half| (sample[half] - centre[half]).max(zero - reach[half]),
                ))
            },
            #[inline(always)]
            |_, _, _| {},
        );
        self.walk.upwards(
            self.sorted,
            above,
            high,
            #[inline(always)]
            |sample, _| {
                with_square(both(
                    #[inline(always)]
                    |half| (sample[half] - centre[half]).min(reach[half]),
                ))
            },
            #[inline(always)]
            |_, _, _| {},
        );
    }

    /// The smallest distance of a sample that is not the centre.
    #[inline(always)]
    fn nearest(&self) -> Wide<S> {
        let mut nearest = splat(self.simd, f64::INFINITY);
        let infinite = f64x8::splat(self.simd, f64::INFINITY);
        let (below, above) = self.walk.rows();
        for index in below.start..above.end {
            let sample = T::widen(self.simd, &self.sorted[index]);
            let kept = self.walk.keeps(index);
            for half in 0..2 {
                let distance = (sample[half] - self.centre[half]).abs();
                let away = kept[half] & distance.simd_gt(0.0);
                let distance = away.select(distance, infinite);
                nearest[half] = nearest[half].min(distance);
            }
        }
        nearest
    }

    /// The deviation as the mean distance has it.
    #[inline(always)]
    fn by_distance(&self) -> Wide<S> {
        let centre = self.centre;
        let sums = self.walk.sums(
            self.sorted,
            #[inline(always)]
            |sample: Wide<S>, _| [[(sample[0] - centre[0]).abs(), (sample[1] - centre[1]).abs()]],
        );
        let sum = sums.total(0);
        let root = FRAC_PI_2.sqrt();
        both(
            #[inline(always)]
            |half| sum[half] / self.n[half] * root,
        )
    }
}
