//! How pixels are stored in a FITS file, and what they become.

use crate::shape::{Area, Shape};

/// The type of a stored pixel: BITPIX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bitpix {
    U8,
    I16,
    I32,
    I64,
    F32,
    F64,
}

impl Bitpix {
    /// The type that a header's BITPIX names.
    pub(crate) fn from_header(bitpix: i64) -> Option<Self> {
        Some(match bitpix {
            8 => Self::U8,
            16 => Self::I16,
            32 => Self::I32,
            64 => Self::I64,
            -32 => Self::F32,
            -64 => Self::F64,
            _ => return None,
        })
    }

    /// Bytes a pixel.
    pub(crate) fn nbyte(self) -> usize {
        match self {
            Self::U8 => 1,
            Self::I16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }
}

/// What is needed to turn the stored bytes of a pixel into a sample: BSCALE·stored + BZERO.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stored {
    /// The type of the stored, big-endian number.
    pub(crate) bitpix: Bitpix,
    /// BSCALE.
    pub(crate) bscale: f64,
    /// BZERO.
    pub(crate) bzero: f64,
    /// The stored integer that means 'no sample'; `None` for floats.
    pub(crate) blank: Option<i64>,
}

impl Stored {
    /// The sample type that carries these pixels: f32, or f64 for 32- and 64-bit integers, f64, and a BSCALE or BZERO
    /// that f32 cannot carry.
    pub(crate) fn sample_type(&self) -> SampleType {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the loss is what is asked for"
        )]
        #[expect(clippy::float_cmp, reason = "exact by intent")]
        let carried = |v: f64| f64::from(v as f32) == v;
        let narrow = matches!(self.bitpix, Bitpix::U8 | Bitpix::I16 | Bitpix::F32);
        if narrow && carried(self.bscale) && carried(self.bzero) {
            SampleType::F32
        } else {
            SampleType::F64
        }
    }
}

/// The type of the samples of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SampleType {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
}

impl SampleType {
    /// Bytes a sample.
    pub(crate) fn nbyte(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}

/// Where the pixels of one plane, or of a rectangle of it, stand in their file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Image {
    /// The byte of the file at which the first pixel of the first row begins; where pixels stand packed, that at which it would, were the
    /// data of their HDU unpacked in their place.
    pub(crate) start: u64,
    /// Rows and columns.
    pub(crate) shape: Shape,
    /// Pixels of the file from the beginning of one row to that of the next: as many as a row of the whole plane has.
    pub(crate) pitch: usize,
    /// How its pixels are stored.
    pub(crate) stored: Stored,
    /// The number of the HDU in which they stand packed, tile by tile; `None` where they stand as they are.
    pub(crate) packed: Option<u32>,
}

impl Image {
    /// The pixels of `area`, as an image of their own. The area stands inside.
    pub(crate) fn part(&self, area: &Area) -> Self {
        Self {
            start: self.start + self.offset(area),
            shape: area.shape(),
            ..*self
        }
    }

    /// Bytes from the first pixel to the first of `area`, which stands inside.
    pub(crate) fn offset(&self, area: &Area) -> u64 {
        let within = area.rows.end <= self.shape.nrow && area.cols.end <= self.shape.ncol;
        assert!(within, "the area stands inside the image");
        let npixel = area.rows.start * self.pitch + area.cols.start;
        (npixel * self.stored.bitpix.nbyte()) as u64
    }
}

/// A plane of a frame, or of a master.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Companion {
    /// Its pixels.
    Image,
    /// Its mask.
    Mask,
    /// Its uncertainty.
    Uncertainty,
}

/// Which master it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// The bias.
    Bias,
    /// The dark.
    Dark,
    /// The flat.
    Flat,
    /// One of the images of the flat that share a norm, by its number from 0.
    Chip(usize),
}

impl Role {
    /// The flag that names its file.
    pub(crate) fn flag(self) -> &'static str {
        match self {
            Self::Bias => "--bias",
            Self::Dark => "--dark",
            Self::Flat | Self::Chip(_) => "--flat",
        }
    }
}

/// What the numbers of an uncertainty plane are, by their UTYPE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UncertaintyKind {
    /// Standard deviations.
    StdDev,
    /// Their squares.
    Variance,
    /// One over their squares.
    InverseVariance,
}
