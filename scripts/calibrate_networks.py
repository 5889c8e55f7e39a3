"""Networks to fit estimates on, and others to judge the fit by: generated ones, and the bench's where it is."""
import os
import pathlib

import numpy as np

# Of the bench; each list has small and larger ones, sums, tables and clips.
FIT = ["jsc_openml_75p86", "jsc_openml_76p27", "jet_hgq_tiny", "muon_hits_mlp"]
HELD_OUT = ["jsc_openml_75p99", "jsc_openml_76p61", "sigmoid_mlp"]
# Generated: name, seed, layer widths (the first is the inputs'), bits of weights, bits of values, share of zeros, rounding.
FIT_MADE = [
    ("made_a", 1, (8, 12, 6), 4, 6, 0.3, "TRN,WRAP"),
    ("made_b", 2, (12, 16, 8, 3), 5, 7, 0.5, "RND,SAT"),
    ("made_c", 3, (16, 10, 10, 4), 3, 5, 0.0, "RND,SAT"),
    ("made_d", 4, (6, 20, 5), 7, 9, 0.6, "TRN,SAT"),
]
HELD_OUT_MADE = [
    ("made_e", 5, (10, 14, 7), 5, 6, 0.4, "RND,SAT"),
    ("made_f", 6, (14, 12, 6, 3), 4, 8, 0.2, "TRN,WRAP"),
    ("made_g", 7, (9, 18, 9), 6, 5, 0.5, "TRN,SAT"),
]
STAGES = ["--clock 200", "--stages 6"]  # a schedule moves registers, and with them what logic is merged


def bench():
    """The bench's folder of networks, or None."""
    shared = os.environ.get("NANOTRIG_SHARED") or pathlib.Path(__file__).resolve().parents[2] / "shared"
    folder = pathlib.Path(shared, "bench", "nets")
    return folder if folder.is_dir() else None


def made(name, seed, widths, weight_bits, value_bits, zeros, rounding):
    """A network of dense layers in nanotrig's own format."""
    random = np.random.default_rng(seed)
    text = [f'format = "nanotrig/1"\nname = "{name}"\n\n[[input]]\nname = "x"\nshape = [{widths[0]}]\nformat = "fixed<{value_bits},3>"']
    for layer, (inputs, outputs) in enumerate(zip(widths, widths[1:]), 1):
        top = 2 ** (weight_bits - 1)
        kernel = random.integers(-top, top, (inputs, outputs)) * (random.random((inputs, outputs)) >= zeros) / 2 ** (weight_bits - 2)
        bias = random.integers(-top, top, outputs) / top
        text.append(f'[[layer]]\nname = "dense_{layer}"\nkind = "dense"\n[layer.tensors]\nkernel = {kernel.tolist()}\nbias = {bias.tolist()}')
        if layer < len(widths) - 1:
            text.append(f'[[layer]]\nname = "relu_{layer}"\nkind = "relu"')
            text.append(f'[[layer]]\nname = "quantize_{layer}"\nkind = "quantize"\nformat = "ufixed<{value_bits},{4 + layer % 2},{rounding}>"')
    return "\n\n".join(text) + "\n"


def networks(folder):
    """(name, path, options, fitted on or not) of every network; generated ones are written into the folder."""
    found = []
    for fitted, names, recipes in ((True, FIT, FIT_MADE), (False, HELD_OUT, HELD_OUT_MADE)):
        paths = []
        for recipe in recipes:
            path = folder / f"{recipe[0]}.toml"
            path.write_text(made(*recipe))
            paths.append(path)
        if bench():
            paths += [bench() / f"{name}.json.gz" for name in names]
        for index, path in enumerate(paths):
            found.append((path.name.split(".")[0], path, STAGES[index % len(STAGES)], fitted))
    return found
