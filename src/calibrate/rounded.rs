//! Calibrated samples for a stack: rounded, and absent where they are masked.

#[cfg(test)]
mod tests;

use super::chain::{PIECE, of_decoded, rounded};
use super::piece::PieceMasters;
use super::{FrameSteps, Line, MasterLines, OverscanLevels, Run, calibrate};
use crate::kernel::{Sample, Width};
use crate::recipe::Negative;

/// Calibrates pieces of frames from decoded numbers to samples, with the memory that this takes.
#[derive(Debug)]
pub(crate) struct Rounding<'a> {
    piece: PieceMasters<'a>,
    masked: [bool; PIECE],
    width: Width,
}

/// What is done to a piece, and where it lies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taken<'a> {
    /// The steps of its frame.
    pub(crate) steps: &'a FrameSteps,
    /// Its place.
    pub(crate) place: Run<'a>,
}

impl<'a> Rounding<'a> {
    /// For pieces of the run that the masters are of.
    pub(crate) fn new(width: Width, masters: &'a MasterLines) -> Self {
        Self {
            piece: PieceMasters::new(width, masters),
            masked: [false; PIECE],
            width,
        }
    }

    /// Pixels that are done at a time, at most.
    pub(crate) const NPIXEL: usize = PIECE;

    /// Calibrates and rounds a piece; what is masked, or no finite sample, is absent. Deviations are those that the frame brings, or zeros; they
    /// become those of the calibrated samples, rounded as those are: [`Sample::ABSENT`] where one is not known. What was decoded is not kept.
    pub(crate) fn of_decoded<T: Sample>(
        &mut self,
        taken: Taken<'_>,
        decoded: &mut [f64],
        deviation: Option<&mut [f64]>,
        samples: &mut [T],
    ) {
        let Taken { steps, place } = taken;
        if deviation.is_some() || !steps.are_plain(place, samples.len()) {
            self.step_by_step(taken, decoded, deviation, samples);
            return;
        }
        let level = match &steps.overscan {
            Some(OverscanLevels::Rows(levels)) => levels[place.row_col().0],
            _ => 0.0,
        };
        self.piece.ready(steps, place, samples.len());
        let piece = &self.piece;
        self.width.vectorize(
            #[inline(always)]
            || of_decoded(steps, piece, level, (&*decoded, samples)),
        );
    }

    /// Calibrates what was decoded where it stands, then rounds it. A function of its own: its loops become vector code only where the compiler
    /// sees that what they read is not what they write.
    #[inline(never)]
    fn step_by_step<T: Sample>(
        &mut self,
        Taken { steps, place }: Taken<'_>,
        value: &mut [f64],
        mut deviation: Option<&mut [f64]>,
        samples: &mut [T],
    ) {
        let masters = self.piece.of();
        let masks = steps.masks(masters);
        let masked = &mut self.masked[..samples.len()];
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
