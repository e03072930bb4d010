//! The limit is a ceiling, and nothing of how the work is cut shows in the output.

use std::fs;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use crate::common::{Place, Random, Run, words};
use crate::fits::Image;

/// Ways to combine that walk through different kernels.
const RECIPES: [&str; 4] = [
    "--clip sigma:2,center=mean,dev=std,iters=2 --weight 1,2,1,2,1,2,1,2,1,2,1,2",
    "-m median --scale median --scale-to first",
    "--clip extrema:1,1 --clip sigma:3,iters=converge --nkeep 4 --zero mode",
    "-m sum --zero mean --zero-to mean",
];
const ALL_PLANES: &str = "--planes data,mask,uncertainty,count,low,high";

/// Frames of random uint16 samples, f000.fits, f001.fits, …
fn frames(nframe: usize, axes: &[usize]) -> Place {
    let place = Place::new();
    let mut random = Random(9);
    for n in 0..nframe {
        let pixels = random.frame(axes.iter().product());
        Image::uint16(axes, &pixels).write(place.path(&format!("f{n:03}.fits")));
    }
    place
}

/// The smallest limit that the program accepts for these arguments, as it says itself: in KiB.
pub(crate) fn smallest(place: &Place, arguments: &str) -> u64 {
    smallest_of(place, &format!("combine --overwrite {arguments}"))
}

/// The same of any command.
pub(crate) fn smallest_of(place: &Place, command: &str) -> u64 {
    limit_said(&place.run(&format!("{command} --mem-limit 1K")))
}

/// The limit in KiB that a run says would do, which was refused for one that is too small.
fn limit_said(run: &Run) -> u64 {
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    let (_, after) = run
        .stderr
        .split_once("try --mem-limit ")
        .unwrap_or_else(|| panic!("no limit that would do: {}", run.stderr));
    let digits: String = after.chars().take_while(char::is_ascii_digit).collect();
    assert_eq!(
        after.as_bytes().get(digits.len()),
        Some(&b'K'),
        "{}",
        run.stderr
    );
    digits.parse().unwrap()
}

/// Runs any command under a limit in KiB, wants the peak at or under it, and returns the JSON.
pub(crate) fn run_within(place: &Place, command: &str, limit: u64) -> serde_json::Value {
    let json = place.json(&format!("{command} --mem-limit {limit}K"));
    let peak = json["memory"]["peak"].as_u64().unwrap();
    assert!(
        peak <= limit * 1024,
        "peak {} of {limit} KiB: {command}",
        peak / 1024
    );
    json
}

/// Runs under a limit in KiB, wants the peak at or under it, and returns the bytes of the output and the JSON.
pub(crate) fn within(place: &Place, arguments: &str, limit: u64) -> (Vec<u8>, serde_json::Value) {
    let json = run_within(place, &format!("combine --overwrite {arguments}"), limit);
    (place.bytes("out.fits"), json)
}

#[test]
fn any_limit_thread_count_and_way_to_read_gives_the_same_bytes_within_the_limit() {
    let place = frames(12, &[150, 131]);
    for recipe in RECIPES {
        let arguments = format!("{recipe} {ALL_PLANES} -o out.fits 'f*.fits'");
        let (want, _) = within(&place, &format!("-j 1 --io read {arguments}"), 1 << 20);
        for io in ["mmap", "read"] {
            for threads in [1, 2, 3, 8] {
                let arguments = format!("-j {threads} --io {io} {arguments}");
                let least = smallest(&place, &arguments);
                for limit in [least, least + 100, least + 1777, 1 << 18] {
                    let (got, _) = within(&place, &arguments, limit);
                    assert!(got == want, "{arguments} under {limit} KiB");
                }
            }
        }
    }
}

#[test]
fn a_limit_below_the_smallest_ends_at_once_and_says_what_would_do() {
    let place = frames(12, &[150, 131]);
    let before = place.listing();
    let arguments = "-j 2 -o out.fits 'f*.fits'";
    let least = smallest(&place, arguments);
    let command = format!("combine {arguments}");
    // Half of it, for a process may take a little more or less at this start than it took at the last: what is said now must do.
    let said = limit_said(&place.run(&format!("{command} --mem-limit {}K", least / 2)));
    assert!(said.abs_diff(least) <= 3 << 10, "{said} KiB, {least} KiB");
    assert_eq!(place.listing(), before);
    within(&place, arguments, said);
}

#[test]
fn where_not_even_a_row_of_all_frames_fits_tiles_are_parts_of_rows() {
    let place = frames(40, &[60_001, 3]);
    for recipe in ["-m median --scale mean", "--clip sigma:3"] {
        let arguments = format!("-j 2 {recipe} {ALL_PLANES} -o out.fits 'f*.fits'");
        let (want, _) = within(&place, &arguments, 1 << 20);
        for io in ["mmap", "read"] {
            let arguments = format!("--io {io} {arguments}");
            let least = smallest(&place, &arguments);
            let (got, json) = within(&place, &arguments, least);
            assert!(got == want, "{arguments} under {least} KiB");
            assert!(
                json["reading"]["tiles"].as_u64().unwrap() > 3,
                "{}",
                json["reading"]
            );
            assert_eq!(json["reading"]["tile_rows"], 1);
        }
    }
}

#[test]
fn every_pixel_is_read_once_whatever_the_limit() {
    let place = frames(12, &[150, 131]);
    let arguments = "-j 2 --clip sigma:3 -o out.fits 'f*.fits'";
    for limit in [smallest(&place, arguments), 1 << 20] {
        let (_, json) = within(&place, arguments, limit);
        assert_eq!(json["reading"]["bytes"], 12 * 150 * 131 * 2);
    }
}

#[test]
fn the_plan_adds_up_to_what_is_measured() {
    let place = frames(30, &[1000, 500]);
    for (limit, arguments) in [
        (24 << 10, "--io read"),
        (24 << 10, "--io mmap -m median"),
        (
            40 << 10,
            "--io mmap --clip sigma:3 --planes data,mask,uncertainty,count,low,high",
        ),
    ] {
        let (_, json) = within(
            &place,
            &format!("-j 2 {arguments} -o out.fits 'f*.fits'"),
            limit,
        );
        let memory = |part: &str| json["memory"][part].as_u64().unwrap() as f64;
        // A tenth, and what a busy machine brings in of the program's own pages: it stands in the reserve.
        let apart = (memory("peak") - memory("planned")).abs();
        let most = memory("planned") / 10.0 + f64::from(1 << 20);
        assert!(apart <= most, "{}", json["memory"]);
        assert!(
            memory("planned") + memory("reserve") <= memory("limit"),
            "{}",
            json["memory"]
        );
    }
}

#[test]
fn the_kernel_agrees_that_the_peak_is_within_the_limit() {
    let place = frames(60, &[1024, 256]);
    let limit = 32 << 10;
    for io in ["mmap", "read"] {
        let arguments = format!(
            "combine -q --overwrite --io {io} -j 2 --mem-limit {limit}K --clip sigma:3 -o out.fits 'f*.fits'"
        );
        let mut program = Command::new(env!("CARGO_BIN_EXE_ccdstream"));
        let mut running = program
            .current_dir(place.path(""))
            .args(words(&arguments))
            .spawn()
            .unwrap();
        // The mark only ever rises: the last one seen is the highest.
        let status = format!("/proc/{}/status", running.id());
        let mut peak = 0;
        while running.try_wait().unwrap().is_none() {
            let text = fs::read_to_string(&status).unwrap_or_default();
            let mark = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let seen = mark.and_then(|mark| mark.trim().strip_suffix(" kB")?.parse::<u64>().ok());
            peak = seen.unwrap_or(peak);
            sleep(Duration::from_millis(1));
        }
        assert!(running.wait().unwrap().success());
        assert!(
            0 < peak && peak <= limit,
            "peak {peak} of {limit} KiB with {io}"
        );
    }
}

#[test]
fn many_frames_combine_under_a_small_limit_on_open_files() {
    let place = frames(300, &[8, 4]);
    let arguments = "-j 2 --clip sigma:3 --scale mean -o out.fits 'f*.fits'";
    let (want, _) = within(&place, arguments, 1 << 20);
    for io in ["mmap", "read"] {
        let shell = "ulimit -n 64; exec \"$0\" \"$@\"";
        let mut program = assert_cmd::Command::new("sh");
        program
            .current_dir(place.path(""))
            .args(["-c", shell, env!("CARGO_BIN_EXE_ccdstream")]);
        program.args(words(&format!("combine --overwrite --io {io} {arguments}")));
        let run = Run::of(program, io);
        assert_eq!(run.status, Some(0), "{}", run.stderr);
        assert!(place.bytes("out.fits") == want, "{io}");
    }
}

#[test]
fn companion_planes_count_in_the_limit_and_change_nothing() {
    let place = Place::new();
    let mut random = Random(3);
    for n in 0..6 {
        let pixels = random.frame(70 * 41);
        let mask: Vec<f64> = pixels
            .iter()
            .map(|&pixel| f64::from(u8::from(pixel % 17 == 0)))
            .collect();
        let uncertainty: Vec<f64> = pixels
            .iter()
            .map(|&pixel| f64::from(pixel).sqrt())
            .collect();
        Image::uint16(&[70, 41], &pixels).write_with(
            &[
                Image::new(8, &[70, 41], &mask).named("MASK"),
                Image::new(-32, &[70, 41], &uncertainty).named("UNCERT"),
            ],
            place.path(&format!("f{n}.fits")),
        );
    }
    let arguments = format!(
        "--weight ivar --uncertainty propagate --clip sigma:2 {ALL_PLANES} -o out.fits 'f*.fits'"
    );
    let (want, json) = within(&place, &format!("-j 1 {arguments}"), 1 << 20);
    assert_eq!(json["reading"]["bytes"], 6 * 70 * 41 * (2 + 1 + 4));
    for threads in [1, 4] {
        for io in ["mmap", "read"] {
            let arguments = format!("-j {threads} --io {io} {arguments}");
            let least = smallest(&place, &arguments);
            let (got, _) = within(&place, &arguments, least);
            assert!(got == want, "{arguments} under {least} KiB");
        }
    }
}
