"""Judges the program against an independent float64 oracle, over drawn configurations.

    python scripts/oracle.py BINARY [--configs 250] [--seed N] [--only K] [--keep DIR]
    python scripts/oracle.py BINARY --against-ccdproc [--configs 60]

Prints one line at the end; on the first disagreement the command, the pixel, its samples, and
exit status 1. Configuration K of a seed is always the same; --keep leaves the files.
"""

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

from combine_peers import draw_peer, judge_peer
from compare import Disagreement, Tally, combine_command, compare, launch, read_output, shell
from draw import draw_config
from fits_frames import FrameFile, read_stack, write_frames
from level_oracle import Refusal
from whole_stack import combine_stack

MOST_UNDECIDED = 1e-3
ENOUGH = 100


def write_config(config, folder):
    """Write frames, lists and the bad-pixel mask; returns (flags, names of the frames)."""
    names = write_frames(config.files, folder)
    for name, text in config.lists.items():
        (folder / name).write_text(text)
    flags = config.recipe.flags() + config.run_flags
    if config.bad is not None:
        FrameFile(config.bad).write(folder / "bad.fits")
        flags += ["--bad-pixels", "bad.fits"]
    return flags, names


def expect(config, folder, names):
    """The oracle's answer, or the Refusal that the program has to make."""
    bad = None if config.bad is None else config.bad.stored
    paths = [folder / name for name in names]
    needs_u = config.recipe.needs_uncertainty()
    try:
        stack = read_stack(paths, needs_u, config.names, bad, config.hdu)
        return combine_stack(stack, config.recipe)
    except Refusal as refusal:
        return refusal


def judge(binary, config, folder, tally):
    """Run one configuration; raises Disagreement with everything that is needed to look into it."""
    flags, names = write_config(config, folder)
    command = combine_command(binary, flags, "out.fits", names)
    run = launch(command, folder)
    expected = expect(config, folder, names)
    try:
        if isinstance(expected, Refusal):
            check_refusal(run, folder, expected)
            tally.refused += 1
            return
        if run.code != 0:
            raise Disagreement(f"exit status {run.code}, expected an output\n{run.message}")
        answer = read_output(folder / "out.fits", config.recipe.planes, expected.dtype)
        check_shape(answer, config)
        compare(answer, expected, config.recipe, tally)
        if config.recipe.rejected:
            compare_masks(folder / "masks", expected)
    except Disagreement as error:
        raise Disagreement(f"cd {folder}\n{shell(run.command)}\n{error}") from None


def check_refusal(run, folder, refusal):
    """A refused run ends with 1 or 2, a message, and no output."""
    if run.code not in (1, 2) or not run.message:
        raise Disagreement(f"exit status {run.code}, expected a refusal: {refusal}")
    if (folder / "out.fits").exists():
        raise Disagreement("a refused run left an output")


def compare_masks(folder, expected):
    """The mask of each frame tells what became of its samples; by name they stand in the order of the frames."""
    paths = sorted(folder.iterdir())
    if len(paths) != len(expected.codes):
        raise Disagreement(f"{len(paths)} masks of {len(expected.codes)} frames")
    decided = [place for place, pixel in expected.pixels.items() if pixel is not None]
    for path, codes in zip(paths, expected.codes, strict=True):
        told = fits.getdata(path, "REJECTED")
        for place in decided:
            if told[place] != codes[place]:
                raise Disagreement(f"{path.name} at {place}: {told[place]}, expected {codes[place]}")


def check_shape(answer, config):
    """Every plane has the shape of the frames, or of the region."""
    shape = config.files[0].image.stored.shape[-2:]
    region = config.recipe.region
    if region:
        shape = (region.y2 - region.y1 + 1, region.x2 - region.x1 + 1)
    for name, values in answer.items():
        if values.shape != shape:
            raise Disagreement(f"{name} has shape {values.shape}, expected {shape}")


def run_all(args, indices, home):
    """Judge the configurations; files of those that agree are removed unless kept."""
    draw, judge_one = (draw_peer, judge_peer) if args.against_ccdproc else (draw_config, judge)
    tally = Tally()
    for index in indices:
        folder = home / f"config{index}"
        try:
            config = draw(np.random.default_rng([args.seed, index]))
            judge_one(args.binary, config, folder, tally)
        except Disagreement as error:
            raise Disagreement(f"configuration {index} of seed {args.seed}\n{error}") from None
        if not args.keep:
            shutil.rmtree(folder)
    return tally


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("--configs", type=int, default=250)
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument("--only", type=int, help="judge this one configuration")
    parser.add_argument("--keep", type=Path, help="leave all files in this folder")
    parser.add_argument("--against-ccdproc", action="store_true", help="compare with ccdproc itself")
    return parser.parse_args()


def main():
    """Judge, report, and say by the exit status whether all agreed."""
    args = arguments()
    begin = time.monotonic()
    indices = [args.only] if args.only is not None else list(range(args.configs))
    home = Path(args.keep.resolve() if args.keep else tempfile.mkdtemp(prefix="oracle-"))
    try:
        tally = run_all(args, indices, home)
    except Disagreement as error:
        print(f"DISAGREE\n{error}\nfiles are left in {home}")
        return 1
    if not args.keep:
        shutil.rmtree(home)
    took = time.monotonic() - begin
    print(
        f"{len(indices)} configurations, {tally.pixels} pixels, {tally.undecided} undecided: all agree"
        f" ({tally.refused} rightly refused, {took:.0f} s)"
    )
    if len(indices) >= ENOUGH and tally.undecided > MOST_UNDECIDED * tally.pixels:
        print("too many undecided pixels: the draw is at fault")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
