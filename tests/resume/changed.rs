//! What has changed since a run was interrupted, or damaged, or is finished.

use std::fs::{self, File};
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, SystemTime};

use super::{FLAGS, assert_whole, half_combined, left, night};

#[test]
fn another_recipe_is_refused_and_what_is_there_stays() {
    let place = night();
    half_combined(&place);
    for (flags, part) in [
        (
            format!("{FLAGS} --clip extrema:1,1"),
            "--clip was 'sigma:3,3', and is 'sigma:3,3 extrema:1,1' now",
        ),
        (
            FLAGS.replace("median --clip", "average --clip"),
            "--method was 'median', and is 'average' now",
        ),
        (format!("{FLAGS} --planes data"), "--planes was"),
    ] {
        let run = place.run(&format!("combine {flags} -o out.fits --resume 'f*.fits'"));
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains(part), "{part} in: {}", run.stderr);
        assert!(
            run.stderr.contains("leave out --resume to start afresh"),
            "{}",
            run.stderr
        );
        assert_eq!(left(&place), [".out.fits.part", ".out.fits.state"]);
    }
    place.done(&format!(
        "combine -q {FLAGS} -o out.fits --resume 'f*.fits'"
    ));
    assert_whole(&place);
}

#[test]
fn another_frame_is_refused_and_named() {
    let place = night();
    half_combined(&place);
    let refused = |part: &str| {
        let run = place.run(&format!("combine {FLAGS} -o out.fits --resume 'f*.fits'"));
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(run.stderr.contains(part), "{part} in: {}", run.stderr);
        assert!(!run.stderr.contains("that is kept"), "{}", run.stderr);
        assert_eq!(left(&place), [".out.fits.part", ".out.fits.state"]);
    };
    let path = place.path("f3.fits");
    let (bytes, written) = (
        fs::read(&path).unwrap(),
        fs::metadata(&path).unwrap().modified().unwrap(),
    );
    let with = |bytes: &[u8], time: SystemTime| {
        fs::write(&path, bytes).unwrap();
        File::options()
            .write(true)
            .open(&path)
            .unwrap()
            .set_modified(time)
            .unwrap();
    };
    with(&bytes, written + Duration::from_secs(1));
    refused("f3.fits was written again since");
    with(&[&bytes[..], &[0; 2880]].concat(), written);
    refused("f3.fits had");
    let mut other = bytes.clone();
    let at = other.windows(3).position(|text| text == b"M31").unwrap();
    other[at..at + 3].copy_from_slice(b"M33");
    with(&other, written);
    refused("the header of f3.fits is another now");
    with(&bytes, written);
    fs::rename(&path, place.path("f9.fits")).unwrap();
    refused("frame 4 was f3.fits, and is f4.fits now");
    fs::rename(place.path("f9.fits"), &path).unwrap();
    place.done(&format!(
        "combine -q {FLAGS} -o out.fits --resume 'f*.fits'"
    ));
    assert_whole(&place);
}

#[test]
fn without_the_flag_a_run_starts_afresh_and_clears_what_is_left() {
    let place = night();
    half_combined(&place);
    let summary = place.json(&format!("combine {FLAGS} -o out.fits 'f*.fits'"));
    assert_eq!(summary["resumed_pixels"], 0);
    assert_whole(&place);
}

#[test]
fn a_file_that_is_not_what_its_state_says_is_made_afresh() {
    let place = night();
    let part = place.path(".out.fits.part");
    let state = place.path(".out.fits.state");
    let damages: [(&str, &dyn Fn()); 5] = [
        ("a pixel", &|| {
            let mut bytes = fs::read(&part).unwrap();
            let at = 2880 * 4;
            bytes[at] ^= 0x10;
            // In its place: another file would be told by its number.
            fs::write(&part, bytes).unwrap();
        }),
        ("cut short", &|| {
            File::options()
                .write(true)
                .open(&part)
                .unwrap()
                .set_len(10_000)
                .unwrap();
        }),
        ("no state", &|| fs::remove_file(&state).unwrap()),
        ("half a state", &|| {
            let text = fs::read(&state).unwrap();
            fs::write(&state, &text[..text.len() / 2]).unwrap();
        }),
        ("another file", &|| {
            let copy = fs::read(&part).unwrap();
            // The first goes last, so that the second has another number.
            fs::write(place.path("copy"), copy).unwrap();
            fs::rename(place.path("copy"), &part).unwrap();
        }),
    ];
    for (what, damage) in damages {
        half_combined(&place);
        damage();
        let run = place.done(&format!("combine {FLAGS} -o out.fits --resume 'f*.fits'"));
        assert!(
            run.stderr.contains("starts afresh"),
            "{what}: {}",
            run.stderr
        );
        assert_whole(&place);
        fs::remove_file(place.path("out.fits")).unwrap();
    }
}

#[test]
fn where_nothing_was_begun_resume_starts_afresh_and_where_all_is_done_it_does_nothing() {
    let place = night();
    place.done(&format!(
        "combine -q {FLAGS} -o out.fits --resume 'f*.fits'"
    ));
    assert_whole(&place);
    let run = place.done(&format!("combine {FLAGS} -o out.fits --resume 'f*.fits'"));
    assert!(
        run.stderr.contains("out.fits: is finished already"),
        "{}",
        run.stderr
    );
    let told = place.json(&format!("combine {FLAGS} -o out.fits --resume 'f*.fits'"));
    assert_eq!(told["finished"], true);
    assert_whole(&place);
    // With --overwrite it is made again.
    let summary = place.json(&format!(
        "combine {FLAGS} -o out.fits --resume --overwrite 'f*.fits'"
    ));
    assert_eq!(summary["frames"], 8);
    assert_whole(&place);
}

#[test]
fn a_state_that_outlived_its_run_is_cleared() {
    let place = night();
    half_combined(&place);
    // As if the run had been killed right behind giving the file its name.
    let state = fs::read(place.path(".out.fits.state")).unwrap();
    let inode = |name: &str| fs::metadata(place.path(name)).unwrap().ino();
    place.done(&format!(
        "combine -q {FLAGS} -o out.fits --resume 'f*.fits'"
    ));
    let text = String::from_utf8(state).unwrap();
    assert!(text.contains(&format!("\"inode\":{}", inode("out.fits"))));
    fs::write(place.path(".out.fits.state"), &text).unwrap();
    // Even with --overwrite: what was asked for is there.
    let run = place.done(&format!(
        "combine {FLAGS} -o out.fits --resume --overwrite 'f*.fits'"
    ));
    assert!(run.stderr.contains("is finished already"), "{}", run.stderr);
    assert_whole(&place);
    fs::write(place.path(".out.fits.state"), &text).unwrap();
    let run = place.run("combine -m sum -o out.fits --resume 'f*.fits'");
    assert!(
        run.status == Some(1) && run.stderr.contains("--method was"),
        "{}",
        run.stderr
    );
}
