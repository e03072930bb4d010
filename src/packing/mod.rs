//! Tiles, packed: the stored pixels of a row of an image go in, the bytes of its tile of a compressed image come out.
//!
//! Slices in, slices out, as in the kernels; nothing here opens a file. The same pixels become the same bytes, whatever was packed before.
//! What is chosen here is what `fpack` chooses: a row a tile, blocks of 32 numbers, floats rounded by their own noise.
//!
//! Source: the tiled image convention of the FITS standard 4.0, chapter 10, and CFITSIO, which reads what comes out.

mod gzip;
mod noise;
mod quantise;
mod rice;
#[cfg(test)]
mod tests;

use crate::packed::Quantised;
use crate::recipe::{Codec, Compression, PixelType};

use gzip::Deflater;
use quantise::Quantiser;

pub(crate) use quantise::{BLANK, SEED};
pub(crate) use rice::BLOCK;

/// How the pixels of an image are packed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Form {
    /// To the bit: by their differences, or gzipped.
    Lossless(Codec),
    /// Floats become whole numbers, in steps of their noise over this level; those are packed so.
    Quantised(Codec, f64),
}

/// What became of a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Tile {
    /// It is packed to the bit.
    Lossless,
    /// It is whole numbers now: `value = scale * number + zero`, less what the dither added.
    Quantised {
        /// What the numbers are multiplied by.
        scale: f64,
        /// What is added then.
        zero: f64,
    },
    /// It is gzipped to the bit, though others are whole numbers: it has no noise to round it by, or reaches too far.
    Gzipped,
}

/// Packs tile after tile of an image; one a thread.
#[derive(Debug)]
pub(crate) struct Packer {
    form: Form,
    dtype: PixelType,
    quantiser: Quantiser,
    numbers: Vec<i32>,
    bytes: Vec<u8>,
    deflater: Option<Deflater>,
}

impl Form {
    /// How pixels of this type are packed where this is asked for: only floats can be rounded, and differences are of whole numbers.
    pub(crate) fn of(compression: Compression, dtype: PixelType) -> Self {
        let Compression { codec, quantize } = compression;
        match (dtype, quantize) {
            (PixelType::F32 | PixelType::F64, Some(level)) => Self::Quantised(codec, level),
            (PixelType::F32 | PixelType::F64, None) => Self::Lossless(Codec::Gzip),
            _ => Self::Lossless(codec),
        }
    }

    /// By what the numbers are packed.
    pub(crate) fn codec(self) -> Codec {
        match self {
            Self::Lossless(codec) | Self::Quantised(codec, _) => codec,
        }
    }
}

impl Packer {
    /// Packs images of this type so.
    pub(crate) fn new(form: Form, dtype: PixelType) -> Self {
        Self {
            form,
            dtype,
            quantiser: Quantiser::default(),
            numbers: Vec::new(),
            bytes: Vec::new(),
            deflater: None,
        }
    }

    /// Bytes that a packer of tiles of so many pixels takes, and the tile that it makes.
    pub(crate) fn nbyte(ncol: usize) -> usize {
        // Of gzip, what is incompressible grows little; the vector that takes it may have room for twice as much.
        const PIXEL: usize = Quantiser::PIXEL + size_of::<i32>() + 3 * size_of::<f64>();
        ncol * PIXEL + Deflater::NBYTE + Quantised::RANDOM_NBYTE
    }

    /// Packs a tile, by its number from 0: appends its bytes to `packed`.
    pub(crate) fn pack(&mut self, tile: usize, stored: &[u8], packed: &mut Vec<u8>) -> Tile {
        match self.form {
            Form::Lossless(Codec::Gzip) => {
                self.gzip(stored, self.dtype.nbyte(), packed);
                Tile::Lossless
            }
            Form::Lossless(Codec::Rice) => {
                whole_numbers(self.dtype, stored, &mut self.numbers);
                match self.dtype.nbyte() {
                    1 => rice::pack::<8>(&self.numbers, packed),
                    2 => rice::pack::<16>(&self.numbers, packed),
                    _ => rice::pack::<32>(&self.numbers, packed),
                }
                Tile::Lossless
            }
            Form::Quantised(codec, level) => {
                let floats = self.quantiser.load(self.dtype, stored);
                let Some((scale, zero)) = floats.quantise(tile, level, &mut self.numbers) else {
                    self.gzip(stored, 1, packed);
                    return Tile::Gzipped;
                };
                if codec == Codec::Rice {
                    rice::pack::<32>(&self.numbers, packed);
                } else {
                    let mut bytes = std::mem::take(&mut self.bytes);
                    bytes.clear();
                    bytes.extend(self.numbers.iter().flat_map(|number| number.to_be_bytes()));
                    // Not a field while `gzip` takes it for its own.
                    self.gzip(&bytes, size_of::<i32>(), packed);
                    self.bytes = bytes;
                }
                Tile::Quantised { scale, zero }
            }
        }
    }

    /// Gzips numbers of so many bytes, the first byte of each first, then the second of each, and so on.
    fn gzip(&mut self, bytes: &[u8], width: usize, packed: &mut Vec<u8>) {
        let deflater = self.deflater.get_or_insert_default();
        if width == 1 {
            deflater.gzip(bytes, packed);
        } else {
            deflater.gzip_shuffled(bytes, width, packed);
        }
    }
}

/// The stored whole numbers of big-endian bytes.
fn whole_numbers(dtype: PixelType, stored: &[u8], numbers: &mut Vec<i32>) {
    numbers.clear();
    match dtype.nbyte() {
        1 => numbers.extend(stored.iter().map(|&byte| i32::from(byte))),
        2 => {
            let (pixels, _) = stored.as_chunks();
            numbers.extend(
                pixels
                    .iter()
                    .map(|&pixel| i32::from(i16::from_be_bytes(pixel))),
            );
        }
        _ => {
            let (pixels, _) = stored.as_chunks();
            numbers.extend(pixels.iter().map(|&pixel| i32::from_be_bytes(pixel)));
        }
    }
}
