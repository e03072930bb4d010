"""Reads packed outputs with astropy, and with funpack where that is installed, and compares them with plain ones.

    python scripts/compressed_output.py BINARY

Frames of every kind are drawn, combined and calibrated into plain files and into packed ones. What is packed to the
bit must come back to the bit, floats that were rounded within half a step of the noise of their row over Q, NaN at
the same places; headers must be the same but for the cards of the packing; what funpack makes of a file that was
packed to the bit must be the plain file, byte by byte; fitsverify, where that is installed, must find nothing.
Exit status 1 on any disagreement.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits

ALL = ["--planes", "data,mask,uncertainty,count,low,high", "--clip", "sigma:2"]
# How it is packed, and by what floats are rounded.
PACKINGS = [
    (["rice"], 4),
    (["rice", "--quantize", "none"], None),
    (["rice", "--quantize", "0.5"], 0.5),
    (["gzip"], None),
    (["gzip", "--quantize", "16"], 16),
]
# Cards that astropy changes, or that tell of the form of the file.
FORM = {"SIMPLE", "XTENSION", "BITPIX", "EXTEND", "PCOUNT", "GCOUNT", "CHECKSUM", "DATASUM", "BSCALE", "BZERO"}


def draw(folder, rng):
    """Draws frames: noise with holes and flat rows, widths that are no whole blocks, a mosaic."""
    kinds = {}
    for kind, (nrow, ncol) in {"noise": (120, 333), "narrow": (300, 5), "line": (1, 4000), "wide": (9, 9000)}.items():
        kinds[kind] = [folder / f"{kind}{n}.fits" for n in range(4)]
        for path in kinds[kind]:
            pixels = rng.normal(1000, 20, (nrow, ncol)).astype("f4")
            pixels[:, ncol // 2 : ncol // 2 + ncol // 9] = np.nan
            if nrow > 50:
                pixels[20], pixels[21], pixels[22, 4] = np.nan, 5, 1e30
            hdu = fits.PrimaryHDU(pixels)
            hdu.header["OBJECT"] = ("M 31", "what was looked at")
            hdu.header["HIERARCH ESO DET CHIP"] = 3
            hdu.header["HISTORY"] = "it was cloudy"
            hdu.header["LONG"] = "word " * 30
            hdu.writeto(path)
    kinds["uint16"] = [folder / f"uint16{n}.fits" for n in range(4)]
    for path in kinds["uint16"]:
        fits.PrimaryHDU(rng.integers(0, 32000, (130, 257)).astype("u2")).writeto(path)
    kinds["mosaic"] = [folder / f"mosaic{n}.fits" for n in range(3)]
    for path in kinds["mosaic"]:
        chips = [fits.ImageHDU(rng.integers(0, 999, (40, 50)).astype("i4"), name=name) for name in ("LEFT", "RIGHT")]
        fits.HDUList([fits.PrimaryHDU(), *chips]).writeto(path)
    return kinds


def images(path):
    """The images of a file: name, pixels, header."""
    with fits.open(path, checksum=True) as hdus:
        return [(hdu.name, hdu.data, hdu.header.copy()) for hdu in hdus if hdu.data is not None]


def bits(pixels):
    """Pixels as numbers that are equal only where all bits are; NaN is NaN."""
    native = pixels.astype(pixels.dtype.newbyteorder("="))
    return native.view(f"u{native.itemsize}") if native.dtype.kind == "f" else native


def cards(header):
    """The cards that do not tell of the form of the file."""
    return [str(card) for card in header.cards if card.keyword not in FORM]


def row_noise(row):
    """The noise of a row, at most: twice the largest of two estimates."""
    row = row[np.isfinite(row)].astype("f8")
    if row.size < 9:
        return 0
    third = 0.6052697 * np.median(np.abs(2 * row[2:-2] - row[:-4] - row[4:]))
    return 2 * max(third, 1.0483579 * np.median(np.abs(row[2:] - row[:-2])))


def compare(plain, packed, steps):
    """What of a packed file is not as in the plain one; None where all is."""
    was, now = images(plain), images(packed)
    if len(was) != len(now):
        return f"{len(now)} images for {len(was)}"
    for (name, values, header), (other, unpacked, its_header) in zip(was, now, strict=True):
        if name not in (other, "PRIMARY"):
            return f"{other} for {name}"
        if cards(header) != cards(its_header):
            return f"{name}: cards differ: {set(cards(header)) ^ set(cards(its_header))}"
        if values.dtype.newbyteorder("=") != unpacked.dtype.newbyteorder("="):
            return f"{name}: {unpacked.dtype} for {values.dtype}"
        rounded = steps and header["BITPIX"] < 0
        if not rounded:
            if not np.array_equal(bits(values), bits(unpacked)):
                return f"{name}: not every bit is the same"
            continue
        if not np.array_equal(np.isnan(values), np.isnan(unpacked)):
            return f"{name}: NaN at other places"
        for row, (one, two) in enumerate(zip(values, unpacked, strict=True)):
            off = np.abs(one.astype("f8") - two.astype("f8"))
            if np.nanmax(off, initial=0) > row_noise(one) / steps / 2:
                return f"{name}: row {row} is off by {np.nanmax(off)}, its noise is {row_noise(one) / 2}"
    return None


def readers(plain, packed, steps, folder):
    """What astropy, funpack and fitsverify find wrong with a packed file."""
    yield "astropy", compare(plain, packed, steps)
    if shutil.which("funpack"):
        unpacked = folder / "unpacked.fits"
        unpacked.unlink(missing_ok=True)
        subprocess.run(["funpack", "-O", unpacked, packed], check=True, capture_output=True)
        yield "funpack", compare(plain, unpacked, steps)
        if steps is None and plain.read_bytes() != unpacked.read_bytes():
            yield "funpack", "makes other bytes than the plain file has"
    if shutil.which("fitsverify"):
        told = subprocess.run(["fitsverify", "-q", packed], capture_output=True, text=True, check=False).stdout
        yield "fitsverify", None if "OK" in told else told


def main():
    """Packs everything every way."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary")
    binary = parser.parse_args().binary
    compared = 0
    with tempfile.TemporaryDirectory() as place:
        place = Path(place)
        for kind, frames in draw(place, np.random.default_rng(5)).items():
            hdu = ["--hdu", "all"] if kind == "mosaic" else []
            dtypes = ["f32", "f64"] + (["i16", "u16", "i32"] if kind in ("uint16", "mosaic") else [])
            for dtype in dtypes:
                combine = [binary, "combine", "-q", "--overwrite", "--dtype", dtype, *ALL, *hdu, *frames]
                calibrate = [binary, "calibrate", "-q", "--overwrite", "--gain", "1", "--dtype", dtype, *hdu, frames[0]]
                plain, plain_folder, packed = place / "plain.fits", place / "plain", place / "packed"
                subprocess.run([*combine, "-o", plain], check=True)
                subprocess.run([*calibrate, "-o", plain_folder], check=True)
                for packing, steps in PACKINGS:
                    output = place / "packed.fits.fz"
                    subprocess.run([*combine, "--compress", *packing, "-o", output], check=True)
                    subprocess.run([*calibrate, "--compress", *packing, "-o", packed], check=True)
                    name = frames[0].name
                    pairs = [(plain, output), (plain_folder / name, packed / f"{name}.fz")]
                    for one, two in pairs:
                        for reader, fault in readers(one, two, steps, place):
                            compared += 1
                            if fault:
                                print(f"{kind} {dtype} {' '.join(packing)}, {two.name}, {reader}: {fault}")
                                sys.exit(1)
    tools = [tool for tool in ("funpack", "fitsverify") if shutil.which(tool)]
    print(f"{compared} readings of packed outputs by {', '.join(['astropy', *tools])}: as the plain ones")


if __name__ == "__main__":
    main()
