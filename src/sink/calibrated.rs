//! The header of a calibrated frame: its own, less what no longer holds, with a card and a line of HISTORY a step.

use super::entry::Notes;
use super::frame::Keep;
use super::header::{Part, flatten, missing_unit, set, settled, unit_of_pixels};
use super::sections::trim_sections;
use super::steps::StepCards;
use super::wcs;
use crate::header::Card;

/// Composes the header of a calibrated frame: all cards but those that describe how the pixels are stored, which
/// [`super::HduSpec`] adds. What the frame says of itself stays, its times and, of a master, its frames among it; a keyword of ours that it
/// used for something else is overwritten. The primary of a multi-extension file gains no cards, as they would speak for every
/// extension: each tells its own steps.
pub(crate) fn calibrated(header: &[Card], part: Part<'_>, steps: &StepCards) -> Vec<Card> {
    let keep = Keep {
        sections: true,
        stack: true,
    };
    let mut notes = Notes::default();
    let mut entries = settled(header, part, keep, &mut notes);
    if let Some((trim, untrimmed)) = steps.trimmed() {
        trim_sections(&mut entries, trim, untrimmed);
        wcs::shift(&mut entries, trim);
    }
    let primary = matches!(part, Part::Primary);
    let has_unit = entries.iter().any(|entry| entry.keyword == "BUNIT");
    if steps.gain.is_some() && (has_unit || !primary) {
        notes.forget("BUNIT");
        set(&mut entries, unit_of_pixels("electron"));
    }
    if primary {
        return flatten(&entries, Vec::new(), &notes);
    }
    for entry in missing_unit(&entries).into_iter().chain(steps.cards()) {
        notes.forget(&entry.keyword);
        set(&mut entries, entry);
    }
    flatten(&entries, steps.history(), &notes)
}

#[cfg(test)]
mod tests;
