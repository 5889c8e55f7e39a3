"""nanotrig's result on a network: the Verilog, the time that it took, and whether it is exact."""
import json
import os
import resource

import numpy as np

import bench_peer
from bench_alkaid import load, number
from bench_count import output_of

ONE_THREAD = {"env": {**os.environ, "RAYON_NUM_THREADS": "1"}}


def compile_nanotrig(options, path, out, timing, compiles=bench_peer.COMPILES):
    """The compile's result and its Verilog. Its time is CPU seconds of one thread, the best of some, as alkaid's is."""
    seconds = []
    more = options.options.split()
    for _ in range(1 if options.untimed else compiles):
        start = child_seconds()
        output_of(options.nanotrig, "compile", path, "--no-prove", "-o", out, "--target", options.target, *timing, *more, "--json", **ONE_THREAD)
        seconds.append(child_seconds() - start)
    report = json.loads((out / "report.json").read_text())
    result = {
        "top": report["top"],
        "cycles": report["latency_cycles"],
        "compile_s": None if options.untimed else round(min(seconds), 3),
        "exact": reproduces_vectors(options.nanotrig, path, out, report["inputs"][0]["name"]),
        "estimated": {"luts": report["luts"], "ffs": report["registers"], "period_ns": report["period_ns"]},
    }
    return result | {"files": [*(out / "verilog").glob("*.v"), *(out / "hdl" / "synthesis").glob("*.v")]}


def child_seconds():
    """CPU seconds of the processes that have ended. Nothing else runs while a compile is timed."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
