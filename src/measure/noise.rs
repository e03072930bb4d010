//! The noise of a frame, from differences of samples near each other in a row, in which the sky and its gradients cancel
//! out and of which stars, cosmic rays and bad columns spoil only few.
//!
//! Of each five successive present samples of a row, d = |2c − a − e|, a, c and e being the first, the middle and the last.
//! Where all five are the same they tell nothing and do not count: a border filled with zeros, saturated stars. The measure
//! of a row is the mean of the lower half of its d, that of the frame the median over its rows that have any, times the
//! factor that makes it the standard deviation of noise of a Gauss curve.
//!
//! Source: CFITSIO, `FnNoise3`; Stoehr et al. 2008, ST-ECF Newsletter 42. They take the median of d. Of whole numbers it
//! is a whole number itself: noise of 1.5 and of 2 then measures the same. The mean of the lower half is as deaf to outliers
//! and as sharp (0.7 % for 200 × 300 pixels), and changes smoothly (Rousseeuw and Croux 1993, J. Am. Stat. Assoc. 88, 1273:
//! their T averages a lower half in place of a median for that reason).

use crate::shape::Shape;

/// Samples that a difference spans.
const SPAN: usize = 5;

/// 1 / (√6 · 2 · 2(φ(0) − φ(q))), φ the Gauss curve and q = 0.674… its 75 % point: 2(φ(0) − φ(q)) is what the half of |z|
/// below q adds to its mean, and √6 times the noise is that of d.
const TO_SIGMA: f64 = 1.257_453_122_584_915;

/// The differences of a row, and the measures of rows.
#[derive(Debug)]
pub(super) struct RowNoise {
    differences: Vec<f64>,
    /// The same, in an order that serves to find the middle one.
    ranked: Vec<f64>,
    rows: Vec<f64>,
}

impl RowNoise {
    /// Memory for sections of this shape.
    pub(super) fn new(shape: Shape) -> Self {
        Self {
            differences: Vec::with_capacity(shape.ncol),
            ranked: Vec::with_capacity(shape.ncol),
            rows: Vec::with_capacity(shape.nrow),
        }
    }

    /// The bytes that `new` allocates.
    pub(super) fn nbyte(shape: Shape) -> usize {
        (2 * shape.ncol + shape.nrow) * size_of::<f64>()
    }

    /// The bytes that it holds now.
    #[cfg(test)]
    pub(super) fn nbyte_held(&self) -> usize {
        let Self {
            differences,
            ranked,
            rows,
        } = self;
        (differences.capacity() + ranked.capacity() + rows.capacity()) * size_of::<f64>()
    }

    /// Forgets the frame before.
    pub(super) fn begin(&mut self) {
        self.rows.clear();
    }

    /// Adds `nsample` samples, whole rows of `ncol`; `sample(i)` is the i-th, +∞ where it is absent.
    #[inline(always)]
    pub(super) fn add(&mut self, nsample: usize, ncol: usize, sample: impl Fn(usize) -> f64) {
        for first in (0..nsample).step_by(ncol.max(1)) {
            let samples = (first..first + ncol).map(&sample);
            self.add_row(samples.filter(|sample| *sample < f64::INFINITY));
        }
    }

    /// Adds a row, of which these samples are present.
    fn add_row(&mut self, samples: impl Iterator<Item = f64>) {
        let mut last = [f64::NAN; SPAN];
        // How many samples were the same up to here.
        let (mut nsample, mut same) = (0, 0);
        self.differences.clear();
        for sample in samples {
            same = if sample.total_cmp(&last[SPAN - 1]).is_eq() {
                same + 1
            } else {
                1
            };
            last.rotate_left(1);
            last[SPAN - 1] = sample;
            nsample += 1;
            if nsample >= SPAN && same < SPAN {
                let [a, _, c, _, e] = last;
                self.differences.push((2.0 * c - a - e).abs());
            }
        }
        self.rows
            .extend(lower_mean(&self.differences, &mut self.ranked));
    }

    /// The standard deviation of the noise; 0 where no row tells anything.
    pub(super) fn sigma(&mut self) -> f64 {
        let n = self.rows.len();
        if n == 0 {
            return 0.0;
        }
        self.rows.sort_unstable_by(f64::total_cmp);
        TO_SIGMA * f64::midpoint(self.rows[(n - 1) / 2], self.rows[n / 2])
    }
}

/// The mean of the lower half of these numbers, the middle one of an odd number included; `None` of none.
///
/// Those below the highest of them are summed in their order, so that the sum does not depend on how that one is found.
fn lower_mean(numbers: &[f64], ranked: &mut Vec<f64>) -> Option<f64> {
    let half = numbers.len().div_ceil(2);
    let highest = half.checked_sub(1)?;
    ranked.clear();
    ranked.extend(numbers);
    let highest = *ranked.select_nth_unstable_by(highest, f64::total_cmp).1;
    let (mut sum, mut nbelow) = (0.0, 0);
    for &number in numbers {
        let below = number < highest;
        sum += if below { number } else { 0.0 };
        nbelow += usize::from(below);
    }
    Some((sum + (half - nbelow) as f64 * highest) / half as f64)
}

#[cfg(test)]
mod tests {
    use super::super::plain::noise;
    use super::*;

    /// The noise of rows of so many samples.
    fn sigma(samples: &[f64], ncol: usize) -> f64 {
        let nrow = samples.len() / ncol;
        let mut gauge = RowNoise::new(Shape { nrow, ncol });
        gauge.begin();
        gauge.add(samples.len(), ncol, |i| samples[i]);
        gauge.sigma()
    }

    /// Nearly a Gauss curve of deviation 1: twelve even numbers less 6.
    fn gauss(i: usize) -> f64 {
        (0..12).map(|k| noise(12 * i + k)).sum::<f64>() - 6.0
    }

    fn frame(sample: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        (0..200 * 100).map(|i| sample(i / 100, i % 100)).collect()
    }

    #[test]
    fn noise_measures_what_it_is_on_a_slope_under_stars_and_rays_and_in_whole_numbers() {
        let drawn = |row: usize, col: usize| gauss(100 * row + col);
        for deviation in [1.5, 2.0, 3.0, 40.0] {
            let plain = frame(|row, col| deviation * drawn(row, col));
            let slope =
                frame(|row, col| deviation * drawn(row, col) + 3.0 * col as f64 + row as f64);
            let spoiled = frame(|row, col| {
                let star = (row * 31 + col * 17) % 97 < 7;
                deviation * drawn(row, col) + if star { 5000.0 } else { 0.0 }
            });
            let whole = frame(|row, col| (deviation * drawn(row, col)).round());
            for (name, samples, most) in [
                ("plain", plain, 0.04),
                ("slope", slope, 0.04),
                ("stars", spoiled, 0.35),
                ("whole", whole, 0.05),
            ] {
                let found = sigma(&samples, 100) / deviation;
                assert!((found - 1.0).abs() < most, "{name} {deviation}: {found}");
            }
        }
    }

    #[test]
    fn what_is_absent_is_passed_over_and_what_is_all_the_same_tells_nothing() {
        let drawn = frame(|row, col| gauss(100 * row + col));
        let bordered: Vec<f64> = drawn
            .chunks(100)
            .flat_map(|row| {
                let border = std::iter::repeat_n(0.0, 80);
                let gap = std::iter::repeat_n(f64::INFINITY, 7);
                border.chain(gap).chain(row.iter().copied())
            })
            .collect();
        let (plain, bordered) = (sigma(&drawn, 100), sigma(&bordered, 187));
        assert!((bordered / plain - 1.0).abs() < 0.05, "{plain} {bordered}");
        assert_eq!(sigma(&[7.0; 60], 20).to_bits(), 0);
        assert_eq!(sigma(&[1.0, 2.0, 3.0, 9.0], 4).to_bits(), 0);
        assert_eq!(sigma(&[f64::INFINITY; 60], 20).to_bits(), 0);
    }

    #[test]
    fn the_lower_half_has_the_middle_one_and_ties_count_as_often_as_they_are_there() {
        let mean = |numbers: &[f64]| lower_mean(numbers, &mut Vec::new());
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[3.0]), Some(3.0));
        assert_eq!(mean(&[5.0, 1.0, 9.0]), Some(3.0));
        assert_eq!(mean(&[2.0, 2.0, 1.0, 2.0, 7.0, 2.0]), Some(5.0 / 3.0));
    }
}
