"""Trains the small examples, and writes what they ship: model.toml, vectors.npz, plot.svg and the table of README.md.

    python scripts/train_examples.py PROGRAM [NAME...]     # needs numpy, and nanotrig with training (train_examples.sh calls it)

Of a front the network is taken that has the fewest LUTs and is within a standard error of the most accurate one.
"""

import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
NAMES = ["gamma_telescope", "pulsar", "digits"]
SAMPLES = 500
STYLE = """<style>
svg { background: white; font-family: sans-serif; } polyline { fill: none; stroke-width: 2; }
.line0 { stroke: #2a78d6; } circle { fill: #2a78d6; } text { font-size: 12px; } text.end { text-anchor: end; }
</style>"""


def nanotrig(program, *arguments):
    """Runs the program."""
    subprocess.run([program, *map(str, arguments)], check=True, stdout=subprocess.DEVNULL)


def chosen(trained):
    """The network that is shipped."""
    front = json.loads((trained / "report.json").read_text())["front"]
    if not front:
        return trained / "model.toml"
    best = max(front, key=lambda row: row["quality"])
    good = [row for row in front if row["quality"] >= best["quality"] - best["error"]]
    return trained / "front" / min(good, key=lambda row: row["luts"])["name"] / "model.toml"


def plot(trained, example):
    """The front, or where there is none the accuracy, as a picture."""
    pictures = re.findall(r"<h2>(.*?)</h2>.*?(<svg.*?</svg>)", (trained / "report.html").read_text(), re.S)
    svg = dict(pictures).get("Front") or dict(pictures)["Accuracy"]
    svg = svg.replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1).replace(">", f">\n{STYLE}", 1)
    (example / "plot.svg").write_text(svg + "\n")


def vectors(program, example, data):
    """Test samples, and the exact outputs of the network."""
    network = (example / "model.toml").read_text()
    port = re.search(r'\[\[input\]\]\s*name = "([^"]+)"', network).group(1)
    x = np.load(data)["x_test"][:SAMPLES]
    with tempfile.TemporaryDirectory() as folder:
        given, found = pathlib.Path(folder) / "x.npz", pathlib.Path(folder) / "y.npz"
        np.savez(given, **{port: x.reshape(len(x), -1)})
        nanotrig(program, "run", example / "model.toml", "--input", given, "--output", found)
        outputs = np.load(found)
        np.savez_compressed(example / "vectors.npz", **{port: x.reshape(len(x), -1)}, **outputs)


def table(trained):
    """What was measured on the test samples."""
    report = json.loads((trained / "report.json").read_text())
    if report["front"]:
        lines = ["| epoch | accuracy | EBOPs | LUT | latency |", "|---|---|---|---|---|"]
        for row in report["front"]:
            lines.append(f"| {row['name']} | {row['quality']:.4f} +- {row['error']:.4f} | {row['ebops']:.0f} | {row['luts']:.0f} | {row['latency_ns']:g} ns |")
        return "\n".join(lines)
    test = report["test"]
    error = (test["accuracy"] * (1 - test["accuracy"]) / test["samples"]) ** 0.5
    return f"Accuracy on the {test['samples']} test samples: {test['accuracy']:.4f} +- {error:.4f} (statistical)."


def make(program, name):
    example, trained = ROOT / "examples" / name, ROOT / "build" / f"{name}_trained"
    nanotrig(program, "train", example / "recipe.toml", "-o", trained)
    model = chosen(trained)
    shutil.copyfile(model, example / "model.toml")
    shutil.copyfile(model.with_name("model.weights.npz"), example / "model.weights.npz")
    data = re.search(r'^train = "(.+)"', (example / "recipe.toml").read_text(), re.M).group(1)
    vectors(program, example, example / data)
    plot(trained, example)
    readme = example / "README.md"
    text, count = re.subn(r"(<!-- measured -->\n).*?(<!-- end -->)", lambda found: f"{found.group(1)}{table(trained)}\n{found.group(2)}", readme.read_text(), flags=re.S)
    assert count == 1, readme
    readme.write_text(text)


if __name__ == "__main__":
    for name in sys.argv[2:] or NAMES:
        make(pathlib.Path(sys.argv[1]).resolve(), name)
