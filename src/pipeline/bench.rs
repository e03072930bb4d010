//! A narrow door for `benches/kernel.rs`: a tile of made-up frames on the program's own way through the workshop, without files and
//! threads. Not part of the interface of the library.

use std::sync::Arc;

use super::strip::{self, Bench, Workshop};
use super::survey;
use crate::error::{Error, Result};
use crate::kernel::{Sample, Width};
use crate::pixels::{Bitpix, Stored};
use crate::recipe::{Clip, PixelType, Plane, Quantity, Stack, Uncertainty};
use crate::shape::Area;
use crate::stack::{Around, Critical, Detector, Scratch, StackRoom};
use crate::tile::{Companion, EmptyTile, Layout, OutStrip, RawTile, RawView, TilePlane};

/// Pixels of what counts as a row: a run gauges noise in one row of eight, and so does a tile of more than a few.
const NCOL: usize = 128;

/// The stored bytes of an area of every frame, and what is done with them: method and clip steps of a [`Stack`], into an f32 image.
#[derive(Debug)]
pub struct BenchTile<T> {
    room: StackRoom,
    area: Area,
    raw: RawTile,
    /// Room for the result; gone after a strip has failed.
    empty: Option<EmptyTile>,
    bench: Bench<T>,
}

impl<T: Sample> BenchTile<T> {
    /// A tile of `frames`, the big-endian pixels of each, stored with this BITPIX and BZERO.
    ///
    /// # Errors
    ///
    /// [`Error::NoFrames`] where there is none, or BITPIX is none of FITS.
    pub fn new(
        width: Width,
        stack: &Stack,
        (bitpix, bzero): (i64, f64),
        frames: &[Vec<u8>],
    ) -> Result<Self> {
        let wrong = || Error::NoFrames("a bench needs frames of a BITPIX that FITS has".into());
        let stored = Stored {
            bitpix: Bitpix::from_header(bitpix).ok_or_else(wrong)?,
            bscale: 1.0,
            bzero,
            blank: None,
        };
        let npixel = frames.first().ok_or_else(wrong)?.len() / stored.bitpix.nbyte();
        let room = StackRoom {
            width,
            nframe: frames.len(),
            method: stack.method,
            clip: stack.clip.clone(),
            critical: critical(&stack.clip, frames.len()).into(),
            nkeep: stack.nkeep,
            around: Around::default(),
            uncertainty: Uncertainty::None,
            levels: Arc::new([]),
            weights: None,
            inverse_variance: false,
            needs_deviation: false,
            may_be_absent: !survey::is_coded(&stored),
            below: None,
            above: None,
            planes: vec![(Plane::Data, PixelType::F32)],
        };
        let raw = (0..frames.len()).map(|frame| TilePlane {
            companion: Companion::Image,
            frame,
            stored,
        });
        let layout = Layout::new(raw, vec![(Plane::Data, 4)], npixel);
        let area = Area {
            rows: 0..1,
            cols: 0..npixel,
        };
        let layout = Arc::new(layout);
        let mut raw = RawTile::new(Arc::clone(&layout));
        raw.fill(&area, |_, frame, bytes| {
            bytes.copy_from_slice(&frames[frame]);
            Ok::<(), Error>(())
        })?;
        Ok(Self {
            bench: Bench::new(Scratch::new(&room)),
            room,
            area,
            raw,
            empty: Some(EmptyTile::new(layout)),
        })
    }

    /// Samples of the tile.
    pub fn nsample(&self) -> usize {
        self.area.npixel() * self.room.nframe
    }

    /// Takes every strip from stored bytes to values.
    ///
    /// # Errors
    ///
    /// Those of a run; none for an f32 image.
    pub fn combine(&mut self) -> Result<()> {
        self.each_strip(|room, view, bench, strip| {
            strip::work(Workshop::plain(room), view, bench, strip, |pixel| {
                (pixel % NCOL + 1, pixel / NCOL + 1)
            })
        })
    }

    /// Takes every strip from stored bytes to samples, and no further: the floor of [`Self::combine`].
    ///
    /// # Errors
    ///
    /// None, if [`Self::combine`] had none.
    pub fn decode(&mut self) -> Result<()> {
        self.each_strip(|room, view, bench, strip| {
            strip::decode(Workshop::plain(room), view, bench, strip);
            std::hint::black_box(&bench.scratch.rows);
            Ok(())
        })
    }

    /// Walks over the strips, whose stored bytes stay where they are.
    fn each_strip(
        &mut self,
        mut take: impl FnMut(
            &StackRoom,
            (RawView<'_>, &Area),
            &mut Bench<T>,
            &mut OutStrip<'_>,
        ) -> Result<()>,
    ) -> Result<()> {
        let Self {
            room,
            area,
            raw,
            empty,
            bench,
        } = self;
        let view = raw.fill(area, |_, _, _| Ok::<(), Error>(()))?;
        let gone = || Error::NoFrames("a strip of this tile failed".into());
        let tile = empty.take().ok_or_else(gone)?;
        let combined = tile.combine(area.clone(), room.strip_npixel::<T>(), |strip| {
            take(room, (view, area), bench, strip)
        })?;
        *empty = Some(combined.empty());
        Ok(())
    }
}

/// What each step compares with. A detector has the numbers that stand in the step; what stands in headers is 1.
fn critical(clip: &[Clip], nframe: usize) -> Vec<Critical> {
    let number = |quantity: Option<&Quantity>| match quantity {
        Some(Quantity::Number(number)) => *number,
        Some(Quantity::Keyword(_)) | None => 1.0,
    };
    let critical = |clip: &Clip| match clip.noise() {
        None => Critical::new(clip, nframe),
        Some(noise) => {
            let [gain, readnoise, sensitivity] = noise.parts().map(|(_, part)| number(part));
            let detector = Detector {
                gain,
                readnoise,
                sensitivity,
            };
            Critical::of_noise(vec![detector; nframe])
        }
    };
    clip.iter().map(critical).collect()
}
