//! Rejected samples grow: what lies near one in the same frame is rejected too.
//!
//! Whatever lies at most so many pixels away, from middle to middle, from a sample that a clip step took goes; what a bound (`minmax`) took
//! does not grow, nor does what is taken here. *Source*: IRAF `imcombine` (`icgrow.x`), which grows in the same disc from what its
//! algorithms rejected, not from what its thresholds did. *Use* it for the wings of cosmic rays and trails, which no clip sees under the
//! noise. *Differs*: a pixel that would keep fewer than `nkeep` is left ungrown, as IRAF's help says; IRAF 2.17 grows it all the same.

use std::ops::Range;

use super::Desk;
use super::marks::{ABSENT, NEXT, SEED, TAKEN};
use crate::shape::Shape;

/// How many rows away a radius reaches.
pub(super) fn reach(radius: f64) -> usize {
    disc(radius).len().saturating_sub(1)
}

/// Half the width of a disc of this radius at each distance from its middle row; nothing for a radius of 0.
pub(super) fn disc(radius: f64) -> Vec<usize> {
    let square = |n: usize| (n * n) as f64;
    let mut disc = Vec::new();
    if radius > 0.0 {
        while square(disc.len()) <= radius * radius {
            let down = square(disc.len());
            let mut half = 0;
            while square(half + 1) + down <= radius * radius {
                half += 1;
            }
            disc.push(half);
        }
    }
    disc
}

impl Desk {
    /// Marks the samples of these rows that are near one that a step took.
    pub(super) fn grow(&mut self, rows: &Range<usize>) {
        let Self {
            marks,
            disc,
            pixels: seeds,
            ..
        } = self;
        let Shape { nrow, ncol } = marks.shape();
        let reach = disc.len() - 1;
        for frame in 0..marks.nframe() {
            let marks = marks.frame(frame);
            for row in rows.start.saturating_sub(reach)..(rows.end + reach).min(nrow) {
                let of_row = &marks[row * ncol..][..ncol];
                if !of_row.iter().any(|mark| mark & SEED != 0) {
                    continue;
                }
                seeds.clear();
                seeds.extend((0..ncol).filter(|col| of_row[*col] & SEED != 0));
                let near =
                    row.saturating_sub(reach).max(rows.start)..(row + reach + 1).min(rows.end);
                for other in near {
                    let half = disc[other.abs_diff(row)];
                    let of_row = &mut marks[other * ncol..][..ncol];
                    for &seed in &*seeds {
                        let cols = seed.saturating_sub(half)..(seed + half + 1).min(ncol);
                        for mark in &mut of_row[cols] {
                            if *mark & (TAKEN | ABSENT) == 0 {
                                *mark |= NEXT;
                            }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disc_holds_what_is_within_its_radius() {
        assert_eq!(disc(0.0), [0; 0]);
        assert_eq!(disc(0.9), [0]);
        assert_eq!(disc(1.0), [1, 0]);
        assert_eq!(disc(1.5), [1, 1]);
        assert_eq!(disc(2.0), [2, 1, 0]);
        assert_eq!(disc(5.0), [5, 4, 4, 4, 3, 0]);
        assert_eq!([0.0, 0.9, 2.0, 2.9].map(reach), [0, 0, 2, 2]);
    }
}
