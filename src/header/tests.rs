//! What headers say, however they are written.

use super::*;

fn header(cards: &[&str]) -> Header {
    let bytes: Vec<u8> = cards
        .iter()
        .flat_map(|card| format!("{card:<80.80}").into_bytes())
        .collect();
    Header::from_bytes(&bytes)
}

#[test]
fn values_read_by_type() {
    let header = header(&[
        "SIMPLE  =                    T / it is",
        "BITPIX  =                  -32",
        "BZERO   =          3.2768D+04 / a comment",
        "EXPTIME = '30.0    '",
        "OBJECT  = 'O''Neill / 1 ''  ' / not this",
        "BITS    =7/8",
        "UNDEF   =                     / nothing",
        "ODD     = 12h30m",
        "BARE    = 30.5 s",
        "END",
        "AFTER   = 1",
    ]);
    assert!(header.says_true("SIMPLE"));
    assert_eq!(header.integer("BITPIX"), Some(-32));
    assert_eq!(
        header.value("BZERO").and_then(|value| value.number()),
        Some(32768.0)
    );
    assert_eq!(header.integer("bzero"), Some(32768));
    assert_eq!(
        header.value("EXPTIME").and_then(|value| value.number()),
        Some(30.0)
    );
    assert_eq!(header.text("OBJECT").as_deref(), Some("O'Neill / 1 '"));
    assert_eq!(
        (header.integer("BITS"), header.value("UNDEF")),
        (Some(7), None)
    );
    assert!(header.contains("UNDEF"));
    assert_eq!(header.value("ODD"), Some(Value::Text("12h30m".into())));
    assert_eq!(
        header.value("BARE").and_then(|value| value.number()),
        Some(30.5)
    );
    assert_eq!(header.cards().len(), 9);
}

#[test]
fn numbers_are_finite_and_plain() {
    for (text, number) in [("1.D5", 1e5), ("-.5", -0.5), ("+3e-2", 0.03), ("5.", 5.0)] {
        assert_eq!(read_number(text), Some(number), "{text}");
    }
    for text in ["nan", "inf", "infinity", "1e999", "", "-", "1 2", "0x10"] {
        assert_eq!(read_number(text), None, "{text}");
    }
}

#[test]
fn an_unterminated_string_runs_to_the_end_of_its_card() {
    let header = header(&["OBJECT  = 'M 31 / a comment"]);
    assert_eq!(header.text("OBJECT").as_deref(), Some("M 31 / a comment"));
}

#[test]
fn long_strings_go_on_in_continue_cards() {
    let header = header(&[
        "LONG    = 'one &'",
        "CONTINUE  'two &' / comment",
        "CONTINUE  'three'",
        "CONTINUE  'not this'",
        "ALONE   = 'x&'",
    ]);
    assert_eq!(header.text("LONG").as_deref(), Some("one two three"));
    assert_eq!(header.text("ALONE").as_deref(), Some("x&"));
}

#[test]
fn hierarch_keywords_are_found_with_and_without_the_word() {
    let header = header(&[
        "HIERARCH ESO DET CHIP1 ID = 'E2V / 44' / c",
        "HIERARCH is a word here",
    ]);
    assert_eq!(header.text("ESO DET CHIP1 ID").as_deref(), Some("E2V / 44"));
    assert_eq!(
        header.text("HIERARCH ESO DET CHIP1 ID").as_deref(),
        Some("E2V / 44")
    );
    assert_eq!(header.cards()[0].keyword(), "ESO DET CHIP1 ID");
    assert_eq!(header.cards()[1].keyword(), "HIERARCH");
}

#[test]
fn the_first_of_duplicates_counts_and_contradictions_are_seen() {
    let header = header(&[
        "GAIN    = 1.5",
        "GAIN    = 2.5",
        "NAXIS2  = 5",
        "NAXIS2  = 5 / again",
        "BZERO   = 32768",
        "BZERO   = 3.2768D4",
        "BLANK   = ",
        "BLANK   = 0",
    ]);
    assert_eq!(
        header.value("GAIN").and_then(|value| value.number()),
        Some(1.5)
    );
    assert_eq!(header.contradiction(["NAXIS2", "GAIN"]), Some("GAIN"));
    assert_eq!(header.contradiction(["NAXIS2", "NAXIS1", "BZERO"]), None);
    assert_eq!(header.contradiction(["BLANK"]), Some("BLANK"));
}

#[test]
fn odd_bytes_are_kept_in_cards_and_mended_in_text() {
    let mut bytes = format!("{:<80}", "OBJECT  = 'caf# \u{7}' / x").into_bytes();
    bytes[14] = 0xe9;
    let header = Header::from_bytes(&bytes);
    assert_eq!(header.cards()[0].0[14], 0xe9);
    let text = header.text("OBJECT").expect("a value");
    assert_eq!(printable(&text), "caf\u{fffd} \u{fffd}");
}

#[test]
fn comments_have_no_value() {
    let header = header(&["COMMENT = 5", "HISTORY = 6", "        = 7", "NOTE    5"]);
    assert!(header.cards().iter().all(|card| card.value().is_none()));
    assert_eq!(header.cards()[2].keyword(), "");
}

#[test]
fn a_header_ends_with_end_whatever_fills_that_card() {
    for end in ["END", "END\0\0\0\0\0\0", "END     junk", "END= 5"] {
        let header = header(&[
            "A       = 1",
            "ENDING  = 2",
            "END_RA  = 3",
            end,
            "B       = 4",
        ]);
        assert_eq!(header.cards().len(), 3, "{end:?}");
    }
}
