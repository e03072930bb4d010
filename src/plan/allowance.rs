//! What is allowed for the process itself, for each frame and thread, and for what the kernel takes: measured (x86-64), not reckoned.

use super::{Demand, KIB, MIB};

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
/// By how much what a process takes at its start may differ from run to run: the pages of a file come in pieces of any size.
const SWAY: u64 = 3 * MIB / 4;
/// Code that the combining walk brings in, which the first walk does without.
pub(super) const COMBINING: u64 = MIB / 2;
/// What the first walk finds there where an image was combined before: code.
const AGAIN: u64 = MIB;
/// Code that unpacking brings in.
const UNPACKING: u64 = MIB / 2;
/// What the process may take beside: pages of its code that other runs, or a busy machine, bring in or leave out.
pub(super) const MARGIN: u64 = 5 * MIB / 4;
/// Resident memory of a thread: the touched part of its stack and its arena.
pub(super) const THREAD: u64 = 40 * KIB;
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

/// Page tables of the maps of so many files and bytes: two pages a file beside what the pixels need.
fn tables(nfile: usize, nbyte: u64) -> u64 {
    (nbyte.div_ceil(TABLE_REACH) + 2 * nfile as u64) * TABLE
}

/// Resident memory of a process that took so much at its start, in whole steps.
pub(super) fn process(at_start: u64) -> u64 {
    let found = at_start + GROWTH;
    if found <= PROCESS + MIB / 2 {
        PROCESS
    } else {
        found.next_multiple_of(MIB)
    }
}

impl Demand {
    /// Room that is kept free: for what the kernel takes for page tables and files, and for a huge page under each thread that reads
    /// from maps.
    pub(super) fn reserve(&self) -> u64 {
        let maps = self.mapped.map_or(0, |nbyte| {
            tables(self.nfile, nbyte) + self.threads as u64 * MAP_WINDOW
        });
        MARGIN + maps + self.nfile as u64 * KERNEL_FILE
    }

    /// Resident memory that does not depend on the tiles.
    pub(super) fn standing(&self) -> u64 {
        (self.process() + self.frames()).saturating_add(self.desks())
    }

    /// Resident memory of the process itself.
    pub(super) fn process(&self) -> u64 {
        process(self.process) + self.code()
    }

    /// What it may come to at the next try.
    pub(super) fn process_at_most(&self) -> u64 {
        process(self.process + SWAY) + self.code()
    }

    /// What the code takes that not every run needs.
    fn code(&self) -> u64 {
        if self.unpacking.is_any() {
            UNPACKING
        } else {
            0
        }
    }

    /// What the first walk takes beside its threads.
    pub(super) fn again(&self) -> u64 {
        if self.again {
            AGAIN + (self.threads + 2) as u64 * THREAD
        } else {
            0
        }
    }

    pub(super) fn frames(&self) -> u64 {
        self.nframe as u64 * FRAME + self.text_nbyte
    }

    /// Resident memory of a thread that packs the output.
    pub(super) fn packer(&self) -> u64 {
        self.packing_nbyte.map_or(0, |nbyte| nbyte as u64 + THREAD)
    }

    /// Resident memory of so many threads that pack; the tiles are gone by then, the threads of the walk are not.
    pub(super) fn packing(&self, threads: usize) -> u64 {
        match self.packer() {
            0 => 0,
            nbyte => self.before_packing() + threads as u64 * nbyte,
        }
    }

    /// What is there when they begin, beside what is always there.
    pub(super) fn before_packing(&self) -> u64 {
        COMBINING + (self.threads + 3) as u64 * THREAD
    }
}
