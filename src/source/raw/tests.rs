//! Tests of what headers say for a calibration, alone and through the list.

use super::*;
use crate::error::Result;
use crate::recipe::{Frames, Hdu, Negative, Overscan, OverscanStat};
use crate::shape::Shape;
use crate::source::list::{FrameList, Selection, open};
use crate::source::sample::{card, extension, folder, image, saved, unpacked};
use crate::units::ByteSize;
use crate::watch::Watch;

fn keyword(keyword: &str) -> Place {
    Place::Keyword(keyword.into())
}

fn overscan(place: Place) -> Overscan {
    Overscan {
        place,
        stat: OverscanStat::Median,
        fit: None,
        axis: None,
        clip: None,
    }
}

fn dark(scale: bool) -> Dark {
    Dark {
        file: "dark.fits".into(),
        scale,
        exposure_key: "EXPTIME".into(),
        exposure: None,
        dark_exposure: None,
    }
}

/// The list of frames of these cards, of 6 × 5 pixels, by this calibration.
fn opened(frames: &[&[(&str, &str)]], calibration: &Calibration) -> Result<FrameList> {
    let dir = folder();
    for (name, cards) in ('a'..).zip(frames) {
        let cards: Vec<_> = cards.iter().map(|(key, value)| card(key, value)).collect();
        saved(&dir, &format!("{name}.fits"), &image(&cards, 16, &[6, 5]));
    }
    of(&dir, calibration)
}

/// The list of the frames of a folder.
fn of(dir: &tempfile::TempDir, calibration: &Calibration) -> Result<FrameList> {
    let frames = Frames::new([dir.path().to_str().expect("UTF-8")]);
    let selection = Selection {
        frames: &frames,
        hdu: &Hdu::Auto,
        keywords: &[],
        calibration,
        unpacked: unpacked(),
        mem_limit: ByteSize(u64::MAX),
    };
    open(&selection, &Watch::default())
}

fn fault(frames: &[&[(&str, &str)]], calibration: &Calibration) -> String {
    opened(frames, calibration)
        .expect_err("refused")
        .to_string()
}

fn raw(list: &FrameList, frame: usize) -> &Raw {
    list.frames[frame].raw.as_ref().expect("calibrated")
}

#[test]
fn sections_and_numbers_come_from_each_header() {
    let calibration = Calibration {
        overscan: Some(overscan(keyword("BIASSEC"))),
        trim: Some(keyword("TRIMSEC")),
        deviation: Some(Negative::Readnoise),
        gain: Some(Quantity::Keyword("GAIN".into())),
        readnoise: Some(Quantity::Number(4.5)),
        dark: Some(dark(true)),
        ..Calibration::default()
    };
    let one = [
        ("BIASSEC", "'[1:2,1:5]'"),
        ("TRIMSEC", "'[ 3: 6, 1: 4]'"),
        ("GAIN", "1.5"),
        ("EXPTIME", "'40      '"),
    ];
    let two = [
        ("BIASSEC", "'[5:6,*]'"),
        ("TRIMSEC", "'[1:4,2:5]'"),
        ("GAIN", "'2.0'"),
        ("EXPTIME", "60"),
    ];
    let list = opened(&[&one, &two], &calibration).expect("opened");
    assert_eq!(list.shape, Shape { nrow: 4, ncol: 4 });
    let of = |frame: usize| {
        let raw = raw(&list, frame);
        let overscan = raw.overscan.clone().map(|area| area.cols);
        (overscan, raw.gain, raw.readnoise, raw.exposure)
    };
    assert_eq!(of(0), (Some(0..2), Some(1.5), Some(4.5), Some(40.0)));
    assert_eq!(of(1), (Some(4..6), Some(2.0), Some(4.5), Some(60.0)));
    let starts = |frame: usize| {
        let start = raw(&list, frame).untrimmed.start;
        (
            list.frames[frame].image.start - start,
            list.frames[frame].image.pitch,
        )
    };
    assert_eq!((starts(0), starts(1)), ((4, 6), (12, 6)));
    assert!(list.warnings.is_empty(), "{:?}", list.warnings);
}

#[test]
fn a_run_without_steps_has_no_raw_frames() {
    let redo = Calibration {
        redo: true,
        ..Calibration::default()
    };
    let list = opened(&[&[("TRIMSEC", "'[1:2,1:2]'")]], &redo).expect("opened");
    assert!(list.frames[0].raw.is_none() && list.shape.npixel() == 30);
}

#[test]
fn planes_beside_a_frame_are_trimmed_with_it() {
    let dir = folder();
    let plane = |name: &str| extension(&[card("EXTNAME", name)], 8, &[6, 5, 2]);
    let cube = [
        image(&[], 16, &[6, 5, 2]),
        plane("'MASK'"),
        plane("'UNCERT'"),
    ];
    saved(&dir, "a.fits", &cube.concat());
    let calibration = Calibration {
        trim: Some(Place::Section("[2:5,3:4]".parse().expect("a section"))),
        ..Calibration::default()
    };
    let list = of(&dir, &calibration).expect("opened");
    let shape = Shape { nrow: 2, ncol: 4 };
    assert_eq!((list.shape, list.frames.len()), (shape, 2));
    for frame in &list.frames {
        let raw = frame.raw.as_ref().expect("calibrated");
        let mask = frame.mask.expect("a mask");
        let (uncertainty, _) = frame.uncertainty.expect("an uncertainty");
        assert_eq!(
            [frame.image.shape, mask.shape, uncertainty.shape],
            [shape; 3]
        );
        let whole = raw.untrimmed_mask.expect("a mask");
        assert_eq!(
            (
                mask.start - whole.start,
                frame.image.start - raw.untrimmed.start
            ),
            (13, 26)
        );
    }
    let starts: Vec<_> = list.frames.iter().map(|frame| frame.image.start).collect();
    assert_eq!(starts[1] - starts[0], 60);
}

#[test]
fn what_runs_over_the_edge_is_told_once() {
    let calibration = Calibration {
        overscan: Some(overscan(keyword("BIASSEC"))),
        ..Calibration::default()
    };
    let binned: &[_] = &[("BIASSEC", "'[3:4,1:10]'")];
    let list = opened(&[binned, binned, binned], &calibration).expect("opened");
    assert_eq!(list.warnings.len(), 1);
    let said = &list.warnings[0];
    assert!(
        said.ends_with(
            "a.fits: BIASSEC '[3:4,1:10]' runs over the edge of its 6 × 5 pixels; cut to [3:4,1:5] (and so with 2 more frames)"
        ),
        "{said}"
    );
}

#[test]
fn a_step_that_is_done_is_left_out_unless_redone() {
    let mut calibration = Calibration {
        overscan: Some(overscan(keyword("BIASSEC"))),
        trim: Some(keyword("TRIMSEC")),
        gain: Some(Quantity::Keyword("GAIN".into())),
        dark: Some(dark(true)),
        ..Calibration::default()
    };
    let done: &[_] = &[
        ("OVERSCAN", "'subtracted'"),
        ("TRIM", "'Trim data section is [2:3,2:3]'"),
        ("GAINCOR", "'gain=2'"),
        ("DARKCOR", "T"),
        ("FLATCOR", "T"),
    ];
    let list = opened(&[done, done], &calibration).expect("opened");
    let raw = raw(&list, 0);
    assert_eq!(
        (raw.overscan.as_ref(), raw.gain, raw.exposure),
        (None, None, None)
    );
    assert_eq!(list.shape, Shape { nrow: 5, ncol: 6 });
    assert!(raw.done.trim && raw.done.flat && !raw.done.bias);
    let step = "a.fits: its header says that its gain is done (GAINCOR); --gain is left out, --redo does it again (and so with 1 more frame)";
    assert_eq!(list.warnings.len(), 4);
    assert!(
        list.warnings.iter().any(|said| said.ends_with(step)),
        "{:?}",
        list.warnings
    );
    calibration.redo = true;
    let said = fault(&[done], &calibration);
    assert!(
        said.contains("BIASSEC, which --overscan asks for, is not in its header"),
        "{said}"
    );
}

#[test]
fn a_deviation_that_is_said_to_be_done_but_is_not_there_is_made() {
    let calibration = Calibration {
        deviation: Some(Negative::Readnoise),
        readnoise: Some(Quantity::Number(4.5)),
        ..Calibration::default()
    };
    let dir = folder();
    let said = [card("DEVIATN", "'of gain 2'")];
    let uncert = extension(&[card("EXTNAME", "'UNCERT'")], 8, &[6, 5]);
    saved(&dir, "a.fits", &image(&said, 16, &[6, 5]));
    saved(
        &dir,
        "b.fits",
        &[image(&said, 16, &[6, 5]), uncert].concat(),
    );
    let list = of(&dir, &calibration).expect("opened");
    let of = |frame| {
        (
            raw(&list, frame).done.deviation,
            raw(&list, frame).readnoise,
        )
    };
    assert_eq!((of(0), of(1)), ((false, Some(4.5)), (true, None)));
    assert_eq!(list.warnings.len(), 2);
}

#[test]
fn numbers_that_cannot_be_are_refused_with_their_flag() {
    let gain = |gain: Quantity| Calibration {
        gain: Some(gain),
        ..Calibration::default()
    };
    let by_key = gain(Quantity::Keyword("GAIN".into()));
    for (cards, said) in [
        (
            &[][..],
            "a.fits: GAIN, which --gain asks for, is not in its header",
        ),
        (
            &[("GAIN", "'high'")],
            "GAIN, which --gain asks for, is 'high', which is no number",
        ),
        (
            &[("GAIN", "0")],
            "GAIN, which --gain asks for, is 0, which it cannot be",
        ),
        (&[("GAIN", "-1.5")], "is -1.5, which it cannot be"),
    ] {
        let fault = fault(&[cards], &by_key);
        assert!(fault.contains(said), "{fault}");
    }
    assert!(fault(&[&[]], &gain(Quantity::Number(f64::NAN))).contains("--gain is NaN"));
    let noise = Calibration {
        deviation: Some(Negative::Mask),
        readnoise: Some(Quantity::Keyword("RDNOISE".into())),
        ..Calibration::default()
    };
    assert!(
        fault(&[&[("RDNOISE", "-1")]], &noise)
            .contains("RDNOISE, which --readnoise asks for, is -1")
    );
    assert!(opened(&[&[("RDNOISE", "0")]], &noise).is_ok());
}

#[test]
fn a_dark_is_scaled_only_by_a_positive_exposure() {
    let scaled = Calibration {
        dark: Some(dark(true)),
        ..Calibration::default()
    };
    for (cards, said) in [
        (&[][..], "EXPTIME is not in its header"),
        (&[("EXPTIME", "0.0")], "EXPTIME is 0"),
        (&[("EXPTIME", "-3")], "EXPTIME is -3"),
        (
            &[("EXPTIME", "'40 s'")],
            "EXPTIME is '40 s', which is no number",
        ),
    ] {
        let fault = fault(&[cards], &scaled);
        let whole = format!(
            "a.fits: has no exposure time: {said}; --dark-scale needs it for the dark dark.fits; give --exposure"
        );
        assert!(fault.ends_with(&whole), "{fault}");
    }
    let plain = Calibration {
        dark: Some(dark(false)),
        ..Calibration::default()
    };
    assert_eq!(
        raw(&opened(&[&[]], &plain).expect("opened"), 0).exposure,
        None
    );
    let given = |exposure| Calibration {
        dark: Some(Dark {
            exposure: Some(exposure),
            ..dark(true)
        }),
        ..Calibration::default()
    };
    let list = opened(&[&[]], &given(12.5)).expect("opened");
    assert_eq!(raw(&list, 0).exposure, Some(12.5));
    assert!(fault(&[&[]], &given(0.0)).contains("it is given as 0 s"));
}

#[test]
fn frames_must_agree_behind_trim_and_gain() {
    let trim = Calibration {
        trim: Some(keyword("TRIMSEC")),
        ..Calibration::default()
    };
    let said = fault(
        &[&[("TRIMSEC", "'[1:4,1:4]'")], &[("TRIMSEC", "'[1:3,1:4]'")]],
        &trim,
    );
    assert!(
        said.contains("b.fits: 3 × 4 pixels after the trim (6 × 5 before), but "),
        "{said}"
    );
    assert!(said.contains("a.fits has 4 × 4 (6 × 5 before)"), "{said}");
    let gain = |redo| Calibration {
        gain: Some(Quantity::Number(2.0)),
        redo,
        ..Calibration::default()
    };
    let electrons: &[_] = &[("GAINCOR", "T"), ("BUNIT", "'electron'")];
    let list = opened(&[&[], electrons], &gain(false)).expect("one unit at the end");
    assert_eq!(
        (raw(&list, 0).unit_after_gain(), &*raw(&list, 0).unit),
        ("electron", "adu")
    );
    let list = opened(&[electrons], &gain(true)).expect("opened");
    assert!(
        list.warnings[0].ends_with("its unit is electron already, and --gain is applied to it"),
        "{:?}",
        list.warnings
    );
    let said = fault(&[&[], electrons], &trim_nothing());
    assert!(said.contains("its unit is 'electron', but "), "{said}");
}

/// A calibration that leaves units and shapes as they are.
fn trim_nothing() -> Calibration {
    Calibration {
        trim: Some(Place::Section("[*,*]".parse().expect("a section"))),
        ..Calibration::default()
    }
}

#[test]
fn a_mask_for_all_frames_has_their_trimmed_shape() {
    let dir = folder();
    saved(&dir, "a.fits", &image(&[], 16, &[6, 5]));
    let mut frames = Frames::new([dir.path().to_str().expect("UTF-8")]);
    let calibration = Calibration {
        trim: Some(Place::Section("[1:3,1:2]".parse().expect("a section"))),
        ..Calibration::default()
    };
    let mut with = |name: &str, axes: &[usize]| {
        frames.bad_pixels = Some(saved(&dir, name, &image(&[], 8, axes)));
        let selection = Selection {
            frames: &frames,
            hdu: &Hdu::Auto,
            keywords: &[],
            calibration: &calibration,
            unpacked: unpacked(),
            mem_limit: ByteSize(u64::MAX),
        };
        open(&selection, &Watch::default())
    };
    assert!(with("bad.mask", &[3, 2]).is_ok());
    let said = with("whole.mask", &[6, 5])
        .expect_err("refused")
        .to_string();
    assert!(
        said.ends_with(
            "a.fits is trimmed from that to 3 × 2; trim this in the same way before it is used"
        ),
        "{said}"
    );
}
