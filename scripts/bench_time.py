"""Compile times alone, both tools in turns: alkaid from its trace to Verilog, nanotrig from file to files."""
import importlib.metadata
import json
import os
import pathlib
import sys
import tempfile

import bench_peer
import bench_table
from bench_alkaid import load
from bench_count import HERE, output_of, say
from bench_nanotrig import compile_nanotrig

LEAST = 0.5  # seconds of alkaid's from which on a network is compared
TURNS = 7  # a time is the best of these: compiles of a tenth of a second are easily disturbed


def times(options):
    """Writes the table of all networks; whether all are exact."""
    rows = [timed(options, path) for path in options.nets]
    for row in rows:
        print(json.dumps(row), flush=True)
    slow = [row["ratio"] for row in rows if row["alkaid_s"] > LEAST]
    if slow:
        say(f"compile s: nanotrig / alkaid {bench_table.mean(slow):.3f} (worst {max(slow):.3f}, {len(slow)} networks above {LEAST} s)")
    if options.table:
        options.table.write_text(markdown(rows, slow, options))
    return all(row["exact"] for row in rows)


def timed(options, path):
    """Both tools' seconds on a network."""
    name = load(path)["name"]
    known = bench_peer.known(options.peer, name) if options.peer else None
    mode = known["mode"] if known else "default"
    one_thread = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}}
    timing = ["--period", options.period] if options.period else []
    say(f"{name}: alkaid, {mode}, and nanotrig")
    theirs, ours = [], []
    with tempfile.TemporaryDirectory() as tmp:
        command = [sys.executable, HERE / "bench_alkaid.py", path, pathlib.Path(tmp, "alkaid"), *bench_peer.modes(name)[mode]]
        for _ in range(TURNS):
            theirs.append(json.loads(output_of(*command, **one_thread))["compile_s"])
            ours.append(compile_nanotrig(options, path, pathlib.Path(tmp, "nanotrig"), timing, compiles=1))
    alkaid, nanotrig = min(theirs), min(result["compile_s"] for result in ours)
    return {
        "name": name,
        "mode": mode,
        "alkaid_s": round(alkaid, 3),
        "nanotrig_s": nanotrig,
        "ratio": round(nanotrig / alkaid, 3),
        "exact": all(result["exact"] for result in ours),
    }


def markdown(rows, slow, options):
    """The page that is committed: measured numbers only."""
    peer = f" --peer {options.peer}" if options.peer else ""
    period = f" --period {options.period}" if options.period else ""
    command = f"    scripts/bench.sh --times --target {options.target}{period}{peer} --table {options.table} {bench_table.networks(rows)}"
    head = ["network", "alkaid's mode", "alkaid s", "nanotrig s", "ratio"]
    body = [[row["name"], row["mode"], row["alkaid_s"], row["nanotrig_s"], row["ratio"]] for row in rows]
    text = [
        "# Compile times beside alkaid",
        "",
        f"CPU seconds of one thread, the best of {TURNS} in turns. alkaid {importlib.metadata.version('alkaid')}: from its trace to Verilog, in its best mode.",
        "nanotrig: the whole command, from reading the network to Verilog, test bench, emulator and report, with the comparison of",
        "its three levels on 500 samples; without the proof.",
        "",
        command,
        "",
        *bench_table.table(head, body),
    ]
    if slow:
        text.append(f"Geometric mean of the {len(slow)} networks that take alkaid more than {LEAST} s: {bench_table.mean(slow):.3f}; the worst: {max(slow):.3f}.\n")
    return "\n".join(text)
