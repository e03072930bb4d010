//! One row of a block: a sample of each of [`LANES`] adjacent pixels, in f32 or f64.

use fearless_simd::{Simd, dispatch, prelude::*};

use super::{Width, lanes::Lanes};

/// Adjacent pixels in a block: the same on every machine, so that no bit depends on the vector width.
pub const LANES: usize = 16;

/// One sample of each of [`LANES`] adjacent pixels.
#[repr(C, align(64))]
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<T>(pub [T; LANES]);

/// The number type of samples: f32 or f64.
pub trait Sample: Lanes {
    /// Stands where there is no sample: +∞, so that it sorts last and lies within no bounds.
    const ABSENT: Self;
    /// The largest sample that there can be.
    const MAX: Self;

    /// The same value in f64.
    fn to_f64(self) -> f64;

    /// The mean of two samples in f64, also where their sum is not finite.
    fn halfway(self, other: Self) -> f64;

    /// The nearest value of this type, ties to even.
    fn from_f64(value: f64) -> Self;

    /// The same value: every type carries f32.
    fn from_f32(value: f32) -> Self;

    /// Whether it is a finite number.
    fn is_present(self) -> bool;

    /// The smallest finite sample that is not below `bound`, so that `sample < bound` in f64 says the same as
    /// `sample < at_least(bound)`. [`Self::ABSENT`] if there is none; −MAX for NaN, which bounds nothing.
    fn at_least(bound: f64) -> Self;

    /// The largest finite sample that is not above `bound`: −∞ if there is none; MAX for NaN, which bounds
    /// nothing.
    fn at_most(bound: f64) -> Self;
}

impl Sample for f32 {
    const ABSENT: Self = Self::INFINITY;
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        value
    }

    #[inline(always)]
    fn is_present(self) -> bool {
        self.is_finite()
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        f64::from(self)
    }

    #[inline(always)]
    fn halfway(self, other: Self) -> f64 {
        (f64::from(self) + f64::from(other)) * 0.5
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "rounding is what is asked for"
    )]
    fn from_f64(value: f64) -> Self {
        value as Self
    }

    fn at_least(bound: f64) -> Self {
        if bound.is_nan() {
            return -Self::MAX;
        }
        let nearest = Self::from_f64(bound);
        let not_below = if f64::from(nearest) < bound {
            nearest.next_up()
        } else {
            nearest
        };
        not_below.max(-Self::MAX)
    }

    fn at_most(bound: f64) -> Self {
        if bound.is_nan() {
            return Self::MAX;
        }
        let nearest = Self::from_f64(bound);
        let not_above = if f64::from(nearest) > bound {
            nearest.next_down()
        } else {
            nearest
        };
        not_above.min(Self::MAX)
    }
}

impl Sample for f64 {
    const ABSENT: Self = Self::INFINITY;
    const MAX: Self = Self::MAX;

    #[inline(always)]
    fn from_f32(value: f32) -> Self {
        Self::from(value)
    }

    #[inline(always)]
    fn is_present(self) -> bool {
        self.is_finite()
    }

    #[inline(always)]
    fn to_f64(self) -> f64 {
        self
    }

    #[inline(always)]
    fn halfway(self, other: Self) -> f64 {
        self.midpoint(other)
    }

    #[inline(always)]
    fn from_f64(value: f64) -> Self {
        value
    }

    fn at_least(bound: f64) -> Self {
        if bound.is_nan() {
            return -Self::MAX;
        }
        bound.max(-Self::MAX)
    }

    fn at_most(bound: f64) -> Self {
        if bound.is_nan() {
            return Self::MAX;
        }
        bound.min(Self::MAX)
    }
}

/// How many samples of each lane are not absent. Exact up to 2²⁴ rows.
pub fn count_present<T: Sample>(width: Width, rows: &[Row<T>]) -> [u32; LANES] {
    dispatch!(width.0, simd => count_present_in(simd, rows))
}

#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "counts: whole, not negative, below 2^24"
)]
fn count_present_in<S: Simd, T: Sample>(simd: S, rows: &[Row<T>]) -> [u32; LANES] {
    let one = T::Native::<S>::splat(simd, T::from(1_u8));
    let zero = T::Native::<S>::splat(simd, T::from(0_u8));
    let absent = T::Native::<S>::splat(simd, T::ABSENT);
    let mut present = [0; LANES];
    for (part, present) in present.chunks_exact_mut(T::Native::<S>::LEN).enumerate() {
        let mut count = zero;
        for row in rows {
            let sample = row.load(simd, part);
            count += sample.simd_lt(absent).select(one, zero);
        }
        for (present, count) in present.iter_mut().zip(count.as_slice()) {
            *present = count.to_f64() as u32;
        }
    }
    present
}

impl<T: Sample> Row<T> {
    /// Part `part` of the row, as wide as a register of this machine.
    #[inline(always)]
    pub(super) fn load<S: Simd>(&self, simd: S, part: usize) -> T::Native<S> {
        let len = T::Native::<S>::LEN;
        T::Native::<S>::from_slice(simd, &self.0[part * len..(part + 1) * len])
    }

    /// Overwrites part `part` of the row.
    #[inline(always)]
    pub(super) fn store<S: Simd>(&mut self, part: usize, samples: T::Native<S>) {
        let len = T::Native::<S>::LEN;
        samples.store_slice(&mut self.0[part * len..(part + 1) * len]);
    }
}
