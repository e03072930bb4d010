//! Tests of the reader.

use super::*;
use crate::recipe::{Frames, Hdu};
use crate::source::list::{Selection, open};
use crate::source::sample::{card, extension, folder, image, saved};
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

/// A reader of each way.
fn readers(list: &FrameList) -> [Reader<'_>; 3] {
    [(Io::Mmap, 9), (Io::Read, 9), (Io::Read, 2)]
        .map(|(io, descriptors)| Reader::with_descriptors(list, io, descriptors).expect("opened"))
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
    let said = Reader::new(&list, Io::Auto)
        .expect_err("refused")
        .to_string();
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
    shared(&Reader::new(&list, Io::Auto).expect("opened"));
}
