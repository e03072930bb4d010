//! What can be typed about the packing of outputs, and what it means.

use std::path::Path;

use ccdstream::recipe::{self, Codec};
use ccdstream::{Error, Result};
use clap::Args;

use super::{help, parse};

#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct Compression {
    /// Pack the images that are written, row by row, as fpack does: none, rice or gzip
    #[arg(long, value_name = "HOW", default_value = "none", value_parser = ["none", "rice", "gzip"], long_help = help::COMPRESS)]
    pub(crate) compress: String,

    /// Round floats that are packed to their noise over Q, or none: keep every bit [default: 4 for rice, none for gzip]
    #[arg(long, value_name = "Q", value_parser = parse::steps, long_help = help::QUANTIZE)]
    pub(crate) quantize: Option<Steps>,
}

/// To what floats are rounded.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Steps {
    /// Not at all.
    None,
    /// The noise of their row over this.
    Of(f64),
}

impl Compression {
    /// Returns what was typed, of an output of which some planes are floats or none is.
    pub(super) fn choices(&self, has_floats: bool) -> Result<Option<recipe::Compression>> {
        let choice = |fault: &str| Err(Error::Choice(fault.into()));
        if self.compress == "none" {
            return match self.quantize {
                None => Ok(None),
                Some(_) => {
                    choice("--quantize has no effect without --compress rice or --compress gzip")
                }
            };
        }
        let mut compression = recipe::Compression::new(self.compress.parse::<Codec>()?);
        match self.quantize {
            Some(Steps::Of(_)) if !has_floats => {
                return choice(
                    "--quantize has no effect: no plane of the output is of floats, and whole numbers keep every bit",
                );
            }
            Some(Steps::Of(steps)) => compression.quantize = Some(steps),
            Some(Steps::None) => compression.quantize = None,
            None => {}
        }
        Ok(Some(compression))
    }
}

/// Refuses a name that tells readers of another packing than the file has.
pub(super) fn name_agrees(path: &Path, compression: Option<recipe::Compression>) -> Result<()> {
    const WHOLE: [&str; 7] = ["gz", "bz2", "z", "xz", "zst", "lz4", "zip"];
    let ending = path.extension().unwrap_or_default().to_string_lossy();
    let ending = ending.to_ascii_lowercase();
    let name = path.display();
    let fault = if WHOLE.contains(&&*ending) {
        format!(
            "--output {name}: files are not packed as a whole; leave .{ending} out, or pack the images: --compress gzip and a name in .fits.fz"
        )
    } else if ending == "fz" && compression.is_none() {
        format!(
            "--output {name}: a name in .fz is that of a file with packed images; add --compress rice or --compress gzip, or leave .fz out"
        )
    } else {
        return Ok(());
    };
    Err(Error::Choice(fault))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(compress: &str, quantize: Option<Steps>, floats: bool) -> Option<recipe::Compression> {
        let typed = Compression {
            compress: compress.into(),
            quantize,
        };
        typed
            .choices(floats)
            .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn rice_rounds_floats_as_fpack_does_and_gzip_keeps_them() {
        let packing = |codec, quantize| Some(recipe::Compression { codec, quantize });
        assert_eq!(typed("none", None, true), None);
        assert_eq!(typed("rice", None, true), packing(Codec::Rice, Some(4.0)));
        assert_eq!(typed("gzip", None, true), packing(Codec::Gzip, None));
        let steps = Some(Steps::Of(16.0));
        assert_eq!(typed("gzip", steps, true), packing(Codec::Gzip, Some(16.0)));
        let none = Some(Steps::None);
        assert_eq!(typed("rice", none, false), packing(Codec::Rice, None));
    }

    #[test]
    fn a_name_tells_no_other_packing() {
        let packing = Some(recipe::Compression::new(Codec::Rice));
        let agrees = |name: &str, packing| name_agrees(Path::new(name), packing).is_ok();
        assert!(agrees("a.fits", None) && agrees("a.fits", packing));
        assert!(agrees("a.fits.fz", packing) && !agrees("a.FITS.FZ", None));
        assert!(!agrees("a.fits.gz", packing) && !agrees("a.fits.bz2", None));
        assert!(agrees("fz", None) && agrees("night.1", None));
    }
}
