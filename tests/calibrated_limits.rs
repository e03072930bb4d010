//! The limit is a ceiling with every step of a calibration on, and nothing of how the work is cut shows in the output.

use std::fs;

use crate::common::{Place, Random};
use crate::fits::{Image, empty_primary};
use crate::limits::{run_within, smallest_of};

const STEPS: &str = "--overscan BIASSEC --overscan-fit spline3:6 --overscan-clip 3,3,2 --trim TRIMSEC --gain 1.5 --gain-last \
    --readnoise 4 --deviation --bad-pixels bad.fits --bias bias.fits --dark dark.fits --flat flat.fits --flat-norm median --sky median";
const NCOL: usize = 131;
const NROW: usize = 150;
const NOVER: usize = 20;

/// A raw chip, its overscan beside it.
fn raw(random: &mut Random) -> Image {
    let pixels = random.frame((NCOL + NOVER) * NROW);
    Image::uint16(&[NCOL + NOVER, NROW], &pixels)
        .card(format!(
            "BIASSEC = '[{}:{},1:{NROW}]'",
            NCOL + 1,
            NCOL + NOVER
        ))
        .card(format!("TRIMSEC = '[1:{NCOL},1:{NROW}]'"))
}

/// A master of small positive numbers.
fn master(bitpix: i32, random: &mut Random) -> Image {
    let pixels = random.frame(NCOL * NROW);
    let pixels: Vec<f64> = pixels
        .iter()
        .map(|pixel| f64::from(pixel % 50 + 1))
        .collect();
    Image::new(bitpix, &[NCOL, NROW], &pixels)
}

/// Raw frames and masters; the planes of the masters are of this BITPIX too.
fn night(nframe: usize, bitpix: i32, history: usize) -> Place {
    let place = Place::new();
    let mut random = Random(11);
    for n in 0..nframe {
        let mut frame = raw(&mut random);
        for line in 0..history {
            frame = frame.card(format!("HISTORY what was done before, line {line}"));
        }
        frame.write(place.path(&format!("r{n}.fits")));
    }
    for name in ["bias", "dark", "flat"] {
        let planes = [
            master(bitpix, &mut random).named("UNCERT"),
            Image::new(bitpix, &[NCOL, NROW], &vec![0.0; NCOL * NROW]).named("MASK"),
        ];
        master(bitpix, &mut random).write_with(&planes, place.path(&format!("{name}.fits")));
    }
    Image::new(8, &[NCOL, NROW], &vec![0.0; NCOL * NROW]).write(place.path("bad.fits"));
    place
}

/// The bytes of the frames that were calibrated.
fn calibrated(place: &Place, nframe: usize) -> Vec<Vec<u8>> {
    (0..nframe)
        .map(|n| place.bytes(&format!("red/r{n}.fits")))
        .collect()
}

#[test]
fn frames_calibrate_to_the_same_bytes_within_any_limit_that_is_accepted() {
    for bitpix in [8, 16, 32, 64, -32, -64] {
        let place = night(5, bitpix, 0);
        let mut want = None;
        for io in ["mmap", "read"] {
            for threads in [1, 3] {
                let command = format!(
                    "calibrate --overwrite -o red {STEPS} --io {io} -j {threads} 'r*.fits'"
                );
                let least = smallest_of(&place, &command);
                for limit in [least, least + 300, 1 << 18] {
                    run_within(&place, &command, limit);
                    let got = calibrated(&place, 5);
                    assert!(
                        *want.get_or_insert_with(|| got.clone()) == got,
                        "{command} under {limit} KiB"
                    );
                }
            }
        }
    }
}

#[test]
fn a_stack_calibrates_on_the_way_within_any_limit_that_is_accepted() {
    for bitpix in [8, -64] {
        let place = night(6, bitpix, 0);
        let mut want = None;
        for io in ["mmap", "read"] {
            for threads in [1, 3] {
                let command = format!(
                    "combine --overwrite -o out.fits {STEPS} --zero median --clip sigma:3 --io {io} -j {threads} 'r*.fits'"
                );
                let least = smallest_of(&place, &command);
                for limit in [least, 1 << 18] {
                    run_within(&place, &command, limit);
                    let got = place.bytes("out.fits");
                    assert!(
                        *want.get_or_insert_with(|| got.clone()) == got,
                        "{command} under {limit} KiB"
                    );
                }
            }
        }
    }
}

#[test]
fn chips_in_turn_stay_within_the_limit() {
    let place = night(0, -32, 0);
    let mut random = Random(5);
    for n in 0..4 {
        let mut bytes = empty_primary(&[]);
        for chip in 1..4 {
            bytes.extend(raw(&mut random).named(&format!("IM{chip}")).extension());
        }
        fs::write(place.path(&format!("m{n}.fits")), bytes).unwrap();
    }
    for name in ["bias", "dark", "flat"] {
        let mut bytes = empty_primary(&[]);
        for chip in 1..4 {
            bytes.extend(
                master(-32, &mut random)
                    .named(&format!("IM{chip}"))
                    .extension(),
            );
        }
        fs::write(place.path(&format!("{name}.fits")), bytes).unwrap();
    }
    for command in [
        format!(
            "combine --overwrite --hdu all {STEPS} --zero median --clip sigma:3 -o out.fits 'm*.fits'"
        ),
        format!("calibrate --overwrite --hdu all {STEPS} --flat-norm-over mef -o red 'm*.fits'"),
    ] {
        for io in ["mmap", "read"] {
            let command = format!("{command} -j 2 --io {io}");
            run_within(&place, &command, smallest_of(&place, &command));
        }
    }
}

#[test]
fn long_headers_count_in_the_limit_of_each_thread() {
    let place = night(4, -32, 6000);
    for threads in [1, 4] {
        let command = format!("calibrate --overwrite -o red {STEPS} -j {threads} 'r*.fits'");
        run_within(&place, &command, smallest_of(&place, &command));
    }
}
