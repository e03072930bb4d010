//! The text of the planes of an output: a word, and behind `low:` and `high:` a family of clip steps.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::wrong;
use crate::error::{Error, Result};
use crate::recipe::{Family, Plane};

const PLANES: &str = "any of data,mask,uncertainty,count,low,high,low:FAMILY,high:FAMILY, FAMILY being bounds, order or deviation";

words!(Family, "--planes", PLANES, {
    "bounds" = Family::Bounds,
    "order" = Family::Order,
    "deviation" = Family::Deviation,
});

impl FromStr for Plane {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let family = |name: &str| name.parse().map_err(|_| wrong("--planes", text, PLANES));
        match text.trim().split_once(':') {
            Some(("low", name)) => family(name).map(Self::LowBy),
            Some(("high", name)) => family(name).map(Self::HighBy),
            Some(_) => Err(wrong("--planes", text, PLANES)),
            None => match text.trim() {
                "data" => Ok(Self::Data),
                "mask" => Ok(Self::Mask),
                "uncertainty" => Ok(Self::Uncertainty),
                "count" => Ok(Self::Count),
                "low" => Ok(Self::Low),
                "high" => Ok(Self::High),
                _ => Err(wrong("--planes", text, PLANES)),
            },
        }
    }
}

impl Display for Plane {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Data => "data",
            Self::Mask => "mask",
            Self::Uncertainty => "uncertainty",
            Self::Count => "count",
            Self::Low => "low",
            Self::High => "high",
            Self::LowBy(family) => return write!(f, "low:{family}"),
            Self::HighBy(family) => return write!(f, "high:{family}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_plane_reads_back_and_others_are_answered_with_the_list() {
        for text in [
            "data",
            "mask",
            "uncertainty",
            "count",
            "low",
            "high",
            "low:bounds",
            "high:bounds",
            "low:order",
            "high:deviation",
        ] {
            let plane = text.parse::<Plane>().map(|plane| plane.to_string());
            assert_eq!(plane.ok().as_deref(), Some(text));
        }
        for text in [
            "lo",
            "low:",
            "low:sigma",
            "count:bounds",
            "high:order:1",
            "",
        ] {
            let message = text.parse::<Plane>().err().map(|error| error.to_string());
            assert_eq!(
                message,
                Some(format!("--planes '{text}': expected {PLANES}"))
            );
        }
    }
}
