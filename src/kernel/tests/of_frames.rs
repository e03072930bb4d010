//! Passes over unsorted rows against the textbook.

use super::super::*;
use super::draw::Drawn;
use super::{same, sorted_rows, textbook};

pub(super) fn check<T: Sample>(width: Width, drawn: &Drawn<T>) {
    let sorted = sorted_rows(width, drawn);
    let mut tried = vec![Bounds::all(), Bounds::none(), ties_of_one_value(drawn)];
    tried.extend(drawn.kept.iter().map(|kept| bounds_of_kept(&sorted, kept)));
    for (index, bounds) in tried.iter().enumerate() {
        check_sums(width, drawn, bounds);
        check_weights(width, drawn, bounds);
        check_rejected(width, drawn, &tried[index / 2], bounds);
    }
}

/// Keeps one value, and of the samples that equal it those from the second to the third.
fn ties_of_one_value<T: Sample>(drawn: &Drawn<T>) -> Bounds<T> {
    let mut value = drawn.rows[drawn.rows.len() / 2];
    for sample in &mut value.0 {
        if *sample == T::ABSENT {
            *sample = T::MAX;
        }
    }
    Bounds {
        low: value,
        high: value,
        low_ties: [1; LANES],
        high_ties: [3; LANES],
    }
}

fn kept_of<T: Sample>(samples: &[T], bounds: &Bounds<T>, lane: usize) -> Vec<bool> {
    let ends = (bounds.low.0[lane], bounds.high.0[lane]);
    textbook::kept_by_value(
        samples,
        ends,
        (bounds.low_ties[lane], bounds.high_ties[lane]),
    )
}

fn check_sums<T: Sample>(width: Width, drawn: &Drawn<T>, bounds: &Bounds<T>) {
    let sum = sum_between(width, &drawn.rows, bounds);
    let squares = squares_between(width, &drawn.rows, bounds, &drawn.centre);
    for lane in 0..LANES {
        let samples = drawn.lane(lane);
        let mut kept = kept_of(&samples, bounds, lane).into_iter();
        let survivors: Vec<T> = samples
            .into_iter()
            .filter(|_| kept.next() == Some(true))
            .collect();
        let place = (drawn.rows.len(), lane);
        same(
            sum[lane],
            textbook::sum(&survivors),
            "sum between",
            width,
            place,
        );
        let twin = textbook::squares(&survivors, drawn.centre[lane]);
        same(squares[lane], twin, "squares between", width, place);
    }
}

fn check_weights<T: Sample>(width: Width, drawn: &Drawn<T>, bounds: &Bounds<T>) {
    let (rows, weights) = (&drawn.rows, &drawn.weights);
    let of_samples: Vec<Row<f64>> = rows
        .iter()
        .zip(weights)
        .map(|(row, weight)| {
            Row(row
                .0
                .map(|y| if y < T::ABSENT { *weight } else { f64::NAN }))
        })
        .collect();
    for weights in [Weights::PerFrame(weights), Weights::PerSample(&of_samples)] {
        let sums = weighted_between(width, rows, weights, bounds);
        let squares = weighted_squares_between(width, rows, weights, bounds, &drawn.centre);
        for (lane, squares) in squares.iter().enumerate() {
            let (samples, place) = (drawn.lane(lane), (rows.len(), lane));
            let kept = kept_of(&samples, bounds, lane);
            let (weight, sum, count) = textbook::weighted(&samples, &drawn.weights, &kept);
            same(sums.weight[lane], weight, "weights", width, place);
            same(sums.sum[lane], sum, "weighted sum", width, place);
            assert_eq!(
                sums.count[lane], count,
                "weighted count, {width}, {place:?}"
            );
            let centre = drawn.centre[lane];
            let twin = textbook::weighted_squares(&samples, &drawn.weights, &kept, centre);
            same(*squares, twin, "weighted squares", width, place);
        }
    }
}

fn check_rejected<T: Sample>(
    width: Width,
    drawn: &Drawn<T>,
    before: &Bounds<T>,
    after: &Bounds<T>,
) {
    let mut rejected = vec![7; drawn.rows.len()];
    let mut twin = rejected.clone();
    count_rejected(width, &drawn.rows, before, after, &mut rejected);
    for lane in 0..LANES {
        let samples = drawn.lane(lane);
        let (was, is) = (
            kept_of(&samples, before, lane),
            kept_of(&samples, after, lane),
        );
        for (twin, (was, is)) in twin.iter_mut().zip(was.into_iter().zip(is)) {
            *twin += u64::from(was && !is);
        }
    }
    assert_eq!(rejected, twin, "rejected, {width}");
}
