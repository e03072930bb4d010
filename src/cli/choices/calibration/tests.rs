//! What each flag of a calibration means behind `calibrate` and behind `combine`, and what is refused.

use super::*;
use crate::cli::{Command, Program};
use ccdstream::ByteSize;
use clap::Parser;

mod refused;

const MACHINE: Machine = Machine {
    memory: ByteSize(8 << 30),
    cores: 3,
};

/// What is typed behind a command: the recipe as Rust prints it, and the warnings; or how it is refused.
fn meaning(command: &str, flags: &[&str]) -> std::result::Result<(String, Vec<String>), String> {
    let words = ["ccdstream", command, "-o", "out", "f.fits"];
    let program = Program::try_parse_from(words.iter().chain(flags)).map_err(|fault| {
        assert_eq!(fault.exit_code(), 2, "{flags:?}");
        let text = fault.to_string();
        text.lines().next().unwrap_or_default().to_owned()
    })?;
    let meant = match program.command {
        Command::Calibrate(typed) => typed
            .choices(MACHINE)
            .map(|choices| (format!("{:?}", choices.recipe), choices.warnings)),
        Command::Combine(typed) => typed
            .choices(MACHINE)
            .map(|choices| (format!("{:?}", choices.recipe), choices.warnings)),
        Command::Demo(_) => return Err("another command".into()),
    };
    meant.map_err(|error| {
        assert_eq!(error.exit_code(), 2, "{flags:?}");
        error.to_string()
    })
}

/// Wants this place in the recipe and no warnings.
#[track_caller]
fn means(command: &str, flags: &[&str], place: &str) {
    let (recipe, warnings) = meaning(command, flags).expect("all these do");
    assert!(recipe.contains(place), "{flags:?}: {recipe}");
    assert!(warnings.is_empty(), "{flags:?}: {warnings:?}");
}

#[test]
fn without_flags_everything_is_at_its_default() {
    let program = Program::try_parse_from(["ccdstream", "calibrate", "-o", "out/", "a", "b"]);
    let Ok(Command::Calibrate(typed)) = program.map(|program| program.command) else {
        panic!("it is another command");
    };
    let Choices { recipe, warnings } = typed.choices(MACHINE).expect("no flag is wrong");
    assert_eq!(
        warnings,
        ["no step of a calibration is asked for: the frames are written as they are"]
    );
    assert_eq!(recipe.calibration, Calibration::default());
    assert_eq!(recipe.frames.names, ["a", "b"]);
    assert_eq!(recipe.stats_section, None);
    let folder = format!("{:?}", recipe.folder);
    assert_eq!(
        folder,
        "Folder { path: \"out/\", suffix: \"\", overwrite: false, planes: None, dtype: None, compression: None, resume: false }"
    );
    assert_eq!(recipe.resources.threads, 3);
}

#[test]
fn every_step_on_a_frame_alone_has_its_place_in_the_recipe_of_both_commands() {
    for (flags, place) in [
        (
            &["--overscan", "biassec"][..],
            "overscan: Some(Overscan { place: Keyword(\"BIASSEC\"), stat: Median, fit: None, axis: None, clip: None })",
        ),
        (
            &["--overscan", "[5:9,*]", "--overscan-stat", "mean"],
            "place: Section(Section { x: Some((5, 9)), y: None }), stat: Mean",
        ),
        (
            &["--overscan", "B", "--overscan-fit", "spline3:4"],
            "fit: Some(Spline(4))",
        ),
        (&["--overscan", "B", "--overscan-fit", "none"], "fit: None"),
        (
            &["--overscan", "B", "--overscan-axis", "column"],
            "axis: Some(Column)",
        ),
        (
            &["--overscan", "B", "--overscan-axis", "row"],
            "axis: Some(Row)",
        ),
        (
            &["--overscan", "B", "--overscan-axis", "auto"],
            "axis: None",
        ),
        (
            &["--overscan", "B", "--overscan-clip", "3,,2"],
            "clip: Some(OverscanClip { low: 3.0, high: inf, rounds: 2 })",
        ),
        (&["--trim", "TRIMSEC"], "trim: Some(Keyword(\"TRIMSEC\"))"),
        (
            &["--trim", "[1:2,3:4]"],
            "trim: Some(Section(Section { x: Some((1, 2)), y: Some((3, 4)) }))",
        ),
        (
            &["--deviation", "--readnoise", "5"],
            "deviation: Some(Readnoise)",
        ),
        (
            &["--deviation", "--readnoise", "RN", "--negative", "mask"],
            "deviation: Some(Mask)",
        ),
        (&["--gain", "1.5"], "gain: Some(Number(1.5))"),
        (
            &["--gain", "gain", "--gain-last"],
            "gain: Some(Keyword(\"GAIN\")), gain_last: true",
        ),
        (
            &["--deviation", "--readnoise", "rdnoise"],
            "readnoise: Some(Keyword(\"RDNOISE\"))",
        ),
        (
            &["--gain", "2", "--mask-bits", "1,4"],
            "mask_bits: Some(MaskBits { bad: 5 })",
        ),
        (
            &["--gain", "2", "--mask-bits", "~1,4", "--flip-bits"],
            "mask_bits: Some(MaskBits { bad: 5 })",
        ),
        (
            &["--gain", "2", "--mask-bits", "1", "--flip-bits"],
            "mask_bits: Some(MaskBits { bad: 18446744073709551614 })",
        ),
        (&["--gain", "2", "--mask-bits", "all"], "mask_bits: None"),
    ] {
        means("calibrate", flags, place);
        means("combine", flags, place);
    }
}

#[test]
fn every_master_and_limit_has_its_place_in_the_recipe_of_both_commands() {
    for (flags, place) in [
        (
            &["--bias", "b.fits[SCI]"][..],
            "bias: Some(\"b.fits[SCI]\")",
        ),
        (
            &["--dark", "d.fits"],
            "dark: Some(Dark { file: \"d.fits\", scale: false, exposure_key: \"EXPTIME\", exposure: None, dark_exposure: None })",
        ),
        (
            &[
                "--dark",
                "d",
                "--dark-scale",
                "--exposure-key",
                "itime",
                "--exposure",
                "30",
                "--dark-exposure",
                "60",
            ],
            "scale: true, exposure_key: \"ITIME\", exposure: Some(30.0), dark_exposure: Some(60.0)",
        ),
        (
            &["--flat", "f"],
            "flat: Some(Flat { file: \"f\", min: None, norm: Mean, section: None, shared_norm: false })",
        ),
        (
            &["--flat", "f", "--flat-min", "-0.1", "--flat-norm", "median"],
            "min: Some(-0.1), norm: Median",
        ),
        (
            &["--flat", "f", "--flat-norm", "20000"],
            "norm: Value(20000.0)",
        ),
        (
            &["--flat", "f", "--flat-section", "[*,1:9]"],
            "section: Some(Section { x: None, y: Some((1, 9)) })",
        ),
        (
            &["--flat", "f", "--flat-norm-over", "mef"],
            "shared_norm: true",
        ),
        (
            &["--flat", "f", "--flat-norm-over", "frame"],
            "shared_norm: false",
        ),
        (&["--sky", "mode"], "sky: Mode"),
        (
            &["--below", "-5=nan", "--above", "6e4=mask"],
            "below: Some(Beyond { level: -5.0, then: Nan }), above: Some(Beyond { level: 60000.0, then: Mask })",
        ),
        (
            &["--below", "0=0"],
            "below: Some(Beyond { level: 0.0, then: Value(0.0) })",
        ),
        (&["--bias", "b", "--redo"], "redo: true"),
        (
            &["--sky", "median", "--stats-section", "[1:9,1:9]"],
            "stats_section: Some(Section { x: Some((1, 9))",
        ),
    ] {
        means("calibrate", flags, place);
        means("combine", flags, place);
    }
}

#[test]
fn every_flag_of_the_folder_and_the_frames_has_its_place() {
    for (flags, place) in [
        (&["--suffix", "-cal"][..], "suffix: \"-cal\""),
        (&["--overwrite"], "overwrite: true"),
        (
            &["--planes", "mask"],
            "planes: Some([Data, Mask]), dtype: None",
        ),
        (&["--planes", "data"], "planes: Some([Data])"),
        (
            &["--planes", "uncertainty,data"],
            "planes: Some([Data, Uncertainty])",
        ),
        (&["--dtype", "i32"], "dtype: Some(I32)"),
        (&["--hdu", "all"], "hdu: All"),
        (&["--where", "FILTER=V"], "keyword: \"FILTER\""),
        (&["--mask-hdu", "DQ"], "mask_hdu: Some(\"DQ\")"),
        (&["--bad-pixels", "m.fits"], "bad_pixels: Some(\"m.fits\")"),
        (&["--mem-limit", "64M"], "mem_limit: ByteSize(67108864)"),
        (&["-j", "7"], "threads: 7"),
        (&["--io", "mmap"], "io: Mmap"),
    ] {
        let flags = [&["--bias", "b"], flags].concat();
        means("calibrate", &flags, place);
    }
}

#[test]
fn a_deviation_or_a_master_may_bring_the_uncertainty_that_is_needed() {
    for flags in [
        &["--deviation", "--readnoise", "5"][..],
        &["--flat", "f.fits"],
    ] {
        let needs = [
            "--uncertainty-hdu",
            "none",
            "--uncertainty",
            "propagate",
            "--weight",
            "ivar",
        ];
        means(
            "combine",
            &[flags, &needs].concat(),
            "weight: InverseVariance",
        );
    }
}
