"""Results as Markdown tables, and the places in a document where they go.

A place is what stands between the lines `<!-- bench:NAME -->` and `<!-- /bench:NAME -->`.
"""

import re
import statistics
import sys

from .programs import CASES

TITLES = {"cat": "cat", "ccdstream": "ccdstream", "siril": "Siril", "iraf": "IRAF", "gnuastro": "Gnuastro"}
PEERS = ("siril", "iraf", "gnuastro", "ccdproc")
BENCH_CASES = {**CASES, "converge": "MAD clip, to convergence", "start": "start-up"}
NONE, TIMES = "\u2013", "\u00d7"


def title(name):
    """How a program is called in text."""
    return TITLES.get(name, name)


def wall(row):
    """Median of the wall seconds of a row, or None."""
    return statistics.median(figures["wall"] for figures in row) if row else None


def fastest_peer(programs):
    """Seconds of the fastest peer, or None."""
    return min((wall(programs[name]) for name in PEERS if programs.get(name)), default=None)


def by_case(rows):
    """Rows of the results in the order of the tables."""
    return sorted(rows, key=lambda row: (row["frames"], list(CASES).index(row["case"])))


def is_plain(floor):
    """Whether a row of the combine bench is one of the plain runs, not of those that differ in one thing."""
    return floor["variant"] == "plain"


def floor_of(results, row):
    """Seconds of reading and decoding alone for the samples of a row, or None.

    With as many threads as the machine has cores; scaled by the samples, should the bench have taken others.
    """
    rows = [f for f in results["floors"] if is_plain(f) and f["floor"] and f["frames"] == row["frames"]]
    rows = [f for f in rows if f["side"] == row["side"]] or rows
    if not rows:
        return None
    most = max(f["threads"] for f in rows)
    seconds = [f["floor"] * row["side"] ** 2 / f["side"] ** 2 for f in rows if f["threads"] == most]
    return statistics.median(seconds)


def number(value, form="{:.3f}"):
    """A figure, or a dash where there is none."""
    return NONE if value is None else form.format(value)


def seconds(value):
    """Seconds with about three figures."""
    if value is None:
        return NONE
    return f"{value:.3f}" if value < 10 else f"{value:.1f}"


def size(limit):
    """A memory limit: as it is written, or bytes as MiB."""
    return f"{limit >> 20} MiB" if isinstance(limit, int) else str(limit)


def table(head, rows):
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def shown(results):
    """The peers that have any figure, in order."""
    return [name for name in PEERS if any(row["programs"].get(name) for row in results["rows"])]


def peers_table(results):
    """Wall seconds of every program."""
    names = shown(results)
    head = ["frames", "case", "cat", "floor", "ccdstream", *map(title, names), "fastest peer / ccdstream"]
    lines = []
    for row in by_case(results["rows"]):
        programs = row["programs"]
        ours, peer = wall(programs.get("ccdstream")), fastest_peer(programs)
        ratio = peer / ours if ours and peer else None
        figures = [wall(programs.get("cat")), floor_of(results, row), ours, *(wall(programs.get(n)) for n in names)]
        lines.append([str(row["frames"]), CASES[row["case"]], *map(seconds, figures), number(ratio, "{:.1f}")])
    return table(head, lines)


def memory_table(results):
    """Peak memory of every program, in MiB."""
    names = ["ccdstream", *shown(results)]
    lines = []
    for row in by_case(results["rows"]):
        peaks = [max((f["peak"] for f in row["programs"].get(name) or []), default=None) for name in names]
        lines.append([str(row["frames"]), CASES[row["case"]], *(number(peak, "{:.0f}") for peak in peaks)])
    return table(["frames", "case", *map(title, names)], lines)


def whole_table(runs):
    """Whole runs of the combine bench beside their floor."""
    head = ["frames", "side", "case", "variant", "threads", "limit", "wall s", "CPU s", "ns/sample", f"{TIMES} floor"]
    lines = []
    for row in runs:
        sample = row["wall"] / (row["frames"] * row["side"] ** 2) * 1e9
        case = BENCH_CASES.get(row["case"], row["case"])
        words = [str(row["frames"]), str(row["side"]), case, row["variant"], str(row["threads"]), size(row["limit"])]
        ratio = number(row["wall"] / row["floor"] if row["floor"] else None, "{:.2f}")
        lines.append([*words, seconds(row["wall"]), seconds(row["cpu"]), number(sample), ratio])
    return table(head, lines)


def machine_text(results):
    """One paragraph: the machine, the programs, the rounds."""
    machine, settings = results["machine"], results["settings"]
    versions = [f"ccdstream {machine['version']}"]
    versions += [f"{title(name)} {version}" for name, version in results["versions"].items()]
    sides = sorted({row["side"] for row in results["rows"]})
    frames = " and ".join(f"{side} {TIMES} {side}" for side in sides)
    rounds, slow = settings["rounds"], settings["slow_rounds"]
    fewer = f" (ccdproc and Siril's MAD clip: {slow})" if slow != rounds and results["versions"] else ""
    where = f"{machine['cores']} cores of {machine['cpu']}, {machine['vectors']}, {machine['memory_gib']} GiB"
    return (
        f"{machine['date']}, {where}, Linux {machine['kernel']}; {', '.join(versions)}.\n"
        f"Frames of {frames} uint16; medians of {rounds} rounds{fewer}."
    )


def update(path, places):
    """Put each text at its place in a document; places that the document lacks are named and left out."""
    text = path.read_text()
    for name, new in places.items():
        begin, end = f"<!-- bench:{name} -->\n", f"<!-- /bench:{name} -->"
        found = re.search(re.escape(begin) + ".*?" + re.escape(end), text, re.DOTALL)
        if found is None:
            print(f"{path} has no place bench:{name}", file=sys.stderr)
            continue
        text = text[: found.start()] + f"{begin}\n{new}\n\n{end}" + text[found.end() :]
    path.write_text(text)
