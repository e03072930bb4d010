//! Standard error: messages and the progress bar, neither written over the other.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use indicatif::ProgressBar;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::plain::plain;

/// Standard error and the bar that is shown there, if any. All clones are the same screen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Screen {
    bar: Arc<Mutex<Option<ProgressBar>>>,
}

impl Screen {
    /// Writes one message, `ccdstream: kind: text`, on one line. What cannot be written is lost: there is nowhere else to
    /// say it.
    pub(crate) fn say(&self, kind: &str, text: &str) {
        let _ = self.clone().write_all(message(kind, text).as_bytes());
    }

    /// Writes the events of tracing up to this level as messages, from now on and for the whole process.
    pub(crate) fn log(&self, level: LevelFilter) {
        let screen = self.clone();
        let messages = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .event_format(Messages)
            .with_writer(move || screen.clone())
            .finish();
        // It fails only where messages are written already.
        let _ = tracing::subscriber::set_global_default(messages);
    }

    /// Shows this bar in place of the one before.
    pub(crate) fn show(&self, bar: ProgressBar) {
        self.clear();
        *self.bar() = Some(bar);
    }

    /// Takes the bar away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = self.bar().take() {
            bar.finish_and_clear();
        }
    }

    fn bar(&self) -> MutexGuard<'_, Option<ProgressBar>> {
        self.bar.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Screen {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        match self.bar().as_ref() {
            Some(bar) => bar.suspend(|| io::stderr().write(text)),
            None => io::stderr().write(text),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

/// One message as it is printed.
fn message(kind: &str, text: &str) -> String {
    format!("ccdstream: {kind}: {}\n", plain(text))
}

/// Events of tracing as messages: no time, no place.
struct Messages;

impl<S, N> FormatEvent<S, N> for Messages
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        let mut text = String::new();
        ctx.format_fields(Writer::new(&mut text), event)?;
        let kind = match *event.metadata().level() {
            tracing::Level::ERROR => "error",
            tracing::Level::WARN => "warning",
            tracing::Level::INFO => "info",
            _ => "debug",
        };
        out.write_str(&message(kind, &text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_and_steers_no_terminal() {
        let text = "night2/\x1b[31mf.fits: OBJECT is 'a\nb'";
        assert_eq!(
            message("warning", text),
            "ccdstream: warning: night2/\\u{1b}[31mf.fits: OBJECT is 'a\\nb'\n"
        );
    }
}
