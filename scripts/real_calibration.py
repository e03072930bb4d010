"""Calibrates frames of real cameras and compares every pixel with a numpy script of the same recipe.

    python scripts/real_calibration.py BINARY DATA_DIR

DATA_DIR holds `real/` and `odd/`. Masters are made by `combine` on the way and taken as they are;
the numpy scripts know the headers of these cameras and share nothing with the oracle's chain.
Exit status 1 on any disagreement.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.modeling.fitting import LinearLSQFitter
from astropy.modeling.models import Polynomial1D

from compare import Disagreement, combine_command, launch, shell

SINGLE, DOUBLE = 1.3e-7, 1e-12
PLAIN = ["--planes", "data,mask"]


class Bench:
    """Runs the program in one folder, and reads what it wrote."""

    def __init__(self, binary, folder):
        """Everything is written into the folder."""
        self.binary, self.folder = binary, folder

    def run(self, command, says=()):
        """Run a command that has to do its work, and whose messages hold these words."""
        done = launch(command, self.folder)
        missing = [word for word in says if word not in done.message]
        if done.code != 0 or missing:
            wanted = f", expected the words {missing}" if missing else ""
            raise Disagreement(f"{shell(done.command)}\nexit status {done.code}{wanted}\n{done.message}")

    def combine(self, output, flags, paths, says=()):
        """Make a stack; returns its image, mask and header."""
        self.run(combine_command(self.binary, [*flags, "--overwrite"], output, paths), says)
        return self.read(output)

    def calibrate(self, flags, paths, says=()):
        """Calibrate files into `red`; returns them by name."""
        words = [self.binary, "calibrate", "-q", "--overwrite", *flags, "-o", "red", *paths]
        self.run([str(word) for word in words], says)
        return {path.name: self.read(f"red/{path.name}") for path in paths}

    def read(self, name):
        """(image as f64, mask, uncertainty or None, header) of the first image of an output."""
        with fits.open(self.folder / name, memmap=False) as hdus:
            image = next(hdu for hdu in hdus if hdu.data is not None)
            planes = {hdu.name: hdu.data.astype(float) for hdu in hdus if hdu.name in ("MASK", "UNCERT")}
            mask = planes.get("MASK", np.zeros(image.data.shape))
            return image.data.astype(float), mask != 0, planes.get("UNCERT"), image.header


def raw(path, hdu=0):
    """A raw image as f64."""
    with fits.open(path, do_not_scale_image_data=True, memmap=False) as hdus:
        header = hdus[hdu].header
        return hdus[hdu].data.astype(np.float64) * header.get("BSCALE", 1) + header.get("BZERO", 0)


def same(what, got, expected, relative, slack=0.0):
    """Raise where numbers differ."""
    if got is None or got.shape != expected.shape:
        raise Disagreement(f"{what}: shape {None if got is None else got.shape}, numpy {expected.shape}")
    wrong = ~np.isclose(got, expected, rtol=relative, atol=slack, equal_nan=True)
    if wrong.any():
        row, col = np.argwhere(wrong)[0]
        raise Disagreement(
            f"{what}: {wrong.sum()} pixels differ from numpy, first at row {row} col {col} (0-based): "
            f"got {got[row, col]!r}, numpy {expected[row, col]!r}"
        )


def alfosc(bench, data):
    """BIASSEC runs beyond the binned frame; GAIN, RDNOISE in the image's header, EXPTIME in the primary."""
    home = data / "real/not-alfosc"
    groups = {kind: sorted((home / kind).glob("*.fits")) for kind in ("bias", "flat", "science")}
    trim, cut = ["--trim", "[54:400,2:1051]"], "BIASSEC"
    steps = ["--overscan", "BIASSEC", *trim]

    def trimmed(path, over=True):
        values = raw(path, 1)
        return (values - over * np.median(values[:, 2:52], axis=1)[:, None])[1:, 53:]

    bias, *_ = bench.combine("bias.fits", ["-m", "median", *PLAIN, *steps], groups["bias"], [cut])
    same("bias", bias, np.median([trimmed(p) for p in groups["bias"]], axis=0), DOUBLE)
    plain, *_ = bench.combine("plain.fits", ["-m", "median", *PLAIN, *trim], groups["bias"])
    # The lamp shines on the overscan of the flats: they go without.
    flags = ["-m", "median", "--scale", "median", *PLAIN, *trim, "--bias", "plain.fits"]
    flat, flat_mask, *_ = bench.combine("flat.fits", flags, groups["flat"])
    lights = [trimmed(p, over=False) - plain for p in groups["flat"]]
    same("flat", flat, np.median([x / np.median(x) for x in lights], axis=0), DOUBLE)
    flags = [*steps, "--bias", "bias.fits", "--dark", "bias.fits", "--dark-scale", "--dark-exposure", "2000"]
    flags += ["--flat", "flat.fits", "--flat-min", "0.01", "--gain", "GAIN", "--gain-last"]
    answers = bench.calibrate([*flags, "--readnoise", "RDNOISE", "--deviation"], groups["science"], [cut])
    limited = np.maximum(flat, 0.01)
    normed = limited / limited.mean()
    for path in groups["science"]:
        got, mask, deviation, header = answers[path.name]
        counts = trimmed(path)
        seconds = fits.getheader(path, 0)["EXPTIME"]
        expected = (counts - bias - bias * (seconds / 2000)) / normed * 0.16
        same(path.name, got, expected, DOUBLE, 1e-7)
        same(f"{path.name} UNCERT", deviation, np.sqrt(0.16 * np.maximum(counts, 0) + 4.3**2) / normed, 1e-6)
        if mask.any() != flat_mask.any() or header.get("BUNIT") != "electron":
            raise Disagreement(f"{path.name}: mask {mask.sum()}, BUNIT {header.get('BUNIT')}")
    return sum(map(len, groups.values()))


def tres(bench, data):
    """Darks and lights of one exposure, under two keywords; the gain under EGAIN."""
    home = data / "real/oscaar-tres1"
    darks, lights = sorted((home / "dark").glob("*.fit")), sorted((home / "sci").glob("*.fit"))
    dark, *_ = bench.combine("dark.fits", ["-m", "median", *PLAIN], darks)
    same("dark", dark, np.median([raw(p) for p in darks], axis=0), 0.0)
    flags = ["--dark", "dark.fits", "--dark-scale", "--exposure-key", "EXPOSURE", "--readnoise", "8.8", "--deviation"]
    answers = bench.calibrate([*flags, "--gain", "EGAIN", "--gain-last"], lights)
    gain = 0.77999997138977051
    for path in lights:
        got, mask, deviation, _ = answers[path.name]
        counts = raw(path)
        same(path.name, got, (counts - dark) * gain, SINGLE)
        same(f"{path.name} UNCERT", deviation, np.sqrt(gain * counts + 8.8**2), 1e-6)
        if mask.any():
            raise Disagreement(f"{path.name} has masked pixels")
    stack, *_ = bench.combine("stack.fits", ["-m", "median", *PLAIN, "--dark", "dark.fits"], lights)
    same("stack on the way", stack, np.median([raw(p) - dark for p in lights], axis=0), SINGLE)
    return len(darks) + len(lights)


def tircam(bench, data):
    """A whole small reduction; EXPTIME is a string."""
    home = data / "real/ic310-512"
    biases, flats, lights = (sorted(home.glob(p)) for p in ("bias_*.fits", "flats*.fits", "IC310_*.fits"))
    bias, *_ = bench.combine("bias.fits", ["-m", "median", *PLAIN], biases)
    flat, *_ = bench.combine("flat.fits", [*PLAIN, "--bias", "bias.fits"], flats)
    same("flat", flat, np.mean([raw(p) - bias for p in flats], axis=0), SINGLE, 1e-9)
    flags = ["--bias", "bias.fits", "--dark", str(biases[0]), "--dark-scale", "--dark-exposure", "160"]
    answers = bench.calibrate([*flags, "--flat", "flat.fits", "--flat-norm", "median"], lights)
    good = np.isfinite(flat) & (flat > 0)
    normed = np.where(good, flat / np.median(flat[np.isfinite(flat)]), 1.0)
    for path in lights:
        got, mask, *_ = answers[path.name]
        k = float(fits.getheader(path)["EXPTIME"]) / 160
        expected = (raw(path) - bias - raw(biases[0]) * k) / normed
        same(path.name, got, expected, SINGLE, 1e-7)
        same(f"{path.name} MASK", mask.astype(float), (~good).astype(float), 0.0)
    return len(biases) + len(flats) + len(lights)


def saao(bench, data):
    """Overscan and trim from sections with blanks."""
    path = data / "odd/ccdproc/a8280271.fits"
    values = raw(path)
    over = values[:, 3:13]
    curve = LinearLSQFitter()(Polynomial1D(3), np.arange(520), over.mean(axis=1))(np.arange(520))
    ways = {
        (): np.median(over, axis=1),
        ("--overscan-stat", "mean"): over.mean(axis=1),
        ("--overscan-stat", "mean", "--overscan-fit", "poly:3"): curve,
        ("--overscan-stat", "mean", "--overscan-fit", "legendre:3"): curve,
        ("--overscan-stat", "mean", "--overscan-fit", "chebyshev:3"): curve,
    }
    noise = ["--gain", "GAIN", "--readnoise", "RDNOISE", "--deviation"]
    for more, level in ways.items():
        flags = ["--overscan", "BIASSEC", "--trim", "TRIMSEC", *noise, *more]
        got, _, deviation, header = bench.calibrate(flags, [path])[path.name]
        counts = (values - level[:, None])[:, 16:528]
        same(f"{path.name} {more}", got, counts * 1.9, SINGLE, 1e-9 * float(level.max()))
        same(f"{path.name} UNCERT {more}", deviation, np.sqrt(1.9 * np.maximum(counts, 0) + 25), 1e-6)
        if "TRIMSEC" in header or "BIASSEC" in header:
            raise Disagreement("sections that no longer hold are left in the header")
    return 1


def mef(bench, data):
    """All chips of a file, by order: its flat has no EXTNAME either."""
    paths = [data / f"odd/ccdproc/{kind}-mef.fits" for kind in ("science", "flat")]
    for norm in ([], ["--flat-norm-over", "mef"]):
        bench.calibrate(["--hdu", "all", "--flat", str(paths[1]), *norm], paths[:1])
        with fits.open(bench.folder / "red/science-mef.fits") as hdus, fits.open(paths[0]) as before:
            images = [hdu.data for hdu in hdus if hdu.data is not None]
            if len(images) != len(before) - 1:
                raise Disagreement(f"{len(images)} images, {len(before) - 1} chips")
            for number, got in enumerate(images, 1):
                flat = raw(paths[1], number)
                same(f"chip {number}", got.astype(float), raw(paths[0], number) / (flat / flat.mean()), SINGLE)
    return 2


CASES = {"NOT ALFOSC": alfosc, "TrES-1": tres, "TIRCAM2, IC 310": tircam, "SAAO, odd sections": saao, "MEF pair": mef}


def main():
    """Judge every case; the exit status says whether all agreed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("data", type=lambda text: Path(text).resolve(), help="the folder that holds real/ and odd/")
    args = parser.parse_args()
    failed = 0
    for name, case in CASES.items():
        with tempfile.TemporaryDirectory(prefix="real-calibration-") as folder:
            try:
                nframe = case(Bench(args.binary, Path(folder)), args.data)
                print(f"agrees: {name} ({nframe} frames)", flush=True)
            except Disagreement as error:
                failed += 1
                print(f"DISAGREES: {name}\n{error}", flush=True)
    print(f"{len(CASES)} cameras, {failed} disagree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
