//! What goes from between others.

use std::cmp::Reverse;

use super::super::super::Sample;
use super::super::super::lanes::lanes_of;
use super::{Fits, HALF};

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
    pub(super) distances: Vec<[f32; HALF]>,
    /// The ranks of the samples that they are of.
    pub(super) ranks: Vec<[u32; HALF]>,
    /// The lanes whose sample may lie too far from the line, row by row.
    pub(super) far: Vec<u8>,
    gone: Vec<Gone>,
    holes: Vec<Hole<T>>,
    /// The lanes of which ranks are not rows.
    pub(super) moved: u64,
}

impl<T> Lines<T> {
    /// Bytes a row.
    pub const NBYTE: usize = size_of::<[f32; HALF]>()
        + size_of::<[u32; HALF]>()
        + size_of::<u8>()
        + size_of::<Gone>()
        + size_of::<Hole<T>>();
    /// Bytes beside those.
    pub const NBYTE_MORE: usize = MORE * (size_of::<Gone>() + size_of::<Hole<T>>());

    /// Room for so many rows.
    pub fn new(nrow: usize) -> Self {
        let nhole = if nrow > 0 { nrow + MORE } else { 0 };
        Self {
            distances: vec![[0.0; HALF]; nrow],
            ranks: vec![[0; HALF]; nrow],
            far: vec![0; nrow.next_multiple_of(HALF)],
            gone: Vec::with_capacity(nhole),
            holes: Vec::with_capacity(nhole),
            moved: 0,
        }
    }

    /// What is gone from between others.
    pub fn holes(&self) -> &[Hole<T>] {
        &self.holes
    }

    /// Forgets what is gone from this half; with it, what is gone at all.
    pub(super) fn begin(&mut self, first: usize) {
        self.gone.clear();
        self.moved = 0;
        if first == 0 {
            self.holes.clear();
        }
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

impl<T: Sample> Fits<'_, T> {
    /// Finds what is missing in the end from between others and takes it out of the sorted rows; what is left is told by these from here
    /// on.
    pub(super) fn close(&mut self) {
        for lane in lanes_of(self.lines.moved & !self.uncertain) {
            if self.n(lane) == 0 {
                self.give_up(lane);
                continue;
            }
            let (first, last) = (self.from[lane] as usize, self.to[lane] as usize - 1);
            self.from[lane] = self.lines.ranks[first][lane];
            self.to[lane] = self.lines.ranks[last][lane] + 1;
        }
        // What else is noted went from the ends in the end.
        let missing = |gone: &Gone| {
            let Gone { lane, rank, low } = *gone;
            let from_the_ends = (rank < self.from[lane] && low) || (rank >= self.to[lane] && !low);
            self.uncertain >> lane & 1 == 0 && !from_the_ends
        };
        self.lines.gone.retain(missing);
        // From above, so that what stands below stays where it is.
        self.lines
            .gone
            .sort_unstable_by_key(|gone| Reverse(gone.rank));
        for at in 0..self.lines.gone.len() {
            let gone = self.lines.gone[at];
            if self.lines.holes.len() == self.lines.holes.capacity() {
                self.give_up(gone.lane);
            } else {
                self.take_out(gone);
            }
        }
    }

    /// Takes a sample out of the sorted rows.
    fn take_out(&mut self, gone: Gone) {
        let Gone { lane, rank, low } = gone;
        self.from[lane] -= u32::from(rank < self.from[lane]);
        self.to[lane] -= u32::from(rank < self.to[lane]);
        let (row, lane) = (rank as usize, self.first + lane);
        let sample = self.sorted[row].0[lane];
        let before = self.sorted[..row].iter().rev();
        let equal = before.take_while(|row| row.0[lane] == sample);
        self.lines.holes.push(Hole {
            lane,
            sample,
            nbefore: equal.count(),
            low,
        });
        for above in row + 1..self.sorted.len() {
            self.sorted[above - 1].0[lane] = self.sorted[above].0[lane];
        }
        if let Some(last) = self.sorted.last_mut() {
            last.0[lane] = T::ABSENT;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::super::{Kept, LANES, Row, Sample, Width, sort};
    use super::super::{Strip, along_lines_kept};
    use super::*;

    /// Uneven steps, with equal samples among them and in some lanes a far one on top.
    fn rows(lane: usize) -> Vec<f32> {
        let step = |step: u8| 10.0 * f32::from(step) + f32::from(step * 7 % 5 + step * 3 % 7);
        let mut column: Vec<f32> = (0..24).map(step).collect();
        column[7] = 1.0;
        column[20] = if lane.is_multiple_of(2) { 1000.0 } else { 95.0 };
        column.push(if lane == 3 { f32::ABSENT } else { 95.0 });
        column
    }

    #[test]
    fn what_is_missing_from_between_others_is_told_and_the_rest_stays_sorted() {
        let columns: Vec<_> = (0..LANES).map(rows).collect();
        let nrow = columns[0].len();
        let rows: Vec<Row<f32>> = (0..nrow)
            .map(|row| Row(std::array::from_fn(|lane| columns[lane][row])))
            .collect();
        let reach = |low, high| Strip { low, high };
        for strip in [reach(1.9, 1.9), reach(1.6, 2.5), reach(2.5, 1.6)] {
            let mut nhole = 0;
            for width in Width::available() {
                let mut sorted = rows.clone();
                sort(width, &rows, &mut sorted);
                let before = Kept::present(&sorted);
                let mut lines = Lines::new(nrow);
                let (left, uncertain) =
                    along_lines_kept(width, &mut sorted, &before, strip, &mut lines);
                assert!(uncertain.count_ones() < 16);
                nhole += lines.holes().len();
                for (lane, column) in columns.iter().enumerate() {
                    let mut expected = column.clone();
                    for hole in lines.holes().iter().filter(|hole| hole.lane == lane) {
                        let same = |sample: &f32| sample.total_cmp(&hole.sample).is_eq();
                        let at = expected.iter().position(same).expect("it was there");
                        expected[at] = f32::ABSENT;
                    }
                    expected.sort_by(f32::total_cmp);
                    let now: Vec<f32> = sorted.iter().map(|row| row.0[lane]).collect();
                    assert_eq!(now, expected, "{width} {lane}");
                    assert!(left.from[lane] <= left.to[lane]);
                    assert!(
                        (left.to[lane] as usize)
                            <= expected.iter().filter(|y| y.is_present()).count()
                    );
                }
            }
            assert!(nhole > 0);
        }
    }
}
