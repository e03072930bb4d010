//! The DATASUM of a master: what tells which pixels they were, whatever their file is called.

use crate::checksum::Sum;
use crate::error::Result;
use crate::header::printable;
use crate::recipe::Io;
use crate::source::masters::Master;
use crate::source::rows::Rows;
use crate::source::way::{Fault, Opened, read_rows};

/// Bytes that are summed at a time; a multiple of 4.
const PIECE: u64 = 64 << 10;
/// Data are filled up to multiples of this.
const BLOCK: u64 = 2880;

/// The DATASUM of the HDU in which a master stands: as its header has it, or summed over its data.
pub(crate) fn datasum(master: &Master) -> Result<String> {
    if let Some(sum) = &master.datasum {
        return Ok(sum.clone());
    }
    let image = &master.image;
    let nbyte = (image.shape.npixel() * image.stored.bitpix.nbyte()) as u64;
    let packed = master.packed.as_ref();
    let whole = packed.and_then(|packed| packed.whole.as_ref());
    let opened = match whole {
        Some(whole) => Opened::unpacked(&master.path, master.stamp, whole),
        None => Opened::new(&master.path, master.stamp, Io::Read, &mut 1)?,
    };
    let tiles = packed.and_then(|packed| packed.tiles(image)?.unpacked());
    let (start, end) = match tiles {
        // What pads them is nothing but zeros, which add nothing.
        Some((_, start)) => (start, start + nbyte),
        None => {
            let length = whole.map_or(master.stamp.length, |whole| whole.length());
            let end = image.start + nbyte.next_multiple_of(BLOCK);
            (image.start, end.min(length))
        }
    };
    let mut piece = vec![0; usize::try_from(PIECE).expect("small")];
    let mut sum = Sum::default();
    for at in (start..end).step_by(piece.len()) {
        let length = usize::try_from((end - at).min(PIECE)).expect("small");
        let (run, piece) = (Rows::run(at, length), &mut piece[..length]);
        let read = match tiles {
            Some((file, _)) => read_rows(file, run, piece),
            None => opened.copy(run, piece),
        };
        read.map_err(|fault: Fault| opened.error(fault, printable(&master.name)))?;
        sum.add(at - start, piece);
    }
    Ok(sum.value().to_string())
}
