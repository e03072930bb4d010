//! Tests of the files that are written.

use super::*;
use crate::header::Card;
use crate::recipe::PixelType;
use crate::shape::Shape;
use crate::sink::Pixels;
use crate::sink::hdu::BLOCK;
use proptest::prelude::*;
use std::fs;

const SHAPE: Shape = Shape { nrow: 5, ncol: 7 };

fn image(dtype: PixelType) -> HduSpec {
    HduSpec {
        extname: None,
        extver: None,
        pixels: Some(Pixels {
            dtype,
            shape: SHAPE,
            blank: None,
        }),
        cards: Card::commentary("HISTORY", "made by a test"),
    }
}

/// The ones'-complement sum of whole blocks.
fn sum(bytes: &[u8]) -> u32 {
    let mut sum = Sum::default();
    sum.add(0, bytes);
    sum.value()
}

/// Bytes that differ from pixel to pixel, of an image of one byte a pixel.
fn pixels(area: &Area) -> Vec<u8> {
    let rows = area.rows.clone();
    let number = |row, col| u8::try_from((row * 37 + col * 101 + 1) % 251).expect("below 256");
    rows.flat_map(|row| area.cols.clone().map(move |col| number(row, col)))
        .collect()
}

fn written(areas: &[Area]) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.fits");
    let mut sink = FitsSink::create(&path, false).expect("a file");
    let hdu = sink.add(&image(PixelType::U8)).expect("an image");
    for area in areas {
        sink.write(hdu, area, &pixels(area)).expect("pixels");
    }
    sink.finish().expect("a whole file");
    assert_eq!(
        fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "nothing else is left"
    );
    fs::read(&path).expect("a file")
}

#[test]
fn a_file_is_whole_blocks_whose_sums_are_minus_zero() {
    let bytes = written(&[SHAPE.area()]);
    assert_eq!(bytes.len(), 2 * BLOCK);
    assert_eq!(sum(&bytes), u32::MAX);
    assert_eq!(bytes[BLOCK..BLOCK + 35], pixels(&SHAPE.area()));
    let header = String::from_utf8_lossy(&bytes[..BLOCK]).into_owned();
    assert!(header.starts_with("SIMPLE  =                    T"));
    assert!(header.contains(&format!("DATASUM = '{}", sum(&bytes[BLOCK..]))));
}

#[test]
fn companions_follow_the_primary() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.fits");
    let mut sink = FitsSink::create(&path, false).expect("a file");
    let empty = HduSpec {
        extname: None,
        extver: None,
        pixels: None,
        cards: Vec::new(),
    };
    let named = HduSpec {
        extname: Some("SCI".into()),
        extver: Some(2),
        ..image(PixelType::F32)
    };
    assert_eq!(
        (sink.add(&empty).ok(), sink.add(&named).ok()),
        (Some(0), Some(1))
    );
    sink.write(1, &SHAPE.area(), &[0x7f; 140]).expect("pixels");
    sink.finish().expect("a whole file");
    let bytes = fs::read(&path).expect("a file");
    assert_eq!(
        (sum(&bytes[..BLOCK]), sum(&bytes[BLOCK..])),
        (u32::MAX, u32::MAX)
    );
    assert!(bytes[BLOCK..].starts_with(b"XTENSION= 'IMAGE   '"));
}

#[test]
fn a_plane_that_was_not_needed_leaves_no_trace() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = |masked: bool, path: &Path| {
        let mut sink = FitsSink::create(path, false).expect("a file");
        let hdu = sink.add(&image(PixelType::U8)).expect("an image");
        sink.write(hdu, &SHAPE.area(), &[7; 35]).expect("pixels");
        if masked {
            let mask = sink.add(&image(PixelType::U8)).expect("a mask");
            sink.write(mask, &SHAPE.area(), &[1; 35]).expect("pixels");
            sink.drop_last().expect("a shorter file");
        }
        let next = sink.add(&image(PixelType::I16)).expect("an image");
        assert_eq!(next, 1);
        sink.write_zeros(next, &SHAPE.area());
        sink.finish().expect("a whole file");
        fs::read(path).expect("a file")
    };
    let with = bytes(true, &folder.path().join("with.fits"));
    assert_eq!(with, bytes(false, &folder.path().join("without.fits")));
    assert_eq!((with.len(), sum(&with)), (4 * BLOCK, u32::MAX));
}

#[test]
fn zeros_need_not_be_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let bytes = |path: &Path, write: &dyn Fn(&mut FitsSink, &Area)| {
        let mut sink = FitsSink::create(path, false).expect("a file");
        sink.add(&image(PixelType::U8)).expect("an image");
        let (above, below) = (
            Area {
                rows: 0..2,
                cols: 0..7,
            },
            Area {
                rows: 2..5,
                cols: 0..7,
            },
        );
        sink.write(0, &above, &[3; 14]).expect("pixels");
        write(&mut sink, &below);
        sink.finish().expect("a whole file");
        fs::read(path).expect("a file")
    };
    let skipped = bytes(&folder.path().join("a.fits"), &|sink, area| {
        sink.write_zeros(0, area);
    });
    let written = bytes(&folder.path().join("b.fits"), &|sink, area| {
        sink.write(0, area, &[0; 21]).expect("pixels");
    });
    assert_eq!(skipped, written);
}

#[test]
fn an_existing_file_is_replaced_only_by_a_whole_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.fits");
    fs::write(&path, "old").expect("a file");
    let mut sink = FitsSink::create(&path, true).expect("a file");
    let hdu = sink.add(&image(PixelType::U8)).expect("an image");
    assert!(sink.finish().is_err(), "its pixels are missing");
    assert_eq!(fs::read(&path).expect("a file"), b"old");
    let mut sink = FitsSink::create(&path, true).expect("a file");
    sink.add(&image(PixelType::U8)).expect("an image");
    sink.write(hdu, &SHAPE.area(), &[0; 35]).expect("pixels");
    sink.finish().expect("a whole file");
    assert_eq!(fs::read(&path).expect("a file").len(), 2 * BLOCK);
}

#[test]
fn a_file_that_came_meanwhile_is_spared() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("out.fits");
    let mut sink = FitsSink::create(&path, false).expect("a file");
    sink.add(&HduSpec {
        pixels: None,
        ..image(PixelType::U8)
    })
    .expect("a header");
    fs::write(&path, "other").expect("a file");
    assert!(matches!(sink.finish(), Err(Error::Output { .. })));
    assert_eq!(fs::read(&path).expect("a file"), b"other");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
}

#[test]
fn a_sink_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sink = FitsSink::create(&folder.path().join("out.fits"), false).expect("a file");
    sink.add(&image(PixelType::F64)).expect("an image");
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 1);
    drop(sink);
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}

#[test]
fn an_image_that_no_file_can_hold_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut sink = FitsSink::create(&folder.path().join("out.fits"), false).expect("a file");
    let shape = Shape {
        nrow: usize::MAX / 2,
        ncol: 7,
    };
    let huge = Some(Pixels {
        dtype: PixelType::F64,
        shape,
        blank: None,
    });
    assert!(
        sink.add(&HduSpec {
            pixels: huge,
            ..image(PixelType::F64)
        })
        .is_err()
    );
}

proptest! {
    // Every case flushes files to the disk.
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn rectangles_in_any_order_make_the_same_file(cut in 1..7_usize, band in 1..5_usize, turn in 0..4_usize) {
        let mut areas = vec![
            Area { rows: 0..band, cols: 0..cut },
            Area { rows: 0..band, cols: cut..7 },
            Area { rows: band..5, cols: 0..7 },
        ];
        areas.retain(|area| area.npixel() > 0);
        let turn = turn % areas.len();
        areas.rotate_left(turn);
        prop_assert_eq!(written(&areas), written(&[SHAPE.area()]));
    }
}
