//! RICE_1: differences of neighbours, each block of them with as many plain low bits as serves it best.
//!
//! Source: CFITSIO, `fits_rdecomp`; Rice, Yeh and Miller 1993.

use super::Fault;
use super::bits::{Bits, ENDS_EARLY};
use super::put::Put;

/// Numbers that are put at a time.
const PIECE: usize = 64;

/// Takes a tile of `npixel` numbers of `WIDTH` bits apart, in blocks of so many.
pub(super) fn unpack<const WIDTH: u32>(
    packed: &[u8],
    block: usize,
    npixel: usize,
    put: &mut Put<'_>,
) -> Result<(), Fault> {
    // Bits that say how many low bits are plain, and how many mean that all are.
    let (nsplit, all_plain) = match WIDTH {
        8 => (3, 6),
        16 => (4, 14),
        _ => (5, 25),
    };
    let mut bits = Bits::new(packed);
    let mut last = bits.take(WIDTH)?;
    let mut numbers = [0; PIECE];
    for first in (0..npixel).step_by(block) {
        let nplain = bits.take(nsplit)?;
        let mut left = block.min(npixel - first);
        while left > 0 {
            let piece = &mut numbers[..left.min(PIECE)];
            left -= piece.len();
            match nplain {
                // No difference at all.
                0 => piece.fill(sample::<WIDTH>(last)),
                nplain if nplain > all_plain => {
                    for number in piece.iter_mut() {
                        last = last.wrapping_add(difference(bits.take(WIDTH)?));
                        *number = sample::<WIDTH>(last);
                    }
                }
                nplain => last = split::<WIDTH>(&mut bits, nplain - 1, last, piece)?,
            }
            put.numbers(piece)?;
        }
    }
    Ok(())
}

/// Reads differences whose high bits are counted in zeros, `nplain` low bits as they are; returns the last number.
fn split<const WIDTH: u32>(
    bits: &mut Bits<'_>,
    nplain: u32,
    last: u32,
    numbers: &mut [i32],
) -> Result<u32, Fault> {
    // So many codes stand in a window, as a rule: few bits are counted in zeros.
    match nplain {
        0..10 => split_by::<WIDTH, 4>(bits, nplain, last, numbers),
        10..20 => split_by::<WIDTH, 2>(bits, nplain, last, numbers),
        _ => split_by::<WIDTH, 1>(bits, nplain, last, numbers),
    }
}

/// The same, with so many codes a window.
#[inline(always)]
fn split_by<const WIDTH: u32, const EACH: usize>(
    bits: &mut Bits<'_>,
    nplain: u32,
    mut last: u32,
    numbers: &mut [i32],
) -> Result<u32, Fault> {
    // Handed over by value, so that they stay in registers.
    let mut at = *bits;
    for numbers in numbers.chunks_mut(EACH) {
        at.refill();
        for number in numbers {
            let (window, count) = at.window();
            let nzero = window.leading_zeros();
            let code = if nzero + 1 + nplain <= count {
                at.skip(nzero + 1 + nplain);
                // Two shifts, for a shift by 64 is none.
                let plain = window << nzero << 1 >> 1 >> (63 - nplain);
                #[expect(clippy::cast_possible_truncation, reason = "fewer bits than 32")]
                let plain = plain as u32;
                nzero << nplain | plain
            } else {
                let (code, after) = rare(at, nplain)?;
                at = after;
                code
            };
            last = last.wrapping_add(difference(code));
            *number = sample::<WIDTH>(last);
        }
    }
    *bits = at;
    Ok(last)
}

/// A code of so many zeros that they may not stand in one window.
#[cold]
fn rare(mut bits: Bits<'_>, nplain: u32) -> Result<(u32, Bits<'_>), Fault> {
    let mut high: u32 = 0;
    loop {
        bits.refill();
        let (window, count) = bits.window();
        let nzero = window.leading_zeros().min(count);
        high = high.wrapping_add(nzero);
        if count == 0 {
            return Err(ENDS_EARLY);
        }
        if nzero < count {
            bits.skip(nzero);
            break;
        }
        // All of the window is zeros: it has less than 64 bits.
        bits.skip(count);
    }
    bits.take(1)?;
    let code = high << nplain | bits.take(nplain)?;
    Ok((code, bits))
}

/// A difference from its code: 0, −1, 1, −2, 2 and so on.
#[inline(always)]
fn difference(code: u32) -> u32 {
    (code >> 1) ^ (code & 1).wrapping_neg()
}

/// The number in the low bits: bytes are without sign.
#[inline(always)]
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "the low bits are what is meant"
)]
fn sample<const WIDTH: u32>(low: u32) -> i32 {
    match WIDTH {
        8 => i32::from(low as u8),
        16 => i32::from(low as i16),
        _ => low as i32,
    }
}
