//! Interrupted runs of packed frames: what is needed is unpacked again.

use std::fs;

use super::{FLAGS, assert_whole, half_combined, left};
use crate::common::{Place, Random};
use crate::packing::{Raw, Tiling, gzip, save};

/// Eight frames, in ref.fits what they combine to, and then each packed under its own name: as a whole, by rows and in one tile.
fn packed_night() -> Place {
    let place = Place::new();
    let mut random = Random(7);
    let frames: Vec<Raw> = (0..8)
        .map(|_| Raw {
            bitpix: 16,
            axes: vec![900, 700],
            cards: vec!["OBJECT  = 'M31     '".into()],
            bytes: random
                .frame(900 * 700)
                .iter()
                .flat_map(|&pixel| pixel.to_be_bytes())
                .collect(),
        })
        .collect();
    let path = |n: usize| place.path(&format!("f{n}.fits"));
    for (n, frame) in frames.iter().enumerate() {
        save(&path(n), &frame.plain());
    }
    place.done(&format!("combine -q {FLAGS} -o ref.fits 'f*.fits'"));
    for (n, frame) in frames.iter().enumerate() {
        let packed = match n % 3 {
            0 => gzip(&frame.plain()),
            1 => frame.packed(Tiling::Gzip1, &[900, 1]),
            _ => frame.packed(Tiling::NoCompress, &[900, 700]),
        };
        save(&path(n), &packed);
    }
    place
}

#[test]
fn a_run_of_packed_frames_goes_on_and_makes_the_same_file() {
    let place = packed_night();
    for others in [
        "-j 3 --mem-limit 200M --io mmap",
        "-j 1",
        "-j 2 --mem-limit 20M",
    ] {
        half_combined(&place);
        place.done(&format!(
            "combine -q {FLAGS} -o out.fits --resume {others} 'f*.fits'"
        ));
        assert_whole(&place);
        fs::remove_file(place.path("out.fits")).unwrap();
    }
}

#[test]
fn a_packed_frame_that_was_packed_again_is_another() {
    let place = packed_night();
    half_combined(&place);
    let packed = fs::read(place.path("f3.fits")).unwrap();
    // A second member without a byte.
    fs::write(place.path("f3.fits"), [packed, gzip(b"")].concat()).unwrap();
    let run = place.run(&format!("combine {FLAGS} -o out.fits --resume 'f*.fits'"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains("f3.fits"), "{}", run.stderr);
    assert_eq!(left(&place), [".out.fits.part", ".out.fits.state"]);
}
