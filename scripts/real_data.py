"""Combines frames of real cameras and compares with numpy, the oracle and recorded numbers.

    python scripts/real_data.py BINARY DATA_DIR

DATA_DIR holds `real/` and `odd/`. Every case compares drawn pixels with the oracle in all six
planes; plain averages and medians also compare the whole frame with numpy in float64. Exit
status 1 on any disagreement.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from compare import Disagreement, Tally, combine_command, compare, launch, read_output, shell
from fits_frames import read_stack
from recipe import Extrema, MinMax, PerFrame, Recipe, Section, Sigma
from whole_stack import combine_stack, output_type

DRAWN_PIXELS = 4000
MEDIAN = PerFrame("median")
CENTRE = Section(101, 300, 201, 800, "[101:300,201:800]")


@dataclass(frozen=True)
class Recorded:
    """Numbers of a stack of n frames as recorded, with the decimals that they have there.

    median of the median image, mean of the mean image, median of the deviations (ddof 1).
    """

    n: int
    median: float
    mean: float
    std: float


@dataclass(frozen=True)
class Case:
    """Frames by a pattern below DATA_DIR, and what to do with them."""

    name: str
    pattern: str
    recipe: Recipe
    recorded: Recorded | None = None
    flags: list = field(default_factory=lambda: ["--mem-limit", "64M"])


CLIP = (Sigma(3, 3),)
ALFOSC, TRES, TIRCAM = "real/not-alfosc/", "real/oscaar-tres1/", "real/ic310-512/"
BIAS = Recorded(30, 11567.0, 21811.1928, 35.097)
FLAT = Recorded(5, 71137.0, 76041.4626, 442.687)
DARK = Recorded(20, 150.0, 151.7869, 11.429)
TIRCAM_BIAS = Recorded(3, 40713.0, 40048.0039, 7.810)
TIRCAM_FLAT = Recorded(5, 40850.0, 40210.9712, 11.327)

CASES = [
    Case("ALFOSC bias, average", ALFOSC + "bias/*.fits", Recipe(), BIAS),
    Case("ALFOSC bias, median", ALFOSC + "bias/*.fits", Recipe(method="median"), BIAS),
    Case("ALFOSC bias, 5 sigma", ALFOSC + "bias/*.fits", Recipe(clip=(Sigma(5, 5),))),
    Case(
        "ALFOSC bias, no wrapped pixel, zero level",
        ALFOSC + "bias/*.fits",
        Recipe(clip=(MinMax(None, 1e6), Sigma(4, 4, iters="converge")), zero=MEDIAN, zero_to="mean"),
    ),
    Case("ALFOSC flats, average", ALFOSC + "flat/*.fits", Recipe(), FLAT),
    Case("ALFOSC flats, median", ALFOSC + "flat/*.fits", Recipe(method="median"), FLAT),
    Case(
        "ALFOSC flats, scaled by the median",
        ALFOSC + "flat/*.fits",
        Recipe(method="median", scale=MEDIAN, stats_section=CENTRE),
    ),
    Case(
        "ALFOSC flats, scaled by the mode, extrema",
        ALFOSC + "flat/*.fits",
        Recipe(clip=(Extrema(1, 1),), scale=PerFrame("mode"), scale_to="first"),
    ),
    Case("TrES-1 darks, average", TRES + "dark/*.fit", Recipe(), DARK),
    Case("TrES-1 darks, median", TRES + "dark/*.fit", Recipe(method="median"), DARK),
    Case("TrES-1 darks, 3 sigma", TRES + "dark/*.fit", Recipe(clip=CLIP)),
    Case(
        "TrES-1 lights, clipped until nothing changes",
        TRES + "sci/*.fit",
        Recipe(clip=(Sigma(2.5, 2.5, "median", "std", "converge"),), nkeep=5, scale=MEDIAN),
    ),
    Case("TIRCAM2 bias, average", TIRCAM + "bias_*.fits", Recipe(), TIRCAM_BIAS),
    Case("TIRCAM2 flats, average", TIRCAM + "flats*.fits", Recipe(), TIRCAM_FLAT),
    Case("TIRCAM2 flats, scaled", TIRCAM + "flats*.fits", Recipe(clip=CLIP, scale=MEDIAN)),
    Case("TIRCAM2 science, median", TIRCAM + "IC310_*.fits", Recipe(method="median", zero=MEDIAN)),
    Case("sky flats", "real/ccd-data-reducer-flats/*.fits", Recipe(scale=PerFrame("mean"))),
    Case("the control of the mangled files", "odd/mangled/good.fits", Recipe()),
]


def draw_places(shape):
    """Pixels to judge: the corners and drawn ones."""
    rng = np.random.default_rng(1)
    nrow, ncol = shape
    rows, cols = rng.integers(0, nrow, DRAWN_PIXELS), rng.integers(0, ncol, DRAWN_PIXELS)
    corners = [(0, 0), (0, ncol - 1), (nrow - 1, 0), (nrow - 1, ncol - 1)]
    return corners + [(int(r), int(c)) for r, c in zip(rows, cols, strict=True)]


def is_plain(recipe):
    """Whether numpy alone can say what every pixel has to be."""
    return not recipe.clip and recipe.scale.text == recipe.zero.text == "none"


def check_whole(answer, samples, recipe, dtype):
    """Compare every pixel of a plain average or median with numpy."""
    expected = np.mean(samples, axis=0) if recipe.method == "average" else np.median(samples, axis=0)
    relative = 1.2e-7 if dtype == "f32" else 1e-12
    wrong = ~np.isclose(answer["data"], expected, rtol=relative, atol=0, equal_nan=True)
    if wrong.any():
        row, col = np.argwhere(wrong)[0]
        raise Disagreement(
            f"{wrong.sum()} pixels differ from numpy, first at row {row} col {col}: "
            f"got {answer['data'][row, col]!r}, numpy {expected[row, col]!r}"
        )


def check_recorded(answer, recipe, recorded):
    """Compare the image with the numbers on record."""
    if recipe.method == "median":
        found = [("median", np.median(answer["data"]), recorded.median, 6e-4)]
    else:
        spread = np.median(answer["uncertainty"]) * np.sqrt(recorded.n)
        found = [("mean", np.mean(answer["data"]), recorded.mean, 6e-5)]
        found.append(("std", spread, recorded.std, 6e-4))
    for name, got, expected, near in found:
        if abs(float(got) - expected) > near:
            raise Disagreement(f"{name} of the image: {got}, on record {expected}")


def judge_case(binary, case, data, folder, tally):
    """Run one case; returns how many frames it had."""
    paths = sorted(data.glob(case.pattern))
    if not paths or (case.recorded and len(paths) != case.recorded.n):
        raise Disagreement(f"{len(paths)} frames match {case.pattern}")
    output = folder / "out.fits"
    flags = [*case.recipe.flags(), *case.flags, "--overwrite"]
    run = launch(combine_command(binary, flags, output, paths), folder)
    try:
        if run.code != 0:
            raise Disagreement(f"exit status {run.code}\n{run.message}")
        check_case(case, paths, output, tally)
    except Disagreement as error:
        raise Disagreement(f"{shell(run.command)}\n{error}") from None
    return len(paths)


def check_case(case, paths, output, tally):
    """Compare the output of one case with all that is known of it."""
    stack = read_stack(paths)
    dtype = output_type(case.recipe, stack)
    answer = read_output(output, case.recipe.planes, dtype)
    if answer["data"].shape != stack.x.shape[1:]:
        raise Disagreement(f"shape {answer['data'].shape}, frames have {stack.x.shape[1:]}")
    if is_plain(case.recipe):
        check_whole(answer, stack.x, case.recipe, dtype)
    if case.recorded:
        check_recorded(answer, case.recipe, case.recorded)
    expected = combine_stack(stack, case.recipe, draw_places(stack.x.shape[1:]))
    compare(answer, expected, case.recipe, tally)


def main():
    """Judge every case; the exit status says whether all agreed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("data", type=Path, help="the folder that holds real/ and odd/")
    args = parser.parse_args()
    tally, failed = Tally(), 0
    with tempfile.TemporaryDirectory(prefix="real-data-") as folder:
        for case in CASES:
            try:
                nframe = judge_case(args.binary, case, args.data.resolve(), Path(folder), tally)
                print(f"agrees: {case.name} ({nframe} frames)", flush=True)
            except Disagreement as error:
                failed += 1
                print(f"DISAGREES: {case.name}\n{error}", flush=True)
    print(
        f"{len(CASES)} cases, {failed} disagree; {tally.pixels} pixels judged by the oracle, "
        f"{tally.undecided} undecided"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
