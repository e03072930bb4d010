//! The planes that an output can have.

use super::Clip;

/// A plane of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plane {
    /// The combined values.
    Data,
    /// 1 where nothing was left, or where a value beyond a limit was masked.
    Mask,
    /// The standard deviation of the value.
    Uncertainty,
    /// How many samples were left.
    Count,
    /// How many samples the clip steps took on the low side.
    Low,
    /// How many samples the clip steps took on the high side.
    High,
    /// How many of those were taken by one family of steps.
    LowBy(Family),
    /// The same on the high side.
    HighBy(Family),
}

/// Clip steps that go by the same sort of thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// Values that are given: minmax.
    Bounds,
    /// Ranks: extrema.
    Order,
    /// How far a sample is from the others of its pixel: every other rule.
    Deviation,
}

impl Family {
    /// Every family, in the order of their numbers.
    pub(crate) const ALL: [Self; 3] = [Self::Bounds, Self::Order, Self::Deviation];

    /// The family of a step.
    pub(crate) fn of(clip: &Clip) -> Self {
        match clip {
            Clip::Minmax { .. } => Self::Bounds,
            Clip::Extrema { .. } => Self::Order,
            _ => Self::Deviation,
        }
    }
}
