//! The pixels of an image, some rows at a time: read, calibrated, written.

use super::super::Desk;
use super::{Chip, Planes};
use crate::calibrate::{Line, Run, calibrate};
use crate::decode::{decode_mask_run, decode_run, own_deviations};
use crate::error::Result;
use crate::pipeline::calibrating::{self, Calibrating};
use crate::pixels::Companion;
use crate::recipe::Then;
use crate::shape::Area;
use crate::sink::FitsSink;
use crate::source::Reader;
use crate::stack::encode;
use crate::tile::RawTile;

impl Chip<'_> {
    /// Reads and calibrates the pixels of an area.
    pub(super) fn run_of_pixels(
        &self,
        reader: &Reader<'_>,
        calibrating: &Calibrating<'_>,
        (tile, desk): (&mut RawTile, &mut Desk),
        area: &Area,
        deviates: bool,
    ) -> Result<()> {
        let frame = self.frame();
        let (npixel, width) = (area.npixel(), self.width);
        let steps = &calibrating.steps[0];
        let own = frame.uncertainty.filter(|_| steps.deviation.is_none());
        desk.deviation.clear();
        desk.deviation
            .resize(if deviates { npixel } else { 0 }, 0.0);
        if let Some((image, kind)) = own {
            let nbyte = npixel * image.stored.bitpix.nbyte();
            reader.read(0, Companion::Uncertainty, area, desk.room(nbyte))?;
            decode_run(width, &image.stored, &desk.bytes, &mut desk.deviation);
            own_deviations(kind, &mut desk.deviation);
        }
        let stored = &frame.image.stored;
        reader.read(
            0,
            Companion::Image,
            area,
            desk.room(npixel * stored.bitpix.nbyte()),
        )?;
        desk.value.resize(npixel, 0.0);
        decode_run(width, stored, &desk.bytes, &mut desk.value);
        desk.masked.clear();
        desk.masked.resize(npixel, false);
        let view = tile.fill(area, |plane, _, bytes| {
            calibrating::read(reader, plane, area, bytes)
        })?;
        let lines = desk.masters.load(calibrating, width, view, &(0..npixel));
        calibrate(
            width,
            steps,
            lines,
            Run { first: 0, area },
            Line {
                value: &mut desk.value,
                deviation: deviates.then_some(&mut *desk.deviation),
                masked: Some(&mut desk.masked),
            },
        );
        if let Some(mask) = frame.mask {
            let nbyte = npixel * mask.stored.bitpix.nbyte();
            reader.read(0, Companion::Mask, area, desk.room(nbyte))?;
            let bits = self.recipe.calibration.mask_bits;
            decode_mask_run(width, &mask.stored, bits, &desk.bytes, &mut desk.masked);
        }
        if let Some(mask) = &self.list.bad_pixels {
            let nbyte = npixel * mask.image.stored.bitpix.nbyte();
            reader.read_bad_pixels(area, desk.room(nbyte))?;
            decode_mask_run(
                width,
                &mask.image.stored,
                None,
                &desk.bytes,
                &mut desk.masked,
            );
        }
        Ok(())
    }

    /// Does what is asked with values beyond a level, and makes NaN of what is no number. Returns how many samples are masked.
    pub(super) fn limit(&self, desk: &mut Desk, area: &Area) -> u64 {
        for number in desk.value.iter_mut().chain(&mut desk.deviation) {
            *number = if number.is_finite() {
                *number
            } else {
                f64::NAN
            };
        }
        let (below, above) = (self.recipe.calibration.below, self.recipe.calibration.above);
        if below.is_some() || above.is_some() {
            for pixel in 0..area.npixel() {
                match Then::of(below, above, desk.value[pixel]) {
                    None => {}
                    Some(Then::Mask) => desk.masked[pixel] = true,
                    Some(Then::Nan) => {
                        (desk.value[pixel], desk.masked[pixel]) = (f64::NAN, true);
                        if let Some(deviation) = desk.deviation.get_mut(pixel) {
                            *deviation = f64::NAN;
                        }
                    }
                    Some(Then::Value(number)) => desk.value[pixel] = number,
                }
            }
        }
        desk.masked.iter().map(|masked| u64::from(*masked)).sum()
    }
}

/// Writes the pixels of an area into the planes of a file.
pub(super) fn write(
    sink: &mut FitsSink,
    planes: &Planes,
    desk: &mut Desk,
    area: &Area,
) -> Result<()> {
    let ncol = area.cols.len();
    let place = |pixel: usize| {
        (
            area.cols.start + pixel % ncol + 1,
            area.rows.start + pixel / ncol + 1,
        )
    };
    let data = planes.types.data;
    desk.bytes.resize(area.npixel() * data.nbyte(), 0);
    encode(data, &desk.value, &mut desk.bytes, &place)?;
    sink.write(planes.data, area, &desk.bytes)?;
    if let Some(hdu) = planes.uncertainty {
        let uncertainty = planes.types.uncertainty;
        desk.bytes.resize(area.npixel() * uncertainty.nbyte(), 0);
        encode(uncertainty, &desk.deviation, &mut desk.bytes, &place)?;
        sink.write(hdu, area, &desk.bytes)?;
    }
    if let Some(hdu) = planes.mask {
        if desk.masked.contains(&true) {
            desk.bytes.clear();
            desk.bytes
                .extend(desk.masked.iter().map(|masked| u8::from(*masked)));
            sink.write(hdu, area, &desk.bytes)?;
        } else {
            sink.write_zeros(hdu, area);
        }
    }
    Ok(())
}
