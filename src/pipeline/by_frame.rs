//! Work on frame after frame, a frame a thread: for what needs all of a frame at once.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::error::Result;

/// Works on `nframe` frames on so many threads, each with a desk of its own; the results are in the order of the frames, and an error is
/// that of the first frame that failed.
pub(super) fn by_frame<D, R: Send>(
    threads: usize,
    nframe: usize,
    desk: impl Fn() -> D + Sync,
    work: impl Fn(&mut D, usize) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let failed = AtomicBool::new(false);
    let places: Vec<Mutex<Option<Result<R>>>> = (0..nframe).map(|_| Mutex::new(None)).collect();
    std::thread::scope(|scope| {
        for _ in 0..threads.min(nframe) {
            scope.spawn(|| {
                let mut desk = desk();
                while !failed.load(Ordering::Relaxed) {
                    let frame = next.fetch_add(1, Ordering::Relaxed);
                    let Some(place) = places.get(frame) else {
                        return;
                    };
                    let result = work(&mut desk, frame);
                    failed.fetch_or(result.is_err(), Ordering::Relaxed);
                    *place.lock().expect("nobody panics with a frame in hand") = Some(result);
                }
            });
        }
    });
    // Frames behind the first that failed may not have been worked on.
    let results = places
        .into_iter()
        .filter_map(|place| place.into_inner().ok().flatten());
    results.collect()
}
