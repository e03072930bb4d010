//! What the tests share: a place for frames, runs of the program in it, and its outputs read by CFITSIO.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use assert_cmd::Command;
use fitsio::FitsFile;

use crate::fits::{Header, Image, headers};

/// A whole minute and more: a run that takes longer hangs.
const PATIENCE: Duration = Duration::from_mins(3);

/// A folder for the frames and outputs of a test, removed at its end.
#[derive(Debug)]
pub(crate) struct Place(tempfile::TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A place with one frame of one row for each of these, named a.fits, b.fits, …
    pub(crate) fn with_rows(rows: &[&[f64]]) -> Self {
        let place = Self::new();
        for (row, letter) in rows.iter().zip('a'..='z') {
            Image::row(row).write(place.path(&format!("{letter}.fits")));
        }
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Everything in the folder, by name.
    pub(crate) fn listing(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    /// The program, about to run here with these arguments, split at blanks (`'…'` keeps blanks).
    pub(crate) fn program(&self, arguments: &str) -> Command {
        let mut program = Command::new(env!("CARGO_BIN_EXE_ccdstream"));
        program
            .current_dir(self.0.path())
            .timeout(PATIENCE)
            .args(words(arguments));
        program
    }

    /// Runs the program here.
    pub(crate) fn run(&self, arguments: &str) -> Run {
        Run::of(self.program(arguments), arguments)
    }

    /// Runs the program here below a limit that `ulimit` sets.
    pub(crate) fn below(&self, limit: &str, arguments: &str) -> Run {
        let shell = format!("ulimit {limit}; exec \"$0\" \"$@\"");
        let mut program = Command::new("sh");
        program
            .current_dir(self.0.path())
            .timeout(PATIENCE)
            .args(["-c", &shell, env!("CARGO_BIN_EXE_ccdstream")])
            .args(words(arguments));
        Run::of(program, arguments)
    }

    /// Runs it and wants it to end well.
    pub(crate) fn done(&self, arguments: &str) -> Run {
        let run = self.run(arguments);
        assert_eq!(run.status, Some(0), "ccdstream {arguments}\n{}", run.stderr);
        run
    }

    /// Runs `ccdstream combine -o out.fits` with these arguments and returns the combined values.
    pub(crate) fn combined(&self, arguments: &str) -> Vec<f64> {
        self.done(&format!("combine --overwrite -o out.fits {arguments}"));
        self.plane("out.fits", None)
    }

    /// Runs it with `--json` and returns what it says.
    pub(crate) fn json(&self, arguments: &str) -> serde_json::Value {
        let run = self.done(&format!("{arguments} --json"));
        serde_json::from_str(&run.stdout).unwrap_or_else(|error| panic!("{error}: {}", run.stdout))
    }

    /// Runs `combine -o out.fits` and wants this exit status, one message with all of these parts, and nothing left behind.
    #[track_caller]
    pub(crate) fn refused(&self, arguments: &str, status: i32, parts: &[&str]) -> Run {
        let before = self.listing();
        let run = self.run(&format!("combine -o out.fits {arguments}"));
        assert_eq!(run.status, Some(status), "{arguments}: {}", run.stderr);
        for part in parts {
            assert!(
                run.stderr.to_lowercase().contains(&part.to_lowercase()),
                "{part} in: {}",
                run.stderr
            );
        }
        assert_eq!(run.stdout, "", "{arguments}");
        if status == 1 {
            let errors = run
                .stderr
                .lines()
                .filter(|line| line.contains("error:"))
                .count();
            assert!(errors <= 1, "one message: {}", run.stderr);
            assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
        }
        assert_eq!(self.listing(), before, "{arguments}");
        run
    }

    /// One plane of an output, read by CFITSIO: the primary image, or the one with this EXTNAME.
    pub(crate) fn plane(&self, file: &str, name: Option<&str>) -> Vec<f64> {
        let mut fits = FitsFile::open(self.path(file)).unwrap();
        let hdu = match name {
            None => fits.primary_hdu(),
            Some(name) => fits.hdu(name),
        };
        hdu.unwrap_or_else(|error| panic!("{file} {name:?}: {error}"))
            .read_image(&mut fits)
            .unwrap()
    }

    /// The bytes of a file.
    pub(crate) fn bytes(&self, file: &str) -> Vec<u8> {
        fs::read(self.path(file)).unwrap()
    }

    /// The HDUs of a file, in order.
    pub(crate) fn hdus(&self, file: &str) -> Vec<Header> {
        headers(&self.bytes(file))
    }

    /// The cards of the primary HDU of a file.
    pub(crate) fn header(&self, file: &str) -> Header {
        self.hdus(file).remove(0)
    }
}

/// Two good frames of 3 × 2 pixels.
pub(crate) fn two() -> Place {
    let place = Place::new();
    for (name, value) in [("a.fits", 1.0), ("b.fits", 3.0)] {
        good(value).write(place.path(name));
    }
    place
}

/// A good frame of 3 × 2 pixels of this value.
pub(crate) fn good(value: f64) -> Image {
    Image::new(16, &[3, 2], &[value; 6]).card("EXPTIME =                 60.0")
}

/// How a run of the program ended.
#[derive(Debug)]
pub(crate) struct Run {
    /// `None` where a signal killed it.
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Runs a program to its end.
    pub(crate) fn of(mut program: Command, arguments: &str) -> Self {
        let output = program
            .output()
            .unwrap_or_else(|error| panic!("ccdstream {arguments}: {error}"));
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}

/// Splits at blanks, but not within `'…'`.
pub(crate) fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (n, part) in text.split('\'').enumerate() {
        if n % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Random numbers that a seed decides (SplitMix64).
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A uint16 frame around 1000 with some samples far above.
    pub(crate) fn frame(&mut self, npixel: usize) -> Vec<u16> {
        let sample = |bits: u64| {
            let noise = 900 + (bits % 200);
            u16::try_from(if bits >> 58 == 0 {
                noise + 20_000
            } else {
                noise
            })
            .unwrap()
        };
        (0..npixel).map(|_| sample(self.bits())).collect()
    }
}

/// The same numbers, NaN where NaN, to one part in `1/tolerance`.
#[track_caller]
pub(crate) fn assert_close(got: &[f64], want: &[f64], tolerance: f64) {
    assert_eq!(got.len(), want.len(), "{got:?} and {want:?}");
    for (g, w) in got.iter().zip(want) {
        let same = (g.is_nan() && w.is_nan()) || (g - w).abs() <= tolerance * w.abs();
        assert!(same, "got {got:?}, want {want:?}");
    }
}

/// The same numbers, NaN where NaN.
#[track_caller]
pub(crate) fn assert_same(got: &[f64], want: &[f64]) {
    assert_close(got, want, 0.0);
}
