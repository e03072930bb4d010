//! Copies the stored bytes of frames, from maps or by positioned reads: two twins behind one face.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::{Error, Result};
use crate::header::printable;
use crate::pixels::Image;
use crate::recipe::Io;
use crate::shape::Area;
use crate::source::frame::{Frame, Stamp};
use crate::source::list::FrameList;
use crate::source::rows::Rows;
use crate::sys::{self, Map};

/// Descriptors that are left for everything else that the process opens.
const SPARE_DESCRIPTORS: u64 = 32;

/// A plane of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Companion {
    /// Its pixels.
    Image,
    /// Its mask.
    Mask,
    /// Its uncertainty.
    Uncertainty,
}

/// Reads the frames of a list; shared by threads.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    list: &'a FrameList,
    files: Vec<Opened<'a>>,
    /// Which of `files` each frame stands in; then that of the bad pixels.
    file_of: Vec<usize>,
    bytes_read: AtomicU64,
}

/// A file that is read again and again.
#[derive(Debug)]
struct Opened<'a> {
    path: &'a Path,
    stamp: Stamp,
    way: Way,
}

/// How a file is read.
#[derive(Debug)]
enum Way {
    /// From its map; the descriptor is closed.
    Map(Map),
    /// From a descriptor that stays open.
    Kept(File),
    /// From a descriptor that is opened for each read: there are more files than descriptors.
    Reopened,
}

/// Why bytes did not come.
enum Fault {
    /// The file has fewer than it had when its header was read, or its disk failed under a map.
    Missing,
    /// The file is another than the one whose header was read.
    Changed,
    /// The system's own reason.
    Io(io::Error),
}

impl<'a> Reader<'a> {
    /// Opens or maps the files of a list.
    pub(crate) fn new(list: &'a FrameList, io: Io) -> Result<Self> {
        // Refused, the limit stays as it is, and files are opened again where it does not suffice.
        let limit = rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap_or(256);
        let taken = fs::read_dir("/proc/self/fd").map_or(16, Iterator::count) as u64;
        Self::with_descriptors(list, io, limit.saturating_sub(taken + SPARE_DESCRIPTORS))
    }

    /// The same with so many descriptors that may stay open.
    fn with_descriptors(list: &'a FrameList, io: Io, mut descriptors: u64) -> Result<Self> {
        let mut files = Vec::new();
        let mut file_of = Vec::with_capacity(list.frames.len() + 1);
        let mut known = HashMap::new();
        let frames = list.frames.iter().map(|frame| (&*frame.path, frame.stamp));
        let bad_pixels = list.bad_pixels.iter().map(|mask| (&*mask.path, mask.stamp));
        for (path, stamp) in frames.chain(bad_pixels) {
            let at = if let Some(&at) = known.get(path) {
                at
            } else {
                let way = way(path, stamp, io, &mut descriptors)?;
                files.push(Opened { path, stamp, way });
                known.insert(path, files.len() - 1);
                files.len() - 1
            };
            file_of.push(at);
        }
        Ok(Self {
            list,
            files,
            file_of,
            bytes_read: AtomicU64::new(0),
        })
    }

    /// Copies the stored bytes of `area` of a plane of a frame, row by row without gaps, to `into`, which they fill
    /// exactly. The frame must have that plane.
    pub(crate) fn read(
        &self,
        frame: usize,
        companion: Companion,
        area: &Area,
        into: &mut [u8],
    ) -> Result<()> {
        let of = &self.list.frames[frame];
        let file = &self.files[self.file_of[frame]];
        self.copy(file, &plane(of, companion), area, into)
            .map_err(|fault| file.error(fault, of.name()))
    }

    /// Copies the stored bytes of `area` of the mask for all frames; the list must have one.
    pub(crate) fn read_bad_pixels(&self, area: &Area, into: &mut [u8]) -> Result<()> {
        let mask = self
            .list
            .bad_pixels
            .as_ref()
            .expect("asked for only where there is a mask");
        let file = &self.files[self.file_of[self.list.frames.len()]];
        let name = || printable(&format!("--bad-pixels {}", mask.path.display()));
        self.copy(file, &mask.image, area, into)
            .map_err(|fault| file.error(fault, name()))
    }

    /// Tells the system that the pixels of `area` of a frame, and of its companion planes, come next.
    pub(crate) fn advise(&self, frame: usize, area: &Area) {
        let of = &self.list.frames[frame];
        let file = &self.files[self.file_of[frame]];
        let planes = [
            Some(of.image),
            of.mask,
            of.uncertainty.map(|(image, _)| image),
        ];
        for image in planes.into_iter().flatten() {
            file.advise(Rows::of(&image, area).whole());
        }
    }

    /// Bytes that were copied so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How many files are read from maps, and how many there are.
    pub(crate) fn mapped(&self) -> (usize, usize) {
        let mapped = self
            .files
            .iter()
            .filter(|file| matches!(file.way, Way::Map(_)))
            .count();
        (mapped, self.files.len())
    }

    fn copy(
        &self,
        file: &Opened<'_>,
        image: &Image,
        area: &Area,
        into: &mut [u8],
    ) -> std::result::Result<(), Fault> {
        let rows = Rows::of(image, area);
        assert_eq!(into.len() as u64, rows.nbyte(), "the area fills `into`");
        if !into.is_empty() {
            file.copy(rows, into)?;
            self.bytes_read
                .fetch_add(into.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// Where a plane of a frame stands.
fn plane(frame: &Frame, companion: Companion) -> Image {
    let plane = match companion {
        Companion::Image => Some(frame.image),
        Companion::Mask => frame.mask,
        Companion::Uncertainty => frame.uncertainty.map(|(image, _)| image),
    };
    plane.expect("asked for only where the frame has it")
}

/// Opens a file in the best of the ways that are allowed.
fn way(path: &Path, stamp: Stamp, io: Io, descriptors: &mut u64) -> Result<Way> {
    let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
    let name = || printable(&path.to_string_lossy());
    check(&file, stamp).map_err(|fault| error(fault, stamp, path, name()))?;
    if io == Io::Mmap {
        match Map::new(&file) {
            Ok(map) if map.len() as u64 >= stamp.length => return Ok(Way::Map(map)),
            Ok(_) => return Err(error(Fault::Missing, stamp, path, name())),
            Err(e) => return Err(Error::io(path, "cannot map (try --io read)", e)),
        }
    }
    Ok(match descriptors.checked_sub(1) {
        Some(rest) => {
            *descriptors = rest;
            Way::Kept(file)
        }
        None => Way::Reopened,
    })
}

/// Whether a file is still the one whose header was read.
fn check(file: &File, stamp: Stamp) -> std::result::Result<(), Fault> {
    let now = Stamp::of(&file.metadata().map_err(Fault::Io)?);
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
    }
}

impl Opened<'_> {
    fn copy(&self, rows: Rows, into: &mut [u8]) -> std::result::Result<(), Fault> {
        match &self.way {
            Way::Map(map) => {
                // The map is longer than any of these, and it has an address for each of its bytes.
                #[expect(clippy::cast_possible_truncation, reason = "see above")]
                let runs = rows
                    .starts()
                    .map(|start| start as usize..start as usize + rows.length);
                map.copy(runs, into).map_err(|_| Fault::Missing)
            }
            Way::Kept(file) => read_rows(file, rows, into),
            Way::Reopened => {
                let file = File::open(self.path).map_err(Fault::Io)?;
                check(&file, self.stamp)?;
                read_rows(&file, rows, into)
            }
        }
    }

    fn advise(&self, range: Range<u64>) {
        match &self.way {
            Way::Map(map) => {
                if let (Ok(start), Ok(end)) = (range.start.try_into(), range.end.try_into()) {
                    map.advise(start..end);
                }
            }
            Way::Kept(file) => sys::advise(file, range),
            Way::Reopened => {
                if let Ok(file) = File::open(self.path) {
                    sys::advise(&file, range);
                }
            }
        }
    }

    fn error(&self, fault: Fault, name: String) -> Error {
        error(fault, self.stamp, self.path, name)
    }
}

/// Positioned reads, one a run.
fn read_rows(file: &File, rows: Rows, into: &mut [u8]) -> std::result::Result<(), Fault> {
    for (start, run) in rows.starts().zip(into.chunks_exact_mut(rows.length)) {
        file.read_exact_at(run, start).map_err(|e| match e.kind() {
            io::ErrorKind::UnexpectedEof => Fault::Missing,
            _ => Fault::Io(e),
        })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
