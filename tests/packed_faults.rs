//! Packed frames that are damaged, and hard limits from outside on runs that unpack.

use std::fs;

use crate::common::{Place, Random};
use crate::packing::{Raw, Tiling, gzip, save};

/// A frame of 120 × 90 pixels.
fn frame(seed: u64) -> Raw {
    let mut random = Random(seed);
    let pixel = |_| u16::try_from(900 + random.bits() % 50).unwrap();
    Raw {
        bitpix: 16,
        axes: vec![120, 90],
        cards: Vec::new(),
        bytes: (0..120 * 90)
            .map(pixel)
            .flat_map(u16::to_be_bytes)
            .collect(),
    }
}

#[test]
fn packed_frames_whose_damage_shows_at_once_are_left_out_where_that_is_asked_for() {
    let place = Place::new();
    for n in 0..3 {
        save(&place.path(&format!("good{n}.fits")), &frame(n).plain());
    }
    let (zipped, tiled) = (
        gzip(&frame(9).plain()),
        frame(9).packed(Tiling::Gzip1, &[120, 10]),
    );
    let mut sum = zipped.clone();
    let at = sum.len() - 5;
    sum[at] ^= 1;
    save(&place.path("bad0.fits"), &zipped[..zipped.len() / 2]);
    save(&place.path("bad1.fits"), &sum);
    save(&place.path("bad2.fits"), &tiled[..2880 + 2880 + 300]);
    place.done("combine -o want.fits 'good*.fits'");
    let json = place.json("combine --skip-bad -j 2 -o got.fits 'good*.fits' 'bad*.fits'");
    assert!(place.plane("got.fits", None) == place.plane("want.fits", None));
    let skipped = json["skipped"].as_array().unwrap();
    let faults: Vec<_> = skipped
        .iter()
        .map(|frame| frame["fault"].as_str().unwrap())
        .collect();
    assert_eq!(faults.len(), 3, "{faults:?}");
    for (fault, part) in faults.iter().zip([
        "is cut short: what gzip packed ends early",
        "is damaged: gzip cannot unpack it",
        "is cut short: its tile",
    ]) {
        assert!(fault.contains(part), "{fault}");
    }
    for n in 0..3 {
        let name = format!("bad{n}.fits");
        place.refused(
            &format!("'good*.fits' {name}"),
            1,
            &[&name, "; --skip-bad leaves damaged frames out"],
        );
    }
    place.done("calibrate --skip-bad --gain 2 -o red 'good*.fits' 'bad*.fits'");
    assert_eq!(fs::read_dir(place.path("red")).unwrap().count(), 3);
}

#[test]
fn damage_that_shows_when_a_tile_is_unpacked_ends_the_run_with_the_name_of_the_frame() {
    let place = Place::new();
    save(&place.path("good.fits"), &frame(1).plain());
    for (name, tile) in [("rows.fits", [120, 10]), ("whole.fits", [120, 90])] {
        let mut tiled = frame(2).packed(Tiling::Gzip1, &tile);
        let heap = 2880 + 2880 + 90 / tile[1] * 8;
        tiled[heap + 40..heap + 60].fill(0xff);
        save(&place.path(name), &tiled);
        let run = place.run(&format!("combine --skip-bad -o out.fits good.fits {name}"));
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        let said = format!("{name}: cannot be unpacked: its tile 1 is damaged");
        assert!(run.stderr.contains(&said), "{}", run.stderr);
    }
    assert_eq!(place.listing(), ["good.fits", "rows.fits", "whole.fits"]);
}

#[test]
fn three_hundred_packed_files_need_no_more_descriptors_than_plain_ones() {
    let place = Place::new();
    for n in 0..300 {
        let raw = frame(n);
        save(&place.path(&format!("plain/f{n:03}.fits")), &raw.plain());
        let packed = match n % 4 {
            0 => raw.packed(Tiling::Gzip1, &[120, 90]),
            _ => gzip(&raw.plain()),
        };
        save(&place.path(&format!("packed/f{n:03}.fits")), &packed);
    }
    place.done("combine -q -o want.fits plain");
    for (flags, limit) in [
        ("-j 3", "-n 64"),
        ("-j 2 --io mmap", "-n 64"),
        ("-j 1", "-n 40"),
    ] {
        let arguments = format!("combine -q --overwrite {flags} -o got.fits packed");
        let run = place.below(limit, &arguments);
        assert_eq!(run.status, Some(0), "{limit} {flags}: {}", run.stderr);
        assert!(place.plane("got.fits", None) == place.plane("want.fits", None));
        let arguments = format!("calibrate -q --overwrite --gain 2 {flags} -o red packed");
        let run = place.below(limit, &arguments);
        assert_eq!(run.status, Some(0), "{limit} {flags}: {}", run.stderr);
    }
}

#[test]
fn a_limit_on_file_sizes_or_on_addresses_ends_in_one_message() {
    let place = Place::new();
    for n in 0..12 {
        let raw = frame(n);
        save(
            &place.path(&format!("files/f{n}.fits")),
            &gzip(&raw.plain()),
        );
        let packed = raw.packed(Tiling::Gzip1, &[120, 90]);
        save(&place.path(&format!("tiles/f{n}.fits")), &packed);
    }
    for folder in ["files", "tiles"] {
        let arguments = format!("combine -q -j 2 -o out.fits {folder}");
        let run = place.below("-f 20", &arguments);
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains("ulimit -f"), "{}", run.stderr);
        assert!(run.stderr.contains("--temp-dir"), "{}", run.stderr);
        assert_eq!(place.listing(), ["files", "tiles"]);
        place.done(&format!("combine -q -j 2 -o want.fits {folder}"));
        for mebibytes in [16, 24, 32, 40, 48, 64, 96, 256] {
            for io in ["read", "mmap"] {
                let limit = format!("-v {}", mebibytes << 10);
                if place.below(&limit, "--version").status != Some(0) {
                    continue;
                }
                let arguments =
                    format!("combine -q --overwrite -j 2 --io {io} -o out.fits {folder}");
                let run = place.below(&limit, &arguments);
                let errors = run.stderr.matches("ccdstream: error:").count();
                match run.status {
                    Some(0) => assert!(place.bytes("out.fits") == place.bytes("want.fits")),
                    status => assert_eq!((status, errors), (Some(1), 1), "{}", run.stderr),
                }
            }
        }
        for name in ["want.fits", "out.fits"] {
            fs::remove_file(place.path(name)).unwrap();
        }
    }
}
