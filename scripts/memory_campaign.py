"""Holds the memory limit against the kernel's own accounting, over frames × limits × threads × I/O × kernels × calibrations.

    python scripts/memory_campaign.py BINARY [--short] [--cgroup] [--part stacks|packed|calibration] [--case TEXT] [--go-on]

For every run that starts: peak resident memory (VmHWM, as the kernel counts it) at or under the limit; the
plan within 10 % of it (less may be taken where scales are measured: plain frames touch few places of the
tables for that; how many runs are within 10 % is said at the end); the bytes of the output the same for every
limit, thread count and I/O of a case. --cgroup runs each in a memory cgroup of the size of the limit as well
(root, cgroup v1 or v2), where a run beyond it would be killed. Frames of stacks are 2048 × 2048 or 512 × 512
uint16, plain and packed; those that are calibrated are of many shapes, with masters in every BITPIX, in one image and in
several; a few are drawn, the rest are hard links to them. Prints a table and exits 1 on the first promise
broken, or with --go-on at the end.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from memory_calibration import ALL, calibrates
from memory_frames import make_frames, pack_frames
from memory_run import MIB, Cgroup, Ledger, digest, smallest

MASKS = "masks"
CASES = {
    "mean": [],
    "mean, all planes": ["--clip", "minmax:,60000", "--planes", ALL],
    "median, scaled": ["-m", "median", "--scale", "median", "--planes", ALL],
    "packed output": ["--compress", "rice", "--planes", ALL],
    "gzipped output": ["--compress", "gzip", "--quantize", "4", "--dtype", "f64"],
    "MAD clip": ["--clip", "sigma:5", "--planes", ALL],
    "unlike detectors": ["--clip", "ccd:3,gain=GAIN,rdnoise=RDNOISE,snoise=0.01", "--planes", ALL],
    "line": ["--clip", "linear-fit:3", "--planes", ALL],
    "ESD, RCR": ["--clip", "esd:0.3,0.05", "--clip", "rcr", "--planes", ALL],
    "weights by noise": ["--clip", "winsorized:3", "--norm", "addscale", "--weight", "noise", "--planes", ALL],
    "poisson": ["--clip", "poisson:4", "--planes", ALL],
    "neighbours, masks": ["--clip", "sigma:4", "--grow", "1.5", "--hole-fill", "4", "--planes", ALL, "--rejected", MASKS],
}


def stacks(binary, ledger, place, short, cases):
    """Every run of frames that are combined as they are."""
    shapes = [(8, 512), (40, 512), (1000, 64)] if short else [(8, 2048), (100, 512), (500, 2048), (2000, 512), (1000, 64)]
    for count, side in shapes:
        folder = place / f"{count}x{side}"
        make_frames(folder, count, side)
        large = count * side * side > 3e8
        for case, flags in cases.items():
            if large and case in ("mean, all planes", "neighbours, masks"):
                continue
            stack(binary, ledger, (folder, count, side), f"{count:5} × {side}² {case:18}", flags)


def packed(binary, ledger, place, short):
    """Every run of frames that are packed: as a whole, by rows, and in one tile an image, which is unpacked once or by bands."""
    for count, side in [(8, 512), (40, 512)] if short else [(8, 2048), (40, 512), (300, 1024)]:
        for name, tile in {"gz": None, "rice, rows": (1, side), "rice, one tile": (side, side)}.items():
            folder = place / f"{name}-{count}x{side}"
            pack_frames(folder, count, side, tile)
            stack(binary, ledger, (folder, count, side), f"{count:5} × {side}² {name:18}", CASES["median, scaled"])


def stack(binary, ledger, frames, case, flags):
    """The runs of one recipe on frames of one kind."""
    folder, count, side = frames
    large, out, digests = count * side * side > 3e8, folder.parent / "out.fits", set()
    masks = folder.parent / MASKS
    flags = [masks if flag == MASKS else flag for flag in flags]
    for io in ["mmap", "read"]:
        for threads in [2] if large else [1, 2, 8]:
            command = [binary, "combine", "-q", "--json", "--overwrite", "-o", out, *flags]
            command += ["--io", io, "-j", threads, folder]
            limits = [smallest(command), 64 * MIB, 4 << 30]
            if io == "read" or count * side < 300_000:
                limits.insert(1, 32 * MIB)
            # Of more threads than cores some may find nothing left to do, and touch nothing.
            # Tiles that are packed may not need gzip, whose tables are planned for.
            works = not {"--scale", "--compress", "--rejected"} & set(flags) and threads <= (os.cpu_count() or 1)
            # The smallest tiles of large frames by maps are slow, and no other for memory.
            for limit in limits[1:] if large else limits:
                if limit >= limits[0]:
                    label, nmap = f"{case} {io:4} -j {threads}", threads * (io == "mmap")
                    of_output = ledger.hold(label, command, out, limit, nmap, works)
                    told = digest(masks) if masks in flags and of_output else ""
                    digests.add(of_output and f"{of_output} {told}")
    ledger.same(case, digests)


def main():
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    parser.add_argument("--short", action="store_true", help="few and small frames: two minutes")
    parser.add_argument("--cgroup", action="store_true", help="each run in a cgroup of the size of its limit")
    parser.add_argument("--part", choices=["stacks", "packed", "calibration"], help="one part of the campaign")
    parser.add_argument("--case", default="", metavar="TEXT", help="only stacks and calibrations whose name has TEXT in it")
    parser.add_argument("--go-on", action="store_true", help="do not end at the first promise broken")
    args = parser.parse_args()
    cases = {name: flags for name, flags in CASES.items() if args.case.lower() in name.lower()}
    cgroup = Cgroup(args.cgroup)
    ledger = Ledger(cgroup, args.go_on)
    try:
        with tempfile.TemporaryDirectory() as place:
            if args.part in (None, "stacks"):
                stacks(args.binary, ledger, Path(place), args.short, cases)
            if args.part in (None, "packed"):
                packed(args.binary, ledger, Path(place), args.short)
            if args.part in (None, "calibration"):
                calibrates(args.binary, ledger, Path(place), args.short, args.case)
    finally:
        cgroup.remove()
    print(ledger.told())
    sys.exit(1 if ledger.broken else 0)


if __name__ == "__main__":
    main()
