//! One image of the output: its frames, its plan, its two walks.

mod header;
mod levels;

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::choices;
use super::corridor::{self, Rooms, Source, Walked};
use super::outcome::Outcome;
use super::survey::{self, Survey};
use crate::error::Result;
use crate::kernel::Sample;
use crate::measure::Ranked;
use crate::pixels::SampleType;
use crate::plan::{Demand, Plan};
use crate::recipe::{Hdu, Recipe};
use crate::shape::{Area, Section};
use crate::sink::FitsSink;
use crate::source::{self, FrameList, Reader};
use crate::stack::StackRoom;
use crate::tile::{Companion, Layout, TilePlane};
use crate::units::ByteSize;
use crate::watch::{Walk, Watch};

/// Cards of a frame's header, and copies of them, that are held while the header of the output is made.
const HEADER_COPIES: u64 = 6;

/// How many files there are, and their bytes.
fn files(list: &FrameList) -> (usize, u64) {
    let mut seen = HashSet::new();
    let lengths = list
        .frames
        .iter()
        .filter(|frame| seen.insert(&frame.path))
        .map(|frame| frame.stamp.length);
    let nbyte = lengths.sum();
    (seen.len(), nbyte)
}

/// One image of the output.
#[derive(Debug)]
pub(super) struct Image<'a> {
    recipe: &'a Recipe,
    /// The number of the HDU of the frames, where they are taken by number.
    number: usize,
    list: &'a FrameList,
    reader: &'a Reader<'a>,
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
    /// Plans an image; `process` is what the process took before it opened a frame.
    pub(super) fn new(
        recipe: &'a Recipe,
        hdu: &Hdu,
        list: &'a FrameList,
        reader: &'a Reader<'a>,
        process: ByteSize,
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
        let stack = choices::stack_room(recipe, list, sample)?;
        let mut image = Self {
            recipe,
            number,
            list,
            reader,
            region,
            section,
            sample,
            stack,
            plan: Plan::default(),
        };
        image.plan = image.demand(process).plan(recipe.resources.mem_limit)?;
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

    /// What the image needs memory for.
    fn demand(&self, process: ByteSize) -> Demand {
        let list = self.list;
        let nbyte = |plane: &TilePlane| plane.stored.bitpix.nbyte();
        let raw_nbyte = self.tile_planes().map(|plane| nbyte(&plane)).sum();
        let names = list
            .frames
            .iter()
            .map(|frame| frame.path.as_os_str().len() + frame.suffix.len());
        let cards = list.first.cards().len()
            + list
                .primary
                .as_ref()
                .map_or(0, |header| header.cards().len());
        let scratch_nbyte = match self.sample {
            SampleType::F32 => self.stack.scratch_nbyte::<f32>(),
            SampleType::F64 => self.stack.scratch_nbyte::<f64>(),
        };
        let (nfile, file_nbyte) = files(list);
        let survey = self.survey();
        let measuring = survey.map(|survey| survey.nbyte());
        let combining = (raw_nbyte * self.region.npixel()) as u64;
        Demand {
            process: process.0,
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
            text_nbyte: names.sum::<usize>() as u64
                + 80 * (cards + list.frames.len()) as u64 * HEADER_COPIES,
            threads: self.recipe.resources.threads,
            scratch_nbyte,
            mapped: (self.reader.mapped().0 > 0).then_some(file_nbyte),
            nfile,
            measure_nbyte: survey.map(|survey| survey.scratch_nbyte(self.sample)),
            walks: measuring.into_iter().chain([combining]).collect(),
        }
    }

    /// What is measured of the frames, if anything.
    fn survey(&self) -> Option<Survey<'_>> {
        survey::wanted(&self.recipe.stack).map(|wanted| Survey {
            list: self.list,
            section: &self.section,
            wanted,
            needs_deviation: self.stack.needs_deviation,
            width: self.stack.width,
        })
    }

    /// The planes that a tile holds: those of all frames, by kind.
    fn tile_planes(&self) -> impl Iterator<Item = TilePlane> {
        let frames = || self.list.frames.iter().enumerate();
        let plane = |companion, frame, image: &crate::pixels::Image| TilePlane {
            companion,
            frame,
            stored: image.stored,
        };
        let images = frames().map(move |(frame, of)| plane(Companion::Image, frame, &of.image));
        let masks = frames().filter_map(move |(frame, of)| {
            of.mask
                .as_ref()
                .map(|image| plane(Companion::Mask, frame, image))
        });
        let deviations =
            frames()
                .filter(|_| self.stack.needs_deviation)
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
        images.chain(masks).chain(deviations).chain(bad_pixels)
    }

    /// The files of the frames, and of the mask that serves them all.
    pub(super) fn paths(&self) -> impl Iterator<Item = &Path> {
        let bad_pixels = self.list.bad_pixels.iter().map(|mask| &*mask.path);
        self.list
            .frames
            .iter()
            .map(|frame| &*frame.path)
            .chain(bad_pixels)
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
        Ok(())
    }

    /// Both walks.
    fn walk<T: Ranked + Sample>(
        &mut self,
        pool: &rayon::ThreadPool,
        sink: &mut FitsSink,
        watch: &Watch,
    ) -> Result<Walked> {
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
            stack: &self.stack,
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

    /// An area of what is combined, counted from the corner of the frames.
    fn within(&self, area: &Area) -> Area {
        let Area { rows, cols } = &self.region;
        Area {
            rows: area.rows.start + rows.start..area.rows.end + rows.start,
            cols: area.cols.start + cols.start..area.cols.end + cols.start,
        }
    }
}

impl Source for Image<'_> {
    fn read(&self, plane: Companion, frame: usize, area: &Area, bytes: &mut [u8]) -> Result<()> {
        let area = self.within(area);
        let plane = match plane {
            Companion::BadPixels => return self.reader.read_bad_pixels(&area, bytes),
            Companion::Image => source::Companion::Image,
            Companion::Mask => source::Companion::Mask,
            Companion::Uncertainty(_) => source::Companion::Uncertainty,
        };
        self.reader.read(frame, plane, &area, bytes)
    }

    fn advise(&self, area: &Area) {
        let area = self.within(area);
        for frame in 0..self.list.frames.len() {
            self.reader.advise(frame, &area);
        }
    }
}
