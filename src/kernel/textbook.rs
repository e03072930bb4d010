//! Each kernel for one pixel, as a textbook has it: slow, plain, and what the tests compare with.

use super::{Centre, Reach, Sample};

/// Absent samples are +∞ already; −0 becomes +0.
pub(super) fn sort<T: Sample>(samples: &[T]) -> Vec<T> {
    let mut sorted: Vec<T> = samples.to_vec();
    for sample in &mut sorted {
        if *sample == T::from(0_u8) {
            *sample = T::from(0_u8);
        }
    }
    sorted.sort_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
    sorted
}

pub(super) fn present<T: Sample>(samples: &[T]) -> Vec<T> {
    let there = |sample: &&T| sample.to_f64() < f64::INFINITY;
    samples.iter().filter(there).copied().collect()
}

pub(super) fn sum<T: Sample>(samples: &[T]) -> f64 {
    samples.iter().fold(0.0, |sum, y| sum + y.to_f64())
}

pub(super) fn squares<T: Sample>(samples: &[T], centre: f64) -> f64 {
    let term = |y: &T| (y.to_f64() - centre) * (y.to_f64() - centre);
    samples.iter().fold(0.0, |sum, y| sum + term(y))
}

pub(super) fn distances<T: Sample>(samples: &[T], centre: f64) -> f64 {
    let term = |y: &T| (y.to_f64() - centre).abs();
    samples.iter().fold(0.0, |sum, y| sum + term(y))
}

/// Of numbers in any order: the middle one, or the mean of the middle two.
#[expect(
    clippy::manual_midpoint,
    reason = "the twin of a kernel that takes the midpoint"
)]
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    match numbers.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => numbers[n / 2],
        n => {
            let (low, high) = (numbers[n / 2 - 1], numbers[n / 2]);
            if (low + high).is_finite() {
                (low + high) / 2.0
            } else {
                low / 2.0 + high / 2.0
            }
        }
    }
}

pub(super) fn median_of<T: Sample>(samples: &[T]) -> f64 {
    median(samples.iter().map(|y| y.to_f64()).collect())
}

pub(super) fn median_distance<T: Sample>(samples: &[T], centre: f64) -> f64 {
    let distance = |y: &T| (y.to_f64() - centre).abs();
    median(samples.iter().map(distance).collect())
}

/// The bounds of a clip by standard deviation.
pub(super) fn bounds<T: Sample>(samples: &[T], (centre, reach): (Centre, &Reach)) -> (f64, f64) {
    let n = samples.len() as f64;
    let mean = sum(samples) / n;
    let deviation = (squares(samples, mean) / n).sqrt().max(reach.floor);
    let centre = match centre {
        Centre::Mean => mean,
        Centre::Median => median_of(samples),
    };
    let distance = |factor: f64| {
        if factor.is_finite() {
            factor * deviation
        } else {
            f64::INFINITY
        }
    };
    (centre - distance(reach.low), centre + distance(reach.high))
}

/// What a clip leaves of the kept rows `from..to` of sorted samples.
pub(super) fn clip<T: Sample>(
    sorted: &[T],
    (mut from, mut to): (usize, usize),
    low: f64,
    high: f64,
) -> (usize, usize) {
    while from < to && sorted[from].to_f64() < low {
        from += 1;
    }
    while from < to && sorted[to - 1].to_f64() > high {
        to -= 1;
    }
    (from, to)
}

/// Which samples are kept when, of all ranked by value and then by frame, those of rank `from..to` are.
pub(super) fn kept_by_rank<T: Sample>(samples: &[T], from: usize, to: usize) -> Vec<bool> {
    let mut frames: Vec<usize> = (0..samples.len()).collect();
    frames.sort_by(|a, b| {
        let (a, b) = (samples[*a].to_f64(), samples[*b].to_f64());
        a.partial_cmp(&b).expect("samples are never NaN")
    });
    let mut kept = vec![false; samples.len()];
    for frame in &frames[from..to] {
        kept[*frame] = true;
    }
    kept
}

/// Which samples lie within bounds, ties by frame order.
pub(super) fn kept_by_value<T: Sample>(
    samples: &[T],
    (low, high): (T, T),
    (low_ties, high_ties): (u32, u32),
) -> Vec<bool> {
    let (mut seen_low, mut seen_high) = (0, 0);
    let mut kept = Vec::new();
    for sample in samples {
        let mut keep = *sample >= low && *sample <= high;
        if *sample == low {
            keep = keep && seen_low >= low_ties;
            seen_low += 1;
        }
        if *sample == high {
            keep = keep && seen_high < high_ties;
            seen_high += 1;
        }
        kept.push(keep);
    }
    kept
}

/// Σ w, Σ w·y, and the number of positive weights.
pub(super) fn weighted<T: Sample>(
    samples: &[T],
    weights: &[f64],
    kept: &[bool],
) -> (f64, f64, u32) {
    let (mut weight, mut sum, mut count) = (0.0, 0.0, 0);
    for frame in (0..samples.len()).filter(|frame| kept[*frame]) {
        weight += weights[frame];
        sum += weights[frame] * samples[frame].to_f64();
        count += u32::from(weights[frame] > 0.0);
    }
    (weight, sum, count)
}

/// Σ (w·(y − centre))².
pub(super) fn weighted_squares<T: Sample>(
    samples: &[T],
    weights: &[f64],
    kept: &[bool],
    centre: f64,
) -> f64 {
    let mut sum = 0.0;
    for frame in (0..samples.len()).filter(|frame| kept[*frame]) {
        let apart = weights[frame] * (samples[frame].to_f64() - centre);
        sum += apart * apart;
    }
    sum
}
