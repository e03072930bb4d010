//! What the headers of a stack agree on: keywords, and the unit of their pixels.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use crate::header::{Header, is_axis};
use crate::steps::{is_step, says_done};

/// The header of the first frame, with which those of the others are compared.
#[derive(Debug)]
pub(super) struct FirstHeader {
    pub header: Header,
    /// Where each keyword stands first.
    places: HashMap<String, usize>,
}

impl FirstHeader {
    pub(super) fn new(header: Header) -> Self {
        let mut places = HashMap::new();
        for (at, card) in header.cards().iter().enumerate() {
            places.entry(card.keyword().into_owned()).or_insert(at);
        }
        Self { header, places }
    }

    /// Adds the keywords whose values another header does not have in common with this.
    ///
    /// Headers of one camera are alike card by card, so that most cards need no look at their keyword.
    pub(super) fn compare(&self, other: &Header, differing: &mut BTreeSet<String>) {
        let first = self.header.cards();
        let mut met = vec![false; first.len()];
        let mut cursor = 0;
        for (at, card) in other.cards().iter().enumerate() {
            if first.get(cursor) == Some(card) {
                met[cursor] = true;
                cursor += 1;
                continue;
            }
            let keyword = owner(other, at);
            if let Some(&place) = self.places.get(keyword.as_ref()) {
                met[place] = true;
                cursor = if card.continues() {
                    cursor + 1
                } else {
                    place + 1
                };
            }
            if is_said_of_the_sky(&keyword)
                && !differing.contains(keyword.as_ref())
                && self.disagrees(&keyword, other)
            {
                differing.insert(keyword.into_owned());
            }
        }
        for (card, _) in first
            .iter()
            .zip(met)
            .filter(|(card, met)| !met && !card.continues())
        {
            let keyword = card.keyword();
            if is_said_of_the_sky(&keyword) && self.disagrees(&keyword, other) {
                differing.insert(keyword.into_owned());
            }
        }
    }
}

impl FirstHeader {
    /// Whether the value of a keyword is another. Of a step of the calibration it counts only whether it is done: how, which each header
    /// tells of its own frame, is no matter of the observation.
    fn disagrees(&self, keyword: &str, other: &Header) -> bool {
        let (first, other) = (self.header.value(keyword), other.value(keyword));
        let done = [&first, &other].map(|value| is_step(keyword) && says_done(value.as_ref()));
        match done {
            [false, false] => first != other,
            [first, other] => first != other,
        }
    }
}

/// The keyword to which a card belongs: its own, or that of the string which it goes on with.
fn owner(header: &Header, at: usize) -> Cow<'_, str> {
    let own = header.cards()[..=at]
        .iter()
        .rev()
        .find(|card| !card.continues());
    own.map_or(Cow::Borrowed(""), |card| card.keyword())
}

/// Whether a keyword says something of the observation: not how the file is built, and no comment.
fn is_said_of_the_sky(keyword: &str) -> bool {
    const BUILT: [&str; 18] = [
        "", "COMMENT", "HISTORY", "CONTINUE", "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "EXTEND",
        "PCOUNT", "GCOUNT", "BSCALE", "BZERO", "BLANK", "CHECKSUM", "DATASUM", "LONGSTRN",
        "NEXTEND",
    ];
    !BUILT.contains(&keyword) && !is_axis(keyword)
}

/// The unit of samples after a gain.
pub(super) const ELECTRON: &str = "electron";

/// The unit of pixels in the one spelling in which units compare: adu, ADU, DN, count, counts and none are one; electrons have
/// few spellings.
pub(super) fn canonical_unit(bunit: Option<&str>) -> String {
    let unit = bunit.unwrap_or_default().trim();
    let is_one_of = |names: &[&str]| names.iter().any(|name| unit.eq_ignore_ascii_case(name));
    if is_one_of(&["", "adu", "dn", "count", "counts"]) {
        "adu".to_owned()
    } else if is_one_of(&[ELECTRON, "electrons", "e-"]) {
        ELECTRON.to_owned()
    } else {
        unit.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::header_block;

    fn header(cards: &[&str]) -> Header {
        let cards: Vec<_> = cards.iter().map(|card| format!("{card:<80}")).collect();
        Header::from_bytes(&header_block(&cards))
    }

    fn differing(first: &[&str], other: &[&str]) -> Vec<String> {
        let mut differing = BTreeSet::new();
        FirstHeader::new(header(first)).compare(&header(other), &mut differing);
        differing.into_iter().collect()
    }

    #[test]
    fn values_differ_but_comments_order_and_structure_do_not() {
        let first = [
            "NAXIS1  = 5",
            "A       = 1 / one",
            "B       = 'x'",
            "C       = 3",
            "HISTORY one",
            "D       = 4",
        ];
        let other = [
            "NAXIS1  = 6",
            "B       = 'y'",
            "HISTORY two",
            "HISTORY 3",
            "A       = 1 / uno",
            "C       = 3",
            "D       = 5",
        ];
        assert_eq!(differing(&first, &other), ["B", "D"]);
        assert!(differing(&first, &first).is_empty());
    }

    #[test]
    fn a_keyword_that_only_one_has_differs() {
        assert_eq!(
            differing(
                &["A       = 1", "B       = 2"],
                &["B       = 2", "C       = 3"]
            ),
            ["A", "C"]
        );
    }

    #[test]
    fn of_a_step_it_counts_whether_it_is_done_not_how() {
        let done = |mean: u32| {
            [
                format!("OVERSCAN= 'Overscan section is [1:4,1:9] with mean={mean}'"),
                format!("SUBBIAS = 'ccd=<CCDData>, master={mean}'"),
                "FILTER  = 'V'".into(),
            ]
        };
        let (one, two) = (done(100), done(101));
        let one: Vec<_> = one.iter().map(String::as_str).collect();
        let two: Vec<_> = two.iter().map(String::as_str).collect();
        assert!(differing(&one, &two).is_empty());
        assert_eq!(differing(&one, &two[1..]), ["OVERSCAN"]);
        assert_eq!(differing(&one[2..], &two), ["OVERSCAN", "SUBBIAS"]);
    }

    #[test]
    fn long_strings_are_compared_as_a_whole() {
        let long = [
            "LONG    = 'a&'",
            "CONTINUE  'b&'",
            "CONTINUE  'c'",
            "Z       = 1",
        ];
        assert_eq!(
            differing(
                &long,
                &[
                    "LONG    = 'a&'",
                    "CONTINUE  'b&'",
                    "CONTINUE  'd'",
                    "Z       = 1"
                ]
            ),
            ["LONG"]
        );
        assert_eq!(
            differing(&long, &["LONG    = 'abc'", "Z       = 1"]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn the_usual_names_of_counts_are_one_unit() {
        for unit in [
            None,
            Some(""),
            Some("adu"),
            Some("ADU "),
            Some("DN"),
            Some("count"),
            Some("Counts"),
        ] {
            assert_eq!(canonical_unit(unit), "adu");
        }
        for unit in ["electron", "ELECTRONS", "e-"] {
            assert_eq!(canonical_unit(Some(unit)), "electron");
        }
        assert_eq!(canonical_unit(Some("Electron/s")), "Electron/s");
    }
}
