//! What a step that knows no gain wants of each row of the output: the deviation that a signal of 1 has in it.

use std::ops::Range;

use super::super::page::Column;
use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Sample, median_kept, squares_kept};

/// Fewer samples tell nothing of a pixel.
const FEWEST: u32 = 3;

/// Sums over the pixels of each row, along the row in the order of its columns.
#[derive(Debug, Default)]
pub(crate) struct Light {
    first: usize,
    /// Σ (y − m)²/max(1, m) over the samples of pixels with the median m, and Σ (n − 1) over these pixels.
    rows: Vec<(f64, u64)>,
}

impl Light {
    /// Bytes a row, in a vector that may grow by doubling.
    pub(super) const NBYTE: usize = 2 * size_of::<(f64, u64)>();

    /// Begins with these rows.
    pub(crate) fn begin(&mut self, rows: Range<usize>) {
        self.first = rows.start;
        self.rows.clear();
        self.rows.resize(rows.len(), (0.0, 0));
    }

    /// Adds a pixel, with its sum and its samples.
    pub(super) fn add(&mut self, row: usize, (square, n): (f64, u32)) {
        if n >= FEWEST {
            let (sum, freedom) = &mut self.rows[row - self.first];
            *sum += square;
            *freedom += u64::from(n - 1);
        }
    }

    /// The deviation of a signal of 1 in a row; NaN where nothing tells it.
    pub(super) fn sigma(&self, row: usize) -> f64 {
        let (sum, freedom) = self.rows[row - self.first];
        (sum / freedom as f64).sqrt()
    }
}

impl<T: Sample> SortedBlock<'_, T> {
    /// What each pixel of a block adds to the sums of its row, and how many samples it has.
    pub(super) fn light(&self) -> ([f64; LANES], [u32; LANES]) {
        let centre = median_kept(self.sorted, &self.kept);
        let mut squares = squares_kept(self.width, self.sorted, &self.kept, &centre);
        for lane in 0..LANES {
            squares[lane] /= centre[lane].max(1.0);
        }
        (squares, self.count())
    }
}

impl Column {
    /// The same for the pixel that was on the page last.
    pub(super) fn light(&mut self) -> (f64, u32) {
        self.page.light(&self.y)
    }
}
