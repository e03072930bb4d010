"""Compares the program with ccdproc's own Combiner where both promise the same.

ccdproc clips unscaled data, ignores masks where it clips, runs a sigma clip once, rejects all
that differs where the MAD is zero, and keeps the weights of what it dropped. Drawn here is what
is left: no scaling, no absent samples with a clip, no weights with a clip, one clip step, one
iteration. Its uncertainty lacks the n - 1, and that of the median the factor root(pi / 2).
"""

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np
from astropy.nddata import CCDData
from ccdproc import Combiner

from compare import Disagreement, combine_command, launch, read_output, shell
from draw_recipe import chance, draw_run_flags, pick
from fits_frames import FrameFile, Image, read_stack, write_frames
from recipe import Extrema, MinMax, PerFrame, Recipe, Sigma

FACTORS = [1.37, 1.73, 1.91, 2.23, 2.61, 3.1]
SINGLE_ULP = 1.2e-7


@dataclass
class PeerConfig:
    """Frames and a recipe that ccdproc can follow."""

    files: list
    recipe: Recipe
    run_flags: list


def draw_clip(rng, nframe, level, spread):
    """At most one step that ccdproc takes as ccdstream does."""
    kind = pick(rng, ["none", "sigma", "sigma", "extrema", "minmax"])
    if kind == "sigma" and nframe >= Sigma.fewest:
        center, dev = pick(rng, ["mean", "median"]), pick(rng, ["std", "mad"])
        return (Sigma(pick(rng, FACTORS), pick(rng, FACTORS), center, dev),)
    if kind == "extrema" and nframe > 4:
        return (Extrema(int(rng.integers(0, 3)), int(rng.integers(0, 3))),)
    if kind == "minmax":
        return (MinMax(round(level - 1.5 * spread, 2), round(level + 1.8 * spread, 2)),)
    return ()


def draw_peer(rng):
    """Frames of noise with cosmic rays, and a recipe."""
    size = (int(rng.integers(2, 41)), int(rng.integers(5, 30)), int(rng.integers(7, 30)))
    level, spread = float(rng.uniform(300, 3000)), float(rng.uniform(2, 30))
    values = level + spread * rng.normal(size=size)
    values += 40 * spread * (rng.random(size) < 0.03)
    clip = draw_clip(rng, size[0], level, spread)
    method = pick(rng, ["average", "median", "sum"])
    weight = PerFrame()
    if not clip and method != "median" and chance(rng, 0.4):
        numbers = tuple(float(v) for v in np.round(rng.uniform(0.5, 2, size[0]), 3))
        weight = PerFrame(",".join(map(repr, numbers)), numbers)
    masked = not clip and weight.text == "none" and chance(rng, 0.6)
    files = [peer_file(rng, frame, masked) for frame in values]
    recipe = Recipe(method=method, clip=clip, weight=weight, dtype=pick(rng, ["auto", "f64"]))
    return PeerConfig(files, recipe, draw_run_flags(rng))


def peer_file(rng, values, masked):
    """One frame, as f32 or f64, or uint16 where no step is hurt by ties."""
    mask = Image((rng.random(values.shape) < 0.1).astype("u1")) if masked else None
    if masked and chance(rng, 0.5):
        return FrameFile(Image(np.rint(values - 32768).astype("i2"), bzero=32768.0), mask)
    return FrameFile(Image(values.astype("f4")), mask)


def ask_ccdproc(samples, recipe):
    """(data, uncertainty, mask) of ccdproc's Combiner on the samples."""
    frames = [CCDData(np.nan_to_num(x), unit="adu", mask=np.isnan(x)) for x in samples]
    combiner = Combiner(frames, dtype=np.float64)
    for step in recipe.clip:
        if isinstance(step, MinMax):
            combiner.minmax_clipping(min_clip=step.low, max_clip=step.high)
        elif isinstance(step, Extrema):
            combiner.clip_extrema(nlow=step.nlow, nhigh=step.nhigh)
        else:
            dev = "mad_std" if step.dev == "mad" else "std"
            combiner.sigma_clipping(step.low, step.high, func=step.center, dev_func=dev)
    if recipe.weight.numbers:
        combiner.weights = np.array(recipe.weight.numbers)
    result = getattr(combiner, f"{recipe.method}_combine")()
    return result.data, result.uncertainty.array, result.mask


def comparable(samples, recipe):
    """Pixels where both promise the same: not those where the MAD of a mad step is zero."""
    fine = np.ones(samples.shape[1:], bool)
    for step in recipe.clip:
        if isinstance(step, Sigma) and step.dev == "mad":
            fine &= np.median(np.abs(samples - np.median(samples, axis=0)), axis=0) > 0
    return fine


def documented_factor(method, count):
    """What ccdproc's uncertainty has to be multiplied with; NaN where n is 1."""
    if method == "median":
        return np.where(count > 1, sqrt(pi / 2), np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(count > 1, np.sqrt(count / (count - 1.0)), np.nan)


def agree(got, expected, relative, fine):
    """Where two planes agree; both NaN is agreement, what is not comparable counts as such."""
    close = np.abs(got - expected) <= relative * np.abs(expected) + 1e-11
    return close | (np.isnan(got) & np.isnan(expected)) | ~fine


def judge_peer(binary, config, folder, tally):
    """Run the program and ccdproc on one configuration."""
    names = write_frames(config.files, folder)
    flags = config.recipe.flags() + config.run_flags
    run = launch(combine_command(binary, flags, "out.fits", names), folder)
    try:
        if run.code != 0:
            raise Disagreement(f"exit status {run.code}\n{run.message}")
        compare_peer(config, [folder / name for name in names], folder / "out.fits", tally)
    except Disagreement as error:
        raise Disagreement(f"cd {folder}\n{shell(run.command)}\n{error}") from None


def compare_peer(config, paths, output, tally):
    """Compare data, mask and uncertainty with ccdproc's."""
    recipe = config.recipe
    samples = read_stack(paths).x
    dtype = "f32" if recipe.dtype == "auto" else recipe.dtype
    answer = read_output(output, recipe.planes, dtype)
    fine = comparable(samples, recipe)
    data, uncertainty, mask = ask_ccdproc(samples, recipe)
    empty = mask.astype(bool)
    data[empty] = np.nan
    checks = {
        "data": (data, SINGLE_ULP if dtype == "f32" else 1e-12),
        "mask": (empty.astype(float), 0.0),
    }
    if not recipe.weight.numbers:
        uncertainty = uncertainty * documented_factor(recipe.method, answer["count"])
        uncertainty[empty] = np.nan
        checks["uncertainty"] = (uncertainty, 1e-6)
    tally.pixels += int(fine.sum())
    for name, (expected, relative) in checks.items():
        good = agree(answer[name], expected, relative, fine)
        if not good.all():
            row, col = np.argwhere(~good)[0]
            raise Disagreement(
                f"{name} at row {row} col {col}: got {answer[name][row, col]!r}, ccdproc "
                f"{expected[row, col]!r}\nsamples {samples[:, row, col].tolist()}"
            )
