//! Clips by standard deviation against the textbook, iteration by iteration.

use super::super::*;
use super::draw::{Drawn, column};
use super::{sorted_rows, textbook};

/// Iterations that are followed.
const NROUND: usize = 12;

/// Reaches with bounds on either side, on one, with a floor, and such as ties lie exactly upon.
const REACHES: [Reach; 5] = [
    reach(3.0, 3.0, 0.0),
    reach(1.0, 1.0, 0.0),
    reach(1.5, 2.5, 0.0),
    reach(f64::INFINITY, 2.0, 0.0),
    reach(0.5, 3.0, 1.0),
];

const fn reach(low: f64, high: f64, floor: f64) -> Reach {
    Reach { low, high, floor }
}

pub(super) fn check<T: Sample>(width: Width, drawn: &Drawn<T>) {
    let sorted = sorted_rows(width, drawn);
    for reach in &REACHES {
        check_values(width, &drawn.rows, reach);
        for kept in [&drawn.kept[0], &drawn.kept[2]] {
            for centre in [Centre::Mean, Centre::Median] {
                check_ranks(width, &sorted, kept, (centre, reach));
            }
        }
    }
}

fn check_ranks<T: Sample>(width: Width, sorted: &[Row<T>], kept: &Kept, how: (Centre, &Reach)) {
    let (mut kept, mut open) = (*kept, *kept);
    let mut spread = Spread::of_ranks(width, sorted, &kept);
    for round in 0..NROUND {
        let before = kept;
        let changed = spread.clip_ranks(width, sorted, &mut kept, &mut open, how);
        assert_eq!(changed, kept != before, "changed, {width}, {how:?}");
        let twin = kept.where_changed(&before);
        for lane in 0..LANES {
            let (is, twin) = (open.rows(lane), twin.rows(lane));
            assert!(
                is == twin || is.is_empty() && twin.is_empty(),
                "open, {width}, {how:?}"
            );
        }
        for lane in 0..LANES {
            let all = column(sorted, lane);
            let ends = (before.from[lane] as usize, before.to[lane] as usize);
            let (low, high) = textbook::bounds(&all[ends.0..ends.1], how);
            let twin = textbook::clip(&all, ends, low, high);
            let is = (kept.from[lane] as usize, kept.to[lane] as usize);
            let place = (all.len(), lane, round);
            assert_eq!(is, twin, "ranks, {width}, {how:?}, {place:?}");
        }
        if !changed {
            return;
        }
    }
}

fn check_values<T: Sample>(width: Width, rows: &[Row<T>], reach: &Reach) {
    let mut kept = Between::all(count_present(width, rows));
    let mut dropped = Dropped::none();
    let mut open = [true; LANES];
    let mut spread = Spread::of_values(width, rows, &kept);
    let mut twins: Vec<Vec<T>> = (0..LANES)
        .map(|lane| textbook::present(&column(rows, lane)))
        .collect();
    for round in 0..NROUND {
        let below = kept.below;
        let both = (&mut kept, &mut dropped);
        let changed = spread.clip_values(width, rows, both, &mut open, reach);
        let mut any = false;
        for (lane, twin) in twins.iter_mut().enumerate() {
            let place = (rows.len(), lane, round);
            let (low, high) = textbook::bounds(twin, (Centre::Mean, reach));
            let nbelow = twin.iter().filter(|y| y.to_f64() < low).count();
            let before = twin.len();
            twin.retain(|y| !(y.to_f64() < low || y.to_f64() > high));
            let range = kept.bounds.low.0[lane]..=kept.bounds.high.0[lane];
            let mut is = textbook::present(&column(rows, lane));
            is.retain(|y| range.contains(y));
            assert_eq!(&is, twin, "values, {width}, {reach:?}, {place:?}");
            assert_eq!(kept.count[lane] as usize, twin.len(), "count, {place:?}");
            assert_eq!(
                (kept.below[lane] - below[lane]) as usize,
                nbelow,
                "{place:?}"
            );
            assert_eq!(open[lane], twin.len() < before, "open, {width}, {place:?}");
            any |= open[lane];
        }
        if let Some(list) = dropped.list() {
            let gone = |&(row, lane): &(usize, usize)| {
                let sample = rows[row].0[lane];
                let range = kept.bounds.low.0[lane]..=kept.bounds.high.0[lane];
                sample < T::ABSENT && !range.contains(&sample)
            };
            let places = (0..rows.len()).flat_map(|row| (0..LANES).map(move |lane| (row, lane)));
            let mut list: Vec<_> = list.collect();
            list.sort_unstable();
            assert_eq!(
                list,
                places.filter(gone).collect::<Vec<_>>(),
                "dropped, {width}"
            );
        }
        assert_eq!(changed, any, "changed, {width}");
        if !changed {
            return;
        }
    }
}
