//! Runs that are cut short: by a full disk, a signal, a frame that shrinks. Nothing is left of them but what can be taken up.

use std::fs::{self, File};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::common::{Place, Random, Run, words};
use crate::fits::{Image, header};

#[test]
fn a_disk_that_is_full_ends_the_run_and_nothing_is_left() {
    let place = Place::new();
    Image::uint16(&[300, 300], &Random(1).frame(90_000)).write(place.path("a.fits"));
    let before = place.listing();
    for trap in ["trap '' XFSZ; ", ""] {
        // Files may grow to some 50 or 100 kB here; the output wants 800.
        let shell = format!("ulimit -f 100; {trap}exec \"$0\" \"$@\"");
        let mut program = assert_cmd::Command::new("sh");
        program
            .current_dir(place.path(""))
            .args(["-c", &shell, env!("CARGO_BIN_EXE_ccdstream")]);
        program.args(words("combine -o out.fits a.fits"));
        let run = Run::of(program, &shell);
        assert_eq!(run.status, Some(1), "{shell}: {}", run.stderr);
        assert!(
            run.stderr.contains("out.fits") && run.stderr.contains("too large"),
            "{}",
            run.stderr
        );
        assert_eq!(place.listing(), before);
    }
}

/// Frames that take long to combine, though they are holes on the disk: f00.fits, f01.fits, …
fn long() -> Place {
    let place = Place::new();
    let cards = [
        "SIMPLE  = T",
        "BITPIX  = 16",
        "NAXIS   = 2",
        "NAXIS1  = 3000",
        "NAXIS2  = 2000",
    ];
    for n in 0..60 {
        let path = place.path(&format!("f{n:02}.fits"));
        fs::write(&path, header(&cards.map(str::to_owned))).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_len(2880 + (3000 * 2000 * 2_u64).next_multiple_of(2880))
            .unwrap();
    }
    place
}

/// Starts a run.
fn started(place: &Place, arguments: &str) -> Child {
    let mut program = Command::new(env!("CARGO_BIN_EXE_ccdstream"));
    program
        .current_dir(place.path(""))
        .args(words(arguments))
        .stderr(Stdio::piped())
        .stdout(Stdio::piped());
    program.spawn().unwrap()
}

/// The same, and waits until the run is under way: its output stands under a temporary name, or a second has passed.
fn under_way(place: &Place, arguments: &str) -> Child {
    let names = place.listing().len();
    let running = started(place, arguments);
    let begun = Instant::now();
    while place.listing().len() == names && begun.elapsed() < Duration::from_secs(1) {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(50));
    running
}

/// Sends a signal to a run; whether it was there to get it.
fn is_sent(signal: &str, running: &Child) -> bool {
    let kill = format!("kill -{signal} {}", running.id());
    let mut shell = Command::new("sh");
    shell.args(["-c", &kill]).status().unwrap().success()
}

/// Waits for the end of a run.
fn ended(running: Child) -> Run {
    let output = running.wait_with_output().unwrap();
    Run {
        status: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const LONG: &str = "combine -j 1 --mem-limit 40M --clip sigma:3,iters=converge -m median --scale mode -o out.fits 'f*.fits'";

/// Wants nothing to be left of a run that was cut short but what can be taken up, and that only if it says how; clears it.
#[track_caller]
fn assert_kept_or_nothing(place: &Place, before: &[String], run: &Run) {
    let mut left = place.listing();
    left.retain(|name| !before.contains(name));
    if run
        .stderr
        .contains("to go on, the same command with --resume")
    {
        assert_eq!(left, [".out.fits.part", ".out.fits.state"]);
        for name in &left {
            fs::remove_file(place.path(name)).unwrap();
        }
    }
    assert_eq!(place.listing(), before, "{}", run.stderr);
}

#[test]
fn a_signal_stops_the_run_soon_and_leaves_nothing_but_what_can_be_taken_up() {
    let place = long();
    let before = place.listing();
    for (signal, status) in [("INT", 130), ("TERM", 143)] {
        let running = under_way(&place, LONG);
        assert!(is_sent(signal, &running), "the run was over too soon");
        let sent = Instant::now();
        let run = ended(running);
        assert_eq!(run.status, Some(status), "{signal}: {}", run.stderr);
        assert!(
            sent.elapsed() < Duration::from_secs(10),
            "{:?}",
            sent.elapsed()
        );
        assert_kept_or_nothing(&place, &before, &run);
        assert_eq!(run.stdout, "");
    }
}

/// The names of the frames that are calibrated in a folder, in their order.
fn calibrated(place: &Place, folder: &str) -> Vec<String> {
    let names = fs::read_dir(place.path(folder)).into_iter().flatten();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    // Hidden ones are the ledger, for --resume, and what is not whole.
    let mut names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    names.sort();
    names
}

/// Starts `calibrate` into a folder, and interrupts it as soon as this file stands there; returns what became of the run, if it did not end
/// before.
fn interrupted(place: &Place, arguments: &str, folder: &str, file: &str) -> Option<Run> {
    let mut running = started(place, arguments);
    let begun = Instant::now();
    while !place.path(folder).join(file).exists() && begun.elapsed() < Duration::from_mins(1) {
        if running.try_wait().unwrap().is_some() {
            return None;
        }
        sleep(Duration::from_micros(200));
    }
    let sent = is_sent("INT", &running);
    let run = ended(running);
    (sent && run.status != Some(0)).then_some(run)
}

#[test]
fn frames_that_are_calibrated_when_a_signal_comes_stay_and_are_counted() {
    let place = long();
    let run = interrupted(
        &place,
        "calibrate -j 1 -o red --trim [2:2999,*] --sky median --deviation --readnoise 4 'f*.fits'",
        "red",
        "f01.fits",
    )
    .expect("60 frames take longer than two");
    assert_eq!(run.status, Some(130), "{}", run.stderr);
    let done = calibrated(&place, "red");
    let frames = (0..done.len()).map(|n| format!("f{n:02}.fits"));
    assert_eq!(
        done,
        frames.collect::<Vec<_>>(),
        "whole frames, in their order"
    );
    let said = format!(
        "stopped by signal 2; {} of 60 frames are calibrated and written, of the others nothing is",
        done.len()
    );
    assert!(run.stderr.contains(&said), "{said} in {}", run.stderr);
    for name in &done {
        assert_eq!(place.hdus(&format!("red/{name}")).len(), 2, "{name}");
    }
}

#[test]
fn frames_of_a_batch_that_have_their_names_when_a_signal_comes_are_counted() {
    let place = Place::new();
    for n in 0..16 {
        let pixels = Random(n).frame(200_000);
        Image::uint16(&[500, 400], &pixels).write(place.path(&format!("f{n:02}.fits")));
    }
    let arguments = "calibrate -j 1 -o red --compress gzip --overwrite 'f*.fits'";
    let Some(run) = interrupted(&place, arguments, "red", "f00.fits.fz") else {
        // It was too quick to be stopped, and then has to be whole.
        return assert_eq!(calibrated(&place, "red").len(), 16);
    };
    assert_eq!(run.status, Some(130), "{}", run.stderr);
    let said = format!("; {} of 16 frames are", calibrated(&place, "red").len());
    assert!(run.stderr.contains(&said), "{said} in {}", run.stderr);
}

#[test]
fn an_output_that_was_there_survives_a_signal() {
    let place = long();
    fs::write(place.path("out.fits"), "precious").unwrap();
    let before = place.listing();
    let running = under_way(&place, &format!("{LONG} --overwrite"));
    assert!(is_sent("TERM", &running));
    let run = ended(running);
    assert_eq!(run.status, Some(143));
    assert_kept_or_nothing(&place, &before, &run);
    assert_eq!(place.bytes("out.fits"), b"precious");
}

#[test]
fn a_frame_that_is_cut_short_while_it_is_read_is_an_error_that_names_it() {
    for io in ["mmap", "read"] {
        let place = long();
        let before = place.listing();
        let running = under_way(&place, &format!("{LONG} --io {io}"));
        File::options()
            .write(true)
            .open(place.path("f59.fits"))
            .unwrap()
            .set_len(2880)
            .unwrap();
        let run = ended(running);
        assert_eq!(run.status, Some(1), "{io}: {}", run.stderr);
        assert!(run.stderr.contains("f59.fits"), "{io}: {}", run.stderr);
        assert_kept_or_nothing(&place, &before, &run);
    }
}
