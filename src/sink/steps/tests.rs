//! Tests of what is told of the steps.

use super::*;
use crate::recipe::Then;

/// The cards and the lines of HISTORY.
fn told(steps: &StepCards) -> (Vec<String>, Vec<String>) {
    let version = format!("HISTORY ccdstream {}: ", env!("CARGO_PKG_VERSION"));
    let cards = steps.cards().map(|entry| {
        let text = entry.text().unwrap_or("").to_owned();
        format!("{} {text}", entry.keyword)
    });
    let mut lines: Vec<String> = Vec::new();
    for card in steps.history() {
        let text = String::from_utf8_lossy(&card.0).trim_end().to_owned();
        match (text.strip_prefix(&version), lines.last_mut()) {
            (Some(line), _) => lines.push(line.to_owned()),
            // What did not fit the card before.
            (None, Some(line)) => *line = format!("{line} {}", text.trim_start_matches("HISTORY ")),
            (None, None) => {}
        }
    }
    (cards.collect(), lines)
}

fn area(first: usize) -> Area {
    Area {
        rows: 0..4,
        cols: first..9,
    }
}

/// A frame of this exposure, with a dark of 100 s.
fn dark(exposure: f64) -> StepCards {
    StepCards {
        dark: Some(DarkFacts {
            master: MasterName::new(Path::new("/darks/d.fits"), "[SCI]", Some("7 ")),
            scale: Some(DarkScale {
                k: Fact::new(exposure / 100.0),
                exposure: Fact::new(exposure),
                dark_exposure: 100.0,
            }),
        }),
        ..StepCards::default()
    }
}

#[test]
fn of_many_frames_only_what_they_share_is_told() {
    let mut same = dark(50.0);
    same.merge(&dark(50.0));
    let line = "dark d.fits[SCI] (DATASUM 7) times 0.5, exposures 50 s of the frame and 100 s of the dark, subtracted";
    assert_eq!(told(&same).1, [line]);
    same.merge(&dark(20.0));
    same.merge(&dark(50.0));
    let line = "dark d.fits[SCI] (DATASUM 7) times the exposure of each frame over its own of 100 s, subtracted";
    let (cards, lines) = told(&same);
    assert_eq!(lines, [line]);
    assert_eq!(
        cards,
        ["DARKCOR Dark count correction image is d.fits[SCI]"]
    );
}

#[test]
fn a_header_whose_own_frame_was_not_trimmed_is_not_moved() {
    let shape = Shape { nrow: 4, ncol: 9 };
    let trimmed = |first| StepCards {
        trim: Some(TrimFacts::new(area(first), shape)),
        ..StepCards::default()
    };
    let mut steps = StepCards::default();
    steps.skip(Step::Trim, "TRIM stands in the header");
    steps.merge(&trimmed(1));
    let mut other = StepCards::default();
    other.skip(Step::Trim, "TRIM stands in the header");
    steps.merge(&other);
    assert_eq!(steps.trimmed(), None);
    assert_eq!(
        told(&steps).1,
        [
            "trimmed to [2:9,1:4] of 9 x 4 pixels",
            "trim skipped for 2 frames: TRIM stands in the header"
        ]
    );
    let mut steps = trimmed(1);
    steps.merge(&trimmed(2));
    assert_eq!(steps.trimmed(), Some((&area(1), shape)));
    assert_eq!(told(&steps).0, ["TRIM Trim data section is of each frame"]);
}

#[test]
fn every_choice_is_told() {
    let steps = StepCards {
        overscan: Some(OverscanFacts {
            section: Fact::new(area(2)),
            stat: OverscanStat::Mean,
            fit: Some(Fit::Spline(3)),
            clip: Some(OverscanClip {
                low: 3.0,
                high: 2.5,
                rounds: 4,
            }),
            level: Fact::new(0.1 + 0.2),
        }),
        deviation: Some(DeviationFacts {
            gain: Fact::new(1.5),
            readnoise: Fact::new(5.0),
            negative: Negative::Mask,
        }),
        mask: Some(MaskFacts {
            bad_pixels: Some(MasterName::new(Path::new("bad.fits"), "", None)),
            bits: Some(MaskBits { bad: 5 }),
        }),
        gain: Some(GainFacts {
            gain: Fact::new(1.5),
            last: true,
        }),
        flat: Some(FlatFacts {
            master: MasterName::new(Path::new("flat.fits"), "", None),
            min: None,
            norm: 2.0,
            norm_by: FlatNorm::Value(2.0),
            section: None,
        }),
        sky: Some(SkyFacts {
            sky: Sky::Mode,
            level: Fact::new(12.5),
            section: "[1:5,*]".parse().ok(),
        }),
        limits: Some(Limits {
            below: Some(Beyond {
                level: 0.2,
                then: Then::Mask,
            }),
            above: Some(Beyond {
                level: 9.0,
                then: Then::Value(1.0),
            }),
        }),
        ..StepCards::default()
    };
    let (cards, lines) = told(&steps);
    assert_eq!(
        cards,
        [
            "OVERSCAN Overscan section is [3:9,1:4] with mean=0.3",
            "DEVIATN Deviation is of gain 1.5 electron/adu and read noise 5 electron",
            "CALMASK Masked by bad.fits, bits 1,4 of the mask",
            "FLATCOR Flat field image is flat.fits with scale=2",
            "GAINCOR Gain is 1.5 electron/adu",
            "SKYSUB Sky is the mode, 12.5",
            "CALLIMIT Values below 0.2=mask, above 9=1",
        ]
    );
    assert_eq!(
        lines,
        [
            "overscan [3:9,1:4] mean, fit spline3:3, clip 3,2.5,4, mean level 0.30000000000000004, subtracted",
            "deviation of photon and read noise, gain 1.5 electron/adu, read noise 5 electron, negative samples masked",
            "masked by bad.fits, bits 1,4 of the mask",
            "divided by flat flat.fits, over 2",
            "multiplied by the gain, 1.5 electron/adu, behind the flat",
            "sky, 12.5, the mode of [1:5,*], subtracted",
            "values below 0.2=mask, above 9=1",
        ]
    );
}
