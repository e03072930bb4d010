"""The level of each line of an overscan: its own, or a curve through all, as numpy and scipy fit it.

Readings of the reference
  * A clip without a fit drops samples of a line, one with a fit lines; what is dropped stays away.
    For samples the deviation is taken about their mean; whether it is that or about the line's own
    statistic hardly matters, and a line on which it does is undecided. So is what rounding decides.
  * The degrees of a polynomial need one line more than that, a spline of N pieces N + 3.
"""

import numpy as np
from scipy.interpolate import BSpline

from level_oracle import Refusal

NEAR = 1e-9
CURVES = {"poly": np.polynomial.Polynomial, "legendre": np.polynomial.Legendre, "chebyshev": np.polynomial.Chebyshev}


def statistic(samples, stat):
    """The median or the mean of one line."""
    if stat == "median":
        return float(np.median(samples))
    return float(np.add.accumulate(samples)[-1]) / len(samples)


def clip_line(samples, stat, clip, about, widen):
    """What is left of a line's samples."""
    low, high, rounds = clip
    for _ in range(rounds):
        middle = statistic(samples, stat)
        spread = np.sqrt(np.mean((samples - (np.mean(samples) if about == "mean" else middle)) ** 2)) * widen
        left = samples[(samples >= middle - low * spread) & (samples <= middle + high * spread)]
        if len(left) in (0, len(samples)):
            break
        samples = left
    return samples


def own_level(samples, stat, clip):
    """(level of one line, whether it is certain)."""
    if clip is None:
        return statistic(samples, stat), True
    ways = [(a, w) for a in ("mean", "stat") for w in (1.0, 1.0 - NEAR, 1.0 + NEAR)]
    found = [statistic(clip_line(samples, stat, clip, *way), stat) for way in ways]
    return found[0], all(level == found[0] for level in found)


def spline_matrix(lines, npiece, nline):
    """The uniform cubic B-splines of npiece pieces over all lines, at some of them."""
    first, last = 0.0, float(nline - 1)
    step = (last - first) / npiece
    knots = first + step * np.arange(-3, npiece + 4)
    place = np.minimum(lines.astype(float), last)
    return np.column_stack(
        [BSpline.basis_element(knots[i : i + 5], extrapolate=False)(place) for i in range(npiece + 3)]
    )


def fit_curve(kind, lines, levels, nline):
    """The curve at every line."""
    name, size = kind.split(":")
    every = np.arange(nline)
    ncoefficient = int(size) + (3 if name == "spline3" else 1)
    if len(lines) < ncoefficient:
        raise Refusal(f"{len(lines)} lines for {ncoefficient} coefficients")
    if name != "spline3":
        return CURVES[name].fit(lines, levels, int(size), domain=[0, nline - 1])(every)
    matrix, whole = (np.nan_to_num(spline_matrix(x, int(size), nline)) for x in (lines, every))
    return whole @ np.linalg.lstsq(matrix, levels, rcond=None)[0]


def clipped_curve(kind, lines, levels, nline, clip, widen):
    """The curve after so many rounds of dropping lines that lie off it."""
    curve = fit_curve(kind, lines, levels, nline)
    low, high, rounds = clip or (0.0, 0.0, 0)
    for _ in range(rounds):
        off = levels - curve[lines]
        spread = np.sqrt(np.mean(off**2)) * widen
        keep = (off >= -low * spread) & (off <= high * spread)
        if keep.all() or spread <= NEAR * (1.0 + np.max(np.abs(levels))):
            break
        lines, levels = lines[keep], levels[keep]
        curve = fit_curve(kind, lines, levels, nline)
    return curve


def line_levels(values, present, stat, fit, clip):
    """(level, certain) of each line of values (line, sample); Refusal where there is none."""
    nline = len(values)
    inside = clip if fit == "none" else None
    kept = [values[line][present[line]] for line in range(nline)]
    lines = np.array([line for line in range(nline) if kept[line].size], int)
    own = [own_level(kept[line], stat, inside) for line in lines]
    if fit == "none":
        if len(lines) < nline:
            raise Refusal("a line of the overscan has no sample")
        return np.array([level for level, _ in own]), np.array([certain for _, certain in own])
    levels = np.array([level for level, _ in own])
    curves = [clipped_curve(fit, lines, levels, nline, clip, widen) for widen in (1.0, 1.0 - NEAR, 1.0 + NEAR)]
    same = all(np.allclose(curve, curves[0], rtol=NEAR, atol=0) for curve in curves)
    return curves[0], np.full(nline, same)
