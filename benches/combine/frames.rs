//! Frames of a bench: bias level 1000, read noise 7 and cosmic rays, stored in one way or another.

use std::fmt;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Bytes of a block of FITS; a header here is one.
pub(crate) const BLOCK: usize = 2880;

/// How the pixels of frames are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pixels {
    /// uint16: BITPIX 16, BZERO 32768.
    Uint16,
    /// The same with a mask beside it, in which one pixel of a thousand is bad.
    Masked,
    /// BITPIX -32.
    Single,
    /// The same; one pixel of a thousand is NaN.
    SingleNan,
    /// BITPIX -64.
    Double,
}

impl Pixels {
    /// Bytes of a pixel of the image.
    pub(crate) fn image_nbyte(self) -> usize {
        match self {
            Self::Uint16 | Self::Masked => 2,
            Self::Single | Self::SingleNan => 4,
            Self::Double => 8,
        }
    }

    /// Bytes of a pixel in all planes.
    pub(crate) fn nbyte(self) -> usize {
        self.image_nbyte() + usize::from(self == Self::Masked)
    }

    /// The cards that say so.
    fn cards(self) -> (i64, &'static [(&'static str, i64)]) {
        match self {
            Self::Uint16 | Self::Masked => (16, &[("BZERO", 32768)]),
            Self::Single | Self::SingleNan => (-32, &[]),
            Self::Double => (-64, &[]),
        }
    }
}

impl fmt::Display for Pixels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Uint16 => "uint16",
            Self::Masked => "masks",
            Self::Single => "f32",
            Self::SingleNan => "nan",
            Self::Double => "f64",
        })
    }
}

/// The files of a stack.
#[derive(Debug)]
pub(crate) struct FrameFiles {
    pub(crate) paths: Vec<PathBuf>,
    /// Rows of a frame, and columns.
    pub(crate) side: usize,
    pub(crate) pixels: Pixels,
}

impl FrameFiles {
    /// Writes `nframe` frames into the folder, `f0000.fits` and so on; the same on every run.
    pub(crate) fn write(folder: &Path, nframe: usize, side: usize, pixels: Pixels) -> Self {
        let mut draw = Draw(7);
        let paths = (0..nframe).map(|frame| {
            let path = folder.join(format!("f{frame:04}.fits"));
            let file = BufWriter::with_capacity(1 << 20, File::create(&path).unwrap());
            frame_into(file, side, pixels, &mut draw).unwrap();
            path
        });
        Self {
            paths: paths.collect(),
            side,
            pixels,
        }
    }

    /// Where in a file the pixels of the mask begin.
    pub(crate) fn mask_start(&self) -> usize {
        2 * BLOCK + (self.side * self.side * self.pixels.image_nbyte()).next_multiple_of(BLOCK)
    }
}

fn frame_into(
    mut file: impl Write,
    side: usize,
    pixels: Pixels,
    draw: &mut Draw,
) -> io::Result<()> {
    let npixel = side * side;
    let (bitpix, more) = pixels.cards();
    header(&mut file, ("SIMPLE", "T"), (bitpix, side), more)?;
    for _ in 0..npixel {
        let sample = draw.sample();
        let real = f64::from(sample) * 1.01;
        match pixels {
            Pixels::Uint16 | Pixels::Masked => file.write_all(&(sample ^ 0x8000).to_be_bytes())?,
            Pixels::SingleNan if draw.below(1000) == 0 => {
                file.write_all(&f32::NAN.to_be_bytes())?;
            }
            #[expect(
                clippy::cast_possible_truncation,
                reason = "what such frames are made of"
            )]
            Pixels::Single | Pixels::SingleNan => file.write_all(&(real as f32).to_be_bytes())?,
            Pixels::Double => file.write_all(&real.to_be_bytes())?,
        }
    }
    fill_block(&mut file, npixel * pixels.image_nbyte(), 0)?;
    if pixels == Pixels::Masked {
        let extension = [("PCOUNT", 0), ("GCOUNT", 1)];
        header(&mut file, ("XTENSION", "'IMAGE   '"), (8, side), &extension)?;
        for _ in 0..npixel {
            file.write_all(&[u8::from(draw.below(1000) == 0)])?;
        }
        fill_block(&mut file, npixel, 0)?;
    }
    file.flush()
}

/// Writes the header of an image of `side` rows and columns.
fn header(
    mut file: impl Write,
    (first, value): (&str, &str),
    (bitpix, side): (i64, usize),
    more: &[(&str, i64)],
) -> io::Result<()> {
    let side = i64::try_from(side).unwrap();
    let shape = [
        ("BITPIX", bitpix),
        ("NAXIS", 2),
        ("NAXIS1", side),
        ("NAXIS2", side),
    ];
    let mut cards = vec![format!("{first:8}= {value:>20}")];
    let numbers = shape.iter().chain(more);
    cards.extend(numbers.map(|(key, number)| format!("{key:8}= {number:>20}")));
    if first == "XTENSION" {
        cards.push("EXTNAME = 'MASK    '".into());
    }
    cards.push("END".into());
    for card in &cards {
        write!(file, "{card:80}")?;
    }
    fill_block(file, 80 * cards.len(), b' ')
}

/// Fills the last block after `nbyte` bytes.
fn fill_block(mut file: impl Write, nbyte: usize, with: u8) -> io::Result<()> {
    file.write_all(&vec![with; nbyte.next_multiple_of(BLOCK) - nbyte])
}

/// The same numbers on every run.
#[derive(Debug)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u16) -> u16 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u16::try_from((self.0 >> 33) % u64::from(end)).unwrap()
    }

    fn sample(&mut self) -> u16 {
        // Four uniform numbers make a fair bell of deviation 14; half of that is the noise.
        let noise = (0..4).map(|_| self.below(25)).sum::<u16>() / 2;
        let hit = if self.below(2000) == 0 {
            self.below(40_000)
        } else {
            0
        };
        976 + noise + hit
    }
}
