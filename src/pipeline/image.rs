//! One image of the output: its frames, its plan, its two walks.

mod header;
mod levels;

use std::path::Path;
use std::sync::Arc;

use super::calibrating::{self, CARD, Calibrating, HEADER_COPIES, Job, MasterDesk, sky_wanted};
use super::choices;
use super::corridor::{self, Rooms, Source, Walked};
use super::outcome::Outcome;
use super::strip::Workshop;
use super::survey::{self, Survey};
use super::unpacking::{Bands, Ground, PackedImages, master_nbyte, packed_nbyte};
use crate::error::Result;
use crate::kernel::Sample;
use crate::measure::{Ranked, Wanted};
use crate::pixels::{self, SampleType};
use crate::plan::{Demand, Plan, Unpacking};
use crate::recipe::{Calibration, Hdu, Recipe};
use crate::shape::{Area, Section};
use crate::sink::{FitsSink, StepCards};
use crate::source::{Frame, FrameList, Masters, Reader};
use crate::stack::StackRoom;
use crate::summary::SkippedFrame;
use crate::tile::{Companion, Layout, TilePlane};
use crate::watch::{Walk, Watch};

/// Copies of what is said of damaged frames: in the list, the header, the summary and what is printed.
const SKIPPED_COPIES: u64 = 5;

/// One image of the output.
#[derive(Debug)]
pub(super) struct Image<'a> {
    recipe: &'a Recipe,
    /// The number of the HDU of the frames, where they are taken by number.
    number: usize,
    list: &'a FrameList,
    masters: &'a Masters,
    reader: &'a Reader<'a>,
    ground: &'a Ground<'a>,
    /// What is packed of the frames, and how it is unpacked.
    packed: PackedImages<'a>,
    bands: Bands,
    /// What calibrates the frames; known once it is measured.
    calibrating: Option<Calibrating<'a>>,
    /// What is told of the steps.
    told: Option<StepCards>,
    /// The part of the frames that is combined.
    region: Area,
    /// Where levels are measured.
    section: Area,
    sample: SampleType,
    /// What is done at a pixel; its levels and weights are not known before the frames are measured.
    stack: StackRoom,
    pub(super) plan: Plan,
}

impl<'a> Image<'a> {
    /// Plans an image.
    pub(super) fn new(
        recipe: &'a Recipe,
        hdu: &Hdu,
        (list, masters): (&'a FrameList, &'a Masters),
        reader: &'a Reader<'a>,
        ground: &'a Ground<'a>,
    ) -> Result<Self> {
        let number = if let Hdu::Number(number) = hdu {
            *number
        } else {
            0
        };
        let area = |section: &Option<Section>, flag| match section {
            Some(section) => section.within(list.shape, flag),
            None => Ok(list.shape.area()),
        };
        let region = area(&recipe.frames.region, "--region")?;
        let section = area(&recipe.stack.stats_section, "--stats-section")?;
        let types = list
            .frames
            .iter()
            .map(|frame| frame.image.stored.sample_type());
        let sample = types.max().unwrap_or(SampleType::F32);
        let stack = choices::stack_room(recipe, list, masters, sample)?;
        let mut image = Self {
            recipe,
            number,
            list,
            masters,
            reader,
            ground,
            packed: PackedImages::of(list, &region),
            bands: None,
            calibrating: None,
            told: None,
            region,
            section,
            sample,
            stack,
            plan: Plan::default(),
        };
        let ways = |bands| image.demand(bands);
        (image.bands, image.plan) =
            image
                .packed
                .choose(ground, ways, recipe.resources.mem_limit)?;
        let Plan {
            frames,
            bands,
            tile_rows,
            tile_cols,
            ..
        } = &image.plan;
        tracing::info!(
            "{frames} frames in {bands} tiles of {tile_rows} × {tile_cols} pixels, samples {sample:?}"
        );
        Ok(image)
    }

    /// What the image needs memory for, where its packed frames are unpacked so.
    fn demand(&self, bands: Bands) -> Result<Demand> {
        let list = self.list;
        let nbyte = |plane: &TilePlane| plane.stored.bitpix.nbyte();
        let raw_nbyte = self.tile_planes().map(|plane| nbyte(&plane)).sum();
        let names = list
            .frames
            .iter()
            .map(|frame| frame.path.as_os_str().len() + frame.suffix.len());
        let scratch_nbyte = match self.sample {
            SampleType::F32 => self.stack.scratch_nbyte::<f32>(),
            SampleType::F64 => self.stack.scratch_nbyte::<f64>(),
        };
        let job = self.job();
        let (nfile, file_nbyte) = job.files();
        let reading = job.reading_nbyte(self.recipe.resources.io, self.region.cols.len());
        let surveys = || self.sky_survey().into_iter().chain(self.survey());
        let measuring: Option<u64> = surveys().map(|survey| survey.nbyte()).reduce(|a, b| a + b);
        let measure_nbyte = surveys()
            .map(|survey| survey.scratch_nbyte(self.sample))
            .max();
        let measure_nbyte = measure_nbyte.max(Some(job.nbyte()?).filter(|nbyte| *nbyte > 0));
        let measure_nbyte = measure_nbyte.map(|nbyte| nbyte + reading);
        let strip_npixel = match self.sample {
            SampleType::F32 => self.stack.strip_npixel::<f32>(),
            SampleType::F64 => self.stack.strip_npixel::<f64>(),
        };
        let combining = (raw_nbyte as u64).saturating_mul(self.region.npixel() as u64);
        Ok(Demand {
            process: self.ground.process.0,
            nframe: list.frames.len(),
            shape: self.region.shape(),
            raw_nbyte,
            nplane: self.tile_planes().count(),
            out_nbyte: self
                .stack
                .planes
                .iter()
                .map(|(_, pixel)| pixel.nbyte())
                .sum(),
            text_nbyte: (names.sum::<usize>()
                + HEADER_COPIES * CARD * list.frames.len()
                + job.header_nbyte()
                + job.frames_nbyte()) as u64
                + SKIPPED_COPIES * list.skipped.iter().map(SkippedFrame::nbyte).sum::<u64>()
                + list.frames.iter().map(packed_nbyte).sum::<u64>(),
            threads: self.recipe.resources.threads,
            scratch_nbyte: scratch_nbyte + MasterDesk::nbyte(self.masters, strip_npixel) + reading,
            mapped: (self.reader.mapped().0 > 0).then_some(file_nbyte),
            nfile,
            measure_nbyte,
            again: self.recipe.frames.hdu == Hdu::All,
            walks: measuring.into_iter().chain([combining]).collect(),
            unpacking: Unpacking {
                master_nbyte: master_nbyte(self.masters, list),
                ..self.packed.unpacking(self.ground, bands)
            },
        })
    }

    /// How the frames are calibrated.
    fn job(&self) -> Job<'a> {
        Job {
            calibration: &self.recipe.calibration,
            list: self.list,
            masters: self.masters,
            width: self.stack.width,
        }
    }

    /// What is measured of the frames, if anything.
    fn survey(&self) -> Option<Survey<'_>> {
        survey::wanted(&self.recipe.stack).map(|wanted| self.survey_of(wanted))
    }

    /// What is measured of their sky.
    fn sky_survey(&self) -> Option<Survey<'_>> {
        sky_wanted(self.recipe.calibration.sky).map(|wanted| self.survey_of(wanted))
    }

    fn survey_of(&self, wanted: Wanted) -> Survey<'_> {
        Survey {
            list: self.list,
            section: &self.section,
            wanted,
            needs_deviation: self.stack.needs_deviation,
            width: self.stack.width,
            mask_bits: self.recipe.calibration.mask_bits,
            deviation: self.recipe.calibration.deviation.is_some(),
            masters: self.job().calibrates().then_some(self.masters),
            calibrating: self.calibrating.as_ref(),
        }
    }

    /// The planes that a tile holds: those of all frames, by kind.
    fn tile_planes(&self) -> impl Iterator<Item = TilePlane> {
        let frames = || self.list.frames.iter().enumerate();
        let plane = |companion, frame, image: &pixels::Image| TilePlane {
            companion,
            frame,
            stored: image.stored,
        };
        let deviates = self.recipe.calibration.deviation.is_some();
        let replaced =
            move |of: &Frame| deviates && of.raw.as_ref().is_some_and(|raw| !raw.done.deviation);
        let images = frames().map(move |(frame, of)| plane(Companion::Image, frame, &of.image));
        let masks = frames().filter_map(move |(frame, of)| {
            of.mask
                .as_ref()
                .map(|image| plane(Companion::Mask, frame, image))
        });
        let deviations = frames()
            .filter(|_| self.stack.needs_deviation)
            .filter(move |(_, of)| !replaced(of))
            .filter_map(move |(frame, of)| {
                of.uncertainty
                    .as_ref()
                    .map(|(image, kind)| plane(Companion::Uncertainty(*kind), frame, image))
            });
        let bad_pixels = self
            .list
            .bad_pixels
            .as_ref()
            .map(|mask| plane(Companion::BadPixels, 0, &mask.image));
        images
            .chain(masks)
            .chain(deviations)
            .chain(bad_pixels)
            .chain(calibrating::tile_planes(self.masters))
    }

    /// The files of the frames, and of the mask that serves them all.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let bad_pixels = self.list.bad_pixels.iter().map(|mask| &*mask.path);
        self.list
            .frames
            .iter()
            .map(|frame| &*frame.path)
            .chain(bad_pixels)
            .chain(self.masters.paths())
    }

    /// Measures, combines and writes the image.
    pub(super) fn combine(
        mut self,
        pool: &rayon::ThreadPool,
        sink: &mut FitsSink,
        watch: &Watch,
        outcome: &mut Outcome<'_>,
    ) -> Result<()> {
        let walked = match self.sample {
            SampleType::F32 => self.walk::<f32>(pool, sink, watch),
            SampleType::F64 => self.walk::<f64>(pool, sink, watch),
        }?;
        outcome.add(
            self.list,
            self.reader,
            &self.plan,
            self.sample,
            &self.stack,
            &walked,
        );
        let remark = self.calibrating.and_then(|found| found.flat_remark);
        outcome.warnings.extend(remark);
        Ok(())
    }

    /// Both walks.
    fn walk<T: Ranked + Sample>(
        &mut self,
        pool: &rayon::ThreadPool,
        sink: &mut FitsSink,
        watch: &Watch,
    ) -> Result<Walked> {
        let unpacking = (self.reader, &self.plan);
        self.packed
            .unpack(self.ground, self.bands, unpacking, watch)?;
        self.prepare::<T>(watch)?;
        let measured = match self.survey() {
            None => Vec::new(),
            Some(survey) => {
                watch.begin(Walk::Measuring, survey.nbyte());
                survey.measure::<T>(self.reader, self.plan.measurers, watch)?
            }
        };
        self.stack.levels = self.levels(&measured)?;
        let hdus = self.hdus();
        let first = hdus
            .iter()
            .map(|hdu| sink.add(hdu))
            .collect::<Result<Vec<_>>>()?;
        let planes = &self.stack.planes;
        let hdu_of = |plane| {
            planes
                .iter()
                .position(|(is, _)| *is == plane)
                .map(|index| first[index])
        };
        watch.begin(
            Walk::Combining,
            self.plan.walks.last().copied().unwrap_or(0),
        );
        let capacity = self.plan.capacity();
        let widths = planes
            .iter()
            .map(|(plane, pixel)| (*plane, pixel.nbyte()))
            .collect();
        let layout = Arc::new(Layout::new(self.tile_planes(), widths, capacity));
        let rooms = Rooms {
            plan: &self.plan,
            workshop: Workshop {
                stack: &self.stack,
                calibrating: self.calibrating.as_ref(),
                mask_bits: self.recipe.calibration.mask_bits,
            },
            pool,
            watch,
        };
        corridor::walk::<T>(rooms, &layout, self, |plane, area, bytes| {
            match hdu_of(plane) {
                Some(hdu) => sink.write(hdu, area, bytes),
                None => Ok(()),
            }
        })
    }

    /// Finds what calibration has to know.
    fn prepare<T: Ranked + Sample>(&mut self, watch: &Watch) -> Result<()> {
        let job = self.job();
        let mut calibrating = None;
        if job.calibrates() {
            let threads = self.plan.measurers.max(1);
            watch.begin(Walk::Measuring, 0);
            let mut found = job.prepare(self.reader, threads, watch)?;
            if let Some(survey) = self.sky_survey() {
                job.sky::<T>(survey, &mut found, self.reader, threads, watch)?;
            }
            calibrating = Some(found);
        }
        if *job.calibration != Calibration::default() {
            let section = self.recipe.stack.stats_section.as_ref();
            self.told = Some(job.told(calibrating.as_ref(), section)?);
        }
        self.calibrating = calibrating;
        Ok(())
    }
}

impl Source for Image<'_> {
    fn read(&self, plane: Companion, frame: usize, area: &Area, bytes: &mut [u8]) -> Result<()> {
        let area = self.within(area);
        let plane = match plane {
            Companion::BadPixels => return self.reader.read_bad_pixels(&area, bytes),
            Companion::Image => pixels::Companion::Image,
            Companion::Mask => pixels::Companion::Mask,
            Companion::Uncertainty(_) => pixels::Companion::Uncertainty,
            Companion::Master(..) => return calibrating::read(self.reader, plane, &area, bytes),
        };
        self.reader.read(frame, plane, &area, bytes)
    }

    fn within(&self, area: &Area) -> Area {
        let Area { rows, cols } = &self.region;
        Area {
            rows: area.rows.start + rows.start..area.rows.end + rows.start,
            cols: area.cols.start + cols.start..area.cols.end + cols.start,
        }
    }

    fn advise(&self, area: &Area) {
        let area = self.within(area);
        for frame in 0..self.list.frames.len() {
            self.reader.advise(frame, &area);
        }
    }
}
