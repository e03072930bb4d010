//! What a run is doing, shown on standard error while it goes on.

use std::io::{self, IsTerminal, Write};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use ccdstream::{ByteSize, Walk, Watch};
use clap::ValueEnum;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use super::report::duration;
use super::screen::Screen;

/// Runs that end sooner show no bar.
const FIRST: Duration = Duration::from_millis(500);
/// How often a bar is drawn.
const REDRAW: Duration = Duration::from_millis(100);
/// How often a line is written where there is no terminal.
const NEXT_LINE: Duration = Duration::from_secs(10);

/// Where progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum When {
    /// where standard error is a terminal
    Auto,
    /// everywhere; lines now and then where there is no terminal
    Always,
    /// nowhere
    Never,
}

/// Progress that is being shown, until it is dropped.
#[derive(Debug)]
pub(crate) struct Progress {
    /// Only ever dropped: that ends the thread.
    end: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Shows the progress of a run until the returned value is dropped.
    pub(crate) fn show(when: When, watch: &Arc<Watch>, screen: &Screen) -> Self {
        let (end, ended) = mpsc::channel();
        let (watch, screen) = (Arc::clone(watch), screen.clone());
        let show = match (when, io::stderr().is_terminal()) {
            (When::Auto | When::Always, true) => draw_bar,
            (When::Always, false) => write_lines,
            (When::Auto, false) | (When::Never, _) => {
                return Self {
                    end: None,
                    thread: None,
                };
            }
        };
        let named = thread::Builder::new().name("progress".into());
        // A run without a bar is better than none.
        let thread = named.spawn(move || show(&watch, &screen, &ended)).ok();
        Self {
            end: Some(end),
            thread,
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.end = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked the message is out, and the run is none the worse.
            let _ = thread.join();
        }
    }
}

/// Waits; returns whether the run has ended.
fn ended(end: &Receiver<()>, wait: Duration) -> bool {
    end.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
}

fn draw_bar(watch: &Watch, screen: &Screen, end: &Receiver<()>) {
    let style = ProgressStyle::with_template("{msg} {wide_bar}")
        .expect("the template is a constant that reads");
    let mut shown: Option<(Walk, ProgressBar, Instant)> = None;
    let mut wait = FIRST;
    while !ended(end, wait) {
        wait = REDRAW;
        let (walk, done, total) = watch.progress();
        if total == 0 {
            continue;
        }
        if shown.as_ref().is_none_or(|(same, ..)| *same != walk) {
            let text = line(walk, done, total, Duration::ZERO);
            let bar = ProgressBar::new(total)
                .with_style(style.clone())
                .with_message(text);
            screen.show(bar.clone());
            shown = Some((walk, bar, Instant::now()));
        }
        if let Some((_, bar, begin)) = &shown {
            bar.set_message(line(walk, done, total, begin.elapsed()));
            bar.set_position(done);
        }
    }
    screen.clear();
}

fn write_lines(watch: &Watch, screen: &Screen, end: &Receiver<()>) {
    let mut begun = (Walk::Opening, Instant::now());
    let mut next = Instant::now() + NEXT_LINE;
    let mut go_on = true;
    while go_on {
        go_on = !ended(end, REDRAW);
        let (walk, done, total) = watch.progress();
        if walk != begun.0 {
            begun = (walk, Instant::now());
        }
        if total > 0 && (Instant::now() >= next || !go_on) {
            next += NEXT_LINE;
            let _ = writeln!(
                screen.clone(),
                "{}",
                line(walk, done, total, begun.1.elapsed())
            );
        }
    }
}

/// One line of progress: what is done, how much of it, how fast, and how long it will take.
fn line(walk: Walk, done: u64, total: u64, elapsed: Duration) -> String {
    let (doing, bytes) = match walk {
        Walk::Opening => ("opening frames", false),
        Walk::Unpacking => ("unpacking", true),
        Walk::Measuring => ("measuring", true),
        Walk::Combining => ("combining", true),
        Walk::Calibrating => ("calibrating", true),
        Walk::Packing => ("packing", true),
    };
    let done = done.min(total);
    let part = done as f64 / total.max(1) as f64;
    let seconds = elapsed.as_secs_f64();
    let amount = if bytes {
        let rate = done as f64 / seconds.max(1e-3);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rate, to be shown in three digits"
        )]
        let rate = ByteSize(rate as u64);
        format!("{} of {}, {rate}/s", ByteSize(done), ByteSize(total))
    } else {
        format!("{} of {}", HumanCount(done), HumanCount(total))
    };
    let left = if part > 0.0 && part < 1.0 {
        format!(", {} left", duration(seconds * (1.0 - part) / part))
    } else {
        String::new()
    };
    format!("{doing} {:3.0} %, {amount}{left}", 100.0 * part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_tells_how_much_how_fast_and_how_long() {
        let second = Duration::from_secs(1);
        for (walk, done, total, elapsed, text) in [
            (
                Walk::Opening,
                500,
                2000,
                second,
                "opening frames  25 %, 500 of 2,000, 3.0 s left",
            ),
            (
                Walk::Measuring,
                0,
                1 << 30,
                second,
                "measuring   0 %, 0 B of 1.0 GiB, 0 B/s",
            ),
            (
                Walk::Combining,
                1 << 29,
                2 << 30,
                100 * second,
                "combining  25 %, 512.0 MiB of 2.0 GiB, 5.1 MiB/s, 5 min 00 s left",
            ),
            (
                Walk::Combining,
                2048,
                1024,
                second,
                "combining 100 %, 1.0 KiB of 1.0 KiB, 1.0 KiB/s",
            ),
        ] {
            assert_eq!(line(walk, done, total, elapsed), text);
        }
    }

    #[test]
    fn progress_ends_when_it_is_dropped() {
        let watch = Arc::new(Watch::default());
        let progress = Progress::show(When::Always, &watch, &Screen::default());
        let begin = Instant::now();
        drop(progress);
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}
