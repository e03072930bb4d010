//! What became of frames that were calibrated, for the eyes of a user.

use ccdstream::{ReducedFrame, ReductionSummary};
use indicatif::HumanCount;

use super::{aligned, count, digits, memory, plain, reading, rooms, skipped, time};

/// Notes that are told one by one.
const MOST_NOTES: usize = 10;

/// Returns the summary of a run that calibrated: aligned lines, safe for a terminal. The frames that failed are counted
/// in it; [`fault`] tells of each.
pub(crate) fn reduction(summary: &ReductionSummary) -> String {
    let frames = &summary.frames;
    let mut lines = vec![
        ("folder", plain(&summary.folder.display().to_string())),
        ("frames", done(summary)),
        ("memory", memory(&summary.memory)),
        ("read", reading(&summary.reading, summary.seconds)),
    ];
    lines.extend(rooms(&summary.rooms));
    lines.extend(skipped(&summary.skipped));
    for (label, value) in [
        ("oscan", range(frames, |frame| frame.overscan_level)),
        ("gain", range(frames, |frame| frame.gain)),
        ("dark", range(frames, |frame| frame.dark_factor)),
        ("sky", range(frames, |frame| frame.sky)),
    ] {
        let of = match label {
            "oscan" => "mean level of the overscan",
            "gain" => "electrons a count",
            "dark" => "times the dark",
            _ => "subtracted",
        };
        lines.extend(value.map(|value| (label, format!("{value} {of}"))));
    }
    let pixels = frames.iter().map(|frame| frame.pixels).sum();
    let masked = count(frames.iter().map(|frame| frame.masked_pixels).sum(), pixels);
    lines.push(("masked", format!("{masked} pixels")));
    lines.extend(notes(frames).into_iter().map(|note| ("note", note)));
    let (seconds, threads) = (summary.seconds, summary.threads);
    lines.push(("time", time(seconds, threads, &summary.vectors)));
    aligned(&lines)
}

/// A frame that failed and why, its name once.
pub(crate) fn fault(frame: &str, fault: &str) -> String {
    if fault.contains(frame) {
        fault.into()
    } else {
        format!("{frame}: {fault}")
    }
}

/// How many frames are done, and how many are not.
fn done(summary: &ReductionSummary) -> String {
    let (all, failed) = (summary.frames.len(), summary.failed());
    let told = |number: usize| HumanCount(number as u64);
    if failed == 0 {
        return format!("{} calibrated", told(all));
    }
    let done = all.saturating_sub(failed);
    format!(
        "{} of {} calibrated, {} failed",
        told(done),
        told(all),
        told(failed)
    )
}

/// A number that frames have: the same of all, or from the lowest to the highest.
fn range(frames: &[ReducedFrame], number: impl Fn(&ReducedFrame) -> Option<f64>) -> Option<String> {
    let numbers = || frames.iter().filter_map(&number);
    let low = numbers().min_by(f64::total_cmp)?;
    let high = numbers().max_by(f64::total_cmp)?;
    let (low, high) = (digits(low), digits(high));
    Some(if low == high {
        low
    } else {
        format!("{low} to {high}")
    })
}

/// Each note once, with the first frame that it is true of and how many others, in order; of many, the first.
fn notes(frames: &[ReducedFrame]) -> Vec<String> {
    let mut told: Vec<(&str, &str, usize)> = Vec::new();
    let mut more = 0;
    for frame in frames {
        for note in &frame.notes {
            match told.iter().position(|(same, ..)| same == note) {
                Some(at) => told[at].2 += 1,
                None if told.len() < MOST_NOTES => told.push((note, &frame.frame, 0)),
                None => more += 1,
            }
        }
    }
    let mut lines: Vec<String> = told
        .into_iter()
        .map(|(note, frame, others)| match others {
            0 => plain(&format!("{frame}: {note}")),
            1 => plain(&format!("{frame} and 1 other: {note}")),
            others => plain(&format!("{frame} and {others} others: {note}")),
        })
        .collect();
    if more > 0 {
        lines.push(format!("{} more, which --json tells", HumanCount(more)));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use ccdstream::{ByteSize, Memory, Reading, RoomTime};

    fn frame(name: &str) -> ReducedFrame {
        ReducedFrame {
            frame: name.into(),
            output: Some(format!("reduced/{name}").into()),
            pixels: 1000,
            ..ReducedFrame::default()
        }
    }

    fn summary(frames: Vec<ReducedFrame>) -> ReductionSummary {
        ReductionSummary {
            folder: "reduced\n".into(),
            version: "0.1.0",
            frames,
            skipped: vec![],
            memory: Memory {
                limit: ByteSize(1 << 30),
                planned: ByteSize(20 << 20),
                reserve: ByteSize(2 << 20),
                peak: Some(ByteSize(18 << 20)),
                page_tables: None,
            },
            reading: Reading {
                bytes: 6000,
                passes: 1.0,
                tiles: 3,
                tile_rows: 10,
            },
            rooms: vec![RoomTime {
                room: "read",
                busy: 1.2,
                waited: 0.0,
            }],
            seconds: 2.0,
            threads: 1,
            vectors: "AVX2".into(),
            warnings: vec![],
        }
    }

    #[test]
    fn a_summary_tells_of_all_frames_in_a_few_lines() {
        let note = "bias is done (ZEROCOR), skipped";
        let text = reduction(&summary(vec![
            ReducedFrame {
                masked_pixels: 3,
                overscan_level: Some(301.25),
                gain: Some(1.5),
                sky: Some(-0.5),
                notes: vec![note.into()],
                ..frame("a.fits")
            },
            ReducedFrame {
                overscan_level: Some(302.0),
                gain: Some(1.5),
                notes: vec![note.into(), "trim is done (TRIM), skipped".into()],
                ..frame("b\x1b.fits")
            },
            ReducedFrame {
                output: None,
                pixels: 0,
                fault: Some("no BIASSEC".into()),
                ..frame("c.fits")
            },
        ]));
        assert_eq!(
            text,
            "\
folder  reduced\\n
frames  2 of 3 calibrated, 1 failed
memory  peak 18.0 MiB, planned 20.0 MiB + 2.0 MiB kept free, limit 1.0 GiB
read    5.9 KiB at 2.9 KiB/s, every pixel 1.00 times, 3 tiles of 10 rows
rooms   read         1.2 s busy
oscan   301.2 to 302.0 mean level of the overscan
gain    1.500 electrons a count
sky     -0.5000 subtracted
masked  3 (0.150 %) pixels
note    a.fits and 1 other: bias is done (ZEROCOR), skipped
note    b\\u{1b}.fits: trim is done (TRIM), skipped
time    2.0 s, 1 thread, AVX2
"
        );
    }

    #[test]
    fn what_was_not_done_is_not_told() {
        let text = reduction(&summary(vec![frame("a.fits")]));
        assert!(text.contains("frames  1 calibrated\n"), "{text}");
        for label in ["oscan", "gain", "dark", "sky", "note", "failed"] {
            assert!(!text.contains(label), "{label}: {text}");
        }
    }

    #[test]
    fn of_many_notes_the_first_are_told() {
        let frames: Vec<ReducedFrame> = (0..12)
            .map(|n| ReducedFrame {
                notes: vec![format!("note {n}")],
                ..frame("a.fits")
            })
            .collect();
        let told = notes(&frames);
        assert_eq!(told.len(), 11);
        assert_eq!(told[9], "a.fits: note 9");
        assert_eq!(told[10], "2 more, which --json tells");
    }

    #[test]
    fn a_fault_names_its_frame_once() {
        assert_eq!(fault("a.fits", "no BIASSEC"), "a.fits: no BIASSEC");
        assert_eq!(fault("a.fits", "a.fits: empty"), "a.fits: empty");
    }
}
