//! A bad command line, levels and outputs that cannot be: each ends in one message that names what is wrong, and leaves
//! nothing behind.

use std::fs;
use std::os::unix::fs::symlink;

use crate::common::{good, two};
use crate::fits::Image;

#[test]
fn clip_steps_that_do_not_parse_answer_with_their_grammar() {
    let place = two();
    for (step, grammar) in [
        ("sigma", "sigma:LOW,HIGH"),
        ("sigma:", "sigma:LOW,HIGH"),
        ("sigma:x", "sigma:LOW,HIGH"),
        ("sigma:-1", "sigma:LOW,HIGH"),
        ("sigma:0", "sigma:LOW,HIGH"),
        ("sigma:nan", "sigma:LOW,HIGH"),
        ("sigma:3,iters=0", "iters"),
        ("sigma:3,center=mode", "median"),
        ("sigma:3,dev=iqr", "mad"),
        ("sigma:3,floor=-1", "floor"),
        ("sigma:3,colour=red", "sigma:LOW,HIGH"),
        ("minmax:5", "minmax:LO,HI"),
        ("minmax:a,b", "minmax:LO,HI"),
        ("extrema:1", "extrema:NLOW,NHIGH"),
        ("extrema:-1,2", "extrema:NLOW,NHIGH"),
        ("extrema:1.5,2", "extrema:NLOW,NHIGH"),
        ("median:3", "sigma"),
    ] {
        place.refused(
            &format!("--clip={step} a.fits b.fits"),
            2,
            &["--clip", grammar],
        );
    }
}

#[test]
fn flags_that_do_not_read() {
    let place = two();
    for (arguments, part) in [
        ("--mem-limit lots", "--mem-limit"),
        ("--mem-limit 0%", "--mem-limit"),
        ("--mem-limit=-5M", "--mem-limit"),
        ("-j 0", "--threads"),
        ("-j many", "--threads"),
        ("--io carrier-pigeon", "--io"),
        ("--method mean", "--method"),
        ("--dtype u64", "--dtype"),
        ("--planes data,colour", "--planes"),
        ("--region '[0:3,1:2]'", "--region"),
        ("--region 1:2", "--region"),
        ("--stats-section '[3:1,*]'", "--stats-section"),
        ("--where EXPTIME", "--where"),
        ("--scale 1,x", "--scale"),
        ("--zero key:", "--zero"),
        ("--weight heavy", "--weight"),
        ("--weight 1,-1", "--weight"),
        ("--norm addmul", "--norm"),
        ("--nkeep 1.5", "--nkeep"),
        ("--planes low:sigma", "--planes"),
        ("--clip ccd:3,gain=1", "ccd:LOW,HIGH"),
        ("--clip cr:3,rdnoise=5", "gain=GAIN"),
        ("--no-such-flag", "--no-such-flag"),
    ] {
        place.refused(&format!("{arguments} a.fits b.fits"), 2, &[part]);
    }
    let run = place.run("combine a.fits");
    assert_eq!(run.status, Some(2));
    assert!(run.stderr.contains("--output"), "{}", run.stderr);
}

/// Steps of a calibration that do not read or do not go together, the same for both commands.
const BAD_STEPS: [(&str, &str); 23] = [
    ("--overscan 1:2,3:4", "--overscan"),
    ("--overscan-fit poly:1", "--overscan"),
    ("--overscan BIASSEC --overscan-fit poly", "poly:N"),
    ("--overscan BIASSEC --overscan-clip 3", "LOW,HIGH,N"),
    ("--overscan BIASSEC --overscan-axis x", "--overscan-axis"),
    ("--trim '[5:1,*]'", "--trim"),
    ("--deviation", "--readnoise"),
    ("--gain 0", "--gain"),
    ("--gain-last", "--gain"),
    ("--negative mask", "--deviation"),
    ("--mask-bits 3,4", "--mask-bits"),
    ("--mask-bits 1 --mask-hdu none", "--mask-hdu"),
    ("--flip-bits", "--mask-bits"),
    ("--bias ''", "--bias"),
    ("--dark-scale", "--dark"),
    ("--dark d.fits --dark-scale --exposure -5", "--exposure"),
    ("--dark d.fits --exposure long", "--exposure"),
    ("--flat-min 0.1", "--flat"),
    ("--flat f.fits --flat-norm 0", "--flat-norm"),
    ("--flat f.fits --flat-norm-over chips", "--flat-norm-over"),
    ("--sky mean", "--sky"),
    ("--below 5", "V=mask"),
    ("--below 5=mask --above 4=mask", "--above"),
];

#[test]
fn steps_of_a_calibration_that_cannot_be() {
    let place = two();
    for (steps, part) in BAD_STEPS {
        place.refused(&format!("{steps} a.fits b.fits"), 2, &[part]);
        let before = place.listing();
        let run = place.run(&format!("calibrate -o reduced {steps} a.fits b.fits"));
        assert_eq!(run.status, Some(2), "{steps}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{part} in: {}", run.stderr);
        assert_eq!(run.stdout, "", "{steps}");
        assert_eq!(place.listing(), before, "{steps}");
    }
    for (arguments, part) in [
        ("a.fits", "--output"),
        ("-o reduced", "FRAMES"),
        ("-o - a.fits", "folder"),
        ("-o reduced --planes count a.fits", "data,mask,uncertainty"),
        ("-o reduced --suffix a/b a.fits", "--suffix"),
        ("-o reduced --dtype u64 a.fits", "--dtype"),
        ("-o reduced --method median a.fits", "--method"),
        ("-o reduced --clip sigma:3 a.fits", "--clip"),
        ("-o reduced --region '[1:2,1:2]' a.fits", "--region"),
    ] {
        let run = place.run(&format!("calibrate {arguments}"));
        assert_eq!(run.status, Some(2), "{arguments}: {}", run.stderr);
        assert!(run.stderr.contains(part), "{part} in: {}", run.stderr);
    }
}

#[test]
fn levels_and_weights_that_do_not_fit_the_frames() {
    let place = two();
    good(0.0).write(place.path("zero.fits"));
    good(-5.0).write(place.path("negative.fits"));
    Image::row(&[f64::NAN; 6]).write(place.path("nan.fits"));
    good(1.0)
        .card("NIMG    = 'many    '")
        .card("MINUS   =                   -1")
        .write(place.path("keys.fits"));
    fs::write(place.path("levels.txt"), "1\nx\n").unwrap();
    for (arguments, parts) in [
        ("--weight 1,2,3 a.fits b.fits", &["--weight", "3", "2"][..]),
        ("--weight 1 a.fits b.fits", &["--weight", "1", "2"]),
        ("--scale 1,2,3 a.fits b.fits", &["--scale", "3", "2"]),
        ("--zero 1 a.fits b.fits", &["--zero", "1", "2"]),
        ("--scale mean a.fits zero.fits", &["zero.fits", "scale"]),
        (
            "--scale median a.fits negative.fits",
            &["negative.fits", "scale"],
        ),
        ("--scale key:MINUS keys.fits", &["keys.fits", "MINUS"]),
        ("--weight key:MINUS keys.fits", &["keys.fits", "MINUS"]),
        ("--weight key:NIMG keys.fits", &["keys.fits", "NIMG"]),
        ("--scale key:NIMG a.fits", &["a.fits", "NIMG"]),
        ("--weight ivar a.fits b.fits", &["a.fits", "UNCERT"]),
        ("--region '[1:4,1:2]' a.fits", &["--region", "3 × 2"]),
        (
            "--stats-section '[1:3,1:3]' --scale mean a.fits",
            &["--stats-section", "3 × 2"],
        ),
    ] {
        place.refused(arguments, 1, parts);
    }
    let run = place.run("combine -o out.fits --scale mean nan.fits");
    assert!(
        run.status == Some(1) && run.stderr.contains("nan.fits"),
        "{}",
        run.stderr
    );
    for arguments in [
        "--scale 1,nan a.fits b.fits",
        "--scale 1,0 a.fits b.fits",
        "--scale 1,-2 a.fits b.fits",
        "--scale @levels.txt a.fits b.fits",
        "--scale @none.txt a.fits b.fits",
    ] {
        let run = place.run(&format!("combine -o out.fits {arguments}"));
        assert!(
            matches!(run.status, Some(1 | 2)) && run.stderr.contains("scale"),
            "{arguments}: {}",
            run.stderr
        );
    }
}

#[test]
fn an_output_that_cannot_be() {
    let place = two();
    let run = place.run("combine -o a.fits --overwrite a.fits b.fits");
    assert_eq!(run.status, Some(1));
    assert!(run.stderr.contains("a.fits"), "{}", run.stderr);
    assert_eq!(place.bytes("a.fits"), good(1.0).primary());
    symlink("a.fits", place.path("link.fits")).unwrap();
    let run = place.run("combine -o ./link.fits --overwrite a.fits b.fits");
    assert_eq!(
        run.status,
        Some(1),
        "another name of an input: {}",
        run.stderr
    );
    assert_eq!(place.bytes("a.fits"), good(1.0).primary());
    for output in ["none/out.fits", ".", "a.fits/out.fits"] {
        let before = place.listing();
        let run = place.run(&format!("combine -o {output} a.fits b.fits"));
        assert_eq!(run.status, Some(1), "{output}: {}", run.stderr);
        assert!(
            run.stderr.contains(output.split('/').next().unwrap()),
            "{}",
            run.stderr
        );
        assert_eq!(place.listing(), before);
    }
    let run = place.run("combine -o bad.fits --overwrite --bad-pixels bad.fits a.fits");
    assert_eq!(run.status, Some(1), "{}", run.stderr);
}

#[test]
fn control_characters_never_reach_the_terminal() {
    let place = two();
    fs::write(place.path("a\u{1b}[31m\u{7}.fits"), "no").unwrap();
    good(1.0)
        .card("BUNIT   = '\u{1b}[31mred'")
        .write(place.path("unit.fits"));
    for run in [
        place.run("combine -o out.fits 'a\u{1b}[31m\u{7}.fits'"),
        place.run("combine -o out.fits 'b\u{1b}[31m.fits'"),
        place.run("combine -o 'none\u{1b}[31m/out.fits' a.fits"),
        place.run("combine -o out.fits --where 'A\u{1b}=1' a.fits"),
        place.run("combine -o out.fits --clip 'si\u{1b}[31mgma' a.fits"),
        place.run("combine -o out.fits a.fits unit.fits"),
    ] {
        assert!(matches!(run.status, Some(1 | 2)), "{}", run.stderr);
        assert!(
            !run.stderr.contains(['\u{1b}', '\u{7}']),
            "{:?}",
            run.stderr
        );
    }
}
