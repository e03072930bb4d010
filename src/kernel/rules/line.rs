//! Lines of least squares through sorted samples, and what lies far from them.
//!
//! All lanes are fitted again until each of them loses nothing more. What goes mostly stands at the ends of a lane; where something goes from
//! between others, those between it and the nearer end move up, in a table of distances, and only what is missing in the end from between
//! others is taken out of the sorted samples ([`Hole`]).
//!
//! Lines are fitted in f64, from sums that are kept up to date; the distances from them are taken in f32, which is twice as fast. So they
//! differ from those of the textbook: where a sample lies so near a bound that this may matter, nothing is decided here.

mod fit;
mod hole;
mod take;

use fearless_simd::dispatch;

use self::fit::{Bounds, Zones};
use super::super::lanes::{bits_of, lanes_of};
use super::super::{Kept, LANES, Row, Sample, Width, median_kept};

pub use self::hole::{Hole, Lines};

/// A mean distance below this part of the largest sample is rounding.
const ROUNDING: f64 = 1e-12;
/// The fewest samples that a line is drawn through.
const FEWEST: u32 = 5;

/// How far from their line samples may be: mean distances below it and above it.
#[derive(Clone, Copy, Debug)]
pub struct Strip {
    /// Below.
    pub low: f64,
    /// Above.
    pub high: f64,
}

/// Fits a line to what is kept of each lane, at least 5 samples, distances from the median over ranks; takes what lies far from it, and
/// again from what is left, until nothing goes.
///
/// Holes are closed: what stands above them moves down, and absent samples follow. Returns what is left, and a bit for each lane where
/// that is not certain: nothing is done to it.
///
/// # Panics
///
/// If there is not room for so many rows.
pub fn along_lines_kept<T: Sample>(
    width: Width,
    sorted: &mut [Row<T>],
    kept: &Kept,
    strip: Strip,
    lines: &mut Lines<T>,
) -> (Kept, u64) {
    lines.clear();
    let mut fits = Fits {
        centre: median_kept(sorted, kept),
        sorted,
        lines,
        kept: *kept,
        open: bits_of(|lane| kept.from[lane] < kept.to[lane]),
        uncertain: 0,
        sum: [0.0; LANES],
        products: [0.0; LANES],
        nsummed: [0; LANES],
        largest: [0.0; LANES],
        doubt: [0.0; LANES],
        origin: 0,
    };
    if fits.open == 0 {
        return (*kept, 0);
    }
    dispatch!(width.0, simd => {
        fits.begin(simd);
        while fits.open != 0 {
            let zones = Zones::of(&fits);
            let line = fits.fit(simd);
            let (sum, widest) = fits.survey(simd, &line, &zones);
            let bounds = Bounds::of(simd, &mut fits, &line, sum, strip);
            let gone = fits.mark(simd, (&line, &bounds), &zones, widest);
            fits.take(gone, &zones);
        }
    });
    fits.close();
    (fits.kept, fits.uncertain)
}

/// The lines of a block.
struct Fits<'a, T> {
    sorted: &'a mut [Row<T>],
    lines: &'a mut Lines<T>,
    centre: [f64; LANES],
    /// What is left, by rows of the table of distances.
    kept: Kept,
    /// The lanes from which something may still go.
    open: u64,
    uncertain: u64,
    /// Sums of distances from the centre, and of their products with their rows, counted from the origin.
    sum: [f64; LANES],
    products: [f64; LANES],
    /// How many samples were left when they were last taken anew.
    nsummed: [u32; LANES],
    /// The largest distance of what is left.
    largest: [f64; LANES],
    /// What rounding makes of a line fitted to them, at most.
    doubt: [f64; LANES],
    /// A row in the middle.
    origin: usize,
}

impl<T: Sample> Fits<'_, T> {
    /// How many samples of a lane are left.
    #[inline(always)]
    fn n(&self, lane: usize) -> u32 {
        self.kept.to[lane] - self.kept.from[lane]
    }

    /// The distance of a sample from its centre.
    #[inline(always)]
    fn distance(&self, row: usize, lane: usize) -> f64 {
        let rank = self.lines.ranks[row][lane] as usize;
        self.sorted[rank].0[lane].to_f64() - self.centre[lane]
    }

    /// The place of a row, from the origin on.
    #[inline(always)]
    fn place(&self, row: usize) -> f64 {
        row as f64 - self.origin as f64
    }

    /// Gives up a lane.
    fn give_up(&mut self, lane: usize) {
        self.open &= !(1 << lane);
        self.uncertain |= 1 << lane;
    }

    /// Closes the holes of the lanes that are done.
    fn close(&mut self) {
        for lane in lanes_of(self.lines.moved & !self.uncertain) {
            if self.n(lane) == 0 {
                self.give_up(lane);
            }
        }
        let Self {
            sorted,
            lines,
            kept,
            uncertain,
            ..
        } = self;
        lines.close(sorted, kept, *uncertain);
    }
}
