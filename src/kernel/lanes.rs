//! The sixteen lanes of a row as vectors of f64, whatever the sample type and the width of the machine.

use fearless_simd::{Simd, SimdFloatElement, f32x16, f64x8, mask64x8, prelude::*};

use super::{LANES, Row};

/// A row in f64.
pub(super) type Wide<S> = [f64x8<S>; 2];

/// One yes or no for each lane of a [`Wide`].
pub(super) type Mask<S> = [mask64x8<S>; 2];

/// Seals [`Sample`](super::Sample), and knows how a row becomes f64.
pub trait Lanes: SimdFloatElement + Send + Sync + 'static {
    /// The row in f64.
    fn widen<S: Simd>(simd: S, row: &Row<Self>) -> [f64x8<S>; 2];

    /// The samples from `low` to `high` in f64, and +0 for the others.
    fn widen_between<S: Simd>(
        simd: S,
        row: &Row<Self>,
        low: &Row<Self>,
        high: &Row<Self>,
    ) -> [f64x8<S>; 2];
}

impl Lanes for f32 {
    #[inline(always)]
    fn widen<S: Simd>(simd: S, row: &Row<Self>) -> [f64x8<S>; 2] {
        f32x16::load_array_ref(simd, &row.0).widen().into()
    }

    #[inline(always)]
    fn widen_between<S: Simd>(
        simd: S,
        row: &Row<Self>,
        low: &Row<Self>,
        high: &Row<Self>,
    ) -> [f64x8<S>; 2] {
        let row = f32x16::load_array_ref(simd, &row.0);
        let low = f32x16::load_array_ref(simd, &low.0);
        let high = f32x16::load_array_ref(simd, &high.0);
        let kept = row.simd_ge(low) & row.simd_le(high);
        kept.select(row, f32x16::splat(simd, 0.0)).widen().into()
    }
}

impl Lanes for f64 {
    #[inline(always)]
    fn widen<S: Simd>(simd: S, row: &Row<Self>) -> [f64x8<S>; 2] {
        wide(simd, &row.0)
    }

    #[inline(always)]
    fn widen_between<S: Simd>(
        simd: S,
        row: &Row<Self>,
        low: &Row<Self>,
        high: &Row<Self>,
    ) -> [f64x8<S>; 2] {
        let (row, low, high) = (wide(simd, &row.0), wide(simd, &low.0), wide(simd, &high.0));
        let kept = [
            row[0].simd_ge(low[0]) & row[0].simd_le(high[0]),
            row[1].simd_ge(low[1]) & row[1].simd_le(high[1]),
        ];
        select(simd, kept, row)
    }
}

/// The closure itself. Only the closure of a call can be told to be inlined, and one that is not is compiled without the vectors.
#[inline(always)]
pub(super) fn inlined<F>(closure: F) -> F {
    closure
}

/// What is made of either half of the lanes.
#[inline(always)]
pub(super) fn both<V>(of: impl Fn(usize) -> V) -> [V; 2] {
    [of(0), of(1)]
}

/// Sixteen numbers as vectors.
#[inline(always)]
pub(super) fn wide<S: Simd>(simd: S, lanes: &[f64; LANES]) -> Wide<S> {
    let (low, high) = lanes.split_at(LANES / 2);
    [f64x8::from_slice(simd, low), f64x8::from_slice(simd, high)]
}

/// The same number in every lane.
#[inline(always)]
pub(super) fn splat<S: Simd>(simd: S, number: f64) -> Wide<S> {
    [f64x8::splat(simd, number); 2]
}

/// Sixteen counts as vectors of f64, exact.
#[inline(always)]
pub(super) fn counts<S: Simd>(simd: S, lanes: &[u32; LANES]) -> Wide<S> {
    let mut numbers = [0.0; LANES];
    for (number, lane) in numbers.iter_mut().zip(lanes) {
        *number = f64::from(*lane);
    }
    wide(simd, &numbers)
}

/// Vectors as sixteen numbers.
#[inline(always)]
pub(super) fn narrow<S: Simd>(lanes: Wide<S>) -> [f64; LANES] {
    let mut numbers = [0.0; LANES];
    let (low, high) = numbers.split_at_mut(LANES / 2);
    lanes[0].store_slice(low);
    lanes[1].store_slice(high);
    numbers
}

/// Vectors of whole numbers below 2³² as sixteen counts.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    reason = "2^52 + n holds n in its low bits: a cast of floats would be done lane by lane"
)]
pub(super) fn narrow_counts<S: Simd>(lanes: Wide<S>) -> [u32; LANES] {
    const TWO_TO_52: f64 = 4_503_599_627_370_496.0;
    let mut counted = [0; LANES];
    for (counted, number) in counted.iter_mut().zip(narrow(lanes)) {
        *counted = (number + TWO_TO_52).to_bits() as u32;
    }
    counted
}

/// Adds `term` to `sum`.
#[inline(always)]
pub(super) fn add<S: Simd>(sum: &mut Wide<S>, term: Wide<S>) {
    sum[0] += term[0];
    sum[1] += term[1];
}

/// The numbers of the lanes of `mask`, and +0, which changes no bit of a sum that began with +0.
#[inline(always)]
pub(super) fn select<S: Simd>(simd: S, mask: Mask<S>, numbers: Wide<S>) -> Wide<S> {
    let zero = f64x8::splat(simd, 0.0);
    [
        mask[0].select(numbers[0], zero),
        mask[1].select(numbers[1], zero),
    ]
}

/// Adds `term` to `sum` in the lanes of `mask`.
#[inline(always)]
pub(super) fn add_where<S: Simd>(simd: S, sum: &mut Wide<S>, mask: Mask<S>, term: Wide<S>) {
    add(sum, select(simd, mask, term));
}

/// A bit for each lane that is wanted.
#[inline(always)]
pub(super) fn bits_of(wanted: impl Fn(usize) -> bool) -> u64 {
    (0..LANES).fold(0, |bits, lane| bits | (u64::from(wanted(lane)) << lane))
}

/// 1 for each lane whose bit is set, and 0 for the others.
#[inline(always)]
pub(super) fn flags(bits: u64) -> [u32; LANES] {
    let mut flags = [0; LANES];
    for (lane, flag) in flags.iter_mut().enumerate() {
        *flag = u32::from(bits >> lane & 1 == 1);
    }
    flags
}

/// The lanes whose bits are set, as vectors.
#[inline(always)]
pub(super) fn mask<S: Simd>(simd: S, bits: u64) -> Mask<S> {
    const HALF: u64 = (1 << (LANES / 2)) - 1;
    [
        mask64x8::from_bitmask(simd, bits & HALF),
        mask64x8::from_bitmask(simd, bits >> (LANES / 2) & HALF),
    ]
}

/// The lanes whose bits are set, in ascending order.
#[inline(always)]
pub(super) fn lanes_of(mut bits: u64) -> impl Iterator<Item = usize> {
    std::iter::from_fn(
        #[inline(always)]
        move || {
            let lane = bits.trailing_zeros() as usize;
            bits &= bits.wrapping_sub(1);
            (lane < LANES).then_some(lane)
        },
    )
}
