//! Sums over sorted rows, and over all rows, against the textbook.

use super::super::*;
use super::draw::{Drawn, column};
use super::{same, sorted_rows, textbook};

pub(super) fn check<T: Sample>(width: Width, drawn: &Drawn<T>) {
    let sorted = sorted_rows(width, drawn);
    for kept in &drawn.kept {
        let sum = sum_kept(width, &sorted, kept);
        let squares = squares_kept(width, &sorted, kept, &drawn.centre);
        let distances = distances_kept(width, &sorted, kept, &drawn.centre);
        for lane in 0..LANES {
            let all = column(&sorted, lane);
            let kept = &all[kept.from[lane] as usize..kept.to[lane] as usize];
            let (place, centre) = ((all.len(), lane), drawn.centre[lane]);
            same(sum[lane], textbook::sum(kept), "sum", width, place);
            same(
                squares[lane],
                textbook::squares(kept, centre),
                "squares",
                width,
                place,
            );
            same(
                distances[lane],
                textbook::distances(kept, centre),
                "distances",
                width,
                place,
            );
        }
    }
    let whole = |row: &&Row<T>| row.0.iter().all(|sample| *sample < T::ABSENT);
    let rows: Vec<Row<T>> = drawn.rows.iter().filter(whole).copied().collect();
    let sum = sum_all(width, &rows);
    let squares = squares_all(width, &rows, &drawn.centre);
    for lane in 0..LANES {
        let (all, place) = (column(&rows, lane), (rows.len(), lane));
        same(sum[lane], textbook::sum(&all), "sum of all", width, place);
        let twin = textbook::squares(&all, drawn.centre[lane]);
        same(squares[lane], twin, "squares of all", width, place);
    }
}
