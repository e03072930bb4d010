//! How soon a run reads its first pixel: 3000 frames are listed, opened, their headers read, and the run planned before.

use std::fs::File;
use std::io::Read;
use std::time::{Duration, Instant};

use ccdstream::{Walk, Watch, combine};

use super::frames::{BLOCK, FrameFiles, Pixels};
use super::options::{Case, Options, Variant};
use super::{Row, cpu_seconds, medians, recipe, timed};

const NFRAME: usize = 3000;
/// Rows of a frame, and columns: pixels take no time.
const SIDE: usize = 16;

/// Measures it with every number of threads and every limit.
pub(crate) fn measure(options: &Options, rows: &mut Vec<Row>) {
    let folder = tempfile::tempdir().unwrap();
    let side = options.given_side().unwrap_or(SIDE);
    let files = FrameFiles::write(folder.path(), NFRAME, side, Pixels::Uint16);
    println!(
        "{:>6} {:>5} {:>7} {:>9} {:>9} {:>12} {:>8} {:>8} {:>8} {:>7}",
        "frames",
        "side",
        "threads",
        "limit",
        "planned s",
        "first byte s",
        "CPU s",
        "whole s",
        "floor s",
        "× floor"
    );
    for &threads in &options.threads {
        for &limit in &options.limits {
            let recipe = || recipe(folder.path(), Case::Start.stack(), threads, limit);
            let mut times = Vec::new();
            // The first round warms the caches.
            for round in 0..=options.rounds {
                let [floor, _] = timed(|| headers(&files));
                let [planned, read, cpu, whole] = watched(&recipe());
                times.extend((round > 0).then_some([planned, read, cpu, whole, floor]));
            }
            let [planned, wall, cpu, whole, floor] = medians(&times);
            let named = limit.to_string();
            println!(
                "{NFRAME:>6} {side:>5} {threads:>7} {named:>9} {planned:>9.4} {wall:>12.4} {cpu:>8.4} {whole:>8.4} {floor:>8.4} {:>7.2}",
                wall / floor
            );
            rows.push(Row {
                frames: NFRAME,
                side,
                case: Case::Start,
                variant: Variant::Plain,
                threads,
                limit,
                wall,
                cpu,
                floor,
            });
        }
    }
}

/// The floor: opens every file, one after another, and reads its header.
fn headers(files: &FrameFiles) {
    let mut header = [0; BLOCK];
    for path in &files.paths {
        File::open(path).unwrap().read_exact(&mut header).unwrap();
        std::hint::black_box(&header);
    }
}

/// Seconds until a run has planned, and until it has read a first byte; CPU seconds until then; seconds of the whole run.
fn watched(recipe: &ccdstream::Recipe) -> [f64; 4] {
    let watch = Watch::default();
    let (begun, used) = (Instant::now(), cpu_seconds());
    std::thread::scope(|scope| {
        let run = scope.spawn(|| drop(combine(recipe, &watch).unwrap()));
        let until = |reached: &dyn Fn(Walk, u64) -> bool| {
            loop {
                let (walk, done, _) = watch.progress();
                if reached(walk, done) || run.is_finished() {
                    return begun.elapsed().as_secs_f64();
                }
                std::thread::sleep(Duration::from_micros(20));
            }
        };
        let planned = until(&|walk, _| walk == Walk::Combining);
        let read = until(&|walk, done| walk == Walk::Combining && done > 0);
        let cpu = cpu_seconds() - used;
        run.join().unwrap();
        [planned, read, cpu, begun.elapsed().as_secs_f64()]
    })
}
