//! What a run did, for the eyes of a user.

use ccdstream::recipe::{Method, Stack};
use ccdstream::{
    ByteSize, Memory, Noise, PackedSize, Reading, RoomTime, SkippedFrame, Summary, WorstFrame,
};
use indicatif::HumanCount;

use super::plain::plain;

mod reduction;

pub(crate) use reduction::{fault, reduction};

/// Characters of a line of levels.
const LONGEST: usize = 100;

/// Returns the summary of a run that combined so: aligned lines, safe for a terminal.
pub(crate) fn summary(summary: &Summary, done: &Stack) -> String {
    let mut lines = vec![
        ("output", plain(&summary.output.display().to_string())),
        ("stack", stack(summary, done.method)),
        ("memory", memory(&summary.memory)),
        ("read", reading(&summary.reading, summary.seconds)),
    ];
    lines.splice(2..2, levels(done).into_iter().map(|line| ("levels", line)));
    lines.extend(rooms(&summary.rooms));
    lines.extend(skipped(&summary.skipped));
    let samples = summary.pixels.saturating_mul(summary.frames as u64);
    for clip in &summary.clip {
        let (low, high) = (count(clip.low, samples), count(clip.high, samples));
        lines.push((
            "clip",
            plain(&format!("{}: {low} low, {high} high", clip.step)),
        ));
        lines.extend(worst("most from", &clip.worst_frames));
    }
    for near in &summary.neighbours {
        let taken = count(near.taken, samples);
        lines.push(("near", plain(&format!("{}: {taken} neighbours", near.step))));
        lines.extend(worst("most from", &near.worst_frames));
    }
    // Of one step it is said already.
    if summary.clip.len() + summary.neighbours.len() > 1 {
        let frames = &summary.worst_frames[..summary.worst_frames.len().min(3)];
        lines.extend(worst("by all steps, most from", frames));
    }
    if let Some(folder) = &summary.rejected {
        let folder = plain(&folder.display().to_string());
        lines.push(("masks", format!("of what was rejected, in {folder}")));
    }
    if summary.resumed_pixels > 0 {
        let resumed = count(summary.resumed_pixels, summary.pixels);
        lines.push((
            "resumed",
            format!("{resumed} pixels were done by an earlier run"),
        ));
    }
    if let Some(PackedSize { plain, packed }) = summary.packed {
        let part = 100.0 * packed.0 as f64 / plain.0.max(1) as f64;
        lines.push(("packed", format!("{plain} became {packed}, {part:.0} %")));
    }
    let empty = count(summary.empty_pixels, summary.pixels);
    lines.push(("empty", format!("{empty} pixels had nothing left")));
    lines.push(("noise", noise(summary.noise, done.method, summary.frames)));
    lines.push((
        "time",
        time(summary.seconds, summary.threads, &summary.vectors),
    ));
    aligned(&lines)
}

/// Lines of a label and a text.
fn aligned(lines: &[(&str, String)]) -> String {
    let lines: Vec<String> = lines
        .iter()
        .map(|(label, text)| format!("{label:8}{text}\n"))
        .collect();
    lines.concat()
}

/// The frames that were left out because they are damaged, a line each.
fn skipped(frames: &[SkippedFrame]) -> impl Iterator<Item = (&'static str, String)> {
    frames.iter().enumerate().map(|(at, skipped)| {
        let label = if at == 0 { "damaged" } else { "" };
        let SkippedFrame { frame, fault } = skipped;
        (label, plain(&format!("{frame}: {fault}; left out")))
    })
}

/// How long each room worked and waited.
fn rooms(rooms: &[RoomTime]) -> impl Iterator<Item = (&'static str, String)> {
    rooms.iter().enumerate().map(|(at, room)| {
        let label = if at == 0 { "rooms" } else { "" };
        let busy = format!("{:6}{:>12} busy", room.room, duration(room.busy));
        // A thread that reads for itself waits for nobody.
        let line = if room.waited > 0.0 {
            format!("{busy}, {:>12} waiting", duration(room.waited))
        } else {
            busy
        };
        (label, line)
    })
}

fn time(seconds: f64, threads: usize, vectors: &str) -> String {
    let noun = if threads == 1 { "thread" } else { "threads" };
    format!("{}, {threads} {noun}, {vectors}", duration(seconds))
}

/// How frames are scaled and weighed: lines, of which those that list numbers without end are cut.
pub(crate) fn levels(stack: &Stack) -> Vec<String> {
    let cut = |line: String| match line.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}…", &line[..at]),
        None => line,
    };
    let lines = stack.told_levels().into_iter();
    lines.map(|line| plain(&cut(line))).collect()
}

fn stack(summary: &Summary, method: Method) -> String {
    let each = if summary.extensions == 1 {
        String::new()
    } else {
        format!(", {} extensions", summary.extensions)
    };
    let sample_type = format!("{:?}", summary.sample_type).to_lowercase();
    let frames = ["frames", "frame"][usize::from(summary.frames == 1)];
    format!(
        "{method} of {} {frames}{each}, {} pixels, {sample_type}",
        HumanCount(summary.frames as u64),
        summary.shape
    )
}

fn memory(memory: &Memory) -> String {
    let peak = memory
        .peak
        .map_or("peak unknown".to_owned(), |peak| format!("peak {peak}"));
    format!(
        "{peak}, planned {} + {} kept free, limit {}",
        memory.planned, memory.reserve, memory.limit
    )
}

fn reading(reading: &Reading, seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate, to be shown in three digits"
    )]
    let rate = ByteSize((reading.bytes as f64 / seconds.max(1e-3)) as u64);
    let bytes = ByteSize(reading.bytes);
    let tiles = if reading.tiles == 1 { "tile" } else { "tiles" };
    let rows = if reading.tile_rows == 1 {
        "row"
    } else {
        "rows"
    };
    format!(
        "{bytes} at {rate}/s, every pixel {:.2} times, {} {tiles} of {} {rows}",
        reading.passes, reading.tiles, reading.tile_rows
    )
}

/// The frames that lost most, if any did.
fn worst(most: &str, frames: &[WorstFrame]) -> Option<(&'static str, String)> {
    let frames: Vec<String> = frames
        .iter()
        .filter(|worst| worst.rejected > 0)
        .map(|worst| {
            format!(
                "{} ({})",
                plain(&worst.frame),
                percent(100.0 * worst.fraction)
            )
        })
        .collect();
    (!frames.is_empty()).then(|| ("", format!("{most} {}", frames.join(", "))))
}

/// The noise of the result against that of one frame, and what that would be at best.
fn noise(noise: Noise, method: Method, frames: usize) -> String {
    let Noise { one_frame, result } = noise;
    // A sum grows with its frames, and its noise with their root; the others shrink.
    let (ratio, how) = match method {
        Method::Sum => (result / one_frame, "more"),
        // How far samples lie apart is no signal whose noise could be compared.
        Method::Std | Method::Mad | Method::Quadrature => (f64::NAN, ""),
        _ => (one_frame / result, "less"),
    };
    if !(ratio.is_finite() && ratio > 0.0) {
        return "cannot be told".into();
    }
    let ideal = (frames as f64).sqrt();
    format!(
        "{}, {} in one frame: {ratio:.2} times {how}; the root of {frames} frames is {ideal:.2}",
        digits(result),
        digits(one_frame)
    )
}

/// Four digits of a number.
fn digits(number: f64) -> String {
    if (1e-3..1e6).contains(&number.abs()) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "0 to 6"
        )]
        let places = (3.0 - number.abs().log10().floor()).clamp(0.0, 6.0) as usize;
        format!("{number:.places$}")
    } else {
        format!("{number:.3e}")
    }
}

/// How many, and what part that is of `whole`.
fn count(part: u64, whole: u64) -> String {
    let share = percent(100.0 * part as f64 / whole.max(1) as f64);
    format!("{} ({share})", HumanCount(part))
}

fn percent(percent: f64) -> String {
    if percent > 0.0 && percent < 0.001 {
        "< 0.001 %".into()
    } else {
        format!("{percent:.3} %")
    }
}

/// A time in seconds, minutes or hours.
pub(super) fn duration(seconds: f64) -> String {
    let seconds = seconds.max(0.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and saturating"
    )]
    let whole = seconds.round() as u64;
    match whole {
        0..1 => format!("{seconds:.2} s"),
        1..100 => format!("{seconds:.1} s"),
        100..6000 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ccdstream::recipe::{Level, Weight};
    use ccdstream::{ClipCount, SampleType, Shape};

    fn done() -> Summary {
        let worst = |frame: &str, rejected| WorstFrame {
            frame: frame.into(),
            rejected,
            fraction: rejected as f64 / 4_194_304.0,
        };
        let room = |room, busy, waited| RoomTime { room, busy, waited };
        Summary {
            output: "master\x1b[2J.fits".into(),
            version: "0.1.0",
            packed: None,
            frames: 300,
            extensions: 1,
            shape: Shape {
                nrow: 2048,
                ncol: 2048,
            },
            sample_type: SampleType::F32,
            pixels: 4_194_304,
            resumed_pixels: 0,
            empty_pixels: 12,
            clip: vec![
                ClipCount {
                    step: "extrema:1,1".into(),
                    low: 4_194_304,
                    high: 4_194_304,
                    worst_frames: vec![worst("f001.fits", 20_000), worst("f\n2.fits[SCI]", 10)],
                },
                ClipCount {
                    step: "sigma:5,5".into(),
                    low: 0,
                    high: 1234,
                    worst_frames: vec![],
                },
            ],
            neighbours: vec![],
            rejected: None,
            skipped: vec![SkippedFrame {
                frame: "f\n3.fits".into(),
                fault: "is empty: 0 bytes".into(),
            }],
            worst_frames: vec![worst("f001.fits", 20_010)],
            levels: vec![],
            noise: Noise {
                one_frame: 5.31,
                result: 0.3083,
            },
            memory: Memory {
                limit: ByteSize(1 << 30),
                planned: ByteSize(120 << 20),
                reserve: ByteSize(2 << 20),
                peak: Some(ByteSize(118 << 20)),
                page_tables: Some(ByteSize(1 << 20)),
            },
            reading: Reading {
                bytes: 2_516_582_400,
                passes: 1.0,
                tiles: 8,
                tile_rows: 256,
            },
            rooms: vec![
                room("read", 1.2, 0.0),
                room("work", 2.0, 0.014),
                room("write", 0.1, 125.0),
            ],
            seconds: 2.4,
            threads: 2,
            vectors: "AVX-512".into(),
            warnings: vec![],
        }
    }

    #[test]
    fn a_summary_is_a_few_aligned_lines() {
        let text = "\
output  master\\u{1b}[2J.fits
stack   average of 300 frames, 2048 × 2048 pixels, f32
memory  peak 118.0 MiB, planned 120.0 MiB + 2.0 MiB kept free, limit 1.0 GiB
read    2.3 GiB at 1000.0 MiB/s, every pixel 1.00 times, 8 tiles of 256 rows
rooms   read         1.2 s busy
        work         2.0 s busy,       0.01 s waiting
        write       0.10 s busy,   2 min 05 s waiting
damaged f\\n3.fits: is empty: 0 bytes; left out
clip    extrema:1,1: 4,194,304 (0.333 %) low, 4,194,304 (0.333 %) high
        most from f001.fits (0.477 %), f\\n2.fits[SCI] (< 0.001 %)
clip    sigma:5,5: 0 (0.000 %) low, 1,234 (< 0.001 %) high
        by all steps, most from f001.fits (0.477 %)
empty   12 (< 0.001 %) pixels had nothing left
noise   0.3083, 5.310 in one frame: 17.22 times less; the root of 300 frames is 17.32
time    2.4 s, 2 threads, AVX-512
";
        assert_eq!(summary(&done(), &Stack::default()), text);
        let scaled = Stack {
            weight: Weight::Values(vec![1.5; 40]),
            scale: Level::Mad,
            ..Stack::default()
        };
        let told = summary(&done(), &scaled);
        assert!(
            told.contains("\nlevels  scale mad, scale-to 1\nlevels  weight 1.5,1.5,")
                && told.contains("1.5,1…\n"),
            "{told}"
        );
    }

    #[test]
    fn the_noise_of_a_sum_grows_and_that_of_a_constant_frame_cannot_be_told() {
        let noise_of = |one_frame, result| noise(Noise { one_frame, result }, Method::Sum, 4);
        assert_eq!(
            noise_of(1.0, 2.0),
            "2.000, 1.000 in one frame: 2.00 times more; the root of 4 frames is 2.00"
        );
        assert_eq!(noise_of(0.0, 0.0), "cannot be told");
        assert_eq!(noise_of(f64::NAN, 1.0), "cannot be told");
    }

    #[test]
    fn times_are_told_in_units_that_fit() {
        let times = [0.0, 0.4, 7.25, 99.4, 125.0, 7500.0];
        let told = times.map(duration);
        assert_eq!(
            told,
            [
                "0.00 s",
                "0.40 s",
                "7.2 s",
                "99.4 s",
                "2 min 05 s",
                "2 h 05 min"
            ]
        );
    }

    #[test]
    fn numbers_have_four_digits() {
        let numbers = [12345.6, 5.31, 0.030_83, 3.1e-7];
        assert_eq!(
            numbers.map(digits),
            ["12346", "5.310", "0.03083", "3.100e-7"]
        );
    }
}
