//! The cards of a frame's header as entries: a keyword, what it says, and its cards, mended where the standard forbids
//! them.

use std::collections::BTreeSet;

use super::value::{Value, scan};
use crate::header::Card;

/// A keyword of a header with its cards: one, or more where a string goes on in CONTINUE cards.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) keyword: String,
    pub(super) value: Value,
    pub(super) comment: String,
    pub(super) cards: Vec<Card>,
}

/// The keywords whose cards could not stay as they were.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) mended: BTreeSet<String>,
    pub(super) left_out: BTreeSet<String>,
}

impl Notes {
    /// Takes back what was noted of a keyword.
    pub(super) fn forget(&mut self, keyword: &str) {
        self.mended.remove(keyword);
        self.left_out.remove(keyword);
    }
}

impl Entry {
    /// An entry with this value, formatted anew.
    pub(super) fn new(keyword: &str, value: Value, comment: &str) -> Self {
        let cards = match &value {
            Value::Commentary => Card::commentary(keyword, comment),
            Value::Undefined => vec![Card::token(keyword, "", comment)],
            Value::Text(text) => Card::string(keyword, text, comment),
            Value::Logical(value) => vec![Card::logical(keyword, *value, comment)],
            Value::Number(token) | Value::Complex(token) => {
                vec![Card::token(keyword, token, comment)]
            }
        };
        Self {
            keyword: keyword.into(),
            value,
            comment: comment.into(),
            cards,
        }
    }

    /// An entry with this number.
    pub(super) fn float(keyword: &str, value: f64, comment: &str) -> Self {
        Self {
            keyword: keyword.into(),
            value: Value::Number(format!("{value:?}").to_uppercase()),
            comment: comment.into(),
            cards: vec![Card::float(keyword, value, comment)],
        }
    }

    /// Its number, where it has one.
    pub(super) fn number(&self) -> Option<f64> {
        match &self.value {
            Value::Number(token) => token.replace(['D', 'd'], "E").parse().ok(),
            _ => None,
        }
    }

    /// Its string, where it has one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// Takes the cards of a header apart; what the standard forbids is mended or left out, and noted.
pub(super) fn entries(cards: &[Card], notes: &mut Notes) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    let mut goes_on = false;
    for card in cards {
        let (text, replaced) = printable(card);
        if text.starts_with("CONTINUE") {
            goes_on = goes_on
                && entries
                    .last_mut()
                    .is_some_and(|entry| continued(entry, &text, replaced, notes));
            if !goes_on {
                notes.left_out.insert("CONTINUE".into());
            }
            goes_on &= entries
                .last()
                .and_then(Entry::text)
                .is_some_and(|text| text.ends_with('&'));
            continue;
        }
        let entry = entry(&text, replaced, notes);
        goes_on = entry
            .as_ref()
            .and_then(Entry::text)
            .is_some_and(|text| text.ends_with('&'));
        entries.extend(entry);
    }
    entries
}

/// The text of a card with blanks in the place of control characters and `?` in that of other unprintable ones, and
/// whether there were any.
fn printable(card: &Card) -> (String, bool) {
    let replace = |&byte: &u8| match byte {
        b' '..=b'~' => char::from(byte),
        0..b' ' => ' ',
        _ => '?',
    };
    let text: String = card.0.iter().map(replace).collect();
    let replaced = text.as_bytes() != card.0.as_slice();
    (text, replaced)
}

/// The entry of one card that is not a CONTINUE.
fn entry(text: &str, replaced: bool, notes: &mut Notes) -> Option<Entry> {
    let written = text[..8].trim_end();
    let keyword = written.to_ascii_uppercase();
    let legal = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
    if !keyword.bytes().all(legal) || (replaced && written.contains('?')) {
        let name = keyword.trim();
        notes.left_out.insert(if name.is_empty() {
            "?".into()
        } else {
            name.into()
        });
        return None;
    }
    if keyword.is_empty() && replaced && text.trim().is_empty() {
        notes.left_out.insert("?".into());
        return None;
    }
    let misspelt = replaced || keyword != written;
    let rest = &text[8..];
    let card = Card::new(&format!("{keyword:<8}{rest}"));
    let remark = matches!(keyword.as_str(), "" | "COMMENT" | "HISTORY" | "HIERARCH");
    let assigned = rest.trim_start().strip_prefix('=').filter(|_| !remark);
    let Some(assigned) = assigned else {
        note_mended(misspelt, &keyword, notes);
        // To the standard HIERARCH is a comment; its value matters only where it goes on in the next card.
        let value = rest.split_once('=').filter(|_| keyword == "HIERARCH");
        let value = value.map(|(_, value)| scan(value).value);
        let value = value.filter(|value| matches!(value, Value::Text(_)));
        return Some(Entry {
            keyword,
            value: value.unwrap_or(Value::Commentary),
            comment: String::new(),
            cards: vec![card],
        });
    };
    let scan = scan(assigned);
    let faulty = scan.faulty || !rest.starts_with("= ");
    note_mended(faulty || misspelt, &keyword, notes);
    let mut entry = Entry::new(&keyword, scan.value, &scan.comment);
    if !faulty {
        entry.cards = vec![card];
    }
    Some(entry)
}

fn note_mended(mended: bool, keyword: &str, notes: &mut Notes) {
    if mended {
        notes.mended.insert(if keyword.is_empty() {
            "(blank)".into()
        } else {
            keyword.into()
        });
    }
}

/// Adds what a CONTINUE card holds to the entry before it; false where it holds no string.
fn continued(entry: &mut Entry, text: &str, replaced: bool, notes: &mut Notes) -> bool {
    let scan = scan(&text[8..]);
    let (Value::Text(piece), Value::Text(whole)) = (scan.value, &mut entry.value) else {
        return false;
    };
    whole.pop();
    whole.push_str(&piece);
    entry.comment = format!("{} {}", entry.comment, scan.comment).trim().into();
    note_mended(scan.faulty || replaced, &entry.keyword, notes);
    if scan.faulty {
        let quoted = piece.replace('\'', "''");
        entry
            .cards
            .push(Card::new(&format!("CONTINUE  '{quoted}'")));
    } else {
        entry.cards.push(Card::new(text));
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cards that become of these, the keywords that were mended, and those that were left out.
    fn mended(cards: &[&[u8]]) -> (Vec<String>, String, String) {
        let raw: Vec<Card> = cards
            .iter()
            .map(|text| {
                let mut bytes = [b' '; 80];
                bytes[..text.len()].copy_from_slice(text);
                Card(bytes)
            })
            .collect();
        let mut notes = Notes::default();
        let entries = entries(&raw, &mut notes);
        let text = |card: &Card| String::from_utf8_lossy(&card.0).trim_end().to_owned();
        let texts = entries
            .iter()
            .flat_map(|entry| entry.cards.iter().map(text))
            .collect();
        let list = |names: BTreeSet<String>| names.into_iter().collect::<Vec<_>>().join(" ");
        (texts, list(notes.mended), list(notes.left_out))
    }

    #[test]
    fn sound_cards_stay_as_they_are() {
        for card in [
            "OBJECT  = 'M31 ''core''' / a comment",
            "EXPTIME =                 30.0",
            "GAIN    = 1.5D+3/comment",
            "Z       =        (1.0, -2)",
            "FLAG    = T",
            "COMMENT = 'not a value",
            "HIERARCH ESO DET DIT = 10.0 / s",
            "NOTHING  says nothing",
            "NULL    =                      / undefined",
            "",
        ] {
            let (texts, mended, left_out) = mended(&[card.as_bytes()]);
            assert_eq!(
                (texts[0].as_str(), mended.as_str(), left_out.as_str()),
                (card, "", "")
            );
        }
    }

    #[test]
    fn forbidden_cards_are_mended_and_named() {
        for (card, becomes) in [
            (&b"OBJECT  = 'M31"[..], "OBJECT  = 'M31     '"),
            (
                b"OBJECT  = 'M\xe931\t' / \x07bell",
                "OBJECT  = 'M?31 ' /  bell",
            ),
            (
                b"OBJECT  = M31 / name",
                "OBJECT  = 'M31     '           / name",
            ),
            (
                b"OBJECT  = 'M31' name",
                "OBJECT  = 'M31     '           / name",
            ),
            (b"OBJECT  ='M31'", "OBJECT  = 'M31     '"),
            (b"OBJECT   ='M31'", "OBJECT  = 'M31     '"),
            (b"object  = 'M31'", "OBJECT  = 'M31'"),
            (b"OBJECT  = nan", "OBJECT  = 'nan     '"),
            (
                b"OBJECT  = 1.5e3 / low",
                "OBJECT  =                1.5E3 / low",
            ),
            (
                b"OBJECT  = 30.0 seconds",
                "OBJECT  =                 30.0 / seconds",
            ),
            (b"OBJECT  = 2004-06-21", "OBJECT  = '2004-06-21'"),
        ] {
            let (texts, mended, left_out) = mended(&[card]);
            assert_eq!(
                (texts[0].as_str(), mended.as_str(), left_out.as_str()),
                (becomes, "OBJECT", "")
            );
        }
    }

    #[test]
    fn cards_whose_keyword_cannot_be_are_left_out_and_named() {
        for (card, name) in [
            (&b"CCD.TEMP= -20"[..], "CCD.TEMP"),
            (b"CCD TEMP= -20", "CCD TEMP"),
            (b"  TEMP  = -20", "TEMP"),
            (b"\0\0\0", "?"),
            (b"T\xb0      = 1", "T?"),
        ] {
            let (texts, _, left_out) = mended(&[card]);
            assert_eq!((texts, left_out.as_str()), (vec![], name));
        }
    }

    #[test]
    fn a_string_goes_on_only_behind_an_ampersand() {
        let long: [&[u8]; 3] = [
            b"LONG    = 'one &'",
            b"CONTINUE  'two&' / a",
            b"CONTINUE  'three' / b",
        ];
        assert_eq!(
            mended(&long).0,
            long.map(|text| String::from_utf8_lossy(text).into_owned())
        );
        let stray: [&[u8]; 2] = [b"SHORT   = 'one'", b"CONTINUE  'two'"];
        assert_eq!(
            mended(&stray),
            (
                vec!["SHORT   = 'one'".into()],
                String::new(),
                "CONTINUE".into()
            )
        );
        let open: [&[u8]; 2] = [b"LONG    = 'one&'", b"CONTINUE  'two"];
        assert_eq!(
            mended(&open),
            (
                vec!["LONG    = 'one&'".into(), "CONTINUE  'two'".into()],
                "LONG".into(),
                String::new()
            )
        );
        let hierarch: [&[u8]; 2] = [b"HIERARCH A B = 'one&'", b"CONTINUE  'two'"];
        assert_eq!(mended(&hierarch).0.len(), 2);
    }
}
