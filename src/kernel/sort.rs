//! Sorts every lane of a block by vertical minima and maxima: no branch, no transpose, any number of rows.

use fearless_simd::{Simd, dispatch, prelude::*};

use super::merge::merge;
use super::network::{RUN, by_length, sort_registers};
use super::{LANES, Row, Sample, Width};

/// Sorts the samples of each lane in ascending order, absent samples last. −0 becomes +0, so that equal samples
/// are equal in their bits and the order has no freedom left.
///
/// # Panics
///
/// If `sorted` has not as many rows.
pub fn sort<T: Sample>(width: Width, rows: &[Row<T>], sorted: &mut [Row<T>]) {
    assert_eq!(
        sorted.len(),
        rows.len(),
        "rows of the destination of a sort"
    );
    dispatch!(width.0, simd => sort_in(simd, rows, sorted));
}

/// Sorts run after run, and merges two runs of equal length as soon as both stand: what is merged is still in the
/// nearest cache.
#[inline(always)]
fn sort_in<S: Simd, T: Sample>(simd: S, rows: &[Row<T>], sorted: &mut [Row<T>]) {
    let nrow = rows.len();
    let mut end = 0;
    while end + RUN <= nrow {
        let run = end..end + RUN;
        sort_exactly::<S, T, RUN>(simd, &rows[run.clone()], &mut sorted[run]);
        end += RUN;
        let mut half = RUN;
        while end % (2 * half) == 0 {
            merge(simd, &mut sorted[end - 2 * half..end], half);
            half *= 2;
        }
    }
    let (rows, last) = (&rows[end..], &mut sorted[end..]);
    by_length!(rows.len(), N => sort_exactly::<S, T, N>(simd, rows, last));
    let mut half = RUN;
    while half < nrow {
        let start = nrow - nrow % (2 * half);
        if nrow - start > half {
            merge(simd, &mut sorted[start..], half);
        }
        half *= 2;
    }
}

/// Sorts `N` rows in registers.
#[inline(always)]
fn sort_exactly<S: Simd, T: Sample, const N: usize>(
    simd: S,
    rows: &[Row<T>],
    sorted: &mut [Row<T>],
) {
    let zero = T::Native::<S>::splat(simd, T::from(0_u8));
    for part in 0..LANES / T::Native::<S>::LEN {
        let mut registers = [T::Native::<S>::splat(simd, T::ABSENT); RUN];
        for (register, row) in registers.iter_mut().zip(&rows[..N]) {
            *register = row.load(simd, part) + zero;
        }
        sort_registers::<S, T, N>(&mut registers);
        for (register, row) in registers.iter().zip(&mut sorted[..N]) {
            row.store::<S>(part, *register);
        }
    }
}
