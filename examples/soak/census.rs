//! What the process holds after a run, and whether it holds more at the end than before.

use std::fmt;
use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

/// How long threads that have ended may take to be gone.
const PATIENCE: Duration = Duration::from_secs(2);
/// What the median of resident memory in KiB may grow by besides a twentieth.
const MORE_KIB: u64 = 2 << 10;
/// What that of maps may grow by besides a twentieth: threads that end leave their stacks to those that come, as many as ever ran at once.
const MORE_MAPS: u64 = 4;

/// What the process holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Census {
    /// Resident memory in KiB.
    resident: u64,
    /// Open descriptors.
    descriptors: u64,
    threads: u64,
    /// Entries of its map of memory.
    maps: u64,
}

impl Census {
    /// Counts, once no more than so many threads are there, or after some patience.
    pub(crate) fn take(threads: u64) -> io::Result<Self> {
        let begun = Instant::now();
        while entries("/proc/self/task")? > threads && begun.elapsed() < PATIENCE {
            thread::sleep(Duration::from_micros(200));
        }
        let maps = fs::read_to_string("/proc/self/maps")?.lines().count();
        Ok(Self {
            resident: status("VmRSS:")?,
            descriptors: entries("/proc/self/fd")?,
            threads: entries("/proc/self/task")?,
            maps: maps as u64,
        })
    }

    /// Threads that were there.
    pub(crate) fn threads(self) -> u64 {
        self.threads
    }

    /// The names of what is counted, as columns.
    pub(crate) fn names() -> String {
        format!("{:>8} {:>4} {:>4} {:>5}", "rss KiB", "fds", "thr", "maps")
    }
}

impl fmt::Display for Census {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:>8} {:>4} {:>4} {:>5}",
            self.resident, self.descriptors, self.threads, self.maps
        )
    }
}

/// The peak resident memory since [`forget_peak`] in KiB.
pub(crate) fn peak() -> io::Result<u64> {
    status("VmHWM:")
}

/// Counts the peak of resident memory from now on; `false` where the system does not.
pub(crate) fn forget_peak() -> bool {
    fs::write("/proc/self/clear_refs", "5").is_ok()
}

/// Resident memory in KiB.
pub(crate) fn resident() -> io::Result<u64> {
    status("VmRSS:")
}

/// A number in what the system says of this process.
fn status(field: &str) -> io::Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let found = status.lines().find_map(|line| line.strip_prefix(field));
    let number = found.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
    number.ok_or_else(|| io::Error::other(format!("/proc/self/status has no {field}")))
}

fn entries(folder: &str) -> io::Result<u64> {
    Ok(fs::read_dir(folder)?.count() as u64)
}

/// One thing that is counted: its median over the second quarter of the runs, and over the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Course {
    name: &'static str,
    second: u64,
    last: u64,
    most: u64,
}

impl Course {
    /// Whether there is no more at the end than before.
    pub(crate) fn is_flat(&self) -> bool {
        self.last <= self.most
    }
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:<20} {:>8} in the second quarter, {:>8} in the last: {}",
            self.name,
            self.second,
            self.last,
            if self.is_flat() { "flat" } else { "GROWS" }
        )
    }
}

/// How what is counted went; the first quarter of the runs is left out: what is made once is made there.
pub(crate) fn courses(taken: &[Census]) -> [Course; 4] {
    let quarter = |number: usize| &taken[taken.len() * (number - 1) / 4..taken.len() * number / 4];
    let course = |name, of: fn(&Census) -> u64, most: fn(u64) -> u64| {
        let median = |number| median(quarter(number).iter().map(of).collect());
        let second = median(2);
        Course {
            name,
            second,
            last: median(4),
            most: most(second),
        }
    };
    [
        course(
            "resident memory, KiB",
            |at| at.resident,
            |second| second + second / 20 + MORE_KIB,
        ),
        course("descriptors", |at| at.descriptors, |second| second),
        course("threads", |at| at.threads, |second| second),
        course(
            "maps",
            |at| at.maps,
            |second| second + second / 20 + MORE_MAPS,
        ),
    ]
}

/// The upper of the middle two, or the middle one; 0 of none.
fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values.get(values.len() / 2).copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn census(resident: u64, descriptors: u64) -> Census {
        Census {
            resident,
            descriptors,
            threads: 1,
            maps: 70,
        }
    }

    fn flat(taken: &[Census]) -> [bool; 4] {
        courses(taken).map(|course| course.is_flat())
    }

    #[test]
    fn what_grows_after_the_first_quarter_is_not_flat() {
        let still: Vec<Census> = (0..40).map(|_| census(30_000, 4)).collect();
        assert_eq!(flat(&still), [true; 4]);
        let warm: Vec<Census> = (0..40).map(|n| census(30_000.min(9000 * n), 4)).collect();
        assert_eq!(flat(&warm), [true; 4]);
        let grows: Vec<Census> = (0..40).map(|n| census(30_000 + 400 * n, 4 + n)).collect();
        assert_eq!(flat(&grows), [false, false, true, true]);
        assert_eq!(flat(&[]), [true; 4]);
    }
}
