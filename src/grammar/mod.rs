//! The text of every choice, as the command line has it and as the header of a result tells it: what is written reads
//! back as the same value.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use crate::error::{Error, Result};
use crate::recipe::{Codec, Io, PixelType, Uncertainty};

/// A text that does not read as a value of `what`.
fn wrong(what: &'static str, text: &str, expected: &str) -> Error {
    Error::Value {
        what,
        text: text.into(),
        expected: expected.into(),
    }
}

/// A bound; `open` where nothing is written.
fn bound(text: &str, open: f64) -> Option<f64> {
    match text.trim() {
        "" => Some(open),
        number => number.parse().ok().filter(|v: &f64| !v.is_nan()),
    }
}

/// Shows a number so that it reads back as the same: plain where that is short, with an exponent where not.
fn show(number: f64) -> String {
    let plain = number.to_string();
    if plain.len() <= 9 {
        return plain;
    }
    let exponent = format!("{number:e}");
    if exponent.len() < plain.len() {
        exponent
    } else {
        plain
    }
}

/// Shows a bound: nothing where there is none.
fn side(bound: f64) -> String {
    if bound.is_infinite() {
        String::new()
    } else {
        show(bound)
    }
}

/// A number that is neither NaN nor infinite.
fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|v: &f64| v.is_finite())
}

/// Numbers with commas between them, at least one.
fn finite_list(text: &str) -> Option<Vec<f64>> {
    text.split(',').map(finite).collect()
}

/// Shows numbers with commas between them.
fn show_list(numbers: &[f64]) -> String {
    let texts: Vec<String> = numbers.iter().map(|&v| show(v)).collect();
    texts.join(",")
}

/// A keyword in upper case: printable ASCII, words of a HIERARCH keyword with blanks between them.
fn keyword(text: &str) -> Option<String> {
    let text = text.trim();
    let printable = text.bytes().all(|b| (b' '..=b'~').contains(&b));
    (printable && !text.is_empty()).then(|| text.to_ascii_uppercase())
}

/// Reads and shows choices that are single words.
macro_rules! words {
    ($type:ty, $what:literal, $expected:expr, { $($word:literal = $value:path),+ $(,)? }) => {
        impl FromStr for $type {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                match text.trim() {
                    $($word => Ok($value),)+
                    _ => Err(wrong($what, text, $expected)),
                }
            }
        }

        impl Display for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                f.pad(match self { $($value => $word,)+ })
            }
        }
    };
}

mod calibration;
mod clip;
mod detector;
mod frames;
mod level;
mod method;
mod plane;
mod rules;

words!(Uncertainty, "--uncertainty", "scatter, propagate or none", {
    "scatter" = Uncertainty::Scatter,
    "propagate" = Uncertainty::Propagate,
    "none" = Uncertainty::None,
});

words!(Io, "--io", "auto, mmap or read", {
    "auto" = Io::Auto,
    "mmap" = Io::Mmap,
    "read" = Io::Read,
});

words!(Codec, "--compress", "none, rice or gzip", {
    "rice" = Codec::Rice,
    "gzip" = Codec::Gzip,
});

impl FromStr for PixelType {
    type Err = Error;

    /// Reads a type that images can be written as; `auto` is not among them, since it names none.
    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.trim() {
            "i16" => Self::I16,
            "u16" => Self::U16,
            "i32" => Self::I32,
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => return Err(wrong("--dtype", text, "auto, f32, f64, i16, u16 or i32")),
        })
    }
}

impl Display for PixelType {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::U8 => "u8",
            Self::I16 => "i16",
            Self::U16 => "u16",
            Self::I32 => "i32",
            Self::F32 => "f32",
            Self::F64 => "f64",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_read_back_and_others_name_the_choice() {
        for word in ["scatter", "propagate", "none"] {
            let from = word.parse::<Uncertainty>().map(|from| from.to_string());
            assert_eq!(from.ok().as_deref(), Some(word));
        }
        let message = "some".parse::<Uncertainty>().err().map(|e| e.to_string());
        let expected = "--uncertainty 'some': expected scatter, propagate or none";
        assert_eq!(message.as_deref(), Some(expected));
    }

    #[test]
    fn a_pixel_type_is_one_that_images_can_be_written_as() {
        for word in ["i16", "u16", "i32", "f32", "f64"] {
            let dtype = word.parse::<PixelType>().map(|t| t.to_string());
            assert_eq!(dtype.ok().as_deref(), Some(word));
        }
        assert!("u8".parse::<PixelType>().is_err());
        assert!("float".parse::<PixelType>().is_err());
    }

    #[test]
    fn numbers_are_shown_shortly_and_exactly() {
        for (number, text) in [
            (3.0, "3"),
            (-0.25, "-0.25"),
            (1e300, "1e300"),
            (1e-9, "1e-9"),
        ] {
            assert_eq!(show(number), text);
        }
    }
}
