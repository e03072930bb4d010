"""Siril 1.0.6's stack: how it is run here, and how its rejections read, in our words, where they differ from ours.

A *reading* is the rule at one pixel as Siril has it (stacking/median_and_mean.c, rejection_float.c). Each difference
from our definition is a *way* with a name: with all its ways a reading gives the value that Siril does, with none
the mean of what our textbook keeps. Siril tells no masks of what it rejects; the value shows it.

Ways
  * floor         nothing more goes once N - r is 4 or less, where N is what the iteration began with and r, never
                  reset, all that went before and in it: the floor rises with each iteration.
  * all gone      the value is then the median of all.
  * falls to 0    the winsorized sigma may fall to 0, and all that differs from the median goes.
  * signed        percentile: the bounds are m - low m and m + high m, so that with a negative median all goes; a
                  median of 0 gives 0.
  * creeps        median-sigma: the median is taken anew from what has been replaced (seen for even numbers only).
  * counts        median-sigma: what was replaced is averaged as the median.
  * moments       linear fit: the line has the moments of the ranks of all frames, also when fewer are left.
  * two at least  GESDT: the first two taken out are always rejected.
  * wrong one     GESDT: ranks at the high end are not moved on after low samples went, so others are rejected than
                  those tested.
  * ddof          sigma: sd with ddof 1 (ours 0).
  * histogram     MAD: read from as many cells as there are samples between the smallest and the largest distance, so a
                  strong outlier moves it, and about the median of the iteration before; where it is 0 all that
                  differs from the median goes (ours has a fallback).
"""

import subprocess

import numpy as np
from astropy.io import fits

from rejection_rules import MAD_TO_SIGMA, ROOT_HALF_PI, esd_critical

TOLERANCE = 0.0005
SAME_VALUE = 1e-7
NOTHING = -1.0
UNDECIDED = None
# Below this part of the median single precision decides how far it creeps.
CREEPING = 1e-4


def stack(frames, folder, jobs, norm="-nonorm"):
    """Runs Siril's `stack` once for each job ("rej w 3 3") on a stack (frame, row, col) of float32 from 0 to 1."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.fits"):
        old.unlink()
    (folder / "f_.seq").unlink(missing_ok=True)
    for number, values in enumerate(frames):
        fits.writeto(folder / f"f_{number + 1:05d}.fits", np.nan_to_num(values).astype("f4"))
    lines = ["requires 1.0.0", "setext fits", "setcpu 1", "set32bits", f"cd {folder}"]
    lines += [f"stack f_ {job} {norm} -out=out{number}.fits" for number, job in enumerate(jobs)]
    (folder / "run.ssf").write_text("\n".join([*lines, ""]))
    command = ["siril-cli", "-s", str(folder / "run.ssf")]
    run = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    try:
        return [fits.getdata(folder / f"out{number}.fits").astype(float) for number in range(len(jobs))]
    except OSError:
        raise RuntimeError(f"Siril failed: {run.stdout[-2000:]}") from None


def same(a, b):
    """Whether two values are the same but for single precision."""
    return abs(a - b) <= SAME_VALUE


def middle(values):
    """The median of a list."""
    z = sorted(values)
    half = len(z) // 2
    return z[half] if len(z) % 2 else (z[half - 1] + z[half]) / 2


def mean(values):
    """The mean of a list."""
    return sum(values) / len(values)


def deviation(values, ddof=1):
    """The standard deviation about the mean."""
    m = mean(values)
    return (sum((v - m) ** 2 for v in values) / (len(values) - ddof)) ** 0.5


def value(left, everything, nframe, ways):
    """What is written where `left` is what a rule leaves; ours for nothing is NOTHING here.

    With absent samples Siril takes the median of nothing over memory that holds some samples twice.
    """
    if left is UNDECIDED:
        return UNDECIDED
    if left:
        return mean(left)
    if "all gone" in ways:
        return middle(everything) if len(everything) == nframe else UNDECIDED
    return NOTHING


def iterate(values, judge, ways, least, ordered=False):
    """Runs `judge(left)`, which tells the samples that go, until none does.

    UNDECIDED where the floor lets some go and not others: they go in the order of memory (in linear fit it is sorted).
    """
    left, gone = sorted(values), 0
    while len(left) >= least:
        going = judge(left)
        if "floor" in ways:
            room = max(0, len(left) - gone - 4)
            if 0 < room < len(going) and not ordered:
                return UNDECIDED
            going = going[:room]
        if not going:
            break
        left = [v for rank, v in enumerate(left) if rank not in going]
        gone += len(going)
        if "floor" in ways and len(left) <= 3:
            break
    return left


def beyond(left, c, s, low, high):
    """Ranks of the samples outside c - low s and c + high s."""
    return [rank for rank, v in enumerate(left) if v < c - low * s or v > c + high * s]


def percentile(values, nframe, low, high, ways=()):
    """`rej p`."""
    if len(values) < 3:
        return value(values, values, nframe, ways)
    m = middle(values)
    if m == 0:
        return 0.0 if "signed" in ways else mean(values)
    going = beyond(values, m, m if "signed" in ways else abs(m), low, high)
    return value([v for rank, v in enumerate(values) if rank not in going], values, nframe, ways)


def sigma(values, nframe, low, high, ways=()):
    """`rej s`."""

    def judge(left):
        return beyond(left, middle(left), deviation(left, 1 if "ddof" in ways else 0), low, high)

    return value(iterate(values, judge, ways, 3 if "floor" in ways else 1), values, nframe, ways)


def histogram_median(apart):
    """The median of |apart| from as many cells as there are samples, in single precision, as Siril has it."""
    apart = np.abs(apart)
    n, least, width = len(apart), apart.min(), apart.max() - apart.min()
    if width == 0:
        return float(least)
    scale = np.float32(n - 1) / width
    cells = np.bincount((scale * (apart - least)).astype(int), minlength=n)
    cell = int(np.argmax(np.cumsum(cells) >= n / 2))
    below = cells[:cell].sum()
    return float(least + (cell + (n / 2 - below) / cells[cell]) / scale)


def mad(values, nframe, low, high, ways=()):
    """`rej a`, whose factors are of the bare MAD."""
    about = middle(values)

    def judge(left):
        nonlocal about
        m = middle(left)
        if "histogram" in ways:
            s = histogram_median(np.array(left, "f4") - np.float32(about))
            about = m
        else:
            apart = [abs(v - m) for v in left]
            s = middle(apart) or ROOT_HALF_PI / MAD_TO_SIGMA * mean(apart)
        return beyond(left, m, s, low, high)

    return value(iterate(values, judge, ways, 3 if "floor" in ways else 1), values, nframe, ways)


def winsorized(values, nframe, low, high, ways=()):
    """`rej w`."""

    def huber(left):
        m, s = middle(left), deviation(left)
        bottom, top = -np.inf, np.inf
        while s > 0:
            bottom, top = max(bottom, m - 1.5 * s), min(top, m + 1.5 * s)
            before, s = s, 1.134 * deviation([min(top, max(bottom, v)) for v in left])
            if abs(s - before) <= TOLERANCE * before:
                break
            if all(v == m or not bottom < v < top for v in left) and s < before:
                return 0.0 if "falls to 0" in ways else ROOT_HALF_PI * mean([abs(v - m) for v in left])
        return s

    def judge(left):
        s = huber(left)
        flat = s == 0 and "falls to 0" not in ways
        return [] if flat else beyond(left, middle(left), s, low, high)

    return value(iterate(values, judge, ways, 3), values, nframe, ways)


def median_sigma(values, nframe, low, high, ways=()):
    """`rej m`."""
    w, m, replaced = list(values), middle(values), set()
    while len(values) > 2:
        m = middle(w) if "creeps" in ways else m
        if "creeps" in ways and 0 < deviation(w) < CREEPING * abs(m):
            return UNDECIDED
        going = beyond(w, m, deviation(w), low, high) if deviation(w) > 0 else []
        if not going:
            break
        replaced |= set(going)
        for rank in going:
            # Siril's own precision; a difference of one step of it may be all that is left.
            w[rank] = float(np.float32(m)) if ways else m
    if "counts" in ways:
        return mean(w)
    return value([v for rank, v in enumerate(values) if rank not in replaced], values, nframe, ways)


def linear_fit(values, nframe, low, high, ways=()):
    """`rej l`."""

    def judge(left):
        n = len(left)
        of = nframe if "moments" in ways else n
        x = [rank - (of - 1) / 2 for rank in range(n)]
        m = mean(left)
        slope = mean([a * (v - m) for a, v in zip(x, left, strict=True)]) / ((of * of - 1) / 12)
        apart = [v - (m + slope * a) for a, v in zip(x, left, strict=True)]
        s = mean([abs(d) for d in apart])
        return beyond(apart, 0.0, 0.0 if s <= 1e-12 * max(map(abs, left)) else s, low, high) if s > 0 else []

    return value(iterate(values, judge, ways, 3 if "floor" in ways else 5, ordered=True), values, nframe, ways)


def gesdt(values, nframe, fraction, alpha, slack=1.0, ways=()):
    """`rej g`."""
    z = sorted(values)
    n = len(z)
    most = int(fraction * nframe + 1e-6) - (nframe - n) if "two at least" in ways else int(fraction * n + 1e-9)
    most = most if "two at least" in ways else min(most, n - 2)
    if n < 3 or most < 1:
        return value(z, values, nframe, ways)
    critical = esd_critical(max(n, nframe), alpha) * slack
    left, ranks, out = list(z), list(range(n)), []
    for _ in range(most):
        m, s = mean(left), deviation(left) if len(left) > 1 else 0.0
        rank = len(left) - 1 if left[-1] - m > m - left[0] else 0
        over = s > 0 and abs(left[rank] - m) / s > critical[len(left)]
        shown = rank if rank else ranks[0]
        out.append((over, shown if "wrong one" in ways else ranks[rank]))
        del left[rank], ranks[rank]
    last = max((i for i, (over, _) in enumerate(out) if over), default=-1)
    if "two at least" in ways:
        last = max(last, min(1, most - 1))
    going = {rank for _, rank in out[: last + 1]}
    return value([v for rank, v in enumerate(z) if rank not in going], values, nframe, ways)
