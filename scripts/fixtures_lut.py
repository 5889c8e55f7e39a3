"""Networks of look-up tables with random tables, and what plain numpy computes of them: writes tests/data/lut.

    pip install numpy
    python scripts/fixtures_lut.py

The oracle is the definition of each format, written a second time: `bit = feature > threshold`, `tables[o][address]` with the
first input of an address lowest, `KAN_LUT.predict` of KANELE. Every table, wiring and threshold is random and seeded.
"""
import json
import pathlib

import numpy as np

OUT = pathlib.Path(__file__).parent.parent / "tests/data/lut"
CASES = []


def case(model, vectors, about, **more):
    CASES.append(dict(model=model, vectors=vectors, about=about, **more))


def save(name, inputs, outputs):
    arrays = {f"in_{key}": value for key, value in inputs.items()} | {f"out_{key}": value for key, value in outputs.items()}
    np.savez_compressed(OUT / name, **arrays)


def look_up(bits, mapping, tables, width=1):
    """Rows of codes (bit patterns of `width` bits) through tables of k of them."""
    chosen = bits[:, mapping]
    address = (chosen.astype(np.int64) << (width * np.arange(mapping.shape[1]))).sum(-1)
    return tables[np.arange(len(tables)), address]


def dwn(name, seed, features, bits, layers, classes, k, learnt):
    """A weightless network, as float tables, and its scores of random features."""
    rng = np.random.default_rng(seed)
    thresholds = np.sort(rng.normal(size=(features, bits)), axis=1).astype(np.float32)
    thresholds[0, 0] = 0.25  # on the grid: x > t and x >= t differ
    arrays, wiring, before = {"thresholds": thresholds}, [], features * bits
    for at, units in enumerate(layers):
        mapping = rng.integers(0, before, (units, k)).astype(np.int32)
        luts = rng.normal(size=(units, 2**k)).astype(np.float32)
        luts[0] = np.abs(luts[0])  # a constant
        luts[1, 1::2] = luts[1, ::2]  # does not depend on its first input
        mapping[2, :2] = mapping[2, 0]  # one input twice
        luts[3] = luts[2]
        mapping[3] = mapping[2]  # the same again
        if learnt[at]:
            arrays |= {f"{at}_LUTLayer_dummy_mapping": np.zeros_like(mapping), f"{at}_mapping_weights_argmax": mapping.ravel()}
        else:
            arrays[f"{at}_mapping"] = mapping
        arrays[f"{at}_luts"] = luts
        wiring.append((mapping, luts > 0))
        before = units
    arrays["classes"] = np.array([f"c{n}" for n in range(classes)])
    np.savez_compressed(OUT / f"{name}.npz", **arrays)

    def scores(x):
        bits = (x[:, :, None] > thresholds.astype(np.float64)).reshape(len(x), -1)
        codes = bits
        for mapping, tables in wiring:
            codes = look_up(codes, mapping, tables)
        return bits, codes.reshape(len(x), classes, -1).sum(-1)

    grid = rng.integers(-40, 41, (120, features)) / 16
    save(f"{name}_grid", {"x": grid}, {"scores": scores(grid)[1]})
    case(f"{name}.npz", f"{name}_grid.npz", f"weightless: {layers} tables of {k}, encoded from a fixed-point port",
         input_format=["fixed<8,4>"])
    real = rng.normal(size=(120, features)).astype(np.float32)
    bits, want = scores(real)
    save(f"{name}_real", {"x": real}, {"scores": want})
    save(f"{name}_bits", {"x": bits.astype(np.uint8)}, {"scores": want})
    for vectors in ["real", "bits"]:
        case(f"{name}.npz", f"{name}_{vectors}.npz", f"the same with bits at the port, given as {vectors}", input_format=["bits"])


def kanele(seed, nodes, bits):
    """A Kolmogorov-Arnold network: tables, configuration, codes."""
    rng = np.random.default_rng(seed)
    folder = OUT / "kanele"
    folder.mkdir(exist_ok=True)
    tables, codes = {}, rng.integers(0, 1 << bits[0], (150, nodes[0]))
    x, index = codes, codes
    for layer in range(len(nodes) - 1):
        top = 1 << (bits[layer + 1] - 1)
        total = np.zeros((len(x), nodes[layer + 1]), np.int64)
        for i in range(nodes[layer]):
            for o in range(nodes[layer + 1]):
                active = int(rng.random() < 0.7)
                values = np.clip(np.cumsum(rng.integers(-3, 4, 1 << bits[layer])), -top, top - 1)
                tables[f"{layer}_{i}_{o}"] = {"acive": active, "values_int": values.tolist()}
                total[:, o] += active * values[index[:, i]]
        x = np.clip(total, -top, top - 1)
        index = x + top
    (folder / "truth_tables.json").write_text(json.dumps(tables))
    (folder / "config.json").write_text(json.dumps({"layers": nodes, "layers_bitwidth": bits}, indent=1) + "\n")
    save("kanele", {"x": codes}, {f"kan_{len(nodes) - 2}": x})
    case("kanele/truth_tables.json", "kanele.npz", f"Kolmogorov-Arnold: nodes {nodes}, bits {bits}")


def native(seed):
    """Our own layers with every attribute: tables of multi-bit codes, signed and not; edges at several positions."""
    rng = np.random.default_rng(seed)
    lists = lambda array: json.dumps(np.asarray(array).tolist())
    mapping, tables = rng.integers(0, 6, (7, 3)), rng.integers(-8, 8, (7, 64))
    outer_mapping, outer = rng.integers(0, 14, (4, 2)), rng.integers(0, 4, (4, 64))
    thresholds = np.array([[-0.5, 0.0, 0.25], [-1.25, 0.5, 0.75]])
    edges = rng.integers(-9, 10, (2, 3, 8))
    (OUT / "native.toml").write_text(f"""format = "nanotrig/1"
name = "tables"
outputs = ["outer", "kan"]

[[input]]
name = "x"
shape = [3, 2]
format = "fixed<2,1,TRN,SAT>"

[[input]]
name = "u"
shape = [2]
format = "fixed<6,2>"

[[input]]
name = "k"
shape = [4, 2]
format = "fixed<3,2>"

[[layer]]
name = "signed"
kind = "truth_table"
inputs = ["x"]
bits = 2
signed = true
fraction = 1
out_fraction = 2
[layer.tensors]
mapping = {lists(mapping)}
tables = {lists(tables)}

[[layer]]
name = "positive"
kind = "quantize"
format = "ufixed<3,1,TRN,SAT>"

[[layer]]
name = "at_least"
kind = "thermometer"
inputs = ["u"]
strict = false
[layer.tensors]
thresholds = {lists(thresholds)}

[[layer]]
name = "flat"
kind = "flatten"

[[layer]]
name = "both"
kind = "concatenate"
inputs = ["positive", "flat"]

[[layer]]
name = "eighths"
kind = "quantize"
format = "ufixed<3,1,TRN,SAT>"

[[layer]]
name = "outer"
kind = "truth_table"
bits = 3
fraction = 2
[layer.tensors]
mapping = {lists(outer_mapping % 13)}
tables = {lists(outer)}

[[layer]]
name = "kan"
kind = "kan"
inputs = ["k"]
first = -4
fraction = 1
out_fraction = 3
activation = "fixed<4,2,TRN,SAT>"
[layer.tensors]
tables = {lists(edges)}
""")
    x, u, k = (rng.integers(low, high, shape) / scale for low, high, shape, scale in
               [(-2, 2, (100, 3, 2), 2), (-32, 32, (100, 2), 16), (-4, 4, (100, 4, 2), 2)])
    first = look_up((x * 2).astype(int).reshape(100, 6) & 3, mapping, tables, 2) / 4
    positive = np.clip(np.floor(first * 4), 0, 7)
    bits = (u[:, :, None] >= thresholds).reshape(100, 6) * 4
    codes = np.clip(np.concatenate([positive, bits], 1), 0, 7).astype(int)
    total = sum(edges[i, :, (k[:, :, i] * 2).astype(int) + 4] for i in range(2)) / 8
    save("native", {"x": x, "u": u, "k": k},
         {"outer": look_up(codes, outer_mapping % 13, outer, 3), "kan": np.clip(np.floor(total * 4), -8, 7) / 4})
    case("native.toml", "native.npz", "tables of multi-bit codes, a thermometer with >=, edges at each position")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    dwn("dwn", 1, features=5, bits=4, layers=[24, 12], classes=3, k=6, learnt=[True, False])
    dwn("dwn_one", 2, features=3, bits=9, layers=[20], classes=4, k=3, learnt=[False])
    kanele(3, [6, 5, 3], [4, 5, 6])
    native(4)
    text = "# Made by scripts/fixtures_lut.py.\n"
    for entry in CASES:
        text += "\n[[case]]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
    (OUT / "cases.toml").write_text(text)


main()
