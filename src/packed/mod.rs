//! Packed tiles, taken apart: the bytes of one tile of a compressed image go in, its stored pixels come out.
//!
//! Slices in, slices out, as in the kernels; nothing here opens a file, and no byte is trusted: whatever a tile holds, it becomes pixels or
//! a [`Fault`]. CFITSIO, which could do the same, would take a handle of 113 kB for each frame and thread, and all tiles of HCOMPRESS one
//! after another; its decoders below the handles read behind the end of a damaged tile.
//!
//! Source: the tiled image convention of the FITS standard 4.0, chapter 10, and CFITSIO, to whose pixels these are equal to the bit.

mod bits;
mod gzip;
mod hcompress;
mod plio;
mod put;
mod quantised;
mod rice;
#[cfg(test)]
mod tests;

use crate::pixels::Bitpix;

use gzip::Inflater;
use put::Put;

/// Bytes that a room takes where a tile is gzipped: for the window, its tables, and what the crate keeps beside.
pub(crate) const GUNZIP_NBYTE: usize = 56 << 10;

pub(crate) use quantised::{Dither, NRANDOM, Quantised, begin, random};

/// How the numbers of a tile are packed: ZCMPTYPE and its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Codec {
    /// RICE_1.
    Rice {
        /// Pixels of a block, at least 1.
        block: usize,
        /// Bytes of a number: 1, 2 or 4.
        nbyte: usize,
    },
    /// GZIP_1: the numbers as they would stand in the file.
    Gzip,
    /// GZIP_2: first the highest byte of each number, and so on.
    GzipShuffled,
    /// PLIO_1.
    Plio {
        /// Whether 32768 was added to 16-bit numbers, to make them positive.
        shifted: bool,
    },
    /// HCOMPRESS_1.
    Hcompress {
        /// Whether what was lost is smoothed over.
        smooth: bool,
    },
    /// NOCOMPRESS.
    None,
}

/// Why a tile could not be taken apart, in words that go on from 'its tile N'.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fault(pub(crate) &'static str);

/// Room for what stands between packed bytes and pixels; one a thread.
#[derive(Debug, Default)]
pub(crate) struct Room {
    bytes: Vec<u8>,
    coefficients: Vec<i64>,
    /// Of HCOMPRESS: codes of a quadrant, and what is moved.
    scratch: hcompress::Scratch,
    inflater: Inflater,
}

const WRONG_SIZE: Fault = Fault("has another number of bytes than its pixels take");

/// What the pixels of a tile are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Pixels {
    /// The type of the stored pixels.
    pub(crate) bitpix: Bitpix,
    /// What turns whole numbers into them, where they are floats that were quantised.
    pub(crate) quantised: Option<Quantised>,
    /// Pixels of a row of the tile.
    pub(crate) ncol: usize,
}

impl Codec {
    /// Bytes that a room takes for tiles of so many rows and columns.
    pub(crate) fn room_nbyte(self, bitpix: Bitpix, (nrow, ncol): (usize, usize)) -> usize {
        let npixel = nrow * ncol;
        match self {
            Self::Rice { .. } | Self::Plio { .. } | Self::None => 0,
            // Numbers of 4 bytes may become pixels of 2.
            Self::Gzip | Self::GzipShuffled => npixel * bitpix.nbyte().max(4) + GUNZIP_NBYTE,
            Self::Hcompress { .. } => {
                npixel * size_of::<i64>() + hcompress::Scratch::nbyte(nrow, ncol)
            }
        }
    }

    /// Takes a tile apart: its `packed` bytes become the big-endian stored pixels of `out`, which they fill.
    ///
    /// # Errors
    ///
    /// A [`Fault`] where the bytes are not those of such a tile; `out` then holds anything.
    pub(crate) fn unpack(
        self,
        packed: &[u8],
        pixels: &Pixels,
        room: &mut Room,
        out: &mut [u8],
    ) -> Result<(), Fault> {
        let npixel = out.len() / pixels.bitpix.nbyte();
        let mut put = Put::new(pixels, out);
        match self {
            Self::Rice { block, nbyte } => {
                match nbyte {
                    1 => rice::unpack::<8>(packed, block, npixel, &mut put),
                    2 => rice::unpack::<16>(packed, block, npixel, &mut put),
                    _ => rice::unpack::<32>(packed, block, npixel, &mut put),
                }?;
            }
            Self::Plio { shifted } => {
                put.add(if shifted { -32768 } else { 0 });
                plio::unpack(packed, npixel, &mut put)?;
            }
            Self::Hcompress { smooth } => {
                put.clip();
                let Room {
                    coefficients,
                    scratch,
                    ..
                } = room;
                let shape = (npixel / pixels.ncol.max(1), pixels.ncol);
                hcompress::unpack(packed, shape, smooth, coefficients, scratch)?;
                put.wide(&coefficients[..npixel])?;
            }
            Self::Gzip | Self::GzipShuffled => {
                return gzip::unpack(packed, self == Self::GzipShuffled, pixels, room, out);
            }
            Self::None if pixels.quantised.is_none() => return unpacked(packed, out),
            Self::None => {
                let (numbers, rest) = packed.as_chunks();
                if numbers.len() != npixel || !rest.is_empty() {
                    return Err(WRONG_SIZE);
                }
                put.each(npixel, |at| Ok(i32::from_be_bytes(numbers[at])))?;
            }
        }
        put.end()
    }
}

/// Takes a tile apart whose pixels were gzipped as they are, because they could not be quantised.
///
/// # Errors
///
/// A [`Fault`] where the bytes are not those of such a tile.
pub(crate) fn gunzip(packed: &[u8], room: &mut Room, out: &mut [u8]) -> Result<(), Fault> {
    room.inflater.inflate(packed, out)
}

/// Copies a tile that is not packed.
///
/// # Errors
///
/// A [`Fault`] where it has not as many bytes as `out`.
pub(crate) fn unpacked(bytes: &[u8], out: &mut [u8]) -> Result<(), Fault> {
    if bytes.len() != out.len() {
        return Err(WRONG_SIZE);
    }
    out.copy_from_slice(bytes);
    Ok(())
}

/// Makes a vector so long without room for more than that; what it holds is of no account.
pub(crate) fn exactly<T: Clone + Default>(vector: &mut Vec<T>, length: usize) -> &mut [T] {
    if vector.len() < length {
        vector.clear();
        vector.reserve_exact(length);
        vector.resize(length, T::default());
    }
    &mut vector[..length]
}
