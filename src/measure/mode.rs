//! The mode of a frame: the mean of its fullest bin.
//!
//! The range from the sample at the 15 % rank to that at the 85 % rank, both included with all their ties, is cut into
//! 100 cells; a bin is ten neighbouring cells, so there are 91 of them, a hundredth of the range apart. The lowest of
//! equally full bins wins. Its samples are summed as those of a mean are: along each row in column order, then over the
//! rows' sums in row order.
//!
//! Source: IRAF `imcombine` (`NMIN`, `ZRANGE`, `ZSTEP`, `ZBIN`), which returns the median of the fullest bin where we
//! return its mean, and leaves out those ties of the ends that lie beyond them in rank.

use super::Sample;

/// Fewer samples than these have no mode; their median stands in.
pub(super) const FEWEST: u64 = 10;

/// Cells of the range.
const NCELL: usize = 100;

/// The highest cell of the range.
const LAST: u32 = 99;

/// Cells of a bin.
const BIN: usize = 10;

/// The cell of what lies outside the range, so far off that no bin with a cell of the range has it.
const OUTSIDE: u32 = 110;

/// Pairs of sums: bin b is sum b + 9, so that cell c counts for the ten sums from c on.
const NPAIR: usize = OUTSIDE as usize / 2 + BIN / 2 + 1;

/// How often the first sum of the first pair, and of the last, is raised by an even and by an odd cell.
const ENDS: [[f64; 2]; 2] = [[1.0, 0.0], [0.0, 1.0]];

/// Samples whose cells are found at a time.
const BATCH: usize = 64;

/// Beyond this, sums of samples might run over; far from it, they cannot.
const HUGE: f64 = f64::from_bits((1023 + 900) << 52);

/// 2⁻⁶⁴: takes huge samples to where their sums have room, without rounding.
const SHRINK: f64 = f64::from_bits((1023 - 64) << 52);

/// The ranks of the samples between which the mode is sought: 15 % and 85 % of their number, rounded down.
pub(super) fn ends(npresent: u64) -> [u64; 2] {
    [15, 85].map(|percent| npresent / 100 * percent + npresent % 100 * percent / 100)
}

/// The range in which the mode is sought.
#[derive(Clone, Copy, Debug)]
pub(super) struct Range {
    low: f64,
    high: f64,
    /// What samples are multiplied by before anything else: 1, or [`SHRINK`].
    pub(super) unit: f64,
}

impl Range {
    /// The range between these samples; `None` where they are the same.
    pub(super) fn new([low, high]: [f64; 2]) -> Option<Self> {
        let unit = if low.abs().max(high.abs()) > HUGE {
            SHRINK
        } else {
            1.0
        };
        (low < high).then_some(Self { low, high, unit })
    }

    /// The cell of a sample.
    #[inline(always)]
    fn cell(&self, sample: f64) -> u32 {
        let start = self.low * self.unit;
        let range = self.high * self.unit - start;
        // Multiplied before it is divided: of whole numbers no cell's edge is rounded.
        let cell = 100.0 * (sample * self.unit - start) / range;
        // `&`, not `&&`: which samples lie inside cannot be foreseen.
        let inside = (self.low <= sample) & (sample <= self.high);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 100 inside"
        )]
        let cell = (cell as i32 as u32).min(LAST);
        if inside { cell } else { OUTSIDE }
    }

    /// Whether a sample lies in a bin.
    pub(super) fn has(&self, bin: usize, sample: f64) -> bool {
        (bin..bin + BIN).contains(&(self.cell(sample) as usize))
    }
}

/// How many samples each cell of a range has.
#[derive(Debug)]
pub(super) struct Cells {
    range: Range,
    counts: [u64; OUTSIDE as usize + 1],
}

impl Cells {
    /// Empty cells.
    pub(super) fn new(range: Range) -> Self {
        Self {
            range,
            counts: [0; OUTSIDE as usize + 1],
        }
    }

    /// Counts a sample that occurs `count` times; one outside the range is left out.
    pub(super) fn add(&mut self, sample: f64, count: u64) {
        self.counts[self.range.cell(sample) as usize] += count;
    }

    /// The fullest bin, the lowest of equals.
    pub(super) fn fullest(&self) -> usize {
        (0..=NCELL - BIN)
            .rev()
            .max_by_key(|&bin| self.count(bin))
            .expect("there are bins")
    }

    /// How many samples a bin has.
    fn count(&self, bin: usize) -> u64 {
        self.counts[bin..bin + BIN].iter().sum()
    }
}

/// The sums of all bins of a range.
///
/// A sample belongs to ten bins. Their sums are raised two by two, always the same two: where pairs overlap, one must
/// wait until the other is back in memory.
#[derive(Debug)]
pub(super) struct Bins {
    cells: Cells,
    /// Sums of the row, in pairs.
    row: [[f64; 2]; NPAIR],
    /// Sums of the rows before.
    total: [[f64; 2]; NPAIR],
}

impl Bins {
    /// Empty bins.
    pub(super) fn new(range: Range) -> Self {
        Self {
            cells: Cells::new(range),
            row: [[0.0; 2]; NPAIR],
            total: [[0.0; 2]; NPAIR],
        }
    }

    /// Adds samples, whole rows of `ncol`; those outside the range, and absent ones, are left out.
    pub(super) fn add<T: Sample>(&mut self, samples: &[T], ncol: usize) {
        for row in samples.chunks(ncol.max(1)) {
            self.row = [[0.0; 2]; NPAIR];
            for batch in row.chunks(BATCH) {
                self.add_batch(batch);
            }
            for (total, row) in self
                .total
                .as_flattened_mut()
                .iter_mut()
                .zip(self.row.as_flattened())
            {
                *total += row;
            }
        }
    }

    /// Adds samples to the sums of the row.
    fn add_batch<T: Sample>(&mut self, batch: &[T]) {
        // First where they belong, which takes no branch and several at a time; then the adding.
        let mut cells = [0; BATCH];
        for (cell, &sample) in cells.iter_mut().zip(batch) {
            *cell = self.cells.range.cell(sample.to_f64());
        }
        for (&cell, &sample) in cells.iter().zip(batch) {
            let sample = sample.to_f64() * self.cells.range.unit;
            self.cells.counts[cell as usize] += 1;
            // An odd cell begins in the middle of a pair, and ends in another. Multiplied, for a branch could not be
            // foreseen; a sum that starts at 0.0 is never -0.0, so adding zero is the same as adding nothing.
            let [head, tail] = ENDS[cell as usize % 2].map(|end| end * sample);
            let first = cell as usize / 2;
            let pairs = &mut self.row[first..=first + BIN / 2];
            let mut raise = |pair: usize, [first, second]: [f64; 2]| {
                pairs[pair][0] += first;
                pairs[pair][1] += second;
            };
            raise(0, [head, sample]);
            for pair in 1..BIN / 2 {
                raise(pair, [sample, sample]);
            }
            raise(BIN / 2, [tail, 0.0]);
        }
    }

    /// The mean of the fullest bin.
    pub(super) fn mode(&self) -> f64 {
        let fullest = self.cells.fullest();
        let sum = self.total.as_flattened()[fullest + BIN - 1];
        sum / self.cells.count(fullest) as f64 / self.cells.range.unit
    }
}
