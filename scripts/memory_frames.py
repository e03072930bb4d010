"""Frames and masters for the memory campaign: a few are drawn, the rest are hard links to them."""

import gzip
import os
from dataclasses import dataclass

import numpy as np
from astropy.io import fits

OVERSCAN = 24
CHIPS = 3
# How the pixels of a master stand in its file: (dtype, BZERO).
FORMS = {
    "8": ("u1", 0),
    "16": ("i2", 0),
    "16 + BZERO": ("i2", 1 << 15),
    "32": ("i4", 0),
    "64": ("i8", 0),
    "-32": ("f4", 0),
    "-64": ("f8", 0),
}


def make_frames(folder, count, side, drawn=8):
    """Plain frames f0000.fits … of unlike detectors: `drawn` of their own, the rest links to these."""
    rng = np.random.default_rng(1)
    folder.mkdir()
    for number in range(min(count, drawn)):
        pixels = rng.normal(1000, 7, (side, side)).astype(np.uint16)
        image = fits.PrimaryHDU(pixels)
        image.header.update(GAIN=1.0 + 0.2 * number, RDNOISE=5.0 + number)
        image.writeto(folder / f"f{number:04d}.fits")
    link(folder, count, drawn)


def pack_frames(folder, count, side, tile, drawn=8):
    """The same frames, gzipped as a whole, or with tiles of so many (rows, columns) packed by Rice."""
    make_frames(folder, min(count, drawn), side, drawn)
    for path in folder.iterdir():
        if tile:
            pixels = fits.getdata(path)
            packed = fits.CompImageHDU(pixels, compression_type="RICE_1", tile_shape=tile)
            packed.writeto(path, overwrite=True)
        else:
            path.write_bytes(gzip.compress(path.read_bytes(), 1))
    link(folder, count, drawn)


def link(folder, count, drawn):
    """The frames behind the drawn ones, which are links to these."""
    for number in range(drawn, count):
        os.link(folder / f"f{number % drawn:04d}.fits", folder / f"f{number:04d}.fits")


@dataclass(frozen=True)
class Night:
    """Raw frames of nrow x ncol pixels with an overscan beside them, and masters, the planes of all in `form`."""

    count: int
    nrow: int
    ncol: int
    form: str = "-32"
    raw: str = "16 + BZERO"
    mef: bool = False
    # Whether the overscan lies above the frame and has a level for each column, rather than beside it.
    above: bool = False
    planes: bool = True
    ncard: int = 0
    drawn: int = 4

    def sections(self):
        """BIASSEC and TRIMSEC."""
        trim = f"[1:{self.ncol},1:{self.nrow}]"
        if self.above:
            return f"[1:{self.ncol},{self.nrow + 1}:{self.nrow + 4}]", trim
        return f"[{self.ncol + 1}:{self.ncol + OVERSCAN},1:{self.nrow}]", trim

    def shape(self):
        """Rows and columns of a raw frame."""
        return (self.nrow + 4, self.ncol) if self.above else (self.nrow, self.ncol + OVERSCAN)

    def make(self, folder):
        """Writes raw/f0000.fits … and bias.fits, dark.fits, flat.fits, bad.fits into a new folder."""
        rng = np.random.default_rng(2)
        raw = folder / "raw"
        raw.mkdir(parents=True)
        for number in range(min(self.count, self.drawn)):
            self.write(raw / f"f{number:04d}.fits", lambda: self.light(rng), self.raw)
        link(raw, self.count, self.drawn)
        levels = {"bias": (20, 2), "dark": (10, 2), "flat": (100, 3)}
        for name, (level, spread) in levels.items():
            pixels = rng.normal(level, spread, (self.nrow, self.ncol))
            self.write(folder / f"{name}.fits", lambda pixels=pixels: pixels, self.form, self.planes)
        bad = (rng.random((self.nrow, self.ncol)) < 0.01).astype("u1")
        fits.PrimaryHDU(bad).writeto(folder / "bad.fits")

    def light(self, rng):
        """A raw frame: what falls on the chip, and an overscan that drifts."""
        pixels = rng.normal(100, 3, self.shape())
        pixels += np.linspace(0, 9, self.shape()[1 if self.above else 0])[(None, ...) if self.above else (..., None)]
        pixels[: self.nrow, : self.ncol] += rng.normal(60, 8, (self.nrow, self.ncol))
        return pixels

    def write(self, path, pixels, form, planes=False):
        """Writes an image, or one a chip; masters have their planes MASK and UNCERT behind it."""
        biassec, trimsec = self.sections()
        cards = {"EXPTIME": 60.0, "GAIN": 1.7, "RDNOISE": 5.2, "BIASSEC": biassec, "TRIMSEC": trimsec}
        hdus = [fits.PrimaryHDU()] if self.mef else []
        for chip in range(CHIPS if self.mef else 1):
            kind = fits.ImageHDU if hdus else fits.PrimaryHDU
            image = stored(pixels(), form, kind)
            if self.mef:
                image.header["EXTNAME"] = f"IM{chip + 1}"
            hdus.append(image)
            if planes and not self.mef:
                rng = np.random.default_rng(3)
                shape = (self.nrow, self.ncol)
                mask = (rng.random(shape) < 0.01).astype(float)
                # Signed bytes are none in FITS; a mask in any other form is as good as one in bytes.
                hdus.append(named(stored(mask, form.replace(" + BZERO", ""), fits.ImageHDU), "MASK"))
                hdus.append(named(stored(rng.uniform(1, 2, shape), form, fits.ImageHDU), "UNCERT"))
        hdus[0].header.update(cards)
        for number in range(self.ncard):
            hdus[0].header.add_history(f"what was done to this frame before, line {number}")
        fits.HDUList(hdus).writeto(path)


def named(hdu, name):
    """An extension under its name."""
    hdu.header["EXTNAME"] = name
    return hdu


def stored(pixels, form, kind):
    """An HDU whose pixels stand in the file as `form` says."""
    dtype, bzero = FORMS[form]
    pixels = np.rint(pixels) - bzero if dtype[0] in "iu" else pixels
    hdu = kind(pixels.astype(dtype))
    if bzero:
        hdu.header["BZERO"] = bzero
    return hdu
