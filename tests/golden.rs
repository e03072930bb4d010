//! Values from an independent hand: stacks and answers of a float64 oracle, as text in `tests/golden`.
//!
//! One file a case, lines of `key: values`; `scripts/golden.py` writes them and says what each key means.

use std::fs;
use std::path::{Path, PathBuf};

use crate::common::Place;
use crate::fits::Image;

/// A case: its lines, in order, as pairs of key and values.
struct Case {
    name: String,
    lines: Vec<(String, String)>,
}

/// A frame while its lines are read.
#[derive(Default)]
struct Frame<'a> {
    stored: &'a str,
    bitpix: i32,
    cards: Vec<String>,
    mask: Option<&'a str>,
    uncertainty: Option<&'a str>,
    utype: &'a str,
}

impl Case {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.map(|line| {
            let (key, values) = line.split_once(':').unwrap();
            (key.to_owned(), values.trim().to_owned())
        });
        Self {
            name: path.file_stem().unwrap().to_string_lossy().into_owned(),
            lines: pairs.collect(),
        }
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.lines
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, values)| values.as_str())
    }

    /// NAXIS1 and NAXIS2.
    fn axes(&self) -> Vec<usize> {
        self.get("shape")
            .unwrap()
            .split(' ')
            .map(|length| length.parse().unwrap())
            .collect()
    }

    /// The frames, in order.
    fn frames(&self) -> Vec<Frame<'_>> {
        let mut frames: Vec<Frame<'_>> = Vec::new();
        for (key, values) in &self.lines {
            if key == "frame" {
                frames.push(Frame {
                    stored: values,
                    ..Frame::default()
                });
            }
            let Some(frame) = frames.last_mut() else {
                continue;
            };
            match key.as_str() {
                "bitpix" => frame.bitpix = values.parse().unwrap(),
                "card" => {
                    let (keyword, value) = values.split_once(' ').unwrap();
                    frame.cards.push(format!("{keyword:<8}= {value:>20}"));
                }
                "frame-mask" => frame.mask = Some(values),
                "frame-uncert" => frame.uncertainty = Some(values),
                "utype" => frame.utype = values,
                _ => {}
            }
        }
        frames
    }

    /// Writes the frames into a place and returns the arguments of the run.
    fn set_up(&self, place: &Place) -> String {
        let axes = self.axes();
        for (n, frame) in self.frames().into_iter().enumerate() {
            let image = Image::from_text(frame.bitpix, &axes, frame.stored);
            let image = frame.cards.into_iter().fold(image, Image::card);
            let mask = frame
                .mask
                .map(|mask| Image::from_text(8, &axes, mask).named("MASK"));
            let uncertainty = frame.uncertainty.map(|values| {
                let plane = Image::from_text(-64, &axes, values).named("UNCERT");
                plane.card(format!("UTYPE   = '{}'", frame.utype))
            });
            let planes: Vec<Image> = mask.into_iter().chain(uncertainty).collect();
            image.write_with(&planes, place.path(&format!("f{n:02}.fits")));
        }
        let mut arguments = format!("{} 'f*.fits'", self.get("flags").unwrap());
        if let Some(bad) = self.get("bad-pixels") {
            Image::from_text(8, &axes, bad).write(place.path("bad.fits"));
            arguments.push_str(" --bad-pixels bad.fits");
        }
        arguments
    }

    /// Runs the case; returns what is wrong with its outcome.
    fn faults(&self) -> Vec<String> {
        let place = Place::new();
        let arguments = self.set_up(&place);
        let run = place.run(&format!("combine -o out.fits {arguments}"));
        let fault = |what: String| format!("{}: {what}", self.name);
        if self.get("error").is_some() {
            let refused = matches!(run.status, Some(1 | 2)) && !place.path("out.fits").exists();
            return if refused {
                Vec::new()
            } else {
                vec![fault(format!("{run:?}"))]
            };
        }
        if run.status != Some(0) {
            return vec![fault(run.stderr)];
        }
        let largest = numbers(self.get("data").unwrap())
            .into_iter()
            .map(f64::abs)
            .fold(0.0, f64::max);
        let mut faults = Vec::new();
        for (key, extname) in [
            ("data", None),
            ("mask", Some("MASK")),
            ("uncertainty", Some("UNCERT")),
            ("count", Some("COUNT")),
            ("low", Some("LOW")),
            ("high", Some("HIGH")),
        ] {
            let Some(want) = self.get(key).map(numbers) else {
                continue;
            };
            let got = place.plane("out.fits", extname);
            let agrees = |(got, want): (&f64, &f64)| match key {
                "data" => self.data_agrees(*got, *want),
                "uncertainty" => close(*got, *want, 1e-6, 1e-15 * largest),
                _ => close(*got, *want, 0.0, 0.0),
            };
            if got.len() != want.len() || !got.iter().zip(&want).all(agrees) {
                faults.push(fault(format!("{key}\n  got  {got:?}\n  want {want:?}")));
            }
        }
        faults
    }

    /// Whether a value is the wanted f64 answer as the output holds it.
    fn data_agrees(&self, got: f64, want: f64) -> bool {
        match self.get("out").unwrap() {
            "f32" => within_one_step(got, want),
            "f64" => close(got, want, 1e-12, 0.0),
            "i16" if want.is_nan() => close(got, -32768.0, 0.0, 0.0),
            "u16" if want.is_nan() => close(got, 65535.0, 0.0, 0.0),
            "i32" if want.is_nan() => close(got, -2_147_483_648.0, 0.0, 0.0),
            _ => close(got, want, 0.0, 0.0),
        }
    }
}

fn numbers(text: &str) -> Vec<f64> {
    text.split(' ')
        .map(|number| number.parse().unwrap())
        .collect()
}

/// Equal but for a relative and an absolute tolerance; NaN where NaN.
fn close(got: f64, want: f64, relative: f64, absolute: f64) -> bool {
    (got.is_nan() && want.is_nan()) || (got - want).abs() <= relative * want.abs() + absolute
}

/// Whether a float32 is that of an f64 answer, or one of its neighbours.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the rounding is what is asked for"
)]
fn within_one_step(got: f64, want: f64) -> bool {
    let single = want as f32;
    close(got, f64::from(single), 0.0, 0.0)
        || [single.next_up(), single.next_down()]
            .iter()
            .any(|&near| close(got, f64::from(near), 0.0, 0.0))
}

#[test]
fn every_case_of_the_oracle_comes_out_as_it_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    assert!(paths.len() >= 20, "{} cases", paths.len());
    let faults: Vec<String> = paths
        .iter()
        .flat_map(|path| Case::read(path).faults())
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
