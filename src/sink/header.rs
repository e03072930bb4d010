//! The header of a result: that of the first frame, less what no longer holds, with where the result comes from.

use std::collections::BTreeSet;

use super::card::Card;
use super::entry::{Entry, Notes, entries};
use super::provenance::Provenance;
use super::reserved::{Verdict, is_section, judge, tells_storage};
use super::value::Value;
use super::wcs;
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
    let mut notes = Notes::default();
    let frame_naxis = frame_naxis(first);
    let mut header = Vec::new();
    if let Part::Whole { inherited } = part {
        let own: BTreeSet<&str> = first.iter().map(Card::keyword).collect();
        header = kept(inherited, part, provenance, &mut notes);
        header.retain(|entry| is_remark(entry) || !own.contains(entry.keyword.as_str()));
    }
    header.extend(kept(first, part, provenance, &mut notes));
    let mut seen = BTreeSet::new();
    header.retain(|entry| {
        let first = is_remark(entry) || seen.insert(entry.keyword.clone());
        if !first {
            notes.left_out.insert(entry.keyword.clone());
        }
        first
    });
    let naxis = if matches!(part, Part::Primary) { 0 } else { 2 };
    wcs::settle(&mut header, naxis, frame_naxis, &mut notes);
    if let Some(region) = provenance.region {
        wcs::shift(&mut header, region);
    }
    add_times(&mut header, part, provenance);
    set(
        &mut header,
        Entry::new(
            "NCOMBINE",
            Value::Number(provenance.nframe.to_string()),
            "frames combined",
        ),
    );
    let unit = header
        .iter()
        .find(|entry| entry.keyword == "BUNIT")
        .and_then(Entry::text);
    if unit.is_none_or(|unit| unit.trim().is_empty()) && !matches!(part, Part::Primary) {
        set(
            &mut header,
            Entry::new("BUNIT", Value::Text("adu".into()), "unit of the pixels"),
        );
    }
    flatten(&header, part, provenance, &notes)
}

/// Puts the cards of the header together with those of its making.
fn flatten(
    header: &[Entry],
    part: Part<'_>,
    provenance: &Provenance<'_>,
    notes: &Notes,
) -> Vec<Card> {
    let mut cards: Vec<Card> = header
        .iter()
        .flat_map(|entry| entry.cards.iter().copied())
        .collect();
    // Blank cards at the end of a header are room that was kept for more.
    while cards
        .last()
        .is_some_and(|card| card.bytes().iter().all(|&b| b == b' '))
    {
        cards.pop();
    }
    if !matches!(part, Part::Primary) {
        cards.extend(provenance.frames());
    }
    cards.extend(provenance.choices());
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
    if cards.iter().any(|card| card.keyword() == "CONTINUE") {
        let long = Card::string(
            "LONGSTRN",
            "OGIP 1.0",
            "long strings go on in CONTINUE cards",
        );
        cards.splice(0..0, long);
    }
    cards
}

/// NAXIS of the frame itself.
fn frame_naxis(first: &[Card]) -> u32 {
    let naxis = first.iter().find(|card| card.keyword() == "NAXIS");
    let entry = naxis.and_then(|card| entries(&[*card], &mut Notes::default()).pop());
    entry
        .and_then(|entry| entry.number())
        .map_or(2, |number| if number > 2.0 { 3 } else { 2 })
}

/// Whether an entry may stand more than once: COMMENT, HISTORY, blank cards, HIERARCH.
fn is_remark(entry: &Entry) -> bool {
    matches!(
        entry.keyword.as_str(),
        "" | "COMMENT" | "HISTORY" | "HIERARCH"
    )
}

/// The entries of a header that still hold, as the standard wants them.
fn kept(
    cards: &[Card],
    part: Part<'_>,
    provenance: &Provenance<'_>,
    notes: &mut Notes,
) -> Vec<Entry> {
    let mut kept = Vec::new();
    for entry in entries(cards, notes) {
        let keyword = entry.keyword.clone();
        let named = matches!(keyword.as_str(), "EXTNAME" | "EXTVER");
        let extension =
            matches!(keyword.as_str(), "EXTLEVEL" | "INHERIT") && !matches!(part, Part::Extension);
        let section = provenance.region.is_some() && is_section(&entry);
        if tells_storage(&keyword) || named || extension || section {
            // It no longer holds, so it does not matter that it had to be mended.
            notes.mended.remove(&keyword);
            continue;
        }
        if is_remark(&entry) {
            kept.push(entry);
            continue;
        }
        match judge(entry) {
            Verdict::Sound(entry) => kept.push(entry),
            Verdict::Mended(entry) => {
                notes.mended.insert(keyword);
                kept.push(entry);
            }
            Verdict::Forbidden => {
                notes.mended.remove(&keyword);
                notes.left_out.insert(keyword);
            }
        }
    }
    kept
}

/// Puts an entry in the place of the one with its keyword, or at the end.
fn set(header: &mut Vec<Entry>, entry: Entry) {
    match header.iter_mut().find(|old| old.keyword == entry.keyword) {
        Some(old) => *old = entry,
        None => header.push(entry),
    }
}

/// Sets the times of the result. A primary without data has them only where it had them before.
fn add_times(header: &mut Vec<Entry>, part: Part<'_>, provenance: &Provenance<'_>) {
    let (method, exposures) = (provenance.stack.method, provenance.exposures);
    let text = |text: &str| Value::Text(text.into());
    let exptime = exposures.exptime(method).map(|time| {
        let comment = match method {
            Method::Sum => "[s] sum of the exposure times",
            Method::Average => "[s] mean of the exposure times",
            Method::Median => "[s] median of the exposure times",
        };
        Entry::float("EXPTIME", time, comment)
    });
    if exptime.is_none() {
        // That of one frame would be taken for that of all.
        header.retain(|entry| entry.keyword != "EXPTIME");
    }
    let begin = exposures
        .date_obs()
        .map(|date| Entry::new("DATE-OBS", text(date), "earliest of the frames"));
    let end = exposures
        .date_end()
        .map(|date| Entry::new("DATE-END", text(date), "latest end of an exposure"));
    for entry in [exptime, begin, end].into_iter().flatten() {
        let had = header.iter().any(|old| old.keyword == entry.keyword);
        if had || !matches!(part, Part::Primary) {
            set(header, entry);
        }
    }
}
