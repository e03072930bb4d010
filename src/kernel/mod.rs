//! Numeric kernels over blocks of adjacent pixels: slices in, slices out, no allocation, no threads.
//!
//! A *block* is [`LANES`] adjacent pixels × nframe rows; row `frame` holds one sample of each of these
//! pixels ([`Row`]). A sample that is not there is [`Sample::ABSENT`] (+∞), and no other sample is
//! infinite or NaN.
//!
//! What is kept of a pixel is an interval of its sorted samples: [`fn@sort`] a block once, then every clip
//! only moves the ends of [`Kept`], and [`median_kept`], [`median_distance_kept`] and the sums read what
//! lies between. Sums that need frames (weights) or no order at all are passes over the unsorted rows,
//! with the interval given by value ([`Bounds`]).
//!
//! Every answer is the same to the bit on every [`Width`]: lanes never mix, rows are added in ascending
//! order, in f64, and never with a fused multiply-add. Looks that settle what rounding cannot change take sums as they come fastest
//! (the guess in [`Spread`], the rejection rules); what they do not settle is done as it is written. The plain twin of each kernel, one pixel
//! at a time, is `textbook.rs`; the tests demand equality of bits. Those of the rejection rules stand in `stack/textbook/`.
#![forbid(unsafe_code)]

mod between;
mod bounds;
mod distance;
mod kept;
mod lanes;
mod merge;
mod moments;
mod network;
mod row;
mod rules;
mod sort;
mod spread;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod textbook;
mod width;

pub use between::{
    Weighted, Weights, count_rejected, squares_between, sum_between, weighted_between,
    weighted_squares_between,
};
pub use bounds::{Bounds, bounds_of_kept};
pub use distance::median_distance_kept;
pub use kept::{Kept, clip_kept, median_kept};
pub use moments::{distances_kept, squares_all, squares_kept, sum_all, sum_kept};
pub use row::{LANES, Row, Sample, count_present};
pub use rules::{
    FarSquares, FrameNoise, Halves, Hole, Lines, Robust, Search, Strip, Table, along_lines_kept,
    copy_kept, deviation_kept, far_samples, outliers_kept, rcr_kept, take_sorted, winsorized_kept,
};
pub use sort::sort;
pub use spread::{Between, Centre, Dropped, Reach, Spread};
pub use width::Width;
