//! One file that is packed as a whole, on its way to a temporary file.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::hdus::{Hdus, Part, Piece};
use super::packing::{Packing, Unpacking};
use super::space::{Promise, Space};
use crate::error::{Error, Result};
use crate::header::printable;
use crate::source::frame::Stamp;
use crate::source::rows::Rows;
use crate::source::way::{Fault, copy_rows, read_rows};
use crate::sys::{Map, Place};
use crate::watch::Watch;

/// Bytes that are unpacked together.
pub(super) const UNPACKED: usize = 128 << 10;
/// Junk behind the last HDU is unpacked for the sake of its checksum: as much as there was before, and this.
const MOST_JUNK: u64 = 1 << 20;

/// A file that was unpacked.
#[derive(Debug)]
pub(in crate::source) struct Whole {
    pub(super) bytes: Bytes,
    pub(super) length: u64,
    pub(super) places: Vec<Place>,
    /// The packed file.
    pub(super) about: Metadata,
}

/// How an unpacked file is read.
#[derive(Debug)]
pub(super) enum Bytes {
    /// From a descriptor.
    Kept(File),
    /// From its map; it has no descriptor any more.
    Map(Map),
}

impl Whole {
    /// Bytes of the unpacked file.
    pub(in crate::source) fn length(&self) -> u64 {
        self.length
    }

    /// Bytes that are kept of it: its own, its path twice, and the places of its HDUs.
    pub(in crate::source) fn nbyte(&self) -> usize {
        const PATH: usize = 512;
        size_of::<Self>() + self.places.capacity() * size_of::<Place>() + PATH
    }

    /// Where its HDUs stand.
    pub(in crate::source) fn places(&self) -> &[Place] {
        &self.places
    }

    /// What the system knows of the packed file.
    pub(in crate::source) fn about(&self) -> &Metadata {
        &self.about
    }

    /// Whether it is read from a map.
    pub(in crate::source) fn is_mapped(&self) -> bool {
        matches!(self.bytes, Bytes::Map(_))
    }

    /// Copies rows without the gaps between them.
    pub(in crate::source) fn copy(
        &self,
        rows: Rows,
        into: &mut [u8],
    ) -> std::result::Result<(), Fault> {
        match &self.bytes {
            Bytes::Kept(file) => read_rows(file, rows, into),
            Bytes::Map(map) => copy_rows(map, rows, into),
        }
    }

    /// Reads from `start` on as much as there is.
    pub(in crate::source) fn read_at(&self, into: &mut [u8], start: u64) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(start)).unwrap_or(usize::MAX);
        let count = into.len().min(left);
        if count == 0 {
            return Ok(0);
        }
        match self.copy(Rows::run(start, count), &mut into[..count]) {
            Ok(()) => Ok(count),
            Err(Fault::Io(e)) => Err(e),
            Err(_) => Err(io::Error::other("the temporary file was cut short")),
        }
    }
}

/// What came of a stream.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) file: File,
    pub(super) length: u64,
    pub(super) places: Vec<Place>,
}

/// A file that is packed as a whole.
#[derive(Debug)]
pub(super) struct PackedWhole<'a> {
    pub(super) path: &'a Path,
    pub(super) about: &'a Metadata,
    pub(super) packing: Packing,
}

impl PackedWhole<'_> {
    /// Unpacks it to a temporary file; with `headers_only`, without its data. `told` hears of all bytes that are taken.
    pub(super) fn unpack(
        &self,
        file: File,
        space: &Space,
        headers_only: bool,
        watch: &Watch,
        told: &dyn Fn(u64),
    ) -> Result<Stream> {
        let stop = |stop: Stop| match stop {
            Stop::Said(fault) => self.fault(fault),
            Stop::Error(error) => error,
        };
        let mut unpacking = Unpacking::new(file, self.packing);
        let mut hdus = Hdus::default();
        let mut writing = Writing {
            file: space.file()?,
            name: printable(&self.path.to_string_lossy()),
            space,
            promise: None,
            length: 0,
            junk: 0,
            headers_only,
        };
        let mut bytes = vec![0; UNPACKED];
        let mut before = 0;
        while writing.junk <= writing.length + MOST_JUNK {
            watch.check()?;
            let read = unpacking.read(&mut bytes);
            let read = read.map_err(|e| self.refused(e, &unpacking))?;
            if read == 0 {
                break;
            }
            hdus.take(&bytes[..read], |piece| writing.take(piece))
                .map_err(stop)?;
            let taken = unpacking.taken();
            told(taken - before);
            before = taken;
        }
        hdus.end(|piece| writing.take(piece)).map_err(stop)?;
        told(self.about.len().saturating_sub(before));
        if hdus.places.is_empty() {
            return Err(self.fault("is cut short: it ends in its first header; copy it again"));
        }
        match fs::metadata(self.path) {
            Ok(now) if Stamp::of(&now) == Stamp::of(self.about) => writing.end(hdus.places),
            Ok(_) => Err(changed(self.path)),
            Err(e) => Err(Error::io(self.path, "cannot read", e)),
        }
    }

    fn fault(&self, fault: impl Into<String>) -> Error {
        Error::frame(printable(&self.path.to_string_lossy()), fault)
    }

    /// What is said where no more bytes come.
    fn refused(&self, reason: io::Error, unpacking: &Unpacking) -> Error {
        let by = self.packing.name();
        match reason.kind() {
            _ if unpacking.failed() => Error::io(self.path, "cannot read", reason),
            io::ErrorKind::UnexpectedEof => self.fault(format!(
                "is cut short: what {by} packed ends early; copy it again"
            )),
            _ => self.fault(format!(
                "is damaged: {by} cannot unpack it ({reason}); copy it again"
            )),
        }
    }
}

/// What is said of a file that is another now than before.
pub(super) fn changed(path: &Path) -> Error {
    Error::frame(
        printable(&path.to_string_lossy()),
        "was changed while it was read; is another program writing to it?",
    )
}

/// Why a stream is not taken any further.
#[derive(Debug)]
pub(super) enum Stop {
    /// What is wrong with the frame.
    Said(String),
    Error(Error),
}

impl From<String> for Stop {
    fn from(fault: String) -> Self {
        Self::Said(fault)
    }
}

/// The temporary file while it is written.
struct Writing<'a> {
    file: File,
    /// The packed file, as messages show it.
    name: String,
    space: &'a Space,
    /// Space for the data of the present HDU.
    promise: Option<Promise<'a>>,
    /// Bytes of the frame so far.
    length: u64,
    junk: u64,
    headers_only: bool,
}

impl Writing<'_> {
    fn take(&mut self, piece: &Piece<'_>) -> std::result::Result<(), Stop> {
        let Piece {
            part, bytes, start, ..
        } = *piece;
        let nbyte = bytes.len() as u64;
        if part == Part::Junk {
            self.junk += nbyte;
            return Ok(());
        }
        self.length = start + nbyte;
        if part == Part::Data && self.headers_only {
            return Ok(());
        }
        self.write(bytes, start).map_err(Stop::Error)?;
        if piece.promised > 0 && !self.headers_only {
            let promise = self.space.promise(piece.promised, &self.name);
            self.promise = Some(promise.map_err(Stop::Error)?);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8], start: u64) -> Result<()> {
        let written = self.file.write_all_at(bytes, start);
        written.map_err(|e| self.space.refused(e))?;
        match &mut self.promise {
            Some(promise) => promise.keep(bytes.len() as u64),
            None => Ok(()),
        }
    }

    fn end(self, places: Vec<Place>) -> Result<Stream> {
        // Data that were left out are a hole.
        let sized = self.file.set_len(self.length);
        sized.map_err(|e| self.space.refused(e))?;
        Ok(Stream {
            file: self.file,
            length: self.length,
            places,
        })
    }
}
