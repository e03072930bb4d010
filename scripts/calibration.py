"""The steps of a calibration as plain values, and the command-line flags that say the same.

Sections, keywords and numbers stand as they are typed; what they come to in a frame is found when
it is read (raw_frames.py), as the program has to.
"""

from dataclasses import dataclass

from recipe import number

# The card that each step leaves in the header.
STEP_CARDS = {
    "overscan": "OVERSCAN",
    "trim": "TRIM",
    "deviation": "DEVIATN",
    "gain": "GAINCOR",
    "bias": "ZEROCOR",
    "dark": "DARKCOR",
    "flat": "FLATCOR",
    "sky": "SKYSUB",
}
# What else says in a header that a step is done: ccdproc's names.
PEER_CARDS = {
    "overscan": "SUBOSCAN",
    "trim": "TRIMIM",
    "bias": "SUBBIAS",
    "dark": "SUBDARK",
    "flat": "FLATCOR",
    "gain": "GAINCOR",
}
MASTERS = ("bias", "dark", "flat")


@dataclass(frozen=True)
class Calibration:
    """What is done to raw frames; None and the defaults are flags that are left out."""

    overscan: str | None = None
    overscan_stat: str = "median"
    overscan_fit: str = "none"
    overscan_axis: str | None = None
    overscan_clip: str | None = None
    trim: str | None = None
    deviation: bool = False
    negative: str = "readnoise"
    gain: str | None = None
    gain_last: bool = False
    readnoise: str | None = None
    bad_pixels: str | None = None
    mask_hdu: str = "MASK"
    mask_bits: str | None = None
    bias: str | None = None
    dark: str | None = None
    dark_scale: bool = False
    exposure_key: str = "EXPTIME"
    exposure: float | None = None
    dark_exposure: float | None = None
    flat: str | None = None
    flat_min: float | None = None
    flat_norm: str = "mean"
    flat_section: str | None = None
    flat_norm_over: str = "frame"
    sky: str = "none"
    stats_section: str | None = None
    below: str | None = None
    above: str | None = None
    redo: bool = False
    hdu: str | None = None
    planes: str | None = None
    dtype: str = "auto"

    def flags(self):
        """The command-line flags; defaults are left out."""
        words = []
        for name, default in DEFAULTS.items():
            value = getattr(self, name)
            if value == default:
                continue
            flag = f"--{name.replace('_', '-')}"
            if value is True:
                words.append(flag)
            else:
                words.append(f"{flag}={number(value) if isinstance(value, float) else value}")
        return words

    def masters(self):
        """The file names of the masters that are given, by step."""
        return {step: getattr(self, step) for step in MASTERS if getattr(self, step)}


DEFAULTS = {name: field.default for name, field in Calibration.__dataclass_fields__.items()}


def beyond(text):
    """(level, 'mask', 'nan' or a number) of `V=mask|nan|W`."""
    level, what = text.split("=")
    return float(level), what if what in ("mask", "nan") else float(what)


def bad_bits(text):
    """The 64 bits of a mask that count as bad: `1,4`, `~2` or `all`."""
    every = 2**64 - 1
    if text in (None, "all"):
        return every
    bits = sum(int(value) for value in text.lstrip("~").split(","))
    return every ^ bits if text.startswith("~") else bits
