//! The command line: flags become a recipe, the library carries it out, its progress and summary are shown.

use std::error::Error as _;
use std::ffi::OsString;
use std::io::Write;
use std::num::NonZero;
use std::process::ExitCode;
use std::sync::Arc;
use std::thread;

use ccdstream::{Error, Result, Watch};
use clap::Parser;
use clap::error::ErrorKind;
use serde::Serialize;
use tracing::level_filters::LevelFilter;

mod args;
mod choices;
mod combine;
mod help;
mod limit;
mod out;
mod parse;
mod plain;
mod progress;
mod report;
mod screen;
mod signals;

pub(crate) use args::{Command, Program};
pub(crate) use out::Out;
pub(crate) use screen::Screen;

use args::Demo;
use choices::{Choices, Machine};
use combine::Combine;
use progress::Progress;

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
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let Choices { recipe, warnings } = typed.choices(Machine {
        memory: limit::usable(),
        cores,
    })?;
    warn(screen, &warnings);
    let watch = watch()?;
    let progress = Progress::show(messages.progress(), &watch, screen);

    if messages.dry_run {
        let plan = ccdstream::plan(&recipe, &watch);
        drop(progress);
        let plan = plan?;
        let text = if messages.json {
            json(&plan)?
        } else {
            plain::plain_lines(&plan.to_string())
        };
        return print(out, &text);
    }

    let summary = ccdstream::combine(&recipe, &watch);
    drop(progress);
    let mut summary = summary?;
    warn(screen, &summary.warnings);
    if messages.json {
        summary.warnings.splice(..0, warnings);
        // The output stands: that its summary cannot be told is no failure of the run.
        if let Err(error) = json(&summary).and_then(|text| print(out, &text)) {
            screen.say(
                "warning",
                &format!("{error}; the output is written all the same"),
            );
        }
    } else if !messages.quiet {
        let text = report::summary(&summary, recipe.stack.method);
        // Where standard error is closed there is nobody to tell.
        let _ = screen.clone().write_all(text.as_bytes());
    }
    Ok(())
}

/// Carries out `demo`, which says itself on `out` what it did.
///
/// # Errors
///
/// Whatever kept it from being carried out.
pub(crate) fn demo(typed: &Demo, out: &mut dyn Write, screen: &Screen) -> Result<()> {
    screen.log(LevelFilter::WARN);
    let watch = watch()?;
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

/// A watch that signals can stop.
fn watch() -> Result<Arc<Watch>> {
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)
        .map_err(|error| Error::System(format!("cannot wait for signals: {error}")))?;
    Ok(watch)
}

fn warn(screen: &Screen, warnings: &[String]) {
    for warning in warnings {
        screen.say("warning", warning);
    }
}

/// One JSON object on one line, safe for a terminal; numbers that are not finite are null.
fn json(value: &impl Serialize) -> Result<String> {
    let json =
        serde_json::to_string(value).map_err(|error| Error::System(format!("--json: {error}")))?;
    Ok(plain::plain_json(&json) + "\n")
}

fn print(out: &mut dyn Write, text: &str) -> Result<()> {
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| Error::System(format!("standard output: cannot write: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_a_number_is_null_in_json() -> Result<()> {
        let json = json(&[f64::NAN, f64::INFINITY, 0.5])?;
        assert_eq!(json, "[null,null,0.5]\n");
        Ok(())
    }

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

    #[test]
    fn a_full_disk_behind_standard_output_is_named() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let message = print(&mut Full, "plan").map_err(|error| error.to_string());
        assert_eq!(
            message,
            Err("standard output: cannot write: no storage space".into())
        );
    }
}
