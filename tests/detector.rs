//! Clip steps that go by the noise of the detector, or by the number of frames; how many samples may go; planes of what each family took.

use crate::common::{Place, assert_close, assert_same};
use crate::fits::{Image, empty_primary};

const PLANES: &str = "--planes data,count,low,high";

/// A frame of one row with its gain and read noise.
fn frame(row: &[f64], gain: f64, readnoise: f64) -> Image {
    Image::row(row)
        .card(format!("GAIN    = {gain:>20.2}"))
        .card(format!("RDNOISE = {readnoise:>20.1}"))
}

/// Frames a.fits, b.fits, … of these rows, all of the same detector.
fn place(rows: &[&[f64]], gain: f64, readnoise: f64) -> Place {
    let place = Place::new();
    for (row, letter) in rows.iter().zip('a'..='z') {
        frame(row, gain, readnoise).write(place.path(&format!("{letter}.fits")));
    }
    place
}

/// A place with so many frames of one pixel about 100.
fn many(count: u8) -> Place {
    let place = Place::new();
    for number in 0..count {
        let sample = 100.0 + f64::from(number * 7 % 5);
        Image::row(&[sample]).write(place.path(&format!("f{number:02}.fits")));
    }
    place
}

/// The bytes of a file, as far as they are text.
fn text(place: &Place, file: &str) -> String {
    String::from_utf8_lossy(&place.bytes(file)).into_owned()
}

#[test]
fn of_two_frames_the_noise_tells_which_sample_was_hit() {
    // At 250: σ² = (10/2)² + 250/2, σ = 12.2.
    let place = place(
        &[&[400.0, 110.0, 100.0], &[100.0, 90.0, f64::NAN]],
        2.0,
        10.0,
    );
    for noise in ["gain=2,rdnoise=10", "gain=GAIN,rdnoise=RDNOISE,snoise=0"] {
        let value = place.combined(&format!("--clip cr:5,{noise} {PLANES} a.fits b.fits"));
        assert_same(&value, &[100.0, 100.0, 100.0]);
        assert_same(&place.plane("out.fits", Some("COUNT")), &[1.0, 2.0, 1.0]);
        assert_same(&place.plane("out.fits", Some("HIGH")), &[1.0, 0.0, 0.0]);
    }
    // Both lie far from the middle; with both sides nothing is left.
    let value = place.combined("--clip ccd:5,gain=2,rdnoise=10 a.fits b.fits");
    assert!(value[0].is_nan());
    let value = place.combined("--clip ccd:5,gain=2,rdnoise=10 --nkeep 1 a.fits b.fits");
    assert_same(&value[..1], &[400.0]);
    // Noise that goes with the signal: 0.3 · 250 is half of the distance.
    let value = place.combined("--clip cr:5,gain=2,rdnoise=10,snoise=0.3 a.fits b.fits");
    assert_same(&value[..1], &[250.0]);
}

#[test]
fn each_frame_is_judged_by_its_own_noise() {
    let place = place(&[&[100.0], &[101.0], &[99.0], &[130.0]], 2.0, 1.0);
    // The last deviates by 4 of the first frames' σ of 7.1, and by 1.4 of its own.
    assert_same(
        &place.combined("--clip ccd:3,gain=GAIN,rdnoise=RDNOISE '?.fits'"),
        &[100.0],
    );
    frame(&[130.0], 2.0, 40.0).write(place.path("d.fits"));
    assert_same(
        &place.combined("--clip ccd:3,gain=GAIN,rdnoise=RDNOISE '?.fits'"),
        &[107.5],
    );
    // A deviant behind a noisy sample that stays goes all the same.
    frame(&[125.0], 2.0, 1.0).write(place.path("e.fits"));
    place.combined(&format!(
        "--clip ccd:3,gain=GAIN,rdnoise=RDNOISE {PLANES} '?.fits'"
    ));
    assert_same(&place.plane("out.fits", None), &[107.5]);
    assert_same(&place.plane("out.fits", Some("HIGH")), &[1.0]);
}

#[test]
fn the_signal_is_that_before_scaling() {
    // The second has twice the exposure: 200 there are 100 here, with the noise of 200 halved.
    let place = place(
        &[&[100.0, 100.0], &[202.0, 290.0], &[99.0, 101.0]],
        1.0,
        3.0,
    );
    place.combined(&format!(
        "--scale 1,2,1 --clip ccd:5,gain=1,rdnoise=3 {PLANES} a.fits b.fits c.fits"
    ));
    // σ of the second at 101 · 2: √(9 + 202)/2 = 7.3; 44 is six of them.
    assert_same(&place.plane("out.fits", Some("COUNT")), &[3.0, 2.0]);
    // A zero that was taken away is light all the same.
    place.combined(&format!(
        "--zero 90,192,90 --clip ccd:5,gain=1,rdnoise=3 {PLANES} a.fits b.fits c.fits"
    ));
    assert_same(&place.plane("out.fits", Some("COUNT")), &[3.0, 2.0]);
}

#[test]
fn after_a_gain_samples_are_electrons() {
    let place = place(&[&[100.0], &[101.0], &[99.0], &[129.0]], 4.0, 4.0);
    // 516 electrons lie 5.6 σ above the median of 402: σ² = 16 + 402.
    for gain in ["", "gain=1,"] {
        place.combined(&format!(
            "--gain GAIN --clip cr:6,{gain}rdnoise=RDNOISE {PLANES} '?.fits'"
        ));
        assert_same(&place.plane("out.fits", Some("COUNT")), &[4.0]);
        assert!(text(&place, "out.fits").contains("HISTORY clip cr:6,gain=1,rdnoise=RDNOISE"));
    }
    place.combined(&format!(
        "--clip cr:6,gain=GAIN,rdnoise=RDNOISE {PLANES} '?.fits'"
    ));
    assert_same(&place.plane("out.fits", Some("COUNT")), &[4.0]);
    place.combined(&format!(
        "--clip cr:5,gain=GAIN,rdnoise=RDNOISE {PLANES} '?.fits'"
    ));
    assert_same(&place.plane("out.fits", Some("COUNT")), &[3.0]);
    let run = place.done(
        "combine --overwrite -o out.fits --gain GAIN --clip cr:6,gain=GAIN,rdnoise=4 '?.fits'",
    );
    assert!(run.stderr.contains("leave gain= out"), "{}", run.stderr);
    let run = place
        .done("combine --overwrite -o out.fits --sky median --clip cr:6,gain=1,rdnoise=4 '?.fits'");
    assert!(run.stderr.contains("--zero instead"), "{}", run.stderr);
}

#[test]
fn a_frame_whose_header_does_not_tell_its_noise_is_named_before_pixels_are_read() {
    let place = place(&[&[1.0], &[2.0], &[3.0]], 2.0, 5.0);
    let step = "--clip ccd:3,gain=GAIN,rdnoise=RDNOISE";
    Image::row(&[4.0])
        .card("GAIN    =                  2.0")
        .write(place.path("d.fits"));
    place.refused(
        &format!("{step} '?.fits'"),
        1,
        &["d.fits", "RDNOISE", "--clip ccd"],
    );
    for (gain, readnoise, parts) in [
        (0.0, 5.0, ["e.fits", "GAIN", "above 0"]),
        (-1.0, 5.0, ["e.fits", "GAIN", "above 0"]),
        (1.0, -5.0, ["e.fits", "RDNOISE", "not below 0"]),
    ] {
        frame(&[5.0], gain, readnoise).write(place.path("e.fits"));
        place.refused(&format!("{step} a.fits b.fits e.fits"), 1, &parts);
    }
    frame(&[5.0], 1.0, 0.0).write(place.path("e.fits"));
    place.combined(&format!("{step} a.fits b.fits e.fits"));
}

#[test]
fn a_step_without_its_gain_is_refused_with_what_helps() {
    let place = place(&[&[1.0], &[2.0]], 2.0, 5.0);
    place.refused(
        "--clip cr:5,rdnoise=5 a.fits b.fits",
        2,
        &["cr:5", "gain=GAIN", "--gain"],
    );
    place.refused(
        "--clip cr:5,gain=2 a.fits b.fits",
        2,
        &["cr:HIGH", "rdnoise=R"],
    );
    place.refused(
        "--clip cr:5,gain=1,rdnoise=5 a.fits",
        1,
        &["cr:5", "2 frames"],
    );
}

#[test]
fn auto_goes_by_the_number_of_frames_and_is_told_everywhere() {
    for (count, step) in [
        (3, "sigma:4,4,iters=converge"),
        (8, "winsorized:3,3"),
        (20, "sigma:4,4,iters=converge"),
    ] {
        let place = many(count);
        let told = format!("auto: {step}");
        let plan = place.done("combine --dry-run --clip auto -o out.fits 'f*.fits'");
        assert!(
            plan.stdout.contains(&format!("clip {told}\n")),
            "{}",
            plan.stdout
        );
        let run = place.done("combine --clip auto -o auto.fits 'f*.fits'");
        assert!(
            run.stderr.contains(&format!("clip    {told}: ")),
            "{}",
            run.stderr
        );
        assert!(text(&place, "auto.fits").contains(&format!("HISTORY clip {told}")));
        place.combined(&format!("--clip {step} 'f*.fits'"));
        assert_same(
            &place.plane("auto.fits", None),
            &place.plane("out.fits", None),
        );
    }
    let place = many(2);
    let run = place.done("combine --clip auto -o out.fits 'f*.fits'");
    assert!(
        run.stderr.contains("takes nothing of 2 frames"),
        "{}",
        run.stderr
    );
    assert!(run.stderr.contains("cr:5,gain=GAIN"), "{}", run.stderr);
    assert!(text(&place, "out.fits").contains("HISTORY clip auto: nothing"));
    let json = place.json("combine --overwrite --clip auto -o out.fits 'f*.fits'");
    assert_eq!(json["clip"][0]["step"], "auto: nothing");
}

#[test]
fn auto_is_chosen_for_each_image_of_a_mosaic() {
    let place = Place::new();
    for number in 0..4_u8 {
        let image = |name: &str| Image::row(&[f64::from(number)]).named(name);
        let images = [image("ONE"), image("TWO")];
        let file = place.path(&format!("f{number}.fits"));
        std::fs::write(&file, empty_primary(&[])).unwrap();
        let behind: Vec<u8> = images.iter().flat_map(Image::extension).collect();
        let whole = [place.bytes(&format!("f{number}.fits")), behind].concat();
        std::fs::write(&file, whole).unwrap();
    }
    let run = place.done("combine --hdu all --clip auto -o out.fits 'f*.fits'");
    let told = "clip    auto: sigma:4,4,iters=converge: ";
    assert_eq!(run.stderr.matches(told).count(), 1, "{}", run.stderr);
    for hdu in place.hdus("out.fits").iter().filter(|hdu| {
        let name = hdu.value("EXTNAME").unwrap_or_default();
        name.contains("ONE") && !name.contains('_')
    }) {
        assert!(
            hdu.history()
                .contains("clip auto: sigma:4,4,iters=converge")
        );
    }
}

#[test]
fn a_negative_nkeep_is_the_most_that_may_go_at_a_pixel() {
    let place = place(
        &[&[10.0], &[11.0], &[9.0], &[10.0], &[50.0], &[60.0], &[70.0]],
        1.0,
        0.0,
    );
    for (flags, count, high) in [
        ("", 4.0, 3.0),
        ("--nkeep=-2", 5.0, 2.0),
        ("--nkeep -2", 5.0, 2.0),
        ("--nkeep -100", 4.0, 3.0),
    ] {
        place.combined(&format!(
            "--clip ccd:5,gain=1,rdnoise=2 {flags} {PLANES} '?.fits'"
        ));
        assert_same(&place.plane("out.fits", Some("COUNT")), &[count]);
        assert_same(&place.plane("out.fits", Some("HIGH")), &[high]);
    }
    // Bounds that lead the chain are no rejection; those that follow are, and give nothing back.
    place.combined(&format!(
        "--clip minmax:,65 --clip ccd:5,gain=1,rdnoise=2 --nkeep -1 {PLANES} '?.fits'"
    ));
    assert_same(&place.plane("out.fits", Some("COUNT")), &[5.0]);
    place.combined(&format!(
        "--clip extrema:0,1 --clip minmax:,55 --nkeep -1 {PLANES} '?.fits'"
    ));
    assert_same(&place.plane("out.fits", Some("COUNT")), &[5.0]);
    let header = text(&place, "out.fits");
    assert!(header.contains("HISTORY nkeep -1"));
}

#[test]
fn planes_tell_what_each_family_of_steps_took() {
    let place = Place::with_rows(&[
        &[10.0, 5.0],
        &[11.0, 6.0],
        &[9.0, 7.0],
        &[10.0, -80.0],
        &[500.0, 6.0],
        &[900.0, 6.0],
    ]);
    let chain = "--clip minmax:,800 --clip extrema:1,0 --clip winsorized:3";
    let planes =
        "low,high,low:bounds,high:bounds,low:order,high:order,low:deviation,high:deviation";
    let frames = "a.fits b.fits c.fits d.fits e.fits f.fits";
    place.combined(&format!("{chain} --planes {planes} {frames}"));
    for (plane, counts) in [
        ("LOW", [1.0, 1.0]),
        ("HIGH", [2.0, 0.0]),
        ("LOW_BOUNDS", [0.0, 0.0]),
        ("HIGH_BOUNDS", [1.0, 0.0]),
        ("LOW_ORDER", [1.0, 1.0]),
        ("HIGH_ORDER", [0.0, 0.0]),
        ("LOW_DEVIATION", [0.0, 0.0]),
        ("HIGH_DEVIATION", [1.0, 0.0]),
    ] {
        assert_same(&place.plane("out.fits", Some(plane)), &counts);
    }
    // One of them alone; the page counts as the sorted way does.
    place.combined(&format!(
        "{chain} --nkeep 4 --planes high:deviation,low:order {frames}"
    ));
    let names: Vec<Option<String>> = place
        .hdus("out.fits")
        .iter()
        .map(|hdu| hdu.value("EXTNAME"))
        .collect();
    let shown = format!("{names:?}");
    assert!(names.len() == 3 && names[0].is_none(), "{shown}");
    assert!(
        shown.find("LOW_ORDER") < shown.find("HIGH_DEVIATION"),
        "{shown}"
    );
    assert_same(
        &place.plane("out.fits", Some("HIGH_DEVIATION")),
        &[0.0, 0.0],
    );
}

#[test]
fn a_sigma_of_two_frames_is_refused_and_a_blind_one_warns() {
    let place = many(5);
    for step in ["sigma:3", "sigma:3,dev=std", "winsorized:3"] {
        place.refused(
            &format!("--clip {step} f00.fits f01.fits"),
            1,
            &[
                step.split(':').next().unwrap_or(step),
                "3 frames",
                "cr:HIGH",
                "minmax",
                "auto",
            ],
        );
        place.refused(
            &format!("--dry-run --clip {step} f00.fits"),
            1,
            &["3 frames"],
        );
    }
    for (step, from) in [
        ("sigma:3,center=mean,dev=std", Some("11 frames")),
        ("median-sigma:3", Some("10 frames")),
        ("linear-fit:5", Some("14 frames")),
        ("sigma:3", None),
        ("sigma:1.5,dev=std", None),
    ] {
        for dry in ["", "--dry-run"] {
            let run = place.done(&format!(
                "combine {dry} --overwrite --clip {step} -o out.fits 'f*.fits'"
            ));
            let warned = run.stderr.contains("never taken");
            assert_eq!(warned, from.is_some(), "{step}: {}", run.stderr);
            assert!(
                run.stderr.contains(from.unwrap_or("")),
                "{step}: {}",
                run.stderr
            );
        }
    }
    assert_close(&place.combined("--clip sigma:3 'f*.fits'"), &[102.0], 1e-6);
}
