//! The tiles of a packed image: found by the table in which they stand, unpacked one row of tiles after another.
//!
//! The bytes of tiles are read as those of plain pixels are, by maps or positioned reads; what stands between them and the pixels is on the
//! [`Desk`] of a thread. Tiles of one row are unpacked where their pixels are wanted; of higher ones a whole row of tiles is held, so that
//! rows of pixels that come next need not be unpacked again. Where that does not serve, an image is unpacked once to a temporary file.

mod columns;
mod copy;
mod desk;
mod table;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use crate::header::Header;
use crate::packed::{self, Quantised};
use crate::pixels::{Image, Stored};
use crate::shape::{Area, Shape};
use crate::source::rows::Rows;
use crate::source::way::{Fault, Opened};
use desk::Window;
use table::Table;

pub(crate) use desk::{Desk, Desks};

/// Rows of the table that are looked at together.
const NROW: u64 = 64;
/// Bytes of an unpacked image that are written together.
const WRITTEN: usize = 256 << 10;

/// A packed image.
#[derive(Debug)]
pub(crate) struct Tiles {
    /// Tells it from every other.
    id: u64,
    /// The number of its HDU.
    hdu: u32,
    table: Table,
    /// Bytes of the longest packed tile.
    longest: usize,
    unpacked: OnceLock<Unpacked>,
}

/// Where an image stands that was unpacked.
#[derive(Debug)]
struct Unpacked {
    file: Arc<File>,
    /// The byte at which its first pixel begins.
    start: u64,
}

impl Tiles {
    /// The image in HDU `hdu`, whose table has this header and begins at byte `start` of a file of `length` bytes; `read` reads the file.
    /// Every tile is known to stand inside the file.
    pub(super) fn of(
        hdu: u32,
        header: &Header,
        start: u64,
        length: u64,
        read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    ) -> Result<Self, String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let mut table = Table::of(header, start)?;
        let longest = longest(&table, length, read)?;
        // Nor is any looked for outside of it, whatever becomes of the file.
        table.heap.end = table.heap.end.min(length);
        Ok(Self {
            id: COUNT.fetch_add(1, Ordering::Relaxed),
            hdu,
            table,
            longest,
            unpacked: OnceLock::new(),
        })
    }

    /// The number of its HDU.
    pub(crate) fn hdu(&self) -> u32 {
        self.hdu
    }

    /// The first byte behind the table and its heap.
    pub(super) fn end(&self) -> u64 {
        self.table.heap.end
    }

    /// Rows of a tile.
    pub(crate) fn height(&self) -> usize {
        self.table.tile[1]
    }

    /// Whether tiles hold more than one plane of a cube, so that with each plane others are unpacked.
    pub(crate) fn is_deep(&self) -> bool {
        self.table.tile[2] > 1
    }

    /// The row of the image, all planes counted, at which a part of it begins.
    pub(crate) fn first_row(&self, image: &Image) -> usize {
        let nrow = self.table.axes[1];
        self.pixel(image).0 * nrow + self.pixel(image).1
    }

    /// Bytes of the unpacked image.
    pub(crate) fn nbyte(&self) -> u64 {
        let npixel: u64 = self.table.axes.iter().map(|n| *n as u64).product();
        npixel * self.table.bitpix.nbyte() as u64
    }

    /// Bytes that a desk takes for this image.
    pub(crate) fn desk_nbyte(&self) -> u64 {
        let Table {
            axes,
            tile: [width, height, depth],
            codec,
            bitpix,
            ..
        } = self.table;
        let gzipped = match self.table.columns.gzipped {
            Some(_) => packed::GUNZIP_NBYTE,
            None => 0,
        };
        let dither = if self.table.is_quantised() {
            Quantised::RANDOM_NBYTE
        } else {
            0
        };
        let rows = usize::try_from(NROW.min(self.table.ntile())).unwrap_or(1);
        let nbyte = axes[0] * height * depth * bitpix.nbyte()
            + codec.room_nbyte(bitpix, (height * depth, width))
            + gzipped
            + dither
            + rows * self.table.columns.row_nbyte
            + Window::nbyte(self.longest);
        nbyte as u64
    }

    /// Bytes that unpacking the image to a file takes beside the desk.
    pub(crate) fn written_nbyte(&self) -> u64 {
        let row = self.table.axes[0] * self.table.bitpix.nbyte();
        row.max(WRITTEN) as u64
    }

    /// Unpacks the image to a file, from byte `start` on; from then on it is read there. `go_on` is told of all bytes that are written.
    pub(super) fn unpack(
        &self,
        file: &Opened<'_>,
        (to, start): (&Arc<File>, u64),
        desk: &mut Desk,
        mut go_on: impl FnMut(u64) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let [ncol, nrow, nplane] = self.table.axes;
        let row_nbyte = ncol * self.table.bitpix.nbyte();
        let together = (WRITTEN / row_nbyte).clamp(1, nrow);
        let mut bytes = vec![0; together * row_nbyte];
        let mut at = start;
        for plane in 0..nplane {
            let image = self.plane(plane);
            for row in (0..nrow).step_by(together) {
                let rows = row..nrow.min(row + together);
                let bytes = &mut bytes[..rows.len() * row_nbyte];
                let area = Area {
                    rows,
                    cols: 0..ncol,
                };
                self.copy(file, &image, &area, desk, bytes)?;
                to.write_all_at(bytes, at).map_err(Fault::Temporary)?;
                at += bytes.len() as u64;
                go_on(bytes.len() as u64)?;
            }
        }
        // Should another thread have been sooner, its bytes are the same.
        let _ = self.unpacked.set(Unpacked {
            file: Arc::clone(to),
            start,
        });
        Ok(())
    }

    /// The file in which the unpacked image stands, and the byte at which it begins; `None` where it was not unpacked.
    pub(super) fn unpacked(&self) -> Option<(&File, u64)> {
        let unpacked = self.unpacked.get()?;
        Some((&*unpacked.file, unpacked.start))
    }

    /// A plane of the image.
    fn plane(&self, plane: usize) -> Image {
        let Table {
            axes: [ncol, nrow, _],
            bitpix,
            start,
            ..
        } = self.table;
        Image {
            start: start + (plane * nrow * ncol * bitpix.nbyte()) as u64,
            shape: Shape { nrow, ncol },
            pitch: ncol,
            stored: Stored {
                bitpix,
                bscale: 1.0,
                bzero: 0.0,
                blank: None,
            },
            packed: Some(self.hdu),
        }
    }

    /// Where the tiles of an area stand, as nearly as can be told without their table.
    pub(super) fn near(&self, image: &Image, area: &Area) -> Range<u64> {
        let pixels = Rows::of(image, area).whole();
        let heap = &self.table.heap;
        let (length, whole) = (heap.end - heap.start, self.nbyte().max(1));
        let place = |byte: u64| {
            let byte = u128::from(byte.saturating_sub(self.table.start));
            let place = u128::from(length) * byte / u128::from(whole);
            heap.start + u64::try_from(place).unwrap_or(length).min(length)
        };
        place(pixels.start)..place(pixels.end)
    }
}

/// Bytes of the longest tile of a table; each must stand inside the file.
fn longest(
    table: &Table,
    length: u64,
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
) -> Result<usize, String> {
    let row_nbyte = table.columns.row_nbyte;
    let mut bytes = vec![0; (16 << 10) / row_nbyte.max(1) * row_nbyte];
    if bytes.is_empty() {
        bytes.resize(row_nbyte, 0);
    }
    let ntile = table.ntile();
    let (mut longest, mut tile) = (0, 0);
    let cut = |what: &str, end: u64| {
        format!(
            "is cut short: {what} at byte {end}, but the file has {length} bytes; copy it again"
        )
    };
    while tile < ntile {
        let left = usize::try_from(ntile - tile).unwrap_or(usize::MAX);
        let count = left.min(bytes.len() / row_nbyte.max(1)).max(1);
        let bytes = &mut bytes[..count * row_nbyte];
        let start = table.start + tile * row_nbyte as u64;
        let done = read(bytes, start).map_err(|e| format!("cannot read: {e}"))?;
        if done < bytes.len() {
            let end = table.start + ntile * row_nbyte as u64;
            return Err(cut("its table of tiles ends", end));
        }
        for row in 0..count {
            tile += 1;
            let place = table.place(&bytes[row * row_nbyte..(row + 1) * row_nbyte]);
            let place = place.map_err(|fault| format!("its tile {tile} {fault}"))?;
            let end = place.start + place.nbyte as u64;
            if end > length {
                return Err(cut(&format!("its tile {tile} ends"), end));
            }
            longest = longest.max(place.nbyte);
        }
    }
    Ok(longest)
}
