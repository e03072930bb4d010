//! Tests of the reader.

use std::fs::File;

use super::*;
use crate::recipe::{Calibration, Dark, Frames, Hdu, Place};
use crate::source::list::{Selection, open};
use crate::source::masters::masters;
use crate::source::sample::{card, extension, folder, image, saved, unpacked};
use crate::units::ByteSize;
use crate::watch::Watch;

/// Three frames of 7 × 5 with masks, and bad pixels.
fn list(dir: &Path) -> FrameList {
    let mask = extension(&[card("EXTNAME", "'MASK'")], 8, &[7, 5]);
    for name in ["a.fits", "b.fits", "c.fits"] {
        saved(dir, name, &[image(&[], 16, &[7, 5]), mask.clone()].concat());
    }
    let mut frames = Frames::new([dir.to_str().expect("UTF-8")]);
    frames.bad_pixels = Some(saved(dir, "bad.pixels", &image(&[], 8, &[7, 5])));
    open(
        &Selection {
            frames: &frames,
            hdu: &Hdu::Auto,
            keywords: &[],
            calibration: &Calibration::default(),
            unpacked: unpacked(),
            mem_limit: ByteSize(u64::MAX),
        },
        &Watch::default(),
    )
    .expect("opened")
}

fn read(reader: &Reader<'_>, companion: Companion, area: &Area) -> Result<Vec<u8>> {
    let nbyte = if companion == Companion::Image { 2 } else { 1 };
    let mut into = vec![0xff; area.npixel() * nbyte];
    reader.advise(1, area);
    reader.read(1, companion, area, &mut into)?;
    Ok(into)
}

/// Desks for one thread.
fn desks() -> &'static Desks {
    Box::leak(Box::new(Desks::new(1)))
}

/// A reader of frames alone.
fn reader(list: &FrameList, io: Io) -> Result<Reader<'_>> {
    Reader::with_descriptors(list, None, (io, desks()), spare_descriptors())
}

/// A reader of each way.
fn readers(list: &FrameList) -> [Reader<'_>; 3] {
    [(Io::Mmap, 9), (Io::Read, 9), (Io::Read, 2)].map(|(io, descriptors)| {
        Reader::with_descriptors(list, None, (io, desks()), descriptors).expect("opened")
    })
}

#[test]
fn every_way_gives_the_same_bytes() {
    let dir = folder();
    let list = list(dir.path());
    for reader in readers(&list) {
        let whole = read(&reader, Companion::Image, &list.shape.area()).expect("read");
        assert_eq!(whole, (0..70).collect::<Vec<u8>>());
        let part = Area {
            rows: 1..3,
            cols: 2..4,
        };
        assert_eq!(
            read(&reader, Companion::Image, &part).expect("read"),
            [18, 19, 20, 21, 32, 33, 34, 35]
        );
        assert_eq!(
            read(&reader, Companion::Mask, &part).expect("read"),
            [9, 10, 16, 17]
        );
        let mut bad = [0; 4];
        reader.read_bad_pixels(&part, &mut bad).expect("read");
        assert_eq!(bad, [9, 10, 16, 17]);
        assert_eq!(
            read(
                &reader,
                Companion::Image,
                &Area {
                    rows: 2..2,
                    cols: 0..7
                }
            )
            .expect("read"),
            [0_u8; 0]
        );
        assert_eq!(reader.bytes_read(), 70 + 8 + 4 + 4);
    }
    let [maps, reads, few] = readers(&list);
    assert_eq!((maps.mapped(), reads.mapped()), ((4, 4), (0, 4)));
    assert_eq!(
        few.files
            .opened
            .iter()
            .filter(|file| matches!(file.way, Way::Reopened))
            .count(),
        2
    );
}

#[test]
fn a_frame_that_is_cut_short_while_it_is_read_is_named() {
    let dir = folder();
    let list = list(dir.path());
    let readers = readers(&list);
    let path = dir.path().join("b.fits");
    File::options()
        .write(true)
        .open(&path)
        .and_then(|file| file.set_len(0))
        .expect("shortened");
    for reader in readers {
        let said = read(&reader, Companion::Image, &list.shape.area())
            .expect_err("refused")
            .to_string();
        assert!(
            said.contains("b.fits: was cut short while it was read"),
            "{said}"
        );
    }
    let said = reader(&list, Io::Auto).expect_err("refused").to_string();
    assert!(
        said.contains("b.fits: was cut short while it was read"),
        "{said}"
    );
}

#[test]
fn a_frame_that_is_written_anew_is_not_taken_for_the_old_one() {
    let dir = folder();
    let list = list(dir.path());
    let [.., few] = readers(&list);
    saved(
        dir.path(),
        "c.fits",
        &image(&[card("GAIN", "1")], 16, &[7, 800]),
    );
    let said = few
        .read(2, Companion::Image, &list.shape.area(), &mut [0; 70])
        .expect_err("refused")
        .to_string();
    assert!(
        said.contains("c.fits: was changed while it was read"),
        "{said}"
    );
}

#[test]
fn threads_share_a_reader() {
    fn shared<T: Sync>(_: &T) {}
    let dir = folder();
    let list = list(dir.path());
    shared(&reader(&list, Io::Auto).expect("opened"));
}

/// Calibrated frames: pixels count up, so that a byte of a frame of 7 columns is its place.
fn calibrated(dir: &Path) -> (FrameList, Masters) {
    let mask = extension(&[card("EXTNAME", "'MASK'")], 8, &[7, 5]);
    let raw = [image(&[card("TRIMSEC", "'[3:6,2:4]'")], 8, &[7, 5]), mask];
    let frame = saved(dir, "raw.fits", &raw.concat());
    let plane = |name: &str| extension(&[card("EXTNAME", name)], 8, &[4, 3]);
    let dark = [image(&[], 16, &[4, 3]), plane("'MASK'"), plane("'UNCERT'")];
    let dark = saved(dir, "dark.fits", &dark.concat());
    let calibration = Calibration {
        trim: Some(Place::Keyword("TRIMSEC".into())),
        dark: Some(Dark {
            file: dark.to_str().expect("UTF-8").into(),
            scale: false,
            exposure_key: "EXPTIME".into(),
            exposure: None,
            dark_exposure: None,
        }),
        ..Calibration::default()
    };
    let selection = Selection {
        frames: &Frames::new([frame.to_str().expect("UTF-8")]),
        hdu: &Hdu::Auto,
        keywords: &[],
        calibration: &calibration,
        unpacked: unpacked(),
        mem_limit: ByteSize(u64::MAX),
    };
    let list = open(&selection, &Watch::default()).expect("opened");
    let masters = masters(&selection, &list, false).expect("opened");
    (list, masters)
}

#[test]
fn trimmed_pixels_the_overscan_and_masters_are_read_in_every_way() {
    let dir = folder();
    let (list, masters) = calibrated(dir.path());
    for (io, descriptors) in [(Io::Mmap, 9), (Io::Read, 9), (Io::Read, 0)] {
        let reader = Reader::with_descriptors(&list, Some(&masters), (io, desks()), descriptors)
            .expect("opened");
        let mut twelve = [0; 12];
        for companion in [Companion::Image, Companion::Mask] {
            reader
                .read(0, companion, &list.shape.area(), &mut twelve)
                .expect("read");
            assert_eq!(twelve, [9, 10, 11, 12, 16, 17, 18, 19, 23, 24, 25, 26]);
        }
        let part = Area {
            rows: 1..3,
            cols: 1..3,
        };
        let mut four = [0; 4];
        reader
            .read(0, Companion::Image, &part, &mut four)
            .expect("read");
        assert_eq!(four, [17, 18, 24, 25]);
        reader.advise(0, &part);
        for companion in [Companion::Image, Companion::Mask] {
            let overscan = Area {
                rows: 3..5,
                cols: 0..2,
            };
            reader
                .read_overscan(0, companion, &overscan, &mut four)
                .expect("read");
            assert_eq!(four, [21, 22, 28, 29]);
        }
        let mut dark = [0; 8];
        reader
            .read_master(Role::Dark, Companion::Image, &part, &mut dark)
            .expect("read");
        assert_eq!(dark, [10, 11, 12, 13, 18, 19, 20, 21]);
        for companion in [Companion::Mask, Companion::Uncertainty] {
            reader
                .read_master(Role::Dark, companion, &part, &mut four)
                .expect("read");
            assert_eq!(four, [5, 6, 9, 10]);
        }
        assert_eq!(reader.mapped().1, 2);
    }
}

#[test]
fn rows_that_stand_close_together_are_read_together() {
    let dir = folder();
    let (nrow, ncol) = (300_usize, 400_usize);
    saved(dir.path(), "a.fits", &image(&[], 16, &[ncol, nrow]));
    let frames = Frames::new([dir.path().to_str().expect("UTF-8")]);
    let selection = Selection {
        frames: &frames,
        hdu: &Hdu::Auto,
        keywords: &[],
        calibration: &Calibration::default(),
        unpacked: unpacked(),
        mem_limit: ByteSize(u64::MAX),
    };
    let list = open(&selection, &Watch::default()).expect("opened");
    let [mapped, read] = [Io::Mmap, Io::Read].map(|io| reader(&list, io).expect("opened"));
    for cols in [0..399, 1..400, 7..390, 100..150] {
        for rows in [0..nrow, 3..85, 299..300] {
            let area = Area {
                rows,
                cols: cols.clone(),
            };
            let bytes = |reader: &Reader<'_>| {
                let mut into = vec![0; 2 * area.npixel()];
                reader
                    .read(0, Companion::Image, &area, &mut into)
                    .expect("read");
                into
            };
            assert!(bytes(&mapped) == bytes(&read), "{area:?}");
        }
    }
}

#[test]
fn a_master_that_is_cut_short_is_named_with_its_flag() {
    let dir = folder();
    let (list, masters) = calibrated(dir.path());
    let reader = Reader::new(&list, &masters, Io::Read, desks()).expect("opened");
    let dark = File::options()
        .write(true)
        .open(dir.path().join("dark.fits"));
    dark.and_then(|file| file.set_len(0)).expect("shortened");
    let mut into = [0; 24];
    let said = reader
        .read_master(Role::Dark, Companion::Image, &list.shape.area(), &mut into)
        .expect_err("refused")
        .to_string();
    assert!(
        said.starts_with("--dark ") && said.contains("dark.fits: was cut short"),
        "{said}"
    );
}
