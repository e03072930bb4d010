//! Samples that the noise of their detector does not explain: each frame has its own noise at the centre of a lane.

use fearless_simd::{Simd, dispatch, f64x8, prelude::*};

use super::super::bounds::Keeper;
use super::super::lanes::{Mask, both, wide};
use super::super::{Bounds, LANES, Row, Sample, Width};

/// The noise of a frame: its variance at any level, in units of the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FrameNoise {
    /// What a sample without light is.
    pub dark: f64,
    /// Light per unit of a sample.
    pub unit: f64,
    /// The variance without light.
    pub read: f64,
    /// What light adds.
    pub photon: f64,
    /// What its square adds.
    pub sensitivity: f64,
}

impl FrameNoise {
    /// The variance of a sample that is expected here; that without light where less than that is expected.
    #[inline(always)]
    pub fn variance(&self, expected: f64) -> f64 {
        let light = ((expected - self.dark) * self.unit).max(0.0);
        self.read + light * (self.photon + light * self.sensitivity)
    }
}

/// How far samples may be from the centre: the squares of so many deviations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FarSquares {
    /// Below it.
    pub low: f64,
    /// Above it.
    pub high: f64,
}

impl FarSquares {
    /// Whether a sample is farther from the centre than noise of this variance explains. Without any noise it is not, nor where the centre
    /// is NaN.
    #[inline(always)]
    pub fn has(&self, sample: f64, centre: f64, variance: f64) -> bool {
        let away = sample - centre;
        let square = if away < 0.0 { self.low } else { self.high };
        (variance > 0.0) & (away * away > square * variance)
    }
}

/// Copies what the bounds keep of the rows; the rest is absent in the copy.
///
/// # Panics
///
/// If there are not as many rows in the copy.
pub fn copy_kept<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    bounds: &Bounds<T>,
    copy: &mut [Row<T>],
) {
    assert_eq!(rows.len(), copy.len(), "rows of the copy");
    if bounds.splits_ties() {
        dispatch!(width.0, simd => copy_pass::<_, _, true>(simd, rows, bounds, copy));
    } else {
        dispatch!(width.0, simd => copy_pass::<_, _, false>(simd, rows, bounds, copy));
    }
}

#[inline(always)]
fn copy_pass<S: Simd, T: Sample, const TIES: bool>(
    simd: S,
    rows: &[Row<T>],
    bounds: &Bounds<T>,
    copy: &mut [Row<T>],
) {
    let mut keeper = Keeper::<S, TIES>::new(simd, bounds);
    for (row, copy) in rows.iter().zip(copy) {
        let kept = bits(keeper.keeps(T::widen(simd, row)));
        *copy = *row;
        if kept != u16::MAX {
            for (lane, sample) in copy.0.iter_mut().enumerate() {
                if kept >> lane & 1 == 0 {
                    *sample = T::ABSENT;
                }
            }
        }
    }
}

/// Marks the present samples that are too far from the centre of their lane, a bit a lane for each row; returns the lanes that have any.
///
/// # Panics
///
/// If there are not as many noises and marks as rows.
pub fn far_samples<T: Sample>(
    width: Width,
    (rows, noise): (&[Row<T>], &[FrameNoise]),
    centre: &[f64; LANES],
    far: FarSquares,
    marks: &mut [u16],
) -> u16 {
    assert_eq!(rows.len(), noise.len(), "noise of the rows");
    assert_eq!(rows.len(), marks.len(), "marks of the rows");
    dispatch!(width.0, simd => far_pass(simd, (rows, noise), centre, far, marks))
}

#[inline(always)]
fn far_pass<S: Simd, T: Sample>(
    simd: S,
    (rows, noise): (&[Row<T>], &[FrameNoise]),
    centre: &[f64; LANES],
    far: FarSquares,
    marks: &mut [u16],
) -> u16 {
    let centre = wide(simd, centre);
    let number = |number: f64| f64x8::splat(simd, number);
    let (zero, absent) = (number(0.0), number(f64::INFINITY));
    let (low, high) = (number(far.low), number(far.high));
    let mut any = 0;
    for ((row, noise), mark) in rows.iter().zip(noise).zip(marks) {
        let sample = T::widen(simd, row);
        let is_far = both(
            #[inline(always)]
            |half| {
                let light = (centre[half] - noise.dark) * noise.unit;
                let light = light.simd_gt(zero).select(light, zero);
                let variance = (light * noise.sensitivity + noise.photon) * light + noise.read;
                let away = sample[half] - centre[half];
                let square = away.simd_lt(zero).select(low, high);
                (away * away).simd_gt(square * variance)
                    & variance.simd_gt(zero)
                    & sample[half].simd_lt(absent)
            },
        );
        *mark = bits(is_far);
        any |= *mark;
    }
    any
}

/// A bit for each lane.
#[inline(always)]
fn bits<S: Simd>(mask: Mask<S>) -> u16 {
    let (low, high) = (mask[0].to_bitmask(), mask[1].to_bitmask());
    u16::try_from(low | high << (LANES / 2)).unwrap_or(u16::MAX)
}

/// Takes samples out of sorted rows: from row 0 on each lane has `count` of them, absent ones behind.
///
/// # Panics
///
/// If a lane has not that sample.
pub fn take_sorted<T: Sample>(
    sorted: &mut [Row<T>],
    count: &mut u32,
    lane: usize,
    sample: T,
    is_high: bool,
) {
    let n = *count as usize;
    let is = |row: &Row<T>| row.0[lane] == sample;
    // What goes mostly stands near its end.
    let found = if is_high {
        sorted[..n].iter().rposition(is)
    } else {
        sorted[..n].iter().position(is)
    };
    let at = found.expect("what is taken was sorted");
    for row in at + 1..n {
        sorted[row - 1].0[lane] = sorted[row].0[lane];
    }
    sorted[n - 1].0[lane] = T::ABSENT;
    *count -= 1;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::{Kept, sort};

    const SQUARES: FarSquares = FarSquares {
        low: 4.0,
        high: f64::INFINITY,
    };

    fn noise(frame: usize) -> FrameNoise {
        FrameNoise {
            dark: 10.0 * frame as f64,
            unit: 1.0 + 0.1 * frame as f64,
            read: if frame == 3 { 0.0 } else { 2.0 },
            photon: 0.5,
            sensitivity: 1e-4 * frame as f64,
        }
    }

    fn rows() -> Vec<Row<f32>> {
        (0_u8..9)
            .map(|frame| {
                Row(std::array::from_fn(|lane| {
                    let number = (usize::from(frame) * 37 + lane * 11) % 23;
                    if number == 22 {
                        f32::ABSENT
                    } else {
                        f32::from(u8::try_from(number).unwrap_or(0)) * 7.0 - 20.0
                    }
                }))
            })
            .collect()
    }

    #[test]
    fn each_sample_is_judged_by_the_noise_of_its_frame_on_every_width() {
        let rows = rows();
        let noises: Vec<FrameNoise> = (0..rows.len()).map(noise).collect();
        let centre: [f64; LANES] = std::array::from_fn(|lane| {
            if lane == 5 {
                f64::NAN
            } else {
                60.0 - 6.0 * lane as f64
            }
        });
        for squares in [
            SQUARES,
            FarSquares {
                low: 1.0,
                high: 9.0,
            },
        ] {
            for width in Width::available() {
                let mut marks = vec![0; rows.len()];
                let any = far_samples(width, (&rows, &noises), &centre, squares, &mut marks);
                let mut expected = 0;
                for ((row, noise), mark) in rows.iter().zip(&noises).zip(&marks) {
                    for lane in 0..LANES {
                        let sample = row.0[lane].to_f64();
                        let variance = noise.variance(centre[lane]);
                        let far =
                            row.0[lane].is_present() && squares.has(sample, centre[lane], variance);
                        assert_eq!(
                            mark >> lane & 1 == 1,
                            far,
                            "{width}: {sample} in lane {lane}"
                        );
                        expected |= u16::from(far) << lane;
                    }
                }
                assert_eq!(any, expected);
                assert!(any != 0 && any >> 5 & 1 == 0);
            }
        }
    }

    #[test]
    fn what_is_taken_leaves_the_rest_sorted() {
        let rows = rows();
        let mut sorted = rows.clone();
        sort(Width::widest(), &rows, &mut sorted);
        let mut count = Kept::present(&sorted).count();
        let (sample, before) = (rows[4].0[2], count[2]);
        take_sorted(&mut sorted, &mut count[2], 2, sample, true);
        let mut expected: Vec<f32> = rows.iter().map(|row| row.0[2]).collect();
        expected.remove(4);
        expected.push(f32::ABSENT);
        expected.sort_by(f32::total_cmp);
        let left: Vec<f32> = sorted.iter().map(|row| row.0[2]).collect();
        assert_eq!((left, count[2]), (expected, before - 1));
    }
}
