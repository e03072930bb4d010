"""The stack at one pixel, plainly: clip, combine, uncertainty, all in f64 with exact sums.

This is the reference that judges the program. It follows the written reference sentence by
sentence and shares nothing with the program. Samples are lists of floats, one per frame; a frame
that is absent at the pixel is not in `kept`.

Readings of the reference
  * extrema ranks by (y, frame) among what the step before left. Where more than are left are
    asked for all go: the lowest min(NLOW, n) count as LOW, the others as HIGH.
  * sigma: weights take no part; `mad` and its fallback are about the median of the survivors
    also with center=mean; the fallback comes before the floor.
  * nkeep: returned samples are nearest the centre of that iteration (sigma) or the median of
    the samples before the step (extrema), by (distance, frame), both sides together. They are
    survivors and are not counted as LOW or HIGH.
  * COUNT is the survivors of clipping, weight zero included, but 0 where the weights sum to
    zero; LOW and HIGH still tell what the steps took. `median` ignores weights altogether.
  * ivar weighs by 1/u^2 with u as scaled. Of one survivor, sum propagates w u, average u.
  * MASK is 1 exactly where nothing is left.
  * A decision that hinges on less than NEAR of the reach or on the rounding of a sum is taken
    only where the numbers in it are exact in f64; then the strict comparison binds. Medians,
    distances from them and factor times floor are f64 facts. All else raises Undecided.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import floor, fsum, nan, pi, sqrt

import numpy as np

from level_oracle import mode_level
from recipe import Extrema, MinMax

MAD_TO_SIGMA = 1.482602218505602
ROOT_HALF_PI = sqrt(pi / 2.0)
NEAR = 1e-12
INTEGERS = ("i16", "u16", "i32")
ROUNDED = ("std", "mode")


class Undecided(Exception):
    """Rounding alone decides here; two right programs may differ."""


@dataclass(frozen=True)
class Pixel:
    """The answer at one pixel; `slack` is what f64 rounding may add to a cancelling sum."""

    data: float
    uncertainty: float
    count: int
    low: int
    high: int
    slack: float = 0.0
    exact: bool = True
    largest: float = 0.0

    @property
    def mask(self):
        """1 where nothing is left."""
        return int(self.count == 0)


@dataclass(frozen=True)
class Samples:
    """One pixel's samples, a value per frame: scaled y, calibrated x, weight w, uncertainty u.

    y is NaN where the frame is absent. u is None where no uncertainty takes part.
    """

    y: list
    x: list
    w: list
    u: list | None = None


def median(values):
    """The middle value, or the mean of the middle two."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2.0


def mean(values):
    """The correctly rounded sum by the number of values."""
    return fsum(values) / len(values)


def exact_sum(values):
    """Whether adding the values one after the other in f64 loses nothing."""
    total = 0.0
    for value in values:
        total += value
    return Fraction(total) == sum(map(Fraction, values))


def exact_mean(values):
    """Whether f64 arithmetic gives the mean without any rounding."""
    whole = sum(map(Fraction, values)) / len(values)
    return exact_sum(values) and Fraction(mean(values)) == whole


def exact_std(values):
    """Whether f64 arithmetic gives the standard deviation without any rounding."""
    if not exact_mean(values):
        return False
    middle = mean(values)
    apart = [value - middle for value in values]
    squares = [d * d for d in apart]
    if any(Fraction(v) - Fraction(middle) != Fraction(d) for v, d in zip(values, apart, strict=True)):
        return False
    if any(Fraction(d) ** 2 != Fraction(s) for d, s in zip(apart, squares, strict=True)):
        return False
    variance = sum(map(Fraction, squares)) / len(values)
    return exact_sum(squares) and Fraction(std(values)) ** 2 == variance


def std(values):
    """Standard deviation about the mean, ddof 0."""
    middle = mean(values)
    return sqrt(fsum((value - middle) ** 2 for value in values) / len(values))


def mad(values):
    """Median of the absolute deviations from the median."""
    middle = median(values)
    return median([abs(value - middle) for value in values])


def deviation(values, step):
    """sigma of a sigma step: `dev`, the fallback of mad, and the floor."""
    if (step.dev or "mad") == "std":
        sigma = std(values)
    else:
        sigma = MAD_TO_SIGMA * mad(values)
        if sigma == 0.0:
            middle = median(values)
            sigma = ROOT_HALF_PI * mean([abs(value - middle) for value in values])
    return max(sigma, step.floor or 0.0)


def is_mean(step):
    """Whether the centre of a sigma step is the mean (the default is the median)."""
    return step.center == "mean"


def centre(values, step):
    """The centre of a sigma step."""
    return mean(values) if is_mean(step) else median(values)


def exact_bound(values, step, factor, sigma, bound):
    """Whether f64 arithmetic gives the bound without any rounding; factor times sigma is a fact."""
    if is_mean(step) and not exact_mean(values):
        return False
    of_data = sigma > (step.floor or 0.0)
    if of_data and not ((step.dev or "mad") == "std" and exact_std(values)):
        return False
    reach = Fraction(factor * sigma)
    return abs(Fraction(bound) - Fraction(centre(values, step))) == reach


def rounding(values, middle):
    """How far summing the values in any order may move their mean, with a margin."""
    return len(values) * 2.0**-51 * abs(middle)


def sigma_iteration(kept, y, step):
    """(dropped low, dropped high, centre) of one iteration."""
    values = [y[i] for i in kept]
    middle = centre(values, step)
    sigma = deviation(values, step)
    dropped = []
    for factor, side in ((step.low, -1.0), (step.high, 1.0)):
        if factor is None:
            dropped.append([])
            continue
        bound = middle + side * (factor * sigma)
        close = NEAR * factor * sigma + rounding(values, middle)
        hinges = [value for value in values if abs(value - bound) <= close]
        if hinges and (not is_mean(step) or exact_mean(values)):
            hinges = [value for value in hinges if value != middle]
        if hinges and not exact_bound(values, step, factor, sigma, bound):
            raise Undecided
        dropped.append([i for i in kept if side * y[i] > side * bound])
    return dropped[0], dropped[1], middle


def give_back(kept, taken, middle, y, nkeep, exact_middle):
    """The taken samples that return so that nkeep are left: nearest first, ties in frame order.

    exact_middle is a function that tells whether near ties are decided by f64 arithmetic.
    """
    need = min(nkeep, len(kept)) - (len(kept) - len(taken))
    if need <= 0:
        return set()
    order = sorted(taken, key=lambda i: (abs(y[i] - middle), i))
    back, rest = order[:need], order[need:]
    close = NEAR * abs(y[order[need - 1]] - middle) + rounding(kept, middle)
    hinges = any(y[i] != y[j] and abs(abs(y[i] - middle) - abs(y[j] - middle)) <= close for i in back for j in rest)
    if hinges and not exact_middle():
        raise Undecided
    return set(back)


def sigma_step(kept, y, step, nkeep):
    """(survivors, those dropped low, those dropped high) of a sigma step."""
    all_low, all_high = [], []
    left = {"converge": None, None: 1}.get(step.iters, step.iters)
    while kept and left != 0:
        low, high, middle = sigma_iteration(kept, y, step)
        values = [y[i] for i in kept]
        back = give_back(kept, low + high, middle, y, nkeep, lambda v=values: not is_mean(step) or exact_mean(v))
        low, high = [i for i in low if i not in back], [i for i in high if i not in back]
        if not low and not high:
            break
        gone = set(low) | set(high)
        kept = [i for i in kept if i not in gone]
        all_low, all_high = all_low + low, all_high + high
        left = None if left is None else left - 1
    return kept, all_low, all_high


def extrema_step(kept, y, step, nkeep):
    """(survivors, those dropped low, those dropped high) of an extrema step."""
    if not kept:
        return kept, [], []
    order = sorted(kept, key=lambda i: (y[i], i))
    nlow = min(step.nlow, len(order))
    nhigh = min(step.nhigh, len(order) - nlow)
    low, high = order[:nlow], order[len(order) - nhigh :]
    middle = median([y[i] for i in kept])
    back = give_back(kept, low + high, middle, y, nkeep, lambda: True)
    low, high = [i for i in low if i not in back], [i for i in high if i not in back]
    gone = set(low) | set(high)
    return [i for i in kept if i not in gone], low, high


def minmax_step(kept, x, step):
    """(survivors, those below, those above) of a minmax step; it gives nothing back."""
    low = [i for i in kept if step.low is not None and x[i] < step.low]
    high = [i for i in kept if step.high is not None and x[i] > step.high]
    gone = set(low) | set(high)
    return [i for i in kept if i not in gone], low, high


def clip_step(kept, samples, step, nkeep):
    """(survivors, those dropped low, those dropped high) of one step."""
    if isinstance(step, MinMax):
        return minmax_step(kept, samples.x, step)
    if isinstance(step, Extrema):
        return extrema_step(kept, samples.y, step, nkeep)
    return sigma_step(kept, samples.y, step, nkeep)


def scatter_of_median(values):
    """Uncertainty of a median from the samples."""
    if len(values) == 1:
        return nan
    return ROOT_HALF_PI * MAD_TO_SIGMA * mad(values) / sqrt(len(values))


def propagated_to_median(uncertainties):
    """Uncertainty of a median from the samples' own."""
    root = sqrt(fsum(u * u for u in uncertainties)) / len(uncertainties)
    return root if len(uncertainties) <= 2 else ROOT_HALF_PI * root


def quantile(values, part):
    """The value at a part of the way by rank from the lowest to the highest, linear in between."""
    ordered = sorted(values)
    place = part * (len(ordered) - 1)
    rank = floor(place)
    if place == rank:
        return ordered[rank]
    return (1.0 - (place - rank)) * ordered[rank] + (place - rank) * ordered[rank + 1]


def spread(values):
    """The standard deviation with ddof 1; NaN of one."""
    if len(values) == 1:
        return nan
    middle = mean(values)
    return sqrt(fsum((value - middle) ** 2 for value in values) / (len(values) - 1))


BY_ORDER = {
    "median": median,
    "min": min,
    "max": max,
    "lmedian": lambda values: min(values) if len(values) == 2 else median(values),
    "mad": lambda values: MAD_TO_SIGMA * mad(values),
    "std": spread,
    "mode": lambda values: mode_level(np.array([sorted(values)])),
}


def combine_by_order(kept, samples, recipe):
    """(value, uncertainty) of a method in which weights take no part."""
    values = [samples.y[i] for i in kept]
    name, _, part = recipe.method.partition(":")
    value = quantile(values, float(part)) if part else BY_ORDER[name](values)
    if name not in ("median", "lmedian"):
        return value, nan
    if recipe.propagates():
        return value, propagated_to_median([samples.u[i] for i in kept])
    return value, scatter_of_median(values)


def scatter_of_sum(values, weights):
    """Uncertainty of a weighted sum from the samples; weights are positive."""
    n = len(values)
    if n == 1:
        return nan
    middle = fsum(w * v for w, v in zip(weights, values, strict=True)) / fsum(weights)
    squares = fsum((w * (v - middle)) ** 2 for w, v in zip(weights, values, strict=True))
    return sqrt(n / (n - 1) * squares)


def combine_sum(kept, samples, recipe):
    """(sum of w y, its uncertainty, sum of w); weights zero add nothing."""
    heavy = [i for i in kept if samples.w[i] > 0.0]
    values = [samples.y[i] for i in heavy]
    weights = [samples.w[i] for i in heavy]
    total = fsum(w * v for w, v in zip(weights, values, strict=True))
    if recipe.propagates():
        sigma = sqrt(fsum((samples.w[i] * samples.u[i]) ** 2 for i in heavy))
    else:
        sigma = scatter_of_sum(values, weights)
    return total, sigma, fsum(weights)


def is_exact_sum(kept, samples, value, divisor):
    """Whether f64 arithmetic gives an average or a sum without any rounding."""
    products = [samples.w[i] * samples.y[i] for i in kept]
    terms = [Fraction(samples.w[i]) * Fraction(samples.y[i]) for i in kept]
    if any(Fraction(p) != t for p, t in zip(products, terms, strict=True)):
        return False
    weights = [samples.w[i] for i in kept]
    return exact_sum(products) and exact_sum(weights) and sum(terms) == Fraction(value) * Fraction(divisor)


def combine_pixel(samples, kept, taken, recipe):
    """The answer at one pixel of which these frames are kept, and so many samples taken (low, high)."""
    weighs = recipe.weighs()
    if not kept or (weighs and not any(samples.w[i] > 0.0 for i in kept)):
        return Pixel(nan, nan, 0, *taken)
    largest = max(abs(samples.y[i]) for i in kept)
    if not weighs:
        value, sigma = combine_by_order(kept, samples, recipe)
        slack = len(kept) * 2.0**-51 * largest if recipe.method in ROUNDED else 0.0
        exact = recipe.method not in ROUNDED and ":" not in recipe.method and recipe.method != "mad"
        return Pixel(value, sigma, len(kept), *taken, slack, exact, largest)
    if recipe.method == "quadrature":
        root = sqrt(fsum((samples.w[i] * samples.y[i]) ** 2 for i in kept))
        weight = fsum(samples.w[i] for i in kept)
        return Pixel(root / weight, nan, len(kept), *taken, exact=False, largest=largest)
    total, sigma, weight = combine_sum(kept, samples, recipe)
    slack = len(kept) * 2.0**-52 * fsum(abs(samples.w[i] * samples.y[i]) for i in kept)
    divisor = 1.0 if recipe.method == "sum" else weight
    value = total / divisor
    exact = recipe.dtype not in INTEGERS or is_exact_sum(kept, samples, value, divisor)
    size = largest * weight / divisor
    return Pixel(value, sigma / divisor, len(kept), *taken, slack / divisor, exact, size)
