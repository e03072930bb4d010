"""Cuts runs short in every way at hand, and takes them up: the file must be the one of an uninterrupted run, always.

    python scripts/fault_campaign.py BINARY [--short] [--seed N]

Killed: runs are killed by SIGKILL (some stopped by SIGTERM or SIGINT) at random moments, on a disk made slow, and
taken up with another limit, other threads and another way of reading, until they come to their end.
Faults: full disks (ENOSPC of a shim, of a small file system where it may be mounted, a limit on file sizes), failing
disks (EIO of each call), refused files (EACCES), too few descriptors, frames that are cut short, replaced or removed
during the run, a folder that may not be written to or is removed.

After each: no file under the name of the output that is not whole and right, a message that is one error and no panic,
an end within a minute, and nothing left but what --resume takes up; then, the fault mended, --resume comes to the right
file and leaves nothing else. Needs a C compiler for the shim (fault_shim.c). Exits 1 on the first promise broken.
"""

import argparse
import errno
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits

PATIENCE = 60
HIDDEN = {".out.fits.part", ".out.fits.state", ".out.fits.state.new", ".out.fits.packed"}
NOBODY = 65534


@dataclass
class Night:
    """Frames in a folder, how they are combined, and what that comes to."""

    folder: Path
    flags: list
    reference: bytes = b""

    def out(self, name="out.fits"):
        """The output."""
        return self.folder / name

    def hidden(self):
        """What stands beside the output under hidden names."""
        return {path.name for path in self.folder.iterdir() if path.name.startswith(".")}


@dataclass
class Ended:
    """How a run ended."""

    status: int
    out: str
    error: str
    seconds: float


class Broken(Exception):
    """A promise that was not kept."""


class Campaign:
    """Runs of one program under faults."""

    def __init__(self, binary, folder, seed):
        self.binary, self.folder, self.draw = Path(binary).resolve(), folder, random.Random(seed)
        self.counts, self.before, self.slowest = {}, set(), 0.0
        self.shim = folder / "shim.so"
        source = Path(__file__).with_name("fault_shim.c")
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", self.shim, source, "-ldl"], check=True)

    def count(self, what, amount=1):
        """Adds to what is told at the end."""
        self.counts[what] = self.counts.get(what, 0) + amount

    def start(self, night, *flags, resume=True, shim=None, before=None):
        """Starts a run that syncs all the time, with resources that are drawn anew each time."""
        drawn = ["-j", str(self.draw.randint(1, 4)), "--mem-limit", f"{self.draw.randint(26, 80)}M"]
        drawn += ["--io", self.draw.choice(["read", "read", "mmap"] if not shim else ["read"])]
        command = [self.binary, "combine", *night.flags, *drawn, "--sync-seconds", "0", "-o", "out.fits", *flags]
        command += (["--resume"] if resume else []) + ["--json", "f?.fits"]
        self.before = night.hidden()
        environment = {**os.environ, **({"LD_PRELOAD": str(self.shim), **shim} if shim else {})}
        return subprocess.Popen(
            command, cwd=night.folder, env=environment, text=True, preexec_fn=before,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    def end(self, running, begun=None):
        """Waits for the end of a run."""
        begun = begun or time.monotonic()
        # In small pieces: where this is stopped for a while itself, the run was too.
        for _ in range(4 * PATIENCE):
            try:
                out, error = running.communicate(timeout=0.25)
                return Ended(running.returncode, out, error, time.monotonic() - begun)
            except subprocess.TimeoutExpired:
                continue
        running.kill()
        raise Broken(f"it hangs: {running.args}")

    def run(self, night, *flags, **how):
        """Runs to the end."""
        return self.end(self.start(night, *flags, **how))

    def check(self, night, ended, what):
        """What must hold after any run."""
        def broken(fault):
            raise Broken(f"{what}: {fault}\nstatus {ended.status}: {ended.error}")

        # A signal may come before the program listens to any; then it has done nothing.
        unheard = ended.status in (-signal.SIGTERM, -signal.SIGINT) and night.hidden() == self.before
        if "panicked" in ended.error or not (unheard or ended.status in (0, 1, 130, 143, -signal.SIGKILL)):
            broken("an end that is none")
        if ended.status == 1 and ended.error.count("error:") != 1:
            broken("not one error")
        if not night.folder.is_dir():
            return
        if night.out().exists() and night.out().read_bytes() != night.reference:
            broken("a wrong output")
        if ended.status == 0 and not night.out().exists():
            broken("no output")
        left = night.hidden()
        untouched = left in (self.before, self.before - {".out.fits.state.new"})
        killed = ended.status == -signal.SIGKILL or untouched
        if not left <= HIDDEN or (ended.status == 0 and left):
            broken(f"left behind: {left}")
        # What a run that was killed had left, and the next had not come to take up or clear, is as it was, but for a draft.
        if left and not killed and "--resume" not in ended.error:
            broken(f"left behind without a word on how to go on: {left} of {self.before}")
        if left and not killed and left != {".out.fits.part", ".out.fits.state"}:
            broken(f"left behind and not to be taken up: {left}")

    def finish(self, night, what):
        """Takes up what is there without any fault, and clears the output."""
        ended = self.run(night)
        self.check(night, ended, what)
        if ended.status != 0:
            raise Broken(f"{what}: it cannot be taken up: {ended.error}")
        told = json.loads(ended.out)
        share = 0.0 if told.get("finished") else told["resumed_pixels"] / told["pixels"]
        self.count("taken up to its end")
        self.count("taken up to its end, from behind the first pixel", int(share > 0))
        night.out().unlink()
        return share

    def nights(self):
        """Frames of several kinds."""
        rng = np.random.default_rng(5)
        plain, chips, raw = (self.folder / name for name in ("plain", "chips", "raw"))
        for folder in (plain, chips, raw):
            folder.mkdir()

        def pixels(level, nrow=300, ncol=400):
            image = rng.normal(level, 9, (nrow, ncol))
            image[rng.integers(0, nrow, 40), rng.integers(0, ncol, 40)] += 9000
            return image.astype(np.uint16)

        for number in range(10):
            name = f"f{number}.fits"
            fits.PrimaryHDU(pixels(1000 + 5 * number)).writeto(plain / name)
            extensions = [fits.ImageHDU(pixels(900, 200, 300), name=chip) for chip in ("A", "B", "C")]
            fits.HDUList([fits.PrimaryHDU(), *extensions]).writeto(chips / name)
            primary = fits.PrimaryHDU(pixels(1500))
            primary.header["EXPTIME"] = 60.0 + number
            fits.HDUList([primary, fits.ImageHDU((pixels(0) > 9000).astype(np.uint8), name="MASK")]).writeto(raw / name)
        fits.PrimaryHDU(rng.normal(300, 1, (300, 400)).astype(np.float32)).writeto(raw / "bias.fit")
        fits.PrimaryHDU(rng.normal(1, 0.01, (300, 400)).astype(np.float32)).writeto(raw / "flatfield.fit")
        planes = ["--planes", "data,mask,uncertainty,count,low,high"]
        nights = [
            Night(plain, ["-m", "median", "--clip", "sigma:3,3", *planes]),
            Night(plain, ["--clip", "sigma:3,3", "--compress", "rice", *planes]),
            Night(chips, ["--hdu", "all", "--clip", "extrema:1,1", "--scale", "mode"]),
            Night(raw, ["--bias", "bias.fit", "--flat", "flatfield.fit", "--sky", "median", "--scale", "key:EXPTIME",
                        "--clip", "sigma:3,3,iters=converge"]),
        ]  # fmt: skip
        for night in nights:
            ended = self.run(night, resume=False)
            if ended.status != 0:
                raise Broken(f"the reference: {ended.error}")
            night.reference = night.out().read_bytes()
            night.out().unlink()
        return nights

    def slow(self):
        """A disk on which a run takes its time."""
        micros = self.draw.choice([300, 800, 2000])
        return {"SLOW_CALL": "pread", "SLOW_MICROS": str(micros)}

    def killed(self, nights, wanted):
        """Runs that are killed at random moments until so many were, each taken up to its end."""
        shares = []
        while self.counts.get("killed", 0) < wanted:
            night = self.draw.choice(nights)
            seconds = 0.05
            for attempt in range(self.draw.randint(1, 6)):
                running = self.start(night, resume=attempt > 0, shim=self.slow())
                time.sleep(self.draw.uniform(0, seconds))
                seconds *= 1.7
                how = self.draw.choice([signal.SIGKILL] * 8 + [signal.SIGTERM, signal.SIGINT])
                sent = time.monotonic()
                running.send_signal(how)
                ended = self.end(running, sent)
                self.check(night, ended, f"killed, attempt {attempt}")
                if ended.status == 0:
                    self.count("over before it was killed")
                    break
                self.count("killed" if how == signal.SIGKILL else "stopped")
                if how != signal.SIGKILL:
                    self.slowest = max(self.slowest, ended.seconds)
            shares.append(self.finish(night, "killed"))
        taken = [share for share in shares if share > 0]
        self.count("percent of the pixels done, where it was taken up", round(100 * float(np.mean(taken or [0]))))

    def calibrated(self, night, rounds, *more):
        """Frames that are calibrated one by one, by runs that are killed at random moments."""
        flags = ["--bias", "bias.fit", "--flat", "flatfield.fit", "--sky", "median", "--planes", "data,mask", *more]
        command = [self.binary, "calibrate", *flags, "--resume", "--json", "f?.fits", "-o"]

        def start(folder, threads, shim):
            environment = {**os.environ, **({"LD_PRELOAD": str(self.shim), **shim} if shim else {})}
            return subprocess.Popen(
                [*command, folder, "-j", str(threads)], cwd=night.folder, env=environment, text=True,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip

        def files(folder):
            return {path.name: path.read_bytes() for path in (night.folder / folder).iterdir()}

        if self.end(start("whole", 2, None)).status != 0:
            raise Broken("the reference of calibrated frames")
        whole = files("whole")
        for _ in range(rounds):
            seconds, ended = 0.05, None
            while ended is None or ended.status != 0:
                running = start("red", self.draw.randint(1, 3), {"SLOW_CALL": "pread", "SLOW_MICROS": "3000"})
                time.sleep(self.draw.uniform(0, seconds))
                seconds *= 1.5
                running.send_signal(self.draw.choice([signal.SIGKILL] * 6 + [signal.SIGTERM]))
                ended = self.end(running)
                if ended.status not in (0, 143, -signal.SIGKILL, -signal.SIGTERM):
                    raise Broken(f"calibrated frames: {ended}")
                self.count("calibrated frames: killed or stopped", int(ended.status != 0))
                if (night.folder / "red").is_dir():
                    for name, made in files("red").items():
                        if not name.startswith(".") and made != whole[name]:
                            raise Broken(f"{name}: a wrong output of calibrate")
            if files("red") != whole:
                raise Broken(f"left behind by calibrate: {set(files('red')) ^ set(whole)}")
            shutil.rmtree(night.folder / "red")
            self.count("calibrated frames: taken up to their end")
        shutil.rmtree(night.folder / "whole")

    def faulty(self, night, what, shim, resume=True):
        """A run with a fault of the shim, then one without."""
        ended = self.run(night, resume=resume, shim=shim)
        self.check(night, ended, f"{what} {shim}")
        self.count(f"{what}: " + ("no harm" if ended.status == 0 else "an error, kept" if "kept" in ended.error else "an error"))
        if ended.status == 0:
            night.out().unlink()
        else:
            self.finish(night, what)

    def calls(self, nights, rounds):
        """Each call of the system fails, at random moments."""
        for _ in range(rounds):
            for call, number, path in [
                ("pwrite", errno.ENOSPC, ".out.fits"), ("pwrite", errno.EIO, ".out.fits"), ("pwrite", errno.EDQUOT, "out"),
                ("fdatasync", errno.EIO, ".part"), ("fdatasync", errno.EIO, ".state"), ("fsync", errno.EIO, "out.fits"),
                ("fsync", errno.ENOSPC, "out.fits"), ("rename", errno.EIO, "out.fits"), ("pread", errno.EIO, "f3.fits"),
                ("open", errno.EACCES, "f5.fits"), ("open", errno.EMFILE, "f"), ("open", errno.ENOSPC, ".state"),
                ("open", errno.EACCES, ".part"), ("open", errno.EROFS, ".part"),
            ]:  # fmt: skip
                after = int(10 ** self.draw.uniform(0, 2.2)) - 1
                shim = {"FAULT_CALL": call, "FAULT_ERRNO": str(number), "FAULT_PATH": path, "FAULT_AFTER": str(after)}
                shim["FAULT_TIMES"] = self.draw.choice(["0", "0", "1"])
                self.faulty(self.draw.choice(nights), f"{errno.errorcode[number]} of {call}", shim)

    def limits(self, nights):
        """Limits of the system: sizes of files, descriptors."""
        for night in nights:
            for size in (1000, 100_000, 400_000, 900_000):
                limit = resource.RLIMIT_FSIZE
                ended = self.run(night, before=lambda limit=limit, size=size: resource.setrlimit(limit, (size, size)))
                self.check(night, ended, f"files of {size} bytes")
                self.count("a limit on file sizes: " + ("no harm" if ended.status == 0 else "an error"))
                self.finish(night, "file sizes")
            for most in (12, 20, 40):
                limit = resource.RLIMIT_NOFILE
                ended = self.run(night, before=lambda limit=limit, most=most: resource.setrlimit(limit, (most, most)))
                self.check(night, ended, f"{most} descriptors")
                self.count("few descriptors: " + ("no harm" if ended.status == 0 else "an error"))
                if ended.status == 0:
                    night.out().unlink()

    def full(self, nights):
        """A real disk that is full, where one may be mounted."""
        for night in nights:
            small = night.folder / "small"
            small.mkdir()
            size = len(night.reference) // 2
            mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", small], capture_output=True)
            if mounted.returncode != 0:
                small.rmdir()
                self.count("no small file system may be mounted here")
                return
            try:
                ended = self.end(self.elsewhere(night, "small/out.fits"))
                if ended.status != 1 or (small / "out.fits").exists() or "free some space" not in ended.error:
                    raise Broken(f"a full disk: {ended}")
                subprocess.run(["mount", "-o", "remount,size=64M", small], check=True)
                ended = self.end(self.elsewhere(night, "small/out.fits"))
                if ended.status != 0 or (small / "out.fits").read_bytes() != night.reference:
                    raise Broken(f"a disk with room again: {ended}")
                if len(list(small.iterdir())) != 1:
                    raise Broken(f"left behind: {list(small.iterdir())}")
                self.count("full disks with room again")
            finally:
                subprocess.run(["umount", small], check=True)
                small.rmdir()

    def elsewhere(self, night, out):
        """A run whose output stands somewhere else."""
        command = [self.binary, "combine", *night.flags, "--sync-seconds", "0", "-q", "--resume", "-o", out, "f?.fits"]
        return subprocess.Popen(
            command, cwd=night.folder, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def frames(self, nights, rounds):
        """Frames that are cut short, replaced or removed while they are read."""
        for _ in range(rounds):
            for what in ("cut short", "replaced", "overwritten", "removed"):
                night = self.draw.choice(nights)
                frame = night.folder / f"f{self.draw.randint(0, 9)}.fits"
                bytes_, about = frame.read_bytes(), frame.stat()
                running = self.start(night, resume=False, shim=self.slow())
                time.sleep(self.draw.uniform(0.02, 0.4))
                if what == "cut short":
                    os.truncate(frame, self.draw.choice([0, 2880, len(bytes_) // 2]))
                elif what == "replaced":
                    other = frame.with_suffix(".other")
                    other.write_bytes(bytes_[: 2 * 2880] + bytes(len(bytes_) - 2 * 2880))
                    other.rename(frame)
                elif what == "overwritten":
                    frame.write_bytes(bytes_[: 2 * 2880] + bytes(len(bytes_) - 2 * 2880))
                else:
                    frame.unlink()
                ended = self.end(running)
                if night.out().exists() and night.out().read_bytes() != night.reference:
                    self.as_found(night, what)
                else:
                    self.check(night, ended, f"a frame {what}")
                    self.count(f"a frame {what}: " + ("no harm" if ended.status == 0 else "an error"))
                frame.write_bytes(bytes_)
                os.utime(frame, ns=(about.st_atime_ns, about.st_mtime_ns))
                night.out().unlink(missing_ok=True)
                if ended.status != 0:
                    self.mended(night, frame.name, what)

    def mended(self, night, name, what):
        """A run over the frames as they were is taken up, unless it had begun with the frame as it no longer is."""
        ended = self.run(night)
        if ended.status == 1 and name in ended.error and "leave out --resume" in ended.error:
            self.count(f"a frame {what}: refused, for it is not the one that the run began with")
            ended = self.run(night, resume=False)
        self.check(night, ended, f"a frame {what}")
        if ended.status != 0:
            raise Broken(f"a frame {what}: it cannot be taken up: {ended.error}")
        night.out().unlink()
        self.count("taken up to its end")

    def as_found(self, night, what):
        """A run that met the frames only as they are now has made what they come to."""
        out = night.out().read_bytes()
        night.out().unlink()
        ended = self.run(night, resume=False)
        if ended.status != 0 or night.out().read_bytes() != out:
            raise Broken(f"a frame {what}: a wrong output: {ended}")
        night.out().unlink()
        self.count(f"a frame {what}: before the run had begun")

    def folders(self, night):
        """An output folder that may not be written to, or is removed."""
        night.folder.chmod(0o555)
        become = (lambda: os.setuid(NOBODY)) if os.geteuid() == 0 else None
        ended = self.run(night, before=become)
        night.folder.chmod(0o755)
        self.check(night, ended, "a folder that may not be written to")
        if ended.status != 1:
            raise Broken(f"a folder that may not be written to: {ended}")
        self.count("a read-only folder: an error")
        for _ in range(3):
            copy = Night(self.folder / "gone", night.flags, night.reference)
            shutil.copytree(night.folder, copy.folder)
            running = self.start(copy, shim=self.slow())
            time.sleep(self.draw.uniform(0.05, 0.4))
            shutil.rmtree(copy.folder, ignore_errors=True)
            ended = self.end(running)
            self.check(copy, ended, "a folder that is removed")
            shutil.rmtree(copy.folder, ignore_errors=True)
            self.count("a folder that is removed: " + ("no harm" if ended.status == 0 else "an error"))


def main():
    """Reads the command line and runs the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("binary")
    parser.add_argument("--short", action="store_true", help="less than a minute")
    parser.add_argument("--seed", type=int, default=1)
    typed = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        folder.chmod(0o755)
        campaign = Campaign(typed.binary, folder, typed.seed)
        begun = time.monotonic()
        try:
            nights = campaign.nights()
            campaign.killed(nights, 25 if typed.short else 300)
            campaign.calibrated(nights[-1], 2 if typed.short else 30)
            campaign.calibrated(nights[-1], 2 if typed.short else 30, "--compress", "rice")
            campaign.calls(nights, 1 if typed.short else 12)
            campaign.limits(nights[:1] if typed.short else nights)
            campaign.full(nights[:1] if typed.short else nights)
            campaign.frames(nights, 1 if typed.short else 15)
            campaign.folders(nights[0])
        except Broken as broken:
            print(f"broken, with --seed {typed.seed}: {broken}")
            sys.exit(1)
        for what, amount in sorted(campaign.counts.items()):
            print(f"{amount:6} {what}")
        print(f"a stopped run ended within {campaign.slowest:.2f} s")
        print(f"every promise kept, in {time.monotonic() - begun:.0f} s")


if __name__ == "__main__":
    main()
