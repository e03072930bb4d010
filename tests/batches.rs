//! Frames that are calibrated together: what becomes of one does not depend on the others, nor on how the work is cut.

use std::fs;

use crate::common::Place;
use crate::fits::{Image, empty_primary};

/// Numbers that differ from frame to frame and from pixel to pixel.
fn numbers(frame: usize, npixel: usize) -> Vec<f64> {
    let number = |pixel: usize| ((frame * 7919 + pixel * 104_729) % 3001) as f64;
    (0..npixel).map(number).collect()
}

/// The files of a folder with their bytes, by name, but the ledger of a run that --resume may go on with.
fn files(place: &Place, folder: &str) -> Vec<(String, Vec<u8>)> {
    let entries = fs::read_dir(place.path(folder)).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().to_string_lossy().into_owned();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect();
    files.retain(|(name, _)| !name.starts_with(".ccdstream-"));
    files.sort();
    files
}

#[test]
fn a_frame_that_fails_among_its_pixels_leaves_the_others_of_its_batch_done() {
    let place = Place::new();
    let (nrow, ncol) = (300, 100);
    for frame in 0..5 {
        let mut pixels = numbers(frame, nrow * ncol);
        if frame == 2 {
            // The first of them is the one that is told, whichever is met first.
            pixels[150 * ncol + 7] = 40_000.0;
            pixels[250 * ncol + 3] = 50_000.0;
        }
        Image::new(32, &[ncol, nrow], &pixels).write(place.path(&format!("raw{frame}.fits")));
    }
    let bias = Image::new(-32, &[ncol, nrow], &numbers(9, nrow * ncol));
    bias.write(place.path("bias.fits"));
    let steps = "--dtype i16 --bias bias.fits --mem-limit 64M";
    place.done(&format!(
        "calibrate -q -o alone {steps} raw0.fits raw1.fits raw3.fits raw4.fits"
    ));
    for threads in [1, 3] {
        let run = place.run(&format!(
            "calibrate -o red{threads} -j {threads} {steps} 'raw?.fits'"
        ));
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        for said in ["raw2.fits", "pixel [8,151]", "i16"] {
            assert!(run.stderr.contains(said), "{said} in {}", run.stderr);
        }
        assert!(
            files(&place, &format!("red{threads}")) == files(&place, "alone"),
            "{threads} threads"
        );
    }
}

#[test]
fn frames_of_a_batch_become_what_they_become_alone() {
    let place = Place::new();
    fs::create_dir(place.path("raw")).unwrap();
    // Frames of two shapes, with and without a mask, and some chips whose masters are others.
    for frame in 0..6_usize {
        let (ncol, nrow) = if frame % 2 == 0 { (70, 90) } else { (130, 50) };
        let name = place.path(&format!("raw/a{frame}.fits"));
        let image = Image::new(16, &[ncol, nrow], &numbers(frame, ncol * nrow));
        let marks = (0..ncol * nrow).map(|pixel| f64::from(u8::from(pixel % 37 == frame)));
        let mask = Image::new(8, &[ncol, nrow], &marks.collect::<Vec<_>>()).named("MASK");
        let masks = if frame % 3 == 0 {
            vec![mask]
        } else {
            Vec::new()
        };
        image.write_with(&masks, name);
    }
    let steps = "--deviation --gain 1.5 --readnoise 4 --below 5=nan --sky median";
    for frame in 0..6 {
        place.done(&format!(
            "calibrate -q -j 1 -o alone {steps} raw/a{frame}.fits"
        ));
    }
    for (number, how) in ["-j 1", "-j 2 --mem-limit 16M", "-j 4"].iter().enumerate() {
        place.done(&format!("calibrate -q -o all{number} {how} {steps} raw"));
        let all = files(&place, &format!("all{number}"));
        assert!(all == files(&place, "alone"), "{how}");
    }
}

#[test]
fn chips_of_a_batch_take_each_their_masters() {
    let place = Place::new();
    let chip = |name: &str, seed: usize, ncol: usize| {
        Image::new(-32, &[ncol, 40], &numbers(seed, ncol * 40)).named(name)
    };
    let file = |name: &str, chips: &[Image]| {
        let mut bytes = empty_primary(&[]);
        bytes.extend(chips.iter().flat_map(Image::extension));
        fs::write(place.path(name), bytes).unwrap();
    };
    fs::create_dir(place.path("raw")).unwrap();
    for frame in 0..4 {
        let (a, b) = (chip("A", frame, 64), chip("B", frame + 10, 80));
        // Some files have the chips in the other order: their images go with other masters than those of the rest of the batch.
        let chips = if frame == 1 { [b, a] } else { [a, b] };
        file(&format!("raw/m{frame}.fits"), &chips);
    }
    file("bias.fits", &[chip("B", 30, 80), chip("A", 31, 64)]);
    for frame in 0..4 {
        place.done(&format!(
            "calibrate -q -j 1 --hdu all --bias bias.fits -o alone raw/m{frame}.fits"
        ));
    }
    place.done("calibrate -q -j 3 --hdu all --bias bias.fits -o all raw");
    assert!(files(&place, "all") == files(&place, "alone"));
    let values = place.plane("all/m1.fits", Some("A"));
    let expected = numbers(1, 64 * 40).into_iter().zip(numbers(31, 64 * 40));
    assert!(
        values
            .iter()
            .zip(expected)
            .all(|(v, (raw, bias))| (v - (raw - bias)).abs() < 0.5)
    );
}
