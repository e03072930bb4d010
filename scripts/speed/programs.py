"""The programs that are measured: their command lines for each case, and which versions of them are here."""

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

CASES = {
    "mean": "mean",
    "median": "median",
    "sigma": "sigma clip, mean and std",
    "mad": "MAD clip",
}

CCDSTREAM = {
    "mean": ["--method", "average"],
    "median": ["--method", "median"],
    "sigma": ["--clip", "sigma:3,3,center=mean,dev=std"],
    "mad": ["--clip", "sigma:5,5,center=median,dev=mad"],
}
SIRIL = {"mean": "sum", "median": "med -nonorm", "sigma": "rej s 3 3 -nonorm", "mad": "rej a 5 5 -nonorm"}
IRAF = {
    "mean": 'combine="average", reject="none"',
    "median": 'combine="median", reject="none"',
    "sigma": 'combine="average", reject="sigclip", lsigma=3, hsigma=3, mclip=no',
}
GNUASTRO = {"mean": ["mean"], "median": ["median"], "sigma": ["3", "0.2", "sigclip-mean"]}
VERSION = re.compile(r"\d+(\.\d+)+")


@dataclass(frozen=True)
class Job:
    """One run: the case, the folder of the frames, the output, and what a program may take."""

    case: str
    folder: Path
    out: Path
    limit: int

    def frames(self):
        """Names of the frames, in order."""
        return sorted(map(str, self.folder.glob("*.fits")))


@dataclass(frozen=True)
class Programs:
    """Where the programs are: ours, and the Python that has ccdproc."""

    binary: str
    python: str

    def command(self, name, job):
        """The command line of a program; None where it does not know the case."""
        return getattr(self, name)(job)

    def cat(self, job):
        """Reads the frames and does nothing."""
        return ["cat", *job.frames()]

    def ccdstream(self, job):
        """This program, with a plain image as output, as the peers write it."""
        flags = ["--quiet", "--overwrite", "--planes", "data", "--mem-limit", str(job.limit)]
        return [self.binary, "combine", *flags, *CCDSTREAM[job.case], "-o", str(job.out), str(job.folder)]

    def siril(self, job):
        """Siril's `stack`, with every core."""
        script = job.out.with_suffix(".ssf")
        lines = ["requires 1.0.0", "setext fits", f"setcpu {os.cpu_count()}", f"cd {job.folder}"]
        script.write_text("\n".join([*lines, f"stack f {SIRIL[job.case]} -out={job.out}", ""]))
        return ["siril-cli", "-s", str(script)]

    def iraf(self, job):
        """IRAF's `imcombine`; it has no MAD."""
        if job.case not in IRAF:
            return None
        script, names = job.out.with_suffix(".cl"), job.out.with_suffix(".list")
        names.write_text("".join(f"{name}\n" for name in job.frames()))
        task = f'imcombine ("@{names}", "{job.out}", {IRAF[job.case]}, outtype="real", logfile="")'
        script.write_text(f"set clobber=yes\nimages\nimmatch\n{task}\nlogout\n")
        return ["irafcl", "-c", "-f", str(script)]

    def gnuastro(self, job):
        """Gnuastro's `astarithmetic`; this version has no MAD clip."""
        if job.case not in GNUASTRO:
            return None
        names = job.frames()
        return ["astarithmetic", *names, str(len(names)), *GNUASTRO[job.case], "-g0", "--quiet", f"--output={job.out}"]

    def ccdproc(self, job):
        """`ccdproc.combine` in the given Python."""
        script = str(HERE / "ccdproc_combine.py")
        return [self.python, script, job.case, str(job.folder), str(job.out), str(job.limit)]

    def versions(self, names):
        """The versions of the peers that are here, by name; the others are left out."""
        asks = {
            "siril": ["siril-cli", "--version"],
            "iraf": ["irafcl", "-c", "-f", str(HERE / "iraf_version.cl")],
            "gnuastro": ["astarithmetic", "--version"],
            "ccdproc": [self.python, "-c", "import ccdproc; print(ccdproc.__version__)"],
        }
        answers = {name: VERSION.search(said(asks[name])) for name in names}
        return {name: answer.group() for name, answer in answers.items() if answer}


def said(command):
    """Standard output of a command; empty where it failed."""
    try:
        run = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    except OSError:
        return ""
    return run.stdout if run.returncode == 0 else ""
