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

use self::fit::Zones;
use super::super::lanes::bits_of;
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

/// Lanes that are fitted at once: half a row, for they are done sooner than all of it.
const HALF: usize = LANES / 2;

/// Fits a line to what is kept of each lane, at least 5 samples, distances from the median over ranks; takes what lies far from it, and
/// again from what is left, until nothing goes.
///
/// Holes are closed: what stands above them moves down, and absent samples follow. Returns what is left, and a bit for each lane where
/// that is not certain: what is returned of it does not count.
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
    let centre = median_kept(sorted, kept);
    let (mut left, mut uncertain) = (*kept, 0);
    for first in [0, HALF] {
        lines.begin(first);
        let from = std::array::from_fn(|lane| kept.from[first + lane]);
        let to = std::array::from_fn(|lane| kept.to[first + lane]);
        let mut fits = Fits {
            first,
            centre: std::array::from_fn(|lane| centre[first + lane]),
            sorted,
            lines,
            from,
            to,
            open: bits_of(|lane| lane < HALF && from[lane] < to[lane]),
            uncertain: 0,
            nsummed: [0; HALF],
            sum: [0.0; HALF],
            products: [0.0; HALF],
            largest: [0.0; HALF],
            doubt: [0.0; HALF],
            base: [0.0; HALF],
            slope: [0.0; HALF],
            sigma: [0.0; HALF],
            wrong: [0.0; HALF],
            origin: 0,
        };
        if fits.open == 0 {
            continue;
        }
        dispatch!(width.0, simd => {
            fits.begin(simd);
            while fits.open != 0 {
                let zones = Zones::of(&fits);
                fits.look(simd, strip, &zones);
                fits.take(strip, &zones);
            }
        });
        fits.close();
        left.from[first..first + HALF].copy_from_slice(&fits.from);
        left.to[first..first + HALF].copy_from_slice(&fits.to);
        uncertain |= fits.uncertain << first;
    }
    (left, uncertain)
}

/// The lines of half a block.
struct Fits<'a, T> {
    sorted: &'a mut [Row<T>],
    lines: &'a mut Lines<T>,
    /// The first of its lanes among those of the block.
    first: usize,
    centre: [f64; HALF],
    /// What is left, by rows of the table of distances.
    from: [u32; HALF],
    to: [u32; HALF],
    /// The lanes from which something may still go.
    open: u64,
    uncertain: u64,
    /// Sums of distances from the centre, and of their products with their rows, counted from the origin.
    sum: [f64; HALF],
    products: [f64; HALF],
    /// How many samples were left when they were last taken anew.
    nsummed: [u32; HALF],
    /// The largest distance of what is left.
    largest: [f64; HALF],
    /// What rounding makes of a line fitted to them, at most.
    doubt: [f64; HALF],
    /// The lines, at the origin and with each row.
    base: [f64; HALF],
    slope: [f64; HALF],
    /// The mean distance from them, and how wrong that may be.
    sigma: [f64; HALF],
    wrong: [f64; HALF],
    /// A row in the middle.
    origin: u32,
}

impl<T: Sample> Fits<'_, T> {
    /// How many samples of a lane are left.
    #[inline(always)]
    fn n(&self, lane: usize) -> u32 {
        self.to[lane] - self.from[lane]
    }

    /// The distance of a sample from its centre.
    #[inline(always)]
    fn distance(&self, row: usize, lane: usize) -> f64 {
        let rank = self.lines.ranks[row][lane] as usize;
        self.sorted[rank].0[self.first + lane].to_f64() - self.centre[lane]
    }

    /// The place of a row, from the origin on.
    #[inline(always)]
    fn place(&self, row: usize) -> f64 {
        // Numbers of 32 bits become f64 in one step, those of 64 in several.
        f64::from(u32::try_from(row).unwrap_or(u32::MAX)) - f64::from(self.origin)
    }

    /// Gives up a lane.
    fn give_up(&mut self, lane: usize) {
        self.open &= !(1 << lane);
        self.uncertain |= 1 << lane;
    }
}
