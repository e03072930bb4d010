//! Σw²u² over what is kept of a block: what the uncertainty of the result is propagated from.

use super::lanes::Beside;
use crate::kernel::{Bounds, LANES, Row, Sample, Width};

/// Σw²u² of the kept samples of each lane, in frame order.
pub(super) fn variances<T: Sample>(
    width: Width,
    rows: &[Row<T>],
    bounds: &Bounds<T>,
    beside: Beside<'_>,
) -> [f64; LANES] {
    width.vectorize(
        #[inline(always)]
        || {
            let mut sum = [0.0; LANES];
            let (mut at_low, mut at_high) = ([0; LANES], [0; LANES]);
            for (frame, (row, deviations)) in rows.iter().zip(beside.deviations).enumerate() {
                for lane in 0..LANES {
                    let (y, low, high) = (row.0[lane], bounds.low.0[lane], bounds.high.0[lane]);
                    let past = (y != low) | (at_low[lane] >= bounds.low_ties[lane]);
                    let before = (y != high) | (at_high[lane] < bounds.high_ties[lane]);
                    at_low[lane] += u32::from(y == low);
                    at_high[lane] += u32::from(y == high);
                    let (w, u) = (beside.weight(frame, lane), deviations.0[lane]);
                    let keep = (low <= y) & (y <= high) & past & before;
                    sum[lane] += if keep { (w * w) * (u * u) } else { 0.0 };
                }
            }
            sum
        },
    )
}
