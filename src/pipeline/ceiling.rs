//! The hard limits of the system on this process (`ulimit -v`, `ulimit -d`): a run is planned to stay below them, or refused
//! before it begins. An allocation that such a limit refuses would end the program, and nothing could be said.

use crate::error::{Error, Result};
use crate::plan::{Demand, Plan};
use crate::sys::{self, Left};
use crate::units::ByteSize;

/// Addresses that a thread takes: its stack, whatever it uses of it, and what guards it.
const STACK: u64 = (2 << 20) + (64 << 10);
/// Addresses that the process takes in the course of a run beside what is planned: libraries that are loaded, rounding of the allocator.
const MARGIN: u64 = 4 << 20;
/// Threads beside those that work on pixels: the one that waits for them, that of signals, that of progress.
const OTHER_THREADS: u64 = 4;

/// Plans within a limit on memory, and within what the hard limits leave.
///
/// # Errors
///
/// [`Error::LimitTooSmall`] where the limit on memory does not do, [`Error::System`] where a hard limit does not.
pub(super) fn plan(demand: &Demand, limit: ByteSize) -> Result<Plan> {
    let resident = sys::resident().unwrap_or_default();
    let within = sys::left().map(|left| (within(&left, resident, demand.threads), left));
    let Some((lower, left)) = within.filter(|(lower, _)| *lower < limit) else {
        return demand.plan(limit);
    };
    match demand.plan(lower) {
        Ok(mut plan) => {
            plan.limit = limit;
            Ok(plan)
        }
        Err(Error::LimitTooSmall { needed, frames, .. }) if needed <= limit => {
            let more = needed.0.saturating_sub(lower.0).div_ceil(1 << 10);
            let (by, in_force) = (left.by, left.limit.0 >> 10);
            Err(Error::System(format!(
                "the limit of {by} {in_force} leaves too little: {frames} frames need at least {} more; \
                 raise it to {}, or use fewer threads (-j 1)",
                ByteSize(more << 10),
                in_force.saturating_add(more)
            )))
        }
        // It is the limit on memory that is to be told.
        Err(_) => demand.plan(limit),
    }
}

/// Refuses a run for whose threads the hard limits leave no stacks, before the first is started.
///
/// # Errors
///
/// [`Error::System`] with what would help.
pub(super) fn start(threads: usize) -> Result<()> {
    match sys::left() {
        Some(left) if left.bytes < taken(&left, threads) => Err(Error::System(format!(
            "the limit of {} {} leaves too little to start {threads} threads; raise it, or use fewer (-j)",
            left.by,
            left.limit.0 >> 10
        ))),
        _ => Ok(()),
    }
}

/// The limit on memory, or less where the hard limits leave less.
pub(super) fn least(limit: ByteSize) -> ByteSize {
    sys::left().map_or(limit, |left| limit.min(ByteSize(left.bytes)))
}

/// The resident memory that a run may come to below a hard limit: what is resident now has its addresses.
fn within(left: &Left, resident: ByteSize, threads: usize) -> ByteSize {
    let bytes = left.bytes.saturating_add(resident.0);
    ByteSize(bytes.saturating_sub(taken(left, threads)))
}

/// Addresses that go to threads that are not started yet, and to what is not planned.
fn taken(left: &Left, threads: usize) -> u64 {
    // Those of the pool, and those of the first walk.
    let all = (threads as u64)
        .saturating_mul(2)
        .saturating_add(OTHER_THREADS);
    let stacks = all.saturating_sub(left.threads).saturating_mul(STACK);
    stacks.saturating_add(MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left(bytes: u64) -> Left {
        Left {
            by: "ulimit -v",
            limit: ByteSize(bytes),
            bytes,
            threads: 3,
        }
    }

    #[test]
    fn threads_that_are_to_be_started_take_from_what_is_left() {
        let resident = ByteSize(10 << 20);
        let one = within(&left(100 << 20), resident, 1);
        let eight = within(&left(100 << 20), resident, 8);
        assert_eq!(one.0 - eight.0, 14 * STACK);
        assert!(one.0 < 110 << 20);
        assert_eq!(within(&left(1 << 20), ByteSize(0), 4096), ByteSize(0));
        assert_eq!(
            within(&left(u64::MAX), resident, usize::MAX / 4),
            within(&left(0), ByteSize(0), usize::MAX / 4)
        );
    }
}
