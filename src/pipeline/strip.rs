//! The way of a strip through the workshop: decode, then stack. Here the rooms meet, for a strip must not leave the cache between them.

mod calibrated;
#[cfg(test)]
mod tests;

use crate::decode::{Strip, decode_deviations, decode_images, decode_masks};
use crate::error::Result;
use crate::kernel::{LANES, Sample};
use crate::stack::{Scratch, StackRoom};
use crate::tile::{Companion, OutStrip, RawView};

/// Takes a strip from the stored bytes of every frame to the bytes of the output planes.
///
/// `place` is the column and row, as FITS counts them, of a pixel of the tile.
///
/// # Errors
///
/// Those of [`StackRoom::strip`].
pub(super) fn work<T: Sample>(
    stack: &StackRoom,
    view: RawView<'_>,
    scratch: &mut Scratch<T>,
    out: &mut OutStrip<'_>,
    place: impl Fn(usize) -> (usize, usize),
) -> Result<()> {
    decode(stack, view, scratch, out);
    stack.strip(scratch, out, place)
}

/// Decodes a run of pixels of every frame; what is masked is absent.
fn decode<T: Sample>(
    stack: &StackRoom,
    view: RawView<'_>,
    scratch: &mut Scratch<T>,
    out: &OutStrip<'_>,
) {
    let StackRoom { nframe, width, .. } = *stack;
    let nrow = out.pixels.len().div_ceil(LANES) * nframe;
    let mut strip = Strip {
        rows: &mut scratch.rows[..nrow],
        nframe,
    };
    for group in view.groups() {
        let (stored, frames) = (&group.stored, group.frames.clone());
        let bytes = |frame| view.bytes(group, frame, &out.pixels);
        match group.companion {
            Companion::Image => decode_images(width, stored, frames, bytes, &mut strip),
            Companion::Mask => decode_masks(width, stored, None, frames, bytes, &mut strip),
            Companion::BadPixels => decode_masks(
                width,
                stored,
                None,
                0..nframe,
                |_| bytes(frames.start),
                &mut strip,
            ),
            Companion::Uncertainty(kind) => {
                let mut strip = Strip {
                    rows: &mut scratch.deviations[..nrow],
                    nframe,
                };
                decode_deviations(width, stored, kind, frames, bytes, &mut strip);
            }
        }
    }
}
