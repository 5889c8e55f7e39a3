#!/usr/bin/env python3
"""The work of bench.sh, which makes this script's environment: see there for the usage."""
import argparse
import concurrent.futures
import hashlib
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np

from bench_alkaid import load, number

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "nanotrig", "yosys")
COMPILES = 3  # compile time is the best of these: the least disturbed by whatever else the machine does

# Numbers are only comparable when counted alike, so a count shared by several tools takes precedence over ours.
SHARED_COUNT = HERE.parent.parent / "shared" / "bench" / "yosys_count.py"
COUNT = SHARED_COUNT if SHARED_COUNT.exists() else HERE / "yosys_count.py"


def say(*words):
    print("bench:", *words, file=sys.stderr, flush=True)


def output_of(*command):
    """Run a command; its standard output, or an error that shows what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def compile_alkaid(path, out):
    runs = [json.loads(output_of(sys.executable, HERE / "bench_alkaid.py", path, out)) for _ in range(COMPILES)]
    result = min(runs, key=lambda run: run["compile_s"])
    return result, [*(out / "src").glob("*.v"), *(out / "src" / "static").glob("*.v")]


def compile_nanotrig(nanotrig, path, out, timing):
    seconds = []
    for _ in range(COMPILES):
        start = time.perf_counter()
        output_of(nanotrig, "compile", path, "-o", out, *timing, "--json")
        seconds.append(time.perf_counter() - start)
    report = json.loads((out / "report.json").read_text())
    result = {
        "top": report["top"],
        "target": report["target"],
        "cycles": report["latency_cycles"],
        "compile_s": round(min(seconds), 3),
        "exact": reproduces_vectors(nanotrig, path, out, report["inputs"][0]["name"]),
    }
    return result, [*(out / "verilog").glob("*.v")]


def reproduces_vectors(nanotrig, path, out, input_name):
    """Whether the netlist gives the network's own test outputs for its test inputs."""
    net = load(path)
    dead = np.sum([net["input"][v] for v in "kif"], axis=0) <= 0
    x = np.where(dead, 0, number(net["test"]["x"], net["input"]["f"]))
    np.savez(out / "bench_x.npz", **{input_name: x.reshape(-1, *net["input"]["shape"])})
    output_of(nanotrig, "run", path, "--input", out / "bench_x.npz", "--output", out / "bench_y.npz", "--level", "netlist")
    outputs = [*np.load(out / "bench_y.npz").values()]
    y = number(net["test"]["y"], net["test"]["y_frac"])
    return len(outputs) == 1 and np.array_equal(outputs[0].reshape(len(y), -1), y)


def count(top, files):
    """LUTs, flip-flops and carry bits. Yosys takes minutes, so results are kept, by the content of all that decides them."""
    files = sorted(files, key=lambda file: file.name)
    texts = [COUNT.read_bytes(), importlib.metadata.version("pyosys").encode(), top.encode()]
    digest = hashlib.sha256()
    for text in texts + [file.read_bytes() for file in files]:
        digest.update(hashlib.sha256(text).digest())
    kept = CACHE / f"{digest.hexdigest()}.json"
    if not kept.exists():
        cells = output_of(sys.executable, COUNT, top, *files)
        CACHE.mkdir(parents=True, exist_ok=True)
        written = kept.with_suffix(f".{os.getpid()}")
        written.write_text(cells)
        written.rename(kept)  # at once, so that a run beside this one never reads half a file
    cells = json.loads(kept.read_text().splitlines()[-1])
    return {"luts": cells["lut"], "ffs": cells["ff"], "carry_bits": cells["carry_bits"]}


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
    result, files = compile_nanotrig(options.nanotrig, path, out / "nanotrig", timing)
    say(f"{name}: pricing nanotrig")
    nanotrig = priced(options.nanotrig, result["target"], result["top"], files)
    nanotrig = {"cycles": result["cycles"], "exact": result["exact"]} | nanotrig
    ratios = {what: round(nanotrig[what] / max(1, alkaid[what]), 3) for what in ("cycles", "ffs", "luts", "period_ps")}
    return {"name": name, "target": result["target"], "nanotrig": nanotrig, "alkaid": alkaid, "ratios": ratios}


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


def row(name, compiled, counting):
    """One line of the result; a tool that failed is null."""
    line = {"name": name, "target": None, "nanotrig": None, "alkaid": None}
    for tool, (result, _) in compiled.items():
        if (cells := counting[tool].result()) is not None:
            line["target"] = result.get("target", line["target"])
            line[tool] = cells | {key: result[key] for key in ("cycles", "compile_s", "exact")}
    return line


def main():
    parser = argparse.ArgumentParser(prog="bench.sh", description="Compile neutral networks with nanotrig and alkaid, side by side.")
    parser.add_argument("nets", nargs="+", type=pathlib.Path, metavar="NET.json.gz")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, default=1, help="syntheses to run at once (compiles always run alone)")
    parser.add_argument("--period", help="clock period for nanotrig in ns, instead of alkaid's number of cycles")
    parser.add_argument("--equal-period", action="store_true", help="compile with the period that alkaid's netlist has, and price both netlists")
    parser.add_argument("--no-peer", action="store_true", help="nanotrig only")
    options = parser.parse_args()
    say(f"alkaid {importlib.metadata.version('alkaid')}, pyosys {importlib.metadata.version('pyosys')}, counting with {os.path.relpath(COUNT, HERE.parent)}")

    if options.equal_period:
        sys.exit(not equal_periods(options))
    failed = False
    with tempfile.TemporaryDirectory() as tmp, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        rows = []
        # All compiles first, one at a time: a synthesis beside them would spoil their times.
        for path in options.nets:
            name = load(path)["name"]
            compiled = {}
            out = pathlib.Path(tmp, str(len(rows)))
            if not options.no_peer:
                compiled["alkaid"] = attempt(f"{name}: alkaid", compile_alkaid, path, out / "alkaid")
            timing = ["--period", options.period] if options.period else []
            if not timing and compiled.get("alkaid"):
                timing = ["--stages", compiled["alkaid"][0]["cycles"]]
            compiled["nanotrig"] = attempt(f"{name}: nanotrig", compile_nanotrig, options.nanotrig, path, out / "nanotrig", timing)
            failed |= None in compiled.values()
            rows.append((name, {tool: done for tool, done in compiled.items() if done}))
        submitted = [
            (name, compiled, {
                tool: pool.submit(attempt, f"{name}: counting {tool}", count, result["top"], files)
                for tool, (result, files) in compiled.items()
            })
            for name, compiled in rows
        ]
        for one in submitted:
            line = row(*one)
            failed |= any(line[tool] is None for tool in one[1])
            print(json.dumps(line), flush=True)
    sys.exit(failed)


if __name__ == "__main__":
    main()
