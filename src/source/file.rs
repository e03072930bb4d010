//! One FITS file, from its first bytes to its HDUs.

use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use crate::error::{self, Error};
use crate::header::{Header, printable};
use crate::source::first_bytes::recognise;
use crate::source::packed_file::PackedFile;
use crate::source::planes::Planes;
use crate::source::tiles::Tiles;
use crate::source::unit::HeaderUnit;
use crate::source::unpacked::{Packing, Unpacked, Whole};
use crate::sys::{self, Fits, Place};

/// No header that is meant to be read is longer.
const MAX_HEADER: u64 = 64 << 20;

/// Where the bytes of a file come from.
#[derive(Debug)]
enum Origin {
    /// From the file itself.
    File(Fits),
    /// From the temporary file to which it was unpacked.
    Unpacked(Arc<Whole>),
}

/// A file whose HDUs are read as far as they are asked for.
#[derive(Debug)]
pub(super) struct FitsFile {
    origin: Origin,
    about: Metadata,
    units: Vec<HeaderUnit>,
    /// The first byte behind the last of them and its padding, by what its header says.
    end: u64,
    /// The last of `units` is the last of the file.
    complete: bool,
    /// Why what follows the last is no HDU, where something does.
    fault: Option<String>,
}

impl FitsFile {
    /// Opens a file that is FITS, maybe packed as a whole; any other is an error that says what it is.
    pub(super) fn open(path: &Path, unpacked: &Unpacked<'_>) -> error::Result<Self> {
        let refused = |e| Error::io(path, "cannot open", e);
        let wrong = |fault: String| Error::frame(printable(&path.to_string_lossy()), fault);
        // Without waiting: a pipe that nobody writes to is an error, not a standstill.
        let file = File::options()
            .read(true)
            .custom_flags(sys::O_NONBLOCK)
            .open(path)
            .map_err(refused)?;
        let about = file.metadata().map_err(refused)?;
        if about.is_dir() {
            return Err(wrong("is a folder, not a file".into()));
        }
        if !about.is_file() {
            return Err(wrong(
                "is no regular file; frames are read in any order, so save it as one first".into(),
            ));
        }
        let mut first = [0; 2880];
        let length = read_up_to(&file, &mut first).map_err(refused)?;
        let origin = match Packing::of(&first[..length]) {
            Some(packing) => Origin::Unpacked(unpacked.whole(path, file, packing, &|_| {})?),
            None => {
                recognise(&first[..length]).map_err(wrong)?;
                let fits = Fits::open(file).map_err(|fault| match open_twice(path) {
                    Err(e) => refused(e),
                    Ok(()) => wrong(fault),
                });
                Origin::File(fits?)
            }
        };
        let mut this = Self {
            origin,
            about,
            units: Vec::new(),
            end: 0,
            complete: false,
            fault: None,
        };
        let place = match &mut this.origin {
            Origin::File(fits) => Some(fits.place().map_err(wrong)?),
            Origin::Unpacked(whole) => whole.places().first().copied(),
        };
        let place = place.ok_or_else(|| wrong("has no HDU".into()))?;
        this.take(place).map_err(wrong)?;
        Ok(this)
    }

    /// What the system knows of the file.
    pub(super) fn about(&self) -> &Metadata {
        &self.about
    }

    /// Bytes in the file, once it is unpacked.
    pub(super) fn length(&self) -> u64 {
        match &self.origin {
            Origin::File(_) => self.about.size(),
            Origin::Unpacked(whole) => whole.length(),
        }
    }

    /// What is packed of the file, as far as it was asked for.
    pub(super) fn packed(&self) -> Option<Arc<PackedFile>> {
        let whole = match &self.origin {
            Origin::File(_) => None,
            Origin::Unpacked(whole) => Some(Arc::clone(whole)),
        };
        let units = self.units.iter();
        let tiles = units.filter_map(|unit| unit.packed.as_ref()?.tiles.get().cloned());
        let tiles: Box<[_]> = tiles.collect();
        PackedFile::of(whole, tiles).map(Arc::new)
    }

    /// The planes of an image; if it is packed, its tiles all stand in the file.
    pub(super) fn planes(&self, number: usize) -> Result<Planes, String> {
        let unit = self.known(number);
        let planes = Planes::of(unit, self.length())?;
        if let Some(packed) = &unit.packed
            && packed.tiles.get().is_none()
        {
            let read = |into: &mut [u8], start| self.read_at(into, start);
            let tiles = Tiles::of(
                packed.number,
                &packed.table,
                unit.start,
                self.length(),
                read,
            )?;
            // It is read by one thread.
            let _ = packed.tiles.set(Arc::new(tiles));
        }
        Ok(planes)
    }

    /// The first byte behind the data of an image, whose planes these are.
    pub(super) fn data_end(&self, number: usize, planes: &Planes) -> u64 {
        let packed = self.known(number).packed.as_ref();
        let tiles = packed.and_then(|packed| packed.tiles.get());
        tiles.map_or(planes.end(), |tiles| tiles.end())
    }

    /// Reads bytes of the file from `start` on, as many as there are.
    pub(super) fn read_at(&self, into: &mut [u8], start: u64) -> io::Result<usize> {
        match &self.origin {
            Origin::File(fits) => read_at(fits.file(), into, start),
            Origin::Unpacked(whole) => whole.read_at(into, start),
        }
    }

    /// Bytes of the headers that were read so far.
    pub(super) fn header_nbyte(&self) -> usize {
        let units = self.units.iter();
        let tables = units
            .clone()
            .filter_map(|unit| Some(&unit.packed.as_ref()?.table));
        let headers = units.map(|unit| &unit.header).chain(tables);
        headers.map(|header| size_of_val(header.cards())).sum()
    }

    /// An HDU by its number, 0 for the primary; `None` behind the last that can be understood.
    pub(super) fn unit(&mut self, number: usize) -> Option<&HeaderUnit> {
        while self.units.len() <= number && !self.complete {
            match self.go_on() {
                Ok(more) => self.complete |= !more,
                // Junk behind the last HDU is no HDU, and no fault.
                Err(fault) => (self.complete, self.fault) = (true, Some(fault)),
            }
        }
        self.units.get(number)
    }

    /// An HDU that has been read already.
    pub(super) fn known(&self, number: usize) -> &HeaderUnit {
        &self.units[number]
    }

    /// The primary HDU beside that of an image; `None` where the image is the primary, or was before it was packed.
    pub(super) fn primary_beside(&self, image: usize) -> Option<&HeaderUnit> {
        if image == 0 || self.known(image).was_primary() {
            return None;
        }
        // A packed primary stands behind an empty one.
        let packed = self.units.get(1).filter(|unit| unit.was_primary());
        Some(packed.unwrap_or(self.known(0)))
    }

    /// The HDUs, from the first to the last that can be understood, with their numbers.
    pub(super) fn all(&mut self) -> impl Iterator<Item = (usize, &HeaderUnit)> {
        // Behind the last that is possible, so that every HDU has been read.
        let _ = self.unit(usize::MAX - 1);
        self.units.iter().enumerate()
    }

    /// What stands behind the last HDU and is none, as an addition to a message.
    pub(super) fn behind(&self) -> String {
        let last = self.units.len() - 1;
        self.fault.as_ref().map_or(String::new(), |fault| {
            format!("; what follows HDU {last} cannot be read: {fault}")
        })
    }

    /// Why what follows the last HDU cannot be read, as an addition to a message.
    pub(super) fn why(&self) -> String {
        let fault = self.fault.as_ref();
        fault.map_or(String::new(), |fault| format!(": {fault}"))
    }

    /// Whether the file ends before its last HDU and its padding do, or in the header of an HDU behind it.
    pub(super) fn ends_early(&mut self) -> bool {
        self.breaks_off() || self.end > self.length()
    }

    /// Whether an extension begins behind the last HDU that can be understood.
    pub(super) fn breaks_off(&mut self) -> bool {
        let _ = self.unit(usize::MAX - 1);
        let mut first = [0; 8];
        let read = self.read_at(&mut first, self.end);
        read.is_ok_and(|read| first[..read] == *b"XTENSION")
    }

    /// Reads one more HDU; `false` where there is none.
    fn go_on(&mut self) -> Result<bool, String> {
        let place = match &mut self.origin {
            Origin::File(fits) => {
                let more = fits.advance()?;
                more.then(|| fits.place()).transpose()?
            }
            Origin::Unpacked(whole) => whole.places().get(self.units.len()).copied(),
        };
        let Some(place) = place else {
            return Ok(false);
        };
        if place.header < self.known(self.units.len() - 1).start {
            return Err("it leads back".into());
        }
        self.take(place)?;
        Ok(true)
    }

    /// Reads the header of the HDU that the file is at.
    fn take(&mut self, place: Place) -> Result<(), String> {
        let length = place.start.saturating_sub(place.header);
        let size = usize::try_from(length)
            .ok()
            .filter(|_| length <= MAX_HEADER);
        let size =
            size.ok_or_else(|| format!("its header of {length} bytes is too long to be one"))?;
        let mut bytes = vec![0; size];
        let read = self
            .read_at(&mut bytes, place.header)
            .map_err(|e| format!("cannot read: {e}"))?;
        let header = Header::from_bytes(&bytes[..read]);
        self.units
            .push(HeaderUnit::new(self.units.len(), header, place.start));
        self.end = place.end;
        self.complete = place.end >= self.length();
        Ok(())
    }
}

/// Whether two descriptors can be had for a file, as CFITSIO needs them, which does not tell a lack of them from another fault.
fn open_twice(path: &Path) -> io::Result<()> {
    let one = File::open(path)?;
    let other = File::open(path);
    drop(one);
    other.map(drop)
}

/// Reads from the beginning of a file as much as there is.
fn read_up_to(file: &File, into: &mut [u8]) -> io::Result<usize> {
    read_at(file, into, 0)
}

/// Reads from `start` on as much as there is.
fn read_at(file: &File, into: &mut [u8], start: u64) -> io::Result<usize> {
    let mut done = 0;
    while done < into.len() {
        match file.read_at(&mut into[done..], start + done as u64) {
            Ok(0) => break,
            Ok(n) => done += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, folder, image, saved, unpacked};

    #[test]
    fn hdus_are_read_as_far_as_there_are_any() {
        let dir = folder();
        let mut bytes = image(&[], 16, &[4, 3]);
        bytes.extend(crate::source::sample::extension(
            &[card("EXTNAME", "'SCI'")],
            8,
            &[2, 2],
        ));
        bytes.extend([b'#'; 2880]);
        let mut file = FitsFile::open(&saved(&dir, "a.fits", &bytes), unpacked()).expect("opened");
        assert_eq!(file.unit(1).map(|unit| unit.start), Some(3 * 2880));
        assert!(file.unit(1).is_some_and(|unit| unit.is_named("sci")));
        assert!(file.unit(2).is_none());
        assert_eq!(file.all().count(), 2);
    }

    #[test]
    fn names_that_cfitsio_would_take_for_more_are_literal() {
        let dir = folder();
        for name in [
            " leading.fits",
            "~nobody.fits",
            "M31[1].fits",
            "a(b).fits",
            "x.fits+1",
            "new\nline.fits",
        ] {
            let path = saved(&dir, name, &image(&[], 16, &[4, 3]));
            assert!(FitsFile::open(&path, unpacked()).is_ok(), "{name}");
        }
        let long = "d".repeat(250);
        let mut path = dir.path().to_owned();
        for _ in 0..8 {
            path.push(&long);
        }
        std::fs::create_dir_all(&path).expect("made");
        path.push("f.fits");
        std::fs::write(&path, image(&[], 16, &[4, 3])).expect("written");
        assert!(FitsFile::open(&path, unpacked()).is_ok());
    }
}
