//! Tests of the headers of calibrated frames.

use super::*;
use crate::recipe::{FlatNorm, OverscanStat, Stack};
use crate::shape::{Area, Shape};
use crate::sink::{
    DarkFacts, DarkScale, Exposures, Fact, FlatFacts, GainFacts, Limits, MasterName, OverscanFacts,
    Provenance, TrimFacts, combined,
};
use crate::steps::Step;
use std::collections::BTreeSet;
use std::path::Path;

const WHOLE: Part<'_> = Part::Whole { inherited: &[] };

/// A frame with an overscan on its right.
const FRAME: [&str; 12] = [
    "SIMPLE  = T",
    "BITPIX  = 16",
    "NAXIS   = 2",
    "BZERO   = 32768",
    "OBJECT  = 'M31'",
    "EXPTIME = 30 / [s]",
    "DATE-OBS= '2024-03-01T00:00:00'",
    "BIASSEC = '[91:100,1:60]'",
    "CCDSEC  = '[1:100,1:60]'",
    "CRPIX1  = 50.5",
    "CRVAL1  = 0.0",
    "CTYPE1  = 'X'",
];

fn cards(texts: &[&str]) -> Vec<Card> {
    texts.iter().map(|text| Card::new(text)).collect()
}

fn texts(cards: &[Card]) -> Vec<String> {
    let text = |card: &Card| String::from_utf8_lossy(&card.0).trim_end().to_owned();
    cards.iter().map(text).collect()
}

fn header(frame: &[&str], part: Part<'_>, steps: &StepCards) -> Vec<String> {
    texts(&calibrated(&cards(frame), part, steps))
}

fn value(header: &[String], keyword: &str) -> Option<String> {
    let begins = format!("{keyword:<8}=");
    let mut found = header.iter().filter(|card| card.starts_with(&begins));
    let card = found.next()?;
    assert!(found.next().is_none(), "{keyword} stands once");
    Some(card[10..].split(" / ").next()?.trim().to_owned())
}

/// The lines of HISTORY, put together again.
fn history(header: &[String]) -> String {
    let lines = header
        .iter()
        .filter_map(|card| card.strip_prefix("HISTORY "));
    lines.collect::<Vec<_>>().join(" ")
}

/// The steps of most nights.
fn steps() -> StepCards {
    let master = |name: &str| MasterName::new(Path::new(name), "", Some("12345"));
    let area = |cols| Area { rows: 0..60, cols };
    StepCards {
        overscan: Some(OverscanFacts {
            section: Fact::new(area(90..100)),
            stat: OverscanStat::Median,
            fit: None,
            clip: None,
            level: Fact::new(1_003.25),
        }),
        trim: Some(TrimFacts::new(
            area(10..90),
            Shape {
                nrow: 60,
                ncol: 100,
            },
        )),
        gain: Some(GainFacts {
            gain: Fact::new(1.5),
            last: false,
        }),
        bias: Some(master("/home/me/bias.fits")),
        dark: Some(DarkFacts {
            master: master("dark.fits"),
            scale: Some(DarkScale {
                k: Fact::new(0.1),
                exposure: Fact::new(30.0),
                dark_exposure: 300.0,
            }),
        }),
        flat: Some(FlatFacts {
            master: master("flat.fits"),
            min: Some(0.1),
            norm: 20_000.123_456_789,
            norm_by: FlatNorm::Mean,
            section: None,
        }),
        ..StepCards::default()
    }
}

#[test]
fn what_the_frame_says_of_itself_stays() {
    let master = ["NCOMBINE= 25", "IMCMB001= 'a.fits'", "CCDSUM  = '1 1'"];
    let header = header(
        &[&FRAME[..], &master].concat(),
        WHOLE,
        &StepCards::default(),
    );
    for (keyword, text) in [
        ("OBJECT", "'M31'"),
        ("EXPTIME", "30"),
        ("DATE-OBS", "'2024-03-01T00:00:00'"),
        ("NCOMBINE", "25"),
        ("IMCMB001", "'a.fits'"),
        ("BIASSEC", "'[91:100,1:60]'"),
        ("CRPIX1", "50.5"),
        ("BUNIT", "'adu     '"),
    ] {
        assert_eq!(value(&header, keyword).as_deref(), Some(text), "{keyword}");
    }
    for keyword in ["SIMPLE", "BITPIX", "NAXIS", "BZERO", "DATE-END"] {
        assert_eq!(value(&header, keyword), None, "{keyword}");
    }
    assert_eq!(history(&header), "");
}

#[test]
fn every_step_leaves_a_card_and_a_line() {
    let header = header(&FRAME, WHOLE, &steps());
    for (keyword, text) in [
        (
            "OVERSCAN",
            "'Overscan section is [91:100,1:60] with mean=1003.25'",
        ),
        ("TRIM", "'Trim data section is [11:90,1:60]'"),
        ("GAINCOR", "'Gain is 1.5 electron/adu'"),
        ("ZEROCOR", "'Zero level correction image is bias.fits'"),
        (
            "DARKCOR",
            "'Dark count correction image is dark.fits with scale=0.1'",
        ),
        (
            "FLATCOR",
            "'Flat field image is flat.fits with scale=20000.12'",
        ),
        ("BUNIT", "'electron'"),
    ] {
        assert_eq!(value(&header, keyword).as_deref(), Some(text), "{keyword}");
    }
    let version = env!("CARGO_PKG_VERSION");
    let lines = [
        "overscan [91:100,1:60] median, mean level 1003.25, subtracted",
        "trimmed to [11:90,1:60] of 100 x 60 pixels",
        "multiplied by the gain, 1.5 electron/adu",
        "bias bias.fits (DATASUM 12345) subtracted",
        "dark dark.fits (DATASUM 12345) times 0.1, exposures 30 s of the frame and 300 s of the dark, subtracted",
        "divided by flat flat.fits (DATASUM 12345), at least 0.1, over 20000.123456789, its mean",
    ];
    let lines = lines.map(|line| format!("ccdstream {version}: {line}"));
    assert_eq!(history(&header), lines.join(" "));
    assert!(header.iter().all(|card| card.len() <= 80));
}

#[test]
fn a_trim_moves_the_reference_pixel_and_the_sections() {
    let header = header(&FRAME, WHOLE, &steps());
    for (keyword, text) in [
        ("CRPIX1", Some("40.5")),
        ("LTV1", Some("-10.0")),
        ("LTV2", None),
        ("CCDSEC", Some("'[11:90,1:60]'")),
        ("BIASSEC", None),
    ] {
        assert_eq!(value(&header, keyword).as_deref(), text, "{keyword}");
    }
}

#[test]
fn a_step_that_was_skipped_leaves_a_line_and_the_card_that_said_so() {
    let mut steps = StepCards::default();
    steps.skip(Step::Flat, "FLATCOR stands in the header");
    let header = header(&["FLATCOR = 'long ago'"], WHOLE, &steps);
    assert_eq!(value(&header, "FLATCOR").as_deref(), Some("'long ago'"));
    let version = env!("CARGO_PKG_VERSION");
    let line = format!("ccdstream {version}: flat skipped: FLATCOR stands in the header");
    assert_eq!(history(&header), line);
}

#[test]
fn our_card_takes_the_place_of_what_a_camera_wrote_under_its_name() {
    let header = header(&["OVERSCAN= 32", "BUNIT   = 'DN'"], WHOLE, &steps());
    assert!(value(&header, "OVERSCAN").is_some_and(|text| text.contains("[91:100,1:60]")));
    assert_eq!(value(&header, "BUNIT").as_deref(), Some("'electron'"));
}

#[test]
fn the_primary_of_many_extensions_gains_no_steps() {
    let header = header(&FRAME, Part::Primary, &steps());
    for keyword in ["OVERSCAN", "FLATCOR", "BUNIT", "BIASSEC"] {
        assert_eq!(value(&header, keyword), None, "{keyword}");
    }
    assert_eq!(history(&header), "");
}

#[test]
fn combined_on_the_way_a_header_is_that_of_calibrated_files_combined() {
    let mut exposures = Exposures::default();
    exposures.add(Some(30.0), Some("2024-03-01T00:00:00"), None);
    let (stack, steps, differing) = (Stack::default(), steps(), BTreeSet::new());
    let region = Area {
        rows: 2..8,
        cols: 3..9,
    };
    for (region, part) in [
        (None, WHOLE),
        (Some(&region), WHOLE),
        (None, Part::Extension),
        (None, Part::Primary),
        (
            None,
            Part::Whole {
                inherited: &cards(&["FILTER  = 'V'", "BAD KEY = 1"]),
            },
        ),
    ] {
        let provenance = |calibration| Provenance {
            clip: &[],
            stack: &stack,
            nframe: 1,
            name: &|_| "frame.fits".into(),
            exposures: &exposures,
            differing: &differing,
            skipped: &[],
            bad_pixels: None,
            region,
            uncertainty: true,
            calibration,
            limits: Limits::default(),
        };
        let frame = cards(&[&FRAME[..], &["NCOMBINE= 2", "TWICE   = 1", "TWICE   = 2"]].concat());
        let on_the_way = combined(&frame, part, &provenance(Some(&steps)));
        let on_disk = calibrated(&frame, part, &steps);
        let part = match part {
            Part::Whole { .. } => WHOLE,
            other => other,
        };
        let from_disk = combined(&on_disk, part, &provenance(None));
        assert_eq!(texts(&on_the_way), texts(&from_disk));
        assert_eq!(value(&texts(&from_disk), "NCOMBINE").as_deref(), Some("1"));
    }
}
