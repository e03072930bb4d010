"""The recipe of a run as plain values, and the command-line flags that say the same."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

PLANES = ("data", "mask", "uncertainty", "count", "low", "high")
WEIGHING = ("average", "sum", "quadrature")
UNCERTAIN = ("average", "median", "sum", "lmedian")


def number(value):
    """A number as the command line takes it: whole ones without a point."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(float(value))


def bound(value):
    """One side of a clip step: no number is no bound."""
    return "" if value is None else number(value)


@dataclass(frozen=True)
class MinMax:
    """Drop calibrated samples outside the bounds, in their own units."""

    low: float | None
    high: float | None

    def text(self):
        """The step as on the command line."""
        return f"minmax:{bound(self.low)},{bound(self.high)}"


@dataclass(frozen=True)
class Extrema:
    """Drop the lowest and the highest samples."""

    nlow: int
    nhigh: int

    def text(self):
        """The step as on the command line."""
        return f"extrema:{self.nlow},{self.nhigh}"


@dataclass(frozen=True)
class Sigma:
    """Drop samples that lie too many deviations from the centre."""

    low: float | None
    high: float | None
    center: str | None = None
    dev: str | None = None
    iters: int | str | None = None
    floor: float | None = None
    fewest: ClassVar[int] = 3

    def text(self):
        """The step as on the command line; options that are None stand at their defaults."""
        if self.low == self.high and self.low is not None and not self.options():
            return f"sigma:{number(self.low)}"
        return f"sigma:{bound(self.low)},{bound(self.high)}{self.options()}"

    def options(self):
        """The named options, each with its comma."""
        names = ("center", "dev", "iters", "floor")
        given = [(name, getattr(self, name)) for name in names]
        return "".join(
            f",{name}={value if isinstance(value, str) else number(value)}"
            for name, value in given
            if value is not None
        )


@dataclass(frozen=True)
class ByTextbook:
    """A rule of rejection_rules.py; `rule(y, nkeep)` gives the sides and the doubts.

    `exact`: what it compares are samples with bounds that come of their median, so that samples that are nearly tied
    raise no doubt. A rule that is `scaled` is called with the (a, b) of the frames too; one `by_row` with the row of
    each pixel, and what is doubtful in a row makes all of it doubtful.
    """

    words: str
    rule: Callable
    fewest: int
    exact: bool = False
    scaled: bool = False
    by_row: bool = False

    def text(self):
        """The step as on the command line."""
        return self.words


@dataclass(frozen=True)
class PerFrame:
    """Numbers for the frames: a statistic to measure (numbers is None) or given ones.

    text is the value of the flag: `none`, `mean`, `key:EXPTIME`, `1,2,3`, `@file`, `ivar`, `noise`, `exposure`.
    """

    text: str = "none"
    numbers: tuple | None = None


@dataclass(frozen=True)
class Section:
    """A FITS section, 1-based with both ends; text is how it was written."""

    x1: int
    x2: int
    y1: int
    y2: int
    text: str

    def slices(self):
        """(rows, columns) as Python slices."""
        return slice(self.y1 - 1, self.y2), slice(self.x1 - 1, self.x2)


@dataclass(frozen=True)
class Recipe:
    """What to compute from a stack; where there is a `norm`, scale and zero are what it stands for."""

    method: str = "average"
    clip: tuple = ()
    nkeep: int = 0
    grow: float = 0.0
    hole_fill: int = 0
    rejected: bool = False
    scale: PerFrame = PerFrame()
    zero: PerFrame = PerFrame()
    scale_to: float | str | None = None
    zero_to: float | str | None = None
    stats_section: Section | None = None
    norm: str = "none"
    weight: PerFrame = PerFrame()
    uncertainty: str = "scatter"
    region: Section | None = None
    dtype: str = "auto"
    planes: tuple = PLANES

    def needs_uncertainty(self):
        """Whether samples without a good uncertainty are absent."""
        return self.propagates() or (self.weighs() and self.weight.text == "ivar")

    def weighs(self):
        """Whether weights have a say."""
        return self.method in WEIGHING

    def propagates(self):
        """Whether the frames' uncertainties go into the result; planes have no say in it."""
        return self.uncertainty == "propagate"

    def flags(self):
        """The command-line flags of this recipe; defaults are left out."""
        words = []
        if self.method != "average":
            words += ["--method", self.method]
        for step in self.clip:
            words += ["--clip", step.text()]
        words += self.rejection_flags()
        words += self.level_flags()
        if self.uncertainty != "scatter":
            words += ["--uncertainty", self.uncertainty]
        if self.region:
            words += ["--region", self.region.text]
        if self.dtype != "auto":
            words += ["--dtype", self.dtype]
        return words + ["--planes", ",".join(self.planes)]

    def rejection_flags(self):
        """What goes with the steps."""
        words = ["--nkeep", str(self.nkeep)] if self.nkeep > 0 else [f"--nkeep={self.nkeep}"] * (self.nkeep < 0)
        words += ["--grow", number(self.grow)] if self.grow else []
        words += ["--hole-fill", str(self.hole_fill)] if self.hole_fill else []
        return words + (["--rejected", "masks"] if self.rejected else [])

    def level_flags(self):
        """Scale, zero, weight and the section they are measured in."""
        words = [f"--norm={self.norm}"] if self.norm != "none" else []
        for flag in ("scale", "zero", "weight"):
            level = getattr(self, flag)
            if level.text != "none" and (flag == "weight" or self.norm == "none"):
                words.append(f"--{flag}={level.text}")
        for flag in ("scale_to", "zero_to"):
            target = getattr(self, flag)
            if target is not None and self.norm == "none":
                value = target if isinstance(target, str) else number(target)
                words.append(f"--{flag.replace('_', '-')}={value}")
        if self.stats_section:
            words += ["--stats-section", self.stats_section.text]
        return words
