//! The rejection rules that IRAF, Siril, PixInsight and the literature know by name: each as a walk along sorted columns, its definition
//! beside it. `textbook/` has the same rules for one pixel, word for word; both give the same to the bit.
//!
//! What they have in common:
//!
//! * n samples y are left at the pixel. *Deviation* of a rule that names no other is s = √((Σd² − (Σd)²/n)/(n − 1)) with d = y − median: the
//!   standard deviation with ddof 1, as IRAF, Siril, PixInsight and Rosner have it. About the median nothing cancels, since mean and median
//!   are never more than s apart. Sums run from the middle of the sorted column outwards, so that what is far is added last.
//! * Bounds belong to what is kept: comparisons are strict. A deviation of 0, or one that is no number, rejects nothing.
//! * Below its least number of samples a rule takes nothing. Nobody keeps samples unasked: Siril's 'never fewer than 4' is `--nkeep 4`.
//! * `--nkeep`: how many samples have to stay in each lane; an iteration that would leave fewer gives back those nearest its centre, ties in frame order; `esd` and `rcr`, which take one
//!   sample after the other, stop there.

mod detector;
mod esd;
mod linear_fit;
mod median_sigma;
mod pclip;
mod percentile;
mod poisson;
mod rcr;
mod winsorized;
