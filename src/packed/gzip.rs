//! GZIP_1 and GZIP_2: the numbers of a tile, gzipped.

use flate2::{Crc, Decompress, FlushDecompress, Status};

use super::bits::ENDS_EARLY;
use super::put::Put;
use super::{Fault, Pixels, Room, exactly};

const DAMAGED: Fault = Fault("is damaged: it does not gunzip");
const WRONG_SIZE: Fault = Fault("gunzips to another number of bytes than its pixels take");

/// Takes a tile apart whose numbers, maybe of another width than its pixels, are gzipped; shuffled, their highest bytes come first.
pub(super) fn unpack(
    packed: &[u8],
    shuffled: bool,
    pixels: &Pixels,
    room: &mut Room,
    out: &mut [u8],
) -> Result<(), Fault> {
    let nbyte = pixels.bitpix.nbyte();
    let npixel = out.len() / nbyte;
    // The last bytes say how many there were.
    let size = packed.last_chunk::<4>().ok_or(ENDS_EARLY)?;
    let size = usize::try_from(u32::from_le_bytes(*size)).map_err(|_| WRONG_SIZE)?;
    let width = size / npixel.max(1);
    if size != width * npixel || !matches!(width, 1 | 2 | 4 | 8) || width > nbyte.max(4) {
        return Err(WRONG_SIZE);
    }
    let Room {
        bytes, inflater, ..
    } = room;
    if width == nbyte && pixels.quantised.is_none() {
        if !shuffled {
            return inflater.inflate(packed, out);
        }
        let bytes = exactly(bytes, size);
        inflater.inflate(packed, bytes)?;
        match width {
            1 => out.copy_from_slice(bytes),
            2 => unshuffle::<2>(bytes, out),
            4 => unshuffle::<4>(bytes, out),
            _ => unshuffle::<8>(bytes, out),
        }
        return Ok(());
    }
    let bytes = exactly(bytes, size);
    inflater.inflate(packed, bytes)?;
    let (of_byte, of_number) = if shuffled { (npixel, 1) } else { (1, width) };
    let mut put = Put::new(pixels, out);
    put.each(npixel, |number| {
        let byte = |at: usize| bytes[at * of_byte + number * of_number];
        match width {
            1 => Ok(i32::from(byte(0))),
            2 => Ok(i32::from(i16::from_be_bytes([byte(0), byte(1)]))),
            4 => Ok(i32::from_be_bytes([byte(0), byte(1), byte(2), byte(3)])),
            _ => Err(WRONG_SIZE),
        }
    })?;
    put.end()
}

/// Brings the bytes of each number together.
fn unshuffle<const N: usize>(bytes: &[u8], out: &mut [u8]) {
    let (out, _) = out.as_chunks_mut::<N>();
    let npixel = out.len();
    let planes: [&[u8]; N] = std::array::from_fn(|at| &bytes[at * npixel..(at + 1) * npixel]);
    for (number, out) in out.iter_mut().enumerate() {
        *out = std::array::from_fn(|at| planes[at][number]);
    }
}

/// Gunzips one tile after another.
#[derive(Debug, Default)]
pub(super) struct Inflater(Option<Decompress>);

impl Inflater {
    /// Gunzips one member to `out`, which it must fill.
    pub(super) fn inflate(&mut self, packed: &[u8], out: &mut [u8]) -> Result<(), Fault> {
        let deflated = behind_header(packed).ok_or(DAMAGED)?;
        let inflate = self.0.get_or_insert_with(|| Decompress::new(false));
        inflate.reset(false);
        let mut end = [0; 1];
        loop {
            let (read, written) = (inflate.total_in(), inflate.total_out());
            let place = |total: u64| usize::try_from(total).map_err(|_| WRONG_SIZE);
            let from = &deflated[place(read)?..];
            let full = place(written)? == out.len();
            // The end may stand behind the last byte: nothing more may come.
            let into = if full {
                &mut end[..]
            } else {
                &mut out[place(written)?..]
            };
            let status = inflate
                .decompress(from, into, FlushDecompress::None)
                .map_err(|_| DAMAGED)?;
            if full && inflate.total_out() > written {
                return Err(WRONG_SIZE);
            }
            if status == Status::StreamEnd {
                break;
            }
            if inflate.total_in() == read && inflate.total_out() == written {
                return Err(ENDS_EARLY);
            }
        }
        let read = usize::try_from(inflate.total_in()).map_err(|_| WRONG_SIZE)?;
        if inflate.total_out() != out.len() as u64 {
            return Err(WRONG_SIZE);
        }
        let check = deflated[read..].first_chunk::<4>().ok_or(ENDS_EARLY)?;
        let mut crc = Crc::new();
        crc.update(out);
        if crc.sum() == u32::from_le_bytes(*check) {
            Ok(())
        } else {
            Err(Fault("is damaged: its checksum does not agree"))
        }
    }
}

/// What follows the header of a gzip member.
fn behind_header(packed: &[u8]) -> Option<&[u8]> {
    const DEFLATE: u8 = 8;
    let ([0x1f, 0x8b, DEFLATE, flags, ..], mut rest) = packed.split_first_chunk::<10>()? else {
        return None;
    };
    let has = |flag: u8| flags & flag != 0;
    if has(4) {
        let (length, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*length))..)?;
    }
    // A name, a comment.
    for flag in [8, 16] {
        if has(flag) {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if has(2) {
        rest = rest.get(2..)?;
    }
    Some(rest)
}
