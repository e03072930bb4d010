//! What a clip step took of a block, noted sample by sample.

use super::super::page::Column;
use super::marks::{HIGH, LOW, note_of};
use crate::kernel::{Between, Kept, LANES, Row, Sample};
use crate::recipe::{Clip, Family};

/// Marks of a block: a row a frame; none where nothing is noted.
type Block = [[u8; LANES]];

/// What is noted of the samples that a step takes on its low side and on its high side.
fn sides(clip: &Clip) -> [u8; 2] {
    [true, false].map(|low| note_of(Family::of(clip), low))
}

/// Notes the samples that lie outside bounds in their own units.
pub(in super::super) fn note_bounds<T: Sample>(
    marks: &mut Block,
    rows: &[Row<T>],
    (least, most): (T, T),
) {
    for (mark, row) in marks.iter_mut().zip(rows) {
        for (mark, sample) in mark.iter_mut().zip(row.0) {
            if *mark == 0 && sample.is_present() {
                *mark = if sample < least {
                    LOW
                } else if sample > most {
                    HIGH
                } else {
                    0
                };
            }
        }
    }
}

/// Notes the samples that a step took, where what it left lies between values.
pub(in super::super) fn note_between<T: Sample>(
    marks: &mut Block,
    rows: &[Row<T>],
    kept: &Between<T>,
    clip: &Clip,
) {
    let [below, above] = sides(clip);
    for (mark, row) in marks.iter_mut().zip(rows) {
        for (lane, mark) in mark.iter_mut().enumerate() {
            let sample = row.0[lane];
            if *mark == 0 && sample.is_present() {
                *mark = if sample < kept.bounds.low.0[lane] {
                    below
                } else if sample > kept.bounds.high.0[lane] {
                    above
                } else {
                    0
                };
            }
        }
    }
}

/// Notes the samples that a step took, where what it left is an interval of the sorted ones; of equal samples the earlier frame is lower.
pub(in super::super) fn note_ranks<T: Sample>(
    marks: &mut Block,
    rows: &[Row<T>],
    (sorted, kept): (&[Row<T>], &Kept),
    clip: &Clip,
) {
    if marks.is_empty() {
        return;
    }
    let [below, above] = sides(clip);
    let lowest: [_; LANES] = std::array::from_fn(|lane| {
        let rank = kept.from[lane] as usize;
        let edge = rank.checked_sub(1).map(|rank| sorted[rank].0[lane]);
        edge.map(|edge| (edge, equal(sorted, lane, rank, edge)))
    });
    let highest: [_; LANES] = std::array::from_fn(|lane| {
        let rank = kept.to[lane] as usize;
        let edge = sorted.get(rank).map(|row| row.0[lane]);
        edge.map(|edge| (edge, equal(sorted, lane, rank, edge)))
    });
    let mut seen = [[0; 2]; LANES];
    for (mark, row) in marks.iter_mut().zip(rows) {
        for (lane, mark) in mark.iter_mut().enumerate() {
            let sample = row.0[lane];
            if !sample.is_present() {
                continue;
            }
            let mut is_low = false;
            if let Some((edge, ties)) = lowest[lane] {
                is_low = sample < edge || sample == edge && seen[lane][0] < ties;
                seen[lane][0] += usize::from(sample == edge);
            }
            let mut is_high = false;
            if let Some((edge, ties)) = highest[lane] {
                is_high = sample > edge || sample == edge && seen[lane][1] >= ties;
                seen[lane][1] += usize::from(sample == edge);
            }
            if *mark == 0 && (is_low || is_high) {
                *mark = if is_low { below } else { above };
            }
        }
    }
}

/// How many samples before this rank equal `edge`.
fn equal<T: Sample>(sorted: &[Row<T>], lane: usize, rank: usize, edge: T) -> usize {
    let before = sorted[..rank].iter().rev();
    before.take_while(|row| row.0[lane] == edge).count()
}

/// Notes what the page took of the pixel of a lane, in the place of what was noted of it; so many steps of its own lead the chain.
pub(in super::super) fn note_page(
    marks: &mut Block,
    (lane, nleading): (usize, usize),
    column: &Column,
    clip: &[Clip],
) {
    for (frame, mark) in marks.iter_mut().enumerate() {
        match column.page.taken[frame] {
            Some((step, low)) => {
                let [below, above] = match step as usize {
                    step if step < nleading => [LOW, HIGH],
                    step => sides(&clip[step]),
                };
                mark[lane] = if low { below } else { above };
            }
            // What led the chain took is no longer there.
            None if column.y[frame].is_finite() => mark[lane] = 0,
            None => {}
        }
    }
}
