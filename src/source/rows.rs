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
    /// Whole rows of the file are one run.
    pub(super) fn of(image: &Image, area: &Area) -> Self {
        let nbyte = image.stored.bitpix.nbyte();
        let stride = image.pitch * nbyte;
        let start = image.start + image.offset(area);
        let (length, count) = match area.cols.len() {
            ncol if ncol == image.pitch => (area.rows.len() * stride, 1),
            ncol => (ncol * nbyte, area.rows.len() as u64),
        };
        Self {
            start,
            length,
            stride: stride as u64,
            count,
        }
    }

    /// So many bytes from `start` on.
    pub(super) fn run(start: u64, length: usize) -> Self {
        Self {
            start,
            length,
            stride: length as u64,
            count: 1,
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

    /// An image of 10 × 5 pixels of two bytes, from byte 100 on.
    fn image() -> Image {
        let stored = Stored {
            bitpix: Bitpix::I16,
            bscale: 1.0,
            bzero: 0.0,
            blank: None,
        };
        Image {
            start: 100,
            shape: Shape { nrow: 5, ncol: 10 },
            pitch: 10,
            stored,
            packed: None,
        }
    }

    fn rows(rows: Range<usize>, cols: Range<usize>) -> Rows {
        Rows::of(&image(), &Area { rows, cols })
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

    #[test]
    fn whole_rows_of_a_part_are_a_run_each_unless_they_are_whole_in_the_file() {
        let part = |rows, cols| image().part(&Area { rows, cols });
        let narrow = part(1..4, 3..7);
        assert_eq!(
            (narrow.start, narrow.shape.to_string()),
            (126, "4 × 3".to_owned())
        );
        let runs = Rows::of(&narrow, &narrow.shape.area());
        assert_eq!(runs.starts().collect::<Vec<_>>(), [126, 146, 166]);
        assert_eq!((runs.length, runs.nbyte()), (8, 24));
        let inner = Area {
            rows: 1..2,
            cols: 2..4,
        };
        assert_eq!(Rows::of(&narrow, &inner).start, 100 + 2 * (2 * 10 + 5));
        assert_eq!(
            narrow
                .part(&inner)
                .part(&Area {
                    rows: 0..1,
                    cols: 1..2
                })
                .start,
            152
        );
        let flat = part(1..4, 0..10);
        assert_eq!(Rows::of(&flat, &flat.shape.area()).count, 1);
    }
}
