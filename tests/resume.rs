//! Interrupted runs are taken up, and make the same file; what has changed since is refused.

use std::fs::{self, File};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use ccdstream::recipe::{Calibration, Clip, Frames, Io, Level, Method, Output, Resources, Stack};
use ccdstream::{ByteSize, Error, Recipe, Watch, combine};

/// What is told of samples.
mod around;
/// Frames that are calibrated one by one.
mod calibrated;
/// What has changed since, or is damaged, or finished.
mod changed;
/// Frames that are packed.
mod packed;

use crate::common::{Place, Random, words};
use crate::fits::{Image, empty_primary};

/// How the reference is made, and the flags that mean the same as [`recipe`].
const FLAGS: &str = "-m median --clip sigma:3,3 --scale median --zero mean";

/// Eight frames, and in ref.fits what they combine to.
fn night() -> Place {
    let place = Place::new();
    let mut random = Random(7);
    for n in 0..8 {
        Image::uint16(&[900, 700], &random.frame(900 * 700))
            .card("OBJECT  = 'M31     '")
            .write(place.path(&format!("f{n}.fits")));
    }
    place.done(&format!("combine -q {FLAGS} -o ref.fits 'f*.fits'"));
    place
}

fn recipe(place: &Place) -> Recipe {
    let clip: Clip = "sigma:3,3".parse().unwrap();
    Recipe {
        frames: Frames::new([format!("{}/f*.fits", place.path("").display())]),
        calibration: Calibration::default(),
        stack: Stack {
            method: Method::Median,
            clip: vec![clip],
            scale: Level::Median,
            zero: Level::Mean,
            ..Stack::default()
        },
        output: Output {
            sync_every: Duration::ZERO,
            ..Output::new(place.path("out.fits"))
        },
        resources: Resources {
            mem_limit: ByteSize(2 << 30),
            threads: 1,
            io: Io::Read,
            temp_dir: None,
        },
    }
}

/// Runs a recipe and stops it when so many bytes have gone by, from the beginning of the walk that measures; tries again where it was
/// over too soon.
fn stopped(recipe: &Recipe, bytes: u64) -> Error {
    for _ in 0..20 {
        let watch = Watch::default();
        let done = thread::scope(|scope| {
            let run = scope.spawn(|| combine(recipe, &watch));
            let (mut walk, mut before, mut last) = (None, 0, 0);
            while !run.is_finished() {
                let (now, done, _) = watch.progress();
                if walk.replace(now).is_some_and(|walk| walk != now) {
                    before = if now == ccdstream::Walk::Measuring {
                        0
                    } else {
                        before + last
                    };
                }
                last = done;
                if now != ccdstream::Walk::Opening && before + done >= bytes {
                    watch.stop(15);
                }
                thread::sleep(Duration::from_micros(200));
            }
            run.join().unwrap()
        });
        match done {
            Err(error) => return error,
            Ok(_) => fs::remove_file(&recipe.output.path).unwrap(),
        }
    }
    panic!("the run was over too soon, again and again");
}

/// The bytes that one walk over the frames of a night reads.
const ONE_WALK: u64 = 8 * 900 * 700 * 2;

/// Stops a run in the middle of its combining walk; most of what it has to do is done.
fn half_combined(place: &Place) {
    let error = stopped(&recipe(place), ONE_WALK + ONE_WALK / 2);
    assert_eq!(error.exit_code(), 143, "{error}");
    let said = error.to_string();
    assert!(
        said.contains("% of it is done") && said.contains("--resume"),
        "{said}"
    );
    assert_eq!(left(place), [".out.fits.part", ".out.fits.state"]);
}

/// The names in the folder that are hidden, or the output's.
fn left(place: &Place) -> Vec<String> {
    let mut names = place.listing();
    names.retain(|name| name.contains("out.fits"));
    names
}

/// Wants the output to be whole and right, and nothing else to be there.
#[track_caller]
fn assert_whole(place: &Place) {
    assert!(
        place.bytes("out.fits") == place.bytes("ref.fits"),
        "the outputs differ"
    );
    assert_eq!(left(place), ["out.fits"]);
}

#[test]
fn a_run_that_was_stopped_goes_on_with_other_resources_and_makes_the_same_file() {
    let place = night();
    half_combined(&place);
    let summary = place.json(&format!(
        "combine {FLAGS} -o out.fits --resume -j 3 --mem-limit 200M --io mmap 'f*.fits'"
    ));
    assert_whole(&place);
    let (resumed, pixels) = (&summary["resumed_pixels"], &summary["pixels"]);
    let share = resumed.as_f64().unwrap() / pixels.as_f64().unwrap();
    assert!(share > 0.2 && share < 1.0, "{share}");
    // Neither the levels nor the pixels that are done are read again.
    assert!(summary["reading"]["bytes"].as_u64().unwrap() < ONE_WALK);
    // What was counted before counts.
    let whole = place.json(&format!("combine {FLAGS} -o again.fits 'f*.fits'"));
    assert_eq!(summary["clip"], whole["clip"]);
    assert_eq!(summary["worst_frames"], whole["worst_frames"]);
}

#[test]
fn frames_that_were_measured_are_not_measured_again() {
    let place = night();
    let error = stopped(&recipe(&place), ONE_WALK / 2);
    let said = error.to_string();
    assert!(
        said.contains("measured") || said.contains("% of it is done"),
        "{said}"
    );
    let mut recipe = recipe(&place);
    recipe.output.resume = true;
    let summary = combine(&recipe, &Watch::default()).unwrap();
    assert_whole(&place);
    assert!(
        summary.reading.bytes < 2 * ONE_WALK,
        "{}",
        summary.reading.bytes
    );
}

/// Starts the program and kills it after so long; whether it had come to its end by then.
fn is_over_within(place: &Place, arguments: &str, patience: Duration) -> bool {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ccdstream"));
    program.current_dir(place.path("")).args(words(arguments));
    let mut running = program.stderr(Stdio::null()).spawn().unwrap();
    thread::sleep(patience);
    running.kill().unwrap();
    let status = running.wait().unwrap();
    assert!(
        [Some(0), None].contains(&status.code()),
        "it was killed, and did not fail: {status}"
    );
    status.success()
}

/// Starts a run that resumes with other resources each time, and kills it, until one comes to its end.
fn killed_until_it_is_whole(place: &Place, flags: &str) {
    let mut random = Random(3);
    // Patience grows from nothing, so that some are killed, and it comes to an end on a machine however slow.
    let mut patience = 0;
    loop {
        let (j, limit) = (1 + random.bits() % 3, 24 + random.bits() % 40);
        let io = ["read", "mmap"][usize::from(random.bits().is_multiple_of(2))];
        let arguments = format!(
            "combine -q {flags} -o out.fits --resume --sync-seconds 0 -j {j} --mem-limit {limit}M --io {io} 'f*.fits'"
        );
        let drawn = Duration::from_millis(random.bits() % (patience + 1));
        if is_over_within(place, &arguments, drawn) {
            break;
        }
        patience += 5 + patience / 4;
        if place.path("out.fits").exists() {
            assert!(
                place.bytes("out.fits") == place.bytes("ref.fits"),
                "whole or absent"
            );
        }
    }
    assert_whole(place);
}

#[test]
fn killed_again_and_again_it_comes_to_the_same_file() {
    killed_until_it_is_whole(&night(), FLAGS);
}

#[test]
fn every_extension_goes_on_where_it_was() {
    let place = Place::new();
    let mut random = Random(11);
    for n in 0..6 {
        let chip = |name, random: &mut Random| {
            Image::uint16(&[500, 400], &random.frame(200_000))
                .named(name)
                .extension()
        };
        let mut bytes = empty_primary(&["OBJECT  = 'M31'"]);
        for name in ["ONE", "TWO", "THREE"] {
            bytes.extend(chip(name, &mut random));
        }
        fs::write(place.path(&format!("f{n}.fits")), bytes).unwrap();
    }
    place.done(&format!(
        "combine -q {FLAGS} --hdu all -o ref.fits 'f*.fits'"
    ));
    let mut recipe = recipe(&place);
    recipe.frames.hdu = ccdstream::recipe::Hdu::All;
    recipe.output.resume = true;
    let one = 6 * 500 * 400 * 2;
    // Each time it begins with what is left.
    for _ in 0..3 {
        let error = stopped(&recipe, one + one / 2);
        assert_eq!(error.exit_code(), 143, "{error}");
    }
    combine(&recipe, &Watch::default()).unwrap();
    assert_whole(&place);
}

#[test]
fn two_runs_of_one_output_do_not_meet() {
    let place = night();
    let part = File::create(place.path(".out.fits.part")).unwrap();
    part.lock().unwrap();
    for resume in ["", "--resume"] {
        let run = place.run(&format!("combine {FLAGS} -o out.fits {resume} 'f*.fits'"));
        assert_eq!(run.status, Some(1), "{}", run.stderr);
        assert!(
            run.stderr.contains("another run is writing it right now"),
            "{}",
            run.stderr
        );
    }
    part.unlock().unwrap();
    place.done(&format!("combine -q {FLAGS} -o out.fits 'f*.fits'"));
    assert_whole(&place);
}

#[test]
fn a_link_under_the_hidden_name_is_not_followed() {
    let place = night();
    fs::write(place.path("precious"), "precious").unwrap();
    std::os::unix::fs::symlink(place.path("precious"), place.path(".out.fits.part")).unwrap();
    let run = place.run(&format!("combine {FLAGS} -o out.fits 'f*.fits'"));
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    assert!(run.stderr.contains(".out.fits.part"), "{}", run.stderr);
    assert_eq!(place.bytes("precious"), b"precious");
}

#[test]
fn a_signal_ends_the_program_within_two_seconds_and_says_how_to_go_on() {
    let place = night();
    half_combined(&place);
    let begun = Instant::now();
    let error = stopped(
        &Recipe {
            output: Output {
                resume: true,
                ..recipe(&place).output
            },
            ..recipe(&place)
        },
        ONE_WALK,
    );
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert!(
        matches!(&error, Error::Interrupted { source, .. } if matches!(**source, Error::Stopped(15)))
    );
    assert!(
        error
            .to_string()
            .contains("to go on, the same command with --resume"),
        "{error}"
    );
}
