//! The packing of an output, when all of it is written: row by row, on all threads.

use super::by_frame::in_turn;
use crate::error::Result;
use crate::recipe::{Packing, PixelType};
use crate::shape::Shape;
use crate::sink::{FitsSink, PackingDesk};
use crate::watch::{Walk, Watch};

/// Packs a file on so many threads.
pub(super) fn pack(
    sink: &mut FitsSink,
    packing: Packing,
    threads: usize,
    watch: &Watch,
) -> Result<()> {
    // Of frames that go into files of their own, progress is told by what is calibrated.
    let told = watch.progress().0 == Walk::Packing;
    sink.pack(packing, |image| {
        in_turn(
            threads,
            image.npiece(),
            || image.desk(),
            |desk, piece| {
                let nbyte = image.pack(desk, piece, || watch.check())?;
                if told {
                    watch.advance(nbyte);
                }
                Ok(())
            },
        )
    })
}

/// Bytes that a thread takes that packs images of this shape, whose planes have such pixels; `None` where nothing is packed.
pub(super) fn nbyte(
    packing: Option<Packing>,
    shape: Shape,
    planes: impl Iterator<Item = PixelType>,
) -> Option<usize> {
    let each = planes.map(|pixel| PackingDesk::nbyte(shape.ncol, pixel.nbyte()));
    packing.and(each.max())
}
