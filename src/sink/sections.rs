//! What becomes of the sections in a header when its frame is trimmed.
//!
//! It is what IRAF's ccdproc does (its settrim and setheader). DATASEC becomes the part of it that is left, in trimmed pixels, and goes
//! where that is the whole frame. CCDSEC, the place of DATASEC on the chip, loses what DATASEC loses; so do DETSEC and AMPSEC, its place
//! on the mosaic and on the amplifier, of which ccdproc does not know. They may be binned (a pixel of the frame is several of theirs)
//! and count backwards. TRIMSEC and BIASSEC are used up. IRAF adds a CCDSEC where there is none; we add nothing. Every other section
//! counts pixels of the untrimmed frame, and goes.

use super::entry::Entry;
use super::reserved::is_section;
use super::value::Value;
use crate::shape::{Area, Shape};

/// Sections that say where DATASEC lies on something larger.
const PLACES: [&str; 3] = ["CCDSEC", "DETSEC", "AMPSEC"];

/// First and last pixel along an axis, from 1.
type Ends = (i64, i64);

/// What a trim leaves of the data along an axis.
#[derive(Clone, Copy)]
struct Cut {
    /// The data before, in untrimmed pixels.
    before: Ends,
    /// What is left of them, in untrimmed pixels.
    left: Ends,
}

/// Brings the sections of a header to what they are for the part `trim` of a frame of `untrimmed` pixels.
pub(super) fn trim_sections(header: &mut Vec<Entry>, trim: &Area, untrimmed: Shape) {
    let length = |axis: usize| i64::try_from(axis).unwrap_or(i64::MAX);
    let ends = |first: usize, end: usize| (length(first).saturating_add(1), length(end));
    let kept = [
        ends(trim.cols.start, trim.cols.end),
        ends(trim.rows.start, trim.rows.end),
    ];
    let whole = [ends(0, untrimmed.ncol), ends(0, untrimmed.nrow)];
    let stated = header.iter().find(|entry| entry.keyword == "DATASEC");
    let before = stated.map_or(Some(whole), |entry| parse(entry.text()?, whole));
    let cuts = before.and_then(|before| Some([cut(before[0], kept[0])?, cut(before[1], kept[1])?]));
    header.retain_mut(|entry| {
        if !is_section(entry) {
            return true;
        }
        let sections = cuts.and_then(|cuts| moved(entry, cuts, kept, whole));
        let Some([x, y]) = sections else { return false };
        let text = format!("[{}:{},{}:{}]", x.0, x.1, y.0, y.1);
        *entry = Entry::new(&entry.keyword, Value::Text(text), &entry.comment);
        true
    });
}

/// What is left of the data along an axis; `None` where nothing is, or where they run backwards.
fn cut(before: Ends, kept: Ends) -> Option<Cut> {
    let left = (before.0.max(kept.0), before.1.min(kept.1));
    (before.0 <= before.1 && left.0 <= left.1).then_some(Cut { before, left })
}

/// The section that an entry becomes; `None` where it no longer says anything.
fn moved(entry: &Entry, cuts: [Cut; 2], kept: [Ends; 2], whole: [Ends; 2]) -> Option<[Ends; 2]> {
    if entry.keyword == "DATASEC" {
        let moved = [0, 1].map(|axis| {
            let first = kept[axis].0 - 1;
            (cuts[axis].left.0 - first, cuts[axis].left.1 - first)
        });
        let all = [0, 1].map(|axis| (1, kept[axis].1 - kept[axis].0 + 1));
        return (moved != all).then_some(moved);
    }
    if !PLACES.contains(&entry.keyword.as_str()) {
        return None;
    }
    let place = parse(entry.text()?, whole)?;
    Some([shorten(place[0], cuts[0])?, shorten(place[1], cuts[1])?])
}

/// The place of data along an axis, less what a trim took of them; `None` where place and data are not of one size, binning aside.
fn shorten(place: Ends, cut: Cut) -> Option<Ends> {
    let npixel = (place.1 - place.0).abs() + 1;
    let ndata = cut.before.1 - cut.before.0 + 1;
    if npixel % ndata != 0 {
        return None;
    }
    let pixel = npixel / ndata * if place.0 <= place.1 { 1 } else { -1 };
    let (low, high) = (cut.left.0 - cut.before.0, cut.before.1 - cut.left.1);
    Some((place.0 + low * pixel, place.1 - high * pixel))
}

/// A section as headers have it: `[1:9,2:5]`, blanks anywhere, `*` or `:` for a whole axis; columns first.
fn parse(text: &str, whole: [Ends; 2]) -> Option<[Ends; 2]> {
    let bare: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    let (x, y) = bare.strip_prefix('[')?.strip_suffix(']')?.split_once(',')?;
    let pixel = |text: &str| {
        text.parse()
            .ok()
            .filter(|pixel| (1..1_i64 << 40).contains(pixel))
    };
    let axis = |text: &str, whole: Ends| match text {
        "*" | ":" => Some(whole),
        _ => match text.split_once(':') {
            Some((first, last)) => Some((pixel(first)?, pixel(last)?)),
            None => pixel(text).map(|only| (only, only)),
        },
    };
    Some([axis(x, whole[0])?, axis(y, whole[1])?])
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: Shape = Shape {
        nrow: 60,
        ncol: 100,
    };

    /// What becomes of sections where columns 11 to 90 and rows 6 to 55 are kept.
    fn trimmed(sections: &[(&str, &str)]) -> Vec<(String, String)> {
        let entry =
            |&(keyword, text): &(&str, &str)| Entry::new(keyword, Value::Text(text.into()), "");
        let mut header: Vec<Entry> = sections.iter().map(entry).collect();
        let trim = Area {
            rows: 5..55,
            cols: 10..90,
        };
        trim_sections(&mut header, &trim, FRAME);
        let text = |entry: &Entry| entry.text().unwrap_or("").to_owned();
        header
            .iter()
            .map(|entry| (entry.keyword.clone(), text(entry)))
            .collect()
    }

    #[track_caller]
    fn check(sections: &[(&str, &str)], left: &[(&str, &str)]) {
        let left: Vec<_> = left
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(trimmed(sections), left);
    }

    #[test]
    fn sections_that_are_used_up_go_and_so_does_a_datasec_that_is_the_whole_frame() {
        check(
            &[
                ("TRIMSEC", "[11:90,6:55]"),
                ("BIASSEC", "[91:100,1:60]"),
                ("DATASEC", "[11:90,6:55]"),
                ("PRESEC", "[1:10,*]"),
                ("DATASEC2", "[1:2,3:4]"),
                ("OBJECT", "[1:2,3:4] of M31"),
            ],
            &[("OBJECT", "[1:2,3:4] of M31")],
        );
    }

    #[test]
    fn data_within_the_trim_are_counted_from_its_corner() {
        check(
            &[("DATASEC", "[ 21: 80,  1:60]")],
            &[("DATASEC", "[11:70,1:50]")],
        );
        check(&[("DATASEC", "[1:5,*]")], &[]);
        check(
            &[("DATASEC", "[80:21,1:60]"), ("CCDSEC", "[1:60,1:60]")],
            &[],
        );
    }

    #[test]
    fn the_place_on_the_chip_loses_what_the_data_lose() {
        check(
            &[("DATASEC", "[5:95,1:60]"), ("CCDSEC", "[1:91,101:160]")],
            &[("CCDSEC", "[7:86,106:155]")],
        );
        // Without DATASEC all pixels are data.
        check(&[("CCDSEC", "[1:100,1:60]")], &[("CCDSEC", "[11:90,6:55]")]);
        // A trim that takes no data leaves it where it is.
        check(
            &[("DATASEC", "[21:80,11:50]"), ("CCDSEC", "[1:60,1:40]")],
            &[("DATASEC", "[11:70,6:45]"), ("CCDSEC", "[1:60,1:40]")],
        );
    }

    #[test]
    fn binned_and_mirrored_places_follow() {
        check(
            &[("DETSEC", "[400:201,61:120]")],
            &[("DETSEC", "[380:221,66:115]")],
        );
        check(&[("DETSEC", "[1:150,1:60]")], &[]);
    }
}
