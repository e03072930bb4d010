//! What a run may use.

use std::path::PathBuf;

use crate::units::ByteSize;

/// What a run may use.
#[derive(Clone, Debug)]
pub struct Resources {
    /// The peak resident memory of the process stays at or under this.
    pub mem_limit: ByteSize,
    /// Threads that work on pixels, at least 1; never changes a bit of the output.
    pub threads: usize,
    /// How frames are read.
    pub io: Io,
    /// Where packed frames are unpacked to; `None`: beside the output.
    pub temp_dir: Option<PathBuf>,
}

/// How frames are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Io {
    /// Positioned reads, which were never slower than maps where we measured.
    #[default]
    Auto,
    /// Through memory maps.
    Mmap,
    /// By positioned reads.
    Read,
}
