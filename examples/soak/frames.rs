//! The frames of the soak on disk: raw ones with an overscan, plain and packed by gzip, floats with a mask and an uncertainty, files of two chips, masters, and
//! frames that are damaged.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::draw::Draw;

/// Rows of a frame, and columns: 40 of light, then 8 of overscan.
const NROW: usize = 32;
const NCOL: usize = 48;
const NLIGHT: usize = 40;
/// Bytes of a block of FITS.
const BLOCK: usize = 2880;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// uint16 with an overscan.
    Raw,
    /// The same, each file packed by gzip.
    Packed,
    /// f32 with NaN here and there, a mask and an uncertainty.
    Float,
    /// Two extensions of uint16 with an overscan each.
    Chips,
}

impl Kind {
    fn folder(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Packed => "packed",
            Self::Float => "float",
            Self::Chips => "chips",
        }
    }
}

/// The frames, in folders of their own.
#[derive(Debug)]
pub(crate) struct Night {
    folder: PathBuf,
    nframe: usize,
}

impl Night {
    /// Writes so many frames into a folder, two of five of them raw.
    pub(crate) fn write(folder: &Path, nframe: usize, seed: u64) -> io::Result<Self> {
        let night = Self {
            folder: folder.into(),
            nframe,
        };
        for kind in [Kind::Raw, Kind::Packed, Kind::Float, Kind::Chips] {
            fs::create_dir_all(night.of(kind))?;
            for frame in 0..night.count(kind) {
                let mut draw = Draw::new(seed, frame as u64);
                fs::write(night.frame(kind, frame), bytes(kind, &mut draw))?;
            }
        }
        for name in ["bias", "dark", "flat"] {
            fs::write(night.master(name), master(name, &mut Draw::new(seed, 0)))?;
        }
        let whole = bytes(Kind::Raw, &mut Draw::new(seed, 0));
        fs::write(night.cut_short(), &whole[..BLOCK + 1000])?;
        Ok(night)
    }

    /// How many frames of a kind there are.
    pub(crate) fn count(&self, kind: Kind) -> usize {
        let fifth = self.nframe / 5;
        match kind {
            Kind::Raw => self.nframe - 3 * fifth,
            Kind::Packed | Kind::Float | Kind::Chips => fifth,
        }
    }

    /// The folder of a kind.
    pub(crate) fn of(&self, kind: Kind) -> PathBuf {
        self.folder.join(kind.folder())
    }

    /// A frame of a kind, from 0.
    pub(crate) fn frame(&self, kind: Kind, frame: usize) -> PathBuf {
        self.of(kind).join(format!("{frame:05}.fits"))
    }

    /// A master: bias, dark or flat.
    pub(crate) fn master(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.fits"))
    }

    /// A raw frame of which half is missing.
    pub(crate) fn cut_short(&self) -> PathBuf {
        self.folder.join("cut_short.fits")
    }

    /// A raw frame, made anew, that is there to be cut short while it is read.
    pub(crate) fn shrinking(&self) -> io::Result<PathBuf> {
        let path = self.folder.join("shrinking.fits");
        fs::copy(self.frame(Kind::Raw, 0), &path)?;
        Ok(path)
    }
}

/// The file of a frame.
fn bytes(kind: Kind, draw: &mut Draw) -> Vec<u8> {
    let mut file = Vec::new();
    match kind {
        Kind::Raw => {
            hdu(&mut file, None, (16, NCOL), &raw_cards(), &counts(draw));
        }
        Kind::Packed => file = packed(&bytes(Kind::Raw, draw)),
        Kind::Chips => {
            hdu(&mut file, None, (8, 0), &["EXTEND  = T".into()], &[]);
            for name in ["CHIP1", "CHIP2"] {
                hdu(
                    &mut file,
                    Some(name),
                    (16, NCOL),
                    &raw_cards(),
                    &counts(draw),
                );
            }
        }
        Kind::Float => {
            let exposure = ["EXPTIME = 30.0".into()];
            let level = 100.0 + 5.0 * draw.uniform();
            let values = floats(NCOL, || level + 4.0 * draw.uniform());
            let mut values = values;
            values[4 * 77..4 * 78].copy_from_slice(&f32::NAN.to_be_bytes());
            hdu(&mut file, None, (-32, NCOL), &exposure, &values);
            let mask: Vec<u8> = (0..NROW * NCOL).map(|n| u8::from(n % 211 == 5)).collect();
            hdu(&mut file, Some("MASK"), (8, NCOL), &[], &mask);
            let deviations = floats(NCOL, || 1.0 + draw.uniform());
            hdu(&mut file, Some("UNCERT"), (-32, NCOL), &[], &deviations);
        }
    }
    file
}

/// What gzip makes of a file.
fn packed(file: &[u8]) -> Vec<u8> {
    let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
    let packed = packing.write_all(file).and_then(|()| packing.finish());
    packed.expect("memory takes what is written")
}

/// The file of a master, which is trimmed.
fn master(name: &str, draw: &mut Draw) -> Vec<u8> {
    let level = match name {
        "bias" => 5.0,
        "dark" => 2.0,
        _ => 1.0,
    };
    let values = floats(NLIGHT, || level * (0.9 + 0.2 * draw.uniform()));
    let mut file = Vec::new();
    let exposure = ["EXPTIME = 60.0".into()];
    hdu(&mut file, None, (-32, NLIGHT), &exposure, &values);
    file
}

fn raw_cards() -> Vec<String> {
    [
        "BZERO   = 32768",
        "EXPTIME = 30.0",
        "GAIN    = 1.5",
        "RDNOISE = 7.0",
        "BIASSEC = '[41:48,1:32]'",
        "TRIMSEC = '[1:40,1:32]'",
    ]
    .map(Into::into)
    .to_vec()
}

/// The pixels of a raw frame: 1000 counts of bias, light of 400, a cosmic ray now and then.
fn counts(draw: &mut Draw) -> Vec<u8> {
    let mut pixels = Vec::with_capacity(2 * NROW * NCOL);
    for pixel in 0..NROW * NCOL {
        let light = if pixel % NCOL < NLIGHT { 400 } else { 0 };
        let ray = if draw.below(500) == 0 { 9000 } else { 0 };
        let sample = 1000 + light + ray + draw.below(30);
        let sample = u16::try_from(sample).expect("below 65536");
        pixels.extend((sample ^ 0x8000).to_be_bytes());
    }
    pixels
}

/// The pixels of a frame of f32.
#[expect(
    clippy::cast_possible_truncation,
    reason = "what such frames are made of"
)]
fn floats(ncol: usize, mut value: impl FnMut() -> f64) -> Vec<u8> {
    let values = (0..NROW * ncol).map(|_| value() as f32);
    values.flat_map(f32::to_be_bytes).collect()
}

/// Adds an HDU with an image of so many columns; of none, where there are 0.
fn hdu(
    file: &mut Vec<u8>,
    extname: Option<&str>,
    (bitpix, ncol): (i32, usize),
    cards: &[String],
    pixels: &[u8],
) {
    let first = match extname {
        None => "SIMPLE  = T",
        Some(_) => "XTENSION= 'IMAGE   '",
    };
    let naxis = if ncol == 0 { 0 } else { 2 };
    let mut all = vec![
        first.to_owned(),
        format!("BITPIX  = {bitpix}"),
        format!("NAXIS   = {naxis}"),
    ];
    if ncol > 0 {
        all.extend([format!("NAXIS1  = {ncol}"), format!("NAXIS2  = {NROW}")]);
    }
    if let Some(name) = extname {
        let counts = ["PCOUNT  = 0", "GCOUNT  = 1"].map(Into::into);
        all.extend(counts);
        all.push(format!("EXTNAME = '{name:8}'"));
    }
    all.extend_from_slice(cards);
    all.push("END".into());
    for card in all {
        file.extend(format!("{card:80}").bytes());
    }
    file.resize(file.len().next_multiple_of(BLOCK), b' ');
    file.extend(pixels);
    file.resize(file.len().next_multiple_of(BLOCK), 0);
}
