//! What each flag means, and what is refused.

use super::*;
use crate::cli::{Command, Program};
use ccdstream::recipe::{Calibration, Hdu, Io};
use clap::Parser;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

const MACHINE: Machine = Machine {
    memory: ByteSize(8 << 30),
    cores: 3,
};

/// What `combine -o out.fits f.fits` with these flags means, or how it is refused.
fn choices(flags: &[&str]) -> std::result::Result<Choices<Recipe>, String> {
    let words = ["ccdstream", "combine", "-o", "out.fits", "f.fits"];
    read(words.iter().chain(flags).map(OsString::from))
}

fn read(words: impl Iterator<Item = OsString>) -> std::result::Result<Choices<Recipe>, String> {
    let program = Program::try_parse_from(words).map_err(|fault| {
        assert_eq!(fault.exit_code(), 2);
        fault
            .to_string()
            .lines()
            .next()
            .unwrap_or_default()
            .to_owned()
    })?;
    let Command::Combine(combine) = program.command else {
        return Err("another command".into());
    };
    combine.choices(MACHINE).map_err(|error| {
        assert_eq!(error.exit_code(), 2);
        error.to_string()
    })
}

#[test]
fn without_flags_everything_is_at_its_default() {
    let choices = choices(&[]).expect("no flag is wrong");
    assert!(choices.warnings.is_empty());
    let Recipe {
        frames,
        calibration,
        stack,
        output,
        resources,
    } = choices.recipe;
    assert_eq!(calibration, Calibration::default());
    assert_eq!(
        format!("{frames:?}"),
        format!("{:?}", Frames::new(["f.fits"]))
    );
    assert_eq!(
        format!("{output:?}"),
        format!("{:?}", Output::new("out.fits"))
    );
    assert_eq!(stack, Stack::default());
    assert_eq!(
        (resources.mem_limit, resources.threads, resources.io),
        (ByteSize(4 << 30), 3, Io::Auto)
    );
}

#[test]
fn every_flag_has_its_place_in_the_recipe() {
    // The recipe as Rust prints it shows where a value went.
    for (flags, place) in [
        (&["--hdu", "SCI,2"][..], "hdu: Name(\"SCI\", Some(2))"),
        (
            &["--where", "EXPTIME>=60"],
            "keyword: \"EXPTIME\", comparison: GreaterOrEqual, value: \"60\"",
        ),
        (&["--mask-hdu", "DQ"], "mask_hdu: Some(\"DQ\")"),
        (&["--mask-hdu", "none"], "mask_hdu: None"),
        (
            &["--uncertainty-hdu", "ERR"],
            "uncertainty_hdu: Some(\"ERR\")",
        ),
        (&["--uncertainty-hdu", "none"], "uncertainty_hdu: None"),
        (
            &["--bad-pixels", "bad.fits"],
            "bad_pixels: Some(\"bad.fits\")",
        ),
        (
            &["--region", "[1:2,3:4]"],
            "region: Some(Section { x: Some((1, 2)), y: Some((3, 4)) })",
        ),
        (&["-m", "median"], "method: Median"),
        (&["--method", "sum"], "method: Sum"),
        (
            &["--clip", "minmax:-5,10", "--clip", "extrema:1,2"],
            "clip: [Minmax { low: -5.0, high: 10.0 }, Extrema { nlow: 1, nhigh: 2 }]",
        ),
        (&["--clip", "sigma:3", "--nkeep", "2"], "nkeep: 2"),
        (&["--scale", "median"], "scale: Median"),
        (&["--scale", "key:exptime"], "scale: Keyword(\"EXPTIME\")"),
        (&["--zero", "-5,3"], "zero: Values([-5.0, 3.0])"),
        (&["--scale", "2", "--scale-to", "first"], "scale_to: First"),
        (
            &["--zero", "mode", "--zero-to", "-100"],
            "zero_to: Value(-100.0)",
        ),
        (
            &["--zero", "mean", "--stats-section", "[*,1:9]"],
            "stats_section: Some(Section { x: None",
        ),
        (&["--weight", "0,2.5"], "weight: Values([0.0, 2.5])"),
        (&["--weight", "ivar"], "weight: InverseVariance"),
        (&["--uncertainty", "propagate"], "uncertainty: Propagate"),
        (&["--uncertainty", "none"], "uncertainty: None"),
        (&["--uncertainty", "none"], "planes: [Data, Mask]"),
        (&["--planes", "count,mask"], "planes: [Data, Mask, Count]"),
        (&["--planes", "data"], "uncertainty: Scatter"),
        (&["--dtype", "u16"], "dtype: Some(U16)"),
        (&["--dtype", "auto"], "dtype: None"),
        (&["--overwrite"], "overwrite: true"),
        (&["--mem-limit", "64M"], "mem_limit: ByteSize(67108864)"),
        (&["--mem-limit", "25%"], "mem_limit: ByteSize(2147483648)"),
        (&["-j", "7"], "threads: 7"),
        (&["--io", "read"], "io: Read"),
    ] {
        let choices = choices(flags).expect("all these do");
        let recipe = format!("{:?}", choices.recipe);
        assert!(recipe.contains(place), "{flags:?}: {recipe}");
        assert!(
            choices.warnings.is_empty(),
            "{flags:?}: {:?}",
            choices.warnings
        );
    }
}

#[test]
fn what_does_not_go_together_is_refused_with_the_flags_at_fault() {
    for (flags, message) in [
        (
            &["--scale-to", "first"][..],
            "--scale-to has no effect without --scale",
        ),
        (
            &["--zero-to", "0"],
            "--zero-to has no effect without --zero",
        ),
        (&["--planes", "data,mask,mask"], "--planes names mask twice"),
        (
            &["--planes", "uncertainty", "--uncertainty", "none"],
            "--planes asks for the uncertainty, but --uncertainty none makes none",
        ),
        (
            &["--weight", "ivar", "--uncertainty-hdu", "none"],
            "--weight ivar needs the uncertainties of the frames, but --uncertainty-hdu none looks for none",
        ),
        (
            &["--uncertainty", "propagate", "--uncertainty-hdu", "None"],
            "--uncertainty propagate needs the uncertainties of the frames, but --uncertainty-hdu none looks for none",
        ),
        (
            &["--mask-hdu", "uncert"],
            "--mask-hdu and --uncertainty-hdu both take uncert",
        ),
        (
            &["--mask-hdu", ""],
            "--mask-hdu '': expected an EXTNAME, or none",
        ),
        (
            &["--scale", "1,-1"],
            "error: invalid value '1,-1' for '--scale <LEVEL>': number 2 is -1: a scale must be above 0",
        ),
        (
            &["--weight", "-1"],
            "error: invalid value '-1' for '--weight <WEIGHT>': expected none, exposure, noise, key:KEYWORD, numbers that are not \
             negative (1.5,2,…), @file or ivar",
        ),
        (
            &["-j", "0"],
            "error: invalid value '0' for '--threads <N>': 0 is not in 1..=4096",
        ),
        (
            &["--clip", "extrema:1"],
            "error: invalid value 'extrema:1' for '--clip <STEP>': expected extrema:NLOW,NHIGH, two whole numbers from 0",
        ),
    ] {
        assert_eq!(choices(flags).err().as_deref(), Some(message));
    }
}

#[test]
fn what_is_hardly_meant_is_a_warning() {
    for (flags, warning) in [
        (
            &["-m", "median", "--weight", "1"][..],
            "--weight has no effect on --method median, which ignores weights",
        ),
        (
            &["--planes", "data", "--uncertainty", "propagate"],
            "--uncertainty propagate: --planes leaves its plane out, but samples of unknown uncertainty are absent all the same",
        ),
        (
            &["--stats-section", "[*,*]", "--scale", "2"],
            "--stats-section has no effect: nothing is measured for --scale, --zero, --norm, --weight or --sky",
        ),
        (&["--nkeep", "1"], "--nkeep has no effect without --clip"),
        (
            &["--mem-limit", "9G"],
            "--mem-limit 9.0 GiB is more than the 8.0 GiB that this process may use",
        ),
    ] {
        assert_eq!(
            choices(flags).map(|choices| choices.warnings),
            Ok(vec![warning.to_owned()])
        );
    }
}

#[test]
fn names_are_unicode_where_they_have_to_be() {
    let odd = || OsString::from_vec(b"f\xff.fits".to_vec());
    let words = |output: OsString, frame: OsString| {
        [
            "ccdstream".into(),
            "combine".into(),
            "--json".into(),
            "-o".into(),
            output,
            frame,
        ]
        .into_iter()
    };
    assert_eq!(
        read(words("o".into(), odd())).err().as_deref(),
        Some(
            "frame 'f\u{fffd}.fits': expected a name in Unicode (UTF-8); rename the file, or name it by its folder"
        )
    );
    assert_eq!(
        read(words(odd(), "f".into())).err().as_deref(),
        Some("--json cannot tell the name of the output, which is no Unicode text; choose another")
    );
    assert_eq!(
        read(words("-".into(), "f".into())).err().as_deref(),
        Some(
            "--output -: the image is written in any order and cannot go to standard output; name a file"
        )
    );
}

#[test]
fn frames_are_needed_and_taken_in_order() {
    let words = [
        "ccdstream",
        "combine",
        "b.fits",
        "-o",
        "o",
        "a/",
        "@list",
        "--hdu",
        "all",
    ];
    let choices = read(words.iter().map(OsString::from)).expect("names may stand anywhere");
    assert_eq!(choices.recipe.frames.names, ["b.fits", "a/", "@list"]);
    assert_eq!(choices.recipe.frames.hdu, Hdu::All);
    assert!(
        read(
            words[..1]
                .iter()
                .chain(&["combine", "-o", "o"])
                .map(OsString::from)
        )
        .is_err()
    );
}
