#!/usr/bin/env python3
"""The work of bench.sh, which makes this script's environment: see there for the usage."""
import argparse
import concurrent.futures
import importlib.metadata
import json
import pathlib
import sys
import tempfile

import numpy as np

import bench_peer
import bench_table
import bench_time
from bench_alkaid import load
from bench_count import COUNT, HERE, count, output_of, say
from bench_nanotrig import compile_nanotrig


def priced(nanotrig, target, top, files):
    """Counts of cells, and the worst register-to-register path in ps by the target's delays."""
    price = json.loads(output_of(sys.executable, HERE / "price.py", "--nanotrig", nanotrig, "--target", target, top, *files))
    return {"luts": price["lut"], "ffs": price["ff"], "carry_bits": price["carry_bits"], "period_ps": price["period_ps"]}


def equal_period(options, path, out):
    """Both tools at one period: the worst path of alkaid's netlist is the period that nanotrig is asked for."""
    name = load(path)["name"]
    say(f"{name}: alkaid")
    result = json.loads(output_of(sys.executable, HERE / "bench_alkaid.py", path, out / "alkaid"))
    files = [*(out / "alkaid" / "src").glob("*.v"), *(out / "alkaid" / "src" / "static").glob("*.v")]
    say(f"{name}: pricing alkaid")
    alkaid = {"cycles": result["cycles"], "exact": result["exact"]} | priced(options.nanotrig, "generic", "model", files)
    say(f"{name}: nanotrig")
    timing = ["--period", alkaid["period_ps"] / 1000]
    result = compile_nanotrig(options, path, out / "nanotrig", timing)
    say(f"{name}: pricing nanotrig")
    nanotrig = priced(options.nanotrig, options.target, result["top"], result["files"])
    nanotrig = {"cycles": result["cycles"], "exact": result["exact"]} | nanotrig
    ratios = {what: round(nanotrig[what] / max(1, alkaid[what]), 3) for what in ("cycles", "ffs", "luts", "period_ps")}
    return {"name": name, "target": options.target, "nanotrig": nanotrig, "alkaid": alkaid, "ratios": ratios}


def equal_periods(options):
    """A line for each network, and one of geometric means; whether all went well."""
    lines = []
    with tempfile.TemporaryDirectory() as tmp:
        for path in options.nets:
            lines.append(attempt(f"{path.name}: at alkaid's period", equal_period, options, path, pathlib.Path(tmp, str(len(lines)))))
            if lines[-1]:
                print(json.dumps(lines[-1]), flush=True)
    done = [line["ratios"] for line in lines if line]
    if done:
        means = {what: round(float(np.exp(np.mean([np.log(ratio[what]) for ratio in done]))), 3) for what in done[0]}
        print(json.dumps({"geometric_means": means, "networks": len(done)}), flush=True)
    return len(done) == len(lines)


def attempt(what, work, *arguments):
    """The result of the work, or None and the reason on standard error: one failure must not lose the other results."""
    try:
        say(what)
        return work(*arguments)
    except Exception as error:
        say(f"{what}: FAILED: {error}")
        return None


def compile_both(options, path, out):
    """A network's row so far: what alkaid's best mode is, and what nanotrig makes in as many cycles."""
    name = load(path)["name"]
    row = {"name": name, "target": options.target}
    if options.peer:
        row["alkaid"] = attempt(f"{name}: alkaid's best mode, as it is known", bench_peer.known, options.peer, name)
    if not options.no_peer and not row.get("alkaid"):
        row["alkaid"] = attempt(f"{name}: alkaid's best mode", bench_peer.best, path, name, out / "alkaid")
    if options.peer_only:
        return row
    timing = ["--period", options.period] if options.period else []
    if row.get("alkaid") and (options.same_cycles or not timing):
        timing += ["--stages", row["alkaid"]["cycles"]]
    row["nanotrig"] = attempt(f"{name}: nanotrig", compile_nanotrig, options, path, out / "nanotrig", timing)
    return row


def main():
    parser = argparse.ArgumentParser(prog="bench.sh", description="Compile neutral networks with nanotrig and alkaid, side by side.")
    parser.add_argument("nets", nargs="+", type=pathlib.Path, metavar="NET.json.gz")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", default="generic", help="nanotrig's target (default: generic)")
    parser.add_argument("--jobs", type=int, default=1, help="syntheses of nanotrig's Verilog to run at once (compiles run alone)")
    parser.add_argument("--period", help="clock period for nanotrig in ns, instead of alkaid's number of cycles")
    parser.add_argument("--same-cycles", action="store_true", help="alkaid's number of cycles as well as a clock period")
    parser.add_argument("--equal-period", action="store_true", help="compile with the period that alkaid's netlist has, and price both netlists")
    parser.add_argument("--times", action="store_true", help="compile times alone, in alkaid's best mode by the table given as --peer")
    parser.add_argument("--options", default="", help="more options for `nanotrig compile`, in one string")
    parser.add_argument("--peer", type=pathlib.Path, metavar="FILE.md", help="alkaid's numbers from a table of bench.sh: they do not change")
    parser.add_argument("--untimed", action="store_true", help="leave out compile times: the machine is busy, or the build is slow")
    parser.add_argument("--no-peer", action="store_true", help="nanotrig only")
    parser.add_argument("--peer-only", action="store_true", help="alkaid only")
    parser.add_argument("--table", type=pathlib.Path, help="write the comparison as Markdown")
    options = parser.parse_args()
    say(f"alkaid {importlib.metadata.version('alkaid')}, pyosys {importlib.metadata.version('pyosys')}, counting with {COUNT.name}")

    if options.times:
        sys.exit(not bench_time.times(options))
    if options.equal_period:
        sys.exit(not equal_periods(options))
    with tempfile.TemporaryDirectory() as tmp, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        # All compiles first, one at a time: a synthesis beside them would spoil their times.
        rows = [compile_both(options, path, pathlib.Path(tmp, str(index))) for index, path in enumerate(options.nets)]
        counting = {
            index: pool.submit(attempt, f"{row['name']}: counting nanotrig", count, row["nanotrig"]["top"], row["nanotrig"]["files"])
            for index, row in enumerate(rows)
            if row.get("nanotrig") and row["name"] not in bench_peer.TIME_ONLY
        }
        for index, row in enumerate(rows):
            if index in counting:
                cells = counting[index].result()
                row["nanotrig"] = row["nanotrig"] | cells if cells else None
            for tool in filter(row.get, ("alkaid", "nanotrig")):
                del row[tool]["files"]
            print(json.dumps(row), flush=True)
    for line in bench_table.means(rows):
        say(line)
    if options.table:
        options.table.write_text(bench_table.markdown(rows, options))
    sound = all(row.get(tool, {"exact": True}) and row.get(tool, {"exact": True})["exact"] for row in rows for tool in ("alkaid", "nanotrig"))
    sys.exit(not sound)


if __name__ == "__main__":
    main()
