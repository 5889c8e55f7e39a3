#!/usr/bin/env python3
"""Sums alone, nanotrig's beside alkaid's, priced by one rule for both: no synthesis, no activations.

usage: scripts/adders.sh [--options "..."] [--no-deeper] [--table FILE.md] FILE...

A FILE is a neutral network or a matrix of ../shared/bench/cmvm. A sum of two operands costs a LUT for each position from
the first at which both have bits (of `a - b`, where b begins, if that is below a) to the top of the exact result. Constants are
free where a sum takes them in; one that stands alone costs nanotrig three LUTs and alkaid nothing. nanotrig's operands are counted from their
least value (offset encoding), which its circuits do too. Depth counts sums that cost anything, along the longest path. Both
compile without ternary adders; alkaid at its default depth and with hard_dc=0.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np
from alkaid.cmvm import cmvm_solve
from alkaid.trace import FVArray, trace
from alkaid.types import QInterval

import bench_alkaid
from bench_table import mean

NODE = re.compile(r"%(\d+) = (\w+)(.*?) : \[(-?\d+), (-?\d+)\]p(-?\d+)")
TERM = re.compile(r"(-?)%(\d+)(?: << (-?\d+))?")


def span(low, high):
    """Bits of a number that counts from its least value."""
    return (high - low).bit_length()


def width(low, high):
    """Bits of a number in two's complement, or unsigned where it is never negative."""
    return max(high.bit_length(), (~low).bit_length() + 1 if low < 0 else 0)


def made(nanotrig, path, options, period=None):
    """What nanotrig makes of a network: the period in ns, and LUTs and depth of its sums; None if the period is too short."""
    asked = ["--period", str(period)] if period else []
    with tempfile.TemporaryDirectory() as folder:
        command = [nanotrig, "compile", path, "-o", f"{folder}/out", "--no-prove", *options, *asked]
        if subprocess.run([str(word) for word in command], capture_output=True).returncode:
            return None
        out = pathlib.Path(folder, "out")
        return json.loads((out / "report.json").read_text())["period_ns"], priced((out / "ir/optimised.txt").read_text())


def ours(nanotrig, path, options, most=None):
    """LUTs and depth of the sums that nanotrig makes of a network; where there is a greatest depth, at the longest period, of a
    few, at which they are no deeper, or the shortest."""
    period, result = made(nanotrig, path, options)
    for percent in range(128, 100, -2) if most is not None else ():
        tried = made(nanotrig, path, options, period * percent / 100)
        if tried and tried[1][1] <= most:
            return tried[1]
    return result


def priced(text):
    """LUTs and depth of the sums of a graph."""
    nodes, sums, inner = {}, {}, set()
    for number, name, rest, low, high, exponent in NODE.findall(text):
        operands = [(int(of), int(shift or 0)) for _, of, shift in TERM.findall(rest)]
        nodes[int(number)] = (name, operands, int(low), int(high), int(exponent))
        if name == "add":
            sums[int(number)] = operands
            inner |= {of for of, _ in operands}
    luts, depth = 0, {}
    for number, (name, operands, low, high, exponent) in nodes.items():
        depth[number] = max((depth[of] for of, _ in operands), default=0)
        if name != "add":
            continue
        places = [(nodes[of][4] + shift, nodes[of][4] + shift + span(nodes[of][2], nodes[of][3])) for of, shift in operands]
        start = max(first for first, _ in places)
        top = exponent + (span(low, high) if number in inner else width(low, high))
        if len(places) == 1:
            luts += 3
        elif start < min(last for _, last in places):
            luts += top - start
            depth[number] += 1
    return luts, max(depth.values(), default=0)


def place(interval):
    """Where the bits of alkaid's interval begin and end."""
    low, high, step = (float(value) for value in interval)
    if low == high == 0:
        return 0, 0
    exponent = int(np.log2(step))
    return exponent, exponent + width(int(low / step), int(high / step))


def theirs(ops):
    """LUTs and depth of the sums among alkaid's operations."""
    luts, depth = 0, []
    for op in ops:
        depth.append(max((depth[of] for of in op.addr), default=0) if op.opcode != -1 else 0)
        if op.opcode not in (0, 1):
            continue
        (a, a_top), (b, b_top) = (place(ops[of].qint) for of in op.addr)
        b, b_top = b + int(op.data[0]), b_top + int(op.data[0])
        if op.opcode == 0 and max(a, b) >= min(a_top, b_top):
            continue
        start = b if op.opcode == 1 and b < a else max(a, b)
        luts += max(0, place(op.qint)[1] - start)
        depth[-1] += 1
    return luts, max(depth, default=0)


def alkaid_network(net, options):
    k, i, f = (np.reshape(net["input"][v], net["input"]["shape"]) for v in "kif")
    t = inputs = FVArray.from_kif(k, i, f, solver_options=options)
    saved = {}
    for op in net["ops"]:
        t = bench_alkaid.apply(t, op, saved)
    return theirs(trace(inputs, t).ops)


def alkaid_matrix(case, options):
    """The solver's two factors, one after the other."""
    bits = case["input"]["bits"]
    interval = QInterval(-(2.0 ** (bits - 1)), 2.0 ** (bits - 1) - 1, 1.0)
    weights = np.array(case["matrix"], dtype=np.float32)
    factors = cmvm_solve(weights, qintervals=[interval] * case["n_in"], latencies=[0.0] * case["n_in"], hard_dc=options.get("hard_dc", -1))
    parts = [theirs(factor.ops) for factor in factors]
    return sum(luts for luts, _ in parts), sum(depth for _, depth in parts)


def as_network(case):
    """A matrix as a network of one layer."""
    count, bits = case["n_in"], case["input"]["bits"]
    return {
        "format": "neutral-net/1", "name": case["name"], "about": "one matrix",
        "input": {"shape": [count], "k": [1] * count, "i": [bits - 1] * count, "f": [0] * count},
        "ops": [{"op": "dense", "w": case["matrix"], "w_frac": 0, "b": [0] * case["n_out"], "b_frac": 0}],
        "test": {"x": [[0] * count], "y": [[0] * case["n_out"]], "y_frac": 0},
    }


def compare(options, path, folder):
    """One row: LUTs and depth of nanotrig, alkaid, and alkaid with hard_dc=0."""
    case = bench_alkaid.load(path)
    if "matrix" in case:
        alkaid, file = alkaid_matrix, folder / f"{path.stem}.json"
        file.write_text(json.dumps(as_network(case)))
    else:
        alkaid, file = alkaid_network, path
    default, shallow = alkaid(case, {}), alkaid(case, {"hard_dc": 0})
    most = shallow[1] if options.no_deeper else None
    return case["name"], ours(options.nanotrig, file, options.options.split(), most), default, shallow


HEAD = """# Sums alone

nanotrig's sums beside alkaid 0.8.2's, both of two operands, priced by one rule; `scripts/adders.py` states it. Activations are left out.

    {command}

| case | nanotrig LUT, depth | alkaid LUT, depth | hard_dc=0 LUT, depth | ratio | to hard_dc=0 |
| --- | ---: | ---: | ---: | ---: | ---: |
"""


def table(rows, command):
    text = HEAD.format(command=command)
    for name, (luts, depth), (default, deep), (least, shallow) in rows:
        text += f"| {name} | {luts}, {depth} | {default}, {deep} | {least}, {shallow} | {luts / default:.3f} | {luts / least:.3f} |\n"
    default = mean([ours[0] / alkaid[0] for _, ours, alkaid, _ in rows])
    least = mean([ours[0] / alkaid[0] for _, ours, _, alkaid in rows])
    depths = [sum(row[tool][1] for row in rows) for tool in (1, 2, 3)]
    total = f"| geometric mean, sum of depths | {depths[0]} | {depths[1]} | {depths[2]} | {default:.3f} | {least:.3f} |\n"
    return text + total


def main():
    parser = argparse.ArgumentParser(prog="adders.sh", description="Price sums alone, nanotrig's beside alkaid's.")
    parser.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--options", default="", help="more options of nanotrig")
    parser.add_argument("--no-deeper", action="store_true", help="no deeper than alkaid with hard_dc=0, if nanotrig can")
    parser.add_argument("--table", type=pathlib.Path, metavar="FILE.md")
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for path in options.files:
            rows.append(compare(options, path, pathlib.Path(folder)))
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
    more = f'--options "{options.options}" ' if options.options else ""
    more += "--no-deeper " if options.no_deeper else ""
    text = table(rows, f"scripts/adders.sh {more}{' '.join(str(path) for path in options.files)}")
    if options.table:
        options.table.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
