"""Columns of samples: what every rejection rule needs, plainly, in float64.

A stack is an array of (frame, pixel); NaN is a sample that is absent or gone. *Sorted* is by (value, frame): of equal
samples the earlier frame is lower.
"""

import numpy as np

LOW, HIGH = -1, 1
NEAR = 1e-10


def count(y):
    """How many samples there are in each column."""
    return np.isfinite(y).sum(axis=0)


def order(y):
    """Frames of each column by (value, frame), what is gone last."""
    return np.argsort(y, axis=0, kind="stable")


def pick(y, rank):
    """The sample at a rank (from 0) of each sorted column."""
    rank = np.clip(rank, 0, len(y) - 1)
    return np.take_along_axis(np.sort(y, axis=0), rank[None], axis=0)[0]


def median(y):
    """The middle sample, or the mean of the middle two; NaN where nothing is left."""
    n = count(y)
    return (pick(y, (n - 1) // 2) + pick(y, n // 2)) / 2


def total(y):
    """The sum of each column."""
    return np.where(np.isfinite(y), y, 0.0).sum(axis=0)


def mean(y):
    """The mean of each column; NaN where nothing is left."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return total(y) / count(y)


def deviation(y, centre=None):
    """The standard deviation with ddof 1 about the mean (or another centre); NaN below two samples."""
    n = count(y)
    centre = mean(y) if centre is None else centre
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n > 1, np.sqrt(total((y - centre) ** 2) / (n - 1)), np.nan)


def fewest(nkeep, y):
    """How many samples have to stay at each pixel; a negative nkeep is the most that may go (IRAF).

    Where steps follow each other, those that went before count: then nkeep is what `stay` has made of it.
    """
    n = count(y)
    return np.minimum(n, nkeep) if np.ndim(nkeep) or nkeep >= 0 else np.maximum(0, n + nkeep)


def stay(nkeep, y):
    """The nkeep of a chain of steps on these samples: of a negative one, how many have to stay at each pixel."""
    return nkeep if nkeep >= 0 else np.maximum(0, count(y) + nkeep)


def give_back(side, distance, left, least):
    """Of what would go, the nearest come back until `least` are left, ties in frame order.

    `side` is LOW, HIGH or 0 for each sample, `left` how many there were before; the new sides are returned.
    """
    going = side != 0
    need = np.minimum(least, left) - (left - going.sum(axis=0))
    if not (need > 0).any():
        return side
    nearest = np.argsort(np.where(going, distance, np.inf), axis=0, kind="stable")
    rank = np.empty_like(nearest)
    np.put_along_axis(rank, nearest, np.arange(len(side))[:, None], axis=0)
    return np.where(going & (rank < need), 0, side)


def nearly_tied(side, distance, given):
    """Columns in which what came back and what went lie so nearly equally far that rounding chose between them."""
    back, gone = (side != 0) & (given == 0), given != 0
    farthest = np.where(back, distance, -np.inf).max(axis=0)
    nearest = np.where(gone, distance, np.inf).min(axis=0)
    return np.isfinite(nearest) & (nearest - farthest <= NEAR * nearest)


def outside(y, low, high):
    """LOW below the one bound, HIGH above the other, 0 on and between them."""
    with np.errstate(invalid="ignore"):
        return np.where(y < low, LOW, np.where(y > high, HIGH, 0)).astype("i1")


def near(y, bound, size):
    """Columns in which a sample lies so near the bound that rounding may decide; `size` is of what it is made."""
    with np.errstate(invalid="ignore"):
        return (np.isfinite(bound) & (np.abs(y - bound) <= NEAR * size)).any(axis=0)


def repeat(y, judge, nkeep, least, times=None, rounded=False):
    """Runs a rule until nothing goes; (the sides of all that went, which columns are in doubt).

    `judge(left, columns)` says of the samples left in some columns which go (sides), their distances from the centre,
    and in which columns rounding decided. `least` is the fewest samples that the rule judges; `times` is how often it
    is done at most; `rounded` says that the distances are, so that a tie of them is in doubt.
    """
    sides, doubts = np.zeros(y.shape, "i1"), np.zeros(y.shape[1], bool)
    keep = fewest(nkeep, y)
    columns = np.arange(y.shape[1])
    while times is None or times > 0:
        columns = columns[count(y[:, columns]) >= least]
        if not len(columns):
            break
        left = y[:, columns]
        side, distance, doubt = judge(left, columns)
        given = give_back(side, distance, count(left), keep[columns])
        doubts[columns] |= doubt | (nearly_tied(side, distance, given) & rounded)
        side = given
        sides[:, columns] += side
        y = y.copy()
        y[:, columns] = np.where(side != 0, np.nan, left)
        columns = columns[(side != 0).any(axis=0)]
        times = None if times is None else times - 1
    return sides, doubts
