"""The oracle over whole frames: the pixels of a stack, one after the other."""

from dataclasses import dataclass

import numpy as np

from level_oracle import Refusal, normalise
from stack_oracle import INTEGERS, Samples, Undecided, combine_pixel

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


def weights_of(recipe, stack, u):
    """One weight for every sample."""
    if recipe.weight.text == "ivar" and recipe.method != "median":
        return 1.0 / (u * u)
    numbers = np.array(recipe.weight.numbers or [1.0] * len(stack.x), np.float64)
    if not np.all(np.isfinite(numbers) & (numbers >= 0.0)):
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
    y, sizes = normalise(stack.x, recipe, stack.sample_type)
    rows, cols = recipe.region.slices() if recipe.region else (slice(None), slice(None))
    with np.errstate(invalid="ignore", divide="ignore"):
        u = None if stack.u is None else stack.u * np.array(sizes)[:, None, None]
        w = weights_of(recipe, stack, u)
    y, x, w = y[:, rows, cols], stack.x[:, rows, cols], w[:, rows, cols]
    u = None if u is None else u[:, rows, cols]
    places = chosen if chosen is not None else list(np.ndindex(y.shape[1:]))
    pixels = {place: one_pixel(y, x, w, u, place, recipe) for place in places}
    check_fit(pixels, recipe.dtype)
    samples = {"calibrated x": x, "scaled y": y, "weight": w, "uncertainty": u}
    return Expected(pixels, output_type(recipe, stack), samples)


def one_pixel(y, x, w, u, place, recipe):
    """The answer at one place, or None where it cannot be decided."""
    row, col = place
    columns = [None if a is None else a[:, row, col].tolist() for a in (y, x, w, u)]
    try:
        return combine_pixel(Samples(*columns), recipe)
    except Undecided:
        return None


def check_fit(pixels, dtype):
    """Refuse a result that an integer output cannot hold."""
    if dtype not in INTEGERS:
        return
    low, high = RANGES[dtype]
    for place, pixel in pixels.items():
        if pixel and pixel.count and not low <= round(pixel.data) <= high:
            raise Refusal(f"pixel {place}: {pixel.data} does not fit {dtype}")
