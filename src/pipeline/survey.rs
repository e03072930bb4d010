//! The first walk: scale and zero of each frame, measured on the samples that are present in the section for statistics.
//!
//! It goes frame by frame, a frame a thread: what is measured of a frame needs its rows in order, and fixed memory.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::decode::{Strip, decode_deviations, decode_images, decode_masks, decode_run};
use crate::error::{Error, Result};
use crate::kernel::{LANES, Row, Sample, Width};
use crate::measure::{self, FrameRows, Measured, Ranked, Wanted};
use crate::pixels::{Bitpix, SampleType, Stored};
use crate::recipe::{Level, Stack};
use crate::shape::Area;
use crate::source::{Companion, Frame, FrameList, Reader};
use crate::watch::Watch;

/// Pixels that a thread takes at a time, or a row where that is more.
const CHUNK_NPIXEL: usize = 32 << 10;
/// Codes of 8- and 16-bit integers.
const NCODE: usize = 1 << 16;

/// What the recipe wants measured, if anything.
pub(super) fn wanted(stack: &Stack) -> Option<Wanted> {
    let asks = |level: &Level| stack.scale == *level || stack.zero == *level;
    let wanted = Wanted {
        mean: asks(&Level::Mean),
        median: asks(&Level::Median),
        mode: asks(&Level::Mode),
    };
    (wanted != Wanted::default()).then_some(wanted)
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
}

impl Survey<'_> {
    /// Whether some frames are measured by codes, and some by samples.
    fn kinds(&self) -> (bool, bool) {
        let codes = |frame: &Frame| is_coded(&frame.image.stored);
        (
            self.list.frames.iter().any(codes),
            !self.list.frames.iter().all(codes),
        )
    }

    /// Bytes that all passes read, at most.
    pub(super) fn nbyte(&self) -> u64 {
        let npixel = self.section.npixel() as u64;
        let bytes = |frame: &Frame| {
            let passes = u64::from(self.wanted.passes(is_coded(&frame.image.stored)));
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
    /// [`Error::Frame`] for a frame without a present sample in the section, and those of reading.
    pub(super) fn measure<T: Ranked + Sample>(
        &self,
        reader: &Reader<'_>,
        threads: usize,
        watch: &Watch,
    ) -> Result<Vec<Measured>> {
        let nframe = self.list.frames.len();
        let next = AtomicUsize::new(0);
        let failed = AtomicBool::new(false);
        let measured: Vec<Mutex<Option<Result<Measured>>>> =
            (0..nframe).map(|_| Mutex::new(None)).collect();
        std::thread::scope(|scope| {
            for _ in 0..threads.min(nframe) {
                scope.spawn(|| {
                    let mut desk = Desk::<T>::new(self);
                    while !failed.load(Ordering::Relaxed) {
                        let frame = next.fetch_add(1, Ordering::Relaxed);
                        let Some(place) = measured.get(frame) else {
                            return;
                        };
                        let result = desk.measure(reader, frame, watch);
                        failed.fetch_or(result.is_err(), Ordering::Relaxed);
                        *place.lock().expect("nobody panics with a frame in hand") = Some(result);
                    }
                });
            }
        });
        // Frames behind the first that failed may not have been measured.
        let results = measured
            .into_iter()
            .filter_map(|place| place.into_inner().ok().flatten());
        results.collect()
    }
}

/// Whether pixels are measured by their stored numbers.
pub(super) fn is_coded(stored: &Stored) -> bool {
    matches!(stored.bitpix, Bitpix::U8 | Bitpix::I16)
}

/// A thread's place of work.
#[derive(Debug)]
struct Desk<'a, T: Ranked> {
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
}

impl<'a, T: Ranked + Sample> Desk<'a, T> {
    fn new(survey: &'a Survey<'a>) -> Self {
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
        }
    }

    /// Measures a frame.
    fn measure(&mut self, reader: &Reader<'_>, frame: usize, watch: &Watch) -> Result<Measured> {
        let of = &self.survey.list.frames[frame];
        let coded = is_coded(&of.image.stored);
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
            Error::frame(of.name(), "has no present sample to measure its scale or zero on; choose another --stats-section")
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
        let (npixel, ncol, width) = (area.npixel(), area.cols.len(), self.survey.width);
        let nrow = npixel.div_ceil(LANES);
        let stored = of.image.stored;
        let coded = is_coded(&stored);
        let read = |bytes: &mut Vec<u8>, stored: &Stored, companion: Option<Companion>| {
            bytes.resize(npixel * stored.bitpix.nbyte(), 0);
            match companion {
                Some(companion) => reader.read(frame, companion, area, bytes)?,
                None => reader.read_bad_pixels(area, bytes)?,
            }
            watch.advance(bytes.len() as u64);
            Ok::<(), Error>(())
        };
        let mut strip = Strip {
            rows: &mut self.rows[..nrow],
            nframe: 1,
        };
        read(&mut self.bytes, &stored, Some(Companion::Image))?;
        if coded {
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
        } else {
            decode_images(width, &stored, 0..1, |_| &self.bytes, &mut strip);
        }
        let bad_pixels = self
            .survey
            .list
            .bad_pixels
            .as_ref()
            .map(|mask| (None, mask.image));
        let mask = of.mask.map(|image| (Some(Companion::Mask), image));
        for (companion, image) in mask.into_iter().chain(bad_pixels) {
            read(&mut self.bytes, &image.stored, companion)?;
            decode_masks(
                width,
                &image.stored,
                None,
                0..1,
                |_| &self.bytes,
                &mut strip,
            );
        }
        if let Some((image, kind)) = of.uncertainty.filter(|_| self.survey.needs_deviation) {
            read(&mut self.bytes, &image.stored, Some(Companion::Uncertainty))?;
            let mut deviations = Strip {
                rows: &mut self.deviations[..nrow],
                nframe: 1,
            };
            decode_deviations(
                width,
                &image.stored,
                kind,
                0..1,
                |_| &self.bytes,
                &mut deviations,
            );
            for (row, deviations) in strip.rows.iter_mut().zip(&*deviations.rows) {
                for (sample, deviation) in row.0.iter_mut().zip(deviations.0) {
                    *sample = if deviation.is_finite() {
                        *sample
                    } else {
                        T::ABSENT
                    };
                }
            }
        }
        let samples = strip.rows.iter().flat_map(|row| row.0).take(npixel);
        if coded {
            let masked = mask.is_some() || bad_pixels.is_some() || self.survey.needs_deviation;
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
}
