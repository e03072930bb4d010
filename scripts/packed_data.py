"""Combines packed frames of real cameras, and holds them against the frames that they were packed from and astropy.

    python scripts/packed_data.py BINARY DATA_DIR

DATA_DIR holds `real/`. Each image of each packed file, taken alone, must have the pixels that
astropy reads; lossless variants of one frame must all give the file that the frame itself gives,
but for its name; and stacks of frames packed in different ways must give the planes of the plain
frames, whatever the limit and the threads. Exit status 1 on any disagreement.
"""

import argparse
import gzip
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

PACKED = [
    "real/derived-fz-gz/*",
    "real/astropy-workshop/*.gz",
    "real/lsst-obs_test/*.gz",
    "real/pocs/*.fz",
    "real/sfft-nircam-tess/*.fz",
]
LIGHT = "tres1-021"
ALONE = ["--dtype", "f64", "--planes", "data", "--mask-hdu", "none", "--uncertainty-hdu", "none"]
ALL_PLANES = ["--planes", "data,mask,uncertainty,count,low,high"]
# Of 22 frames of 1.6 MB: plenty, and little.
LIMITS = ["1G", "18M"]


class Disagreement(Exception):
    """What was found is not what was expected."""


def launch(command):
    """Standard output of a command that must end well."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise Disagreement(f"exit {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def images(path):
    """The number of each image HDU of a file, with the pixels that astropy makes of it in float64."""
    with fits.open(path, memmap=False, uint=False) as hdus:
        for number, hdu in enumerate(hdus):
            if hdu.is_image and hdu.header.get("NAXIS", 0) in (2, 3):
                yield number, np.array(hdu.data, np.float64)


def check_alone(binary, path, out):
    """Compare every image of a file with astropy, which scales 16-bit integers in float32; returns how many there are."""
    count = 0
    for number, pixels in images(path):
        launch([binary, "combine", "-q", "--overwrite", "-o", out, *ALONE, f"{path}[{number}]"])
        got = fits.getdata(out)
        want = np.where(np.isinf(pixels), np.nan, pixels)
        want = want.reshape((-1, *want.shape[-2:])).mean(axis=0)
        if not np.allclose(got, want, rtol=3e-7, atol=0, equal_nan=True):
            raise Disagreement(f"HDU {number}: {np.nanmax(np.abs(got - want))} at most from astropy")
        count += 1
    return count


def planes(out):
    """The bytes of every HDU's data."""
    with fits.open(out, memmap=False) as hdus:
        return [None if hdu.data is None else hdu.data.tobytes() for hdu in hdus]


def combined(binary, out, frames, *flags):
    """The planes of a combination."""
    launch([binary, "combine", "-q", "--overwrite", "-o", out, *ALL_PLANES, *flags, *frames])
    return planes(out)


def find(data, name):
    """A plain frame by its name."""
    found = [path for path in sorted((data / "real").rglob(name)) if "derived" not in str(path)]
    if not found:
        raise Disagreement(f"there is no {name}")
    return found[0]


def check_variants(binary, data, out):
    """One frame, packed in every way, is the plain frame to the byte; so is a stack of all of them."""
    packed = sorted((data / "real/derived-fz-gz").glob(f"{LIGHT}.*"))
    plain = out.with_name(f"{LIGHT}.fit")
    plain.write_bytes(gzip.decompress((data / f"real/derived-fz-gz/{LIGHT}.fit.gz").read_bytes()))
    alone = combined(binary, out, [plain])
    for path in packed:
        if combined(binary, out, [path]) != alone:
            raise Disagreement(f"{path.name} is not {plain.name}")
    want = combined(binary, out, [plain] * len(packed))
    for limit in LIMITS:
        for threads in "1", "3":
            if combined(binary, out, packed, "--mem-limit", limit, "-j", threads) != want:
                raise Disagreement(f"the stack of all of them within {limit} by {threads} threads")
    return len(packed)


def check_stack(binary, data, out, pattern):
    """A stack of packed frames is that of the plain ones, with what is measured on them."""
    folder = data / "real/derived-fz-gz"
    packed = sorted(folder.glob(pattern))
    plain = [find(data, path.stem) for path in packed]
    flags = ["--clip", "sigma:2.5", "--scale", "median", "--zero", "mode"]
    want = combined(binary, out, plain, *flags)
    for limit in LIMITS:
        if combined(binary, out, packed, *flags, "--mem-limit", limit) != want:
            raise Disagreement(f"{pattern} within {limit}")
    plan = json.loads(launch([binary, "combine", "--dry-run", "--json", "-o", out, "--overwrite", *packed]))
    if plan["packing"]["by_bands"] != len(packed):
        raise Disagreement(f"{pattern}: {plan['packing']}")
    return len(packed)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("data", type=Path)
    args = parser.parse_args()
    binary = args.binary.resolve()
    warnings.simplefilter("ignore", AstropyWarning)
    warnings.simplefilter("ignore", RuntimeWarning)
    failed = 0
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "out.fits"
        paths = [path for pattern in PACKED for path in sorted(args.data.glob(pattern))]
        cases = [(path.name, lambda path=path: check_alone(binary, path, out)) for path in paths]
        cases += [
            ("one frame packed in every way", lambda: check_variants(binary, args.data, out)),
            ("darks, Rice", lambda: check_stack(binary, args.data, out, "tres1-00?d.fit.fz")),
            ("ALFOSC, Rice, extensions", lambda: check_stack(binary, args.data, out, "ALDc*.fz")),
        ]
        for name, check in cases:
            try:
                print(f"ok     {name}: {check()}", flush=True)
            except Disagreement as fault:
                failed += 1
                print(f"FAILED {name}: {fault}", flush=True)
    print(f"{len(cases)} cases, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
