//! The budget, pure arithmetic: the memory limit and the shapes go in, the tiles and everything else that takes memory come out.
//!
//! Whatever grows with frames, columns, threads or anything else stands here. All of it is made before the first band, so that a run
//! cannot exceed its limit. What the kernel keeps for a run (the tables of its maps, its open files) is not resident memory of the
//! process, but a cgroup charges it: room is kept free for it, and for the huge pages of the page cache that maps may meet.

mod allowance;
mod bands;
mod counting;
mod grid;
mod halo;
mod table;
mod unpacking;

use std::ops::Range;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tile::Layout;
use crate::units::ByteSize;
use allowance::{COMBINING, THREAD};

pub(crate) use bands::Bands;
pub(crate) use grid::Grid;
pub(crate) use halo::Around;
pub use unpacking::Packing;
pub(crate) use unpacking::{Unpacking, file_threads};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Bytes of a tile that serve well: it stays in a core's share of the caches from the copy to the result.
const TILE: usize = 4 << 20;
/// Pixels of a frame in a tile: more gain nothing, and fewer cost a call of the system for too little.
const RUN_NPIXEL: Range<usize> = 2 << 10..32 << 10;
/// The same where frames are mapped: pages are mapped and released, not copied alone, and that should not happen too often.
const MAPPED_RUN_NPIXEL: Range<usize> = 8 << 10..128 << 10;
/// Bytes of a frame that the system is told of at a time, before they are needed.
const AHEAD: usize = 2 << 20;
/// Pixels of a part of a row that a tile has at least, where there are so many.
const PART_NPIXEL: usize = 512;

/// What a run needs memory for.
#[derive(Clone, Debug)]
pub(crate) struct Demand {
    /// Bytes that the process took before it opened a frame.
    pub(crate) process: u64,
    /// Frames.
    pub(crate) nframe: usize,
    /// The part of the frames that is combined.
    pub(crate) shape: Shape,
    /// Stored bytes that a pixel of the tile takes, over all planes of all frames.
    pub(crate) raw_nbyte: usize,
    /// Planes of all frames.
    pub(crate) nplane: usize,
    /// Bytes that a pixel of the output takes, over all planes.
    pub(crate) out_nbyte: usize,
    /// Bytes of what is counted of a tile.
    pub(crate) tally_nbyte: usize,
    /// Bytes of names and header cards that are kept.
    pub(crate) text_nbyte: u64,
    /// What needs more than one pixel at a time.
    pub(crate) around: Around,
    /// Threads that work on pixels.
    pub(crate) threads: usize,
    /// Bytes that the scratch of such a thread takes.
    pub(crate) scratch_nbyte: usize,
    /// Bytes of the files that are mapped; `None` where frames are read.
    pub(crate) mapped: Option<u64>,
    /// Files.
    pub(crate) nfile: usize,
    /// Bytes that a thread of the first walk takes, if there is one.
    pub(crate) measure_nbyte: Option<usize>,
    /// Whether that walk comes when another image was combined.
    pub(crate) again: bool,
    /// Bytes that a thread takes that packs the output, if it is to be packed.
    pub(crate) packing_nbyte: Option<usize>,
    /// Bytes that each walk reads, the combining one last.
    pub(crate) walks: Vec<u64>,
    /// What packed frames need.
    pub(crate) unpacking: Unpacking,
}

/// What a run will take, and how the frames are cut.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Plan {
    /// Frames.
    pub frames: usize,
    /// The part of the frames that is combined.
    pub shape: Shape,
    /// The limit.
    pub limit: ByteSize,
    /// Resident memory, part by part.
    pub parts: Vec<Part>,
    /// The sum of the parts that stand at one time: what the process will take.
    pub resident: ByteSize,
    /// Room that is kept free: for pages of code that come and go, for what the kernel takes for page tables and files, and for the huge
    /// page of the page cache that one fault in a map may bring with it.
    pub reserve: ByteSize,
    /// The smallest limit that would do.
    pub smallest: ByteSize,
    /// Rows of a tile.
    pub tile_rows: usize,
    /// Columns of a tile: all of them, or part of a row where not even one row of every frame fits.
    pub tile_cols: usize,
    /// Rows above and below those of a tile that are read with it, where there are such.
    pub halo: usize,
    /// Bytes that are noted beside the output of the samples that are rejected, until it is whole; 0 where that is not asked for.
    pub rejected: ByteSize,
    /// Tiles of results that circulate.
    pub tiles: usize,
    /// Tiles that the combining walk takes.
    pub bands: usize,
    /// Threads that read and work in the combining walk.
    pub threads: usize,
    /// Tiles of which the system is told at a time that they come next.
    pub ahead: usize,
    /// Threads of the first walk.
    pub measurers: usize,
    /// Threads that pack the output behind the last.
    pub packers: usize,
    /// Threads that unpack images before the first walk.
    pub unpackers: usize,
    /// Which frames are packed, and how they are unpacked.
    pub packing: Packing,
    /// Whether frames are mapped or read.
    pub mapped: bool,
    /// Whether each frame goes into a file of its own.
    pub one_by_one: bool,
    /// Bytes that each walk reads, the combining one last.
    pub walks: Vec<u64>,
    /// The clip steps as they will be done, as they are typed; where `auto` chose one, that is said.
    pub clip: Vec<String>,
    /// What the user should know of them.
    pub warnings: Vec<String>,
    #[serde(skip)]
    capacity: usize,
    /// Pixels that are read for a tile at most.
    #[serde(skip)]
    read: usize,
    /// Bytes that the frames and their companions have.
    #[serde(skip)]
    once: u64,
    /// Where tiles end, if packed tiles do.
    #[serde(skip)]
    grid: Option<Grid>,
}

/// Something that takes memory.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// What it takes.
    pub size: ByteSize,
}

impl Demand {
    /// Tiles of results that circulate: one in the hands of each thread, and as many that wait to be written, so that none waits for
    /// the writer, which shares the processors with them.
    fn ntile(&self) -> usize {
        2 * self.workers() + 2
    }

    /// Pixels of a frame in a tile that serve well.
    fn run(&self) -> Range<usize> {
        if self.mapped.is_some() {
            MAPPED_RUN_NPIXEL
        } else {
            RUN_NPIXEL
        }
    }

    /// Threads that work in the combining walk: so many that each finds some tiles.
    fn workers(&self) -> usize {
        let most = self.shape.npixel() / (2 * self.run().start);
        self.threads.min(most).max(1)
    }

    /// Resident memory of the threads of the combining walk, their tiles aside.
    fn scratch(&self) -> u64 {
        (self.threads + 3) as u64 * THREAD + (self.workers() * self.scratch_nbyte) as u64
    }

    /// Resident memory of a thread of the first walk.
    fn measurer(&self) -> u64 {
        self.measure_nbyte.map_or(0, |nbyte| nbyte as u64 + THREAD)
    }

    /// Resident memory of so many threads of the first walk.
    fn measuring(&self, threads: usize) -> u64 {
        match self.measurer() {
            0 => 0,
            nbyte => self.again() + threads as u64 * nbyte,
        }
    }

    /// Bytes of all tiles of so many pixels: of frames, and of results.
    fn tiles(&self, capacity: usize) -> Option<[u64; 2]> {
        let read = self.read(capacity);
        let raw = Layout::estimate(self.raw_nbyte, self.nplane, read)?;
        let raw = raw.checked_add(self.noted(read)?)?;
        let out = self.out_nbyte + self.around.told_nbyte;
        let out = out.checked_mul(capacity)?;
        let out = out.checked_add(self.tally_nbyte)?;
        Some([
            (raw as u64).checked_mul(self.workers() as u64)?,
            (out as u64).checked_mul(self.ntile() as u64)?,
        ])
    }

    /// Everything, with tiles of so many pixels; the first walk is over when the tiles are made.
    fn resident(&self, capacity: usize) -> Option<u64> {
        let [raw, out] = self.tiles(capacity)?;
        let combining = COMBINING + self.scratch() + raw.checked_add(out)?;
        let walking = combining
            .max(self.measuring(1))
            .max(self.unpacker())
            .max(self.packing(1));
        Some(self.standing().checked_add(walking)?.max(self.before(1)))
    }

    /// The smallest limit that would do.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where there is none.
    pub(crate) fn least(&self) -> Result<ByteSize> {
        if !self.can_be_counted() {
            return Err(self.beyond());
        }
        let resident = self.resident(self.smallest());
        let least = resident.and_then(|nbyte| nbyte.checked_add(self.reserve()));
        let least = least.and_then(|nbyte| nbyte.checked_next_multiple_of(KIB));
        least.map(ByteSize).ok_or_else(|| self.beyond())
    }

    /// The error for a limit that is smaller than `least`: what is said now must do at the next try.
    pub(crate) fn too_small(&self, limit: ByteSize, least: ByteSize) -> Error {
        let needed = least.0 - self.process() + self.process_at_most();
        Error::LimitTooSmall {
            limit,
            needed: ByteSize(needed.next_multiple_of(KIB)),
            frames: self.nframe,
        }
    }

    fn beyond(&self) -> Error {
        Error::System(format!(
            "{} frames of {} pixels are beyond this machine",
            self.nframe, self.shape
        ))
    }

    /// Threads of the first walk, of those that unpack images before, and of those that pack the output.
    fn other_threads(&self, limit: ByteSize) -> [usize; 3] {
        let room = (limit.0 - self.reserve()).saturating_sub(self.standing());
        [
            (room.saturating_sub(self.again()), self.measurer()),
            (room, self.unpacker()),
            (room.saturating_sub(self.before_packing()), self.packer()),
        ]
        .map(|(room, nbyte)| match room.checked_div(nbyte) {
            None => 0,
            Some(threads) => usize::try_from(threads)
                .unwrap_or(usize::MAX)
                .clamp(1, self.threads),
        })
    }

    /// Pixels of a tile that serves well where memory is no matter: it stays in the caches, yet reads long runs; some tiles a thread,
    /// so that all end at about the same time.
    fn comfortable(&self) -> usize {
        let run = self.run();
        let share = self.shape.npixel().div_ceil(8 * self.workers());
        (TILE / self.raw_nbyte.max(1))
            .clamp(run.start, run.end)
            .min(share.max(run.start))
            .max(self.beyond_halo())
            .min(self.shape.npixel())
            .max(self.smallest())
    }

    /// Tiles of so many pixels of which the system is told at a time: as long a run of each frame as helps a slow disk, yet together
    /// no more than part of the limit, which the cache of the system may have to share.
    fn ahead(&self, capacity: usize, limit: ByteSize) -> usize {
        let tile = self.raw_nbyte.saturating_mul(capacity).max(1);
        let most = usize::try_from(limit.0 / 4).unwrap_or(usize::MAX) / tile;
        (AHEAD * self.nplane / tile).min(most).max(1)
    }

    /// Cuts the frames so that the run stays at or under `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::LimitTooSmall`] with the smallest limit that would do.
    pub(crate) fn plan(&self, limit: ByteSize) -> Result<Plan> {
        let least = self.least()?;
        if least > limit {
            return Err(self.too_small(limit, least));
        }
        let fits = |capacity: usize| {
            self.resident(capacity)
                .is_some_and(|bytes| bytes + self.reserve() <= limit.0)
        };
        let (mut capacity, mut over) = (self.smallest(), self.comfortable() + 1);
        while over - capacity > 1 {
            let middle = capacity.midpoint(over);
            if fits(middle) {
                capacity = middle;
            } else {
                over = middle;
            }
        }
        let (tile_rows, tile_cols) = self.cut(capacity);
        let bands = self.bands(tile_rows, tile_cols);
        let capacity = tile_rows.min(self.shape.nrow) * tile_cols;
        let once = self.walks.last().copied().unwrap_or(0);
        let mut walks = self.walks.clone();
        if let Some(combining) = walks.last_mut() {
            *combining = self.reads(once, bands, tile_rows);
        }
        let [measurers, unpackers, packers] = self.other_threads(limit);
        let beside = self
            .measuring(measurers)
            .max(unpackers as u64 * self.unpacker())
            .max(self.packing(packers));
        let resident = self.resident(capacity).ok_or_else(|| self.beyond())?;
        let resident = resident
            .max(self.standing() + beside)
            .max(self.before(self.unpacking.file_threads));
        Ok(Plan {
            frames: self.nframe,
            shape: self.shape,
            limit,
            parts: self.parts(capacity, [measurers, unpackers, packers]),
            resident: ByteSize(resident),
            reserve: ByteSize(self.reserve()),
            smallest: least,
            tile_rows,
            tile_cols,
            halo: self.around.halo,
            rejected: ByteSize(self.around.told_nbyte as u64 * self.shape.npixel() as u64),
            tiles: self.ntile(),
            bands,
            threads: self.workers(),
            ahead: self.ahead(capacity, limit),
            measurers,
            packers,
            unpackers,
            packing: Packing::default(),
            mapped: self.mapped.is_some(),
            one_by_one: false,
            walks,
            clip: Vec::new(),
            warnings: Vec::new(),
            capacity,
            read: self.read(capacity),
            once,
            grid: self.unpacking.grid,
        })
    }
}

impl Plan {
    /// Pixels that a tile holds at most.
    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }
}

#[cfg(test)]
mod tests;
