"""Compares the rejection rules with IRAF's imcombine and with Siril, and the program with the textbook of them.

    python scripts/rejection_peers.py [--stacks 30] [--seed N] [--only iraf|grow|siril|cases]
    python scripts/rejection_peers.py --binary BINARY [--stacks 200] [--seed N] [--keep DIR]

Where a definition of ours is the peer's, what is kept at a pixel has to be equal. Each difference is a *way* of the
peer (rejection_iraf.py, rejection_siril.py): the peer has to agree with its reading, all ways included, at every
pixel, and the reading without any way with our textbook. Both are checked here on drawn stacks; the pixels that
differ are counted by the way that is at work; and each way is pinned by a case (rejection_cases.py). With --binary
it is the program that has to agree with the textbook: count, low, high and the average at every pixel.
"""

import argparse
import operator
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

import rejection_iraf as iraf
import rejection_rules as rules
import rejection_siril as siril
from compare import Disagreement
from rejection_cases import check_cases
from rejection_draw import KINDS, NCOL, draw_stack
from rejection_program import judge_program

SINGLE, LINE = 1e-4, 2e-3
ROUNDING = 1e-12
NUDGES = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]


@dataclass
class Tally:
    """Pixels of one rule of one peer."""

    pixels: int = 0
    equal: int = 0
    undecided: int = 0
    ways: Counter = field(default_factory=Counter)


@dataclass(frozen=True)
class Rule:
    """A rule of a peer on a stack.

    `job` is what the peer is run with; `sides` and `doubts` are our textbook's; `read(c, ways, a, b)` is the answer of
    the reading at pixel c with its factors multiplied by a and b; None where the reading cannot tell.
    """

    name: str
    job: object
    ours: tuple
    ways: frozenset
    read: object


def iraf_rules(rng, y, gain, rdnoise):
    """The rules of imcombine with drawn parameters, on a stack (frame, row, col)."""
    low, high = (float(v) for v in rng.choice([1, 1.5, 2, 3], 2))
    k = float(rng.choice([-0.5, 0.5, -1, 1, 2, -2, 0.9]))
    nkeep = int(rng.choice([0, 0, 0, 1, 2, 3, 5, -1, -2]))
    nlow, nhigh = (int(v) for v in rng.integers(0, (len(y) + 1) // 2, 2))
    flat = y.reshape(len(y), -1)
    lists = flat.T.tolist()
    row = np.repeat(np.arange(y.shape[1]), y.shape[2])
    sigmas = {}

    def row_sigma(c, ways):
        key = row[c], "one median" in ways
        if key not in sigmas:
            sigmas[key] = iraf.row_sigma(y[:, row[c]], ways)
        return sigmas[key]

    def frames(name, *parameters, lower=low):
        rule = getattr(iraf, name)
        return lambda c, ways, a, b: rule(lists[c], *parameters, lower * a, high * b, nkeep=nkeep, ways=ways)

    def noisy(lower):
        return lambda c, ways, a, b: iraf.ccdclip(lists[c], lower * a, high * b, gain, rdnoise, nkeep=nkeep, ways=ways)

    factors = {"lsigma": low, "hsigma": high, "nkeep": nkeep}
    noise = {"gain": "GAIN", "rdnoise": "RDNOISE"}
    found = [
        ("ccdclip", noise, rules.ccd(flat, low, high, gain, rdnoise, nkeep=nkeep), noisy(low), {"ends", "no noise"}),
        ("crreject", noise, rules.cr(flat, high, gain, rdnoise, nkeep=nkeep), noisy(np.inf), {"ends", "no noise"}),
        ("pclip", {"pclip": k}, rules.pclip(flat, k, low, high, nkeep), frames("pclip", k), {"ends", "on the bound"}),
        (
            "sigclip",
            {},
            rules.sigma(flat, low, high, dev="std", iters=None, nkeep=nkeep),
            frames("sigclip"),
            {"ends", "about centre"},
        ),
        (
            "avsigclip",
            {},
            rules.poisson(flat, row, low, high, nkeep),
            lambda c, ways, a, b: iraf.avsigclip(lists[c], row_sigma(c, ways), low * a, high * b, nkeep, ways),
            {"ends", "one median"},
        ),
    ]
    if 0 < nlow + nhigh < len(y):
        counts = {"nlow": nlow, "nhigh": nhigh}
        ours = rules.extrema(flat, nlow, nhigh)

        def counted(c, ways, *_):
            return iraf.minmax(lists[c], nlow, nhigh, ways)

        found.append(("minmax", counts, ours, counted, {"fraction"}))
    return [
        Rule(name, {**factors, **more, "reject": name}, ours, frozenset(ways), kept_values(flat, read))
        for name, more, ours, read, ways in found
    ]


def kept_values(flat, read):
    """A reading that tells the samples left, in order, in place of their frames: of ties any frame may go."""
    return lambda c, ways, a, b: sorted(flat[list(read(c, ways, a, b)), c].tolist())


def judge_iraf(rng, folder, tallies):
    """One drawn stack against imcombine."""
    y = draw_stack(rng)
    gain, rdnoise = rng.uniform(0.5, 3, len(y)).round(2), rng.uniform(0, 20, len(y)).round(2)
    if rng.random() < 0.6:
        gain[:], rdnoise[:] = gain[0], rng.choice([0.0, rdnoise[0]])
    found = iraf_rules(rng, y, gain, rdnoise)
    cards = {"GAIN": gain.tolist(), "RDNOISE": rdnoise.tolist()}
    flat = y.reshape(len(y), -1)
    unlike = len(set(gain)) > 1
    ties = np.array([len(set(c[np.isfinite(c)])) < np.isfinite(c).sum() for c in flat.T])
    for rule, combined in zip(found, iraf.imcombine(y, folder, [rule.job for rule in found], cards), strict=True):
        left = combined.left.reshape(flat.shape)
        got = [sorted(flat[left[:, c], c].tolist()) for c in range(flat.shape[1])]
        kept = np.isfinite(flat) & (rule.ours[0] == 0)
        ours = [sorted(flat[kept[:, c], c].tolist()) for c in range(flat.shape[1])]
        skip = ties & unlike & (rule.name in ("ccdclip", "crreject"))
        compare_rule("IRAF " + rule.name, rule, flat, got, ours, skip, SINGLE, operator.eq, tallies)


def judge_grow(rng, folder, tallies):
    """What imcombine grows round what ccdclip took: sample by sample, in two dimensions."""
    y = 1000 + 33 * rng.normal(size=(int(rng.integers(3, 9)), 16, NCOL))
    y += 33 * 10 ** rng.uniform(0.5, 2, y.shape) * (rng.random(y.shape) < 0.02)
    y[rng.random(y.shape) < 0.02] = np.nan
    radius = float(rng.choice([1, 1.5, 2, 2.3, 3]))
    job = {"reject": "ccdclip", "lsigma": 4, "hsigma": 4, "gain": "1.", "rdnoise": "10.", "grow": radius}
    sides = rules.ccd(y.reshape(len(y), -1), 4, 4, 1.0, 10.0)[0].reshape(y.shape)
    present = np.isfinite(y)
    ours = present & (sides == 0) & ~rules.grow(sides, present, radius)
    theirs = iraf.imcombine(y, folder, [job])[0].left
    tally = tallies.setdefault("IRAF grow", Tally())
    tally.pixels += ours[0].size
    tally.equal += int((ours == theirs).all(axis=0).sum())
    if (ours != theirs).any():
        frame, row, col = np.argwhere(ours != theirs)[0]
        raise Disagreement(f"grow={radius} at frame {frame} row {row} col {col}: imcombine {theirs[frame, row, col]}")


def siril_rules(rng, flat):
    """The rules of Siril with drawn parameters, on samples (frame, pixel)."""
    n = len(flat)
    low, high = (float(v) for v in rng.choice([1, 1.5, 2, 3, 5], 2))
    parts = tuple(float(v) for v in rng.choice([0.001, 0.002, 0.004, 0.02], 2))
    share = float(rng.choice([0.1, 0.2, 0.3, 0.5]))
    lists = [column[np.isfinite(column)].tolist() for column in flat.T]
    bare = rules.MAD_TO_SIGMA

    def read(rule, lower, upper):
        return lambda c, ways, a, b: rule(lists[c], n, lower * a, upper * b, ways)

    both = {"floor", "all gone"}
    found = [
        ("p", parts, rules.percentile(flat, *parts), siril.percentile, {"signed", "all gone"}),
        ("s", (low, high), rules.sigma(flat, low, high, dev="std", iters=None), siril.sigma, {*both, "ddof"}),
        ("a", (low, high), rules.sigma(flat, low / bare, high / bare, iters=None), siril.mad, {*both, "histogram"}),
        ("w", (low, high), rules.winsorized(flat, low, high), siril.winsorized, {*both, "falls to 0"}),
        ("m", (low, high), rules.median_sigma(flat, low, high), siril.median_sigma, {"creeps", "counts", "all gone"}),
        ("l", (low, high), rules.linear_fit(flat, low, high), siril.linear_fit, {*both, "moments"}),
    ]
    built = [
        Rule(f"rej {name}", f"rej {name} {a} {b}", ours, frozenset(ways), read(rule, a, b))
        for name, (a, b), ours, rule, ways in found
    ]

    def gesdt(c, ways, a, _):
        return siril.gesdt(lists[c], n, share, 0.05, a, ways)

    ways = frozenset({"two at least", "wrong one", "all gone"})
    return [*built, Rule("rej g", f"rej g {share} 0.05", rules.esd(flat, share, 0.05), ways, gesdt)]


def judge_siril(rng, folder, tallies):
    """One drawn stack against Siril; values from 0 to 1, so that it does not cut them."""
    y = draw_stack(rng, level=0.25 * (1 if rng.random() < 0.85 else -1), spread=2.0**-11).astype("f4").astype(float)
    flat = y.reshape(len(y), -1)
    found = siril_rules(rng, flat)
    empty = ~np.isfinite(flat).any(axis=0)
    for rule, image in zip(found, siril.stack(y, folder, [rule.job for rule in found]), strict=True):
        kept = np.isfinite(flat) & (rule.ours[0] == 0)
        ours = [flat[kept[:, c], c].mean() if kept[:, c].any() else siril.NOTHING for c in range(flat.shape[1])]
        single = LINE if rule.name == "rej l" else SINGLE
        compare_rule("Siril " + rule.name, rule, flat, image.ravel().tolist(), ours, empty, single, siril.same, tallies)


def compare_rule(name, rule, flat, got, ours, skip, single, same, tallies):
    """The peer with its reading, the reading without ways with our textbook, and the two of them, at every pixel."""
    tally = tallies.setdefault(name, Tally())
    for c in range(flat.shape[1]):
        tally.pixels += 1
        full = None if skip[c] else rule.read(c, rule.ways, 1, 1)
        if full is None:
            tally.undecided += 1
            continue
        if not same(got[c], full):
            sizes = [(a * size, b * size) for size in (single, single / 8, single / 64) for a, b in NUDGES]
            nudged = [rule.read(c, rule.ways, 1 + a, 1 + b) for a, b in sizes]
            if not any(answer is None or same(got[c], answer) for answer in nudged):
                raise Disagreement(told(name, rule, flat[:, c], c, got[c], full, "the reading with all ways"))
            tally.undecided += 1
            continue
        plain = rule.read(c, frozenset(), 1, 1)
        if rule.ours[1][c]:
            tally.undecided += 1
        elif not same(ours[c], plain):
            nudged = [rule.read(c, frozenset(), 1 + a * ROUNDING, 1 + b * ROUNDING) for a, b in NUDGES]
            if any(same(ours[c], answer) for answer in nudged):
                tally.undecided += 1
                continue
            raise Disagreement(told(name, rule, flat[:, c], c, ours[c], plain, "the reading without ways"))
        elif same(got[c], ours[c]):
            tally.equal += 1
        else:
            alone = [way for way in sorted(rule.ways) if not same_or_none(same, rule.read(c, {way}, 1, 1), plain)]
            tally.ways[" + ".join(alone) or "together"] += 1


def same_or_none(same, answer, plain):
    """Whether a reading gives the plain answer."""
    return answer is not None and same(answer, plain)


def told(name, rule, column, c, answer, expected, whose):
    """What is needed to look into a disagreement."""
    kind = KINDS[c // NCOL].__name__
    samples = sorted(column[np.isfinite(column)].tolist())
    return f"{name} {rule.job} at pixel {c} ({kind})\nsamples {samples}\ngot {answer}\n{whose}: {expected}"


def show(tallies):
    """The table of all rules, as Markdown."""
    heads = ["rule", "pixels", "equal", "rounding or order decides", "differ, by way"]
    lines = ["| " + " | ".join(row) + " |" for row in (heads, ["---"] * len(heads))]
    for name, tally in tallies.items():
        ways = ", ".join(f"{way} {number}" for way, number in tally.ways.most_common())
        lines.append(f"| {name} | {tally.pixels} | {tally.equal} | {tally.undecided} | {ways} |")
    return "\n".join(lines)


def run_peers(args, home):
    """Cases and drawn stacks against the peers that are asked for."""
    tallies = {}
    if args.only in (None, "cases"):
        print(f"{check_cases(home)} cases agree")
    peers = {"iraf": judge_iraf, "grow": judge_grow, "siril": judge_siril}
    for name, judge in peers.items():
        for stack in range(args.stacks if args.only in (None, name) else 0):
            try:
                judge(np.random.default_rng([args.seed, stack]), home / name, tallies)
            except Disagreement as error:
                raise Disagreement(f"{name}, stack {stack} of seed {args.seed}\n{error}") from None
    print(show(tallies))


def arguments():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--binary", type=lambda text: Path(text).resolve(), help="judge the program")
    parser.add_argument("--stacks", type=int, default=30)
    parser.add_argument("--seed", type=int, default=20261121)
    parser.add_argument("--only", choices=["iraf", "grow", "siril", "cases"])
    parser.add_argument("--stack", type=int, help="judge the program on this one stack")
    parser.add_argument("--keep", type=Path, help="leave the files in this folder")
    return parser.parse_args()


def main():
    """Compare, report, and say by the exit status whether all agreed."""
    args = arguments()
    begin = time.monotonic()
    home = Path(args.keep.resolve() if args.keep else tempfile.mkdtemp(prefix="rejection-"))
    try:
        if args.binary:
            stacks = range(args.stacks) if args.stack is None else [args.stack]
            print(judge_program(args.binary, stacks, args.seed, home))
        else:
            run_peers(args, home)
    except Disagreement as error:
        print(f"DISAGREE\n{error}\nfiles are left in {home}")
        return 1
    if not args.keep:
        shutil.rmtree(home)
    print(f"all agree ({time.monotonic() - begin:.0f} s)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
