//! What a walk takes tile by tile: all of an image, or what an earlier run has left of it.

use std::ops::Range;

use super::Plan;
use crate::runs::Runs;
use crate::shape::{Area, Shape};

/// The areas that are missing of an image, cut into tiles, in order: whole rows where there are any, parts of rows where what is done
/// ends within one.
#[derive(Clone, Debug)]
pub(crate) struct Bands {
    blocks: Vec<Block>,
    count: usize,
    tile_rows: usize,
    tile_cols: usize,
    /// Columns of the image.
    ncol: usize,
    /// Tiles of which the system is told at a time.
    ahead: usize,
}

/// A rectangle that is cut into tiles.
#[derive(Clone, Debug)]
struct Block {
    area: Area,
    /// The number of its first tile.
    first: usize,
    /// Rows by which that would begin before the rectangle, so that tiles end where packed tiles do.
    shift: usize,
}

impl Bands {
    /// Cuts the runs that are missing into tiles as a plan has them.
    pub(crate) fn new(plan: &Plan, missing: &Runs) -> Self {
        let mut bands = Self {
            blocks: Vec::new(),
            count: 0,
            tile_rows: plan.tile_rows,
            tile_cols: plan.tile_cols,
            ncol: plan.shape.ncol,
            ahead: plan.ahead,
        };
        for run in missing.iter() {
            for area in rectangles(&run, plan.shape).into_iter().flatten() {
                let Shape { nrow, ncol } = area.shape();
                let shift = plan.grid.map_or(0, |grid| grid.shift(area.rows.start));
                let down = (nrow + shift).div_ceil(bands.tile_rows);
                bands.blocks.push(Block {
                    area,
                    first: bands.count,
                    shift,
                });
                bands.count += down * ncol.div_ceil(bands.tile_cols);
            }
        }
        bands
    }

    /// How many tiles there are.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The area of a tile, counted from the corner of the image.
    pub(crate) fn area(&self, band: usize) -> Area {
        let block = self.blocks.partition_point(|block| block.first <= band) - 1;
        let Block {
            area: Area { rows, cols },
            first,
            shift,
        } = &self.blocks[block];
        let across = cols.len().div_ceil(self.tile_cols);
        let (down, col) = (
            (band - first) / across * self.tile_rows,
            cols.start + (band - first) % across * self.tile_cols,
        );
        let end = rows.start + (down + self.tile_rows - shift);
        Area {
            rows: rows.start + down.saturating_sub(*shift)..rows.end.min(end),
            cols: col..cols.end.min(col + self.tile_cols),
        }
    }

    /// What the system is to be told before `band` is read: the tiles behind those that it was told of last.
    pub(crate) fn ahead(&self, band: usize) -> Option<Area> {
        let first = if band == 0 { 0 } else { band + self.ahead };
        if !band.is_multiple_of(self.ahead) || first >= self.count {
            return None;
        }
        let last = self.count.min(band + 2 * self.ahead) - 1;
        Some(Area {
            rows: self.area(first).rows.start..self.area(last).rows.end,
            cols: 0..self.ncol,
        })
    }
}

/// The rectangles that make up a run: the rest of a row, whole rows, the beginning of a row.
fn rectangles(run: &Range<usize>, shape: Shape) -> [Option<Area>; 3] {
    let ncol = shape.ncol;
    let part = |pixels: Range<usize>| {
        let row = pixels.start / ncol;
        (!pixels.is_empty()).then(|| Area {
            rows: row..row + 1,
            cols: pixels.start - row * ncol..pixels.end - row * ncol,
        })
    };
    let whole = run.start.div_ceil(ncol)..run.end / ncol;
    if whole.start > whole.end {
        // All of it lies within one row.
        return [part(run.clone()), None, None];
    }
    let rows = (!whole.is_empty()).then(|| Area {
        rows: whole.clone(),
        cols: 0..ncol,
    });
    [
        part(run.start..whole.start * ncol),
        rows,
        part(whole.end * ncol..run.end),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plan(shape: Shape, tile_rows: usize, tile_cols: usize) -> Plan {
        Plan {
            shape,
            tile_rows,
            tile_cols,
            ahead: 2,
            ..Plan::default()
        }
    }

    #[test]
    fn what_is_done_is_not_taken_again() {
        let plan = plan(Shape { nrow: 9, ncol: 10 }, 4, 10);
        let mut missing = Runs::of(25..62);
        missing.insert(71..74);
        let bands = Bands::new(&plan, &missing);
        let areas: Vec<_> = (0..bands.count())
            .map(|band| bands.area(band))
            .map(|Area { rows, cols }| (rows, cols))
            .collect();
        assert_eq!(
            areas,
            [(2..3, 5..10), (3..6, 0..10), (6..7, 0..2), (7..8, 1..4)]
        );
        assert_eq!(bands.ahead(0).map(|area| area.rows), Some(2..8));
        assert_eq!(Bands::new(&plan, &Runs::default()).count(), 0);
    }

    proptest! {
        #[test]
        fn tiles_cover_what_is_missing_once(
            (nrow, ncol) in (1..20_usize, 1..40_usize), (tile_rows, tile_cols) in (1..7_usize, 1..40_usize),
            runs in prop::collection::vec((0..800_usize, 1..200_usize), 1..6),
        ) {
            let shape = Shape { nrow, ncol };
            let tile_rows = if tile_cols < ncol { 1 } else { tile_rows };
            let plan = plan(shape, tile_rows, tile_cols.min(ncol));
            let mut missing = Runs::default();
            for (start, length) in runs {
                missing.insert(start.min(nrow * ncol)..(start + length).min(nrow * ncol));
            }
            let bands = Bands::new(&plan, &missing);
            let mut seen = vec![0_u8; nrow * ncol];
            for band in 0..bands.count() {
                let area = bands.area(band);
                prop_assert!(area.npixel() <= plan.tile_rows * plan.tile_cols);
                for row in area.rows {
                    for col in area.cols.clone() {
                        seen[row * ncol + col] += 1;
                    }
                }
            }
            for (pixel, times) in seen.into_iter().enumerate() {
                let wanted = missing.iter().any(|run| run.contains(&pixel));
                prop_assert_eq!(times, u8::from(wanted));
            }
        }
    }
}
