//! Signals that end a run in good order.

use std::fs;
use std::io;
use std::sync::Arc;
use std::thread;

use ccdstream::Watch;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

/// Lets SIGINT, SIGTERM and SIGHUP stop the run that `watch` belongs to; a second one kills the process at once.
///
/// A SIGHUP that whoever started the process ignores stays ignored: `nohup` is to keep its meaning.
///
/// # Errors
///
/// Those of the system, which may refuse the handlers or the thread that waits for them.
pub(crate) fn listen(watch: &Arc<Watch>) -> io::Result<()> {
    let mut awaited = vec![SIGINT, SIGTERM];
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    if !ignored(&status, SIGHUP) {
        awaited.push(SIGHUP);
    }
    let mut signals = Signals::new(awaited)?;
    let watch = Arc::clone(watch);
    thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut arriving = signals.forever();
            if let Some(signal) = arriving.next() {
                watch.stop(signal);
            }
            if let Some(signal) = arriving.next() {
                // It fails only for signals that cannot be awaited.
                let _ = emulate_default_handler(signal);
            }
        })?;
    Ok(())
}

/// Whether `status`, the text of `/proc/self/status`, says that this signal is ignored.
fn ignored(status: &str, signal: i32) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask
        .and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok())
        .unwrap_or(0);
    mask >> (signal - 1) & 1 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_of_the_system_tells_what_is_ignored() {
        let status = "Name:\tccdstream\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert!(ignored(status, SIGHUP));
        assert!(!ignored(status, SIGINT));
        assert!(!ignored("", SIGHUP));
    }
}
