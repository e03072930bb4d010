//! One image on its way: from the frame to the HDUs of its file, some rows at a time.

mod pixels;

use std::sync::Arc;
use std::time::Instant;

use super::{Desk, Done, Run};
use crate::calibrate::{FrameSteps, OverscanLevels};
use crate::error::{Error, Result};
use crate::kernel::{Sample, Width};
use crate::measure::{Ranked, Wanted};
use crate::pipeline::calibrating::{
    self, Calibrating, Facts, Job, MasterDesk, Overscans, flat_norm, mean, sky_wanted, step_cards,
    steps,
};
use crate::pipeline::survey::Survey;
use crate::pixels::SampleType;
use crate::recipe::{Hdu, PixelType, Plane, Reduction};
use crate::shape::{Area, Shape};
use crate::sink::{self, FitsSink, HduSpec, Part, Place, PlaneTypes, StepCards};
use crate::source::{Frame, FrameList, Masters, Reader};
use crate::summary::ReducedFrame;
use crate::tile::{Layout, RawTile};
use pixels::write;

/// An image, its masters, and what is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chip<'a> {
    recipe: &'a Reduction,
    list: &'a FrameList,
    masters: &'a Masters,
    width: Width,
}

/// The planes of the output, by their numbers.
struct Planes {
    data: usize,
    uncertainty: Option<usize>,
    mask: Option<usize>,
    types: PlaneTypes,
}

impl<'a> Chip<'a> {
    pub(super) fn new(
        recipe: &'a Reduction,
        list: &'a FrameList,
        masters: &'a Masters,
        width: Width,
    ) -> Self {
        Self {
            recipe,
            list,
            masters,
            width,
        }
    }

    fn frame(&self) -> &'a Frame {
        &self.list.frames[0]
    }

    fn job(&self) -> Job<'a> {
        Job {
            calibration: &self.recipe.calibration,
            list: self.list,
            masters: self.masters,
            width: self.width,
        }
    }

    /// Bytes of the frame and of the planes beside it.
    pub(super) fn nbyte(&self) -> u64 {
        let frame = self.frame();
        let planes = [
            Some(frame.image),
            frame.mask,
            frame.uncertainty.map(|(image, _)| image),
        ];
        let nbyte = |image: crate::pixels::Image| image.stored.bitpix.nbyte();
        let pixel: usize = planes.into_iter().flatten().map(nbyte).sum();
        (pixel * self.list.shape.npixel()) as u64
    }

    /// Bytes that a thread takes for a pixel of a run.
    pub(super) fn pixel_nbyte(&self) -> usize {
        let masters = calibrating::tile_planes(self.masters);
        let raw: usize = masters.map(|plane| plane.stored.bitpix.nbyte()).sum();
        Desk::PIXEL_NBYTE + raw + MasterDesk::nbyte(self.masters, 1)
    }

    /// Bytes that a thread takes beside, to measure what the steps need.
    pub(super) fn scratch_nbyte(&self) -> Result<usize> {
        let job = self.job();
        let sky = sky_wanted(self.recipe.calibration.sky);
        let sky = sky.map(|wanted| {
            let section = self.list.shape.area();
            let survey = self.survey(&section, wanted, None);
            survey.scratch_nbyte(self.frame().image.stored.sample_type())
        });
        Ok(job.nbyte()?.max(sky.unwrap_or(0)) + job.levels_nbyte())
    }

    fn survey<'s>(
        &'s self,
        section: &'s Area,
        wanted: Wanted,
        calibrating: Option<&'s Calibrating<'s>>,
    ) -> Survey<'s> {
        Survey {
            list: self.list,
            section,
            wanted,
            needs_deviation: false,
            width: self.width,
            mask_bits: self.recipe.calibration.mask_bits,
            deviation: self.recipe.calibration.deviation.is_some(),
            masters: self.job().calibrates().then_some(self.masters),
            calibrating,
        }
    }

    /// The primary header of a multi-extension output.
    pub(super) fn shared_header(&self) -> HduSpec {
        let primary = self.list.primary.as_ref().unwrap_or(&self.list.first);
        HduSpec {
            extname: None,
            extver: None,
            pixels: None,
            cards: sink::calibrated(primary.cards(), Part::Primary, &StepCards::default()),
        }
    }

    /// What calibrates the frame, with what all frames of these masters share; a norm that another frame had measured is taken over.
    fn prepare(&self, run: &Run<'_>, reader: &Reader<'_>) -> Result<(Calibrating<'a>, Facts)> {
        let calibration = &self.recipe.calibration;
        let frame = self.frame();
        let key = self.masters.all();
        let key: Vec<_> = key
            .map(|(_, of)| (of.path.to_path_buf(), of.image.start))
            .collect();
        let (norm, facts) = {
            let mut known = run
                .known
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner);
            if let Some(known) = known.get(&key) {
                known.clone()
            } else {
                let flat = calibration.flat.as_ref();
                let norm =
                    flat.map(|flat| flat_norm(flat, self.masters, reader, self.width, run.watch));
                let norm = norm.transpose()?.unwrap_or(1.0);
                let bad_pixels = self.list.bad_pixels.as_ref().map(|mask| &*mask.path);
                let section = self.recipe.stats_section.as_ref();
                let facts = Facts::new(calibration, self.masters, bad_pixels, section, norm)?;
                known.insert(key, (norm, facts.clone()));
                (norm, facts)
            }
        };
        let levels = match &calibration.overscan {
            None => None,
            Some(overscan) => Overscans::new(overscan, calibration.mask_bits, self.width)
                .levels(reader, 0, frame, run.watch)?,
        };
        let raw = frame.raw.as_ref();
        let steps = raw.map(|raw| steps(calibration, self.masters, raw, levels));
        let mut calibrating = Calibrating {
            masters: self.masters,
            steps: vec![steps.unwrap_or_default()],
            flat_min: calibration.flat.as_ref().and_then(|flat| flat.min),
            flat_norm: norm,
        };
        match frame.image.stored.sample_type() {
            SampleType::F32 => self.sky::<f32>(run, reader, &mut calibrating)?,
            SampleType::F64 => self.sky::<f64>(run, reader, &mut calibrating)?,
        }
        Ok((calibrating, facts))
    }

    fn sky<T: Ranked + Sample>(
        &self,
        run: &Run<'_>,
        reader: &Reader<'_>,
        calibrating: &mut Calibrating<'a>,
    ) -> Result<()> {
        let calibration = &self.recipe.calibration;
        let Some(wanted) = sky_wanted(calibration.sky) else {
            return Ok(());
        };
        let section = match &self.recipe.stats_section {
            Some(section) => section.within(self.list.shape, "--stats-section")?,
            None => self.list.shape.area(),
        };
        let done = self.frame().raw.as_ref().is_none_or(|raw| raw.done.sky);
        if !done {
            let survey = self.survey(&section, wanted, Some(calibrating));
            let measured = survey.measure::<T>(reader, 1, run.watch)?;
            let level = calibrating::sky_level(calibration.sky, &measured[0]);
            calibrating.steps[0].sky = Some(level);
        }
        Ok(())
    }

    /// Calibrates the image into HDUs of a file; `extension` is the HDU that it is of a multi-extension frame.
    pub(super) fn reduce(
        &self,
        run: &Run<'_>,
        desk: &mut Desk,
        sink: &mut FitsSink,
        extension: Option<&Hdu>,
        done: &mut Done,
    ) -> Result<ReducedFrame> {
        let begun = Instant::now();
        let frame = self.frame();
        let reader = Reader::new(self.list, self.masters, self.recipe.resources.io, 1)?;
        let (calibrating, facts) = self.prepare(run, &reader)?;
        let steps = &calibrating.steps[0];
        let deviates = self.deviates(steps);
        let told = step_cards(
            &self.recipe.calibration,
            self.masters,
            &facts,
            frame,
            steps,
            true,
        );
        let planes = self.planes(sink, extension, deviates, &told)?;
        done.times[0].busy += begun.elapsed();

        let layout = Layout::new(
            calibrating::tile_planes(self.masters),
            Vec::new(),
            desk.capacity,
        );
        let mut tile = RawTile::new(Arc::new(layout));
        let mut nmasked = 0;
        for area in areas(self.list.shape, desk.capacity) {
            run.watch.check()?;
            let begun = Instant::now();
            self.run_of_pixels(&reader, &calibrating, (&mut tile, desk), &area, deviates)?;
            nmasked += self.limit(desk, &area);
            let worked = Instant::now();
            write(sink, &planes, desk, &area)?;
            run.watch
                .advance(self.nbyte() * area.npixel() as u64 / self.list.shape.npixel() as u64);
            done.times[1].busy += worked - begun;
            done.times[2].busy += worked.elapsed();
        }
        if planes.mask.is_some() && nmasked == 0 && self.recipe.folder.planes.is_none() {
            sink.drop_last()?;
        }
        done.bytes += reader.bytes_read();
        Ok(ReducedFrame {
            frame: frame.name(),
            pixels: self.list.shape.npixel() as u64,
            masked_pixels: nmasked,
            overscan_level: steps.overscan.as_ref().map(|levels| match levels {
                OverscanLevels::Rows(levels) | OverscanLevels::Columns(levels) => mean(levels),
            }),
            gain: steps.gain,
            dark_factor: steps.dark,
            sky: steps.sky,
            ..ReducedFrame::default()
        })
    }

    /// Whether samples of the frame have an uncertainty when its steps are done.
    fn deviates(&self, steps: &FrameSteps) -> bool {
        let of = |used: bool, master: &Option<crate::source::Master>| {
            used && master
                .as_ref()
                .is_some_and(|master| master.uncertainty.is_some())
        };
        self.frame().uncertainty.is_some()
            || steps.deviation.is_some()
            || of(steps.bias, &self.masters.bias)
            || of(steps.dark.is_some(), &self.masters.dark)
            || of(steps.flat, &self.masters.flat)
    }

    /// Adds the HDUs of the image to its file.
    fn planes(
        &self,
        sink: &mut FitsSink,
        extension: Option<&Hdu>,
        deviates: bool,
        told: &StepCards,
    ) -> Result<Planes> {
        let folder = &self.recipe.folder;
        let asked = |plane| folder.planes.as_ref().map(|planes| planes.contains(&plane));
        let uncertainty = asked(Plane::Uncertainty).unwrap_or(deviates);
        if uncertainty && !deviates {
            return Err(Error::frame(
                self.frame().name(),
                "has no uncertainty to write: neither it nor a master brings one; give --deviation, or leave it out of --planes",
            ));
        }
        let mask = asked(Plane::Mask).unwrap_or(true);
        let natural = match self.frame().image.stored.sample_type() {
            SampleType::F32 => PixelType::F32,
            SampleType::F64 => PixelType::F64,
        };
        let data = folder.dtype.unwrap_or(natural);
        let types = PlaneTypes {
            data,
            uncertainty: if data == PixelType::F64 {
                PixelType::F64
            } else {
                PixelType::F32
            },
        };
        let inherited = self
            .list
            .primary
            .as_ref()
            .map_or(&[][..], |header| header.cards());
        let part = match extension {
            Some(_) => Part::Extension,
            None => Part::Whole { inherited },
        };
        let cards = sink::calibrated(self.list.first.cards(), part, told);
        let place = match extension {
            None => Place::Primary,
            Some(hdu) => Place::Extension {
                name: self.list.extname.as_deref(),
                version: self.list.first.integer("EXTVER"),
                number: match hdu {
                    Hdu::Number(number) => *number,
                    _ => 0,
                },
            },
        };
        // The mask comes last, so that it can be taken back where no sample is masked.
        let mut wanted = vec![Plane::Data];
        wanted.extend(uncertainty.then_some(Plane::Uncertainty));
        wanted.extend(mask.then_some(Plane::Mask));
        let hdus = sink::plane_hdus(&wanted, types, self.list.shape, place, &cards);
        let numbers = hdus
            .iter()
            .map(|hdu| sink.add(hdu))
            .collect::<Result<Vec<_>>>()?;
        let number = |plane| {
            wanted
                .iter()
                .position(|is| *is == plane)
                .map(|at| numbers[at])
        };
        Ok(Planes {
            data: numbers[0],
            uncertainty: number(Plane::Uncertainty),
            mask: number(Plane::Mask),
            types,
        })
    }
}

/// The areas of so many pixels at most that make up a frame, row after row.
fn areas(shape: Shape, capacity: usize) -> impl Iterator<Item = Area> {
    let Shape { nrow, ncol } = shape;
    let tile_ncol = ncol.min(capacity).max(1);
    let tile_nrow = (capacity / tile_ncol).max(1);
    (0..nrow).step_by(tile_nrow).flat_map(move |row| {
        (0..ncol).step_by(tile_ncol).map(move |col| Area {
            rows: row..nrow.min(row + tile_nrow),
            cols: col..ncol.min(col + tile_ncol),
        })
    })
}
