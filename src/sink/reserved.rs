//! Keywords that the standard reserves: which of them a result does not take over, and what the others must be.

use super::dates::standard_date;
use super::entry::Entry;
use super::value::{Value, is_number};
use super::wcs;

/// Keywords that tell how a frame is stored, which is no longer so.
const STORAGE: [&str; 24] = [
    "SIMPLE", "XTENSION", "BITPIX", "NAXIS", "PCOUNT", "GCOUNT", "GROUPS", "EXTEND", "BLOCKED",
    "END", "BZERO", "BSCALE", "BLANK", "CHECKSUM", "DATASUM", "DATAMIN", "DATAMAX", "LONGSTRN",
    "TFIELDS", "THEAP", "ZIMAGE", "ZHECKSUM", "ZDATASUM", "FZALGOR",
];

/// Keywords of packed images.
const PACKED: [&str; 20] = [
    "ZTENSION", "ZSIMPLE", "ZBITPIX", "ZNAXIS", "ZCMPTYPE", "ZMASKCMP", "ZQUANTIZ", "ZDITHER0",
    "ZBLANK", "ZSCALE", "ZZERO", "ZPCOUNT", "ZGCOUNT", "ZEXTEND", "ZBLOCKED", "ZTHEAP", "FZQVALUE",
    "FZQMETHD", "FZDTHRSD", "FZINT2F",
];

/// Keywords of tables and of parameters, with a number at their end.
const NUMBERED: [&str; 23] = [
    "NAXIS", "ZNAXIS", "ZTILE", "ZNAME", "ZVAL", "PTYPE", "PSCAL", "PZERO", "TBCOL", "TFORM",
    "TSCAL", "TZERO", "TNULL", "TTYPE", "TUNIT", "TDISP", "TDIM", "TCTYP", "TCUNI", "TCRVL",
    "TCDLT", "TCRPX", "TCROT",
];

/// Keywords of distortions, with a number at their end: their tables stand in HDUs that a result does not have.
const DISTORTIONS: [&str; 10] = [
    "DP", "DQ", "CPDIS", "CQDIS", "CPERR", "CQERR", "D2IM", "D2IMDIS", "D2IMERR", "DVERR",
];

const STRINGS: [&str; 10] = [
    "EXTNAME", "ORIGIN", "AUTHOR", "CREATOR", "REFERENC", "TELESCOP", "INSTRUME", "OBSERVER",
    "OBJECT", "BUNIT",
];

const INTEGERS: [&str; 2] = ["EXTVER", "EXTLEVEL"];

const FLOATS: [&str; 4] = ["EQUINOX", "EPOCH", "MJD-OBS", "MJD-AVG"];

/// Whether a keyword tells how a frame is stored.
pub(super) fn tells_storage(keyword: &str) -> bool {
    let stem = keyword.trim_end_matches(|c: char| c.is_ascii_digit());
    let numbered =
        stem.len() < keyword.len() && (NUMBERED.contains(&stem) || DISTORTIONS.contains(&stem));
    numbered || STORAGE.contains(&keyword) || PACKED.contains(&keyword)
}

/// Whether a keyword tells how a frame was combined of others.
pub(super) fn tells_stack(keyword: &str) -> bool {
    let number = keyword.strip_prefix("IMCMB");
    keyword == "NCOMBINE"
        || number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether an entry is a section of the frame, such as `TRIMSEC = '[1:100,1:100]'`.
pub(super) fn is_section(entry: &Entry) -> bool {
    let stem = entry.keyword.trim_end_matches(|c: char| c.is_ascii_digit());
    stem.ends_with("SEC")
        && entry
            .text()
            .is_some_and(|text| text.trim_start().starts_with('['))
}

/// What becomes of an entry whose keyword may be reserved.
pub(super) enum Verdict {
    /// It is as the standard wants it.
    Sound(Entry),
    /// It is now.
    Mended(Entry),
    /// It cannot be made so.
    Forbidden,
}

/// Brings an entry to what the standard wants of its keyword.
pub(super) fn judge(entry: Entry) -> Verdict {
    let keyword = entry.keyword.as_str();
    if entry.value == Value::Undefined {
        return Verdict::Forbidden;
    }
    if STRINGS.contains(&keyword) {
        return string(entry);
    }
    if keyword.starts_with("DATE") {
        return date(entry);
    }
    if INTEGERS.contains(&keyword) || keyword.starts_with("WCSAXES") {
        let integer = number(&entry).filter(|v| v.fract() == 0.0 && v.abs() < 1e9);
        return numeric(entry, integer.map(|v| format!("{v:.0}")));
    }
    if keyword == "INHERIT" {
        return if matches!(entry.value, Value::Logical(_)) {
            Verdict::Sound(entry)
        } else {
            Verdict::Forbidden
        };
    }
    if FLOATS.contains(&keyword) || wcs::is_float(keyword) {
        let value = number(&entry).filter(|&value| wcs::allows(keyword, value));
        return numeric(
            entry,
            value.map(|value| format!("{value:?}").to_uppercase()),
        );
    }
    if wcs::is_string(keyword) {
        return string(entry);
    }
    if let Some(words) = wcs::words(keyword) {
        let Some(text) = entry.text() else {
            return Verdict::Forbidden;
        };
        let upper = text.trim().to_ascii_uppercase();
        if words.contains(&text) {
            return Verdict::Sound(entry);
        }
        if words.contains(&upper.as_str()) {
            return Verdict::Mended(Entry::new(keyword, Value::Text(upper), &entry.comment));
        }
        return Verdict::Forbidden;
    }
    Verdict::Sound(entry)
}

/// An entry that has to be a string.
fn string(entry: Entry) -> Verdict {
    let text = match &entry.value {
        Value::Text(_) => return Verdict::Sound(entry),
        Value::Number(token) | Value::Complex(token) => token.clone(),
        Value::Logical(value) => if *value { "T" } else { "F" }.into(),
        Value::Commentary | Value::Undefined => return Verdict::Forbidden,
    };
    Verdict::Mended(Entry::new(
        &entry.keyword,
        Value::Text(text),
        &entry.comment,
    ))
}

/// An entry that has to be a date.
fn date(entry: Entry) -> Verdict {
    match entry.text().map(|text| (text, standard_date(text))) {
        Some((text, Some(date))) if date == text => Verdict::Sound(entry),
        Some((_, Some(date))) => Verdict::Mended(Entry::new(
            &entry.keyword,
            Value::Text(date),
            &entry.comment,
        )),
        _ => Verdict::Forbidden,
    }
}

/// An entry that has to be a number, written `token` where it is not one yet; `None` where it cannot be.
fn numeric(entry: Entry, token: Option<String>) -> Verdict {
    let integral =
        !entry.keyword.starts_with("WCSAXES") && !INTEGERS.contains(&entry.keyword.as_str());
    match (&entry.value, token) {
        (_, None) => Verdict::Forbidden,
        (Value::Number(written), Some(_))
            if integral || written.bytes().all(|b| b != b'.' && b != b'E' && b != b'D') =>
        {
            Verdict::Sound(entry)
        }
        (_, Some(token)) => Verdict::Mended(Entry::new(
            &entry.keyword,
            Value::Number(token),
            &entry.comment,
        )),
    }
}

/// The number that an entry holds, be it in a string: `'2000.0'`, `'J2000'`.
fn number(entry: &Entry) -> Option<f64> {
    let number = entry.number().or_else(|| {
        let text = entry.text()?.trim();
        let bare = if entry.keyword.starts_with('E') {
            text.trim_start_matches(['J', 'B'])
        } else {
            text
        };
        if is_number(bare) {
            bare.replace(['D', 'd'], "E").parse().ok()
        } else {
            None
        }
    });
    number.filter(|number: &f64| number.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The card that becomes of a value, and whether it was mended; `None` where the keyword is left out.
    fn judged(keyword: &str, value: Value) -> Option<(String, bool)> {
        let text = |entry: &Entry| {
            String::from_utf8_lossy(&entry.cards[0].0)
                .trim_end()
                .to_owned()
        };
        match judge(Entry::new(keyword, value, "")) {
            Verdict::Sound(entry) => Some((text(&entry), false)),
            Verdict::Mended(entry) => Some((text(&entry), true)),
            Verdict::Forbidden => None,
        }
    }

    fn number(token: &str) -> Value {
        Value::Number(token.into())
    }

    fn text(text: &str) -> Value {
        Value::Text(text.into())
    }

    #[test]
    fn values_of_a_wrong_type_are_mended() {
        for (keyword, value, card) in [
            ("OBJECT", number("31"), "OBJECT  = '31      '"),
            ("EQUINOX", text("J2000"), "EQUINOX =               2000.0"),
            ("CRPIX1", text("512"), "CRPIX1  =                512.0"),
            ("WCSAXES", number("2.0"), "WCSAXES =                    2"),
            ("EXTVER", text("3"), "EXTVER  =                    3"),
            ("RADESYS", text("fk5"), "RADESYS = 'FK5     '"),
            ("EPOCH", text("2000"), "EPOCH   =               2000.0"),
            ("DATE-OBS", text("2004/06/21"), "DATE-OBS= '2004-06-21'"),
        ] {
            assert_eq!(
                judged(keyword, value),
                Some((card.into(), true)),
                "{keyword}"
            );
        }
    }

    #[test]
    fn values_that_cannot_be_are_left_out() {
        for (keyword, value) in [
            ("ANY", Value::Undefined),
            ("DATE-OBS", text("yesterday")),
            ("DATE", number("2004")),
            ("OBJECT", Value::Commentary),
            ("EQUINOX", text("of date")),
            ("CDELT1", number("0.0")),
            ("CRDER1", number("-1")),
            ("RADESYS", text("")),
            ("INHERIT", text("T")),
            ("CRVAL1", number("1E999")),
        ] {
            assert_eq!(judged(keyword, value), None, "{keyword}");
        }
    }

    #[test]
    fn sound_values_stay() {
        for (keyword, value) in [
            ("OBJECT", text("M31")),
            ("CRPIX1", number("512")),
            ("EQUINOX", number("2.0D3")),
            ("CTYPE1", text("RA---TAN")),
            ("CDELT1", number("-0.1")),
            ("ANY", Value::Logical(true)),
            ("DATE-OBS", text("2004-06-21")),
            ("CDMATRIX", text("yes")),
        ] {
            assert!(
                judged(keyword, value).is_some_and(|(_, mended)| !mended),
                "{keyword}"
            );
        }
    }

    #[test]
    fn keywords_of_storage_are_known() {
        for keyword in [
            "NAXIS1", "BZERO", "ZTILE1", "TTYPE3", "CHECKSUM", "ZIMAGE", "DP1", "D2IM2",
        ] {
            assert!(tells_storage(keyword), "{keyword}");
        }
        for keyword in ["EXPTIME", "TTYPE", "IMCMB012", "NAXISX", "HISTORY"] {
            assert!(!tells_storage(keyword), "{keyword}");
        }
        for (keyword, stack) in [
            ("NCOMBINE", true),
            ("IMCMB012", true),
            ("IMCMB", false),
            ("IMCMBX", false),
        ] {
            assert_eq!(tells_stack(keyword), stack, "{keyword}");
        }
    }

    #[test]
    fn a_section_is_told_by_its_name_and_its_bracket() {
        assert!(is_section(&Entry::new("TRIMSEC", text("[1:2,3:4]"), "")));
        assert!(!is_section(&Entry::new("EXPSEC", number("3"), "")));
    }
}
