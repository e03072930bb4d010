//! Counts of 16-bit numbers.

/// One bin for each number of 16 bits.
pub(super) const NBIN: usize = 1 << 16;

/// Histograms of 16-bit numbers, `nslot` of them side by side.
#[derive(Debug)]
pub(super) struct Histogram {
    /// `nslot` times [`NBIN`] counts, then one for what is not to be counted and one for twins.
    counts: Box<[u64]>,
}

impl Histogram {
    /// Empty histograms.
    pub(super) fn new(nslot: usize) -> Self {
        Self {
            counts: vec![0; nslot * NBIN + 2].into_boxed_slice(),
        }
    }

    /// The bytes that `new` allocates.
    pub(super) fn nbyte(nslot: usize) -> usize {
        (nslot * NBIN + 2) * size_of::<u64>()
    }

    /// Forgets all counts.
    pub(super) fn clear(&mut self) {
        self.counts.fill(0);
    }

    /// The bin of what is not to be counted.
    pub(super) fn nowhere(&self) -> usize {
        self.counts.len() - 2
    }

    /// Counts one more in each of these bins; bin b of slot s is `s * NBIN + b`.
    ///
    /// A count must be stored before it can be raised again, so runs of one number are slow. Two at a time, the second
    /// of twins being counted with the first, they take half as long.
    #[inline(always)]
    pub(super) fn add(&mut self, mut bins: impl Iterator<Item = usize>) {
        let twins = self.counts.len() - 1;
        while let Some(first) = bins.next() {
            let second = bins.next().unwrap_or(twins - 1);
            let same = first == second;
            self.counts[first] += 1 + u64::from(same);
            self.counts[if same { twins } else { second }] += 1;
        }
    }

    /// The counts of one histogram.
    pub(super) fn slot(&self, slot: usize) -> &[u64] {
        &self.counts[slot * NBIN..(slot + 1) * NBIN]
    }

    /// The bytes that it holds now.
    #[cfg(test)]
    pub(super) fn nbyte_held(&self) -> usize {
        size_of_val(&*self.counts)
    }
}
