//! Packed outputs of runs that are cut short while they are packed: the plain one is kept, and packed again.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::thread;
use std::time::{Duration, Instant};

use ccdstream::recipe::{Calibration, Codec, Compression, Frames, Io, Output, Resources, Stack};
use ccdstream::{ByteSize, Error, Recipe, Walk, Watch, combine};

use crate::common::{Place, Random, Run, words};
use crate::fits::Image;

/// Frames that take some time to pack, and what they are packed to.
fn large() -> Place {
    let place = Place::new();
    let mut random = Random(5);
    for n in 0..2 {
        let pixels = random.frame(2000 * 1500);
        Image::uint16(&[2000, 1500], &pixels).write(place.path(&format!("f{n}.fits")));
    }
    place.done("combine -q --compress gzip -o ref.fits 'f*.fits'");
    place
}

/// The names in the folder that are hidden, or the output's.
fn left(place: &Place) -> Vec<String> {
    let mut names = place.listing();
    names.retain(|name| name.contains("out.fits"));
    names
}

/// Stops a run while it packs its output.
fn stopped_while_it_packs(place: &Place) {
    let recipe = Recipe {
        frames: Frames::new([format!("{}/f*.fits", place.path("").display())]),
        calibration: Calibration::default(),
        stack: Stack::default(),
        output: Output {
            compression: Some(Compression::new(Codec::Gzip)),
            ..Output::new(place.path("out.fits"))
        },
        resources: Resources {
            mem_limit: ByteSize(1 << 30),
            threads: 2,
            io: Io::Read,
            temp_dir: None,
        },
    };
    let watch = Watch::default();
    let (error, took) = thread::scope(|scope| {
        let run = scope.spawn(|| combine(&recipe, &watch));
        loop {
            let (walk, done, _) = watch.progress();
            if walk == Walk::Packing && done > 0 || run.is_finished() {
                break;
            }
            thread::sleep(Duration::from_micros(200));
        }
        let asked = Instant::now();
        watch.stop(15);
        (run.join().unwrap().unwrap_err(), asked.elapsed())
    });
    assert!(took < Duration::from_secs(2), "{took:?}");
    assert_eq!(error.exit_code(), 143, "{error}");
    let said = error.to_string();
    assert!(
        said.contains("100 % of it is done") && said.contains("--resume"),
        "{said}"
    );
    assert!(matches!(&error, Error::Interrupted { .. }));
    assert_eq!(left(place), [".out.fits.part", ".out.fits.state"]);
}

const RESUME: &str = "combine --compress gzip -o out.fits --resume 'f*.fits'";

#[test]
fn a_run_that_is_stopped_while_it_packs_packs_again_and_makes_the_same_file() {
    let place = large();
    stopped_while_it_packs(&place);
    // What a run leaves that is killed: it is replaced.
    fs::write(place.path(".out.fits.packed"), "half of it").unwrap();
    let summary = place.json(RESUME);
    assert_eq!(summary["resumed_pixels"].as_u64(), Some(2000 * 1500));
    assert!(
        place.bytes("out.fits") == place.bytes("ref.fits"),
        "the outputs differ"
    );
    assert_eq!(left(&place), ["out.fits"]);
    let run = place.done(RESUME);
    assert!(run.stderr.contains("is finished already"), "{}", run.stderr);
}

#[test]
fn another_packing_is_another_recipe_and_a_fresh_run_clears_what_is_left() {
    let place = large();
    stopped_while_it_packs(&place);
    let run = place.run("combine --compress rice -o out.fits --resume 'f*.fits'");
    assert_eq!(run.status, Some(1));
    assert!(
        run.stderr
            .contains("--compress was 'gzip', and is 'rice' now"),
        "{}",
        run.stderr
    );
    fs::write(place.path(".out.fits.packed"), "half of it").unwrap();
    place.done("combine -q --compress gzip -o out.fits 'f*.fits'");
    assert!(
        place.bytes("out.fits") == place.bytes("ref.fits"),
        "the outputs differ"
    );
    assert_eq!(left(&place), ["out.fits"]);
}

#[test]
fn a_run_that_is_killed_when_the_packed_file_has_its_name_is_finished() {
    let place = large();
    stopped_while_it_packs(&place);
    fs::copy(place.path("ref.fits"), place.path("out.fits")).unwrap();
    let state = fs::read_to_string(place.path(".out.fits.state")).unwrap();
    let inode = fs::metadata(place.path("out.fits")).unwrap().ino();
    let told = state.replacen("\"packed\":null", &format!("\"packed\":{inode}"), 1);
    assert_ne!(told, state);
    // An output that is another's is spared.
    let run = place.run(RESUME);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    fs::write(place.path(".out.fits.state"), told).unwrap();
    let run = place.done(RESUME);
    assert!(run.stderr.contains("is finished already"), "{}", run.stderr);
    assert_eq!(left(&place), ["out.fits"]);
}

#[test]
fn a_disk_that_is_full_when_it_is_packed_keeps_the_plain_output() {
    let place = Place::new();
    let mut random = Random(9);
    let pixels: Vec<u16> = (0..500 * 400)
        .map(|_| (random.bits() % 65_000) as u16)
        .collect();
    Image::uint16(&[500, 400], &pixels).write(place.path("f0.fits"));
    // Noise in every bit: packed, it is larger than plain, and that larger than files may be.
    let combine = "combine --planes data --dtype u16 --compress gzip -o out.fits f0.fits";
    let mut program = assert_cmd::Command::new("bash");
    let shell = "ulimit -f 396; exec \"$0\" \"$@\"";
    program
        .current_dir(place.path(""))
        .args(["-c", shell, env!("CARGO_BIN_EXE_ccdstream")])
        .args(words(combine));
    let run = Run::of(program, shell);
    assert_eq!(run.status, Some(1), "{}", run.stderr);
    for part in ["out.fits", "too large", "100 % of it is done", "--resume"] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert_eq!(left(&place), [".out.fits.part", ".out.fits.state"]);
    place.done(&format!("{combine} --resume -q"));
    let was: Vec<f64> = pixels.into_iter().map(f64::from).collect();
    assert!(super::image::<Vec<f64>>(&place, "out.fits", 1) == was);
    assert_eq!(left(&place), ["out.fits"]);
}

#[test]
fn calibrate_clears_the_plain_form_of_a_frame_that_is_packed_already() {
    let place = super::night();
    fs::write(place.path("bad.fits"), "no frame").unwrap();
    let calibrate = "calibrate -q --gain 1 --compress rice -o red f0.fits f1.fits bad.fits";
    assert_eq!(place.run(calibrate).status, Some(1));
    let (packed, plain) = (
        place.path("red/f0.fits.fz"),
        place.path("red/.f0.fits.fz.part"),
    );
    let (bytes, inode) = (
        fs::read(&packed).unwrap(),
        fs::metadata(&packed).unwrap().ino(),
    );
    fs::write(&plain, "what a run that was killed has left").unwrap();
    fs::copy(place.path("f0.fits"), place.path("bad.fits")).unwrap();
    place.done(&format!("{calibrate} --resume"));
    assert!(!plain.exists());
    assert_eq!(
        fs::metadata(&packed).unwrap().ino(),
        inode,
        "not done again"
    );
    assert!(fs::read(&packed).unwrap() == bytes);
    assert!(place.path("red/bad.fits.fz").exists());
}
