//! The demo: a night of its own, combined under a small memory limit, with what it did and measured.
//!
//! Everything that is found is compared with what was planted: a cosmic ray counts as removed only where the result
//! proves that its sample is not in it.

mod exposures;
mod frame;
mod night;
mod random;
mod report;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::error::{Error, Result};
use crate::recipe::{
    Center, Clip, Deviation, Frames, Hdu, Io, Iterations, Level, LevelTo, Method, Output, Plane,
    Recipe, Resources, Sigma, Stack,
};
use crate::units::ByteSize;
use crate::watch::Watch;
use night::{Hit, Night, SHAPE};

/// The limit of every run of the demo: `--mem-limit 64M`.
const LIMIT: ByteSize = ByteSize(64 << 20);
/// The file by which a folder is known as one that the demo made.
const MARKER: &str = "made-by-ccdstream-demo.txt";
const MARKER_TEXT: &str = "`ccdstream demo` made this folder. Run it again and it replaces the frames and results that it \
                           made, and leaves every other file here alone.\n";

/// One combination of the demo.
#[derive(Debug)]
struct Job {
    /// The folder with its frames.
    kind: &'static str,
    /// The name of its result.
    output: &'static str,
    /// The flags that say the same as `stack` and `planes`.
    flags: &'static str,
    stack: Stack,
    planes: Vec<Plane>,
}

/// A frame that was made.
#[derive(Debug)]
struct Made {
    kind: &'static str,
    path: PathBuf,
    /// The samples that cosmic rays hit.
    hits: Vec<Hit>,
    /// The median of all samples, in ADU.
    median: f64,
}

/// The samples that cosmic rays hit in the frames of a job.
#[derive(Clone, Copy, Debug, Default)]
struct Rays {
    nhit: usize,
    /// How many of the samples are proved not to be in the result.
    nremoved: usize,
}

/// Makes a small night of frames in `dir`, combines it under a limit of 64 MiB, and tells on `out` what was done and measured.
///
/// `dir` is made if it is not there. In a folder that an earlier run made, its frames and results are replaced and other
/// files left alone.
///
/// # Errors
///
/// [`Error::Output`] when `dir` holds anything and no earlier run made it; else what combining or writing reports.
pub fn run(dir: &Path, watch: &Watch, out: &mut dyn Write) -> Result<()> {
    let dir = plain(dir);
    claim(&dir)?;
    report::opening(out, &dir)?;
    let begun = Instant::now();
    let made = make(&dir, watch)?;
    report::made(out, begun.elapsed(), &made)?;

    let mut summaries = Vec::new();
    let jobs = jobs();
    for job in &jobs {
        let paths = made
            .iter()
            .filter(|frame| frame.kind == job.kind)
            .map(|frame| frame.path.as_path());
        let summary = crate::combine(&recipe(&dir, job, paths)?, watch)?;
        report::job(out, job, &summary)?;
        summaries.push(summary);
    }
    // Only now, so that what the proof reads is no part of the memory that the runs are measured by.
    let mut rays = Vec::new();
    for job in jobs.iter().filter(|job| job.planes.contains(&Plane::Count)) {
        let frames: Vec<&Made> = made.iter().filter(|frame| frame.kind == job.kind).collect();
        rays.push((job, proof(&dir.join(job.output), job, &frames, watch)?));
    }
    report::closing(out, &dir, &jobs, &summaries, &rays)
}

/// The folder, in a form that no flag or list (`-x`, `@x`) can be mistaken for.
fn plain(dir: &Path) -> PathBuf {
    if dir.as_os_str().as_encoded_bytes().starts_with(b"-")
        || dir.as_os_str().as_encoded_bytes().starts_with(b"@")
    {
        Path::new(".").join(dir)
    } else {
        dir.to_owned()
    }
}

/// Makes the folder, or takes over one that an earlier run made.
fn claim(dir: &Path) -> Result<()> {
    let refused = |source| Error::io(dir, "cannot make the folder", source);
    fs::create_dir_all(dir).map_err(refused)?;
    let marker = dir.join(MARKER);
    let is_empty = fs::read_dir(dir).map_err(refused)?.next().is_none();
    if !is_empty && !marker.is_file() {
        return Err(Error::Output {
            path: dir.to_owned(),
            fault:
                "this folder is not empty and `ccdstream demo` did not make it; name another one"
                    .into(),
        });
    }
    fs::write(&marker, MARKER_TEXT).map_err(|source| Error::io(marker, "cannot write", source))
}

/// Writes the frames.
fn make(dir: &Path, watch: &Watch) -> Result<Vec<Made>> {
    let night = Night::new(exposures::SEED);
    let mut made = Vec::new();
    for frame in exposures::exposures() {
        watch.check()?;
        let folder = dir.join(frame.kind);
        fs::create_dir_all(&folder)
            .map_err(|source| Error::io(&folder, "cannot make the folder", source))?;
        let path = folder.join(&frame.file);
        let (mut samples, hits) = night.expose(&frame.exposure);
        frame::write_frame(&path, SHAPE, &frame.cards, &samples)?;
        let middle = samples.len() / 2;
        let (below, upper, _) = samples.select_nth_unstable(middle);
        let lower = below.iter().max().unwrap_or(upper);
        let median = f64::midpoint(f64::from(*lower), f64::from(*upper));
        made.push(Made {
            kind: frame.kind,
            path,
            hits,
            median,
        });
    }
    Ok(made)
}

/// Counts the samples that cosmic rays hit, and those of them that cannot be in the average at `path`.
///
/// No sample of an average lies farther from it than (n − 1)/√n standard deviations of its samples (ddof 1), which is
/// n − 1 times its uncertainty. What lies farther is not in it. Source: Samuelson (1968).
fn proof(path: &Path, job: &Job, frames: &[&Made], watch: &Watch) -> Result<Rays> {
    let read = |hdu| frame::read_plane(path, &hdu, watch);
    let named = |name: &str| read(Hdu::Name(name.to_owned(), None));
    let average = read(Hdu::Auto)?;
    let uncertainty = named("UNCERT")?;
    let count = named("COUNT")?;
    let mean_median = frames.iter().map(|frame| frame.median).sum::<f64>() / frames.len() as f64;
    let mut rays = Rays::default();
    for frame in frames {
        let shift = if job.stack.zero == Level::Median {
            mean_median - frame.median
        } else {
            0.0
        };
        for hit in &frame.hits {
            let distance = f64::from(hit.adu) + shift - f64::from(average[hit.pixel]);
            let farthest = f64::from(uncertainty[hit.pixel]) * (f64::from(count[hit.pixel]) - 1.0);
            rays.nhit += 1;
            rays.nremoved += usize::from(distance > farthest);
        }
    }
    Ok(rays)
}

/// What is combined, in order.
fn jobs() -> Vec<Job> {
    let sigma = |bound| {
        vec![Clip::Sigma(Sigma {
            low: bound,
            high: bound,
            center: Center::Median,
            dev: Deviation::Mad,
            iters: Iterations::Times(1),
            floor: 0.0,
        })]
    };
    let usual = vec![Plane::Data, Plane::Mask, Plane::Uncertainty];
    let all = vec![
        Plane::Data,
        Plane::Mask,
        Plane::Uncertainty,
        Plane::Count,
        Plane::Low,
        Plane::High,
    ];
    vec![
        Job {
            kind: "bias",
            output: "master_bias.fits",
            flags: "--clip sigma:5",
            stack: Stack {
                clip: sigma(5.0),
                ..Stack::default()
            },
            planes: usual.clone(),
        },
        Job {
            kind: "dark",
            output: "master_dark.fits",
            flags: "--clip sigma:5 --planes data,mask,uncertainty,count",
            stack: Stack {
                clip: sigma(5.0),
                ..Stack::default()
            },
            planes: vec![Plane::Data, Plane::Mask, Plane::Uncertainty, Plane::Count],
        },
        Job {
            kind: "flat",
            output: "master_flat.fits",
            flags: "-m median --scale median",
            stack: Stack {
                method: Method::Median,
                scale: Level::Median,
                ..Stack::default()
            },
            planes: usual,
        },
        Job {
            kind: "science",
            output: "sky.fits",
            flags: "--zero median --zero-to mean --clip sigma:3 --planes data,mask,uncertainty,count,low,high",
            stack: Stack {
                zero: Level::Median,
                zero_to: LevelTo::Mean,
                clip: sigma(3.0),
                ..Stack::default()
            },
            planes: all,
        },
    ]
}

/// What the library is asked for.
fn recipe<'a>(dir: &Path, job: &Job, paths: impl Iterator<Item = &'a Path>) -> Result<Recipe> {
    let names = paths.map(frame::name).collect::<Result<Vec<_>>>()?;
    Ok(Recipe {
        frames: Frames::new(names),
        calibration: crate::recipe::Calibration::default(),
        stack: job.stack.clone(),
        output: Output {
            overwrite: true,
            planes: job.planes.clone(),
            ..Output::new(dir.join(job.output))
        },
        resources: Resources {
            mem_limit: LIMIT,
            threads: std::thread::available_parallelism().map_or(1, usize::from),
            io: Io::Auto,
            temp_dir: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(dir: &Path) -> Option<String> {
        claim(dir).err().map(|error| error.to_string())
    }

    #[test]
    fn the_demo_takes_a_new_an_empty_and_its_own_folder_and_no_other() {
        let place = tempfile::tempdir().expect("a folder for the test");
        let new = place.path().join("a/b");
        assert_eq!(fault(&new), None);
        fs::write(new.join("frame.fits"), "").expect("a file");
        assert_eq!(fault(&new), None, "its own");
        fs::remove_file(new.join(MARKER)).expect("the marker");
        let fault = fault(&new).expect("a folder that is not empty");
        assert!(
            fault.contains("a/b") && fault.contains("not empty"),
            "{fault}"
        );
        assert_eq!(
            fs::read_dir(&new).expect("the folder").count(),
            1,
            "nothing is added"
        );
    }

    #[test]
    fn a_folder_that_looks_like_a_flag_or_a_list_is_named_by_a_path() {
        assert_eq!(plain(Path::new("-x")), Path::new("./-x"));
        assert_eq!(plain(Path::new("@x")), Path::new("./@x"));
        assert_eq!(plain(Path::new("a/-x")), Path::new("a/-x"));
    }

    #[test]
    fn every_job_has_frames() {
        for job in jobs() {
            assert!(
                exposures::exposures()
                    .iter()
                    .any(|frame| frame.kind == job.kind),
                "{}",
                job.kind
            );
        }
    }
}
