"""Draws raw frames, masters and the steps of a calibration for them.

`tame` leaves out what ccdproc does otherwise: samples without a value, masks where an overscan or
a norm is measured, flats that are not positive, what the headers say is done, refusals.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from calibration import PEER_CARDS, STEP_CARDS, Calibration
from draw import DOUBLE, SINGLE, Format, store
from draw_recipe import chance, draw_section, pick
from fits_frames import Image
from raw_frames import Chip, RawFile

UINT16 = Format(16, 1.0, 32768.0, 500, 50000)
RAWS = [UINT16] * 8 + [f for f in SINGLE + DOUBLE if f.highest >= 150 and f.highest < 1e14]
MASTER_RAWS = [(-32, 5), (-64, 3), (16, 1), (32, 1), (8, 1), (64, 1)]
UTYPES = ["StdDevUncertainty", "StdDevUncertainty", "VarianceUncertainty", "InverseVariance"]
COUNTS = [None, "adu", "ADU", "DN", "count", "counts"]


@dataclass
class Night:
    """What is written to disk, and the steps that are asked for."""

    frames: list
    cal: Calibration
    masters: dict = field(default_factory=dict)
    bad: np.ndarray | None = None
    run_flags: list = field(default_factory=list)


@dataclass
class Plan:
    """Shapes and levels before anything is drawn; slices are Python's."""

    shape: tuple
    rows: slice
    cols: slice
    by_row: bool
    trims: bool
    level: float
    spread: float
    form: Format
    nchip: int
    names: list
    tame: bool
    unit: str | None = None

    def trimmed(self):
        """The shape of the calibrated frame."""
        return (self.rows.stop - self.rows.start, self.cols.stop - self.cols.start) if self.trims else self.shape


def fits_section(rows, cols):
    """A FITS section of Python slices."""
    return f"[{cols.start + 1}:{cols.stop},{rows.start + 1}:{rows.stop}]"


def header_section(rng, rows, cols, shape):
    """The same as cameras write it: blanks, ends turned round, open axes, beyond the edge."""
    x1, x2, y1, y2 = cols.start + 1, cols.stop, rows.start + 1, rows.stop
    forms = [f"[{x1}:{x2},{y1}:{y2}]", f"[ {x1:3d}: {x2:3d}, {y1:3d}: {y2:3d}]", f"[{x2}:{x1},{y1}:{y2}]"]
    if (y1, y2) == (1, shape[0]):
        forms += [f"[{x1}:{x2}, :]", f"[{x1}:{x2}]", f"[{x1}:{x2},1:{2 * y2}]"]
    if (x1, x2) == (1, shape[1]):
        forms += [f"[*,{y1}:{y2}]", f"[:, {y1}:{y2}]"]
    return pick(rng, forms)


def draw_plan(rng, tame):
    """Where the overscan lies, what is kept, how bright it is, how many chips."""
    nrow, ncol = int(rng.integers(20, 46)), int(rng.integers(20, 46))
    by_row, nover, cut = chance(rng, 0.75), int(rng.integers(3, 9)), int(rng.integers(0, 3))
    rows, cols = slice(0, nrow), slice(0, ncol)
    first = chance(rng, 0.5)
    if by_row:
        cols = slice(nover, ncol - cut) if first else slice(cut, ncol - nover)
    else:
        rows = slice(nover, nrow - cut) if first else slice(cut, nrow - nover)
    if chance(rng, 0.3):
        rows = slice(rows.start + 1, rows.stop - 1)
    form = pick(rng, [f for f in RAWS if f.lowest >= 0] if tame else RAWS)
    room = form.highest - max(form.lowest, 0.0)
    level = float(rng.uniform(max(form.lowest, 0.0) + 0.3 * room, form.highest - 0.3 * room))
    level = level * float(pick(rng, [1.0, 0.3, 0.05])) if form.lowest < 100 and form.highest > 1000 else level
    nchip = int(rng.integers(2, 4)) if not tame and chance(rng, 0.12) else 1
    named = nchip == 1 or chance(rng, 0.75)
    names = [f"IM{i + 1}" if named else None for i in range(nchip)]
    unit = pick(rng, COUNTS)
    return Plan((nrow, ncol), rows, cols, by_row, chance(rng, 0.6), level, room / 200, form, nchip, names, tame, unit)


def overscan_slices(plan):
    """(rows, columns) of the overscan: what the kept part leaves at the wider side, edges aside."""
    nrow, ncol = plan.shape
    if plan.by_row:
        left, right = plan.cols.start, ncol - plan.cols.stop
        return slice(0, nrow), slice(0, left) if left > right else slice(plan.cols.stop, ncol)
    low, high = plan.rows.start, nrow - plan.rows.stop
    return slice(0, low) if low > high else slice(plan.rows.stop, nrow), slice(0, ncol)


def draw_raw(rng, plan):
    """One raw image: a drifting pedestal, the scene on top of it, planted rays in the overscan."""
    nrow, ncol = plan.shape
    pedestal = 0.3 * plan.level
    drift = np.linspace(0, plan.spread, nrow)[:, None] if plan.by_row else np.linspace(0, plan.spread, ncol)[None, :]
    values = pedestal + drift + rng.normal(0, 0.3 * plan.spread + 0.5, plan.shape)
    values[plan.rows, plan.cols] += 0.7 * plan.level * rng.uniform(0.8, 1.2)
    if not plan.tame and chance(rng, 0.5):
        values[rng.random(plan.shape) < 0.02] += 20 * plan.spread
    if not plan.tame and chance(rng, 0.3):
        values -= 0.5 * plan.level
    return values


def draw_bits(rng, shape, bits):
    """A mask plane: bit fields where bits are told apart, else 0 and what is bad."""
    if bits is None:
        return Image(np.where(rng.random(shape) < 0.06, rng.choice([1, 1, 255], size=shape), 0).astype("u1"))
    kind = pick(rng, ["u1", "i2", "i4", "i8"])
    fields = rng.choice([1, 2, 4, 5, 8, 64], size=shape)
    return Image(np.where(rng.random(shape) < 0.2, fields, 0).astype(kind))


def draw_deviation(rng, shape, size):
    """An UNCERT plane of a type; good numbers all of it."""
    u, utype = size * rng.uniform(0.5, 2.0, size=shape), pick(rng, UTYPES)
    stored = {"StdDevUncertainty": u, "VarianceUncertainty": u * u, "InverseVariance": 1 / (u * u)}[utype]
    return Image(stored.astype(pick(rng, ["f4", "f8"])), cards={"UTYPE": utype})


def draw_master(rng, plan, values, unit, cards, masked=True):
    """A master file of any BITPIX, with or without planes, chips in any order where they have names."""
    bitpixes, shares = zip(*MASTER_RAWS, strict=True)
    bitpix = int(rng.choice(bitpixes, p=np.array(shares) / sum(shares)))
    if plan.nchip > 1:
        bitpix = -32
    size = float(np.median(np.abs(values))) or 1.0
    bitpix = -64 if bitpix == 64 and size < 50 else bitpix
    scaled = bitpix in (8, 16) or (bitpix == 32 and size < 50)
    bscale, bzero = (float(np.ptp(values) / 200 + 1e-6), float(values.min() - 1e-3)) if scaled else (1.0, 0.0)
    holes = 0.0 if plan.tame else float(pick(rng, [0.0, 0.0, 0.02]))
    chips = []
    for name, part in zip(plan.names, values, strict=True):
        image = store(rng, part, Format(bitpix, bscale, bzero, 0, 0), 0.0 if bitpix == 64 else holes)
        image.cards = dict(cards) if unit is None else {**cards, "BUNIT": unit}
        planes = plan.nchip == 1
        mask = draw_bits(rng, part.shape, None) if planes and masked and chance(rng, 0.4) else None
        uncert = draw_deviation(rng, part.shape, size / 50) if planes and chance(rng, 0.4) else None
        chips.append(Chip(image, mask, uncert, name))
    if plan.nchip > 1 and plan.names[0] and chance(rng, 0.5):
        chips.reverse()
    return RawFile(chips, extended=plan.nchip > 1)


def draw_masters(rng, plan, cal):
    """The masters that the steps name, in the unit that the frame then has."""
    shape = (plan.nchip, *plan.trimmed())
    unit = "electron" if cal.gain and not cal.gain_last else pick(rng, COUNTS)
    if not plan.tame and chance(rng, 0.03):
        unit = {"electron": "adu"}.get(unit, "electron")
    if not plan.tame and chance(rng, 0.02):
        shape = (plan.nchip, shape[1] + 1, shape[2])
    masters = {}
    seconds = 0.0 if not plan.tame and cal.dark_scale and chance(rng, 0.03) else 60.0
    if cal.bias:
        masters["bias"] = draw_master(rng, plan, plan.level * rng.uniform(0.1, 0.12, shape), unit, {})
    if cal.dark:
        cards = {cal.exposure_key: seconds}
        masters["dark"] = draw_master(rng, plan, plan.level * rng.exponential(0.01, shape), unit, cards)
    if cal.flat:
        values = float(pick(rng, [1.0, 20000.0])) * rng.normal(1.0, 0.1, shape)
        if not plan.tame and chance(rng, 0.4):
            spots = rng.random(shape) < 0.02
            values[spots] = rng.choice([0.0, -1.0], size=int(spots.sum()))
        given = plan.tame and cal.flat_norm == "mean"
        masters["flat"] = draw_master(rng, plan, values, pick(rng, COUNTS), {}, masked=not given)
    return masters


def draw_overscan(rng, plan):
    """Flags and header cards of the overscan."""
    rows, cols = overscan_slices(plan)
    keyword = not plan.tame and chance(rng, 0.5)
    cards = {"BIASSEC": header_section(rng, rows, cols, plan.shape)} if keyword else {}
    flags = {"overscan": "BIASSEC" if keyword else fits_section(rows, cols)}
    flags["overscan_stat"] = pick(rng, ["median", "mean"])
    if not plan.by_row or chance(rng, 0.3):
        flags["overscan_axis"] = "row" if plan.by_row else "column"
    fits = ["poly:0", "poly:1", "poly:3", "poly:5"]
    if not plan.tame:
        fits += ["legendre:2", "legendre:4", "chebyshev:3", "spline3:1", "spline3:3"]
    if chance(rng, 0.5):
        flags["overscan_fit"] = pick(rng, fits)
    if not plan.tame and chance(rng, 0.35):
        flags["overscan_clip"] = f"{pick(rng, [2.5, 3, 3.3])},{pick(rng, [2, 3, 3.3])},{int(rng.integers(1, 4))}"
    return flags, cards


def draw_steps(rng, plan):
    """(flags of all steps, header cards of the frames)."""
    flags, cards = {}, {"EXPTIME": 30.0, "CRPIX1": 12.5, "CRPIX2": 7.0}
    if chance(rng, 0.55):
        flags, more = draw_overscan(rng, plan)
        cards.update(more)
    if plan.trims:
        keyword = chance(rng, 0.5) and not plan.tame
        flags["trim"] = "TRIMSEC" if keyword else fits_section(plan.rows, plan.cols)
        cards["TRIMSEC"] = header_section(rng, plan.rows, plan.cols, plan.shape)
    gain, noise = float(np.round(rng.uniform(0.2, 4.0), 3)), float(np.round(rng.uniform(1.0, 9.0), 2))
    cards |= {"GAIN": gain, "RDNOISE": pick(rng, [noise, str(noise)])}
    if chance(rng, 0.5):
        flags["gain"] = pick(rng, ["GAIN", repr(gain)])
        flags["gain_last"] = chance(rng, 0.3)
    if chance(rng, 0.4):
        flags |= {"deviation": True, "readnoise": pick(rng, ["RDNOISE", repr(noise)])}
        flags["negative"] = "readnoise" if plan.tame else pick(rng, ["readnoise", "mask"])
    for step in ("bias", "dark", "flat"):
        if chance(rng, 0.55):
            flags[step] = f"{step}.fits"
    flags |= draw_dark(rng, flags)
    flags |= draw_flat(rng, plan, flags)
    return flags, cards


def draw_dark(rng, flags):
    """How the dark is scaled."""
    if "dark" not in flags or chance(rng, 0.5):
        return {}
    more = {"dark_scale": True}
    if chance(rng, 0.2):
        more["exposure"] = 45.5
    if chance(rng, 0.2):
        more["dark_exposure"] = 20.0
    if chance(rng, 0.2):
        more["exposure_key"] = "ITIME"
    return more


def draw_flat(rng, plan, flags):
    """How the flat is normed."""
    if "flat" not in flags:
        return {}
    more = {"flat_norm": pick(rng, ["mean", "mean", "1.5"] if plan.tame else ["mean", "mean", "median", "1.5"])}
    if chance(rng, 0.3):
        more["flat_min"] = pick(rng, [0.9, 0.5])
    if not plan.tame and chance(rng, 0.2):
        more["flat_section"] = draw_section(rng, *plan.trimmed()).text
    if plan.nchip > 1 and chance(rng, 0.5):
        more["flat_norm_over"] = "mef"
    return more


def draw_ends(rng, plan):
    """What only the program has: sky, limits, planes, the type of the output, bits of masks."""
    more = {"dtype": pick(rng, ["auto"] * 6 + ["f32", "f64"])}
    if plan.tame:
        return more
    if chance(rng, 0.15):
        more["sky"] = pick(rng, ["median", "mode"])
        if chance(rng, 0.5):
            more["stats_section"] = draw_section(rng, *plan.trimmed()).text
    for side, at in (("below", 0.4), ("above", 0.8)):
        if chance(rng, 0.12):
            level = round(at * plan.level, 1) + 0.0371
            more[side] = f"{level!r}={pick(rng, ['mask', 'nan', '0', '-1.5'])}"
    if chance(rng, 0.1):
        more["planes"] = "data"
    if chance(rng, 0.2):
        more["mask_hdu"] = "DQ"
    if chance(rng, 0.2):
        more["mask_bits"] = pick(rng, ["1", "1,4", "~2", "all", "2,64"])
    more["redo"] = chance(rng, 0.3)
    return more


def draw_night(rng, tame=False):
    """Draw raw frames, masters and steps."""
    plan = draw_plan(rng, tame)
    flags, cards = draw_steps(rng, plan)
    flags |= draw_ends(rng, plan)
    if plan.nchip > 1:
        flags["hdu"] = "all"
    night = Night([], replace(Calibration(), **flags))
    cal = night.cal
    cards[cal.exposure_key] = cards["EXPTIME"]
    night.masters = draw_masters(rng, plan, cal)
    if plan.nchip == 1 and cal.mask_bits is None and chance(rng, 0.2):
        night.bad = rng.random(plan.trimmed()) < 0.05
        night.cal = replace(cal, bad_pixels="bad.fits")
    if not tame and chance(rng, 0.1):
        step = pick(rng, list(PEER_CARDS))
        if step not in ("trim", "gain"):
            cards[pick(rng, [STEP_CARDS[step], PEER_CARDS[step]])] = "done by others"
    draw_frames(rng, plan, night, cards)
    night.run_flags = ["--mem-limit", pick(rng, ["16M", "64M", "256M"]), "--threads", str(int(rng.integers(1, 5)))]
    return night


def draw_frames(rng, plan, night, cards):
    """The raw files, keywords in the image's header or in the primary."""
    cal, tame = night.cal, plan.tame
    holes = 0.0 if tame or plan.form.bitpix == 64 else float(pick(rng, [0.0, 0.0, 0.03]))
    masks = plan.nchip == 1 and chance(rng, 0.4) and not (tame and (cal.overscan or cal.bad_pixels))
    uncerts = plan.nchip == 1 and chance(rng, 0.3)
    extended = plan.nchip > 1 or chance(rng, 0.3)
    split = extended and chance(rng, 0.6)
    for _ in range(int(rng.integers(1, 5))):
        own = dict(cards)
        own["EXPTIME"] = own[cal.exposure_key] = float(rng.integers(5, 900))
        if not tame and chance(rng, 0.05):
            own[cal.exposure_key] = str(int(own["EXPTIME"]))
        if not tame and chance(rng, 0.02):
            del own[pick(rng, sorted(set(own) - {"CRPIX1", "CRPIX2"}))]
        chips = []
        for name in plan.names if plan.nchip > 1 else ["SCI" if extended else None]:
            image = store(rng, draw_raw(rng, plan), plan.form, holes)
            image.cards = {} if plan.unit is None else {"BUNIT": plan.unit}
            image.cards |= {key: value for key, value in own.items() if not split or key.startswith("CRPIX")}
            mask = draw_bits(rng, plan.shape, cal.mask_bits) if masks else None
            uncert = draw_deviation(rng, plan.shape, plan.spread) if uncerts else None
            chips.append(Chip(image, mask, uncert, name))
        primary = {key: value for key, value in own.items() if not key.startswith("CRPIX")} if split else {}
        night.frames.append(RawFile(chips, primary, extended, cal.mask_hdu))
