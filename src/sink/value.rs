//! The value of a card, read as the standard has it, and what can be made of one that it forbids.

/// What an entry says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// It has no value, only text.
    Commentary,
    /// A value that is not given.
    Undefined,
    /// A string, without blanks at its end.
    Text(String),
    Logical(bool),
    /// An integer or a float, as it is written.
    Number(String),
    /// A pair of numbers, as it is written.
    Complex(String),
}

/// What stands behind the `=` of a card.
pub(super) struct Scan {
    pub(super) value: Value,
    pub(super) comment: String,
    /// It does not stand as the standard wants it.
    pub(super) faulty: bool,
}

/// Reads what stands behind the `=` of a card, or behind CONTINUE.
pub(super) fn scan(text: &str) -> Scan {
    let text = text.trim();
    if let Some(quoted) = text.strip_prefix('\'') {
        return scan_string(quoted);
    }
    let (token, comment) = text.split_once('/').unwrap_or((text, ""));
    let (token, comment) = (token.trim(), comment.trim().to_owned());
    let sound = |value| Scan {
        value,
        comment: comment.clone(),
        faulty: false,
    };
    match token {
        "" => return sound(Value::Undefined),
        "T" => return sound(Value::Logical(true)),
        "F" => return sound(Value::Logical(false)),
        _ => {}
    }
    if is_number(token) {
        let upper = token.to_ascii_uppercase();
        return Scan {
            faulty: upper != token,
            value: Value::Number(upper),
            comment,
        };
    }
    if is_complex(token) {
        return sound(Value::Complex(token.into()));
    }
    // A number with a remark behind it that lacks its slash.
    if let Some((number, remark)) = token.split_once(' ')
        && is_number(number)
        && remark
            .trim_start()
            .starts_with(|c: char| c.is_ascii_alphabetic())
    {
        let comment = format!("{} {comment}", remark.trim()).trim().to_owned();
        return Scan {
            value: Value::Number(number.to_ascii_uppercase()),
            comment,
            faulty: true,
        };
    }
    Scan {
        value: Value::Text(token.into()),
        comment,
        faulty: true,
    }
}

/// The string whose opening quote is already gone.
fn scan_string(quoted: &str) -> Scan {
    let mut value = String::new();
    let mut letters = quoted.char_indices().peekable();
    while let Some((place, letter)) = letters.next() {
        if letter != '\'' {
            value.push(letter);
        } else if letters.next_if(|(_, next)| *next == '\'').is_some() {
            value.push('\'');
        } else {
            let rest = quoted[place + 1..].trim();
            let faulty = !(rest.is_empty() || rest.starts_with('/'));
            let comment = rest.strip_prefix('/').unwrap_or(rest).trim().into();
            return Scan {
                value: Value::Text(value.trim_end().into()),
                comment,
                faulty,
            };
        }
    }
    Scan {
        value: Value::Text(value.trim_end().into()),
        comment: String::new(),
        faulty: true,
    }
}

/// Whether a token is an integer or a float of the standard, a lower-case exponent forgiven.
pub(super) fn is_number(token: &str) -> bool {
    let unsigned = token.strip_prefix(['+', '-']).unwrap_or(token);
    let (mantissa, exponent) = match unsigned.split_once(['E', 'e', 'D', 'd']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let sound = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    sound && digits(whole) && digits(fraction) && whole.len() + fraction.len() > 0
}

fn is_complex(token: &str) -> bool {
    let inner = token.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
    inner
        .and_then(|inner| inner.split_once(','))
        .is_some_and(|(real, imaginary)| {
            [real, imaginary]
                .iter()
                .all(|part| is_number(part.trim()) && !part.contains(['e', 'd']))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> (Value, String, bool) {
        let scan = scan(text);
        (scan.value, scan.comment, scan.faulty)
    }

    #[test]
    fn numbers_are_those_of_the_standard() {
        for token in ["1", "-1", "+1.", ".5", "1.5E3", "1D-3", "007"] {
            assert_eq!(
                value(token),
                (Value::Number(token.into()), String::new(), false)
            );
        }
        for token in [
            "", ".", "-", "1E", "E5", "1.2.3", "0x1F", "inf", "nan", "1e5.0",
        ] {
            assert!(!is_number(token), "{token}");
        }
    }

    #[test]
    fn a_value_ends_at_the_slash_and_a_string_at_its_quote() {
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(value("'a/b' / c/d"), (text("a/b"), "c/d".into(), false));
        assert_eq!(
            value("  5/c"),
            (Value::Number("5".into()), "c".into(), false)
        );
        assert_eq!(value("''''"), (text("'"), String::new(), false));
        assert_eq!(value("/ c"), (Value::Undefined, "c".into(), false));
        assert_eq!(
            value("(1, 2.5) / c"),
            (Value::Complex("(1, 2.5)".into()), "c".into(), false)
        );
    }

    #[test]
    fn what_is_no_value_becomes_a_string() {
        let text = |text: &str| Value::Text(text.into());
        assert_eq!(
            value("T Tauri / name"),
            (text("T Tauri"), "name".into(), true)
        );
        assert_eq!(value("(1, )"), (text("(1, )"), String::new(), true));
        assert_eq!(
            value("2004 06 21"),
            (text("2004 06 21"), String::new(), true)
        );
    }
}
