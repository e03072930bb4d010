//! Decoding into strips: a run of pixels of every frame, laid out for the kernels.

use std::ops::Range;

use super::{UseRule, with_rule};
use crate::kernel::{LANES, Row, Sample, Width};
use crate::pixels::{Stored, UncertaintyKind};

/// A run of `npixel` pixels of `nframe` frames: blocks of 16 pixels, in a block a row a frame.
///
/// Row `block · nframe + frame` holds the pixels from 16 · `block` on of that frame; lanes beyond the run are absent.
#[derive(Debug)]
pub(crate) struct Strip<'a, T> {
    /// ⌈npixel/16⌉ · nframe rows.
    pub(crate) rows: &'a mut [Row<T>],
    /// Frames.
    pub(crate) nframe: usize,
}

/// Decodes the pixels of `frames`, all stored alike, into their rows of the strip.
///
/// `bytes` lends the stored bytes of the run of a frame.
pub(crate) fn decode_images<'b, T: Sample>(
    width: Width,
    stored: &Stored,
    frames: Range<usize>,
    bytes: impl Fn(usize) -> &'b [u8],
    strip: &mut Strip<'_, T>,
) {
    with_rule(
        stored,
        Fill {
            width,
            frames,
            bytes,
            strip,
            put: |_, new| new,
            rest: Some(T::ABSENT),
            skips_zeros: false,
        },
    );
}

/// Decodes the uncertainties of `frames` into standard deviations; +∞ where one is unknown.
pub(crate) fn decode_deviations<'b>(
    width: Width,
    stored: &Stored,
    kind: UncertaintyKind,
    frames: Range<usize>,
    bytes: impl Fn(usize) -> &'b [u8],
    strip: &mut Strip<'_, f64>,
) {
    let known = |v: f64| {
        if v > 0.0 && v.is_finite() {
            v
        } else {
            f64::ABSENT
        }
    };
    let put = |_, stored: f64| {
        let stored = known(stored);
        known(match kind {
            UncertaintyKind::StdDev => stored,
            UncertaintyKind::Variance => stored.sqrt(),
            UncertaintyKind::InverseVariance => 1.0 / stored.sqrt(),
        })
    };
    with_rule(
        stored,
        Fill {
            width,
            frames,
            bytes,
            strip,
            put,
            rest: Some(f64::ABSENT),
            skips_zeros: false,
        },
    );
}

/// Decodes a run of pixels of one frame.
pub(crate) fn decode_run<T: Sample>(
    width: Width,
    stored: &Stored,
    bytes: &[u8],
    samples: &mut [T],
) {
    with_rule(
        stored,
        Run {
            width,
            bytes,
            samples,
        },
    );
}

/// Pixels that are decoded at a time: they stay in the nearest cache.
pub(crate) const LINE: usize = 256;

/// Puts decoded numbers into the rows of a strip.
pub(super) struct Fill<'s, 'a, T, B, P> {
    pub(super) width: Width,
    pub(super) frames: Range<usize>,
    pub(super) bytes: B,
    pub(super) strip: &'s mut Strip<'a, T>,
    /// Old sample and decoded number in, new sample out.
    pub(super) put: P,
    /// What the lanes beyond the run become; `None` to leave them.
    pub(super) rest: Option<T>,
    /// Whether stored zeros leave samples as they are: most pixels of most masks, which then cost a look at their bytes.
    pub(super) skips_zeros: bool,
}

impl<'b, T, B, P> UseRule<T> for Fill<'_, '_, T, B, P>
where
    T: Sample,
    B: Fn(usize) -> &'b [u8],
    P: Fn(T, T) -> T,
{
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> T + Copy) {
        let Self {
            width,
            frames,
            bytes,
            strip,
            put,
            rest,
            skips_zeros,
        } = self;
        let nframe = strip.nframe;
        width.vectorize(
            #[inline(always)]
            || {
                // Decoding a long line before it is cut into rows lets the compiler make vector code of it.
                let mut line = [T::ABSENT; LINE];
                for frame in frames {
                    let (pixels, _) = bytes(frame).as_chunks::<N>();
                    for (at, pixels) in pixels.chunks(LINE).enumerate() {
                        if skips_zeros && are_zero(pixels.as_flattened()) {
                            continue;
                        }
                        for (sample, pixel) in line.iter_mut().zip(pixels) {
                            *sample = rule(*pixel);
                        }
                        let first = at * (LINE / LANES) * nframe + frame;
                        let rows = strip.rows[first..].iter_mut().step_by(nframe);
                        for (row, samples) in rows.zip(line[..pixels.len()].chunks(LANES)) {
                            match samples.as_array::<LANES>() {
                                Some(samples) => {
                                    for lane in 0..LANES {
                                        row.0[lane] = put(row.0[lane], samples[lane]);
                                    }
                                }
                                None => last_row(row, samples, &put, rest),
                            }
                        }
                    }
                }
            },
        );
    }
}

/// Whether all bytes are 0.
#[inline(always)]
fn are_zero(bytes: &[u8]) -> bool {
    bytes.iter().fold(0, |any, byte| any | byte) == 0
}

/// Puts the last samples of a run into their row, which they do not fill.
fn last_row<T: Sample>(row: &mut Row<T>, samples: &[T], put: &impl Fn(T, T) -> T, rest: Option<T>) {
    for (old, new) in row.0.iter_mut().zip(samples) {
        *old = put(*old, *new);
    }
    if let Some(rest) = rest {
        row.0[samples.len()..].fill(rest);
    }
}

/// Puts decoded numbers one after another.
struct Run<'a, T> {
    width: Width,
    bytes: &'a [u8],
    samples: &'a mut [T],
}

impl<T: Sample> UseRule<T> for Run<'_, T> {
    #[inline(always)]
    fn with<const N: usize>(self, rule: impl Fn([u8; N]) -> T + Copy) {
        let Self {
            width,
            bytes,
            samples,
        } = self;
        width.vectorize(
            #[inline(always)]
            || {
                for (sample, pixel) in samples.iter_mut().zip(bytes.as_chunks::<N>().0) {
                    *sample = rule(*pixel);
                }
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::decode_masks;
    use crate::pixels::Bitpix;

    fn run<T: Sample>(stored: Stored, bytes: &[u8]) -> Vec<T> {
        let mut samples = vec![T::ABSENT; bytes.len() / stored.bitpix.nbyte()];
        decode_run(Width::widest(), &stored, bytes, &mut samples);
        samples
    }

    fn stored(bitpix: Bitpix, bscale: f64, bzero: f64, blank: Option<i64>) -> Stored {
        Stored {
            bitpix,
            bscale,
            bzero,
            blank,
        }
    }

    #[test]
    fn uint16_is_exact_and_blank_is_absent() {
        let bytes: Vec<u8> = [-32768_i16, -32767, -1, 0, 32767]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        let samples: Vec<f32> = run(stored(Bitpix::I16, 1.0, 32768.0, Some(-32768)), &bytes);
        assert_eq!(samples, [f32::INFINITY, 1.0, 32767.0, 32768.0, 65535.0]);
    }

    #[test]
    fn small_uint64_survive_their_offset() {
        let bytes: Vec<u8> = [5_u64, 1 << 53, u64::MAX]
            .iter()
            .flat_map(|v| (v ^ (1 << 63)).to_be_bytes())
            .collect();
        let samples: Vec<f64> = run(
            stored(Bitpix::I64, 1.0, 9_223_372_036_854_775_808.0, None),
            &bytes,
        );
        assert_eq!(
            samples,
            [5.0, 9_007_199_254_740_992.0, 18_446_744_073_709_551_616.0]
        );
    }

    #[test]
    fn every_width_decodes_alike() {
        let bytes: Vec<u8> = (0..64 * 8)
            .map(|i: u32| u8::try_from(i * 37 % 251).expect("below 251"))
            .collect();
        for bitpix in [
            Bitpix::U8,
            Bitpix::I16,
            Bitpix::I32,
            Bitpix::I64,
            Bitpix::F32,
            Bitpix::F64,
        ] {
            for (bscale, bzero) in [(1.0, 0.0), (1.0, 7.0), (0.1, 3.7)] {
                let stored = stored(bitpix, bscale, bzero, None);
                let decode = |width| {
                    let mut samples = vec![0.0_f32; bytes.len() / bitpix.nbyte()];
                    decode_run(width, &stored, &bytes, &mut samples);
                    samples.iter().map(|v| v.to_bits()).collect::<Vec<_>>()
                };
                let first = decode(Width::widest());
                assert!(
                    Width::available()
                        .into_iter()
                        .all(|width| decode(width) == first),
                    "{stored:?}"
                );
            }
        }
    }

    #[test]
    fn a_strip_holds_a_row_a_frame_and_pads_with_absent_samples() {
        let frames: Vec<Vec<u8>> = (0..3_u8)
            .map(|f| (0..20).map(|p| f * 50 + p).collect())
            .collect();
        let mut rows = vec![Row([0.0_f32; LANES]); 2 * 3];
        let mut strip = Strip {
            rows: &mut rows,
            nframe: 3,
        };
        let image = stored(Bitpix::U8, 1.0, 0.0, None);
        decode_images(Width::widest(), &image, 0..3, |f| &frames[f], &mut strip);
        let mask: Vec<u8> = (0..20).map(|p| u8::from(p == 17)).collect();
        decode_masks(Width::widest(), &image, None, 1..2, |_| &mask, &mut strip);
        assert_eq!(rows[1].0[3].to_bits(), 53.0_f32.to_bits());
        assert_eq!(rows[3 + 2].0[..4], [116.0, 117.0, 118.0, 119.0]);
        assert!(rows[3 + 2].0[4..].iter().all(|v| v.is_infinite()));
        assert!(rows[3 + 1].0[1].is_infinite() && rows[3 + 1].0[0].is_finite());
    }

    #[test]
    fn deviations_come_from_any_kind_and_bad_ones_are_unknown() {
        let bytes: Vec<u8> = [4.0_f64, 0.0, -1.0, f64::NAN]
            .iter()
            .flat_map(|v| v.to_be_bytes())
            .collect();
        let image = stored(Bitpix::F64, 1.0, 0.0, None);
        for (kind, first) in [
            (UncertaintyKind::StdDev, 4.0),
            (UncertaintyKind::Variance, 2.0),
            (UncertaintyKind::InverseVariance, 0.5),
        ] {
            let mut rows = vec![Row([0.0_f64; LANES]); 1];
            let mut strip = Strip {
                rows: &mut rows,
                nframe: 1,
            };
            decode_deviations(Width::widest(), &image, kind, 0..1, |_| &bytes, &mut strip);
            assert_eq!(rows[0].0[0].to_bits(), f64::to_bits(first));
            assert!(rows[0].0[1..].iter().all(|v| v.is_infinite()));
        }
    }
}
