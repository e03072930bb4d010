//! The text of the levels of frames: what they are divided by, what is subtracted from them, what they count.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::{finite, finite_list, keyword, show, show_list, wrong};
use crate::error::{Error, Result};
use crate::recipe::{Level, LevelTo, Norm, Weight};

impl FromStr for Level {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let level = match text {
            "none" => Some(Self::None),
            "mean" => Some(Self::Mean),
            "median" => Some(Self::Median),
            "mode" => Some(Self::Mode),
            "mad" => Some(Self::Mad),
            "median*mad" => Some(Self::MedianMad),
            _ => match text.strip_prefix("key:") {
                Some(name) => keyword(name).map(Self::Keyword),
                None => finite_list(text).map(Self::Values),
            },
        };
        level.ok_or_else(|| {
            let expected = "none, mean, median, mode, for --scale mad or median*mad, key:KEYWORD, \
                            numbers (1.5,2,…) or @file";
            wrong("--scale or --zero", text, expected)
        })
    }
}

impl Display for Level {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("none"),
            Self::Mean => f.pad("mean"),
            Self::Median => f.pad("median"),
            Self::Mode => f.pad("mode"),
            Self::Mad => f.pad("mad"),
            Self::MedianMad => f.pad("median*mad"),
            Self::Keyword(name) => write!(f, "key:{name}"),
            Self::Values(values) => f.write_str(&show_list(values)),
        }
    }
}

impl FromStr for Weight {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let weight = match text {
            "none" => Some(Self::None),
            "exposure" => Some(Self::Exposure),
            "noise" => Some(Self::Noise),
            "ivar" => Some(Self::InverseVariance),
            _ => match text.strip_prefix("key:") {
                Some(name) => keyword(name).map(Self::Keyword),
                None => finite_list(text)
                    .filter(|list| list.iter().all(|&v| v >= 0.0))
                    .map(Self::Values),
            },
        };
        weight.ok_or_else(|| {
            let expected = "none, exposure, noise, key:KEYWORD, numbers that are not negative \
                            (1.5,2,…), @file or ivar";
            wrong("--weight", text, expected)
        })
    }
}

impl Display for Weight {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.pad("none"),
            Self::Exposure => f.pad("exposure"),
            Self::Noise => f.pad("noise"),
            Self::Keyword(name) => write!(f, "key:{name}"),
            Self::Values(values) => f.write_str(&show_list(values)),
            Self::InverseVariance => f.pad("ivar"),
        }
    }
}

impl FromStr for Norm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Ok(match text.trim() {
            "none" => Self::None,
            "add" => Self::Add,
            "mul" => Self::Mul,
            "addscale" => Self::AddScale,
            "mulscale" => Self::MulScale,
            _ => {
                return Err(wrong(
                    "--norm",
                    text,
                    "none, add, mul, addscale or mulscale",
                ));
            }
        })
    }
}

impl FromStr for LevelTo {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            "first" => Ok(Self::First),
            "mean" => Ok(Self::Mean),
            number => finite(number).map(Self::Value).ok_or_else(|| {
                wrong(
                    "--scale-to or --zero-to",
                    text,
                    "first, mean or a finite number",
                )
            }),
        }
    }
}

impl LevelTo {
    /// The text of this choice, where `unity` is 1 for a scale and 0 for a zero.
    pub(crate) fn text(self, unity: f64) -> String {
        match self {
            Self::Unity => show(unity),
            Self::First => "first".into(),
            Self::Mean => "mean".into(),
            Self::Value(value) => show(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn levels_read_as_they_are_typed() {
        assert_eq!("none".parse().ok(), Some(Level::None));
        assert_eq!("mode".parse().ok(), Some(Level::Mode));
        assert_eq!("mad".parse().ok(), Some(Level::Mad));
        assert_eq!("median*mad".parse().ok(), Some(Level::MedianMad));
        let key = Level::Keyword("EXPTIME".into());
        assert_eq!("key:exptime".parse().ok(), Some(key));
        assert_eq!("2".parse().ok(), Some(Level::Values(vec![2.0])));
        assert_eq!(
            "1.5, -2e3".parse().ok(),
            Some(Level::Values(vec![1.5, -2e3]))
        );
        for text in ["", "key:", "1,,2", "nan", "inf", "average", "@list", "1 2"] {
            assert!(text.parse::<Level>().is_err(), "{text}");
        }
    }

    #[test]
    fn weights_are_not_negative() {
        assert_eq!("ivar".parse().ok(), Some(Weight::InverseVariance));
        assert_eq!("noise".parse().ok(), Some(Weight::Noise));
        assert_eq!("exposure".parse().ok(), Some(Weight::Exposure));
        assert_eq!("0,1".parse().ok(), Some(Weight::Values(vec![0.0, 1.0])));
        assert!("1,-1".parse::<Weight>().is_err());
        assert!("mean".parse::<Weight>().is_err());
    }

    #[test]
    fn levels_are_brought_back_to_a_number_or_to_a_frame() {
        assert_eq!("first".parse().ok(), Some(LevelTo::First));
        assert_eq!("2.5".parse().ok(), Some(LevelTo::Value(2.5)));
        assert!("median".parse::<LevelTo>().is_err());
        assert_eq!(LevelTo::Unity.text(1.0), "1");
        assert_eq!(LevelTo::Value(0.5).text(1.0), "0.5");
    }

    #[test]
    fn norms_stand_for_zeros_and_scales() {
        let levels = |text: &str| {
            let mut stack = crate::recipe::Stack::default();
            let norm = text.parse::<Norm>().map(|norm| stack.normalise(norm));
            norm.ok()?;
            let zero = format!("{} to {}", stack.zero, stack.zero_to.text(0.0));
            let scale = format!("{} to {}", stack.scale, stack.scale_to.text(1.0));
            Some([zero, scale])
        };
        for (text, zero, scale) in [
            ("none", "none to 0", "none to 1"),
            ("add", "median to first", "none to 1"),
            ("mul", "none to 0", "median to first"),
            ("addscale", "median to first", "mad to first"),
            ("mulscale", "none to 0", "median*mad to first"),
        ] {
            assert_eq!(
                levels(text),
                Some([zero, scale].map(String::from)),
                "{text}"
            );
        }
        assert_eq!(levels("scale"), None);
    }

    fn keys() -> impl Strategy<Value = String> {
        "[A-Z0-9_-]{1,8}( [A-Z0-9_-]{1,8}){0,3}"
    }

    proptest! {
        #[test]
        fn levels_read_back(values in prop::collection::vec(-1e300..1e300_f64, 1..9), key in keys()) {
            for level in [Level::Values(values), Level::Keyword(key), Level::Median, Level::Mean, Level::Mad, Level::MedianMad] {
                prop_assert_eq!(level.to_string().parse::<Level>().ok(), Some(level));
            }
        }

        #[test]
        fn weights_read_back(values in prop::collection::vec(0.0..1e300_f64, 1..9), key in keys()) {
            for weight in [Weight::Values(values), Weight::Keyword(key), Weight::None, Weight::Noise, Weight::Exposure] {
                prop_assert_eq!(weight.to_string().parse::<Weight>().ok(), Some(weight));
            }
        }
    }
}
