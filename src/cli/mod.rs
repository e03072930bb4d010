//! The command line: flags become a recipe, the library carries it out, its progress and summary are shown.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;
use std::thread;

use ccdstream::{Error, Result};
use clap::Parser;
use clap::error::ErrorKind;
use tracing::level_filters::LevelFilter;

mod args;
mod calibrate;
mod calibrating;
mod choices;
mod combine;
mod compression;
mod help;
mod limit;
mod out;
mod parse;
mod plain;
mod progress;
mod report;
mod run;
mod screen;
mod signals;

pub(crate) use args::{Command, Program};
pub(crate) use out::Out;
pub(crate) use screen::Screen;

use args::Demo;
use calibrate::Calibrate;
use choices::{Choices, Machine};
use combine::Combine;
use run::Run;

/// Reads the command line.
///
/// # Errors
///
/// The exit status, where there is nothing to carry out: help was asked for and is printed, or the command line is wrong
/// and that is said on `screen`.
pub(crate) fn read(
    words: impl IntoIterator<Item = OsString>,
    screen: &Screen,
) -> std::result::Result<Program, ExitCode> {
    Program::try_parse_from(words).map_err(|fault| {
        if fault.use_stderr() && fault.kind() != ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
        {
            // Arguments are text from outside, a pattern may bring in the name of any file.
            let text = format!("ccdstream: {}", plain::plain_lines(&fault.to_string()));
            let _ = screen.clone().write_all(text.as_bytes());
        } else {
            // It fails where nobody reads help any more.
            let _ = fault.print();
        }
        u8::try_from(fault.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
    })
}

/// Carries out `combine`; results go to `out`, messages to `screen`.
///
/// # Errors
///
/// Whatever kept the output from being written.
pub(crate) fn combine(typed: &Combine, out: &mut dyn Write, screen: &Screen) -> Result<()> {
    let messages = &typed.messages;
    screen.log(messages.level());
    let mut run = Run {
        messages,
        out,
        screen,
    };
    let Choices { recipe, warnings } = typed.choices(machine())?;
    run.warn(&warnings);
    if messages.dry_run {
        let plan = run.watched(|watch| ccdstream::plan(&recipe, watch))?;
        run.warn(&plan.warnings);
        return run.tell_plan(&plan, &report::levels(&recipe.stack));
    }
    let mut summary = match run.watched(|watch| ccdstream::combine(&recipe, watch)) {
        Err(finished @ Error::Finished { .. }) => {
            return run.tell_finished(&recipe.output.path, &finished);
        }
        done => done?,
    };
    run.warn(&summary.warnings);
    summary.warnings.splice(..0, warnings);
    run.tell(&summary, || report::summary(&summary, &recipe.stack));
    Ok(())
}

/// Carries out `calibrate`; results go to `out`, messages to `screen`.
///
/// # Errors
///
/// Whatever kept it from being begun or carried to its end, and [`Error::Failed`] where a frame failed: the others are
/// done.
pub(crate) fn calibrate(typed: &Calibrate, out: &mut dyn Write, screen: &Screen) -> Result<()> {
    let messages = &typed.messages;
    screen.log(messages.level());
    let mut run = Run {
        messages,
        out,
        screen,
    };
    let Choices { recipe, warnings } = typed.choices(machine())?;
    run.warn(&warnings);
    if messages.dry_run {
        let plan = run.watched(|watch| ccdstream::plan_calibration(&recipe, watch))?;
        return run.tell_plan(&plan, &[]);
    }
    let mut summary = match run.watched(|watch| ccdstream::calibrate(&recipe, watch)) {
        Err(finished @ Error::Finished { .. }) => {
            return run.tell_finished(&recipe.folder.path, &finished);
        }
        done => done?,
    };
    run.warn(&summary.warnings);
    summary.warnings.splice(..0, warnings);
    run.tell(&summary, || report::reduction(&summary));
    for frame in &summary.frames {
        // Last, where it is seen, and whatever else is kept quiet.
        if let Some(fault) = &frame.fault {
            screen.say("failed", &report::fault(&frame.frame, fault));
        }
    }
    summary.complete()
}

/// What this process may use.
fn machine() -> Machine {
    Machine {
        memory: limit::usable(),
        cores: thread::available_parallelism().map_or(1, NonZero::get),
    }
}

/// Carries out `demo`, which says itself on `out` what it did.
///
/// # Errors
///
/// Whatever kept it from being carried out.
pub(crate) fn demo(typed: &Demo, out: &mut dyn Write, screen: &Screen) -> Result<()> {
    screen.log(LevelFilter::WARN);
    let watch = run::watch()?;
    ccdstream::demo::run(&typed.dir, &watch, out)
}

/// Returns what went wrong and why, in one line.
pub(crate) fn chain(error: &Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(reason) = source {
        let reason_text = reason.to_string();
        // Most errors tell their reason themselves.
        if !text.contains(&reason_text) {
            text = format!("{text}: {reason_text}");
        }
        source = reason.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_tells_its_reason_once() {
        let source = std::io::Error::other("no such luck");
        let error = Error::Io {
            path: "f.fits".into(),
            doing: "cannot open",
            source,
        };
        assert_eq!(chain(&error), "f.fits: cannot open: no such luck");
    }
}
