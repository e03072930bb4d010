//! What calibration has to know before the first sample: the levels of the overscan of each frame, and the norm of the flat.

use super::super::survey::CHUNK_NPIXEL;
use crate::calibrate::{FrameSteps, OverscanLevels, PhotonNoise, flat_samples};
use crate::decode::{decode_mask_run, decode_run};
use crate::error::{Error, Result};
use crate::kernel::Width;
use crate::measure::{self, FrameRows, Wanted};
use crate::overscan;
use crate::pixels::{Companion, Role, SampleType};
use crate::recipe::{Axis, Calibration, Flat, FlatNorm, MaskBits, Overscan};
use crate::shape::{Area, Shape};
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

/// What is measured of a flat for its norm, if anything.
fn wanted(flat: &Flat) -> Option<Wanted> {
    match flat.norm {
        FlatNorm::Value(_) => None,
        FlatNorm::Mean => Some(Wanted {
            mean: true,
            ..Wanted::default()
        }),
        FlatNorm::Median => Some(Wanted {
            median: true,
            ..Wanted::default()
        }),
    }
}

/// The images of a flat that its norm is measured on.
fn chips(masters: &Masters) -> Vec<(Role, &Master)> {
    let all = masters
        .all()
        .filter(|(role, _)| matches!(role, Role::Chip(_)));
    let chips: Vec<_> = all.collect();
    if chips.is_empty() {
        let flat = masters.flat.as_ref().map(|flat| (Role::Flat, flat));
        return flat.into_iter().collect();
    }
    chips
}

/// Where the norm of a flat is measured.
fn section(flat: &Flat, master: &Master) -> Result<Area> {
    match &flat.section {
        Some(section) => section.within(master.image.shape, "--flat-section"),
        None => Ok(master.image.shape.area()),
    }
}

/// Bytes that measuring the norm of a flat takes.
pub(in crate::pipeline) fn flat_norm_nbyte(flat: &Flat, masters: &Masters) -> Result<usize> {
    let Some(wanted) = wanted(flat) else {
        return Ok(0);
    };
    let (mut npixel, mut chunk) = (0, 0);
    for (_, master) in chips(masters) {
        let area = section(flat, master)?;
        npixel += area.npixel();
        chunk = chunk.max(chunk_nrow(&area) * area.cols.len());
    }
    let nbyte = 8 + size_of::<f64>() + size_of::<bool>();
    Ok(measure::scratch_nbyte(wanted, false, npixel as u64, SampleType::F64) + chunk * nbyte)
}

/// Rows of a flat that are read at a time.
fn chunk_nrow(area: &Area) -> usize {
    (CHUNK_NPIXEL / area.cols.len().max(1)).clamp(1, area.rows.len().max(1))
}

/// What a flat is divided by.
pub(in crate::pipeline) fn flat_norm(
    flat: &Flat,
    masters: &Masters,
    reader: &Reader<'_>,
    width: Width,
    watch: &Watch,
) -> Result<f64> {
    let Some(wanted) = wanted(flat) else {
        let FlatNorm::Value(norm) = flat.norm else {
            return Ok(1.0);
        };
        return Ok(norm);
    };
    let wrong = |fault: &str| Err(Error::frame(format!("--flat {}", flat.file), fault));
    let chips = chips(masters);
    let mut npixel = 0;
    for (_, master) in &chips {
        npixel += section(flat, master)?.npixel() as u64;
    }
    let mut scratch = measure::Scratch::<f64>::new(wanted, false, npixel);
    let (mut bytes, mut masked, mut values) = (Vec::new(), Vec::new(), Vec::new());
    let no_code = |_: u16| f64::NAN;
    let measured = measure::measure(&mut scratch, &no_code, &mut |visit| {
        for (role, master) in &chips {
            let section = section(flat, master)?;
            for first in section.rows.clone().step_by(chunk_nrow(&section)) {
                watch.check()?;
                let area = Area {
                    rows: first..section.rows.end.min(first + chunk_nrow(&section)),
                    cols: section.cols.clone(),
                };
                let npixel = area.npixel();
                masked.clear();
                if let Some(mask) = master.mask {
                    masked.resize(npixel, false);
                    bytes.resize(npixel * mask.stored.bitpix.nbyte(), 0);
                    reader.read_master(*role, Companion::Mask, &area, &mut bytes)?;
                    decode_mask_run(width, &mask.stored, master.mask_bits, &bytes, &mut masked);
                }
                let stored = master.image.stored;
                bytes.resize(npixel * stored.bitpix.nbyte(), 0);
                reader.read_master(*role, Companion::Image, &area, &mut bytes)?;
                values.resize(npixel, 0.0);
                decode_run(width, &stored, &bytes, &mut values);
                flat_samples(flat.min, &mut values, &masked);
                visit(FrameRows::Samples {
                    rows: &values,
                    ncol: area.cols.len(),
                });
            }
        }
        Ok(())
    })?;
    let Some(measured) = measured else {
        return wrong(
            "has no good pixel to measure its norm on; choose another --flat-section, or give --flat-norm a number",
        );
    };
    let norm = if wanted.mean {
        measured.mean
    } else {
        measured.median
    };
    if norm > 0.0 && norm.is_finite() {
        Ok(norm)
    } else {
        wrong(&format!(
            "its norm is {norm}, where a flat is divided by a number above 0; choose another --flat-section, or give --flat-norm a number"
        ))
    }
}
