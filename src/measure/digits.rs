//! Finding f32 samples by their rank: the upper half of their bits in the first pass, the lower in the second.

use super::histogram::{Histogram, NBIN};
use super::ranking::Ranking;
use super::{Sample, Wanted};

/// Ranks are sought among at most so many upper halves: two in the middle, two at the ends of the mode's range.
const NSLOT: usize = 4;

/// Samples whose bins are found at a time.
const BATCH: usize = 256;

/// An upper half that no key has.
const NONE: u32 = u32::MAX;

/// A number that orders as the sample does, -0.0 being 0.0.
#[inline(always)]
fn key(sample: f32) -> u32 {
    // Adding 0.0 makes 0.0 of -0.0 and leaves all else.
    let bits = (sample + 0.0).to_bits();
    if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    }
}

/// The sample of a key.
fn sample(key: u32) -> f32 {
    f32::from_bits(if key >> 31 == 1 {
        key ^ (1 << 31)
    } else {
        !key
    })
}

/// All samples with the same upper half of their keys.
#[derive(Clone, Copy, Debug)]
struct Upper {
    half: u32,
    /// How many samples are lower than these.
    below: u64,
    /// How many these are.
    count: u64,
}

/// Histograms of halves of keys.
#[derive(Debug)]
pub(crate) struct Digits {
    histogram: Histogram,
    /// Those that hold ranks asked for, each with the histogram of its lower halves in the slot of the same index.
    uppers: Vec<Upper>,
}

/// A slot for each rank that may be asked for; two groups of two ranks never come without a third.
fn nslot(wanted: Wanted) -> usize {
    2 * usize::from(wanted.by_middle()) + 2 * usize::from(wanted.mode)
}

impl Digits {
    /// The upper halves of samples that are present, in order, with their counts; of the first pass.
    fn surveyed(&self) -> impl Iterator<Item = (u32, u64)> {
        // Those of -∞ and +∞, and beyond them of NaN, hold no sample.
        let finite = (key(f32::NEG_INFINITY) >> 16) + 1..key(f32::ABSENT) >> 16;
        let counts = self.histogram.slot(0);
        finite.map(|upper| (upper, counts[upper as usize]))
    }
}

impl Ranking<f32> for Digits {
    fn new(wanted: Wanted, _npixel: u64) -> Self {
        Self {
            histogram: Histogram::new(nslot(wanted)),
            uppers: Vec::with_capacity(NSLOT),
        }
    }

    fn nbyte(wanted: Wanted, _npixel: u64) -> usize {
        Histogram::nbyte(nslot(wanted)) + NSLOT * size_of::<Upper>()
    }

    fn begin(&mut self) {
        self.histogram.clear();
    }

    fn survey(&mut self, samples: &[f32]) {
        self.histogram
            .add(samples.iter().map(|&sample| (key(sample) >> 16) as usize));
    }

    fn npresent(&self) -> u64 {
        self.surveyed().map(|(_, count)| count).sum()
    }

    fn narrow(&mut self, ranks: &[[u64; 2]]) -> bool {
        let mut uppers = std::mem::take(&mut self.uppers);
        uppers.clear();
        let mut below = 0;
        for (upper, count) in self.surveyed() {
            if ranks
                .iter()
                .flatten()
                .any(|&rank| (below..below + count).contains(&rank))
            {
                uppers.push(Upper {
                    half: upper,
                    below,
                    count,
                });
            }
            below += count;
        }
        self.uppers = uppers;
        self.histogram.clear();
        true
    }

    fn refine(&mut self, samples: &[f32]) {
        let nowhere = u32::try_from(self.histogram.nowhere()).expect("four slots have 2¹⁸ bins");
        let sought: [(u32, u32); NSLOT] = std::array::from_fn(|slot| {
            let upper = self.uppers.get(slot).map_or(NONE, |found| found.half);
            (
                upper,
                u32::try_from(slot * NBIN).expect("four slots have 2¹⁸ bins"),
            )
        });
        // First where they belong, which takes no branch and several at a time; then the counting.
        let mut bins = [0; BATCH];
        for batch in samples.chunks(BATCH) {
            for (bin, &sample) in bins.iter_mut().zip(batch) {
                let key = key(sample);
                *bin = nowhere;
                for (upper, first) in sought {
                    *bin = if upper == key >> 16 {
                        first | (key & 0xFFFF)
                    } else {
                        *bin
                    };
                }
            }
            self.histogram
                .add(bins[..batch.len()].iter().map(|&bin| bin as usize));
        }
    }

    fn value(&mut self, rank: u64) -> f64 {
        let within = |u: &Upper| (u.below..u.below + u.count).contains(&rank);
        let slot = self
            .uppers
            .iter()
            .position(within)
            .expect("only ranks that were asked for are fetched");
        let Upper { half, below, .. } = self.uppers[slot];
        let mut upto = below;
        let lower = self.histogram.slot(slot).iter().position(|&count| {
            upto += count;
            rank < upto
        });
        // There is one, unless the frame changed between the passes.
        let lower = u32::try_from(lower.unwrap_or(NBIN - 1)).expect("a bin has 16 bits");
        f64::from(sample(half << 16 | lower))
    }
    #[cfg(test)]
    fn nbyte_held(&self) -> usize {
        self.histogram.nbyte_held() + self.uppers.capacity() * size_of::<Upper>()
    }
}
