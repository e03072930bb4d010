"""Judges the program by the textbook of what needs more than one pixel at a time: poisson, --grow, --hole-fill, --rejected."""

import numpy as np
from astropy.io import fits
from scipy import ndimage

import rejection_rules as rules
from compare import Disagreement, combine_command, launch, read_output, shell
from fits_frames import FrameFile, Image, write_frames
from rejection_draw import NCOL, Step, chain, draw_older_step, draw_step, factor

PLANES = ["data", "count", "low", "high"]
NEIGHBOUR = 3


def draw_scene(rng):
    """Frames with rings and cosmic rays, whose samples are noise elsewhere; NaN here and there. Large ones come to several bands."""
    size = int(rng.integers(3, 12)), int(rng.integers(1, 40)), int(rng.choice([1, 7, NCOL, 37]))
    if rng.random() < 0.3:
        size = int(rng.integers(3, 7)), int(rng.integers(150, 300)), int(rng.choice([48, 90]))
    y = 1000 + 33 * rng.normal(size=size)
    y += 33 * 10 ** rng.uniform(0.5, 2, size) * (rng.random(size) < rng.choice([0.005, 0.05, 0.2]))
    for frame in y:
        for _ in range(int(rng.integers(0, size[1] // 20 + 2))):
            row, col = np.indices(frame.shape)
            away = np.hypot(row - rng.uniform(0, size[1]), col - rng.uniform(0, size[2]))
            frame[np.abs(away - rng.uniform(1, 6)) < 0.8] += 2000
    y[rng.random(size) < rng.choice([0, 0.02, 0.1])] = np.nan
    return y.astype("f4")


def draw_poisson(rng, shape):
    """A poisson step for frames of this shape."""
    low, high = factor(rng), factor(rng)
    row = np.repeat(np.arange(shape[1]), shape[2])
    return Step(f"poisson:{low},{high}", lambda y, nkeep: rules.poisson(y, row, low, high, nkeep))


def spread(doubts, reach, rows):
    """What a doubt at a pixel may come to elsewhere."""
    if rows:
        doubts = np.repeat(doubts.any(axis=1, keepdims=True), doubts.shape[1], axis=1)
    return ndimage.binary_dilation(doubts, np.ones((2 * reach + 1,) * 2)) if reach else doubts


def judge_around(binary, rng, folder):
    """One scene, at a drawn limit and number of threads: (pixels judged, pixels in doubt)."""
    y = draw_scene(rng)
    names = write_frames([FrameFile(Image(values)) for values in y], folder)
    steps = [draw_step(rng, 1000, 33) if rng.random() < 0.5 else draw_older_step(rng, 1000, 33)]
    if rng.random() < 0.5:
        steps.insert(int(rng.integers(0, 2)), draw_poisson(rng, y.shape))
    radius, hole = float(rng.choice([0, 1, 1.5, 2.3, 5])), int(rng.choice([0, 0, 1, 2, 5]))
    nkeep = int(rng.choice([0, 0, 1, 2, 3, -1, -2]))
    if nkeep < 0:
        # What was there before the first step is what counts, and the textbook of a step knows only what it finds.
        steps = steps[:1]
    flags = [word for step in steps for word in ("--clip", step.text)]
    flags += [f"--nkeep={nkeep}", "--grow", f"{radius:g}", "--hole-fill", str(hole), "--rejected", "masks"]
    flags += ["--planes", ",".join(PLANES), "--threads", str(rng.choice([1, 2]))]
    flags += ["--mem-limit", str(rng.choice(["1M", "1G"]))]
    run = launch(combine_command(binary, flags, "out.fits", names), folder)
    try:
        if is_refused(run, steps, len(y)):
            return 0, 0
        y = y.astype(float)
        sides, doubts = chain(y.reshape(len(y), -1), steps, nkeep)
        sides, doubts = sides.reshape(y.shape), doubts.reshape(y.shape[1:])
        doubts = spread(doubts, int(radius) + 2 * hole, any("poisson" in step.text for step in steps))
        codes = rules.codes(sides, np.isfinite(y), radius, hole, nkeep)
        compare(folder, names, y, codes, doubts)
    except Disagreement as error:
        raise Disagreement(f"cd {folder}\n{shell(run.command)}\n{error}") from None
    return doubts.size, int(doubts.sum())


def is_refused(run, steps, nframe):
    """Whether the program refused the run for a step that needs more frames, as it has to; any other end disagrees."""
    if any(step.fewest > nframe for step in steps):
        if run.code == 1 and f"there are {nframe}" in run.message:
            return True
        raise Disagreement(f"exit status {run.code} where a step needs more than {nframe} frames\n{run.message}")
    if run.code != 0:
        raise Disagreement(f"exit status {run.code}\n{run.message}")
    return False


def compare(folder, names, y, codes, doubts):
    """Masks to the last sample, counts, and the average to rounding, but where rounding decides."""
    for frame, name in enumerate(names):
        with fits.open(folder / "masks" / name) as hdus:
            got = hdus[1].data
        wrong = (got != codes[frame]) & ~doubts
        if wrong.any():
            row, col = np.argwhere(wrong)[0]
            raise Disagreement(f"{name} row {row} col {col}: {got[row, col]}, expected {codes[frame, row, col]}")
    answer = read_output(folder / "out.fits", PLANES, "f32")
    kept = np.isfinite(y) & (codes == 0)
    count = kept.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.where(kept, y, 0.0).sum(axis=0) / count
    planes = {"count": count, "low": (codes == 1).sum(axis=0), "high": (codes == 2).sum(axis=0)}
    for name, numbers in planes.items():
        if (answer[name] != numbers)[~doubts].any():
            raise Disagreement(f"{name} differs")
    close = np.abs(answer["data"] - average) <= 1.2e-7 * np.abs(average)
    if not (close | (np.isnan(answer["data"]) & (count == 0)) | doubts).all():
        raise Disagreement("the average differs")
