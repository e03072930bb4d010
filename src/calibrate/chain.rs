//! The steps on a run of pixels, as plain loops that become vector code.
//!
//! A step that is not done is done with a number that changes no bit: 0 is subtracted, 1 multiplied. So one loop serves every chain of
//! values and one every chain of deviations; only the division by a flat, which takes as long as all the rest, is left out where there is
//! none. Deviations are squares on their way: √ is taken once.

use super::piece::{Division, PieceMasters, divided, is_tame};
use super::{FrameSteps, Line, MasterLine, MasterLines, OverscanLevels, PhotonNoise, Run};
use crate::kernel::Sample;
use crate::recipe::Negative;

/// Pixels that go through all steps at a time: they stay in the nearest cache.
pub(super) const PIECE: usize = 256;

static ZEROS: [f64; PIECE] = [0.0; PIECE];
static ONES: [f64; PIECE] = [1.0; PIECE];

/// The numbers of the steps.
#[derive(Clone, Copy)]
struct Numbers {
    level: f64,
    gain: f64,
    dark: f64,
    last_gain: f64,
    sky: f64,
}

/// Pixels of a master.
#[derive(Clone, Copy)]
struct Part<'a> {
    value: &'a [f64],
    deviation: &'a [f64],
}

/// The same pixels of all masters.
#[derive(Clone, Copy)]
struct Parts<'a> {
    bias: Part<'a>,
    dark: Part<'a>,
    /// `None` where there is no division.
    flat: Option<Part<'a>>,
}

/// Calibrates a run piece by piece; a piece lies in one row.
#[inline(always)]
pub(super) fn of_line(steps: &FrameSteps, masters: &MasterLines, place: Run<'_>, line: Line<'_>) {
    let Line {
        value,
        mut deviation,
        mut masked,
    } = line;
    let mut done = 0;
    while done < value.len() {
        let first = place.first + done;
        let (row, col) = Run { first, ..place }.row_col();
        let npixel = PIECE.min(place.area.cols.end - col).min(value.len() - done);
        let pixels = done..done + npixel;
        let value = &mut value[pixels.clone()];
        let deviation = deviation.as_deref_mut();
        let deviation = deviation.map(|line| &mut line[pixels.clone()]);
        let masked = masked.as_deref_mut().map(|line| &mut line[pixels]);
        let start = first - masters.first;

        let level = match &steps.overscan {
            None => 0.0,
            Some(OverscanLevels::Rows(levels)) => levels[row],
            Some(OverscanLevels::Columns(levels)) => {
                for (value, level) in value.iter_mut().zip(&levels[col..]) {
                    *value -= level;
                }
                0.0
            }
        };
        let numbers = Numbers::of(steps, level);
        let parts = Parts::of(steps, masters, start, npixel);
        of_piece(steps, numbers, parts, value, deviation, masked);
        done += npixel;
    }
    if let Some(masked) = masked {
        let start = place.first - masters.first;
        for master in steps.applied(masters) {
            for (masked, bad) in masked.iter_mut().zip(master.masked.iter().skip(start)) {
                *masked |= bad;
            }
        }
    }
}

/// Values and deviations of a piece.
#[inline(always)]
fn of_piece(
    steps: &FrameSteps,
    numbers: Numbers,
    parts: Parts<'_>,
    value: &mut [f64],
    deviation: Option<&mut [f64]>,
    masked: Option<&mut [bool]>,
) {
    if let (Some(noise), Some(masked)) = (steps.deviation, masked)
        && noise.negative == Negative::Mask
    {
        for (masked, value) in masked.iter_mut().zip(&*value) {
            *masked |= *value - numbers.level < 0.0;
        }
    }
    let Some(deviation) = deviation else {
        match parts.flat {
            None => values::<false>(
                numbers,
                parts.bias,
                parts.dark,
                Part::ones(value.len()),
                value,
            ),
            Some(flat) => values::<true>(numbers, parts.bias, parts.dark, flat, value),
        }
        return;
    };
    first_squares(steps.deviation, numbers.level, value, deviation);
    // The square of a quotient needs the quotient: what is done to values behind the flat is done after it.
    let Numbers { last_gain, sky, .. } = numbers;
    let before = Numbers {
        last_gain: 1.0,
        sky: 0.0,
        ..numbers
    };
    match parts.flat {
        None => {
            let ones = Part::ones(value.len());
            values::<false>(before, parts.bias, parts.dark, ones, value);
            squares::<false>(numbers, parts.bias, parts.dark, ones, value, deviation);
        }
        Some(flat) => {
            values::<true>(before, parts.bias, parts.dark, flat, value);
            squares::<true>(numbers, parts.bias, parts.dark, flat, value, deviation);
        }
    }
    for value in value {
        *value = *value * last_gain - sky;
    }
}

/// The chain of values.
#[inline(always)]
fn values<const FLAT: bool>(
    numbers: Numbers,
    bias: Part<'_>,
    dark: Part<'_>,
    flat: Part<'_>,
    value: &mut [f64],
) {
    let masters = bias.value.iter().zip(dark.value).zip(flat.value);
    for (value, ((bias, dark), flat)) in value.iter_mut().zip(masters) {
        let v = (*value - numbers.level) * numbers.gain - bias - dark * numbers.dark;
        let v = if FLAT { v / flat } else { v };
        *value = v * numbers.last_gain - numbers.sky;
    }
}

/// The chain of values from decoded numbers to rounded samples, of which `MORE` says whether it has more steps than the masters'.
#[inline(always)]
fn rounded_values<const MORE: bool, T: Sample>(
    numbers: Numbers,
    masters: &PieceMasters<'_>,
    divide: impl Fn(f64, f64, f64) -> f64,
    (decoded, samples): (&[f64], &mut [T]),
) {
    let subtracted = masters.bias.iter().zip(&masters.dark);
    let divided = masters.flat.iter().zip(&masters.reciprocal);
    let values = decoded.iter().zip(subtracted.zip(divided));
    for (sample, (value, ((bias, dark), (flat, reciprocal)))) in samples.iter_mut().zip(values) {
        let mut v = *value;
        if MORE {
            v = (v - numbers.level) * numbers.gain;
        }
        v = divide(v - bias - dark, *flat, *reciprocal);
        if MORE {
            v = v * numbers.last_gain - numbers.sky;
        }
        *sample = rounded(v);
    }
}

/// A calibrated value as a sample.
#[inline(always)]
pub(super) fn rounded<T: Sample>(value: f64) -> T {
    let sample = T::from_f64(value);
    if sample.is_present() {
        sample
    } else {
        T::ABSENT
    }
}

/// Calibrates a piece of a row whose samples have no deviation and are masked by masters alone, from decoded numbers to rounded samples.
#[inline(always)]
pub(super) fn of_decoded<T: Sample>(
    steps: &FrameSteps,
    masters: &PieceMasters<'_>,
    level: f64,
    line: (&[f64], &mut [T]),
) {
    let numbers = Numbers::of(steps, level);
    match masters.division {
        Division::None if numbers.change_nothing() => {
            rounded_values::<false, T>(numbers, masters, |v, _, _| v, line);
        }
        Division::None => {
            rounded_values::<true, T>(numbers, masters, |v, _, _| v, line);
        }
        Division::ByReciprocal if numbers.change_nothing() && is_narrow::<T>() => {
            rounded_values::<false, T>(numbers, masters, divided, line);
        }
        Division::ByReciprocal if numbers.are_tame() && is_narrow::<T>() => {
            rounded_values::<true, T>(numbers, masters, divided, line);
        }
        Division::ByReciprocal | Division::Plain => {
            rounded_values::<true, T>(numbers, masters, |v, flat, _| v / flat, line);
        }
    }
}

/// Whether over- and underflow of f64 are far beyond what samples of this type can tell.
#[inline(always)]
fn is_narrow<T: Sample>() -> bool {
    size_of::<T>() < size_of::<f64>()
}

/// Squares of the deviations as the steps find them: the frame's own, or made of values from which `level` is yet to be subtracted.
#[inline(always)]
fn first_squares(noise: Option<PhotonNoise>, level: f64, value: &[f64], deviation: &mut [f64]) {
    let Some(PhotonNoise {
        gain, readnoise, ..
    }) = noise
    else {
        for deviation in deviation {
            *deviation *= *deviation;
        }
        return;
    };
    let (dark, per_square) = (readnoise * readnoise, 1.0 / (gain * gain));
    for (deviation, value) in deviation.iter_mut().zip(value) {
        let v = *value - level;
        let v = if v < 0.0 { 0.0 } else { v };
        *deviation = (gain * v + dark) * per_square;
    }
}

/// The chain of deviations: squares in, deviations out. `value` is what stands behind the flat.
#[inline(always)]
fn squares<const FLAT: bool>(
    numbers: Numbers,
    bias: Part<'_>,
    dark: Part<'_>,
    flat: Part<'_>,
    value: &[f64],
    deviation: &mut [f64],
) {
    let gain = numbers.gain * numbers.gain;
    let last_gain = numbers.last_gain.abs();
    let masters = bias.deviation.iter().zip(dark.deviation);
    let flat = flat.value.iter().zip(flat.deviation);
    let masters = masters.zip(flat).zip(value);
    for (deviation, (((bias, dark), (flat, of_flat)), value)) in deviation.iter_mut().zip(masters) {
        let of_dark = numbers.dark * dark;
        let square = *deviation * gain + bias * bias + of_dark * of_dark;
        let u = if FLAT {
            let of_flat = value * of_flat;
            (square + of_flat * of_flat).sqrt() / flat
        } else {
            square.sqrt()
        };
        *deviation = u * last_gain;
    }
}

impl Numbers {
    /// The numbers of a frame, and of one of its rows.
    #[inline(always)]
    fn of(steps: &FrameSteps, level: f64) -> Self {
        let gain = steps.gain.unwrap_or(1.0);
        let (gain, last_gain) = if steps.gain_last {
            (1.0, gain)
        } else {
            (gain, 1.0)
        };
        Self {
            level,
            gain,
            dark: steps.dark.unwrap_or(1.0),
            last_gain,
            sky: steps.sky.unwrap_or(0.0),
        }
    }

    /// Whether all but the masters' are those that change no bit.
    #[inline(always)]
    fn change_nothing(&self) -> bool {
        let [zero, one] = [0.0, 1.0].map(f64::to_bits);
        (self.level.to_bits() == zero)
            & (self.gain.to_bits() == one)
            & (self.last_gain.to_bits() == one)
            & (self.sky.to_bits() == zero)
    }

    /// Whether what is done behind the flat brings nothing that is beyond f32 by far back into it, nor the other way round.
    #[inline(always)]
    fn are_tame(&self) -> bool {
        is_tame(self.last_gain.abs()) & (is_tame(self.sky.abs()) | (self.sky.to_bits() == 0))
    }
}

impl<'a> Part<'a> {
    /// Divides by 1.
    #[inline(always)]
    fn ones(npixel: usize) -> Self {
        Self {
            value: &ONES[..npixel],
            deviation: &ZEROS[..npixel],
        }
    }

    /// `npixel` pixels of a master from `start` on; of none, zeros.
    #[inline(always)]
    fn of(line: Option<&'a MasterLine>, start: usize, npixel: usize) -> Self {
        let numbers = |numbers: &'a [f64]| match numbers {
            [] => &ZEROS[..npixel],
            _ => &numbers[start..start + npixel],
        };
        Self {
            value: numbers(line.map_or(&[], |line| &line.value)),
            deviation: numbers(line.map_or(&[], |line| &line.deviation)),
        }
    }
}

impl<'a> Parts<'a> {
    /// Pixels of the masters that take part.
    #[inline(always)]
    fn of(steps: &FrameSteps, masters: &'a MasterLines, start: usize, npixel: usize) -> Self {
        let part = |line: &'a Option<MasterLine>, is_applied: bool| {
            Part::of(line.as_ref().filter(|_| is_applied), start, npixel)
        };
        Self {
            bias: part(&masters.bias, steps.bias),
            dark: part(&masters.dark, steps.dark.is_some()),
            flat: (steps.flat && masters.flat.is_some()).then(|| part(&masters.flat, true)),
        }
    }
}
