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
//! A room that fails drops its ends of the channels; its neighbours find nobody there and end too. Who is asked to stop takes nothing new
//! in hand; what is done is still written.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::strip::{self, Bench, Tile, Workshop};
use crate::error::{Error, Result};
use crate::kernel::Sample;
use crate::plan::{Bands, Plan};
use crate::shape::Area;
use crate::stack::{Desk, Scratch, Tally};
use crate::tile::{CombinedTile, Companion, EmptyTile, Layout, RawTile};
use crate::watch::Watch;

/// What the rooms of a walk work with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rooms<'a> {
    pub(super) plan: &'a Plan,
    /// What is left to do.
    pub(super) bands: &'a Bands,
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

/// Room for a tile of results, and for what it comes to: the two travel together, so that what is written is counted, and nothing else.
#[derive(Debug)]
struct Empty {
    tile: EmptyTile,
    tally: Tally,
}

/// A tile of results, and what it came to.
#[derive(Debug)]
struct Combined {
    tile: CombinedTile,
    tally: Tally,
}

/// Reads, combines and writes every band. Returns the times of read, work and write.
///
/// `write` takes a tile of results, and what it came to. Areas count from the corner of what is combined.
pub(super) fn walk<T: Sample>(
    rooms: Rooms<'_>,
    layout: &Arc<Layout>,
    source: &impl Source,
    write: impl FnMut(&CombinedTile, &Tally) -> Result<()>,
) -> Result<[Times; 3]> {
    let (home, empty) = bounded(rooms.plan.tiles);
    let (to_write, combined) = bounded(rooms.plan.tiles);
    let stack = rooms.workshop.stack;
    for _ in 0..rooms.plan.tiles {
        home.send(Empty {
            tile: EmptyTile::new(Arc::clone(layout)),
            tally: Tally::new(stack.nstep(), stack.nframe),
        })
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
                    next.store(rooms.bands.count(), Ordering::Relaxed);
                }
                done.map(Some)
            })
        });
        let writer = write_room(combined, home, write);
        let workers = workers
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        (workers, writer)
    });
    let mut times = [Times::default(); 3];
    for worker in workers {
        if let Some([read, work]) = worker? {
            times[0].add(read);
            times[1].add(work);
        }
    }
    times[2] = writer?;
    Ok(times)
}

/// Takes band after band: reads it, combines its strips, and hands them on. Returns the times of reading and of work.
fn work_room<T: Sample>(
    rooms: Rooms<'_>,
    layout: &Arc<Layout>,
    next: &AtomicUsize,
    source: &impl Source,
    empty: &Receiver<Empty>,
    to_write: &Sender<Combined>,
) -> Result<[Times; 2]> {
    let Rooms {
        bands,
        workshop,
        watch,
        ..
    } = rooms;
    let stack = workshop.stack;
    let mut raw = RawTile::new(Arc::clone(layout));
    let mut bench = Bench::new(Scratch::<T>::new(stack));
    if workshop.passes.is_some() {
        let npixel = rooms.plan.read_capacity();
        bench.desk = Some(Desk::new(stack, rooms.plan.shape.ncol, npixel));
    }
    let mut times = [Times::default(); 2];
    loop {
        let begun = Instant::now();
        let band = next.fetch_add(1, Ordering::Relaxed);
        if band >= bands.count() {
            break;
        }
        watch.check()?;
        let area = bands.area(band);
        if let Some(ahead) = bands.ahead(band) {
            source.advise(&ahead);
        }
        let read = rooms.plan.with_halo(&area);
        let view = raw.fill(&read, |companion, frame, bytes| {
            watch.check_in_hand()?;
            source.read(companion, frame, &read, bytes)?;
            watch.advance(bytes.len() as u64);
            Ok::<(), Error>(())
        })?;
        let arrived = Instant::now();
        let Ok(Empty {
            mut tile,
            mut tally,
        }) = empty.recv()
        else {
            break;
        };
        mem::swap(&mut bench.scratch.tally, &mut tally);
        let met = Instant::now();
        let of_frames = source.within(&read);
        let raw = Tile {
            view,
            area: &of_frames,
            read: &read,
            band: &area,
        };
        strip::pass_before(workshop, raw, &mut bench, || watch.check_in_hand())?;
        if let Some(desk) = &bench.desk {
            desk.marks.tell(&raw.rows(), tile.told(area.npixel()));
        }
        let (lead, npixel) = (raw.lead_npixel(), stack.strip_npixel::<T>());
        let tile = tile.combine_behind(lead, area.clone(), npixel, |strip| {
            watch.check_in_hand()?;
            let place = |pixel| raw.place(pixel);
            strip::work(workshop, (view, &of_frames), &mut bench, strip, place)
        })?;
        mem::swap(&mut bench.scratch.tally, &mut tally);
        times[0].busy += arrived - begun;
        times[1].waited += met - arrived;
        times[1].busy += met.elapsed();
        if to_write.send(Combined { tile, tally }).is_err() {
            break;
        }
    }
    Ok(times)
}

/// Takes combined tiles, writes them at their place, and sends them home.
#[expect(
    clippy::needless_pass_by_value,
    reason = "dropping its ends of the channels is how a room says that it is done"
)]
fn write_room(
    combined: Receiver<Combined>,
    home: Sender<Empty>,
    mut write: impl FnMut(&CombinedTile, &Tally) -> Result<()>,
) -> Result<Times> {
    let mut times = Times::default();
    loop {
        let arrived = Instant::now();
        let Ok(Combined { tile, mut tally }) = combined.recv() else {
            return Ok(times);
        };
        let begun = Instant::now();
        write(&tile, &tally)?;
        tally.clear();
        times.waited += begun - arrived;
        times.busy += begun.elapsed();
        // Behind the last band nobody waits for tiles any more.
        let tile = tile.empty();
        let _ = home.send(Empty { tile, tally });
    }
}
