//! Where the bytes of an area stand in a file.

use std::ops::Range;

use crate::pixels::Image;
use crate::shape::Area;

/// The bytes of an area: `count` runs of `length`, `stride` apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    pub start: u64,
    pub length: usize,
    pub stride: u64,
    pub count: u64,
}

impl Rows {
    /// Whole rows are one run.
    pub(super) fn of(image: &Image, area: &Area) -> Self {
        let nbyte = image.stored.bitpix.nbyte();
        let within = area.rows.end <= image.shape.nrow && area.cols.end <= image.shape.ncol;
        assert!(within, "the area stands inside the image");
        let stride = image.shape.ncol * nbyte;
        let start = image.start + (area.rows.start * stride + area.cols.start * nbyte) as u64;
        let (length, count) = match area.cols.len() {
            ncol if ncol == image.shape.ncol => (area.rows.len() * stride, 1),
            ncol => (ncol * nbyte, area.rows.len() as u64),
        };
        Self {
            start,
            length,
            stride: stride as u64,
            count,
        }
    }

    /// Where each run begins.
    pub(super) fn starts(self) -> impl Iterator<Item = u64> {
        (0..self.count).map(move |row| self.start + row * self.stride)
    }

    /// How many bytes they are.
    pub(super) fn nbyte(self) -> u64 {
        self.count * self.length as u64
    }

    /// From the first byte to the last, what stands between the runs included.
    pub(super) fn whole(self) -> Range<u64> {
        let last = self.stride * self.count.saturating_sub(1);
        self.start
            ..self.start
                + last
                + if self.count == 0 {
                    0
                } else {
                    self.length as u64
                }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pixels::{Bitpix, Stored};
    use crate::shape::Shape;

    fn rows(rows: Range<usize>, cols: Range<usize>) -> Rows {
        let stored = Stored {
            bitpix: Bitpix::I16,
            bscale: 1.0,
            bzero: 0.0,
            blank: None,
        };
        Rows::of(
            &Image {
                start: 100,
                shape: Shape { nrow: 5, ncol: 10 },
                stored,
            },
            &Area { rows, cols },
        )
    }

    #[test]
    fn whole_rows_are_one_run() {
        let two = rows(2..4, 0..10);
        assert_eq!(two.starts().collect::<Vec<_>>(), [140]);
        assert_eq!((two.nbyte(), two.whole()), (40, 140..180));
    }

    #[test]
    fn parts_of_rows_are_a_run_each() {
        let parts = rows(1..4, 3..5);
        assert_eq!(parts.starts().collect::<Vec<_>>(), [126, 146, 166]);
        assert_eq!(
            (parts.length, parts.nbyte(), parts.whole()),
            (4, 12, 126..170)
        );
        assert!(rows(2..2, 3..5).whole().is_empty());
        assert!(rows(2..3, 3..3).whole().is_empty());
    }
}
