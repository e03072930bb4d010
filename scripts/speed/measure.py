"""Runs programs turn by turn on the same frames: wall and CPU seconds and peak memory, as the kernel counts them."""

import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

from .programs import HERE, ROOT, Job, said

SLOW = {("ccdproc", case) for case in ("mean", "median", "sigma", "mad")} | {("siril", "mad")}
"""Peers that take so long that they get fewer rounds."""


class Stacks:
    """Frames below one folder: the largest stack is made, smaller ones are links to its first frames."""

    def __init__(self, folder, python, side, most):
        """Write `most` frames of `side` rows and columns, unless they are there."""
        self.whole = folder / f"frames-{side}"
        self.side = side
        here = len(list(self.whole.glob("*.fits")))
        if here and here < most:
            sys.exit(f"{self.whole} holds {here} frames, {most} are wanted: remove it")
        if not here:
            print(f"makes {most} frames of {side} x {side}", flush=True)
            maker = [python, str(HERE / "frames.py"), str(self.whole), str(most), str(side)]
            if subprocess.run(maker, check=False).returncode:
                sys.exit(f"{python} could not make the frames: it needs numpy and astropy; name another by --python")

    def folder(self, nframe):
        """The folder with a stack of so many frames."""
        folder = self.whole.with_name(f"{self.whole.name}x{nframe}")
        folder.mkdir(exist_ok=True)
        for path in sorted(self.whole.glob("*.fits"))[:nframe]:
            link = folder / path.name
            if not link.exists():
                os.link(path, link)
        return folder


def run(command, folder):
    """Wall seconds, CPU seconds and peak MiB of one run; None where it failed.

    A peak below that of this script, some 20 MiB, cannot be seen: what is forked begins with it.
    """
    with tempfile.TemporaryFile() as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            said_last = errors.read().decode(errors="replace")[-400:]
            print(f"failed ({process.returncode}): {' '.join(command)[:200]}\n{said_last}", file=sys.stderr)
            return None
    return {"wall": wall, "cpu": usage.ru_utime + usage.ru_stime, "peak": usage.ru_maxrss / 1024}


def is_whole(out, side):
    """Whether a program left an image with a pixel of at least 32 bits for each of a frame."""
    return out.exists() and out.stat().st_size >= 4 * side * side


def take_turns(programs, names, job, side, rounds):
    """Figures of every program by name: `rounds` is how many for the fast and for the slow.

    A round before the first fills the page cache; of it only `cat` and ccdstream take part, and nothing counts.
    """
    taken = {name: [] for name in names}
    for turn in range(rounds[0] + 1):
        for name in list(taken):
            if (turn == 0 and name not in ("cat", "ccdstream")) or (turn > rounds[1] and (name, job.case) in SLOW):
                continue
            figures = one_turn(programs, name, job, side)
            if figures is None:
                del taken[name]
            elif turn > 0:
                taken[name].append(figures)
    return taken


def one_turn(programs, name, job, side):
    """Figures of one run of a program; None where it failed or does not know the case."""
    here = Job(job.case, job.folder, job.out.with_name(f"out-{name}.fits"), job.limit)
    here.out.unlink(missing_ok=True)
    command = programs.command(name, here)
    figures = command and run(command, job.out.parent)
    if figures and name != "cat" and not is_whole(here.out, side):
        print(f"{name} wrote no whole image: {' '.join(command)[:200]}", file=sys.stderr)
        return None
    return figures


def floors(frames, side, rounds, folder):
    """Rows of `cargo bench --bench combine` for the same stacks: whole runs beside reading and decoding alone."""
    path = folder / "combine.json"
    words = ["--frames", ",".join(map(str, frames)), "--side", side, "--rounds", rounds, "--json", path]
    command = ["cargo", "bench", "--bench", "combine", "--", *map(str, words)]
    print(" ".join(command), flush=True)
    if subprocess.run(command, cwd=ROOT, check=False).returncode or not path.exists():
        print("cargo bench gave no floor; the tables lack it", file=sys.stderr)
        return []
    return json.loads(path.read_text())


def machine(binary, folder, out):
    """What the figures depend on: cores, CPU, width of the vectors, memory, kernel, the day."""
    summary = json.loads(said([binary, "combine", "--json", "--overwrite", "-o", str(out), str(folder)]) or "{}")
    cpu = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu": cpu.group(1) if cpu else platform.machine(),
        "vectors": summary.get("vectors", "unknown vectors"),
        "memory_gib": memory >> 30,
        "kernel": ".".join(platform.release().split(".")[:2]),
        "date": date.today().isoformat(),
        "version": summary.get("version", ""),
    }
