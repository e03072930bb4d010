//! Runs of pixels of an image, counted along its rows from its first corner: what of it is done, and what is missing.

use std::ops::Range;

use serde::{Deserialize, Serialize};

/// Runs of pixels: in order, none empty, none that touch.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Runs(Vec<[usize; 2]>);

impl Runs {
    /// One run, or none where it is empty.
    #[cfg(test)]
    pub(crate) fn of(run: Range<usize>) -> Self {
        let mut runs = Self::default();
        runs.insert(run);
        runs
    }

    /// The runs in their order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Range<usize>> {
        self.0.iter().map(|&[start, end]| start..end)
    }

    /// How many pixels they have.
    pub(crate) fn npixel(&self) -> usize {
        self.iter().map(|run| run.len()).sum()
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a run; what was there before stays.
    pub(crate) fn insert(&mut self, run: Range<usize>) {
        if run.is_empty() {
            return;
        }
        // Those that overlap or touch it become one with it.
        let first = self.0.partition_point(|&[_, end]| end < run.start);
        let behind = self.0.partition_point(|&[start, _]| start <= run.end);
        let joined = self.0[first..behind]
            .iter()
            .fold([run.start, run.end], |[start, end], &[from, to]| {
                [start.min(from), end.max(to)]
            });
        self.0.splice(first..behind, [joined]);
    }

    /// What they leave out of an image of so many pixels.
    pub(crate) fn missing(&self, npixel: usize) -> Self {
        let starts = std::iter::once(0).chain(self.0.iter().map(|run| run[1]));
        let ends = self.0.iter().map(|run| run[0]).chain([npixel]);
        let gaps = starts.zip(ends).filter(|(start, end)| start < end);
        Self(gaps.map(|(start, end)| [start, end]).collect())
    }

    /// Whether they are runs of an image of so many pixels: what was read from a file need not be.
    pub(crate) fn are_sound(&self, npixel: usize) -> bool {
        let ordered = self.0.windows(2).all(|pair| pair[0][1] < pair[1][0]);
        let full = self.0.iter().all(|[start, end]| start < end);
        ordered && full && self.0.last().is_none_or(|last| last[1] <= npixel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn runs_hold_the_pixels_that_were_added_and_miss_the_others(
            added in prop::collection::vec((0..60_usize, 0..20_usize), 0..12),
        ) {
            let mut runs = Runs::default();
            let mut pixels = [false; 80];
            for (start, length) in added {
                runs.insert(start..start + length);
                pixels[start..start + length].fill(true);
            }
            prop_assert!(runs.are_sound(80));
            prop_assert_eq!(runs.npixel(), pixels.iter().filter(|done| **done).count());
            let missing = runs.missing(80);
            prop_assert!(missing.are_sound(80));
            for (pixel, done) in pixels.into_iter().enumerate() {
                prop_assert_eq!(runs.iter().any(|run| run.contains(&pixel)), done);
                prop_assert_eq!(missing.iter().any(|run| run.contains(&pixel)), !done);
            }
        }
    }

    #[test]
    fn what_is_no_order_of_runs_is_told() {
        for (runs, sound) in [
            (vec![], true),
            (vec![[0, 3], [4, 9]], true),
            (vec![[0, 3], [3, 9]], false),
            (vec![[5, 5]], false),
            (vec![[4, 9], [0, 3]], false),
            (vec![[4, 10]], false),
        ] {
            assert_eq!(Runs(runs.clone()).are_sound(9), sound, "{runs:?}");
        }
        assert_eq!(Runs::of(3..3), Runs::default());
    }
}
