#!/usr/bin/env python3
"""Compile one neutral network with alkaid, through its public API, and say how it went as one JSON line.

usage: bench_alkaid.py NET.json[.gz] DIR [--ternary] [--hard-dc N] [--unoptimised]

--ternary fuses three-input adders; --hard-dc N bounds the depth of sums to N levels above the least; --unoptimised
leaves alkaid's graph optimiser out, which is wrong on some networks. Pipelining has the latency cutoff that alkaid's own
examples use. The time is CPU seconds of tracing and writing, so that other work on the machine does not count;
imports are not timed.
"""
import argparse
import gzip
import json
import time

import numpy as np
from alkaid.codegen import RTLModel
from alkaid.trace import FVArray, trace
from alkaid.trace.ops import einsum, quantize, relu

LATENCY_CUTOFF = 5


def load(path):
    """The network in a neutral-net/1 file, gzipped or not."""
    with open(path, "rb") as file:
        raw = file.read()
    return json.loads(gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw)


def number(codes, fraction):
    """Codes as the real numbers they stand for; exact, since no code here has more than 53 bits."""
    return np.array(codes, dtype=float) * 2.0 ** -np.array(fraction, dtype=float)


def requantize(t, q):
    k, i, f = (np.broadcast_to(q[v], t.shape) if np.ndim(q[v]) == 0 else np.reshape(q[v], t.shape) for v in "kif")
    return quantize(t, k, i, f, q["overflow"], q["round"])


def dense(t, op):
    w = number(op["w"], op["w_frac"])
    return t @ w if t.ndim == 1 else einsum("...i,io->...o", t, w)


def conv2d(t, op):
    """A valid convolution, as the matrix product of its windows."""
    w = number(op["w"], op["w_frac"])
    height, width, _, channels = w.shape
    down, right = op.get("stride", [1, 1])
    rows, cols = range(0, t.shape[0] - height + 1, down), range(0, t.shape[1] - width + 1, right)
    windows = np.stack([t[y:y + height, x:x + width].reshape(-1) for y in rows for x in cols])
    return (windows @ w.reshape(-1, channels)).reshape(len(rows), len(cols), channels)


def maxpool2d(t, op):
    h, w = op["size"]
    rows, cols, channels = t.shape[0] // h, t.shape[1] // w, t.shape[2]
    return np.max(t[:rows * h, :cols * w].reshape(rows, h, cols, w, channels), axis=(1, 3))


def table(t, op):
    """A function given by its values, indexed by the bits of its argument."""
    values = number(op["values"], op["out_f"])
    bits = op["k"] + op["i"] + op["f"]
    t = t.apply(lambda v: values[np.floor(np.asarray(v) * 2.0 ** op["f"]).astype(int) % (1 << bits)])
    integer = int(np.abs(op["values"]).max()).bit_length() - op["out_f"]
    return quantize(t, 1, integer, op["out_f"])


def apply(t, op, saved):
    kind = op["op"]
    if kind in ("dense", "conv2d"):
        t = dense(t, op) if kind == "dense" else conv2d(t, op)
        return t + number(op["b"], op.get("b_frac", 0)) if any(op.get("b") or []) else t
    if kind == "save":
        saved[op["id"]] = requantize(t, op["quant"]) if op.get("quant") else t
        return t
    return {
        "relu": lambda: relu(t),
        "quant": lambda: requantize(t, op),
        "maxpool2d": lambda: maxpool2d(t, op),
        "table": lambda: table(t, op),
        "sum": lambda: np.sum(t, axis=op["axis"]),
        "square": lambda: np.square(t),
        "transpose": lambda: np.transpose(t, op["perm"]),
        "reshape": lambda: t.reshape(op["shape"]),
        "flatten": lambda: t.reshape(-1),
        "add_saved": lambda: t + saved[op["id"]],
    }[kind]()


def main():
    parser = argparse.ArgumentParser(description="Compile one neutral network with alkaid.")
    parser.add_argument("net")
    parser.add_argument("out")
    parser.add_argument("--ternary", action="store_true")
    parser.add_argument("--hard-dc", type=int)
    parser.add_argument("--unoptimised", action="store_true")
    options = parser.parse_args()
    net = load(options.net)
    k, i, f = (np.reshape(net["input"][v], net["input"]["shape"]) for v in "kif")

    start = time.process_time()
    solver = {} if options.hard_dc is None else {"hard_dc": options.hard_dc}
    t = inputs = FVArray.from_kif(k, i, f, solver_options=solver)
    saved = {}
    for op in net["ops"]:
        t = apply(t, op, saved)
    logic = trace(inputs, t, optimize=not options.unoptimised)
    model = RTLModel(logic, options.out, "model", print_latency=False, latency_cutoff=LATENCY_CUTOFF, ternary_fuse=options.ternary)
    model.write()
    compile_s = time.process_time() - start

    x = np.where((k + i + f > 0).reshape(-1), number(net["test"]["x"], net["input"]["f"]), 0)
    y = number(net["test"]["y"], net["test"]["y_frac"])
    print(json.dumps({
        "top": "model",
        "cycles": len(model.fsm.logic) + 1,  # a register before the first stage, between stages, and after the last
        "compile_s": round(compile_s, 3),
        "exact": bool(np.array_equal(logic.predict(x).reshape(y.shape), y)),
    }))


if __name__ == "__main__":
    main()
