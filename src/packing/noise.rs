//! The noise of a row, from differences of its pixels near each other, in which what is smooth cancels out.
//!
//! Source: CFITSIO, `FnNoise5_double`; Stoehr et al. 2008, ST-ECF Newsletter 42.

/// Pixels that the widest difference spans.
const SPAN: usize = 9;

/// The least of three estimates of the standard deviation of the noise, from differences of second, third and fifth order; 0 where there
/// are too few pixels, or where all are alike. Runs of equal pixels do not count. `differences` is room for as many numbers as values.
pub(super) fn noise(values: &[f64], differences: &mut Vec<f64>) -> f64 {
    let flat = |pixels: &[f64]| {
        pixels
            .windows(2)
            .all(|pair| pair[0].total_cmp(&pair[1]).is_eq())
    };
    let mut estimate = |factor: f64, from: usize, difference: &dyn Fn(&[f64; SPAN]) -> f64| {
        differences.clear();
        let windows = values.array_windows::<SPAN>();
        let rough = windows.filter(|pixels| !flat(&pixels[from..7]));
        differences.extend(rough.map(|pixels| difference(pixels).abs()));
        factor * median(differences)
    };
    let second = estimate(1.048_357_9, 4, &|p| p[4] - p[6]);
    let third = estimate(0.605_269_7, 2, &|p| 2.0 * p[4] - p[2] - p[6]);
    let fifth = estimate(0.177_204_8, 2, &|p| {
        6.0 * p[4] - 4.0 * p[2] - 4.0 * p[6] + p[0] + p[8]
    });
    let mut least = third;
    for other in [second, fifth] {
        if other != 0.0 && other < least {
            least = other;
        }
    }
    least
}

/// The middle number, of two the lower; 0 of none.
fn median(numbers: &mut [f64]) -> f64 {
    if numbers.is_empty() {
        return 0.0;
    }
    let middle = (numbers.len() - 1) / 2;
    *numbers.select_nth_unstable_by(middle, f64::total_cmp).1
}
