"""Times calibration: on the way into a stack, and of frames to disk against dd and ccdproc.

    python scripts/calibrate_speed.py BINARY [--frames 100] [--side 2048] [--rounds 3] [--work DIR]
                                      [--peer-frames N] [--only-frames]

Prints medians of rounds that are taken turn by turn, and three ratios with their bounds: `combine` with
bias, dark and flat against without (1.5); `calibrate` of uint16 frames to f32 with all steps, with and
without --deviation, against `dd bs=1M`, file by file, of the bytes that it reads and writes (1.3);
ccdproc.ccd_process on the same files against `calibrate` (at least 10). Exit status 1 where one is broken.
ccdproc is timed as its users run it, ccd_process and then write, which makes files of float64; and, shown beside
and not judged, with its pixels cast to float32 before they are written, as `calibrate` writes them.
dd reads each frame, and writes a file of the size of its output from /dev/zero; the shell that calls it is
started once. What is dirty is on the disk before each run. ccdproc may be given fewer frames (--peer-frames;
its time is scaled then); its imports do not count, and it is asked once where it takes long.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from astropy.io import fits

ON_THE_WAY, AGAINST_DD, AGAINST_CCDPROC = 1.5, 1.3, 10.0
ENOUGH = 20.0
OVERSCAN = 32
MASTERS = ["--bias", "bias.fits", "--dark", "dark.fits", "--flat", "flat.fits"]
STEPS = ["--overscan", "BIASSEC", "--trim", "TRIMSEC", "--gain", "GAIN", "--gain-last", *MASTERS, "--dark-scale"]
NOISE = ["--readnoise", "RDNOISE", "--deviation"]
COMBINES = {
    "mean": ["-m", "average"],
    "median": ["-m", "median"],
    "3 sigma": ["--clip", "sigma:3,3,center=mean,dev=std"],
    "5 MAD": ["--clip", "sigma:5"],
}
CCDPROC = """
import glob, json, logging, sys, time, warnings
from pathlib import Path
import ccdproc
from astropy import units as u
from astropy.nddata import CCDData
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
names, out = json.loads(sys.argv[1]), Path(sys.argv[2])
noise, cast = "noise" in sys.argv[3:], "cast" in sys.argv[3:]
begin = time.perf_counter()
masters = {n: CCDData.read(f"{n}.fits", unit="adu") for n in ("bias", "dark", "flat")}
for name in names:
    ccd = CCDData.read(name, unit="adu")
    h = ccd.header
    gain, readnoise = h["GAIN"] * u.electron / u.adu, h["RDNOISE"] * u.electron
    ccd = ccdproc.ccd_process(
        ccd, oscan=h["BIASSEC"], trim=h["TRIMSEC"], error=noise, gain=gain, readnoise=readnoise,
        master_bias=masters["bias"], dark_frame=masters["dark"], master_flat=masters["flat"],
        exposure_key="EXPTIME", exposure_unit=u.s, dark_scale=True, gain_corrected=False)
    if cast:
        ccd.data = ccd.data.astype("f4")
    ccd.write(out / Path(name).name, overwrite=True)
print(time.perf_counter() - begin)
"""


def make_files(work, count, side):
    """Frames f0000.fits … with overscan columns beside them, and masters in f32."""
    rng = np.random.default_rng(1)
    (work / "raw").mkdir(parents=True)
    cards = {"GAIN": 1.7, "RDNOISE": 5.2, "EXPTIME": 120.0}
    cards["BIASSEC"] = f"[{side + 1}:{side + OVERSCAN},1:{side}]"
    cards["TRIMSEC"] = f"[1:{side},1:{side}]"
    for number in range(count):
        pixels = rng.integers(980, 1020, (side, side + OVERSCAN), dtype=np.uint16)
        pixels[:, :side] += rng.integers(2000, 2200, (side, side), dtype=np.uint16)
        hdu = fits.PrimaryHDU(pixels)
        hdu.header.update(cards)
        hdu.writeto(work / f"raw/f{number:04d}.fits")
    levels = {"bias": (3.0, 1.0), "dark": (20.0, 2.0), "flat": (1.0, 0.02)}
    for name, (level, spread) in levels.items():
        master = fits.PrimaryHDU(rng.normal(level, spread, (side, side)).astype("f4"))
        master.header["EXPTIME"] = 60.0
        master.writeto(work / f"{name}.fits")
    plain = work / "plain"
    plain.mkdir()
    for path in sorted((work / "raw").iterdir()):
        fits.PrimaryHDU(fits.getdata(path)[:, :side]).writeto(plain / path.name)
        fits.setval(plain / path.name, "EXPTIME", value=cards["EXPTIME"])


def seconds(command, work):
    """Wall seconds of a command that has to succeed; what is dirty is on the disk before."""
    os.sync()
    begin = time.perf_counter()
    done = subprocess.run(list(map(str, command)), check=False, cwd=work, capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"exit status {done.returncode}: {' '.join(map(str, command))[:300]}\n{done.stderr[-500:]}")
    return time.perf_counter() - begin


def combine(binary, work, flags):
    """Seconds of one stack."""
    return seconds(
        [binary, "combine", "-q", "--overwrite", "--planes", "data", *flags, "-o", "out.fits", "plain"], work
    )


def calibrate(binary, work, flags):
    """Seconds of calibrating all frames into an empty folder."""
    shutil.rmtree(work / "red", ignore_errors=True)
    return seconds([binary, "calibrate", "-q", *flags, "-o", "red", "raw"], work)


def output_sizes(work):
    """(name, bytes) of every output, which go."""
    sizes = [(path.name, path.stat().st_size) for path in sorted((work / "red").iterdir())]
    shutil.rmtree(work / "red")
    return sizes


def copy_by_dd(work, sizes):
    """Seconds of reading every frame and of writing as many bytes as its output has, by dd."""
    shutil.rmtree(work / "copies", ignore_errors=True)
    (work / "copies").mkdir()
    zeros = "dd bs=1M status=none if=/dev/zero iflag=count_bytes"
    lines = [
        f"dd bs=1M status=none if=raw/{name} of=/dev/null && {zeros} count={size} of=copies/{name} || exit 1"
        for name, size in sizes
    ]
    (work / "copies.sh").write_text("\n".join(lines) + "\n")
    return seconds(["sh", "copies.sh"], work)


def peer(work, names, words):
    """Seconds of ccd_process for these frames, reading the masters included; `words` may have "noise" and "cast"."""
    shutil.rmtree(work / "theirs", ignore_errors=True)
    (work / "theirs").mkdir()
    os.sync()
    command = [sys.executable, "-c", CCDPROC, json.dumps(names), "theirs", *words]
    done = subprocess.run(command, check=True, cwd=work, capture_output=True, text=True)
    return float(done.stdout)


class Ratios:
    """Prints ratios, and remembers whether one is beyond its bound."""

    def __init__(self):
        """None is broken yet."""
        self.broken = 0

    def say(self, what, ratio, bound, figures):
        """One line; `bound` is (the most) or, negative, the least."""
        fine = ratio <= bound if bound > 0 else ratio >= -bound
        self.broken += not fine
        words = f"at most {bound}" if bound > 0 else f"at least {-bound}"
        print(f"{what:44} {ratio:7.2f}  ({words}{'' if fine else ', BROKEN'})  {figures}", flush=True)


def judge_combines(binary, work, rounds, ratios):
    """`combine` with masters on the way against without."""
    for name, flags in COMBINES.items():
        taken = {"without": [], "with": []}
        for number in range(rounds + 1):
            for way, more in (("without", []), ("with", [*MASTERS, "--dark-scale"])):
                spent = combine(binary, work, [*flags, *more])
                if number:
                    taken[way].append(spent)
        plain, way = (statistics.median(taken[kind]) for kind in ("without", "with"))
        ratios.say(
            f"combine, {name}: bias, dark, flat on the way", way / plain, ON_THE_WAY, f"{way:.2f} / {plain:.2f} s"
        )


def judge_calibrate(binary, work, args, noise, ratios):
    """`calibrate` against dd and against ccdproc."""
    flags = [*STEPS, *(NOISE if noise else [])]
    names = sorted(f"raw/{path.name}" for path in (work / "raw").iterdir())
    calibrate(binary, work, flags)
    sizes = output_sizes(work)
    some = names[: args.peer_frames]
    ours, copies, theirs, casts = [], [], [], []
    for number in range(args.rounds):
        copies.append(copy_by_dd(work, sizes))
        ours.append(calibrate(binary, work, flags))
        if number == 0 or theirs[0] < ENOUGH:
            words = ["noise"] if noise else []
            theirs.append(peer(work, some, words) * len(names) / len(some))
            casts.append(peer(work, some, [*words, "cast"]) * len(names) / len(some))
    mine, copy, other, cast = map(statistics.median, (ours, copies, theirs, casts))
    what = "calibrate, all steps" + (", --deviation" if noise else "")
    size = sum(size for _, size in sizes) / 2**20
    ratios.say(f"{what}: against dd", mine / copy, AGAINST_DD, f"{mine:.2f} / {copy:.2f} s, {size:.0f} MiB written")
    beside = f"; cast to float32 {cast / mine:.2f}: {cast:.1f} s"
    ratios.say(f"{what}: ccdproc", other / mine, -AGAINST_CCDPROC, f"{other:.1f} / {mine:.2f} s{beside}")


def main():
    """Make the files, time everything, say whether a bound is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary", type=lambda text: Path(text).resolve())
    parser.add_argument("--frames", type=int, default=100)
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--peer-frames", type=int, help="frames that ccdproc is given: all")
    parser.add_argument("--only-frames", action="store_true", help="leave out the stacks")
    parser.add_argument("--work", type=Path, help="keep the files in this folder, and take those that are there")
    args = parser.parse_args()
    work = (args.work or Path(tempfile.mkdtemp(prefix="calibrate-speed-"))).resolve()
    ratios = Ratios()
    try:
        if not (work / "plain").exists():
            make_files(work, args.frames, args.side)
        if not args.only_frames:
            judge_combines(args.binary, work, args.rounds, ratios)
        for noise in (False, True):
            judge_calibrate(args.binary, work, args, noise, ratios)
    finally:
        if args.work is None:
            shutil.rmtree(work)
    return 1 if ratios.broken else 0


if __name__ == "__main__":
    sys.exit(main())
