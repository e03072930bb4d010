//! The masters of a piece of a frame, made ready once for all frames that are calibrated alike.

use super::chain::PIECE;
use super::{FrameSteps, MasterLines, Run};
use crate::kernel::Width;

/// How values are divided by the flat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Division {
    /// There is none.
    None,
    /// By a division.
    Plain,
    /// By [`divided`].
    ByReciprocal,
}

/// Pixels of the masters that take part in a chain; those of a master that does not are 0, of a flat anything.
#[derive(Debug)]
#[repr(C, align(64))]
pub(super) struct PieceMasters<'a> {
    /// What is subtracted first. NaN where any of the masters is masked: nothing comes of such a sample, and no mask need be looked at.
    pub(super) bias: [f64; PIECE],
    /// The dark times its factor.
    pub(super) dark: [f64; PIECE],
    pub(super) flat: [f64; PIECE],
    /// 1/flat, rounded to the nearest.
    pub(super) reciprocal: [f64; PIECE],
    pub(super) division: Division,
    width: Width,
    masters: &'a MasterLines,
    ready_for: Option<ReadyFor>,
}

/// What tells the masters of one piece and chain from those of another.
#[derive(Clone, Copy, Debug, PartialEq)]
struct ReadyFor {
    first: usize,
    npixel: usize,
    bias: bool,
    dark: Option<f64>,
    flat: bool,
}

/// v/f, to the bit, where `reciprocal` is 1/f rounded to the nearest, and nothing on the way over- or underflows.
///
/// A theorem of Markstein; see Brisebarre, Muller, Raina, IEEE Trans. Computers 53 (2004), 1069. The signs are such that zeros keep
/// theirs: `beyond` is +0, and −0 times a number above 0 is added to the zero.
#[inline(always)]
pub(super) fn divided(v: f64, flat: f64, reciprocal: f64) -> f64 {
    let near = v * reciprocal;
    let beyond = flat.mul_add(near, -v);
    (-beyond).mul_add(reciprocal, near)
}

/// Whether a number above 0 is so far from the ends of f64 that [`divided`] by it, or what comes after, is no matter of over- or underflow:
/// the quotients that are then beyond f64 are beyond f32 by far.
#[inline(always)]
#[expect(
    clippy::manual_range_contains,
    reason = "`contains` decides twice, which stops vectorisation"
)]
pub(super) fn is_tame(number: f64) -> bool {
    (number >= 1e-30) & (number <= 1e30)
}

impl<'a> PieceMasters<'a> {
    /// Room for pieces of `masters`.
    pub(super) fn new(width: Width, masters: &'a MasterLines) -> Self {
        Self {
            bias: [0.0; PIECE],
            dark: [0.0; PIECE],
            flat: [1.0; PIECE],
            reciprocal: [1.0; PIECE],
            division: Division::None,
            width,
            masters,
            ready_for: None,
        }
    }

    /// The masters of which these are pieces.
    pub(super) fn of(&self) -> &'a MasterLines {
        self.masters
    }

    /// Makes those of a piece ready, unless they are.
    pub(super) fn ready(&mut self, steps: &FrameSteps, place: Run<'_>, npixel: usize) {
        let wanted = ReadyFor {
            first: place.first,
            npixel,
            bias: steps.bias,
            dark: steps.dark,
            flat: steps.flat,
        };
        if self.ready_for != Some(wanted) {
            self.ready_for = Some(wanted);
            self.width.vectorize(
                #[inline(always)]
                || self.make(steps, place.first, npixel),
            );
        }
    }

    #[inline(always)]
    fn make(&mut self, steps: &FrameSteps, first: usize, npixel: usize) {
        let start = first - self.masters.first;
        let pixels = start..start + npixel;
        let [bias, dark, flat] = steps.each(self.masters);
        match bias {
            None => self.bias.fill(0.0),
            Some(line) => self.bias[..npixel].copy_from_slice(&line.value[pixels.clone()]),
        }
        match (dark, steps.dark) {
            (Some(line), Some(factor)) => {
                for (dark, value) in self.dark.iter_mut().zip(&line.value[pixels.clone()]) {
                    *dark = value * factor;
                }
            }
            _ => self.dark.fill(0.0),
        }
        self.division = Division::None;
        if let Some(line) = flat {
            let mut all_tame = true;
            let made = self.flat.iter_mut().zip(&mut self.reciprocal);
            for ((flat, reciprocal), value) in made.zip(&line.value[pixels.clone()]) {
                *flat = *value;
                *reciprocal = 1.0 / value;
                all_tame &= is_tame(*value);
            }
            self.division = if self.width.fuses() & all_tame {
                Division::ByReciprocal
            } else {
                Division::Plain
            };
        }
        for line in steps.applied(self.masters) {
            let masked = line.masked.get(pixels.clone()).unwrap_or_default();
            for (bias, masked) in self.bias.iter_mut().zip(masked) {
                *bias = if *masked { f64::NAN } else { *bias };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A number from 1 to 2 with these bits behind the point.
    fn mantissa(bits: u64) -> f64 {
        f64::from_bits((1023 << 52) | (bits >> 12))
    }

    fn is_the_division(v: f64, flat: f64) {
        assert!(is_tame(flat));
        let found = divided(v, flat, 1.0 / flat);
        assert_eq!(found.to_bits(), (v / flat).to_bits(), "{v:e} / {flat:e}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn by_the_reciprocal_quotients_are_those_of_a_division(
            v: u64,
            flat: u64,
            scales in (-700..700_i32, -90..90_i32),
            edge in 0..40_u64,
        ) {
            // Long runs of ones and zeros at either end are where roundings go wrong.
            for cut in [0, edge + 12] {
                for (v, flat) in [(v, flat), (v >> cut, flat), (v, !(flat >> cut)), (!(v >> cut), !(flat >> cut))] {
                    let (v, flat) = (mantissa(v), mantissa(flat));
                    is_the_division(v * 2.0_f64.powi(scales.0), flat * 2.0_f64.powi(scales.1));
                    is_the_division(-v, flat);
                }
            }
        }

        #[test]
        fn also_where_a_quotient_lies_next_to_the_middle_of_two_numbers(quotient: u64, flat: u64, by in -3..4_i32) {
            let (quotient, flat) = (mantissa(quotient), mantissa(flat));
            // Half a unit in the last place above the quotient, as far as a product of f64 can tell.
            let middle = quotient.mul_add(flat, flat * (0.5 * f64::EPSILON));
            let v = f64::from_bits(middle.to_bits().wrapping_add_signed(i64::from(by)));
            is_the_division(v, flat);
        }
    }

    #[test]
    fn zeros_keep_their_signs() {
        for flat in [1.0, 0.3, 3.0, 0.99] {
            is_the_division(0.0, flat);
            is_the_division(-0.0, flat);
        }
    }
}
