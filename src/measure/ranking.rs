//! Finding the samples of given ranks in two passes.

use super::{Sample, Wanted, brackets::Brackets, digits::Digits};

/// A sample that can be found by its rank.
pub(crate) trait Ranked: Sample {
    /// How it is found.
    type Ranking: Ranking<Self> + std::fmt::Debug;
}

impl Ranked for f32 {
    type Ranking = Digits;
}

impl Ranked for f64 {
    type Ranking = Brackets;
}

/// Finds the samples of given ranks among all that are present, -0.0 being 0.0: exactly, in two passes and fixed memory.
///
/// Ranks count from 0, the lowest sample. Were the frame to change between the passes, the values would be arbitrary,
/// but nothing panics and no memory grows.
pub(crate) trait Ranking<T> {
    /// Memory for the ranks that are wanted of up to `npixel` samples.
    fn new(wanted: Wanted, npixel: u64) -> Self;

    /// The bytes that `new` allocates.
    fn nbyte(wanted: Wanted, npixel: u64) -> usize;

    /// Forgets the frame before.
    fn begin(&mut self);

    /// Takes samples of the first pass.
    fn survey(&mut self, samples: &[T]);

    /// How many samples of the first pass were present.
    fn npresent(&self) -> u64;

    /// Narrows down where the samples of these ranks lie, each group being at most two neighbours; whether a second
    /// pass is needed to tell.
    fn narrow(&mut self, ranks: &[[u64; 2]]) -> bool;

    /// Takes samples of the second pass.
    fn refine(&mut self, samples: &[T]);

    /// The sample at one of the ranks asked for.
    fn value(&mut self, rank: u64) -> f64;

    /// The bytes that it holds now.
    #[cfg(test)]
    fn nbyte_held(&self) -> usize;
}
