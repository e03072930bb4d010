"""One run of the program against its memory limit, and the ledger of all runs."""

import hashlib
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path

MIB = 1 << 20


class Cgroup:
    """A memory cgroup that the runs are put into, if asked for."""

    def __init__(self, wanted):
        self.path, self.limit_file = None, None
        if not wanted:
            return
        unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        self.path = Path("/sys/fs/cgroup/ccdstream" if unified else "/sys/fs/cgroup/memory/ccdstream")
        if unified:
            Path("/sys/fs/cgroup/cgroup.subtree_control").write_text("+memory")
        self.path.mkdir(exist_ok=True)
        self.limit_file = self.path / ("memory.max" if unified else "memory.limit_in_bytes")

    def enter(self, limit):
        """What the child does before it becomes the program."""
        if self.path is None:
            return None
        self.limit_file.write_text(str(limit))
        return lambda: (self.path / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self):
        """Removes the cgroup, which is empty between runs."""
        if self.path is not None:
            self.path.rmdir()


def run(command, enter=None):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(list(map(str, command)), check=False, capture_output=True, text=True, preexec_fn=enter)
    return done.returncode, done.stdout, done.stderr


def smallest(command):
    """The smallest limit that the plan accepts, in bytes, as the refusal of a smaller one says."""
    status, _, error = run([*command, "--mem-limit", "1K"])
    found = re.search(r"try --mem-limit (\d+)K", error)
    if status != 1 or not found:
        sys.exit(f"no smallest limit in: {error}")
    return int(found[1]) * 1024


def digest(output):
    """A sum over the bytes of a file, or of every file of a folder."""
    whole = hashlib.sha256()
    for path in sorted(output.iterdir()) if output.is_dir() else [output]:
        whole.update(path.name.encode())
        whole.update(path.read_bytes())
    return whole.hexdigest()


class Ledger:
    """What all runs came to. A promise that is broken ends the campaign, unless it goes on to find all that are."""

    def __init__(self, cgroup, go_on=False):
        self.cgroup, self.go_on = cgroup, go_on
        self.of_limit, self.of_plan, self.broken = [], [], 0

    def fault(self, text):
        """Says what is broken."""
        self.broken += 1
        print(f"BROKEN: {text}", flush=True)
        if not self.go_on:
            sys.exit(1)

    def hold(self, label, command, output, limit, nmap, works):
        """Runs the command at a limit; `nmap`: threads that read from maps; `works`: whether every thread finds enough to do, so that the plan is met."""
        if output.is_dir():
            shutil.rmtree(output)
        command = [*command, "--mem-limit", str(limit)]
        status, text, error = run(command, self.cgroup.enter(limit))
        if status:
            self.fault(f"exit {status} at {limit} bytes: {' '.join(map(str, command))}\n{error[:500]}")
            return None
        memory = json.loads(text)["memory"]
        peak, planned = memory["peak"], memory["planned"]
        self.of_limit.append(peak / limit)
        self.of_plan.append(peak / planned)
        print(f"{label} limit {limit / MIB:8.2f} MiB  planned {planned / MIB:7.2f}  peak {peak / MIB:7.2f}", flush=True)
        if peak > limit:
            self.fault("the peak is beyond the limit")
        # A huge page of the page cache, under each thread that reads from maps, is planned for as room, not as use.
        # What the process has at its start, its code above all, is a MiB more or less from one run to the next: the plan counts that.
        above = peak > 1.1 * planned + MIB + 2 * MIB * nmap
        if above or (works and peak < 0.9 * planned - MIB):
            self.fault("the plan does not add up to the peak")
        return digest(output)

    def same(self, label, digests):
        """The outputs of one case are one."""
        if len(digests - {None}) > 1:
            self.fault(f"{len(digests)} different outputs of {label}")

    def told(self):
        """The line at the end."""
        if not self.of_limit:
            return "no run"
        close = sum(0.9 <= ratio <= 1.1 for ratio in self.of_plan)
        return (
            f"{len(self.of_limit)} runs: peak at most {max(self.of_limit):.3f} of the limit, in the middle "
            f"{statistics.median(self.of_limit):.3f}; {min(self.of_plan):.3f} to {max(self.of_plan):.3f} of the plan, "
            f"in {close} within 10 % of it; outputs the same"
        )
