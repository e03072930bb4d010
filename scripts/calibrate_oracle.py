"""Judges `calibrate` against an independent float64 oracle, over drawn frames, masters and steps.

    python scripts/calibrate_oracle.py BINARY [--configs 250] [--seed N] [--only K] [--keep DIR]
    python scripts/calibrate_oracle.py BINARY --against-ccdproc [--configs 100]
    python scripts/calibrate_oracle.py --self-check [--configs 250]

Compares data (1 ulp of the output's type), UNCERT (1e-6), MASK, BUNIT, CRPIX, the steps' cards and
the names of the masters in HISTORY. --against-ccdproc judges by ccdproc where it defines the same,
and lists the mended faults. --self-check judges the oracle itself by ccdproc, without a program.
Prints one line at the end; on the first disagreement the command, the pixel, and exit status 1.
"""

import argparse
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calibrate_peers import draw_tame, judge_oracle, judge_peer
from calibrated_files import calibrate_command, check_answer, write_night
from chain_oracle import calibrate_file
from compare import Disagreement, launch, shell
from draw_calibration import draw_night
from level_oracle import Refusal
from mended import check_faults
from raw_frames import read_frames

MOST_UNDECIDED = 0.01


@dataclass
class Count:
    """What has been judged."""

    frames: int = 0
    pixels: int = 0
    undecided: int = 0
    refused: int = 0


def expect(night, folder, names):
    """The answers of each frame, or the Refusal that it has to be."""
    cal, every = night.cal, night.cal.hdu == "all"
    masters = {step: read_frames(folder / name, every=True) for step, name in cal.masters().items()}
    expected = []
    for name in names:
        try:
            frames = read_frames(folder / name, every, cal.mask_hdu, cal.mask_bits)
            expected.append(calibrate_file(frames, cal, masters, night.bad))
        except Refusal as refusal:
            expected.append(refusal)
    return expected


def judge(binary, night, folder, count):
    """Run one configuration; raises Disagreement with everything that is needed to look into it."""
    names = write_night(night, folder)
    run = launch(calibrate_command(binary, night.cal.flags() + night.run_flags, "out", names), folder)
    expected = expect(night, folder, names)
    refused = [answer for answer in expected if isinstance(answer, Refusal)]
    try:
        if run.code != (1 if refused else 0) and not (refused and run.code == 2 and len(refused) == len(names)):
            raise Disagreement(f"exit status {run.code}, {len(refused)} refusals expected\n{run.message}\n{refused}")
        if refused and not run.message:
            raise Disagreement("a refusal without a word")
        for name, answer in zip(names, expected, strict=True):
            check_frame(folder, name, answer, night, count)
    except Disagreement as error:
        raise Disagreement(f"cd {folder}\n{shell(run.command)}\n{error}") from None


def check_frame(folder, name, answer, night, count):
    """One frame: not there where it is refused, else the expected file."""
    path = folder / "out" / name
    count.frames += 1
    if isinstance(answer, Refusal):
        count.refused += 1
        if path.exists():
            raise Disagreement(f"{name} was written, expected a refusal: {answer}")
        return
    if not path.exists():
        raise Disagreement(f"{name} was not written")
    pixels, undecided = check_answer(path, folder / name, answer, night.cal)
    count.pixels, count.undecided = count.pixels + pixels, count.undecided + undecided


def run_all(args, indices, home):
    """Judge the configurations; files of those that agree are removed unless kept."""
    peer = args.against_ccdproc or args.self_check
    count = Count()
    for index in indices:
        folder, rng = home / f"config{index}", np.random.default_rng([args.seed, index])
        night = draw_tame(rng) if peer else draw_night(rng)
        try:
            if args.self_check:
                judge_oracle(night, folder, count)
            elif peer:
                judge_peer(args.binary, night, folder, count)
            else:
                judge(args.binary, night, folder, count)
        except Disagreement as error:
            raise Disagreement(f"configuration {index} of seed {args.seed}\n{error}") from None
        if not args.keep:
            shutil.rmtree(folder)
    return count


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", nargs="?", type=lambda text: Path(text).resolve())
    parser.add_argument("--configs", type=int, default=250)
    parser.add_argument("--seed", type=int, default=20250404)
    parser.add_argument("--only", type=int, help="judge this one configuration")
    parser.add_argument("--keep", type=Path, help="leave all files in this folder")
    parser.add_argument("--against-ccdproc", action="store_true", help="compare with ccdproc itself")
    parser.add_argument("--self-check", action="store_true", help="the oracle against ccdproc, without a program")
    args = parser.parse_args()
    if not args.binary and not args.self_check:
        parser.error("BINARY is missing")
    return args


def main():
    """Judge, report, and say by the exit status whether all agreed."""
    args = arguments()
    begin = time.monotonic()
    indices = [args.only] if args.only is not None else list(range(args.configs))
    home = Path(args.keep.resolve() if args.keep else tempfile.mkdtemp(prefix="calibrate-oracle-"))
    try:
        count = run_all(args, indices, home)
        if args.against_ccdproc or args.self_check:
            check_faults(None if args.self_check else args.binary, home / "faults")
    except Disagreement as error:
        print(f"DISAGREE\n{error}\nfiles are left in {home}")
        return 1
    if not args.keep:
        shutil.rmtree(home)
    print(
        f"{len(indices)} configurations, {count.frames} frames, {count.pixels} pixels, {count.undecided} undecided:"
        f" all agree ({count.refused} frames rightly refused, {time.monotonic() - begin:.0f} s)"
    )
    if count.undecided > MOST_UNDECIDED * max(count.pixels, 10000):
        print("too many undecided pixels: the draw is at fault")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
