//! `esd:FRACTION,ALPHA`: the generalized extreme Studentized deviate test finds how many outliers there are, up to ⌊FRACTION·n⌋ and n − 2 of
//! them; once, from 3 samples on.
//!
//! The sample farthest from the mean is taken out, with R = its distance over the standard deviation; again from what is left; and so on. Of s
//! samples λ = (s − 1)·t / √((s − 2 + t²)·s), t being the quantile 1 − ALPHA/2s of Student's distribution with s − 2 degrees of freedom.
//! The last R above its λ tells how many go. Of samples equally far, the low one is taken out first. Distance and deviation are
//! compared by their squares; λ is rounded to 2⁻⁴⁰, so that it is the same on every machine.
//!
//! *Source*: Rosner 1983; NIST/SEMATECH handbook 1.3.5.17.3; Siril `GESDT`. *Assumes* normal noise. *Use* it from 25 frames on, above all where
//! several outliers may hide each other: with ALPHA 0.05 one clean pixel in twenty loses a sample. *Differs*: Siril 1.0.6 takes two
//! samples always, and after a low one not the ones it tested. PixInsight stops at the first R below its λ, so that outliers can hide.

use super::super::critical::Critical;
use super::super::sorted::SortedBlock;
use crate::kernel::{LANES, Sample, Search, outliers_kept};
use crate::recipe::outliers;

impl<T: Sample> SortedBlock<'_, T> {
    pub(in super::super) fn esd(
        &mut self,
        fraction: f64,
        critical: &Critical,
        nkeep: &[u32; LANES],
    ) {
        let (_, precise) = critical.tables();
        let n = self.kept.count();
        let most = std::array::from_fn(|lane| {
            let most = u32::try_from(outliers(fraction, n[lane] as usize));
            most.unwrap_or(u32::MAX)
                .min(n[lane].saturating_sub(nkeep[lane]))
        });
        let search = Search {
            critical: precise,
            most,
            past: true,
        };
        self.kept = outliers_kept(self.width, self.sorted, &self.kept, &search);
    }
}
