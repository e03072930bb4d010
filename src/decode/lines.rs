//! Decoding by way of lines of f64 that are worked on before they are rounded: calibration needs the stored numbers to the last bit.

use std::ops::Range;

use super::strip::{Fill, LINE, Strip};
use super::{UseRule, with_rule};
use crate::kernel::{LANES, Row, Sample, Width};
use crate::pixels::{Stored, UncertaintyKind};

/// What makes samples of decoded numbers.
pub(crate) trait WorkLine<T> {
    /// Makes samples of some pixels of a frame, [`LINE`] at most, counted from the first of the strip. `decoded` is BSCALE·stored + BZERO,
    /// [`Sample::ABSENT`] where there is no sample; it is not looked at again. Both lines begin where a vector may.
    fn work(&mut self, frame: usize, pixels: Range<usize>, decoded: &mut [f64], samples: &mut [T]);
}

/// Decodes the pixels of `frames`, all stored alike, in f64, some at a time, and puts the samples that `work` makes of them into their rows of
/// the strip. All frames are asked for the same pixels before the next.
pub(crate) fn decode_lines<'b, T: Sample>(
    width: Width,
    stored: &Stored,
    frames: Range<usize>,
    bytes: impl Fn(usize) -> &'b [u8],
    strip: &mut Strip<'_, T>,
    work: &mut impl WorkLine<T>,
) {
    with_rule(
        stored,
        Lines {
            width,
            frames,
            bytes,
            strip,
            work,
        },
    );
}

/// Decodes the uncertainties that `frames` bring into standard deviations that calibration goes on with: zeros are kept, +∞ stands where one
/// is unknown.
pub(crate) fn decode_own_deviations<'b>(
    width: Width,
    stored: &Stored,
    kind: UncertaintyKind,
    frames: Range<usize>,
    bytes: impl Fn(usize) -> &'b [u8],
    strip: &mut Strip<'_, f64>,
) {
    with_rule(
        stored,
        Fill {
            width,
            frames,
            bytes,
            strip,
            put: |_, stored| own_deviation(kind, stored),
            rest: Some(0.0),
            skips_zeros: false,
        },
    );
}

/// Turns decoded uncertainties into standard deviations: zeros are kept, +∞ stands where one is unknown.
pub(crate) fn own_deviations(kind: UncertaintyKind, uncertainties: &mut [f64]) {
    for uncertainty in uncertainties {
        *uncertainty = own_deviation(kind, *uncertainty);
    }
}

/// The standard deviation that a stored uncertainty means.
#[inline(always)]
fn own_deviation(kind: UncertaintyKind, stored: f64) -> f64 {
    let deviation = match kind {
        UncertaintyKind::StdDev => stored,
        UncertaintyKind::Variance => stored.sqrt(),
        UncertaintyKind::InverseVariance => 1.0 / stored.sqrt(),
    };
    let known = (stored >= 0.0) & stored.is_finite() & deviation.is_finite();
    if known { deviation } else { f64::ABSENT }
}

impl<T: Sample> Strip<'_, T> {
    /// Copies pixels of a frame from their rows; the first is the first of a row.
    #[inline(always)]
    pub(crate) fn take(&self, frame: usize, first: usize, line: &mut [T]) {
        let rows = self.rows[first / LANES * self.nframe + frame..].iter();
        for (row, line) in rows.step_by(self.nframe).zip(line.chunks_mut(LANES)) {
            line.copy_from_slice(&row.0[..line.len()]);
        }
    }

    /// Copies pixels of a frame into their rows; the first is the first of a row. Lanes beyond the last are absent.
    #[inline(always)]
    pub(crate) fn put(&mut self, frame: usize, first: usize, line: &[T]) {
        let rows = self.rows[first / LANES * self.nframe + frame..].iter_mut();
        let (whole, rest) = line.as_chunks::<LANES>();
        let mut rows = rows.step_by(self.nframe);
        // In this order: it must not take the row of the rest from the iterator.
        for (line, row) in whole.iter().zip(rows.by_ref()) {
            row.0 = *line;
        }
        if let (Some(row), false) = (rows.next(), rest.is_empty()) {
            *row = Row([T::ABSENT; LANES]);
            row.0[..rest.len()].copy_from_slice(rest);
        }
    }
}

/// A line that begins where a vector may.
#[repr(align(64))]
struct Aligned<T>([T; LINE]);

/// Puts what is made of decoded numbers into the rows of a strip.
struct Lines<'s, 'a, T, B, W> {
    width: Width,
    frames: Range<usize>,
    bytes: B,
    strip: &'s mut Strip<'a, T>,
    work: &'s mut W,
}

impl<'b, T, B, W> UseRule<f64> for Lines<'_, '_, T, B, W>
where
    T: Sample,
    B: Fn(usize) -> &'b [u8],
    W: WorkLine<T>,
{
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> f64 + Copy) {
        let Self {
            width,
            frames,
            bytes,
            strip,
            work,
        } = self;
        let Some(first) = frames.clone().next() else {
            return;
        };
        let ntotal = bytes(first).len() / N;
        width.vectorize(
            #[inline(always)]
            || {
                let mut decoded = Aligned([0.0; LINE]);
                let mut samples = Aligned([T::ABSENT; LINE]);
                for start in (0..ntotal).step_by(LINE) {
                    let pixels = start..ntotal.min(start + LINE);
                    let decoded = &mut decoded.0[..pixels.len()];
                    let samples = &mut samples.0[..pixels.len()];
                    for frame in frames.clone() {
                        let stored = &bytes(frame)[pixels.start * N..pixels.end * N];
                        for (decoded, pixel) in decoded.iter_mut().zip(stored.as_chunks::<N>().0) {
                            *decoded = rule(*pixel);
                        }
                        work.work(frame, pixels.clone(), decoded, samples);
                        strip.put(frame, start, samples);
                    }
                }
            },
        );
    }
}
