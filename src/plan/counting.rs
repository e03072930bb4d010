//! Whether what is planned for can be counted at all: frames may come from headers that speak of anything.

use super::{AHEAD, Demand, KIB, MAPPED_RUN_NPIXEL, MIB};

/// Bits of the largest number of anything that is planned for: sums of some such numbers fit in 64.
const MOST_BITS: u32 = 58;

impl Demand {
    /// Whether every sum of what is needed fits in its type.
    pub(super) fn can_be_counted(&self) -> bool {
        let product = |factors: &[u64]| {
            let bits: u32 = factors
                .iter()
                .map(|factor| 64 - factor.leading_zeros())
                .sum();
            bits <= MOST_BITS
        };
        let of = |size: usize| size as u64;
        let (threads, most) = (of(self.threads), of(MAPPED_RUN_NPIXEL.end));
        product(&[
            of(self.shape.nrow),
            of(self.shape.ncol),
            of(self.nframe.max(1)),
        ]) && product(&[of(self.nframe), KIB])
            && product(&[self.text_nbyte])
            && product(&[self.process])
            && product(&[of(self.raw_nbyte), most, threads])
            && product(&[of(self.out_nbyte), most, threads, 4])
            && product(&[of(self.nplane), of(AHEAD), threads])
            && product(&[of(self.around.nbyte), most, threads])
            && product(&[of(self.scratch_nbyte), threads])
            && product(&[of(self.measure_nbyte.unwrap_or(0)), threads])
            && product(&[of(self.packing_nbyte.unwrap_or(0)), threads])
            && product(&[of(self.nfile), 16 * KIB])
            && product(&[self.mapped.unwrap_or(0)])
            && product(&[threads, 2 * MIB])
            && self
                .unpacking
                .each()
                .into_iter()
                .all(|nbyte| product(&[nbyte, threads]))
    }
}
