//! What belongs to the 16 pixels of a block: what came of them, and what goes with their samples.

use crate::kernel::{LANES, Row, Weights};
use crate::recipe::Family;

/// What came of the pixels of a block.
#[derive(Clone, Debug, Default)]
pub(super) struct Lanes {
    pub(super) value: [f64; LANES],
    pub(super) uncertainty: [f64; LANES],
    pub(super) count: [u32; LANES],
    /// Whether the value is masked although samples were left.
    pub(super) masked: [bool; LANES],
    /// Samples that all steps took.
    pub(super) taken: Sides,
    /// The same by the family of the step.
    pub(super) by_family: [Sides; Family::ALL.len()],
    /// Samples that the bounds at the head of the chain took.
    pub(super) head: Sides,
    /// The step from which on the page decides a lane, if it does.
    pub(super) undecided: [Option<usize>; LANES],
}

/// Samples taken on the low and on the high side, by lane.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sides {
    pub(super) low: [u32; LANES],
    pub(super) high: [u32; LANES],
}

impl Sides {
    /// Adds what a step took.
    pub(super) fn add(&mut self, step: &Self) {
        for lane in 0..LANES {
            self.low[lane] += step.low[lane];
            self.high[lane] += step.high[lane];
        }
    }
}

impl Lanes {
    /// Adds what a step took.
    pub(super) fn take(&mut self, family: Family, step: &Sides) {
        self.taken.add(step);
        self.by_family[family as usize].add(step);
    }

    /// Sets what was taken of a lane back to what the head of the chain took.
    pub(super) fn forget_taken(&mut self, lane: usize) {
        let (low, high) = (self.head.low[lane], self.head.high[lane]);
        for sides in &mut self.by_family {
            (sides.low[lane], sides.high[lane]) = (0, 0);
        }
        let bounds = &mut self.by_family[Family::Bounds as usize];
        for sides in [&mut self.taken, bounds] {
            (sides.low[lane], sides.high[lane]) = (low, high);
        }
    }

    /// Adds a sample that a step took.
    pub(super) fn take_one(&mut self, family: Family, lane: usize, low: bool) {
        for sides in [&mut self.taken, &mut self.by_family[family as usize]] {
            let side = if low { &mut sides.low } else { &mut sides.high };
            side[lane] += 1;
        }
    }

    /// Says that nothing was left at a pixel.
    pub(super) fn nothing(&mut self, lane: usize) {
        self.value[lane] = f64::NAN;
        self.uncertainty[lane] = f64::NAN;
        self.count[lane] = 0;
    }
}

/// What goes with the samples of a block: rows as theirs, where there are such.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beside<'a> {
    pub(super) deviations: &'a [Row<f64>],
    pub(super) weights: Option<Weights<'a>>,
}

impl Beside<'_> {
    /// The weight of a sample; 1 where nothing weighs.
    #[inline(always)]
    pub(super) fn weight(&self, frame: usize, lane: usize) -> f64 {
        match self.weights {
            None => 1.0,
            Some(Weights::PerFrame(weights)) => weights[frame],
            Some(Weights::PerSample(rows)) => rows[frame].0[lane],
        }
    }
}
