//! Tests of the list of frames.

use super::*;
use crate::recipe::{Comparison, Condition, Frames};
use crate::source::sample::{card, extension, folder, image, saved, table, unpacked};

fn opened(frames: &Frames, hdu: &Hdu) -> Result<FrameList> {
    let keywords = ["GAIN".to_owned(), "EXPTIME".to_owned()];
    open(
        &Selection {
            frames,
            hdu,
            keywords: &keywords,
            calibration: &Calibration::default(),
            unpacked: unpacked(),
            mem_limit: ByteSize(u64::MAX),
        },
        &Watch::default(),
    )
}

fn fault(frames: &Frames) -> String {
    opened(frames, &Hdu::Auto).expect_err("refused").to_string()
}

/// The files of a folder as frames.
fn all(dir: &tempfile::TempDir) -> Frames {
    Frames::new([dir.path().to_str().expect("UTF-8")])
}

#[test]
fn frames_are_held_against_the_first_and_reduced_to_what_is_needed() {
    let dir = folder();
    let one = [
        card("EXPTIME", "'30.0    '"),
        card("FILTER", "'V'"),
        card("OBJECT", "'M31'"),
    ];
    let two = [
        card("EXPTIME", "3.1D1"),
        card("FILTER", "'R'"),
        card("OBJECT", "'M31'"),
        card("BUNIT", "'ADU'"),
    ];
    saved(&dir, "a.fits", &image(&one, 16, &[4, 3]));
    saved(&dir, "b.fits", &image(&two, -32, &[4, 3]));
    let list = opened(&all(&dir), &Hdu::Auto).expect("opened");
    assert_eq!(
        (list.frames.len(), list.shape),
        (2, Shape { nrow: 3, ncol: 4 })
    );
    assert_eq!(
        list.frames
            .iter()
            .map(|frame| frame.exptime)
            .collect::<Vec<_>>(),
        [Some(30.0), Some(31.0)]
    );
    assert_eq!(*list.frames[1].numbers, [None, Some(31.0)]);
    assert_eq!(
        list.differing.iter().collect::<Vec<_>>(),
        ["BUNIT", "EXPTIME", "FILTER"]
    );
    assert_eq!(list.frames[1].base_name(), "b.fits");
    assert_eq!(
        list.first
            .text("OBJECT")
            .or(list
                .primary
                .as_ref()
                .and_then(|header| header.text("OBJECT")))
            .as_deref(),
        Some("M31")
    );
    assert!(list.primary.is_none() && list.warnings.is_empty());
}

#[test]
fn keywords_come_from_the_image_then_from_the_primary_but_scaling_does_not() {
    let dir = folder();
    let primary = [
        card("EXPTIME", "60"),
        card("BZERO", "99"),
        card("GAIN", "7"),
    ];
    let image_cards = [card("EXTNAME", "'im1'"), card("GAIN", "2")];
    let bytes = [
        image(&primary, 8, &[]),
        extension(&image_cards, 16, &[4, 3]),
    ]
    .concat();
    saved(&dir, "a.fits", &bytes);
    let list = opened(&all(&dir), &Hdu::Auto).expect("opened");
    let frame = &list.frames[0];
    assert_eq!(
        (&*frame.numbers, frame.image.stored.bzero),
        (&[Some(2.0), Some(60.0)][..], 0.0)
    );
    assert_eq!(list.extname.as_deref(), Some("im1"));
    assert!(list.primary.is_some());
    let frames = Frames::new([format!("{}/a.fits[im1]", dir.path().display())]);
    assert_eq!(
        opened(&frames, &Hdu::Auto).expect("opened").frames[0].base_name(),
        "a.fits[im1]"
    );
    assert_eq!(
        opened(&all(&dir), &Hdu::Number(1)).expect("opened").frames[0].base_name(),
        "a.fits[1]"
    );
    assert_eq!(
        image_hdus(&all(&dir), unpacked()).expect("images"),
        [Hdu::Name("im1".into(), None)]
    );
}

#[test]
fn planes_of_a_cube_are_frames_with_their_companions() {
    let dir = folder();
    let uncertainty = [
        card("EXTNAME", "'UNCERT'"),
        card("UTYPE", "'VarianceUncertainty'"),
    ];
    let bytes = [
        image(&[], 16, &[4, 3, 2]),
        extension(&uncertainty, -32, &[4, 3, 2]),
    ]
    .concat();
    saved(&dir, "a.fits", &bytes);
    let list = opened(&all(&dir), &Hdu::Auto).expect("opened");
    assert_eq!(
        list.frames.iter().map(Frame::base_name).collect::<Vec<_>>(),
        ["a.fits plane 1", "a.fits plane 2"]
    );
    let starts: Vec<_> = list
        .frames
        .iter()
        .map(|frame| frame.uncertainty.expect("there").0.start)
        .collect();
    assert_eq!(starts, [3 * 2880, 3 * 2880 + 48]);
    assert!(list.frames.iter().all(|frame| frame.mask.is_none()));
}

#[test]
fn frames_that_do_not_go_together_are_named_both() {
    let dir = folder();
    saved(
        &dir,
        "a.fits",
        &image(&[card("BUNIT", "'adu'")], 16, &[4, 3]),
    );
    let other = saved(&dir, "b.fits", &image(&[], 16, &[3, 4]));
    let said = fault(&all(&dir));
    assert!(
        said.contains("b.fits: 3 × 4 pixels, but ") && said.contains("a.fits has 4 × 3"),
        "{said}"
    );
    saved(
        &dir,
        "b.fits",
        &image(&[card("BUNIT", "'electron'")], 16, &[4, 3]),
    );
    let said = fault(&all(&dir));
    assert!(
        said.contains("b.fits: its unit is 'electron', but ") && said.contains("a.fits has 'adu'"),
        "{said}"
    );
    std::fs::write(other, &image(&[], 16, &[4, 3])[..2890]).expect("written");
    assert!(
        fault(&all(&dir))
            .contains("b.fits: is cut short: its pixels end at byte 2904, but the file has 2890")
    );
}

#[test]
fn frames_whose_headers_do_not_agree_are_left_out_unseen() {
    let dir = folder();
    let dark = card("IMAGETYP", "'Dark Frame'");
    saved(
        &dir,
        "a.fits",
        &image(&[card("IMAGETYP", "'Flat'")], 16, &[9, 9])[..2890],
    );
    saved(
        &dir,
        "b.fits",
        &image(&[dark, card("EXPTIME", "60.")], 16, &[4, 3]),
    );
    saved(&dir, "c.fits", &image(&[], 16, &[5, 5]));
    let mut frames = all(&dir);
    let condition = |keyword: &str, comparison, value: &str| Condition {
        keyword: keyword.into(),
        comparison,
        value: value.into(),
    };
    frames.conditions = vec![condition("IMAGETYP", Comparison::Equal, "dark*")];
    assert_eq!(opened(&frames, &Hdu::Auto).expect("opened").frames.len(), 1);
    frames
        .conditions
        .push(condition("EXPTIME", Comparison::Greater, "60"));
    assert_eq!(
        fault(&frames),
        "no frames: none of 3 agrees with --where 'EXPTIME>60'"
    );
}

#[test]
fn bad_pixels_are_opened_like_a_frame_of_the_same_shape() {
    let dir = folder();
    saved(&dir, "a.fits", &image(&[], 16, &[4, 3]));
    let masks = folder();
    let named = [card("EXTNAME", "'MASK'")];
    let mask = saved(
        &masks,
        "m.fits",
        &[image(&[], 8, &[]), extension(&named, 8, &[4, 3])].concat(),
    );
    let mut frames = all(&dir);
    frames.bad_pixels = Some(mask.clone());
    let list = opened(&frames, &Hdu::Auto).expect("opened");
    assert_eq!(list.bad_pixels.map(|mask| mask.image.start), Some(2 * 2880));
    frames.bad_pixels = Some(format!("{}[0]", mask.display()).into());
    assert!(
        fault(&frames).contains("m.fits[0]: HDU 0 is without pixels"),
        "{}",
        fault(&frames)
    );
    frames.bad_pixels = Some(saved(&masks, "m.fits", &image(&[], 8, &[3, 4])));
    assert!(
        fault(&frames).contains("m.fits: 3 × 4 pixels, but "),
        "{}",
        fault(&frames)
    );
}

#[test]
fn a_frame_given_twice_counts_twice_with_a_warning() {
    let dir = folder();
    let path = saved(&dir, "a.fits", &image(&[], 16, &[4, 3]));
    let path = path.to_str().expect("UTF-8");
    let list = opened(&Frames::new([path, &format!("{path}[0]")]), &Hdu::Auto).expect("opened");
    assert_eq!(list.frames.len(), 2);
    assert_eq!(
        list.warnings,
        [format!("{path}[0] was given before; it counts again")]
    );
}

#[test]
fn a_table_is_refused_and_a_stop_is_heard() {
    let dir = folder();
    saved(&dir, "a.fits", &[image(&[], 8, &[]), table(&[])].concat());
    assert!(fault(&all(&dir)).contains("HDU 1 is a table, not an image"));
    let watch = Watch::default();
    watch.stop(15);
    let stopped = open(
        &Selection {
            frames: &all(&dir),
            hdu: &Hdu::Auto,
            keywords: &[],
            calibration: &Calibration::default(),
            unpacked: unpacked(),
            mem_limit: ByteSize(u64::MAX),
        },
        &watch,
    );
    assert!(matches!(stopped, Err(Error::Stopped(15))));
}

#[test]
fn a_frame_whose_pixels_are_whole_is_read_whatever_its_header_holds() {
    let line = |text: &str| format!("{text:<80.80}");
    let history: Vec<_> = (0..1469)
        .map(|n| line(&format!("HISTORY step {n}")))
        .collect();
    let odd: [&[String]; 9] = [
        &[card("GAIN", "1"), card("GAIN", "2")],
        &[line("OBJECT  = 'M31 without an end")],
        &[line("OBJECT  = 'a\u{7}b\tc\nd'")],
        &[line("HIERARCH ESO DET CHIP1 ID = 'E2V' / chip")],
        &[line("LONG    = 'one&'"), line("CONTINUE  'two'")],
        &[line("CONTINUE  'of nothing'"), line("nonsense")],
        &[
            card("EXPTIME", "3.0D+01"),
            line("EXTEND  =                    T"),
        ],
        &history,
        &[card("XTENSIO", "'x'"), card("NAXIS3", "7")],
    ];
    let dir = folder();
    for cards in odd {
        saved(&dir, "a.fits", &image(cards, 16, &[4, 3]));
        let list = opened(&all(&dir), &Hdu::Auto);
        assert_eq!(
            list.map(|list| list.frames.len())
                .map_err(|e| e.to_string()),
            Ok(1),
            "{}",
            cards[0]
        );
    }
    let plain = image(&[], 16, &[4, 3]);
    let mut latin = plain.clone();
    latin[80 * 3 + 40] = 0xe9;
    let junk = [&plain[..], b"EXTENSION= 'IMAGE' and no more", &[0xff; 3000]].concat();
    for bytes in [
        latin,
        plain[..2880 + 24].to_vec(),
        plain[..2880 + 30].to_vec(),
        junk,
    ] {
        saved(&dir, "a.fits", &bytes);
        let list = opened(&all(&dir), &Hdu::Auto).expect("opened");
        assert!(list.frames[0].mask.is_none());
    }
}
