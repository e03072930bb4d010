"""Small stacks on which a rejection can go wrong: ties, absent samples, constants, one outlier, half of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

import rejection_rules as rules
from columns import stay

NCOL = 24


def noise(rng, size, level, spread):
    """Noise of a Gauss curve."""
    return level + spread * rng.normal(size=size)


def ray(rng, size, level, spread):
    """Noise, and in each pixel one cosmic ray of 3 to 1000 sigma."""
    y = noise(rng, size, level, spread)
    height = spread * 10 ** rng.uniform(0.5, 3, size[1])
    y[rng.integers(0, size[0], size[1]), np.arange(size[1])] += height
    return y


def low_one(rng, size, level, spread):
    """Noise, and in each pixel one that lies low."""
    return 2 * level - ray(rng, size, level, spread)


def several(rng, size, level, spread):
    """Noise, and outliers on both sides, a tenth of the samples."""
    return noise(rng, size, level, spread) + 20 * spread * rng.normal(size=size) * (rng.random(size) < 0.1)


def half(rng, size, level, spread):
    """Half of the samples far above the others."""
    return noise(rng, size, level, spread) + 30 * spread * (rng.random(size) < 0.5)


def integers(rng, size, level, spread):
    """Few whole numbers: ties, and samples on a bound."""
    return np.rint(noise(rng, size, level, spread) / spread * 2) * spread / 2


def constant(rng, size, level, spread):
    """One value."""
    return np.full(size, level)


def one_off(rng, size, level, spread):
    """One value, and one sample that differs."""
    y = constant(rng, size, level, spread)
    y[rng.integers(0, size[0], size[1]), np.arange(size[1])] += spread * rng.choice([-3, -1, 1, 5, 200], size[1])
    return y


def bias(rng, size, level, spread):
    """A quantised bias: most samples equal, some one step off."""
    return level + spread * rng.choice([-1, 0, 0, 0, 0, 0, 0, 1, 1], size)


def two_values(rng, size, level, spread):
    """Two values."""
    return np.where(rng.random(size) < 0.5, level, level + spread)


def line(rng, size, level, spread):
    """Samples on a line: no noise about it but one outlier."""
    y = level + spread * rng.permuted(np.tile(np.arange(size[0], dtype=float)[:, None], (1, size[1])), axis=0)
    y[0] += spread * rng.choice([0, 0, 50], size[1])
    return y


def few(rng, size, level, spread):
    """Nearly all absent."""
    y = ray(rng, size, level, spread)
    left = rng.integers(0, min(6, size[0]) + 1, size[1])
    return np.where(np.arange(size[0])[:, None] < left, y, np.nan)


KINDS = [noise, ray, low_one, several, half, integers, constant, one_off, bias, two_values, line, few]
FRAMES = [3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 40, 64, 100]


def draw_stack(rng, nframe=None, level=1000.0, spread=30.0, absent=True):
    """A stack (frame, row, col), each row of another kind; NaN in a few of the rows where `absent`."""
    nframe = nframe or int(rng.choice(FRAMES))
    rows = []
    for kind in KINDS:
        y = kind(rng, (nframe, NCOL), level, spread)
        if absent and rng.random() < 0.3:
            y[rng.random(y.shape) < rng.choice([0.05, 0.3])] = np.nan
        rows.append(y)
    return np.stack(rows, axis=1)


@dataclass(frozen=True)
class Step:
    """One clip step as the command line has it, and as the textbook does it: `rule(y, nkeep)`.

    With fewer frames than `fewest` the step can take nothing, and the program refuses it.
    """

    text: str
    rule: Callable
    fewest: int = 3


def factor(rng):
    """A factor for LOW or HIGH."""
    return float(rng.choice([1, 1.5, 2, 2.5, 3, 4, 5]))


def draw_percentile(rng, level, spread):
    """Parts of the median that are some deviations of the noise."""
    low, high = (round(factor(rng) * spread / max(abs(level), spread), 6) for _ in range(2))
    return Step(f"percentile:{low},{high}", lambda y, nkeep: rules.percentile(y, low, high, nkeep))


def draw_pclip(rng, *_):
    """A sample on either side, by its rank or a part of the side."""
    low, high, k = factor(rng), factor(rng), float(rng.choice([-0.5, 0.5, -0.9, 0.3, -1, 1, -2, 2, 5]))
    return Step(f"pclip:{k:g},{low},{high}", lambda y, nkeep: rules.pclip(y, k, low, high, nkeep))


def draw_esd(rng, *_):
    """A part of the samples and a significance."""
    share, alpha = float(rng.choice([0.1, 0.2, 0.3, 0.49])), float(rng.choice([0.01, 0.05, 0.2]))
    fewest = max(3, int(np.ceil(1 / share - 1e-9)))
    return Step(f"esd:{share},{alpha}", lambda y, nkeep: rules.esd(y, share, alpha, nkeep), fewest)


def draw_rcr(rng, *_):
    """A limit."""
    limit = float(rng.choice([0.1, 0.5, 0.9]))
    return Step(f"rcr:{limit}", lambda y, nkeep: rules.rcr(y, limit, nkeep))


def factors_of(name, rule, fewest=3):
    """A rule of a LOW and a HIGH alone."""

    def draw(rng, *_):
        low, high = factor(rng), factor(rng)
        return Step(f"{name}:{low},{high}", lambda y, nkeep: rule(y, low, high, nkeep), fewest)

    return draw


# The rules that look only at the samples of a pixel, each drawn by (rng, level, spread).
RULES = [
    draw_percentile,
    draw_pclip,
    factors_of("winsorized", rules.winsorized),
    factors_of("median-sigma", rules.median_sigma),
    factors_of("linear-fit", rules.linear_fit, 5),
    draw_esd,
    draw_rcr,
]


def draw_step(rng, level, spread):
    """One of the rules."""
    return RULES[int(rng.integers(len(RULES)))](rng, level, spread)


def draw_noise_step(rng, *_):
    """A rule that goes by the noise of the detector: numbers for all frames, or keywords of each (see `noise_cards`)."""
    kind, low, high, alike = str(rng.choice(["ccd", "cr"])), factor(rng), factor(rng), rng.random() < 0.5
    gain, rdnoise, snoise = float(rng.choice([0.2, 1, 2.5])), float(rng.choice([0, 5, 60])), float(rng.choice([0, 0.02]))
    text = f"gain={gain:g},rdnoise={rdnoise:g}" if alike else "gain=GAIN,rdnoise=RDNOISE"
    text += f",snoise={snoise:g}" if snoise or rng.random() < 0.5 else ""

    def rule(y, nkeep):
        cards = noise_cards(len(y))
        model = (gain, rdnoise) if alike else (cards["GAIN"], cards["RDNOISE"])
        if kind == "cr":
            return rules.cr(y, high, *model, snoise, nkeep=nkeep)
        return rules.ccd(y, low, high, *model, snoise, nkeep=nkeep)

    return Step(f"cr:{high},{text}" if kind == "cr" else f"ccd:{low},{high},{text}", rule, 2)


def noise_cards(nframe):
    """Keywords of unlike detectors, a number a frame."""
    frame = np.arange(nframe)
    return {"GAIN": 0.3 + 0.7 * (frame % 4), "RDNOISE": 2.0 + 20.0 * (frame % 3)}


def draw_older_step(rng, level, spread):
    """A step to go before or after another."""
    kind = rng.choice(["extrema", "sigma", "auto"])
    if kind == "auto":
        return Step("auto", automatic, 1)
    if kind == "extrema":
        nlow, nhigh = (int(v) for v in rng.integers(0, 3, 2))
        return Step(f"extrema:{nlow},{nhigh}", lambda y, nkeep: rules.extrema(y, nlow, nhigh, nkeep), 1)
    low, high, dev = factor(rng), factor(rng), str(rng.choice(["std", "mad"]))
    text = f"sigma:{low},{high},dev={dev}"
    return Step(text, lambda y, nkeep: rules.sigma(y, low, high, dev=dev, nkeep=nkeep))


def automatic(y, nkeep):
    """The rule that the number of frames asks for (docs/rejection.md)."""
    if len(y) < 3:
        return np.zeros(y.shape, "i1"), np.zeros(y.shape[1], bool)
    if 8 <= len(y) < 20:
        return rules.winsorized(y, 3.0, 3.0, nkeep)
    return rules.sigma(y, 4.0, 4.0, iters=None, nkeep=nkeep)


def chain(y, steps, nkeep):
    """Runs the steps one after the other; (the sides of all that went, which pixels are in doubt)."""
    sides, doubts = np.zeros(y.shape, "i1"), np.zeros(y.shape[1], bool)
    nkeep = stay(nkeep, y)
    for step in steps:
        side, doubt = step.rule(np.where(sides != 0, np.nan, y), nkeep)
        sides += side
        doubts |= doubt
    return sides, doubts
