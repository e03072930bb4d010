//! `rcr[:LIMIT]`: robust Chauvenet rejection takes the farthest sample as long as fewer than LIMIT samples as far as it are expected; from
//! 3 samples on.
//!
//! First distances are from the median, and the deviation is f(n) times the distance at 68.2689 % of the way through the sorted distances,
//! f(n) = 1/(1 − 2.9442·n^−1.073): robust, but not precise. When nothing more goes, distances are from the mean, and the deviation is the
//! standard deviation. A sample goes where its distance is more than z deviations, n·erfc(z/√2) = LIMIT; both tails count. Of samples
//! equally far, the low one goes first. z is rounded to 2⁻⁴⁰, so that it is the same on every machine.
//!
//! *Source*: Maples et al. 2018 (ApJS 238, 2), the form for symmetric noise without weights. *Assumes* normal noise, and stands a third of
//! the samples being outliers. *Use* it from 10 frames on where outliers are many; with the limit of 0.5 it takes about half a good sample of every
//! pixel. *Differs*: PixInsight counts one tail, so that its limit L is 2L here, takes a step in between, and ends where most samples
//! are equal.

use super::super::critical::Critical;
use super::super::formulas::rcr_place;
use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Robust, Sample, Search, outliers_kept, rcr_kept};

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn rcr(&mut self, critical: &Critical, nkeep: &[u32; LANES]) {
        let (robust, precise) = critical.tables();
        let fewest = nkeep.map(|nkeep| nkeep.max(2));
        // Nearly always all lanes have the same.
        let before = self.kept;
        let mut done = [false; LANES];
        while let Some(first) = done.iter().position(|done| !done) {
            let robust = Robust {
                place: rcr_place,
                critical: robust,
                fewest: fewest[first] as usize,
            };
            let kept = rcr_kept(self.width, self.sorted, &before, &robust);
            for lane in (first..LANES).filter(|lane| fewest[*lane] == fewest[first]) {
                (self.kept.from[lane], self.kept.to[lane]) = (kept.from[lane], kept.to[lane]);
                done[lane] = true;
            }
        }
        self.precise(precise, &fewest);
    }

    /// Takes the sample farthest from the mean as long as it is too far: as many as the middle of what is left allows, and again about its new
    /// middle in the lanes where all those went.
    fn precise(&mut self, critical: &[f64], fewest: &[u32; LANES]) {
        let mut before = self.kept.count();
        let mut most: [u32; LANES] = std::array::from_fn(|lane| most(before[lane], fewest[lane]));
        while most.iter().any(|most| *most > 0) {
            let search = Search {
                critical,
                most,
                past: false,
            };
            self.kept = outliers_kept(self.width, self.sorted, &self.kept, &search);
            let after = self.kept.count();
            most = std::array::from_fn(|lane| {
                let all = most[lane] > 0 && before[lane] - after[lane] == most[lane];
                if all {
                    self::most(after[lane], fewest[lane])
                } else {
                    0
                }
            });
            before = after;
        }
    }
}

/// How many of `n` samples may go before their sums begin in a new middle: sums run from the middle outwards, so it has to stay.
fn most(n: u32, fewest: u32) -> u32 {
    n.saturating_sub(fewest).min(n / 2)
}
