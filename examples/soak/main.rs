//! A soak: one process runs the library over and over on small frames, in every way that is drawn, and holds after each run what it takes:
//! memory, descriptors, threads, maps. At the end that is flat, or the exit status is 1.
//!
//! ```text
//! cargo run --release --example soak                                         15 minutes over 5000 frames
//! cargo run --release --example soak -- --minutes 0 --runs 40 --frames 300   a short one
//! ```

mod census;
mod draw;
mod frames;
mod runs;
mod settings;
mod trouble;

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;

use census::Census;
use frames::Night;
use runs::{Outcome, Place};

/// Run the library over and over in one process; exit status 1 if it takes more and more, or if a run does not end as it should
///
/// Frames are small: raw ones with an overscan, plain and packed, floats with masks and uncertainties, files of two chips. Each run draws what it does: combine
/// or calibrate, frames, methods, clips, levels, masters, threads, limit, the way of reading. Of some a frame is missing or cut short, the limit
/// too small, the output there already; some are stopped. The outputs of the same settings must be the same bytes. A line a run tells
/// what the process holds after it; the medians over the second and the last quarter of the runs are compared.
#[derive(Debug, Parser)]
struct Options {
    /// Go on for so many minutes, and until all runs are done
    #[arg(long, value_name = "M", default_value = "15", value_parser = minutes)]
    minutes: Duration,
    /// At least so many runs
    #[arg(long, value_name = "N", default_value_t = 200)]
    runs: usize,
    /// Small frames that are made, at least 50
    #[arg(long, value_name = "N", default_value = "5000", value_parser = at_least_50)]
    frames: usize,
    /// Decides what is drawn
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Leave the heap as the system has it, as in a process that does not call `settle_process`
    #[arg(long)]
    plain_heap: bool,
    /// The folder in which frames and outputs are made, and removed again [default: that of temporary files]
    #[arg(long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
}

fn minutes(text: &str) -> Result<Duration, String> {
    let minutes = text.parse().ok().filter(|m: &f64| (0.0..1e6).contains(m));
    let seconds = minutes.map(|minutes| Duration::from_secs_f64(60.0 * minutes));
    seconds.ok_or_else(|| "a number of minutes, not negative".into())
}

fn at_least_50(text: &str) -> Result<usize, String> {
    let number = text.parse().ok().filter(|&number| number >= 50);
    number.ok_or_else(|| "a whole number, at least 50".into())
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    if !options.plain_heap {
        ccdstream::settle_process();
    }
    let folder = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new()
        .prefix("ccdstream-soak-")
        .tempdir_in(folder)?;
    let begun = Instant::now();
    let place = Place {
        night: Night::write(folder.path(), options.frames, options.seed)?,
        out: folder.path().join("out"),
        seed: options.seed,
    };
    let mut out = io::stdout().lock();
    let seconds = begun.elapsed().as_secs_f64();
    writeln!(out, "{} frames made in {seconds:.1} s", options.frames)?;
    let soak = soak(&place, &options, &mut out)?;
    let is_kept = soak.verdict(&mut out)?;
    fs::remove_dir_all(folder.path())?;
    Ok(ExitCode::from(u8::from(!is_kept)))
}

/// What all runs came to.
#[derive(Debug, Default)]
struct Soak {
    taken: Vec<Census>,
    /// How many runs ended so.
    ends: BTreeMap<(&'static str, &'static str, &'static str), usize>,
    /// The sum of the outputs of each setting.
    sums: BTreeMap<usize, u64>,
    nrepeat: usize,
    faults: Vec<String>,
    time: Duration,
}

fn soak(place: &Place, options: &Options, out: &mut impl Write) -> anyhow::Result<Soak> {
    let begun = Instant::now();
    let mut soak = Soak::default();
    // Each setting comes again and again.
    let nsetting = (options.runs / 4).max(1);
    let threads = Census::take(u64::MAX)?.threads();
    writeln!(
        out,
        "{:>6} {:>8} {} left  run",
        "run",
        "seconds",
        Census::names()
    )?;
    let mut number = 0;
    while number < options.runs || begun.elapsed() < options.minutes {
        let setting = number % nsetting;
        let started = Instant::now();
        let outcome = place.run(number, setting)?;
        let seconds = started.elapsed().as_secs_f64();
        let census = Census::take(threads)?;
        let Outcome {
            call,
            trouble,
            end,
            left,
            ..
        } = outcome;
        let with = if trouble.is_empty() { "" } else { ", " };
        writeln!(
            out,
            "{number:>6} {seconds:>8.3} {census} {left:>4}  {call} {setting}{with}{trouble}: {end}"
        )?;
        soak.note(number, setting, census, outcome);
        number += 1;
    }
    soak.time = begun.elapsed();
    Ok(soak)
}

impl Soak {
    fn note(&mut self, number: usize, setting: usize, census: Census, outcome: Outcome) {
        self.taken.push(census);
        let end = (outcome.call, outcome.trouble, outcome.end);
        *self.ends.entry(end).or_default() += 1;
        let faults = outcome.faults.into_iter();
        let told = faults.map(|fault| format!("run {number}, setting {setting}: {fault}"));
        self.faults.extend(told);
        let Some(sum) = outcome.sum else { return };
        match self.sums.insert(setting, sum) {
            None => {}
            Some(before) if before == sum => self.nrepeat += 1,
            Some(_) => self.faults.push(format!(
                "run {number}, setting {setting}: the outputs differ from those before"
            )),
        }
    }

    /// Tells what it came to, and whether all is as it should be.
    fn verdict(&self, out: &mut impl Write) -> io::Result<bool> {
        writeln!(
            out,
            "\n{} runs in {:.1} minutes",
            self.taken.len(),
            self.time.as_secs_f64() / 60.0
        )?;
        for ((call, trouble, end), count) in &self.ends {
            let trouble = if trouble.is_empty() {
                "no trouble"
            } else {
                trouble
            };
            writeln!(out, "{count:>6}  {call}, {trouble}: {end}")?;
        }
        writeln!(
            out,
            "{:>6}  outputs were compared with those of the same setting before",
            self.nrepeat
        )?;
        for fault in &self.faults {
            writeln!(out, "{fault}")?;
        }
        let courses = census::courses(&self.taken);
        for course in &courses {
            writeln!(out, "{course}")?;
        }
        let is_kept = self.faults.is_empty() && courses.iter().all(census::Course::is_flat);
        writeln!(
            out,
            "{}",
            if is_kept {
                "flat"
            } else {
                "NOT AS IT SHOULD BE"
            }
        )?;
        Ok(is_kept)
    }
}
