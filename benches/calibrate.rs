//! Nanoseconds a sample of the calibration of a strip, from stored bytes to rounded rows, on one thread; `plain` decodes and does no more.
//!
//! ```text
//! cargo bench --bench calibrate
//! cargo bench --bench calibrate -- AVX2    lines that hold every filter
//! ```
//!
//! The rooms are compiled into the bench: they have no door in the library.

use std::hint::black_box;
use std::io::{self, Write};
use std::time::Instant;

use ccdstream::{kernel, recipe};
use kernel::{LANES, Row, Width};

use calibrate::{FrameSteps, MasterLine, MasterLines, OverscanLevels, PhotonNoise, Run};
use decode::{Strip, decode_images};
use pipeline::calibrated::calibrate_images;
use pixels::{Bitpix, Stored};
use shape::Area;

#[expect(unused, reason = "the bench takes a part of the room")]
#[path = "../src/calibrate/mod.rs"]
mod calibrate;
#[expect(unused, reason = "the bench takes a part of the room")]
#[path = "../src/decode/mod.rs"]
mod decode;
#[expect(
    unused,
    unreachable_pub,
    reason = "the bench takes a part of the words"
)]
#[path = "../src/pixels.rs"]
mod pixels;

#[expect(unused, reason = "its tests are run elsewhere")]
#[path = "../src/pipeline/strip"]
mod pipeline {
    pub(crate) mod calibrated;
}
/// The words that the library shows.
mod shape {
    pub(crate) use ccdstream::{Area, Shape};
}

/// Frames of a strip, and pixels: those of a stack of 25 frames of uint16 in f32.
const NFRAME: usize = 25;
const NPIXEL: usize = 1024;
const ROUNDS: usize = 400;

/// uint16 as FITS stores it.
const STORED: Stored = Stored {
    bitpix: Bitpix::I16,
    bscale: 1.0,
    bzero: 32768.0,
    blank: None,
};

/// The memory of a strip, and the bytes that it is decoded from.
struct Bench {
    width: Width,
    bytes: Vec<Vec<u8>>,
    rows: Vec<Row<f32>>,
    deviations: Vec<Row<f64>>,
}

fn main() -> io::Result<()> {
    let filters: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    let area = Area {
        rows: 0..1,
        cols: 0..NPIXEL,
    };
    let (full, bad) = (masters(false), masters(true));
    for width in Width::available() {
        let mut bench = Bench::new(width);
        let mut line = |name: &str, work: &mut dyn FnMut(&mut Bench)| {
            let name = format!("{name:<34} {width:>8}");
            if filters.iter().all(|filter| name.contains(filter)) {
                writeln!(io::stdout(), "{name} {:>8.3}", bench.best(work))?;
            }
            Ok::<(), io::Error>(())
        };
        line("plain", &mut Bench::plain)?;
        for (name, steps) in chains() {
            line(name, &mut |bench| bench.calibrated(&steps, &full, &area))?;
        }
        let steps = all_steps();
        line("all, masters with masks", &mut |bench| {
            bench.calibrated(&steps, &bad, &area);
        })?;
        let noise = PhotonNoise {
            gain: 1.7,
            readnoise: 5.0,
            negative: recipe::Negative::Readnoise,
        };
        let steps = FrameSteps {
            deviation: Some(noise),
            ..steps
        };
        line("all, deviations", &mut |bench| {
            bench.uncertain(&steps, &full, &area);
        })?;
    }
    Ok(())
}

/// Chains with their names.
fn chains() -> [(&'static str, FrameSteps); 4] {
    let none = FrameSteps::default();
    let subtracted = FrameSteps {
        bias: true,
        dark: Some(0.7),
        ..none.clone()
    };
    let divided = FrameSteps {
        flat: true,
        ..subtracted.clone()
    };
    [
        ("lines, no step", none),
        ("bias, dark", subtracted),
        ("bias, dark, flat", divided),
        ("overscan, gain, bias, dark, flat, sky", all_steps()),
    ]
}

fn all_steps() -> FrameSteps {
    FrameSteps {
        overscan: Some(OverscanLevels::Rows(vec![1000.0])),
        gain: Some(1.7),
        bias: true,
        dark: Some(0.7),
        flat: true,
        sky: Some(12.5),
        ..FrameSteps::default()
    }
}

/// Masters, with a bad pixel in a hundred if asked for.
fn masters(bad: bool) -> MasterLines {
    let master = |value: f64| {
        Some(MasterLine {
            value: (0..NPIXEL)
                .map(|pixel| value + 1e-4 * pixel as f64)
                .collect(),
            deviation: vec![value * 0.01; NPIXEL],
            masked: (0..NPIXEL)
                .filter(|_| bad)
                .map(|pixel| pixel % 100 == 3)
                .collect(),
        })
    };
    MasterLines {
        first: 0,
        bias: master(3.0),
        dark: master(8.0),
        flat: master(0.95),
    }
}

impl Bench {
    fn new(width: Width) -> Self {
        let sample = |frame: usize, pixel: usize| {
            let counts = u16::try_from(1200 + (frame * 7919 + pixel * 104_729) % 5000);
            (counts.expect("below 6200") ^ 0x8000).to_be_bytes()
        };
        let frame = |frame| (0..NPIXEL).flat_map(|pixel| sample(frame, pixel)).collect();
        let nrow = NPIXEL / LANES * NFRAME;
        Self {
            width,
            bytes: (0..NFRAME).map(frame).collect(),
            rows: vec![Row([0.0; LANES]); nrow],
            deviations: vec![Row([0.0; LANES]); nrow],
        }
    }

    /// Nanoseconds a sample of the fastest round.
    fn best(&mut self, work: &mut dyn FnMut(&mut Self)) -> f64 {
        let round = |_| {
            let start = Instant::now();
            for _ in 0..20 {
                work(self);
                black_box(&mut self.rows);
            }
            start.elapsed().as_nanos() as f64 / (20 * NFRAME * NPIXEL) as f64
        };
        (0..ROUNDS).map(round).fold(f64::INFINITY, f64::min)
    }

    fn plain(&mut self) {
        let mut strip = Strip {
            rows: &mut self.rows,
            nframe: NFRAME,
        };
        decode_images(
            self.width,
            &STORED,
            0..NFRAME,
            |frame| &self.bytes[frame],
            &mut strip,
        );
    }

    fn calibrated(&mut self, steps: &FrameSteps, masters: &MasterLines, area: &Area) {
        self.lines(steps, masters, area, false);
    }

    fn uncertain(&mut self, steps: &FrameSteps, masters: &MasterLines, area: &Area) {
        self.lines(steps, masters, area, true);
    }

    fn lines(&mut self, steps: &FrameSteps, masters: &MasterLines, area: &Area, deviates: bool) {
        let Self {
            width,
            bytes,
            rows,
            deviations,
        } = self;
        let mut strip = Strip {
            rows,
            nframe: NFRAME,
        };
        let mut deviations = Strip {
            rows: deviations,
            nframe: NFRAME,
        };
        let steps = vec![steps.clone(); NFRAME];
        calibrate_images(
            *width,
            (&STORED, 0..NFRAME),
            |frame| &bytes[frame],
            (&steps, masters),
            Run { first: 0, area },
            (&mut strip, deviates.then_some(&mut deviations)),
        );
    }
}
