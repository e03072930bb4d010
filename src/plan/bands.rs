//! How the frames are cut into tiles, where some of them are packed in tiles of their own.

use super::{Demand, PART_NPIXEL, Plan};
use crate::shape::{Area, Shape};

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

    /// Rows by which the first tile would begin before what is combined.
    fn shift(self) -> usize {
        (self.height - self.lead) % self.height
    }
}

impl Demand {
    /// Pixels of the smallest tile.
    pub(super) fn smallest(&self) -> usize {
        let Shape { nrow, ncol } = self.shape;
        match self.unpacking.grid {
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

    /// Rows by which the first tile would begin before what is combined, and how many tiles there are.
    pub(super) fn bands(&self, tile_rows: usize, tile_cols: usize) -> (usize, usize) {
        let Shape { nrow, ncol } = self.shape;
        let shift = self.unpacking.grid.map_or(0, Grid::shift);
        let down = (nrow + shift).div_ceil(tile_rows);
        (shift, down * ncol.div_ceil(tile_cols))
    }
}

impl Plan {
    /// Pixels that a tile holds at most.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// What the system is to be told before `band` is read: the tiles behind those that it was told of last.
    pub(crate) fn ahead(&self, band: usize) -> Option<Area> {
        let first = if band == 0 { 0 } else { band + self.ahead };
        if !band.is_multiple_of(self.ahead) || first >= self.bands {
            return None;
        }
        let last = self.bands.min(band + 2 * self.ahead) - 1;
        Some(Area {
            rows: self.area(first).rows.start..self.area(last).rows.end,
            cols: 0..self.shape.ncol,
        })
    }

    /// The area of a tile, counted from the corner of what is combined.
    pub(crate) fn area(&self, band: usize) -> Area {
        let across = self.shape.ncol.div_ceil(self.tile_cols);
        let (row, col) = (
            band / across * self.tile_rows,
            band % across * self.tile_cols,
        );
        let end = (row + self.tile_rows).saturating_sub(self.shift);
        Area {
            rows: row.saturating_sub(self.shift)..self.shape.nrow.min(end),
            cols: col..self.shape.ncol.min(col + self.tile_cols),
        }
    }
}
