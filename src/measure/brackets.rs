//! Finding f64 samples by their rank: a bracket around each in the first pass, what lies inside it in the second.
//!
//! The first pass sorts chunks of B keys and keeps every k-th of each: the *summary*. Of a chunk that keeps j keys ≤ v, at
//! least j·k and at most j·k + k − 1 are ≤ v. With w(v) the number of summary keys ≤ v times k, and e = (k − 1) times the
//! number of chunks, the number of all keys ≤ v is therefore from w(v) to w(v) + e.
//!
//! For the ranks r ≤ s, counted from 0 and the same or neighbours, let `low` be the greatest summary key with
//! w(low) + e ≤ r, and `high` the smallest with w(high) ≥ s + 1 (+∞ where there is none). The keys sought are > low and
//! ≤ high. The second pass counts the keys ≤ low and collects those between, as pairs of a key and how often it occurs.
//!
//! *The different keys between low and high are at most 3e + 1*, whatever the frame. Let m be the summary key next to
//! low. If m = high, no chunk has k keys between them: at most e. Otherwise, likewise, at most e lie between low and m; m
//! itself is one; and, the summary key before high having w ≤ s, fewer than s + 1 + e keys are < high, while more than
//! r − e are ≤ m: at most 2e lie between m and high.
//!
//! Memory is chunk + summary + pairs, 8B + 8N/k + 48·(N/B)·k bytes for a bracket, N pixels: least where k is about
//! √(B / 6 brackets), and then with B about 2·N^⅔.
//! Source: Munro and Paterson 1980, "Selection and sorting with limited storage".

use super::ranking::Ranking;
use super::{Sample, Wanted};

/// A chunk has at least so many keys.
const SMALLEST_CHUNK: u64 = 4096;

/// Samples compared at a time.
const BATCH: usize = 16;

/// A number that orders as the sample does, -0.0 being 0.0.
#[inline(always)]
fn key(sample: f64) -> u64 {
    // Adding 0.0 makes 0.0 of -0.0 and leaves all else.
    let bits = (sample + 0.0).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// The sample of a key.
fn sample(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 {
        key ^ (1 << 63)
    } else {
        !key
    })
}

/// How much of everything there is for N pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Sizes {
    /// Keys of a chunk: B, or all N where they are no more.
    chunk: usize,
    /// Every `step`-th key of a sorted chunk is kept: k.
    step: usize,
    /// Keys of the summary.
    summary: usize,
    nbracket: usize,
    /// Different keys of a bracket, at most.
    distinct: usize,
    /// Pairs of a bracket, with room to collect some before they are merged.
    pairs: usize,
}

impl Sizes {
    fn new(wanted: Wanted, npixel: u64) -> Self {
        let whole = |size: f64| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "far below 2⁵³, not negative"
            )]
            let size = size as u64;
            size
        };
        let memory = |size: u64| usize::try_from(size).expect("smaller than the frame by far");
        let chunk = SMALLEST_CHUNK.max(whole(2.0 * (npixel as f64).cbrt().powi(2)));
        if npixel <= chunk {
            return Self {
                chunk: memory(npixel),
                step: 1,
                summary: 0,
                nbracket: 0,
                distinct: 0,
                pairs: 0,
            };
        }
        let nbracket = wanted.ngroup();
        let step = whole((chunk as f64 / (6 * nbracket) as f64).sqrt());
        let nchunk = npixel.div_ceil(chunk);
        let distinct = 3 * nchunk * (step - 1) + 1;
        Self {
            chunk: memory(chunk),
            step: memory(step),
            summary: memory(nchunk * (chunk / step)),
            nbracket,
            distinct: memory(distinct),
            pairs: memory(distinct + SMALLEST_CHUNK.max(distinct / 2)),
        }
    }
}

/// Two keys with one or two ranks between them.
#[derive(Debug)]
struct Bracket {
    /// The ranks sought: the first and the last of at most two neighbours.
    ranks: [u64; 2],
    /// Below what is sought.
    low: f64,
    /// Not below what is sought.
    high: f64,
    /// How many keys are ≤ low.
    below: u64,
    /// Keys between low and high, and how often each occurs: several pairs of a key may stand here until merged.
    pairs: Vec<(u64, u64)>,
}

impl Bracket {
    /// Puts the pairs in order, one for each key.
    fn merge(&mut self) {
        self.pairs.sort_unstable();
        self.pairs.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            kept.1 += if same { next.1 } else { 0 };
            same
        });
    }

    /// Adds a key between low and high, of which there are at most `distinct` different ones.
    #[cold]
    fn collect(&mut self, key: u64, distinct: usize) {
        if self.pairs.len() == self.pairs.capacity() {
            self.merge();
            if self.pairs.len() > distinct {
                // The frame changed between the passes: what is left of it does not matter.
                self.high = self.low;
                return;
            }
        }
        self.pairs.push((key, 1));
    }

    /// The sample at one of the ranks, the pairs being merged.
    fn at(&self, rank: u64) -> f64 {
        let mut upto = self.below;
        let found = self.pairs.iter().find(|(_, count)| {
            upto += count;
            rank < upto
        });
        found.map_or(self.high, |&(key, _)| sample(key))
    }
}

/// Chunks, summary and brackets.
#[derive(Debug)]
pub(crate) struct Brackets {
    sizes: Sizes,
    /// Keys of samples that are present, not yet summarised.
    chunk: Vec<u64>,
    summary: Vec<u64>,
    nchunk: u64,
    npresent: u64,
    /// One for each group of ranks.
    sought: Vec<Bracket>,
}

impl Brackets {
    /// Moves a chunk to the summary.
    fn summarise(&mut self) {
        let step = self.sizes.step;
        self.chunk.sort_unstable();
        self.summary
            .extend(self.chunk.iter().skip(step - 1).step_by(step));
        self.chunk.clear();
        self.nchunk += 1;
    }

    /// The keys around these ranks, the summary being in order.
    fn around(&self, [first, last]: [u64; 2]) -> (f64, f64) {
        let step = self.sizes.step as u64;
        let error = self.nchunk * (step - 1);
        let nth = |n: u64| {
            usize::try_from(n)
                .ok()
                .and_then(|n| self.summary.get(n))
                .copied()
        };
        let high = nth(last / step).map_or(f64::ABSENT, sample);
        // At most so many summary keys may be ≤ low; where there are not so many, all may.
        let low = first
            .checked_sub(error)
            .map_or(0, |room| match nth(room / step) {
                Some(next) => self.summary.partition_point(|&key| key < next),
                None => self.summary.len(),
            });
        (
            low.checked_sub(1)
                .map_or(f64::NEG_INFINITY, |low| sample(self.summary[low])),
            high,
        )
    }
}

impl Ranking<f64> for Brackets {
    fn new(wanted: Wanted, npixel: u64) -> Self {
        let sizes = Sizes::new(wanted, npixel);
        let bracket = || Bracket {
            ranks: [0; 2],
            low: 0.0,
            high: 0.0,
            below: 0,
            pairs: Vec::with_capacity(sizes.pairs),
        };
        Self {
            sizes,
            chunk: Vec::with_capacity(sizes.chunk),
            summary: Vec::with_capacity(sizes.summary),
            nchunk: 0,
            npresent: 0,
            sought: std::iter::repeat_with(bracket)
                .take(sizes.nbracket)
                .collect(),
        }
    }

    fn nbyte(wanted: Wanted, npixel: u64) -> usize {
        let Sizes {
            chunk,
            summary,
            nbracket,
            pairs,
            ..
        } = Sizes::new(wanted, npixel);
        (chunk + summary) * size_of::<u64>()
            + nbracket * (size_of::<Bracket>() + pairs * size_of::<(u64, u64)>())
    }

    fn begin(&mut self) {
        self.chunk.clear();
        self.summary.clear();
        self.nchunk = 0;
        self.npresent = 0;
    }

    fn survey(&mut self, samples: &[f64]) {
        for &sample in samples {
            if sample < f64::ABSENT {
                if self.chunk.len() == self.sizes.chunk {
                    self.summarise();
                }
                self.chunk.push(key(sample));
                self.npresent += 1;
            }
        }
    }

    fn npresent(&self) -> u64 {
        self.npresent
    }

    fn narrow(&mut self, ranks: &[[u64; 2]]) -> bool {
        if self.nchunk == 0 {
            self.chunk.sort_unstable();
            return false;
        }
        self.summarise();
        self.summary.sort_unstable();
        for (i, &ranks) in ranks.iter().enumerate() {
            let (low, high) = self.around(ranks);
            let bracket = &mut self.sought[i];
            bracket.pairs.clear();
            (bracket.ranks, bracket.low, bracket.high, bracket.below) = (ranks, low, high, 0);
        }
        true
    }

    fn refine(&mut self, samples: &[f64]) {
        for bracket in &mut self.sought {
            for batch in samples.chunks(BATCH) {
                // `&`, not `&&`: without a branch several are compared at a time.
                let inside = |&sample: &f64| (bracket.low < sample) & (sample < bracket.high);
                bracket.below += batch
                    .iter()
                    .map(|&sample| u64::from(sample <= bracket.low))
                    .sum::<u64>();
                if batch.iter().fold(false, |any, sample| any | inside(sample)) {
                    for &sample in batch {
                        if (bracket.low < sample) & (sample < bracket.high) {
                            bracket.collect(key(sample), self.sizes.distinct);
                        }
                    }
                }
            }
        }
    }

    fn value(&mut self, rank: u64) -> f64 {
        if self.nchunk == 0 {
            return sample(self.chunk[usize::try_from(rank).expect("a rank in the chunk")]);
        }
        let bracket = self
            .sought
            .iter_mut()
            .find(|bracket| bracket.ranks.contains(&rank));
        let bracket = bracket.expect("only ranks that were asked for are fetched");
        bracket.merge();
        bracket.at(rank)
    }
    #[cfg(test)]
    fn nbyte_held(&self) -> usize {
        let pairs = |bracket: &Bracket| {
            size_of::<Bracket>() + bracket.pairs.capacity() * size_of::<(u64, u64)>()
        };
        (self.chunk.capacity() + self.summary.capacity()) * size_of::<u64>()
            + (self.sought.capacity() - self.sought.len()) * size_of::<Bracket>()
            + self.sought.iter().map(pairs).sum::<usize>()
    }
}
