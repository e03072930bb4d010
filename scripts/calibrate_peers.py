"""Judges by ccdproc itself: chains and single steps where it defines the same.

ccdproc's axis of the overscan is that of the program; its negative counts have the deviation of the
read noise with disregard_nan; its ccd_process knows no norm of a flat and no column overscan, so that
the single functions stand in for it there.
"""

import logging
import warnings
from dataclasses import replace

import ccdproc
import numpy as np
from astropy import units as u
from astropy.modeling.models import Polynomial1D
from astropy.nddata import CCDData, StdDevUncertainty

from calibrated_files import calibrate_command, check_answer, write_night
from chain_oracle import calibrate_file
from compare import Disagreement, launch, shell
from draw_calibration import draw_night
from raw_frames import number_of, read_frames

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
