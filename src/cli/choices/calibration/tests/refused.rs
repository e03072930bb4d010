//! What is refused, and what is hardly meant.

use super::*;

#[test]
fn what_does_not_go_together_is_refused_with_the_flags_at_fault() {
    for (flags, message) in [
        (
            &["--overscan-stat", "mean"][..],
            "--overscan-stat has no effect without --overscan",
        ),
        (
            &["--overscan-fit", "none"],
            "--overscan-fit has no effect without --overscan",
        ),
        (
            &["--overscan-axis", "auto"],
            "--overscan-axis has no effect without --overscan",
        ),
        (
            &["--overscan-clip", "3,3,1"],
            "--overscan-clip has no effect without --overscan",
        ),
        (
            &["--deviation"],
            "--deviation needs --readnoise: the read noise in electrons, or its KEYWORD",
        ),
        (&["--gain-last"], "--gain-last has no effect without --gain"),
        (
            &["--negative", "mask"],
            "--negative has no effect without --deviation",
        ),
        (
            &["--flip-bits"],
            "--flip-bits has no effect without --mask-bits",
        ),
        (
            &["--mask-bits", "all", "--flip-bits"],
            "--mask-bits leaves no bit that is bad; --mask-hdu none looks for no masks",
        ),
        (
            &["--mask-bits", "1", "--mask-hdu", "none"],
            "--mask-bits needs the masks of the frames, but --mask-hdu none looks for none",
        ),
        (
            &["--dark-scale"],
            "--dark-scale has no effect without --dark",
        ),
        (
            &["--exposure-key", "T"],
            "--exposure-key has no effect without --dark",
        ),
        (
            &["--exposure", "1"],
            "--exposure has no effect without --dark",
        ),
        (
            &["--dark-exposure", "1"],
            "--dark-exposure has no effect without --dark",
        ),
        (
            &["--flat-min", "1"],
            "--flat-min has no effect without --flat",
        ),
        (
            &["--flat-norm", "mean"],
            "--flat-norm has no effect without --flat",
        ),
        (
            &["--flat-section", "[*,*]"],
            "--flat-section has no effect without --flat",
        ),
        (
            &["--flat-norm-over", "frame"],
            "--flat-norm-over has no effect without --flat",
        ),
        (
            &["--dark", "d", "--dark-scale", "--exposure", "-1"],
            "--exposure -1: exposures are positive",
        ),
        (
            &["--dark", "d", "--dark-scale", "--dark-exposure", "0"],
            "--dark-exposure 0: exposures are positive",
        ),
        (&["--gain", "-1"], "--gain: electrons a count are positive"),
        (
            &["--readnoise", "-1", "--deviation"],
            "--readnoise: it is not negative",
        ),
        (&["--bias", ""], "--bias names no file"),
        (&["--flat", " "], "--flat names no file"),
        (
            &["--below", "5=mask", "--above", "4=nan"],
            "--below 5=mask and --above 4=nan leave no value between them",
        ),
        (&["--planes", "data,mask,mask"], "--planes names mask twice"),
    ] {
        for command in ["calibrate", "combine"] {
            let refused = meaning(command, flags).err();
            assert_eq!(refused.as_deref(), Some(message), "{command}");
        }
    }
}

#[test]
fn a_value_that_does_not_read_is_refused_with_its_flag_and_grammar() {
    for (flag, text, grammar) in [
        ("--overscan", "1:2,3:4", "[x1:x2,y1:y2]"),
        ("--overscan-stat", "mode", ""),
        ("--overscan-fit", "poly", "poly:N"),
        ("--overscan-axis", "x", ""),
        ("--overscan-clip", "3,3", "LOW,HIGH,N"),
        ("--trim", "[5:1,*]", "KEYWORD"),
        ("--gain", "nan", "a number, or the KEYWORD"),
        ("--readnoise", "1e", "a number, or the KEYWORD"),
        ("--negative", "nan", ""),
        ("--mask-bits", "3,4", "powers of 2"),
        ("--exposure", "long", "expected a number"),
        ("--exposure-key", "1", "expected a KEYWORD"),
        ("--flat-min", "inf", "expected a number"),
        ("--flat-norm", "0", "a positive number"),
        ("--flat-section", "[1]", "[x1:x2,y1:y2]"),
        ("--flat-norm-over", "chips", ""),
        ("--sky", "mean", ""),
        ("--below", "5", "V=mask"),
        ("--above", "x=nan", "V=mask"),
    ] {
        for command in ["calibrate", "combine"] {
            let message = meaning(command, &[&format!("{flag}={text}")]).expect_err("no value");
            let begins = format!("error: invalid value '{text}' for '{flag} <");
            assert!(message.starts_with(&begins), "{message}");
            assert!(message.contains(grammar), "{message}");
        }
    }
}

#[test]
fn what_a_folder_of_frames_cannot_be_is_refused() {
    for (flags, message) in [
        (
            &["--suffix", "a/b"][..],
            "--suffix 'a/b': it becomes part of the name of a file",
        ),
        (
            &["--planes", "count"],
            "error: invalid value 'count' for '--planes <PLANES>': expected any of data,mask,uncertainty",
        ),
        (
            &["--planes", "uncertainty", "--uncertainty-hdu", "none"],
            "--planes asks for the uncertainty, but --uncertainty-hdu none looks for none, and neither --deviation nor a \
             master brings one",
        ),
        (
            &["--region", "[1:2,1:2]"],
            "error: unexpected argument '--region' found",
        ),
    ] {
        assert_eq!(meaning("calibrate", flags).err().as_deref(), Some(message));
    }
    let words = ["ccdstream", "calibrate", "f.fits", "-o", "-"];
    let Ok(Command::Calibrate(typed)) = Program::try_parse_from(words).map(|p| p.command) else {
        panic!("it is another command");
    };
    assert_eq!(
        typed
            .choices(MACHINE)
            .err()
            .map(|error| error.to_string())
            .as_deref(),
        Some("--output -: calibrated frames cannot go to standard output; name a folder")
    );
}

#[test]
fn what_is_hardly_meant_is_a_warning() {
    for (flags, warning) in [
        (
            &["--bias", "b", "--readnoise", "5"][..],
            "--readnoise has no effect without --deviation",
        ),
        (
            &["--dark", "d", "--exposure-key", "T"],
            "--exposure-key has no effect without --dark-scale",
        ),
        (
            &["--dark", "d", "--exposure", "5"],
            "--exposure has no effect without --dark-scale",
        ),
        (
            &["--dark", "d", "--dark-exposure", "5"],
            "--dark-exposure has no effect without --dark-scale",
        ),
        (
            &["--flat", "f", "--flat-norm", "2", "--flat-section", "[*,*]"],
            "--flat-section has no effect: --flat-norm is a number",
        ),
        (
            &["--flat", "f", "--flat-norm", "2", "--flat-norm-over", "mef"],
            "--flat-norm-over has no effect: --flat-norm is a number",
        ),
    ] {
        for command in ["calibrate", "combine"] {
            let warnings = meaning(command, flags).map(|(_, warnings)| warnings);
            assert_eq!(warnings, Ok(vec![warning.to_owned()]), "{command}");
        }
    }
    for (flags, warning) in [
        (
            &["--bias", "b", "--stats-section", "[*,*]"][..],
            "--stats-section has no effect without --sky",
        ),
        (
            &["--bias", "b", "--mem-limit", "9G"],
            "--mem-limit 9.0 GiB is more than the 8.0 GiB that this process may use",
        ),
        (
            &["--redo"],
            "no step of a calibration is asked for: the frames are written as they are",
        ),
    ] {
        let warnings = meaning("calibrate", flags).map(|(_, warnings)| warnings);
        assert_eq!(warnings, Ok(vec![warning.to_owned()]));
    }
}
