//! Holes are filled: what rejected samples enclose in a frame is rejected too.
//!
//! A *hole* is a region of kept samples of one frame that hang together by their sides (not by their corners), with nothing but rejected
//! and absent samples round it and at least one rejected one among those, not at the edge of what is combined, and at most so many rows high
//! and columns wide. *Source*: Gnuastro's `maskfilled` operators, which fill all holes of a frame, of any size, for they hold it as a whole.
//! *Use* it for the faint middle of what is rejected all round: ghosts, rings, out-of-focus dust, satellites' flares. *Differs*: the bound on
//! the size; a region at the edge is none; an absent sample closes a hole, for a bad pixel in a ring opens it to nothing.

use std::ops::Range;

use super::Desk;
use super::marks::{ABSENT, NEXT, OPEN, TAKEN};

/// How many pixels are looked at of a region at most, where holes are of this size.
pub(super) fn most(largest: usize) -> usize {
    // Those within, and one more on each side of them.
    largest * (largest + 4) + 1
}

impl Desk {
    /// Marks the samples of the rows `band` that are in holes of at most this size; what is known of the tile are these `rows`.
    pub(super) fn fill_holes(&mut self, largest: usize, rows: &Range<usize>, band: &Range<usize>) {
        let Self { marks, pixels, .. } = self;
        let ncol = marks.shape().ncol;
        for frame in 0..marks.nframe() {
            let marks = marks.frame(frame);
            let known = &marks[rows.start * ncol..rows.end * ncol];
            if !known.iter().any(|mark| mark & TAKEN != 0) {
                continue;
            }
            for start in band.start * ncol..band.end * ncol {
                if marks[start] & (TAKEN | ABSENT | OPEN | NEXT) == 0
                    && !is_hole(marks, (ncol, rows), largest, start, pixels)
                {
                    for &pixel in &*pixels {
                        marks[pixel] = OPEN;
                    }
                }
            }
        }
    }
}

/// Whether a kept sample is in a hole; `pixels` are those of the region that were looked at, marked as to be taken.
fn is_hole(
    marks: &mut [u8],
    (ncol, rows): (usize, &Range<usize>),
    largest: usize,
    start: usize,
    pixels: &mut Vec<usize>,
) -> bool {
    pixels.clear();
    pixels.push(start);
    marks[start] |= NEXT;
    let (mut top, mut bottom) = (start / ncol, start / ncol);
    let (mut left, mut right) = (start % ncol, start % ncol);
    let mut is_rejected = false;
    let mut next = 0;
    while let Some(&pixel) = pixels.get(next) {
        next += 1;
        let (row, col) = (pixel / ncol, pixel % ncol);
        // A region that leaves the rows that are known is higher than a hole, or at the edge of all.
        if row == rows.start || row + 1 == rows.end || col == 0 || col + 1 == ncol {
            return false;
        }
        (top, bottom) = (top.min(row), bottom.max(row));
        (left, right) = (left.min(col), right.max(col));
        if bottom - top >= largest || right - left >= largest {
            return false;
        }
        for neighbour in [pixel - ncol, pixel - 1, pixel + 1, pixel + ncol] {
            let mark = marks[neighbour];
            if mark & OPEN != 0 {
                return false;
            }
            is_rejected |= mark & TAKEN != 0;
            if mark & (TAKEN | ABSENT | NEXT) == 0 {
                marks[neighbour] |= NEXT;
                pixels.push(neighbour);
            }
        }
    }
    is_rejected
}
