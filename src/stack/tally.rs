//! What the strips of a tile came to: samples rejected, pixels left with nothing, noise.

use super::NoiseGauge;
use super::lanes::{Lanes, Sides};
use crate::kernel::{LANES, Row, Sample};

/// Counts that are added up over all tiles; sums of whole numbers, so that their order does not matter.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(crate) struct Tally {
    /// Samples that each step took on the low side.
    pub(crate) low: Vec<u64>,
    /// Samples that each step took on the high side.
    pub(crate) high: Vec<u64>,
    /// Samples that each step took of each frame: `step · nframe + frame`.
    taken: Vec<u64>,
    /// Pixels at which nothing was left.
    pub(crate) empty: u64,
    /// Noise of the first frame.
    pub(crate) frame: NoiseGauge,
    /// Noise of the combined values.
    pub(crate) result: NoiseGauge,
    nframe: usize,
}

impl Tally {
    /// Bytes that a tally takes.
    pub(crate) fn nbyte(nstep: usize, nframe: usize) -> usize {
        nstep * (nframe + 2) * size_of::<u64>() + 2 * NoiseGauge::NBYTE
    }

    /// Nothing yet.
    pub(crate) fn new(nstep: usize, nframe: usize) -> Self {
        Self {
            low: vec![0; nstep],
            high: vec![0; nstep],
            taken: vec![0; nstep * nframe],
            empty: 0,
            frame: NoiseGauge::new(),
            result: NoiseGauge::new(),
            nframe,
        }
    }

    /// Samples that a step took, by frame.
    pub(crate) fn frames(&self, step: usize) -> &[u64] {
        &self.taken[step * self.nframe..][..self.nframe]
    }

    /// The same, to be added to.
    pub(super) fn frames_mut(&mut self, step: usize) -> &mut [u64] {
        &mut self.taken[step * self.nframe..][..self.nframe]
    }

    /// Notes that a step took a sample of a frame, on its low or its high side.
    pub(super) fn take(&mut self, step: usize, frame: usize, low: bool) {
        self.frames_mut(step)[frame] += 1;
        *(if low {
            &mut self.low[step]
        } else {
            &mut self.high[step]
        }) += 1;
    }

    /// Notes how many samples of a frame were taken as neighbours.
    pub(super) fn neighbours(&mut self, step: usize, frame: usize, taken: u64) {
        self.frames_mut(step)[frame] += taken;
        self.low[step] += taken;
    }

    /// Notes what a step took of a block, by side; returns whether that is anything.
    pub(super) fn step(&mut self, step: usize, taken: &Sides) -> bool {
        let sum = |counts: &[u32; LANES]| counts.iter().map(|count| u64::from(*count)).sum::<u64>();
        let (low, high) = (sum(&taken.low), sum(&taken.high));
        self.low[step] += low;
        self.high[step] += high;
        low + high > 0
    }

    /// Notes the values of a block and, where noise is gauged, those and its samples in the first frame.
    pub(super) fn pixels<T: Sample>(
        &mut self,
        lanes: &Lanes,
        first: &Row<T>,
        nused: usize,
        gauged: bool,
    ) {
        self.empty += lanes.count[..nused]
            .iter()
            .filter(|count| **count == 0)
            .count() as u64;
        if gauged {
            self.result.run(lanes.value[..nused].iter().copied());
            self.frame
                .run(first.0[..nused].iter().map(|sample| sample.to_f64()));
        }
    }

    /// Whether it counts so many steps and frames: what was read from a file need not.
    pub(crate) fn is_of(&self, nstep: usize, nframe: usize) -> bool {
        self.nframe == nframe
            && [&self.low, &self.high].map(Vec::len) == [nstep; 2]
            && Some(self.taken.len()) == nstep.checked_mul(nframe)
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.low.fill(0);
        self.high.fill(0);
        self.taken.fill(0);
        self.empty = 0;
        self.frame.clear();
        self.result.clear();
    }

    /// Adds what another tile came to.
    pub(crate) fn merge(&mut self, other: &Self) {
        let add = |sums: &mut [u64], more: &[u64]| {
            sums.iter_mut()
                .zip(more)
                .for_each(|(sum, more)| *sum = sum.saturating_add(*more));
        };
        add(&mut self.low, &other.low);
        add(&mut self.high, &other.high);
        add(&mut self.taken, &other.taken);
        self.empty = self.empty.saturating_add(other.empty);
        self.frame.merge(&other.frame);
        self.result.merge(&other.result);
    }
}
