//! The mean of a frame: a sum whose order never changes.

/// How many rows are summed side by side.
const LANES: usize = 8;

/// The sum over a frame: along each row in column order, then over the rows' sums in row order.
///
/// One chain of additions waits for the one before; rows side by side, each a chain of its own, keep the order and do
/// not wait.
#[derive(Debug, Default)]
pub(super) struct RowSums {
    total: f64,
    npresent: u64,
}

impl RowSums {
    /// Adds `nsample` samples, whole rows of `ncol`; `sample(i)` is the i-th, +∞ where it is absent.
    #[inline(always)]
    pub(super) fn add(&mut self, nsample: usize, ncol: usize, sample: impl Fn(usize) -> f64) {
        let nrow = nsample.checked_div(ncol).unwrap_or(0);
        let together = nrow - nrow % LANES;
        for row in (0..together).step_by(LANES) {
            self.add_rows::<LANES>(row * ncol, ncol, &sample);
        }
        for row in together..nrow {
            self.add_rows::<1>(row * ncol, ncol, &sample);
        }
    }

    /// Adds N rows, the first of which begins with sample `first`.
    #[inline(always)]
    fn add_rows<const N: usize>(
        &mut self,
        first: usize,
        ncol: usize,
        sample: &impl Fn(usize) -> f64,
    ) {
        let mut sums = [0.0; N];
        let mut npresent = [0; N];
        for col in 0..ncol {
            for l in 0..N {
                let sample = sample(first + l * ncol + col);
                let present = sample < f64::INFINITY;
                // A sum that starts at 0.0 is never -0.0, so adding 0.0 is the same as adding nothing.
                sums[l] += if present { sample } else { 0.0 };
                npresent[l] += u64::from(present);
            }
        }
        for sum in sums {
            self.total += sum;
        }
        self.npresent += npresent.iter().sum::<u64>();
    }

    /// How many samples were present.
    pub(super) fn npresent(&self) -> u64 {
        self.npresent
    }

    /// The mean of the samples that were present; NaN where there were none.
    pub(super) fn mean(&self) -> f64 {
        self.total / self.npresent as f64
    }
}
