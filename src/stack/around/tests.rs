//! Neighbours as a textbook would have them, over the whole frame at once, against those of a tile and its halo.

use std::ops::Range;

use proptest::prelude::*;

use super::marks::{ABSENT, LOW, NEIGHBOUR, SEED, TAKEN, note_of};
use super::{Desk, grow};
use crate::recipe::{Family, Neighbours, stay};
use crate::shape::Shape;
use crate::stack::Tally;
use crate::stack::around::marks::Marks;

/// Marks of a frame by row and column.
type Frame = Vec<Vec<u8>>;

/// What is taken at each pixel of every frame, unless too few would be left there.
fn settle(frames: &mut [Frame], next: &[Vec<Vec<bool>>], nkeep: i64) {
    for row in 0..frames[0].len() {
        for col in 0..frames[0][0].len() {
            let head = |mark: u8| mark == LOW;
            let present = |frame: &&Frame| {
                let mark = frame[row][col];
                mark & ABSENT == 0 && !head(mark)
            };
            let present = frames.iter().filter(present).count();
            let stays = |frame: &usize| {
                frames[*frame][row][col] & (TAKEN | ABSENT) == 0 && !next[*frame][row][col]
            };
            if (0..frames.len()).filter(stays).count() >= stay(nkeep, present) {
                for (frame, next) in frames.iter_mut().zip(next) {
                    if next[row][col] {
                        frame[row][col] = NEIGHBOUR;
                    }
                }
            }
        }
    }
}

/// Kept samples within a radius of a seed.
fn near(frame: &Frame, radius: f64) -> Vec<Vec<bool>> {
    let within = |row: usize, col: usize| {
        let seed = |(other, marks): (usize, &Vec<u8>)| {
            marks.iter().enumerate().any(|(at, mark)| {
                let square = |a: usize, b: usize| (a.abs_diff(b) * a.abs_diff(b)) as f64;
                mark & SEED != 0 && square(other, row) + square(at, col) <= radius * radius
            })
        };
        frame[row][col] & (TAKEN | ABSENT) == 0 && frame.iter().enumerate().any(seed)
    };
    let of_row = |row: usize| (0..frame[0].len()).map(|col| within(row, col)).collect();
    (0..frame.len()).map(of_row).collect()
}

/// Kept samples in a hole.
fn enclosed(frame: &Frame, largest: usize) -> Vec<Vec<bool>> {
    let (nrow, ncol) = (frame.len(), frame[0].len());
    let kept = |row: usize, col: usize| frame[row][col] & (TAKEN | ABSENT) == 0;
    let is_hole = |row: usize, col: usize| {
        let mut region = vec![(row, col)];
        let mut next = 0;
        let (mut rejected, mut at_edge) = (false, false);
        while next < region.len() {
            let (row, col) = region[next];
            next += 1;
            at_edge |= row == 0 || col == 0 || row + 1 == nrow || col + 1 == ncol;
            let sides = [
                (row.wrapping_sub(1), col),
                (row + 1, col),
                (row, col.wrapping_sub(1)),
                (row, col + 1),
            ];
            for (row, col) in sides {
                if row < nrow && col < ncol {
                    rejected |= frame[row][col] & TAKEN != 0;
                    if kept(row, col) && !region.contains(&(row, col)) {
                        region.push((row, col));
                    }
                }
            }
        }
        let length = |of: fn(&(usize, usize)) -> usize| {
            let numbers = || region.iter().map(of);
            numbers().max().unwrap_or(0) - numbers().min().unwrap_or(0) + 1
        };
        let small = length(|(row, _)| *row) <= largest && length(|(_, col)| *col) <= largest;
        !at_edge && rejected && small
    };
    let of_row = |row: usize| {
        (0..ncol)
            .map(|col| kept(row, col) && is_hole(row, col))
            .collect()
    };
    (0..nrow).map(of_row).collect()
}

/// The textbook over whole frames.
fn textbook(frames: &[Frame], neighbours: Neighbours, nkeep: i64) -> Vec<Frame> {
    let mut frames = frames.to_vec();
    let Neighbours { grow, hole_fill } = neighbours;
    let next: Vec<_> = frames.iter().map(|frame| near(frame, grow)).collect();
    if grow > 0.0 {
        settle(&mut frames, &next, nkeep);
    }
    let next: Vec<_> = frames
        .iter()
        .map(|frame| enclosed(frame, hole_fill))
        .collect();
    settle(&mut frames, &next, nkeep);
    frames
}

/// A tile with its halo, worked as the program does; returns what became of the samples of `band`, and how many were taken.
fn tile(
    frames: &[Frame],
    neighbours: Neighbours,
    nkeep: i64,
    band: &Range<usize>,
) -> (Vec<Frame>, Vec<u64>) {
    let Neighbours {
        grow: radius,
        hole_fill,
    } = neighbours;
    let halo = grow::reach(radius) + hole_fill;
    let (nrow, ncol, nframe) = (frames[0].len(), frames[0][0].len(), frames.len());
    let read = band.start.saturating_sub(halo)..(band.end + halo).min(nrow);
    let nstep = 2;
    let mut desk = Desk {
        marks: Marks::new(nframe, read.len() * ncol),
        disc: grow::disc(radius),
        pixels: Vec::new(),
        counts: Vec::new(),
        idle: Tally::new(nstep, nframe),
    };
    desk.marks.begin(Shape {
        nrow: read.len(),
        ncol,
    });
    for (number, frame) in frames.iter().enumerate() {
        desk.marks
            .frame(number)
            .copy_from_slice(&frame[read.clone()].concat());
    }
    let within = band.start - read.start..band.end - read.start;
    let mut tally = Tally::new(nstep, nframe);
    desk.take_neighbours(neighbours, nkeep, (&within, 0), &mut tally);
    let rows = |frame: usize| {
        let marks = desk.marks.frame(frame)[within.start * ncol..within.end * ncol].to_vec();
        marks.chunks(ncol).map(<[u8]>::to_vec).collect()
    };
    ((0..nframe).map(rows).collect(), tally.low)
}

/// The codes of marks.
fn codes(frames: &[Frame]) -> Vec<Vec<Vec<u8>>> {
    let of_row = |row: &Vec<u8>| row.iter().map(|mark| mark & TAKEN).collect();
    let of_frame = |frame: &Frame| frame.iter().map(of_row).collect();
    frames.iter().map(of_frame).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]
    #[test]
    fn neighbours_are_those_of_the_textbook_whatever_bands_the_frame_is_cut_into(
        (nframe, nrow, ncol) in (1..4_usize, 1..14_usize, 1..11_usize),
        drawn in prop::collection::vec(0..20_u8, 3 * 14 * 11), density in 1..9_u8,
        grow in prop_oneof![Just(0.0), Just(1.0), Just(1.5), Just(2.3), 0.1..6.0_f64],
        hole_fill in 0..5_usize, nkeep in -2..3_i64, height in 1..14_usize,
    ) {
        let mark = |drawn: u8| match drawn {
            0 => ABSENT,
            1 => LOW,
            n if n < 1 + density => note_of(Family::Order, true),
            _ => 0,
        };
        let mut drawn = drawn.into_iter().map(mark);
        let mut row = || drawn.by_ref().take(ncol).collect();
        let frames: Vec<Frame> =
            (0..nframe).map(|_| (0..nrow).map(|_| row()).collect()).collect();
        let neighbours = Neighbours { grow, hole_fill };
        let wanted = codes(&textbook(&frames, neighbours, nkeep));
        let mut taken = 0;
        for start in (0..nrow).step_by(height) {
            let band = start..nrow.min(start + height);
            let (got, counts) = tile(&frames, neighbours, nkeep, &band);
            taken += counts.iter().sum::<u64>();
            for (got, wanted) in codes(&got).iter().zip(&wanted) {
                prop_assert_eq!(&got[..], &wanted[band.clone()]);
            }
        }
        let codes = wanted.iter().flatten().flatten();
        prop_assert_eq!(taken, codes.filter(|code| **code == NEIGHBOUR).count() as u64);
    }
}
