//! The text of a method: one word, or `quantile:Q`.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::{finite, show, wrong};
use crate::error::{Error, Result};
use crate::recipe::Method;

const ANY: &str =
    "average, median, sum, min, max, lmedian, quantile:Q, std, mad, mode or quadrature";
const QUANTILE: &str = "quantile:Q, Q from 0 to 1";

impl FromStr for Method {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (word, part) = text.trim().split_once(':').unwrap_or((text.trim(), ""));
        if word == "quantile" {
            let part = finite(part).filter(|part| (0.0..=1.0).contains(part));
            return part
                .map(Self::Quantile)
                .ok_or_else(|| wrong("--method", text, QUANTILE));
        }
        Ok(match text.trim() {
            "average" => Self::Average,
            "median" => Self::Median,
            "sum" => Self::Sum,
            "min" => Self::Min,
            "max" => Self::Max,
            "lmedian" => Self::Lmedian,
            "std" => Self::Std,
            "mad" => Self::Mad,
            "mode" => Self::Mode,
            "quadrature" => Self::Quadrature,
            _ => return Err(wrong("--method", text, ANY)),
        })
    }
}

impl Display for Method {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Average => "average",
            Self::Median => "median",
            Self::Sum => "sum",
            Self::Min => "min",
            Self::Max => "max",
            Self::Lmedian => "lmedian",
            Self::Quantile(part) => return write!(f, "quantile:{}", show(*part)),
            Self::Std => "std",
            Self::Mad => "mad",
            Self::Mode => "mode",
            Self::Quadrature => "quadrature",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_reads_back_and_others_are_answered_with_what_there_is() {
        for word in [
            "average",
            "median",
            "sum",
            "min",
            "max",
            "lmedian",
            "quantile:0.25",
            "std",
            "mad",
            "mode",
            "quadrature",
        ] {
            let method = word.parse::<Method>().map(|m| m.to_string());
            assert_eq!(method.ok().as_deref(), Some(word));
        }
        for (text, expected) in [
            ("mean", ANY),
            ("std:1", ANY),
            ("quantile", QUANTILE),
            ("quantile:1.5", QUANTILE),
            ("quantile:nan", QUANTILE),
        ] {
            let message = text.parse::<Method>().err().map(|e| e.to_string());
            assert_eq!(
                message,
                Some(format!("--method '{text}': expected {expected}"))
            );
        }
    }
}
