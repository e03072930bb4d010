//! What the tests hold the room against: mean, median and mode by the book, all samples of a frame in memory; and noise to
//! make frames of.

use super::Wanted;
use crate::shape::Shape;

/// All that can be wanted but the noise.
pub(super) const ALL: Wanted = Wanted {
    mean: true,
    median: true,
    mode: true,
    mad: true,
    noise: None,
};

/// What may be wanted of frames with rows of this length: every choice of the first three, but nothing, and some with the others.
pub(super) fn choices(shape: Shape) -> impl Iterator<Item = Wanted> {
    let chosen = move |bits: u32| Wanted {
        mean: bits & 1 > 0,
        median: bits & 2 > 0,
        mode: bits & 4 > 0,
        mad: bits & 8 > 0,
        noise: (bits & 16 > 0).then_some(shape),
    };
    (1..9).chain([14, 16, 31]).map(chosen)
}

/// What a frame measures by the book.
#[derive(Clone, Copy, Debug)]
pub(super) struct Book {
    pub(super) mean: f64,
    pub(super) median: f64,
    pub(super) mode: f64,
    pub(super) mad: f64,
    pub(super) noise: f64,
    pub(super) npresent: u64,
}

/// Measures a frame; `None` where nothing is present.
pub(super) fn plain(frame: &[f64], ncol: usize) -> Option<Book> {
    let mut total = 0.0;
    for row in frame.chunks(ncol.max(1)) {
        let mut sum = 0.0;
        for sample in row.iter().filter(|sample| sample.is_finite()) {
            sum += sample;
        }
        total += sum;
    }
    let mut sorted: Vec<f64> = frame
        .iter()
        .copied()
        .filter(|sample| sample.is_finite())
        .map(|s| s + 0.0)
        .collect();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len();
    let median = middle(&sorted)?;
    let distance = |sample: &f64| (sample - median).abs().min(f64::MAX);
    let mut distances: Vec<f64> = sorted.iter().map(distance).collect();
    distances.sort_by(f64::total_cmp);
    let mode = plain_mode(frame, ncol, &sorted).unwrap_or(median);
    Some(Book {
        mean: total / n as f64,
        median,
        mode,
        mad: 1.482_602_218_505_602 * middle(&distances)?,
        noise: plain_noise(frame, ncol),
        npresent: n as u64,
    })
}

/// The middle of numbers in order, or the mean of the middle two; `None` of none.
fn middle(sorted: &[f64]) -> Option<f64> {
    let n = sorted.len();
    let low = sorted.get(n.checked_sub(1)? / 2)?;
    Some(f64::midpoint(*low, sorted[n / 2]))
}

/// The noise by the book.
fn plain_noise(frame: &[f64], ncol: usize) -> f64 {
    let mut rows = Vec::new();
    for row in frame.chunks(ncol) {
        let present: Vec<f64> = row.iter().copied().filter(|x| x.is_finite()).collect();
        let told = present
            .windows(5)
            .filter(|w| w.iter().any(|x| x.to_bits() != w[0].to_bits()));
        let d: Vec<f64> = told.map(|w| (2.0 * w[2] - w[0] - w[4]).abs()).collect();
        let mut sorted = d.clone();
        sorted.sort_by(f64::total_cmp);
        let half = d.len().div_ceil(2);
        if let Some(&highest) = sorted.get(half.wrapping_sub(1)) {
            let below = || d.iter().filter(|d| **d < highest);
            let ties = (half - below().count()) as f64;
            rows.push((below().sum::<f64>() + ties * highest) / half as f64);
        }
    }
    rows.sort_by(f64::total_cmp);
    middle(&rows).map_or(0.0, |middle| 1.257_453_122_584_915 * middle)
}

/// The mode by the book; `None` for fewer than 10 samples.
fn plain_mode(frame: &[f64], ncol: usize, sorted: &[f64]) -> Option<f64> {
    let n = Some(sorted.len()).filter(|&n| n >= 10)?;
    let (low, high) = (sorted[15 * n / 100], sorted[85 * n / 100]);
    if low >= high {
        return Some(low);
    }
    let unit = if low.abs().max(high.abs()) > 2_f64.powi(900) {
        2_f64.powi(-64)
    } else {
        1.0
    };
    let edges: Vec<f64> = (0..100).map(f64::from).collect();
    let cell = |sample: f64| {
        let place = 100.0 * (sample * unit - low * unit) / (high * unit - low * unit);
        (low <= sample && sample <= high).then(|| edges.partition_point(|&edge| edge <= place) - 1)
    };
    let mut counts = [0; 100];
    for found in frame.iter().filter_map(|&sample| cell(sample)) {
        counts[found] += 1;
    }
    let count = |bin: usize| counts[bin..bin + 10].iter().sum::<u32>();
    let mut fullest = 0;
    for bin in 0..=90 {
        fullest = if count(bin) > count(fullest) {
            bin
        } else {
            fullest
        };
    }
    let inside =
        |&&sample: &&f64| cell(sample).is_some_and(|cell| (fullest..fullest + 10).contains(&cell));
    let mut total = 0.0;
    for row in frame.chunks(ncol) {
        let mut sum = 0.0;
        for sample in row.iter().filter(inside) {
            sum += sample * unit;
        }
        total += sum;
    }
    Some(total / f64::from(count(fullest)) / unit)
}

/// Deterministic noise: a number from 0 to 1 for each index.
pub(super) fn noise(i: usize) -> f64 {
    let mut bits = (i as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((bits ^ (bits >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}
