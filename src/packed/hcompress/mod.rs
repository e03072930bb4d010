//! HCOMPRESS_1: sums and differences of four neighbours, of the sums of four such, and so on; their bits in quadtrees.
//!
//! Axes are those of the rest of the house: `nrow` rows of `ncol` columns; what the source calls x runs along the rows.
//!
//! Source: CFITSIO, `fits_hdecompress64`; R. L. White, Space Telescope Science Institute, 1991 to 1994.

mod inverse;
mod quadtree;
mod smooth;

use super::bits::{Bits, ENDS_EARLY};
use super::{Fault, exactly};

/// Rows that are moved together, so many columns at a time.
const LINE: usize = 8;
/// More planes of bits than a coefficient has room for.
const MOST_PLANES: u8 = 62;

/// Room for codes, and for what is moved.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    codes: Vec<u8>,
    moved: Vec<i64>,
}

impl Scratch {
    /// Bytes for tiles of so many rows and columns.
    pub(super) fn nbyte(nrow: usize, ncol: usize) -> usize {
        ncodes(nrow, ncol) + nmoved(nrow, ncol) * size_of::<i64>()
    }
}

/// Codes of the largest quadrant of a tile, of four bits each.
fn ncodes(nrow: usize, ncol: usize) -> usize {
    nrow.div_ceil(2).div_ceil(2) * ncol.div_ceil(2).div_ceil(2)
}

fn nmoved(nrow: usize, ncol: usize) -> usize {
    nrow.max(ncol).div_ceil(2) * LINE
}

/// Takes a tile of `nrow` × `ncol` numbers apart.
pub(super) fn unpack(
    packed: &[u8],
    (nrow, ncol): (usize, usize),
    smooths: bool,
    numbers: &mut Vec<i64>,
    scratch: &mut Scratch,
) -> Result<(), Fault> {
    let (start, rest) = packed.split_first_chunk::<25>().ok_or(ENDS_EARLY)?;
    let ([0xdd, 0x99], start) = start.split_first_chunk::<2>().ok_or(ENDS_EARLY)? else {
        return Err(Fault("does not begin as HCOMPRESS does"));
    };
    let number = |at: usize| {
        let bytes = start[4 * at..].first_chunk().copied();
        bytes.map_or(0, i32::from_be_bytes)
    };
    let is = |number: i32, length: usize| usize::try_from(number) == Ok(length);
    if !is(number(0), nrow) || !is(number(1), ncol) || nrow.max(ncol) < 2 {
        return Err(Fault("is of another shape than its header says"));
    }
    let scale = i64::from(number(2));
    let sum = start[12..].first_chunk().copied();
    let sum = sum.map_or(0, i64::from_be_bytes);
    let planes = [start[20], start[21], start[22]];
    if planes.iter().any(|count| *count > MOST_PLANES) {
        return Err(Fault("has more planes of bits than there can be"));
    }

    let numbers = exactly(numbers, nrow * ncol);
    numbers.fill(0);
    let codes = exactly(&mut scratch.codes, ncodes(nrow, ncol));
    let mut bits = Bits::new(rest);
    let (top, left) = (nrow.div_ceil(2), ncol.div_ceil(2));
    let quadrants = [
        (0, top, left, planes[0]),
        (left, top, ncol - left, planes[1]),
        (ncol * top, nrow - top, left, planes[1]),
        (ncol * top + left, nrow - top, ncol - left, planes[2]),
    ];
    for (first, nrow, ncol_of, nplane) in quadrants {
        if nrow > 0 && ncol_of > 0 {
            let into = &mut numbers[first..];
            quadtree::unpack(&mut bits, into, ncol, (nrow, ncol_of), nplane, codes)?;
        }
    }
    if bits.take(4)? != 0 {
        return Err(Fault(
            "is damaged: its planes of bits do not end where they should",
        ));
    }
    bits.align();
    for number in numbers.iter_mut().filter(|number| **number != 0) {
        if bits.take(1)? == 1 {
            *number = -*number;
        }
    }
    numbers[0] = sum;
    if scale > 1 {
        for number in numbers.iter_mut() {
            *number = number.wrapping_mul(scale);
        }
    }
    let moved = exactly(&mut scratch.moved, nmoved(nrow, ncol));
    let smoothing = smooths.then_some(scale >> 1).filter(|most| *most > 0);
    inverse::transform(numbers, (nrow, ncol), smoothing, moved);
    Ok(())
}

/// The power of two that is not smaller than a length.
fn log2(length: usize) -> u32 {
    length.next_power_of_two().trailing_zeros()
}
