//! How the images of an output are packed.

use crate::error::{Error, Result};

/// How the images of an output are packed: row by row, as `fpack` does (tiled image compression of the FITS standard).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Compression {
    /// By what.
    pub codec: Codec,
    /// Floats are rounded to steps of the noise of their row over this, with a dither; `None` keeps them to the bit, gzipped.
    pub quantize: Option<f64>,
}

/// By what the numbers of an image are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// `RICE_1`: differences of neighbours, for whole numbers.
    Rice,
    /// `GZIP_2`: gzip, the high bytes of all pixels first.
    Gzip,
}

impl Compression {
    /// Steps of the noise to which floats are rounded where nothing else is said: as `fpack` does.
    pub const STEPS: f64 = 4.0;

    /// Packs so: whole numbers to the bit; of floats, `Rice` keeps 1/4 of their noise, `Gzip` every bit.
    pub fn new(codec: Codec) -> Self {
        let quantize = match codec {
            Codec::Rice => Some(Self::STEPS),
            Codec::Gzip => None,
        };
        Self { codec, quantize }
    }

    /// Checks that the choices make sense.
    pub(super) fn check(self) -> Result<()> {
        match self.quantize {
            Some(steps) if !(steps > 0.0 && steps.is_finite()) => Err(Error::Choice(
                "--quantize: expected a number above 0, or none".into(),
            )),
            _ => Ok(()),
        }
    }
}
