"""Writes the golden cases: stacks and answers as plain text, so that tests need no Python.

    python scripts/golden.py [FOLDER]        (tests/golden by default)

One file a case, lines of `key: values`, `#` begins a comment. For the run: `shape: ncol nrow`,
`flags:` as on the command line, `bad-pixels:`. For each frame, in order: `frame:` the stored
values row by row (`nan`, `inf`, `-inf` among them), then what belongs to it: `bitpix:`,
`card: KEY VALUE`, `frame-mask:`, `frame-uncert:` (stored as f64), `utype:`. The answer:
`out:` f32, f64 or an integer type, and `data:`, `uncertainty:`, `mask:`, `count:`, `low:`, `high:`
row by row, floats as the f64 answer before it is rounded to the output; or `error:` and why,
where the run has to fail. `nan` in `data:` is BLANK in an integer image. No `uncertainty:` line, no UNCERT.
"""

import shlex
import sys
from math import isnan
from pathlib import Path

import numpy as np

from fits_frames import STORED, Stack, needs_f64, present, samples_of, to_deviation
from golden_cases import Case, Frame, picked_cases
from level_oracle import Refusal
from recipe import PLANES, Extrema, MinMax, PerFrame, Recipe, Sigma
from whole_stack import combine_stack

SEED = 7
DRAWN = {
    "drawn_sigma": Recipe(clip=(Sigma(2.5, 2.2, iters="converge"),)),
    "drawn_mean_std": Recipe(clip=(Sigma(1.9, 2.1, "mean", "std", 3),), method="sum"),
    "drawn_chain": Recipe(clip=(MinMax(None, 180.0), Extrema(1, 2), Sigma(1.7, 1.7)), nkeep=4),
    "drawn_median": Recipe(clip=(Extrema(2, 0), Sigma(1.6, 1.4, "mean", "mad", 2)), method="median"),
    "drawn_scaled": Recipe(
        clip=(Sigma(2.3, 2.3, None, "std", "converge"),),
        nkeep=3,
        scale=PerFrame("median"),
        scale_to="first",
        zero=PerFrame("mean"),
        weight=PerFrame("ivar"),
        uncertainty="propagate",
    ),
    "drawn_mode": Recipe(zero=PerFrame("mode"), zero_to="mean", method="median", uncertainty="propagate"),
}


def drawn_cases():
    """Stacks of noise with rays and holes, combined in several ways."""
    rng = np.random.default_rng(SEED)
    for name, recipe in DRAWN.items():
        frames = [drawn_frame(rng) for _ in range(13)]
        yield Case(name, "noise, rays and holes", (5, 4), frames, recipe)


def drawn_frame(rng):
    """One drawn frame of 20 pixels with an uncertainty."""
    values = 100 + 5 * rng.normal(size=20) + 200 * (rng.random(20) < 0.08)
    values[rng.random(20) < 0.05] = np.nan
    u = rng.uniform(2, 8, 20)
    exact = [float(v) for v in values.astype("f4")]
    return Frame(exact, uncert=[float(v) for v in u.astype("f4")])


def header_of(frame):
    """The cards that a frame's samples hang on."""
    return {"BITPIX": frame.bitpix, **frame.cards}


def stack_of(case):
    """The samples of a case, as read from files."""
    ncol, nrow = case.shape
    bad = np.zeros((nrow, ncol)) if case.bad is None else np.array(case.bad).reshape(nrow, ncol)
    wide = any(needs_f64(header_of(frame)) for frame in case.frames)
    sample_type = np.float64 if wide else np.float32
    cubes = []
    for frame in case.frames:
        stored = np.array(frame.values, STORED[frame.bitpix]).reshape(nrow, ncol)
        gone = np.zeros(stored.shape) if frame.mask is None else np.array(frame.mask).reshape(nrow, ncol)
        cubes.append(present(stored, header_of(frame), (gone != 0) | (bad != 0), sample_type))
    x = np.array(cubes)
    if not case.recipe.needs_uncertainty():
        return Stack(x, None, sample_type)
    planes = [np.array(frame.uncert, float).reshape(nrow, ncol) for frame in case.frames]
    stored = [samples_of(values, {}) for values in planes]
    u = np.array([to_deviation(v, {"UTYPE": f.utype}) for v, f in zip(stored, case.frames, strict=True)])
    x[~(np.isfinite(u) & (u > 0.0))] = np.nan
    return Stack(x, u, sample_type)


def words(values):
    """Numbers as text that reads back to the bit."""
    return " ".join(str(v) if isinstance(v, int) else repr(float(v)) for v in values)


def frame_lines(frame):
    """The lines of one frame."""
    lines = [f"frame: {words(frame.values)}", f"bitpix: {frame.bitpix}"]
    lines += [f"card: {key} {value}" for key, value in frame.cards.items()]
    if frame.mask is not None:
        lines.append(f"frame-mask: {words(frame.mask)}")
    if frame.uncert is not None:
        lines += [f"frame-uncert: {words(frame.uncert)}", f"utype: {frame.utype}"]
    return lines


def answer_lines(case):
    """The lines of the answer."""
    try:
        expected = combine_stack(stack_of(case), case.recipe)
    except Refusal as refusal:
        return [f"error: {refusal}"]
    pixels = list(expected.pixels.values())
    if None in pixels:
        raise ValueError(f"{case.name}: rounding alone decides a pixel")
    lines = [f"out: {expected.dtype}"]
    for name in PLANES:
        if name != "uncertainty" or case.recipe.uncertainty != "none":
            lines.append(f"{name}: {words(answer_values(name, pixels, case.recipe.dtype))}")
    return lines


def answer_values(name, pixels, dtype):
    """One plane of the answer; integers as they are written."""
    values = [getattr(pixel, name) for pixel in pixels]
    if name == "data" and dtype[0] in "iu":
        return [value if isnan(value) else round(value) for value in values]
    return values


def text_of(case):
    """A whole case as text."""
    recipe = case.recipe
    planes = [p for p in PLANES if p != "uncertainty" or recipe.uncertainty != "none"]
    flags = [*recipe.flags()[:-1], ",".join(planes)]
    lines = [f"# {case.shows}", f"shape: {case.shape[0]} {case.shape[1]}"]
    lines.append(f"flags: {' '.join(flags)}")
    if shlex.split(" ".join(flags)) != flags:
        raise ValueError(f"{case.name}: a flag holds a blank")
    if case.bad is not None:
        lines.append(f"bad-pixels: {words(case.bad)}")
    for frame in case.frames:
        lines += frame_lines(frame)
    return "\n".join(lines + answer_lines(case)) + "\n"


def main():
    """Write every case."""
    default = Path(__file__).parent.parent / "tests" / "golden"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    folder.mkdir(parents=True, exist_ok=True)
    cases = picked_cases() + list(drawn_cases())
    for case in cases:
        (folder / f"{case.name}.txt").write_text(text_of(case))
    print(f"{len(cases)} cases written to {folder}")


if __name__ == "__main__":
    main()
