//! The file: HDUs reserved one after the other, pixels written at their place, the name given last.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use tempfile::TempPath;

use super::{HduSpec, Pixels, name};
use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::header::Card;
use crate::shape::Area;

/// Headers and data are filled up to multiples of this.
const BLOCK: usize = 2880;

/// A FITS file that is being written, visible under its name only when whole.
#[derive(Debug)]
pub(crate) struct FitsSink {
    /// Where the file will stand.
    path: PathBuf,
    overwrite: bool,
    file: File,
    /// Removes the file where it is dropped.
    temporary: TempPath,
    hdus: Vec<Hdu>,
    /// Where the next HDU begins.
    end: u64,
}

/// An HDU whose header is written and whose pixels have their place.
#[derive(Debug)]
struct Hdu {
    pixels: Option<Pixels>,
    /// The byte at which the header begins.
    begin: u64,
    /// The byte at which the data begin, and how many there are.
    start: u64,
    length: u64,
    /// The byte at which the DATASUM card stands; the CHECKSUM card follows it.
    sums_at: u64,
    header: Sum,
    /// Shared by the threads that write.
    data: Mutex<Written>,
}

/// What was written of the pixels of an HDU.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    /// Bytes.
    nbyte: u64,
    /// Their sum.
    sum: Sum,
}

impl FitsSink {
    /// Begins a file beside `path`, under a hidden name.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where `path` exists and is not to be replaced, is not a regular file, or has no folder;
    /// [`Error::Io`] where the folder refuses the file.
    pub(crate) fn create(path: &Path, overwrite: bool) -> Result<Self> {
        let (file, temporary) = name::reserve(path, overwrite)?;
        Ok(Self {
            path: path.into(),
            overwrite,
            file,
            temporary,
            hdus: Vec::new(),
            end: 0,
        })
    }

    /// Adds an HDU behind those that are there, the first as the primary: writes its header and keeps room for its
    /// pixels. Returns its number, by which pixels are written to it.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where the pixels are more than a file can hold, [`Error::Io`] where the file refuses.
    pub(crate) fn add(&mut self, spec: &HduSpec) -> Result<usize> {
        let mut header: Vec<u8> = spec
            .header(self.hdus.is_empty())
            .iter()
            .flat_map(|card| card.0)
            .collect();
        let (mut sum, sums_at) = (Sum::default(), self.end + header.len() as u64);
        sum.add(0, &header);
        // Room for the two cards of the sums, which are known only when all pixels are.
        header.resize(header.len() + 160, b' ');
        let last = header.len();
        header.extend(Card::new("END").0);
        header.resize(header.len().next_multiple_of(BLOCK), b' ');
        sum.add(0, &header[last..]);

        let too_large = || Error::Output {
            path: self.path.clone(),
            fault: "has more pixels than a file can hold".into(),
        };
        let length = spec
            .pixels
            .map_or(Some(0), Pixels::nbyte)
            .ok_or_else(too_large)?;
        let start = self.end + header.len() as u64;
        let end = length
            .checked_next_multiple_of(BLOCK as u64)
            .and_then(|length| start.checked_add(length));
        let end = end
            .filter(|&end| i64::try_from(end).is_ok())
            .ok_or_else(too_large)?;
        let begin = self.end;
        self.put(&header, begin)?;
        self.file
            .set_len(end)
            .map_err(|source| self.refused(source))?;
        self.end = end;
        let pixels = spec.pixels;
        self.hdus.push(Hdu {
            pixels,
            begin,
            start,
            length,
            sums_at,
            header: sum,
            data: Mutex::default(),
        });
        Ok(self.hdus.len() - 1)
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
            self.file
                .set_len(last.begin)
                .map_err(|source| self.refused(source))?;
            self.end = last.begin;
        }
        Ok(())
    }

    /// Completes the file, flushes it to its disk and gives it its name.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where something came to stand under that name meanwhile, [`Error::Io`] where the file refuses.
    pub(crate) fn finish(self) -> Result<()> {
        self.complete()?;
        self.file
            .sync_all()
            .map_err(|source| self.refused(source))?;
        let folder = name::folder(&self.path).to_owned();
        self.name()?;
        // The pixels are safe; a folder that cannot be flushed is no reason to call the file lost.
        let _ = File::open(folder).and_then(|folder| folder.sync_all());
        Ok(())
    }

    /// The same, and leaves it to the system when the file reaches its disk: one of many, which can be made again.
    ///
    /// # Errors
    ///
    /// Those of [`Self::finish`].
    pub(crate) fn finish_unflushed(self) -> Result<()> {
        self.complete()?;
        self.name()
    }

    /// Writes what is known only when all pixels are.
    fn complete(&self) -> Result<()> {
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

    fn name(self) -> Result<()> {
        let Self {
            path,
            overwrite,
            temporary,
            ..
        } = self;
        name::give(temporary, &path, overwrite)
    }

    fn put(&self, bytes: &[u8], at: u64) -> Result<()> {
        self.file
            .write_all_at(bytes, at)
            .map_err(|source| self.refused(source))
    }

    fn refused(&self, source: io::Error) -> Error {
        Error::io(&self.path, "cannot write", source)
    }
}

impl Hdu {
    /// What was written so far.
    fn written(&self) -> Written {
        *self.data.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what was written.
    fn add(&self, more: Written) {
        let mut data = self.data.lock().unwrap_or_else(PoisonError::into_inner);
        data.nbyte += more.nbyte;
        data.sum.join(more.sum);
    }

    /// The cards DATASUM and CHECKSUM.
    fn sum_cards(&self) -> Vec<u8> {
        let data = self.written().sum;
        // CFITSIO puts the date into these comments: ours tell nothing but what they are.
        let cards = |checksum: &str| {
            let mut cards =
                Card::string("DATASUM", &data.value().to_string(), "data unit checksum");
            cards.extend(Card::string("CHECKSUM", checksum, "HDU checksum"));
            cards.iter().flat_map(|card| card.0).collect::<Vec<u8>>()
        };
        let mut sum = self.header;
        sum.join(data);
        sum.add(0, &cards("0000000000000000"));
        cards(&sum.text())
    }
}

#[cfg(test)]
mod tests;
