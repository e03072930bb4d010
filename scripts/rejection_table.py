"""What each rejection rule costs and catches: the table of the guide, by the textbook or by the program.

    python scripts/rejection_table.py [--pixels 20000] [--binary BINARY [--check]] [--into docs/rejection.md]

With --binary a rule that the program does not have is left out; with --check its table has to be the textbook's.

Stacks are Gaussian noise about a level of 1000 ADU with a gain of 1 e/ADU and a read noise of 10 e, so sigma is 33.2
ADU. *lost*: the part of good samples that the rule drops where nothing is wrong. *noise*: the rms error of the
average, over that of the average of all samples. *surviving*: the part of cosmic rays, one in each pixel, that the
rule leaves, by their height in sigma. *two of 100*: as that, two rays of 100 sigma in each pixel. *worst*: the rms
error of the average with one ray in each pixel, over the noise of the average of the good samples, at the height
where it is largest. *a fifth bad*: the same where a fifth of all samples, but always less than half of a pixel's,
carry a ray of 30 sigma.
"""

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

import rejection_rules as rules
from compare import Disagreement, combine_command, launch, read_output
from fits_frames import FrameFile, Image, write_frames
from rejection_draw import automatic

LEVEL, GAIN, RDNOISE = 1000.0, 1.0, 10.0
SIGMA = float(np.sqrt(LEVEL / GAIN + (RDNOISE / GAIN) ** 2))
FRAMES = [5, 10, 25, 100]
HEIGHTS = [1, 3, 5, 7, 10, 30, 100, 1000]
SHOWN = [3, 5, 10, 30, 100, 1000]
ROWS = 100
RIVALS = ["sigma:4,4,iters=converge", "winsorized:3,3", "esd:0.49,0.01"]
BORDERS = [3, 4, 5, 6, 8, 10, 12, 15, 20, 25, 50, 100]

NOISE = f"gain={GAIN:g},rdnoise={RDNOISE:g}"
RULES = {
    "none": None,
    "extrema:0,1": partial(rules.extrema, nlow=0, nhigh=1),
    "sigma:3,3,dev=std,iters=converge": partial(rules.sigma, low=3, high=3, dev="std", iters=None),
    "sigma:3,3": partial(rules.sigma, low=3, high=3),
    "sigma:4,4,iters=converge": partial(rules.sigma, low=4, high=4, iters=None),
    "percentile:0.1,0.1": partial(rules.percentile, low=0.1, high=0.1),
    "pclip:-0.5,5,5": partial(rules.pclip, k=-0.5, low=5, high=5),
    "winsorized:3,3": partial(rules.winsorized, low=3, high=3),
    "median-sigma:3,3": partial(rules.median_sigma, low=3, high=3),
    "linear-fit:5,5": partial(rules.linear_fit, low=5, high=5),
    "esd:0.3,0.05": partial(rules.esd, fraction=0.3, alpha=0.05),
    "esd:0.49,0.01": partial(rules.esd, fraction=0.49, alpha=0.01),
    "rcr": rules.rcr,
    "rcr:0.05": partial(rules.rcr, limit=0.05),
    f"ccd:3,3,{NOISE}": partial(rules.ccd, low=3, high=3, gain=GAIN, rdnoise=RDNOISE),
    f"cr:3,{NOISE}": partial(rules.cr, high=3, gain=GAIN, rdnoise=RDNOISE),
    "poisson:3,3": lambda y: rules.poisson(y, np.arange(y.shape[1]) * ROWS // y.shape[1], 3, 3),
    "auto": lambda y: automatic(y, 0),
}


@dataclass(frozen=True)
class Line:
    """What one rule does with so many frames."""

    rule: str
    nframe: int
    lost: float
    noise: float
    surviving: dict
    two: float
    worst: float
    fifth: float


class NotThere(Exception):
    """The program does not have this rule."""


def by_textbook(name, y, _):
    """(average, number left, whether frame 0 is left) at each pixel, by the textbook."""
    rule = RULES[name]
    left = np.ones(y.shape, bool) if rule is None else rule(y)[0] == 0
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(left, y, 0).sum(axis=0) / left.sum(axis=0), left.sum(axis=0), left[0]


def by_program(binary, name, y, folder):
    """The same by the program: frame 0 is left where a sum that weighs it alone is not empty."""
    if folder.exists():
        shutil.rmtree(folder)
    names = write_frames([FrameFile(Image(values.reshape(ROWS, -1))) for values in y], folder)
    clip = [] if name == "none" else ["--clip", name]
    alone = ["--method", "sum", "--weight", ",".join(["1", *["0"] * (len(y) - 1)])]
    planes = []
    for flags, output in (([], "all.fits"), (alone, "first.fits")):
        run = launch(combine_command(binary, [*clip, *flags, "--planes", "data,count"], output, names), folder)
        if run.code == 2:
            raise NotThere(name)
        if run.code != 0:
            raise Disagreement(run.message)
        answer = read_output(folder / output, ["data", "count"], "f64")
        planes.append({plane: values.ravel() for plane, values in answer.items()})
    return planes[0]["data"], planes[0]["count"], planes[1]["count"] > 0


def measure(name, nframe, npixel, judge, folder):
    """One line of the table; the same noise for every rule."""
    rng = np.random.default_rng([nframe, npixel])
    clean = LEVEL + SIGMA * rng.normal(size=(nframe, npixel))
    average, count, _ = judge(name, clean, folder)
    lost = 1 - count.sum() / clean.size
    ideal = SIGMA / np.sqrt(nframe)
    surviving, errors = {}, []
    for height in HEIGHTS:
        y = clean.copy()
        y[0] += height * SIGMA
        hit, _, left = judge(name, y, folder)
        surviving[height] = float(left.mean())
        errors.append(float(np.sqrt(np.nanmean((hit - LEVEL) ** 2))) / (SIGMA / np.sqrt(nframe - 1)))
    y = clean.copy()
    y[:2] += 100 * SIGMA
    two = float(judge(name, y, folder)[2].mean())
    noise = float(np.sqrt(np.nanmean((average - LEVEL) ** 2))) / ideal
    bad = rng.random(clean.shape) < 0.2
    bad[:, 2 * bad.sum(axis=0) >= nframe] = False
    hit, count, _ = judge(name, clean + 30 * SIGMA * bad, folder)
    error = (hit - LEVEL) / (SIGMA / np.sqrt((~bad).sum(axis=0)))
    fifth = float(np.sqrt(np.nanmean(error**2)))
    return Line(name, nframe, lost, noise, surviving, two, max(errors), fifth)


def percent(part):
    """A part as it is read: 0, 0.02 %, 1.3 %, 100 %."""
    if part == 0 or part == 1:
        return f"{part:.0%}".replace("%", " %")
    return f"{100 * part:.2g} %" if part < 0.995 else f"{100 * part:.4g} %"


def table(lines):
    """The lines as Markdown."""
    heights = [f"{height} σ" for height in SHOWN]
    heads = ["rule", "frames", "lost", "noise", *heights, "two of 100 σ", "worst", "a fifth bad"]
    rows = [heads, ["---"] * len(heads)]
    for line in lines:
        parts = [percent(line.surviving[height]) for height in SHOWN]
        errors = [f"{error:.2f}" if error < 100 else f"{error:.0f}" for error in (line.worst, line.fifth)]
        first = [f"`{line.rule}`", str(line.nframe), percent(line.lost), f"{line.noise:.3f}"]
        rows.append([*first, *parts, percent(line.two), *errors])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def measured(names, numbers, npixel, judge, folder):
    """Lines of some rules with some numbers of frames; of those that are not there, none."""
    lines = []
    for name in names:
        try:
            lines += [measure(name, nframe, npixel, judge, folder) for nframe in numbers]
        except NotThere:
            print(f"{name}: the program does not have it", file=sys.stderr)
    return lines


def check(lines, npixel, folder):
    """Whether the textbook has the same lines; what differs is printed."""
    equal = 0
    for line in lines:
        own = table([line]).splitlines()[-1]
        book = table([measure(line.rule, line.nframe, npixel, by_textbook, folder)]).splitlines()[-1]
        equal += own == book
        if own != book:
            print(f"the program  {own}\nthe textbook {book}")
    print(f"{equal} of {len(lines)} lines of the program are the textbook's")
    return equal == len(lines)


def write_into(page, tables):
    """Put the tables into a page, each between its two marks."""
    text = page.read_text()
    for mark, content in tables.items():
        before, rest = text.split(f"<!-- {mark} -->\n")
        _, after = rest.split(f"<!-- end of {mark} -->\n")
        text = f"{before}<!-- {mark} -->\n{content}\n<!-- end of {mark} -->\n{after}"
    page.write_text(text)


def main():
    """Measure every rule, and print the table or hold it against the textbook."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=20000)
    parser.add_argument("--binary", type=lambda text: Path(text).resolve(), help="by the program, not the textbook")
    parser.add_argument("--check", action="store_true", help="hold the program's lines against the textbook's")
    parser.add_argument("--rules", help="only these, separated by spaces")
    parser.add_argument("--frames", help="only these numbers, separated by commas")
    parser.add_argument("--into", type=Path, help="write the tables into this page, between its marks")
    args = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rejection-table-"))
    judge = partial(by_program, args.binary) if args.binary else by_textbook
    lines = partial(measured, npixel=args.pixels, judge=judge, folder=folder / "frames")
    if args.check and not args.binary:
        parser.error("--check needs --binary")
    names = args.rules.split() if args.rules else list(RULES)
    numbers = [int(text) for text in args.frames.split(",")] if args.frames else FRAMES
    found = lines(names, numbers)
    if args.check:
        agrees = check(found, args.pixels, folder)
        shutil.rmtree(folder)
        return 0 if agrees else 1
    tables = {"table": table(found)}
    if not args.rules and not args.frames:
        tables["borders"] = table(lines(RIVALS, BORDERS))
    if args.into:
        write_into(args.into, tables)
    else:
        print("\n\n".join(tables.values()))
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
