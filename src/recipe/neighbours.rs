//! What is rejected beside the samples that a clip step rejects: their neighbours in the same frame.

use super::Clip;

/// Which neighbours of rejected samples are rejected too.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Neighbours {
    /// Those at most so many pixels away from a sample that a clip step other than `minmax` took; 0 for none, at most [`Self::FARTHEST`].
    pub grow: f64,
    /// Those in a hole between rejected ones that is at most so many rows high and columns wide; 0 for none, at most
    /// [`Self::LARGEST`].
    pub hole_fill: usize,
}

impl Neighbours {
    /// The largest radius: what it takes of memory and time goes with its square.
    pub const FARTHEST: f64 = 100.0;
    /// The largest hole.
    pub const LARGEST: usize = 100;

    /// What is done, step by step, as it is typed without its dashes.
    pub(crate) fn steps(&self) -> impl Iterator<Item = String> {
        let Self { grow, hole_fill } = *self;
        let grow = (grow > 0.0).then(|| format!("grow {grow}"));
        let hole_fill = (hole_fill > 0).then(|| format!("hole-fill {hole_fill}"));
        grow.into_iter().chain(hole_fill)
    }

    /// Whether any are.
    pub fn are_rejected(&self) -> bool {
        self.grow > 0.0 || self.hole_fill > 0
    }

    /// Whether the numbers make sense.
    pub(super) fn are_sound(&self) -> bool {
        (0.0..=Self::FARTHEST).contains(&self.grow) && self.hole_fill <= Self::LARGEST
    }
}

impl Clip {
    /// Whether it judges a sample by the others at its pixel: round what a bound takes nothing is grown, as it tells nothing of a
    /// neighbour (a saturated pixel, one below the bias).
    pub(crate) fn is_statistical(&self) -> bool {
        !matches!(self, Self::Minmax { .. })
    }
}
