//! The header of an HDU: its cards as they stand in the file, and their values by keyword.
//!
//! Headers are read as leniently as their values stay certain: strings without an end run to the end of their card,
//! numbers may have a D exponent or stand in a string, long strings go on in CONTINUE cards, long keywords begin with
//! HIERARCH. Of duplicates the first counts. Nothing here judges whether the standard allows a card.

use std::borrow::Cow;

/// One line of a header: 80 bytes, as they stand in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Card(pub [u8; 80]);

/// The value of a card.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    /// T or F.
    Logical(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Number(f64),
    /// A string without its quotes and trailing blanks, or what is none of the others.
    Text(String),
}

impl Card {
    /// The keyword in upper case, without HIERARCH; empty for a card of blanks.
    pub(crate) fn keyword(&self) -> Cow<'_, str> {
        let name = String::from_utf8_lossy(self.split().0);
        if name.bytes().any(|b| b.is_ascii_lowercase()) {
            name.to_ascii_uppercase().into()
        } else {
            name
        }
    }

    /// The value that stands on this card alone; `None` for comments and undefined values.
    pub(crate) fn value(&self) -> Option<Value> {
        parse(self.split().1?)
    }

    /// Whether this card goes on with the string of the card before.
    pub(crate) fn continues(&self) -> bool {
        self.0.starts_with(b"CONTINUE  ")
    }

    /// Whether the keyword is this one, in any case.
    fn has(&self, keyword: &[u8]) -> bool {
        // Headers are long, and most cards are another's by their first letter.
        let alike = keyword
            .first()
            .is_some_and(|first| first.eq_ignore_ascii_case(&self.0[0]));
        (alike || self.0.starts_with(b"HIERARCH ")) && self.split().0.eq_ignore_ascii_case(keyword)
    }

    /// The keyword, and the bytes behind its `=`.
    fn split(&self) -> (&[u8], Option<&[u8]>) {
        if let Some(rest) = self.0.strip_prefix(b"HIERARCH ")
            && let Some(equals) = rest.iter().position(|&b| b == b'=')
        {
            return (rest[..equals].trim_ascii(), Some(&rest[equals + 1..]));
        }
        let name = self.0[..8].trim_ascii_end();
        let valued =
            self.0[8] == b'=' && !matches!(name, b"COMMENT" | b"HISTORY" | b"CONTINUE" | b"");
        (name, valued.then_some(&self.0[9..]))
    }
}

/// The cards of an HDU up to its END, which is not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    cards: Vec<Card>,
}

impl Header {
    /// The header in these bytes of a file.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        let (cards, _) = bytes.as_chunks::<80>();
        let end = cards.iter().position(is_end).unwrap_or(cards.len());
        Self {
            cards: cards[..end].iter().copied().map(Card).collect(),
        }
    }

    /// The header of these cards.
    pub(crate) fn from_cards(cards: Vec<Card>) -> Self {
        Self { cards }
    }

    /// The cards in their order.
    pub(crate) fn cards(&self) -> &[Card] {
        &self.cards
    }

    /// The value of a keyword, which may be given with or without HIERARCH; `None` if there is none.
    pub(crate) fn value(&self, keyword: &str) -> Option<Value> {
        let keyword = keyword
            .strip_prefix("HIERARCH ")
            .unwrap_or(keyword)
            .trim()
            .as_bytes();
        let at = self.cards.iter().position(|card| card.has(keyword))?;
        let mut value = self.cards[at].value()?;
        for next in self.cards[at + 1..]
            .iter()
            .take_while(|card| card.continues())
        {
            let Value::Text(text) = &mut value else { break };
            let (Some(stem), Some(Value::Text(more))) =
                (text.strip_suffix('&'), parse(&next.0[8..]))
            else {
                break;
            };
            *text = format!("{stem}{more}");
        }
        Some(value)
    }

    /// Whether there is a card of this keyword.
    pub(crate) fn contains(&self, keyword: &str) -> bool {
        self.cards.iter().any(|card| card.has(keyword.as_bytes()))
    }

    /// The value of a keyword as text, whatever it is.
    pub(crate) fn text(&self, keyword: &str) -> Option<String> {
        Some(self.value(keyword)?.text())
    }

    /// The value of a keyword as a whole number, also where it is written as `16.0`.
    pub(crate) fn integer(&self, keyword: &str) -> Option<i64> {
        match self.value(keyword)? {
            Value::Integer(value) => Some(value),
            value => whole(value.number()?),
        }
    }

    /// Whether a keyword says T.
    pub(crate) fn says_true(&self, keyword: &str) -> bool {
        self.value(keyword) == Some(Value::Logical(true))
    }

    /// A keyword that is given twice with different values, if any of these is.
    pub(crate) fn contradiction<'a>(
        &self,
        keywords: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        keywords.into_iter().find(|keyword| {
            let mut values = self
                .cards
                .iter()
                .filter(|card| card.has(keyword.as_bytes()))
                .map(Card::value);
            let first = values.next().flatten();
            values.any(|value| !same(first.as_ref(), value.as_ref()))
        })
    }
}

/// Whether these bytes are the last card; what fills it up need not be blanks.
fn is_end(card: &[u8; 80]) -> bool {
    card.starts_with(b"END") && matches!(card[3], b' ' | b'=' | 0)
}

/// What is said of a frame: a keyword is looked up in the HDU of the image, then in the primary.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keywords<'a> {
    /// The header of the image.
    pub image: &'a Header,
    /// The header of the primary HDU, where the image stands in another.
    pub primary: Option<&'a Header>,
}

impl Keywords<'_> {
    /// The value of a keyword. What says how pixels are stored is said of one HDU only.
    pub(crate) fn value(self, keyword: &str) -> Option<Value> {
        let stored = matches!(keyword, "BITPIX" | "NAXIS" | "BSCALE" | "BZERO" | "BLANK")
            || is_axis(keyword);
        let primary = self.primary.filter(|_| !stored);
        self.image
            .value(keyword)
            .or_else(|| primary?.value(keyword))
    }

    /// The value of a keyword as a number, also where it stands in a string.
    pub(crate) fn number(self, keyword: &str) -> Option<f64> {
        self.value(keyword)?.number()
    }

    /// The value of a keyword that is a string and not empty.
    pub(crate) fn text(self, keyword: &str) -> Option<String> {
        match self.value(keyword)? {
            Value::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// Whether a keyword is NAXIS1, NAXIS2 and so on.
pub(crate) fn is_axis(keyword: &str) -> bool {
    keyword
        .strip_prefix("NAXIS")
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

impl Value {
    /// Its text, or what would be read as the same value.
    pub(crate) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Logical(value) => if *value { "T" } else { "F" }.to_owned(),
            Self::Integer(value) => value.to_string(),
            Self::Number(value) => value.to_string(),
        }
    }

    /// The number that it is, or that its text reads as.
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Integer(value) => Some(*value as f64),
            Self::Number(value) => Some(*value),
            Self::Text(text) => read_number(text.trim()),
            Self::Logical(_) => None,
        }
    }
}

/// Whether two values are the same, also where one number is written in two ways.
fn same(one: Option<&Value>, other: Option<&Value>) -> bool {
    let number = |value: Option<&Value>| value.and_then(Value::number);
    one == other || number(one).is_some_and(|one| number(other) == Some(one))
}

/// A number that is whole and fits.
fn whole(value: f64) -> Option<i64> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "checked to be whole and below 2⁶³"
    )]
    (value.fract() == 0.0 && value.abs() < 9.2e18).then_some(value as i64)
}

/// A finite number as FITS writes it: with an E or a D exponent, or none.
pub(crate) fn read_number(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|b| b"0123456789+-.eEdD".contains(&b));
    let number = plain.then(|| text.replace(['d', 'D'], "E").parse::<f64>());
    number?.ok().filter(|number| number.is_finite())
}

/// The value at the beginning of these bytes; a comment may follow.
fn parse(field: &[u8]) -> Option<Value> {
    let field = field.trim_ascii();
    if let Some(string) = field.strip_prefix(b"'") {
        return Some(Value::Text(read_string(string)));
    }
    let end = field.iter().position(|&b| b == b'/').unwrap_or(field.len());
    let text = String::from_utf8_lossy(&field[..end]);
    let text = text.trim_matches(|c: char| c.is_whitespace() || c == '\0');
    // Some write a comment without its slash.
    let first = text.split_whitespace().next()?;
    Some(match (first, first.parse(), read_number(first)) {
        ("T", ..) => Value::Logical(true),
        ("F", ..) => Value::Logical(false),
        (_, Ok(integer), _) => Value::Integer(integer),
        (_, _, Some(number)) => Value::Number(number),
        _ => Value::Text(text.to_owned()),
    })
}

/// A string up to its closing quote, or to the end of the card where there is none.
fn read_string(bytes: &[u8]) -> String {
    let mut string = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().copied().peekable();
    while let Some(byte) = rest.next() {
        // Two quotes are one; one is the end.
        if byte == b'\'' && rest.next_if_eq(&b'\'').is_none() {
            break;
        }
        string.push(byte);
    }
    String::from_utf8_lossy(string.trim_ascii_end()).into_owned()
}

/// Text of a header or a file name, fit for a message: control characters could steer a terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests;
