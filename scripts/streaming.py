#!/usr/bin/env python3
"""The work of streaming.sh: see there for the usage."""
import argparse
import pathlib
import random
import re
import subprocess
import sys
import tempfile

WHAT = """# Images pixel by pixel

A convolutional network of 32 x 32 pixels with three 8-bit colours: 3 x 3 convolutions with 8, 16 and 16 channels (6-bit weights, two
fifths of them 0, and 6-bit activations), two pools, and a dense layer. Its weights are random, always the same: it is here for its size. Each
circuit is used at all positions; unrolled, there would be one for each position. Once with windows inside the maps (`valid`), and once with
as many zeros around them as keep their size (`same`): the last windows then wait for pixels that never come, and two images have lines of
their own, because the next one may come meanwhile.

    scripts/streaming.sh --table examples/streaming.md

"""


def kernel(chance, shape):
    """6-bit weights, two fifths of them 0, as nested lists."""
    if shape:
        return [kernel(chance, shape[1:]) for _ in range(shape[0])]
    return chance.randrange(-32, 32) / 16 if chance.random() < 0.6 else 0.0


def network(padding):
    """The network, in nanotrig's own format."""
    chance = random.Random(2)
    text = ['format = "nanotrig/1"\nname = "image"\n\n[[input]]\nname = "pixel"\nshape = [32, 32, 3]\nformat = "ufixed<8,0>"']

    def layer(name, kind, *lines, **tensors):
        body = [f'[[layer]]\nname = "{name}"\nkind = "{kind}"', *lines]
        body += ["[layer.tensors]"] * bool(tensors) + [f"{key} = {value}" for key, value in tensors.items()]
        text.append("\n".join(body))

    for number, (channels, filters) in enumerate([(3, 8), (8, 16), (16, 16)], 1):
        weights = kernel(chance, [3, 3, channels, filters])
        layer(f"conv_{number}", "conv2d", f'padding = "{padding}"', kernel=weights, bias=kernel(chance, [filters]))
        layer(f"relu_{number}", "relu")
        layer(f"quantize_{number}", "quantize", 'format = "ufixed<6,3,RND,SAT>"')
        if number < 3:
            layer(f"pool_{number}", "max_pool2d", "size = [2, 2]")
    layer("flatten", "flatten")
    side = 4 if padding == "valid" else 8
    layer("dense", "dense", kernel=kernel(chance, [side * side * 16, 10]), bias=kernel(chance, [10]))
    return "\n\n".join(text) + "\n"


def unrolled(said, padding):
    """Estimated LUTs with a circuit for each position: of each row of the table, its LUTs times its positions."""
    rows = [re.split(r"\s+", line) for line in said.splitlines() if re.match(r"\d+ +\d+x\d+ ", line)]
    total = 0
    for number, (_, where, window, _, luts, *_) in enumerate(rows):
        kind = said.splitlines()[number + 1].split()[-1]
        size, reach = int(where.split("x")[0]), int(window.split("x")[0])
        pool, kept = kind.startswith("pool"), padding == "same" and kind.startswith("quantize")
        total += (size if kept else (size - reach) // (2 if pool else 1) + 1) ** 2 * int(luts)
    return total


def main():
    parser = argparse.ArgumentParser(prog="streaming.sh", description="A network of 32 x 32 x 3 pixels, pixel by pixel.")
    parser.add_argument("--nanotrig", required=True, help=argparse.SUPPRESS)
    parser.add_argument("--images", default="20", help="images in the simulation (default: 20)")
    parser.add_argument("--table", type=pathlib.Path, help="write what is printed to a file too, as Markdown")
    options = parser.parse_args()
    text = WHAT
    for padding in ("valid", "same"):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            (folder / "net.toml").write_text(network(padding))
            command = [options.nanotrig, "stream", "net.toml", "-o", "out", "--verify", options.images]
            done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True)
        print(f"{padding}\n{done.stdout}", end="")
        if done.returncode:
            return done.returncode
        total = unrolled(done.stdout, padding) / 1e6
        line = f"Unrolled, with a circuit for each position at these intervals, it would take about {total:.1f} million LUTs."
        print(line)
        text += f"## {padding}\n\n```text\n{done.stdout}```\n\n{line}\n" + "\n" * (padding == "valid")
    if options.table:
        options.table.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
