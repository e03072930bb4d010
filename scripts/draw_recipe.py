"""Draws the recipe of a configuration: clip chain, levels, weights, sections, the way of running."""

from dataclasses import dataclass, replace

import numpy as np

from draw_rules import chance, draw_neighbours, draw_rule, once, pick
from recipe import UNCERTAIN, Extrema, MinMax, PerFrame, Recipe, Section, Sigma

ODD_FACTORS = [0.83, 1.37, 1.73, 1.91, 2.23, 2.61, 3.1, 3.3, 4.7, 5.3]
WHOLE_FACTORS = [2, 3, 5]


@dataclass(frozen=True)
class Outline:
    """What is known of the frames before the recipe is drawn.

    tenths: samples on a grid of 0.1; whole: samples that are few whole numbers.
    """

    size: tuple
    level: float
    spread: float
    wide: bool
    tenths: bool
    cubes: bool
    whole: bool = False


def draw_sigma(rng, tenths):
    """A sigma step; whole factors only with dev=mad, where no grid meets a bound by rounding.

    Whole factors of a whole floor do meet samples on a grid, and exactly so.
    """
    dev = pick(rng, [None, "mad", "std", "std"])
    factors = ODD_FACTORS if dev == "std" else ODD_FACTORS + WHOLE_FACTORS
    low, high = pick(rng, factors), pick(rng, factors)
    shape = pick(rng, ["both", "same", "same", "low", "high"])
    low, high = {"both": (low, high), "same": (low, low), "low": (low, None), "high": (None, high)}[shape]
    center = pick(rng, [None, "median", "mean"])
    iters = pick(rng, [None, None, 1, 2, 3, 5, "converge", "converge"])
    if dev != "std" and not tenths and chance(rng, 0.3):
        return Sigma(pick(rng, [1, 2]), pick(rng, [1, 2]), center, dev, iters, pick(rng, [1, 2, 3]))
    floor = pick(rng, [None, None, None, 0.73, 2.31, 11.87])
    return Sigma(low, high, center, dev, iters, floor)


def draw_step(rng, outline, cards):
    """One clip step."""
    kind = pick(rng, ["sigma", "sigma", "extrema", "minmax", "rule", "rule", "rule"])
    if kind == "sigma" and outline.size[0] < Sigma.fewest and chance(rng, 0.9):
        # Refused: of so few samples it could take nothing that could be trusted.
        kind = "extrema"
    if kind == "sigma":
        return draw_sigma(rng, outline.tenths)
    if kind == "rule" and outline.tenths:
        # Of samples on such a grid both ends may be equally far but for rounding.
        kind = "extrema"
    if kind == "rule":
        return draw_rule(rng, outline, cards)
    if kind == "extrema":
        return Extrema(int(rng.integers(0, 4)), int(rng.integers(0, 4)))
    digits = pick(rng, [0, 2])
    places = outline.level + outline.spread * rng.uniform((-4, 0), (1, 9))
    low, high = sorted(round(float(place), digits) for place in places)
    low, high = pick(rng, [(low, high), (low, None), (None, high)])
    return MinMax(low, high)


def draw_numbers(rng, nframe, low, high, zeros=0.0):
    """A number per frame with few decimals, some of them zero."""
    numbers = np.round(rng.uniform(low, high, size=nframe), 3)
    numbers[rng.random(nframe) < zeros] = 0.0
    return tuple(float(v) for v in numbers)


def draw_given(rng, name, numbers, cards, cubes, config):
    """Numbers as key:, list or @file; returns the PerFrame and puts them where they are read."""
    kind = pick(rng, ["list", "file"] if cubes else ["key", "list", "file"])
    if kind == "key":
        key = f"{name.upper()}1"
        for card, value in zip(cards, numbers, strict=True):
            card[key] = value
        return PerFrame(f"key:{key}", numbers)
    if kind == "file":
        lines = [f"{value!r}  # frame {i}" for i, value in enumerate(numbers)]
        config.lists[f"{name}.txt"] = "# drawn\n" + "\n".join(lines) + "\n"
        return PerFrame(f"@{name}.txt", numbers)
    return PerFrame(",".join(repr(value) for value in numbers), numbers)


def draw_level(rng, name, nframe, cards, cubes, config, stats):
    """Scale or zero: mostly none, else a statistic or given numbers."""
    if chance(rng, 0.6):
        return PerFrame(), None
    to = pick(rng, [None, None, "first", "mean", 100.0, 1.5])
    if stats and chance(rng, 0.7):
        spreads = ["mad", "median*mad"] if name == "scale" else []
        return PerFrame(pick(rng, ["mean", "median", "median", "mode", *spreads])), to
    low, high = (0.5, 3.0) if name == "scale" else (-20.0, 20.0)
    return draw_given(rng, name, draw_numbers(rng, nframe, low, high), cards, cubes, config), to


def draw_weight(rng, nframe, cards, cubes, config):
    """Weights: mostly none; lists with some zeros; rarely all zero."""
    kind = pick(rng, ["none", "none", "none", "given", "given", "ivar", "noise", "exposure"])
    if kind in ("none", "ivar", "noise"):
        return PerFrame(kind)
    if kind == "exposure":
        return PerFrame() if cubes else draw_exposures(rng, nframe, cards)
    zeros = float(pick(rng, [0.0, 0.0, 0.3, 1.0 if chance(rng, 0.2) else 0.1]))
    return draw_given(rng, "weight", draw_numbers(rng, nframe, 0.2, 3.0, zeros), cards, cubes, config)


def draw_exposures(rng, nframe, cards):
    """EXPTIME of each frame, some as text; seldom one is missing or not positive, which is told by NaN."""
    numbers = list(draw_numbers(rng, nframe, 0.5, 900.0))
    for card, value in zip(cards, numbers, strict=True):
        card["EXPTIME"] = f"{value!r}" if chance(rng, 0.2) else value
    if chance(rng, 0.15):
        bad = int(rng.integers(nframe))
        cards[bad]["EXPTIME"] = pick(rng, [0, -3.5, "long"])
        numbers[bad] = float("nan")
    return PerFrame("exposure", tuple(numbers))


NORMS = {
    "add": {"zero": PerFrame("median"), "zero_to": "first"},
    "mul": {"scale": PerFrame("median"), "scale_to": "first"},
    "addscale": {
        "zero": PerFrame("median"),
        "zero_to": "first",
        "scale": PerFrame("mad"),
        "scale_to": "first",
    },
    "mulscale": {"scale": PerFrame("median*mad"), "scale_to": "first"},
}


def draw_norm(rng, recipe, positive):
    """Seldom a norm in the place of scale and zero."""
    if not chance(rng, 0.15):
        return recipe
    norm = pick(rng, list(NORMS) if positive else ["add", "addscale"])
    nothing = {"zero": PerFrame(), "zero_to": None, "scale": PerFrame(), "scale_to": None}
    return replace(recipe, norm=norm, **{**nothing, **NORMS[norm]})


METHODS = ["average", "average", "average", "median", "median", "median", "sum", "sum"] + [
    *("min", "max", "lmedian", "quantile:0.25", "quantile:0.9", "std", "mad", "mode", "quadrature"),
]


def draw_section(rng, nrow, ncol):
    """A FITS section of at least one pixel, sometimes with a whole axis."""
    x1, x2 = sorted(int(v) for v in rng.integers(1, ncol + 1, size=2))
    y1, y2 = sorted(int(v) for v in rng.integers(1, nrow + 1, size=2))
    if chance(rng, 0.15):
        return Section(1, ncol, y1, y2, f"[*,{y1}:{y2}]")
    if chance(rng, 0.15):
        return Section(x1, x2, 1, nrow, f"[{x1}:{x2},:]")
    return Section(x1, x2, y1, y2, f"[{x1}:{x2},{y1}:{y2}]")


def draw_dtype(rng, outline, weight):
    """The output type; integers where they may fit and no sum of decimals makes a half."""
    kind = pick(rng, ["auto"] * 5 + ["f32", "f64", "i32", "i32", "small"])
    if kind[0] == "f" or kind == "auto":
        return kind
    if abs(outline.level) > 1e8 or outline.tenths or weight.text != "none":
        return "auto"
    if kind == "small" and not outline.wide:
        return "u16" if outline.level >= 0 else "i16"
    return "i32"


def draw_planes(rng, uncertainty):
    """All six planes mostly; the data alone or a few sometimes."""
    six = ["data", "mask", "uncertainty", "count", "low", "high"]
    kind = pick(rng, ["six"] * 8 + ["default", "data", "some"])
    chosen = {"six": six, "default": six[:3], "data": six[:1], "some": ["data", "mask", "count"]}[kind]
    return tuple(p for p in chosen if p != "uncertainty" or uncertainty != "none")


def draw_run_flags(rng):
    """Limit, threads and I/O, which change nothing."""
    limit = pick(rng, ["8M", "12M", "16M", "32M", "64M", "256M", "1G"])
    threads, io = str(int(rng.integers(1, 9))), pick(rng, ["mmap", "read"])
    return ["--mem-limit", limit, "--threads", threads, "--io", io]


def draw_names(rng):
    """(MASK, UNCERT) names; others than the default are told by a flag."""
    if chance(rng, 0.85):
        return ("MASK", "UNCERT"), []
    return ("BADPIX", "ERR"), ["--mask-hdu", "BADPIX", "--uncertainty-hdu", "ERR"]


def draw_recipe(rng, outline, config):
    """Fill in the recipe and flags of a configuration; returns the header cards of each frame."""
    nframe, nrow, ncol = outline.size
    cubes = outline.cubes
    cards = [{} for _ in range(nframe)]
    positive = outline.level > 3 * outline.spread
    method = pick(rng, METHODS)
    kinds = ["scatter", "scatter", "propagate", "none"]
    uncertainty = pick(rng, kinds if method in UNCERTAIN else ["none"])
    scale, scale_to = draw_level(rng, "scale", nframe, cards, cubes, config, positive)
    zero, zero_to = draw_level(rng, "zero", nframe, cards, cubes, config, True)
    weight = draw_weight(rng, nframe, cards, cubes, config)
    recipe = Recipe(
        method=method,
        clip=once([draw_step(rng, outline, cards) for _ in range(int(rng.integers(0, 4)))]),
        nkeep=int(rng.integers(-5, 6)) if chance(rng, 0.5) else 0,
        scale=scale,
        zero=zero,
        scale_to=scale_to,
        zero_to=zero_to,
        weight=weight,
        uncertainty=uncertainty,
        dtype=draw_dtype(rng, outline, weight),
        planes=draw_planes(rng, uncertainty),
    )
    sections = {}
    if chance(rng, 0.3):
        sections["stats_section"] = draw_section(rng, nrow, ncol)
    if chance(rng, 0.15):
        sections["region"] = draw_section(rng, nrow, ncol)
    config.recipe = draw_neighbours(rng, draw_norm(rng, replace(recipe, **sections), positive))
    config.names, name_flags = draw_names(rng)
    config.run_flags = draw_run_flags(rng) + name_flags
    return cards
