//! The budget, pure arithmetic: the memory limit and the shapes go in, the tiles and everything else that takes memory come out.
//!
//! Whatever grows with frames, columns, threads or anything else stands here. All of it is made before the first band, so that a run
//! cannot exceed its limit. What the kernel keeps for a run (the tables of its maps, its open files) is not resident memory of the
//! process, but a cgroup charges it: room is kept free for it, and for the huge pages of the page cache that maps may meet.

mod bands;
mod table;

use std::ops::Range;
use std::path::PathBuf;

use serde::Serialize;

use crate::error::{Error, Result};
use crate::shape::Shape;
use crate::tile::Layout;
use crate::units::ByteSize;

pub(crate) use bands::Grid;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;

/// Resident memory of the process before it holds anything of a run: code, libraries, allocator. Measured (x86-64);
/// `tests/limits.rs` holds it against the program.
const PROCESS: u64 = if cfg!(debug_assertions) {
    8 * MIB
} else {
    7 * MIB
};
/// What it takes in the course of a run on top of what it took at its start. Where that comes to more than [`PROCESS`] (a program that does
/// more than this one, a CFITSIO with libraries of its own), that counts.
const GROWTH: u64 = 5 * MIB / 2;
/// What the process may take beside: pages of its code that other runs, or a busy machine, bring in or leave out.
const MARGIN: u64 = 5 * MIB / 4;
/// Resident memory of a thread: the touched part of its stack and its arena.
const THREAD: u64 = 40 * KIB;
/// What is kept of a frame beside its name: where its planes stand, its numbers, its level.
const FRAME: u64 = 768;
/// What one fault can map, whatever was asked: a huge page of the page cache.
const MAP_WINDOW: u64 = 2 * MIB;
/// Bytes of frames that a page of page tables maps.
const TABLE_REACH: u64 = 2 * MIB;
/// A page of page tables.
const TABLE: u64 = 4 * KIB;
/// What the kernel keeps for an open file or a map.
const KERNEL_FILE: u64 = KIB;
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
    /// Bytes of names and header cards that are kept.
    pub(crate) text_nbyte: u64,
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
    /// Bytes that each walk reads, the combining one last.
    pub(crate) walks: Vec<u64>,
    /// What packed frames need.
    pub(crate) unpacking: Unpacking,
}

/// What packed frames need memory for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unpacking {
    /// Where bands end, if frames are unpacked by row bands.
    pub(crate) grid: Option<Grid>,
    /// Bytes of a thread that unpacks frames by row bands.
    pub(crate) desk_nbyte: u64,
    /// Bytes of a thread that unpacks images to a file; 0 if none does.
    pub(crate) image_nbyte: u64,
    /// Bytes of a thread that unpacked files, before anything else, and how many threads did.
    pub(crate) file_nbyte: u64,
    pub(crate) file_threads: usize,
    /// Bytes that unpacking a master took.
    pub(crate) master_nbyte: u64,
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
    #[serde(skip)]
    capacity: usize,
    /// Rows by which the first tile would begin before what is combined.
    #[serde(skip)]
    shift: usize,
}

/// Which frames are packed, and how they are unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packing {
    /// Frames that are not packed, or only as a whole file.
    pub plain: usize,
    /// Frames that are unpacked by row bands.
    pub by_bands: usize,
    /// Frames that are unpacked once, to a temporary file.
    pub once: usize,
    /// Bytes of the temporary file to which they are unpacked.
    pub once_bytes: ByteSize,
    /// Files that are packed as a whole, and unpacked once.
    pub files: usize,
    /// Bytes of the temporary files to which they are unpacked.
    pub files_bytes: ByteSize,
    /// The folder of temporary files.
    pub temp_dir: PathBuf,
}

/// Something that takes memory.
#[derive(Clone, Debug, Serialize)]
pub struct Part {
    /// What it is.
    pub name: String,
    /// What it takes.
    pub size: ByteSize,
}

/// Page tables of the maps of so many files and bytes: two pages a file beside what the pixels need.
fn tables(nfile: usize, nbyte: u64) -> u64 {
    (nbyte.div_ceil(TABLE_REACH) + 2 * nfile as u64) * TABLE
}

/// Resident memory of the process itself, which took so much before it opened a frame.
fn process(taken: u64) -> u64 {
    let found = taken + GROWTH;
    // In whole steps, so that the smallest limit is the same at the next try.
    if found <= PROCESS + MIB / 2 {
        PROCESS
    } else {
        found.next_multiple_of(MIB)
    }
}

/// How many threads of at most `most` can unpack files, each with so many bytes, before there is anything else; `taken` is what the process
/// took.
pub(crate) fn file_threads(limit: ByteSize, taken: ByteSize, nbyte: u64, most: usize) -> usize {
    let room = limit.0.saturating_sub(process(taken.0) + MARGIN);
    let threads = room / (nbyte + THREAD);
    usize::try_from(threads)
        .unwrap_or(usize::MAX)
        .max(1)
        .min(most)
}

impl Demand {
    /// Tiles of results that circulate: one in the hands of each thread, and as many that wait to be written, so that none waits for
    /// the writer, which shares the processors with them.
    fn ntile(&self) -> usize {
        2 * self.workers() + 2
    }

    /// Room that is kept free: for what the kernel takes for page tables and files, and for a huge page under each thread that reads
    /// from maps.
    fn reserve(&self) -> u64 {
        let maps = self.mapped.map_or(0, |nbyte| {
            tables(self.nfile, nbyte) + self.threads as u64 * MAP_WINDOW
        });
        MARGIN + maps + self.nfile as u64 * KERNEL_FILE
    }

    /// Resident memory that does not depend on the tiles.
    fn standing(&self) -> u64 {
        (self.process() + self.frames()).saturating_add(self.desks())
    }

    /// Resident memory of the threads that unpack frames by row bands.
    fn desks(&self) -> u64 {
        (self.threads as u64).saturating_mul(self.unpacking.desk_nbyte)
    }

    /// Resident memory of a thread that unpacks images to a file.
    fn unpacker(&self) -> u64 {
        match self.unpacking.image_nbyte {
            0 => 0,
            nbyte => nbyte.saturating_add(THREAD),
        }
    }

    /// Resident memory of so many threads that unpacked files.
    fn files(&self, threads: usize) -> u64 {
        threads as u64 * (self.unpacking.file_nbyte + THREAD)
    }

    /// Resident memory of the process itself.
    fn process(&self) -> u64 {
        process(self.process)
    }

    fn frames(&self) -> u64 {
        self.nframe as u64 * FRAME + self.text_nbyte
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
        (self.threads + 2) as u64 * THREAD + (self.workers() * self.scratch_nbyte) as u64
    }

    /// Resident memory of a thread of the first walk.
    fn measurer(&self) -> u64 {
        self.measure_nbyte.map_or(0, |nbyte| nbyte as u64 + THREAD)
    }

    /// Bytes of all tiles of so many pixels: of frames, and of results.
    fn tiles(&self, capacity: usize) -> Option<[u64; 2]> {
        let raw = Layout::estimate(self.raw_nbyte, self.nplane, capacity)?;
        let out = self.out_nbyte.checked_mul(capacity)?;
        Some([
            (raw as u64).checked_mul(self.workers() as u64)?,
            (out as u64).checked_mul(self.ntile() as u64)?,
        ])
    }

    /// Everything, with tiles of so many pixels; the first walk is over when the tiles are made.
    fn resident(&self, capacity: usize) -> Option<u64> {
        let [raw, out] = self.tiles(capacity)?;
        let combining = self.scratch() + raw.checked_add(out)?;
        let before = self.measurer().max(self.unpacker());
        let running = self.standing().checked_add(combining.max(before))?;
        // Files are unpacked before there is anything else, and masters before there are tiles.
        let files = match self.unpacking.file_nbyte {
            0 => 0,
            _ => self.process() + self.files(1),
        };
        let masters = self.process() + self.frames();
        let masters = masters.checked_add(self.unpacking.master_nbyte)?;
        Some(running.max(files).max(masters))
    }

    /// The smallest limit that would do.
    ///
    /// # Errors
    ///
    /// [`Error::System`] where there is none.
    pub(crate) fn least(&self) -> Result<ByteSize> {
        let resident = self.resident(self.smallest());
        let least = resident.and_then(|nbyte| nbyte.checked_add(self.reserve()));
        let least = least.and_then(|nbyte| nbyte.checked_next_multiple_of(KIB));
        least.map(ByteSize).ok_or_else(|| self.beyond())
    }

    fn beyond(&self) -> Error {
        Error::System(format!(
            "{} frames of {} pixels are beyond this machine",
            self.nframe, self.shape
        ))
    }

    /// Threads that find room beside what stands, with so many bytes each, under a limit.
    fn beside(&self, limit: ByteSize, nbyte: u64) -> usize {
        let room = limit.0 - self.reserve() - self.standing();
        match room.checked_div(nbyte) {
            None => 0,
            Some(threads) => usize::try_from(threads)
                .unwrap_or(usize::MAX)
                .clamp(1, self.threads),
        }
    }

    /// Pixels of a tile that serves well where memory is no matter: it stays in the caches, yet reads long runs; some tiles a thread,
    /// so that all end at about the same time.
    fn comfortable(&self) -> usize {
        let run = self.run();
        let share = self.shape.npixel().div_ceil(8 * self.workers());
        (TILE / self.raw_nbyte.max(1))
            .clamp(run.start, run.end)
            .min(share.max(run.start))
            .min(self.shape.npixel())
            .max(self.smallest())
    }

    /// Tiles of so many pixels of which the system is told at a time: as long a run of each frame as helps a slow disk, yet together
    /// no more than part of the limit, which the cache of the system may have to share.
    fn ahead(&self, capacity: usize, limit: ByteSize) -> usize {
        let tile = (self.raw_nbyte * capacity).max(1);
        let most = usize::try_from(limit.0 / 4).unwrap_or(usize::MAX) / tile;
        (AHEAD * self.nplane / tile).min(most).max(1)
    }

    /// Cuts the frames so that the run stays at or under `limit`.
    ///
    /// # Errors
    ///
    /// [`Error::LimitTooSmall`] with the smallest limit that would do.
    pub(crate) fn plan(&self, limit: ByteSize) -> Result<Plan> {
        let needed = self.least()?;
        if needed > limit {
            return Err(Error::LimitTooSmall {
                limit,
                needed,
                frames: self.nframe,
            });
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
        let (shift, bands) = self.bands(tile_rows, tile_cols);
        let capacity = tile_rows.min(self.shape.nrow) * tile_cols;
        let measurers = self.beside(limit, self.measurer());
        let unpackers = self.beside(limit, self.unpacker());
        let before = (measurers as u64 * self.measurer()).max(unpackers as u64 * self.unpacker());
        let files = match self.unpacking.file_threads {
            0 => 0,
            threads => self.process() + self.files(threads),
        };
        let resident = self.resident(capacity).ok_or_else(|| self.beyond())?;
        let resident = resident.max(self.standing() + before).max(files);
        Ok(Plan {
            frames: self.nframe,
            shape: self.shape,
            limit,
            parts: self.parts(capacity, measurers, unpackers),
            resident: ByteSize(resident),
            reserve: ByteSize(self.reserve()),
            smallest: needed,
            tile_rows,
            tile_cols,
            tiles: self.ntile(),
            bands,
            threads: self.workers(),
            ahead: self.ahead(capacity, limit),
            measurers,
            unpackers,
            packing: Packing::default(),
            mapped: self.mapped.is_some(),
            one_by_one: false,
            walks: self.walks.clone(),
            capacity,
            shift,
        })
    }
}

#[cfg(test)]
mod tests;
