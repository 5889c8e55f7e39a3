"""The jets of distil_jets.py: trains the recipes of examples/jet_search, compiles them and the public networks alike, and
writes the tables of its README.md.

    python scripts/jets.py PROGRAM [BLOCK]   # needs numpy, nanotrig with training, and ../shared/data (jets.sh calls it)

Without a BLOCK all five are written: paper, front, onward, headline and search. Accuracies are those of the integer evaluator on the 100,000 test jets. LUTs and latencies are the compiler's estimates for the
generic target at 200 MHz. What is in build/jet_search already is not made again.
"""

import json
import pathlib
import re
import subprocess
import sys
import tomllib

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
EXAMPLE, BUILD = ROOT / "examples" / "jet_search", ROOT / "build" / "jet_search"
PUBLIC = ROOT.parent / "shared" / "data" / "models" / "hgq"
PROGRAM = pathlib.Path(sys.argv[1]).resolve()
# What arXiv:2006.10159 reports of its own jets, on a VU9P at 200 MHz: accuracy in %, LUT, DSP, ns.
PAPER = {
    "baseline": ("BF, 16 bits", (74.4, 48321, 1826, 45)),
    "q6": ("Q6, 6 bits", (74.8, 39782, 124, 55)),
    "qe": ("QE, AutoQKeras for energy", (72.3, 9149, 66, 55)),
    "qb": ("QB, AutoQKeras for bits", (71.9, 11193, 69, 70)),
}
LEARNED = [("learned", "learned bits"), ("sparse", "learned bits, pruned")]
# Of these Verilator and Yosys are asked: those with batch normalisations. The others take them hours.
DEEPER = ["qe", "qb"]


def nanotrig(*arguments):
    """Runs the program; gives what it prints."""
    return subprocess.run([PROGRAM, *map(str, arguments)], check=True, capture_output=True, text=True).stdout


def once(place, make):
    """Makes a folder, if it is not there."""
    if not place.exists():
        print(f"{place.relative_to(ROOT)}", file=sys.stderr, flush=True)
        place.parent.mkdir(parents=True, exist_ok=True)
        make()
    return place


def products(folder):
    """Products of two variables in the Verilog."""
    code = lambda path: re.sub(r"//.*|/\*.*?\*/|\(\*.*?\*\)", "", path.read_text())
    return sum(code(path).count("*") for path in (folder / "verilog").glob("*.v"))


def dsps(folder):
    """DSP blocks that Yosys infers for UltraScale+, without -nodsp."""
    sources = sorted((folder / "verilog").glob("*.v"))
    top = json.loads((folder / "report.json").read_text())["name"]
    script = f"read_verilog {' '.join(map(str, sources))}; synth_xilinx -family xcup -top {top}; tee -o {folder}/dsp.txt stat"
    subprocess.run(["yosys", "-q", "-p", script], check=True, capture_output=True)
    return sum(int(count) for count in re.findall(r"DSP48E\w*\s+(\d+)", (folder / "dsp.txt").read_text()))


def measured(model, place, deeper=False):
    """A network's numbers: accuracy and its error on the test jets, LUTs, latency; and of the paper's networks more."""
    folder = once(place / "firmware", lambda: nanotrig("compile", "--no-prove", model, "-o", place / "firmware"))
    said = place / "evaluated.txt"
    inputs = ["--input", BUILD / "x.npy", "--labels", BUILD / "y.npy"]
    once(said, lambda: said.write_text(nanotrig("evaluate", model, *inputs)))
    accuracy = float(re.match(r"accuracy ([\d.]+)", said.read_text()).group(1))
    report = json.loads((folder / "report.json").read_text())
    row = {"accuracy": accuracy, "error": (accuracy * (1 - accuracy) / len(np.load(BUILD / "y.npy"))) ** 0.5}
    row |= {"products": products(folder), "lut": report["luts"], "cycles": report["latency_cycles"], "ns": report["latency_cycles"] * report["period_ns"]}
    if deeper:
        checks = place / "checks.json"
        once(checks, lambda: checks.write_text(json.dumps(deep(folder))))
        row |= json.loads(checks.read_text())
    return row


def deep(folder):
    """What Verilator and Yosys say."""
    simulated = nanotrig("verify", folder)
    mismatches = int(re.search(r"(\d+) mismatches", simulated).group(1))
    return {"mismatches": mismatches, "dsp": dsps(folder)}


def trained(name):
    """Trains a recipe of the example."""
    recipe, out = EXAMPLE / f"{name}_recipe.toml", BUILD / name / "trained"
    return once(out, lambda: nanotrig("train", recipe, "-o", out))


def searched():
    """The best network of the search, and what the search says of it at its end."""
    folder = BUILD / "search"
    best, said = folder / "best.toml", folder / "search.txt"
    inputs = ["search", EXAMPLE / "recipe.toml", "--store", folder / "trials.sqlite", "-o", best]
    folder.mkdir(exist_ok=True)
    once(said, lambda: said.write_text(nanotrig(*inputs)))
    return best, re.search(r"^best of .*?(?=\n\n)", said.read_text(), re.M | re.S).group(0)


def floating(folder):
    """What a trained network of dense layers says of the test jets without any of its quantizers, in float32."""
    model, kernels = tomllib.loads((folder / "model.toml").read_text()), np.load(folder / "model.weights.npz")
    dense = [layer for layer in model["layer"] if layer["kind"] == "dense"]
    x, y = np.load(BUILD / "x.npy"), np.load(BUILD / "y.npy")
    for at, layer in enumerate(dense):
        x = x @ kernels[layer["name"] + ".kernel"].astype(np.float32) + np.float32(layer["tensors"]["bias"])
        x = np.maximum(x, 0) if at + 1 < len(dense) else x
    accuracy = float((x.argmax(1) == y).mean())
    return {"accuracy": accuracy, "error": (accuracy * (1 - accuracy) / len(y)) ** 0.5}


def bits(model):
    """AutoQKeras' bits."""
    return int(re.search(r"(\d+) bits", nanotrig("energy", model)).group(1))


def search(rows):
    """The search's best beside Q6."""
    best, said = searched()
    row, own, q6 = measured(best, BUILD / "search"), bits(best), bits(BUILD / "q6" / "trained" / "model.toml")
    points = 100 * (row["accuracy"] - rows["q6"]["accuracy"])
    return (f"```text\n{said}\n```\n\nOn the test jets it is right for {share(row)} %, {points:+.2f} points from Q6; it has {own} bits, {own / q6:.3f} of Q6's "
            f"{q6}, {round(row['lut'])} LUT and answers in {row['ns']:g} ns.")


def line(*cells):
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def table(head, rows):
    return "\n".join([line(*head), line(*["---"] * len(head)), *(line(*row) for row in rows)])


def share(row):
    return f"{100 * row['accuracy']:.2f} +- {100 * row['error']:.2f}"


def papers(rows):
    head = ["network", "accuracy %", "paper", "LUT", "paper", "DSP", "paper", "latency", "paper", "products of two variables", "mismatches"]
    cells = []
    for name, (title, (accuracy, lut, dsp, ns)) in PAPER.items():
        row = rows[name]
        cells.append([title, share(row), accuracy, round(row["lut"]), lut, row.get("dsp", "not run"), dsp, f"{row['ns']:g} ns", f"{ns} ns", row["products"], row.get("mismatches", "not run")])
    return table(head, cells)


def fronts(others, front, public):
    """The table of all networks; the ratio is that of the front alone."""
    in_hardware = lambda row: [round(row["lut"]), row["cycles"], f"{row['ns']:g} ns"] if "lut" in row else [""] * 3
    cells = [[name, share(row), *in_hardware(row), ""] for name, row in [*others, *front]]
    for name, row in public:
        beaten = [own["lut"] for _, own in front if own["accuracy"] >= row["accuracy"]]
        ratio = f"{min(beaten) / row['lut']:.2f}" if beaten else "none"
        cells.append([f"public `{name}`", share(row), *in_hardware(row), ratio])
    head = ["network", "accuracy %", "LUT", "cycles", "latency", "least LUT of the front at no less accuracy, to this one's"]
    return table(head, cells)


def headline(rows, front):
    """The factor between 16 bits and the smallest network within 2 points."""
    cost = lambda row: row["lut"] + 100 * row.get("dsp", 0)
    good = [row for row in [*rows.values(), *(row for _, row in front)] if row["accuracy"] >= rows["baseline"]["accuracy"] - 0.02]
    least = min(good, key=cost)
    factor = cost(rows["baseline"]) / cost(least)
    return (f"From 16 bits everywhere ({share(rows['baseline'])} %) to the smallest network within 2 points of it ({share(least)} %), "
            f"LUT + 100 DSP shrink by a factor of {factor:.1f}.")


def points(trainings):
    """The networks of some trainings' fronts, named with their titles."""
    found = []
    for name, title in trainings:
        for path in sorted((trained(name) / "front").iterdir(), key=lambda path: int(path.name)):
            found.append((f"{title}, epoch {path.name}", measured(path / "model.toml", BUILD / name / path.name)))
    return found


def front(trainings, others=()):
    """The networks of some trainings beside the public ones and others."""
    found = points(trainings)
    public = [(path.name.split("_acc")[0], measured(path, BUILD / path.stem)) for path in sorted(PUBLIC.glob("*_acc7[56]*")) if path.suffix != ".npz"]
    return fronts(others, found, public)


def fixed_bits():
    """Networks whose bits are not learned, for the table of those whose are."""
    rows = papers_rows()
    whole = [("float32, no quantizers", floating(trained("baseline"))), *((PAPER[name][0], row) for name, row in rows.items())]
    return [*whole, ("best of our AutoQKeras search", measured(searched()[0], BUILD / "search"))]


def write(parts):
    """Puts texts between the markers of README.md."""
    readme = EXAMPLE / "README.md"
    text = readme.read_text()
    for name, body in parts.items():
        pattern = re.compile(rf"(<!-- {name} -->\n).*?(<!-- end -->)", re.S)
        assert pattern.search(text), name
        text = pattern.sub(lambda found: f"{found.group(1)}{body}\n{found.group(2)}", text)
    readme.write_text(text)


def papers_rows():
    return {name: measured(trained(name) / "model.toml", BUILD / name, deeper=name in DEEPER) for name in PAPER}


BLOCKS = {
    "paper": lambda: papers(papers_rows()),
    "front": lambda: front(LEARNED, fixed_bits()),
    "onward": lambda: front([("onward", "from `openml_e71874`")]),
    "headline": lambda: headline(papers_rows(), points(LEARNED)),
    "search": lambda: search(papers_rows()),
}


def main(blocks):
    BUILD.mkdir(parents=True, exist_ok=True)
    test = np.load(ROOT / "build" / "jets" / "test.npz")
    np.save(BUILD / "x.npy", test["x"])
    np.save(BUILD / "y.npy", test["y"])
    write({name: BLOCKS[name]() for name in blocks})


if __name__ == "__main__":
    main(sys.argv[2:] or list(BLOCKS))
