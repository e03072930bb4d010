//! The header of a result: that of the first frame, less what no longer holds, with where the result comes from.

use super::calibrated::calibrated;
use super::entry::{Entry, Notes};
use super::frame::{Keep, drop_duplicates, frame_naxis, inherit, kept, replace_epoch};
use super::provenance::Provenance;
use super::value::Value;
use super::wcs;
use crate::header::Card;
use crate::recipe::Method;

/// Which header of the output is composed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Part<'a> {
    /// That of a single image, which becomes the primary.
    Whole {
        /// Where the frames are extensions, the primary header of the first: its keywords are looked up where the
        /// extension has none, so those that the extension lacks are taken over.
        inherited: &'a [Card],
    },
    /// The primary of a multi-extension file, without data.
    Primary,
    /// An image of a multi-extension file; its EXTNAME and EXTVER are left to the caller.
    Extension,
}

/// Composes the header of a result from that of the first frame: all cards but those that describe how the pixels
/// are stored, which [`super::HduSpec`] adds.
pub(crate) fn combined(first: &[Card], part: Part<'_>, provenance: &Provenance<'_>) -> Vec<Card> {
    // Calibrated on the way, a frame has the header that it has when it is calibrated into a file.
    if let Some(steps) = provenance.calibration {
        let first = calibrated(first, part, steps);
        let part = match part {
            Part::Whole { .. } => Part::Whole { inherited: &[] },
            other => other,
        };
        return stacked(&first, part, provenance);
    }
    stacked(first, part, provenance)
}

/// The header of a result from that of the first frame, calibrated or not.
fn stacked(first: &[Card], part: Part<'_>, provenance: &Provenance<'_>) -> Vec<Card> {
    let keep = Keep {
        sections: provenance.region.is_none(),
        stack: false,
    };
    let mut notes = Notes::default();
    let mut header = settled(first, part, keep, &mut notes);
    if let Some(region) = provenance.region {
        wcs::shift(&mut header, region);
    }
    for entry in result(&mut header, part, provenance) {
        notes.forget(&entry.keyword);
        set(&mut header, entry);
    }
    let mut making = Vec::new();
    if !matches!(part, Part::Primary) {
        making = provenance.frames();
    }
    making.extend(provenance.choices());
    flatten(&header, making, &notes)
}

/// What still holds of the header of a frame, as the standard wants it.
pub(super) fn settled(first: &[Card], part: Part<'_>, keep: Keep, notes: &mut Notes) -> Vec<Entry> {
    let mut header = kept(first, part, keep, notes);
    if let Part::Whole { inherited } = part {
        header = inherit(header, inherited, keep, notes);
    }
    drop_duplicates(&mut header, notes);
    replace_epoch(&mut header, notes);
    let naxis = if matches!(part, Part::Primary) { 0 } else { 2 };
    wcs::settle(&mut header, naxis, frame_naxis(first), notes);
    header
}

/// Puts the cards of the header together with those of its making.
pub(super) fn flatten(header: &[Entry], making: Vec<Card>, notes: &Notes) -> Vec<Card> {
    let mut cards: Vec<Card> = header
        .iter()
        .flat_map(|entry| entry.cards.iter().copied())
        .collect();
    // Blank cards at the end of a header are room that was kept for more.
    while cards
        .last()
        .is_some_and(|card| card.0.iter().all(|&b| b == b' '))
    {
        cards.pop();
    }
    cards.extend(making);
    for (what, keywords) in [("mended", &notes.mended), ("left out", &notes.left_out)] {
        if !keywords.is_empty() {
            let keywords: Vec<&str> = keywords.iter().map(String::as_str).collect();
            let line = format!(
                "cards {what}, as the FITS standard forbids them: {}",
                keywords.join(" ")
            );
            cards.extend(Card::commentary("HISTORY", &line));
        }
    }
    if cards.iter().any(|card| card.name() == "CONTINUE") {
        let long = Card::string(
            "LONGSTRN",
            "OGIP 1.0",
            "long strings go on in CONTINUE cards",
        );
        cards.splice(0..0, long);
    }
    cards
}

/// Puts an entry in the place of the one with its keyword, or at the end.
pub(super) fn set(header: &mut Vec<Entry>, entry: Entry) {
    match header.iter_mut().find(|old| old.keyword == entry.keyword) {
        Some(old) => *old = entry,
        None => header.push(entry),
    }
}

/// What the result says of itself. A primary without data tells the times only where the frame's did.
fn result(header: &mut Vec<Entry>, part: Part<'_>, provenance: &Provenance<'_>) -> Vec<Entry> {
    let (method, exposures) = (provenance.stack.method, provenance.exposures);
    let primary = matches!(part, Part::Primary);
    let text = |keyword: &str, text: &str, comment: &str| {
        Entry::new(keyword, Value::Text(text.into()), comment)
    };
    let exptime = exposures.exptime(method).map(|time| {
        let comment = match method {
            Method::Sum => "[s] sum of the exposure times",
            Method::Median | Method::Lmedian => "[s] median of the exposure times",
            _ => "[s] mean of the exposure times",
        };
        Entry::float("EXPTIME", time, comment)
    });
    if exptime.is_none() {
        // That of one frame would be taken for that of all.
        header.retain(|entry| entry.keyword != "EXPTIME");
    }
    let begin = exposures
        .date_obs()
        .map(|date| text("DATE-OBS", date, "earliest of the frames"));
    let end = exposures
        .date_end()
        .map(|date| text("DATE-END", date, "latest end of an exposure"));
    let mut entries: Vec<Entry> = [exptime, begin, end].into_iter().flatten().collect();
    let has = |keyword: &str| header.iter().any(|entry| entry.keyword == keyword);
    entries.retain(|entry| !primary || has(&entry.keyword));
    let nframe = Value::Number(provenance.nframe.to_string());
    entries.push(Entry::new("NCOMBINE", nframe, "frames combined"));
    entries.extend(missing_unit(header).filter(|_| !primary));
    entries
}

/// The unit of an image that names none.
pub(super) fn missing_unit(header: &[Entry]) -> Option<Entry> {
    let unit = header.iter().find(|entry| entry.keyword == "BUNIT");
    let named = unit
        .and_then(Entry::text)
        .is_some_and(|unit| !unit.trim().is_empty());
    (!named).then(|| unit_of_pixels("adu"))
}

/// The card of a unit.
pub(super) fn unit_of_pixels(unit: &str) -> Entry {
    Entry::new("BUNIT", Value::Text(unit.into()), "unit of the pixels")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recipe::Stack;
    use crate::shape::Area;
    use crate::sink::{Exposures, Limits};
    use std::collections::BTreeSet;
    use std::path::Path;

    fn cards(texts: &[&str]) -> Vec<Card> {
        texts.iter().map(|text| Card::new(text)).collect()
    }

    /// The header of three frames of 10 s, `first` being the first.
    fn header(first: &[&str], part: Part<'_>, region: Option<&Area>) -> Vec<String> {
        let mut exposures = Exposures::default();
        for start in [
            "2024-03-01T00:00:20",
            "2024-03-01T00:00:00",
            "2024-03-01T00:00:40",
        ] {
            exposures.add(Some(10.0), Some(start), None);
        }
        let stack = Stack {
            clip: vec!["sigma:3".parse().expect("a clip")],
            ..Stack::default()
        };
        let provenance = Provenance {
            clip: &["sigma:3,3".to_owned()],
            stack: &stack,
            nframe: 3,
            name: &|frame| format!("f{frame}.fits"),
            exposures: &exposures,
            differing: &BTreeSet::from(["AIRMASS".to_owned()]),
            skipped: &[],
            bad_pixels: Some(Path::new("/home/me/bad.fits")),
            region,
            uncertainty: true,
            calibration: None,
            limits: Limits::default(),
        };
        let composed = combined(&cards(first), part, &provenance);
        composed
            .iter()
            .map(|card| String::from_utf8_lossy(&card.0).trim_end().to_owned())
            .collect()
    }

    const WHOLE: Part<'_> = Part::Whole { inherited: &[] };

    fn value(header: &[String], keyword: &str) -> Option<String> {
        let card = header
            .iter()
            .find(|card| card.starts_with(&format!("{keyword:<8}=")))?;
        Some(card[10..].split(" / ").next()?.trim().to_owned())
    }

    fn has(header: &[String], line: &str) -> bool {
        header.iter().any(|card| card == &format!("HISTORY {line}"))
    }

    #[test]
    fn what_tells_how_a_frame_is_stored_is_not_taken_over() {
        let first = [
            "SIMPLE  = T",
            "BITPIX  = 16",
            "NAXIS1  = 9",
            "BZERO   = 32768",
            "IMCMB001= 'old'",
            "EXTNAME = 'SCI'",
        ];
        let header = header(&[&first[..], &["GAIN    = 1.5"]].concat(), WHOLE, None);
        assert_eq!(value(&header, "GAIN").as_deref(), Some("1.5"));
        for keyword in ["SIMPLE", "BITPIX", "NAXIS1", "BZERO", "EXTNAME"] {
            assert_eq!(value(&header, keyword), None, "{keyword}");
        }
        assert!(!header.iter().any(|card| card.contains("forbids")));
    }

    #[test]
    fn the_result_tells_its_frames_its_choices_and_its_times() {
        let header = header(&["EXPTIME = 99 / [s]", "BUNIT   = 'DN'"], WHOLE, None);
        for (keyword, text) in [
            ("NCOMBINE", "3"),
            ("EXPTIME", "10.0"),
            ("BUNIT", "'DN'"),
            ("DATE-OBS", "'2024-03-01T00:00:00'"),
            ("DATE-END", "'2024-03-01T00:00:50.000'"),
            ("IMCMB003", "'f2.fits '"),
        ] {
            assert_eq!(value(&header, keyword).as_deref(), Some(text), "{keyword}");
        }
        for line in [
            "clip sigma:3,3",
            "uncertainty scatter",
            "bad pixels bad.fits",
            "the frames differ in AIRMASS",
        ] {
            assert!(has(&header, line), "{line}");
        }
        let version = env!("CARGO_PKG_VERSION");
        assert!(has(
            &header,
            &format!("ccdstream {version}: average of 3 frames")
        ));
    }

    #[test]
    fn a_frame_without_unit_is_in_adu() {
        assert_eq!(
            value(&header(&[], WHOLE, None), "BUNIT").as_deref(),
            Some("'adu     '")
        );
        assert_eq!(
            value(&header(&["BUNIT   = ''"], WHOLE, None), "BUNIT").as_deref(),
            Some("'adu     '")
        );
    }

    #[test]
    fn a_region_moves_the_reference_pixel_and_drops_sections() {
        let first = [
            "TRIMSEC = '[1:9,1:9]'",
            "CRPIX1  = 5.0",
            "CRVAL1  = 0.0",
            "CTYPE1  = 'X'",
        ];
        let region = Area {
            rows: 0..3,
            cols: 2..6,
        };
        let moved = header(&first, WHOLE, Some(&region));
        assert_eq!(value(&moved, "TRIMSEC"), None);
        assert_eq!(value(&moved, "CRPIX1").as_deref(), Some("3.0"));
        assert_eq!(value(&moved, "LTV1").as_deref(), Some("-2.0"));
        assert!(has(&moved, "region [3:6,1:3]"));
        assert_eq!(
            value(&header(&first, WHOLE, None), "TRIMSEC").as_deref(),
            Some("'[1:9,1:9]'")
        );
    }

    #[test]
    fn forbidden_cards_are_named_in_one_line() {
        let first = [
            "OBJECT  = 'M31",
            "BAD KEY = 1",
            "TWICE   = 1",
            "TWICE   = 2",
            "EMPTY   =",
            "DATE-OBS= 'now'",
        ];
        let header = header(&first, WHOLE, None);
        assert_eq!(value(&header, "TWICE").as_deref(), Some("1"));
        assert!(has(
            &header,
            "cards mended, as the FITS standard forbids them: OBJECT"
        ));
        assert!(has(
            &header,
            "cards left out, as the FITS standard forbids them: BAD KEY EMPTY TWICE"
        ));
    }

    #[test]
    fn an_extension_that_becomes_the_primary_takes_over_what_it_lacks() {
        let primary = cards(&[
            "OBJECT  = 'M31'",
            "FILTER  = 'R'",
            "HISTORY old",
            "NEXTEND =",
            "EXTEND  = T",
        ]);
        let first = ["XTENSION= 'IMAGE'", "FILTER  = 'V'", "INHERIT = T"];
        let header = header(
            &first,
            Part::Whole {
                inherited: &primary,
            },
            None,
        );
        assert_eq!(value(&header, "OBJECT").as_deref(), Some("'M31'"));
        assert_eq!(value(&header, "FILTER").as_deref(), Some("'V'"));
        assert_eq!(
            (value(&header, "INHERIT"), value(&header, "EXTEND")),
            (None, None)
        );
        assert!(has(&header, "old"));
    }

    #[test]
    fn a_primary_without_data_names_no_frames_and_gains_no_times() {
        let header = header(&["EXPTIME = 99", "OBJECT  = 'M31'"], Part::Primary, None);
        assert_eq!(value(&header, "EXPTIME").as_deref(), Some("10.0"));
        for keyword in ["DATE-OBS", "BUNIT", "IMCMB001"] {
            assert_eq!(value(&header, keyword), None, "{keyword}");
        }
    }

    #[test]
    fn long_strings_are_declared_once() {
        let long = [
            "LONG    = 'one&'",
            "CONTINUE  'two'",
            "LONGSTRN= 'OGIP 1.0'",
        ];
        let declared = |header: Vec<String>| {
            header
                .iter()
                .filter(|card| card.starts_with("LONGSTRN"))
                .count()
        };
        assert_eq!(declared(header(&long, WHOLE, None)), 1);
        assert_eq!(declared(header(&long[2..], WHOLE, None)), 0);
    }
}
