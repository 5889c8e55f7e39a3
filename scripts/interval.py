#!/usr/bin/env python3
"""The work of interval.sh: see there for the usage."""
import argparse
import json
import pathlib
import random
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def network(size):
    """A dense layer of so many inputs and outputs with uniform 8-bit weights and biases, a ReLU, and 8 bits again."""
    chance = random.Random(1)
    weight = lambda: chance.randrange(-128, 128) / 128
    kernel = [[weight() for _ in range(size)] for _ in range(size)]
    bias = [2 * weight() for _ in range(size)]
    return f"""format = "nanotrig/1"
name = "dense"

[[input]]
name = "x"
shape = [{size}]
format = "fixed<8,3>"

[[layer]]
name = "dense_1"
kind = "dense"
[layer.tensors]
kernel = {kernel}
bias = {bias}

[[layer]]
name = "relu_1"
kind = "relu"

[[layer]]
name = "quantize_1"
kind = "quantize"
format = "ufixed<8,4,RND,SAT>"
"""


def run(*words):
    """The standard output of a command that must succeed."""
    done = subprocess.run([str(word) for word in words], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"interval: {' '.join(map(str, words))} ended with {done.returncode}\n{done.stdout}")
    return done.stdout


def measured(options, interval, folder):
    """The report of a compile, the cells that Yosys maps it to, and what the simulation says."""
    out = folder / f"every_{interval}"
    run(options.nanotrig, "compile", "--no-prove", folder / "net.toml", "-o", out, "--interval", interval, "--target", options.target)
    report = json.loads((out / "report.json").read_text())
    said = run(options.nanotrig, "verify", out, "--vectors", options.vectors).splitlines()[-1]
    files = [path for path in sorted(out.glob("verilog/*.v")) + sorted(out.glob("hdl/**/*.v"))]
    cells = json.loads(run(sys.executable, HERE / "yosys_count.py", report["top"], *files))
    return report, cells, said


def main():
    parser = argparse.ArgumentParser(prog="interval.sh", description="What an interval above 1 saves.")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--intervals", default="1,2,4,8", help="clocks from event to event, separated by commas")
    parser.add_argument("--size", type=int, default=64, help="inputs and outputs (default: 64)")
    parser.add_argument("--target", default="generic", help="nanotrig's target (default: generic)")
    parser.add_argument("--vectors", default="2000", help="events in the simulation (default: 2000)")
    parser.add_argument("--table", type=pathlib.Path, help="write the table as Markdown to a file too")
    options = parser.parse_args()
    head = [
        "# What an interval saves",
        "",
        f"A dense layer of {options.size} inputs and {options.size} outputs, uniform random 8-bit weights, 8-bit inputs, a ReLU and 8-bit outputs,",
        f"for target `{options.target}` at 200 MHz, with an event every K clocks (`--interval K`). LUTs, carry bits and flip-flops are what Yosys 0.70",
        "maps, without DSPs; `estimated` is the compiler's own count. Every row was verified in Verilator, bit by bit and cycle by cycle.",
        "",
        f"    scripts/interval.sh --intervals {options.intervals} --table examples/interval.md",
        "",
        "| K | LUT | of the first | estimated | carry bits | flip-flops | latency, clocks | Verilator |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    print("\n".join(head), flush=True)
    rows, first = [], None
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        (folder / "net.toml").write_text(network(options.size))
        for interval in options.intervals.split(","):
            report, cells, said = measured(options, interval, folder)
            first = first or cells["lut"]
            said = said.split(" (")[0] + ", " + said.rsplit(": ", 1)[-1]
            rows.append(
                f"| {interval} | {cells['lut']} | {cells['lut'] / first:.2f} | {report['luts']} | {cells['carry_bits']} | {cells['ff']} "
                f"| {report['latency_cycles']} | {said} |"
            )
            print(rows[-1], flush=True)
    if options.table:
        options.table.write_text("\n".join(head + rows) + "\n")


if __name__ == "__main__":
    main()
