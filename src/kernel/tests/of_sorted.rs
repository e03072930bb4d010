//! Sorting, order statistics, clips and bounds against the textbook.

use super::super::*;
use super::draw::{Drawn, column};
use super::{same, sorted_rows, textbook};

pub(super) fn check<T: Sample>(width: Width, drawn: &Drawn<T>) {
    let sorted = sorted_rows(width, drawn);
    let present = Kept::present(&sorted);
    assert_eq!(present, drawn.kept[0], "present, {width}");
    assert_eq!(
        count_present(width, &drawn.rows),
        present.count(),
        "present, {width}"
    );
    for lane in 0..LANES {
        let twin = textbook::sort(&drawn.lane(lane));
        for (frame, (sample, twin)) in column(&sorted, lane).iter().zip(&twin).enumerate() {
            same(sample.to_f64(), twin.to_f64(), "sort", width, (frame, lane));
        }
    }
    for kept in &drawn.kept {
        check_kept(width, drawn, &sorted, kept);
    }
}

fn check_kept<T: Sample>(width: Width, drawn: &Drawn<T>, sorted: &[Row<T>], kept: &Kept) {
    let median = median_kept(sorted, kept);
    let centred = median_distance_kept(width, sorted, kept, &median);
    let off_centre = median_distance_kept(width, sorted, kept, &drawn.centre);
    let mut bound = centred;
    for (bound, median) in bound.iter_mut().zip(&median) {
        *bound *= if *median > 500.0 { 1.0 } else { 0.0 };
    }
    let low: [f64; LANES] = std::array::from_fn(|lane| median[lane] - bound[lane]);
    let high: [f64; LANES] = std::array::from_fn(|lane| drawn.centre[lane] + bound[lane]);
    let mut clipped = *kept;
    let changed = clip_kept(sorted, &mut clipped, &low, &high);
    assert_eq!(changed, clipped != *kept, "clip, {width}");
    let open = clipped.where_changed(kept);
    let bounds = bounds_of_kept(sorted, kept);
    for lane in 0..LANES {
        let all = column(sorted, lane);
        let (from, to) = (kept.from[lane] as usize, kept.to[lane] as usize);
        let place = (all.len(), lane);
        let twin = textbook::median_of(&all[from..to]);
        same(median[lane], twin, "median", width, place);
        let twin = textbook::median_distance(&all[from..to], twin);
        same(centred[lane], twin, "median distance", width, place);
        let twin = textbook::median_distance(&all[from..to], drawn.centre[lane]);
        same(
            off_centre[lane],
            twin,
            "median distance from elsewhere",
            width,
            place,
        );
        let twin = textbook::clip(&all, (from, to), low[lane], high[lane]);
        let is = (clipped.from[lane] as usize, clipped.to[lane] as usize);
        assert_eq!(is, twin, "clip, {width}, {place:?}");
        let count = if is == (from, to) { 0 } else { is.1 - is.0 };
        assert_eq!(
            open.count()[lane] as usize,
            count,
            "changed, {width}, {place:?}"
        );
        let samples = drawn.lane(lane);
        let ends = (bounds.low.0[lane], bounds.high.0[lane]);
        let ties = (bounds.low_ties[lane], bounds.high_ties[lane]);
        let by_value = textbook::kept_by_value(&samples, ends, ties);
        let by_rank = textbook::kept_by_rank(&samples, from, to);
        assert_eq!(by_value, by_rank, "bounds, {width}, {place:?}");
    }
}
