//! The corridor of the combining walk: the rooms, the channels between them, tiles coming home.
//!
//! ```text
//!                                  ┌──── empty tiles come home ────┐
//!                                  ▼                               │
//!  frames ──► read ──RawView──► work ──CombinedTile──► write ──► image
//!             └─ on each thread ─┘
//! ```
//!
//! A thread works on the tile that it has read itself: what it copies from the cache of the system is still in its own cache when it
//! decodes it, and nothing waits for one reader. (100 frames of 2048² uint16 on 2 cores: 0.07 s for all bytes in pieces of 32 KiB by the
//! threads that use them, 0.4 s by one thread that fills tiles of 16 MiB for others.) What keeps a slow disk busy meanwhile is advice: the
//! system is told what comes next, in pieces much longer than a tile.
//!
//! A room that fails, or that is asked to stop, drops its ends of the channels; its neighbours find nobody there and end too.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::strip::{self, Bench, Workshop};
use crate::error::{Error, Result};
use crate::kernel::Sample;
use crate::plan::Plan;
use crate::recipe::Plane;
use crate::shape::Area;
use crate::stack::{Scratch, Tally};
use crate::tile::{CombinedTile, Companion, EmptyTile, Layout, RawTile};
use crate::watch::Watch;

/// What the rooms of a walk work with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rooms<'a> {
    pub(super) plan: &'a Plan,
    pub(super) workshop: Workshop<'a>,
    pub(super) pool: &'a rayon::ThreadPool,
    pub(super) watch: &'a Watch,
}

/// How the rooms reach the frames.
pub(super) trait Source: Sync {
    /// Copies the stored bytes of an area of a plane of a frame.
    fn read(&self, plane: Companion, frame: usize, area: &Area, bytes: &mut [u8]) -> Result<()>;

    /// An area of what is combined, counted from the corner of the frames.
    fn within(&self, area: &Area) -> Area;

    /// Says that this area of every frame comes next.
    fn advise(&self, area: &Area);
}

/// How long a room worked and waited, over all its threads.
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
/// `write` takes the output bytes of an area of a plane. Areas count from the corner of what is combined.
pub(super) fn walk<T: Sample>(
    rooms: Rooms<'_>,
    layout: &Arc<Layout>,
    source: &impl Source,
    write: impl FnMut(Plane, &Area, &[u8]) -> Result<()>,
) -> Result<Walked> {
    let (home, empty) = bounded(rooms.plan.tiles);
    let (to_write, combined) = bounded(rooms.plan.tiles);
    for _ in 0..rooms.plan.tiles {
        home.send(EmptyTile::new(Arc::clone(layout)))
            .expect("there is room for every tile at home");
    }
    let next = AtomicUsize::new(0);
    let (workers, writer) = std::thread::scope(|scope| {
        let workers = scope.spawn(|| {
            // Its own ends of the channels go with it.
            let (empty, to_write) = (empty, to_write);
            rooms.pool.broadcast(|thread| {
                if thread.index() >= rooms.plan.threads {
                    return Ok(None);
                }
                let done = work_room::<T>(rooms, layout, &next, source, &empty, &to_write);
                if done.is_err() {
                    next.store(rooms.plan.bands, Ordering::Relaxed);
                }
                done.map(Some)
            })
        });
        let writer = write_room(rooms, combined, home, write);
        let workers = workers
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (workers, writer)
    });
    let mut walked = Walked {
        tally: Tally::new(rooms.workshop.stack.clip.len(), rooms.workshop.stack.nframe),
        times: [Times::default(); 3],
    };
    for worker in workers {
        if let Some((tally, [read, work])) = worker? {
            walked.tally.merge(&tally);
            walked.times[0].add(read);
            walked.times[1].add(work);
        }
    }
    walked.times[2] = writer?;
    Ok(walked)
}

/// Takes band after band: reads it, combines its strips, and hands them on. Returns what they came to, and the times of reading and
/// of work.
fn work_room<T: Sample>(
    rooms: Rooms<'_>,
    layout: &Arc<Layout>,
    next: &AtomicUsize,
    source: &impl Source,
    empty: &Receiver<EmptyTile>,
    to_write: &Sender<CombinedTile>,
) -> Result<(Tally, [Times; 2])> {
    let Rooms {
        plan,
        workshop,
        watch,
        ..
    } = rooms;
    let stack = workshop.stack;
    let mut raw = RawTile::new(Arc::clone(layout));
    let mut bench = Bench::new(Scratch::<T>::new(stack));
    let mut times = [Times::default(); 2];
    loop {
        let begun = Instant::now();
        let band = next.fetch_add(1, Ordering::Relaxed);
        if band >= plan.bands {
            break;
        }
        let area = plan.area(band);
        if let Some(ahead) = plan.ahead(band) {
            source.advise(&ahead);
        }
        let view = raw.fill(&area, |companion, frame, bytes| {
            watch.check()?;
            source.read(companion, frame, &area, bytes)?;
            watch.advance(bytes.len() as u64);
            Ok::<(), Error>(())
        })?;
        let arrived = Instant::now();
        let Ok(tile) = empty.recv() else { break };
        let met = Instant::now();
        let place = |pixel: usize| {
            let ncol = area.cols.len();
            (
                area.cols.start + pixel % ncol + 1,
                area.rows.start + pixel / ncol + 1,
            )
        };
        let of_frames = source.within(&area);
        let tile = tile.combine(area.clone(), stack.strip_npixel::<T>(), |strip| {
            strip::work(workshop, (view, &of_frames), &mut bench, strip, place)
        })?;
        times[0].busy += arrived - begun;
        times[1].waited += met - arrived;
        times[1].busy += met.elapsed();
        if to_write.send(tile).is_err() {
            break;
        }
    }
    Ok((bench.scratch.tally, times))
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
