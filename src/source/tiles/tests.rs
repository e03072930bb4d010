//! Tests of tables of tiles: what their headers say is checked before anything is read.

use super::*;
use crate::source::sample::{card, header_block};

/// The header of a table of the tiles of 8 × 6 bytes, one of which has 4 × 3; some cards are others.
fn table(others: &[(&str, &str)]) -> Header {
    let mut cards = vec![
        ("NAXIS1", "8"),
        ("NAXIS2", "4"),
        ("PCOUNT", "48"),
        ("TFIELDS", "1"),
        ("TTYPE1", "'COMPRESSED_DATA'"),
        ("TFORM1", "'1PB'"),
        ("ZCMPTYPE", "'NOCOMPRESS'"),
        ("ZBITPIX", "8"),
        ("ZNAXIS", "2"),
        ("ZNAXIS1", "8"),
        ("ZNAXIS2", "6"),
        ("ZTILE1", "4"),
        ("ZTILE2", "3"),
    ];
    for other in others {
        match cards.iter_mut().find(|card| card.0 == other.0) {
            Some(card) => card.1 = other.1,
            None => cards.push(*other),
        }
    }
    let cards: Vec<_> = cards.iter().map(|(key, value)| card(key, value)).collect();
    Header::from_bytes(&header_block(&cards))
}

/// A table of four tiles of 12 bytes, behind it the tiles.
fn bytes() -> Vec<u8> {
    let rows = (0..4_u32).flat_map(|tile| [12, 12 * tile].map(u32::to_be_bytes).concat());
    rows.chain(0..48).collect()
}

/// The image in a file that holds these bytes from byte 100 on.
fn tiles(header: &Header, bytes: &[u8]) -> Result<Tiles, String> {
    let length = 100 + bytes.len() as u64;
    Tiles::of(1, header, 100, length, |into, start| {
        let start = usize::try_from(start).expect("small") - 100;
        let from = bytes.get(start..).unwrap_or(&[]);
        let count = into.len().min(from.len());
        into[..count].copy_from_slice(&from[..count]);
        Ok(count)
    })
}

#[test]
fn a_table_that_agrees_with_its_header_is_taken() {
    let tiles = tiles(&table(&[]), &bytes()).expect("taken");
    assert_eq!((tiles.nbyte(), tiles.height(), tiles.longest), (48, 3, 12));
    assert!(!tiles.is_deep() && tiles.unpacked().is_none());
}

#[test]
fn a_header_that_speaks_of_more_than_there_is_is_refused_before_anything_is_made() {
    let said = |others: &[(&str, &str)]| tiles(&table(others), &bytes()).expect_err("refused");
    for (others, part) in [
        (
            &[("ZNAXIS1", "2000000000")][..],
            "has 4 tiles, but the image is cut into",
        ),
        (
            &[("ZNAXIS1", "9000000000000000000")],
            "more pixels than there can be",
        ),
        (&[("ZTILE1", "0")], "ZTILE1 is '0'"),
        (&[("ZTILE2", "-3")], "ZTILE2 is '-3'"),
        (&[("ZTILE2", "'x'")], "ZTILE2 is 'x'"),
        (
            &[("ZNAXIS2", "7")],
            "has 4 tiles, but the image is cut into 6",
        ),
        (&[("ZBITPIX", "12")], "ZBITPIX must be"),
        (
            &[("ZCMPTYPE", "'FANCY_1'")],
            "ZCMPTYPE 'FANCY_1', which is not read",
        ),
        (&[("NAXIS1", "100000")], "rows of 100000 bytes"),
        (&[("NAXIS1", "7")], "wider than its rows"),
        (&[("PCOUNT", "40")], "its tile 4 stands outside its table"),
        (&[("THEAP", "31")], "larger than there can be"),
        (
            &[("TFORM1", "'1J'")],
            "COMPRESSED_DATA is no column of runs",
        ),
        (&[("TFORM1", "'1PI'")], "COMPRESSED_DATA is of type I"),
        (&[("TFORM1", "'?'")], "TFORM1 is '?'"),
        (&[("TTYPE1", "'OTHER'")], "its tile 1 was never written"),
        (&[("TTYPE1", "'NULL_PIXEL_MASK'")], "NULL_PIXEL_MASK"),
        (
            &[("ZBITPIX", "-32"), ("ZCMPTYPE", "'RICE_1'")],
            "without ZSCALE and ZZERO",
        ),
        (
            &[
                ("ZCMPTYPE", "'RICE_1'"),
                ("ZNAME1", "'BYTEPIX'"),
                ("ZVAL1", "8"),
            ],
            "pixels of 8 bytes",
        ),
        (
            &[
                ("ZBITPIX", "-32"),
                ("ZSCALE", "1.0"),
                ("ZZERO", "0.0"),
                ("ZQUANTIZ", "'MAGIC'"),
            ],
            "ZQUANTIZ 'MAGIC'",
        ),
    ] {
        let said = said(others);
        assert!(said.contains(part), "{others:?}: {said}");
    }
}

#[test]
fn a_file_that_is_cut_short_says_at_which_tile() {
    let whole = bytes();
    let said = tiles(&table(&[]), &whole[..70]).expect_err("refused");
    assert_eq!(
        said,
        "is cut short: its tile 4 ends at byte 180, but the file has 170 bytes; copy it again"
    );
    let said = tiles(&table(&[]), &whole[..20]).expect_err("refused");
    assert_eq!(
        said,
        "is cut short: its table of tiles ends at byte 132, but the file has 120 bytes; copy it again"
    );
    let mut odd = whole;
    odd[8..12].fill(0);
    let said = tiles(&table(&[]), &odd).expect_err("refused");
    assert_eq!(said, "its tile 2 was never written");
}
