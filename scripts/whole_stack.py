"""The oracle over whole frames: the pixels of a stack, one after the other."""

from dataclasses import dataclass, field
from math import isnan

import numpy as np

from level_oracle import Refusal, levels, normalise
from neighbour_oracle import HIGH, LOW, NEIGHBOUR, add_neighbours
from recipe import ByTextbook, MinMax, PerFrame
from stack_oracle import INTEGERS, Samples, Undecided, clip_step, combine_pixel

NEARLY_TIED = 1e-11
BLANKS = {"i16": -32768, "u16": 65535, "i32": -2147483648}
RANGES = {"i16": (-32767, 32767), "u16": (0, 65534), "i32": (-2147483647, 2147483647)}


@dataclass
class Expected:
    """The answers by (row, column) of the output; None where rounding alone decides.

    `samples` holds what they were made of, by name, (nframe, nrow, ncol) or None; `codes` what became of each sample,
    where that is told: 0 left or absent, 1 low, 2 high, 3 a neighbour.
    """

    pixels: dict
    dtype: str
    samples: dict
    codes: np.ndarray | None = None


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
    y, pairs = normalise(stack.x, recipe, stack.sample_type)
    sizes = np.array([abs(a) for a, _ in pairs])
    rows, cols = recipe.region.slices() if recipe.region else (slice(None), slice(None))
    with np.errstate(invalid="ignore", divide="ignore"):
        u = None if stack.u is None else stack.u * sizes[:, None, None]
        w = weights_of(recipe, stack, u, sizes)
    y, x, w = y[:, rows, cols], stack.x[:, rows, cols], w[:, rows, cols]
    u = None if u is None else u[:, rows, cols]
    places = chosen if chosen is not None else list(np.ndindex(y.shape[1:]))
    sampled = [columns((y, x, w, u), place) for place in places]
    states = clip_places(sampled, recipe, pairs, [row for row, _ in places])
    codes = None
    if recipe.grow or recipe.hole_fill or recipe.rejected:
        codes = judge_neighbours(states, y, recipe)
    pixels = [
        None if state.doubt else combine_pixel(samples, state.kept, (len(state.low), len(state.high)), recipe)
        for samples, state in zip(sampled, states, strict=True)
    ]
    pixels = dict(zip(places, pixels, strict=True))
    check_fit(pixels, recipe.dtype)
    samples = {"calibrated x": x, "scaled y": y, "weight": w, "uncertainty": u}
    return Expected(pixels, output_type(recipe, stack), samples, codes)


def columns(planes, place):
    """The samples of a pixel."""
    row, col = place
    return Samples(*(None if plane is None else plane[:, row, col].tolist() for plane in planes))


@dataclass
class Clipped:
    """What the steps have left of a pixel, and taken; in doubt where rounding alone decides.

    `nkeep` samples have to stay; `seeds` are those taken that grow.
    """

    kept: list
    nkeep: int
    low: list = field(default_factory=list)
    high: list = field(default_factory=list)
    seeds: list = field(default_factory=list)
    doubt: bool = False

    def take(self, kept, low, high, grows):
        """What a step left, and what it took on either side."""
        self.kept, self.low, self.high = kept, self.low + low, self.high + high
        if grows:
            self.seeds = self.seeds + low + high


def clip_places(pixels, recipe, pairs, rows):
    """What is left at each pixel, of which the rows are given: step by step, all pixels at a time."""
    states = [Clipped([i for i, v in enumerate(samples.y) if np.isfinite(v)], recipe.nkeep) for samples in pixels]
    is_head = True
    for step in recipe.clip:
        if is_head and not isinstance(step, MinMax):
            is_head = False
            begin_rejection(states, recipe.nkeep)
        if isinstance(step, ByTextbook):
            textbook_step(step, pixels, states, pairs, rows)
            continue
        for samples, state in zip(pixels, states, strict=True):
            try:
                state.take(*clip_step(state.kept, samples, step, state.nkeep), not isinstance(step, MinMax))
            except Undecided:
                state.doubt = True
    return states


def begin_rejection(states, nkeep):
    """Behind the bounds that lead the chain: of a negative nkeep, how many have to stay of those that are there now."""
    if nkeep < 0:
        for state in states:
            state.nkeep = max(0, len(state.kept) + nkeep)


def judge_neighbours(states, y, recipe):
    """What became of each sample, neighbours taken from what is left; states are those of all pixels in order."""
    codes, seeds = np.zeros(y.shape, "u1"), np.zeros(y.shape, bool)
    places = list(np.ndindex(y.shape[1:]))
    for place, state in zip(places, states, strict=True):
        codes[(state.low, *place)], codes[(state.high, *place)] = LOW, HIGH
        seeds[(state.seeds, *place)] = True
    least = np.array([state.nkeep for state in states]).reshape(y.shape[1:])
    doubts = np.array([state.doubt for state in states]).reshape(y.shape[1:])
    doubts = add_neighbours(codes, seeds, np.isfinite(y), least, doubts, recipe)
    for place, state in zip(places, states, strict=True):
        state.doubt = bool(doubts[place])
        state.kept = [i for i in state.kept if codes[(i, *place)] != NEIGHBOUR]
    return codes


def near_ties(y):
    """Where samples differ by hardly more than rounding: their deviations, and what is tied, rounding alone decides."""
    ordered = np.sort(y, axis=0)
    with np.errstate(invalid="ignore"):
        apart = np.diff(ordered, axis=0)
        size = np.nanmax(np.where(np.isnan(y), 0.0, np.abs(y)), axis=0)
        return ((apart > 0) & (apart <= NEARLY_TIED * size)).any(axis=0)


def textbook_step(step, pixels, states, pairs, rows):
    """A step of the textbook, which takes all pixels at once, NaN where a sample is not there."""
    y = np.full((len(pixels[0].y), len(pixels)), np.nan)
    for at, (samples, state) in enumerate(zip(pixels, states, strict=True)):
        y[state.kept, at] = [samples.y[i] for i in state.kept]
    nkeep = np.array([state.nkeep for state in states])
    more = {"pairs": pairs} if step.scaled else {"row": np.array(rows)} if step.by_row else {}
    sides, doubts = step.rule(y, nkeep, **more)
    if not step.exact:
        doubts = doubts | near_ties(y)
    if step.by_row:
        doubtful = {row for row, state in zip(rows, states, strict=True) if state.doubt}
        doubts = doubts | np.isin(rows, list(doubtful))
    for at, state in enumerate(states):
        low, high = (np.flatnonzero(sides[:, at] == side).tolist() for side in (-1, 1))
        gone = {*low, *high}
        state.take([i for i in state.kept if i not in gone], low, high, grows=True)
        state.doubt |= bool(doubts[at])


def check_fit(pixels, dtype):
    """Refuse a result that an integer output cannot hold."""
    if dtype not in INTEGERS:
        return
    low, high = RANGES[dtype]
    for place, pixel in pixels.items():
        if pixel and not isnan(pixel.data) and not low <= round(pixel.data) <= high:
            raise Refusal(f"pixel {place}: {pixel.data} does not fit {dtype}")
