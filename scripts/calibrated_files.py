"""Writes nights to disk, runs `calibrate` on them, and compares what it wrote with what is expected."""

import shutil
import subprocess

import numpy as np
from astropy.io import fits

from calibration import STEP_CARDS
from chain_oracle import limited
from compare import Disagreement
from fits_frames import FrameFile, Image, samples_of, stored_values

COMPANIONS = ("MASK", "UNCERT")
VERIFIER = shutil.which("fitsverify")


def write_night(night, folder):
    """Write frames, masters and the bad-pixel mask into a new folder; the names of the frames."""
    folder.mkdir(parents=True)
    names = [f"f{index:03}.fits" for index in range(len(night.frames))]
    for name, file in zip(names, night.frames, strict=True):
        file.write(folder / name)
    for step, name in night.cal.masters().items():
        night.masters[step].write(folder / name)
    if night.bad is not None:
        FrameFile(Image(night.bad.astype("u1"))).write(folder / "bad.fits")
    return names


def calibrate_command(binary, flags, output, names):
    """The command line of a run."""
    return [str(binary), "calibrate", "-q", *flags, "-o", str(output), *map(str, names)]


def is_companion(hdu):
    """Whether an HDU holds a mask or uncertainties of another."""
    return hdu.name in COMPANIONS or hdu.name.endswith(tuple(f"_{name}" for name in COMPANIONS))


def companion(path, hdus, image, name):
    """(values, header) of a companion plane of an image, or None."""
    wanted = {f"{image.name}_{name}"} if image.name not in ("", "PRIMARY") else set()
    alone = sum(1 for h in hdus if h.is_image and h.header["NAXIS"] >= 2 and not is_companion(h)) == 1
    wanted |= {name} if alone else set()
    found = [hdu for hdu in hdus if hdu.name in wanted]
    if not found and image.name in ("", "PRIMARY") and not alone:
        place = list(hdus).index(image)
        found = [h for h in hdus[place + 1 : place + 3] if is_companion(h) and h.name.endswith(name)]
    return (samples_of(stored_values(path, found[0]), found[0].header), found[0].header) if found else None


def output_images(hdus):
    """The HDUs of an output that hold calibrated images."""
    return [h for h in hdus if h.is_image and h.header["NAXIS"] >= 2 and not is_companion(h)]


def ulp(values, wide):
    """One unit in the last place of the output's type."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.spacing(np.abs(values)) if wide else np.spacing(np.abs(values).astype(np.float32)).astype(np.float64)


def first_wrong(name, wrong, got, expected, more=()):
    """Raise with the first pixel that differs."""
    if wrong.any():
        row, col = np.argwhere(wrong)[0]
        facts = "".join(f"\n  {label}: {values[row, col]!r}" for label, values in more if values is not None)
        raise Disagreement(
            f"{name} differs at {wrong.sum()} pixels, first at row {row} col {col} (0-based): "
            f"got {got[row, col]!r}, expected {expected[row, col]!r}{facts}"
        )


def check_standard(path):
    """astropy has nothing to mend, and fitsverify, where it is installed, nothing to say."""
    with fits.open(path, memmap=False, checksum=True) as hdus:
        hdus.verify("exception")
    if VERIFIER:
        said = subprocess.run([VERIFIER, "-q", str(path)], capture_output=True, text=True, check=False).stdout
        if "verification OK" not in said:
            raise Disagreement(f"fitsverify {path.name}: {said}")


def check_answer(path, source, answers, cal):
    """Compare all images of one output; returns (pixels, undecided)."""
    pixels = undecided = 0
    check_standard(path)
    with fits.open(path, do_not_scale_image_data=True, memmap=False) as hdus, fits.open(source) as raw:
        primary, before = hdus[0].header, {card for hdu in raw for card in hdu.header}
        images = output_images(hdus)
        if len(images) != len(answers):
            raise Disagreement(f"{len(images)} images in {path.name}, expected {len(answers)}")
        for number, (image, answer) in enumerate(zip(images, answers, strict=True)):
            try:
                undecided += check_image(path, hdus, image, answer, cal)
                check_header(image.header, primary, before, answer, cal)
            except Disagreement as error:
                raise Disagreement(f"{path.name}, image {number} {image.name}: {error}") from None
            pixels += answer.value.size
    return pixels, undecided


def check_image(path, hdus, image, answer, cal):
    """Data, mask and uncertainty of one image; any of the levels of the sky will do."""
    bitpix = -64 if answer.wide else -32
    if image.header["BITPIX"] != bitpix:
        raise Disagreement(f"BITPIX {image.header['BITPIX']}, expected {bitpix}")
    got = samples_of(stored_values(path, image), image.header)
    got = got.reshape(got.shape[-2:])
    if got.shape != answer.value.shape:
        raise Disagreement(f"shape {got.shape}, expected {answer.value.shape}")
    planes = {name: companion(path, hdus, image, name) for name in COMPANIONS}
    fault = None
    for sky in dict.fromkeys(answer.skies):
        try:
            return check_planes(got, planes, answer, cal, sky)
        except Disagreement as error:
            fault = fault or error
    raise fault


def check_planes(got, planes, answer, cal, sky):
    """Compare with one level of the sky; returns the number of undecided pixels."""
    value, masked, undecided, touched = limited(answer, cal, sky)
    with np.errstate(over="ignore"):
        stored = value if answer.wide else value.astype(np.float32).astype(np.float64)
    near = ulp(stored, answer.wide) + answer.slack + np.abs(sky) * 2.0**-49
    with np.errstate(invalid="ignore"):
        right = np.abs(got - stored) <= near
    right |= ~np.isfinite(got) & ~np.isfinite(stored)
    first_wrong("data", ~right & ~undecided, got, stored, [("before sky and limits", answer.value)])
    check_mask(planes["MASK"], masked, undecided, cal)
    check_deviation(planes["UNCERT"], answer, undecided | touched, cal)
    return int(undecided.sum())


def check_mask(plane, masked, undecided, cal):
    """MASK is there where any sample is masked, and where it was asked for by name it may be."""
    if cal.planes is not None and "mask" not in cal.planes:
        if plane is not None:
            raise Disagreement("a MASK that nobody asked for")
        return
    if plane is None:
        if (masked & ~undecided).any():
            raise Disagreement(f"no MASK, {int(masked.sum())} pixels are masked")
        return
    if not (masked.any() or undecided.any() or cal.planes):
        raise Disagreement("a MASK where nothing is masked")
    if plane[1]["BITPIX"] != 8:
        raise Disagreement(f"MASK has BITPIX {plane[1]['BITPIX']}")
    first_wrong("MASK", (plane[0] != masked) & ~undecided, plane[0], masked.astype(float))


def check_deviation(plane, answer, undecided, cal):
    """UNCERT is there as soon as anything brings an uncertainty."""
    if cal.planes is not None and "uncertainty" not in cal.planes:
        if plane is not None:
            raise Disagreement("an UNCERT that nobody asked for")
        return
    if (plane is None) != (answer.deviation is None):
        raise Disagreement("no UNCERT" if plane is None else "an UNCERT that nothing brings")
    if plane is None:
        return
    if plane[1].get("UTYPE") != "StdDevUncertainty":
        raise Disagreement(f"UNCERT has UTYPE {plane[1].get('UTYPE')}")
    fine = ~(undecided | answer.vague_deviation)
    with np.errstate(invalid="ignore"):
        right = np.abs(plane[0] - answer.deviation) <= 1e-6 * answer.deviation + answer.slack_deviation
    first_wrong("UNCERT", ~right & fine, plane[0], answer.deviation, [("value", answer.value)])


def check_header(header, primary, before, answer, cal):
    """Unit, reference pixel, a card for each step that was done and none for others."""
    unit = str(header.get("BUNIT", primary.get("BUNIT", ""))).strip().lower()
    units = {"electron"} if answer.unit == "electron" else {"adu", "dn", "count", "counts"}
    units = units if answer.unit in ("electron", "adu") else {answer.unit}
    if unit not in units:
        raise Disagreement(f"BUNIT {unit!r}, expected {answer.unit}")
    for step, card in STEP_CARDS.items():
        there = card in header or card in primary
        if step in answer.steps and not there:
            raise Disagreement(f"no card {card}")
        if step not in answer.steps and there and card not in before:
            raise Disagreement(f"a card {card} for a step that was not done")
    history = "".join("".join(str(line) for h in (primary, header) for line in h.get("HISTORY", [])).split())
    for step, name in cal.masters().items():
        if step in answer.steps and name not in history:
            raise Disagreement(f"HISTORY does not name {name}")
    for axis, first in ((1, answer.origin[1]), (2, answer.origin[0])):
        wanted = {1: 12.5, 2: 7.0}[axis] - first
        if f"CRPIX{axis}" in before and abs(header.get(f"CRPIX{axis}", np.nan) - wanted) > 1e-9:
            raise Disagreement(f"CRPIX{axis} {header.get(f'CRPIX{axis}')}, expected {wanted}")
