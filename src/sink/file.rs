//! The file: HDUs reserved one after the other, pixels written at their place, the name given last.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

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
    /// The byte at which the data begin, and how many there are.
    start: u64,
    length: u64,
    /// How many bytes of pixels were written.
    written: u64,
    /// The byte at which the DATASUM card stands; the CHECKSUM card follows it.
    sums_at: u64,
    header: Sum,
    data: Sum,
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
        self.put(&header, self.end)?;
        self.file
            .set_len(end)
            .map_err(|source| self.refused(source))?;
        self.end = end;
        let pixels = spec.pixels;
        self.hdus.push(Hdu {
            pixels,
            start,
            length,
            written: 0,
            sums_at,
            header: sum,
            data: Sum::default(),
        });
        Ok(self.hdus.len() - 1)
    }

    /// Writes the stored, big-endian bytes of a rectangle of pixels of an HDU. Rectangles may come in any order; every
    /// pixel comes once.
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the file refuses.
    pub(crate) fn write(&mut self, hdu: usize, area: &Area, bytes: &[u8]) -> Result<()> {
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
        for (row, run) in (area.rows.start..).zip(bytes.chunks_exact(run)) {
            let offset = ((row * pixels.shape.ncol + area.cols.start) * nbyte) as u64;
            self.put(run, self.hdus[hdu].start + offset)?;
            let hdu = &mut self.hdus[hdu];
            hdu.data.add(offset, run);
            hdu.written += run.len() as u64;
        }
        Ok(())
    }

    /// Completes the file and gives it its name.
    ///
    /// # Errors
    ///
    /// [`Error::Output`] where something came to stand under that name meanwhile, [`Error::Io`] where the file refuses.
    pub(crate) fn finish(self) -> Result<()> {
        for (number, hdu) in self.hdus.iter().enumerate() {
            if hdu.written != hdu.length {
                return Err(Error::Output {
                    path: self.path,
                    fault: format!(
                        "{} of {} bytes of HDU {number} were written; this is a fault of ccdstream, please report it",
                        hdu.written, hdu.length
                    ),
                });
            }
            self.put(&hdu.sum_cards(), hdu.sums_at)?;
        }
        self.file
            .sync_all()
            .map_err(|source| self.refused(source))?;
        let Self {
            path,
            overwrite,
            temporary,
            ..
        } = self;
        name::give(temporary, &path, overwrite)?;
        // The pixels are safe; a folder that cannot be flushed is no reason to call the file lost.
        let _ = File::open(name::folder(&path)).and_then(|folder| folder.sync_all());
        Ok(())
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
    /// The cards DATASUM and CHECKSUM.
    fn sum_cards(&self) -> Vec<u8> {
        // CFITSIO puts the date into these comments: ours tell nothing but what they are.
        let cards = |checksum: &str| {
            let mut cards = Card::string(
                "DATASUM",
                &self.data.value().to_string(),
                "data unit checksum",
            );
            cards.extend(Card::string("CHECKSUM", checksum, "HDU checksum"));
            cards.iter().flat_map(|card| card.0).collect::<Vec<u8>>()
        };
        let mut sum = self.header;
        sum.join(self.data);
        sum.add(0, &cards("0000000000000000"));
        cards(&sum.text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::PixelType;
    use crate::shape::Shape;
    use proptest::prelude::*;
    use std::fs;

    const SHAPE: Shape = Shape { nrow: 5, ncol: 7 };

    fn image(dtype: PixelType) -> HduSpec {
        HduSpec {
            extname: None,
            extver: None,
            pixels: Some(Pixels {
                dtype,
                shape: SHAPE,
                blank: None,
            }),
            cards: Card::commentary("HISTORY", "made by a test"),
        }
    }

    /// The ones'-complement sum of whole blocks.
    fn sum(bytes: &[u8]) -> u32 {
        let mut sum = Sum::default();
        sum.add(0, bytes);
        sum.value()
    }

    /// Bytes that differ from pixel to pixel, of an image of one byte a pixel.
    fn pixels(area: &Area) -> Vec<u8> {
        let rows = area.rows.clone();
        let number = |row, col| u8::try_from((row * 37 + col * 101 + 1) % 251).expect("below 256");
        rows.flat_map(|row| area.cols.clone().map(move |col| number(row, col)))
            .collect()
    }

    fn written(areas: &[Area]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.fits");
        let mut sink = FitsSink::create(&path, false).expect("a file");
        let hdu = sink.add(&image(PixelType::U8)).expect("an image");
        for area in areas {
            sink.write(hdu, area, &pixels(area)).expect("pixels");
        }
        sink.finish().expect("a whole file");
        assert_eq!(
            fs::read_dir(folder.path()).expect("a folder").count(),
            1,
            "nothing else is left"
        );
        fs::read(&path).expect("a file")
    }

    #[test]
    fn a_file_is_whole_blocks_whose_sums_are_minus_zero() {
        let bytes = written(&[SHAPE.area()]);
        assert_eq!(bytes.len(), 2 * BLOCK);
        assert_eq!(sum(&bytes), u32::MAX);
        assert_eq!(bytes[BLOCK..BLOCK + 35], pixels(&SHAPE.area()));
        let header = String::from_utf8_lossy(&bytes[..BLOCK]).into_owned();
        assert!(header.starts_with("SIMPLE  =                    T"));
        assert!(header.contains(&format!("DATASUM = '{}", sum(&bytes[BLOCK..]))));
    }

    #[test]
    fn companions_follow_the_primary() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.fits");
        let mut sink = FitsSink::create(&path, false).expect("a file");
        let empty = HduSpec {
            extname: None,
            extver: None,
            pixels: None,
            cards: Vec::new(),
        };
        let named = HduSpec {
            extname: Some("SCI".into()),
            extver: Some(2),
            ..image(PixelType::F32)
        };
        assert_eq!(
            (sink.add(&empty).ok(), sink.add(&named).ok()),
            (Some(0), Some(1))
        );
        sink.write(1, &SHAPE.area(), &[0x7f; 140]).expect("pixels");
        sink.finish().expect("a whole file");
        let bytes = fs::read(&path).expect("a file");
        assert_eq!(
            (sum(&bytes[..BLOCK]), sum(&bytes[BLOCK..])),
            (u32::MAX, u32::MAX)
        );
        assert!(bytes[BLOCK..].starts_with(b"XTENSION= 'IMAGE   '"));
    }

    #[test]
    fn an_existing_file_is_replaced_only_by_a_whole_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.fits");
        fs::write(&path, "old").expect("a file");
        let mut sink = FitsSink::create(&path, true).expect("a file");
        let hdu = sink.add(&image(PixelType::U8)).expect("an image");
        assert!(sink.finish().is_err(), "its pixels are missing");
        assert_eq!(fs::read(&path).expect("a file"), b"old");
        let mut sink = FitsSink::create(&path, true).expect("a file");
        sink.add(&image(PixelType::U8)).expect("an image");
        sink.write(hdu, &SHAPE.area(), &[0; 35]).expect("pixels");
        sink.finish().expect("a whole file");
        assert_eq!(fs::read(&path).expect("a file").len(), 2 * BLOCK);
    }

    #[test]
    fn a_file_that_came_meanwhile_is_spared() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("out.fits");
        let mut sink = FitsSink::create(&path, false).expect("a file");
        sink.add(&HduSpec {
            pixels: None,
            ..image(PixelType::U8)
        })
        .expect("a header");
        fs::write(&path, "other").expect("a file");
        assert!(matches!(sink.finish(), Err(Error::Output { .. })));
        assert_eq!(fs::read(&path).expect("a file"), b"other");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn a_sink_that_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sink = FitsSink::create(&folder.path().join("out.fits"), false).expect("a file");
        sink.add(&image(PixelType::F64)).expect("an image");
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
        drop(sink);
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
    }

    #[test]
    fn an_image_that_no_file_can_hold_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut sink = FitsSink::create(&folder.path().join("out.fits"), false).expect("a file");
        let shape = Shape {
            nrow: usize::MAX / 2,
            ncol: 7,
        };
        let huge = Some(Pixels {
            dtype: PixelType::F64,
            shape,
            blank: None,
        });
        assert!(
            sink.add(&HduSpec {
                pixels: huge,
                ..image(PixelType::F64)
            })
            .is_err()
        );
    }

    proptest! {
        // Every case flushes files to the disk.
        #![proptest_config(ProptestConfig::with_cases(12))]

        #[test]
        fn rectangles_in_any_order_make_the_same_file(cut in 1..7_usize, band in 1..5_usize, turn in 0..4_usize) {
            let mut areas = vec![
                Area { rows: 0..band, cols: 0..cut },
                Area { rows: 0..band, cols: cut..7 },
                Area { rows: band..5, cols: 0..7 },
            ];
            areas.retain(|area| area.npixel() > 0);
            let turn = turn % areas.len();
            areas.rotate_left(turn);
            prop_assert_eq!(written(&areas), written(&[SHAPE.area()]));
        }
    }
}
