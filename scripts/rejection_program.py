"""Judges the program by the textbook of the rejection rules, over drawn stacks and chains of steps."""

import numpy as np

from compare import Disagreement, combine_command, launch, read_output, shell
from fits_frames import FrameFile, Image, write_frames
from rejection_around import is_refused, judge_around
from rejection_draw import KINDS, NCOL, chain, draw_noise_step, draw_older_step, draw_stack, draw_step, noise_cards

PLANES = ["data", "count", "low", "high"]
FRAMES = [2, 3, 4, 5, 6, 7, 8, 9, 12, 15, 16, 17, 24, 25, 32, 33, 48, 64, 65, 100, 128, 150]
MANY = [257, 400, 1000]
STORED = {"f64": "f8", "f32": "f4", "i16": "i2"}
EXACT = {"f64": 1e-12, "f32": 1.2e-7, "i16": 1.2e-7}


def draw_chain(rng, level, spread):
    """One step, or it with others before or after."""

    def draw_rule():
        return (draw_noise_step if rng.random() < 0.2 else draw_step)(rng, level, spread)

    steps = [draw_rule()]
    if rng.random() < 0.3:
        steps.insert(int(rng.integers(0, 2)), draw_older_step(rng, level, spread))
    if rng.random() < 0.15:
        steps.append(draw_rule())
    return steps


def draw_program_stack(rng):
    """(samples as stored, the type of them)."""
    nframe = int(rng.choice(MANY if rng.random() < 0.03 else FRAMES))
    dtype = str(rng.choice(list(STORED)))
    level, spread = (1000.0, 30.0) if dtype == "i16" or rng.random() < 0.8 else (-1000.0, 30.0)
    y = draw_stack(rng, nframe, level, spread, absent=dtype != "i16")
    y = np.nan_to_num(np.clip(np.rint(y), -32000, 32000)) if dtype == "i16" else y
    return y.astype(STORED[dtype]), dtype, level, spread


def judge_program(binary, stacks, seed, home):
    """Judge the program on drawn stacks; the sentence to print."""
    pixels = undecided = 0
    for stack in stacks:
        rng = np.random.default_rng([seed, stack])
        try:
            judged, doubtful = judge_stack(binary, rng, home / f"stack{stack}")
            more, doubts = judge_around(binary, rng, home / f"around{stack}")
            judged, doubtful = judged + more, doubtful + doubts
        except Disagreement as error:
            raise Disagreement(f"stack {stack} of seed {seed}\n{error}") from None
        pixels, undecided = pixels + judged, undecided + doubtful
    return f"{len(stacks)} stacks, {pixels} pixels, {undecided} of them undecided"


def judge_stack(binary, rng, folder):
    """One stack: (pixels judged, pixels in doubt)."""
    stored, dtype, level, spread = draw_program_stack(rng)
    cards = noise_cards(len(stored))
    keywords = [{key: float(numbers[frame]) for key, numbers in cards.items()} for frame in range(len(stored))]
    images = [Image(values, cards=own) for values, own in zip(stored, keywords, strict=True)]
    names = write_frames([FrameFile(image) for image in images], folder)
    steps = draw_chain(rng, level, spread)
    nkeep = int(rng.choice([0, 0, 0, 1, 2, 3, 4, 7, -1, -2, -4]))
    flags = [word for step in steps for word in ("--clip", step.text)] + [f"--nkeep={nkeep}"]
    flags += ["--planes", ",".join(PLANES), "--threads", str(rng.choice([1, 2]))]
    run = launch(combine_command(binary, flags, "out.fits", names), folder)
    try:
        if is_refused(run, steps, len(stored)):
            return 0, 0
        answer = read_output(folder / "out.fits", PLANES, "f64" if dtype == "f64" else "f32")
        y = stored.astype(float).reshape(len(stored), -1)
        sides, doubts = chain(y, steps, nkeep)
        compare_planes(answer, y, sides, doubts, EXACT[dtype])
    except Disagreement as error:
        raise Disagreement(f"cd {folder}\n{shell(run.command)}\n{error}") from None
    return y.shape[1], int(doubts.sum())


def shown(values):
    """The samples that are present, in order."""
    return sorted(values[np.isfinite(values)].tolist())


def compare_planes(answer, y, sides, doubts, exact):
    """Counts to the last sample and the average to rounding, but where rounding decides."""
    kept = np.isfinite(y) & (sides == 0)
    count = kept.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.where(kept, y, 0.0).sum(axis=0) / count
    expected = {"count": count, "low": (sides < 0).sum(axis=0), "high": (sides > 0).sum(axis=0)}
    wrong = np.zeros(len(count), bool)
    for name, numbers in expected.items():
        wrong |= answer[name].ravel() != numbers
    got = answer["data"].ravel()
    close = np.abs(got - average) <= exact * np.abs(average) + 1e-12 * np.abs(np.nan_to_num(y)).max(axis=0)
    wrong |= ~(close | (np.isnan(got) & (count == 0)))
    wrong &= ~doubts
    if wrong.any():
        c = int(np.flatnonzero(wrong)[0])
        lines = [f"{wrong.sum()} pixels differ; pixel {c} ({KINDS[c // NCOL].__name__}), samples {shown(y[:, c])}"]
        lines += [f"{name}: got {answer[name].ravel()[c]}, expected {numbers[c]}" for name, numbers in expected.items()]
        lines += [f"data: got {got[c]!r}, expected {average[c]!r}", f"kept {shown(y[kept[:, c], c])}"]
        raise Disagreement("\n".join(lines))
