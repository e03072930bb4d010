//! Hard limits from outside: a run below them is done, or ends with a message; it never dies.

use std::fs::File;

use crate::common::{Place, Random, Run};
use crate::fits::Image;

/// Runs the program below a limit that `ulimit` sets; `None` where the system cannot even start it.
fn below(place: &Place, limit: &str, arguments: &str) -> Option<Run> {
    let starts = place.below(limit, "--version").status == Some(0);
    starts.then(|| place.below(limit, arguments))
}

#[test]
fn a_limit_on_memory_ends_in_the_same_bytes_or_in_one_message() {
    let place = Place::new();
    let mut random = Random(11);
    for n in 0..12 {
        let pixels = random.frame(150 * 131);
        Image::uint16(&[150, 131], &pixels).write(place.path(&format!("f{n:02}.fits")));
    }
    place.done("combine -j 2 --clip sigma:3 --scale median -o want.fits 'f*.fits'");
    let want = place.bytes("want.fits");
    let (mut done, mut refused) = (0, 0);
    for flag in ["-v", "-d"] {
        for mebibytes in [4, 12, 20, 28, 36, 44, 60, 80, 120, 200, 400] {
            for way in ["-j 1", "-j 16", "-j 2 --io mmap"] {
                let limit = format!("{flag} {}", mebibytes << 10);
                let arguments =
                    format!("{way} --clip sigma:3 --scale median -o out.fits 'f*.fits'");
                let arguments = format!("combine -q --overwrite {arguments}");
                let Some(run) = below(&place, &limit, &arguments) else {
                    continue;
                };
                match run.status {
                    Some(0) => {
                        done += 1;
                        assert!(place.bytes("out.fits") == want, "{limit} {way}");
                    }
                    status => {
                        refused += 1;
                        assert_eq!(status, Some(1), "{limit} {way}: {}", run.stderr);
                        let errors = run.stderr.matches("ccdstream: error:").count();
                        assert_eq!(errors, 1, "{limit} {way}: {}", run.stderr);
                        assert!(
                            !run.stderr.contains("panicked"),
                            "{limit} {way}: {}",
                            run.stderr
                        );
                    }
                }
            }
        }
    }
    assert!(done > 20 && refused > 3, "{done} done, {refused} refused");
}

#[test]
fn frames_for_whose_maps_there_are_no_addresses_are_read() {
    let place = Place::new();
    for name in ["a.fits", "b.fits", "c.fits", "d.fits"] {
        let header = Image::new(8, &[16384, 1], &vec![1.0; 16384]).primary();
        let mut header = header[..2880].to_vec();
        let at = header
            .windows(8)
            .position(|bytes| bytes == b"NAXIS2  ")
            .unwrap();
        header[at..at + 80].copy_from_slice(format!("{:<80}", "NAXIS2  = 16384").as_bytes());
        std::fs::write(place.path(name), header).unwrap();
        // A hole: 256 MiB of zeros that take no room.
        let file = File::options().write(true).open(place.path(name)).unwrap();
        file.set_len(2880 + (16384 << 14)).unwrap();
    }
    let arguments = "combine --io mmap -j 2 --region '[*,1:2]' --planes data -o out.fits '?.fits'";
    let run = below(&place, &format!("-v {}", 800 << 10), arguments).unwrap();
    assert_eq!(run.status, Some(0), "{}", run.stderr);
    assert!(
        run.stderr.contains("of 4 files, which are read instead"),
        "{}",
        run.stderr
    );
    assert!(
        place
            .plane("out.fits", None)
            .iter()
            .all(|&value| value == 0.0)
    );
}
