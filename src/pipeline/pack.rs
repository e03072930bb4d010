//! The packing of an output, when all of it is written: row by row, on all threads.

use super::by_frame::in_turn;
use crate::error::{Error, Result};
use crate::recipe::{Compression, Output, PixelType};
use crate::shape::Shape;
use crate::sink::{self, FitsSink, PackingDesk};
use crate::sys;
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

/// Packs a file on so many threads.
pub(super) fn pack(
    sink: &mut FitsSink,
    compression: Compression,
    threads: usize,
    watch: &Watch,
) -> Result<()> {
    // Of frames that go into files of their own, progress is told by what is calibrated.
    let told = watch.progress().0 == Walk::Packing;
    sink.pack(compression, |image| {
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

/// Looks whether there is room for an output of so many bytes, for what is told `beside` it, and for its packed form, which may be as large; returns what the
/// user should know where that is not certain.
///
/// # Errors
///
/// [`Error::Output`] where there is not even room for the plain one and what is told beside it.
pub(super) fn room(output: &Output, plain: u64, beside: u64) -> Result<Option<String>> {
    let Ok(free) = sys::free_space(sink::folder(&output.path)) else {
        return Ok(None);
    };
    let path = output.path.clone();
    if beside > 0 && free < plain.saturating_add(beside) {
        let fault = format!(
            "takes {}, and what is rejected {} beside it meanwhile; {} is free on its disk; free some space, or do without --rejected",
            ByteSize(plain),
            ByteSize(beside),
            ByteSize(free)
        );
        return Err(Error::Output { path, fault });
    }
    let free = free.saturating_sub(beside);
    if output.compression.is_none() || free >= plain.saturating_mul(2) {
        return Ok(None);
    }
    let fault = format!(
        "is written plain first, {}, and packed when it is whole, at most as much again; {} is free on its disk",
        ByteSize(plain),
        ByteSize(free)
    );
    if free < plain {
        let fault = format!("{fault}; free some space, or choose another place for --output");
        return Err(Error::Output { path, fault });
    }
    Ok(Some(format!("{}: {fault}", path.display())))
}

/// Bytes that a thread takes that packs images of this shape, whose planes have such pixels; `None` where nothing is packed.
pub(super) fn nbyte(
    compression: Option<Compression>,
    shape: Shape,
    planes: impl Iterator<Item = PixelType>,
) -> Option<usize> {
    let each = planes.map(|pixel| PackingDesk::nbyte(shape.ncol, pixel.nbyte()));
    compression.and(each.max())
}
