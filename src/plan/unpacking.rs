//! What packed frames take, and what is told of them.

use std::path::PathBuf;

use serde::Serialize;

use super::allowance::{MARGIN, THREAD, process};
use super::{Demand, Grid};
use crate::units::ByteSize;

/// What packed frames need memory for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Unpacking {
    /// Where bands end, if frames are unpacked by row bands.
    pub(crate) grid: Option<Grid>,
    /// Bytes of a thread that unpacks frames by row bands.
    pub(crate) desk_nbyte: u64,
    /// Bytes of a thread that unpacks images to a file; 0 if none does.
    pub(crate) image_nbyte: u64,
    /// Bytes of a thread that unpacked files, before anything else; 0 if none did.
    pub(crate) file_nbyte: u64,
    /// How many threads did.
    pub(crate) file_threads: usize,
    /// Bytes that unpacking a master took.
    pub(crate) master_nbyte: u64,
}

impl Unpacking {
    /// What each of those takes that unpack.
    pub(super) fn each(&self) -> [u64; 4] {
        let Self {
            desk_nbyte,
            image_nbyte,
            file_nbyte,
            master_nbyte,
            ..
        } = *self;
        [desk_nbyte, image_nbyte, file_nbyte, master_nbyte]
    }

    /// Whether anything is unpacked.
    pub(super) fn is_any(&self) -> bool {
        self.each() != [0; 4]
    }
}

/// Which frames are packed, and how they are unpacked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Packing {
    /// Frames that are not packed in tiles.
    pub plain: usize,
    /// Frames that are unpacked by row bands.
    pub by_bands: usize,
    /// Frames that are unpacked once, to a temporary file.
    pub once: usize,
    /// Bytes of the temporary files to which they are unpacked, of those that stand at one time.
    pub once_bytes: ByteSize,
    /// Files that are packed as a whole, and unpacked once.
    pub files: usize,
    /// Bytes of the temporary files to which they are unpacked.
    pub files_bytes: ByteSize,
    /// The folder of temporary files.
    pub temp_dir: PathBuf,
}

/// How many threads of at most `most` can unpack files, each with so many bytes, before there is anything else; `taken` is what the process
/// took at its start.
pub(crate) fn file_threads(limit: ByteSize, taken: ByteSize, nbyte: u64, most: usize) -> usize {
    let room = limit.0.saturating_sub(process(taken.0) + MARGIN);
    let threads = room / (nbyte + THREAD);
    usize::try_from(threads)
        .unwrap_or(usize::MAX)
        .max(1)
        .min(most)
}

impl Demand {
    /// Resident memory of the threads that unpack frames by row bands.
    pub(super) fn desks(&self) -> u64 {
        (self.threads as u64).saturating_mul(self.unpacking.desk_nbyte)
    }

    /// Resident memory of a thread that unpacks images to a file.
    pub(super) fn unpacker(&self) -> u64 {
        match self.unpacking.image_nbyte {
            0 => 0,
            nbyte => nbyte.saturating_add(THREAD),
        }
    }

    /// Resident memory of so many threads that unpacked files.
    pub(super) fn files(&self, threads: usize) -> u64 {
        match self.unpacking.file_nbyte {
            0 => 0,
            nbyte => threads as u64 * (nbyte + THREAD),
        }
    }

    /// Resident memory before the walks: while so many threads unpack files, and while masters are unpacked.
    pub(super) fn before(&self, threads: usize) -> u64 {
        let masters = self.frames().saturating_add(self.unpacking.master_nbyte);
        self.process()
            .saturating_add(masters.max(self.files(threads)))
    }
}
