//! Samples that are calibrated on their way into a strip: decoded, calibrated and rounded some hundred pixels at a time, in the nearest cache.

use std::ops::Range;

use crate::calibrate::{FrameSteps, Line, MasterLines, Run, calibrate};
use crate::decode::{Strip, decode_lines};
use crate::kernel::{Sample, Width};
use crate::pixels::Stored;

/// Decodes a run of pixels of `frames`, all stored alike, and calibrates them; what a step masks is absent.
///
/// `steps` has those of every frame of the stack, `masters` at least the pixels of the run, which begins at `place`. Where deviations are
/// wanted, their strip holds what the frames bring, or zeros; they become those of the calibrated samples. What comes out is what
/// calibrated frames written as samples of type `T` would be read as.
pub(in crate::pipeline) fn calibrate_images<'b, T: Sample>(
    width: Width,
    (stored, frames): (&Stored, Range<usize>),
    bytes: impl Fn(usize) -> &'b [u8],
    (steps, masters): (&[FrameSteps], &MasterLines),
    place: Run<'_>,
    strips: (&mut Strip<'_, T>, Option<&mut Strip<'_, f64>>),
) {
    decode_lines(width, stored, frames, bytes, strips, |decoded| {
        let steps = &steps[decoded.frame];
        let place = Run {
            first: place.first + decoded.pixels.start,
            ..place
        };
        let masks = steps.masks(masters);
        let line = Line {
            value: decoded.value,
            deviation: decoded.deviation,
            masked: masks.then_some(decoded.masked),
        };
        calibrate(width, steps, masters, place, line);
        masks
    });
}
