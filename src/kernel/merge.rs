//! Bitonic merges of sorted runs of rows, several stages to a pass over memory.
//!
//! A merge of two runs of `half` rows exchanges row `i` with row `2·half − 1 − i` (*flip*), then at distances
//! `half/2`, `half/4`, … 1 (*clean*). All exchanges put the smaller sample first, so rows beyond the end of the
//! block, +∞ in thought, never move: their exchanges are left out, and any number of rows can be merged.

use fearless_simd::{Simd, prelude::*};

use super::network::{RUN, by_length, clean_registers, flip_eight, flip_four};
use super::{LANES, Row, Sample};

/// Merges the first `half` rows with the rest, both sorted. `half` is a power of two, at least [`RUN`], and the
/// rest is at most as long.
#[inline(always)]
pub(super) fn merge<S: Simd, T: Sample>(simd: S, rows: &mut [Row<T>], half: usize) {
    if rows.len() == 2 * half {
        clean(simd, rows, true);
        return;
    }
    let (low, high) = rows.split_at_mut(half);
    exchange_rows(simd, low.iter_mut().rev().zip(high.iter_mut()));
    clean(simd, low, false);
    clean_ragged(simd, high, half);
}

/// Cleans rows that are the beginning of a block of `len` rows, a power of two.
#[inline(always)]
fn clean_ragged<S: Simd, T: Sample>(simd: S, mut rows: &mut [Row<T>], mut len: usize) {
    while len > RUN && rows.len() < len {
        len /= 2;
        if rows.len() > len {
            let (low, high) = rows.split_at_mut(len);
            exchange_rows(simd, low.iter_mut().zip(high.iter_mut()));
            clean(simd, low, false);
            rows = high;
        }
    }
    if rows.len() == len {
        clean(simd, rows, false);
    } else {
        clean_run(simd, rows);
    }
}

/// Cleans a block whose length is a power of two, at least [`RUN`]. With `flip` it holds two sorted halves, else
/// what a flip or a stage of cleaning has left.
#[inline(always)]
fn clean<S: Simd, T: Sample>(simd: S, rows: &mut [Row<T>], mut flip: bool) {
    let mut len = rows.len();
    while len > RUN {
        let stages = match (len / RUN).ilog2() {
            1 => 1,
            2 | 4 => 2,
            _ => 3,
        };
        for block in rows.chunks_exact_mut(len) {
            match (stages, flip) {
                (1, true) => pass::<S, T, 2, true>(simd, block),
                (1, false) => pass::<S, T, 2, false>(simd, block),
                (2, true) => pass::<S, T, 4, true>(simd, block),
                (2, false) => pass::<S, T, 4, false>(simd, block),
                (_, true) => pass::<S, T, 8, true>(simd, block),
                (_, false) => pass::<S, T, 8, false>(simd, block),
            }
        }
        len >>= stages;
        flip = false;
    }
    for run in rows.chunks_exact_mut(RUN) {
        clean_exactly::<S, T, RUN>(simd, run);
    }
}

/// One pass over a block: log₂ `K` stages of exchanges among `K` groups of rows.
#[inline(always)]
fn pass<S: Simd, T: Sample, const K: usize, const FLIP: bool>(simd: S, rows: &mut [Row<T>]) {
    let reach = rows.len() / K;
    for index in 0..reach {
        let place = |group: usize| {
            let within = if FLIP && group >= K / 2 {
                reach - 1 - index
            } else {
                index
            };
            group * reach + within
        };
        for part in 0..LANES / T::Native::<S>::LEN {
            let mut registers = [T::Native::<S>::splat(simd, T::ABSENT); RUN];
            for group in 0..K {
                registers[group] = rows[place(group)].load(simd, part);
            }
            match (K, FLIP) {
                (8, true) => flip_eight::<S, T>(&mut registers),
                (4, true) => flip_four::<S, T>(&mut registers),
                _ => clean_registers::<S, T, K>(&mut registers),
            }
            for group in 0..K {
                rows[place(group)].store::<S>(part, registers[group]);
            }
        }
    }
}

/// Exchanges the rows of each pair.
#[inline(always)]
fn exchange_rows<'a, S: Simd, T: Sample>(
    simd: S,
    pairs: impl Iterator<Item = (&'a mut Row<T>, &'a mut Row<T>)>,
) {
    for (low, high) in pairs {
        for part in 0..LANES / T::Native::<S>::LEN {
            let (a, b) = (low.load(simd, part), high.load(simd, part));
            low.store::<S>(part, a.min(b));
            high.store::<S>(part, a.max(b));
        }
    }
}

/// Cleans at most [`RUN`] rows in registers.
#[inline(always)]
fn clean_run<S: Simd, T: Sample>(simd: S, rows: &mut [Row<T>]) {
    by_length!(rows.len(), N => clean_exactly::<S, T, N>(simd, rows));
}

/// Cleans `N` rows in registers.
#[inline(always)]
fn clean_exactly<S: Simd, T: Sample, const N: usize>(simd: S, rows: &mut [Row<T>]) {
    for part in 0..LANES / T::Native::<S>::LEN {
        let mut registers = [T::Native::<S>::splat(simd, T::ABSENT); RUN];
        for (register, row) in registers.iter_mut().zip(&rows[..N]) {
            *register = row.load(simd, part);
        }
        clean_registers::<S, T, N>(&mut registers);
        for (register, row) in registers.iter().zip(&mut rows[..N]) {
            row.store::<S>(part, *register);
        }
    }
}
