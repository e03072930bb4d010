//! What the rejection rules ask of sorted rows: deviations, lines and outliers, in all lanes at once.
//!
//! Sums run from the middle of what is kept outwards, in each lane, first downwards, then upwards: small terms first, and what a rule
//! takes from the ends was added last.

mod esd;
mod line;
mod noise;
mod outward;
mod rcr;
mod table;
mod winsorized;

pub use esd::{Search, outliers_kept};
pub use line::{Hole, Lines, Strip, along_lines_kept};
pub use noise::{FarSquares, FrameNoise, copy_kept, far_samples, take_sorted};
pub use outward::{Halves, deviation_kept};
pub use rcr::{Robust, rcr_kept};
pub use table::Table;
pub use winsorized::winsorized_kept;
