//! Lines of least squares through sorted samples, and what lies far from them.
//!
//! All lanes are fitted again until each of them loses nothing more. What goes mostly stands at the ends; what goes from between others is
//! taken out of its column and noted ([`Hole`]).
//!
//! Lines are fitted in f64, from sums that are kept up to date; the distances from them are taken in f32, which is twice as fast. So they
//! differ from those of the textbook: where a sample lies so near a bound that this may matter, nothing is decided here.

mod fit;
mod take;

use fearless_simd::dispatch;

use self::fit::{Bounds, Zones};
use super::super::lanes::bits_of;
use super::super::{Kept, LANES, Row, Sample, Width, median_kept};

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

/// A sample that went from between others. They stand in the order in which they went.
#[derive(Clone, Copy, Debug)]
pub struct Hole<T> {
    /// Its lane.
    pub lane: usize,
    /// What it was.
    pub sample: T,
    /// How many equal ones stood before it.
    pub nbefore: usize,
    /// Whether it lay below the line.
    pub low: bool,
}

/// What is needed beside the samples.
#[derive(Debug)]
pub struct Lines<T> {
    /// Distances from the centres.
    distances: Vec<Row<f32>>,
    /// The lanes whose sample lies too far below the line, and above it, row by row.
    far: Vec<[u16; 2]>,
    holes: Vec<Hole<T>>,
}

impl<T> Lines<T> {
    /// Bytes a row.
    pub const NBYTE: usize = size_of::<Row<f32>>() + size_of::<[u16; 2]>() + size_of::<Hole<T>>();
    /// Bytes beside those.
    pub const NBYTE_MORE: usize = HOLES * size_of::<Hole<T>>();

    /// Room for so many rows.
    pub fn new(nrow: usize) -> Self {
        Self {
            distances: vec![Row([0.0; LANES]); nrow],
            far: vec![[0; 2]; nrow],
            holes: Vec::with_capacity(if nrow > 0 { nrow + HOLES } else { 0 }),
        }
    }

    /// What went from between others.
    pub fn holes(&self) -> &[Hole<T>] {
        &self.holes
    }
}

/// Holes that there is room for beside one a row.
const HOLES: usize = 64;

/// Fits a line to what is kept of each lane, at least 5 samples, distances from the median over ranks; takes what lies far from it, and
/// again from what is left, until nothing goes.
///
/// Holes are closed: what stands above them moves down, and absent samples follow. Returns what is left, and a bit for each lane where
/// that is not certain.
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
    lines.holes.clear();
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
        doubt: [0.0; LANES],
        origin: 0,
    };
    dispatch!(width.0, simd => {
        while fits.open != 0 {
            if fits.is_stale() {
                fits.sum_up(simd);
            }
            let zones = Zones::of(&fits);
            let line = fits.fit(simd);
            let (sum, widest) = fits.survey(simd, &line, &zones);
            let bounds = Bounds::of(simd, &mut fits, &line, sum, strip);
            let everywhere = !bounds.hold(widest, fits.open);
            let rows = zones.suspects(everywhere);
            let gone = fits.mark(simd, &line, &bounds, (&zones, &rows));
            fits.take(gone, &rows);
        }
    });
    (fits.kept, fits.uncertain)
}

/// The lines of a block.
struct Fits<'a, T> {
    sorted: &'a mut [Row<T>],
    lines: &'a mut Lines<T>,
    centre: [f64; LANES],
    /// What is left.
    kept: Kept,
    /// The lanes from which something may still go.
    open: u64,
    uncertain: u64,
    /// Sums of distances from the centre, and of their products with their rows, counted from the origin.
    sum: [f64; LANES],
    products: [f64; LANES],
    /// How many samples were left when they were last taken anew.
    nsummed: [u32; LANES],
    /// What rounding makes of a line fitted to them, at most.
    doubt: [f64; LANES],
    /// A row in the middle.
    origin: usize,
}

impl<T: Sample> Fits<'_, T> {
    /// How many samples of a lane are left.
    fn n(&self, lane: usize) -> u32 {
        self.kept.to[lane] - self.kept.from[lane]
    }

    /// The distance of a sample from its centre.
    #[inline(always)]
    fn distance(&self, row: usize, lane: usize) -> f64 {
        self.sorted[row].0[lane].to_f64() - self.centre[lane]
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
}
