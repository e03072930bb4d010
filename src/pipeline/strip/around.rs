//! What is done to a whole tile before its strips are combined, where that needs more than one pixel at a time.

use std::mem;
use std::ops::Range;

use super::{Bench, Workshop, decode};
use crate::error::Result;
use crate::kernel::Sample;
use crate::shape::Area;
use crate::stack::StackRoom;
use crate::tile::{OutStrip, RawView};

/// The passes over a tile.
#[derive(Debug)]
pub(in crate::pipeline) struct Passes {
    /// What adds up sums over rows, if a step wants them: the steps before that one.
    light: Option<StackRoom>,
    /// What combines the samples that are not marked, where some are: none of the steps.
    combining: Option<StackRoom>,
}

impl Passes {
    /// Those that the choices ask for; `None` where one pixel at a time will do.
    pub(in crate::pipeline) fn of(room: &StackRoom) -> Option<Self> {
        room.needs_rows().then(|| Self {
            light: room.light_step().map(|step| room.until(step)),
            combining: room.is_marked().then(|| room.until(0)),
        })
    }

    /// What combines, where samples are marked.
    pub(super) fn combining(&self) -> Option<&StackRoom> {
        self.combining.as_ref()
    }
}

/// A tile as it was read, and the part of it that is combined.
#[derive(Clone, Copy, Debug)]
pub(in crate::pipeline) struct Tile<'a> {
    pub(in crate::pipeline) view: RawView<'a>,
    /// Its place in the frames.
    pub(in crate::pipeline) area: &'a Area,
    /// Its place in what is combined, and that of the part.
    pub(in crate::pipeline) read: &'a Area,
    pub(in crate::pipeline) band: &'a Area,
}

impl Tile<'_> {
    /// The rows of it that are combined.
    pub(in crate::pipeline) fn rows(&self) -> Range<usize> {
        let lead = self.band.rows.start - self.read.rows.start;
        lead..lead + self.band.rows.len()
    }

    /// Pixels that were read before those that are combined.
    pub(in crate::pipeline) fn lead_npixel(&self) -> usize {
        self.rows().start * self.read.cols.len()
    }

    /// The column and row, as FITS counts them, of a pixel of what was read.
    pub(in crate::pipeline) fn place(&self, pixel: usize) -> (usize, usize) {
        let ncol = self.read.cols.len();
        (
            self.read.cols.start + pixel % ncol + 1,
            self.read.rows.start + pixel / ncol + 1,
        )
    }
}

/// Makes the passes that come before the last: sums over rows, then marks, then neighbours. What the steps take of the part that is combined
/// is counted in the tally of the bench. `go_on` says whether to.
///
/// # Errors
///
/// Those of `go_on`.
pub(in crate::pipeline) fn pass_before<T: Sample>(
    workshop: Workshop<'_>,
    tile: Tile<'_>,
    bench: &mut Bench<T>,
    go_on: impl Fn() -> Result<()>,
) -> Result<()> {
    let (Some(passes), Some(mut desk)) = (workshop.passes, bench.desk.take()) else {
        return Ok(());
    };
    let (shape, band) = (tile.read.shape(), tile.rows());
    let place = |pixel| tile.place(pixel);
    let mut done = Ok(());
    if let Some(room) = &passes.light {
        let first = tile.read.rows.start + 1;
        bench.scratch.light.begin(first..first + shape.nrow);
        mem::swap(&mut bench.scratch.tally, &mut desk.idle);
        done = each_strip(
            workshop,
            (tile, &(0..shape.nrow)),
            bench,
            |bench, pixels| {
                room.light(&mut bench.scratch, pixels, place);
                go_on()
            },
        );
        mem::swap(&mut bench.scratch.tally, &mut desk.idle);
    }
    if passes.combining.is_some() && done.is_ok() {
        desk.marks.begin(shape);
        for (rows, counts) in [
            (0..band.start, false),
            (band.clone(), true),
            (band.end..shape.nrow, false),
        ] {
            if !counts {
                mem::swap(&mut bench.scratch.tally, &mut desk.idle);
            }
            done = done.and_then(|()| {
                each_strip(workshop, (tile, &rows), bench, |bench, pixels| {
                    let stack = workshop.stack;
                    stack.mark(&mut bench.scratch, pixels, &mut desk.marks, place);
                    go_on()
                })
            });
            if !counts {
                mem::swap(&mut bench.scratch.tally, &mut desk.idle);
            }
        }
        let tally = &mut bench.scratch.tally;
        desk.neighbours(workshop.stack, &band, tally);
    }
    bench.desk = Some(desk);
    done
}

/// Decodes these rows of a tile strip by strip, and has `work` done on each.
fn each_strip<T: Sample>(
    workshop: Workshop<'_>,
    (tile, rows): (Tile<'_>, &Range<usize>),
    bench: &mut Bench<T>,
    mut work: impl FnMut(&mut Bench<T>, &Range<usize>) -> Result<()>,
) -> Result<()> {
    let ncol = tile.read.cols.len();
    let (begin, end) = (rows.start * ncol, rows.end * ncol);
    let npixel = workshop.stack.strip_npixel::<T>();
    for first in (begin..end).step_by(npixel) {
        let pixels = first..end.min(first + npixel);
        let strip = OutStrip {
            pixels: pixels.clone(),
            planes: Default::default(),
        };
        decode(workshop, (tile.view, tile.area), bench, &strip);
        work(bench, &pixels)?;
    }
    Ok(())
}
