"""Judges by ccdproc itself: chains and single steps where it defines the same, and its mended faults.

ccdproc's axis of the overscan is that of the program; its negative counts have the deviation of the
read noise with disregard_nan; its ccd_process knows no norm of a flat and no column overscan, so that
the single functions stand in for it there.
"""

import logging
import warnings
from dataclasses import dataclass, replace

import ccdproc
import numpy as np
from astropy import units as u
from astropy.modeling.models import Polynomial1D
from astropy.nddata import CCDData, StdDevUncertainty

from calibrated_files import calibrate_command, check_answer, write_night
from calibration import Calibration
from chain_oracle import calibrate_file
from compare import Disagreement, launch, shell
from draw_calibration import Night, draw_night
from fits_frames import Image
from raw_frames import Chip, RawFile, number_of, read_frames

RELATIVE = 1e-12


logging.getLogger().setLevel(logging.ERROR)


def draw_tame(rng):
    """Frames, masters and steps that ccdproc follows."""
    return draw_night(rng, tame=True)


def ccd_of(frame, unit):
    """A frame or master as ccdproc takes it."""
    deviation = None if frame.deviation is None else StdDevUncertainty(frame.deviation.copy())
    mask = frame.masked.copy() if frame.masked.any() else None
    return CCDData(frame.values.copy(), unit=unit, uncertainty=deviation, mask=mask)


def unit_of(frame):
    """The unit as astropy has it."""
    return u.electron if frame.unit() == "electron" else u.adu


def polynomial(cal):
    """The model of an overscan fit."""
    return None if cal.overscan_fit == "none" else Polynomial1D(int(cal.overscan_fit.split(":")[1]))


class Facts:
    """Numbers of the frame as quantities."""

    def __init__(self, frame, cal, masters):
        """Look up what the steps need."""
        has_gain = cal.gain is not None
        self.gain = number_of(cal.gain, frame) * u.electron / u.adu if has_gain else None
        unit = u.electron if has_gain else u.adu
        self.readnoise = number_of(cal.readnoise, frame) * unit if cal.readnoise else None
        self.times = (1 * u.s, 1 * u.s)
        if cal.dark_scale:
            light = cal.exposure or number_of(cal.exposure_key, frame)
            dark = cal.dark_exposure or number_of(cal.exposure_key, masters["dark"])
            self.times = (light * u.s, dark * u.s)


def ask_ccdproc(frame, cal, masters, bad):
    """(CCDData of ccdproc, which way it was asked)."""
    facts = Facts(frame, cal, masters)
    ccd = ccd_of(frame, u.adu)
    given = {step: ccd_of(master, unit_of(master)) for step, master in masters.items()}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = cal.flat_norm == "mean" and cal.overscan_axis != "column" and not (cal.deviation and not cal.gain)
        if whole and not (cal.deviation and has_negative(frame, cal)):
            return one_call(ccd, cal, facts, given, bad), "ccd_process"
        return step_by_step(ccd, cal, facts, given, bad), "single functions"


def has_negative(frame, cal):
    """Whether a count is negative behind overscan and trim."""
    ccd = ccd_of(frame, u.adu)
    return bool((first_steps(ccd, cal).data < 0).any())


def one_call(ccd, cal, facts, given, bad):
    """The whole chain by ccd_process."""
    return ccdproc.ccd_process(
        ccd,
        oscan=cal.overscan,
        oscan_median=cal.overscan_stat == "median",
        oscan_model=polynomial(cal),
        trim=cal.trim,
        error=cal.deviation,
        readnoise=facts.readnoise,
        gain=facts.gain,
        gain_corrected=not cal.gain_last,
        bad_pixel_mask=bad,
        master_bias=given.get("bias"),
        dark_frame=given.get("dark"),
        data_exposure=facts.times[0],
        dark_exposure=facts.times[1],
        dark_scale=cal.dark_scale,
        master_flat=given.get("flat"),
        min_value=cal.flat_min,
    )


def first_steps(ccd, cal):
    """Overscan and trim."""
    if cal.overscan:
        axis = 0 if cal.overscan_axis == "column" else 1
        median = cal.overscan_stat == "median"
        model = polynomial(cal)
        ccd = ccdproc.subtract_overscan(ccd, overscan_axis=axis, fits_section=cal.overscan, median=median, model=model)
    return ccdproc.trim_image(ccd, fits_section=cal.trim) if cal.trim else ccd


def step_by_step(ccd, cal, facts, given, bad):
    """The chain by the single functions."""
    ccd = first_steps(ccd, cal)
    if cal.deviation:
        ccd = ccdproc.create_deviation(ccd, gain=facts.gain, readnoise=facts.readnoise, disregard_nan=True)
    if bad is not None:
        ccd.mask = bad
    if cal.gain and not cal.gain_last:
        ccd = ccdproc.gain_correct(ccd, facts.gain)
    if "bias" in given:
        ccd = ccdproc.subtract_bias(ccd, given["bias"])
    if "dark" in given:
        times = {"data_exposure": facts.times[0], "dark_exposure": facts.times[1]}
        ccd = ccdproc.subtract_dark(ccd, given["dark"], scale=cal.dark_scale, **times)
    if "flat" in given:
        norm = None if cal.flat_norm == "mean" else float(cal.flat_norm)
        ccd = ccdproc.flat_correct(ccd, given["flat"], min_value=cal.flat_min, norm_value=norm)
    return ccdproc.gain_correct(ccd, facts.gain) if cal.gain and cal.gain_last else ccd


def by_ccdproc(night, path, masters):
    """(the oracle's answer, the same with ccdproc's numbers in it, which way ccdproc was asked)."""
    frames = read_frames(path)
    oracle = calibrate_file(frames, night.cal, masters, night.bad)[0]
    ccd, way = ask_ccdproc(frames[0], night.cal, {step: m[0] for step, m in masters.items()}, night.bad)
    masked = np.zeros(ccd.data.shape, bool) if ccd.mask is None else np.array(ccd.mask, bool)
    deviation = None if ccd.uncertainty is None else ccd.uncertainty.array
    slack = oracle.slack + RELATIVE * oracle.facts["largest"]
    return oracle, replace(oracle, value=ccd.data, masked=masked, deviation=deviation, slack=slack), way


def check_oracle(oracle, peer):
    """The oracle has to give what ccdproc gives."""
    fine = ~peer.vague
    near = np.abs(oracle.value - peer.value) <= peer.slack
    if not near[fine].all() or (oracle.masked != peer.masked).any():
        worst = float(np.max(np.abs(oracle.value - peer.value)[fine]))
        raise Disagreement(f"ccdproc's data or mask differ from the oracle's: {worst} at most")
    if (oracle.deviation is None) != (peer.deviation is None):
        raise Disagreement("ccdproc and the oracle differ on whether there is an uncertainty")
    if peer.deviation is not None:
        fine = ~peer.vague_deviation
        near = np.abs(oracle.deviation - peer.deviation) <= 1e-9 * peer.deviation + peer.slack_deviation
        if not near[fine].all():
            raise Disagreement("ccdproc's uncertainty differs from the oracle's")


def judge_oracle(night, folder, count):
    """Compare the oracle with ccdproc; no program runs."""
    names = write_night(night, folder)
    masters = {step: read_frames(folder / name) for step, name in night.cal.masters().items()}
    for name in names:
        oracle, peer, way = by_ccdproc(night, folder / name, masters)
        try:
            check_oracle(oracle, peer)
        except Disagreement as error:
            raise Disagreement(f"cd {folder}\n{name}, {way}, {night.cal}\n{error}") from None
        count.frames, count.pixels = count.frames + 1, count.pixels + peer.value.size
        count.undecided += int(peer.vague.sum())


def judge_peer(binary, night, folder, count):
    """Run the program and ccdproc on one configuration."""
    names = write_night(night, folder)
    run = launch(calibrate_command(binary, night.cal.flags() + night.run_flags, "out", names), folder)
    masters = {step: read_frames(folder / name) for step, name in night.cal.masters().items()}
    way = "the exit status"
    try:
        if run.code != 0:
            raise Disagreement(f"exit status {run.code}\n{run.message}")
        for name in names:
            _, peer, way = by_ccdproc(night, folder / name, masters)
            pixels, undecided = check_answer(folder / "out" / name, folder / name, [peer], night.cal)
            count.frames += 1
            count.pixels, count.undecided = count.pixels + pixels, count.undecided + undecided
    except Disagreement as error:
        raise Disagreement(f"cd {folder}\n{shell(run.command)}\njudged by {way}\n{error}") from None


@dataclass
class Fault:
    """One fault of ccdproc that is mended: what it gives and what is right, at row 0 and one column."""

    name: str
    cal: Calibration
    frame: np.ndarray
    wrong: object
    right: float
    col: int = 0
    master: np.ndarray | None = None
    frame_mask: np.ndarray | None = None
    master_mask: np.ndarray | None = None
    plane: str = "value"
    masked: bool = False


def small(values, kind=np.float64):
    """Two equal rows of numbers."""
    return np.array([values, values], dtype=kind)


def given(fault, attribute):
    """A CCDData of the frame or the master of a fault, as it stands in the file."""
    return CCDData(getattr(fault, attribute).copy(), unit=u.adu, mask=getattr(fault, f"{attribute}_mask"))


def bias_of_ccdproc(fault):
    """Its subtract_bias."""
    return ccdproc.subtract_bias(given(fault, "frame"), given(fault, "master")).data


def dark_of_ccdproc(fault):
    """Its subtract_dark, unscaled."""
    times = {"data_exposure": 1 * u.s, "dark_exposure": 1 * u.s}
    return ccdproc.subtract_dark(given(fault, "frame"), given(fault, "master"), **times).data


def flat_of_ccdproc(fault):
    """Its flat_correct."""
    return ccdproc.flat_correct(given(fault, "frame"), given(fault, "master")).data


def overscan_of_ccdproc(fault):
    """Its subtract_overscan over the first three columns."""
    ccd = given(fault, "frame")
    return ccdproc.subtract_overscan(ccd, overscan=ccd[:, :3], median=False).data


def deviation_of_ccdproc(fault):
    """Its create_deviation as ccd_process calls it."""
    ccd, gain = given(fault, "frame"), 2.0 * u.electron / u.adu
    return ccdproc.create_deviation(ccd, gain=gain, readnoise=4 * u.electron).uncertainty.array


def faults():
    """The list."""
    raw, bias = small([100, 300, 400, 500], np.uint16), small([200, 200, 200, 200], np.uint16)
    light, nan = small([8.0, 8.0, 8.0, 8.0]), small([1.0, 2.0, np.nan, 3.0])
    none, hot = small([False] * 4, bool), small([True, False, False, False], bool)
    over = Calibration(overscan="[1:3,1:2]", overscan_stat="mean", overscan_axis="row")
    noise = Calibration(deviation=True, gain="2", gain_last=True, readnoise="4")
    by_flat, flat_hot = Calibration(flat="flat.fits"), small([1e6, 2.0, 2.0, 2.0])
    spoilt = small([1e9, 10.0, 20.0, 100.0])
    gap = small([np.nan, 10.0, 20.0, 100.0])
    return [
        Fault("B15 uint16 100 - 200, bias", Calibration(bias="bias.fits"), raw, bias_of_ccdproc, -100.0, 0, bias),
        Fault("B15 uint16 100 - 200, dark", Calibration(dark="dark.fits"), raw, dark_of_ccdproc, -100.0, 0, bias),
        Fault("B16 one NaN in the flat", by_flat, light, flat_of_ccdproc, 8.0, 1, nan),
        Fault("B16 the NaN itself", by_flat, light, flat_of_ccdproc, 8.0, 2, nan, masked=True),
        Fault("B16 a masked pixel in the norm", by_flat, light, flat_of_ccdproc, 8.0, 1, flat_hot, none, hot),
        Fault("B16 zero in the flat", by_flat, light, flat_of_ccdproc, 8.0, 0, small([0.0, 2, 2, 2]), masked=True),
        Fault("B17 a masked pixel in the overscan", over, spoilt, overscan_of_ccdproc, 85.0, 3, None, hot),
        Fault("B17 a NaN in the overscan", over, gap, overscan_of_ccdproc, 85.0, 3),
        Fault(
            "negative count, deviation", noise, small([-50.0, 0, 4, 9]), deviation_of_ccdproc, 4.0, plane="deviation"
        ),
        Fault(
            "negative count, deviation, masked",
            replace(noise, negative="mask"),
            small([-50.0, 0, 4, 9]),
            deviation_of_ccdproc,
            4.0,
            plane="deviation",
            masked=True,
        ),
    ]


def stored_image(values):
    """An Image of uint16 or floats."""
    if values.dtype == np.uint16:
        return Image((values.astype(np.int32) - 32768).astype("i2"), bzero=32768.0)
    return Image(values)


def night_of(fault):
    """The files of a fault."""
    night = Night([], fault.cal)
    planes = [None if m is None else Image(m.astype("u1")) for m in (fault.frame_mask, fault.master_mask)]
    night.frames.append(RawFile([Chip(stored_image(fault.frame), planes[0])]))
    for step in fault.cal.masters():
        night.masters[step] = RawFile([Chip(stored_image(fault.master), planes[1])])
    return night


def check_faults(binary, folder):
    """Show every fault: ccdproc gives something else, the oracle and the program what is right."""
    for number, fault in enumerate(faults()):
        night, home = night_of(fault), folder / str(number)
        names = write_night(night, home)
        masters = {step: read_frames(home / name) for step, name in fault.cal.masters().items()}
        answer = calibrate_file(read_frames(home / names[0]), fault.cal, masters)[0]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            theirs = float(fault.wrong(fault)[0, fault.col])
        ours = float(getattr(answer, fault.plane)[0, fault.col])
        if abs(ours - fault.right) > 1e-12 * abs(fault.right) or bool(answer.masked[0, fault.col]) != fault.masked:
            raise Disagreement(f"{fault.name}: the oracle gives {ours}, right is {fault.right}")
        if theirs == fault.right:
            raise Disagreement(f"{fault.name}: ccdproc gives what is right, the list is out of date")
        if binary:
            run = launch(calibrate_command(binary, fault.cal.flags(), "out", names), home)
            if run.code != 0:
                raise Disagreement(f"{fault.name}\n{shell(run.command)}\n{run.message}")
            check_answer(home / "out" / names[0], home / names[0], [answer], fault.cal)
        masked = ", masked" if fault.masked else ""
        print(f"mended: {fault.name}: ccdproc {theirs:g}, right {fault.right:g}{masked}")
