"""The hand-picked golden cases: small stacks that show one rule of the reference each."""

from dataclasses import dataclass, field

import numpy as np

from recipe import Extrema, MinMax, PerFrame, Recipe, Section, Sigma

NAN, INF = float("nan"), float("inf")


@dataclass
class Frame:
    """Stored values of one frame, its cards and its companion planes, row by row."""

    values: list
    bitpix: int = -32
    cards: dict = field(default_factory=dict)
    mask: list | None = None
    uncert: list | None = None
    utype: str = "StdDevUncertainty"


@dataclass
class Case:
    """A stack, what to do with it and what it shows; shape is (ncol, nrow)."""

    name: str
    shows: str
    shape: tuple
    frames: list
    recipe: Recipe = field(default_factory=Recipe)
    bad: list | None = None


def stack(*columns, **rest):
    """Frames from the samples of each pixel: one list a pixel, all of the same length."""
    return [Frame(list(values), **rest) for values in zip(*columns, strict=True)]


def given(*numbers):
    """Numbers given on the command line."""
    return PerFrame(",".join(map(repr, numbers)), tuple(map(float, numbers)))


def with_planes(frames, masks=None, uncerts=None, utype="StdDevUncertainty"):
    """Give each frame its mask and uncertainty."""
    for index, frame in enumerate(frames):
        frame.mask = masks[index] if masks else None
        frame.uncert = uncerts[index] if uncerts else None
        frame.utype = utype
    return frames


def of(step, **rest):
    """A recipe with one clip step."""
    return Recipe(clip=(step,), **rest)


LEVEL = [10.0, 11.0, 9.0, 10.5, 9.5, 10.25, 9.75, 10.0, 10.5, 9.25, 10.75, 9.5]
TWO_RAYS = LEVEL + [50.0, 1000.0]
BIAS = [100.0, 101.0, 100.0, 100.0, 100.0, 101.0, 100.0, 99.0, 100.0, 100.0]
SEVEN = [5.0, 7.0, 6.0, 40.0, 6.5, -30.0, 6.0]
RAMP = [list(np.linspace(k + 1, 3 * k + 12, 20) ** 1.5) for k in range(3)]
ABSENT = [[1.0, 2.0, NAN, 4.5], [NAN, NAN, NAN, NAN], [INF, 3.0, -INF, 5.0], [7.0, NAN, NAN, NAN]]
IVAR = {"masks": None, "uncerts": [[1.0, 2.0, 0.5], [2.0, 0.0, -1.0], [4.0, NAN, NAN], [0.5, 3.0, INF]]}
THREE = [[3.0, 5.0, 8.0, 6.0], [3.0, 5.0, 8.0, 6.5], [3.0, 4.0, 8.25, 6.0]]


def level_cases():
    """Scale, zero, statistics."""
    unequal = stack(*[[v, 2 * v + 3, 3 * v - 1] for v in (10.0, 12.0, 17.0, 11.0, 13.0, 40.0)])
    unequal[1].values[0] = NAN
    ramp = [Frame([float(np.float32(v)) for v in values]) for values in RAMP]
    section = Section(2, 3, 1, 2, "[2:3,1:2]")
    median, average, mode = PerFrame("median"), PerFrame("mean"), PerFrame("mode")
    return [
        Case("scale_mean", "mean of present samples", (3, 2), unequal, Recipe(scale=average)),
        Case(
            "scale_median_to_first",
            "median of an even number; --scale-to first",
            (3, 2),
            unequal,
            Recipe(scale=median, scale_to="first", method="median"),
        ),
        Case(
            "scale_mode",
            "mode: fullest of 91 bins of ten cells between two ranks",
            (5, 4),
            ramp,
            Recipe(scale=mode, scale_to="mean"),
        ),
        Case(
            "zero_mode_few",
            "fewer than 10 samples: the mode is the median",
            (3, 2),
            unequal,
            Recipe(zero=mode, zero_to=100.0),
        ),
        Case(
            "zero_and_scale",
            "y = x a + b, both measured on x",
            (3, 2),
            unequal,
            Recipe(zero=median, scale=average, scale_to=7.5, zero_to="mean"),
        ),
        Case(
            "stats_section",
            "levels measured in a section, region moves nothing",
            (3, 2),
            unequal,
            Recipe(scale=median, stats_section=section, region=Section(1, 2, 2, 2, "[1:2,2:2]")),
        ),
        Case(
            "scale_given",
            "numbers by hand",
            (3, 2),
            unequal,
            Recipe(scale=given(1.5, 2.0, 0.7), zero=given(-1.0, 0.25, 3.0)),
        ),
        Case(
            "minmax_own_units",
            "minmax compares x, not the scaled y; bounds are kept",
            (3, 2),
            unequal,
            of(MinMax(11.0, 36.0), scale=given(1, 2, 3)),
        ),
        Case("error_scale", "a scale that is not positive", (3, 2), unequal, Recipe(scale=given(1, -1, 2))),
    ]


def clip_cases():
    """Clip steps one by one and in chains."""
    edges = stack([0.0, 0, 0, 0, 10], [0.0, 0, 0, 0, -10], [4.0, 4, 4, 4, 4])
    floor = stack([10.0, 10, 10, 16, 4], [10.0, 10, 10, 16.25, 3.75], [NAN, 10, 10, 10, 17])
    rays = stack(TWO_RAYS, TWO_RAYS[::-1])
    seven = stack(SEVEN, [6.0] * 6 + [6.5])
    both = given(1, 2, 4, 8, 16, 32, 64)
    ties = stack([8.0, 8.0, 8.0, 1.0, 1.0], [1.0, 3.0, 5.0, 7.0, 9.0], [9.0, 7.0, 5.0, 3.0, 1.0])
    weights = given(1, 2, 4, 8, 16)
    chain = (Extrema(0, 1), Sigma(2, 2, "mean", "std"))
    return [
        Case("sigma_strict", "a sample on the bound is kept", (3, 1), edges, of(Sigma(2, 2, "mean", "std"))),
        Case("sigma_just_over", "the same, a bit narrower", (3, 1), edges, of(Sigma(1.99, 1.99, "mean", "std"))),
        Case(
            "mad_zero",
            "where the MAD is 0 the mean deviation stands in",
            (2, 1),
            stack(BIAS, [130.0] + BIAS[1:]),
            of(Sigma(3, 3)),
        ),
        Case(
            "sigma_floor",
            "sigma is never below the floor; on the bound is kept",
            (3, 1),
            floor,
            of(Sigma(3, 3, floor=2.0)),
        ),
        Case("sigma_high_only", "no bound below", (2, 1), seven, of(Sigma(None, 3))),
        Case("sigma_low_only", "no bound above", (2, 1), seven, of(Sigma(3, None))),
        Case(
            "sigma_mean_mad",
            "the MAD is about the median, the centre is the mean",
            (2, 1),
            seven,
            of(Sigma(4, 9, "mean", "mad")),
        ),
        Case(
            "sigma_median_std",
            "std is about the mean, the centre is the median",
            (2, 1),
            seven,
            of(Sigma(1.3, 1.7, "median", "std")),
        ),
        Case("iters_one", "one pass leaves the smaller ray", (2, 1), rays, of(Sigma(3, 3, "mean", "std"))),
        Case("iters_two", "two passes take both rays", (2, 1), rays, of(Sigma(3, 3, "mean", "std", 2))),
        Case("iters_converge", "until nothing changes", (2, 1), rays, of(Sigma(1.7, 1.7, "mean", "std", "converge"))),
        Case(
            "nkeep_iterations",
            "nkeep holds at every iteration",
            (2, 1),
            rays,
            of(Sigma(0.5, 0.5, "median", "std", "converge"), nkeep=5),
        ),
        Case(
            "nkeep_ties",
            "equally near samples come back in frame order",
            (3, 1),
            ties,
            of(Sigma(0.1, 0.1, "median", "mad"), nkeep=2, weight=weights),
        ),
        Case(
            "extrema_ties",
            "of equal samples the earlier frame is lower",
            (3, 1),
            ties,
            of(Extrema(1, 2), weight=weights),
        ),
        Case("extrema_all", "more than are left drops all", (3, 1), ties, of(Extrema(3, 4))),
        Case(
            "extrema_nkeep",
            "what comes back is nearest the median",
            (3, 1),
            ties,
            of(Extrema(3, 4), nkeep=2, weight=weights),
        ),
        Case("extrema_none", "0,0 is legal", (3, 1), ties, of(Extrema(0, 0))),
        Case("minmax_nkeep", "minmax gives nothing back", (3, 1), ties, of(MinMax(2.0, 7.5), nkeep=5)),
        Case("chain_extrema_sigma", "extrema first", (2, 1), rays, Recipe(clip=chain, weight=PerFrame())),
        Case("chain_sigma_extrema", "sigma first", (2, 1), rays, Recipe(clip=chain[::-1], method="median")),
        Case("clip_weights", "weights of rejected samples are dropped", (2, 1), seven, of(Sigma(3, 3), weight=both)),
    ]


def combine_cases():
    """Methods, weights, uncertainties."""
    absent = stack(*ABSENT)
    three = stack(*THREE)
    ivar = with_planes(stack(*THREE), **IVAR)
    variance = with_planes(stack(*THREE), **IVAR, utype="VarianceUncertainty")
    inverse = with_planes(stack(*THREE), **IVAR, utype="InverseVariance")
    ones = [[0, 0, 1], [0, 0, 1], [0, 1, 1], [1, 1, 0]]
    masked = with_planes(stack(*THREE), ones)
    by_ivar = PerFrame("ivar")
    return [
        Case("average_absent", "NaN and infinite samples are absent; one pixel has nothing", (4, 1), absent),
        Case("sum_absent", "sum of what is there; nothing left is NaN", (4, 1), absent, Recipe(method="sum")),
        Case("median_absent", "medians of even and odd numbers", (4, 1), absent, Recipe(method="median")),
        Case("masked", "a MASK plane and bad pixels", (3, 1), masked, bad=[0, 1, 0]),
        Case(
            "weights",
            "weighted average and its scatter, one weight zero",
            (3, 1),
            three,
            Recipe(weight=given(1, 0, 2.5, 0.75)),
        ),
        Case("weights_sum", "weighted sum", (3, 1), three, Recipe(method="sum", weight=given(1, 0, 2.5, 0.75))),
        Case(
            "weights_nothing",
            "weights that sum to zero are nothing left",
            (4, 1),
            absent,
            Recipe(weight=given(0, 3, 3, 3)),
        ),
        Case(
            "weights_median",
            "a median ignores weights",
            (4, 1),
            absent,
            Recipe(method="median", weight=given(0, 0, 0, 0)),
        ),
        Case(
            "ivar",
            "weights 1/u2 with u as scaled; bad u is absent",
            (3, 1),
            ivar,
            Recipe(weight=by_ivar, scale=given(1, 2, 4, 1)),
        ),
        Case("ivar_variance", "UNCERT as variance", (3, 1), variance, Recipe(weight=by_ivar, uncertainty="propagate")),
        Case("propagate_inverse", "UNCERT as inverse variance", (3, 1), inverse, Recipe(uncertainty="propagate")),
        Case(
            "propagate_sum",
            "sum of scaled frames",
            (3, 1),
            ivar,
            Recipe(uncertainty="propagate", method="sum", scale=given(1, 2, 4, 1), weight=given(1, 2, 1, 3)),
        ),
        Case("propagate_median", "n of 4, 2 and 1", (3, 1), ivar, Recipe(uncertainty="propagate", method="median")),
        Case("uncertainty_none", "no UNCERT", (3, 1), three, Recipe(uncertainty="none")),
    ]


def storage_cases():
    """How samples are stored and written."""
    blank = {"BLANK": -32768}
    i16 = [Frame([-32768, 5, 7, 30000], 16, blank), Frame([-32768, -32768, 9, 30001], 16, blank)]
    u16 = [Frame([-32768, 32767, 0, 1], 16, {"BZERO": 32768}), Frame([-32767, 32767, 1, 1], 16, {"BZERO": 32768})]
    scaled = [Frame([0, 200, 255, 7], 8, {"BSCALE": 0.5, "BZERO": 100.0, "BLANK": 7})] * 3
    tenth = [Frame([k, 200 + k, 255, 7], 8, {"BSCALE": 0.1, "BZERO": 3.7}) for k in range(3)]
    u32 = [Frame([-(2**31), 2**31 - 1, k, -5], 32, {"BZERO": 2**31}) for k in range(3)]
    u64 = [Frame([-(2**63) + 5 + k, -(2**63) + 2**40, 0, 2**63 - 1], 64, {"BZERO": 2**63}) for k in range(2)]
    mixed = [Frame([1, 2, 3, 4], 8), Frame([-1, 2, 300, 4], 16), Frame([0.1, 2.5, NAN, 1e30])]
    halves = stack([0.0, 1.0], [1.0, 2.0], [-1.0, -2.0], [NAN, NAN])
    whole = {"dtype": "i16"}
    return [
        Case("int16_blank", "BLANK is absent", (2, 2), i16),
        Case("uint16", "unsigned 16 bit by BZERO is exact", (2, 2), u16),
        Case("scaled_f32", "BSCALE and BZERO that f32 holds", (2, 2), scaled),
        Case("scaled_f64", "BSCALE and BZERO that f32 does not hold: samples are f64", (2, 2), tenth),
        Case("uint32", "32-bit integers are f64", (2, 2), u32, Recipe(method="median")),
        Case("uint64", "unsigned 64 bit is added exactly, then the nearest f64", (2, 2), u64),
        Case("mixed", "frames of several types", (2, 2), mixed, Recipe(method="sum")),
        Case(
            "f32_as_f64",
            "--dtype f64 leaves the samples f32",
            (2, 2),
            mixed[:2] + scaled[:1],
            Recipe(scale=given(3, 3, 7), dtype="f64"),
        ),
        Case("round_half_even", "integers round half to even, empty is BLANK", (4, 1), halves, Recipe(**whole)),
        Case("error_fit", "a result that does not fit", (2, 2), i16, Recipe(method="sum", **whole)),
        Case("error_blank", "a result equal to the value for BLANK does not fit", (2, 2), u16, Recipe(dtype="u16")),
    ]


def picked_cases():
    """All hand-picked cases."""
    return level_cases() + clip_cases() + combine_cases() + storage_cases()
