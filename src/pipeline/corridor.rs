//! The corridor of the combining walk: three rooms, the channels between them, tiles coming home.
//!
//! ```text
//!               ┌──────────── empty tiles come home ────────────┐
//!               ▼                                               │
//!  frames ──► read ──RawTile──► work ──CombinedTile──► write ──► image
//! ```
//!
//! A room that fails, or that is asked to stop, drops its ends of the channels; its neighbours find nobody there and end too.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::prelude::*;

use super::strip;
use crate::error::{Error, Result};
use crate::kernel::Sample;
use crate::plan::Plan;
use crate::recipe::Plane;
use crate::shape::Area;
use crate::stack::{Scratch, StackRoom, Tally};
use crate::tile::{CombinedTile, Companion, EmptyTile, RawTile};
use crate::watch::Watch;

/// What the rooms of a walk work with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rooms<'a> {
    pub(super) plan: &'a Plan,
    pub(super) stack: &'a StackRoom,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) watch: &'a Watch,
}

/// How long a room worked and waited.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Times {
    pub(super) busy: Duration,
    pub(super) waited: Duration,
}

impl Times {
    /// Adds the times of a walk or a thread.
    pub(super) fn add(&mut self, other: Self) {
        self.busy += other.busy;
        self.waited += other.waited;
    }
}

/// What came of a walk: counts, and the times of read, work and write.
#[derive(Debug)]
pub(super) struct Walked {
    pub(super) tally: Tally,
    pub(super) times: [Times; 3],
}

/// Reads, combines and writes every band.
///
/// `read` copies the stored bytes of an area of a plane of a frame; `write` takes the output bytes of an area of a plane. Areas count
/// from the corner of what is combined.
pub(super) fn walk<T: Sample>(
    rooms: Rooms<'_>,
    tiles: Vec<EmptyTile>,
    scratches: Vec<Scratch<T>>,
    read: impl Fn(Companion, usize, &Area, Option<&Area>, &mut [u8]) -> Result<()> + Sync,
    write: impl FnMut(Plane, &Area, &[u8]) -> Result<()>,
) -> Result<Walked> {
    let (home, empty) = bounded(tiles.len());
    let (to_work, raw) = bounded(tiles.len());
    let (to_write, combined) = bounded(tiles.len());
    for tile in tiles {
        home.send(tile)
            .expect("there is room for every tile at home");
    }
    let next = AtomicUsize::new(0);
    let scratches: Vec<Mutex<Scratch<T>>> = scratches.into_iter().map(Mutex::new).collect();
    let (readers, worker, writer) = std::thread::scope(|scope| {
        let readers: Vec<_> = (0..rooms.plan.readers)
            .map(|_| {
                let (empty, to_work) = (empty.clone(), to_work.clone());
                scope.spawn(|| read_room(rooms, &next, empty, to_work, &read))
            })
            .collect();
        drop((empty, to_work));
        let worker = scope.spawn(|| work_room(rooms, &scratches, raw, to_write));
        let writer = write_room(rooms, combined, home, write);
        (
            readers.into_iter().map(join).collect::<Vec<_>>(),
            join(worker),
            writer,
        )
    });
    let mut times = [Times::default(), worker?, writer?];
    for reader in readers {
        times[0].add(reader?);
    }
    let mut tally = Tally::new(rooms.stack.clip.len(), rooms.stack.nframe);
    for scratch in scratches {
        tally.merge(
            &scratch
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .tally,
        );
    }
    Ok(Walked { tally, times })
}

/// The result of a room's thread.
fn join<R>(thread: std::thread::ScopedJoinHandle<'_, R>) -> R {
    thread
        .join()
        .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Takes empty tiles, fills each with the next band, and hands it on.
#[expect(
    clippy::needless_pass_by_value,
    reason = "dropping its ends of the channels is how a room says that it is done"
)]
fn read_room(
    rooms: Rooms<'_>,
    next: &AtomicUsize,
    empty: Receiver<EmptyTile>,
    to_work: Sender<RawTile>,
    read: &impl Fn(Companion, usize, &Area, Option<&Area>, &mut [u8]) -> Result<()>,
) -> Result<Times> {
    let mut times = Times::default();
    loop {
        let arrived = Instant::now();
        let Ok(tile) = empty.recv() else {
            return Ok(times);
        };
        let begun = Instant::now();
        let band = next.fetch_add(1, Ordering::Relaxed);
        if band >= rooms.plan.bands {
            return Ok(times);
        }
        let area = rooms.plan.area(band);
        let ahead = band + rooms.plan.readers;
        let ahead = (ahead < rooms.plan.bands).then(|| rooms.plan.area(ahead));
        let tile = tile.fill(area.clone(), |companion, frame, bytes| {
            rooms.watch.check()?;
            read(companion, frame, &area, ahead.as_ref(), bytes)?;
            rooms.watch.advance(bytes.len() as u64);
            Ok::<(), Error>(())
        })?;
        times.waited += begun - arrived;
        times.busy += begun.elapsed();
        if to_work.send(tile).is_err() {
            return Ok(times);
        }
    }
}

/// Takes raw tiles, combines their strips on all threads of the pool, and hands them on.
#[expect(
    clippy::needless_pass_by_value,
    reason = "dropping its ends of the channels is how a room says that it is done"
)]
fn work_room<T: Sample>(
    rooms: Rooms<'_>,
    scratches: &[Mutex<Scratch<T>>],
    raw: Receiver<RawTile>,
    to_write: Sender<CombinedTile>,
) -> Result<Times> {
    let mut times = Times::default();
    loop {
        let arrived = Instant::now();
        let Ok(tile) = raw.recv() else {
            return Ok(times);
        };
        let begun = Instant::now();
        rooms.watch.check()?;
        let area = tile.area().clone();
        let place = |pixel: usize| {
            let ncol = area.cols.len();
            (
                area.cols.start + pixel % ncol + 1,
                area.rows.start + pixel / ncol + 1,
            )
        };
        let tile = tile.combine(rooms.stack.strip_npixel::<T>(), |view, strips| {
            rooms.pool.install(|| {
                strips.into_par_iter().try_for_each(|mut strip| {
                    let thread = rayon::current_thread_index().expect("the pool runs this");
                    let mut scratch = scratches[thread]
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner);
                    strip::work(rooms.stack, view, &mut scratch, &mut strip, place)
                })
            })
        })?;
        times.waited += begun - arrived;
        times.busy += begun.elapsed();
        if to_write.send(tile).is_err() {
            return Ok(times);
        }
    }
}

/// Takes combined tiles, writes them at their place, and sends them home.
#[expect(
    clippy::needless_pass_by_value,
    reason = "dropping its ends of the channels is how a room says that it is done"
)]
fn write_room(
    rooms: Rooms<'_>,
    combined: Receiver<CombinedTile>,
    home: Sender<EmptyTile>,
    mut write: impl FnMut(Plane, &Area, &[u8]) -> Result<()>,
) -> Result<Times> {
    let mut times = Times::default();
    loop {
        let arrived = Instant::now();
        let Ok(tile) = combined.recv() else {
            return Ok(times);
        };
        let begun = Instant::now();
        rooms.watch.check()?;
        for (plane, bytes) in tile.planes() {
            write(plane, tile.area(), bytes)?;
        }
        times.waited += begun - arrived;
        times.busy += begun.elapsed();
        // Behind the last band nobody waits for tiles any more.
        let _ = home.send(tile.empty());
    }
}
