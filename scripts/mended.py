"""The mended faults of ccdproc 2.5.1: what it gives, as measured, and what is right; each is a test of the program.

Frames and masters have two equal rows; of the first row is told. `tests/calibrate/mended.rs` pins the
right numbers of the same cases without ccdproc.
"""

import warnings
from dataclasses import dataclass

import ccdproc
import numpy as np
from astropy import units as u
from astropy.modeling.models import Polynomial1D
from astropy.nddata import CCDData

from calibrated_files import calibrate_command, check_answer, write_night
from calibration import Calibration
from chain_oracle import calibrate_file
from compare import Disagreement, launch, shell
from draw_calibration import Night
from fits_frames import Image
from level_oracle import Refusal
from raw_frames import Chip, RawFile, read_frames

NEAR = 1e-6
NAN = float("nan")
REFUSED = "refused"


@dataclass
class Fault:
    """One fault that is mended. `theirs` and `right` are the first row, or the name of an exception, or REFUSED."""

    name: str
    cal: Calibration
    ask: object
    frame: list
    theirs: object
    right: object
    master: list | None = None
    frame_mask: list | None = None
    master_mask: list | None = None
    right_mask: list | None = None
    plane: str = "value"
    kind: type = np.float64
    unit: str | None = None
    one_row: bool = False
    cards: tuple = ()
    master_cards: tuple = ()
    bad: list | None = None


def two_rows(values, kind=np.float64):
    """Two equal rows of numbers."""
    return np.array([values, values], dtype=kind)


def ccd_of(values, mask, kind, unit=u.adu):
    """A CCDData as ccdproc is given it."""
    return CCDData(two_rows(values, kind), unit=unit, mask=None if mask is None else two_rows(mask, bool))


def frame_of(fault):
    """The frame."""
    return ccd_of(fault.frame, fault.frame_mask, fault.kind)


def master_of(fault):
    """The master."""
    ccd = ccd_of(fault.master, fault.master_mask, fault.kind, u.Unit(fault.unit or "adu"))
    return ccd[:1] if fault.one_row else ccd


def bias(fault):
    """Its subtract_bias."""
    return ccdproc.subtract_bias(frame_of(fault), master_of(fault)).data


def dark(fault):
    """Its subtract_dark, scaled as the steps have it."""
    seconds = [dict(cards).get("EXPTIME", 1.0) * u.s for cards in (fault.cards, fault.master_cards)]
    times = {"data_exposure": seconds[0], "dark_exposure": seconds[1], "scale": fault.cal.dark_scale}
    return ccdproc.subtract_dark(frame_of(fault), master_of(fault), **times).data


def flat(fault):
    """Its flat_correct."""
    return ccdproc.flat_correct(frame_of(fault), master_of(fault), min_value=fault.cal.flat_min).data


def overscan(fault):
    """Its subtract_overscan."""
    fit = fault.cal.overscan_fit
    model = None if fit == "none" else Polynomial1D(int(fit.split(":")[1]))
    median = fault.cal.overscan_stat == "median"
    given = {"fits_section": fault.cal.overscan, "median": median, "model": model}
    return ccdproc.subtract_overscan(frame_of(fault), **given).data


def trim(fault):
    """Its trim_image."""
    return ccdproc.trim_image(frame_of(fault), fits_section=fault.cal.trim).data


def deviation(fault):
    """Its create_deviation as ccd_process calls it."""
    given = {"gain": float(fault.cal.gain) * u.electron / u.adu, "readnoise": float(fault.cal.readnoise) * u.electron}
    return ccdproc.create_deviation(frame_of(fault), **given).uncertainty.array


def mask(fault):
    """The mask that its ccd_process leaves."""
    return ccdproc.ccd_process(frame_of(fault), bad_pixel_mask=two_rows(fault.bad, bool)).mask


LIGHT = [8.0, 8.0, 8.0, 8.0]
FIRST = [True, False, False, False]
BY_BIAS, BY_FLAT = Calibration(bias="bias.fits"), Calibration(flat="flat.fits")
BY_DARK, BY_SCALED = Calibration(dark="dark.fits"), Calibration(dark="dark.fits", dark_scale=True)
RAISED = Calibration(flat="flat.fits", flat_min=0.5)
NOISE = {"deviation": True, "gain": "2", "gain_last": True, "readnoise": "4"}


def by_overscan(section="[1:3,1:2]", **more):
    """An overscan of rows by the mean."""
    return Calibration(overscan=section, overscan_stat="mean", overscan_axis="row", **more)


def wraps():
    """B15."""
    for step, cal, ask in (("bias", BY_BIAS, bias), ("dark", BY_DARK, dark)):
        given = {"master": [200, 200, 200, 200], "kind": np.uint16}
        name = f"B15 uint16 100 - 200 wraps, {step}"
        yield Fault(name, cal, ask, [100, 300, 400, 500], [65436, 100, 200, 300], [-100, 100, 200, 300], **given)


def flats():
    """B16."""
    third = 16.0 / 3.0
    yield Fault(
        "B16 one NaN in the flat makes all NaN", BY_FLAT, flat, LIGHT, [NAN] * 4, [16, 8, 8, third],
        master=[1, 2, NAN, 3], right_mask=[False, False, True, False],
    )
    yield Fault(
        "B16 a masked pixel is in the mean of the flat", BY_FLAT, flat, LIGHT, [8] + [4000006] * 3, [8] * 4,
        master=[4e6, 2, 2, 2], master_mask=FIRST, right_mask=FIRST,
    )
    yield Fault(
        "B16 a zero in the flat is infinite", BY_FLAT, flat, LIGHT, [float("inf"), 6, 6, 6], [8, 6, 6, 6],
        master=[0, 2, 2, 2], right_mask=FIRST,
    )
    yield Fault(
        "B16 a negative pixel of the flat divides", BY_FLAT, flat, LIGHT, [-4, 4, 4, 4], [8, 4, 4, 4],
        master=[-2, 2, 2, 2], right_mask=FIRST,
    )
    yield Fault(
        "B16 one NaN in a flat with a minimum", RAISED, flat, LIGHT, [NAN] * 4, [16, 8, 8, third],
        master=[0.25, 1, NAN, 1.5], right_mask=[False, False, True, False],
    )
    yield Fault(
        "B16 a masked pixel, raised to the minimum, is in the mean", RAISED, flat, LIGHT, [8, 6.5, 6.5, 6.5], [8] * 4,
        master=[-9, 2, 2, 2], master_mask=FIRST, right_mask=FIRST,
    )


def overscans():
    """B17."""
    third = 1e9 / 3.0
    yield Fault(
        "B17 a masked pixel counts in the overscan", by_overscan(), overscan, [1e9, 10, 20, 100],
        [2 * third - 10, -third, 10 - third, 90 - third], [1e9 - 15, -5, 5, 85], frame_mask=FIRST, right_mask=FIRST,
    )
    yield Fault(
        "B17 a NaN in the overscan makes all NaN", by_overscan(), overscan, [NAN, 10, 20, 100], [NAN] * 4, [NAN, -5, 5, 85],
    )
    yield Fault(
        "an overscan outside of the frame makes all NaN", by_overscan("[13:19,1:2]"), overscan, [1, 2, 3, 4], [NAN] * 4, REFUSED,
    )
    yield Fault(
        "six coefficients are fitted to two rows", by_overscan("[3:4,1:2]", overscan_fit="poly:5"), overscan, [1, 2, 3, 4],
        [-2.5, -1.5, -0.5, 0.5], REFUSED,
    )
    yield Fault("a trim over the edge is cut in silence", Calibration(trim="[3:9,1:2]"), trim, [1, 2, 3, 4], [3, 4], REFUSED)


def others():
    """Deviations, masks, units, exposures, shapes."""
    theirs, ours = [NAN, 2, 6**0.5, 8.5**0.5], [4, 4, 24**0.5, 34**0.5]
    for negative, masked in (("readnoise", None), ("mask", FIRST)):
        cal = Calibration(negative=negative, **NOISE)
        name = f"the deviation of a negative count is NaN, {negative}"
        yield Fault(name, cal, deviation, [-50, 0, 4, 9], theirs, ours, right_mask=masked, plane="deviation")
    yield Fault(
        "a NaN in the bias is not masked", BY_BIAS, bias, LIGHT, [NAN, 8, 8, 8], [8] * 4, master=[NAN, 0, 0, 0], right_mask=FIRST,
    )
    yield Fault(
        "bad pixels replace the mask of the frame", Calibration(bad_pixels="bad.fits"), mask, LIGHT, [0, 1, 0, 0], [1, 1, 0, 0],
        frame_mask=FIRST, bad=[False, True, False, False], plane="masked", right_mask=[True, True, False, False],
    )
    for unit in ("DN", "count"):
        name = f"{unit} is no adu"
        yield Fault(name, BY_BIAS, bias, LIGHT, "UnitConversionError", [5] * 4, master=[3, 3, 3, 3], unit=unit)
    for name, theirs, seconds in (
        ("a dark of 0 s makes all infinite", [float("-inf")] * 4, (60.0, 0.0)),
        ("from a frame of 0 s no dark is subtracted", LIGHT, (0.0, 60.0)),
    ):
        cards = [(("EXPTIME", time),) for time in seconds]
        given = {"master": [3, 3, 3, 3], "cards": cards[0], "master_cards": cards[1]}
        yield Fault(name, BY_SCALED, dark, LIGHT, theirs, REFUSED, **given)
    yield Fault(
        "a master of one row is repeated", BY_BIAS, bias, LIGHT, [5] * 4, REFUSED, master=[3, 3, 3, 3], one_row=True,
    )


def faults():
    """All of them."""
    for some in (wraps, flats, overscans, others):
        yield from some()


def stored_image(values, cards, one_row=False):
    """An Image of uint16 or floats."""
    values = values[:1] if one_row else values
    if values.dtype == np.uint16:
        return Image((values.astype(np.int32) - 32768).astype("i2"), bzero=32768.0, cards=dict(cards))
    return Image(values, cards=dict(cards))


def night_of(fault):
    """The files of a fault."""
    night = Night([], fault.cal)
    planes = [None if m is None else Image(two_rows(m, "u1")) for m in (fault.frame_mask, fault.master_mask)]
    frame = stored_image(two_rows(fault.frame, fault.kind), fault.cards)
    night.frames.append(RawFile([Chip(frame, planes[0])]))
    night.bad = None if fault.bad is None else two_rows(fault.bad, bool)
    for step in fault.cal.masters():
        cards = [*fault.master_cards, *([("BUNIT", fault.unit)] if fault.unit else [])]
        master = stored_image(two_rows(fault.master, fault.kind), cards, fault.one_row)
        night.masters[step] = RawFile([Chip(master, planes[1])])
    return night


def measured(fault):
    """What ccdproc gives: the first row, or the name of its exception."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            return [float(value) for value in fault.ask(fault)[0]]
        except (ValueError, TypeError) as error:
            return type(error).__name__


def same(found, expected):
    """Whether two rows, or two words, are the same."""
    if isinstance(found, str) or isinstance(expected, str):
        return found == expected
    return len(found) == len(expected) and np.allclose(found, expected, rtol=NEAR, atol=0.0, equal_nan=True)


def check_oracle(fault, night, home, names):
    """The oracle has to give what is right; returns its answer, None where that is a refusal."""
    try:
        masters = {step: read_frames(home / name) for step, name in fault.cal.masters().items()}
        answer = calibrate_file(read_frames(home / names[0]), fault.cal, masters, night.bad)[0]
    except Refusal:
        answer = None
    row = REFUSED if answer is None else [float(value) for value in getattr(answer, fault.plane)[0]]
    if not same(row, fault.right):
        raise Disagreement(f"{fault.name}: the oracle gives {row}, right is {fault.right}")
    if answer is not None and list(answer.masked[0]) != (fault.right_mask or [False] * len(fault.right)):
        raise Disagreement(f"{fault.name}: the oracle masks {answer.masked[0]}")
    return answer


def check_program(binary, fault, answer, home, names):
    """The program has to do what the oracle does."""
    run = launch(calibrate_command(binary, fault.cal.flags(), "out", names), home)
    output = home / "out" / names[0]
    if run.code != (1 if answer is None else 0) or output.exists() != (answer is not None):
        raise Disagreement(f"{fault.name}\n{shell(run.command)}\n{run.code}: {run.message}")
    if answer is not None:
        check_answer(output, home / names[0], [answer], fault.cal)


def check_faults(binary, folder):
    """Every fault: ccdproc gives what was measured, the oracle and the program what is right."""
    for number, fault in enumerate(faults()):
        home = folder / str(number)
        night = night_of(fault)
        names = write_night(night, home)
        theirs = measured(fault)
        if not same(theirs, fault.theirs):
            raise Disagreement(f"{fault.name}: ccdproc gives {theirs}, and gave {fault.theirs}: the list is out of date")
        if same(theirs, fault.right) and not fault.right_mask:
            raise Disagreement(f"{fault.name}: ccdproc gives what is right")
        answer = check_oracle(fault, night, home, names)
        if binary:
            check_program(binary, fault, answer, home, names)
        print(f"mended: {fault.name}: ccdproc {theirs}, right {fault.right}")
