//! Tiles of which more rows are read than combined: those above and below that are judged with them.

use super::{Demand, Plan};
use crate::shape::{Area, Shape};

/// What a run needs that looks at more than one pixel at a time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Around {
    /// Rows that are read above and below those of a tile.
    pub(crate) halo: usize,
    /// Whether tiles have to be whole rows.
    pub(crate) whole_rows: bool,
    /// Bytes that is noted of a pixel that is read.
    pub(crate) nbyte: usize,
    /// Bytes that is noted of a row that is read.
    pub(crate) row_nbyte: usize,
    /// Bytes that is told of a pixel beside the planes of the output.
    pub(crate) told_nbyte: usize,
}

impl Demand {
    /// Pixels of the rows above and below a tile.
    fn halo_npixel(&self) -> usize {
        2 * self.around.halo.min(self.shape.nrow) * self.shape.ncol
    }

    /// Pixels that are read for a tile of so many.
    pub(super) fn read(&self, capacity: usize) -> usize {
        let read = capacity.saturating_add(self.halo_npixel());
        read.min(self.shape.npixel().max(capacity))
    }

    /// Bytes that are noted of what is read for a tile, over one thread.
    pub(super) fn noted(&self, read: usize) -> Option<usize> {
        let rows = read.div_ceil(self.shape.ncol.max(1));
        let of_rows = rows.checked_mul(self.around.row_nbyte)?;
        read.checked_mul(self.around.nbyte)?.checked_add(of_rows)
    }

    /// Pixels of a tile of which not more than a third is read for others.
    pub(super) fn beyond_halo(&self) -> usize {
        (2 * self.halo_npixel()).min(self.shape.npixel())
    }

    /// Bytes that the combining walk reads, where tiles have so many rows, and a pixel so many bytes in all frames.
    pub(super) fn reads(&self, once: u64, bands: usize, tile_rows: usize) -> u64 {
        let Shape { nrow, .. } = self.shape;
        let halo = self.around.halo;
        if halo == 0 || nrow == 0 {
            return once;
        }
        let rows = |band: usize| {
            let start = (band * tile_rows).min(nrow);
            let end = (start + tile_rows).min(nrow);
            end.saturating_add(halo).min(nrow) - start.saturating_sub(halo)
        };
        let rows: usize = (0..bands).map(rows).sum();
        once / nrow as u64 * rows as u64
    }
}

impl Plan {
    /// Pixels that are read for a tile at most.
    pub(crate) fn read_capacity(&self) -> usize {
        self.read
    }

    /// An area with the rows above and below that are judged with it.
    pub(crate) fn with_halo(&self, area: &Area) -> Area {
        let Area { rows, cols } = area;
        let end = rows.end.saturating_add(self.halo);
        Area {
            rows: rows.start.saturating_sub(self.halo)..end.min(self.shape.nrow.max(rows.end)),
            cols: cols.clone(),
        }
    }

    /// Bytes that the frames and their companions have.
    pub(crate) fn once(&self) -> u64 {
        self.once
    }
}
