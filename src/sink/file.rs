//! The file: HDUs reserved one after the other, pixels written at their place, the name given last.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::HduSpec;
use super::hdu::{Earlier, Hdu, SUMS, Written, whole_blocks};
use super::ledger::Ledger;
use super::part::{Part, Second};
use super::rejected::Rejected;
use super::state::StateFile;
use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::shape::Area;

/// A FITS file that is being written, visible under its name only when whole.
#[derive(Debug)]
pub(crate) struct FitsSink {
    /// Where the file will stand.
    path: PathBuf,
    overwrite: bool,
    pub(super) part: Part,
    /// Its packed form, once that is made.
    pub(super) packed: Option<Second>,
    /// What is told of the samples, where that is asked for.
    pub(crate) rejected: Option<Rejected>,
    pub(super) hdus: Vec<Hdu>,
    /// Where the next HDU begins.
    end: u64,
    /// How long the file is: longer than that where a run is taken up.
    length: u64,
}

impl FitsSink {
    /// Begins a file beside `path`, under a hidden name.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where `path` exists and is not to be replaced, is not a regular file, or has no folder;
    /// [`Error::Io`] where the folder refuses the file.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        Ok(Self::of(path, overwrite, Part::create(path, overwrite)?, 0))
    }

    /// Goes on with a file that an earlier run has left, of which the first `length` bytes are of use. Its HDUs are to be added again.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file cannot be cut to that length.
    pub(crate) fn take_up(path: &Path, overwrite: bool, part: Part, length: u64) -> Result<Self> {
        let sink = Self::of(path, overwrite, part, whole_blocks(length));
        let file = sink.part.file();
        file.set_len(sink.length)
            .map_err(|source| sink.refused(source))?;
        Ok(sink)
    }

    fn of(path: &Path, overwrite: bool, part: Part, length: u64) -> Self {
        Self {
            path: path.into(),
            overwrite,
            part,
            packed: None,
            rejected: None,
            hdus: Vec::new(),
            end: 0,
            length,
        }
    }

    /// Has it told beside what became of the samples; `again` where an earlier run has done some of that.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder refuses the file for that.
    pub(crate) fn tell_rejected(&mut self, again: bool) -> Result<()> {
        self.rejected = Some(Rejected::new(&self.path, &self.part, again)?);
        Ok(())
    }

    /// The number by which the system knows the file, whatever its name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system does not tell it.
    pub(crate) fn inode(&self) -> Result<u64> {
        self.part.inode()
    }

    /// What writes the state of the file while it grows.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the system has no descriptor left.
    pub(crate) fn state(&self) -> Result<StateFile> {
        let rejected = self.rejected.as_ref().map(Rejected::file);
        self.part.state(&self.path, rejected.transpose()?)
    }

    /// Whether the hidden file and its state stay when this is dropped before it is whole; returns whether they can.
    pub(crate) fn keep(&mut self, kept: bool) -> bool {
        self.part.keep(kept)
    }

    /// Where the file will stand.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the pixels of an HDU begin.
    pub(crate) fn start(&self, hdu: usize) -> u64 {
        self.hdus[hdu].start
    }

    /// Bytes of the plain file, and of its packed form where there is one.
    pub(crate) fn lengths(&self) -> (u64, Option<u64>) {
        let packed = self.packed.as_ref().and_then(Second::length);
        (self.end, packed)
    }

    /// The number by which the system knows the packed form, where there is one.
    pub(crate) fn packed_inode(&self) -> Option<u64> {
        self.packed.as_ref().and_then(Second::inode)
    }

    /// The sum of the pixels of an HDU that were written so far.
    pub(crate) fn sum(&self, hdu: usize) -> Sum {
        self.hdus[hdu].written().sum
    }

    /// Adds an HDU behind those that are there, the first as the primary: writes its header and keeps room for its
    /// pixels. Returns its number, by which pixels are written to it.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where the pixels are more than a file can hold, [`Error::Io`] where the file refuses.
    pub(crate) fn add(&mut self, spec: &HduSpec) -> Result<usize> {
        let (header, hdu) = self.lay_out(spec)?;
        self.append(&header, hdu)
    }

    /// The same for an HDU of which an earlier run has written some pixels.
    ///
    /// # Errors
    ///
    /// Those of [`Self::add`], and [`Error::Output`] where the earlier run gave it another header.
    pub(crate) fn add_again(&mut self, spec: &HduSpec, earlier: Earlier) -> Result<usize> {
        let (header, hdu) = self.lay_out(spec)?;
        let mut there = vec![0; header.len()];
        self.part
            .file()
            .read_exact_at(&mut there, hdu.begin)
            .map_err(|source| Error::io(&self.path, "cannot read what is there", source))?;
        let sums = usize::try_from(hdu.sums_at - hdu.begin).expect("a header is in memory");
        let sums = sums..sums + SUMS;
        // The sums are known only behind the last pixel; the earlier run may have come so far.
        there[sums.clone()].copy_from_slice(&header[sums]);
        if there != header {
            let number = self.hdus.len();
            let what = format!("the header of HDU {number} would be another now");
            return Err(Error::not_taken_up(&self.path, what));
        }
        let nbyte = hdu.pixels.map_or(0, |pixels| pixels.dtype.nbyte());
        hdu.add(Written {
            nbyte: earlier.npixel as u64 * nbyte as u64,
            sum: earlier.sum,
        });
        self.append(&header, hdu)
    }

    /// Writes the header of an HDU, and makes room for its pixels.
    fn append(&mut self, header: &[u8], hdu: Hdu) -> Result<usize> {
        self.put(header, hdu.begin)?;
        let end = hdu.end();
        if end > self.length {
            let file = self.part.file();
            file.set_len(end).map_err(|source| self.refused(source))?;
            self.length = end;
        }
        self.end = end;
        self.hdus.push(hdu);
        Ok(self.hdus.len() - 1)
    }

    /// The header of the next HDU, and where it and its pixels stand.
    fn lay_out(&self, spec: &HduSpec) -> Result<(Vec<u8>, Hdu)> {
        let too_large = || Error::Output {
            path: self.path.clone(),
            fault: "has more pixels than a file can hold".into(),
        };
        Hdu::lay_out(spec, self.hdus.is_empty(), self.end).ok_or_else(too_large)
    }

    /// Writes the stored, big-endian bytes of a rectangle of pixels of an HDU. Rectangles may come in any order, and from several threads;
    /// every pixel comes once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file refuses.
    pub(crate) fn write(&self, hdu: usize, area: &Area, bytes: &[u8]) -> Result<()> {
        let Some(pixels) = self.hdus[hdu].pixels.filter(|_| !bytes.is_empty()) else {
            return Ok(());
        };
        let nbyte = pixels.dtype.nbyte();
        debug_assert_eq!(bytes.len(), area.npixel() * nbyte, "bytes and area agree");
        debug_assert!(
            area.rows.end <= pixels.shape.nrow && area.cols.end <= pixels.shape.ncol,
            "inside the image"
        );
        let whole_rows = area.cols.len() == pixels.shape.ncol;
        let run = if whole_rows {
            bytes.len()
        } else {
            area.cols.len() * nbyte
        };
        let hdu = &self.hdus[hdu];
        let mut written = Written::default();
        for (row, run) in (area.rows.start..).zip(bytes.chunks_exact(run)) {
            let offset = ((row * pixels.shape.ncol + area.cols.start) * nbyte) as u64;
            self.put(run, hdu.start + offset)?;
            written.sum.add(offset, run);
            written.nbyte += run.len() as u64;
        }
        hdu.add(written);
        Ok(())
    }

    /// Counts a rectangle of pixels of an HDU as written that are zeros as they are stored. The file is zeros where nothing was written, and
    /// such pixels add nothing to a sum: a mask without a masked pixel costs nothing but its header.
    pub(crate) fn write_zeros(&self, hdu: usize, area: &Area) {
        let hdu = &self.hdus[hdu];
        let nbyte = hdu.pixels.map_or(0, |pixels| pixels.dtype.nbyte());
        hdu.add(Written {
            nbyte: (area.npixel() * nbyte) as u64,
            sum: Sum::default(),
        });
    }

    /// Takes back the HDU that was added last, with what was written to it.
    ///
    /// Whether a plane is needed at all, such as the mask of a calibrated frame, may be known only behind its last pixel: it is added
    /// behind its companions and taken back where it is not. Readers do not mind, for companions go by their names: astropy's CCDData
    /// takes `UNCERT` before `MASK` as well as behind it, and does without either.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file refuses.
    pub(crate) fn drop_last(&mut self) -> Result<()> {
        if let Some(last) = self.hdus.pop() {
            let file = self.part.file();
            file.set_len(last.begin)
                .map_err(|source| self.refused(source))?;
            (self.end, self.length) = (last.begin, last.begin);
        }
        Ok(())
    }

    /// Completes the file, flushes it to its disk and gives it its name.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where something came to stand under that name meanwhile, [`Error::Io`] where the file refuses.
    pub(crate) fn finish(self) -> Result<()> {
        self.settle()?;
        self.name()
    }

    /// Completes the file and flushes it to its disk: all that is left is to give it its name.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file refuses.
    pub(crate) fn settle(&self) -> Result<()> {
        self.complete()?;
        let file = self.whole();
        file.sync_all().map_err(|source| self.refused(source))
    }

    /// Completes the file, enters it as made of files with this digest, gives it its name, and leaves it to the system when it reaches its
    /// disk: one of many, which can be made again.
    ///
    /// # Errors
    ///
    /// Those of [`Self::finish`].
    pub(crate) fn finish_entered(self, ledger: &Ledger, made_of: u64) -> Result<()> {
        self.complete()?;
        ledger.enter(&self.path, self.whole(), made_of);
        self.part
            .give_name(self.packed, &self.path, self.overwrite, false)
    }

    /// The file that is to have the name.
    fn whole(&self) -> &File {
        self.packed.as_ref().map_or(self.part.file(), Second::file)
    }

    /// Writes what is known only when all pixels are.
    pub(super) fn complete(&self) -> Result<()> {
        for (number, hdu) in self.hdus.iter().enumerate() {
            let Written { nbyte, .. } = hdu.written();
            if nbyte != hdu.length {
                return Err(Error::Output {
                    path: self.path.clone(),
                    fault: format!(
                        "{nbyte} of {} bytes of HDU {number} were written; this is a fault of ccdstream, please report it",
                        hdu.length
                    ),
                });
            }
            self.put(&hdu.sum_cards(), hdu.sums_at)?;
        }
        Ok(())
    }

    /// Gives a file that is settled its name.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where something came to stand under that name meanwhile, [`Error::Io`] where the folder refuses.
    pub(crate) fn name(self) -> Result<()> {
        self.part
            .give_name(self.packed, &self.path, self.overwrite, true)
    }

    fn put(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.part
            .file()
            .write_all_at(bytes, at)
            .map_err(|source| self.refused(source))
    }

    fn refused(&self, source: io::Error) -> Error {
        Error::io(&self.path, "cannot write", source)
    }
}

#[cfg(test)]
mod tests;
