//! Decoding masks: numbers of which any but 0 is bad, or fields of bits of which some are.

use std::ops::Range;

use super::strip::{Fill, Strip};
use super::{UseRule, with_rule};
use crate::kernel::{Sample, Width};
use crate::pixels::{Bitpix, Stored};
use crate::recipe::MaskBits;

/// Makes the samples of `frames` absent where their masks are bad: not 0, or by `bits` where these are given.
pub(crate) fn decode_masks<'b, T: Sample>(
    width: Width,
    stored: &Stored,
    bits: Option<MaskBits>,
    frames: Range<usize>,
    bytes: impl Fn(usize) -> &'b [u8],
    strip: &mut Strip<'_, T>,
) {
    let put = |old: T, mask: T| if mask.to_f64() == 0.0 { old } else { T::ABSENT };
    let fill = Fill {
        width,
        frames,
        bytes,
        strip,
        put,
        rest: None,
        skips_zeros: bits.is_none() && stored.bzero == 0.0 && stored.blank != Some(0),
    };
    // A BLANK mask pixel says nothing good of its sample: decoded it is absent, which is not zero.
    match bits {
        None => with_rule(stored, fill),
        Some(bits) => with_bits(stored, bits, ByBits(fill)),
    }
}

/// Marks the pixels of a run whose masks are bad, and leaves the marks of the others as they are.
pub(crate) fn decode_mask_run(
    width: Width,
    stored: &Stored,
    bits: Option<MaskBits>,
    bytes: &[u8],
    masked: &mut [bool],
) {
    let run = MaskRun {
        width,
        bytes,
        masked,
    };
    match bits {
        None => with_rule::<f64>(stored, run),
        Some(bits) => with_bits(stored, bits, run),
    }
}

/// Finds the rule by which pixels stored as `stored` are bad, and hands it to `user`.
#[inline(always)]
fn with_bits(stored: &Stored, bits: MaskBits, user: impl UseRule<bool>) {
    let test = BitTest::new(stored, bits);
    match stored.bitpix {
        Bitpix::U8 => user.with(move |b: [u8; 1]| test.integer(i64::from(b[0]))),
        Bitpix::I16 => user.with(move |b| test.integer(i64::from(i16::from_be_bytes(b)))),
        Bitpix::I32 => user.with(move |b| test.integer(i64::from(i32::from_be_bytes(b)))),
        Bitpix::I64 => user.with(move |b| test.integer(i64::from_be_bytes(b))),
        Bitpix::F32 => user.with(move |b| test.float(f64::from(f32::from_be_bytes(b)))),
        Bitpix::F64 => user.with(move |b| test.float(f64::from_be_bytes(b))),
    }
}

/// Which bits are looked at, and how they come from stored numbers. Exact for 64 bits.
#[derive(Clone, Copy)]
struct BitTest {
    bits: MaskBits,
    /// What is added to a stored integer, modulo 2⁶⁴; `None` where it must be reckoned in f64.
    offset: Option<u64>,
    /// The bits that pixels of this type have: a negative number has no more of them than a positive one.
    own: u64,
    stored: Stored,
}

impl BitTest {
    fn new(stored: &Stored, bits: MaskBits) -> Self {
        let Stored {
            bitpix,
            bscale,
            bzero,
            ..
        } = *stored;
        #[expect(
            clippy::float_cmp,
            reason = "exact by intent: only a scale of 1 leaves integers as they are"
        )]
        let whole = bscale == 1.0 && bzero.fract() == 0.0 && bzero.abs() <= 2.0_f64.powi(63);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and within ±2⁶³, taken modulo 2⁶⁴"
        )]
        let offset = whole.then_some(bzero as i128 as u64);
        let nbit = 8 * bitpix.nbyte();
        let half = 1_u64 << (nbit - 1);
        // Integers of the other sign are stored less, or more, half of what there are.
        let plain = offset.is_some_and(|offset| [0, half, half.wrapping_neg()].contains(&offset));
        Self {
            bits,
            offset,
            own: if plain {
                u64::MAX >> (64 - nbit)
            } else {
                u64::MAX
            },
            stored: *stored,
        }
    }

    /// Whether a stored integer is bad.
    #[inline(always)]
    fn integer(self, stored: i64) -> bool {
        let blank = Some(stored) == self.stored.blank;
        blank
            || match self.offset {
                Some(offset) => self.word(stored.cast_unsigned().wrapping_add(offset)),
                None => self.float(stored as f64),
            }
    }

    /// Whether a stored float is bad: also where it is no whole number.
    #[inline(always)]
    fn float(self, stored: f64) -> bool {
        let value = self.stored.bscale * stored + self.stored.bzero;
        let fits = value.fract() == 0.0 && value.abs() < 2.0_f64.powi(64);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole and within ±2⁶⁴, taken modulo 2⁶⁴"
        )]
        let word = value as i128 as u64;
        !fits || self.word(word)
    }

    #[inline(always)]
    fn word(self, word: u64) -> bool {
        word & self.own & self.bits.bad != 0
    }
}

/// A strip in which bad pixels become absent.
struct ByBits<F>(F);

impl<'b, T, B, P> UseRule<bool> for ByBits<Fill<'_, '_, T, B, P>>
where
    T: Sample,
    B: Fn(usize) -> &'b [u8],
    P: Fn(T, T) -> T,
{
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> bool + Copy) {
        let good = T::from_f32(0.0);
        self.0
            .with(move |b: [u8; N]| if rule(b) { T::ABSENT } else { good });
    }
}

/// Marks one after another.
struct MaskRun<'a> {
    width: Width,
    bytes: &'a [u8],
    masked: &'a mut [bool],
}

impl UseRule<bool> for MaskRun<'_> {
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> bool + Copy) {
        let Self {
            width,
            bytes,
            masked,
        } = self;
        width.vectorize(
            #[inline(always)]
            || {
                for (masked, pixel) in masked.iter_mut().zip(bytes.as_chunks::<N>().0) {
                    *masked |= rule(*pixel);
                }
            },
        );
    }
}

impl UseRule<f64> for MaskRun<'_> {
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> f64 + Copy) {
        UseRule::<bool>::with(self, move |b: [u8; N]| rule(b) != 0.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{LANES, Row};

    fn stored(bitpix: Bitpix, bzero: f64, blank: Option<i64>) -> Stored {
        Stored {
            bitpix,
            bscale: 1.0,
            bzero,
            blank,
        }
    }

    fn bits(bad: u64) -> MaskBits {
        MaskBits { bad }
    }

    /// The marks of a run, which a strip of either sample type and every width must agree with.
    fn marks(stored: &Stored, bits: Option<MaskBits>, bytes: &[u8]) -> Vec<bool> {
        let npixel = bytes.len() / stored.bitpix.nbyte();
        let all: Vec<Vec<bool>> = Width::available()
            .into_iter()
            .flat_map(|width| {
                let mut masked = vec![false; npixel];
                decode_mask_run(width, stored, bits, bytes, &mut masked);
                let narrow = strip::<f32>(width, stored, bits, bytes);
                [masked, narrow, strip::<f64>(width, stored, bits, bytes)]
            })
            .collect();
        assert!(all.iter().all(|marks| *marks == all[0]), "{all:?}");
        all[0].clone()
    }

    fn strip<T: Sample>(
        width: Width,
        stored: &Stored,
        bits: Option<MaskBits>,
        bytes: &[u8],
    ) -> Vec<bool> {
        let npixel = bytes.len() / stored.bitpix.nbyte();
        let mut rows = vec![Row([T::from_f32(1.0); LANES]); npixel.div_ceil(LANES)];
        let mut strip = Strip {
            rows: &mut rows,
            nframe: 1,
        };
        decode_masks(width, stored, bits, 0..1, |_| bytes, &mut strip);
        let samples = rows.iter().flat_map(|row| row.0);
        samples.take(npixel).map(|v| !v.is_present()).collect()
    }

    #[test]
    fn only_the_bits_that_count_are_bad() {
        let image = stored(Bitpix::U8, 0.0, None);
        let bytes: Vec<u8> = (0..40).collect();
        assert_eq!(
            marks(&image, Some(bits(0b101)), &bytes),
            (0..40).map(|v| v & 0b101 != 0).collect::<Vec<_>>()
        );
        assert_eq!(
            marks(&image, None, &bytes),
            marks(&image, Some(bits(u64::MAX)), &bytes)
        );
        assert!(!marks(&image, Some(bits(0)), &bytes).contains(&true));
    }

    #[test]
    fn a_bit_of_64_is_told_from_its_neighbours() {
        let words = [0_u64, 1, 1 << 63, (1 << 63) | 1, (1 << 53) | 1, 1 << 53];
        let unsigned = stored(Bitpix::I64, 2.0_f64.powi(63), None);
        let bytes: Vec<u8> = words
            .iter()
            .flat_map(|word| (word ^ (1 << 63)).to_be_bytes())
            .collect();
        let signed: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
        for bad in [1, 1 << 63, 1 << 53, (1 << 63) | 1] {
            let expected: Vec<_> = words.iter().map(|word| word & bad != 0).collect();
            assert_eq!(marks(&unsigned, Some(bits(bad)), &bytes), expected);
            let plain = stored(Bitpix::I64, 0.0, None);
            assert_eq!(marks(&plain, Some(bits(bad)), &signed), expected);
        }
    }

    #[test]
    fn a_negative_number_has_no_bits_beyond_its_type() {
        let bytes: Vec<u8> = [-32768_i16, -32767, 5]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        let plain = stored(Bitpix::I16, 0.0, None);
        assert_eq!(
            marks(&plain, Some(bits(!32768)), &bytes),
            [false, true, true],
            "all bits but 15"
        );
        assert_eq!(
            marks(&plain, Some(bits(32768)), &bytes),
            [true, true, false]
        );
        let unsigned = stored(Bitpix::I16, 32768.0, None);
        assert_eq!(
            marks(&unsigned, Some(bits(32768)), &bytes),
            [false, false, true]
        );
        let shifted = stored(Bitpix::U8, 1.0, None);
        assert_eq!(marks(&shifted, Some(bits(256)), &[255, 254]), [true, false]);
    }

    #[test]
    fn what_is_no_whole_number_is_bad() {
        let bytes: Vec<u8> = [0.0_f32, 4.0, 2.0, 0.5, f32::NAN, f32::INFINITY]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        assert_eq!(
            marks(&stored(Bitpix::F32, 0.0, None), Some(bits(4)), &bytes),
            [false, true, false, true, true, true]
        );
        let blank = stored(Bitpix::U8, 0.0, Some(2));
        assert_eq!(
            marks(&blank, Some(bits(4)), &[0, 2, 4, 8]),
            [false, true, true, false]
        );
        assert_eq!(marks(&blank, None, &[0, 2, 0]), [false, true, false]);
        let scaled = Stored {
            bscale: 0.5,
            ..stored(Bitpix::U8, 0.0, None)
        };
        assert_eq!(
            marks(&scaled, Some(bits(4)), &[0, 8, 4, 1]),
            [false, true, false, true]
        );
    }

    #[test]
    fn marks_that_stand_already_stay() {
        let mut masked = [true, false, false];
        let image = stored(Bitpix::U8, 0.0, None);
        decode_mask_run(Width::widest(), &image, None, &[0, 1, 0], &mut masked);
        assert_eq!(masked, [true, true, false]);
    }
}
