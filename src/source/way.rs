//! The ways in which a file is read again and again, and what is said where one fails.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::header::printable;
use crate::recipe::Io;
use crate::source::frame::Stamp;
use crate::source::rows::Rows;
use crate::source::unpacked::Whole;
use crate::sys::{self, Map};

/// A file that is read again and again.
#[derive(Debug)]
pub(super) struct Opened<'a> {
    path: &'a Path,
    stamp: Stamp,
    pub(super) way: Way,
    /// Why it is not mapped, where that was asked for.
    pub(super) refused: Option<io::Error>,
}

/// How a file is read.
#[derive(Debug)]
pub(super) enum Way {
    /// From its map; the descriptor is closed.
    Map(Map),
    /// From a descriptor that stays open.
    Kept(File),
    /// From a descriptor that is opened for each read: there are more files than descriptors.
    Reopened,
    /// From the temporary file to which it was unpacked.
    Unpacked(Arc<Whole>),
}

/// Why bytes did not come.
#[derive(Debug)]
pub(super) enum Fault {
    /// The file has fewer than it had when its header was read, or its disk failed under a map.
    Missing,
    /// The file is another than the one whose header was read.
    Changed,
    /// The system's own reason.
    Io(io::Error),
    /// Told already.
    Error(Error),
    /// The reason of the temporary file to which it is unpacked.
    Temporary(io::Error),
    /// The tile of this number, from 1, cannot be unpacked.
    Tile(u64, &'static str),
}

/// Rows that are cut out of little more than themselves are read together, so many bytes at a time.
pub(crate) const TOGETHER: usize = 64 << 10;

/// Finds the best of the ways that are allowed for a file. One that cannot be mapped (its file system refuses, or there are no addresses
/// left) is read, and why it cannot is returned, too.
fn way(
    path: &Path,
    stamp: Stamp,
    io: Io,
    descriptors: &mut u64,
) -> Result<(Way, Option<io::Error>)> {
    let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
    let name = || printable(&path.to_string_lossy());
    check(&file, stamp).map_err(|fault| error(fault, stamp, path, name()))?;
    let mut refused = None;
    if io == Io::Mmap {
        match Map::new(&file) {
            Ok(map) if map.len() as u64 >= stamp.length => return Ok((Way::Map(map), None)),
            Ok(_) => return Err(error(Fault::Missing, stamp, path, name())),
            Err(e) => refused = Some(e),
        }
    }
    let way = match descriptors.checked_sub(1) {
        Some(rest) => {
            *descriptors = rest;
            Way::Kept(file)
        }
        None => Way::Reopened,
    };
    Ok((way, refused))
}

/// Whether a file is still the one whose header was read.
fn check(file: &File, stamp: Stamp) -> std::result::Result<(), Fault> {
    compare(Stamp::of(&file.metadata().map_err(Fault::Io)?), stamp)
}

fn compare(now: Stamp, stamp: Stamp) -> std::result::Result<(), Fault> {
    match now {
        _ if now == stamp => Ok(()),
        _ if now.length < stamp.length => Err(Fault::Missing),
        _ => Err(Fault::Changed),
    }
}

/// What is said of a fault.
fn error(fault: Fault, stamp: Stamp, path: &Path, name: String) -> Error {
    match fault {
        Fault::Missing => match fs::metadata(path) {
            Ok(now) if now.len() >= stamp.length => Error::frame(
                name,
                "its disk or network failed while it was read; try --io read, which says more",
            ),
            _ => Error::frame(
                name,
                "was cut short while it was read; is another program writing to it?",
            ),
        },
        Fault::Changed => Error::frame(
            name,
            "was changed while it was read; is another program writing to it?",
        ),
        Fault::Io(e) => Error::io(path, "cannot read", e),
        Fault::Error(error) => error,
        Fault::Temporary(e) => Error::io(path, "cannot unpack (see --temp-dir)", e),
        Fault::Tile(tile, what) => Error::frame(
            name,
            format!("cannot be unpacked: its tile {tile} {what}; copy it again"),
        ),
    }
}

impl<'a> Opened<'a> {
    /// A file that was unpacked.
    pub(super) fn unpacked(path: &'a Path, stamp: Stamp, whole: &Arc<Whole>) -> Self {
        let way = Way::Unpacked(Arc::clone(whole));
        Self {
            path,
            stamp,
            way,
            refused: None,
        }
    }

    /// Opens or maps a file, as long as `descriptors` are left to keep.
    pub(super) fn new(path: &'a Path, stamp: Stamp, io: Io, descriptors: &mut u64) -> Result<Self> {
        let (way, refused) = way(path, stamp, io, descriptors)?;
        Ok(Self {
            path,
            stamp,
            way,
            refused,
        })
    }

    /// What is said of a file that should have been mapped and is not.
    pub(super) fn unmapped(&self) -> Option<String> {
        let e = self.refused.as_ref()?;
        let name = printable(&self.path.to_string_lossy());
        Some(format!(
            "{name}: cannot be mapped ({e}), and is read instead"
        ))
    }

    /// Checks that the file is as it was when its header was read. That it has lost its name since does no harm.
    pub(super) fn unchanged(&self) -> Result<()> {
        let compared = match fs::metadata(self.path) {
            Ok(now) => compare(Stamp::of(&now), self.stamp),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Fault::Io(e)),
        };
        compared.map_err(|fault| self.error(fault, printable(&self.path.to_string_lossy())))
    }

    /// Copies rows without the gaps between them to `into`, which they fill.
    pub(super) fn copy(&self, rows: Rows, into: &mut [u8]) -> std::result::Result<(), Fault> {
        match &self.way {
            Way::Map(map) => copy_rows(map, rows, into),
            Way::Unpacked(whole) => whole.copy(rows, into),
            Way::Kept(file) => read_rows(file, rows, into),
            Way::Reopened => {
                let file = File::open(self.path).map_err(Fault::Io)?;
                check(&file, self.stamp)?;
                read_rows(&file, rows, into)
            }
        }
    }

    /// Tells the system that these bytes come next.
    pub(super) fn advise(&self, range: Range<u64>) {
        match &self.way {
            Way::Map(map) => {
                if let (Ok(start), Ok(end)) = (range.start.try_into(), range.end.try_into()) {
                    map.advise(start..end);
                }
            }
            // It was written a moment ago.
            Way::Unpacked(_) => {}
            Way::Kept(file) => sys::advise(file, range),
            Way::Reopened => {
                if let Ok(file) = File::open(self.path) {
                    sys::advise(&file, range);
                }
            }
        }
    }

    /// What is said of a fault in what is called `name`.
    pub(super) fn error(&self, fault: Fault, name: String) -> Error {
        error(fault, self.stamp, self.path, name)
    }
}

/// Copies rows from a map that is longer than any of them.
pub(super) fn copy_rows(map: &Map, rows: Rows, into: &mut [u8]) -> std::result::Result<(), Fault> {
    // It has an address for each of its bytes.
    #[expect(clippy::cast_possible_truncation, reason = "see above")]
    let runs = rows
        .starts()
        .map(|start| start as usize..start as usize + rows.length);
    map.copy(runs, into).map_err(|_| Fault::Missing)
}

/// Positioned reads: one a run, or one for many that stand close together.
pub(super) fn read_rows(
    file: &File,
    rows: Rows,
    into: &mut [u8],
) -> std::result::Result<(), Fault> {
    let read = |into: &mut [u8], start| {
        file.read_exact_at(into, start).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Missing,
            _ => Fault::Io(e),
        })
    };
    let length = rows.length;
    let stride = usize::try_from(rows.stride).unwrap_or(usize::MAX);
    if rows.count == 1 || stride > TOGETHER / 2 || length < stride / 2 {
        let mut runs = rows.starts().zip(into.chunks_exact_mut(length));
        return runs.try_for_each(|(start, run)| read(run, start));
    }
    let nrow = TOGETHER / stride;
    let mut together = vec![0; nrow.min(into.len() / length) * stride];
    let starts = rows.starts().step_by(nrow);
    for (start, into) in starts.zip(into.chunks_mut(nrow * length)) {
        let last = (into.len() / length - 1) * stride;
        read(&mut together[..last + length], start)?;
        for (run, row) in into.chunks_exact_mut(length).zip(together.chunks(stride)) {
            run.copy_from_slice(&row[..length]);
        }
    }
    Ok(())
}
