"""The oracle over whole frames: the pixels of a stack, one after the other."""

from dataclasses import dataclass
from math import isnan

import numpy as np

from level_oracle import Refusal, levels, normalise
from recipe import ByTextbook, PerFrame
from stack_oracle import INTEGERS, Samples, Undecided, clip_step, combine_pixel

NEARLY_TIED = 1e-11
BLANKS = {"i16": -32768, "u16": 65535, "i32": -2147483648}
RANGES = {"i16": (-32767, 32767), "u16": (0, 65534), "i32": (-2147483647, 2147483647)}


@dataclass
class Expected:
    """The answers by (row, column) of the output; None where rounding alone decides.

    `samples` holds what they were made of, by name, (nframe, nrow, ncol) or None.
    """

    pixels: dict
    dtype: str
    samples: dict


def weights_of(recipe, stack, u, sizes):
    """One weight for every sample; sizes are |a| of the frames."""
    if recipe.weight.text == "ivar" and recipe.weighs():
        return 1.0 / (u * u)
    numbers = np.array(recipe.weight.numbers or [1.0] * len(stack.x), np.float64)
    if recipe.weight.text == "noise" and recipe.weighs():
        noise = np.array(levels(PerFrame("noise"), stack.x, recipe.stats_section, 1.0)) * sizes
        numbers = 1.0 / (noise * noise)
    if not np.all(np.isfinite(numbers) & (numbers >= 0.0)):
        raise Refusal("weight")
    if recipe.weight.text in ("exposure", "noise") and not np.all(numbers > 0.0):
        raise Refusal("weight")
    return np.broadcast_to(numbers[:, None, None], stack.x.shape)


def output_type(recipe, stack):
    """f32, f64 or the integer type of the output."""
    if recipe.dtype != "auto":
        return recipe.dtype
    return "f32" if stack.sample_type is np.float32 else "f64"


def combine_stack(stack, recipe, chosen=None):
    """Combine; `chosen` limits the work to some (row, column) of the output.

    Raises Refusal where the run has to end without an output.
    """
    for step in recipe.clip:
        if getattr(step, "fewest", 1) > len(stack.x):
            raise Refusal(f"too few frames for {step.text()}")
    y, sizes = normalise(stack.x, recipe, stack.sample_type)
    rows, cols = recipe.region.slices() if recipe.region else (slice(None), slice(None))
    with np.errstate(invalid="ignore", divide="ignore"):
        u = None if stack.u is None else stack.u * np.array(sizes)[:, None, None]
        w = weights_of(recipe, stack, u, np.array(sizes))
    y, x, w = y[:, rows, cols], stack.x[:, rows, cols], w[:, rows, cols]
    u = None if u is None else u[:, rows, cols]
    places = chosen if chosen is not None else list(np.ndindex(y.shape[1:]))
    pixels = combine_places([columns((y, x, w, u), place) for place in places], recipe)
    pixels = dict(zip(places, pixels, strict=True))
    check_fit(pixels, recipe.dtype)
    samples = {"calibrated x": x, "scaled y": y, "weight": w, "uncertainty": u}
    return Expected(pixels, output_type(recipe, stack), samples)


def columns(planes, place):
    """The samples of a pixel."""
    row, col = place
    return Samples(*(None if plane is None else plane[:, row, col].tolist() for plane in planes))


@dataclass
class Clipped:
    """What the steps have left of a pixel, and taken; in doubt where rounding alone decides."""

    kept: list
    low: int = 0
    high: int = 0
    doubt: bool = False

    def take(self, kept, low, high):
        """What a step left, and how many it took on either side."""
        self.kept, self.low, self.high = kept, self.low + low, self.high + high


def combine_places(pixels, recipe):
    """The answer at each pixel, or None where it cannot be decided: step by step, all pixels at a time."""
    states = [Clipped([i for i, v in enumerate(samples.y) if np.isfinite(v)]) for samples in pixels]
    for step in recipe.clip:
        if isinstance(step, ByTextbook):
            textbook_step(step, pixels, states, recipe.nkeep)
            continue
        for samples, state in zip(pixels, states, strict=True):
            try:
                state.take(*clip_step(state.kept, samples, step, recipe.nkeep))
            except Undecided:
                state.doubt = True
    return [
        None if state.doubt else combine_pixel(samples, state.kept, (state.low, state.high), recipe)
        for samples, state in zip(pixels, states, strict=True)
    ]


def near_ties(y):
    """Where samples differ by hardly more than rounding: their deviations, and what is tied, rounding alone decides."""
    ordered = np.sort(y, axis=0)
    with np.errstate(invalid="ignore"):
        apart = np.diff(ordered, axis=0)
        size = np.nanmax(np.where(np.isnan(y), 0.0, np.abs(y)), axis=0)
        return ((apart > 0) & (apart <= NEARLY_TIED * size)).any(axis=0)


def textbook_step(step, pixels, states, nkeep):
    """A step of the textbook, which takes all pixels at once, NaN where a sample is not there."""
    y = np.full((len(pixels[0].y), len(pixels)), np.nan)
    for at, (samples, state) in enumerate(zip(pixels, states, strict=True)):
        y[state.kept, at] = [samples.y[i] for i in state.kept]
    sides, doubts = step.rule(y, nkeep)
    nearly_tied = near_ties(y)
    for at, state in enumerate(states):
        side = sides[:, at]
        state.take([i for i in state.kept if side[i] == 0], int((side < 0).sum()), int((side > 0).sum()))
        state.doubt |= bool(doubts[at] or nearly_tied[at])


def check_fit(pixels, dtype):
    """Refuse a result that an integer output cannot hold."""
    if dtype not in INTEGERS:
        return
    low, high = RANGES[dtype]
    for place, pixel in pixels.items():
        if pixel and not isnan(pixel.data) and not low <= round(pixel.data) <= high:
            raise Refusal(f"pixel {place}: {pixel.data} does not fit {dtype}")
