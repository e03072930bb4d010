//! The DATASUM of a master: what tells which pixels they were, whatever their file is called.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::source::masters::Master;

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
    let end = (image.start + nbyte.next_multiple_of(BLOCK)).min(master.stamp.length);
    let path = &*master.path;
    let refused = |doing| move |e: io::Error| Error::io(path, doing, e);
    let file = File::open(path).map_err(refused("cannot open"))?;
    let mut piece = vec![0; usize::try_from(PIECE).expect("small")];
    let mut sum = Sum::default();
    for start in (image.start..end).step_by(piece.len()) {
        let length = usize::try_from((end - start).min(PIECE)).expect("small");
        let piece = &mut piece[..length];
        file.read_exact_at(piece, start)
            .map_err(refused("cannot read"))?;
        sum.add(start - image.start, piece);
    }
    Ok(sum.value().to_string())
}
