//! What the demo says.

use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use super::exposures::{NBIAS, NDARK, NFLAT, NSCIENCE};
use super::night::{NHOT, NSTAR, SHAPE};
use super::{Job, LIMIT, Made, Rays};
use crate::error::{Error, Result};
use crate::summary::Summary;
use crate::units::ByteSize;

/// Why the dithered frames are combined as they stand.
const WHY_SKY: &str = "\
The science frames are dithered and combined as they stand: a star falls on another pixel in each of them, so that
the clip takes stars and cosmic rays alike, and the sky with the pattern of the detector is left.";

/// Turns a refusal to write into an error.
fn said(result: io::Result<()>) -> Result<()> {
    result.map_err(|source| Error::io("standard output", "cannot write", source))
}

/// What is going to happen.
pub(super) fn opening(out: &mut dyn Write, dir: &Path) -> Result<()> {
    said(writeln!(
        out,
        "A night of its own in {}/: {} bias, {} dark, {} flat and {} science frames.",
        shown(dir),
        NBIAS,
        NDARK,
        NFLAT,
        NSCIENCE
    ))
}

/// What was made.
pub(super) fn made(out: &mut dyn Write, took: Duration, frames: &[Made]) -> Result<()> {
    let nhit: usize = frames.iter().map(|frame| frame.hits.len()).sum();
    let bytes = ByteSize(2 * (frames.len() * SHAPE.npixel()) as u64);
    said(writeln!(
        out,
        "Made {} frames of {SHAPE} pixels, uint16, {bytes}, in {:.1} s: {NSTAR} stars, {NHOT} hot pixels,\n\
         cosmic rays on {nhit} samples.\n\n\
         Combining, each run with {LIMIT} (--mem-limit 64M):\n\n  \
         {:<18}{:>7}{:>12}{:>9}{:>14}{:>24}",
        frames.len(),
        took.as_secs_f64(),
        "result",
        "frames",
        "read",
        "seconds",
        "peak memory",
        "noise (of one frame)",
    ))
}

/// What a combination did.
pub(super) fn job(out: &mut dyn Write, job: &Job, summary: &Summary) -> Result<()> {
    let peak = summary
        .memory
        .peak
        .map_or_else(|| "not known".to_owned(), |peak| peak.to_string());
    let noise = format!(
        "{:.4} ({:.4})",
        summary.noise.result, summary.noise.one_frame
    );
    let read = ByteSize(summary.reading.bytes).to_string();
    said(writeln!(
        out,
        "  {:<18}{:>7}{read:>12}{:>9.2}{peak:>14}{noise:>24}",
        job.output, summary.frames, summary.seconds
    ))?;
    summary
        .warnings
        .iter()
        .try_for_each(|warning| said(writeln!(out, "    {warning}")))
}

/// What was measured over all, where it is, and how to do it again.
pub(super) fn closing(
    out: &mut dyn Write,
    dir: &Path,
    jobs: &[Job],
    summaries: &[Summary],
    rays: &[(&Job, Rays)],
) -> Result<()> {
    let frames: usize = summaries.iter().map(|summary| summary.frames).sum();
    let bytes = ByteSize(summaries.iter().map(|summary| summary.reading.bytes).sum());
    let seconds: f64 = summaries.iter().map(|summary| summary.seconds).sum();
    said(writeln!(out, "\n{WHY_SKY}\n\nMeasured:"))?;
    said(writeln!(
        out,
        "  {frames} frames combined, {bytes} read, in {seconds:.2} s"
    ))?;
    if let Some(peak) = summaries
        .iter()
        .filter_map(|summary| summary.memory.peak)
        .max()
    {
        let verdict = if peak <= LIMIT { "within" } else { "ABOVE" };
        said(writeln!(
            out,
            "  peak memory {peak}, {verdict} the limit of {LIMIT}"
        ))?;
    }
    for (job, rays) in rays {
        said(writeln!(
            out,
            "  {}: {} of {} samples hit by cosmic rays are proved to be out of it ({:.2} %)",
            job.output,
            rays.nremoved,
            rays.nhit,
            100.0 * rays.nremoved as f64 / rays.nhit as f64
        ))?;
    }
    said(writeln!(
        out,
        "\nThe frames and the results are in {}/. The same from the command line:\n",
        shown(dir)
    ))?;
    jobs.iter()
        .try_for_each(|job| said(writeln!(out, "  {}", command(dir, job))))
}

/// The command line that does the same as a job.
fn command(dir: &Path, job: &Job) -> String {
    let output = quoted(&dir.join(job.output));
    // With its slash it reads as what it is.
    let folder = quoted(&dir.join(job.kind).join(""));
    format!(
        "ccdstream combine --mem-limit 64M {} --overwrite -o {output} {folder}",
        job.flags
    )
}

/// A path as a shell takes it.
fn quoted(path: &Path) -> String {
    let text = path.to_string_lossy();
    let is_plain = |c: char| c.is_alphanumeric() || "/._-+=:,".contains(c);
    if text.chars().all(is_plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

/// A path for the eye: control characters never reach the terminal.
fn shown(path: &Path) -> String {
    path.to_string_lossy()
        .chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_take_them_apart() {
        assert_eq!(quoted(Path::new("a/b-1.fits")), "a/b-1.fits");
        assert_eq!(quoted(Path::new("my night/b")), "'my night/b'");
        assert_eq!(quoted(Path::new("it's")), r"'it'\''s'");
    }

    #[test]
    fn command_lines_name_the_limit_the_flags_the_result_and_the_frames() {
        let job = &super::super::jobs()[0];
        assert_eq!(
            command(Path::new("night"), job),
            "ccdstream combine --mem-limit 64M --clip sigma:5 --overwrite -o night/master_bias.fits night/bias/"
        );
    }
}
