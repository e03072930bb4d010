"""Draws the picture of docs/rejection.md and the guide: the error that a cosmic ray leaves, by rule and number of frames.

    python scripts/rejection_plot.py [--pixels 4000] [--into docs/rejection.png]
"""

import argparse
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt

from rejection_table import BORDERS, by_textbook, measure

SHOWN = {
    "sigma:4,4,iters=converge": ("sigma:4 until nothing goes", "C0", "-"),
    "winsorized:3,3": ("winsorized:3", "C1", "-"),
    "esd:0.49,0.01": ("esd:0.49,0.01", "C2", "-"),
    "rcr:0.05": ("rcr:0.05", "C4", "-"),
    "ccd:3,3,gain=1,rdnoise=10": ("ccd:3, gain and read noise known", "k", "--"),
    "linear-fit:5,5": ("linear-fit:5", "C5", ":"),
    "median-sigma:3,3": ("median-sigma:3", "C3", ":"),
}
HIGHEST = 4.0


def main():
    """Measure and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pixels", type=int, default=4000)
    parser.add_argument("--into", type=Path, default=Path("docs/rejection.png"))
    args = parser.parse_args()
    figure, axes = plt.subplots(figsize=(7, 3.6), dpi=90)
    for rule, (label, color, style) in SHOWN.items():
        worst = [measure(rule, nframe, args.pixels, by_textbook, None).worst for nframe in BORDERS]
        axes.plot(BORDERS, worst, style, color=color, label=label, marker=".", markersize=4, linewidth=1.3)
    axes.set(xscale="log", xlabel="frames", ylabel="error with one ray, over none", ylim=(0.95, HIGHEST))
    ticks = [3, 5, 8, 10, 15, 20, 25, 50, 100]
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(args.into)


if __name__ == "__main__":
    main()
