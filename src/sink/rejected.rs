//! What became of each sample of a run, in a hidden file beside the output; and the masks of the frames that are made of it.
//!
//! Of each image, the pixels stand row after row, in each row some bytes a pixel: first those of all pixels that tell of the first
//! frames, then those that tell of the next. So it grows with the output, band by band, and is taken up with it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::part::Part;
use super::tiled::Desk;
use super::{FitsSink, HduSpec, Pixels};
use crate::checksum::Sum;
use crate::error::{Error, Result};
use crate::header::Card;
use crate::recipe::{Codec, Compression, PixelType};
use crate::shape::{Area, Shape};

/// The hidden file.
#[derive(Debug)]
pub(crate) struct Rejected {
    path: PathBuf,
    file: File,
    end: u64,
    /// Where the bytes of each image begin, and the sum of those that are written.
    images: Vec<(u64, Sum)>,
}

impl Rejected {
    /// Begins the file, or goes on with what an earlier run has left of it.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the folder refuses it.
    pub(super) fn new(path: &Path, part: &Part, again: bool) -> Result<Self> {
        let left = if again { part.beside()? } else { None };
        let file = left.map_or_else(|| part.new_beside(), Ok)?;
        Ok(Self {
            path: path.into(),
            file,
            end: 0,
            images: Vec::new(),
        })
    }

    /// Makes room for an image of so many bytes, of which those that an earlier run has written have this sum; returns its number.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub(crate) fn add(&mut self, nbyte: u64, earlier: Sum) -> Result<usize> {
        self.images.push((self.end, earlier));
        self.end += nbyte;
        let about = self.file.metadata().map_err(|e| self.refused(e))?;
        if about.len() < self.end {
            self.file
                .set_len(self.end)
                .map_err(|source| self.refused(source))?;
        }
        Ok(self.images.len() - 1)
    }

    /// The number of the image that was added last.
    pub(crate) fn last(&self) -> usize {
        self.images.len().saturating_sub(1)
    }

    /// Where the bytes of an image begin.
    pub(crate) fn start(&self, image: usize) -> u64 {
        self.images[image].0
    }

    /// The sum of those that are written.
    pub(crate) fn sum(&self, image: usize) -> Sum {
        self.images[image].1
    }

    /// Writes bytes of an image.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub(crate) fn write(&mut self, image: usize, offset: u64, bytes: &[u8]) -> Result<()> {
        let (start, sum) = &mut self.images[image];
        sum.add(offset, bytes);
        let at = *start + offset;
        self.file
            .write_all_at(bytes, at)
            .map_err(|source| self.refused(source))
    }

    /// Reads bytes of an image.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the disk refuses.
    pub(crate) fn read(&self, image: usize, offset: u64, bytes: &mut [u8]) -> Result<()> {
        self.file
            .read_exact_at(bytes, self.images[image].0 + offset)
            .map_err(|source| self.refused(source))
    }

    /// A second hold on the file.
    pub(super) fn file(&self) -> Result<File> {
        self.file.try_clone().map_err(|e| self.refused(e))
    }

    fn refused(&self, source: io::Error) -> Error {
        Error::io(
            &self.path,
            "cannot note beside it what was rejected",
            source,
        )
    }
}

/// A mask of a frame: an image of bytes.
#[derive(Debug)]
pub(crate) struct FrameMask<'a> {
    /// Where it goes, and whether it replaces what is there.
    pub(crate) path: &'a Path,
    pub(crate) overwrite: bool,
    pub(crate) shape: Shape,
    /// The name of its frame.
    pub(crate) frame: &'a str,
    /// How the samples were rejected: lines of HISTORY.
    pub(crate) making: &'a [String],
}

impl FrameMask<'_> {
    /// Bytes that a thread takes that makes such masks.
    pub(crate) fn nbyte(ncol: usize) -> usize {
        Desk::nbyte(ncol, 1) + ncol
    }

    /// Writes the mask, packed; `row` fills in the codes of a row. `go_on` says whether to.
    ///
    /// # Errors
    ///
    /// Those of `row` and `go_on`, [`Error::Output`] where the name is taken, and those of the disk.
    pub(crate) fn write(
        &self,
        row: impl Fn(usize, &mut [u8]) -> Result<()>,
        go_on: impl Fn() -> Result<()>,
    ) -> Result<()> {
        let Shape { nrow, ncol } = self.shape;
        let mut sink = FitsSink::create(self.path, self.overwrite)?;
        let hdu = sink.add(&self.hdu())?;
        let mut codes = vec![0; ncol];
        for number in 0..nrow {
            go_on()?;
            row(number, &mut codes)?;
            let area = Area {
                rows: number..number + 1,
                cols: 0..ncol,
            };
            sink.write(hdu, &area, &codes)?;
        }
        sink.pack(Compression::new(Codec::Rice), |image| {
            let mut desk = image.desk();
            for piece in 0..image.npiece() {
                image.pack(&mut desk, piece, &go_on)?;
            }
            Ok(())
        })?;
        sink.finish()
    }

    fn hdu(&self) -> HduSpec {
        let mut cards = Card::string("FRAME", self.frame, "of which samples were rejected");
        let legend = "0 kept or absent; rejected: 1 low, 2 high, 3 as a neighbour";
        for line in std::iter::once(legend).chain(self.making.iter().map(String::as_str)) {
            cards.extend(Card::commentary("HISTORY", line));
        }
        HduSpec {
            extname: Some("REJECTED".into()),
            extver: None,
            pixels: Some(Pixels {
                dtype: PixelType::U8,
                shape: self.shape,
                blank: None,
            }),
            cards,
        }
    }
}
