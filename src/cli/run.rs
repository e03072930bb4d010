//! How every command that works on pixels is carried out: under a watch, with progress, its plan or its summary told.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use ccdstream::{Error, Plan, Result, Watch};
use serde::Serialize;

use super::args::Messages;
use super::progress::Progress;
use super::screen::Screen;
use super::{plain, signals};

/// Where a run tells what it did: results go to `out`, messages to `screen`.
pub(super) struct Run<'a> {
    pub(super) messages: &'a Messages,
    pub(super) out: &'a mut dyn Write,
    pub(super) screen: &'a Screen,
}

impl Run<'_> {
    /// Does this under a watch that signals can stop, and shows how it goes on.
    pub(super) fn watched<T>(&self, work: impl FnOnce(&Watch) -> Result<T>) -> Result<T> {
        let watch = watch()?;
        let progress = Progress::show(self.messages.progress(), &watch, self.screen);
        let done = work(&watch);
        drop(progress);
        done
    }

    /// Prints a plan; `levels` tells how frames are scaled and weighed, behind its first line.
    pub(super) fn tell_plan(&mut self, plan: &Plan, levels: &[String]) -> Result<()> {
        let text = if self.messages.json {
            json(plan)?
        } else {
            let text = plan.to_string();
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            let levels = levels.iter().map(|level| format!("{level}\n"));
            let levels: Vec<String> = levels.collect();
            lines.splice(1..1, levels.iter().map(String::as_str));
            plain::plain_lines(&lines.concat())
        };
        print(self.out, &text)
    }

    /// Tells the summary of a run that is done: as JSON, or in the words of `text`, unless nobody wants to know.
    pub(super) fn tell(&mut self, summary: &impl Serialize, text: impl FnOnce() -> String) {
        if self.messages.json {
            // The output stands: that its summary cannot be told is no failure of the run.
            if let Err(error) = json(summary).and_then(|text| print(self.out, &text)) {
                self.screen.say(
                    "warning",
                    &format!("{error}; the output is written all the same"),
                );
            }
        } else if !self.messages.quiet {
            // Where standard error is closed there is nobody to tell.
            let _ = self.screen.clone().write_all(text().as_bytes());
        }
    }

    /// Tells that there was nothing to do.
    pub(super) fn tell_finished(&mut self, output: &Path, finished: &Error) -> Result<()> {
        self.screen.say("note", &finished.to_string());
        if self.messages.json {
            let told = serde_json::json!({ "output": output, "finished": true });
            return print(self.out, &json(&told)?);
        }
        Ok(())
    }

    /// Says what a user should know.
    pub(super) fn warn(&self, warnings: &[String]) {
        for warning in warnings {
            self.screen.say("warning", warning);
        }
    }
}

/// A watch that signals can stop.
pub(super) fn watch() -> Result<Arc<Watch>> {
    let watch = Arc::new(Watch::default());
    signals::listen(&watch)
        .map_err(|error| Error::System(format!("cannot wait for signals: {error}")))?;
    Ok(watch)
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
