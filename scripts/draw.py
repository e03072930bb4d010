"""Draws configurations: frames with everything that frames have, and a recipe for them.

Rounding alone must not decide what is compared: grids of f64 numbers that are not whole, and
deviations of whole numbers that are whole multiples of sigma, are hardly ever drawn.
"""

from dataclasses import dataclass, field

import numpy as np

from draw_recipe import Outline, chance, draw_recipe, pick
from fits_frames import STORED, FrameFile, Image, is_f32
from recipe import Recipe


@dataclass(frozen=True)
class Format:
    """How a frame stores its samples, and the levels that suit it; step is its grid."""

    bitpix: int
    bscale: float
    bzero: float
    lowest: float
    highest: float

    def is_wide(self):
        """Whether the samples of such a frame are f64."""
        return self.bitpix in (32, 64, -64) or not (is_f32(self.bscale) and is_f32(self.bzero))


SINGLE = (
    [Format(8, 1.0, 0.0, 30, 200), Format(8, 1.0, -128.0, -60, 60)]
    + [Format(16, 1.0, 0.0, -15000, 20000), Format(16, 1.0, 0.0, 50, 1500)]
    + [Format(16, 1.0, 32768.0, 500, 50000)] * 5
    + [Format(-32, 1.0, 0.0, -100, 2000)] * 4
    + [Format(16, 0.5, 100.0, 200, 9000), Format(-32, 0.5, 100.0, 200, 3000)]
    + [Format(8, 0.5, 100.0, 130, 190)]
)
DOUBLE = (
    [Format(16, 0.1, 3.7, 50, 2000), Format(8, 0.1, 3.7, 8, 14), Format(-32, 0.1, 3.7, 50, 2000)]
    + [Format(32, 1.0, 0.0, -1e6, 1e8), Format(32, 1.0, 2147483648.0, 1e5, 4e9)]
    + [Format(64, 1.0, 0.0, -1e6, 1e10), Format(64, 1.0, 9223372036854775808.0, 10, 1e9)]
    + [Format(-64, 1.0, 0.0, -100, 2000), Format(-64, 1.0, 0.0, 1e-3, 1.0)]
    + [Format(32, 0.1, 3.7, 50, 2000), Format(64, 1.0, 0.0, 1e16, 4e18)]
)
MIXED = [Format(8, 1.0, 0.0, 60, 180), Format(16, 1.0, 0.0, 60, 180), Format(16, 1.0, 32768.0, 60, 180)] + [
    Format(-32, 1.0, 0.0, 60, 180),
    Format(16, 0.5, 100.0, 60, 180),
]
MIXED_WIDE = [Format(32, 1.0, 0.0, 60, 180), Format(-64, 1.0, 0.0, 60, 180), Format(64, 1.0, 0.0, 60, 180)]


@dataclass
class Config:
    """A drawn configuration: what is written to disk and what is asked for."""

    files: list
    recipe: Recipe
    bad: Image | None = None
    run_flags: list = field(default_factory=list)
    names: tuple = ("MASK", "UNCERT")
    lists: dict = field(default_factory=dict)
    hdu: int | None = None


def draw_size(rng):
    """(nframe, nrow, ncol): small and odd, sometimes many frames, sometimes wide."""
    nframe = int(rng.integers(1, 41)) if chance(rng, 0.93) else int(rng.integers(60, 131))
    budget = int(pick(rng, [200, 600, 1200, 2000]) * min(1.0, 30 / nframe))
    if chance(rng, 0.08):
        nrow = int(rng.integers(1, 4))
        return nframe, nrow, max(7, min(900, budget // nrow))
    nrow = int(rng.integers(5, 71))
    return nframe, nrow, int(np.clip(budget // nrow, 7, 90))


def draw_formats(rng, nfile):
    """A storage format for each file: one for all, or several mixed."""
    if nfile > 1 and chance(rng, 0.15):
        choice = MIXED + (MIXED_WIDE if chance(rng, 0.4) else [])
        return [pick(rng, choice) for _ in range(nfile)]
    return [pick(rng, SINGLE if chance(rng, 0.6) else DOUBLE)] * nfile


def draw_style(rng, formats, scaled, has_line):
    """How samples spread: grids only where sums of them are exact in f64, and no line is fitted to them."""
    wide = any(f.is_wide() for f in formats)
    fractions = any(f.bscale != 1.0 or f.bitpix == -64 for f in formats)
    huge = any(f.highest > 1e14 for f in formats)
    if has_line or (wide and (fractions or scaled or huge)):
        return pick(rng, ["noise", "noise", "skewed"])
    return pick(rng, ["noise", "noise", "skewed", "few", "two", "constant"])


def draw_place(rng, form):
    """(level, spread) that suit a format."""
    low, high = form.lowest, form.highest
    level = float(rng.uniform(low, high))
    level = level if high <= 1.0 else float(round(level))
    spread = float(pick(rng, [1.0, 4.0, 25.0]))
    spread = min(spread * max(1.0, abs(level) ** 0.5 / 10, abs(level) / 1e4), (high - low) / 8)
    return level, spread


def draw_values(rng, size, form, style, level, spread):
    """Physical values (nframe, nrow, ncol) before they are stored."""
    if style == "noise":
        values = level + spread * rng.normal(size=size)
    elif style == "skewed":
        values = level + spread * rng.exponential(size=size) * rng.choice([0.2, 1.0, 3.0], size=size)
    elif style == "few":
        values = level + rng.integers(-2, 3, size=size).astype(float)
    elif style == "two":
        values = level + (rng.random(size) < 0.15)
    else:
        values = np.full(size, level)
    if chance(rng, 0.3):
        values = values + np.round(np.linspace(0, (form.highest - form.lowest) / 10, size[2]))
    reach = spread * float(pick(rng, [6.0, 20.0, 60.0]))
    return add_outliers(rng, values, 3 + min(reach, form.highest - form.lowest))


def add_outliers(rng, values, reach):
    """Cosmic rays, one bad frame, half of the frames bad, a cold pixel, or none of it."""
    kind = pick(rng, ["none", "rays", "rays", "one", "half", "cold"])
    if kind == "rays":
        values = values + np.round(reach * (rng.random(values.shape) < 0.04) * rng.uniform(1, 3, values.shape))
    elif kind == "one":
        values[int(rng.integers(len(values)))] += round(reach)
    elif kind == "half":
        values[: len(values) // 2] += round(reach)
    elif kind == "cold":
        values = values - np.round(reach * (rng.random(values.shape) < 0.03))
    return values


def store(rng, values, form, holes):
    """An Image that holds the values in a format; holes are NaN, infinite or BLANK."""
    kind = STORED[form.bitpix]
    raw = (values - form.bzero) / form.bscale
    gone = rng.random(values.shape) < holes
    if form.bitpix < 0:
        stored = raw.astype(kind)
        stored[gone] = rng.choice([np.nan, np.nan, np.inf, -np.inf], size=int(gone.sum()))
        return Image(stored, form.bscale, form.bzero)
    info = np.iinfo(kind)
    if form.bitpix == 64:
        stored = np.rint(values).astype(np.int64) - (2**63 - 1 if form.bzero else 0)
        stored -= 1 if form.bzero else 0
    else:
        stored = np.clip(np.rint(raw), info.min, info.max).astype(kind)
    if holes == 0.0:
        return Image(stored, form.bscale, form.bzero)
    blank = int(pick(rng, [info.min, info.max, int(stored.flat[0])]))
    stored[gone] = blank
    return Image(stored, form.bscale, form.bzero, blank)


def draw_mask(rng, shape, share):
    """A MASK plane: zero is good, other values are bad."""
    kind = "u1" if chance(rng, 0.7) else "i2"
    bad = rng.random(shape) < share
    values = [1, 1, 255] if kind == "u1" else [1, -1, 300]
    return Image(np.where(bad, rng.choice(values, size=shape), 0).astype(kind))


def draw_uncertainty(rng, shape, utype):
    """An UNCERT plane of a type, some of it zero, negative or not finite."""
    u = rng.uniform(0.5, 4.0, size=shape)
    stored = {"StdDevUncertainty": u, "VarianceUncertainty": u * u, "InverseVariance": 1 / (u * u)}[utype]
    if chance(rng, 0.5):
        bad = rng.random(shape) < 0.03
        stored[bad] = rng.choice([0.0, -1.0, np.nan, np.inf], size=int(bad.sum()))
    kind = "f4" if chance(rng, 0.7) else "f8"
    return Image(stored.astype(kind), cards={"UTYPE": utype})


def draw_file_sizes(rng, nframe):
    """How many planes each file holds; None is a plain 2-D image."""
    if not chance(rng, 0.12):
        return [None] * nframe
    sizes, left = [], nframe
    while left:
        sizes.append(int(rng.integers(1, min(left, 4) + 1)))
        left -= sizes[-1]
    return sizes


def draw_config(rng):
    """Draw one configuration."""
    size = draw_size(rng)
    sizes = draw_file_sizes(rng, size[0])
    formats = draw_formats(rng, len(sizes))
    wide = any(f.is_wide() for f in formats)
    config = Config([], Recipe())
    level, spread = draw_place(rng, formats[0])
    cubes = any(nplane is not None for nplane in sizes)
    tenths = any(f.bscale == 0.1 for f in formats)
    whole = any(f.bitpix > 0 for f in formats) and spread < 10
    cards = draw_recipe(rng, Outline(size, level, spread, wide, tenths, cubes, whole), config)
    scaled = config.recipe.scale.text != "none" or config.recipe.zero.text != "none"
    has_line = any(step.text().startswith("linear-fit") for step in config.recipe.clip)
    style = draw_style(rng, formats, scaled, has_line)
    values = draw_values(rng, size, formats[0], style, level, spread)
    if scaled and formats[0].lowest > 0 and formats[0].highest > 200:
        values = values * (1 + 0.02 * rng.integers(0, 6, size=(size[0], 1, 1)))
    draw_files(rng, values, sizes, formats, cards, config)
    return config


def draw_files(rng, values, sizes, formats, cards, config):
    """Cut the values into files, with their companion planes."""
    holes = float(pick(rng, [0.0, 0.0, 0.02, 0.15, 0.5]))
    masked = float(pick(rng, [0.0, 0.0, 0.05, 0.3]))
    extension = pick(rng, ["SCI", "IM1"]) if chance(rng, 0.2) else None
    utypes = ["StdDevUncertainty", "VarianceUncertainty", "InverseVariance"]
    utypes = utypes if chance(rng, 0.2) else [pick(rng, utypes)]
    with_u = config.recipe.weight.text == "ivar" or config.recipe.needs_uncertainty() or chance(rng, 0.1)
    frame = 0
    for nplane, form in zip(sizes, formats, strict=True):
        part = values[frame : frame + (nplane or 1)]
        part = part[0] if nplane is None else part
        image = store(rng, part, form, holes)
        image.cards = cards[frame]
        mask = draw_mask(rng, part.shape, masked) if masked and chance(rng, 0.8) else None
        uncert = draw_uncertainty(rng, part.shape, pick(rng, utypes)) if with_u else None
        config.files.append(FrameFile(image, mask, uncert, extension, *config.names))
        frame += nplane or 1
    if chance(rng, 0.15):
        config.bad = draw_mask(rng, values.shape[1:], 0.1)
    if extension:
        config.hdu = 1
        config.run_flags += pick(rng, [[], ["--hdu", extension], ["--hdu", "1"]])
