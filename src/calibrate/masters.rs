//! Runs of pixels of the masters, prepared so that they serve every frame as they are.

use crate::kernel::Sample;

/// A run of pixels of a master.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MasterLine {
    /// Its values.
    pub(crate) value: Vec<f64>,
    /// Their standard deviations; empty where the master has none.
    pub(crate) deviation: Vec<f64>,
    /// Which pixels are bad; empty where none is.
    pub(crate) masked: Vec<bool>,
}

/// The same run of pixels of all masters: those that are there are as long as the run.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct MasterLines {
    /// The pixel of the area with which the run begins, as in [`Run`](super::Run).
    pub(crate) first: usize,
    /// What is subtracted, prepared by [`MasterLine::for_subtraction`].
    pub(crate) bias: Option<MasterLine>,
    /// What is multiplied and subtracted, prepared by [`MasterLine::for_subtraction`].
    pub(crate) dark: Option<MasterLine>,
    /// What frames are divided by, prepared by [`MasterLine::for_division`].
    pub(crate) flat: Option<MasterLine>,
}

impl MasterLine {
    /// Room for runs of up to `npixel` pixels: nothing here grows beyond it.
    pub(crate) fn with_capacity(npixel: usize, deviates: bool) -> Self {
        Self {
            value: Vec::with_capacity(npixel),
            deviation: Vec::with_capacity(if deviates { npixel } else { 0 }),
            masked: Vec::with_capacity(npixel),
        }
    }

    /// Bytes that such a room takes.
    pub(crate) fn nbyte(npixel: usize, deviates: bool) -> usize {
        npixel * (size_of::<f64>() * (1 + usize::from(deviates)) + size_of::<bool>())
    }

    /// Prepares a bias or a dark: what is not finite is masked, and subtracts nothing. Returns how many pixels are masked.
    #[inline(always)]
    pub(crate) fn for_subtraction(&mut self) -> usize {
        let unusable = |value: f64| !value.is_finite();
        self.mask(unusable);
        for value in &mut self.value {
            if unusable(*value) {
                *value = 0.0;
            }
        }
        self.settle()
    }

    /// Prepares a flat: pixels below `min` become `min`, all are divided by `norm`, and what is then not a number above 0 is masked. What
    /// is masked divides by 1. Returns how many pixels are masked.
    #[inline(always)]
    pub(crate) fn for_division(&mut self, min: Option<f64>, norm: f64) -> usize {
        for deviation in &mut self.deviation {
            *deviation /= norm;
        }
        self.mask(|value| {
            let value = raised(min, value);
            let divisor = value / norm;
            // A negative flat over its negative norm is above 0, and good for nothing.
            !((value > 0.0) & (divisor > 0.0) & divisor.is_finite())
        });
        for (value, masked) in self.value.iter_mut().zip(&self.masked) {
            *value = if *masked {
                1.0
            } else {
                raised(min, *value) / norm
            };
        }
        self.settle()
    }

    /// Masks what is unusable.
    #[inline(always)]
    fn mask(&mut self, unusable: impl Fn(f64) -> bool) {
        self.masked.resize(self.value.len(), false);
        for (masked, value) in self.masked.iter_mut().zip(&self.value) {
            *masked |= unusable(*value);
        }
    }

    /// How many pixels are masked; a mask of none is emptied.
    #[inline(always)]
    fn settle(&mut self) -> usize {
        let nmasked = self.masked.iter().filter(|masked| **masked).count();
        if nmasked == 0 {
            self.masked.clear();
        }
        nmasked
    }
}

/// Makes of a run of a flat what its norm is measured on: pixels below `min` are `min`; masked and not finite ones are absent. `masked` is
/// empty where none is.
pub(crate) fn flat_samples(min: Option<f64>, value: &mut [f64], masked: &[bool]) {
    for value in &mut *value {
        *value = if value.is_finite() {
            raised(min, *value)
        } else {
            f64::ABSENT
        };
    }
    for (value, masked) in value.iter_mut().zip(masked) {
        if *masked {
            *value = f64::ABSENT;
        }
    }
}

/// A pixel of a flat, or `min` where it is below.
#[inline(always)]
fn raised(min: Option<f64>, value: f64) -> f64 {
    match min {
        Some(min) if value < min => min,
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn what_is_not_finite_of_a_bias_is_masked_and_subtracts_nothing() {
        let mut line = MasterLine {
            value: vec![3.0, INF, f64::NAN, 4.0],
            deviation: vec![1.0, 2.0, 3.0, 4.0],
            masked: vec![true, false, false, false],
        };
        assert_eq!(line.for_subtraction(), 3);
        assert_eq!(line.value, [3.0, 0.0, 0.0, 4.0]);
        assert_eq!(line.masked, [true, true, true, false]);
    }

    #[test]
    fn a_master_without_bad_pixels_has_no_mask() {
        let mut line = MasterLine {
            value: vec![1.0, -2.0],
            deviation: vec![],
            masked: vec![false, false],
        };
        assert_eq!(line.for_subtraction(), 0);
        assert_eq!(
            line,
            MasterLine {
                value: vec![1.0, -2.0],
                ..MasterLine::default()
            }
        );
    }

    #[test]
    fn pixels_of_a_flat_are_raised_then_divided_then_masked_where_not_above_zero() {
        let flat = || MasterLine {
            value: vec![2.0, 0.1, 0.0, -1.0, INF],
            deviation: vec![0.2; 5],
            masked: Vec::new(),
        };
        let mut plain = flat();
        assert_eq!(plain.for_division(None, 2.0), 3);
        assert_eq!(plain.value, [1.0, 0.05, 1.0, 1.0, 1.0]);
        assert_eq!(plain.deviation, [0.1; 5]);
        assert_eq!(plain.masked, [false, false, true, true, true]);
        let mut raised = flat();
        assert_eq!(raised.for_division(Some(0.5), 2.0), 1);
        assert_eq!(raised.value, [1.0, 0.25, 0.25, 0.25, 1.0]);
    }

    #[test]
    fn masked_pixels_of_a_flat_divide_by_one_as_ccdproc_has_it() {
        let mut line = MasterLine {
            value: vec![3.0, 4.0],
            deviation: vec![0.5, 0.5],
            masked: vec![false, true],
        };
        assert_eq!(line.for_division(None, 2.0), 1);
        assert_eq!(
            (line.value, line.deviation),
            (vec![1.5, 1.0], vec![0.25; 2])
        );
    }

    #[test]
    fn a_flat_whose_norm_is_of_no_use_is_masked_whole() {
        for norm in [0.0, -2.0, f64::NAN, INF] {
            let mut line = MasterLine {
                value: vec![-2.0, 0.0, 3.0],
                ..MasterLine::default()
            };
            assert_eq!(line.for_division(None, norm), 3, "{norm}");
            assert_eq!(line.value, [1.0; 3]);
        }
    }

    #[test]
    fn the_norm_of_a_flat_is_measured_on_its_good_pixels_after_they_are_raised() {
        let mut value = [2.0, 0.1, f64::NAN, 5.0];
        flat_samples(Some(0.5), &mut value, &[false, false, false, true]);
        assert_eq!(value.to_vec(), [2.0, 0.5, INF, INF]);
    }

    #[test]
    fn a_line_does_not_outgrow_its_room() {
        let mut line = MasterLine::with_capacity(100, true);
        line.value.resize(100, 1.0);
        line.deviation.resize(100, 1.0);
        line.value[7] = INF;
        let room = [line.value.as_ptr().addr(), line.masked.as_ptr().addr()];
        assert_eq!(line.for_division(None, 1.0), 1);
        assert_eq!(
            room,
            [line.value.as_ptr().addr(), line.masked.as_ptr().addr()]
        );
        assert_eq!(MasterLine::nbyte(100, true), 1700);
    }
}
