"""Raw frames and masters: written as one image or several, read back with all that a header says.

Readings of the reference
  * A keyword counts from the image's HDU, else from the primary.
  * Sections of headers are read as IRAF and numpy-minded people write them: blanks anywhere, `:` or
    `*` or nothing for a whole axis, an axis that is not there is whole, ends in any order; cut at the
    frame. Typed ones may not run over its edge.
  * The bad-pixel mask has the shape of the trimmed frame, the planes of a frame that of the frame.
"""

import re
from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits

from calibration import PEER_CARDS, STEP_CARDS, bad_bits
from fits_frames import TO_DEVIATION, hdu_of, needs_f64, samples_of, stored_values
from level_oracle import Refusal

ADU = {"", "adu", "dn", "count", "counts"}
ROOM = ("MASK", "UNCERT")


@dataclass
class Chip:
    """One image with its companion planes; `cards` go into the image's header."""

    image: object
    mask: object = None
    uncert: object = None
    name: str | None = None


@dataclass
class RawFile:
    """A file of one chip or several; `primary` holds the cards of an empty primary HDU."""

    chips: list
    primary: dict = field(default_factory=dict)
    extended: bool = False
    mask_name: str = "MASK"

    def write(self, path):
        """Write the file; the first chip is the primary unless `extended`."""
        hdus = [fits.PrimaryHDU()] if self.extended else []
        for chip in self.chips:
            hdus.append(hdu_of(chip.image, fits.ImageHDU if hdus else fits.PrimaryHDU, chip.name))
            for plane, name in ((chip.mask, self.mask_name), (chip.uncert, "UNCERT")):
                if plane is not None:
                    hdus.append(hdu_of(plane, fits.ImageHDU, name))
        for key, value in self.primary.items():
            hdus[0].header[key] = value
        fits.HDUList(hdus).writeto(path, checksum=True)


@dataclass
class Frame:
    """One image as it stands: values and deviations as f64, what is masked, and its two headers."""

    name: str
    values: np.ndarray
    masked: np.ndarray
    deviation: np.ndarray | None
    header: dict
    primary: dict
    extname: str | None = None

    def card(self, key):
        """The value of a keyword."""
        if key in self.header:
            return self.header[key]
        if key in self.primary:
            return self.primary[key]
        raise Refusal(f"{self.name} has no {key}")

    def has(self, key):
        """Whether a keyword stands in one of the headers."""
        return key in self.header or key in self.primary

    def is_wide(self):
        """Whether its samples are f64."""
        return needs_f64(self.header)

    def unit(self):
        """The unit; the names of a count are one."""
        text = str(self.header.get("BUNIT", self.primary.get("BUNIT", ""))).strip().lower()
        return "adu" if text in ADU else text

    def is_done(self, step):
        """Whether the header says that a step is done; a deviation must also be there."""
        if step == "deviation" and self.deviation is None:
            return False
        return self.has(STEP_CARDS[step]) or self.has(PEER_CARDS.get(step, STEP_CARDS[step]))


def number_of(text, frame):
    """A number, or that which stands under a keyword; strings that hold one count."""
    try:
        return float(text)
    except ValueError:
        return float(str(frame.card(text)).strip())


def axis_of(text, size):
    """(first, last) of one axis, 1-based, in order."""
    if text in ("", ":", "*"):
        return 1, size
    first, last = text.split(":")
    return tuple(sorted((int(first or 1), int(last or size))))


def section_of(text, frame, shape):
    """(rows, columns) as Python slices of a typed section, or of one under a keyword."""
    typed = text.startswith("[")
    words = re.sub(r"[\s\[\]]", "", text if typed else str(frame.card(text))).split(",")
    slices = []
    for word, size in zip([*words, ":"][:2], reversed(shape), strict=True):
        first, last = axis_of(word, size)
        if first > size or last < 1 or (typed and (first < 1 or last > size)):
            raise Refusal(f"section {text} of {frame.name}, which is {shape[1]} x {shape[0]}")
        slices.append(slice(max(first, 1) - 1, min(last, size)))
    return slices[1], slices[0]


def mask_of(path, hdus, name, bits, shape):
    """What a mask plane masks, by the bits that count."""
    found = [hdu for hdu in hdus if hdu.name == name]
    if not found:
        return np.zeros(shape, bool)
    stored = stored_values(path, found[0])
    whole = np.vectorize(lambda value: (int(value) & (2**64 - 1) & bits) != 0, otypes=[bool])
    return whole(stored)


def deviation_of(path, hdus):
    """Deviations as the UNCERT plane tells them, or None."""
    found = [hdu for hdu in hdus if hdu.name == "UNCERT"]
    if not found:
        return None
    kind = found[0].header.get("UTYPE", "StdDevUncertainty")
    with np.errstate(invalid="ignore", divide="ignore"):
        return TO_DEVIATION[kind](samples_of(stored_values(path, found[0]), found[0].header))


def images_of(hdus, mask_name):
    """The HDUs that hold images of their own."""
    companions = {mask_name, *ROOM}
    return [h for h in hdus if h.is_image and h.header["NAXIS"] >= 2 and h.name not in companions]


def read_frames(path, every=False, mask_name="MASK", mask_bits=None):
    """The first image of a file as a Frame, or all of them."""
    with fits.open(path, do_not_scale_image_data=True, memmap=False) as hdus:
        primary = dict(hdus[0].header)
        frames = []
        for hdu in images_of(hdus, mask_name)[: None if every else 1]:
            values = samples_of(stored_values(path, hdu), hdu.header)
            values = values.reshape(values.shape[-2:])
            masked = mask_of(path, hdus, mask_name, bad_bits(mask_bits), values.shape)
            deviation = deviation_of(path, hdus)
            header = dict(hdu.header)
            frames.append(Frame(path.name, values, masked, deviation, header, primary, header.get("EXTNAME")))
    return frames


def match(masters, frames, frame, number):
    """The master of a chip: by EXTNAME where that is there, else by order."""
    named = [m for m in masters if m.extname and m.extname == frame.extname]
    if named:
        return named[0]
    if len(masters) == 1:
        return masters[0]
    if len(masters) != len(frames):
        raise Refusal(f"{masters[0].name} has {len(masters)} images, {frame.name} {len(frames)}")
    return masters[number]
