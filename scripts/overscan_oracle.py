"""Judges overscan subtraction by an independent numpy oracle, by ccdproc and, where it is there, by IRAF.

    python scripts/overscan_oracle.py BINARY [--configs 150] [--seed N] [--only K] [--keep DIR]

Each configuration is a frame with an overscan, calibrated with drawn --overscan flags into f64. What
was subtracted is compared with the oracle, 1e-9 relative; with ccdproc.subtract_overscan where no
sample is absent and nothing is clipped; and every fit by IRAF's function with fit1d of `irafcl`, in
f32. Prints one line at the end; on the first disagreement the command, and exit status 1.

Readings of the reference
  * A line is a row or a column of the overscan; samples that are not finite or masked are absent.
  * Without a fit the clip drops samples of a line, as astropy.stats.sigma_clip with stdfunc="std".
  * With a fit it drops lines: residuals beyond LOW and HIGH times their rms, as IRAF's icfit, which
    leaves fewer than five lines alone. A line without samples is left out of the fit and gets its level.
  * A line without samples is a refusal where there is no fit.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.modeling import models
from astropy.nddata import CCDData
from astropy.stats import sigma_clip
from ccdproc import subtract_overscan

from compare import Disagreement, launch, shell
from draw_recipe import chance, pick
from level_oracle import Refusal

FACTORS = [1.73, 1.91, 2.23, 2.61, 3.1, 4.7]
STATS = {"median": np.median, "mean": np.mean}
RELATIVE = 1e-9
SINGLE = 2e-5
# A residual this near to a limit, in rms, may fall on either side of it in f32.
NEAR_LIMIT = 0.02
FEWEST_CLIPPED = 5


@dataclass
class Config:
    """A frame, and how the level of its overscan is asked for; slices and axes are numpy's."""

    frame: np.ndarray
    masked: np.ndarray | None
    place: tuple
    trim: tuple | None
    axis: int
    axis_flag: str
    stat: str
    fit: tuple | None
    clip: tuple | None
    as_uint16: bool

    def flags(self):
        """The flags of the program."""
        flags = ["--overscan", section(self.place), "--overscan-axis", self.axis_flag, "--overscan-stat", self.stat]
        if self.fit:
            flags += ["--overscan-fit", f"{self.fit[0]}:{self.fit[1]}"]
        if self.clip:
            flags += ["--overscan-clip", ",".join(map(str, self.clip))]
        if self.trim:
            flags += ["--trim", section(self.trim)]
        return flags

    def lines(self):
        """The present samples of each line of the overscan."""
        values = self.frame.copy()
        if self.masked is not None:
            values[self.masked] = np.nan
        overscan = values[self.place]
        lines = overscan if self.axis == 1 else overscan.T
        return [line[np.isfinite(line)] for line in lines]

    def write(self, path):
        """Write the frame, with its mask where it has one."""
        if self.as_uint16:
            hdu = fits.PrimaryHDU((self.frame - 32768).astype("i2"))
            hdu.header["BZERO"] = 32768
        else:
            hdu = fits.PrimaryHDU(self.frame)
        hdus = [hdu]
        if self.masked is not None:
            hdus.append(fits.ImageHDU(self.masked.astype("u1"), name="MASK"))
        fits.HDUList(hdus).writeto(path)


def section(place):
    """The FITS section of two numpy slices."""
    rows, cols = place
    return f"[{cols.start + 1}:{cols.stop},{rows.start + 1}:{rows.stop}]"


def draw(rng):
    """A frame with a wandering level, outliers, perhaps absent samples; and any flags."""
    nline, across = int(rng.integers(6, 160)), int(rng.integers(12, 60))
    nover = int(rng.integers(1, across // 2))
    place = np.linspace(0.0, 1.0, nline)
    wander = 20 * np.sin(rng.uniform(1, 9) * place + rng.uniform(0, 6)) + rng.uniform(-30, 30) * place
    level = rng.uniform(50, 3000) + wander
    frame = level[:, None] + rng.normal(scale=rng.uniform(1, 6), size=(nline, across))
    frame[rng.random(frame.shape) < 0.02] += 300.0
    frame[rng.random(nline) < pick(rng, [0.0, 0.03])] += rng.uniform(-40, 200)
    as_uint16 = chance(rng, 0.5)
    frame = np.clip(np.rint(frame), 0, 65535) if as_uint16 else frame
    masked = (rng.random(frame.shape) < 0.1) if chance(rng, 0.3) else None
    if not as_uint16 and chance(rng, 0.2):
        frame[rng.random(frame.shape) < 0.05] = np.nan
    first = int(rng.integers(0, across - nover + 1))
    inside, along = slice(first, first + nover), slice(0, nline)
    trim = slice(0, first) if first > 3 and chance(rng, 0.5) else None
    axis = int(rng.integers(2))
    turned = (lambda lines, cross: (lines, cross)) if axis == 1 else (lambda lines, cross: (cross, lines))
    fits_auto = nover < nline or (nover == nline and axis == 1)
    return Config(
        frame=np.ascontiguousarray(frame if axis == 1 else frame.T),
        masked=masked if masked is None or axis == 1 else np.ascontiguousarray(masked.T),
        place=turned(along, inside),
        trim=trim and turned(along, trim),
        axis=axis,
        axis_flag="auto" if fits_auto and chance(rng, 0.4) else ["column", "row"][axis],
        stat=pick(rng, ["median", "mean"]),
        fit=draw_fit(rng),
        clip=draw_clip(rng),
        as_uint16=as_uint16,
    )


def draw_fit(rng):
    """None, or a function and its N."""
    kind = pick(rng, [None, "poly", "legendre", "chebyshev", "spline3", "spline3"])
    if kind is None:
        return None
    return kind, int(rng.integers(1, 6) if kind == "spline3" else rng.integers(0, 9))


def draw_clip(rng):
    """None, or LOW, HIGH and the number of rounds."""
    if chance(rng, 0.5):
        return None
    return pick(rng, FACTORS), pick(rng, FACTORS), int(rng.integers(1, 6))


def expected_levels(config):
    """(level of each line, whether f32 decides the clip alike); raises Refusal where there is none."""
    lines = config.lines()
    if config.fit is None:
        if any(line.size == 0 for line in lines):
            raise Refusal("a line without samples")
        return np.array([line_level(line, config) for line in lines]), True
    place = np.arange(len(lines))
    present = np.array([line.size > 0 for line in lines])
    level = np.array([STATS[config.stat](line) if line.size else np.nan for line in lines])
    return fitted(design(config.fit, len(lines)), level, place[present], config.clip)


def line_level(line, config):
    """What the samples of one line come to."""
    if config.clip:
        low, high, rounds = config.clip
        line = sigma_clip(line, sigma_lower=low, sigma_upper=high, maxiters=rounds, cenfunc=config.stat,
                          stdfunc="std", masked=False)  # fmt: skip
    return STATS[config.stat](line)


def design(fit, nline):
    """The functions at each line: Chebyshev's for polynomials, truncated cubes for a spline."""
    kind, number = fit
    place = np.linspace(-1.0, 1.0, nline)
    if kind != "spline3":
        return np.polynomial.chebyshev.chebvander(place, number)
    knots = np.linspace(-1.0, 1.0, number + 1)[1:-1]
    cubes = np.maximum(place[:, None] - knots[None, :], 0.0) ** 3
    return np.hstack([np.polynomial.chebyshev.chebvander(place, 3), cubes])


def fitted(functions, level, used, clip):
    """The curve at every line, through the lines that are used, clipped as icfit does."""
    low, high, rounds = clip or (0, 0, 0)
    decided = True
    for done in range(rounds + 1):
        if used.size < functions.shape[1]:
            raise Refusal(f"{used.size} lines for {functions.shape[1]} coefficients")
        answer, _, rank, _ = np.linalg.lstsq(functions[used], level[used], rcond=None)
        if rank < functions.shape[1]:
            raise Refusal("the lines leave the curve open")
        curve = functions @ answer
        if done == rounds or used.size < FEWEST_CLIPPED:
            break
        residual = level[used] - curve[used]
        rms = np.sqrt(np.mean(residual**2))
        if rms <= 1e-12 * np.abs(level[used]).max():
            break
        decided &= bool(np.minimum(np.abs(residual + low * rms), np.abs(residual - high * rms)).min() > NEAR_LIMIT * rms)
        kept = (residual >= -low * rms) & (residual <= high * rms)
        if kept.all():
            break
        used = used[kept]
    return curve, decided


def ask_ccdproc(config):
    """The frame less its overscan by ccdproc; None where ccdproc promises something else."""
    if config.clip or config.masked is not None or not np.isfinite(config.frame).all():
        return None
    model = None
    if config.fit:
        kind, number = config.fit
        if kind == "spline3":
            return None
        make = {"poly": models.Polynomial1D, "legendre": models.Legendre1D, "chebyshev": models.Chebyshev1D}[kind]
        # astropy solves for powers of the line number: digits are lost with every degree.
        if kind == "poly" and number > 6:
            return None
        nline = config.frame.shape[1 - config.axis]
        model = make(number) if kind == "poly" else make(number, domain=[0, nline - 1])
    ccd = CCDData(config.frame, unit="adu")
    overscan = ccd[config.place]
    done = subtract_overscan(ccd, overscan, overscan_axis=config.axis, median=config.stat == "median", model=model)
    return done.data


def ask_iraf(config, folder):
    """The curve by IRAF's fit1d, in f32; None where it has no such function."""
    lines = config.lines()
    if config.fit is None or config.fit[0] == "poly" or any(line.size == 0 for line in lines):
        return None
    kind, number = config.fit
    levels, curve = folder / "levels.fits", folder / "curve.fits"
    fits.writeto(levels, np.array([STATS[config.stat](line) for line in lines]))
    low, high, rounds = config.clip or (0, 0, 0)
    order = number if kind == "spline3" else number + 1
    script = folder / "fit.cl"
    script.write_text(
        f'images\nimfit\nfit1d ("{levels}", "{curve}", "fit", interactive=no, function="{kind}", order={order}, '
        f'low_reject={low}, high_reject={high}, niterate={rounds}, sample="*", naverage=1, grow=0)\nlogout\n'
    )
    subprocess.run(["irafcl", "-c", "-f", script], cwd=folder, check=True, capture_output=True, timeout=60)
    return fits.getdata(curve).astype(float)


@dataclass
class Tally:
    """How many frames each judge has agreed on."""

    oracle: int = 0
    refused: int = 0
    ccdproc: int = 0
    iraf: int = 0
    undecided: int = 0


def judge(binary, config, folder, tally):
    """Run the program on one configuration and ask all judges."""
    folder.mkdir(parents=True)
    config.write(folder / "frame.fits")
    command = [str(binary), "calibrate", "-q", *config.flags(), "--dtype", "f64", "--planes", "data"]
    run = launch([*command, "-o", "reduced", "frame.fits"], folder)
    output = folder / "reduced" / "frame.fits"
    try:
        levels, decided = expected_levels(config)
    except Refusal as refusal:
        if run.code == 0 or output.exists():
            raise fault(folder, run, f"expected a refusal: {refusal}") from None
        tally.refused += 1
        return
    if run.code != 0:
        raise fault(folder, run, f"exit status {run.code}, expected an output\n{run.message}")
    found = fits.getdata(output).astype(float)
    compare_planes(found, config, levels, RELATIVE, "the oracle", (folder, run))
    tally.oracle += 1
    theirs = ask_ccdproc(config)
    if theirs is not None:
        along = (slice(None), 0) if config.axis == 1 else (0, slice(None))
        compare_planes(found, config, (config.frame - theirs)[along], 1e-8, "ccdproc", (folder, run))
        tally.ccdproc += 1
    ask_iraf_too(config, levels, decided, (folder, run), tally)


def ask_iraf_too(config, levels, decided, place, tally):
    """The oracle's curve, which the program has met, against IRAF's."""
    theirs = ask_iraf(config, place[0]) if shutil.which("irafcl") else None
    if theirs is None:
        return
    if not decided:
        tally.undecided += 1
        return
    apart = np.abs(theirs - levels).max()
    if apart > SINGLE * np.abs(levels).max():
        raise fault(*place, f"IRAF's curve is {apart} away")
    tally.iraf += 1


def compare_planes(found, config, levels, relative, judge_name, place):
    """Compare the calibrated frame with the frame less these levels."""
    expected = config.frame - (levels[:, None] if config.axis == 1 else levels[None, :])
    if config.trim:
        expected = expected[config.trim]
    if config.masked is not None:
        gone = config.masked[config.trim] if config.trim else config.masked
        found, expected = np.where(gone, 0.0, found), np.where(gone, 0.0, expected)
    if found.shape != expected.shape:
        raise fault(*place, f"shape {found.shape}, {judge_name} has {expected.shape}")
    near = np.abs(found - expected) <= relative * max(np.abs(levels).max(), 1.0)
    wrong = ~(near | (np.isnan(found) & np.isnan(expected)))
    if wrong.any():
        row, col = np.argwhere(wrong)[0]
        raise fault(*place, f"row {row} col {col}: got {found[row, col]!r}, {judge_name} {expected[row, col]!r}")


def fault(folder, run, text):
    """A disagreement with what it takes to see it again."""
    return Disagreement(f"cd {folder}\n{shell(run.command)}\n{text}")


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("--configs", type=int, default=150)
    parser.add_argument("--seed", type=int, default=20250101)
    parser.add_argument("--only", type=int, help="judge this one configuration")
    parser.add_argument("--keep", type=Path, help="leave all files in this folder")
    return parser.parse_args()


def main():
    """Judge, report, and say by the exit status whether all agreed."""
    args = arguments()
    indices = [args.only] if args.only is not None else range(args.configs)
    home = Path(args.keep.resolve() if args.keep else tempfile.mkdtemp(prefix="overscan-"))
    tally = Tally()
    try:
        for index in indices:
            folder = home / f"config{index}"
            judge(args.binary, draw(np.random.default_rng([args.seed, index])), folder, tally)
            if not args.keep:
                shutil.rmtree(folder)
    except Disagreement as error:
        print(f"DISAGREE\nconfiguration {index} of seed {args.seed}\n{error}\nfiles are left in {home}")
        return 1
    if not args.keep:
        shutil.rmtree(home)
    print(
        f"{len(indices)} overscans: {tally.oracle} as the oracle's, {tally.refused} rightly refused, "
        f"{tally.ccdproc} as ccdproc's, {tally.iraf} as IRAF's ({tally.undecided} where f32 may clip otherwise)"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
