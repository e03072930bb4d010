//! Whole runs against the bound that they run against: reading and decoding the same bytes once, with as many threads.
//!
//! ```text
//! cargo bench --bench combine                                      5 to 3000 frames of uint16, 4e8 samples each
//! cargo bench --bench combine -- --quick                           2e7 samples, 3 rounds
//! cargo bench --bench combine -- --frames 25,100 --threads 1,2     each with one thread and with two
//! cargo bench --bench combine -- --limits 64M,4G                   little memory against plenty
//! cargo bench --bench combine -- --variants plain,masks,nan,weights,f64
//! cargo bench --bench combine -- --start                           how soon a run of 3000 frames reads its first pixel
//! cargo bench --bench combine -- --json rows.json                  the rows for a program; --help lists the rest
//! ```
//!
//! Frames are made once in a temporary folder, and are in the page cache from then on. Every figure is the median of the rounds, turn by
//! turn: the floor, then each case. `ns` is wall time a sample; `GB/s` counts the stored pixels of frames and masks; `× floor` is how
//! often reading and decoding would fit into it.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table, and may die"
)]

use std::fs;
use std::path::Path;
use std::time::Instant;

use ccdstream::recipe::{Calibration, Frames, Io, Output, Plane, Resources, Stack};
use ccdstream::{ByteSize, Recipe, Watch, combine};
use clap::Parser;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;

#[path = "combine/floor.rs"]
mod floor;
#[path = "combine/frames.rs"]
mod frames;
#[path = "combine/options.rs"]
mod options;
#[path = "combine/start.rs"]
mod start;

use floor::floor;
use frames::{FrameFiles, Pixels};
use options::{Case, Options, Variant};

/// A line of the table: medians over the rounds.
#[derive(Debug, Serialize)]
struct Row {
    frames: usize,
    side: usize,
    case: Case,
    variant: Variant,
    threads: usize,
    /// `--mem-limit` in bytes.
    limit: ByteSize,
    /// Seconds.
    wall: f64,
    /// Seconds, over all threads.
    cpu: f64,
    /// Wall seconds that reading and decoding take alone, with as many threads.
    floor: f64,
}

/// Wall and CPU seconds, one pair a round.
type Times = Vec<[f64; 2]>;

fn main() {
    ccdstream::settle_process();
    let options = Options::parse().settled();
    let mut rows = Vec::new();
    if options.start {
        start::measure(&options, &mut rows);
    } else {
        head();
        for &nframe in &options.frames {
            for (pixels, variants) in options.by_pixels() {
                measure(&options, nframe, pixels, &variants, &mut rows);
            }
        }
    }
    if let Some(path) = &options.json {
        fs::write(path, serde_json::to_vec_pretty(&rows).unwrap()).unwrap();
    }
}

/// Measures every case of the variants that have the same frames, turn by turn.
fn measure(
    options: &Options,
    nframe: usize,
    pixels: Pixels,
    variants: &[Variant],
    rows: &mut Vec<Row>,
) {
    let folder = tempfile::tempdir().unwrap();
    let files = FrameFiles::write(folder.path(), nframe, options.side(nframe), pixels);
    let mut runs = Vec::new();
    for &threads in &options.threads {
        for &variant in variants {
            for &limit in &options.limits {
                let run = |&case| (threads, variant, limit, case);
                runs.extend(options.cases.iter().map(run));
            }
        }
    }
    let mut floors: Vec<Times> = vec![Vec::new(); options.threads.len()];
    let mut times: Vec<Times> = vec![Vec::new(); runs.len()];
    for round in 0..=options.rounds {
        // The first round warms the caches.
        let keep = |times: &mut Times, taken| times.extend((round > 0).then_some(taken));
        for (floors, &on) in floors.iter_mut().zip(&options.threads) {
            keep(floors, timed(|| floor(&files, on)));
            let runs = runs.iter().zip(&mut times);
            for ((threads, variant, limit, case), times) in runs {
                if *threads == on {
                    let stack = variant.weighted(case.stack(), nframe);
                    let recipe = recipe(folder.path(), stack, *threads, *limit);
                    keep(
                        times,
                        timed(|| drop(combine(&recipe, &Watch::default()).unwrap())),
                    );
                }
            }
        }
    }
    for (floors, &on) in floors.iter_mut().zip(&options.threads) {
        let [floor, cpu] = medians(floors);
        let label = format!("{:9} {:8} {on:>7} {:>9}", "floor", pixels.to_string(), "");
        line(&files, &label, [floor, cpu], floor);
        for ((threads, variant, limit, case), times) in runs.iter().zip(&times) {
            if *threads != on {
                continue;
            }
            let [wall, cpu] = medians(times);
            let (named, bytes) = (variant.to_string(), limit.to_string());
            let label = format!("{:9} {named:8} {threads:>7} {bytes:>9}", case.to_string());
            line(&files, &label, [wall, cpu], floor);
            rows.push(Row {
                frames: nframe,
                side: files.side,
                case: *case,
                variant: *variant,
                threads: *threads,
                limit: *limit,
                wall,
                cpu,
                floor,
            });
        }
    }
}

/// The names of the columns.
fn head() {
    println!(
        "{:>6} {:>5} {:9} {:8} {:>7} {:>9} {:>8} {:>8} {:>9} {:>6} {:>7}",
        "frames",
        "side",
        "case",
        "variant",
        "threads",
        "limit",
        "wall s",
        "CPU s",
        "ns/sample",
        "GB/s",
        "× floor"
    );
}

fn line(files: &FrameFiles, label: &str, [wall, cpu]: [f64; 2], floor: f64) {
    let (nframe, side) = (files.paths.len(), files.side);
    let samples = (nframe * side * side) as f64;
    println!(
        "{nframe:>6} {side:>5} {label} {wall:>8.3} {cpu:>8.3} {:>9.3} {:>6.2} {:>7.2}",
        wall / samples * 1e9,
        samples * files.pixels.nbyte() as f64 / wall / 1e9,
        wall / floor,
    );
}

/// A run over every frame of the folder, into a plain image.
fn recipe(folder: &Path, stack: Stack, threads: usize, mem_limit: ByteSize) -> Recipe {
    Recipe {
        frames: Frames::new([format!("{}/f*.fits", folder.display())]),
        calibration: Calibration::default(),
        stack,
        output: Output {
            overwrite: true,
            planes: vec![Plane::Data],
            ..Output::new(folder.join("out.fit"))
        },
        resources: Resources {
            mem_limit,
            threads,
            io: Io::Auto,
            temp_dir: None,
        },
    }
}

/// Wall and CPU seconds of this work.
fn timed(work: impl FnOnce()) -> [f64; 2] {
    let (begun, used) = (Instant::now(), cpu_seconds());
    work();
    [begun.elapsed().as_secs_f64(), cpu_seconds() - used]
}

/// CPU seconds that this process has used, in all of its threads and in the kernel.
fn cpu_seconds() -> f64 {
    let used = clock_gettime(ClockId::ProcessCPUTime);
    used.tv_sec as f64 + used.tv_nsec as f64 * 1e-9
}

/// The median of each column.
fn medians<const N: usize>(times: &[[f64; N]]) -> [f64; N] {
    std::array::from_fn(|column| {
        let mut times: Vec<f64> = times.iter().map(|times| times[column]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    })
}
