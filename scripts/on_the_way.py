"""Holds `combine` with calibration flags against `calibrate` to disk and `combine` of that.

    python scripts/on_the_way.py BINARY [--configs 100] [--seed N] [--only K] [--keep DIR]

The bytes of every plane are the same, and the headers but for the cards that name frames and steps;
the output of the one pass is the same file for every limit, thread count and I/O. Where one way is
refused the other is. Prints one line at the end; exit status 1 on the first promise broken.
"""

import argparse
import hashlib
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.io import fits

from calibrated_files import calibrate_command, write_night
from calibration import STEP_CARDS
from compare import Disagreement, combine_command, launch, shell
from draw_calibration import draw_night
from draw_recipe import Outline, chance, draw_section, draw_step, pick

# Cards that name frames and steps, and those that follow from them.
OWN_CARDS = {"HISTORY", "COMMENT", "", "CHECKSUM", "CALMASK", *STEP_CARDS.values()}
PLANES = "data,mask,uncertainty,count,low,high"
MANY = 12


def has_uncertainty(night):
    """Whether each calibrated frame may bring one."""
    files = [*night.masters.values(), *night.frames]
    return night.cal.deviation or any(chip.uncert is not None for file in files for chip in file.chips)


def draw_stack(rng, night, shape):
    """The flags of the stack."""
    flags, nframe = ["--planes", PLANES], len(night.frames)
    flags += ["--method", pick(rng, ["average", "average", "median", "sum"])]
    outline = Outline((nframe, *shape), 3000.0, 100.0, True, True, False)
    for _ in range(int(rng.integers(0, 3))):
        flags += ["--clip", draw_step(rng, outline, []).text()]
    if chance(rng, 0.3):
        flags += ["--nkeep", str(int(rng.integers(1, 4)))]
    levels = ["mean", "median", "median", "mode", "key:EXPTIME", ",".join(f"1.{i}" for i in range(nframe))]
    for flag in ("--scale", "--zero"):
        if chance(rng, 0.4):
            flags.append(f"{flag}={pick(rng, levels)}")
    if chance(rng, 0.3):
        flags.append(f"--scale-to={pick(rng, ['first', 'mean', '100'])}")
    uncertain = has_uncertainty(night)
    weights = ["key:EXPTIME", ",".join(f"0.{i + 1}" for i in range(nframe))] + ["ivar"] * 3 * uncertain
    if chance(rng, 0.4):
        flags.append(f"--weight={pick(rng, weights)}")
    if uncertain and chance(rng, 0.6):
        flags.append("--uncertainty=propagate")
    if chance(rng, 0.2):
        flags.append(f"--region={draw_section(rng, *shape).text}")
    return flags + [f"--dtype={pick(rng, ['auto'] * 4 + ['f32', 'f64'])}"]


def draw_run(rng):
    """Limit, threads and I/O, which change nothing."""
    limit = pick(rng, ["32M", "64M", "1G"])
    return ["--mem-limit", limit, "--threads", str(int(rng.integers(1, 9))), "--io", pick(rng, ["mmap", "read"])]


def draw_pair(rng):
    """(night, flags of the stack, flags of statistics that both need)."""
    night = draw_night(rng)
    while len(night.frames) > 1 and chance(rng, 0.5) and len(night.frames) < MANY:
        night.frames += night.frames[:2]
    night.cal = replace(night.cal, below=None, above=None, planes=None, dtype="auto", stats_section=None)
    shape = next(iter(night.masters.values())).chips[0].image.stored.shape if night.masters else (18, 15)
    statistics = ["--stats-section", draw_section(rng, *shape).text] if chance(rng, 0.4) else []
    return night, draw_stack(rng, night, shape), statistics


def plane_bytes(path, hdu):
    """The bytes of the data of an HDU as they stand in the file."""
    info = hdu.fileinfo()
    with open(path, "rb") as file:
        file.seek(info["datLoc"])
        return file.read(info["datSpan"])


def cards_of(header):
    """(keyword, value) of the cards that have to agree, and how often each stands there."""
    kept = [(c.keyword, c.value) for c in header.cards if c.keyword not in OWN_CARDS]
    return Counter((key, str(value)) for key, value in kept if not key.startswith("IMCMB"))


def compare_files(one, two):
    """Raise where planes or headers of the outputs differ."""
    with fits.open(one, memmap=False) as first, fits.open(two, memmap=False) as second:
        names = [[hdu.name for hdu in hdus] for hdus in (first, second)]
        if names[0] != names[1]:
            raise Disagreement(f"HDUs {names[0]} in one pass, {names[1]} by way of the disk")
        for a, b in zip(first, second, strict=True):
            here, there = cards_of(a.header), cards_of(b.header)
            if here != there:
                raise Disagreement(f"{a.name}: one pass has {list(here - there)}, the disk {list(there - here)}")
            check_bytes(plane_bytes(one, a), plane_bytes(two, b), a)


def check_bytes(here, there, hdu):
    """Raise at the first byte that differs."""
    if here != there:
        size = abs(hdu.header["BITPIX"]) // 8
        wrong = np.flatnonzero(np.frombuffer(here, "u1") != np.frombuffer(there, "u1")) // size
        row, col = divmod(int(wrong[0]), hdu.header["NAXIS1"])
        kind = np.dtype({1: ">u1", 4: ">f4" if hdu.header["BITPIX"] < 0 else ">i4", 8: ">f8"}[size])
        values = [np.frombuffer(raw, kind)[int(wrong[0])] for raw in (here, there)]
        count = len(np.unique(wrong))
        raise Disagreement(f"{hdu.name}: {count} samples differ, first at row {row} col {col}: {values}")


def judge(binary, pair, rng, folder):
    """Run both ways; returns whether the stack came to be."""
    night, stack, statistics = pair
    names = write_night(night, folder)
    steps = night.cal.flags()
    on_disk = steps + (statistics if night.cal.sky != "none" else [])
    every = ["--hdu", "all"] if night.cal.hdu else []
    commands = [
        calibrate_command(binary, on_disk + ["--mem-limit", "256M"], "red", names),
        combine_command(binary, stack + statistics + every, "disk.fits", [f"red/{name}" for name in names]),
    ]
    ways = [
        combine_command(binary, steps + stack + statistics + draw_run(rng), f"way{i}.fits", names) for i in range(3)
    ]
    runs = []
    try:
        for command in commands + ways:
            if command is commands[1] and runs[0].code != 0:
                continue
            runs.append(launch(command, folder))
        made = runs[len(runs) - len(ways) - 1].code == 0
        if any((run.code == 0) != made for run in runs[-len(ways) :]):
            raise Disagreement(f"exit status {[run.code for run in runs]}: {[run.message for run in runs]}")
        if made:
            digests = {hashlib.sha256((folder / f"way{i}.fits").read_bytes()).hexdigest() for i in range(len(ways))}
            if len(digests) != 1:
                raise Disagreement("limits, threads or I/O change the output")
            compare_files(folder / "way0.fits", folder / "disk.fits")
    except Disagreement as error:
        lines = "\n".join(shell(command) for command in commands + ways)
        raise Disagreement(f"cd {folder}\n{lines}\n{error}") from None
    return made


def main():
    """Judge, report, and say by the exit status whether all agreed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("--configs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=20250405)
    parser.add_argument("--only", type=int, help="judge this one configuration")
    parser.add_argument("--keep", type=Path, help="leave all files in this folder")
    args = parser.parse_args()
    begin = time.monotonic()
    indices = [args.only] if args.only is not None else list(range(args.configs))
    home = Path(args.keep.resolve() if args.keep else tempfile.mkdtemp(prefix="on-the-way-"))
    made = 0
    for index in indices:
        rng, folder = np.random.default_rng([args.seed, index]), home / f"config{index}"
        try:
            made += judge(args.binary, draw_pair(rng), rng, folder)
        except Disagreement as error:
            print(f"DISAGREE\nconfiguration {index} of seed {args.seed}\n{error}\nfiles are left in {home}")
            return 1
        if not args.keep:
            shutil.rmtree(folder)
    if not args.keep:
        shutil.rmtree(home)
    took = time.monotonic() - begin
    print(f"{len(indices)} recipes, {made} stacks, {len(indices) - made} refused both ways: the same ({took:.0f} s)")
    if 2 * made < len(indices):
        print("too many are refused: the draw is at fault")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
