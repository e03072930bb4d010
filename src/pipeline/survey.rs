//! The first walk: scale and zero of each frame, measured on the samples that are present in the section for statistics.
//!
//! It goes frame by frame, a frame a thread: what is measured of a frame needs its rows in order, and fixed memory.

mod desk;

use crate::error::Result;
use crate::kernel::{LANES, Sample, Width};
use crate::measure::{self, Measured, Ranked, Wanted};
use crate::pixels::{Bitpix, SampleType, Stored};
use crate::recipe::{Level, MaskBits, Stack};
use crate::shape::Area;
use crate::source::{Frame, FrameList, Masters, Reader};
use crate::watch::Watch;

use super::by_frame::by_frame;
use super::calibrating::{self, Calibrating, MasterDesk};
use super::journal::Measurements;
use desk::Desk;

/// Pixels that a thread takes at a time, or a row where that is more.
pub(super) const CHUNK_NPIXEL: usize = 32 << 10;
/// Codes of 8- and 16-bit integers.
const NCODE: usize = 1 << 16;

/// What the recipe wants measured in a section, if anything.
pub(super) fn wanted(stack: &Stack, section: &Area) -> Option<Wanted> {
    let asks = |level: &Level| stack.scale == *level || stack.zero == *level;
    let wanted = Wanted {
        mean: asks(&Level::Mean),
        median: asks(&Level::Median) || asks(&Level::MedianMad),
        mode: asks(&Level::Mode),
        mad: asks(&Level::Mad) || asks(&Level::MedianMad),
        noise: stack.weighs_by_noise().then(|| section.shape()),
    };
    wanted.any().then_some(wanted)
}

/// How the frames of a walk are measured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survey<'a> {
    pub(super) list: &'a FrameList,
    pub(super) section: &'a Area,
    pub(super) wanted: Wanted,
    /// Whether samples of unknown uncertainty are absent.
    pub(super) needs_deviation: bool,
    pub(super) width: Width,
    /// Which bits of the masks of frames are bad.
    pub(super) mask_bits: Option<MaskBits>,
    /// Whether samples are given the deviation of photon and read noise.
    pub(super) deviation: bool,
    /// The masters of a calibration, where frames are calibrated.
    pub(super) masters: Option<&'a Masters>,
    /// What calibrates the frames; known only when they are measured.
    pub(super) calibrating: Option<&'a Calibrating<'a>>,
}

impl Survey<'_> {
    /// Whether a step of its calibration puts deviations in the place of those that a frame brings.
    fn replaces_deviations(&self, frame: &Frame) -> bool {
        self.deviation && frame.raw.as_ref().is_some_and(|raw| !raw.done.deviation)
    }

    /// Whether a frame is measured by its stored numbers.
    fn is_coded(&self, frame: &Frame) -> bool {
        self.masters.is_none() && is_coded(&frame.image.stored)
    }

    /// Whether some frames are measured by codes, and some by samples.
    fn kinds(&self) -> (bool, bool) {
        let codes = |frame: &Frame| self.is_coded(frame);
        (
            self.list.frames.iter().any(codes),
            !self.list.frames.iter().all(codes),
        )
    }

    /// Bytes that all passes read, at most.
    pub(super) fn nbyte(&self) -> u64 {
        let npixel = self.section.npixel() as u64;
        let bytes = |frame: &Frame| {
            let passes = u64::from(self.wanted.passes(self.is_coded(frame)));
            let image = frame.image.stored.bitpix.nbyte();
            let mask = frame.mask.map_or(0, |mask| mask.stored.bitpix.nbyte());
            let deviation = frame.uncertainty.filter(|_| self.needs_deviation);
            let deviation = deviation.map_or(0, |(image, _)| image.stored.bitpix.nbyte());
            passes * (image + mask + deviation) as u64 * npixel
        };
        self.list.frames.iter().map(bytes).sum()
    }

    /// Rows that a thread takes at a time.
    fn chunk_nrow(&self) -> usize {
        let Area { rows, cols } = self.section;
        (CHUNK_NPIXEL / cols.len()).clamp(1, rows.len())
    }

    /// Bytes of a stored pixel, at most, over all planes that are read.
    fn widest(&self) -> usize {
        let deviations = |frame: &Frame| {
            frame
                .uncertainty
                .map(|(image, _)| image)
                .filter(|_| self.needs_deviation)
        };
        let planes = |frame: &Frame| [Some(frame.image), frame.mask, deviations(frame)];
        let bad_pixels = self.list.bad_pixels.iter().map(|mask| mask.image);
        let planes = self
            .list
            .frames
            .iter()
            .flat_map(planes)
            .flatten()
            .chain(bad_pixels);
        planes
            .map(|image| image.stored.bitpix.nbyte())
            .max()
            .unwrap_or(0)
    }

    /// Bytes that a thread takes.
    pub(super) fn scratch_nbyte(&self, sample: SampleType) -> usize {
        let npixel = (self.chunk_nrow() * self.section.cols.len()).next_multiple_of(LANES);
        let (codes, samples) = self.kinds();
        let scratch = |codes| {
            measure::scratch_nbyte(self.wanted, codes, self.section.npixel() as u64, sample)
        };
        let mut nbyte = npixel * (self.widest() + sample.nbyte());
        if codes {
            nbyte += scratch(true) + npixel * 3 + NCODE * sample.nbyte();
        }
        if samples {
            nbyte += scratch(false) + npixel * sample.nbyte();
        }
        if let Some(masters) = self.masters {
            let raw: usize = calibrating::tile_planes(masters)
                .map(|plane| plane.stored.bitpix.nbyte())
                .sum();
            nbyte += MasterDesk::nbyte(masters, npixel) + npixel * raw;
        }
        nbyte
            + if self.needs_deviation {
                npixel * size_of::<f64>()
            } else {
                0
            }
    }

    /// Measures every frame, on so many threads.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Frame`] for a frame without a present sample in the section, and those of reading.
    pub(super) fn measure<T: Ranked + Sample>(
        &self,
        reader: &Reader<'_>,
        threads: usize,
        watch: &Watch,
    ) -> Result<Vec<Measured>> {
        self.measure_once::<T>(reader, threads, watch, None)
    }

    /// The same, but for what is known already; what is measured is noted.
    pub(super) fn measure_once<T: Ranked + Sample>(
        &self,
        reader: &Reader<'_>,
        threads: usize,
        watch: &Watch,
        journal: Option<Measurements<'_>>,
    ) -> Result<Vec<Measured>> {
        let nframe = self.list.frames.len();
        let each = self.nbyte() / nframe.max(1) as u64;
        by_frame(
            threads,
            nframe,
            || Desk::<T>::new(self),
            |desk, frame| {
                if let Some(known) = journal.and_then(|journal| journal.known(frame)) {
                    watch.advance(each);
                    return Ok(known);
                }
                let measured = desk.measure(reader, frame, watch)?;
                if let Some(journal) = journal {
                    journal.note(frame, nframe, measured);
                }
                Ok(measured)
            },
        )
    }
}

/// Whether pixels are measured by their stored numbers.
pub(super) fn is_coded(stored: &Stored) -> bool {
    matches!(stored.bitpix, Bitpix::U8 | Bitpix::I16)
}
