//! What calibration has to know of each frame before its first sample: its steps, and the levels of its overscan.

use crate::calibrate::{FrameSteps, OverscanLevels, PhotonNoise};
use crate::decode::{decode_mask_run, decode_run};
use crate::error::{Error, Result};
use crate::kernel::Width;
use crate::overscan;
use crate::pixels::Companion;
use crate::recipe::{Axis, Calibration, MaskBits, Overscan};
use crate::shape::Shape;
use crate::source::{Frame, Master, Masters, Raw, Reader};
use crate::watch::Watch;

/// The steps that a frame goes through, its overscan having these levels; the sky is not yet known.
pub(in crate::pipeline) fn steps(
    calibration: &Calibration,
    masters: &Masters,
    raw: &Raw,
    overscan: Option<OverscanLevels>,
) -> FrameSteps {
    let done = &raw.done;
    let noise = calibration.deviation.filter(|_| !done.deviation);
    let scaled = calibration.dark.as_ref().is_some_and(|dark| dark.scale);
    let k = |dark: &Master| match (scaled, raw.exposure, dark.exposure) {
        (true, Some(exposure), Some(own)) => exposure / own,
        _ => 1.0,
    };
    FrameSteps {
        overscan,
        deviation: noise.map(|negative| PhotonNoise {
            gain: raw.gain.unwrap_or(1.0),
            readnoise: raw.readnoise.unwrap_or(0.0),
            negative,
        }),
        gain: raw.gain,
        gain_last: calibration.gain_last,
        bias: masters.bias.is_some() && !done.bias,
        dark: masters.dark.as_ref().filter(|_| !done.dark).map(k),
        flat: masters.flat.is_some() && !done.flat,
        sky: None,
    }
}

/// Finds the levels of overscans, in the hands of one thread.
#[derive(Debug)]
pub(in crate::pipeline) struct Overscans<'a> {
    overscan: &'a Overscan,
    mask_bits: Option<MaskBits>,
    width: Width,
    bytes: Vec<u8>,
    values: Vec<f64>,
    masked: Vec<bool>,
}

impl<'a> Overscans<'a> {
    pub(in crate::pipeline) fn new(
        overscan: &'a Overscan,
        mask_bits: Option<MaskBits>,
        width: Width,
    ) -> Self {
        Self {
            overscan,
            mask_bits,
            width,
            bytes: Vec::new(),
            values: Vec::new(),
            masked: Vec::new(),
        }
    }

    /// Bytes that the overscan of a frame takes while its levels are found.
    pub(in crate::pipeline) fn nbyte(overscan: &Overscan, frame: &Frame) -> usize {
        let Some((raw, area)) = frame
            .raw
            .as_ref()
            .and_then(|raw| Some((raw, raw.overscan.as_ref()?)))
        else {
            return 0;
        };
        let mask = raw
            .untrimmed_mask
            .map_or(0, |mask| mask.stored.bitpix.nbyte());
        let stored = raw.untrimmed.stored.bitpix.nbyte().max(mask);
        let Shape { nrow, ncol } = area.shape();
        let (nline, nsample) = match axis(overscan, area.shape()) {
            Axis::Row => (nrow, ncol),
            Axis::Column => (ncol, nrow),
        };
        area.npixel() * (stored + size_of::<f64>() + size_of::<bool>())
            + overscan::nbyte(overscan.fit, nline, nsample)
    }

    /// Bytes of the levels of a frame.
    pub(in crate::pipeline) fn levels_nbyte(overscan: &Overscan, frame: &Frame) -> usize {
        let raw = frame.raw.as_ref();
        let lines = raw.and_then(|raw| {
            let area = raw.overscan.as_ref()?;
            Some(match axis(overscan, area.shape()) {
                Axis::Row => raw.trim.rows.len(),
                Axis::Column => raw.trim.cols.len(),
            })
        });
        lines.unwrap_or(0) * size_of::<f64>()
    }

    /// The levels of the overscan of a frame, for its trimmed rows or columns; `None` where none is subtracted.
    pub(in crate::pipeline) fn levels(
        &mut self,
        reader: &Reader<'_>,
        frame: usize,
        of: &Frame,
        watch: &Watch,
    ) -> Result<Option<OverscanLevels>> {
        let Some((raw, area)) = of
            .raw
            .as_ref()
            .and_then(|raw| Some((raw, raw.overscan.as_ref()?)))
        else {
            return Ok(None);
        };
        watch.check()?;
        let wrong = |fault: String| Error::frame(of.name(), fault);
        let npixel = area.npixel();
        self.masked.clear();
        self.masked.resize(npixel, false);
        if let Some(mask) = raw.untrimmed_mask {
            self.bytes.resize(npixel * mask.stored.bitpix.nbyte(), 0);
            reader.read_overscan(frame, Companion::Mask, area, &mut self.bytes)?;
            let (bits, masked) = (self.mask_bits, &mut self.masked);
            decode_mask_run(self.width, &mask.stored, bits, &self.bytes, masked);
        }
        let stored = raw.untrimmed.stored;
        self.bytes.resize(npixel * stored.bitpix.nbyte(), 0);
        reader.read_overscan(frame, Companion::Image, area, &mut self.bytes)?;
        self.values.resize(npixel, 0.0);
        decode_run(self.width, &stored, &self.bytes, &mut self.values);

        let axis = axis(self.overscan, area.shape());
        let Shape { nrow, ncol } = area.shape();
        let (nline, nsample) = match axis {
            Axis::Row => (nrow, ncol),
            Axis::Column => (ncol, nrow),
        };
        let (values, masked) = (&self.values, &self.masked);
        let levels = overscan::levels(&self.overscan.into(), nline, |line, samples| {
            let place = |at: usize| match axis {
                Axis::Row => line * ncol + at,
                Axis::Column => at * ncol + line,
            };
            let places = (0..nsample).map(place);
            let present = places.filter(|&at| values[at].is_finite() && !masked[at]);
            samples.extend(present.map(|at| values[at]));
        });
        let levels = levels.map_err(wrong)?;
        let (lines, trimmed, what) = match axis {
            Axis::Row => (&area.rows, &raw.trim.rows, "rows"),
            Axis::Column => (&area.cols, &raw.trim.cols, "columns"),
        };
        if lines.start > trimmed.start || lines.end < trimmed.end {
            return Err(wrong(format!(
                "its overscan has {what} {} to {}, but {what} {} to {} of the frame are calibrated; give an --overscan that goes along all of \
                 them, --overscan-axis, or a --trim",
                lines.start + 1,
                lines.end,
                trimmed.start + 1,
                trimmed.end
            )));
        }
        let kept = levels[trimmed.start - lines.start..trimmed.end - lines.start].to_vec();
        Ok(Some(match axis {
            Axis::Row => OverscanLevels::Rows(kept),
            Axis::Column => OverscanLevels::Columns(kept),
        }))
    }
}

/// Along which axis the lines of an overscan run: along its shorter side, along the rows of a square one.
fn axis(overscan: &Overscan, shape: Shape) -> Axis {
    overscan.axis.unwrap_or(if shape.ncol <= shape.nrow {
        Axis::Row
    } else {
        Axis::Column
    })
}
