"""Reads every real and odd file, HDU by HDU, and holds what comes of it against a table of verdicts and astropy.

    python scripts/odd_data.py BINARY DATA_DIR [--write]

DATA_DIR holds `real/` and `odd/`. Each image HDU of each file is a combination of one frame: its
pixels must be those of the file, decoded here and by astropy, or the run must end with one
message that names the file and the fault. Which of both is in odd_verdicts.tsv, with the
message, and whether --skip-bad leaves the file out (damaged) or not (refused). A file of which
astropy makes no image has one row, `auto`. Nothing may die of a signal, leave something behind
or pass a limit on its address space. `--write` writes the table anew from what is found (never
where pixels differ). Exit status 1 on any disagreement.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.utils.exceptions import AstropyWarning

from compare import Disagreement, combine_command, shell
from fits_frames import needs_f64, samples_of, stored_values

TABLE = Path(__file__).with_name("odd_verdicts.tsv")
HINT = "; --skip-bad leaves damaged frames out"
HEADING = "file\thdu\tverdict\tsays\n"
FLAGS = ["--planes", "data", "--dtype", "f64", "--mask-hdu", "none", "--uncertainty-hdu", "none", "-j", "1"]
# Far above what any of these files takes, far below what some of their headers ask for.
ADDRESS_SPACE = 1 << 30


@dataclass(frozen=True)
class Row:
    """One HDU of one file, and what becomes of it: `equal`, or `damaged` or `refused` with what is said."""

    file: str
    hdu: str
    verdict: str
    says: str = ""

    def line(self):
        """The row as it stands in the table."""
        return f"{self.file}\t{self.hdu}\t{self.verdict}\t{self.says}".rstrip("\t") + "\n"


def read_table():
    """The table of verdicts."""
    lines = TABLE.read_text().splitlines()[1:]
    rows = [Row(*line.split("\t")) for line in lines]
    return {(row.file, row.hdu): row for row in rows}


def image_hdus(path):
    """The numbers of the HDUs of which astropy makes an image of at least one axis; none where it does not open."""
    try:
        with fits.open(path, memmap=False, lazy_load_hdus=False) as hdus:
            return [n for n, hdu in enumerate(hdus) if hdu.is_image and hdu.header.get("NAXIS", 0) != 0]
    except Exception:  # Whatever astropy stumbles over: the file is judged all the same.
        return []


def expected_pixels(path, number):
    """Candidates for the pixels of an HDU: as decoded here, and as astropy reads them, each with its tolerance."""
    candidates = []
    blank = None
    with fits.open(path, do_not_scale_image_data=True, memmap=False) as hdus:
        hdu = hdus[number]
        if not isinstance(hdu, fits.CompImageHDU) and path.read_bytes()[:6] == b"SIMPLE":
            kind = np.float64 if needs_f64(hdu.header) else np.float32
            stored = stored_values(path, hdu)
            candidates.append((samples_of(stored, hdu.header, kind), 0.0))
            blank = stored == hdu.header["BLANK"] if stored.dtype.kind in "iu" and "BLANK" in hdu.header else None
    scaled = by_astropy(path, number)
    if scaled is not None:
        # It does not take a BLANK that is written as a float for one.
        scaled[np.isinf(scaled) if blank is None else blank] = np.nan
        # It scales integers of 16 bits in float32.
        candidates.append((scaled, 3e-7))
    if not candidates:
        raise Disagreement("read, though astropy reads nothing of it")
    return candidates


def by_astropy(path, number):
    """The pixels as astropy reads them; nothing where it fails."""
    try:
        with fits.open(path, memmap=False, uint=False) as hdus:
            return np.array(hdus[number].data, np.float64)
    except Exception:  # A file that is odd enough breaks it anywhere.
        return None


def flat_mean(values):
    """The mean over the planes of a cube; NaN is left out."""
    cube = values.reshape((-1, *values.shape[-2:]))
    if len(cube) == 1:
        return cube[0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.nanmean(cube, axis=0)


def check_pixels(output, path, number):
    """Compare an output with its frame, pixel by pixel."""
    with fits.open(output, memmap=False) as hdus:
        got = np.array(hdus[0].data, np.float64)
    for values, tolerance in expected_pixels(path, number):
        expected = flat_mean(values)
        if got.shape != expected.shape:
            raise Disagreement(f"shape {got.shape}, expected {expected.shape}")
        if values.size > got.size:
            tolerance = max(tolerance, 1e-12)
        largest = np.nanmax(np.abs(values), initial=0.0)
        wrong = ~np.isclose(got, expected, rtol=tolerance, atol=tolerance * largest, equal_nan=True)
        if wrong.any():
            row, col = np.argwhere(wrong)[0]
            raise Disagreement(
                f"{wrong.sum()} pixels differ, first at row {row} col {col}: "
                f"got {got[row, col]!r}, expected {expected[row, col]!r}"
            )


def limit_address_space():
    """Let an allocation by a header's say-so fail."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))


def judge(binary, data, path, hdu):
    """What becomes of one HDU."""
    name = str(path.relative_to(data))
    with tempfile.TemporaryDirectory(prefix="odd-data-") as folder:
        output = Path(folder) / "out.fits"
        chosen = [] if hdu == "auto" else ["--hdu", hdu]
        command = combine_command(binary, [*FLAGS, *chosen, "--mem-limit", "256M"], output, [path])
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, timeout=120, preexec_fn=limit_address_space
        )
        message = done.stderr.strip()
        try:
            if done.returncode == 0:
                check_pixels(output, path, 0 if hdu == "auto" else int(hdu))
                return Row(name, hdu, "equal")
            check_refusal(done.returncode, message, path, folder)
        except Disagreement as error:
            raise Disagreement(f"{shell(command)}\n{error}\n{message}") from None
    said = fault(message, path)
    return Row(name, hdu, "damaged" if said.endswith(HINT) else "refused", said.removesuffix(HINT))


def check_refusal(code, message, path, folder):
    """Refuse a refusal that is not one message about this file."""
    errors = [line for line in message.splitlines() if line.startswith("ccdstream: error:")]
    if code != 1 or len(errors) != 1 or str(path) not in errors[0] or "panicked" in message:
        raise Disagreement(f"exit status {code}, {len(errors)} messages")
    left = [entry.name for entry in Path(folder).iterdir()]
    if left:
        raise Disagreement(f"left behind: {left}")


def fault(message, path):
    """What is said of the file, less its name."""
    errors = [line for line in message.splitlines() if line.startswith("ccdstream: error:")]
    return errors[0].split(str(path), 1)[1].lstrip(":").strip()


def cases(data):
    """Every HDU that is judged."""
    files = sorted(path for part in ("real", "odd") for path in (data / part).rglob("*") if path.is_file())
    for path in files:
        numbers = image_hdus(path)
        yield from ((path, str(number)) for number in numbers)
        if not numbers:
            yield path, "auto"


def main():
    """Judge every file; the exit status says whether all is as the table says."""
    warnings.simplefilter("ignore", AstropyWarning)
    warnings.simplefilter("ignore", UserWarning)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("data", type=lambda text: Path(text).resolve(), help="the folder that holds real/ and odd/")
    parser.add_argument("--write", action="store_true", help="write the table anew")
    args = parser.parse_args()
    table = {} if args.write else read_table()
    rows, failed = [], 0

    def run(case):
        try:
            return judge(args.binary, args.data, *case)
        except (Disagreement, subprocess.TimeoutExpired) as error:
            return error

    listed = list(cases(args.data))
    with ThreadPoolExecutor(2) as pool:
        for (path, hdu), row in zip(listed, pool.map(run, listed), strict=True):
            name = str(path.relative_to(args.data))
            wanted = table.pop((name, hdu), None)
            if not isinstance(row, Row):
                failed += 1
                print(f"DISAGREES: {name}[{hdu}]\n{row}", flush=True)
                continue
            rows.append(row)
            if not args.write and row != wanted:
                failed += 1
                print(f"DISAGREES: {name}[{hdu}]\n  found  {row}\n  wanted {wanted}", flush=True)
    for name, hdu in table:
        failed += 1
        print(f"DISAGREES: {name}[{hdu}] is in the table, but was not found")
    if args.write:
        TABLE.write_text(HEADING + "".join(row.line() for row in rows))
    equal = sum(row.verdict == "equal" for row in rows)
    print(f"{len(listed)} images and files: {equal} equal, {len(rows) - equal} refused by name, {failed} disagree")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
