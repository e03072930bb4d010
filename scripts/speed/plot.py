"""Draws the seconds over the frames: one panel a case; every peer, this program, the floor.

    python scripts/speed/plot.py RESULTS.json PICTURE

Needs matplotlib.
"""

import json
import math
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from speed.programs import CASES
from speed.tables import PEERS, TIMES, floor_of, title, wall

# Okabe and Ito's colours, which differ for every kind of sight; black is ours.
STYLES = {
    "ccdproc": ("#CC79A7", "D"),
    "siril": ("#0072B2", "s"),
    "gnuastro": ("#E69F00", "^"),
    "iraf": ("#009E73", "v"),
    "ccdstream": ("#000000", "o"),
    "floor": ("#7F7F7F", ""),
}
LABEL_GAP = 0.052
"""Least distance of two labels, as a part of the height of a panel."""


def lines_of(results, case):
    """[(name, frames, seconds)] of a case, of every program that has figures, and of the floor."""
    rows = sorted((row for row in results["rows"] if row["case"] == case), key=lambda row: row["frames"])
    lines = []
    for name in [*PEERS, "ccdstream"]:
        points = [(row["frames"], wall(row["programs"][name])) for row in rows if row["programs"].get(name)]
        lines.append((name, points))
    floors = [(row["frames"], floor_of(results, row)) for row in rows]
    lines.append(("floor", [(frames, floor) for frames, floor in floors if floor]))
    return [(name, *zip(*points, strict=True)) for name, points in lines if points]


def apart(heights):
    """Heights of labels, moved until none is closer to the next than the gap; in the order that was given."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    placed = [heights[index] for index in order]
    for _ in range(200):
        for below, above in zip(range(len(placed)), range(1, len(placed)), strict=False):
            lack = LABEL_GAP - (placed[above] - placed[below])
            if lack > 0:
                placed[below] -= lack / 2
                placed[above] += lack / 2
    return [height for _, height in sorted(zip(order, placed, strict=True))]


def panel(axes, lines, frames, span):
    """One case: the lines, and their names at the right end."""
    for name, at, seconds in lines:
        colour, marker = STYLES[name]
        ours = name == "ccdstream"
        axes.plot(
            at, seconds, color=colour, marker=marker, markersize=5, linewidth=2.6 if ours else 1.5,
            linestyle="--" if name == "floor" else "-", zorder=3 if ours else 2, clip_on=False,
        )  # fmt: skip
    low, high = (math.log10(end) for end in span)
    ends = [(math.log10(seconds[-1]) - low) / (high - low) for _, _, seconds in lines]
    heights = dict(enumerate(ends))
    for last in {at[-1] for _, at, _ in lines}:
        there = [index for index, (_, at, _) in enumerate(lines) if at[-1] == last]
        heights.update(zip(there, apart([ends[index] for index in there]), strict=True))
    for (name, at, _), height in zip(lines, heights.values(), strict=True):
        label = "read and decode" if name == "floor" else title(name)
        axes.annotate(
            label, (at[-1], height), xycoords=("data", "axes fraction"), xytext=(8, 0), textcoords="offset points",
            color=STYLES[name][0], va="center", fontsize=10, fontweight="bold" if name == "ccdstream" else "normal",
        )  # fmt: skip
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlim(frames[0] * 0.9, frames[-1] * 1.05)
    axes.set_ylim(*span)
    axes.xaxis.set_major_locator(FixedLocator(frames))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_minor_locator(NullLocator())
    axes.grid(axis="y", color="#E0E0E0", linewidth=0.8)
    axes.spines[["top", "right"]].set_visible(False)


def draw(results, picture):
    """All cases that have figures, in two columns."""
    cases = [case for case in CASES if lines_of(results, case)]
    frames = sorted({row["frames"] for row in results["rows"]})
    every = [second for case in cases for _, _, seconds in lines_of(results, case) for second in seconds]
    span = (min(every) / 1.6, max(every) * 1.6)
    ncol = min(2, len(cases))
    nrow = -(-len(cases) // ncol)
    figure, grid = plt.subplots(nrow, ncol, figsize=(5.2 * ncol, 4.1 * nrow), sharey=True, squeeze=False)
    for axes, case in zip(grid.flat, cases, strict=False):
        panel(axes, lines_of(results, case), frames, span)
        axes.set_title(CASES[case], loc="left", fontsize=12, fontweight="bold")
    for axes in list(grid.flat)[len(cases) :]:
        axes.set_visible(False)
    for axes in grid[-1]:
        axes.set_xlabel("frames")
    for axes in grid[:, 0]:
        axes.set_ylabel("wall seconds")
    side = results["rows"][0]["side"]
    machine = results["machine"]
    figure.suptitle(
        f"Frames of {side} {TIMES} {side} uint16, {machine['cores']} cores, {machine['vectors']}",
        x=0.01, ha="left", fontsize=11, color="#444444",
    )  # fmt: skip
    figure.tight_layout(w_pad=1.5, rect=(0, 0, 1, 0.99))
    figure.savefig(picture, dpi=110)


def main():
    """Read the results, write the picture."""
    draw(json.loads(Path(sys.argv[1]).read_text()), sys.argv[2])


if __name__ == "__main__":
    main()
