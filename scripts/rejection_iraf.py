"""IRAF's imcombine: how it is run here, and how its rejections read, in our words, where they differ from ours.

A *reading* is the rule at one pixel as imcombine's code has it (iccclip.x, icpclip.x, icsclip.x, icaclip.x, icmm.x of
2.17). Each difference from our definition is a *way* with a name, so with all its ways a reading is imcombine and with
none of them it is our textbook.

Ways
  * ends          samples are looked at from both ends of the sorted column up to the first that stays, so that among
                  frames of unlike noise a deviant further inside stays (ccdclip, crreject). With nkeep it clips until
                  too few are left, and then gives back from the two ends by the residual that a sample had when it
                  went, of whichever iteration; samples within 0.001 sigma come back together (at the high end only
                  where its rank is below the number before the last iteration, or below the median's in pclip).
  * no noise      without read noise and light a sigma of 1e-17 takes all but the median (ccdclip, crreject).
  * on the bound  what lies on the bound goes (pclip).
  * one median    the variance of a row is divided by (sum of n) - 1, not by the sum of n - 1 (avsigclip).
  * about centre  the deviation is about the centre with ddof 1 (sigclip; ours is about the mean with ddof 0).
  * fraction      of absent samples: the same fraction of what is there is taken (minmax).
"""

import os
import subprocess
from dataclasses import dataclass
from math import sqrt

import numpy as np
from astropy.io import fits

ABSENT = -1e9
THRESHOLD = -1e8
NO_NOISE = (1e4 / 1.7e38) ** 0.5
SAME_RESIDUAL = 0.001
PLAIN = {
    "combine": "average", "reject": "none", "outtype": "double", "nkeep": 0, "mclip": True, "lsigma": 3, "hsigma": 3,
    "nlow": 1, "nhigh": 1, "pclip": -0.5, "grow": 0, "rdnoise": "0.", "gain": "1.", "snoise": "0.", "sigscale": 0,
    "scale": "none", "zero": "none", "weight": "none", "statsec": "", "expname": "", "lthreshold": THRESHOLD,
    "headers": "", "bpmasks": "", "nrejmasks": "", "expmasks": "", "sigmas": "", "masktype": "none", "blank": -7,
    "offsets": "none", "project": False, "logfile": "",
}  # fmt: skip


@dataclass(frozen=True)
class Combined:
    """What imcombine made of a stack: which samples it left, (frame, row, col), and the image."""

    left: np.ndarray
    value: np.ndarray


def shown(value):
    """A parameter as the cl has it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f'"{value}"' if isinstance(value, str) else format(value, "g")


def imcombine(stack, folder, jobs, cards=None):
    """Runs imcombine once for each job (a dict of parameters) on a stack of float64; NaN is absent."""
    folder.mkdir(parents=True, exist_ok=True)
    names = []
    for frame, values in enumerate(stack):
        header = fits.Header({key: numbers[frame] for key, numbers in (cards or {}).items()})
        names.append(f"f{frame:04d}.fits")
        image = np.where(np.isfinite(values), values, ABSENT)
        fits.writeto(folder / names[-1], image.astype("f8"), header, overwrite=True)
    (folder / "frames").write_text("".join(f"{name}\n" for name in names))
    lines = ["set clobber=yes", "images", "immatch"]
    for number, job in enumerate(jobs):
        flags = {**PLAIN, **job, "rejmasks": f"r{number}"}
        text = ", ".join(f"{key}={shown(value)}" for key, value in flags.items())
        lines += [f'imcombine ("@frames", "o{number}.fits", {text})', f'imcopy ("r{number}.pl", "r{number}.fits")']
    (folder / "run.cl").write_text("\n".join([*lines, "logout", ""]))
    for old in [*folder.glob("o*.fits"), *folder.glob("r*.fits"), *folder.glob("r*.pl")]:
        old.unlink()
    command = ["irafcl", "-c", "-f", "run.cl"]
    run = subprocess.run(
        command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, env={**os.environ, "HOME": "."}
    )
    answers = []
    for number in range(len(jobs)):
        try:
            mask = fits.getdata(folder / f"r{number}.fits").reshape(stack.shape)
            answers.append(Combined((mask == 0) & np.isfinite(stack), fits.getdata(folder / f"o{number}.fits")))
        except OSError:
            raise RuntimeError(f"imcombine failed on {jobs[number]}: {run.stdout} {run.stderr}") from None
    return answers


def middle(z):
    """The median of a sorted list."""
    half = len(z) // 2
    return z[half] if len(z) % 2 else (z[half - 1] + z[half]) / 2


class Column:
    """The samples present at a pixel, sorted, and which of them are left: those from rank `low` up to `end`."""

    def __init__(self, values, nkeep=0):
        present = [(value, frame) for frame, value in enumerate(values) if value == value]
        self.z = [value for value, _ in sorted(present)]
        self.frames = [frame for _, frame in sorted(present)]
        self.low, self.end = 0, len(self.z)
        n = self.end
        self.keep = max(0, n + nkeep) if nkeep < 0 else min(n, nkeep)
        self.gone = set()
        self.residuals = {}
        self.before = 0

    def left(self):
        """Ranks of the samples left."""
        return [rank for rank in range(self.low, self.end) if rank not in self.gone]

    def kept(self):
        """Frames of the samples left."""
        return {self.frames[rank] for rank in self.left()}

    def clip(self, c, sigmas, low, high, ways):
        """One iteration about the centre c with the sigma of each frame; whether something went."""
        going = {}
        for rank in self.left():
            s = sigmas[self.frames[rank]]
            residual = (self.z[rank] - c) / s if s > 0 else 0.0
            over = residual > high or residual < -low
            if over or ("on the bound" in ways and s > 0 and residual in (high, -low)):
                going[rank] = float(np.float32(abs(residual)))
        if "ends" in ways:
            self.clip_ends(going, c)
            return bool(going)
        nearest = sorted(going, key=lambda rank: (abs(self.z[rank] - c), self.frames[rank]))
        need = min(self.keep, len(self.left())) - (len(self.left()) - len(going))
        self.gone |= set(nearest[max(0, need) :])
        return len(going) > max(0, need)

    def clip_ends(self, going, c):
        """Imcombine's way: from both ends up to the first sample that stays, noting the residuals."""
        self.before = self.end - self.low
        while self.low < self.end and self.low in going and self.z[self.low] < c:
            self.low += 1
        while self.end > self.low and self.end - 1 in going and self.z[self.end - 1] > c:
            self.end -= 1
        inside = [rank for rank in going if self.low <= rank < self.end]
        for rank in inside:
            del going[rank]
        self.residuals |= going

    def give_back(self):
        """Imcombine's way: from the two ends, by the residual that was noted, equal ones together."""
        while self.end - self.low < self.keep:
            if self.low == 0:
                self.end += 1
            elif self.end == len(self.z):
                self.low -= 1
            else:
                self.give_nearer()

    def give_nearer(self):
        """The end with the smaller residual, the other end if it is as near, and the next one if it is as near."""
        lower, upper = self.residuals[self.low - 1], self.residuals[self.end]
        reach = min(lower, upper) + SAME_RESIDUAL
        if lower < upper:
            self.low -= 1
            self.end += upper <= reach
            self.low -= self.low > 0 and self.residuals[self.low - 1] <= reach
        else:
            self.end += 1
            self.low -= lower <= reach
            self.end += self.end < self.before and self.residuals[self.end] <= reach


def clipped(values, rule, low, high, nkeep, ways, least, times=None, on_half=False):
    """The frames that a rule leaves; `rule(z, c)` gives the sigma of each frame for the samples left."""
    column = Column(values, nkeep)
    floor = max(least, column.keep + 1) if "ends" in ways else least
    while len(column.left()) >= floor and times != 0:
        z = [column.z[rank] for rank in column.left()]
        c = middle(z)
        if not column.clip(c, rule(z, c), low, high, ways):
            break
        times = None if times is None else times - 1
    if "ends" in ways:
        if on_half:
            column.before = len(column.z) // 2 + 1
        column.give_back()
    return column.kept()


def ccdclip(values, low, high, gain, rdnoise, snoise=0.0, nkeep=0, ways=()):
    """ccdclip; with an infinite low crreject. The noise parameters are one a frame."""

    def noise(_, c):
        light = max(0.0, c)
        model = zip(gain, rdnoise, np.broadcast_to(snoise, len(gain)), strict=True)
        sigmas = [sqrt((r / g) ** 2 + light / g + (s * light) ** 2) for g, r, s in model]
        return [max(s, NO_NOISE) for s in sigmas] if "no noise" in ways else sigmas

    return clipped(values, noise, low, high, nkeep, ways, 2)


def pclip(values, k, low, high, nkeep=0, ways=()):
    """pclip."""
    most = len(values) // 2
    step = int(k * most * (1 + 1e-9)) if abs(k) < 1 else int(k)
    step = min(-1, max(-most, step)) if k < 0 else max(1, min(most, step))

    def width(z, c):
        half = len(z) // 2
        rank = max(0, half - (len(z) + 1) % 2 + step) if k < 0 else min(len(z) - 1, half + step)
        return [abs(z[rank] - c)] * len(values)

    return clipped(values, width, low, high, nkeep, ways, 3, times=1, on_half=True)


def sigclip(values, low, high, nkeep=0, ways=()):
    """sigclip about the median."""

    def scatter(z, c):
        about, freedom = (c, len(z) - 1) if "about centre" in ways else (sum(z) / len(z), len(z))
        return [sqrt(sum((value - about) ** 2 for value in z) / freedom)] * len(values)

    return clipped(values, scatter, low, high, nkeep, ways, 3 if "about centre" in ways else 1)


def avsigclip(values, s, low, high, nkeep=0, ways=()):
    """avsigclip about the median with the sigma s of the row (row_sigma)."""

    def root(_, c):
        return [s * sqrt(max(1.0, c))] * len(values)

    return clipped(values, root, low, high, nkeep, ways, 3)


def row_sigma(row, ways=()):
    """The sigma of a row for a signal of 1: (frame, col)."""
    square, freedom = 0.0, 0
    for values in row.T:
        z = sorted(value for value in values if value == value)
        if len(z) >= 3:
            c = middle(z)
            square += sum((value - c) ** 2 for value in z) / max(1.0, c)
            freedom += len(z) if "one median" in ways else len(z) - 1
    freedom -= "one median" in ways
    return sqrt(square / freedom) if freedom > 0 else 0.0


def minmax(values, nlow, nhigh, ways=()):
    """minmax; of equal samples imcombine takes any, so compare the values that are left."""
    column = Column(values)
    n = column.end
    if "fraction" in ways:
        nlow, nhigh = (int(number / len(values) * n + 0.001) for number in (nlow, nhigh))
    column.low = min(nlow, n)
    column.end = max(column.low, n - nhigh)
    return column.kept()
