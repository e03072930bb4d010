"""Compares --norm with the -norm of Siril 1.0.6: the same frames, preset by preset.

    python scripts/norm_siril.py BINARY [--seed N] [--keep DIR]

The formulas are the same: add x - (l - l0); mul x l0/l; addscale (x - l) s0/s + l0; mulscale x (l0/l) (s0/s), where 0 is
the first frame. What differs is how the location l and the spread s of a frame are measured. Siril's are IKSS: median
and biweight midvariance of the samples within 4 s of the median, over and over until s holds, without samples of 0;
times 0.991. Ours are the median and 1.4826 MAD of all that are present: exact, and by one walk or two.

Checked here, with stars, a gradient and levels, transparencies and noises that differ from frame to frame:
  1. the program with l and s of IKSS (as numbers, by --zero and --scale) gives Siril's image;
  2. with --norm it gives that of our own l and s;
  3. how far the two are apart, which is the difference of the measures, at most APART.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np

from compare import Disagreement, combine_command, launch, read_output, shell
from fits_frames import FrameFile, Image, write_frames
from level_oracle import mad_level, median_level
from rejection_siril import stack

NFRAME, NROW, NCOL = 6, 160, 200
SIGMA = 2.0**-9
HOLDS = 1e-5
FACTOR = 0.991
# How far the image may be from Siril's: with Siril's own measures, which it takes in single precision and from histograms,
# and with ours. Of what is added, in the first frame's sigma (seen at the tops of stars of up to 150); of what is
# multiplied, in parts of the value.
APART = {"add": (0.02, 0.2), "mul": (2e-4, 5e-3), "addscale": (0.5, 5.0), "mulscale": (0.01, 0.1)}


def draw_frames(seed):
    """Frames of one field of stars on a sloping sky, no two with one sky, transparency and noise."""
    rng = np.random.default_rng(seed)
    row, col = np.mgrid[:NROW, :NCOL]
    field = 0.02 * col / NCOL
    for _ in range(60):
        y, x, flux = rng.uniform(0, NROW), rng.uniform(0, NCOL), rng.uniform(0.02, 0.3)
        field = field + flux * np.exp(-((row - y) ** 2 + (col - x) ** 2) / (2 * 1.5**2))
    sky, light = rng.uniform(0.1, 0.3, NFRAME), rng.uniform(0.6, 1.2, NFRAME)
    noise = SIGMA * rng.uniform(0.7, 2.0, NFRAME)
    noise[0] = SIGMA
    frames = [
        s + t * field + n * rng.normal(size=field.shape) for s, t, n in zip(sky, light, noise, strict=True)
    ]
    return np.array(frames, "f4")


def biweight(values, middle, mad):
    """The square root of the biweight midvariance."""
    u = (values - middle) / (9 * mad)
    u2 = np.where(np.abs(u) < 1, u * u, 1.0)
    up = ((values - middle) ** 2 * (1 - u2) ** 4).sum()
    down = ((1 - u2) * (1 - 5 * u2)).sum()
    return np.sqrt(len(values) * up) / abs(down)


def ikss(values):
    """Location and spread as Siril measures them (algos/statistics_float.c)."""
    left, before = np.sort(values[values != 0].astype(float)), 1.0
    while True:
        middle = np.median(left)
        spread = biweight(left, middle, np.median(np.abs(left - middle)))
        if (before - spread) / spread < HOLDS:
            return middle, FACTOR * spread
        before = spread
        left = left[np.abs(left - middle) <= 4 * spread]


def given(preset, location, spread):
    """The flags by which the program does what a preset does with these measures."""

    def listed(flag, numbers):
        return [f"--{flag}=" + ",".join(repr(float(v)) for v in numbers), f"--{flag}-to=first"]

    return {
        "add": listed("zero", location),
        "mul": listed("scale", location),
        "addscale": listed("zero", location) + listed("scale", spread),
        "mulscale": listed("scale", location * spread),
    }[preset]


def combined(binary, folder, names, flags):
    """The image that the program makes."""
    run = launch(combine_command(binary, ["--overwrite", *flags, "--planes", "data"], "out.fits", names), folder)
    if run.code != 0:
        raise Disagreement(f"{shell(run.command)}\n{run.message}")
    return read_output(folder / "out.fits", ["data"], "f32")["data"].astype(float)


def judge(binary, seed, home):
    """A line for each preset."""
    frames = draw_frames(seed)
    names = write_frames([FrameFile(Image(frame)) for frame in frames], home / "ours")
    theirs = np.array([ikss(frame) for frame in frames]).T
    ours = np.array([(median_level(f), mad_level(f)) for f in frames.astype(float)]).T
    presets = list(APART)
    images = stack(frames, home / "siril", [f"rej s 1e4 1e4 -norm={preset}" for preset in presets], "")
    for preset, image in zip(presets, images, strict=True):
        by_theirs = combined(binary, home / "ours", names, given(preset, *theirs))
        by_ours = combined(binary, home / "ours", names, given(preset, *ours))
        by_norm = combined(binary, home / "ours", names, [f"--norm={preset}"])
        if not np.allclose(by_norm, by_ours, rtol=1e-6, atol=0):
            raise Disagreement(f"--norm={preset} is not {' '.join(given(preset, *ours))}")
        unit, name = (SIGMA, "sigma") if preset.startswith("add") else (image, "of the value")
        same = float((np.abs(by_theirs - image) / unit).max())
        apart = float((np.abs(by_norm - image) / unit).max())
        print(f"{preset}: with Siril's measures {same:.1g} {name} from Siril at most, with ours {apart:.2g}")
        if same > APART[preset][0] or apart > APART[preset][1]:
            raise Disagreement(f"{preset}: more than {APART[preset]} {name}")


def main():
    """Compare, and say by the exit status whether all is as it is known to be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--keep", type=Path, help="leave the files in this folder")
    args = parser.parse_args()
    if not shutil.which("siril-cli"):
        print("Siril is not installed here: nothing compared")
        return 0
    home = Path(args.keep.resolve() if args.keep else tempfile.mkdtemp(prefix="norm-"))
    try:
        judge(args.binary, args.seed, home)
    except Disagreement as error:
        print(f"DISAGREE\n{error}\nfiles are left in {home}")
        return 1
    if not args.keep:
        shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
