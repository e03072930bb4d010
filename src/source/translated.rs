//! The header of a packed image, as it was before the image was packed: everything behind the door sees a plain image.
//!
//! Source: FITS standard 4.0, 10.1; CFITSIO, `fits_img_decompress_header`.

use crate::header::{Card, Header};

/// Cards that say how the image was built, in the order in which they stand in a header, with their names in the table.
const STRUCTURE: [(&str, &str); 4] = [
    ("ZSIMPLE", "SIMPLE"),
    ("ZTENSION", "XTENSION"),
    ("ZBITPIX", "BITPIX"),
    ("ZNAXIS", "NAXIS"),
];

/// Cards that are called otherwise in the table, wherever they stand.
const RENAMED: [(&str, &str); 6] = [
    ("ZPCOUNT", "PCOUNT"),
    ("ZGCOUNT", "GCOUNT"),
    ("ZEXTEND", "EXTEND"),
    ("ZBLOCKED", "BLOCKED"),
    ("ZDATASUM", "DATASUM"),
    ("ZBLANK", "BLANK"),
];

/// Cards of the table itself, and of how it is packed.
const DROPPED: [&str; 17] = [
    "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "TFIELDS", "THEAP", "CHECKSUM", "DATASUM",
    "ZIMAGE", "ZHECKSUM", "ZCMPTYPE", "ZQUANTIZ", "ZDITHER0", "ZMASKCMP", "ZSCALE", "ZZERO",
];

/// The same with a number behind.
const NUMBERED: [&str; 4] = ["NAXIS", "ZTILE", "ZNAME", "ZVAL"];
const OF_COLUMNS: [&str; 9] = [
    "TTYPE", "TFORM", "TUNIT", "TNULL", "TSCAL", "TZERO", "TDISP", "TDIM", "TBCOL",
];

/// The name that packed images have of their own.
const DEFAULT_NAME: &str = "COMPRESSED_IMAGE";

/// The header of the image that is packed in the table of this header.
pub(super) fn image_header(table: &Header) -> Header {
    let mut cards = Vec::with_capacity(table.cards().len() + 1);
    for (packed, plain) in STRUCTURE {
        cards.extend(find(table, packed).map(|card| renamed(card, plain)));
        if plain == "XTENSION" && cards.is_empty() {
            cards.push(made("XTENSION= 'IMAGE   '"));
        }
    }
    for n in 1..=table.integer("ZNAXIS").unwrap_or(0).clamp(0, 999) {
        let card = find(table, &format!("ZNAXIS{n}"));
        cards.extend(card.map(|card| renamed(card, &format!("NAXIS{n}"))));
    }
    let ncolumn = table.integer("TFIELDS").unwrap_or(0);
    let is_float = table.integer("ZBITPIX").is_some_and(|bitpix| bitpix < 0);
    let has_blank = table.contains("BLANK") || is_float;
    let mut dropped = false;
    for card in table.cards() {
        let keyword = card.keyword();
        // A string that goes on belongs to the card before.
        if card.continues() && dropped {
            continue;
        }
        dropped = is_of_table(&keyword, ncolumn)
            || (keyword == "ZBLANK" && has_blank)
            || (keyword == "EXTNAME" && is_default_name(card));
        if dropped {
            continue;
        }
        let plain = RENAMED.iter().find(|(packed, _)| *packed == keyword);
        cards.push(plain.map_or(*card, |(_, plain)| renamed(card, plain)));
    }
    Header::from_cards(cards)
}

/// Whether a card says something of the table, or of how it is packed.
fn is_of_table(keyword: &str, ncolumn: i64) -> bool {
    let number = |stem: &str| keyword.strip_prefix(stem)?.parse::<u16>().ok();
    let structural = |(packed, _): &(&str, &str)| *packed == keyword;
    DROPPED.contains(&keyword)
        || STRUCTURE.iter().any(structural)
        || number("ZNAXIS").is_some()
        || NUMBERED.iter().any(|stem| number(stem).is_some())
        || OF_COLUMNS
            .iter()
            .any(|stem| number(stem).is_some_and(|n| (1..=ncolumn).contains(&i64::from(n))))
}

fn is_default_name(card: &Card) -> bool {
    card.value()
        .is_some_and(|value| value.text() == DEFAULT_NAME)
}

fn find<'a>(table: &'a Header, keyword: &str) -> Option<&'a Card> {
    table.cards().iter().find(|card| card.keyword() == keyword)
}

/// The same card under another keyword of at most 8 letters.
fn renamed(card: &Card, keyword: &str) -> Card {
    let mut card = *card;
    card.0[..8].fill(b' ');
    card.0[..keyword.len()].copy_from_slice(keyword.as_bytes());
    card
}

fn made(text: &str) -> Card {
    let mut card = Card([b' '; 80]);
    card.0[..text.len()].copy_from_slice(text.as_bytes());
    card
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::sample::{card, header_block};

    fn shown(header: &Header) -> Vec<String> {
        let cards = header.cards().iter();
        cards
            .map(|card| String::from_utf8_lossy(&card.0).trim_end().to_owned())
            .collect()
    }

    #[test]
    fn the_header_of_a_table_becomes_that_of_its_image() {
        let table = [
            ("XTENSION", "'BINTABLE'"),
            ("BITPIX", "8"),
            ("NAXIS", "2"),
            ("NAXIS1", "8"),
            ("NAXIS2", "3"),
            ("PCOUNT", "100"),
            ("GCOUNT", "1"),
            ("TFIELDS", "1"),
            ("TTYPE1", "'COMPRESSED_DATA'"),
            ("TFORM1", "'1PB(9)'"),
            ("ZIMAGE", "T"),
            ("ZTILE1", "4"),
            ("ZCMPTYPE", "'RICE_1'"),
            ("ZNAME1", "'BLOCKSIZE'"),
            ("ZVAL1", "32"),
            ("TTYPE2", "'mine'"),
            ("ZTENSION", "'IMAGE   '"),
            ("ZNAXIS", "2"),
            ("ZBITPIX", "16"),
            ("ZNAXIS1", "4"),
            ("ZNAXIS2", "3"),
            ("ZPCOUNT", "0"),
            ("ZGCOUNT", "1"),
            ("EXTNAME", "'COMPRESSED_IMAGE'"),
            ("ZERO0-3", "5"),
            ("ZBLANK", "-9"),
            ("ZDATASUM", "'12'"),
            ("DATASUM", "'13'"),
        ];
        let cards: Vec<_> = table.iter().map(|(key, value)| card(key, value)).collect();
        let header = image_header(&Header::from_bytes(&header_block(&cards)));
        let keys: Vec<_> = header
            .cards()
            .iter()
            .map(|card| card.keyword().into_owned())
            .collect();
        assert_eq!(
            keys,
            [
                "XTENSION", "BITPIX", "NAXIS", "NAXIS1", "NAXIS2", "TTYPE2", "PCOUNT", "GCOUNT",
                "ZERO0-3", "BLANK", "DATASUM"
            ]
        );
        assert_eq!(header.integer("BITPIX"), Some(16));
        assert_eq!(header.text("DATASUM").as_deref(), Some("12"));
    }

    #[test]
    fn an_image_is_an_extension_unless_it_was_the_primary() {
        let of = |cards: &[(&str, &str)]| {
            let cards: Vec<_> = cards.iter().map(|(key, value)| card(key, value)).collect();
            shown(&image_header(&Header::from_bytes(&header_block(&cards)))).remove(0)
        };
        let structure = [("ZBITPIX", "-32"), ("ZNAXIS", "2"), ("BLANK", "1")];
        assert_eq!(of(&structure), "XTENSION= 'IMAGE   '");
        let primary = [&structure[..], &[("ZSIMPLE", "T")]].concat();
        assert_eq!(of(&primary), "SIMPLE  =                    T");
    }
}
