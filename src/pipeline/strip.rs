//! The way of a strip through the workshop: decode, then stack. Here the rooms meet, for a strip must not leave the cache between them.

mod around;
mod calibrated;
#[cfg(test)]
mod tests;

use super::calibrating::{Calibrating, MasterDesk};
use crate::calibrate::Run;
use crate::decode::{Strip, decode_deviations, decode_images, decode_masks, decode_own_deviations};
use crate::error::Result;
use crate::kernel::{LANES, Row, Sample};
use crate::recipe::MaskBits;
use crate::shape::Area;
use crate::stack::{Desk, Scratch, StackRoom};
use crate::tile::{Companion, OutStrip, RawView};

pub(super) use around::{Passes, Tile, pass_before};
pub(super) use calibrated::calibrate_images;

/// What is done with the strips of an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Workshop<'a> {
    pub(super) stack: &'a StackRoom,
    /// What calibrates the frames, if anything does.
    pub(super) calibrating: Option<&'a Calibrating<'a>>,
    /// Which bits of the masks of frames are bad.
    pub(super) mask_bits: Option<MaskBits>,
    /// What is done to a tile before its strips are combined, if anything.
    pub(super) passes: Option<&'a Passes>,
}

impl<'a> Workshop<'a> {
    /// Frames are combined as they are.
    pub(super) fn plain(stack: &'a StackRoom) -> Self {
        Self {
            stack,
            calibrating: None,
            mask_bits: None,
            passes: None,
        }
    }
}

/// What a thread works with.
#[derive(Debug)]
pub(super) struct Bench<T> {
    pub(super) scratch: Scratch<T>,
    masters: MasterDesk,
    /// What needs more than one pixel at a time.
    pub(super) desk: Option<Desk>,
}

impl<T: Sample> Bench<T> {
    pub(super) fn new(scratch: Scratch<T>) -> Self {
        Self {
            scratch,
            masters: MasterDesk::default(),
            desk: None,
        }
    }
}

/// Takes a strip from the stored bytes of every frame to the bytes of the output planes.
///
/// `area` is that of the tile in the frames; `place` is the column and row, as FITS counts them, of a pixel of the tile.
///
/// # Errors
///
/// Those of [`StackRoom::strip`].
pub(super) fn work<T: Sample>(
    workshop: Workshop<'_>,
    (view, area): (RawView<'_>, &Area),
    bench: &mut Bench<T>,
    out: &mut OutStrip<'_>,
    place: impl Fn(usize) -> (usize, usize),
) -> Result<()> {
    decode(workshop, (view, area), bench, out);
    let Bench { scratch, desk, .. } = bench;
    match (workshop.passes.and_then(Passes::combining), desk) {
        (Some(room), Some(desk)) => room.strip_of_marked(scratch, &desk.marks, out, place),
        _ => workshop.stack.strip(scratch, out, place),
    }
}

/// Decodes a run of pixels of every frame, and calibrates them; what is masked is absent.
pub(super) fn decode<T: Sample>(
    workshop: Workshop<'_>,
    (view, area): (RawView<'_>, &Area),
    bench: &mut Bench<T>,
    out: &OutStrip<'_>,
) {
    let StackRoom {
        nframe,
        width,
        needs_deviation,
        ..
    } = *workshop.stack;
    let Bench {
        scratch, masters, ..
    } = bench;
    let nrow = out.pixels.len().div_ceil(LANES) * nframe;
    let mut strip = Strip {
        rows: &mut scratch.rows[..nrow],
        nframe,
    };
    let mut deviations = Strip {
        rows: &mut scratch.deviations[..if needs_deviation { nrow } else { 0 }],
        nframe,
    };
    let calibrating = workshop.calibrating.map(|calibrating| {
        let lines = masters.load(calibrating, width, view, &out.pixels);
        (calibrating, lines)
    });
    if calibrating.is_some() {
        // What a frame does not bring is 0 until masters or steps bring it.
        deviations.rows.fill(Row([0.0; LANES]));
    }
    let groups = || view.groups().iter();
    for group in groups() {
        let Companion::Uncertainty(kind) = group.companion else {
            continue;
        };
        let (stored, frames) = (&group.stored, group.frames.clone());
        let bytes = |frame| view.bytes(group, frame, &out.pixels);
        if calibrating.is_some() {
            decode_own_deviations(width, stored, kind, frames, bytes, &mut deviations);
        } else {
            decode_deviations(width, stored, kind, frames, bytes, &mut deviations);
        }
    }
    for group in groups() {
        let (stored, frames) = (&group.stored, group.frames.clone());
        let bytes = |frame| view.bytes(group, frame, &out.pixels);
        match (group.companion, calibrating) {
            (Companion::Image, None) => decode_images(width, stored, frames, bytes, &mut strip),
            (Companion::Image, Some((calibrating, lines))) => {
                let place = Run {
                    first: out.pixels.start,
                    area,
                };
                let steps = (&*calibrating.steps, lines);
                let both = (&mut strip, needs_deviation.then_some(&mut deviations));
                calibrate_images(width, (stored, frames), bytes, steps, place, both);
            }
            (Companion::Mask, _) => {
                let bits = workshop.mask_bits;
                decode_masks(width, stored, bits, frames, bytes, &mut strip);
            }
            (Companion::BadPixels, _) => {
                let bytes = |_| bytes(frames.start);
                decode_masks(width, stored, None, 0..nframe, bytes, &mut strip);
            }
            (Companion::Uncertainty(_) | Companion::Master(..), _) => {}
        }
    }
}
