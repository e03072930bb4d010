//! How the values of flags are read: by the library, which owns their grammar, and from lists of numbers.

use std::fs;
use std::str::FromStr;
use std::time::Duration;

use super::compression::Steps;
use ccdstream::Error;
use ccdstream::recipe::{Axis, Fit, Level, Neighbours, Plane, Quantity, Weight};
use clap::builder::{PossibleValuesParser, TypedValueParser};

/// Reads a value that the library knows how to read.
pub(super) fn value<T: FromStr<Err = Error>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| match error {
        // The flag and the text stand before this in the message.
        Error::Value { expected, .. } => format!("expected {expected}"),
        other => other.to_string(),
    })
}

/// Reads one of these words, which help lists.
pub(super) fn word<T>(words: &'static [&'static str]) -> impl TypedValueParser<Value = T>
where
    T: FromStr<Err = Error> + Clone + Send + Sync + 'static,
{
    PossibleValuesParser::new(words).try_map(|word| word.parse::<T>())
}

/// Reads a finite number.
pub(super) fn number(text: &str) -> Result<f64, String> {
    let number = text.trim().parse().ok();
    let number = number.filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a number".into())
}

/// Reads the value of `--quantize`.
pub(super) fn steps(text: &str) -> Result<Steps, String> {
    match (text.trim(), number(text)) {
        ("none", _) => Ok(Steps::None),
        (_, Ok(steps)) if steps > 0.0 => Ok(Steps::Of(steps)),
        _ => Err("expected a number above 0, or none".into()),
    }
}

/// Reads a time in seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = Duration::try_from_secs_f64(number(text)?);
    seconds.map_err(|_| "expected a number of seconds".into())
}

/// Reads a keyword.
pub(super) fn keyword(text: &str) -> Result<String, String> {
    match text.parse() {
        Ok(Quantity::Keyword(keyword)) => Ok(keyword),
        _ => Err("expected a KEYWORD".into()),
    }
}

/// Reads the value of `--overscan-fit`; `None` is none.
pub(super) fn fit(text: &str) -> Result<Option<Fit>, String> {
    match text.trim() {
        "none" => Ok(None),
        fit => value(fit).map(Some),
    }
}

/// Reads the value of `--overscan-axis`; `None` is auto.
pub(super) fn axis() -> impl TypedValueParser<Value = Option<Axis>> {
    PossibleValuesParser::new(["auto", "row", "column"]).try_map(|word| match word.as_str() {
        "auto" => Ok(None),
        axis => axis.parse().map(Some),
    })
}

/// Reads a plane that a calibrated frame has.
pub(super) fn plane_of_frame(text: &str) -> Result<Plane, String> {
    match text.parse() {
        Ok(plane @ (Plane::Data | Plane::Mask | Plane::Uncertainty)) => Ok(plane),
        _ => Err("expected any of data,mask,uncertainty".into()),
    }
}

/// Reads the value of `--scale`.
pub(super) fn scale(text: &str) -> Result<Level, String> {
    let scale = zero(text)?;
    if let Level::Values(values) = &scale {
        each(values, "a scale must be above 0", |value| value > 0.0)?;
    }
    Ok(scale)
}

/// Reads the value of `--zero`.
pub(super) fn zero(text: &str) -> Result<Level, String> {
    match text.strip_prefix('@') {
        Some(list) => numbers(list).map(Level::Values),
        None => value(text),
    }
}

/// Reads the value of `--grow`.
pub(super) fn radius(text: &str) -> Result<f64, String> {
    let radius = text.trim().parse().ok();
    let within = |radius: &f64| (0.0..=Neighbours::FARTHEST).contains(radius);
    let most = Neighbours::FARTHEST;
    radius
        .filter(within)
        .ok_or_else(|| format!("a radius in pixels from 0 to {most}"))
}

/// Reads the value of `--hole-fill`.
pub(super) fn hole(text: &str) -> Result<usize, String> {
    let size = text.trim().parse().ok();
    let most = Neighbours::LARGEST;
    size.filter(|size| *size <= most)
        .ok_or_else(|| format!("a whole number of pixels from 0 to {most}"))
}

/// Reads the value of `--weight`.
pub(super) fn weight(text: &str) -> Result<Weight, String> {
    let Some(list) = text.strip_prefix('@') else {
        return value(text);
    };
    let values = numbers(list)?;
    each(&values, "a weight must not be below 0", |value| {
        value >= 0.0
    })?;
    Ok(Weight::Values(values))
}

/// Checks every number.
fn each(values: &[f64], rule: &str, holds: impl Fn(f64) -> bool) -> Result<(), String> {
    match values.iter().position(|&value| !holds(value)) {
        None => Ok(()),
        Some(at) => Err(format!("number {} is {}: {rule}", at + 1, values[at])),
    }
}

/// Reads numbers from a file: blanks, commas or new lines between them, `#` begins a comment.
fn numbers(path: &str) -> Result<Vec<f64>, String> {
    let text = fs::read_to_string(path).map_err(|error| format!("cannot read {path}: {error}"))?;
    let mut numbers = Vec::new();
    for (line, text) in text.lines().enumerate() {
        let text = text.split('#').next().unwrap_or_default();
        let words = text.split(|c: char| c == ',' || c.is_whitespace());
        for word in words.filter(|word| !word.is_empty()) {
            let number = word.parse().ok().filter(|number: &f64| number.is_finite());
            numbers.push(
                number
                    .ok_or_else(|| format!("{path}, line {}: '{word}' is no number", line + 1))?,
            );
        }
    }
    if numbers.is_empty() {
        return Err(format!("{path} holds no numbers"));
    }
    Ok(numbers)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this text, and how a flag names it.
    fn list(text: &str) -> (tempfile::NamedTempFile, String) {
        let file = tempfile::NamedTempFile::new().expect("a file for the test");
        fs::write(file.path(), text).expect("a file that is ours");
        let flag = format!("@{}", file.path().display());
        (file, flag)
    }

    #[test]
    fn numbers_are_read_from_a_file() {
        let (_file, flag) = list("# exposures\n1.5, 2 3\n\n  -4e1 # dawn\r\n");
        assert_eq!(zero(&flag), Ok(Level::Values(vec![1.5, 2.0, 3.0, -40.0])));
        assert_eq!(
            scale(&flag),
            Err("number 4 is -40: a scale must be above 0".into())
        );
        assert_eq!(
            weight(&flag),
            Err("number 4 is -40: a weight must not be below 0".into())
        );
    }

    #[test]
    fn a_list_that_is_missing_or_odd_is_refused_by_name() {
        assert_eq!(
            zero("@/none/such"),
            Err("cannot read /none/such: No such file or directory (os error 2)".into())
        );
        for (text, fault) in [
            ("1\n2 x", ", line 2: 'x' is no number"),
            ("nan", ", line 1: 'nan' is no number"),
            ("# none\n", " holds no numbers"),
        ] {
            let (_file, flag) = list(text);
            assert_eq!(zero(&flag), Err(flag[1..].to_owned() + fault));
        }
    }

    #[test]
    fn a_scale_is_positive() {
        assert_eq!(
            scale("1,0"),
            Err("number 2 is 0: a scale must be above 0".into())
        );
        assert_eq!(zero("1,0"), Ok(Level::Values(vec![1.0, 0.0])));
    }
}
