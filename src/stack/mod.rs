//! The room where the samples of each pixel become one value: scale, clip, combine.
//!
//! A worker takes one strip at a time: some hundred pixels of every frame, decoded into blocks of 16 pixels that stay in cache
//! through every step. Three ways lead through a block, chosen once a run, and all give what [`textbook`] gives:
//!
//! * *sorted*: medians and order decide. Each column is sorted once; what is kept of it is an interval.
//! * *moments*: means and standard deviations decide. Nothing is sorted; what is kept lies between two values.
//! * *page*: one pixel after another, by the textbook itself, for what is neither.

mod around;
mod block;
mod critical;
mod detector;
mod encode;
mod formulas;
mod lanes;
mod limits;
mod moments;
mod noise;
mod page;
mod propagate;
mod rules;
mod samples;
mod sorted;
mod tally;
mod textbook;

use std::ops::Range;
use std::sync::Arc;

use crate::error::Result;
use crate::kernel::{LANES, Row, Sample, Table, Width};
use crate::level::FrameLevel;
use crate::recipe::{Beyond, Center, Clip, Deviation, Method, PixelType, Plane, Uncertainty, stay};
use crate::tile::OutStrip;

use around::Light;
pub(crate) use around::{Around, Desk, code, told_nbyte, told_of};
pub(crate) use critical::Critical;
pub(crate) use detector::Detector;
pub(crate) use encode::data as encode;
use lanes::Lanes;
pub(crate) use noise::NoiseGauge;
use page::Column;
use sorted::Apart;
pub(crate) use tally::Tally;

/// Bytes of samples in a strip: it stays in a core's own cache. With thousands of frames it does not, for runs of fewer than 128 pixels
/// of a frame take longer to decode than that saves (3000 frames: 1.9 s against 1.3 s).
const STRIP_NBYTE: usize = 128 << 10;

/// Of so many rows one is enough to gauge noise; gauging all would take longer than a mean of 25 frames.
const GAUGED_ROWS: usize = 32;

/// How a block is worked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Sorted,
    Moments,
    Page,
}

/// What is done at every pixel of a run: the choices of the recipe with the numbers of the frames.
#[derive(Clone, Debug)]
pub(crate) struct StackRoom {
    pub(crate) width: Width,
    pub(crate) nframe: usize,
    pub(crate) method: Method,
    pub(crate) clip: Vec<Clip>,
    /// What each of those compares with.
    pub(crate) critical: Arc<[Critical]>,
    pub(crate) nkeep: i64,
    /// What needs more than one pixel at a time.
    pub(crate) around: Around,
    /// What is made for the uncertainty plane; `None` where that is not written.
    pub(crate) uncertainty: Uncertainty,
    /// The level of each frame; empty where samples stay as they are.
    pub(crate) levels: Arc<[FrameLevel]>,
    /// The weight of each frame, where there are such.
    pub(crate) weights: Option<Arc<[f64]>>,
    /// Whether samples weigh 1/u².
    pub(crate) inverse_variance: bool,
    /// Whether samples of unknown uncertainty are absent.
    pub(crate) needs_deviation: bool,
    /// Whether a sample can be absent at all.
    pub(crate) may_be_absent: bool,
    /// What happens to combined values below a level.
    pub(crate) below: Option<Beyond>,
    /// And above one.
    pub(crate) above: Option<Beyond>,
    /// The planes that are written, with the type of their pixels.
    pub(crate) planes: Vec<(Plane, PixelType)>,
}

impl StackRoom {
    /// The way that the recipe asks for.
    pub(crate) fn way(&self) -> Way {
        let rest = &self.clip[self.nleading()..];
        let bounded = |clip: &Clip| matches!(clip, Clip::Minmax { .. });
        if !self.levels.is_empty() && rest.iter().any(bounded) {
            return Way::Page;
        }
        let order = |clip: &Clip| match clip {
            Clip::Sigma(sigma) => sigma.center == Center::Median || sigma.dev == Deviation::Mad,
            Clip::Minmax { .. } | Clip::Auto => false,
            _ => true,
        };
        if !self.method.has_moments() || rest.iter().any(order) {
            Way::Sorted
        } else {
            Way::Moments
        }
    }

    /// Scales samples by these levels from here on.
    pub(crate) fn scale_by(&mut self, levels: Arc<[FrameLevel]>) {
        let scaled = |critical: &Critical| critical.scaled(&levels);
        self.critical = self.critical.iter().map(scaled).collect();
        self.levels = levels;
    }

    /// How many samples have to stay in each lane, of so many that are present.
    fn stay(&self, present: &[u32; LANES]) -> [u32; LANES] {
        present.map(|n| u32::try_from(stay(self.nkeep, n as usize)).unwrap_or(u32::MAX))
    }

    /// Frames whose samples are copied because what is kept of them need not be an interval.
    fn napart(&self) -> usize {
        let differ = |critical: &Critical| critical.noises().differ();
        let fits = |clip: &Clip| matches!(clip, Clip::LinearFit(_));
        if self.critical.iter().any(differ) || self.clip.iter().any(fits) {
            self.nframe
        } else {
            0
        }
    }

    /// How many bounds lead the chain.
    fn nleading(&self) -> usize {
        self.clip
            .iter()
            .take_while(|clip| matches!(clip, Clip::Minmax { .. }))
            .count()
    }

    /// How many of them are run: they are met on the samples before scaling.
    fn nhead(&self) -> usize {
        self.nleading().min(self.steps())
    }

    /// Whether weights, of either kind, take part.
    fn weighs(&self) -> bool {
        self.method.weighs() && (self.weights.is_some() || self.inverse_variance)
    }

    /// Pixels of a strip: a multiple of 16.
    pub(crate) fn strip_npixel<T: Sample>(&self) -> usize {
        let block = self.nframe * size_of::<Row<T>>();
        (STRIP_NBYTE / block).clamp(8, 64) * LANES
    }

    /// Rows of the table of numbers, where a step asks for one.
    fn table_nrow(&self) -> usize {
        let asks = |clip: &Clip| matches!(clip, Clip::Winsorized(_));
        if self.clip.iter().any(asks) {
            self.nframe.div_ceil(LANES)
        } else {
            0
        }
    }

    /// Bytes that the scratch of a thread takes.
    pub(crate) fn scratch_nbyte<T: Sample>(&self) -> usize {
        let nrow = self.strip_npixel::<T>() / LANES * self.nframe;
        let wide = size_of::<Row<f64>>();
        let narrow = size_of::<Row<T>>();
        let mut nbyte =
            nrow * narrow + Tally::nbyte(self.nstep(), self.nframe) + self.nframe * Column::NBYTE;
        if self.is_marked() {
            nbyte += self.nframe * LANES;
        }
        if self.way() == Way::Sorted {
            nbyte += self.nframe * narrow + self.table_nrow() * Table::NBYTE;
            nbyte += Apart::<T>::nbyte(self.napart());
        }
        if self.way() == Way::Page {
            nbyte += nrow * narrow;
        }
        if self.needs_deviation {
            nbyte += nrow * wide * (1 + usize::from(self.inverse_variance));
        }
        nbyte
    }
}

/// The memory of a worker, made once.
#[derive(Debug)]
pub(crate) struct Scratch<T> {
    /// The way that this memory is for.
    way: Way,
    /// Samples of a strip: block by block, in a block a row a frame.
    pub(crate) rows: Vec<Row<T>>,
    /// The same before scaling, where both are needed.
    unscaled: Vec<Row<T>>,
    /// A block, sorted.
    sorted: Vec<Row<T>>,
    /// The same, where what is kept is no interval.
    apart: Apart<T>,
    /// Uncertainties of a strip, laid out as they are; none where none is needed.
    pub(crate) deviations: Vec<Row<f64>>,
    /// Weights of a strip.
    weights: Vec<Row<f64>>,
    /// Sums along a block.
    table: Table,
    /// One pixel.
    column: Column,
    /// What became of the samples of a block, where that is noted.
    marks: Vec<[u8; LANES]>,
    /// Sums over the rows of a tile, where a step wants them.
    pub(crate) light: Light,
    /// What they come to in the rows of the pixels of a block.
    lit: [f64; LANES],
    /// What the strips of this worker came to.
    pub(crate) tally: Tally,
}

impl<T: Sample> Scratch<T> {
    /// Room for the strips of `room`.
    pub(crate) fn new(room: &StackRoom) -> Self {
        Self::for_way(room, room.way())
    }

    /// Room for the strips of `room`, to be worked in this way.
    pub(crate) fn for_way(room: &StackRoom, way: Way) -> Self {
        let nframe = room.nframe;
        let nrow = room.strip_npixel::<T>() / LANES * nframe;
        let rows = |needed: bool| vec![Row([T::ABSENT; LANES]); if needed { nrow } else { 0 }];
        let wide = |needed: bool| vec![Row([0.0; LANES]); if needed { nrow } else { 0 }];
        let sorted = if way == Way::Sorted { nframe } else { 0 };
        Self {
            way,
            rows: rows(true),
            unscaled: rows(way == Way::Page),
            sorted: vec![Row([T::ABSENT; LANES]); sorted],
            apart: Apart::new(if way == Way::Sorted { room.napart() } else { 0 }),
            deviations: wide(room.needs_deviation),
            weights: wide(room.needs_deviation && room.inverse_variance),
            table: Table::new(if way == Way::Sorted {
                room.table_nrow()
            } else {
                0
            }),
            column: Column::new(nframe),
            marks: vec![[0; LANES]; if room.is_marked() { nframe } else { 0 }],
            light: Light::default(),
            lit: [f64::NAN; LANES],
            tally: Tally::new(room.nstep(), nframe),
        }
    }
}

impl StackRoom {
    /// Combines a strip: from the samples of every frame, decoded into the scratch, to the bytes of the output planes.
    ///
    /// `place` is the column and row, as FITS counts them, of a pixel of the tile.
    ///
    /// # Errors
    ///
    /// [`Error::Misfit`](crate::Error::Misfit) naming a pixel whose value does not fit the type of the output.
    pub(crate) fn strip<T: Sample>(
        &self,
        scratch: &mut Scratch<T>,
        out: &mut OutStrip<'_>,
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<()> {
        self.strip_with(scratch, out, place, |_, _, _| {})
    }

    /// The same, where something is done to the scaled samples of each block before the steps of the chain: it is handed them, and their
    /// pixels in the tile.
    fn strip_with<T: Sample>(
        &self,
        scratch: &mut Scratch<T>,
        out: &mut OutStrip<'_>,
        place: impl Fn(usize) -> (usize, usize),
        before: impl Fn(&mut [Row<T>], Range<usize>, &mut Lanes),
    ) -> Result<()> {
        let npixel = out.pixels.len();
        if self.needs_deviation {
            self.weigh(npixel.div_ceil(LANES) * self.nframe, scratch);
        }
        let needs_light = self.light_step().is_some();
        for (block, first) in (0..npixel).step_by(LANES).enumerate() {
            let nused = LANES.min(npixel - first);
            let start = out.pixels.start + first;
            let mut lanes = Lanes::default();
            if needs_light {
                self.lit(start, nused, scratch, &place);
            }
            self.bounds_first(block, scratch, &mut lanes);
            let rows = &mut scratch.rows[block * self.nframe..][..self.nframe];
            before(rows, start..start + nused, &mut lanes);
            self.block(block, nused, scratch, &mut lanes);
            self.limit(&mut lanes);
            self.encode(&lanes, first..first + nused, out, |lane| {
                place(start + lane)
            })?;
            let (row, last_row) = (place(start).1, place(start + nused - 1).1);
            // The last pixel of a row and the first of the next are no neighbours.
            let gauged = row % GAUGED_ROWS == 1 && row == last_row;
            scratch
                .tally
                .pixels(&lanes, &scratch.rows[block * self.nframe], nused, gauged);
        }
        Ok(())
    }
}
