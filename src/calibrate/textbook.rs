//! The steps on one sample, as a textbook has them: slow, plain, and what the tests compare with.

use super::{FrameSteps, MasterLines, OverscanLevels};
use crate::recipe::Negative;

/// Value, deviation and mask of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Calibrated {
    pub(super) value: f64,
    pub(super) deviation: f64,
    pub(super) masked: bool,
}

/// Calibrates the sample at `row` and `col` of the frame, which is pixel `pixel` of the masters.
pub(super) fn sample(
    steps: &FrameSteps,
    masters: &MasterLines,
    (row, col, pixel): (usize, usize, usize),
    stored: Calibrated,
) -> Calibrated {
    let Calibrated {
        value: mut v,
        deviation: u,
        mut masked,
    } = stored;
    match &steps.overscan {
        None => {}
        Some(OverscanLevels::Rows(levels)) => v -= levels[row],
        Some(OverscanLevels::Columns(levels)) => v -= levels[col],
    }
    let mut square = u * u;
    if let Some(noise) = steps.deviation {
        let counts = if v < 0.0 { 0.0 } else { v };
        square = (noise.gain * counts + noise.readnoise * noise.readnoise)
            * (1.0 / (noise.gain * noise.gain));
        masked |= v < 0.0 && noise.negative == Negative::Mask;
    }
    if let Some(gain) = steps.gain.filter(|_| !steps.gain_last) {
        v *= gain;
        square *= gain * gain;
    }
    let deviation_of = |deviation: &[f64]| deviation.get(pixel).copied().unwrap_or(0.0);
    let masked_in = |masked: &[bool]| masked.get(pixel).copied().unwrap_or(false);
    if let (true, Some(bias)) = (steps.bias, &masters.bias) {
        v -= bias.value[pixel];
        square += deviation_of(&bias.deviation).powi(2);
        masked |= masked_in(&bias.masked);
    }
    if let (Some(factor), Some(dark)) = (steps.dark, &masters.dark) {
        v -= factor * dark.value[pixel];
        square += (factor * deviation_of(&dark.deviation)).powi(2);
        masked |= masked_in(&dark.masked);
    }
    let mut deviation = square.sqrt();
    if let (true, Some(flat)) = (steps.flat, &masters.flat) {
        v /= flat.value[pixel];
        let of_flat = v * deviation_of(&flat.deviation);
        deviation = (square + of_flat * of_flat).sqrt() / flat.value[pixel];
        masked |= masked_in(&flat.masked);
    }
    if let Some(gain) = steps.gain.filter(|_| steps.gain_last) {
        v *= gain;
        deviation *= gain.abs();
    }
    if let Some(sky) = steps.sky {
        v -= sky;
    }
    Calibrated {
        value: v,
        deviation,
        masked,
    }
}
