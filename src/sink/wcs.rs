//! Keywords of world coordinates: what the standard wants of them, and how they move with a region.

use super::entry::{Entry, Notes};
use super::value::Value;
use crate::shape::Area;

/// Keywords that end with the number of an axis.
const AXIS_FLOATS: [&str; 7] = ["CRPIX", "CRVAL", "CDELT", "CROTA", "CRDER", "CSYER", "PV"];
const AXIS_STRINGS: [&str; 4] = ["CTYPE", "CUNIT", "PS", "CNAME"];
/// Those that end with the numbers of two, `_` between them.
const MATRICES: [&str; 2] = ["PC", "CD"];
/// Those that begin so.
const FLOATS: [&str; 11] = [
    "RESTFRQ", "RESTFREQ", "RESTWAV", "OBSGEO-X", "OBSGEO-Y", "OBSGEO-Z", "VELOSYS", "ZSOURCE",
    "VELANGL", "LONPOLE", "LATPOLE",
];

const CELESTIAL: [&str; 5] = ["ICRS", "FK5", "FK4", "FK4-NO-E", "GAPPT"];
const SPECTRAL: [&str; 10] = [
    "TOPOCENT", "GEOCENTR", "BARYCENT", "HELIOCEN", "LSRK", "LSRD", "GALACTOC", "LOCALGRP",
    "CMBDIPOL", "SOURCE",
];

/// Axes that a description may have: keywords have room for two digits. What declares more is damaged, and is not believed.
const MOST_AXES: f64 = 99.0;

/// A keyword with the number of an axis, taken apart: `CRPIX2B` is `CRPIX`, 2, 'B'.
struct Indexed<'a> {
    root: &'a str,
    axes: [u32; 2],
    /// The letter of an alternate description; empty for the first one.
    alternate: &'a str,
}

fn indexed(keyword: &str) -> Option<Indexed<'_>> {
    let root = keyword
        .find(|c: char| c.is_ascii_digit())
        .map(|place| &keyword[..place])?;
    let rest = &keyword[root.len()..];
    let number = |text: &str| -> Option<(u32, usize)> {
        let end = text
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(text.len());
        Some((text[..end].parse().ok()?, end))
    };
    let (first, end) = number(rest)?;
    let rest = &rest[end..];
    if AXIS_FLOATS.contains(&root) || AXIS_STRINGS.contains(&root) {
        return Some(Indexed {
            root,
            axes: [first; 2],
            alternate: rest,
        });
    }
    let rest = rest
        .strip_prefix('_')
        .filter(|_| MATRICES.contains(&root))?;
    let (second, end) = number(rest)?;
    Some(Indexed {
        root,
        axes: [first, second],
        alternate: &rest[end..],
    })
}

/// Whether the value has to be a number.
pub(super) fn is_float(keyword: &str) -> bool {
    FLOATS.iter().any(|name| keyword.starts_with(name))
        || indexed(keyword).is_some_and(|key| !AXIS_STRINGS.contains(&key.root))
}

/// Whether the value has to be a string.
pub(super) fn is_string(keyword: &str) -> bool {
    indexed(keyword).is_some_and(|key| AXIS_STRINGS.contains(&key.root))
}

/// The words that the value has to be one of.
pub(super) fn words(keyword: &str) -> Option<&'static [&'static str]> {
    let begins = |names: &[&str]| names.iter().any(|name| keyword.starts_with(name));
    if begins(&["RADESYS", "RADECSYS"]) {
        Some(&CELESTIAL)
    } else if begins(&["SPECSYS", "SSYSOBS", "SSYSSRC"]) {
        Some(&SPECTRAL)
    } else {
        None
    }
}

/// Whether the number may be the value of the keyword.
pub(super) fn allows(keyword: &str, value: f64) -> bool {
    match indexed(keyword).map_or("", |key| key.root) {
        "CDELT" => value != 0.0,
        "CRDER" | "CSYER" => value >= 0.0,
        _ => true,
    }
}

/// Makes the description of the axes one that the standard allows for an image of `naxis` axes whose frames had
/// `frame_naxis`: axes that are gone are left out, what is missing gets the standard's default, WCSAXES comes first.
pub(super) fn settle(entries: &mut Vec<Entry>, naxis: u32, frame_naxis: u32, notes: &mut Notes) {
    drop_where(entries, notes, |entry| {
        entry.keyword.starts_with("WCSAXES") && entry.number() > Some(MOST_AXES)
    });
    let declared = highest(entries, |entry| {
        let number = entry
            .number()
            .filter(|_| entry.keyword.starts_with("WCSAXES"))?;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "an integer, saturating"
        )]
        Some(number as u32)
    });
    let used = highest(entries, |entry| {
        indexed(&entry.keyword).map(|key| key.axes[0].max(key.axes[1]))
    });
    // A cube combined plane by plane has lost its third axis; a header may also describe more axes than its image has.
    let allowed = if frame_naxis <= 2 { declared.max(2) } else { 2 };
    let excess = |entry: &Entry| {
        indexed(&entry.keyword)
            .is_some_and(|key| key.axes.iter().any(|n| !(1..=allowed).contains(n)))
    };
    drop_where(entries, notes, excess);
    exclude_doubles(entries, notes);
    for entry in entries
        .iter_mut()
        .filter(|entry| entry.keyword.starts_with("WCSAXES"))
    {
        if entry.number() > Some(f64::from(allowed)) {
            *entry = Entry::new(
                &entry.keyword,
                Value::Number(allowed.to_string()),
                &entry.comment,
            );
        }
    }
    if used > 0 && declared == 0 && naxis == 0 {
        let axes = Value::Number(used.min(allowed).to_string());
        entries.push(Entry::new(
            "WCSAXES",
            axes,
            "number of world coordinate axes",
        ));
    }
    complete(entries);
    entries.sort_by_key(|entry| !entry.keyword.starts_with("WCSAXES"));
}

/// The highest number that is found; 0 where there is none.
fn highest(entries: &[Entry], number: impl Fn(&Entry) -> Option<u32>) -> u32 {
    entries.iter().filter_map(number).max().unwrap_or(0)
}

fn drop_where(entries: &mut Vec<Entry>, notes: &mut Notes, unwanted: impl Fn(&Entry) -> bool) {
    entries.retain(|entry| {
        let drop = unwanted(entry);
        if drop {
            notes.left_out.insert(entry.keyword.clone());
        }
        !drop
    });
}

/// Where the same is said twice, in ways that exclude each other, readers go by PC.
fn exclude_doubles(entries: &mut Vec<Entry>, notes: &mut Notes) {
    let has_pc = entries.iter().any(|entry| {
        indexed(&entry.keyword).is_some_and(|key| key.root == "PC" && key.alternate.is_empty())
    });
    if has_pc {
        drop_where(entries, notes, |entry| {
            indexed(&entry.keyword).is_some_and(|key| {
                key.alternate.is_empty() && (key.root == "CD" || key.root == "CROTA")
            })
        });
    }
}

/// Writes out the standard's defaults where part of a description is missing.
fn complete(entries: &mut Vec<Entry>) {
    let wcsaxes = entries
        .iter()
        .find(|entry| entry.keyword == "WCSAXES")
        .and_then(Entry::number);
    let described = highest(entries, |entry| {
        let key = indexed(&entry.keyword)?;
        (AXIS_FLOATS.contains(&key.root) && key.alternate.is_empty()).then_some(key.axes[0])
    });
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most the axes allowed"
    )]
    let axes = wcsaxes.map_or(described.min(2), |axes| axes as u32);
    for axis in 1..=axes {
        for root in ["CTYPE", "CRPIX", "CRVAL"] {
            let keyword = format!("{root}{axis}");
            if entries.iter().all(|entry| entry.keyword != keyword) {
                let comment = "the standard's default";
                entries.push(match root {
                    "CTYPE" => Entry::new(&keyword, Value::Text(String::new()), comment),
                    _ => Entry::float(&keyword, 0.0, comment),
                });
            }
        }
    }
}

/// Moves the reference pixels to a region of the frame, and tells in LTV where it begins, as IRAF does.
pub(super) fn shift(entries: &mut Vec<Entry>, region: &Area) {
    for (axis, corner) in [(1, region.cols.start), (2, region.rows.start)] {
        if corner == 0 {
            continue;
        }
        let corner = corner as f64;
        let (physical, matrix) = (format!("LTV{axis}"), format!("LTM{axis}_{axis}"));
        let has = |keyword: &str| entries.iter().any(|entry| entry.keyword == keyword);
        let (has_physical, has_matrix) = (has(&physical), has(&matrix));
        for entry in entries.iter_mut() {
            let reference = indexed(&entry.keyword)
                .is_some_and(|key| key.root == "CRPIX" && key.axes[0] == axis);
            if let Some(number) = entry
                .number()
                .filter(|_| reference || entry.keyword == physical)
            {
                *entry = Entry::float(&entry.keyword, number - corner, &entry.comment);
            }
        }
        if !has_physical {
            entries.push(Entry::float(
                &physical,
                -corner,
                "pixel of the frame to pixel of the region",
            ));
        }
        if !has_matrix {
            entries.push(Entry::float(
                &matrix,
                1.0,
                "pixel of the frame to pixel of the region",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn floats(values: &[(&str, f64)]) -> Vec<Entry> {
        values
            .iter()
            .map(|(keyword, value)| Entry::float(keyword, *value, ""))
            .collect()
    }

    fn value(entries: &[Entry], keyword: &str) -> Option<f64> {
        entries
            .iter()
            .find(|entry| entry.keyword == keyword)
            .and_then(Entry::number)
    }

    fn settled(entries: &[Entry], naxis: u32, frame_naxis: u32) -> (Vec<String>, String) {
        let (mut entries, mut notes) = (entries.to_vec(), Notes::default());
        settle(&mut entries, naxis, frame_naxis, &mut notes);
        let left_out: Vec<String> = notes.left_out.into_iter().collect();
        (
            entries.into_iter().map(|entry| entry.keyword).collect(),
            left_out.join(" "),
        )
    }

    #[test]
    fn a_region_moves_the_reference_pixels_of_every_description() {
        let mut entries = floats(&[
            ("CRPIX1", 100.5),
            ("CRPIX2", 50.0),
            ("CRPIX1B", 10.0),
            ("CRPIX10", 1.0),
            ("LTV2", -5.0),
        ]);
        shift(
            &mut entries,
            &Area {
                rows: 20..30,
                cols: 10..40,
            },
        );
        for (keyword, moved) in [
            ("CRPIX1", 90.5),
            ("CRPIX2", 30.0),
            ("CRPIX1B", 0.0),
            ("CRPIX10", 1.0),
            ("LTV1", -10.0),
            ("LTV2", -25.0),
            ("LTM1_1", 1.0),
            ("LTM2_2", 1.0),
        ] {
            assert_eq!(value(&entries, keyword), Some(moved), "{keyword}");
        }
    }

    #[test]
    fn a_region_at_the_corner_moves_nothing() {
        let mut entries = floats(&[("CRPIX1", 100.5)]);
        shift(
            &mut entries,
            &Area {
                rows: 0..3,
                cols: 0..4,
            },
        );
        assert_eq!((value(&entries, "CRPIX1"), entries.len()), (Some(100.5), 1));
    }

    #[test]
    fn axes_that_are_gone_are_left_out() {
        let names = [
            "CRPIX1", "CRVAL1", "CTYPE1", "CRPIX2", "CRVAL2", "CTYPE2", "CDELT3", "CD3_3", "CD1_1",
        ];
        let entries: Vec<Entry> = floats(&names.map(|name| (name, 1.0)));
        assert_eq!(settled(&entries, 2, 2).1, "CD3_3 CDELT3");
        let mut with_axes = floats(&[("WCSAXES", 3.0)]);
        with_axes.extend(entries);
        assert_eq!(settled(&with_axes, 2, 2).1, "");
        assert_eq!(settled(&with_axes, 2, 3).1, "CD3_3 CDELT3");
    }

    #[test]
    fn more_axes_than_keywords_can_number_are_not_believed() {
        for declared in [100.0, 9371.0, 4e9] {
            let with_axes = floats(&[("WCSAXES", declared), ("CRPIX1", 5.0), ("CRPIX3", 5.0)]);
            for (naxis, kept) in [
                (2, "CRPIX1 CTYPE1 CRVAL1"),
                (0, "WCSAXES CRPIX1 CTYPE1 CRVAL1 CTYPE2 CRPIX2 CRVAL2"),
            ] {
                let (keywords, left_out) = settled(&with_axes, naxis, 2);
                assert_eq!(keywords.join(" "), kept);
                assert_eq!(left_out, "CRPIX3 WCSAXES");
            }
        }
        assert_eq!(
            settled(&floats(&[("WCSAXES", 99.0)]), 2, 2).0.len(),
            1 + 3 * 99
        );
    }

    #[test]
    fn what_is_missing_gets_its_default_and_wcsaxes_comes_first() {
        let (keywords, _) = settled(&floats(&[("CDELT1", 0.1), ("WCSAXES", 1.0)]), 2, 2);
        assert_eq!(
            keywords,
            ["WCSAXES", "CDELT1", "CTYPE1", "CRPIX1", "CRVAL1"]
        );
        let (keywords, _) = settled(&floats(&[("CD1_1", 0.1), ("LTV1", 1.0)]), 2, 2);
        assert_eq!(keywords, ["CD1_1", "LTV1"]);
        let (keywords, _) = settled(&floats(&[("CUNIT2", 1.0)]), 0, 0);
        assert_eq!(keywords[0], "WCSAXES");
    }

    #[test]
    fn a_second_matrix_is_left_out() {
        let entries = floats(&[
            ("PC1_1", 1.0),
            ("CD1_1", 1.0),
            ("CROTA2", 1.0),
            ("CD1_1A", 1.0),
        ]);
        assert_eq!(settled(&entries, 2, 2).1, "CD1_1 CROTA2");
    }
}
