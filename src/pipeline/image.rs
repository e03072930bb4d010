//! One image of the output: its frames, its plan, its two walks.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use super::corridor::{self, Rooms, Walked};
use super::levels::{self, Survey};
use super::outcome::Outcome;
use crate::error::{Error, Result};
use crate::kernel::{Sample, Width};
use crate::level::{FrameLevel, check_scale, check_zero, target};
use crate::measure::{Measured, Ranked};
use crate::pixels::SampleType;
use crate::plan::{Demand, Plan, maps_are_dear};
use crate::recipe::{Hdu, Io, Level, PixelType, Plane, Recipe, Uncertainty, Weight};
use crate::shape::Area;
use crate::sink::{self, Exposures, FitsSink, HduSpec, Part, Place, PlaneTypes, Provenance};
use crate::source::{self, Frame, FrameList, Reader, Selection};
use crate::stack::{Scratch, StackRoom};
use crate::tile::{Companion, EmptyTile, Layout, TilePlane};
use crate::watch::{Walk, Watch};

/// Cards of a frame's header, and copies of them, that are held while the header of the output is made.
const HEADER_COPIES: u64 = 6;

/// Opens the frames of one image.
pub(super) fn open(recipe: &Recipe, hdu: &Hdu, watch: &Watch) -> Result<FrameList> {
    let stack = &recipe.stack;
    let mut keywords = Vec::new();
    if let Level::Keyword(keyword) = &stack.scale {
        keywords.push(keyword.clone());
    }
    if let Level::Keyword(keyword) = &stack.zero {
        keywords.push(keyword.clone());
    }
    if let Weight::Keyword(keyword) = &stack.weight {
        keywords.push(keyword.clone());
    }
    source::open(
        &Selection {
            frames: &recipe.frames,
            hdu,
            keywords: &keywords,
        },
        watch,
    )
}

/// How the frames of a list are read: where maps are left to us and their tables would take too much of the limit, not by maps.
pub(super) fn io(recipe: &Recipe, list: &FrameList) -> Io {
    let (nfile, nbyte) = files(list);
    let dear = maps_are_dear(nfile, nbyte, recipe.resources.mem_limit);
    if recipe.resources.io == Io::Auto && dear {
        Io::Read
    } else {
        recipe.resources.io
    }
}

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
    /// Plans an image.
    pub(super) fn new(
        recipe: &'a Recipe,
        hdu: &Hdu,
        list: &'a FrameList,
        reader: &'a Reader<'a>,
    ) -> Result<Self> {
        let number = if let Hdu::Number(number) = hdu {
            *number
        } else {
            0
        };
        let area = |section: &Option<crate::Section>, flag| match section {
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
        let stack = stack_room(recipe, list, sample)?;
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
        image.plan = image.demand().plan(recipe.resources.mem_limit)?;
        Ok(image)
    }

    /// What the image needs memory for.
    fn demand(&self) -> Demand {
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
        levels::wanted(&self.recipe.stack).map(|wanted| Survey {
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

    /// The primary header of a multi-extension output.
    pub(super) fn shared_header(&self) -> HduSpec {
        let name = |frame: usize| self.list.frames[frame].base_name();
        let cards = self
            .list
            .primary
            .as_ref()
            .unwrap_or(&self.list.first)
            .cards();
        let cards = sink::combined(
            cards,
            Part::Primary,
            &self.provenance(&self.exposures(), &name),
        );
        HduSpec {
            extname: None,
            extver: None,
            pixels: None,
            cards,
        }
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
        let tiles = (0..self.plan.tiles)
            .map(|_| EmptyTile::new(Arc::clone(&layout)))
            .collect();
        let scratches = (0..self.recipe.resources.threads)
            .map(|_| Scratch::<T>::new(&self.stack))
            .collect();
        let rooms = Rooms {
            plan: &self.plan,
            stack: &self.stack,
            pool,
            watch,
        };
        let within = |area: &Area| Area {
            rows: area.rows.start + self.region.rows.start..area.rows.end + self.region.rows.start,
            cols: area.cols.start + self.region.cols.start..area.cols.end + self.region.cols.start,
        };
        let read = |companion, frame, area: &Area, ahead: Option<&Area>, bytes: &mut [u8]| {
            let area = within(area);
            let companion = match companion {
                Companion::BadPixels => return self.reader.read_bad_pixels(&area, bytes),
                Companion::Image => source::Companion::Image,
                Companion::Mask => source::Companion::Mask,
                Companion::Uncertainty(_) => source::Companion::Uncertainty,
            };
            self.reader.read(frame, companion, &area, bytes)?;
            if let Some(ahead) = ahead.filter(|_| companion == source::Companion::Image) {
                self.reader.advise(frame, &within(ahead));
            }
            Ok(())
        };
        corridor::walk::<T>(
            rooms,
            tiles,
            scratches,
            read,
            |plane, area, bytes| match hdu_of(plane) {
                Some(hdu) => sink.write(hdu, area, bytes),
                None => Ok(()),
            },
        )
    }

    /// The level of each frame; none where samples stay as they are.
    fn levels(&self, measured: &[Measured]) -> Result<Arc<[FrameLevel]>> {
        let stack = &self.recipe.stack;
        if stack.scale == Level::None && stack.zero == Level::None {
            return Ok(Arc::new([]));
        }
        let keyed = |level: &Level| usize::from(matches!(level, Level::Keyword(_)));
        let scales = self.level("--scale", &stack.scale, 1.0, 0, measured)?;
        let zeros = self.level("--zero", &stack.zero, 0.0, keyed(&stack.scale), measured)?;
        for ((frame, scale), zero) in self.list.frames.iter().zip(&scales).zip(&zeros) {
            check_scale(&frame.name(), *scale)?;
            check_zero(&frame.name(), *zero)?;
            tracing::debug!("{}: scale {scale}, zero {zero}", frame.name());
        }
        for (frame, measured) in self.list.frames.iter().zip(measured) {
            tracing::debug!(
                "{}: measured on {} samples",
                frame.name(),
                measured.npresent
            );
        }
        let (scale_to, zero_to) = (
            target(stack.scale_to, &scales, 1.0),
            target(stack.zero_to, &zeros, 0.0),
        );
        let levels = scales.iter().zip(&zeros);
        Ok(levels
            .map(|(scale, zero)| FrameLevel::new(*zero, *scale, zero_to, scale_to))
            .collect())
    }

    /// One number a frame; `index` is that of the keyword among those that were asked for.
    fn level(
        &self,
        flag: &'static str,
        level: &Level,
        unity: f64,
        index: usize,
        measured: &[Measured],
    ) -> Result<Vec<f64>> {
        let nframe = self.list.frames.len();
        match level {
            Level::None => Ok(vec![unity; nframe]),
            Level::Mean => Ok(measured.iter().map(|measured| measured.mean).collect()),
            Level::Median => Ok(measured.iter().map(|measured| measured.median).collect()),
            Level::Mode => Ok(measured.iter().map(|measured| measured.mode).collect()),
            Level::Keyword(keyword) => keyed(&self.list.frames, flag, keyword, index),
            Level::Values(values) => listed(flag, values, nframe),
        }
    }

    /// The HDUs that the image becomes.
    fn hdus(&self) -> Vec<HduSpec> {
        let (list, all) = (self.list, self.recipe.frames.hdu == Hdu::All);
        let inherited = list
            .primary
            .as_ref()
            .map_or(&[][..], |header| header.cards());
        let part = if all {
            Part::Extension
        } else {
            Part::Whole { inherited }
        };
        let name = |frame: usize| list.frames[frame].base_name();
        let cards = sink::combined(
            list.first.cards(),
            part,
            &self.provenance(&self.exposures(), &name),
        );
        let place = if all {
            Place::Extension {
                name: list.extname.as_deref(),
                version: list.first.integer("EXTVER"),
                number: self.number,
            }
        } else {
            Place::Primary
        };
        let planes: Vec<Plane> = self.stack.planes.iter().map(|(plane, _)| *plane).collect();
        let types = plane_types(self.recipe, self.sample);
        sink::plane_hdus(&planes, types, self.region.shape(), place, &cards)
    }

    fn exposures(&self) -> Exposures {
        let mut exposures = Exposures::default();
        for frame in &self.list.frames {
            exposures.add(
                frame.exptime,
                frame.date_obs.as_deref(),
                frame.date_end.as_deref(),
            );
        }
        exposures
    }

    /// Where the image comes from; `name` is the name of a frame without its folder.
    fn provenance<'p>(
        &'p self,
        exposures: &'p Exposures,
        name: &'p dyn Fn(usize) -> String,
    ) -> Provenance<'p> {
        Provenance {
            stack: &self.recipe.stack,
            nframe: self.list.frames.len(),
            name,
            exposures,
            differing: &self.list.differing,
            bad_pixels: self.list.bad_pixels.as_ref().map(|mask| &*mask.path),
            region: (self.region != self.list.shape.area()).then_some(&self.region),
            uncertainty: self.stack.uncertainty != Uncertainty::None,
        }
    }
}

/// The types of the output's pixels.
fn plane_types(recipe: &Recipe, sample: SampleType) -> PlaneTypes {
    let natural = if sample == SampleType::F64 {
        PixelType::F64
    } else {
        PixelType::F32
    };
    let data = recipe.output.dtype.unwrap_or(natural);
    let uncertainty = if data == PixelType::F64 {
        PixelType::F64
    } else {
        PixelType::F32
    };
    PlaneTypes { data, uncertainty }
}

/// What is done at a pixel, with the weights of the frames; where they are scaled, every level is 1 until they are measured.
fn stack_room(recipe: &Recipe, list: &FrameList, sample: SampleType) -> Result<StackRoom> {
    let stack = &recipe.stack;
    let nframe = list.frames.len();
    let types = plane_types(recipe, sample);
    let mut planes: Vec<Plane> = recipe.output.planes.clone();
    planes.sort_unstable();
    planes.dedup();
    planes.retain(|plane| *plane != Plane::Uncertainty || stack.uncertainty != Uncertainty::None);
    let weighs = stack.method != crate::recipe::Method::Median;
    let inverse_variance = weighs && stack.weight == Weight::InverseVariance;
    let needs_deviation = inverse_variance || stack.uncertainty == Uncertainty::Propagate;
    if needs_deviation
        && let Some(frame) = list.frames.iter().find(|frame| frame.uncertainty.is_none())
    {
        return Err(Error::frame(
            frame.name(),
            "has no uncertainty plane, which --weight ivar and --uncertainty propagate need; \
             name its HDU with --uncertainty-hdu, or choose other weights or uncertainties",
        ));
    }
    let keyword = [&stack.scale, &stack.zero]
        .iter()
        .filter(|level| matches!(level, Level::Keyword(_)))
        .count();
    let weights = match &stack.weight {
        Weight::Keyword(key) => Some(keyed(&list.frames, "--weight", key, keyword)?),
        Weight::Values(values) => Some(listed("--weight", values, nframe)?),
        Weight::None | Weight::InverseVariance => None,
    };
    if let Some((frame, weight)) = list
        .frames
        .iter()
        .zip(weights.iter().flatten())
        .find(|(_, weight)| !(weight.is_finite() && **weight >= 0.0))
    {
        return Err(Error::frame(
            frame.name(),
            format!("its weight is {weight}; weights are finite and not negative"),
        ));
    }
    let scaled = stack.scale != Level::None || stack.zero != Level::None;
    let exact =
        |frame: &Frame| levels::is_coded(&frame.image.stored) && frame.image.stored.blank.is_none();
    let masked = list.bad_pixels.is_some() || list.frames.iter().any(|frame| frame.mask.is_some());
    let bounded = matches!(stack.clip.first(), Some(crate::recipe::Clip::Minmax { .. }));
    let pixel = |plane: Plane| match plane {
        Plane::Data => types.data,
        Plane::Uncertainty => types.uncertainty,
        Plane::Mask => PixelType::U8,
        Plane::Count | Plane::Low | Plane::High => PixelType::I32,
    };
    Ok(StackRoom {
        width: Width::widest(),
        nframe,
        method: stack.method,
        clip: stack.clip.clone(),
        nkeep: stack.nkeep,
        uncertainty: if planes.contains(&Plane::Uncertainty) {
            stack.uncertainty
        } else {
            Uncertainty::None
        },
        levels: if scaled {
            vec![FrameLevel::UNITY; nframe].into()
        } else {
            Arc::new([])
        },
        weights: weights.map(Into::into),
        inverse_variance,
        needs_deviation,
        may_be_absent: scaled
            || masked
            || needs_deviation
            || bounded
            || !list.frames.iter().all(exact),
        planes: planes
            .into_iter()
            .map(|plane| (plane, pixel(plane)))
            .collect(),
    })
}

/// The numbers of a keyword.
fn keyed(frames: &[Frame], flag: &str, keyword: &str, index: usize) -> Result<Vec<f64>> {
    let number = |frame: &Frame| {
        frame.numbers.get(index).copied().flatten().ok_or_else(|| {
            Error::frame(
                frame.name(),
                format!("{keyword}, which {flag} asks for, is not there or is no number"),
            )
        })
    };
    frames.iter().map(number).collect()
}

/// Numbers that were given one by one.
fn listed(flag: &str, values: &[f64], nframe: usize) -> Result<Vec<f64>> {
    if values.len() == nframe {
        return Ok(values.to_vec());
    }
    Err(Error::Choice(format!(
        "{flag}: {} numbers for {nframe} frames; give one a frame",
        values.len()
    )))
}
