"""A calibrated frame, plainly: every step on whole arrays of f64, in the order of the reference.

This judges the program; it shares nothing with it.

Readings of the reference
  * A pixel of the flat that is masked, not finite or, after the minimum, not positive masks the
    sample, which is divided by 1. A pixel of bias or dark that is not finite masks the sample.
  * The deviation of a sample without a value, or behind a bad master pixel, is nobody's business.
  * A sample that no step masks keeps what is not finite, and is not masked for it.
  * The level of the sky is that of the samples that are present, as f64 or rounded to the sample type.
  * `below` and `above` compare strictly, in that order; a number replaces the value and masks nothing.
"""

from dataclasses import dataclass, field

import numpy as np

from calibration import MASTERS, beyond
from level_oracle import LEVELS, Refusal, frame_sum, median_level
from line_levels import line_levels
from raw_frames import match, number_of, section_of

FIT_NEAR = 1e-9
ROUNDING = 2.0**-49


@dataclass
class Calibrated:
    """The answer for one image: `slack` and `slack_deviation` are what rounding and fits may add,
    `vague` and `vague_deviation` are the pixels that nothing binds."""

    value: np.ndarray
    masked: np.ndarray
    deviation: np.ndarray | None
    slack: np.ndarray
    slack_deviation: np.ndarray
    vague: np.ndarray
    vague_deviation: np.ndarray
    unit: str
    wide: bool
    steps: list = field(default_factory=list)
    origin: tuple = (0, 0)
    extname: str | None = None
    skies: tuple = (0.0,)
    facts: dict = field(default_factory=dict)


def root(*terms):
    """Quadrature of deviations; None is one that nobody brings."""
    given = [term * term for term in terms if term is not None]
    return np.sqrt(sum(given)) if given else None


def overscan_axis(cal, rows, cols):
    """Whether each row has its level: lines run along the shorter side, along the rows of a square."""
    if cal.overscan_axis:
        return cal.overscan_axis == "row"
    return cols.stop - cols.start <= rows.stop - rows.start


def subtract_overscan(frame, cal):
    """(level of every pixel, whether it is certain); NaN where no line says one."""
    shape = frame.values.shape
    rows, cols = section_of(cal.overscan, frame, shape)
    values = frame.values[rows, cols]
    present = np.isfinite(values) & ~frame.masked[rows, cols]
    by_row = overscan_axis(cal, rows, cols)
    if not by_row:
        values, present = values.T, present.T
    clip = None
    if cal.overscan_clip:
        low, high, rounds = cal.overscan_clip.split(",")
        clip = (float(low), float(high), int(rounds))
    levels, certain = line_levels(values, present, cal.overscan_stat, cal.overscan_fit, clip)
    whole, sure = np.full(shape[0 if by_row else 1], np.nan), np.zeros(shape[0 if by_row else 1], bool)
    whole[rows if by_row else cols], sure[rows if by_row else cols] = levels, certain
    spread = (slice(None), None) if by_row else (None, slice(None))
    return np.broadcast_to(whole[spread], shape), np.broadcast_to(sure[spread], shape)


def good_flat(flat, cal):
    """(values after the minimum, which of them count in a norm) of one chip."""
    values = flat.values.copy()
    if cal.flat_min is not None:
        with np.errstate(invalid="ignore"):
            values[values < cal.flat_min] = cal.flat_min
    return values, np.isfinite(values) & ~flat.masked


def flat_norm(flats, cal):
    """The norm of one chip, or the one of all."""
    if cal.flat_norm not in ("mean", "median"):
        return float(cal.flat_norm)
    parts = []
    for flat in flats:
        values, good = good_flat(flat, cal)
        rows, cols = section_of(cal.flat_section, flat, values.shape) if cal.flat_section else (slice(None),) * 2
        parts.append((values[rows, cols], good[rows, cols]))
    if cal.flat_norm == "median":
        return median_level(np.concatenate([values[good] for values, good in parts]))
    count = sum(int(good.sum()) for _, good in parts)
    return sum(frame_sum(values, good) for values, good in parts) / count if count else np.nan


def exposure(frame, cal, given):
    """Seconds of a frame: given, or by the keyword; more than none."""
    seconds = given if given is not None else number_of(cal.exposure_key, frame)
    if not (np.isfinite(seconds) and seconds > 0.0):
        raise Refusal(f"{frame.name} was exposed for {seconds} s")
    return seconds


def check_master(frame, master, shape, unit):
    """Refuse a master of another shape or unit."""
    if master.values.shape != shape:
        raise Refusal(f"{master.name} is {master.values.shape}, {frame.name} {shape}")
    if unit is not None and master.unit() != unit:
        raise Refusal(f"{master.name} is in {master.unit()}, {frame.name} in {unit}")


class Chain:
    """One frame on its way through the steps."""

    def __init__(self, frame, cal, masters, bad):
        """Start from the frame as stored; masters are by step, for this chip."""
        self.frame, self.cal, self.masters, self.bad = frame, cal, masters, bad
        self.v, self.masked = frame.values.copy(), frame.masked.copy()
        self.u = None if frame.deviation is None else frame.deviation.copy()
        self.vague = np.zeros(self.v.shape, bool)
        self.bad_master = np.zeros(self.v.shape, bool)
        self.largest = np.abs(np.nan_to_num(self.v))
        self.loose, self.loose_u = np.zeros(self.v.shape), np.zeros(self.v.shape)
        self.unit, self.steps, self.origin, self.facts = frame.unit(), [], (0, 0), {}

    def does(self, step):
        """Whether a step is to be done; it is noted."""
        if self.frame.is_done(step) and not self.cal.redo:
            return False
        self.steps.append(step)
        return True

    def slack(self):
        """What rounding and fits may add to a value."""
        return self.largest * ROUNDING + self.loose

    def grow(self, *terms):
        """Keep the largest number that a sample has met."""
        for term in (self.v, *terms):
            self.largest = np.maximum(self.largest, np.abs(np.nan_to_num(term, posinf=0, neginf=0)))

    def overscan(self):
        """Subtract the level of each row or column."""
        if self.cal.overscan and self.does("overscan"):
            levels, certain = subtract_overscan(self.frame, self.cal)
            self.v, self.vague = self.v - levels, self.vague | ~certain
            if self.cal.overscan_fit != "none":
                self.loose = np.abs(np.nan_to_num(levels)) * FIT_NEAR
            self.grow(levels)

    def trim(self):
        """Keep one section of everything."""
        if self.cal.trim and self.does("trim"):
            part = section_of(self.cal.trim, self.frame, self.v.shape)
            self.origin = (part[0].start, part[1].start)
            for name in ("v", "masked", "u", "vague", "bad_master", "largest", "loose", "loose_u"):
                whole = getattr(self, name)
                setattr(self, name, None if whole is None else whole[part].copy())

    def deviation(self):
        """Photon and read noise of the counts."""
        if self.cal.deviation and self.does("deviation"):
            noise = number_of(self.cal.readnoise, self.frame)
            gain = number_of(self.cal.gain, self.frame) if self.cal.gain else 1.0
            with np.errstate(invalid="ignore"):
                negative = self.v < 0.0
            self.u = np.sqrt(gain * np.where(negative, 0.0, self.v) + noise * noise) / gain
            self.loose_u = self.slack() / (gain * self.u)
            if self.cal.negative == "mask":
                self.masked = self.masked | negative
                # A sample that a fit leaves at 0 but for its rounding may fall on either side.
                self.vague = self.vague | (np.abs(self.v) <= self.slack())

    def mask(self):
        """Bad pixels of all frames."""
        if self.bad is not None:
            if self.bad.shape != self.v.shape:
                raise Refusal("bad pixels of another shape")
            self.masked = self.masked | self.bad

    def gain(self, last):
        """Counts to electrons, here or behind the flat."""
        if self.cal.gain and self.cal.gain_last == last and self.does("gain"):
            gain = number_of(self.cal.gain, self.frame)
            self.v, self.unit, self.loose = self.v * gain, "electron", self.loose * abs(gain)
            self.largest = self.largest * abs(gain)
            self.u, self.loose_u = None if self.u is None else self.u * abs(gain), self.loose_u * abs(gain)

    def subtract(self, step):
        """Bias, or dark times k."""
        master = self.masters.get(step)
        if master is None or not self.does(step):
            return
        check_master(self.frame, master, self.v.shape, self.unit)
        k = self.dark_factor(master) if step == "dark" else 1.0
        bad = ~np.isfinite(master.values)
        level = np.where(bad, 0.0, master.values * k)
        self.v = self.v - level
        self.u = root(self.u, None if master.deviation is None else k * master.deviation)
        self.masked, self.bad_master = self.masked | bad | master.masked, self.bad_master | bad
        self.grow(level)

    def dark_factor(self, master):
        """t / t of the dark, where exposures are to be scaled."""
        if not self.cal.dark_scale:
            return 1.0
        k = exposure(self.frame, self.cal, self.cal.exposure) / exposure(master, self.cal, self.cal.dark_exposure)
        self.facts["k"] = k
        return k

    def flat(self, norm):
        """Divide by the flat over its norm."""
        master = self.masters.get("flat")
        if master is None or not self.does("flat"):
            return
        check_master(self.frame, master, self.v.shape, None)
        values, _ = good_flat(master, self.cal)
        with np.errstate(invalid="ignore"):
            good = np.isfinite(values) & (values > 0.0) & ~master.masked
        f = np.where(good, values / norm, 1.0)
        u = None if master.deviation is None else master.deviation / norm
        self.loose_u = self.loose_u / f + (0.0 if u is None else self.slack() * u / (f * f))
        before, self.v = self.v, self.v / f
        self.u = root(None if self.u is None else self.u / f, None if u is None else before * u / (f * f))
        self.masked, self.bad_master = self.masked | ~good, self.bad_master | ~good
        self.largest, self.loose = self.largest / f, self.loose / f
        self.facts["norm"] = norm

    def sky(self, sample_type):
        """The levels that may be subtracted; the caller tries each."""
        if self.cal.sky == "none" or not self.does("sky"):
            return (0.0,)
        shape = self.v.shape
        part = section_of(self.cal.stats_section, self.frame, shape) if self.cal.stats_section else (slice(None),) * 2
        present = np.where(self.masked | ~np.isfinite(self.v), np.nan, self.v)[part]
        rounded = present.astype(sample_type).astype(np.float64)
        found = tuple(LEVELS[self.cal.sky](values) for values in (present, rounded))
        if not np.isfinite(found[0]):
            raise Refusal(f"{self.frame.name} has no sample for its sky")
        return found

    def finish(self, skies, wide):
        """The answer but for the sky and what comes behind it."""
        vague_deviation = self.vague | self.bad_master | ~np.isfinite(self.v)
        slacks, vague = (self.slack(), self.loose_u), (self.vague, vague_deviation)
        answer = Calibrated(self.v, self.masked, self.u, *slacks, *vague, self.unit, wide)
        answer.steps, answer.origin, answer.extname = self.steps, self.origin, self.frame.extname
        answer.skies, answer.facts = skies, {**self.facts, "largest": self.largest}
        return answer


def calibrate(frame, cal, masters, bad=None, norm=None):
    """Calibrate one image; Refusal where that has to fail."""
    chain = Chain(frame, cal, masters, bad)
    wide = frame.is_wide() if cal.dtype == "auto" else cal.dtype == "f64"
    with np.errstate(invalid="ignore", over="ignore"):
        chain.overscan()
        chain.trim()
        chain.deviation()
        chain.mask()
        chain.gain(last=False)
        chain.subtract("bias")
        chain.subtract("dark")
        chain.flat(norm)
        chain.gain(last=True)
        skies = chain.sky(np.float64 if frame.is_wide() else np.float32)
    return chain.finish(skies, wide)


def limited(answer, cal, sky):
    """(value, masked, undecided) with one level of the sky subtracted, below and above applied."""
    value, masked = answer.value - sky, answer.masked.copy()
    undecided, touched = answer.vague.copy(), np.zeros(masked.shape, bool)
    for text, side in ((cal.below, -1.0), (cal.above, 1.0)):
        if text is None:
            continue
        level, what = beyond(text)
        with np.errstate(invalid="ignore"):
            hit = side * value > side * level
            near = np.abs(value - level) <= 2.0**-23 * abs(level) + answer.slack
        # Where a value is already bad it is not said whether it is replaced.
        undecided |= (near & (value != level)) | (hit & answer.masked & (what != "mask"))
        masked = masked | hit if isinstance(what, str) else masked
        value = np.where(hit, np.nan if what == "nan" else value if what == "mask" else what, value)
        touched |= hit & (what != "mask")
    return value, masked, undecided, touched


def calibrate_file(frames, cal, masters, bad=None):
    """The answers for all images of a file; `masters` holds all images of each master by step."""
    answers = []
    for number, frame in enumerate(frames):
        chosen = {step: match(masters[step], frames, frame, number) for step in MASTERS if masters.get(step)}
        norm = None
        if "flat" in chosen:
            norm = flat_norm(masters["flat"] if cal.flat_norm_over == "mef" else [chosen["flat"]], cal)
        answers.append(calibrate(frame, cal, chosen, bad, norm))
    return answers
