//! Calibrated samples for a stack: rounded, and absent where they are masked.

use super::chain::{PIECE, of_decoded, rounded};
use super::{FrameSteps, Line, MasterLines, OverscanLevels, Run, calibrate};
use crate::kernel::{Sample, Width};
use crate::recipe::Negative;

/// Calibrates pieces of frames from decoded numbers to samples. Holds the memory that this takes where it cannot be done in one loop.
#[derive(Debug)]
pub(crate) struct Rounding {
    width: Width,
    value: [f64; PIECE],
    masked: [bool; PIECE],
}

/// What is done to a piece, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken<'a> {
    /// The steps of its frame.
    pub(crate) steps: &'a FrameSteps,
    /// The masters: at least its pixels.
    pub(crate) masters: &'a MasterLines,
    /// Its place.
    pub(crate) place: Run<'a>,
}

impl Rounding {
    /// Its memory.
    pub(crate) fn new(width: Width) -> Self {
        Self {
            width,
            value: [0.0; PIECE],
            masked: [false; PIECE],
        }
    }

    /// Pixels that are done at a time, at most.
    pub(crate) const NPIXEL: usize = PIECE;

    /// Calibrates and rounds a piece; what is masked, or no finite sample, is absent. Deviations are those that the frame brings, or zeros; they
    /// become those of the calibrated samples, rounded as those are: [`Sample::ABSENT`] where one is not known.
    #[inline(always)]
    pub(crate) fn of_decoded<T: Sample>(
        &mut self,
        taken: Taken<'_>,
        decoded: impl Iterator<Item = f64>,
        deviation: Option<&mut [f64]>,
        samples: &mut [T],
    ) {
        let Taken {
            steps,
            masters,
            place,
        } = taken;
        if deviation.is_none() && steps.are_plain(place, samples.len()) {
            of_decoded(steps, masters, place, decoded, samples);
            return;
        }
        for (value, decoded) in self.value.iter_mut().zip(decoded) {
            *value = decoded;
        }
        self.rest(taken, deviation, samples);
    }

    /// Calibrates and rounds what was decoded into its memory. A function of its own: its loops become vector code only where the compiler
    /// sees that what they read is not what they write.
    #[inline(never)]
    fn rest<T: Sample>(
        &mut self,
        taken: Taken<'_>,
        mut deviation: Option<&mut [f64]>,
        samples: &mut [T],
    ) {
        let Taken {
            steps,
            masters,
            place,
        } = taken;
        let npixel = samples.len();
        let masks = steps.masks(masters);
        let (value, masked) = (&mut self.value[..npixel], &mut self.masked[..npixel]);
        let line = Line {
            value: &mut *value,
            deviation: deviation.as_deref_mut(),
            masked: masks.then_some(&mut *masked),
        };
        calibrate(self.width, steps, masters, place, line);
        let deviation = deviation.unwrap_or_default();
        self.width.vectorize(
            #[inline(always)]
            || round_all(value, masked, deviation, samples),
        );
        masked.fill(false);
    }
}

/// Rounds values and deviations.
#[inline(always)]
fn round_all<T: Sample>(value: &[f64], masked: &[bool], deviation: &mut [f64], samples: &mut [T]) {
    for (sample, (value, masked)) in samples.iter_mut().zip(value.iter().zip(masked)) {
        let value = rounded(*value);
        *sample = if *masked { T::ABSENT } else { value };
    }
    for deviation in deviation {
        let rounded = T::from_f64(*deviation).to_f64();
        let known = (rounded > 0.0) & (rounded < f64::INFINITY);
        *deviation = if known { rounded } else { f64::ABSENT };
    }
}

impl FrameSteps {
    /// Whether the values of `npixel` pixels can be made in one loop: one level for all, and no masks but those of masters.
    #[inline(always)]
    fn are_plain(&self, place: Run<'_>, npixel: usize) -> bool {
        let negative = self.deviation.map(|noise| noise.negative);
        let one_level = match &self.overscan {
            None => true,
            Some(OverscanLevels::Columns(_)) => false,
            Some(OverscanLevels::Rows(_)) => place.row_col().1 + npixel <= place.area.cols.end,
        };
        one_level && negative != Some(Negative::Mask)
    }
}
