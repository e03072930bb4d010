"""Runs the program on a configuration and compares what it wrote with what is expected."""

import re
import shlex
import subprocess
from dataclasses import dataclass, field
from math import floor, isnan, sqrt

import numpy as np
from astropy.io import fits

from fits_frames import samples_of, stored_values
from stack_oracle import INTEGERS, NEAR

BITPIX = {"f32": -32, "f64": -64, "i16": 16, "u16": 16, "i32": 32}
SELECTED = ("median", "min", "max", "lmedian")
EXTENSION = {"mask": "MASK", "uncertainty": "UNCERT", "count": "COUNT", "low": "LOW", "high": "HIGH"}
PLANE_BITPIX = {"mask": 8, "count": 32, "low": 32, "high": 32}


class Disagreement(Exception):
    """The program and the oracle differ; the text says where."""


@dataclass
class Run:
    """One run of the program."""

    command: list
    code: int
    message: str


@dataclass
class Tally:
    """What has been compared."""

    pixels: int = 0
    undecided: int = 0
    refused: int = 0
    planes: dict = field(default_factory=dict)


def run_once(command, folder):
    """Run a command to its end."""
    return subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=300)


def launch(command, folder):
    """Run a command; where the limit is too small, again with the limit that it asks for."""
    done = run_once(command, folder)
    asked = re.search(r"--mem-limit (\d+K)", done.stderr)
    if done.returncode == 1 and asked and "--mem-limit" in command:
        command = list(command)
        command[command.index("--mem-limit") + 1] = asked.group(1)
        done = run_once(command, folder)
    return Run(command, done.returncode, done.stderr.strip())


def combine_command(binary, flags, output, paths):
    """The command line of a run."""
    return [str(binary), "combine", "-q", *flags, "-o", str(output), *map(str, paths)]


def shell(command):
    """A command as it would be typed."""
    return " ".join(shlex.quote(str(word)) for word in command)


def read_output(path, planes, dtype):
    """The planes of an output by name; refuses missing, surplus and wrongly typed ones."""
    wanted = [EXTENSION[name] for name in planes if name != "data"]
    with fits.open(path, do_not_scale_image_data=True, memmap=False) as hdus:
        found = [hdu.name for hdu in hdus[1:]]
        if sorted(found) != sorted(wanted):
            raise Disagreement(f"extensions {found}, expected {wanted}")
        if hdus[0].header["BITPIX"] != BITPIX[dtype]:
            raise Disagreement(f"BITPIX {hdus[0].header['BITPIX']} for {dtype}")
        answer = {"data": samples_of(stored_values(path, hdus[0]), hdus[0].header)}
        for name in planes:
            if name != "data":
                answer[name] = read_plane(path, hdus[EXTENSION[name]], name)
    return answer


def read_plane(path, hdu, name):
    """One companion plane of the output."""
    header = hdu.header
    if name == "uncertainty" and (header.get("UTYPE") != "StdDevUncertainty" or header["BITPIX"] > 0):
        raise Disagreement(f"UNCERT has UTYPE {header.get('UTYPE')}, BITPIX {header['BITPIX']}")
    if header["BITPIX"] != PLANE_BITPIX.get(name, header["BITPIX"]):
        raise Disagreement(f"{name} has BITPIX {header['BITPIX']}")
    return samples_of(stored_values(path, hdu), header)


def is_data_right(got, pixel, recipe, dtype):
    """Whether a value of the output is the expected one; None where rounding alone decides."""
    if isnan(got) or isnan(pixel.data):
        return isnan(got) and isnan(pixel.data)
    if dtype in INTEGERS:
        return is_integer_right(got, pixel)
    if dtype == "f32":
        expected = np.float32(pixel.data)
        ulp = float(np.spacing(abs(expected)))
    else:
        expected = pixel.data
        ulp = 1e-12 * abs(pixel.data)
    if recipe.method in SELECTED:
        ulp = 0.0
    return abs(got - float(expected)) <= ulp + pixel.slack


def is_integer_right(got, pixel):
    """Half to even; a half that rounding may have made or moved is undecided."""
    half = abs(pixel.data - floor(pixel.data) - 0.5)
    if not pixel.exact and half <= NEAR * max(1.0, abs(pixel.data)) + pixel.slack:
        return None
    return got == round(pixel.data)


def is_uncertainty_right(got, pixel):
    """1e-6 relative, with what f64 leaves of a zero."""
    if isnan(pixel.uncertainty):
        return isnan(got)
    left = 1e-15 * pixel.largest * sqrt(pixel.count)
    return abs(got - pixel.uncertainty) <= 1e-6 * pixel.uncertainty + left


def verdict(name, got, pixel, recipe, dtype):
    """Whether one plane agrees at one pixel."""
    if name == "data":
        return is_data_right(got, pixel, recipe, dtype)
    if name == "uncertainty":
        return is_uncertainty_right(got, pixel)
    return got == getattr(pixel, name)


def compare(answer, expected, recipe, tally):
    """Compare every plane at every expected pixel; raises Disagreement at the first that differs."""
    for (row, col), pixel in expected.pixels.items():
        tally.pixels += 1
        if pixel is None:
            tally.undecided += 1
            continue
        right = {
            name: verdict(name, float(values[row, col]), pixel, recipe, expected.dtype)
            for name, values in answer.items()
        }
        if any(value is False for value in right.values()):
            raise Disagreement(describe(answer, expected, (row, col), right))
        tally.undecided += any(value is None for value in right.values())


def describe(answer, expected, place, right):
    """The first bad pixel: its samples, what was expected and what was got."""
    row, col = place
    pixel = expected.pixels[place]
    lines = [f"pixel row {row} col {col} of the output (0-based), {expected.dtype}"]
    for name, values in answer.items():
        mark = "" if right[name] is not False else "   <-- differs"
        lines.append(f"  {name}: got {values[row, col]!r}, expected {getattr(pixel, name)!r}{mark}")
    for name, values in expected.samples.items():
        if values is not None:
            lines.append(f"  {name}: {values[:, row, col].tolist()}")
    bad = [p for p, v in expected.pixels.items() if v and not agrees(answer, p, v)]
    return "\n".join([*lines, f"  {len(bad)} of {len(expected.pixels)} pixels differ in mask or counts"])


def agrees(answer, place, pixel):
    """Whether mask and counts agree at a pixel."""
    exact = [name for name in answer if name in PLANE_BITPIX]
    return all(float(answer[name][place]) == getattr(pixel, name) for name in exact)
