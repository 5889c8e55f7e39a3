"""The comparison's table and its geometric means."""
import importlib.metadata
import math

# What is compared: the name of a column, and its key in a row of bench.py.
MEASURES = [("LUT", "luts"), ("FF", "ffs"), ("carry bits", "carry_bits"), ("compile s", "compile_s")]
# How groups of networks are called, and which networks are in them.
GROUPS = [("jsc_*", lambda name: name.startswith("jsc_")), ("all", lambda _: True)]


def ratio(row, key):
    """nanotrig's number in units of alkaid's; None where either is missing."""
    ours, theirs = ((row.get(tool) or {}).get(key) for tool in ("nanotrig", "alkaid"))
    return ours / theirs if ours and theirs else None


def mean(values):
    """The geometric mean of positive numbers."""
    return math.exp(sum(map(math.log, values)) / len(values))


def geometric(rows):
    """(group, measure, geometric mean, greatest ratio, networks) of every group and measure that has ratios."""
    for group, member in GROUPS:
        for title, key in MEASURES:
            ratios = [found for row in rows if member(row["name"]) and (found := ratio(row, key))]
            if ratios:
                yield group, title, mean(ratios), max(ratios), len(ratios)


def means(rows):
    """The means as lines for the terminal."""
    for group, title, value, worst, networks in geometric(rows):
        yield f"{group}: {title}: nanotrig / alkaid {value:.3f} (worst {worst:.3f}, {networks} networks)"


def shown(value):
    """A cell of the table."""
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)


def line(cells):
    return f"| {' | '.join(map(shown, cells))} |"


def table(head, rows):
    return [line(head), line(["---"] + ["---:"] * (len(head) - 1)), *(line(row) for row in rows), ""]


def cells(text):
    """The lines of a page's tables."""
    return [[cell.strip() for cell in text.strip("|").split("|")] for text in text.splitlines() if text.startswith("|")]


def markdown(rows, options):
    """The page that is committed: measured numbers only."""
    both = [row for row in rows if row.get("nanotrig") and row.get("alkaid")]
    versions = {package: importlib.metadata.version(package) for package in ("alkaid", "pyosys")}
    cells = [
        f"LUTs, FFs and carry bits are cells that Yosys {versions['pyosys']} maps for UltraScale+, out of context, without DSPs,",
        "memories and shift registers. `mixer_77p26` is alkaid's unoptimised trace, since its optimised one gives wrong outputs.",
    ]
    clock = f"a clock of {options.period} ns by its own delays"
    cycles = "as many cycles as alkaid"
    timing = (f"{clock}, and {cycles}" if options.same_cycles else clock) if options.period else cycles
    times = "" if options.untimed else " Times are CPU seconds of one thread, the best of three."
    times += f" alkaid's numbers are those of `{options.peer}`, measured before." if options.peer else ""
    about = [
        f"nanotrig's target `{options.target}` beside alkaid {versions['alkaid']} in its best mode of each network: the fewest LUTs over",
        "{three-input adders fused, not fused} x {default depth, `hard_dc=0`}, pipelined as in its examples. nanotrig has",
        f"{timing}.{times} Both reproduce every test vector of",
        "every network, unless the table says otherwise; `mixer_64x16` is compiled for its time only.",
    ]
    alone = [f"LUTs of alkaid {versions['alkaid']} in each of its modes, pipelined as in its examples."]
    asked = [f"--target {options.target}"]
    asked += [f"--period {options.period}"] if options.period else []
    asked += ["--same-cycles"] if options.same_cycles else []
    asked += [f'--options "{options.options}"'] if options.options else []
    asked += ["--untimed"] if options.untimed else []
    asked += [f"--peer {options.peer}"] if options.peer else []
    asked += [] if both else ["--peer-only"]
    command = f"    scripts/bench.sh {' '.join(asked)} --table {options.table} {networks(rows)}"
    text = ["# Beside alkaid", "", *(about if both else alone), *cells, "", command, ""]
    return "\n".join(text + compared(both) + peer([row for row in rows if row.get("alkaid")]))


def networks(rows):
    """The networks of the table, as arguments of the command."""
    names = ",".join(row["name"] for row in rows)
    return f"../shared/bench/nets/{f'{{{names}}}' if len(rows) > 1 else names}.json.gz"


def compared(rows):
    """Both tools, network by network, and the means."""
    if not rows:
        return []
    head = ["network", "cycles", *(f"{tool} {title}" for title, _ in MEASURES for tool in ("alkaid", "nanotrig", "ratio")), "exact"]
    body = []
    for row in rows:
        cells = [cell for _, key in MEASURES for cell in (row["alkaid"].get(key), row["nanotrig"].get(key), ratio(row, key))]
        exact = [tool for tool in ("alkaid", "nanotrig") if not row[tool]["exact"]]
        body.append([row["name"], f"{row['alkaid']['cycles']} / {row['nanotrig']['cycles']}", *cells, f"not {exact}" if exact else "both"])
    averages = [[group, title, value, worst, networks] for group, title, value, worst, networks in geometric(rows)]
    return table(head, body) + table(["networks", "of", "geometric mean", "worst", "how many"], averages)


def peer(rows):
    """LUTs of every mode of alkaid's."""
    if not rows:
        return []
    names = [*dict.fromkeys(mode for row in rows for mode in row["alkaid"]["modes"])]
    body = [[row["name"], row["alkaid"]["cycles"], row["alkaid"]["mode"], *map(row["alkaid"]["modes"].get, names)] for row in rows]
    return ["alkaid's modes, in LUTs; cycles are those of the best:", "", *table(["network", "cycles", "best", *names], body)]
