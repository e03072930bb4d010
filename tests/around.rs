//! What needs more than one pixel at a time: neighbours of what is rejected, deviations of rows, masks of what was rejected.

use std::fs;

use crate::common::{Place, Random, assert_same};
use crate::fits::{Image, empty_primary};
use crate::limits::{smallest, within};

const PLANES: &str = "--planes data,mask,uncertainty,count,low,high";
const EVERYTHING: &str = "--clip sigma:2.5 --grow 1.5 --hole-fill 3";
const NCOL: usize = 60;
const NROW: usize = 200;

/// Frames of noise with bright samples and rings.
fn frames(nframe: usize) -> Vec<Vec<f64>> {
    let mut random = Random(21);
    let frame = |random: &mut Random| {
        let mut pixels: Vec<f64> = random
            .frame(NCOL * NROW)
            .into_iter()
            .map(f64::from)
            .collect();
        for _ in 0..20 {
            let [row, col] = [190, 50].map(|n| usize::try_from(random.bits() % n).unwrap() + 5);
            for pixel in 0..NCOL * NROW {
                let away = (pixel / NCOL).abs_diff(row) + (pixel % NCOL).abs_diff(col);
                if away == 4 || away == 5 && random.bits().is_multiple_of(2) {
                    pixels[pixel] += 30_000.0;
                }
            }
        }
        pixels
    };
    (0..nframe).map(|_| frame(&mut random)).collect()
}

fn save(place: &Place, prefix: &str, frames: &[Vec<f64>], axes: &[usize]) {
    for (number, pixels) in frames.iter().enumerate() {
        let path = place.path(&format!("{prefix}{number}.fits"));
        Image::new(-32, axes, pixels).write(path);
    }
}

fn night(nframe: usize) -> Place {
    let place = Place::new();
    save(&place, "f", &frames(nframe), &[NCOL, NROW]);
    place
}

/// What a mask says of its frame.
fn mask(place: &Place, file: &str) -> Vec<f64> {
    place.plane(file, Some("REJECTED"))
}

/// Neighbours as a textbook has them: within 1.5 pixels of a rejected sample, then enclosed by them within 3 pixels.
fn neighbours(codes: &mut [f64]) {
    let near = |a: usize, b: usize| {
        (a / NCOL).abs_diff(b / NCOL) <= 1 && (a % NCOL).abs_diff(b % NCOL) <= 1
    };
    let seeds: Vec<usize> = (0..codes.len()).filter(|p| codes[*p] > 0.0).collect();
    for seed in seeds {
        for pixel in seed.saturating_sub(NCOL + 1)..codes.len().min(seed + NCOL + 2) {
            if near(seed, pixel) && codes[pixel] == 0.0 {
                codes[pixel] = 3.0;
            }
        }
    }
    let inside: Vec<usize> = (0..codes.len())
        .filter(|p| codes[*p] == 0.0 && is_hole(codes, *p))
        .collect();
    for pixel in inside {
        codes[pixel] = 3.0;
    }
}

fn is_hole(codes: &[f64], pixel: usize) -> bool {
    let mut region = vec![pixel];
    let mut next = 0;
    while next < region.len() {
        let at = region[next];
        next += 1;
        let (row, col) = (at / NCOL, at % NCOL);
        let far = |p: &usize| (p / NCOL).abs_diff(row) > 2 || (p % NCOL).abs_diff(col) > 2;
        if row == 0 || row + 1 == NROW || col == 0 || col + 1 == NCOL || region.iter().any(far) {
            return false;
        }
        for side in [at - NCOL, at - 1, at + 1, at + NCOL] {
            if codes[side] == 0.0 && !region.contains(&side) {
                region.push(side);
            }
        }
    }
    true
}

#[test]
fn what_is_near_rejected_samples_is_as_if_it_had_never_been_there() {
    let place = night(5);
    place.done(&format!(
        "combine -q {PLANES} --clip sigma:2.5 --rejected bare -o bare.fits 'f*.fits'"
    ));
    let said = place.json(&format!(
        "combine {PLANES} {EVERYTHING} --rejected masks -o out.fits 'f*.fits'"
    ));
    let mut taken = 0;
    let mut erased = frames(5);
    for (number, pixels) in erased.iter_mut().enumerate() {
        let mut codes = mask(&place, &format!("bare/f{number}.fits"));
        neighbours(&mut codes);
        assert_same(&mask(&place, &format!("masks/f{number}.fits")), &codes);
        for (pixel, code) in pixels.iter_mut().zip(codes) {
            taken += u64::from(code > 2.5);
            *pixel = if code == 0.0 { *pixel } else { f64::NAN };
        }
    }
    save(&place, "e", &erased, &[NCOL, NROW]);
    // A step that takes nothing: sums run in the same order.
    place.done(&format!(
        "combine -q {PLANES} --clip extrema:0,0 -o want.fits 'e*.fits'"
    ));
    for plane in [None, Some("MASK"), Some("UNCERT"), Some("COUNT")] {
        assert_same(
            &place.plane("out.fits", plane),
            &place.plane("want.fits", plane),
        );
    }
    for plane in ["LOW", "HIGH"] {
        assert_same(
            &place.plane("out.fits", Some(plane)),
            &place.plane("bare.fits", Some(plane)),
        );
    }
    let counts = said["neighbours"].as_array().unwrap();
    assert_eq!(
        [&counts[0]["step"], &counts[1]["step"]],
        ["grow 1.5", "hole-fill 3"]
    );
    let counted: u64 = counts
        .iter()
        .map(|count| count["taken"].as_u64().unwrap())
        .sum();
    assert!(
        counted == taken && counts[1]["taken"].as_u64() > Some(0),
        "{counts:?} {taken}"
    );
    let header = place.hdus("out.fits")[0].history();
    assert!(
        header.contains("grow 1.5") && header.contains("hole-fill 3"),
        "{header}"
    );
    let header = &place.hdus("masks/f3.fits")[1];
    assert_eq!(header.value("FRAME").as_deref(), Some("f3.fits"));
    assert!(
        header.history().contains("clip sigma:2.5,2.5"),
        "{}",
        header.history()
    );
}

#[test]
fn bands_limits_and_threads_change_nothing() {
    let place = night(6);
    let masks = |place: &Place| -> Vec<Vec<u8>> {
        (0..6)
            .map(|n| place.bytes(&format!("masks/f{n}.fits")))
            .collect()
    };
    for recipe in [
        format!("{EVERYTHING} --nkeep 2"),
        "--clip extrema:0,1 --clip poisson:2 --scale median".into(),
    ] {
        let arguments = format!("{recipe} {PLANES} --rejected masks -o out.fits 'f*.fits'");
        let (want, _) = within(&place, &format!("-j 1 {arguments}"), 1 << 20);
        let told = masks(&place);
        for how in ["-j 1 --io read", "-j 3 --io read", "-j 2 --io mmap"] {
            let arguments = format!("{how} {arguments}");
            let least = smallest(&place, &arguments);
            for limit in [least, least + 200] {
                let (got, _) = within(&place, &arguments, limit);
                assert!(
                    got == want && masks(&place) == told,
                    "{arguments} under {limit} KiB"
                );
            }
        }
    }
}

#[test]
fn the_edge_of_a_region_is_the_edge_of_what_grows() {
    let place = night(4);
    let cut = |pixels: Vec<f64>| -> Vec<f64> {
        let rows = pixels.chunks(NCOL).skip(9).take(100);
        rows.flat_map(|row| row[4..44].to_vec()).collect()
    };
    let parts: Vec<_> = frames(4).into_iter().map(cut).collect();
    save(&place, "c", &parts, &[40, 100]);
    place.done(&format!(
        "combine -q {EVERYTHING} --rejected c -o c.fits 'c*.fits'"
    ));
    place.done(&format!(
        "combine -q {EVERYTHING} --rejected f --region [5:44,10:109] -o out.fits 'f*.fits'"
    ));
    assert_same(&place.plane("out.fits", None), &place.plane("c.fits", None));
    for n in 0..4 {
        assert_same(
            &mask(&place, &format!("f/f{n}.fits")),
            &mask(&place, &format!("c/c{n}.fits")),
        );
    }
}

#[test]
fn frames_that_are_calibrated_on_the_way_grow_as_those_that_were_before() {
    let place = night(4);
    let bias: Vec<f64> = (0..NCOL * NROW).map(|pixel| (pixel % 97) as f64).collect();
    Image::new(-32, &[NCOL, NROW], &bias).write(place.path("bias.fit"));
    let steps = "--bias bias.fit";
    place.done(&format!("calibrate -q {steps} -o reduced 'f*.fits'"));
    place.done(&format!("combine -q {EVERYTHING} -o want.fits reduced"));
    place.done(&format!(
        "combine -q {EVERYTHING} {steps} -o out.fits 'f*.fits'"
    ));
    for plane in [None, Some("MASK"), Some("UNCERT")] {
        assert_same(
            &place.plane("out.fits", plane),
            &place.plane("want.fits", plane),
        );
    }
}

#[test]
fn every_extension_has_masks_of_its_own() {
    let place = Place::new();
    for (number, pixels) in frames(4).iter().enumerate() {
        let flipped: Vec<f64> = pixels.iter().rev().copied().collect();
        let mut bytes = empty_primary(&[]);
        for pixels in [pixels, &flipped] {
            bytes.extend(Image::new(-32, &[NCOL, NROW], pixels).extension());
        }
        fs::write(place.path(&format!("m{number}.fits")), bytes).unwrap();
    }
    place.done(&format!(
        "combine -q --hdu all {EVERYTHING} --rejected all -o all.fits 'm*.fits'"
    ));
    let mut names: Vec<_> = fs::read_dir(place.path("all"))
        .unwrap()
        .map(|f| f.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names[..3], ["m0_1.fits", "m0_2.fits", "m1_1.fits"]);
    for hdu in [1, 2] {
        place.done(&format!(
            "combine -q --overwrite --hdu {hdu} {EVERYTHING} --rejected one -o one.fits 'm*.fits'"
        ));
        for n in 0..4 {
            let name = format!("m{n}_{hdu}.fits");
            assert!(
                place.bytes(&format!("one/{name}")) == place.bytes(&format!("all/{name}")),
                "{name}"
            );
        }
    }
}

#[test]
fn poisson_has_one_deviation_for_each_row() {
    let place = Place::new();
    // The rows scatter by 1 and by 30 about 100; in both, one sample is 20 away.
    for (number, offset) in [-1.0, -0.5, 0.0, 0.5, 1.0].into_iter().enumerate() {
        let mut pixels: Vec<f64> = (0..80)
            .map(|pixel| 100.0 + offset * if pixel < 40 { 1.0 } else { 30.0 })
            .collect();
        if number == 4 {
            (pixels[7], pixels[47]) = (120.0, 150.0);
        }
        Image::new(-32, &[40, 2], &pixels).write(place.path(&format!("f{number}.fits")));
    }
    place.combined("--clip poisson:4 --planes data,high 'f*.fits'");
    let high = place.plane("out.fits", Some("HIGH"));
    let taken: Vec<usize> = (0..80).filter(|pixel| high[*pixel] > 0.0).collect();
    assert_eq!(taken, [7]);
}

#[test]
fn what_cannot_be_is_refused_before_anything_is_written() {
    let place = night(3);
    fs::create_dir(place.path("there")).unwrap();
    fs::write(place.path("there/f1.fits"), "mine").unwrap();
    fs::create_dir(place.path("other")).unwrap();
    fs::copy(place.path("f1.fits"), place.path("other/f1.fits")).unwrap();
    for (arguments, status, parts) in [
        ("--grow 1 f0.fits", 2, ["--grow", "--clip"]),
        (
            "--hole-fill 3 --clip minmax:0,9 f0.fits",
            2,
            ["--hole-fill", "minmax"],
        ),
        ("--grow=-1 --clip sigma:3 f0.fits", 2, ["--grow", "-1"]),
        ("--grow 101 --clip sigma:3 f0.fits", 2, ["--grow", "100"]),
        (
            "--hole-fill 1.5 --clip sigma:3 f0.fits",
            2,
            ["--hole-fill", "whole number"],
        ),
        ("--rejected m f0.fits", 2, ["--rejected", "--clip"]),
        (
            "--clip poisson:3 --clip poisson:3 f0.fits",
            2,
            ["poisson", "once"],
        ),
        (
            "--clip poisson:3 f0.fits f1.fits",
            1,
            ["poisson", "needs 3 frames"],
        ),
        (
            "--clip sigma:3 --rejected there 'f*.fits'",
            1,
            ["there/f1.fits", "--overwrite"],
        ),
        (
            "--clip sigma:3 --rejected f0.fits 'f*.fits'",
            1,
            ["f0.fits", "is a file"],
        ),
        (
            "--clip sigma:3 --rejected m f0.fits f1.fits other/f1.fits",
            1,
            ["other/f1.fits", "both"],
        ),
        (
            "--clip sigma:3 --overwrite --rejected . 'f*.fits'",
            1,
            ["one of the frames", "another folder"],
        ),
        (
            "--clip sigma:3 --grow 9 --mem-limit 1M 'f*.fits'",
            1,
            ["--mem-limit", "too small"],
        ),
    ] {
        place.refused(arguments, status, &parts);
        assert_eq!(place.bytes("there/f1.fits"), b"mine");
    }
}

#[test]
fn the_plan_tells_of_the_rows_that_are_read_besides() {
    let place = night(4);
    let run = place.done(&format!(
        "combine --dry-run {EVERYTHING} --rejected masks -o out.fits 'f*.fits'"
    ));
    assert!(
        run.stdout.contains("each read with 4 more above and below"),
        "{}",
        run.stdout
    );
    assert!(run.stdout.contains("rejected"), "{}", run.stdout);
    let said = place.json(&format!(
        "combine --dry-run {EVERYTHING} -o out.fits 'f*.fits'"
    ));
    assert_eq!(said["halo"], 4);
    let run = place.done(&format!(
        "combine {EVERYTHING} --rejected masks -o out.fits 'f*.fits'"
    ));
    assert!(
        run.stderr.contains("grow 1.5: ") && run.stderr.contains("hole-fill 3: "),
        "{}",
        run.stderr
    );
}
