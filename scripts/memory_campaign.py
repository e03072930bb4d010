"""Holds the memory limit against the kernel's own accounting, over frames × limits × threads × I/O × kernels.

    python scripts/memory_campaign.py BINARY [--short] [--cgroup]

For every run that starts: peak resident memory (VmHWM, as the kernel counts it) at or under the limit; the
plan within 10 % of it (less may be taken where scales are measured: plain frames touch few places of the
tables for that; how many runs are within 10 % is said at the end); the bytes of the output the same for every
limit, thread count and I/O of a case. --cgroup runs each in a memory cgroup of the size of the limit as well
(root, cgroup v1 or v2), where a run beyond it would be killed. Frames are 2048 × 2048 or 512 × 512 uint16; a
few are drawn, the rest are hard links to them. Prints a table and exits 1 on the first promise broken.
"""

import argparse
import hashlib
import json
import os
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

ALL = "data,mask,uncertainty,count,low,high"
CASES = {
    "mean": [],
    "mean, all planes": ["--clip", "minmax:,60000", "--planes", ALL],
    "median, scaled": ["-m", "median", "--scale", "median", "--planes", ALL],
    "MAD clip": ["--clip", "sigma:5", "--planes", ALL],
}


def make_frames(folder, count, side, drawn=8):
    """Frames f0000.fits …: `drawn` of their own, the rest links to these."""
    rng = np.random.default_rng(1)
    folder.mkdir()
    for number in range(count):
        path = folder / f"f{number:04d}.fits"
        if number < drawn:
            pixels = rng.normal(1000, 7, (side, side)).astype(np.uint16)
            fits.PrimaryHDU(pixels).writeto(path)
        else:
            os.link(folder / f"f{number % drawn:04d}.fits", path)


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


def run(command, enter=None):
    """(exit status, standard output, standard error)"""
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=enter)
    return done.returncode, done.stdout, done.stderr


def smallest(command):
    """The smallest limit that the plan accepts, in bytes, as the refusal of a smaller one says."""
    status, _, error = run([*command, "--mem-limit", "1K"])
    found = re.search(r"try --mem-limit (\d+)K", error)
    if status != 1 or not found:
        sys.exit(f"no smallest limit in: {error}")
    return int(found[1]) * 1024


def campaign(binary, short, cgroup):
    """Every run; returns how many there were and the extremes of peak over limit and of peak over plan."""
    shapes = [(8, 512), (40, 512)] if short else [(8, 2048), (100, 512), (500, 2048), (2000, 512)]
    nrun, fullest, ratios = 0, 0.0, []
    with tempfile.TemporaryDirectory() as place:
        for count, side in shapes:
            folder, out = Path(place) / f"{count}x{side}", Path(place) / "out.fits"
            make_frames(folder, count, side)
            large = count * side * side > 3e8
            for case, flags in CASES.items():
                if large and case == "mean, all planes":
                    continue
                digests = set()
                for io in ["mmap", "read"]:
                    for threads in [2] if large else [1, 2, 8]:
                        command = [binary, "combine", "-q", "--json", "--overwrite", "-o", str(out), *flags,
                                   "--io", io, "-j", str(threads), str(folder)]
                        limits = [smallest(command), 64 << 20, 4 << 30]
                        if io == "read" or count * side < 300_000:
                            limits.insert(1, 32 << 20)
                        # The smallest tiles of large frames by maps are slow, and no other for memory.
                        for limit in limits[1:] if large else limits:
                            if limit < limits[0]:
                                continue
                            enter = cgroup.enter(limit)
                            status, text, error = run([*command, "--mem-limit", str(limit)], enter)
                            if status:
                                sys.exit(f"exit {status} at {limit} bytes: {' '.join(command)}\n{error}")
                            memory = json.loads(text)["memory"]
                            peak = memory["peak"]
                            digests.add(hashlib.sha256(out.read_bytes()).hexdigest())
                            nrun += 1
                            fullest = max(fullest, peak / limit)
                            ratios.append(peak / memory["planned"])
                            print(f"{count:5} × {side}² {case:18} {io:4} -j {threads} limit {limit / 2**20:8.1f} MiB  "
                                  f"planned {memory['planned'] / 2**20:6.1f}  peak {peak / 2**20:6.1f}", flush=True)
                            if peak > limit:
                                sys.exit("the peak is beyond the limit")
                            # A huge page of the page cache under a map is planned for as room, not as use.
                            huge = 2 << 20 if io == "mmap" else 0
                            above = peak > 1.1 * memory["planned"] + huge
                            # Of more threads than cores some may find nothing left to do, and touch nothing.
                            all_work = "--scale" not in flags and threads <= (os.cpu_count() or 1)
                            if above or (all_work and ratios[-1] < 0.9):
                                sys.exit("the plan does not add up to the peak")
                if len(digests) != 1:
                    sys.exit(f"{len(digests)} different outputs of one case")
    return nrun, fullest, ratios


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--short", action="store_true", help="few and small frames: a minute")
    parser.add_argument("--cgroup", action="store_true", help="each run in a cgroup of the size of its limit")
    args = parser.parse_args()
    nrun, fullest, ratios = campaign(args.binary, args.short, Cgroup(args.cgroup))
    close = sum(0.9 <= ratio <= 1.1 for ratio in ratios)
    print(f"{nrun} runs: peak at most {fullest:.3f} of the limit, {min(ratios):.3f} to {max(ratios):.3f} of the plan, "
          f"in {close} within 10 % of it; outputs the same")


if __name__ == "__main__":
    main()
