//! The pixels of an image, a run at a time: read, calibrated, written. Between the bytes that are read and those that are written, pixels
//! are in the nearest cache.

use std::ops::Range;
use std::time::Instant;

use super::super::desk::{FrameDesk, LINE, Shared};
use super::Begun;
use crate::calibrate::{Line, Run, calibrate};
use crate::decode::{decode_mask_run, decode_run, own_deviations};
use crate::error::Result;
use crate::pipeline::corridor::Times;
use crate::pixels::{Companion, Image, Stored, UncertaintyKind};
use crate::recipe::{PixelType, Then};
use crate::shape::Area;
use crate::sink::{FitsSink, PlaneTypes};
use crate::stack::encode;

/// The stored bytes of a run of a frame.
struct Raw<'b> {
    image: &'b [u8],
    uncertainty: Option<(&'b [u8], Stored, UncertaintyKind)>,
    mask: Option<(&'b [u8], Stored)>,
}

/// The bytes of a run as they are written; none of a plane that is not.
struct Made<'b> {
    data: &'b mut [u8],
    uncertainty: &'b mut [u8],
    mask: &'b mut [u8],
}

/// Some pixels of a run, in the nearest cache.
struct Pixels<'d> {
    value: &'d mut [f64],
    deviation: Option<&'d mut [f64]>,
    masked: Option<&'d mut [bool]>,
}

/// The bytes of some pixels.
fn part<'b>(bytes: &'b [u8], stored: &Stored, pixels: &Range<usize>) -> &'b [u8] {
    let nbyte = stored.bitpix.nbyte();
    &bytes[pixels.start * nbyte..pixels.end * nbyte]
}

impl Begun<'_> {
    /// Reads, calibrates and writes the pixels of an area. Returns how many are masked.
    pub(in super::super) fn reduce(
        &self,
        sink: &FitsSink,
        shared: Shared<'_>,
        desk: &mut FrameDesk,
        area: &Area,
        times: &mut [Times; 3],
    ) -> Result<u64> {
        let begun = Instant::now();
        let planes = &self.planes;
        let npixel = area.npixel();
        let masks = self.masks(shared);
        let nbyte = npixel * self.chip.room_nbyte();
        if desk.bytes.len() < nbyte {
            desk.bytes.resize(nbyte, 0);
        }
        let mut rest = &mut desk.bytes[..];
        let mut room = |dtype: Option<PixelType>| {
            let nbyte = npixel * dtype.map_or(0, PixelType::nbyte);
            rest.split_off_mut(..nbyte)
                .expect("there is room for all planes")
        };
        let mut made = Made {
            data: room(Some(planes.types.data)),
            uncertainty: room(planes.uncertainty.map(|_| planes.types.uncertainty)),
            mask: room(planes.mask.filter(|_| masks).map(|_| PixelType::U8)),
        };
        let raw = self.read(rest, area)?;
        let read = Instant::now();
        let mut nmasked = 0;
        for first in (0..npixel).step_by(LINE) {
            let pixels = first..npixel.min(first + LINE);
            let count = pixels.len();
            let line = Pixels {
                value: &mut desk.value[..count],
                deviation: planes.uncertainty.map(|_| &mut desk.deviation[..count]),
                masked: masks.then_some(&mut desk.masked[..count]),
            };
            nmasked += self.work(&raw, &mut made, shared, (area, &pixels), line)?;
        }
        let worked = Instant::now();
        sink.write(planes.data, area, made.data)?;
        if let Some(hdu) = planes.uncertainty {
            sink.write(hdu, area, made.uncertainty)?;
        }
        match planes.mask {
            Some(hdu) if nmasked > 0 => sink.write(hdu, area, made.mask)?,
            Some(hdu) => sink.write_zeros(hdu, area),
            None => {}
        }
        times[0].busy += read - begun;
        times[1].busy += worked - read;
        times[2].busy += worked.elapsed();
        Ok(nmasked)
    }

    /// Whether anything may mask a sample of a run.
    fn masks(&self, shared: Shared<'_>) -> bool {
        let calibration = &self.chip.recipe.calibration;
        !shared.bad.is_empty()
            || self.chip.frame().mask.is_some()
            || calibration.below.is_some()
            || calibration.above.is_some()
            || self.calibrating.steps[0].masks(shared.masters)
    }

    /// Reads the planes of the frame that take part.
    fn read<'b>(&self, mut rest: &'b mut [u8], area: &Area) -> Result<Raw<'b>> {
        let mut read = |plane: Companion, image: &Image| -> Result<&'b [u8]> {
            let nbyte = area.npixel() * image.stored.bitpix.nbyte();
            let room = rest
                .split_off_mut(..nbyte)
                .expect("there is room for all planes");
            self.reader.read(0, plane, area, room)?;
            Ok(room)
        };
        let frame = self.chip.frame();
        let replaced = self.calibrating.steps[0].deviation.is_some();
        let own = frame.uncertainty.as_ref();
        let own = own.filter(|_| self.planes.uncertainty.is_some() && !replaced);
        Ok(Raw {
            image: read(Companion::Image, &frame.image)?,
            uncertainty: match own {
                Some((image, kind)) => {
                    Some((read(Companion::Uncertainty, image)?, image.stored, *kind))
                }
                None => None,
            },
            mask: match &frame.mask {
                Some(image) => Some((read(Companion::Mask, image)?, image.stored)),
                None => None,
            },
        })
    }

    /// Takes some pixels of a run from stored bytes to stored bytes. Returns how many are masked.
    fn work(
        &self,
        raw: &Raw<'_>,
        made: &mut Made<'_>,
        shared: Shared<'_>,
        (area, pixels): (&Area, &Range<usize>),
        mut line: Pixels<'_>,
    ) -> Result<u64> {
        let width = self.chip.width;
        self.decode(raw, pixels, &mut line);
        let place = Run {
            first: pixels.start,
            area,
        };
        calibrate(
            width,
            &self.calibrating.steps[0],
            shared.masters,
            place,
            Line {
                value: &mut *line.value,
                deviation: line.deviation.as_deref_mut(),
                masked: line.masked.as_deref_mut(),
            },
        );
        let Pixels {
            value,
            deviation,
            masked,
        } = line;
        let deviation = deviation.unwrap_or_default();
        width.vectorize(
            #[inline(always)]
            || {
                numbers(value);
                numbers(deviation);
            },
        );
        let mut nmasked = 0;
        if let Some(masked) = masked {
            self.mask(raw, shared, pixels, masked);
            self.limit(value, deviation, masked);
            nmasked = masked.iter().map(|masked| u64::from(*masked)).sum();
            // There is no room for a mask that is not written.
            let bytes = made.mask.iter_mut().skip(pixels.start);
            for (byte, masked) in bytes.zip(&*masked) {
                *byte = u8::from(*masked);
            }
        }
        let PlaneTypes {
            data: of_data,
            uncertainty: of_deviation,
        } = self.planes.types;
        self.encode(of_data, value, made.data, (area, pixels))?;
        if !deviation.is_empty() {
            self.encode(of_deviation, deviation, made.uncertainty, (area, pixels))?;
        }
        Ok(nmasked)
    }

    /// Decodes some pixels, none of which is masked yet.
    fn decode(&self, raw: &Raw<'_>, pixels: &Range<usize>, line: &mut Pixels<'_>) {
        let width = self.chip.width;
        let stored = &self.chip.frame().image.stored;
        decode_run(width, stored, part(raw.image, stored, pixels), line.value);
        if let Some(deviation) = &mut line.deviation {
            match &raw.uncertainty {
                Some((bytes, stored, kind)) => {
                    decode_run(width, stored, part(bytes, stored, pixels), deviation);
                    own_deviations(*kind, deviation);
                }
                None => deviation.fill(0.0),
            }
        }
        if let Some(masked) = &mut line.masked {
            masked.fill(false);
        }
    }

    /// Writes some numbers to their place among the bytes of a plane.
    fn encode(
        &self,
        dtype: PixelType,
        numbers: &[f64],
        bytes: &mut [u8],
        (area, pixels): (&Area, &Range<usize>),
    ) -> Result<()> {
        let ncol = area.cols.len();
        let place = |pixel: usize| {
            let pixel = pixels.start + pixel;
            (
                area.cols.start + pixel % ncol + 1,
                area.rows.start + pixel / ncol + 1,
            )
        };
        let bytes = &mut bytes[pixels.start * dtype.nbyte()..pixels.end * dtype.nbyte()];
        self.chip.width.vectorize(
            #[inline(always)]
            || encode(dtype, numbers, bytes, &place),
        )
    }

    /// Marks what the mask of the frame and that of all frames mark.
    fn mask(&self, raw: &Raw<'_>, shared: Shared<'_>, pixels: &Range<usize>, masked: &mut [bool]) {
        if let Some((bytes, stored)) = &raw.mask {
            let bits = self.chip.recipe.calibration.mask_bits;
            let bytes = part(bytes, stored, pixels);
            decode_mask_run(self.chip.width, stored, bits, bytes, masked);
        }
        if !shared.bad.is_empty() {
            for (masked, bad) in masked.iter_mut().zip(&shared.bad[pixels.clone()]) {
                *masked |= bad;
            }
        }
    }

    /// Does what is asked with values beyond a level.
    fn limit(&self, value: &mut [f64], deviation: &mut [f64], masked: &mut [bool]) {
        let calibration = &self.chip.recipe.calibration;
        let (below, above) = (calibration.below, calibration.above);
        if below.is_none() && above.is_none() {
            return;
        }
        for pixel in 0..value.len() {
            match Then::of(below, above, value[pixel]) {
                None => {}
                Some(Then::Mask) => masked[pixel] = true,
                Some(Then::Nan) => {
                    (value[pixel], masked[pixel]) = (f64::NAN, true);
                    if let Some(deviation) = deviation.get_mut(pixel) {
                        *deviation = f64::NAN;
                    }
                }
                Some(Then::Value(number)) => value[pixel] = number,
            }
        }
    }
}

/// Makes NaN of what is no number.
#[inline(always)]
fn numbers(line: &mut [f64]) {
    for number in line {
        *number = if number.is_finite() {
            *number
        } else {
            f64::NAN
        };
    }
}
