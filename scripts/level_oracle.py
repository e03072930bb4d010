"""Scale and zero of each frame, and the samples y = x a + b, as the reference defines them.

Readings of the reference
  * Statistics are f64 and are not rounded to the sample type.
  * zero and scale are both measured on x; scale is not measured on x - zero.
  * mode: lo and hi are the samples of rank 15n/100 and 85n/100 (integer division, 0-based, as
    IRAF); samples from lo to hi fall into 100 cells, the last closed; a bin is ten cells; the
    lowest of equally full bins; hi = lo is the mode itself.
  * 'mean' as a target is the sum over frames in frame order by their number.
  * A zero that is not finite is an error as a scale is.
  * mad: distances from the median as f64 has it, their median, times 1.4826...; median*mad: that times the median.
  * noise: |2c - a - e| of each five successive present samples of a row, but where all five are the same; the mean of
    the lower half of a row's (the middle one of an odd number included); the median over the rows that have any; times
    NOISE_TO_SIGMA. As the samples are scaled, times |a|.
  * Without --stats-section the whole frame is measured, with --region too.
"""

import numpy as np
from scipy.stats import norm

MAD_TO_SIGMA = 1.482602218505602
NOISE_TO_SIGMA = float(1 / (np.sqrt(6) * 4 * (norm.pdf(0) - norm.pdf(norm.ppf(0.75)))))
SPAN = 5
MODE_LEAST = 10
MODE_CELLS = 100
MODE_BIN = 10


class Refusal(Exception):
    """The run must end with exit status 1 (or 2) and no output."""


def frame_sum(values, chosen):
    """Sum of the chosen samples: along each row in column order, then over rows in row order."""
    if values.size == 0:
        return 0.0
    rows = np.add.accumulate(np.where(chosen, values, 0.0), axis=1)[:, -1]
    return float(np.add.accumulate(rows)[-1])


def mean_level(values):
    """Mean of the present samples."""
    present = ~np.isnan(values)
    count = int(present.sum())
    return frame_sum(values, present) / count if count else float("nan")


def median_level(values):
    """Exact median of the present samples; the mean of the middle two where they are even."""
    ordered = np.sort(values[~np.isnan(values)])
    if ordered.size == 0:
        return float("nan")
    middle = ordered.size // 2
    if ordered.size % 2:
        return float(ordered[middle])
    return float((ordered[middle - 1] + ordered[middle]) / 2.0)


def mode_level(values):
    """Mean of the fullest bin between the 15 % and the 85 % ranks."""
    ordered = np.sort(values[~np.isnan(values)])
    if ordered.size < MODE_LEAST:
        return median_level(values)
    low = ordered[15 * ordered.size // 100]
    high = ordered[85 * ordered.size // 100]
    if low == high:
        return float(low)
    cells = np.full(values.shape, -1)
    inside = (values >= low) & (values <= high)
    place = np.floor(MODE_CELLS * (values[inside] - low) / (high - low)).astype(int)
    cells[inside] = np.minimum(place, MODE_CELLS - 1)
    fill = np.bincount(cells[inside], minlength=MODE_CELLS)
    bins = np.convolve(fill, np.ones(MODE_BIN, int), mode="valid")
    first = int(np.argmax(bins))
    chosen = (cells >= first) & (cells < first + MODE_BIN)
    return frame_sum(values, chosen) / int(chosen.sum())


def mad_level(values):
    """1.4826... times the median distance from the median."""
    return MAD_TO_SIGMA * median_level(np.abs(values - median_level(values)))


def median_mad_level(values):
    """The median times the spread."""
    return median_level(values) * mad_level(values)


def row_noise(row):
    """The mean of the lower half of the differences of a row; None where there are none."""
    present = row[~np.isnan(row)]
    if len(present) < SPAN:
        return None
    five = np.lib.stride_tricks.sliding_window_view(present, SPAN)
    five = five[(five != five[:, :1]).any(axis=1)]
    apart = np.abs(2.0 * five[:, 2] - five[:, 0] - five[:, 4])
    half = (len(apart) + 1) // 2
    return float(np.sort(apart)[:half].mean()) if half else None


def noise_level(values):
    """The noise of the background; 0 where it is not to be seen."""
    rows = [noise for noise in map(row_noise, values) if noise is not None]
    return NOISE_TO_SIGMA * float(np.median(rows)) if rows else 0.0


LEVELS = {
    "mean": mean_level,
    "median": median_level,
    "mode": mode_level,
    "mad": mad_level,
    "median*mad": median_mad_level,
    "noise": noise_level,
}


def levels(per_frame, samples, section, neutral):
    """One number a frame: measured, given, or the neutral one."""
    if per_frame.text == "none":
        return [neutral] * len(samples)
    if per_frame.numbers is not None:
        return list(per_frame.numbers)
    rows, cols = section.slices() if section else (slice(None), slice(None))
    return [LEVELS[per_frame.text](frame[rows, cols]) for frame in samples]


def target(to, numbers, neutral):
    """What --scale-to or --zero-to stands for."""
    if to is None:
        return neutral
    if to == "first":
        return numbers[0]
    if to == "mean":
        return float(np.add.accumulate(np.array(numbers))[-1]) / len(numbers)
    return to


def factors(samples, recipe):
    """(a, b) of every frame, y = x a + b; refuses a scale that is not positive and finite."""
    scales = levels(recipe.scale, samples, recipe.stats_section, 1.0)
    zeros = levels(recipe.zero, samples, recipe.stats_section, 0.0)
    for frame, (scale, zero) in enumerate(zip(scales, zeros, strict=True)):
        if not (np.isfinite(scale) and scale > 0.0):
            raise Refusal(f"frame {frame}: scale {scale}")
        if not np.isfinite(zero):
            raise Refusal(f"frame {frame}: zero {zero}")
    scale_to = target(recipe.scale_to, scales, 1.0)
    zero_to = target(recipe.zero_to, zeros, 0.0)
    pairs = [(scale_to / scale, zero) for scale, zero in zip(scales, zeros, strict=True)]
    return [(a, zero_to - zero * a) for a, zero in pairs]


def normalise(samples, recipe, sample_type):
    """The samples y, rounded once to the sample type and held as f64; absent stays NaN.

    Also returns (a, b) of each frame.
    """
    pairs = factors(samples, recipe)
    scaled = np.empty_like(samples)
    for frame, (a, b) in enumerate(pairs):
        product = samples[frame] * a
        scaled[frame] = (product + b).astype(sample_type).astype(np.float64)
    return scaled, pairs
