//! Packed frames against CFITSIO alone, which unpacks them on as many threads, and against `gzip -dc` into files.
//!
//! ```text
//! cargo bench --bench packed                        25 frames of 2048² uint16, on 2 threads, 5 rounds
//! cargo bench --bench packed -- --frames 100 --threads 1 --rounds 9
//! cargo bench --bench packed -- --packing gzip --mem-limit 32
//! ```
//!
//! Frames are noise around 1000, made once in a temporary folder, and are in the page cache from then on. Every figure is the median of the
//! rounds, turn by turn; `ratio` is that of the whole combination, an average, to unpacking alone.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints its table, and may die"
)]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use ccdstream::recipe::{Calibration, Frames, Io, Output, Plane, Resources, Stack};
use ccdstream::{ByteSize, Recipe, Watch, combine};
use clap::Parser;
use fitsio::FitsFile;
use fitsio::images::{ImageDescription, ImageType};

/// Rows and columns of a frame.
const SIDE: usize = 2048;

#[derive(Debug, Parser)]
struct Options {
    #[arg(long, default_value_t = 25)]
    frames: usize,
    #[arg(long, default_value_t = 2)]
    threads: usize,
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Only packings whose name has this in it.
    #[arg(long, default_value = "")]
    packing: String,
    /// The limit of the combination, in mebibytes.
    #[arg(long, default_value_t = 1024)]
    mem_limit: u64,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    ccdstream::settle_process();
    let options = Options::parse();
    let place = tempfile::tempdir().unwrap();
    println!(
        "{} frames of {SIDE}², {} threads",
        options.frames, options.threads
    );
    println!("packing          alone, s  combined, s  ratio");
    for (packing, spec) in [
        ("RICE_1", "compress R"),
        ("GZIP_1", "compress G"),
        ("HCOMPRESS_1", "compress H"),
        ("PLIO_1", "compress P"),
        ("RICE_1, tiled", "compress R 256,256"),
        ("RICE_1, whole", "compress R 2048,2048"),
    ] {
        if !packing.contains(&options.packing) {
            continue;
        }
        let frames = made(place.path(), options.frames, Some(spec));
        report(packing, &options, &frames, || {
            alone(&frames, options.threads);
        });
    }
    if !"gzip -dc".contains(&options.packing) {
        return;
    }
    let frames = made(place.path(), options.frames, None);
    for frame in &frames {
        assert!(
            Command::new("gzip")
                .arg("-1")
                .arg(frame)
                .status()
                .unwrap()
                .success()
        );
    }
    let frames: Vec<_> = frames
        .iter()
        .map(|frame| frame.with_extension("fits.gz"))
        .collect();
    report("gzip -dc", &options, &frames, || {
        gunzip(&frames, options.threads);
    });
}

/// Times both, turn by turn.
fn report(packing: &str, options: &Options, frames: &[PathBuf], alone: impl Fn()) {
    let timed = |work: &dyn Fn()| {
        let begun = Instant::now();
        work();
        begun.elapsed().as_secs_f64()
    };
    let rounds = (0..options.rounds).map(|_| [timed(&alone), timed(&|| whole(frames, options))]);
    let rounds: Vec<_> = rounds.collect();
    let [alone, whole] = [0, 1].map(|which| {
        let mut times: Vec<f64> = rounds.iter().map(|times| times[which]).collect();
        times.sort_by(f64::total_cmp);
        times[times.len() / 2]
    });
    println!(
        "{packing:16} {alone:8.3}  {whole:11.3}  {:5.2}",
        whole / alone
    );
    for frame in frames {
        fs::remove_file(frame).unwrap();
    }
}

/// Makes frames.
fn made(folder: &Path, count: usize, spec: Option<&str>) -> Vec<PathBuf> {
    let mut state = 1_u64;
    let mut noise = || {
        // The sum of some draws is near enough to the noise of a camera.
        let mut sum = 0;
        for _ in 0..6 {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            sum += (state >> 33) % 17;
        }
        u16::try_from(950 + sum).unwrap()
    };
    let frame = |number| {
        let path = folder.join(format!("f{number:03}.fits"));
        let name = spec.map_or(path.display().to_string(), |spec| {
            format!("{}[{spec}]", path.display())
        });
        let described = ImageDescription {
            data_type: ImageType::UnsignedShort,
            dimensions: &[SIDE, SIDE],
        };
        let mut file = FitsFile::create(name)
            .with_custom_primary(&described)
            .open()
            .unwrap();
        let pixels: Vec<u16> = (0..SIDE * SIDE).map(|_| noise()).collect();
        let hdu = file.hdu(usize::from(spec.is_some())).unwrap();
        hdu.write_image(&mut file, &pixels).unwrap();
        path
    };
    (0..count).map(frame).collect()
}

/// Hands each frame to one of so many threads.
fn each(frames: &[PathBuf], threads: usize, work: impl Fn(&Path) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(frame) = frames.get(next.fetch_add(1, Ordering::Relaxed)) {
                    work(frame);
                }
            });
        }
    });
}

/// CFITSIO unpacks every frame.
fn alone(frames: &[PathBuf], threads: usize) {
    each(frames, threads, |frame| {
        let mut file = FitsFile::open(frame).unwrap();
        let pixels: Vec<u16> = file.hdu(1).unwrap().read_image(&mut file).unwrap();
        std::hint::black_box(pixels);
    });
}

/// gzip unpacks every frame into a file.
fn gunzip(frames: &[PathBuf], threads: usize) {
    each(frames, threads, |frame| {
        let to = frame.with_extension("out");
        let file = Stdio::from(File::create(&to).unwrap());
        let status = Command::new("gzip")
            .arg("-dc")
            .arg(frame)
            .stdout(file)
            .status();
        assert!(status.unwrap().success());
        fs::remove_file(to).unwrap();
    });
}

/// The combination of all frames.
fn whole(frames: &[PathBuf], options: &Options) {
    let names = frames.iter().map(|frame| frame.to_str().unwrap());
    let recipe = Recipe {
        frames: Frames::new(names),
        calibration: Calibration::default(),
        stack: Stack::default(),
        output: Output {
            overwrite: true,
            planes: vec![Plane::Data],
            ..Output::new(frames[0].with_file_name("combined.fit"))
        },
        resources: Resources {
            mem_limit: ByteSize(options.mem_limit << 20),
            threads: options.threads,
            io: Io::Auto,
            temp_dir: None,
        },
    };
    combine(&recipe, &Watch::default()).unwrap();
}
