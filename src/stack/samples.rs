//! The samples of a strip: weighed, held against the bounds that lead the chain, scaled.

use super::around::note_bounds;
use super::{Scratch, StackRoom, Way, lanes::Lanes, lanes::Sides};
use crate::kernel::{LANES, Row, Sample, Width};
use crate::level::FrameLevel;
use crate::recipe::{Clip, Family};

impl StackRoom {
    /// Makes samples of unknown uncertainty absent, scales uncertainties as samples are, and makes weights of them.
    pub(super) fn weigh<T: Sample>(&self, nrow: usize, scratch: &mut Scratch<T>) {
        let rows = scratch.rows[..nrow]
            .iter_mut()
            .zip(&mut scratch.deviations[..nrow]);
        for (index, (row, deviations)) in rows.enumerate() {
            let factor = self
                .levels
                .get(index % self.nframe)
                .map_or(1.0, |level| level.a.abs());
            for (sample, deviation) in row.0.iter_mut().zip(&mut deviations.0) {
                if deviation.is_finite() {
                    *deviation *= factor;
                } else {
                    *sample = T::ABSENT;
                }
            }
            if self.inverse_variance {
                let weights = &mut scratch.weights[index].0;
                for (weight, deviation) in weights.iter_mut().zip(deviations.0) {
                    *weight = if deviation.is_finite() {
                        1.0 / (deviation * deviation)
                    } else {
                        0.0
                    };
                }
            }
        }
    }

    /// Drops samples of a block outside the bounds that lead the chain, then scales the rest.
    pub(super) fn bounds_first<T: Sample>(
        &self,
        block: usize,
        scratch: &mut Scratch<T>,
        lanes: &mut Lanes,
    ) {
        let place = block * self.nframe..(block + 1) * self.nframe;
        let rows = &mut scratch.rows[place.clone()];
        if scratch.way == Way::Page {
            // The page meets all bounds itself, on the samples before scaling.
            scratch.unscaled[place].copy_from_slice(rows);
        } else {
            for (step, clip) in self.clip[..self.nhead()].iter().enumerate() {
                let &Clip::Minmax { low, high } = clip else {
                    continue;
                };
                let bounds = (T::at_least(low), T::at_most(high));
                note_bounds(&mut scratch.marks, rows, bounds);
                let mut taken = Sides::default();
                for (row, frame) in rows.iter_mut().zip(scratch.tally.frames_mut(step)) {
                    *frame += drop_outside(self.width, row, bounds, &mut taken);
                }
                scratch.tally.step(step, &taken);
                lanes.head.add(&taken);
            }
            let head = lanes.head;
            lanes.take(Family::Bounds, &head);
        }
        if !self.levels.is_empty() {
            scale(self.width, rows, &self.levels);
        }
    }
}

/// Makes the samples of a row that lie outside the bounds absent; returns how many.
fn drop_outside<T: Sample>(
    width: Width,
    row: &mut Row<T>,
    (least, most): (T, T),
    sides: &mut Sides,
) -> u64 {
    width.vectorize(
        #[inline(always)]
        || {
            let mut taken = 0_u32;
            for lane in 0..LANES {
                let sample = row.0[lane];
                let present = sample < T::ABSENT;
                let below = present & (sample < least);
                let above = present & (sample > most);
                sides.low[lane] += u32::from(below);
                sides.high[lane] += u32::from(above);
                taken += u32::from(below | above);
                row.0[lane] = if below | above { T::ABSENT } else { sample };
            }
            u64::from(taken)
        },
    )
}

/// Scales the rows of a block; a sample that leaves the range of its type is absent.
fn scale<T: Sample>(width: Width, rows: &mut [Row<T>], levels: &[FrameLevel]) {
    width.vectorize(
        #[inline(always)]
        || {
            for (row, level) in rows.iter_mut().zip(levels) {
                for sample in &mut row.0 {
                    let scaled = T::from_f64(level.apply(sample.to_f64()));
                    *sample = if (*sample < T::ABSENT) & scaled.is_present() {
                        scaled
                    } else {
                        T::ABSENT
                    };
                }
            }
        },
    );
}
