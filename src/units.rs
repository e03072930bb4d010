//! Sizes in bytes, as users write and read them.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Result};

/// A number of bytes.
///
/// Reads `64M`, `1G`, `1GiB` (binary), `1GB` (decimal), `1e9`; prints `1.0 GiB`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ByteSize(pub u64);

/// A memory limit as it is typed: a size, or a share of the memory that this process may use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// So many bytes.
    Bytes(ByteSize),
    /// This part of the memory that the process may use, 0 to 1.
    Share(f64),
}

const GRAMMAR: &str = "a size in bytes: 64M, 1G, 1GiB (binary), 1GB (decimal), 1e9";

impl FromStr for ByteSize {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Value {
            what: "size",
            text: text.into(),
            expected: GRAMMAR.into(),
        };
        let text = text.trim();
        // The number is as much of the beginning as reads as one: `1e9`, but `2e3` of `2e3K`.
        let number = |end: usize| {
            text.get(..end)
                .and_then(|text| text.trim_end().parse::<f64>().ok())
        };
        let found = (1..=text.len())
            .rev()
            .find_map(|end| Some((end, number(end)?)));
        let (split, number) = found.ok_or_else(wrong)?;
        let unit: f64 = match text[split..].trim().to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kib" => 1024.0,
            "m" | "mib" => 1024.0 * 1024.0,
            "g" | "gib" => 1024.0 * 1024.0 * 1024.0,
            "t" | "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
            "kb" => 1e3,
            "mb" => 1e6,
            "gb" => 1e9,
            "tb" => 1e12,
            _ => return Err(wrong()),
        };
        let bytes = number * unit;
        // Above 2⁵³ a size would lose bytes, and no machine has that much memory.
        if !(0.0..9e15).contains(&bytes) {
            return Err(wrong());
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "checked to be 0 to 9e15"
        )]
        Ok(Self(bytes as u64))
    }
}

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0 as f64;
        let (value, unit) = match self.0 {
            0..1024 => return write!(f, "{} B", self.0),
            1024..1_048_576 => (bytes / 1024.0, "KiB"),
            1_048_576..1_073_741_824 => (bytes / 1_048_576.0, "MiB"),
            _ => (bytes / 1_073_741_824.0, "GiB"),
        };
        write!(f, "{value:.1} {unit}")
    }
}

impl FromStr for Limit {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let wrong = || Error::Value {
            what: "memory limit",
            text: text.into(),
            expected: format!("{GRAMMAR}, or 50% of the memory that this process may use"),
        };
        match text.trim().strip_suffix('%') {
            Some(percent) => match percent.trim().parse::<f64>() {
                Ok(percent) if percent > 0.0 && percent <= 100.0 => {
                    Ok(Self::Share(percent / 100.0))
                }
                _ => Err(wrong()),
            },
            None => text.parse().map(Self::Bytes).map_err(|_| wrong()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_users_write_them() {
        for (text, bytes) in [
            ("64M", 64 << 20),
            ("1G", 1 << 30),
            ("1GiB", 1 << 30),
            ("1GB", 1_000_000_000),
            ("1e9", 1_000_000_000),
            ("1.5k", 1536),
            ("512", 512),
            ("10 MiB", 10 << 20),
            ("7b", 7),
            ("2e3K", 2_048_000),
        ] {
            assert_eq!(
                text.parse::<ByteSize>().ok(),
                Some(ByteSize(bytes)),
                "{text}"
            );
        }
        for text in ["", "M", "-1M", "1Q", "1e99", "nan", "inf", "1 2", "e"] {
            assert!(text.parse::<ByteSize>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_limit_may_be_a_share() {
        assert_eq!("50%".parse::<Limit>().ok(), Some(Limit::Share(0.5)));
        assert_eq!(
            "1K".parse::<Limit>().ok(),
            Some(Limit::Bytes(ByteSize(1024)))
        );
        assert!("0%".parse::<Limit>().is_err());
        assert!("101%".parse::<Limit>().is_err());
    }

    #[test]
    fn sizes_print_in_binary_units() {
        assert_eq!(ByteSize(512).to_string(), "512 B");
        assert_eq!(ByteSize(64 << 20).to_string(), "64.0 MiB");
        assert_eq!(ByteSize(3 << 29).to_string(), "1.5 GiB");
    }
}
