//! The bits of a quadrant, plane by plane, the highest first: each as a quadtree of codes of four bits, or as they are.

use super::{Fault, log2};
use crate::packed::bits::Bits;

/// Reads the planes of a quadrant of `nrow` × `ncol` numbers that begins at `into[0]`; rows stand `pitch` apart.
pub(super) fn unpack(
    bits: &mut Bits<'_>,
    into: &mut [i64],
    pitch: usize,
    (nrow, ncol): (usize, usize),
    nplane: u8,
    codes: &mut [u8],
) -> Result<(), Fault> {
    let depth = log2(nrow.max(ncol));
    for plane in (0..nplane).rev() {
        match bits.take(4)? {
            0 => {
                let count = nrow.div_ceil(2) * ncol.div_ceil(2);
                for code in &mut codes[..count] {
                    *code = low(bits.take(4)?);
                }
            }
            0xf => {
                codes[0] = code(bits)?;
                for level in (1..depth).rev() {
                    // Lengths at this level of the tree: halved that often, rounded up.
                    let at_level = |length: usize| length.div_ceil(1 << level);
                    expand(bits, codes, (at_level(nrow), at_level(ncol)))?;
                }
            }
            _ => {
                return Err(Fault(
                    "is damaged: a plane of bits is neither a tree nor plain",
                ));
            }
        }
        insert(codes, into, pitch, (nrow, ncol), plane);
    }
    Ok(())
}

/// Makes of each code those of the four below it: a set bit is one that is read, any other is 0. They become `nrow` × `ncol`.
fn expand(
    bits: &mut Bits<'_>,
    codes: &mut [u8],
    (nrow, ncol): (usize, usize),
) -> Result<(), Fault> {
    let half = ncol.div_ceil(2);
    // From the end, for they stand in the same place.
    for row in (0..nrow.div_ceil(2)).rev() {
        for col in (0..half).rev() {
            let code = codes[row * half + col];
            let (top, left) = (2 * row * ncol, 2 * col);
            let (below, beside) = (2 * row + 1 < nrow, left + 1 < ncol);
            if below && beside {
                codes[top + ncol + left + 1] = code & 1;
            }
            if below {
                codes[top + ncol + left] = code >> 1 & 1;
            }
            if beside {
                codes[top + left + 1] = code >> 2 & 1;
            }
            codes[top + left] = code >> 3 & 1;
        }
    }
    for place in codes[..nrow * ncol].iter_mut().rev() {
        if *place != 0 {
            *place = code(bits)?;
        }
    }
    Ok(())
}

/// Inserts the bits of the codes into a plane of the numbers.
fn insert(codes: &[u8], into: &mut [i64], pitch: usize, (nrow, ncol): (usize, usize), plane: u8) {
    let half = ncol.div_ceil(2);
    let mut bands = into[..(nrow - 1) * pitch + ncol].chunks_mut(2 * pitch);
    for codes in codes[..nrow.div_ceil(2) * half].chunks(half) {
        let Some(band) = bands.next() else { return };
        let (upper, lower) = band.split_at_mut(pitch.min(band.len()));
        let upper = &mut upper[..ncol];
        for (two, code) in upper.chunks_mut(2).zip(codes) {
            set(two, *code >> 2, plane);
        }
        if !lower.is_empty() {
            for (two, code) in lower[..ncol].chunks_mut(2).zip(codes) {
                set(two, *code, plane);
            }
        }
    }
}

/// Sets bits of two neighbours, or of one at an edge.
#[inline(always)]
fn set(two: &mut [i64], code: u8, plane: u8) {
    match two {
        [left, right] => {
            *left |= i64::from(code >> 1 & 1) << plane;
            *right |= i64::from(code & 1) << plane;
        }
        [left] => *left |= i64::from(code >> 1 & 1) << plane,
        _ => {}
    }
}

/// The next code of four bits, of which those with one set bit are the shortest.
#[inline(always)]
fn code(bits: &mut Bits<'_>) -> Result<u8, Fault> {
    let three = bits.take(3)?;
    if three < 4 {
        return Ok(1 << three);
    }
    let four = three << 1 | bits.take(1)?;
    if let Some(code) = [3, 5, 10, 12, 15].get(four as usize - 8) {
        return Ok(*code);
    }
    let five = four << 1 | bits.take(1)?;
    if let Some(code) = [6, 7, 9, 11, 13].get(five as usize - 26) {
        return Ok(*code);
    }
    Ok(if bits.take(1)? == 0 { 0 } else { 14 })
}

/// Four bits.
fn low(number: u32) -> u8 {
    u8::try_from(number & 0xf).expect("four bits")
}
