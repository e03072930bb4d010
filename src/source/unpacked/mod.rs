//! What is unpacked once a run: files that are packed as a whole, and packed images of masters. Each goes to a temporary file without a
//! name, and is read there; when the run ends, however it ends, they are gone.
//!
//! How large a frame is its headers tell as they stream by: what they promise is held against the space that is left, then and as it
//! comes. What stands behind the last HDU is not written.

mod hdus;
mod packing;
mod space;
#[cfg(test)]
mod tests;
mod whole;

use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::{Error, Result};
use crate::header::printable;
use crate::recipe::Io;
use crate::source::frame::Stamp;
use crate::source::reader::spare_descriptors;
use crate::source::tiles::{Desk, Tiles};
use crate::source::way::{Fault, Opened};
use crate::sys::{self, Map};
use crate::units::ByteSize;
use crate::watch::Watch;
use space::Space;
use whole::{Bytes, PackedWhole, Stream, UNPACKED, changed};

pub(super) use packing::Packing;
pub(super) use whole::Whole;

/// What was unpacked in a run, and where it goes.
#[derive(Debug)]
pub(crate) struct Unpacked<'a> {
    space: Space,
    io: Io,
    mem_limit: ByteSize,
    /// Whether only headers are wanted: no data are then written.
    headers_only: bool,
    watch: &'a Watch,
    files: Mutex<HashMap<PathBuf, Unpacking>>,
    /// Packed images of masters, which serve every frame, by file and HDU.
    masters: Mutex<HashMap<(PathBuf, u32), Master>>,
    /// How many descriptors may still be kept.
    descriptors: Mutex<u64>,
}

/// A file that is unpacked, or will be by who holds the lock.
type Unpacking = Arc<Mutex<Option<Arc<Whole>>>>;

/// A packed image of a master, as its file was then.
#[derive(Debug)]
struct Master {
    stamp: Stamp,
    tiles: Arc<Tiles>,
}

/// Whoever panicked with a lock in hand has left what it guards as it was.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Which file is to be unpacked, and what that takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// The file.
    pub(crate) path: PathBuf,
    /// Its bytes.
    pub(crate) length: u64,
    /// Bytes of memory.
    pub(crate) nbyte: u64,
}

impl Wanted {
    /// A file that is packed as a whole; `None` for any other, and for one that cannot be read.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let about = std::fs::metadata(path).ok().filter(Metadata::is_file)?;
        let packing = packing(&File::open(path).ok()?)?;
        Some(Self {
            path: path.to_owned(),
            length: about.len(),
            nbyte: packing.nbyte() + UNPACKED as u64,
        })
    }
}

/// How a file is packed; `None` if it is not, or cannot be read.
fn packing(file: &File) -> Option<Packing> {
    let mut first = [0; 8];
    let read = file.read_at(&mut first, 0).ok()?;
    Packing::of(&first[..read])
}

impl<'a> Unpacked<'a> {
    /// Nothing yet. Files are to go to a folder, or to the next one above it that is there; with `headers_only`, for a plan, data are left out.
    pub(crate) fn new(
        folder: &Path,
        io: Io,
        mem_limit: ByteSize,
        headers_only: bool,
        watch: &'a Watch,
    ) -> Self {
        let there = folder.ancestors().find(|folder| folder.is_dir());
        Self {
            space: Space::new(there.unwrap_or(Path::new("."))),
            io,
            mem_limit,
            headers_only,
            watch,
            files: Mutex::default(),
            masters: Mutex::default(),
            descriptors: Mutex::new(spare_descriptors() / 2),
        }
    }

    /// The folder of temporary files.
    pub(crate) fn folder(&self) -> &Path {
        self.space.folder()
    }

    /// How many files were unpacked, and their bytes.
    pub(crate) fn files(&self) -> (usize, u64) {
        let files = lock(&self.files);
        let each = files
            .values()
            .filter_map(|file| Some(lock(file).as_ref()?.length()));
        each.fold((0, 0), |(count, nbyte), length| (count + 1, nbyte + length))
    }

    /// Unpacks a file that is packed as a whole, unless that is done; `told` hears of all bytes of it that are taken.
    ///
    /// # Errors
    ///
    /// Those of the file and of the temporary file, and of a run that is stopped.
    pub(crate) fn unpack(&self, path: &Path, told: &dyn Fn(u64)) -> Result<()> {
        let file = File::open(path).map_err(|e| Error::io(path, "cannot open", e))?;
        match packing(&file) {
            Some(packing) => self.whole(path, file, packing, told).map(drop),
            None => Ok(()),
        }
    }

    /// The unpacked file of one that is packed so.
    pub(super) fn whole(
        &self,
        path: &Path,
        file: File,
        packing: Packing,
        told: &dyn Fn(u64),
    ) -> Result<Arc<Whole>> {
        let about = file
            .metadata()
            .map_err(|e| Error::io(path, "cannot open", e))?;
        let place = Arc::clone(lock(&self.files).entry(path.to_owned()).or_default());
        let mut place = lock(&place);
        if let Some(whole) = &*place {
            if Stamp::of(&about) != Stamp::of(whole.about()) {
                return Err(changed(path));
            }
            return Ok(Arc::clone(whole));
        }
        let packed = PackedWhole {
            path,
            about: &about,
            packing,
        };
        let Stream {
            file,
            length,
            places,
        } = packed.unpack(file, &self.space, self.headers_only, self.watch, told)?;
        let whole = Arc::new(Whole {
            bytes: self.bytes(file)?,
            length,
            places,
            about,
        });
        *place = Some(Arc::clone(&whole));
        Ok(whole)
    }

    /// How a temporary file is to be read: by its descriptor as long as these last, for without a name it cannot be opened again; by a map
    /// where that is asked for, and addresses are free.
    fn bytes(&self, file: File) -> Result<Bytes> {
        let mut descriptors = lock(&self.descriptors);
        if *descriptors == 0 || (self.io == Io::Mmap && sys::left().is_none()) {
            match Map::new(&file) {
                Ok(map) => return Ok(Bytes::Map(map)),
                Err(e) if *descriptors == 0 => return Err(self.space.refused(e)),
                Err(_) => {}
            }
        }
        *descriptors -= 1;
        Ok(Bytes::Kept(file))
    }

    /// Forgets an unpacked file: its space is free once nobody reads it any more.
    pub(crate) fn release(&self, path: &Path) {
        let Some(place) = lock(&self.files).remove(path) else {
            return;
        };
        let kept = matches!(lock(&place).as_deref(), Some(whole) if !whole.is_mapped());
        *lock(&self.descriptors) += u64::from(kept);
    }

    /// A packed image of a master, unpacked to a file of its own; that which another frame of the run was calibrated with, if it is there.
    pub(super) fn master(
        &self,
        opened: &Opened<'_>,
        (path, stamp): (&Path, Stamp),
        tiles: Arc<Tiles>,
    ) -> Result<Arc<Tiles>> {
        let key = (path.to_owned(), tiles.hdu());
        // Others wait with the lock: they want the same.
        let mut masters = lock(&self.masters);
        if let Some(known) = masters.get(&key)
            && known.stamp == stamp
        {
            return Ok(Arc::clone(&known.tiles));
        }
        if !self.headers_only {
            self.unpack_master(opened, path, &tiles)?;
        }
        let unpacked = Arc::clone(&tiles);
        masters.insert(key, Master { stamp, tiles });
        Ok(unpacked)
    }

    fn unpack_master(&self, opened: &Opened<'_>, path: &Path, tiles: &Tiles) -> Result<()> {
        let name = || printable(&path.to_string_lossy());
        let needed = tiles.desk_nbyte().saturating_add(tiles.written_nbyte());
        if needed > self.mem_limit.0 {
            let needed = ByteSize(needed);
            let fault =
                format!("a row of its tiles takes {needed} to unpack, more than --mem-limit");
            return Err(Error::frame(name(), fault));
        }
        let to = self.room(tiles.nbyte())?;
        let mut desk = Desk::default();
        let go_on = |_| self.watch.check().map_err(Fault::Error);
        let done = tiles.unpack(opened, (&to, 0), &mut desk, go_on);
        done.map_err(|fault| opened.error(fault, name()))
    }

    /// A temporary file for images of so many bytes, if there is space for them.
    pub(crate) fn room(&self, nbyte: u64) -> Result<Arc<File>> {
        drop(self.space.promise(nbyte, "packed images")?);
        self.space.file().map(Arc::new)
    }
}
