//! The text of the choice of frames: an HDU, and what a header must say.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::{keyword, wrong};
use crate::error::{Error, Result};
use crate::recipe::{Comparison, Condition, Hdu};

impl FromStr for Hdu {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let wrong = || {
            let expected = "auto, all, a number from 0 (the primary), NAME or NAME,VERSION";
            wrong("--hdu", text, expected)
        };
        match text {
            "auto" => return Ok(Self::Auto),
            "all" => return Ok(Self::All),
            _ => {}
        }
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        let (name, version) = match text.split_once(',') {
            None => (text, None),
            Some((name, version)) => {
                let version = version.trim().parse().map_err(|_| wrong())?;
                (name.trim(), Some(version))
            }
        };
        let is_number = name.parse::<f64>().is_ok_and(f64::is_finite);
        if name.is_empty() || is_number || name.contains(char::is_control) {
            return Err(wrong());
        }
        Ok(Self::Name(name.into(), version))
    }
}

impl Display for Hdu {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.pad("auto"),
            Self::All => f.pad("all"),
            Self::Number(number) => write!(f, "{number}"),
            Self::Name(name, None) => f.pad(name),
            Self::Name(name, Some(version)) => write!(f, "{name},{version}"),
        }
    }
}

/// The comparisons and their signs, the longer ones first.
const SIGNS: [(&str, Comparison); 6] = [
    ("!=", Comparison::NotEqual),
    ("<=", Comparison::LessOrEqual),
    (">=", Comparison::GreaterOrEqual),
    ("=", Comparison::Equal),
    ("<", Comparison::Less),
    (">", Comparison::Greater),
];

impl FromStr for Condition {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (name, rest) = text.split_at(text.find(['=', '!', '<', '>'])?);
            let (value, comparison) = SIGNS
                .iter()
                .find_map(|&(sign, comparison)| Some((rest.strip_prefix(sign)?, comparison)))?;
            let value = value.trim();
            // `KEY==VALUE` and `KEY= >VALUE` are slips that would silently match nothing.
            let slip = value.starts_with(['=', '<', '>']);
            (!slip).then_some(Self {
                keyword: keyword(name)?,
                comparison,
                value: value.into(),
            })
        };
        read().ok_or_else(|| {
            let expected = "KEY=VALUE, or with !=, <, <=, > or >=";
            wrong("--where", text, expected)
        })
    }
}

impl Display for Condition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let sign = SIGNS
            .iter()
            .find(|(_, comparison)| *comparison == self.comparison)
            .map_or("=", |(sign, _)| *sign);
        write!(f, "{}{sign}{}", self.keyword, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_hdu_is_a_number_or_a_name_with_or_without_version() {
        for (text, hdu) in [
            ("auto", Hdu::Auto),
            ("all", Hdu::All),
            ("0", Hdu::Number(0)),
            ("12", Hdu::Number(12)),
            ("SCI", Hdu::Name("SCI".into(), None)),
            ("SCI, 2", Hdu::Name("SCI".into(), Some(2))),
        ] {
            assert_eq!(text.parse().ok(), Some(hdu), "{text}");
        }
        for text in ["", "-1", "1.5", "SCI,", ",2", "SCI,two"] {
            assert!(text.parse::<Hdu>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_condition_has_one_of_six_signs() {
        for (text, comparison) in [
            ("exptime = 60", Comparison::Equal),
            ("EXPTIME!=60", Comparison::NotEqual),
            ("EXPTIME<60", Comparison::Less),
            ("EXPTIME<=60", Comparison::LessOrEqual),
            ("EXPTIME>60", Comparison::Greater),
            ("EXPTIME>=60", Comparison::GreaterOrEqual),
        ] {
            let (keyword, value) = ("EXPTIME".to_owned(), "60".to_owned());
            let condition = Condition {
                keyword,
                comparison,
                value,
            };
            assert_eq!(text.parse().ok(), Some(condition), "{text}");
        }
        for text in [
            "",
            "EXPTIME",
            "=60",
            "EXPTIME==60",
            "EXPTIME=>60",
            "EXPTIME= >60",
            "EXPTIME< <=",
            "EXPTIME!60",
        ] {
            assert!(text.parse::<Condition>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_value_of_a_condition_may_hold_signs_and_nothing() {
        let value = |text: &str| text.parse::<Condition>().map(|c| c.value).ok();
        assert_eq!(value("OBJECT=a=b").as_deref(), Some("a=b"));
        assert_eq!(value("OBJECT!=").as_deref(), Some(""));
    }

    proptest! {
        #[test]
        fn hdus_read_back(name in "[A-Z_][A-Z0-9_]{0,9}", version in any::<i64>(), number in any::<usize>()) {
            for hdu in [Hdu::Name(name.clone(), None), Hdu::Name(name, Some(version)), Hdu::Number(number)] {
                prop_assert_eq!(hdu.to_string().parse::<Hdu>().ok(), Some(hdu));
            }
        }

        #[test]
        fn conditions_read_back(key in "[A-Z0-9_-]{1,8}", value in "([!*a-z0-9.][ -~]{0,9}[!-~])?", sign in 0..6_usize) {
            let condition = Condition { keyword: key, comparison: SIGNS[sign].1, value };
            prop_assert_eq!(condition.to_string().parse::<Condition>().ok(), Some(condition));
        }
    }
}
