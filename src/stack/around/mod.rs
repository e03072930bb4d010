//! What needs more than one pixel at a time: deviations of whole rows, neighbours of rejected samples, and who lost which sample.
//!
//! A tile in memory is passed over more than once then. A first pass adds up what a step wants of each row of the output
//! ([`Light`]). A second runs the clip steps, and notes what became of each sample of each frame ([`Marks`]); round the samples of a frame
//! that steps took, neighbours are marked too ([`Desk`]). The last pass takes the marked samples away, and combines the rest. For
//! neighbours, some rows above and below those that the tile is for are read and judged with them.

mod grow;
mod holes;
mod light;
mod marks;
mod note;
#[cfg(test)]
mod tests;

use std::ops::Range;

use super::lanes::Lanes;
use super::sorted::SortedBlock;
use super::{Scratch, StackRoom, Tally, Way};
use crate::error::Result;
use crate::kernel::{LANES, Row, Sample};
use crate::recipe::{Clip, Neighbours, stay};
use crate::tile::OutStrip;

pub(super) use light::Light;
pub(super) use marks::note_of;
pub(crate) use marks::{Marks, code, told_nbyte, told_of};
pub(super) use note::{note_between, note_bounds, note_page, note_ranks};

/// What of a stack needs more than one pixel at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// Which neighbours are rejected.
    pub(crate) neighbours: Neighbours,
    /// Whether it is told of each frame which of its samples were rejected.
    pub(crate) told: bool,
    /// How many steps of the chain are run; `None`: all.
    pub(super) until: Option<usize>,
}

impl Around {
    /// All steps of a chain, with these neighbours.
    pub(crate) fn new(neighbours: Neighbours, told: bool) -> Self {
        Self {
            neighbours,
            told,
            until: None,
        }
    }
}

/// The memory of a worker for a whole tile.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) marks: Marks,
    /// Half the width of the disc that is grown, by the distance from its middle row.
    disc: Vec<usize>,
    /// Pixels of a hole; columns of seeds.
    pixels: Vec<usize>,
    /// Samples present, kept, and to be taken, at each pixel of a row.
    counts: Vec<[u32; 3]>,
    /// What is counted where it does not count: in rows of neighbours.
    pub(crate) idle: Tally,
}

impl Desk {
    /// Room for tiles of so many pixels a frame.
    pub(crate) fn new(room: &StackRoom, ncol: usize, npixel: usize) -> Self {
        let (nframe, most) = (room.nframe, if room.is_marked() { npixel } else { 0 });
        let Neighbours { grow, hole_fill } = room.around.neighbours;
        Self {
            marks: Marks::new(nframe, most),
            disc: grow::disc(grow),
            pixels: Vec::with_capacity(ncol.max(holes::most(hole_fill))),
            counts: Vec::with_capacity(ncol),
            idle: Tally::new(room.nstep(), nframe),
        }
    }

    /// Bytes that it takes, but those that go with the pixels of a tile.
    pub(crate) fn nbyte(room: &StackRoom, ncol: usize) -> usize {
        let Neighbours { grow, hole_fill } = room.around.neighbours;
        let pixels = ncol.max(holes::most(hole_fill)) + grow::disc(grow).len();
        pixels * size_of::<usize>()
            + ncol * size_of::<[u32; 3]>()
            + Tally::nbyte(room.nstep(), room.nframe)
    }

    /// Takes neighbours in the rows `band` of a tile whose samples are judged; counts them in `tally`.
    pub(crate) fn neighbours(&mut self, room: &StackRoom, band: &Range<usize>, tally: &mut Tally) {
        let steps = (band, room.clip.len());
        self.take_neighbours(room.around.neighbours, room.nkeep, steps, tally);
    }

    /// The same; `step` is the number of the first step that is counted.
    fn take_neighbours(
        &mut self,
        Neighbours { grow, hole_fill }: Neighbours,
        nkeep: i64,
        (band, mut step): (&Range<usize>, usize),
        tally: &mut Tally,
    ) {
        // What encloses a hole is grown too.
        let rows = band.start.saturating_sub(hole_fill)
            ..(band.end + hole_fill).min(self.marks.shape().nrow);
        if grow > 0.0 {
            self.grow(&rows);
            self.settle(nkeep, &rows, (band, step), tally);
            step += 1;
        }
        if hole_fill > 0 {
            self.fill_holes(hole_fill, &rows, band);
            self.settle(nkeep, band, (band, step), tally);
        }
    }

    /// Takes the samples of `rows` that are to be taken next, but at pixels where fewer than `nkeep` has stay would be left: there none.
    fn settle(
        &mut self,
        nkeep: i64,
        rows: &Range<usize>,
        (band, step): (&Range<usize>, usize),
        tally: &mut Tally,
    ) {
        let Self { marks, counts, .. } = self;
        for row in rows.clone() {
            if nkeep != 0 {
                marks.count(row, counts);
            }
            for frame in 0..marks.nframe() {
                let enough = |col: usize| {
                    nkeep == 0 || {
                        let [present, kept, next] = counts[col].map(|n| n as usize);
                        kept - next >= stay(nkeep, present)
                    }
                };
                let taken = marks.take_next(frame, row, enough);
                if band.contains(&row) {
                    tally.neighbours(step, frame, taken);
                }
            }
        }
    }
}

impl StackRoom {
    /// Rows above and below a tile that are judged with it.
    pub(crate) fn halo(&self) -> usize {
        let Neighbours { grow, hole_fill } = self.around.neighbours;
        grow::reach(grow) + hole_fill
    }

    /// Whether tiles have to be whole rows.
    pub(crate) fn needs_rows(&self) -> bool {
        self.is_marked() || self.light_step().is_some()
    }

    /// Whether it is noted what became of each sample.
    pub(crate) fn is_marked(&self) -> bool {
        self.around.told || self.around.neighbours.are_rejected()
    }

    /// The step that wants sums over rows, if there is one.
    pub(crate) fn light_step(&self) -> Option<usize> {
        let wants = |clip: &Clip| matches!(clip, Clip::Poisson(_));
        self.clip.iter().position(wants)
    }

    /// Steps that are counted: those of the chain, and what is done about neighbours.
    pub(crate) fn nstep(&self) -> usize {
        let Neighbours { grow, hole_fill } = self.around.neighbours;
        self.clip.len() + usize::from(grow > 0.0) + usize::from(hole_fill > 0)
    }

    /// The same, but that only so many steps of the chain are run.
    pub(crate) fn until(&self, steps: usize) -> Self {
        Self {
            around: Around {
                until: Some(steps),
                ..self.around
            },
            may_be_absent: true,
            ..self.clone()
        }
    }

    /// How many steps of the chain are run.
    pub(super) fn steps(&self) -> usize {
        self.around.until.unwrap_or(self.clip.len())
    }

    /// Bytes that a pixel of a tile takes beside its samples, for what is noted of them.
    pub(crate) fn marks_nbyte(&self) -> usize {
        if self.is_marked() { self.nframe } else { 0 }
    }

    /// Bytes that a row of a tile takes, for what is added up over it.
    pub(crate) fn light_nbyte(&self) -> usize {
        self.light_step().map_or(0, |_| Light::NBYTE)
    }

    /// Bytes of a pixel of what is told of its samples.
    pub(crate) fn told_nbyte(&self) -> usize {
        if self.around.told {
            told_nbyte(self.nframe)
        } else {
            0
        }
    }

    /// Adds up what the step behind these wants of the rows of a strip that is decoded.
    pub(crate) fn light<T: Sample>(
        &self,
        scratch: &mut Scratch<T>,
        pixels: &Range<usize>,
        place: impl Fn(usize) -> (usize, usize),
    ) {
        self.each_block(scratch, pixels, |block, first, nused, scratch| {
            let (mut lanes, (squares, counts)) = self.reject(block, nused, scratch);
            for lane in 0..nused {
                let mut light = (squares[lane], counts[lane]);
                if let Some(step) = lanes.undecided[lane] {
                    self.page(block, lane, step, scratch, &mut lanes);
                    light = scratch.column.light();
                }
                scratch.light.add(place(first + lane).1, light);
            }
        });
    }

    /// Runs the chain on a strip that is decoded, and notes what became of its samples.
    pub(crate) fn mark<T: Sample>(
        &self,
        scratch: &mut Scratch<T>,
        pixels: &Range<usize>,
        marks: &mut Marks,
        place: impl Fn(usize) -> (usize, usize),
    ) {
        self.each_block(scratch, pixels, |block, first, nused, scratch| {
            scratch.marks.fill([0; LANES]);
            self.lit(first, nused, scratch, &place);
            let (mut lanes, _) = self.reject(block, nused, scratch);
            for lane in 0..nused {
                if let Some(step) = lanes.undecided[lane] {
                    self.page(block, lane, step, scratch, &mut lanes);
                }
            }
            let rows = &scratch.rows[block * self.nframe..][..self.nframe];
            marks.put(first..first + nused, &scratch.marks, rows);
        });
    }

    /// Combines a strip that is decoded, as [`Self::strip`] does, without the samples that are marked.
    ///
    /// # Errors
    ///
    /// Those of [`Self::strip`].
    pub(crate) fn strip_of_marked<T: Sample>(
        &self,
        scratch: &mut Scratch<T>,
        marks: &Marks,
        out: &mut OutStrip<'_>,
        place: impl Fn(usize) -> (usize, usize),
    ) -> Result<()> {
        self.strip_with(scratch, out, place, |rows, pixels, lanes| {
            marks.erase(pixels, rows, lanes);
        })
    }

    fn each_block<T: Sample>(
        &self,
        scratch: &mut Scratch<T>,
        pixels: &Range<usize>,
        mut work: impl FnMut(usize, usize, usize, &mut Scratch<T>),
    ) {
        if self.needs_deviation {
            self.weigh(pixels.len().div_ceil(LANES) * self.nframe, scratch);
        }
        for (block, first) in pixels.clone().step_by(LANES).enumerate() {
            work(block, first, LANES.min(pixels.end - first), scratch);
        }
    }

    /// Runs the chain on a block, as far as it is not the page's; tells what its pixels add to the sums of their rows too, where a
    /// step behind wants that.
    fn reject<T: Sample>(
        &self,
        block: usize,
        nused: usize,
        scratch: &mut Scratch<T>,
    ) -> (Lanes, ([f64; LANES], [u32; LANES])) {
        let mut lanes = Lanes::default();
        let mut light = ([0.0; LANES], [0; LANES]);
        self.bounds_first(block, scratch, &mut lanes);
        let Scratch {
            way,
            rows,
            sorted,
            table,
            tally,
            marks,
            lit,
            apart,
            ..
        } = scratch;
        let rows: &[Row<T>] = &rows[block * self.nframe..][..self.nframe];
        match *way {
            Way::Sorted => {
                let mut sorted = SortedBlock::new(self, rows, sorted, (apart, lit));
                sorted.clip(self, rows, table, tally, (&mut lanes, marks));
                if self.around.until.is_some() {
                    light = sorted.light();
                }
            }
            Way::Moments => {
                self.clip_moments(rows, false, tally, (&mut lanes, marks));
            }
            Way::Page => lanes.undecided[..nused].fill(Some(0)),
        }
        (lanes, light)
    }

    /// Looks up what the rows of a block have added up to, where that is wanted.
    pub(super) fn lit<T: Sample>(
        &self,
        first: usize,
        nused: usize,
        scratch: &mut Scratch<T>,
        place: impl Fn(usize) -> (usize, usize),
    ) {
        if self.light_step().is_some() {
            for lane in 0..nused {
                scratch.lit[lane] = scratch.light.sigma(place(first + lane).1);
            }
        }
    }
}
