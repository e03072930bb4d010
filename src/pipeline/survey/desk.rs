//! A thread's place of work in the first walk: reads some rows of a frame at a time, and makes of them what is measured.

use std::sync::Arc;

use super::{NCODE, Survey};
use crate::calibrate::Run;
use crate::decode::{
    Strip, decode_deviations, decode_images, decode_masks, decode_own_deviations, decode_run,
};
use crate::error::{Error, Result};
use crate::kernel::{LANES, Row, Sample};
use crate::measure::{self, FrameRows, Measured, Ranked};
use crate::pipeline::calibrating::{self, MasterDesk};
use crate::pipeline::strip::calibrate_images;
use crate::pixels::{Bitpix, Companion, Image, Stored, UncertaintyKind};
use crate::shape::Area;
use crate::source::{Frame, Reader};
use crate::tile::{Layout, RawTile};
use crate::watch::Watch;

/// A thread's place of work.
#[derive(Debug)]
pub(super) struct Desk<'a, T: Ranked> {
    survey: &'a Survey<'a>,
    bytes: Vec<u8>,
    rows: Vec<Row<T>>,
    samples: Vec<T>,
    deviations: Vec<Row<f64>>,
    codes: Vec<u16>,
    present: Vec<bool>,
    /// The sample of each code, and of what these are.
    values: Vec<T>,
    values_of: Option<Stored>,
    by_code: Option<measure::Scratch<T>>,
    by_sample: Option<measure::Scratch<T>>,
    /// The masters, where frames are calibrated: as they are read, and prepared.
    masters: Option<(RawTile, MasterDesk)>,
}

impl<'a, T: Ranked + Sample> Desk<'a, T> {
    pub(super) fn new(survey: &'a Survey<'a>) -> Self {
        let npixel = survey.section.npixel() as u64;
        let chunk = (survey.chunk_nrow() * survey.section.cols.len()).next_multiple_of(LANES);
        let (codes, samples) = survey.kinds();
        let scratch = |codes| measure::Scratch::new(survey.wanted, codes, npixel);
        let coded = |size: usize| if codes { size } else { 0 };
        let deviations = if survey.needs_deviation {
            chunk / LANES
        } else {
            0
        };
        Self {
            survey,
            bytes: Vec::with_capacity(chunk * survey.widest()),
            rows: vec![Row([T::ABSENT; LANES]); chunk / LANES],
            samples: Vec::with_capacity(if samples { chunk } else { 0 }),
            deviations: vec![Row([0.0; LANES]); deviations],
            codes: Vec::with_capacity(coded(chunk)),
            present: Vec::with_capacity(coded(chunk)),
            values: vec![T::ABSENT; coded(NCODE)],
            values_of: None,
            by_code: codes.then(|| scratch(true)),
            by_sample: samples.then(|| scratch(false)),
            masters: survey.masters.map(|masters| {
                let planes = calibrating::tile_planes(masters);
                let layout = Layout::new(planes, Vec::new(), chunk);
                (RawTile::new(Arc::new(layout)), MasterDesk::default())
            }),
        }
    }

    /// Measures a frame.
    pub(super) fn measure(
        &mut self,
        reader: &Reader<'_>,
        frame: usize,
        watch: &Watch,
    ) -> Result<Measured> {
        let of = &self.survey.list.frames[frame];
        let coded = self.survey.is_coded(of);
        if coded && self.values_of != Some(of.image.stored) {
            self.tabulate(&of.image.stored);
        }
        let values = std::mem::take(&mut self.values);
        let scratch = if coded {
            &mut self.by_code
        } else {
            &mut self.by_sample
        };
        let mut scratch = scratch
            .take()
            .expect("there is a scratch for each kind of frame");
        let value = |code: u16| values[usize::from(code)];
        let result = measure::measure(&mut scratch, &value, &mut |visit| {
            let rows = &self.survey.section.rows;
            for first in rows.clone().step_by(self.survey.chunk_nrow()) {
                watch.check()?;
                let rows = first..rows.end.min(first + self.survey.chunk_nrow());
                let area = Area {
                    rows,
                    cols: self.survey.section.cols.clone(),
                };
                self.chunk(reader, frame, &area, watch, visit)?;
            }
            Ok(())
        });
        self.values = values;
        *(if coded {
            &mut self.by_code
        } else {
            &mut self.by_sample
        }) = Some(scratch);
        result?.ok_or_else(|| {
            Error::frame(of.name(), "has no present sample to measure its scale, zero, noise or sky on; choose another --stats-section")
        })
    }

    /// Lists the sample of each code.
    fn tabulate(&mut self, stored: &Stored) {
        let numbers = 0..=u16::MAX;
        let bytes: Vec<u8> = match stored.bitpix {
            Bitpix::U8 => numbers.map(|code| code.to_be_bytes()[1]).collect(),
            _ => numbers
                .flat_map(|code| (code ^ 0x8000).to_be_bytes())
                .collect(),
        };
        decode_run(self.survey.width, stored, &bytes, &mut self.values);
        self.values_of = Some(*stored);
    }

    /// Reads some rows of a frame, with what masks them, and hands them over.
    fn chunk(
        &mut self,
        reader: &Reader<'_>,
        frame: usize,
        area: &Area,
        watch: &Watch,
        visit: &mut dyn FnMut(FrameRows<'_, T>),
    ) -> Result<()> {
        let of = &self.survey.list.frames[frame];
        let (npixel, ncol) = (area.npixel(), area.cols.len());
        let coded = self.survey.is_coded(of);
        let read = |bytes: &mut Vec<u8>, stored: &Stored, companion: Option<Companion>| {
            bytes.resize(npixel * stored.bitpix.nbyte(), 0);
            match companion {
                Some(companion) => reader.read(frame, companion, area, bytes)?,
                None => reader.read_bad_pixels(area, bytes)?,
            }
            watch.advance(bytes.len() as u64);
            Ok::<(), Error>(())
        };
        let deviates = self.survey.needs_deviation;
        if let Some((image, _)) = self.own_deviations(of) {
            read(&mut self.bytes, &image.stored, Some(Companion::Uncertainty))?;
        }
        self.deviate(of, npixel);
        read(&mut self.bytes, &of.image.stored, Some(Companion::Image))?;
        self.images(reader, frame, area)?;

        let nrow = npixel.div_ceil(LANES);
        let bad_pixels = self.survey.list.bad_pixels.as_ref();
        let bad_pixels = bad_pixels.map(|mask| (None, mask.image, None));
        let bits = self.survey.mask_bits;
        let mask = of.mask.map(|image| (Some(Companion::Mask), image, bits));
        for (companion, image, bits) in mask.into_iter().chain(bad_pixels) {
            read(&mut self.bytes, &image.stored, companion)?;
            let mut strip = Strip {
                rows: &mut self.rows[..nrow],
                nframe: 1,
            };
            let bytes = |_| &*self.bytes;
            decode_masks(
                self.survey.width,
                &image.stored,
                bits,
                0..1,
                bytes,
                &mut strip,
            );
        }
        if deviates {
            for (row, deviations) in self.rows[..nrow].iter_mut().zip(&self.deviations) {
                for (sample, deviation) in row.0.iter_mut().zip(deviations.0) {
                    *sample = if deviation.is_finite() {
                        *sample
                    } else {
                        T::ABSENT
                    };
                }
            }
        }
        let samples = self.rows[..nrow].iter().flat_map(|row| row.0).take(npixel);
        if coded {
            let masked = mask.is_some() || bad_pixels.is_some() || deviates;
            self.present.clear();
            self.present
                .extend(samples.filter(|_| masked).map(Sample::is_present));
            visit(FrameRows::Codes {
                rows: &self.codes,
                present: masked.then_some(&self.present),
                ncol,
            });
        } else {
            self.samples.clear();
            self.samples.extend(samples);
            visit(FrameRows::Samples {
                rows: &self.samples,
                ncol,
            });
        }
        Ok(())
    }

    /// The uncertainties that a frame brings, where they are needed and no step puts others in their place.
    fn own_deviations(&self, of: &Frame) -> Option<(Image, UncertaintyKind)> {
        let replaced = self.survey.replaces_deviations(of);
        of.uncertainty
            .filter(|_| self.survey.needs_deviation && !replaced)
    }

    /// Decodes the uncertainties of a frame that were read, if it has such.
    fn deviate(&mut self, of: &Frame, npixel: usize) {
        if !self.survey.needs_deviation {
            return;
        }
        let (width, calibrates) = (self.survey.width, self.survey.calibrating.is_some());
        let own = self.own_deviations(of);
        let mut deviations = Strip {
            rows: &mut self.deviations[..npixel.div_ceil(LANES)],
            nframe: 1,
        };
        let bytes = |_| &*self.bytes;
        match own {
            // What a frame does not bring is 0 until masters or steps bring it.
            None if calibrates => deviations.rows.fill(Row([0.0; LANES])),
            None => deviations.rows.fill(Row([f64::ABSENT; LANES])),
            Some((image, kind)) if calibrates => {
                decode_own_deviations(width, &image.stored, kind, 0..1, bytes, &mut deviations);
            }
            Some((image, kind)) => {
                decode_deviations(width, &image.stored, kind, 0..1, bytes, &mut deviations);
            }
        }
    }

    /// Makes codes or samples of the pixels of a frame that were read.
    fn images(&mut self, reader: &Reader<'_>, frame: usize, area: &Area) -> Result<()> {
        let of = &self.survey.list.frames[frame];
        let (npixel, width) = (area.npixel(), self.survey.width);
        let nrow = npixel.div_ceil(LANES);
        let stored = of.image.stored;
        let mut strip = Strip {
            rows: &mut self.rows[..nrow],
            nframe: 1,
        };
        let bytes = |_| &*self.bytes;
        if self.survey.is_coded(of) {
            self.codes.clear();
            match stored.bitpix {
                Bitpix::U8 => self
                    .codes
                    .extend(self.bytes.iter().map(|byte| u16::from(*byte))),
                _ => self.codes.extend(
                    self.bytes
                        .as_chunks()
                        .0
                        .iter()
                        .map(|b| u16::from_be_bytes(*b) ^ 0x8000),
                ),
            }
            strip.rows.fill(Row([T::from_f32(0.0); LANES]));
        } else if let (Some((tile, desk)), Some(calibrating)) =
            (&mut self.masters, self.survey.calibrating)
        {
            let view = tile.fill(area, |plane, _, bytes| {
                calibrating::read(reader, plane, area, bytes)
            })?;
            let lines = desk.load(calibrating, width, view, &(0..npixel));
            let steps = &calibrating.steps[frame..=frame];
            let mut deviations = Strip {
                rows: &mut self.deviations,
                nframe: 1,
            };
            let deviations = self.survey.needs_deviation.then_some(&mut deviations);
            let place = Run { first: 0, area };
            let both = (&mut strip, deviations);
            calibrate_images(width, (&stored, 0..1), bytes, (steps, lines), place, both);
        } else {
            decode_images(width, &stored, 0..1, bytes, &mut strip);
        }
        Ok(())
    }
}
