"""FITS frames: written with astropy from stored values, read back from the bytes alone.

Reading finds the data with astropy's headers and decodes the big-endian bytes here, so that no
scaling of astropy stands between the file and the oracle.

Readings of the reference
  * The sample type is f64 where a frame has BITPIX 32, 64 or -64, or a BSCALE or BZERO number
    that f32 does not hold exactly; --dtype and companion planes have no say in it.
  * sample = BSCALE stored + BZERO, each operation rounded in f64, then once to the sample type;
    64-bit integers with BSCALE 1 and a whole BZERO are added exactly.
  * A companion plane has the shape of its image, or is 2-D and holds for each plane of a cube.
  * u is f64; where it is needed, NaN, infinite, zero and negative ones make the sample absent.
"""

from dataclasses import dataclass, field

import numpy as np
from astropy.io import fits

from level_oracle import Refusal

STORED = {8: "u1", 16: "i2", 32: "i4", 64: "i8", -32: "f4", -64: "f8"}
TO_DEVIATION = {
    "StdDevUncertainty": lambda v: v,
    "VarianceUncertainty": np.sqrt,
    "InverseVariance": lambda v: 1.0 / np.sqrt(v),
}


@dataclass
class Image:
    """One image HDU as it stands in a file: stored values and the cards that scale them."""

    stored: np.ndarray
    bscale: float = 1.0
    bzero: float = 0.0
    blank: int | None = None
    cards: dict = field(default_factory=dict)

    def header(self):
        """The cards that astropy is to write with the data."""
        cards = dict(self.cards)
        if self.bscale != 1.0 or self.bzero != 0.0:
            cards.update(BSCALE=as_card(self.bscale), BZERO=as_card(self.bzero))
        if self.blank is not None:
            cards["BLANK"] = self.blank
        return cards


@dataclass
class FrameFile:
    """One file of the stack: an image, its companion planes, where they stand."""

    image: Image
    mask: Image | None = None
    uncert: Image | None = None
    extension: str | None = None
    mask_name: str = "MASK"
    uncert_name: str = "UNCERT"

    def write(self, path):
        """Write the file; the image goes into `extension` where one is named."""
        if self.extension:
            hdus = [fits.PrimaryHDU(), hdu_of(self.image, fits.ImageHDU, self.extension)]
        else:
            hdus = [hdu_of(self.image, fits.PrimaryHDU)]
        for plane, name in ((self.mask, self.mask_name), (self.uncert, self.uncert_name)):
            if plane is not None:
                hdus.append(hdu_of(plane, fits.ImageHDU, name))
        fits.HDUList(hdus).writeto(path)


def write_frames(files, folder):
    """Write frame files into a new folder; returns their names in order."""
    folder.mkdir(parents=True)
    names = [f"f{index:03}.fits" for index in range(len(files))]
    for name, file in zip(names, files, strict=True):
        file.write(folder / name)
    return names


def as_card(number):
    """Whole numbers as integers: astropy writes floats with too few digits for 2**63."""
    return int(number) if float(number).is_integer() else number


def hdu_of(image, kind, name=None):
    """An astropy HDU that holds the stored values untouched."""
    hdu = kind(image.stored)
    if name:
        hdu.header["EXTNAME"] = name
    for key, value in image.header().items():
        hdu.header[key] = value
    return hdu


def is_f32(number):
    """Whether f32 holds the number exactly."""
    return float(np.float32(number)) == float(number)


def needs_f64(header):
    """Whether a frame with this header asks for samples of f64."""
    scaled = (header.get("BSCALE", 1.0), header.get("BZERO", 0.0))
    return header["BITPIX"] in (32, 64, -64) or not all(is_f32(v) for v in scaled)


def stored_values(path, hdu):
    """The stored values of an HDU, decoded from the bytes of the file."""
    info = hdu.fileinfo()
    header = hdu.header
    shape = [header[f"NAXIS{axis}"] for axis in range(header["NAXIS"], 0, -1)]
    kind = np.dtype(">" + STORED[header["BITPIX"]])
    with open(path, "rb") as file:
        file.seek(info["datLoc"])
        raw = file.read(int(np.prod(shape)) * kind.itemsize)
    return np.frombuffer(raw, kind).astype(kind.newbyteorder("=")).reshape(shape)


def samples_of(stored, header, sample_type=np.float64):
    """Samples as f64 numbers of the sample type; absent ones (BLANK, infinite) are NaN."""
    bscale, bzero = float(header.get("BSCALE", 1.0)), float(header.get("BZERO", 0.0))
    if stored.dtype == np.int64 and bscale == 1.0 and bzero.is_integer():
        whole = [int(value) + int(bzero) for value in stored.ravel()]
        values = np.array([float(value) for value in whole]).reshape(stored.shape)
    else:
        values = stored.astype(np.float64) * bscale
        values = values + bzero
    with np.errstate(over="ignore"):
        values = values.astype(sample_type).astype(np.float64)
    if stored.dtype.kind in "iu" and "BLANK" in header:
        values[stored == header["BLANK"]] = np.nan
    values[np.isinf(values)] = np.nan
    return values


@dataclass
class Stack:
    """All frames: x (nframe, nrow, ncol) as f64, NaN where absent; u likewise or None."""

    x: np.ndarray
    u: np.ndarray | None
    sample_type: type


def as_cube(values):
    """(nframe, nrow, ncol) of an image with 2 or 3 axes."""
    return values.reshape((-1, *values.shape[-2:]))


def plane(path, hdus, name, nframe):
    """(values, header) of a companion plane for each frame of the image, or None."""
    found = [hdu for hdu in hdus if hdu.name == name]
    if not found:
        return None
    values = samples_of(stored_values(path, found[0]), found[0].header)
    cube = as_cube(values)
    return np.broadcast_to(cube, (nframe, *cube.shape[-2:])), found[0].header


def image_hdu(hdus, companions, which):
    """The HDU of the image: by number, or the first that is not a companion plane."""
    if which is not None:
        return hdus[which]
    return next(h for h in hdus if h.is_image and h.header["NAXIS"] >= 2 and h.name not in companions)


def read_stack(paths, needs_u=False, names=("MASK", "UNCERT"), bad=None, hdu=None):
    """Read frames, planes of cubes in turn; `bad` is a 2-D array of bad pixels."""
    frames, deviations, wide = [], [], []
    for path in paths:
        with fits.open(path, do_not_scale_image_data=True, memmap=False) as hdus:
            image = image_hdu(hdus, names, hdu)
            wide.append(needs_f64(image.header))
            cube = as_cube(stored_values(path, image))
            masked = plane(path, hdus, names[0], len(cube))
            gone = np.zeros(cube.shape, bool) if masked is None else masked[0] != 0
            if bad is not None:
                gone = gone | (bad != 0)
            frames.append((cube, image.header, gone))
            if needs_u:
                found = plane(path, hdus, names[1], len(cube))
                if found is None:
                    raise Refusal(f"{path} has no uncertainty")
                deviations.append(to_deviation(*found))
    sample_type = np.float64 if any(wide) else np.float32
    x = np.concatenate([present(*frame, sample_type) for frame in frames])
    if not needs_u:
        return Stack(x, None, sample_type)
    u = np.concatenate(deviations)
    x[~(np.isfinite(u) & (u > 0.0))] = np.nan
    return Stack(x, u, sample_type)


def present(stored, header, gone, sample_type):
    """Samples with the masked ones absent."""
    values = samples_of(stored, header, sample_type)
    values[gone] = np.nan
    return values


def to_deviation(values, header):
    """Standard deviations from the plane as stored; not finite where that makes no sense."""
    kind = header.get("UTYPE", "StdDevUncertainty")
    with np.errstate(invalid="ignore", divide="ignore"):
        return TO_DEVIATION[kind](values)
