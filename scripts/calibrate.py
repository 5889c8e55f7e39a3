#!/usr/bin/env python3
"""The work of calibrate.sh, which makes this script's environment: see there for the usage."""
import argparse
import concurrent.futures
import importlib.metadata
import json
import pathlib
import sys
import tempfile

import numpy as np

from bench_count import CACHE, HERE, digest, keep, output_of
from calibrate_networks import networks

TARGETS = ["generic", "ultrascale-plus", "ecp5", "ice40", "gowin"]
KINDS = ["sum", "offset", "clip", "compare", "select", "table", "large_table", "product"]
MEASURES = ["luts", "registers", "carry"]
FITTED = HERE.parent / "src" / "targets" / "fitted.rs"
PRIOR = 0.02  # how strongly a factor is drawn to 1: kinds that no network has stay there
TOOL = f"Yosys {importlib.metadata.version('pyosys')}"


def say(*words):
    print("calibrate:", *words, file=sys.stderr, flush=True)


def compiled(options, target, network, out):
    """A network's report, and the folder."""
    _, path, timing, _ = network
    output_of(options.nanotrig, "compile", path, "--no-prove", "-o", out, "--target", target, *timing.split())
    return json.loads((out / "report.json").read_text())


def measured(options, out):
    """What Yosys maps, by `nanotrig synth`; kept by the Verilog and the script."""
    sources = sorted((out / "verilog").glob("*.v"))
    texts = [file.read_bytes() for file in [out / "yosys" / "synth.ys", *sources]]
    kept = CACHE / "synth" / f"{digest(TOOL.encode(), *texts)}.json"
    if not kept.exists():
        found = json.loads(output_of(options.nanotrig, "synth", out, "--tools", pathlib.Path(sys.executable).parent, "--json"))
        if found["tool"] != TOOL or found["measured"].get("other"):
            raise RuntimeError(f"{out}: {found['tool']} counted, and not {found['measured'].get('other')}")
        keep(kept, json.dumps(found["measured"]).encode())
    return json.loads(kept.read_text())


def row(options, target, network, folder):
    """One network's estimate beside its measurement."""
    name, _, timing, fitted = network
    out = folder / f"{target}_{name}"
    report = compiled(options, target, network, out)
    say(f"{target}: {name} ({timing})")
    kinds = {row["kind"]: row for row in report["kinds"]}
    areas = [kinds.get(kind, {"luts": 0})["luts"] for kind in KINDS]
    return {
        "name": name,
        "fitted": fitted,
        "areas": areas,
        "carry_area": sum(kind["carry"] for kind in kinds.values()),
        "estimated": {key: report[key] for key in MEASURES},
        "measured": measured(options, out),
    }


def solved(rows):
    """A factor for each kind: least squares of relative errors, drawn to 1, none below 0."""
    weights = np.array([1 / row["measured"]["luts"] for row in rows])
    areas = np.array([row["areas"] for row in rows]) * weights[:, None]
    scale = np.sqrt(PRIOR * len(rows)) * np.maximum(areas.mean(axis=0), 1e-3)
    factors, free = np.zeros(len(KINDS)), np.ones(len(KINDS), bool)
    while True:
        left = np.vstack([areas, np.diag(scale)])[:, free]
        found = np.linalg.lstsq(left, np.concatenate([np.ones(len(rows)), scale]), rcond=None)[0]
        if (found >= 0).all():
            factors[free] = found
            return factors.round(3)
        free[np.flatnonzero(free)[found < 0]] = False


def fit(rows):
    """The factors of LUTs and of carry bits."""
    carry = [row["measured"]["carry"] / row["carry_area"] for row in rows if row["carry_area"]]
    return solved(rows), round(float(np.exp(np.mean(np.log(carry)))), 3)


def errors(rows, factors=None, carry=None):
    """Relative errors of LUTs, registers and carry bits, in percent: of the estimates, or of what factors make of areas."""
    table = []
    for row in rows:
        guess = dict(row["estimated"])
        if factors is not None:
            guess |= {"luts": float(np.dot(row["areas"], factors)), "carry": row["carry_area"] * carry}
        table.append([100 * (guess[key] / row["measured"][key] - 1) for key in MEASURES])
    return np.array(table)


def rust(fits):
    """The text of src/targets/fitted.rs."""
    names = lambda rows: ", ".join(f'"{row["name"]}"' for row in rows)
    text = [
        "//! Written by `scripts/calibrate.sh`, which measures all of it; do not edit.",
        "",
        "use super::calibration::Calibration;",
        "",
        "/// The calibrations, one a target.",
        "#[rustfmt::skip]",
        "pub const FITTED: &[Calibration] = &[",
    ]
    for target, (factors, carry, seen, unseen, worst) in fits.items():
        text += [
            "    Calibration {",
            f'        target: "{target}",',
            f'        tool: "{TOOL}",',
            f"        luts: [{', '.join(f'{factor:.3f}' for factor in factors)}],",
            f"        carry: {carry:.3f},",
            f"        fitted: &[{names(seen)}],",
            f"        held_out: &[{names(unseen)}],",
            *(f"        {name}_error: {value:.1f}," for name, value in zip(MEASURES, worst)),
            "    },",
        ]
    return "\n".join([*text, "];", ""])


def show(target, rows, table):
    for row, percents in zip(rows, table):
        role = "fit" if row["fitted"] else "held out"
        cells = "".join(f"  {key} {row['measured'][key]:>6} {percent:+6.1f} %" for key, percent in zip(MEASURES, percents))
        print(f"{target:<8} {row['name']:<20} {role:<8}{cells}", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="calibrate.sh", description="Fit the estimates to what Yosys maps.")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", action="append", help=f"a target to fit (default: {', '.join(TARGETS)})")
    parser.add_argument("--jobs", type=int, default=1, help="syntheses to run at once")
    parser.add_argument("--check", action="store_true", help="only print the errors of the estimates as they are")
    options = parser.parse_args()
    fits = {}
    with tempfile.TemporaryDirectory() as tmp, concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        every = networks(pathlib.Path(tmp))
        for target in options.target or TARGETS:
            rows = [*pool.map(lambda network: row(options, target, network, pathlib.Path(tmp)), every)]
            if options.check:
                show(target, rows, errors(rows))
                continue
            seen, unseen = ([row for row in rows if row["fitted"] is fitted] for fitted in (True, False))
            factors, carry = fit(seen)
            table = errors(rows, factors, carry)
            show(target, rows, table)
            worst = np.abs(table[[not row["fitted"] for row in rows]]).max(axis=0)
            mean = np.abs(table[[not row["fitted"] for row in rows]]).mean(axis=0)
            print(f"{target}: factors {dict(zip(KINDS, factors.tolist()))}, carry {carry}")
            print(f"{target}: held out: worst {worst.round(1).tolist()} %, mean {mean.round(1).tolist()} % ({', '.join(MEASURES)})", flush=True)
            fits[target] = (factors, carry, seen, unseen, worst)
    if not options.check:
        FITTED.write_text(rust(fits))
        say(f"{FITTED.relative_to(HERE.parent)} is written; build again to use it")


if __name__ == "__main__":
    main()
