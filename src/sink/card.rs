//! Cards of a header, formatted as the FITS standard wants them.

use crate::header::Card;

/// Characters of a string that fit between the quotes of one card.
const STRING: usize = 68;

impl Card {
    /// Its first 8 characters, where a keyword stands; empty where they do not read.
    pub(super) fn name(&self) -> &str {
        std::str::from_utf8(&self.0[..8]).unwrap_or("").trim_end()
    }

    /// A card of this text, cut at 80 characters; what is not printable ASCII becomes `?`.
    pub(super) fn new(text: &str) -> Self {
        let mut card = [b' '; 80];
        for (place, character) in card.iter_mut().zip(text.chars()) {
            *place = printable(character);
        }
        Self(card)
    }

    /// A value in fixed format: at the right of columns 11 to 30 where it fits there.
    fn fixed(keyword: &str, value: &str, comment: &str) -> Self {
        let comment = if comment.is_empty() {
            String::new()
        } else {
            format!(" / {comment}")
        };
        Self::new(&format!("{keyword:<8}= {value:>20}{comment}"))
    }

    /// A logical value.
    pub(crate) fn logical(keyword: &str, value: bool, comment: &str) -> Self {
        Self::fixed(keyword, if value { "T" } else { "F" }, comment)
    }

    /// An integer.
    pub(crate) fn integer(keyword: &str, value: i64, comment: &str) -> Self {
        Self::fixed(keyword, &value.to_string(), comment)
    }

    /// A floating point number, with as many digits as it takes to read the same number back.
    ///
    /// FITS has no number that is not finite: such a value stands as a string.
    pub(crate) fn float(keyword: &str, value: f64, comment: &str) -> Self {
        if value.is_finite() {
            Self::fixed(keyword, &format!("{value:?}").to_uppercase(), comment)
        } else {
            Self::fixed(keyword, &format!("'{:<8}'", value.to_string()), comment)
        }
    }

    /// A value that is written as it stands: a number or a pair of numbers.
    pub(super) fn token(keyword: &str, value: &str, comment: &str) -> Self {
        Self::fixed(keyword, value, comment)
    }

    /// A string; one that is too long for a card goes on in CONTINUE cards.
    pub(crate) fn string(keyword: &str, value: &str, comment: &str) -> Vec<Self> {
        let value = value.trim_end();
        let characters: Vec<String> = value
            .chars()
            .map(|c| {
                if c == '\'' {
                    "''".into()
                } else {
                    char::from(printable(c)).to_string()
                }
            })
            .collect();
        if characters.iter().map(String::len).sum::<usize>() <= STRING {
            let text = characters.concat();
            let comment = if comment.is_empty() {
                String::new()
            } else {
                format!(" / {comment}")
            };
            let quoted = format!("'{text:<8}'");
            return vec![Self::new(&format!("{keyword:<8}= {quoted:<20}{comment}"))];
        }
        // All but the last piece end with an ampersand; a doubled quote is never torn apart.
        let mut pieces = vec![String::new()];
        for character in characters {
            let last = pieces.last_mut().expect("there is always one");
            if last.len() + character.len() < STRING {
                last.push_str(&character);
            } else {
                last.push('&');
                pieces.push(character);
            }
        }
        let last = pieces.len() - 1;
        let piece = |(number, piece): (usize, &String)| {
            let head = if number == 0 {
                format!("{keyword:<8}= ")
            } else {
                "CONTINUE  ".into()
            };
            let comment = if number == last && !comment.is_empty() {
                format!(" / {comment}")
            } else {
                String::new()
            };
            Self::new(&format!("{head}'{piece}'{comment}"))
        };
        pieces.iter().enumerate().map(piece).collect()
    }

    /// COMMENT or HISTORY: the text wrapped to as many cards as it takes.
    pub(crate) fn commentary(keyword: &str, text: &str) -> Vec<Self> {
        wrap(text, 72)
            .into_iter()
            .map(|line| Self::new(&format!("{keyword:<8}{line}")))
            .collect()
    }
}

/// The character as a header may hold it.
fn printable(character: char) -> u8 {
    match u8::try_from(character) {
        Ok(byte @ b' '..=b'~') => byte,
        Ok(0..b' ') => b' ',
        _ => b'?',
    }
}

/// Breaks a text behind blanks and commas, and words that are too long anywhere, into lines of at most `limit`
/// characters.
fn wrap(text: &str, limit: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut length = 0;
    for word in text.split_inclusive([' ', ',']) {
        let letters = word.trim_end().chars().count();
        if length > 0 && length + letters > limit {
            lines.push(String::new());
            length = 0;
        }
        for letter in word.chars() {
            if length == limit {
                if letter == ' ' {
                    continue;
                }
                lines.push(String::new());
                length = 0;
            }
            lines.last_mut().expect("there is always one").push(letter);
            length += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(card: &Card) -> String {
        String::from_utf8_lossy(&card.0).trim_end().to_owned()
    }

    fn texts(cards: &[Card]) -> Vec<String> {
        cards.iter().map(text).collect()
    }

    #[test]
    fn values_stand_in_fixed_format() {
        assert_eq!(
            text(&Card::logical("SIMPLE", true, "")),
            "SIMPLE  =                    T"
        );
        assert_eq!(
            text(&Card::integer("NAXIS", 2, "axes")),
            "NAXIS   =                    2 / axes"
        );
        assert_eq!(
            text(&Card::float("CRPIX1", 512.0, "")),
            "CRPIX1  =                512.0"
        );
        assert_eq!(
            text(&Card::float("A", 1e-30, "")),
            "A       =                1E-30"
        );
        assert_eq!(
            text(&Card::float("A", 0.1, "")),
            "A       =                  0.1"
        );
        assert_eq!(
            text(&Card::float("A", f64::NAN, "")),
            "A       =           'NaN     '"
        );
    }

    #[test]
    fn strings_are_quoted_and_their_quotes_doubled() {
        assert_eq!(
            texts(&Card::string("OBJECT", "M31", "it")),
            ["OBJECT  = 'M31     '           / it"]
        );
        assert_eq!(
            texts(&Card::string("OBJECT", "O'Neil", "")),
            ["OBJECT  = 'O''Neil '"]
        );
        assert_eq!(
            texts(&Card::string("OBJECT", "a\nµ", "")),
            ["OBJECT  = 'a ?     '"]
        );
    }

    #[test]
    fn a_long_string_goes_on_in_further_cards() {
        let long = format!("{}''{}", "a".repeat(66), "b".repeat(70));
        let cards = texts(&Card::string("LONG", &long, "end"));
        assert_eq!(cards[0], format!("LONG    = '{}&'", "a".repeat(66)));
        assert_eq!(cards[1], format!("CONTINUE  '''''{}&'", "b".repeat(63)));
        assert_eq!(cards[2], format!("CONTINUE  '{}' / end", "b".repeat(7)));
    }

    #[test]
    fn history_is_wrapped_behind_blanks_and_commas() {
        let line = |n: usize| "word ".repeat(n).trim_end().to_owned();
        let cards = texts(&Card::commentary("HISTORY", &line(20)));
        assert_eq!(
            cards,
            [
                format!("HISTORY {}", line(14)),
                format!("HISTORY {}", line(6))
            ]
        );
        let cards = texts(&Card::commentary("HISTORY", &"x".repeat(100)));
        assert_eq!(
            cards,
            [
                format!("HISTORY {}", "x".repeat(72)),
                format!("HISTORY {}", "x".repeat(28))
            ]
        );
        assert_eq!(texts(&Card::commentary("COMMENT", "")), ["COMMENT"]);
    }
}
