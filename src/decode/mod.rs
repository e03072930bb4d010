//! The room where stored bytes become samples.
//!
//! A sample is BSCALE·stored + BZERO, in f64, rounded once to the sample type; it is absent where it is not finite, equals
//! BLANK, or is masked. FITS numbers are big-endian.

mod lines;
mod mask;
mod strip;

use crate::kernel::Sample;
use crate::pixels::{Bitpix, Stored};

pub(crate) use lines::{WorkLine, decode_lines, decode_own_deviations, own_deviations};
pub(crate) use mask::{decode_mask_run, decode_masks};
pub(crate) use strip::{LINE, Strip, decode_deviations, decode_images, decode_run};

/// What is done with the rule that makes a sample of the bytes of a pixel, once it is known.
trait UseRule<T> {
    /// `rule` turns the big-endian bytes of a stored pixel into a sample.
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> T + Copy);
}

/// Finds the rule for pixels stored as `stored`, and hands it to `user`.
///
/// The common forms have rules of their own, so that their loops become vector code: whole offsets of 8- and 16-bit integers,
/// and floats that are stored as they are.
#[inline(always)]
fn with_rule<T: Sample>(stored: &Stored, user: impl UseRule<T>) {
    let Stored {
        bitpix,
        bscale,
        bzero,
        blank,
    } = *stored;
    #[expect(
        clippy::float_cmp,
        reason = "exact by intent: only a scale of 1 leaves numbers as they are"
    )]
    let unscaled = bscale == 1.0;
    let whole = unscaled && bzero.fract() == 0.0 && bzero.abs() <= 8_388_608.0;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and small where it is used"
    )]
    let offset = bzero as i32;
    // A BLANK beyond the range of the stored type is never met, so that any number out of range does for 'none'.
    let blank32 = blank
        .and_then(|blank| i32::try_from(blank).ok())
        .unwrap_or(i32::MIN);
    let finite = |v: T| if v.is_present() { v } else { T::ABSENT };
    let scaled = move |stored: f64| finite(T::from_f64(bscale * stored + bzero));
    let small = move |v: i32| {
        if v == blank32 {
            T::ABSENT
        } else {
            T::from_f64(f64::from(v + offset))
        }
    };
    let plain = move |v: i32| T::from_f64(f64::from(v + offset));
    match (bitpix, blank) {
        // Most raw frames: what costs nothing in other forms is a tenth of their decoding.
        (Bitpix::I16, None) if whole => user.with(move |b| plain(i32::from(i16::from_be_bytes(b)))),
        (Bitpix::U8, _) if whole => user.with(move |b: [u8; 1]| small(i32::from(b[0]))),
        (Bitpix::I16, _) if whole => user.with(move |b| small(i32::from(i16::from_be_bytes(b)))),
        (Bitpix::U8, _) => user.with(move |b: [u8; 1]| {
            if i32::from(b[0]) == blank32 {
                T::ABSENT
            } else {
                scaled(f64::from(b[0]))
            }
        }),
        (Bitpix::I16, _) => user.with(move |b| {
            let v = i16::from_be_bytes(b);
            if i32::from(v) == blank32 {
                T::ABSENT
            } else {
                scaled(f64::from(v))
            }
        }),
        (Bitpix::I32, None) => user.with(move |b| scaled(f64::from(i32::from_be_bytes(b)))),
        (Bitpix::I32, Some(blank)) => user.with(move |b| {
            let v = i32::from_be_bytes(b);
            if i64::from(v) == blank {
                T::ABSENT
            } else {
                scaled(f64::from(v))
            }
        }),
        (Bitpix::I64, _) => user.with(move |b| {
            let v = i64::from_be_bytes(b);
            if Some(v) == blank {
                T::ABSENT
            } else {
                finite(T::from_f64(long(v, bscale, bzero)))
            }
        }),
        (Bitpix::F32, _) if unscaled && bzero == 0.0 => {
            user.with(move |b| finite(T::from_f32(f32::from_be_bytes(b))));
        }
        (Bitpix::F32, _) => user.with(move |b| scaled(f64::from(f32::from_be_bytes(b)))),
        (Bitpix::F64, _) => user.with(move |b| scaled(f64::from_be_bytes(b))),
    }
}

/// A 64-bit integer, scaled. With BSCALE 1 and a whole BZERO the sum is made in integers: uint64 is stored less 2⁶³, and in f64
/// 5 − 2⁶³ + 2⁶³ is 0.
#[inline(always)]
fn long(stored: i64, bscale: f64, bzero: f64) -> f64 {
    #[expect(
        clippy::float_cmp,
        reason = "exact by intent: only a scale of 1 leaves numbers as they are"
    )]
    let unscaled = bscale == 1.0;
    if unscaled && bzero.fract() == 0.0 && bzero.abs() <= 2.0_f64.powi(63) {
        #[expect(clippy::cast_possible_truncation, reason = "whole and within ±2⁶³")]
        let sum = i128::from(stored) + bzero as i128;
        return sum as f64;
    }
    bscale * (stored as f64) + bzero
}
