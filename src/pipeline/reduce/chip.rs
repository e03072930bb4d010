//! One image on its way: from the frame to the HDUs of its file.

mod begin;
mod pixels;

pub(super) use begin::Begun;

use super::desk::{Desk, SharedDesk};
use crate::calibrate::FrameSteps;
use crate::error::{Error, Result};
use crate::header::Header;
use crate::kernel::Width;
use crate::measure::Wanted;
use crate::pipeline::calibrating::{self, Calibrating, Job, sky_wanted};
use crate::pipeline::pack;
use crate::pipeline::survey::Survey;
use crate::pipeline::unpacking::PackedChip;
use crate::pixels::SampleType;
use crate::recipe::{Hdu, Io, PixelType, Plane, Reduction};
use crate::shape::{Area, Shape};
use crate::sink::{self, FitsSink, HduSpec, Part, Place, PlaneTypes, StepCards};
use crate::source::{Frame, FrameList, Master, Masters};
use crate::summary::ReducedFrame;

/// What is held of an image beside its header and its levels: where its planes stand, its steps, its reader, the HDUs of its output.
const IMAGE: usize = 8 << 10;
/// What is held of each image of a file until the file is done: the sums of its HDUs, and what is told of it.
const TOLD: usize = 1 << 10;

/// An image, its masters, and what is done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chip<'a> {
    recipe: &'a Reduction,
    list: &'a FrameList,
    masters: &'a Masters,
    width: Width,
}

/// The planes of the output, by their numbers.
#[derive(Debug)]
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

    pub(super) fn shape(&self) -> Shape {
        self.list.shape
    }

    pub(super) fn masters(&self) -> &'a Masters {
        self.masters
    }

    /// Whether what is prepared of the masters for this image serves the other too.
    pub(super) fn shares_with(&self, other: &Self) -> bool {
        self.list.shape == other.list.shape
            && self.masters == other.masters
            && self.list.bad_pixels == other.list.bad_pixels
    }

    fn job(&self) -> Job<'a> {
        Job {
            calibration: &self.recipe.calibration,
            list: self.list,
            masters: self.masters,
            width: self.width,
        }
    }

    /// Stored bytes of a pixel, in the frame and the planes beside it.
    fn stored_nbyte(&self) -> usize {
        let frame = self.frame();
        let planes = [
            Some(frame.image),
            frame.mask,
            frame.uncertainty.map(|(image, _)| image),
        ];
        let nbyte = |image: crate::pixels::Image| image.stored.bitpix.nbyte();
        planes.into_iter().flatten().map(nbyte).sum()
    }

    /// Bytes of the frame and of the planes beside it.
    pub(super) fn nbyte(&self) -> u64 {
        (self.stored_nbyte() * self.list.shape.npixel()) as u64
    }

    /// Bytes of a pixel as it is read, and as it is written.
    fn room_nbyte(&self) -> usize {
        let PlaneTypes { data, uncertainty } = self.types();
        self.stored_nbyte() + data.nbyte() + uncertainty.nbyte() + PixelType::U8.nbyte()
    }

    /// Bytes that a thread takes for a pixel of a run, of what frames share too.
    pub(super) fn pixel_nbyte(&self) -> usize {
        SharedDesk::pixel_nbyte(self.list, self.masters) + self.room_nbyte()
    }

    /// Planes of the masters.
    pub(super) fn nplane(&self) -> usize {
        calibrating::tile_planes(self.masters).count()
    }

    /// Bytes of the cards of its header, and of the primary one.
    fn header_nbyte(&self) -> usize {
        let cards = |header: &Header| size_of_val(header.cards());
        cards(&self.list.first) + self.list.primary.as_ref().map_or(0, cards)
    }

    /// Bytes that are held of a file of `nchip` such images until all of its batch are done.
    pub(super) fn held_nbyte(&self, nchip: usize) -> usize {
        IMAGE + self.header_nbyte() + self.job().frames_nbyte() + nchip * TOLD
    }

    /// Bytes that a thread takes beside: to measure what the steps need, for headers, for a line.
    pub(super) fn scratch_nbyte(&self) -> Result<usize> {
        let sky = sky_wanted(self.recipe.calibration.sky);
        let sky = sky.map(|wanted| {
            let section = self.list.shape.area();
            let survey = self.survey(&section, wanted, None);
            survey.scratch_nbyte(self.frame().image.stored.sample_type())
        });
        let job = self.job();
        let reading = job.reading_nbyte(self.recipe.resources.io, self.list.shape.ncol);
        let measuring = job.nbyte()?.max(sky.unwrap_or(0));
        let types = self.types();
        let planes = [types.data, types.uncertainty].into_iter();
        let packing = pack::nbyte(self.recipe.folder.compression, self.list.shape, planes);
        let before = measuring.max(job.header_nbyte());
        Ok(before.max(packing.unwrap_or(0)) + Desk::NBYTE + reading)
    }

    /// Bytes that are kept of the frame until all are told of, its path aside.
    pub(super) fn told_nbyte(&self) -> usize {
        2 * size_of::<ReducedFrame>() + 2 * self.frame().path.as_os_str().len()
    }

    /// What its packed planes need, and those of its masters.
    pub(super) fn packed(&self) -> PackedChip {
        PackedChip::of(self.list, self.masters)
    }

    /// How many files are open for the frame, and the bytes that are mapped.
    pub(super) fn files(&self) -> (usize, u64) {
        let (nfile, nbyte) = self.job().files();
        let mapped = self.recipe.resources.io == Io::Mmap;
        // And the output.
        (nfile + 1, if mapped { nbyte } else { 0 })
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

    /// Whether samples of the frame have an uncertainty when its steps are done.
    fn deviates(&self, steps: &FrameSteps) -> bool {
        let of = |used: bool, master: &Option<Master>| {
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

    /// The types of the pixels of the output.
    fn types(&self) -> PlaneTypes {
        let natural = match self.frame().image.stored.sample_type() {
            SampleType::F32 => PixelType::F32,
            SampleType::F64 => PixelType::F64,
        };
        let data = self.recipe.folder.dtype.unwrap_or(natural);
        PlaneTypes {
            data,
            uncertainty: if data == PixelType::F64 {
                PixelType::F64
            } else {
                PixelType::F32
            },
        }
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
        let types = self.types();
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
