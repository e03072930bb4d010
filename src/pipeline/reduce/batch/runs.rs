//! How a frame is cut into runs of pixels.

use crate::shape::{Area, Shape};

/// The runs of pixels that make up a frame, row after row.
pub(super) struct Runs {
    shape: Shape,
    nrow: usize,
    ncol: usize,
}

impl Runs {
    /// Runs of `capacity` pixels at most: whole rows, or parts of one.
    pub(super) fn new(shape: Shape, capacity: usize) -> Self {
        let ncol = shape.ncol.min(capacity).max(1);
        Self {
            shape,
            nrow: (capacity / ncol).max(1),
            ncol,
        }
    }

    fn across(&self) -> usize {
        self.shape.ncol.div_ceil(self.ncol)
    }

    pub(super) fn count(&self) -> usize {
        self.shape.nrow.div_ceil(self.nrow) * self.across()
    }

    pub(super) fn area(&self, run: usize) -> Area {
        let row = run / self.across() * self.nrow;
        let col = run % self.across() * self.ncol;
        Area {
            rows: row..self.shape.nrow.min(row + self.nrow),
            cols: col..self.shape.ncol.min(col + self.ncol),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_hold_every_pixel_once_and_none_is_longer_than_the_room() {
        for (nrow, ncol, capacity) in [(7, 5, 5), (7, 5, 14), (7, 5, 100), (3, 10, 4), (1, 1, 9)] {
            let shape = Shape { nrow, ncol };
            let runs = Runs::new(shape, capacity);
            let mut met = vec![0; shape.npixel()];
            for run in 0..runs.count() {
                let area = runs.area(run);
                assert!((1..=capacity).contains(&area.npixel()), "{area:?}");
                for row in area.rows {
                    for pixel in &mut met[row * ncol..][area.cols.clone()] {
                        *pixel += 1;
                    }
                }
            }
            assert!(met.iter().all(|met| *met == 1), "{shape} by {capacity}");
        }
    }
}
