//! Samples that are calibrated on their way into a strip: decoded, calibrated and rounded some hundred pixels at a time, in the nearest cache.

use std::ops::Range;

use crate::calibrate::{FrameSteps, MasterLines, Rounding, Run, Taken};
use crate::decode::{LINE, Strip, WorkLine, decode_lines};
use crate::kernel::{Sample, Width};
use crate::pixels::Stored;

const _: () = assert!(LINE <= Rounding::NPIXEL, "a line is calibrated at once");

/// Decodes a run of pixels of `frames`, all stored alike, and calibrates them; what a step masks is absent.
///
/// `steps` has those of every frame of the stack, `masters` at least the pixels of the run, which begins at `place`. Where deviations are
/// wanted, their strip holds what the frames bring, or zeros; they become those of the calibrated samples. What comes out is what
/// calibrated frames written as samples of type `T` would be read as.
pub(crate) fn calibrate_images<'b, T: Sample>(
    width: Width,
    (stored, frames): (&Stored, Range<usize>),
    bytes: impl Fn(usize) -> &'b [u8],
    (steps, masters): (&[FrameSteps], &MasterLines),
    place: Run<'_>,
    (strip, deviations): (&mut Strip<'_, T>, Option<&mut Strip<'_, f64>>),
) {
    let mut work = Calibrate {
        steps,
        place,
        deviations,
        rounding: Rounding::new(width, masters),
        deviation: [0.0; LINE],
    };
    decode_lines(width, stored, frames, bytes, strip, &mut work);
}

/// Calibrates the lines of a strip.
struct Calibrate<'a, 's, 'd> {
    steps: &'a [FrameSteps],
    place: Run<'a>,
    deviations: Option<&'s mut Strip<'d, f64>>,
    rounding: Rounding<'a>,
    /// Deviations of a line.
    deviation: [f64; LINE],
}

impl<T: Sample> WorkLine<T> for Calibrate<'_, '_, '_> {
    #[inline(always)]
    fn work(&mut self, frame: usize, pixels: Range<usize>, decoded: &mut [f64], samples: &mut [T]) {
        let taken = Taken {
            steps: &self.steps[frame],
            place: Run {
                first: self.place.first + pixels.start,
                ..self.place
            },
        };
        let deviation = &mut self.deviation[..pixels.len()];
        match &mut self.deviations {
            None => self.rounding.of_decoded(taken, decoded, None, samples),
            Some(strip) => {
                strip.take(frame, pixels.start, deviation);
                self.rounding
                    .of_decoded(taken, decoded, Some(&mut *deviation), samples);
                strip.put(frame, pixels.start, deviation);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calibrate::{Line, MasterLine, OverscanLevels, PhotonNoise, calibrate};
    use crate::decode::{decode_own_deviations, decode_run, own_deviations};
    use crate::kernel::{LANES, Row};
    use crate::pixels::{Bitpix, UncertaintyKind};
    use crate::recipe::Negative;
    use crate::shape::Area;

    const NFRAME: usize = 3;
    const NPIXEL: usize = 700;
    const FIRST: usize = 130;

    fn stored(bitpix: Bitpix, bzero: f64, blank: Option<i64>) -> Stored {
        Stored {
            bitpix,
            bscale: 1.0,
            bzero,
            blank,
        }
    }

    /// Numbers in a made-up order.
    fn numbers(seed: usize) -> impl Iterator<Item = usize> {
        (0..NPIXEL).map(move |pixel| (seed * 7919 + pixel * 104_729) % 5003)
    }

    fn masters(bad: bool) -> MasterLines {
        let master = |seed: usize, scale: f64| {
            let value = numbers(seed).map(|n| scale * (1.0 + n as f64 * 1e-4));
            Some(MasterLine {
                value: value.collect(),
                deviation: vec![scale * 0.01; NPIXEL],
                masked: numbers(seed).filter(|_| bad).map(|n| n % 17 == 3).collect(),
            })
        };
        MasterLines {
            first: FIRST,
            bias: master(1, 300.0),
            dark: master(2, 8.0),
            flat: master(3, 0.9),
        }
    }

    /// Frames with a step each that the others do not have.
    fn frames() -> Vec<FrameSteps> {
        let all = FrameSteps {
            overscan: Some(OverscanLevels::Rows(vec![1000.0, 1001.5, 999.0, 998.25])),
            gain: Some(1.7),
            bias: true,
            dark: Some(0.75),
            flat: true,
            sky: Some(12.5),
            ..FrameSteps::default()
        };
        let noise = PhotonNoise {
            gain: 1.7,
            readnoise: 5.0,
            negative: Negative::Mask,
        };
        let columns = (0..310).map(|col| 1000.0 + f64::from(col) * 0.1).collect();
        let second = FrameSteps {
            overscan: Some(OverscanLevels::Columns(columns)),
            deviation: Some(noise),
            gain_last: true,
            ..all.clone()
        };
        let third = FrameSteps {
            bias: true,
            ..FrameSteps::default()
        };
        vec![all, second, third]
    }

    /// The samples and deviations of a frame as a calibrated file of samples of type `T` would have them.
    fn by_file<T: Sample>(
        (steps, masters): (&FrameSteps, &MasterLines),
        place: Run<'_>,
        (stored, bytes): (&Stored, &[u8]),
        mut deviation: Vec<f64>,
        deviates: bool,
    ) -> (Vec<T>, Vec<f64>) {
        let mut value = vec![0.0; NPIXEL];
        let mut masked = vec![false; NPIXEL];
        decode_run(Width::widest(), stored, bytes, &mut value);
        let line = Line {
            value: &mut value,
            deviation: deviates.then_some(&mut deviation),
            masked: Some(&mut masked),
        };
        calibrate(Width::widest(), steps, masters, place, line);
        let sample = |(value, masked): (&f64, &bool)| {
            let sample = T::from_f64(*value);
            if *masked || !sample.is_present() {
                T::ABSENT
            } else {
                sample
            }
        };
        let samples = value.iter().zip(&masked).map(sample).collect();
        let known = |deviation: &f64| {
            let rounded = T::from_f64(*deviation).to_f64();
            if rounded > 0.0 && rounded.is_finite() {
                rounded
            } else {
                f64::INFINITY
            }
        };
        (samples, deviation.iter().map(known).collect())
    }

    fn strips_are_as_files<T: Sample>(bad: bool, deviates: bool) {
        let (steps, masters) = (frames(), masters(bad));
        let area = Area {
            rows: 0..4,
            cols: 5..305,
        };
        let place = Run {
            first: FIRST,
            area: &area,
        };
        let image = stored(Bitpix::I16, 32768.0, Some(-32768 + 2000));
        let counts = |n: usize| u16::try_from(n).expect("below 5003") ^ 0x8000;
        let bytes: Vec<Vec<u8>> = (0..NFRAME)
            .map(|frame| {
                numbers(frame + 9)
                    .flat_map(|n| counts(n).to_be_bytes())
                    .collect()
            })
            .collect();
        let plane = stored(Bitpix::F64, 0.0, None);
        let variance = |n: usize| {
            if n.is_multiple_of(5) {
                -1.0
            } else {
                (n % 7) as f64
            }
        };
        let own: Vec<u8> = numbers(4).flat_map(|n| variance(n).to_be_bytes()).collect();
        let kind = UncertaintyKind::Variance;
        for width in Width::available() {
            let nrow = NPIXEL.div_ceil(LANES) * NFRAME;
            let (mut rows, mut wide) = (
                vec![Row([T::MAX; LANES]); nrow],
                vec![Row([0.0; LANES]); nrow],
            );
            let mut strip = Strip {
                rows: &mut rows,
                nframe: NFRAME,
            };
            let mut deviations = Strip {
                rows: &mut wide,
                nframe: NFRAME,
            };
            // The first frame brings an uncertainty plane, the others bring none.
            decode_own_deviations(width, &plane, kind, 0..1, |_| &own, &mut deviations);
            calibrate_images(
                width,
                (&image, 0..NFRAME),
                |frame| &bytes[frame],
                (&steps, &masters),
                place,
                (&mut strip, deviates.then_some(&mut deviations)),
            );
            for frame in 0..NFRAME {
                let mut first = vec![0.0; NPIXEL];
                if frame == 0 {
                    decode_run(width, &plane, &own, &mut first);
                    own_deviations(kind, &mut first);
                }
                let stored = (&image, &bytes[frame][..]);
                let (samples, expected) =
                    by_file::<T>((&steps[frame], &masters), place, stored, first, deviates);
                let (mut found, mut known) = (vec![T::ABSENT; NPIXEL], vec![0.0; NPIXEL]);
                strip.take(frame, 0, &mut found);
                assert!(found == samples, "frame {frame} on {width}");
                if deviates {
                    deviations.take(frame, 0, &mut known);
                    assert_eq!(known, expected, "deviations of frame {frame} on {width}");
                }
                let last = strip.rows[(nrow / NFRAME - 1) * NFRAME + frame];
                assert!(
                    last.0[NPIXEL % LANES..]
                        .iter()
                        .all(|sample| *sample == T::ABSENT)
                );
            }
        }
    }

    #[test]
    fn samples_of_a_strip_are_those_of_calibrated_files() {
        for bad in [false, true] {
            for deviates in [false, true] {
                strips_are_as_files::<f32>(bad, deviates);
                strips_are_as_files::<f64>(bad, deviates);
            }
        }
    }

    #[test]
    fn uncertainties_of_frames_keep_zeros_and_lose_what_says_nothing() {
        let of = |kind, mut numbers: [f64; 4]| {
            own_deviations(kind, &mut numbers);
            numbers.to_vec()
        };
        let inf = f64::INFINITY;
        let stored = [4.0, 0.0, -1.0, inf];
        assert_eq!(of(UncertaintyKind::StdDev, stored), [4.0, 0.0, inf, inf]);
        assert_eq!(of(UncertaintyKind::Variance, stored), [2.0, 0.0, inf, inf]);
        assert_eq!(
            of(UncertaintyKind::InverseVariance, stored),
            [0.5, inf, inf, inf]
        );
    }
}
