//! Noise of an image, robustly, from the differences of adjacent pixels.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Bins an octave: enough to find where the tail begins.
const PER_OCTAVE_BITS: u32 = 2;

/// Counts differences of adjacent pixels by their size.
///
/// Stars and gradients hardly touch it: the differences above four times their median are left out, and what that
/// takes from normal noise is put back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(into = "Vec<(usize, u64, u64)>", try_from = "Vec<(usize, u64, u64)>")]
pub(crate) struct NoiseGauge {
    bins: Vec<Bin>,
    /// Outside these all bins are empty: a tile fills few of them, and those of its size are merged and cleared with every tile.
    used: Range<usize>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Bin {
    count: u64,
    /// Sum of the squares of the differences over the lower end of the bin, in units of 2⁻²⁰: whole numbers, so that the order in which
    /// workers come to them does not matter.
    squares: u64,
}

/// One in the units of [`Bin::squares`].
const ONE: f64 = (1 << 20) as f64;

/// The lower end of a bin.
fn lower(bin: usize) -> f64 {
    let bits =
        u32::try_from(bin << (23 - PER_OCTAVE_BITS)).expect("bins are made from the bits of f32");
    f64::from(f32::from_bits(bits))
}

impl NoiseGauge {
    const NBIN: usize = 1 << (8 + PER_OCTAVE_BITS);
    /// No bin counts more: the sums over all bins stay far from overflow.
    const MOST: u64 = 1 << 48;

    /// Bytes that a gauge takes.
    pub(crate) const NBYTE: usize = Self::NBIN * size_of::<Bin>();

    /// A gauge that has seen nothing.
    pub(crate) fn new() -> Self {
        Self {
            bins: vec![Bin::default(); Self::NBIN],
            used: 0..0,
        }
    }

    /// Forgets what it has seen.
    pub(crate) fn clear(&mut self) {
        self.bins[self.used.clone()].fill(Bin::default());
        self.used = 0..0;
    }

    /// Notes that these bins may be filled.
    fn uses(&mut self, bins: Range<usize>) {
        self.used = if self.used.is_empty() {
            bins
        } else {
            self.used.start.min(bins.start)..self.used.end.max(bins.end)
        };
    }

    /// Takes the differences within a run of adjacent pixels.
    pub(crate) fn run(&mut self, pixels: impl Iterator<Item = f64>) {
        let mut last = f64::NAN;
        for pixel in pixels {
            self.add((pixel - last).abs());
            last = pixel;
        }
    }

    /// Takes one difference; what is not finite is passed over.
    fn add(&mut self, difference: f64) {
        #[expect(clippy::cast_possible_truncation, reason = "a bin is coarser than f32")]
        let narrow = difference as f32;
        if narrow.is_finite() {
            let index = (narrow.to_bits() >> (23 - PER_OCTAVE_BITS)) as usize;
            if !self.used.contains(&index) {
                self.uses(index..index + 1);
            }
            let bin = &mut self.bins[index];
            bin.count += 1;
            if index > 0 {
                let ratio = f64::from(narrow) / lower(index);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "1 to 2, and much smaller than 2⁶⁴"
                )]
                let square = (ratio * ratio * ONE) as u64;
                bin.squares += square;
            }
        }
    }

    /// Adds what another gauge has seen.
    pub(crate) fn merge(&mut self, other: &Self) {
        if other.used.is_empty() {
            return;
        }
        self.uses(other.used.clone());
        let more = &other.bins[other.used.clone()];
        for (bin, other) in self.bins[other.used.clone()].iter_mut().zip(more) {
            bin.count = bin.count.saturating_add(other.count);
            bin.squares = bin.squares.saturating_add(other.squares);
        }
    }

    /// The standard deviation of the noise of a pixel; NaN where nothing was seen.
    pub(crate) fn sigma(&self) -> f64 {
        let total = self
            .bins
            .iter()
            .fold(0, |sum: u64, bin| sum.saturating_add(bin.count));
        let mut seen = 0;
        let middle = self.bins.iter().position(|bin| {
            seen += bin.count;
            2 * seen >= total
        });
        // Two octaves up is four times the median; of differences that are mostly 0 none is left out.
        let Some(middle) = middle.filter(|_| total > 0) else {
            return f64::NAN;
        };
        let end = if middle == 0 {
            Self::NBIN
        } else {
            (middle + (2 << PER_OCTAVE_BITS) + 1).min(Self::NBIN)
        };
        let (mut count, mut squares) = (0, 0.0);
        for (index, bin) in self.bins[..end].iter().enumerate() {
            count += bin.count;
            squares += bin.squares as f64 / ONE * lower(index) * lower(index);
        }
        // Normal noise cut at four medians, 2.7 σ, keeps 94.3 % of its variance.
        let kept: f64 = if middle == 0 { 1.0 } else { 0.943 };
        (squares / count as f64 / kept / 2.0).sqrt()
    }
}

/// The bins that are filled: number, count, squares.
impl From<NoiseGauge> for Vec<(usize, u64, u64)> {
    fn from(gauge: NoiseGauge) -> Self {
        let bins = gauge.bins.iter().enumerate();
        bins.filter(|(_, bin)| bin.count > 0)
            .map(|(index, bin)| (index, bin.count, bin.squares))
            .collect()
    }
}

impl TryFrom<Vec<(usize, u64, u64)>> for NoiseGauge {
    type Error = &'static str;

    fn try_from(filled: Vec<(usize, u64, u64)>) -> Result<Self, Self::Error> {
        let mut gauge = Self::new();
        for (index, count, squares) in filled {
            let bin = gauge.bins.get_mut(index).ok_or("there is no such bin")?;
            if count > Self::MOST {
                return Err("a bin counts more than there can be");
            }
            *bin = Bin { count, squares };
            gauge.uses(index..index + 1);
        }
        Ok(gauge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gauge_that_was_cleared_or_put_aside_is_as_good_as_new() {
        let mut gauge = NoiseGauge::new();
        gauge.run([1.0, 3.5, 900.0, 2.0].into_iter());
        let filled = Vec::from(gauge.clone());
        let again = NoiseGauge::try_from(filled.clone()).expect("bins of a gauge");
        let mut both = NoiseGauge::new();
        both.merge(&again);
        assert_eq!(Vec::from(both), filled);
        assert_eq!(again.sigma().to_bits(), gauge.sigma().to_bits());
        gauge.clear();
        assert_eq!(Vec::from(gauge), []);
        assert!(NoiseGauge::try_from(vec![(NoiseGauge::NBIN, 1, 1)]).is_err());
    }

    #[test]
    fn normal_noise_is_found_under_stars_and_a_slope() {
        let mut state = 1_u64;
        let mut uniform = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 11) as f64 / (1_u64 << 53) as f64
        };
        let pixels: Vec<f64> = (0..100_000)
            .map(|i| {
                let normal: f64 = (0..12).map(|_| uniform()).sum::<f64>() - 6.0;
                7.0 * normal + 0.01 * f64::from(i) + if i % 500 == 0 { 10_000.0 } else { 0.0 }
            })
            .collect();
        let mut gauge = NoiseGauge::new();
        gauge.run(pixels.into_iter());
        assert!((gauge.sigma() - 7.0).abs() < 0.3, "{}", gauge.sigma());
        assert!(NoiseGauge::new().sigma().is_nan());
    }
}
