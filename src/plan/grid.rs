//! How large tiles are cut, and at which rows they end where frames are packed in tiles of their own.

use super::{Demand, PART_NPIXEL};
use crate::shape::Shape;

/// The rows at which packed tiles end: bands that end there too unpack no tile twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Grid {
    /// Rows of a packed tile, at least 1.
    pub(crate) height: usize,
    /// Rows of what is combined before the first that begins a tile; less than the height.
    pub(crate) lead: usize,
}

impl Grid {
    /// The grid of tiles of so many rows, of which what is combined begins at this row.
    pub(crate) fn new(height: usize, row: usize) -> Self {
        Self {
            height,
            lead: (height - row % height) % height,
        }
    }

    /// Whether bands on this grid unpack no tile of another twice.
    pub(crate) fn serves(self, other: Self) -> bool {
        let apart = self.lead.abs_diff(other.lead);
        self.height.is_multiple_of(other.height) && apart.is_multiple_of(other.height)
    }

    /// Rows by which a tile that ends on the grid would begin before this row of what is combined.
    pub(super) fn shift(self, row: usize) -> usize {
        (row + self.height - self.lead) % self.height
    }
}

impl Demand {
    /// Pixels of the smallest tile.
    pub(super) fn smallest(&self) -> usize {
        let Shape { nrow, ncol } = self.shape;
        match self.unpacking.grid {
            None if self.around.whole_rows => ncol,
            None => ncol.min(PART_NPIXEL),
            Some(grid) => ncol * grid.height.min(nrow),
        }
    }

    /// Rows and columns of a tile of at most `capacity` pixels, evened out over the frame.
    pub(super) fn cut(&self, capacity: usize) -> (usize, usize) {
        let Shape { nrow, ncol } = self.shape;
        let even = |total: usize, most: usize| total.div_ceil(total.div_ceil(most));
        if let Some(Grid { height, .. }) = self.unpacking.grid {
            let most = (capacity / ncol / height).max(1);
            return (even(nrow.div_ceil(height), most) * height, ncol);
        }
        if capacity < ncol {
            // Whole blocks of 16 pixels.
            let cols = (capacity / 16).max(1) * 16;
            return (
                1,
                even(ncol, cols)
                    .next_multiple_of(16)
                    .min(ncol)
                    .min(capacity.max(1)),
            );
        }
        (even(nrow, (capacity / ncol).min(nrow)), ncol)
    }

    /// How many tiles there are.
    pub(super) fn bands(&self, tile_rows: usize, tile_cols: usize) -> usize {
        let Shape { nrow, ncol } = self.shape;
        let shift = self.unpacking.grid.map_or(0, |grid| grid.shift(0));
        (nrow + shift).div_ceil(tile_rows) * ncol.div_ceil(tile_cols)
    }
}
