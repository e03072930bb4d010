//! How much memory this process may use.

use std::fs;
use std::path::{Component, Path, PathBuf};

use ccdstream::ByteSize;
use rlimit::Resource;
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

/// The files in which a control group says how much memory it may use: the second generation, then the first.
const LIMITS: [&str; 3] = ["memory.max", "memory.high", "memory.limit_in_bytes"];

/// Returns the memory that this process may use: the least of the physical memory, the limits of its control groups and
/// of theirs, and the limits of the process itself (`ulimit -v`, `ulimit -d`).
pub(crate) fn usable() -> ByteSize {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let physical = System::new_with_specifics(memory).map(|system| system.total_memory());
    let own = [Resource::AS, Resource::DATA]
        .into_iter()
        .filter_map(|limit| limit.get_soft().ok());
    let least = own
        .chain(physical.ok().filter(|&bytes| bytes > 0))
        .chain(control_groups(Path::new("/")))
        .min();
    ByteSize(least.unwrap_or(u64::MAX))
}

/// The lowest limit of the control groups of this process and of those around them, in the file tree at `root`.
fn control_groups(root: &Path) -> Option<u64> {
    let mounts = root.join("sys/fs/cgroup");
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).ok()?;
    groups
        .lines()
        .filter_map(|line| lowest(&mounts, line))
        .min()
}

/// The lowest limit on the way up from one control group, a line `number:controllers:path` of `/proc/self/cgroup`.
fn lowest(mounts: &Path, line: &str) -> Option<u64> {
    let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
    let mount = match controllers {
        "" if mounts.join("unified").exists() => mounts.join("unified"),
        "" => mounts.to_owned(),
        _ if controllers.split(',').any(|name| name == "memory") => mounts.join("memory"),
        _ => return None,
    };
    // In a container the path may lie outside of what is mounted (`/../..`, or the name that the host has for it): the
    // groups that are not there count nothing, and the mount itself is always looked at.
    let named = Path::new(group)
        .components()
        .filter(|part| matches!(part, Component::Normal(_)));
    let group: PathBuf = named.collect();
    let files = group
        .ancestors()
        .flat_map(|inner| LIMITS.map(|file| mount.join(inner).join(file)));
    files
        .filter_map(|file| fs::read_to_string(file).ok()?.trim().parse().ok())
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file tree with these files.
    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().expect("a folder for the test");
        for (name, text) in files {
            let path = root.path().join(name);
            fs::create_dir_all(path.parent().expect("all lie in folders")).expect("a fresh folder");
            fs::write(path, text).expect("a fresh file");
        }
        root
    }

    fn limit(files: &[(&str, &str)]) -> Option<u64> {
        control_groups(tree(files).path())
    }

    #[test]
    fn the_lowest_limit_on_the_way_up_counts() {
        let files = [
            ("proc/self/cgroup", "0::/user.slice/night.scope\n"),
            ("sys/fs/cgroup/user.slice/memory.max", "2000\n"),
            ("sys/fs/cgroup/user.slice/memory.high", "max\n"),
            ("sys/fs/cgroup/user.slice/night.scope/memory.max", "max\n"),
            ("sys/fs/cgroup/user.slice/night.scope/memory.high", "3000\n"),
        ];
        assert_eq!(limit(&files), Some(2000));
    }

    #[test]
    fn a_group_that_throttles_counts_as_a_limit() {
        let files = [
            ("proc/self/cgroup", "0::/job\n"),
            ("sys/fs/cgroup/job/memory.max", "4000\n"),
            ("sys/fs/cgroup/job/memory.high", "3000\n"),
        ];
        assert_eq!(limit(&files), Some(3000));
    }

    #[test]
    fn groups_of_the_first_generation_count() {
        let files = [
            (
                "proc/self/cgroup",
                "5:devices:/\n4:cpu,memory:/slurm/job_7\n0::/\n",
            ),
            ("sys/fs/cgroup/unified/cgroup.procs", ""),
            (
                "sys/fs/cgroup/memory/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            (
                "sys/fs/cgroup/memory/slurm/memory.limit_in_bytes",
                "9223372036854771712\n",
            ),
            (
                "sys/fs/cgroup/memory/slurm/job_7/memory.limit_in_bytes",
                "1073741824\n",
            ),
        ];
        assert_eq!(limit(&files), Some(1 << 30));
    }

    #[test]
    fn a_container_finds_its_limit_at_the_mount() {
        for group in ["0::/\n", "0::/../../outside\n", "0::/docker/0123abcd\n"] {
            let files = [
                ("proc/self/cgroup", group),
                ("sys/fs/cgroup/memory.max", "512\n"),
            ];
            assert_eq!(limit(&files), Some(512), "{group}");
        }
    }

    #[test]
    fn no_limit_and_no_groups_are_no_limit() {
        assert_eq!(
            limit(&[
                ("proc/self/cgroup", "0::/job\n"),
                ("sys/fs/cgroup/job/memory.max", "max\n")
            ]),
            None
        );
        assert_eq!(limit(&[("proc/self/cgroup", "what\n3:memory\n")]), None);
        assert_eq!(limit(&[]), None);
    }

    #[test]
    fn this_process_may_use_something() {
        assert!((1 << 20..u64::MAX).contains(&usable().0));
    }
}
