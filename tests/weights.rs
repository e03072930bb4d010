//! Weights by exposure and by noise, spreads as scales, and the norms that stand for zeros and scales.

use crate::common::{Place, Random, assert_close, assert_same, good};
use crate::fits::Image;

/// Frames of 60 × 40 pixels of the same noise, so many times as strong: a.fits, b.fits, …
fn noisy(bitpix: i32, times: &[f64]) -> Place {
    let place = Place::new();
    let mut random = Random(5);
    let noise: Vec<f64> = (0..60 * 40)
        .map(|_| f64::from(u32::try_from(random.bits() >> 57).unwrap()))
        .collect();
    for (times, letter) in times.iter().zip('a'..='z') {
        let pixels: Vec<f64> = noise.iter().map(|n| 200.0 + times * n).collect();
        Image::new(bitpix, &[60, 40], &pixels).write(place.path(&format!("{letter}.fits")));
    }
    place
}

#[test]
fn frames_count_by_their_exposure() {
    let place = Place::new();
    for (name, value, exposure) in [
        ("a.fits", 1.0, "                10.0"),
        ("b.fits", 5.0, "'30.0    '"),
    ] {
        Image::row(&[value])
            .card(format!("EXPTIME = {exposure}"))
            .write(place.path(name));
    }
    assert_same(&place.combined("--weight exposure a.fits b.fits"), &[4.0]);
    assert!(
        place
            .header("out.fits")
            .history()
            .contains("weight exposure")
    );
    std::fs::remove_file(place.path("out.fits")).unwrap();
    for (name, card, fault) in [
        ("none.fits", "OBJECT  = 'M31     '", "EXPTIME is not there"),
        (
            "zero.fits",
            "EXPTIME =                  0.0",
            "EXPTIME is 0",
        ),
        (
            "minus.fits",
            "EXPTIME =                 -3.0",
            "EXPTIME is -3",
        ),
        (
            "text.fits",
            "EXPTIME = 'long    '",
            "EXPTIME is not there or is no number",
        ),
    ] {
        Image::row(&[1.0]).card(card).write(place.path(name));
        let arguments = format!("--weight exposure a.fits {name}");
        place.refused(&arguments, 1, &[name, fault, "--weight"]);
    }
}

#[test]
fn frames_count_by_the_noise_that_they_have_as_they_are_scaled() {
    for bitpix in [16, -32, -64] {
        let place = noisy(bitpix, &[1.0, 2.0]);
        let first = place.combined("a.fits");
        let weighed = |n: &f64| (4.0 * n + (2.0 * n - 200.0)) / 5.0;
        let want: Vec<f64> = first.iter().map(weighed).collect();
        let got = place.combined("--weight noise a.fits b.fits");
        assert_close(&got, &want, 1e-6);
        assert!(place.header("out.fits").history().contains("weight noise"));
        let want: Vec<f64> = first.iter().map(|n| n - 200.0).collect();
        let scaled =
            "--zero 200 --scale 1,2 --weight noise a.fits b.fits".replace("200", "200,200");
        assert_close(&place.combined(&scaled), &want, 1e-6);
    }
}

#[test]
fn json_tells_the_weights_that_noise_makes() {
    let place = noisy(-32, &[1.0, 2.0]);
    let said = place.json("combine --weight noise --zero median -o out.fits a.fits b.fits");
    let [a, b] = [0, 1].map(|n| said["levels"][n]["weight"].as_f64().unwrap());
    assert_close(&[a], &[4.0 * b], 1e-6);
    assert!(said["levels"][1]["zero"].as_f64() > Some(200.0));
}

#[test]
fn a_frame_without_noise_has_no_weight_by_it() {
    let place = noisy(-32, &[1.0, 0.0, 2.0]);
    let fault = ["b.fits", "noise measures 0", "--weight", "--stats-section"];
    place.refused("--weight noise a.fits b.fits c.fits", 1, &fault);
    place.refused(
        "--weight noise --stats-section '[1:4,*]' a.fits",
        1,
        &["a.fits"],
    );
    let run = place.done("combine -o out.fits -m median --weight noise b.fits c.fits");
    assert!(run.stderr.contains("ignores weights"), "{}", run.stderr);
    let run = place.done("combine --overwrite -vv -o out.fits --weight noise a.fits c.fits");
    assert!(run.stderr.contains("c.fits: noise "), "{}", run.stderr);
}

#[test]
fn frames_are_divided_by_their_spread() {
    let place = Place::with_rows(&[&[1.0, 2.0, 9.0], &[2.0, 4.0, 18.0]]);
    let spread = 1.482_602_218_505_602;
    let want = [1.0, 2.0, 9.0].map(|x| x / spread);
    assert_close(&place.combined("--scale mad a.fits b.fits"), &want, 1e-6);
    for (flags, want) in [
        ("--scale mad --scale-to first", [1.0, 2.0, 9.0]),
        ("--scale median*mad --scale-to first", [0.75, 1.5, 6.75]),
        ("--norm mul", [1.0, 2.0, 9.0]),
        ("--norm add", [0.5, 2.0, 12.5]),
    ] {
        assert_same(&place.combined(&format!("{flags} a.fits b.fits")), &want);
    }
    for zero in ["mad", "median*mad"] {
        place.done("combine --overwrite -o out.fits a.fits");
        place.refused(
            &format!("--overwrite --zero {zero} a.fits"),
            2,
            &["--zero", "--scale"],
        );
    }
}

#[test]
fn a_norm_is_the_flags_that_it_stands_for_and_goes_without_them() {
    let place = noisy(16, &[1.0, 1.5, 3.0]);
    for (norm, flags, told) in [
        ("none", "", ""),
        (
            "add",
            "--zero median --zero-to first",
            "zero median, zero-to first",
        ),
        (
            "mul",
            "--scale median --scale-to first",
            "scale median, scale-to first",
        ),
        (
            "addscale",
            "--zero median --zero-to first --scale mad --scale-to first",
            "scale mad, scale-to first",
        ),
        (
            "mulscale",
            "--scale median*mad --scale-to first",
            "scale median*mad, scale-to first",
        ),
    ] {
        place.combined(&format!("--norm {norm} a.fits b.fits c.fits"));
        let by_norm = place.bytes("out.fits");
        place.combined(&format!("{flags} a.fits b.fits c.fits"));
        assert!(place.bytes("out.fits") == by_norm, "{norm}");
        assert!(place.header("out.fits").history().contains(told), "{norm}");
    }
    let plan = place.done("combine --dry-run -o plan.fits --norm mul --weight noise a.fits b.fits");
    let told = "\nscale median, scale-to first\nweight noise\n";
    assert!(plan.stdout.contains(told), "{}", plan.stdout);
    for flags in [
        "--scale median",
        "--zero 1",
        "--scale-to 2",
        "--zero-to first",
    ] {
        std::fs::remove_file(place.path("out.fits")).ok();
        place.refused(&format!("--norm add {flags} a.fits b.fits"), 2, &["--norm"]);
    }
    place.refused("--norm scale a.fits", 2, &["--norm", "addscale"]);
    good(0.0).write(place.path("dark.fits"));
    place.refused("--norm mul dark.fits", 1, &["dark.fits", "scale"]);
}

#[test]
fn what_is_measured_for_norms_and_weights_is_the_same_however_the_work_is_cut() {
    let place = Place::new();
    let mut random = Random(11);
    for n in 0..7 {
        let name = place.path(&format!("f{n}.fits"));
        let pixels = random.frame(300 * 170);
        if n % 2 == 0 {
            Image::uint16(&[300, 170], &pixels).write(name);
        } else {
            let pixels: Vec<f64> = pixels.iter().map(|p| f64::from(*p) * 1.25 + 0.5).collect();
            Image::new(-32, &[300, 170], &pixels).write(name);
        }
    }
    let flags = "--norm addscale --weight noise --clip sigma:3 --stats-section '[3:290,2:165]'";
    place.done(&format!(
        "combine {flags} -j 1 --io read -o out.fits 'f?.fits'"
    ));
    let want = place.bytes("out.fits");
    for how in [
        "-j 3 --io mmap",
        "-j 2 --mem-limit 24M",
        "-j 5 --mem-limit 1G --io read",
    ] {
        place.combined(&format!("{flags} {how} 'f?.fits'"));
        assert!(place.bytes("out.fits") == want, "{how}");
    }
}
