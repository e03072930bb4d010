"""Runs the program below hard limits from outside: each run is done, or ends with one clear message; none is killed.

    python scripts/hard_limits.py BINARY [--short]

The limits: addresses (ulimit -v), writable memory (-d), open files (-n), the size of a file (-f), and a
memory cgroup of the size of --mem-limit (v1 or v2, where this process may make one). Each is swept from what
nothing can run in to what is ample. A run that is done has written the same bytes as one without limits; one
that is not ends with exit status 1 and one message, which names the limit, and leaves nothing behind but what
the message says --resume takes up. Where not even
`--version` can be started, nothing is judged. Exit status 1 on any disagreement.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

MIB = 1 << 20
NFRAME, SHAPE = 40, (300, 500)
KEPT = {".out.fits.part", ".out.fits.state"}
COMMANDS = {
    "clip": ["combine", "--clip", "sigma:3", "--planes", "data,mask,uncertainty,count"],
    "scaled median": ["combine", "-m", "median", "--scale", "median"],
    "calibrate": ["calibrate", "--gain", "2", "--dtype", "f32"],
}
LIMITS = {
    "-v": (resource.RLIMIT_AS, [n * MIB for n in (8, 24, 32, 40, 44, 48, 52, 56, 60, 64, 72, 80, 96, 128, 192, 256, 1024)]),
    "-d": (resource.RLIMIT_DATA, [n * MIB for n in (1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 24, 28, 32, 48, 64, 256)]),
    "-n": (resource.RLIMIT_NOFILE, [3, 4, 5, 6, 7, 8, 10, 12, 16, 24, 40, 64, 256]),
    "-f": (resource.RLIMIT_FSIZE, [0, 1, 2880, 100_000, 500_000, 4 * MIB, 16 * MIB]),
}
# The message of a run that a limit stops holds one of these.
WORDS = {
    "-v": ["ulimit -v", "--mem-limit", "start", "wait for signals", "Cannot allocate", "out of memory"],
    "-d": ["ulimit -d", "--mem-limit", "start", "wait for signals", "Cannot allocate", "out of memory"],
    "-n": ["Too many open files", "Bad file descriptor"],
    "-f": ["ulimit -f"],
}


@dataclass
class Findings:
    """What the runs came to."""

    done: int = 0
    refused: int = 0
    unstarted: int = 0
    wrong: list = field(default_factory=list)

    def add(self, command, fault):
        """Note a run that broke a promise."""
        self.wrong.append(fault)
        print(f"BROKEN: {' '.join(map(str, command))}\n  {fault}", flush=True)


def make_frames(folder):
    """Frames f00.fits ... of drawn counts."""
    rng = np.random.default_rng(5)
    folder.mkdir()
    for number in range(NFRAME):
        pixels = rng.normal(1000, 30, SHAPE).astype(np.uint16)
        fits.PrimaryHDU(pixels).writeto(folder / f"f{number:02}.fits")


def written(place):
    """The bytes of every output."""
    return {path.name: path.read_bytes() for path in sorted(place.rglob("*")) if path.is_file()}


def launch(command, limit):
    """Run a command below a limit; (exit status, standard output, standard error)."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300, preexec_fn=limit)
    return done.returncode, done.stdout, done.stderr


def judge(findings, command, limit, place, reference, words):
    """One run below a limit; it leaves `place` empty."""
    if limit and launch([command[0], "--version"], limit)[0] != 0:
        findings.unstarted += 1
        return None
    status, _, said = launch([*command, "-q", "-o", str(place / "out.fits")], limit)
    left = written(place)
    for path in sorted(place.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    errors = [line for line in said.splitlines() if line.startswith("ccdstream: error:")]
    if status == 0:
        findings.done += 1
        if left != reference:
            findings.add(command, f"done, but the output differs: {sorted(left)}")
    elif status != 1 or len(errors) != 1 or "panicked" in said:
        findings.add(command, f"exit status {status}: {said[:600]}")
    elif not any(word in said for word in words):
        findings.add(command, f"the message does not name the limit: {said}")
    elif command[1] == "combine" and left and not (set(left) == KEPT and "--resume" in said):
        findings.add(command, f"left behind: {sorted(left)}: {said}")
    else:
        findings.refused += 1
    return status


def sweep(findings, binary, frames, place, short):
    """Every limit, on every command."""
    for name, flags in COMMANDS.items():
        base = [str(binary), *flags, str(frames)]
        status, _, said = launch([*base, "-q", "-o", str(place / "out.fits")], None)
        if status:
            sys.exit(f"without a limit: {said}")
        reference = written(place)
        for path in sorted(place.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        for flag, (which, values) in LIMITS.items():
            variants = [["-j", "1"], ["-j", "2", "--io", "mmap"], ["-j", "16"]]
            for variant in variants[1:2] if short else variants:
                sizes = values[2::4] if short else values
                for value in sizes:
                    def limit(which=which, value=value):
                        resource.setrlimit(which, (value, value))

                    judge(findings, [*base, *variant], limit, place, reference, WORDS[flag])
                statuses = f"{findings.done} done, {findings.refused} refused, {findings.unstarted} not started"
                print(f"{name:14} {' '.join(variant):18} ulimit {flag}: {statuses} so far", flush=True)
                # What is ample must do.
                if judge(findings, [*base, *variant], limit, place, reference, WORDS[flag]) != 0:
                    findings.add([*base, *variant], f"ulimit {flag} {sizes[-1]} should do")


class Group:
    """A memory cgroup of its own, if this process may make one."""

    def __init__(self):
        self.unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        root = Path("/sys/fs/cgroup" if self.unified else "/sys/fs/cgroup/memory")
        self.path = root / f"ccdstream-{os.getpid()}"

    def __enter__(self):
        try:
            if self.unified:
                (self.path.parent / "cgroup.subtree_control").write_text("+memory")
            self.path.mkdir()
        except OSError as error:
            print(f"no memory cgroup can be made here ({error}): left out")
            return None
        return self

    def __exit__(self, *_):
        if self.path.exists():
            self.path.rmdir()

    def enter(self, limit):
        """What puts a child into the group, which may take `limit` bytes."""
        name = "memory.max" if self.unified else "memory.limit_in_bytes"
        (self.path / name).write_text(str(limit))
        return lambda: (self.path / "cgroup.procs").write_text(str(os.getpid()))


def in_groups(findings, binary, frames, place, short):
    """Runs in a cgroup of the size of their limit; and the default limit in one."""
    with Group() as group:
        if group is None:
            return
        for name, flags in COMMANDS.items():
            for variant in [["-j", "2"]] if short else [["-j", "1"], ["-j", "2", "--io", "mmap"], ["-j", "8"]]:
                base = [str(binary), *flags, *variant, str(frames)]
                reference = None
                _, _, said = launch([*base, "-o", str(place / "out.fits"), "--mem-limit", "1K"], None)
                smallest = int(re.search(r"try --mem-limit (\d+)K", said)[1]) << 10
                # A group also pays for the program's pages in the cache of the system, which the smallest limit leaves room for.
                for limit in [1 << 30, smallest, smallest + MIB, 32 * MIB, 64 * MIB]:
                    command = [*base, "--overwrite", "--mem-limit", str(limit)]
                    if reference is None:
                        launch([*command, "-q", "-o", str(place / "out.fits")], None)
                        reference = written(place)
                    status = judge(findings, command, group.enter(limit), place, reference, [])
                    if status != 0:
                        findings.add(command, f"in a cgroup of {limit} bytes: exit status {status}")
            print(f"{name:14} in a cgroup of the size of --mem-limit: {findings.done} done so far", flush=True)
        for limit in (48 * MIB, 200 * MIB):
            command = [str(binary), "combine", "--dry-run", "--json", "-o", str(place / "out.fits"), str(frames)]
            _, text, _ = launch(command, group.enter(limit))
            seen = json.loads(text)["limit"] if text else None
            if seen != limit // 2:
                findings.add(command, f"the default limit is {seen} in a cgroup of {limit} bytes")


def main():
    """Every limit; the exit status says whether each run was done or refused in good order."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("--short", action="store_true", help="some of them: a few seconds")
    args = parser.parse_args()
    findings = Findings()
    with tempfile.TemporaryDirectory(prefix="hard-limits-") as folder:
        frames, place = Path(folder) / "frames", Path(folder) / "place"
        make_frames(frames)
        place.mkdir()
        sweep(findings, args.binary, frames, place, args.short)
        in_groups(findings, args.binary, frames, place, args.short)
    print(
        f"{findings.done} runs done with the right bytes, {findings.refused} refused with the reason, "
        f"{findings.unstarted} that the system could not start, {len(findings.wrong)} broken promises"
    )
    return 1 if findings.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
