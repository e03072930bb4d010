//! What of a frame's header still holds in a result.

use std::collections::BTreeSet;

use super::entry::{Entry, Notes, entries};
use super::header::Part;
use super::reserved::{Verdict, is_section, judge, tells_stack, tells_storage};
use crate::header::Card;

/// Which entries of a frame hold in a result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keep {
    /// Sections of the frame.
    pub(super) sections: bool,
    /// How many frames the frame itself was combined of, and their names.
    pub(super) stack: bool,
}

/// Puts the entries of the primary that the extension lacks before those of the extension.
pub(super) fn inherit(
    own: Vec<Entry>,
    primary: &[Card],
    keep: Keep,
    notes: &mut Notes,
) -> Vec<Entry> {
    let mut found = Notes::default();
    let mut header = kept(primary, Part::Primary, keep, &mut found);
    let keywords: BTreeSet<&str> = own.iter().map(|entry| entry.keyword.as_str()).collect();
    header.retain(|entry| is_remark(entry) || !keywords.contains(entry.keyword.as_str()));
    for keyword in keywords {
        found.forget(keyword);
    }
    notes.mended.append(&mut found.mended);
    notes.left_out.append(&mut found.left_out);
    header.extend(own);
    header
}

/// Of keywords that stand more than once, the first is kept.
pub(super) fn drop_duplicates(header: &mut Vec<Entry>, notes: &mut Notes) {
    let mut seen = BTreeSet::new();
    header.retain(|entry| {
        let first = is_remark(entry) || seen.insert(entry.keyword.clone());
        if !first {
            notes.left_out.insert(entry.keyword.clone());
        }
        first
    });
}

/// EPOCH is the old name of EQUINOX.
pub(super) fn replace_epoch(header: &mut Vec<Entry>, notes: &mut Notes) {
    let Some(place) = header.iter().position(|entry| entry.keyword == "EPOCH") else {
        return;
    };
    let epoch = header.remove(place);
    notes.forget("EPOCH");
    if header.iter().any(|entry| entry.keyword == "EQUINOX") {
        notes.left_out.insert("EPOCH".into());
    } else if let Some(equinox) = epoch.number() {
        notes.mended.insert("EPOCH".into());
        header.insert(place, Entry::float("EQUINOX", equinox, &epoch.comment));
    }
}

/// NAXIS of the frame itself.
pub(super) fn frame_naxis(first: &[Card]) -> u32 {
    let naxis = first.iter().find(|card| card.name() == "NAXIS");
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
pub(super) fn kept(cards: &[Card], part: Part<'_>, keep: Keep, notes: &mut Notes) -> Vec<Entry> {
    let mut kept = Vec::new();
    for entry in entries(cards, notes) {
        let keyword = entry.keyword.clone();
        let named = matches!(keyword.as_str(), "EXTNAME" | "EXTVER");
        let extension =
            matches!(keyword.as_str(), "EXTLEVEL" | "INHERIT") && !matches!(part, Part::Extension);
        let section = !keep.sections && is_section(&entry);
        let stack = !keep.stack && tells_stack(&keyword);
        if tells_storage(&keyword) || named || extension || section || stack {
            // It no longer holds, so it does not matter that it had to be mended.
            notes.forget(&keyword);
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
                notes.forget(&keyword);
                notes.left_out.insert(keyword);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::value::Value;

    #[test]
    fn of_keywords_that_stand_twice_the_first_is_kept() {
        let entry = |keyword: &str, value: f64| Entry::float(keyword, value, "");
        let remark = || Entry::new("HISTORY", Value::Commentary, "done");
        let mut header = vec![entry("A", 1.0), remark(), entry("A", 2.0), remark()];
        let mut notes = Notes::default();
        drop_duplicates(&mut header, &mut notes);
        assert_eq!((header.len(), header[0].number()), (3, Some(1.0)));
        assert!(notes.left_out.contains("A"));
    }

    #[test]
    fn the_old_name_of_the_equinox_gives_way() {
        let (epoch, equinox) = (
            Entry::float("EPOCH", 1950.0, ""),
            Entry::float("EQUINOX", 2000.0, ""),
        );
        let mut notes = Notes::default();
        let mut alone = vec![epoch.clone()];
        replace_epoch(&mut alone, &mut notes);
        assert_eq!(
            (alone[0].keyword.as_str(), alone[0].number()),
            ("EQUINOX", Some(1950.0))
        );
        let mut both = vec![epoch, equinox];
        replace_epoch(&mut both, &mut notes);
        assert_eq!((both.len(), both[0].number()), (1, Some(2000.0)));
    }

    #[test]
    fn the_number_of_axes_is_that_of_the_frame() {
        let naxis = |text: &str| frame_naxis(&[Card::new(text)]);
        assert_eq!(
            [
                naxis("NAXIS   = 3"),
                naxis("NAXIS   = 2"),
                naxis("NAXIS   = 'x'")
            ],
            [3, 2, 2]
        );
    }
}
