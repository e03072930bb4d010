//! The text of the choices of a calibration: sections and numbers or their keywords, fits of the overscan, bits of masks,
//! levels and what lies beyond them.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use super::{bound, finite, keyword, show, side, wrong};
use crate::error::{Error, Result};
use crate::recipe::{
    Axis, Beyond, Fit, FlatNorm, MaskBits, Negative, OverscanClip, OverscanStat, Place, Quantity,
    Sky, Then,
};

/// A fit of more terms than this is a slip of the finger, whatever the number of lines.
const MOST_TERMS: usize = 9999;

words!(OverscanStat, "--overscan-stat", "median or mean", {
    "median" = OverscanStat::Median,
    "mean" = OverscanStat::Mean,
});

words!(Axis, "--overscan-axis", "row or column", {
    "row" = Axis::Row,
    "column" = Axis::Column,
});

words!(Negative, "--negative", "readnoise or mask", {
    "readnoise" = Negative::Readnoise,
    "mask" = Negative::Mask,
});

words!(Sky, "--sky", "none, median or mode", {
    "none" = Sky::None,
    "median" = Sky::Median,
    "mode" = Sky::Mode,
});

/// A keyword that stands where a number or a section could: it begins with a letter, and has nothing in it that those are
/// written with, so that a slip in one of them is not taken for a keyword.
fn plain_keyword(text: &str) -> Option<String> {
    let name = keyword(text)?;
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let rest = |c: char| c.is_ascii_alphanumeric() || "_-. ".contains(c);
    (begins && name.chars().all(rest)).then_some(name)
}

impl FromStr for Place {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let place = if text.trim_start().starts_with('[') {
            text.parse().ok().map(Self::Section)
        } else {
            plain_keyword(text).map(Self::Keyword)
        };
        place.ok_or_else(|| {
            let expected =
                "[x1:x2,y1:y2], counted from 1, both ends included, or the KEYWORD that holds it";
            wrong("--overscan or --trim", text, expected)
        })
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Section(section) => section.fmt(f),
            Self::Keyword(name) => f.pad(name),
        }
    }
}

impl FromStr for Quantity {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let quantity = match text.trim().parse::<f64>() {
            Ok(number) => Some(Self::Number(number)).filter(|_| number.is_finite()),
            Err(_) => plain_keyword(text).map(Self::Keyword),
        };
        quantity.ok_or_else(|| {
            let expected = "a number, or the KEYWORD that holds it";
            wrong("--gain or --readnoise", text, expected)
        })
    }
}

impl Display for Quantity {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => f.pad(&show(*number)),
            Self::Keyword(name) => f.pad(name),
        }
    }
}

impl FromStr for Fit {
    type Err = Error;

    /// Reads a curve; `none` is not among them, since it names none.
    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (curve, number) = text.trim().split_once(':')?;
            let number: usize = number.trim().parse().ok().filter(|n| *n <= MOST_TERMS)?;
            match curve.trim_end() {
                "poly" => Some(Self::Polynomial(number)),
                "legendre" => Some(Self::Legendre(number)),
                "chebyshev" => Some(Self::Chebyshev(number)),
                "spline3" if number > 0 => Some(Self::Spline(number)),
                _ => None,
            }
        };
        read().ok_or_else(|| {
            let expected = "none, poly:N, legendre:N, chebyshev:N (N is the degree, from 0) or spline3:N (N is the \
                            number of pieces, from 1), N up to 9999";
            wrong("--overscan-fit", text, expected)
        })
    }
}

impl Display for Fit {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Polynomial(degree) => write!(f, "poly:{degree}"),
            Self::Legendre(degree) => write!(f, "legendre:{degree}"),
            Self::Chebyshev(degree) => write!(f, "chebyshev:{degree}"),
            Self::Spline(pieces) => write!(f, "spline3:{pieces}"),
        }
    }
}

impl FromStr for OverscanClip {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let [low, high, rounds] = text.split(',').collect::<Vec<_>>().try_into().ok()?;
            let low = bound(low, f64::INFINITY)?;
            let high = bound(high, f64::INFINITY)?;
            let rounds: u32 = rounds.trim().parse().ok()?;
            let clips = low.is_finite() || high.is_finite();
            (low > 0.0 && high > 0.0 && clips && rounds > 0).then_some(Self { low, high, rounds })
        };
        read().ok_or_else(|| {
            let expected =
                "LOW,HIGH,N: deviations below and above, and rounds, all positive; an empty side is no bound";
            wrong("--overscan-clip", text, expected)
        })
    }
}

impl Display for OverscanClip {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{}", side(self.low), side(self.high), self.rounds)
    }
}

impl FromStr for MaskBits {
    type Err = Error;

    /// Reads the bits that are bad. They are listed as astropy lists flags (values, `,` or `+` or `|` between them, one number
    /// alone may be several bits), but mean the opposite of its `ignore_flags`, as the name says: `1,4` masks where bit 1
    /// or 4 is set, `~2` where any bit but 2 is, `all` where any is.
    fn from_str(text: &str) -> Result<Self> {
        let list = text.trim();
        let bad = match (list, list.strip_prefix('~')) {
            ("all", _) => Some(u64::MAX),
            (_, Some(but)) => bits(but).map(|bits| !bits),
            (_, None) => bits(list),
        };
        bad.map(|bad| Self { bad }).ok_or_else(|| {
            let expected = "the bits that are bad by their values, powers of 2 (1,4), all but some (~2), or all";
            wrong("--mask-bits", text, expected)
        })
    }
}

/// The bits of a list of values, at least one.
fn bits(list: &str) -> Option<u64> {
    let list = list.trim();
    let list = match list.strip_prefix('(') {
        Some(inner) => inner.strip_suffix(')')?,
        None => list,
    };
    let separator = [',', '+', '|'].into_iter().find(|c| list.contains(*c));
    let Some(separator) = separator else {
        return list.trim().parse().ok().filter(|bits| *bits > 0);
    };
    list.split(separator).try_fold(0, |bits, value| {
        let value: u64 = value.trim().parse().ok()?;
        value.is_power_of_two().then_some(bits | value)
    })
}

impl Display for MaskBits {
    /// The bits that are bad, or where those are most of 64, the others.
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let list = |bits: u64| {
            let set = (0..u64::BITS).map(|bit| 1 << bit);
            let set = set.filter(|value: &u64| bits & value != 0);
            set.map(|value| value.to_string())
                .collect::<Vec<_>>()
                .join(",")
        };
        match self.bad {
            u64::MAX => f.pad("all"),
            bad if bad.count_ones() > u64::BITS / 2 => write!(f, "~{}", list(!bad)),
            bad => f.pad(&list(bad)),
        }
    }
}

impl FromStr for FlatNorm {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.trim() {
            "mean" => Ok(Self::Mean),
            "median" => Ok(Self::Median),
            number => {
                let positive = finite(number).filter(|value| *value > 0.0);
                positive
                    .map(Self::Value)
                    .ok_or_else(|| wrong("--flat-norm", text, "mean, median or a positive number"))
            }
        }
    }
}

impl Display for FlatNorm {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mean => f.pad("mean"),
            Self::Median => f.pad("median"),
            Self::Value(value) => f.pad(&show(*value)),
        }
    }
}

impl FromStr for Beyond {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let read = || {
            let (level, then) = text.split_once('=')?;
            let level = finite(level)?;
            let then = match then.trim() {
                "mask" => Then::Mask,
                nan if nan.eq_ignore_ascii_case("nan") => Then::Nan,
                number => Then::Value(finite(number)?),
            };
            Some(Self { level, then })
        };
        read().ok_or_else(|| {
            let expected =
                "V=mask, V=nan or V=W: a level, and what becomes of the values beyond it";
            wrong("--below or --above", text, expected)
        })
    }
}

impl Display for Beyond {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let level = show(self.level);
        match self.then {
            Then::Mask => write!(f, "{level}=mask"),
            Then::Nan => write!(f, "{level}=nan"),
            Then::Value(value) => write!(f, "{level}={}", show(value)),
        }
    }
}

#[cfg(test)]
mod tests;
