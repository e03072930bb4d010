//! One image of the output: its frames, its plan, its two walks.

mod header;
mod levels;
mod masks;
mod walk;

use std::path::Path;

use super::calibrating::{self, CARD, Calibrating, HEADER_COPIES, Job, MasterDesk, sky_wanted};
use super::choices;
use super::journal;
use super::pack;
use super::rejected;
use super::survey::{self, Survey};
use super::unpacking::{Ground, PackedImages, master_nbyte, packed_nbyte};
use crate::error::Result;
use crate::measure::Wanted;
use crate::pixels::{self, SampleType};
use crate::plan::{Around, Demand, Grid, Plan, Unpacking};
use crate::recipe::{Hdu, Recipe};
use crate::shape::{Area, Section};
use crate::sink::StepCards;
use crate::source::{Frame, FrameList, Masters, Reader};
use crate::stack::{Critical, Desk, StackRoom, Tally};
use crate::summary::{SkippedFrame, UsedLevel};
use crate::tile::{Companion, TilePlane};

/// Copies of what is said of damaged frames: in the list, the header, the summary and what is printed.
const SKIPPED_COPIES: u64 = 5;
/// Copies of what is said of levels: in the image, the summary, and what is printed, where numbers are longer.
const USED_COPIES: u64 = 6;

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
    /// What is packed of the frames, and on which grid it is unpacked by row bands; once without one.
    packed: PackedImages<'a>,
    grid: Option<Grid>,
    /// What calibrates the frames; known once it is measured.
    calibrating: Option<Calibrating<'a>>,
    /// What is told of the steps.
    told: Option<StepCards>,
    /// The part of the frames that is combined.
    region: Area,
    /// Where levels are measured.
    section: Area,
    sample: SampleType,
    /// How the frames enter the stack; known once they are measured.
    used: Vec<UsedLevel>,
    /// What is done at a pixel; its levels and weights are not known before the frames are measured.
    stack: StackRoom,
    pub(super) plan: Plan,
}

impl<'a> Image<'a> {
    /// Plans an image of so many.
    pub(super) fn new(
        recipe: &'a Recipe,
        (hdu, nimage): (&Hdu, usize),
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
            grid: None,
            calibrating: None,
            told: None,
            region,
            section,
            sample,
            used: Vec::new(),
            stack,
            plan: Plan::default(),
        };
        let (packed, limit) = (&image.packed, recipe.resources.mem_limit);
        (image.grid, image.plan) =
            packed.choose(ground, |grid| image.demand(nimage, grid), limit)?;
        let asked = recipe.stack.clip.iter().zip(&image.stack.clip);
        image.plan.clip = asked.map(|(asked, step)| step.told(asked)).collect();
        image.plan.warnings = choices::remarks(recipe, &image.stack.clip, list.frames.len());
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

    /// What the image needs memory for, where its packed frames are unpacked by bands on this grid.
    fn demand(&self, nimage: usize, grid: Option<Grid>) -> Result<Demand> {
        let list = self.list;
        let nbyte = |plane: &TilePlane| plane.stored.bitpix.nbyte();
        let raw_nbyte = self.tile_planes().map(|plane| nbyte(&plane)).sum();
        let names = list
            .frames
            .iter()
            .map(|frame| frame.path.as_os_str().len() + frame.suffix.len());
        let around_nbyte = if self.stack.needs_rows() {
            Desk::nbyte(&self.stack, self.region.cols.len())
        } else {
            0
        };
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
            tally_nbyte: Tally::nbyte(self.stack.nstep(), list.frames.len()),
            around: Around {
                halo: self.stack.halo(),
                whole_rows: self.stack.needs_rows(),
                nbyte: self.stack.marks_nbyte(),
                row_nbyte: self.stack.light_nbyte(),
                told_nbyte: self.stack.told_nbyte(),
            },
            text_nbyte: (names.sum::<usize>()
                + rejected::names_nbyte(&self.recipe.output, list)
                + HEADER_COPIES * CARD * list.frames.len()
                + job.header_nbyte()
                + job.frames_nbyte()) as u64
                + journal::nbyte(list, self.stack.nstep()) * nimage as u64
                + Critical::nbyte(&self.stack.clip, list.frames.len()) as u64
                + USED_COPIES * self.used_nbyte() * nimage as u64
                + SKIPPED_COPIES * list.skipped.iter().map(SkippedFrame::nbyte).sum::<u64>()
                + list.frames.iter().map(packed_nbyte).sum::<u64>(),
            threads: self.recipe.resources.threads,
            scratch_nbyte: scratch_nbyte
                + around_nbyte
                + MasterDesk::nbyte(self.masters, strip_npixel)
                + reading,
            mapped: (self.reader.mapped().0 > 0).then_some(file_nbyte),
            nfile,
            measure_nbyte,
            packing_nbyte: pack::nbyte(
                self.recipe.output.compression,
                self.region.shape(),
                self.stack.planes.iter().map(|(_, pixel)| *pixel),
            )
            .max(self.mask_nbyte()),
            again: self.recipe.frames.hdu == Hdu::All,
            walks: measuring.into_iter().chain([combining]).collect(),
            unpacking: Unpacking {
                master_nbyte: master_nbyte(self.masters, list),
                ..self.packed.unpacking(self.ground, grid)
            },
        })
    }

    /// Bytes of its planes, and of what is told beside them.
    pub(super) fn nbyte(&self) -> [u64; 2] {
        let nbyte = self.stack.planes.iter().map(|(_, pixel)| pixel.nbyte());
        [nbyte.sum(), self.stack.told_nbyte()]
            .map(|nbyte: usize| (nbyte as u64).saturating_mul(self.region.npixel() as u64))
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
        survey::wanted(&self.recipe.stack, &self.section).map(|wanted| self.survey_of(wanted))
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
}
