//! What the caller of a run can see of it while it goes on, and how it is stopped.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};

/// How long a run that is asked to stop goes on with what it has in hand.
const PATIENCE: Duration = Duration::from_millis(900);

/// Shared between a run and whoever watches it, from any thread.
#[derive(Debug, Default)]
pub struct Watch {
    signal: AtomicI32,
    /// When it was asked to stop.
    asked: OnceLock<Instant>,
    walk: AtomicU8,
    done: AtomicU64,
    total: AtomicU64,
}

/// What a run is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Walk {
    /// Headers are read; progress counts frames.
    Opening,
    /// Packed frames are unpacked to temporary files; progress counts bytes of the packed files, then of unpacked frames.
    Unpacking,
    /// Scale and zero of each frame are measured; progress counts bytes.
    Measuring,
    /// Frames are combined; progress counts bytes.
    Combining,
    /// Frames are calibrated, each into a file of its own; progress counts bytes.
    Calibrating,
    /// The output, all of which is there, is packed; progress counts bytes.
    Packing,
}

impl Watch {
    /// Asks the run to stop: it finishes what it has in hand, if that does not take long, and ends with [`Error::Stopped`], with
    /// [`Error::Interrupted`] where what it has done can be taken up, or with [`Error::StoppedBetween`] where frames of their own outputs
    /// are done. It leaves no output but those.
    pub fn stop(&self, signal: i32) {
        self.asked.get_or_init(Instant::now);
        self.signal.store(signal, Ordering::Relaxed);
    }

    /// What the run is doing, how much of it is done, and how much there is: frames or bytes.
    pub fn progress(&self) -> (Walk, u64, u64) {
        let walk = match self.walk.load(Ordering::Relaxed) {
            0 => Walk::Opening,
            1 => Walk::Unpacking,
            2 => Walk::Measuring,
            3 => Walk::Combining,
            4 => Walk::Calibrating,
            _ => Walk::Packing,
        };
        (
            walk,
            self.done.load(Ordering::Relaxed),
            self.total.load(Ordering::Relaxed),
        )
    }

    /// Begins a walk of `total` frames or bytes.
    pub(crate) fn begin(&self, walk: Walk, total: u64) {
        self.done.store(0, Ordering::Relaxed);
        self.total.store(total, Ordering::Relaxed);
        self.walk.store(walk as u8, Ordering::Relaxed);
    }

    /// Notes that `amount` more is done.
    pub(crate) fn advance(&self, amount: u64) {
        self.done.fetch_add(amount, Ordering::Relaxed);
    }

    /// Ends the run with an error if it was asked to stop.
    pub(crate) fn check(&self) -> Result<()> {
        match self.signal.load(Ordering::Relaxed) {
            0 => Ok(()),
            signal => Err(Error::Stopped(signal)),
        }
    }

    /// The same for what is in hand, which may take a little longer.
    pub(crate) fn check_in_hand(&self) -> Result<()> {
        let stopped = self.check();
        if stopped.is_err()
            && self
                .asked
                .get()
                .is_some_and(|asked| asked.elapsed() < PATIENCE)
        {
            return Ok(());
        }
        stopped
    }
}
