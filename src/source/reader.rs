//! Copies the stored bytes of frames, from maps or by positioned reads: two twins behind one face.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::Result;
use crate::header::printable;
use crate::pixels::{Companion, Image, Role};
use crate::recipe::Io;
use crate::shape::Area;
use crate::source::frame::{Frame, Stamp};
use crate::source::list::FrameList;
use crate::source::masters::Masters;
use crate::source::packed_file::PackedFile;
use crate::source::rows::Rows;
use crate::source::tiles::{Desk, Desks, Tiles};
use crate::source::way::{Fault, Opened, Way};
use crate::sys;
use crate::units::ByteSize;

/// The planes that a frame may have; a thread that goes from one to the other and back holds tiles of each.
const PLANES: [Companion; 3] = [Companion::Image, Companion::Mask, Companion::Uncertainty];

/// What is packed of a file, if anything.
type Packed<'p> = Option<&'p Arc<PackedFile>>;

/// Descriptors that are left for everything else that the process opens.
const SPARE_DESCRIPTORS: u64 = 32;

/// Reads the frames of a list, and the masters that go with them; shared by threads.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    list: &'a FrameList,
    masters: Option<&'a Masters>,
    files: Files<'a>,
    /// Which of the files each frame stands in; then that of the bad pixels.
    file_of: Vec<usize>,
    /// Where threads unpack tiles.
    desks: &'a Desks,
    bytes_read: AtomicU64,
    /// Why nothing is mapped, where that was asked for.
    unmapped: Option<String>,
}

/// Files, each opened once.
#[derive(Debug)]
struct Files<'a> {
    opened: Vec<Opened<'a>>,
    places: HashMap<&'a Path, usize>,
    io: Io,
    /// How many descriptors may still be kept open.
    descriptors: u64,
}

impl<'a> Files<'a> {
    /// The place of a file among the opened.
    fn place(&mut self, path: &'a Path, stamp: Stamp, packed: Packed<'_>) -> Result<usize> {
        if let Some(&place) = self.places.get(path) {
            return Ok(place);
        }
        let file = match packed.and_then(|packed| packed.whole.as_ref()) {
            Some(whole) => Opened::unpacked(path, stamp, whole),
            None => Opened::new(path, stamp, self.io, &mut self.descriptors)?,
        };
        self.opened.push(file);
        self.places.insert(path, self.opened.len() - 1);
        Ok(self.opened.len() - 1)
    }
}

impl<'a> Reader<'a> {
    /// Opens or maps the files of a list, and of masters; tiles are unpacked at these desks.
    pub(crate) fn new(
        list: &'a FrameList,
        masters: &'a Masters,
        io: Io,
        desks: &'a Desks,
    ) -> Result<Self> {
        Self::with_descriptors(list, Some(masters), (io, desks), spare_descriptors())
    }

    /// The same with so many descriptors that may stay open.
    fn with_descriptors(
        list: &'a FrameList,
        masters: Option<&'a Masters>,
        (io, desks): (Io, &'a Desks),
        descriptors: u64,
    ) -> Result<Self> {
        let masters_of = || {
            let masters = masters.into_iter().flat_map(Masters::all);
            masters.map(|(_, of)| (&*of.path, of.stamp, of.packed.as_ref()))
        };
        let frames = list.frames.iter();
        let frames = frames.map(|of| (&*of.path, of.stamp, of.packed.as_ref()));
        let own = masters_of().chain(frames.clone());
        // What was unpacked has its addresses.
        let own = own.filter(|(.., packed)| packed.is_none_or(|packed| packed.whole.is_none()));
        let lengths = own.map(|(path, stamp, _)| (path, stamp.length));
        let unmapped = (io == Io::Mmap)
            .then(|| too_few_addresses(lengths))
            .flatten();
        let mut files = Files {
            opened: Vec::new(),
            places: HashMap::new(),
            io: if unmapped.is_some() { Io::Read } else { io },
            descriptors,
        };
        // Masters first: they are read again with every band, so they had better stay open.
        for (path, stamp, packed) in masters_of() {
            files.place(path, stamp, packed)?;
        }
        let bad_pixels = list.bad_pixels.iter();
        let bad_pixels = bad_pixels.map(|of| (&*of.path, of.stamp, of.packed.as_ref()));
        let file_of = frames
            .chain(bad_pixels)
            .map(|(path, stamp, packed)| files.place(path, stamp, packed))
            .collect::<Result<_>>()?;
        Ok(Self {
            list,
            masters,
            files,
            file_of,
            desks,
            bytes_read: AtomicU64::new(0),
            unmapped,
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
        let file = self.file(frame);
        self.copy(file, of.packed.as_ref(), &plane(of, companion), area, into)
            .map_err(|fault| file.error(fault, of.name()))
    }

    /// Copies the stored bytes of `area`, in untrimmed pixels, of a frame that is calibrated, or of its mask, as [`Self::read`]
    /// does; uncertainties have no overscan.
    pub(crate) fn read_overscan(
        &self,
        frame: usize,
        companion: Companion,
        area: &Area,
        into: &mut [u8],
    ) -> Result<()> {
        let of = &self.list.frames[frame];
        let raw = of.raw.as_ref().expect("the frame is calibrated");
        let plane = match companion {
            Companion::Image => Some(raw.untrimmed),
            Companion::Mask => raw.untrimmed_mask,
            Companion::Uncertainty => None,
        };
        let plane = plane.expect("asked for only where the overscan has it");
        let file = self.file(frame);
        self.copy(file, of.packed.as_ref(), &plane, area, into)
            .map_err(|fault| file.error(fault, of.name()))
    }

    /// Copies the stored bytes of `area` of a plane of a master, as [`Self::read`] does. The reader must have been made with that
    /// master, and it must have that plane.
    pub(crate) fn read_master(
        &self,
        role: Role,
        companion: Companion,
        area: &Area,
        into: &mut [u8],
    ) -> Result<()> {
        let of = self.masters.and_then(|masters| masters.get(role));
        let of = of.expect("asked for only where there is such a master");
        let plane = match companion {
            Companion::Image => Some(of.image),
            Companion::Mask => of.mask,
            Companion::Uncertainty => of.uncertainty.map(|(image, _)| image),
        };
        let plane = plane.expect("asked for only where the master has it");
        let file = &self.files.opened[self.files.places[&*of.path]];
        self.copy(file, of.packed.as_ref(), &plane, area, into)
            .map_err(|fault| file.error(fault, of.shown(role)))
    }

    /// Copies the stored bytes of `area` of the mask for all frames; the list must have one.
    pub(crate) fn read_bad_pixels(&self, area: &Area, into: &mut [u8]) -> Result<()> {
        let mask = self
            .list
            .bad_pixels
            .as_ref()
            .expect("asked for only where there is a mask");
        let file = self.file(self.list.frames.len());
        let name = || printable(&format!("--bad-pixels {}", mask.path.display()));
        self.copy(file, mask.packed.as_ref(), &mask.image, area, into)
            .map_err(|fault| file.error(fault, name()))
    }

    /// Tells the system that the pixels of `area` of a frame, and of its companion planes, come next.
    pub(crate) fn advise(&self, frame: usize, area: &Area) {
        let of = &self.list.frames[frame];
        let file = self.file(frame);
        for image in PLANES.iter().filter_map(|companion| has(of, *companion)) {
            let tiles = of.packed.as_ref().and_then(|packed| packed.tiles(&image));
            match tiles {
                None => file.advise(Rows::of(&image, area).whole()),
                Some(tiles) if tiles.unpacked().is_some() => {}
                Some(tiles) => file.advise(tiles.near(&image, area)),
            }
        }
    }

    /// Unpacks a packed image of the file of a frame to a file, from byte `start` on; from then on it is read there. `go_on` is told of all
    /// bytes that are written.
    pub(crate) fn unpack(
        &self,
        frame: usize,
        tiles: &Tiles,
        to: (&Arc<File>, u64),
        desk: &mut Desk,
        go_on: impl Fn(u64) -> Result<()>,
    ) -> Result<()> {
        let of = &self.list.frames[frame];
        let file = self.file(frame);
        let go_on = |nbyte| go_on(nbyte).map_err(Fault::Error);
        let done = tiles.unpack(file, to, desk, go_on);
        done.map_err(|fault| file.error(fault, of.name()))
    }

    /// Checks that every file is as it was when its header was read: what was copied by now is then of one and the same file.
    ///
    /// # Errors
    ///
    /// [`crate::Error::Frame`] naming the file that is not.
    pub(crate) fn unchanged(&self) -> Result<()> {
        self.files.opened.iter().try_for_each(Opened::unchanged)
    }

    /// Bytes that were copied so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How many files are read from maps, and how many there are.
    pub(crate) fn mapped(&self) -> (usize, usize) {
        let files = &self.files.opened;
        let mapped = files
            .iter()
            .filter(|file| match &file.way {
                Way::Map(_) => true,
                Way::Unpacked(whole) => whole.is_mapped(),
                Way::Kept(_) | Way::Reopened => false,
            })
            .count();
        (mapped, files.len())
    }

    /// What the user should know of files that should have been mapped and are not.
    pub(crate) fn warning(&self) -> Option<String> {
        if self.unmapped.is_some() {
            return self.unmapped.clone();
        }
        let mut unmapped = self.files.opened.iter().filter_map(Opened::unmapped);
        let first = unmapped.next()?;
        Some(match unmapped.count() {
            0 => first,
            1 => format!("{first} (and so is 1 more)"),
            more => format!("{first} (and so are {more} more)"),
        })
    }

    /// The file in which a frame stands; that of the bad pixels is behind the last.
    fn file(&self, frame: usize) -> &Opened<'a> {
        &self.files.opened[self.file_of[frame]]
    }

    fn copy(
        &self,
        file: &Opened<'_>,
        packed: Packed<'_>,
        image: &Image,
        area: &Area,
        into: &mut [u8],
    ) -> std::result::Result<(), Fault> {
        let rows = Rows::of(image, area);
        assert_eq!(into.len() as u64, rows.nbyte(), "the area fills `into`");
        if !into.is_empty() {
            match packed.and_then(|packed| packed.tiles(image)) {
                None => file.copy(rows, into)?,
                Some(tiles) => self.desks.at(
                    |group| tiles.begins(group, image, area),
                    |desk| tiles.copy(file, image, area, desk, into),
                )?,
            }
            self.bytes_read
                .fetch_add(into.len() as u64, Ordering::Relaxed);
        }
        Ok(())
    }
}

/// What is said where maps of these files would take more than half of the addresses that a hard limit leaves: the run needs some, too.
fn too_few_addresses<'a>(files: impl Iterator<Item = (&'a Path, u64)>) -> Option<String> {
    let left = sys::left()?;
    let files: HashMap<&Path, u64> = files.collect();
    let nbyte = files
        .values()
        .fold(0, |sum: u64, nbyte| sum.saturating_add(*nbyte));
    (nbyte > left.bytes / 2).then(|| {
        format!(
            "--io mmap: the limit of {} {} leaves too few addresses to map {} of {} files, which are read instead",
            left.by,
            left.limit.0 >> 10,
            ByteSize(nbyte),
            files.len()
        )
    })
}

/// How many descriptors the files of readers may keep.
pub(crate) fn spare_descriptors() -> u64 {
    // Refused, the limit stays as it is, and files are opened again where it does not suffice.
    let limit = rlimit::increase_nofile_limit(rlimit::INFINITY).unwrap_or(256);
    let taken = fs::read_dir("/proc/self/fd").map_or(16, Iterator::count) as u64;
    limit.saturating_sub(taken + SPARE_DESCRIPTORS)
}

/// Where a plane of a frame stands, if it has it.
fn has(frame: &Frame, companion: Companion) -> Option<Image> {
    match companion {
        Companion::Image => Some(frame.image),
        Companion::Mask => frame.mask,
        Companion::Uncertainty => frame.uncertainty.map(|(image, _)| image),
    }
}

fn plane(frame: &Frame, companion: Companion) -> Image {
    has(frame, companion).expect("asked for only where the frame has it")
}

#[cfg(test)]
mod tests;
