//! What the program says of a run: on standard error for people, on standard output for scripts.

use crate::common::{Place, Random};
use crate::fits::Image;

/// Five frames of 40 × 30 pixels.
fn five() -> Place {
    let place = Place::new();
    let mut random = Random(5);
    for letter in 'a'..='e' {
        Image::uint16(&[40, 30], &random.frame(1200)).write(place.path(&format!("{letter}.fits")));
    }
    place
}

const FRAMES: &str = "a.fits b.fits c.fits d.fits e.fits";

#[test]
fn standard_output_stays_empty_and_the_summary_goes_to_standard_error() {
    let place = five();
    let run = place.done(&format!(
        "combine --mem-limit 200M --clip sigma:3 -o out.fits {FRAMES}"
    ));
    assert_eq!(run.stdout, "");
    for part in ["out.fits", "200.0 MiB", "sigma:3", "read", "work", "write"] {
        assert!(run.stderr.contains(part), "{part} in {}", run.stderr);
    }
}

#[test]
fn quiet_says_nothing_but_warnings() {
    let place = five();
    let run = place.done(&format!("combine -q -o out.fits {FRAMES}"));
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", ""));
    let run = place.done(&format!(
        "combine -q --overwrite -o out.fits {FRAMES} a.fits"
    ));
    assert!(run.stderr.contains("given before"), "{}", run.stderr);
}

#[test]
fn json_is_one_object_with_the_numbers_of_the_run() {
    let place = five();
    let json = place.json(&format!(
        "combine --mem-limit 200M -j 2 --clip sigma:2 --clip minmax:,10000 --planes data,count,low,high -o out.fits {FRAMES}"
    ));
    assert_eq!(json["frames"], 5);
    assert_eq!(json["extensions"], 1);
    assert_eq!(json["shape"]["ncol"], 40);
    assert_eq!(json["shape"]["nrow"], 30);
    assert_eq!(json["sample_type"], "f32");
    assert_eq!(json["pixels"], 1200);
    assert_eq!(json["memory"]["limit"], 200 << 20);
    assert_eq!(json["reading"]["bytes"], 5 * 1200 * 2);
    assert_eq!(json["reading"]["passes"], 1.0);
    assert_eq!(json["threads"], 2);
    assert_eq!(json["version"], env!("CARGO_PKG_VERSION"));
    let peak = json["memory"]["peak"].as_u64().unwrap();
    assert!(0 < peak && peak <= 200 << 20, "{peak}");
    // What the steps say they took is what the planes hold.
    let sum = |plane: &str| place.plane("out.fits", Some(plane)).iter().sum::<f64>();
    for (side, plane) in [("low", "LOW"), ("high", "HIGH")] {
        let steps = json["clip"].as_array().unwrap();
        let took: u64 = steps.iter().map(|step| step[side].as_u64().unwrap()).sum();
        assert_eq!(took.to_string(), sum(plane).to_string(), "{plane}");
    }
    assert_eq!(
        (sum("COUNT") + sum("LOW") + sum("HIGH")).to_string(),
        "6000"
    );
    let empty = place
        .plane("out.fits", Some("COUNT"))
        .iter()
        .filter(|&&count| count == 0.0)
        .count();
    assert_eq!(json["empty_pixels"], empty);
    let worst = json["worst_frames"].as_array().unwrap();
    assert!(
        !worst.is_empty() && worst[0]["frame"].as_str().unwrap().contains(".fits"),
        "{worst:?}"
    );
}

#[test]
fn frames_are_read_once_and_once_more_for_their_levels() {
    let place = five();
    for (level, passes) in [("none", 1.0), ("mean", 2.0), ("median", 2.0)] {
        let json = place.json(&format!(
            "combine --overwrite --scale {level} -o out.fits {FRAMES}"
        ));
        assert_eq!(json["reading"]["passes"], passes, "{level}");
    }
    for (level, most) in [("mode", 4.0), ("median", 3.0)] {
        for letter in 'a'..='e' {
            let pixels: Vec<f64> = Random(7).frame(1200).into_iter().map(f64::from).collect();
            Image::new(-32, &[40, 30], &pixels).write(place.path(&format!("{letter}.fits")));
        }
        let json = place.json(&format!(
            "combine --overwrite --zero {level} -o out.fits {FRAMES}"
        ));
        let passes = json["reading"]["passes"].as_f64().unwrap();
        assert!((1.0..=most).contains(&passes), "{level}: {passes}");
    }
}

#[test]
fn the_noise_of_the_result_is_below_that_of_one_frame() {
    let json = five().json(&format!("combine -m median -o out.fits {FRAMES}"));
    let (one, result) = (
        json["noise"]["one_frame"].as_f64().unwrap(),
        json["noise"]["result"].as_f64().unwrap(),
    );
    assert!(0.0 < result && result < one, "{result} and {one}");
}

#[test]
fn a_dry_run_prints_its_plan_and_leaves_no_file() {
    let place = five();
    let before = place.listing();
    let run = place.done(&format!(
        "combine --dry-run --mem-limit 200M -o out.fits {FRAMES}"
    ));
    let said = format!("{}{}", run.stdout, run.stderr);
    for part in ["frames", "row", "memory", "read"] {
        assert!(said.to_lowercase().contains(part), "{part} in {said}");
    }
    assert_eq!(place.listing(), before);
}

#[test]
fn progress_is_shown_only_where_it_is_asked_for_or_seen() {
    let place = five();
    let run = place.done(&format!("combine --progress never -o out.fits {FRAMES}"));
    assert!(
        !run.stderr.contains('\r') && !run.stderr.contains('\u{1b}'),
        "{:?}",
        run.stderr
    );
    let run = place.done(&format!("combine --overwrite -o out.fits {FRAMES}"));
    assert!(
        !run.stderr.contains('\r') && !run.stderr.contains('\u{1b}'),
        "{:?}",
        run.stderr
    );
}

#[test]
fn help_names_every_flag_of_combine() {
    let place = Place::new();
    let help = place.done("combine --help").stdout;
    for flag in [
        "--output",
        "--method",
        "--clip",
        "--nkeep",
        "--scale",
        "--zero",
        "--scale-to",
        "--zero-to",
        "--stats-section",
        "--weight",
        "--uncertainty",
        "--planes",
        "--mask-hdu",
        "--uncertainty-hdu",
        "--bad-pixels",
        "--region",
        "--dtype",
        "--hdu",
        "--where",
        "--mem-limit",
        "--threads",
        "--io",
        "--overwrite",
        "--dry-run",
        "--progress",
        "--json",
        "--quiet",
        "--verbose",
    ] {
        assert!(help.contains(flag), "{flag}");
    }
    let version = place.done("--version").stdout;
    assert_eq!(
        version.trim(),
        format!("ccdstream {}", env!("CARGO_PKG_VERSION"))
    );
}
