//! What goes from between others.

use std::cmp::Reverse;

use super::super::super::lanes::lanes_of;
use super::super::super::{Kept, LANES, Row, Sample};

/// Holes that there is room for beside one a row.
const MORE: usize = 64;

/// A sample that is gone from between others. They stand in the order in which they were taken out of the sorted rows.
#[derive(Clone, Copy, Debug)]
pub struct Hole<T> {
    /// Its lane.
    pub lane: usize,
    /// What it was.
    pub sample: T,
    /// How many equal ones stood before it.
    pub nbefore: usize,
    /// Whether it lay below the line.
    pub low: bool,
}

/// A sample that went from between others, some of which may be gone since.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gone {
    pub(super) lane: usize,
    /// Where it stood among the sorted ones.
    pub(super) rank: u32,
    /// Whether it lay below the line.
    pub(super) low: bool,
}

/// What is needed beside the samples.
#[derive(Debug)]
pub struct Lines<T> {
    /// Distances from the centres.
    pub(super) distances: Vec<Row<f32>>,
    /// The ranks of the samples that they are of.
    pub(super) ranks: Vec<[u32; LANES]>,
    /// The lanes whose sample lies too far below the line, and above it, row by row.
    pub(super) far: Vec<[u16; 2]>,
    gone: Vec<Gone>,
    holes: Vec<Hole<T>>,
    /// The lanes of which ranks are not rows.
    pub(super) moved: u64,
}

impl<T> Lines<T> {
    /// Bytes a row.
    pub const NBYTE: usize = size_of::<Row<f32>>()
        + size_of::<[u32; LANES]>()
        + size_of::<[u16; 2]>()
        + size_of::<Gone>()
        + size_of::<Hole<T>>();
    /// Bytes beside those.
    pub const NBYTE_MORE: usize = MORE * (size_of::<Gone>() + size_of::<Hole<T>>());

    /// Room for so many rows.
    pub fn new(nrow: usize) -> Self {
        let nhole = if nrow > 0 { nrow + MORE } else { 0 };
        Self {
            distances: vec![Row([0.0; LANES]); nrow],
            ranks: vec![[0; LANES]; nrow],
            far: vec![[0; 2]; nrow],
            gone: Vec::with_capacity(nhole),
            holes: Vec::with_capacity(nhole),
            moved: 0,
        }
    }

    /// What is gone from between others.
    pub fn holes(&self) -> &[Hole<T>] {
        &self.holes
    }

    /// Forgets what is gone.
    pub(super) fn clear(&mut self) {
        self.gone.clear();
        self.holes.clear();
        self.moved = 0;
    }

    /// Notes what goes from between others; whether there is room for it.
    pub(super) fn note(&mut self, gone: Gone) -> bool {
        let room = self.gone.len() < self.gone.capacity();
        if room {
            self.gone.push(gone);
            self.moved |= 1 << gone.lane;
        }
        room
    }
}

impl<T: Sample> Lines<T> {
    /// Finds what is missing in the end from between others and takes it out of the sorted rows; what is left is then told by their rows.
    pub(super) fn close(&mut self, sorted: &mut [Row<T>], kept: &mut Kept, uncertain: u64) {
        let moved = self.moved & !uncertain;
        for lane in lanes_of(moved) {
            let (from, to) = (kept.from[lane] as usize, kept.to[lane] as usize);
            kept.from[lane] = self.ranks[from][lane];
            kept.to[lane] = self.ranks[to - 1][lane] + 1;
        }
        // From above, so that what stands below stays where it is.
        self.gone.sort_unstable_by_key(|gone| Reverse(gone.rank));
        for gone in &self.gone {
            let Gone { lane, rank, low } = *gone;
            if moved >> lane & 1 == 0 {
                continue;
            }
            let below = rank < kept.from[lane];
            let above = rank >= kept.to[lane];
            if below && low || above && !low {
                // It is one of those that went from the ends.
                continue;
            }
            if !above {
                kept.to[lane] -= 1;
            }
            if below {
                kept.from[lane] -= 1;
            }
            let row = rank as usize;
            let sample = sorted[row].0[lane];
            let before = sorted[..row].iter().rev();
            let equal = before.take_while(|row| row.0[lane] == sample);
            self.holes.push(Hole {
                lane,
                sample,
                nbefore: equal.count(),
                low,
            });
            for above in row + 1..sorted.len() {
                sorted[above - 1].0[lane] = sorted[above].0[lane];
            }
            if let Some(last) = sorted.last_mut() {
                last.0[lane] = T::ABSENT;
            }
        }
    }
}
