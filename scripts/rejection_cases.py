"""One small stack for each way in which IRAF or Siril differs from our definitions: what they keep, and what we keep.

The numbers of a Siril case are steps of 1/256 about 0.25 (or another level), since Siril cuts its result at 1; what
Siril keeps shows in its value alone.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

import rejection_iraf as iraf
import rejection_rules as rules
import rejection_siril as siril
from compare import Disagreement
from recipe import Recipe
from stack_oracle import Samples, combine_pixel

STEP = 2.0**-8
GONE = None
BLANK = -7


@dataclass(frozen=True)
class IrafCase:
    """A pixel (or a row of pixels, frame by frame), what imcombine keeps of the first pixel, and what we keep."""

    way: str
    samples: list
    job: dict
    rule: Callable
    theirs: list
    ours: list
    cards: dict = field(default_factory=dict)


@dataclass(frozen=True)
class SirilCase:
    """A pixel in steps, the job, and the averages of Siril and ours in steps; GONE where nothing is left."""

    way: str
    samples: list
    job: str
    rule: Callable
    theirs: float
    ours: float | None
    level: float = 0.25


IRAF = [
    IrafCase(
        "on the bound: pclip takes what lies on it, here 20 = 14 + 3 (14 - 12)",
        [10, 12, 14, 16, 20],
        {"reject": "pclip", "pclip": -1},
        lambda y: rules.pclip(y, -1, 3, 3),
        [10, 12, 14, 16],
        [10, 12, 14, 16, 20],
    ),
    IrafCase(
        "ends, nkeep: equal residuals come back together, here 40 and 60 for the one that is asked for",
        [10, 40, 50, 60, 90],
        {"reject": "ccdclip", "rdnoise": "1.", "gain": "1e6", "lsigma": 5, "hsigma": 5, "nkeep": 2},
        lambda y: rules.ccd(y, 5, 5, 1e6, 1.0, nkeep=2),
        [40, 50, 60],
        [40, 50],
    ),
    IrafCase(
        "ends: 103 deviates by nine sigma of its frame, but above it stands a sample of a noisy frame that stays",
        [100, 100, 100, 103, 106],
        {"reject": "ccdclip", "rdnoise": "RDNOISE", "gain": "1000."},
        lambda y: rules.ccd(y, 3, 3, 1000.0, [0, 0, 0, 0, 1e5]),
        [100, 100, 100, 103, 106],
        [100, 100, 100, 106],
        {"RDNOISE": [0.0, 0.0, 0.0, 0.0, 1e5]},
    ),
    IrafCase(
        "no noise: without read noise and light all but the median goes",
        [-5, -1, 0, 1, 5],
        {"reject": "ccdclip"},
        lambda y: rules.ccd(y, 3, 3, 1.0, 0.0),
        [0],
        [-5, -1, 0, 1, 5],
    ),
    IrafCase(
        "one median: of three frames sigma is 8.3, not 10",
        [[90] * 8, [100] * 8, [110] * 8],
        {"reject": "avsigclip", "lsigma": 1.1, "hsigma": 1.1},
        lambda y: rules.poisson(y, np.zeros(8, int), 1.1, 1.1),
        [100],
        [90, 100, 110],
    ),
    IrafCase(
        "about centre: the deviation from the median with ddof 1 is 9.3, ours from the mean with ddof 0 is 8.4",
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 28],
        {"reject": "sigclip", "lsigma": 3.1, "hsigma": 3.1},
        lambda y: rules.sigma(y, 3.1, 3.1, dev="std", iters=None),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 28],
        [0] * 9,
    ),
    IrafCase(
        "fraction: half of what is there goes where half of the frames are asked for",
        [10, 20, np.nan, np.nan],
        {"reject": "minmax", "nlow": 0, "nhigh": 2},
        lambda y: rules.extrema(y, 0, 2),
        [10],
        [],
    ),
]
SIRIL = [
    SirilCase(
        "floor: of four samples none goes",
        [-1, 0, 1, 60],
        "rej w 3 3",
        lambda y: rules.winsorized(y, 3, 3),
        15,
        0,
    ),
    SirilCase(
        "falls to 0: of a quantised bias all but the median goes",
        [0, 0, 0, 0, 0, 0, 0, 1, 1, 1],
        "rej w 3 3",
        lambda y: rules.winsorized(y, 3, 3),
        0,
        0.3,
    ),
    SirilCase(
        "all gone: the median is written",
        [-20, -20, 20, 20],
        "rej p 0.1 0.1",
        lambda y: rules.percentile(y, 0.1, 0.1),
        0,
        GONE,
    ),
    SirilCase(
        "signed: with a negative median all goes, and the median is written",
        [-3, -2, 0, 1, 2],
        "rej p 0.1 0.1",
        lambda y: rules.percentile(y, 0.1, 0.1),
        0,
        -0.4,
        level=-0.25,
    ),
    SirilCase(
        "counts: a replaced outlier is averaged as the median, here 1",
        [0, 0, 0, 1, 1, 1, 2, 4, 4, 4, 150],
        "rej m 2 2",
        lambda y: rules.median_sigma(y, 2, 2),
        18 / 11,
        1.7,
    ),
    SirilCase(
        "creeps: 8 and 4 come to stand at the median, 0.5, which creeps to 0 then, and 1 goes as well",
        [0, 0, 0, 1, 4, 8],
        "rej m 1.5 1.5",
        lambda y: rules.median_sigma(y, 1.5, 1.5),
        0,
        0.25,
    ),
    SirilCase(
        "moments: after the first iteration the line has the moments of all the ranks",
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 120],
        "rej l 2 2",
        lambda y: rules.linear_fit(y, 2, 2),
        3,
        4.5,
    ),
    SirilCase(
        "two at least: of samples that are all good two go",
        [-2, -1, -1, 0, 0, 0, 1, 1, 1, 2.5],
        "rej g 0.3 0.05",
        lambda y: rules.esd(y, 0.3, 0.05),
        0.125,
        0.15,
    ),
    SirilCase(
        "wrong one: after a low outlier the neighbour of the high one goes in its place",
        [-100, -1, 0, 0, 0, 1, 1, 2, 3, 60],
        "rej g 0.2 0.05",
        lambda y: rules.esd(y, 0.2, 0.05),
        7.875,
        0.75,
    ),
    SirilCase(
        "ddof: sigma with ddof 1 leaves what ddof 0 takes",
        [0, 0, 0, 0, 0, 0, 0, 10],
        "rej s 2.9 2.9",
        lambda y: rules.sigma(y, 2.9, 2.9, dev="std", iters=None),
        1.25,
        0,
    ),
    SirilCase(
        "histogram: a strong outlier moves the MAD of ten cells, and a lesser one stays",
        [-2, -1, -1, 0, 0, 0, 1, 1, 2, 7, 180],
        "rej a 6.5 6.5",
        lambda y: rules.sigma(y, 6.5 / rules.MAD_TO_SIGMA, 6.5 / rules.MAD_TO_SIGMA, iters=None),
        0.7,
        0,
    ),
]


def check_cases(home):
    """Runs every case through its peer and our textbook; how many there are."""
    for case in IRAF:
        check_iraf(case, home / "case")
    for case in SIRIL:
        check_siril(case, home / "case")
    check_grow(home / "grow")
    return len(IRAF) + len(SIRIL) + 1 + check_methods(home / "methods")


def check_grow(folder):
    """Rays of two frames side by side: imcombine grows where nkeep is then not held, against its own help; ours does not."""
    y = np.full((3, 5, 5), 100.0)
    y[0, 2, 1] = y[1, 2, 2] = 9000
    job = {"reject": "ccdclip", "lsigma": 4, "hsigma": 4, "rdnoise": "10.", "grow": 1, "nkeep": 2}
    theirs = iraf.imcombine(y, folder, [job])[0].left.sum(axis=0)
    sides = rules.ccd(y.reshape(3, -1), 4, 4, 1.0, 10.0, nkeep=2)[0].reshape(y.shape)
    ours = ((sides == 0) & ~rules.grow(sides, np.isfinite(y), 1, nkeep=2)).sum(axis=0)
    if theirs[2].tolist() != [2, 1, 1, 2, 3] or ours[2].tolist() != [2, 2, 2, 2, 3]:
        raise Disagreement(f"grow with nkeep=2: imcombine keeps {theirs[2]}, we keep {ours[2]}")


METHODS = [("lmedian", False), ("median", False), ("quadrature", False), ("quadrature", True), ("average", True)]


def check_methods(folder):
    """The methods that imcombine has too, on a drawn stack for each of some numbers of frames; how many were compared."""
    rng = np.random.default_rng(17)
    for nframe in (1, 2, 3, 4, 7, 8):
        y = np.rint(rng.normal(100, 10, (nframe, 6, 8)))
        y[rng.random(y.shape) < 0.1] = np.nan
        weights = rng.uniform(0.5, 3, nframe).round(2).tolist()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "weights").write_text("".join(f"{weight}\n" for weight in weights))
        jobs = [{"combine": name, "weight": "@weights" if weighed else "none"} for name, weighed in METHODS]
        for (name, weighed), made in zip(METHODS, iraf.imcombine(y, folder, jobs), strict=True):
            w = weights if weighed else [1.0] * nframe
            for place in np.ndindex(y.shape[1:]):
                column = y[(slice(None), *place)].tolist()
                kept = [frame for frame, value in enumerate(column) if value == value]
                ours = combine_pixel(Samples(column, column, w), kept, (0, 0), Recipe(name)).data if kept else BLANK
                if abs(made.value[place] - ours) > 1e-6 * abs(ours):
                    raise Disagreement(f"combine={name} of {column}: imcombine gives {made.value[place]}, we give {ours}")
    return len(METHODS)


def check_iraf(case, folder):
    """One case through imcombine and our textbook."""
    y = np.array(case.samples, float)
    y = y.reshape(len(y), -1)
    combined = iraf.imcombine(y[:, None, :], folder, [{"lsigma": 3, "hsigma": 3, **case.job}], case.cards)[0]
    theirs = sorted(y[combined.left[:, 0, 0], 0].tolist())
    kept = np.isfinite(y[:, 0]) & (case.rule(y)[0][:, 0] == 0)
    ours = sorted(y[kept, 0].tolist())
    if theirs != case.theirs or ours != case.ours:
        raise Disagreement(f"IRAF case '{case.way}': imcombine keeps {theirs}, we keep {ours}")


def check_siril(case, folder):
    """One case through Siril and our textbook."""
    y = case.level + STEP * np.array(case.samples, float)[:, None]
    image = siril.stack(y[:, None, :], folder, [case.job])[0]
    theirs = (float(image[0, 0]) - case.level) / STEP
    kept = case.rule(y)[0][:, 0] == 0
    ours = (float(y[kept, 0].mean()) - case.level) / STEP if kept.any() else GONE
    same = ours is case.ours or None not in (ours, case.ours) and abs(ours - case.ours) < 1e-4
    if abs(theirs - case.theirs) > 1e-4 or not same:
        raise Disagreement(f"Siril case '{case.way}': Siril gives {theirs}, we give {ours}")
