#!/usr/bin/env python3
"""The work of scale.sh: see there for the usage."""
import argparse
import json
import math
import os
import pathlib
import random
import subprocess
import sys
import tempfile

WIDTH = 64  # neurons of a layer, of the kind `layers`
CHANNELS, TAPS = 16, 3  # of the convolution of the kind `positions`
WHAT = {
    "layers": f"dense layers of {WIDTH} x {WIDTH} different 6-bit weights, half of them 0, one behind the other",
    "positions": f"two convolutions of {TAPS} x {CHANNELS} x {CHANNELS} such weights over a growing input",
}
SIZES = "10000,30000,100000,300000,1000000"
# Operations of one layer, and of one position, roughly: sizes are only asked for so.
EACH = {"layers": 2300, "positions": 830}


def kernel(chance, shape):
    """6-bit weights, half of them 0, as nested lists."""
    if shape:
        return [kernel(chance, shape[1:]) for _ in range(shape[0])]
    return chance.randrange(-32, 32) / 32 if chance.random() < 0.5 else 0.0


def network(kind, count):
    """A network of so many layers or positions, in nanotrig's own format."""
    chance = random.Random(1)
    shape = [WIDTH] if kind == "layers" else [count, CHANNELS]
    text = [f'format = "nanotrig/1"\nname = "{kind}_{count}"\n\n[[input]]\nname = "x"\nshape = {shape}\nformat = "fixed<7,3>"']
    for layer in range(1, 1 + (count if kind == "layers" else 2)):
        weights = kernel(chance, [WIDTH, WIDTH] if kind == "layers" else [TAPS, CHANNELS, CHANNELS])
        kind_of = 'kind = "dense"' if kind == "layers" else 'kind = "conv1d"\npadding = "same"'
        text.append(f'[[layer]]\nname = "product_{layer}"\n{kind_of}\n[layer.tensors]\nkernel = {weights}')
        text.append(f'[[layer]]\nname = "relu_{layer}"\nkind = "relu"')
        text.append(f'[[layer]]\nname = "quantize_{layer}"\nkind = "quantize"\nformat = "ufixed<7,4,RND,SAT>"')
    return "\n\n".join(text) + "\n"


def measured(options, kind, size, folder):
    """One compile: operations, CPU seconds, and the most memory in MB."""
    model, out = folder / "model.toml", folder / "out"
    model.write_text(network(kind, max(1, round(size / EACH[kind]))))
    command = [options.nanotrig, "compile", model, "--no-prove", "-o", out, "--target", options.target, "--max-operations", "100000000"]
    child = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, env={**os.environ, "RAYON_NUM_THREADS": "1"})
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"scale: {kind}, {size} operations: ended with {child.returncode}")
    report = json.loads((out / "report.json").read_text())
    return sum(layer["operations"] for layer in report["layers"]), used.ru_utime + used.ru_stime, used.ru_maxrss / 1000


def exponent(rows):
    """The slope of log time over log operations, by least squares."""
    points = [(math.log(operations), math.log(seconds)) for operations, seconds, _ in rows]
    x, y = (sum(values) / len(points) for values in zip(*points))
    return sum((a - x) * (b - y) for a, b in points) / sum((a - x) ** 2 for a, _ in points)


def main():
    parser = argparse.ArgumentParser(prog="scale.sh", description="How compile time and memory grow.")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--target", default="generic", help="nanotrig's target (default: generic)")
    parser.add_argument("--sizes", default=SIZES, help="operations, roughly, separated by commas")
    parser.add_argument("--kinds", default=",".join(WHAT), help="what grows: layers, positions")
    parser.add_argument("--table", type=pathlib.Path, help="write the table as Markdown to a file too")
    options = parser.parse_args()
    given = {"target": (options.target, "generic"), "sizes": (options.sizes, SIZES)}
    asked = "".join(f" --{name} {value}" for name, (value, usual) in given.items() if value != usual)
    lines = [
        "# How compile time grows",
        "",
        f"`nanotrig compile` with target `{options.target}` and the default effort: CPU seconds of one thread, from file to files, without the proof. Operations are those of",
        "the finished circuit: sums, clips, tables.",
        "",
        f"    scripts/scale.sh{asked} --table examples/scale.md",
        "",
        "| what grows | operations | CPU s | us per operation | memory, MB |",
        "| --- | ---: | ---: | ---: | ---: |",
    ]
    print("\n".join(lines), flush=True)
    growth = []
    for kind in options.kinds.split(","):
        rows = []
        for size in map(int, options.sizes.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                rows.append(measured(options, kind, size, pathlib.Path(folder)))
            operations, seconds, memory = rows[-1]
            lines.append(f"| {kind} | {operations} | {seconds:.2f} | {seconds / operations * 1e6:.0f} | {memory:.0f} |")
            print(lines[-1], flush=True)
        if len(rows) > 1:
            growth.append(f"- `{kind}`, {WHAT[kind]}: time grows as operations to the power {exponent(rows):.2f}")
    lines += ["", *growth]
    print("\n".join(["", *growth]))
    if options.table:
        options.table.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
