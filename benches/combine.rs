//! Whole runs against the bound that they run against: reading and decoding the same bytes once, with as many threads.
//!
//! ```text
//! cargo bench --bench combine                       25 and 100 frames of 2048 × 2048 uint16, 5 rounds
//! cargo bench --bench combine -- --quick            smaller frames, 3 rounds
//! cargo bench --bench combine -- --threads 1
//! ```
//!
//! Frames are made once in a temporary folder, and are in the page cache from then on. Every figure is the median of the rounds, turn by
//! turn: the floor, then each case. `ns` is wall time a sample; `× floor` how often reading and decoding would fit into it.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table, and may die"
)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ccdstream::recipe::{
    Center, Clip, Deviation, Frames, Io, Iterations, Method, Output, Plane, Resources, Sigma, Stack,
};
use ccdstream::{ByteSize, Recipe, Watch, combine};

/// Bytes of the header of a frame.
const HEADER: usize = 2880;

fn main() {
    let given: Vec<String> = std::env::args().collect();
    let quick = given.iter().any(|arg| arg == "--quick");
    let threads = given
        .iter()
        .position(|arg| arg == "--threads")
        .and_then(|at| given.get(at + 1)?.parse().ok());
    let threads =
        threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    let (side, rounds) = if quick { (512, 3) } else { (2048, 5) };
    println!("{threads} threads, frames of {side} × {side} uint16, medians of {rounds} rounds");
    println!(
        "{:>6} {:28} {:>9} {:>10} {:>8} {:>9} {:>10}",
        "frames", "case", "wall s", "ns/sample", "GB/s", "× floor", "peak"
    );
    for nframe in [25, 100] {
        let folder = tempfile::tempdir().unwrap();
        let names = write_frames(folder.path(), nframe, side);
        let mut times = vec![Vec::new(); 1 + cases().len()];
        let mut peaks = vec![ByteSize(0); times.len()];
        for round in 0..=rounds {
            let begun = Instant::now();
            floor(&names, side, threads);
            let mut taken = vec![begun.elapsed().as_secs_f64()];
            for (index, (_, stack)) in cases().into_iter().enumerate() {
                let begun = Instant::now();
                let summary =
                    combine(&recipe(folder.path(), stack, threads), &Watch::default()).unwrap();
                taken.push(begun.elapsed().as_secs_f64());
                peaks[index + 1] = summary.memory.planned;
            }
            // The first round warms the caches.
            if round > 0 {
                times
                    .iter_mut()
                    .zip(taken)
                    .for_each(|(times, taken)| times.push(taken));
            }
        }
        let names = std::iter::once("read and decode: the floor")
            .chain(cases().into_iter().map(|(name, _)| name));
        let floor = median(&mut times[0].clone());
        for ((name, times), peak) in names.zip(&mut times).zip(peaks) {
            let wall = median(times);
            let samples = (nframe * side * side) as f64;
            println!(
                "{nframe:>6} {name:28} {wall:>9.3} {:>10.3} {:>8.2} {:>9.2} {:>10}",
                wall / samples * 1e9,
                2.0 * samples / wall / 1e9,
                wall / floor,
                peak.to_string()
            );
        }
    }
}

/// What is measured.
fn cases() -> Vec<(&'static str, Stack)> {
    let sigma = |factor, center, dev, iters| {
        vec![Clip::Sigma(Sigma {
            low: factor,
            high: factor,
            center,
            dev,
            iters,
            floor: 0.0,
        })]
    };
    let clip = |clip| Stack {
        clip,
        ..Stack::default()
    };
    vec![
        ("mean", Stack::default()),
        (
            "median",
            Stack {
                method: Method::Median,
                ..Stack::default()
            },
        ),
        (
            "sigma:3, mean and std",
            clip(sigma(
                3.0,
                Center::Mean,
                Deviation::Std,
                Iterations::Times(1),
            )),
        ),
        (
            "sigma:5, median and MAD",
            clip(sigma(
                5.0,
                Center::Median,
                Deviation::Mad,
                Iterations::Times(1),
            )),
        ),
        (
            "the same, to convergence",
            clip(sigma(
                5.0,
                Center::Median,
                Deviation::Mad,
                Iterations::Converge,
            )),
        ),
    ]
}

fn recipe(folder: &Path, stack: Stack, threads: usize) -> Recipe {
    let output = Output {
        overwrite: true,
        planes: vec![Plane::Data],
        ..Output::new(folder.join("out.fit"))
    };
    let frames = Frames::new([format!("{}/f*.fits", folder.display())]);
    let resources = Resources {
        mem_limit: ByteSize(1 << 30),
        threads,
        io: Io::Auto,
    };
    Recipe {
        frames,
        calibration: ccdstream::recipe::Calibration::default(),
        stack,
        output,
        resources,
    }
}

/// Reads every frame once, in pieces that stay in cache, and makes f32 of it.
fn floor(names: &[PathBuf], side: usize, threads: usize) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let mut bytes = vec![0_u8; 64 << 10];
                let mut samples = vec![0.0_f32; 32 << 10];
                while let Some(name) = names.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let file = File::open(name).unwrap();
                    let total = 2 * side * side;
                    for at in (0..total).step_by(bytes.len()) {
                        let length = bytes.len().min(total - at);
                        file.read_exact_at(&mut bytes[..length], (HEADER + at) as u64)
                            .unwrap();
                        for (sample, pixel) in samples.iter_mut().zip(bytes[..length].as_chunks().0)
                        {
                            *sample = f32::from(i16::from_be_bytes(*pixel)) + 32768.0;
                        }
                        std::hint::black_box(&samples);
                    }
                }
            });
        }
    });
}

/// Writes bias frames with cosmic rays: level 1000, read noise 7.
fn write_frames(folder: &Path, nframe: usize, side: usize) -> Vec<PathBuf> {
    let mut state = 7_u64;
    let mut draw = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..nframe)
        .map(|frame| {
            let cards = [
                "SIMPLE  =                    T",
                "BITPIX  =                   16",
                "NAXIS   =                    2",
            ];
            let mut bytes: Vec<u8> = cards
                .iter()
                .flat_map(|card| format!("{card:80}").into_bytes())
                .collect();
            for (key, value) in [("NAXIS1", side), ("NAXIS2", side), ("BZERO", 32768)] {
                bytes.extend(format!("{:80}", format!("{key:8}= {value:>20}")).into_bytes());
            }
            bytes.extend(format!("{:80}", "END").into_bytes());
            bytes.resize(HEADER, b' ');
            for _ in 0..side * side {
                // Four uniform numbers make a fair bell of 7 ADU.
                let noise = (0..4).map(|_| draw() % 25).sum::<u64>();
                let hit = if draw() % 2000 == 0 {
                    draw() % 40_000
                } else {
                    0
                };
                let sample = u16::try_from((952 + noise + hit).min(65535)).unwrap();
                bytes.extend((sample ^ 0x8000).to_be_bytes());
            }
            bytes.resize(bytes.len().next_multiple_of(2880), 0);
            let path = folder.join(format!("f{frame:04}.fits"));
            fs::write(&path, bytes).unwrap();
            path
        })
        .collect()
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}
