//! Work that is handed out in turn to threads, each with a desk of its own: frame after frame, or area after area.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::Builder;

use crate::error::{Error, Result};

/// Works on `count` pieces on so many threads, each with a desk of its own; the pieces are begun in their order, and an error is that of the
/// first that failed.
pub(super) fn in_turn<D>(
    threads: usize,
    count: usize,
    desk: impl Fn() -> D + Sync,
    work: impl Fn(&mut D, usize) -> Result<()> + Sync,
) -> Result<()> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let first: Mutex<Option<(usize, Error)>> = Mutex::new(None);
    let thread = || {
        let mut desk = desk();
        while !failed.load(Ordering::Relaxed) {
            let piece = next.fetch_add(1, Ordering::Relaxed);
            if piece >= count {
                return;
            }
            if let Err(error) = work(&mut desk, piece) {
                failed.store(true, Ordering::Relaxed);
                let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
                if first.as_ref().is_none_or(|(before, _)| piece < *before) {
                    *first = Some((piece, error));
                }
            }
        }
    };
    std::thread::scope(|scope| {
        // This thread takes part: what one piece needs no thread is started for.
        for _ in 1..threads.min(count) {
            // Where the system refuses more, fewer do the same.
            if Builder::new().spawn_scoped(scope, thread).is_err() {
                break;
            }
        }
        thread();
    });
    match first.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some((_, error)) => Err(error),
        None => Ok(()),
    }
}

/// Works on `nframe` frames on so many threads, each with a desk of its own; the results are in the order of the frames, and an error is
/// that of the first frame that failed.
pub(super) fn by_frame<D, R: Send>(
    threads: usize,
    nframe: usize,
    desk: impl Fn() -> D + Sync,
    work: impl Fn(&mut D, usize) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let places: Vec<Mutex<Option<R>>> = (0..nframe).map(|_| Mutex::new(None)).collect();
    in_turn(threads, nframe, desk, |desk, frame| {
        let result = work(desk, frame)?;
        *places[frame].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
        Ok(())
    })?;
    let results = places
        .into_iter()
        .filter_map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner));
    Ok(results.collect())
}
