"""Every rejection rule as a textbook would have it: float64, all pixels of a stack at once, no thought of speed.

It judges the program and shares nothing with it. Each rule takes the samples y as (frame, pixel), NaN where absent, and
gives the *sides*: -1 where it takes a sample below the centre, +1 above, 0 where the sample stays (or is absent);
and the pixels in *doubt*, where a sample lies so near a bound that rounding decides and two right programs may differ.

Common to all, where the rule does not say otherwise
  * LOW and HIGH are positive factors, infinite for no bound; a sample on a bound stays.
  * Standard deviations have ddof 1, as in IRAF, Siril, PixInsight, Rosner and Maples; `sigma`, ccdproc's, has ddof 0.
  * A sigma of 0 takes nothing. Ties go in frame order: of equal samples the earlier frame is lower.
  * nkeep gives back what lies nearest the centre of that iteration; negative, it is the most that may go (IRAF).
  * There is no floor of 4 samples as in Siril: --nkeep says it. Siril takes 0 for an absent sample; here NaN is one.
"""

from math import pi, sqrt

import numpy as np
from scipy import ndimage
from scipy.special import erfcinv
from scipy.stats import t as student

from columns import (
    HIGH,
    LOW,
    NEAR,
    count,
    deviation,
    fewest,
    give_back,
    mean,
    median,
    near,
    order,
    outside,
    pick,
    repeat,
    total,
)

MAD_TO_SIGMA = 1.482602218505602
ROOT_HALF_PI = sqrt(pi / 2.0)
NO_BOUND = np.inf


def bounds(y, centre, sigma, low, high, exact=False):
    """Sides, distances and doubts for centre - low sigma and centre + high sigma; nothing goes where sigma is 0.

    `exact` says that centre and sigma are facts of the samples, without any rounding but of the bound itself.
    """
    with np.errstate(invalid="ignore"):
        bottom = -np.inf if np.isinf(low) else centre - low * sigma
        top = np.inf if np.isinf(high) else centre + high * sigma
        side = np.where(sigma > 0, outside(y, bottom, top), 0).astype("i1")
        size = np.where(sigma > 0, sigma, np.nan)
        doubt = near(y, bottom, low * size) | near(y, top, high * size)
    return side, np.abs(y - centre), doubt & (not exact)


def minmax(x, low=-np.inf, high=np.inf):
    """Drops samples outside the bounds, which are kept (IRAF lthreshold, hthreshold); x as calibrated, not scaled."""
    return outside(x, low, high), np.zeros(x.shape[1], bool)


def extrema(y, nlow, nhigh, nkeep=0):
    """Drops the nlow lowest and the nhigh highest samples (ccdproc clip_extrema, PixInsight MinMax).

    More than are left drops all: the lowest min(nlow, n) count as LOW. IRAF's minmax differs where samples are absent:
    it takes int(nlow / frames * n + 0.001), the same *fraction* of what is there.
    """
    n = count(y)
    rank = np.empty(y.shape, int)
    np.put_along_axis(rank, order(y), np.arange(len(y))[:, None], axis=0)
    low = np.minimum(nlow, n)
    high = np.minimum(nhigh, n - low)
    side = np.where(rank < low, LOW, np.where((rank >= n - high) & (rank < n), HIGH, 0)).astype("i1")
    side = give_back(side, np.abs(y - median(y)), n, fewest(nkeep, y))
    return side, np.zeros(y.shape[1], bool)


def sigma(y, low, high, center="median", dev="mad", iters=1, floor=0.0, nkeep=0):
    """Drops what is further than low or high sigma from the median or mean; `iters` None is until nothing goes.

    std is about the mean with ddof 0 (ccdproc, numpy). mad is 1.4826 median|y - median|, and where that is 0
    sqrt(pi/2) mean|y - median| (Iglewicz and Hoaglin 1993): quantised bias frames are not eaten. Here, as an older
    rule, a sigma of 0 takes all that differs from the centre. IRAF's sigclip has the deviation about the *centre*
    with ddof 1 and as first mean one without the extremes; Siril's has sd about the mean, ddof 1, about the median.
    """

    def judge(left, _):
        middle = median(left)
        c = mean(left) if center == "mean" else middle
        if dev == "std":
            s = np.sqrt(mean((left - mean(left)) ** 2))
        else:
            apart = np.abs(left - middle)
            s = MAD_TO_SIGMA * median(apart)
            s = np.where(s == 0, ROOT_HALF_PI * mean(apart), s)
        s = np.maximum(s, floor)
        with np.errstate(invalid="ignore"):
            low_bound = -np.inf if np.isinf(low) else c - low * s
            high_bound = np.inf if np.isinf(high) else c + high * s
            doubt = near(left, low_bound, low * s) | near(left, high_bound, high * s)
        return outside(left, low_bound, high_bound), np.abs(left - c), doubt & (s > 0)

    return repeat(y, judge, nkeep, 1, iters)


def percentile(y, low, high, nkeep=0):
    """Drops what is further from the median than a fraction of it; one pass (Siril `p`, PixInsight PercentileClip).

    y < m - low |m|, y > m + high |m|, from 3 samples on (Siril). With a negative median the peers take nearly all, as
    they write low m for low |m|. A median of 0 takes nothing (PixInsight); Siril gives 0.
    Assumes that zero means no light. For few frames (3 to 6) of bright, well scaled fields.
    """

    def judge(left, _):
        m = median(left)
        return bounds(left, m, np.abs(m), low, high, exact=True)

    return repeat(y, judge, nkeep, 3, 1)


def pclip(y, k, low, high, nkeep=0):
    """Sigma is how far the K-th sample away from the median lies from it; one pass (IRAF icpclip.x).

    |K| below 1 is a fraction of half the *frames*, N div 2; K is truncated, and held from 1 to N div 2. Of an even
    number the lower middle one counts for K < 0, the upper for K > 0. K stays the same where samples are absent, up
    to the extreme sample. IRAF drops at residuals *equal* to low or high sigma too, against its own help and its
    other rules; here a sample on the bound stays. For skies with the wings of bright objects in them: K < 0 measures
    the side that is clean.
    """
    most = len(y) // 2
    whole = int(k * most * (1 + 1e-9)) if abs(k) < 1 else int(k)
    whole = min(-1, max(-most, whole)) if k < 0 else max(1, min(most, whole))

    def judge(left, _):
        n = count(left)
        middle = n // 2
        rank = np.maximum(0, middle - (n % 2 == 0) + whole) if k < 0 else np.minimum(n - 1, middle + whole)
        m = median(left)
        return bounds(left, m, np.abs(pick(left, rank) - m), low, high, exact=True)

    return repeat(y, judge, nkeep, 3, 1)


def winsorized_sigma(y, tolerance=0.0005):
    """Huber's sigma about the median: samples beyond 1.5 sigma are moved there, sigma is 1.134 sd, until it holds.

    The bounds only ever tighten (Siril clamps the clamped). Where all samples that differ from the median have come to
    stand at the bounds and sigma still falls it would fall to 0, and all but the median would go; this happens where
    two thirds of the samples are equal, as in bias frames. Then sigma is sqrt(pi/2) mean|y - median|.
    """
    m, s = median(y), deviation(y)
    low, high = np.full(m.shape, -np.inf), np.full(m.shape, np.inf)
    going, doubt = s > 0, np.zeros(m.shape, bool)
    with np.errstate(invalid="ignore"):
        while going.any():
            low, high = np.maximum(low, m - 1.5 * s), np.minimum(high, m + 1.5 * s)
            new = 1.134 * deviation(np.clip(y, low, high))
            done = np.abs(new - s) <= tolerance * s
            inside = ((y > low) & (y < high) & (y != m)).any(axis=0)
            doubt |= going & (np.abs(np.abs(new - s) - tolerance * s) <= NEAR * s)
            fallen = ~done & ~inside & (new < s)
            new = np.where(fallen, ROOT_HALF_PI * mean(np.abs(y - m)), new)
            s = np.where(going, new, s)
            going &= ~done & ~fallen
    return s, doubt


def winsorized(y, low, high, nkeep=0, tolerance=0.0005):
    """Sigma clip about the median with Huber's winsorized sigma, until nothing goes (Siril `w`, PixInsight).

    As Siril 1.0.6 but for its floor of 4 samples and for a sigma that falls to 0. PixInsight begins with 1.1926 Sn and
    has the winsorized mean as centre. Robust to a third of the samples, and nearly as sharp as sd without outliers.
    For 6 frames and more.
    """

    def judge(left, _):
        s, uncertain = winsorized_sigma(left, tolerance)
        side, distance, doubt = bounds(left, median(left), s, low, high)
        return side, distance, doubt | uncertain

    return repeat(y, judge, nkeep, 3)


def median_sigma(y, low, high, nkeep=0):
    """Sigma clip about the median in which an outlier is replaced by the median, until none is (Siril `m`).

    The median is taken once. sd is that of all samples, with those replaced standing at the median, so it shrinks with
    each and the rule is sharper than `sigma`. For an odd number these are Siril's decisions; for an even one its
    median, taken anew, creeps from the mean of the middle two to one of them, as copies of that mean come to lie
    between. Here the replaced samples are dropped in the end, while Siril averages them as if they were measured.
    For 6 frames and more; few outliers.
    """
    m = median(y)
    stands = y.copy()

    def judge(left, columns):
        w = stands[:, columns]
        side, distance, doubt = bounds(w, m[columns], deviation(w), low, high)
        given = give_back(side, distance, count(left), fewest(nkeep, y)[columns])
        stands[:, columns] = np.where(given != 0, m[columns], w)
        return given, distance, doubt

    sides, doubts = repeat(y, judge, 0, 1)
    return sides * (count(y) >= 3), doubts


def linear_fit(y, low, high, nkeep=0):
    """Distance from the least-squares line through the sorted samples, in mean absolute residuals (Siril `l`).

    Line and residuals anew until nothing goes, from 5 samples on (PixInsight; Siril too in effect). Sigma up to 1e-12
    of the largest sample is rounding and counts as 0. In Siril the line is the right one only while all frames take
    part: later it has the moments of the ranks of all. PixInsight has the least-absolute line and
    2 adev sqrt(1 + slope^2), which depends on the unit of y.
    Sorted noise of a Gauss curve is no line: for large sets (PixInsight: 15 and more) with slowly changing skies.
    """

    def judge(left, _):
        n = count(left)
        by = order(left)
        z = np.take_along_axis(left, by, axis=0)
        x = np.where(np.isfinite(z), np.arange(len(z))[:, None], np.nan) - (n - 1) / 2
        middle = mean(z)
        slope = total(x * (z - middle)) / (n * (n * n - 1.0) / 12.0)
        line = middle + slope * x
        s = mean(np.abs(z - line))
        largest = np.abs(np.where(np.isfinite(z), z, 0)).max(axis=0)
        s = np.where(s <= 1e-12 * largest, 0.0, s)
        side, distance, doubt = bounds(z, line, s, low, high)
        back = np.empty_like(by)
        np.put_along_axis(back, by, np.arange(len(z))[:, None], axis=0)
        return np.take_along_axis(side, back, axis=0), np.take_along_axis(distance, back, axis=0), doubt

    return repeat(y, judge, nkeep, 5, rounded=True)


class Ends:
    """Columns from which one sample after the other goes, always the lowest or the highest of those left."""

    def __init__(self, y):
        self.by = order(y)
        self.z = np.take_along_axis(y, self.by, axis=0)
        self.low = np.zeros(y.shape[1], int)
        self.end = count(y)

    def left(self, columns):
        """The samples left in some columns, sorted, NaN elsewhere; and their number."""
        rank = np.arange(len(self.z))[:, None]
        here = (rank >= self.low[columns]) & (rank < self.end[columns])
        return np.where(here, self.z[:, columns], np.nan), (self.end - self.low)[columns]

    def farthest(self, columns, centre):
        """(distance of the end that lies farther from the centre, whether it is the low one); ties are low."""
        lowest = self.z[self.low[columns], columns]
        highest = self.z[self.end[columns] - 1, columns]
        is_low = ~(highest - centre > centre - lowest)
        return np.where(is_low, centre - lowest, highest - centre), is_low

    def drop(self, columns, is_low):
        """Take one end off."""
        self.low[columns[is_low]] += 1
        self.end[columns[~is_low]] -= 1

    def sides(self, low, end, n):
        """Sides of the samples outside ranks low to end."""
        rank = np.arange(len(self.z))[:, None]
        side = np.where(rank < low, LOW, np.where((rank >= end) & (rank < n), HIGH, 0)).astype("i1")
        out = np.zeros_like(side)
        np.put_along_axis(out, self.by, side, axis=0)
        return out


def esd_critical(most, alpha):
    """Rosner's lambda for each number of samples left, 3 to `most`."""
    s = np.arange(most + 1, dtype=float)
    lam = np.full(most + 1, np.inf)
    s = s[3:]
    t = student.ppf(1 - alpha / (2 * s), s - 2)
    lam[3:] = (s - 1) * t / np.sqrt((s - 2 + t * t) * s)
    return lam


def esd(y, fraction, alpha, nkeep=0, slack=1.0):
    """Generalized extreme Studentized deviate test (Rosner 1983; NIST handbook 1.3.5.17.3; Siril `g`, PixInsight ESD).

    Up to r = floor(fraction n) times the sample farthest from the mean is taken out and R = distance / sd noted; the
    outliers are all up to the *last* R above its critical value, so that several cannot hide each other. r is at most
    n - 2 and n - nkeep. The side is the end of the sorted column at which the sample stood.
    Siril 1.0.6 always takes at least two (r > 1), and after a low one the wrong neighbours of high ones. PixInsight
    stops at the first R that is not above, has a trimmed mean, and relaxes the low side.
    Assumes a Gauss curve. For 15 frames and more.
    """
    ends = Ends(y)
    n = ends.end.copy()
    most = np.minimum(np.floor(fraction * n + 1e-9).astype(int), np.minimum(n - 2, n - fewest(nkeep, y)))
    critical = esd_critical(len(y), alpha) * slack
    low, end = ends.low.copy(), ends.end.copy()
    columns, doubt = np.flatnonzero(most >= 1), np.zeros(n.shape, bool)
    step = 0
    while len(columns):
        left, size = ends.left(columns)
        sd = deviation(left)
        distance, is_low = ends.farthest(columns, mean(left))
        with np.errstate(invalid="ignore", divide="ignore"):
            out = (sd > 0) & (distance / sd > critical[size])
            doubt[columns] |= (sd > 0) & (np.abs(distance / sd - critical[size]) <= NEAR * critical[size])
        ends.drop(columns, is_low)
        low[columns[out]], end[columns[out]] = ends.low[columns[out]], ends.end[columns[out]]
        step += 1
        columns = columns[(sd > 0) & (most[columns] > step)]
    return ends.sides(low, end, n), doubt


def rcr_critical(most, limit):
    """How many sigma away a sample has to be for n erfc(z / sqrt 2) < limit, for n = 3 to `most`."""
    z = np.full(most + 1, np.inf)
    z[3:] = sqrt(2) * erfcinv(limit / np.arange(3, most + 1))
    return z


def rcr(y, limit=0.5, nkeep=0, slack=1.0):
    """Robust Chauvenet rejection (Maples et al. 2018, ApJS 238, 2): the farthest sample goes while it is too unlikely.

    First about the median with the 68.3 % point of the distances (position 0.682689 (n - 1), interpolated, as their own
    program has it) times 1 / (1 - 2.9442 n^-1.073), until nothing goes; then about the mean with sd. A sample goes
    where n erfc(z / sqrt 2) < limit, 0.5 being Chauvenet's, from 3 samples on. A sigma of 0 in the first phase, as
    of nine equal samples and a cosmic ray, leads on to the second. PixInsight has a third phase before (a line
    through the distances, from 11 samples on), ends where sigma is 0, and counts one tail: its limit L is 2 L here.
    """
    ends = Ends(y)
    n = ends.end.copy()
    least = np.maximum(fewest(nkeep, y), 2)
    critical, doubt = rcr_critical(len(y), limit) * slack, np.zeros(n.shape, bool)
    for robust in (True, False):
        columns = np.arange(y.shape[1])
        while True:
            columns = columns[(ends.end - ends.low)[columns] > least[columns]]
            if not len(columns):
                break
            left, size = ends.left(columns)
            centre = median(left) if robust else mean(left)
            s = rcr_deviation(left, centre, size) if robust else deviation(left)
            distance, is_low = ends.farthest(columns, centre)
            out = (s > 0) & (distance > critical[size] * s)
            doubt[columns] |= (s > 0) & (np.abs(distance - critical[size] * s) <= NEAR * distance)
            columns = columns[out]
            ends.drop(columns, is_low[out])
    return ends.sides(ends.low, ends.end, n), doubt


def rcr_deviation(left, centre, size):
    """The 68.3 % point of the distances, corrected for few samples."""
    apart = np.sort(np.abs(left - centre), axis=0)
    place = 0.682689 * (size - 1)
    below = np.floor(place).astype(int)
    lower, upper = pick(apart, below), pick(apart, np.minimum(below + 1, size - 1))
    return (lower + (place - below) * (upper - lower)) / (1 - 2.9442 * size**-1.073)


def ccd(y, low, high, gain, rdnoise, snoise=0.0, scale=1.0, zero=0.0, nkeep=0):
    """Sigma from the detector's noise at the median, for each frame its own, until nothing goes (IRAF iccclip.x).

    sigma^2 = (rdnoise / gain)^2 + I / gain + (snoise I)^2 in the frame's own units (ADU, electrons per ADU), where
    I = max(0, (median - zero) / scale) and y = x scale + zero; sigma is scaled back by |scale|. From 2 samples on.
    The parameters are numbers or one a frame. IRAF looks from both ends of the sorted samples and stops at the first
    that stays, so among unlike frames it keeps deviants further inside; here each frame is judged. Where the model says
    that there is no noise at all (no read noise and no light) IRAF drops whatever is not the median; here nothing goes.
    """
    gain, rdnoise, snoise, scale, zero = (
        np.broadcast_to(np.asarray(v, float), (len(y),))[:, None] for v in (gain, rdnoise, snoise, scale, zero)
    )

    def judge(left, _):
        m = median(left)
        light = np.maximum(0.0, (m - zero) / scale)
        s = np.abs(scale) * np.sqrt((rdnoise / gain) ** 2 + light / gain + (snoise * light) ** 2)
        return bounds(left, m, s, low, high)

    return repeat(y, judge, nkeep, 2)


def cr(y, high, gain, rdnoise, snoise=0.0, scale=1.0, zero=0.0, nkeep=0):
    """`ccd` on the high side alone: cosmic rays, from 2 frames on (IRAF crreject)."""
    return ccd(y, NO_BOUND, high, gain, rdnoise, snoise, scale, zero, nkeep)


def poisson(y, row, low, high, nkeep=0):
    """One sigma a row of the output that goes with the root of the signal, until nothing goes (IRAF icaclip.x).

    s^2 is the sum of (y - median)^2 / max(1, median) over the samples of all pixels of the row that have 3 or more,
    divided by the sum of n - 1; sigma = s sqrt(max(1, median)). `row` tells the row of each pixel. IRAF divides by
    (the sum of n) - 1, as if one median served the row: for n frames its s is sqrt((n - 1) / n) of ours.
    Assumes counts above 1. For 3 to 6 frames whose gain is not known.
    """
    m = median(y)
    enough = count(y) >= 3
    square = np.where(enough, total((y - m) ** 2) / np.maximum(1.0, m), 0.0)
    nrow = int(row.max()) + 1
    freedom = np.bincount(row, np.where(enough, count(y) - 1, 0), nrow)
    with np.errstate(invalid="ignore", divide="ignore"):
        s = np.sqrt(np.bincount(row, square, nrow) / freedom)[row]

    def judge(left, columns):
        c = median(left)
        return bounds(left, c, s[columns] * np.sqrt(np.maximum(1.0, c)), low, high)

    return repeat(y, judge, nkeep, 3)


def grow(sides, present, radius, nkeep=0):
    """Also drops what lies within `radius` pixels of what a rule took in the same frame (IRAF icgrow.x).

    Sides and present samples as (frame, row, col). Where fewer than nkeep would be left none of the grown ones goes, as
    imcombine's help has it; imcombine 2.17 itself lets them go, and its image then need not be that of its masks.
    """
    nframe, nrow, ncol = sides.shape
    reach = int(radius)
    near = np.zeros(sides.shape, bool)
    taken = np.pad(sides != 0, ((0, 0), (reach, reach), (reach, reach)))
    for down in range(-reach, reach + 1):
        for right in range(-reach, reach + 1):
            if down * down + right * right <= radius * radius:
                near |= taken[:, reach + down : reach + down + nrow, reach + right : reach + right + ncol]
    grown = near & present & (sides == 0)
    stays = present & (sides == 0) & ~grown
    least = np.minimum(nkeep, nframe) if nkeep >= 0 else np.maximum(0, present.sum(axis=0) + nkeep)
    return grown & (stays.sum(axis=0) >= np.minimum(least, (present & (sides == 0)).sum(axis=0)))


def settled(taken, present, kept, nkeep):
    """Those of `taken` that go: none at a pixel that would keep fewer than nkeep (negative: of those present, all but so many)."""
    least = nkeep if nkeep >= 0 else present.sum(axis=0) + nkeep
    return taken & ((kept & ~taken).sum(axis=0) >= least)


def holes(rejected, present, largest):
    """What rejected samples enclose in their frame: (frame, row, col).

    Regions of kept samples, connected by their sides, at most `largest` rows high and columns wide, not at the edge, with
    only rejected and absent samples round them and a rejected one among those. Gnuastro's maskfilled fills any size.
    """
    inside = np.zeros(rejected.shape, bool)
    for out, gone, there in zip(inside, rejected, present, strict=True):
        regions, _ = ndimage.label(there & ~gone)
        beside = ndimage.binary_dilation(gone, ndimage.generate_binary_structure(2, 1))
        for number, (rows, cols) in enumerate(ndimage.find_objects(regions), 1):
            region = regions == number
            edge = 0 in (rows.start, cols.start) or rows.stop == gone.shape[0] or cols.stop == gone.shape[1]
            small = rows.stop - rows.start <= largest and cols.stop - cols.start <= largest
            if small and not edge and (region & beside).any():
                out |= region
    return inside


def codes(sides, present, radius, hole, nkeep=0):
    """What became of each sample (frame, row, col): 0 kept or absent, 1 low, 2 high, 3 a neighbour."""
    found = np.where(sides < 0, 1, np.where(sides > 0, 2, 0)).astype("u1")
    if radius > 0:
        found[grow(sides, present, radius, nkeep)] = 3
    if hole > 0:
        taken = holes(found > 0, present, hole)
        found[settled(taken, present, present & (found == 0), nkeep)] = 3
    return found
