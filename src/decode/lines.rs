//! Decoding by way of lines of f64 that are worked on before they are rounded: calibration needs the stored numbers to the last bit.

use std::ops::Range;

use super::strip::{Fill, Strip};
use super::{UseRule, with_rule};
use crate::kernel::{LANES, Row, Sample, Width};
use crate::pixels::{Stored, UncertaintyKind};

const LINE: usize = 256;

/// Some pixels of one frame, decoded.
#[derive(Debug)]
pub(crate) struct DecodedLine<'a> {
    /// The frame.
    pub(crate) frame: usize,
    /// Its pixels, counted from the first of the strip.
    pub(crate) pixels: Range<usize>,
    /// BSCALE·stored + BZERO; [`Sample::ABSENT`] where there is no sample.
    pub(crate) value: &'a mut [f64],
    /// Standard deviations, where the strip has such.
    pub(crate) deviation: Option<&'a mut [f64]>,
    /// Nothing is masked.
    pub(crate) masked: &'a mut [bool],
}

/// Decodes the pixels of `frames`, all stored alike, in f64, has `work` change them, some at a time, and rounds them into their rows of the
/// strip.
///
/// Where deviations are given, they hold those that the frames bring ([`decode_own_deviations`]) or zeros, and then what `work` makes of them,
/// rounded to the sample type: +∞ where one is unknown. `work` says whether it masked anything; what it masked is absent.
pub(crate) fn decode_lines<'b, T: Sample>(
    width: Width,
    stored: &Stored,
    frames: Range<usize>,
    bytes: impl Fn(usize) -> &'b [u8],
    (strip, deviations): (&mut Strip<'_, T>, Option<&mut Strip<'_, f64>>),
    work: impl FnMut(DecodedLine<'_>) -> bool,
) {
    with_rule(
        stored,
        Lines {
            width,
            frames,
            bytes,
            strip,
            deviations,
            work,
        },
    );
}

/// Decodes the uncertainties that `frames` bring into standard deviations for [`decode_lines`]: zeros are kept, +∞ stands where one is
/// unknown.
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
    let known = (stored >= 0.0) & (stored < f64::INFINITY) & (deviation < f64::INFINITY);
    if known { deviation } else { f64::ABSENT }
}

/// Puts decoded and changed numbers into the rows of a strip.
struct Lines<'s, 'a, 'd, T, B, W> {
    width: Width,
    frames: Range<usize>,
    bytes: B,
    strip: &'s mut Strip<'a, T>,
    deviations: Option<&'s mut Strip<'d, f64>>,
    work: W,
}

impl<'b, T, B, W> UseRule<f64> for Lines<'_, '_, '_, T, B, W>
where
    T: Sample,
    B: Fn(usize) -> &'b [u8],
    W: FnMut(DecodedLine<'_>) -> bool,
{
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> f64 + Copy) {
        let Self {
            width,
            frames,
            bytes,
            strip,
            mut deviations,
            mut work,
        } = self;
        let nframe = strip.nframe;
        width.vectorize(
            #[inline(always)]
            || {
                // Each loop runs over a long line, so that the compiler makes vector code of it; rows are only copied.
                let mut line = [f64::ABSENT; LINE];
                let mut deviation = [0.0; LINE];
                let mut masked = [false; LINE];
                let mut rounded = [T::ABSENT; LINE];
                for frame in frames {
                    let (pixels, _) = bytes(frame).as_chunks::<N>();
                    for (at, pixels) in pixels.chunks(LINE).enumerate() {
                        let npixel = pixels.len();
                        for (sample, pixel) in line.iter_mut().zip(pixels) {
                            *sample = rule(*pixel);
                        }
                        let first = at * (LINE / LANES) * nframe + frame;
                        if let Some(strip) = &deviations {
                            take(&strip.rows[first..], nframe, &mut deviation[..npixel]);
                        }
                        let any_masked = work(DecodedLine {
                            frame,
                            pixels: at * LINE..at * LINE + npixel,
                            value: &mut line[..npixel],
                            deviation: deviations.is_some().then_some(&mut deviation[..npixel]),
                            masked: &mut masked[..npixel],
                        });
                        for (rounded, sample) in rounded.iter_mut().zip(&line) {
                            let sample = T::from_f64(*sample);
                            *rounded = if sample.is_present() {
                                sample
                            } else {
                                T::ABSENT
                            };
                        }
                        if any_masked {
                            for (rounded, masked) in rounded.iter_mut().zip(&masked) {
                                *rounded = if *masked { T::ABSENT } else { *rounded };
                            }
                            masked.fill(false);
                        }
                        put(&mut strip.rows[first..], nframe, &rounded[..npixel]);
                        if let Some(strip) = &mut deviations {
                            for deviation in &mut deviation {
                                let rounded = T::from_f64(*deviation).to_f64();
                                let known = (rounded > 0.0) & (rounded < f64::INFINITY);
                                *deviation = if known { rounded } else { f64::ABSENT };
                            }
                            put(&mut strip.rows[first..], nframe, &deviation[..npixel]);
                        }
                    }
                }
            },
        );
    }
}

/// Copies the rows of a frame, every `nframe`th, into a line.
#[inline(always)]
fn take(rows: &[Row<f64>], nframe: usize, line: &mut [f64]) {
    for (row, line) in rows.iter().step_by(nframe).zip(line.chunks_mut(LANES)) {
        line.copy_from_slice(&row.0[..line.len()]);
    }
}

/// Copies a line into the rows of a frame, every `nframe`th; lanes beyond its end are absent.
#[inline(always)]
fn put<T: Sample>(rows: &mut [Row<T>], nframe: usize, line: &[T]) {
    let rows = rows.iter_mut().step_by(nframe);
    for (row, line) in rows.zip(line.chunks(LANES)) {
        match line.as_array::<LANES>() {
            Some(line) => {
                for lane in 0..LANES {
                    row.0[lane] = line[lane];
                }
            }
            None => {
                row.0.fill(T::ABSENT);
                row.0[..line.len()].copy_from_slice(line);
            }
        }
    }
}
