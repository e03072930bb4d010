//! Comparisons in registers: the sorting network of up to sixteen rows and the half-cleaners of bitonic merges.
//!
//! Every exchange puts the smaller sample at the smaller index. So a network of sixteen, cut down to the exchanges
//! among the first `N`, sorts `N` rows: the rows that are left out would be +∞ and would never move.

use fearless_simd::{Simd, prelude::*};

use super::Sample;

/// Rows that a network holds at once.
pub(super) const RUN: usize = 16;

/// Exchanges the listed pairs of registers, those from `N` on left out at compile time.
macro_rules! exchange {
    ($rows:ident, $n:ident: $($low:literal $high:literal),+) => {
        $(if $high < $n {
            let (low, high) = ($rows[$low], $rows[$high]);
            $rows[$low] = low.min(high);
            $rows[$high] = low.max(high);
        })+
    };
}

/// Sorts the first `N` of `rows`: Green's network of sixty exchanges (Knuth, The Art of Computer Programming 3,
/// 5.3.4), whose parts for fewer rows are within one or two exchanges of the best that are known.
#[inline(always)]
pub(super) fn sort_registers<S: Simd, T: Sample, const N: usize>(rows: &mut [T::Native<S>; RUN]) {
    exchange!(rows, N: 0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15);
    exchange!(rows, N: 0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15);
    exchange!(rows, N: 0 4, 1 5, 2 6, 3 7, 8 12, 9 13, 10 14, 11 15);
    exchange!(rows, N: 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15);
    exchange!(rows, N: 5 10, 6 9, 3 12, 13 14, 4 8, 7 11, 1 2);
    exchange!(rows, N: 1 4, 7 13, 2 8, 11 14);
    exchange!(rows, N: 2 4, 5 6, 9 10, 11 13, 3 8, 7 12);
    exchange!(rows, N: 6 8, 10 12, 3 5, 7 9);
    exchange!(rows, N: 3 4, 5 6, 7 8, 9 10, 11 12);
    exchange!(rows, N: 6 7, 8 9);
}

/// Sorts the first `N` of `rows` where they are what a merge has left within one block of `N` rounded up to a power
/// of two: exchanges at distances 8, 4, 2, 1.
#[inline(always)]
pub(super) fn clean_registers<S: Simd, T: Sample, const N: usize>(rows: &mut [T::Native<S>; RUN]) {
    exchange!(rows, N: 0 8, 1 9, 2 10, 3 11, 4 12, 5 13, 6 14, 7 15);
    exchange!(rows, N: 0 4, 1 5, 2 6, 3 7, 8 12, 9 13, 10 14, 11 15);
    clean_fours::<S, T, N>(rows);
}

/// The first exchange of a merge among eight groups of rows, the upper four in descending order, and the two that
/// follow it.
#[inline(always)]
pub(super) fn flip_eight<S: Simd, T: Sample>(rows: &mut [T::Native<S>; RUN]) {
    const N: usize = 8;
    exchange!(rows, N: 0 7, 1 6, 2 5, 3 4);
    clean_fours::<S, T, N>(rows);
}

/// As [`flip_eight`], among four groups.
#[inline(always)]
pub(super) fn flip_four<S: Simd, T: Sample>(rows: &mut [T::Native<S>; RUN]) {
    const N: usize = 4;
    exchange!(rows, N: 0 3, 1 2);
    exchange!(rows, N: 0 1, 2 3);
}

/// Exchanges at distances 2 and 1.
#[inline(always)]
fn clean_fours<S: Simd, T: Sample, const N: usize>(rows: &mut [T::Native<S>; RUN]) {
    exchange!(rows, N: 0 2, 1 3, 4 6, 5 7, 8 10, 9 11, 12 14, 13 15);
    exchange!(rows, N: 0 1, 2 3, 4 5, 6 7, 8 9, 10 11, 12 13, 14 15);
}

/// Calls for the constant `$n` that equals a number of rows from 1 to [`RUN`]; nothing to do for others.
macro_rules! by_length {
    ($len:expr, $n:ident => $call:expr) => {
        by_length!(@ $len, $n, $call, 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16)
    };
    (@ $len:expr, $n:ident, $call:expr, $($number:literal)+) => {
        match $len {
            $($number => {
                const $n: usize = $number;
                $call;
            })+
            _ => {}
        }
    };
}
pub(super) use by_length;
