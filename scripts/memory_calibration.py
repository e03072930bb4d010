"""The cases of the memory campaign that calibrate: on the way into a stack, and frame by frame."""

import os
import shutil
from dataclasses import dataclass, field

from memory_frames import FORMS, Night
from memory_run import MIB, smallest

ALL = "data,mask,uncertainty,count,low,high"
STEPS = ["--overscan", "BIASSEC", "--trim", "TRIMSEC", "--gain", "GAIN", "--gain-last", "--dark-scale"]
PACKED = ["--compress", "gzip", "--quantize", "4", "--dtype", "f64"]
NOISE = ["--readnoise", "RDNOISE", "--deviation"]
SPLINE = ["--overscan-fit", "spline3:8", "--overscan-clip", "3,3,2"]
MOST = [*STEPS, *NOISE, "--sky", "median", "--flat-norm", "median"]
EVERY = [*MOST, *SPLINE]
STACK = ["--zero", "median", "--clip", "sigma:3", "--planes", ALL]


@dataclass(frozen=True)
class Case:
    """Frames, and what is done to them."""

    name: str
    night: Night
    flags: list
    stacks: bool = False
    bad: bool = True
    threads: list = field(default_factory=lambda: [1, 2, 8])


def stack(name, night, flags=(), **rest):
    """Every step on the way into a stack that is measured and clipped."""
    return Case(f"combine, {name}", night, [*EVERY, *STACK, *flags], stacks=True, **rest)


def frames(name, night, flags=EVERY, **rest):
    """Each frame into a file."""
    return Case(f"calibrate, {name}", night, list(flags), **rest)


def long_cases():
    """Everything."""
    every = ["--hdu", "all"]
    plain = [*STEPS, "--overscan-axis", "row", "--flat-norm", "1"]
    for form in FORMS:
        yield stack(f"masters {form}", Night(24, 512, 512, form), threads=[2])
    yield stack("MEF", Night(12, 400, 512, mef=True), every)
    yield stack("400 frames", Night(400, 256, 256))
    yield stack("2048²", Night(8, 2048, 2048), threads=[2])
    yield stack("30000 columns", Night(20, 4, 30000, above=True))
    for form in FORMS:
        yield frames(f"masters {form}", Night(20, 512, 512, form), threads=[2])
    yield frames("frames -64", Night(20, 512, 512, "-64", raw="-64"))
    yield frames("MEF", Night(12, 400, 512, mef=True), [*EVERY, *every])
    yield frames("MEF, one norm", Night(12, 400, 512, mef=True), [*EVERY, *every, "--flat-norm-over", "mef"])
    yield frames("1 frame", Night(1, 2048, 2048))
    yield frames("6 of 2048²", Night(6, 2048, 2048), threads=[2])
    yield frames("300 frames", Night(300, 128, 128))
    yield frames("300, no sky", Night(300, 128, 128), plain, bad=False)
    yield frames("3000 tiny", Night(3000, 20, 24), plain, bad=False, threads=[2])
    yield frames("1 × 100000", Night(20, 1, 100000, above=True))
    yield frames("30000 × 4", Night(20, 30000, 4), [*MOST, "--overscan-fit", "spline3:100"])
    yield frames("4 × 30000", Night(20, 4, 30000, above=True), [*STEPS, "--overscan-fit", "poly:9"])
    yield frames("100 × 30000", Night(8, 100, 30000), [*MOST, "--overscan-fit", "legendre:3"])
    yield frames("sky by mode", Night(20, 512, 512), [*STEPS, "--sky", "mode", "--flat-norm", "mean"])
    yield frames("20000 cards", Night(12, 200, 256, ncard=20000))
    yield stack("30000 columns, packed", Night(20, 4, 30000, above=True), PACKED)
    yield frames("4 × 30000, packed", Night(20, 4, 30000, above=True), [*STEPS, *NOISE, *PACKED])
    yield frames("20000 cards, packed", Night(12, 200, 256, ncard=20000), [*EVERY, "--compress", "rice"])
    yield frames("MEF, packed", Night(12, 400, 512, mef=True), [*EVERY, *every, "--compress", "rice"])


def short_cases():
    """What a minute has room for."""
    two = {"threads": [2]}
    yield stack("masters -64", Night(8, 256, 256, "-64"))
    yield stack("MEF", Night(6, 200, 256, mef=True), ["--hdu", "all"])
    yield frames("masters -32", Night(20, 256, 256))
    yield frames("masters 16", Night(6, 256, 256, "16 + BZERO"), **two)
    yield frames("MEF", Night(6, 200, 256, mef=True), [*EVERY, "--hdu", "all"], **two)
    yield frames("4 × 30000", Night(6, 4, 30000, above=True), [*MOST, "--overscan-fit", "poly:9"], **two)
    yield frames("1000 tiny", Night(1000, 20, 24), [*STEPS, "--overscan-axis", "row", "--flat-norm", "1"], bad=False, **two)
    yield frames("4 × 30000, packed", Night(6, 4, 30000, above=True), [*STEPS, *NOISE, *PACKED], **two)


def calibrates(binary, ledger, place, short, only=""):
    """Runs every case at every limit, number of threads and way of reading."""
    cases = short_cases() if short else long_cases()
    for number, case in enumerate(case for case in cases if only in case.name):
        folder = place / f"night{number}"
        case.night.make(folder)
        one(binary, ledger, folder, case, short)
        shutil.rmtree(folder)


def one(binary, ledger, folder, case, short):
    """The runs of one case."""
    out = folder / ("out.fits" if case.stacks else "out")
    masters = [word for name in ("bias", "dark", "flat") for word in (f"--{name}", folder / f"{name}.fits")]
    bad = ["--bad-pixels", folder / "bad.fits"] if case.bad else []
    digests = set()
    for io in ["mmap", "read"]:
        for threads in case.threads:
            command = [binary, "combine" if case.stacks else "calibrate", "-q", "--json", "--overwrite", "-o", out]
            command += [*case.flags, *masters, *bad, "--io", io, "-j", threads, folder / "raw"]
            least = smallest(command)
            limits = [least, 64 * MIB]
            if io == "read" and not short:
                limits += [least * 21 // 20, 1 << 30]
            for limit in sorted({limit for limit in limits if limit >= least}):
                label = f"{case.name:26} {io:4} -j {threads}"
                digests.add(ledger.hold(label, command, out, limit, threads * (io == "mmap"), works=False))
    ledger.same(case.name, digests)
