"""What each rejection rule costs: beside the plain median on the same stack, and beside the same rule of Siril and IRAF.

    python scripts/rejection_speed.py [--binary BINARY] [--frames 25,100] [--side 2048] [--rounds 5] [--peer-rounds 1]
                                      [--folder DIR] [--only RULE ...] [--json FILE] [--into docs/performance.md]

Turn by turn: our median, our rule, and again; then each peer that knows the rule. Wall seconds are medians; ratios are
medians of those of the turns. On a machine that does other work, too, seconds of CPU are steadier: least ones, beside.
Ours and Siril have every core, IRAF has one thread. A rule that the binary does not know is left out.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
from pathlib import Path

from speed.measure import Stacks, is_whole, machine, run
from speed.programs import ROOT, Job, Programs
from speed.tables import NONE, TIMES, seconds, table, title, update

MEDIAN = ["--method", "median"]
NOISE = "gain=1,rdnoise=5"
RULES = {
    "percentile:0.2": {"siril": "p 0.2 0.2"},
    "pclip:-0.5,3": {"iraf": "pclip"},
    "sigma:3,center=median,dev=std,iters=converge": {"siril": "s 3 3", "iraf": "sigclip"},
    "sigma:3,iters=converge": {"siril": "a 4.45 4.45"},
    "winsorized:3": {"siril": "w 3 3"},
    "median-sigma:3": {"siril": "m 3 3"},
    "linear-fit:5": {"siril": "l 5 5"},
    "linear-fit:3": {"siril": "l 3 3"},
    "esd:0.3,0.05": {"siril": "g 0.3 0.05"},
    "rcr": {},
    "extrema:1,1": {"iraf": "minmax"},
    f"ccd:3,3,{NOISE}": {"iraf": "ccdclip"},
    f"cr:3,{NOISE}": {"iraf": "crreject"},
    "poisson:3,3": {"iraf": "avsigclip"},
}
LIMIT = 1 << 30


def ours(binary, words, job):
    """Our command line, with a plain image as output, as the peers write it."""
    flags = ["--quiet", "--overwrite", "--planes", "data", "--mem-limit", str(LIMIT)]
    return [binary, "combine", *flags, *words, "-o", str(job.out), str(job.folder)]


def siril(rule, job):
    """Siril's `stack`, with every core."""
    script = job.out.with_suffix(".ssf")
    lines = ["requires 1.0.0", "setext fits", f"setcpu {os.cpu_count()}", f"cd {job.folder}"]
    script.write_text("\n".join([*lines, f"stack f rej {rule} -nonorm -out={job.out}", ""]))
    return ["siril-cli", "-s", str(script)]


def iraf(rule, job):
    """IRAF's `imcombine`."""
    script, names = job.out.with_suffix(".cl"), job.out.with_suffix(".list")
    names.write_text("".join(f"{name}\n" for name in job.frames()))
    rules = f'combine="average", reject="{rule}", lsigma=3, hsigma=3, mclip=yes, sigscale=0, nkeep=0, nlow=1, nhigh=1'
    noise = 'pclip=-0.5, rdnoise="5.", gain="1.", snoise="0."'
    task = f'imcombine ("@{names}", "{job.out}", {rules}, {noise}, outtype="real", logfile="")'
    script.write_text(f"set clobber=yes\nimages\nimmatch\n{task}\nlogout\n")
    return ["irafcl", "-c", "-f", str(script)]


PEERS = {"siril": siril, "iraf": iraf}


def turn(command, job, side):
    """Figures of one run; None where it failed or wrote no whole image."""
    job.out.unlink(missing_ok=True)
    figures = run(command, job.out.parent)
    return figures if figures and is_whole(job.out, side) else None


def measured(args, rule, peers, stack):
    """Figures of our median, our rule and the peers that have it; None where we do not know it."""
    folder, side = stack.folder(args.nframe), stack.side
    job = Job(rule, folder, args.work / "out.fits", LIMIT)
    if turn(ours(args.binary, ["--clip", rule], job), job, side) is None:
        return None
    row = {"rule": rule, "frames": args.nframe, "side": side, "median": [], "ours": [], "peers": {}}
    for _ in range(args.rounds):
        row["median"].append(turn(ours(args.binary, MEDIAN, job), job, side))
        row["ours"].append(turn(ours(args.binary, ["--clip", rule], job), job, side))
    for name in peers:
        there = Job(rule, folder, args.work / f"out-{name}.fits", LIMIT)
        figures = [turn(PEERS[name](RULES[rule][name], there), there, side) for _ in range(args.peer_rounds)]
        row["peers"][name] = [figure for figure in figures if figure]
    return row


def median_of(figures, what="wall"):
    """Median of a figure over the turns."""
    return statistics.median(figure[what] for figure in figures)


def least(figures):
    """The least CPU seconds."""
    return min(figure["cpu"] for figure in figures)


def lines(row):
    """One line of the table for each peer, or one where there is none."""
    pairs = zip(row["ours"], row["median"], strict=True)
    ratio = statistics.median(ours["wall"] / median["wall"] for ours, median in pairs)
    head = [str(row["frames"]), f"`{row['rule']}`", seconds(median_of(row["ours"])), f"{ratio:.1f}"]
    head.append(f"{least(row['ours']) / least(row['median']):.1f}")
    for name, figures in row["peers"].items():
        if figures:
            wall, cpu = median_of(figures), least(figures)
            peer = f"{title(name)} `{RULES[row['rule']][name]}`"
            factors = [f"{wall / median_of(row['ours']):.0f}", f"{cpu / least(row['ours']):.0f}"]
            yield [*head, peer, seconds(wall), *factors]
    if not any(row["peers"].values()):
        yield [*head, NONE, NONE, NONE, NONE]


def shown(results):
    """The table, and what it was measured with."""
    here, rows = results["machine"], results["rows"]
    head = ["frames", "rule", "wall", f"{TIMES} median", "(CPU)", "peer", "its wall", f"{TIMES} ours", "(CPU)"]
    versions = ", ".join(f"{title(name)} {version}" for name, version in results["versions"].items())
    side = f"{rows[0]['side']} {TIMES} {rows[0]['side']}"
    where = f"{here['cores']} cores of {here['cpu']}, {here['vectors']}, Linux {here['kernel']}"
    text = f"{here['date']}, {where}; ccdstream {here['version']}, {versions}; frames of {side} uint16; "
    medians = {n: median_of([f for row in rows if row["frames"] == n for f in row["median"]]) for n in results["frames"]}
    text += "our median takes " + ", ".join(f"{seconds(wall)} s of {n} frames" for n, wall in medians.items()) + "."
    return f"{text}\n\n{table(head, [line for row in rows for line in lines(row)])}"


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=lambda path: str(Path(path).resolve()), default=str(ROOT / "target/release/ccdstream"))
    parser.add_argument("--frames", type=lambda text: sorted(map(int, text.split(","))), default=[25, 100])
    parser.add_argument("--side", type=int, default=2048)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peer-rounds", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="where the frames are or will be; temporary by default")
    parser.add_argument("--only", nargs="*", default=list(RULES), help="rules, as the table has them")
    parser.add_argument("--json", type=Path, help="keep every figure here")
    parser.add_argument("--into", type=Path, help="write the table into this page, at bench:rejection")
    return parser.parse_args()


def main():
    """Measure, and write the table."""
    args = arguments()
    home = tempfile.TemporaryDirectory(prefix="rejection-speed-")
    args.work = Path(home.name)
    folder = args.folder.resolve() if args.folder else args.work
    stack = Stacks(folder, sys.executable, args.side, max(args.frames))
    programs = Programs(args.binary, sys.executable)
    versions = programs.versions(PEERS)
    rows = []
    for args.nframe in args.frames:
        for rule in args.only:
            row = measured(args, rule, [name for name in RULES[rule] if name in versions], stack)
            if row is None:
                print(f"{args.binary} does not know {rule}: left out", file=sys.stderr)
                continue
            rows.append(row)
            for line in lines(row):
                print(" | ".join(line), flush=True)
    here = machine(args.binary, stack.folder(args.frames[0]), args.work / "out.fits")
    results = {"machine": here, "versions": versions, "frames": args.frames, "rows": rows}
    if args.json:
        args.json.write_text(json.dumps(results, indent=1))
    if rows and args.into:
        update(args.into, {"rejection": shown(results)})
    elif rows:
        print(shown(results))


if __name__ == "__main__":
    main()
