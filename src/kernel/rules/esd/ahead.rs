//! The samples that come next at either end of each lane.

use fearless_simd::{Simd, prelude::*};

use super::super::super::lanes::{Mask, Wide, lanes_of, narrow, wide};
use super::super::super::{Kept, LANES, Row, Sample};

/// Samples fetched at once where all that may go are taken, whatever they are.
const MANY: usize = 8;

/// Distances of the samples next to the ends, the nearest first. Which end loses its sample is known late: what takes its place is fetched
/// before, several rows at once, since lanes that stand apart have to be fetched one after the other.
pub(super) struct Ahead {
    low: [[f64; LANES]; MANY],
    high: [[f64; LANES]; MANY],
    /// How many of them are to come.
    nrow: usize,
}

impl Ahead {
    pub(super) fn none() -> Self {
        Self {
            low: [[0.0; LANES]; MANY],
            high: [[0.0; LANES]; MANY],
            nrow: 0,
        }
    }

    /// Fetches what comes next in these lanes, of which this is left, where nothing is to come: of `many` several rows.
    #[inline(always)]
    pub(super) fn fill<S: Simd, T: Sample>(
        &mut self,
        simd: S,
        (sorted, left): (&[Row<T>], &Kept),
        pivot: &[f64; LANES],
        (lanes, many): (u64, bool),
    ) {
        if self.nrow > 0 {
            return;
        }
        self.nrow = if many { MANY } else { 1 };
        let Some(rows) = left.shared() else {
            return self.fetch((sorted, left), pivot, lanes);
        };
        let pivot = wide(simd, pivot);
        let end = sorted.len() - 1;
        for ahead in 0..self.nrow {
            let below = T::widen(simd, &sorted[(rows.start + 1 + ahead).min(end)]);
            let above = T::widen(simd, &sorted[rows.end.saturating_sub(2 + ahead)]);
            self.low[ahead] = narrow([below[0] - pivot[0], below[1] - pivot[1]]);
            self.high[ahead] = narrow([above[0] - pivot[0], above[1] - pivot[1]]);
        }
    }

    /// Fetches what is to come in some lanes anew.
    #[inline(always)]
    pub(super) fn fetch<T: Sample>(
        &mut self,
        (sorted, left): (&[Row<T>], &Kept),
        pivot: &[f64; LANES],
        lanes: u64,
    ) {
        let end = sorted.len() - 1;
        for lane in lanes_of(lanes) {
            let rows = left.rows(lane);
            let distance = |row: usize| sorted[row].0[lane].to_f64() - pivot[lane];
            for ahead in 0..self.nrow {
                self.low[ahead][lane] = distance((rows.start + 1 + ahead).min(end));
                self.high[ahead][lane] = distance(rows.end.saturating_sub(2 + ahead));
            }
        }
    }

    /// What takes the place of the lowest sample, and of the highest.
    #[inline(always)]
    pub(super) fn next<S: Simd>(&self, simd: S) -> (Wide<S>, Wide<S>) {
        (wide(simd, &self.low[0]), wide(simd, &self.high[0]))
    }

    /// Goes on by one at the end that lost its sample.
    #[inline(always)]
    pub(super) fn go_on<S: Simd>(&mut self, simd: S, is_high: Mask<S>) {
        self.nrow -= 1;
        for ahead in 0..self.nrow {
            let (low, high) = (&self.low, &self.high);
            let low = [wide(simd, &low[ahead]), wide(simd, &low[ahead + 1])];
            let high = [wide(simd, &high[ahead]), wide(simd, &high[ahead + 1])];
            let (mut lower, mut higher) = (low[0], high[0]);
            for half in 0..2 {
                lower[half] = is_high[half].select(low[0][half], low[1][half]);
                higher[half] = is_high[half].select(high[1][half], high[0][half]);
            }
            self.low[ahead] = narrow(lower);
            self.high[ahead] = narrow(higher);
        }
    }
}
