"""Samples of `perf`, and the room of the house that each belongs to."""

import re
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass

ROOMS = ("read", "decode", "sort", "clip", "sums", "encode", "write", "other")

READS = re.compile(
    r"^(vfs_read|ksys_p?read\w*|filemap_read|filemap_fault|filemap_map_pages|page_cache_ra\w*|__x64_sys_p?read\w*|__libc_pread\w*)$"
)
WRITES = re.compile(
    r"^(vfs_write|ksys_p?write\w*|vfs_fsync\w*|do_fsync|ext4_sync_file|do_sys_ftruncate|__x64_sys_p?write\w*|__libc_p?write\w*)$"
)

BY_FILE = [
    (re.compile(pattern), room)
    for pattern, room in (
        (r"source/|libc\S* __libc_pread", "read"),
        (r"decode/", "decode"),
        (r"kernel/(sort|network|merge)\.rs", "sort"),
        (r"kernel/(row|lanes|width)\.rs", "other"),
        (r"kernel/(between|moments)\.rs (count_rejected|\w*distances?_kept|\w+_(ranks|values))", "clip"),
        (r"kernel/(between|moments)\.rs", "sums"),
        (r"kernel/", "clip"),
        (r"stack/encode\.rs", "encode"),
        (r"stack/(block|formulas|propagate)\.rs", "sums"),
        (r"stack/(sorted|moments|textbook|page|samples|tally)\.rs", "clip"),
        (r"sink/", "write"),
    )
]
"""The first that matches `file function` counts. `clip` is centre, deviation and bounds, and the middle of a median."""

CARRIERS = re.compile(r"kernel/(row|lanes|width)\.rs|stack/lanes\.rs|pipeline/strip\.rs")
"""Files whose code serves many rooms: the frame around it decides."""


ENTRY = re.compile(r"vectorize\w*<ccdstream::[^<]*?(\w+)::\{closure_env")
"""The function that chose the vector width: what a kernel is called by the rest of the program."""


@dataclass(frozen=True)
class Place:
    """Where a sample was taken: a file below src/, or `kernel read`, `kernel write`, or what else."""

    where: str
    function: str


def room(place):
    """The room of a place."""
    for name in ("read", "write"):
        if place.where == f"kernel {name}":
            return name
    key = f"{place.where} {place.function}"
    return next((room for pattern, room in BY_FILE if pattern.match(key)), "other")


def places(data, binary):
    """A counter of the places of all samples in a file of `perf record`."""
    command = ["perf", "script", "-i", str(data), "--show-mmap-events", "-F", "comm,ip,sym,dso"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    load = loaded(text, binary)
    found, ours = Counter(), Counter()
    for frames in chains(text):
        address, symbol, file = frames[0]
        if "[kernel" in file:
            found[in_kernel([symbol for _, symbol, _ in frames])] += 1
        elif file == binary:
            ours[load.address(address)] += 1
        else:
            found[Place(file.rsplit("/", 1)[-1], symbol)] += 1
    inlined = innermost(binary, list(ours))
    for address, count in ours.items():
        found[inlined[address]] += count
    return found


def chains(text):
    """The call chain of each sample, innermost first: [(address, symbol, file)]."""
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if line.startswith(("\t", "  "))]
        frames = [re.match(r"\s*([0-9a-f]+) (.*) \((.*)\)$", line) for line in lines]
        frames = [(int(frame[1], 16), frame[2], frame[3]) for frame in frames if frame]
        if frames:
            yield frames


def in_kernel(symbols):
    """The place of a sample in the kernel, by the calls that led there."""
    for pattern, name in ((WRITES, "kernel write"), (READS, "kernel read")):
        if any(pattern.match(symbol) for symbol in symbols):
            return Place(name, symbols[0])
    return Place("kernel", symbols[0])


@dataclass(frozen=True)
class Load:
    """How addresses in memory become those of the line tables."""

    start: int
    offset: int
    shift: int

    def address(self, sampled):
        """perf prints addresses in memory, or (with call chains) places in the file."""
        place = sampled - self.start + self.offset if sampled >= self.start else sampled
        return place + self.shift


def loaded(text, binary):
    """Where the code of the program was mapped."""
    mapped = re.search(
        rf"\[0x([0-9a-f]+)\(0x[0-9a-f]+\) @ (0x[0-9a-f]+|0) [^]]*\]: r-xp {re.escape(binary)}$", text, re.M
    )
    if mapped is None:
        sys.exit(f"perf saw no map of {binary}")
    headers = subprocess.run(["readelf", "-lW", binary], capture_output=True, text=True, check=True).stdout
    segment = re.search(r"LOAD\s+(0x[0-9a-f]+) (0x[0-9a-f]+) \S+ \S+ \S+ R E", headers)
    shift = int(segment[2], 16) - int(segment[1], 16) if segment else 0
    return Load(int(mapped[1], 16), int(mapped[2], 16), shift)


def innermost(binary, addresses):
    """The place of each address: of its inlined frames, the innermost in a file of src/ that is no carrier."""
    asked = "".join(f"{address:#x}\n" for address in addresses)
    command = ["addr2line", "-a", "-f", "-i", "-C", "-e", binary]
    lines = subprocess.run(command, input=asked, capture_output=True, text=True, check=True).stdout.splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("0x")]
    found = {}
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        frames = list(zip(lines[start + 1 : end : 2], lines[start + 2 : end : 2], strict=True))
        found[int(lines[start], 16)] = of_frames(frames)
    return found


def of_frames(frames):
    """The place that the inlined frames [(function, file:line)] of an address name."""
    ours = []
    named = [match[1] for function, _ in frames if (match := ENTRY.search(function)) and match[1] != "vectorize"]
    for function, line in frames:
        below = re.match(r"(.*/)?src/([\w/]+\.rs):", line)
        if below and "/.cargo/" not in line and "/rustc/" not in line:
            ours.append(Place(below[2], named[-1] if named else short(function)))
    if not ours:
        return Place("other crates", short(frames[-1][0]))
    return next((place for place in ours if not CARRIERS.match(place.where)), ours[-1])


def short(function):
    """A function without its type parameters and its path."""
    while True:
        bare = re.sub(r"<[^<>]*>", "", function)
        if bare == function:
            return [part for part in bare.split("::") if part][-1] if bare.strip(":") else function
        function = bare
