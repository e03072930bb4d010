//! The output: combined images and calibrated frames written to FITS files band by band, in any order.
//!
//! The file grows under a hidden name beside its own and is renamed when it is whole: under its name stands a whole
//! file or none. Headers are formatted here and not by CFITSIO, which writes the data unit full of zeros before the
//! first pixel: every byte of the output would be written twice. Nothing in the file tells the clock or the machine.

mod calibrated;
mod card;
mod dates;
mod entry;
mod file;
mod frame;
mod hdu;
mod header;
mod ledger;
mod name;
mod pack;
mod part;
mod planes;
mod provenance;
mod rejected;
mod reserved;
mod sections;
mod state;
mod steps;
mod tiled;
mod value;
mod wcs;

pub(crate) use calibrated::calibrated;
pub(crate) use dates::Exposures;
pub(crate) use file::FitsSink;
pub(crate) use hdu::Earlier;
pub(crate) use header::{Part, combined};
pub(crate) use ledger::{Ledger, Standing};
pub(crate) use name::{folder, vacant};
pub(crate) use part::{Leftover, Part as HiddenPart, clear, forget, has_leftover, inode, leftover};
pub(crate) use planes::{Place, PlaneTypes, plane_hdus};
pub(crate) use provenance::Provenance;
pub(crate) use rejected::{FrameMask, Rejected};
pub(crate) use state::StateFile;
pub(crate) use steps::{
    DarkFacts, DarkScale, DeviationFacts, Fact, FlatFacts, GainFacts, Limits, MaskFacts,
    MasterName, OverscanFacts, SkyFacts, StepCards, TrimFacts,
};
pub(crate) use tiled::Desk as PackingDesk;

use crate::header::Card;
use crate::recipe::PixelType;
use crate::shape::Shape;

/// An HDU as it is to be written.
#[derive(Clone, Debug)]
pub(crate) struct HduSpec {
    /// EXTNAME.
    pub(crate) extname: Option<String>,
    /// EXTVER.
    pub(crate) extver: Option<i64>,
    /// Its pixels; `None` for a header without data.
    pub(crate) pixels: Option<Pixels>,
    /// The cards behind those that describe the pixels.
    pub(crate) cards: Vec<Card>,
}

/// The pixels of an HDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pixels {
    /// Their type; `U16` is BITPIX 16 with BZERO 32768.
    pub(crate) dtype: PixelType,
    /// Rows and columns.
    pub(crate) shape: Shape,
    /// BLANK: the stored integer that means 'no value'.
    pub(crate) blank: Option<i64>,
}

impl Pixels {
    /// How many bytes they take; `None` where that is more than can be counted.
    fn nbyte(self) -> Option<u64> {
        let npixel = self.shape.nrow.checked_mul(self.shape.ncol)?;
        u64::try_from(npixel.checked_mul(self.dtype.nbyte())?).ok()
    }

    fn bitpix(self) -> i64 {
        match self.dtype {
            PixelType::U8 => 8,
            PixelType::I16 | PixelType::U16 => 16,
            PixelType::I32 => 32,
            PixelType::F32 => -32,
            PixelType::F64 => -64,
        }
    }
}

impl HduSpec {
    /// All cards of the header but those of the checksums and END.
    fn header(&self, primary: bool) -> Vec<Card> {
        let mut cards = vec![if primary {
            Card::logical("SIMPLE", true, "conforms to the FITS standard")
        } else {
            Card::new("XTENSION= 'IMAGE   '           / image extension")
        }];
        let length = |axis: usize| i64::try_from(axis).unwrap_or(i64::MAX);
        cards.push(Card::integer(
            "BITPIX",
            self.pixels.map_or(8, Pixels::bitpix),
            "type of the stored pixels",
        ));
        if let Some(Pixels { shape, .. }) = self.pixels {
            cards.push(Card::integer("NAXIS", 2, "number of axes"));
            cards.push(Card::integer("NAXIS1", length(shape.ncol), "columns"));
            cards.push(Card::integer("NAXIS2", length(shape.nrow), "rows"));
        } else {
            cards.push(Card::integer("NAXIS", 0, "no data here"));
        }
        if primary {
            cards.push(Card::logical("EXTEND", true, "extensions may follow"));
        } else {
            cards.push(Card::integer("PCOUNT", 0, "no parameters"));
            cards.push(Card::integer("GCOUNT", 1, "one group"));
        }
        if let Some(name) = &self.extname {
            cards.extend(Card::string("EXTNAME", name, "name of this extension"));
        }
        if let Some(version) = self.extver {
            cards.push(Card::integer(
                "EXTVER",
                version,
                "version of this extension",
            ));
        }
        if let Some(pixels) = self.pixels {
            if pixels.dtype == PixelType::U16 {
                cards.push(Card::integer(
                    "BSCALE",
                    1,
                    "value = BSCALE * stored + BZERO",
                ));
                cards.push(Card::integer("BZERO", 32768, "offset of unsigned integers"));
            }
            if let Some(blank) = pixels.blank {
                cards.push(Card::integer(
                    "BLANK",
                    blank,
                    "stored where there is no value",
                ));
            }
        }
        cards.extend(&self.cards);
        cards
    }
}
