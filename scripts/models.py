"""Loads every public network of a folder, and compares those that have reference outputs, value by value.

    python3 scripts/models.py SHARED PROGRAM > examples/models.md        (needs numpy; scripts/models.sh calls it)

SHARED is the folder that has `data/`; PROGRAM is the nanotrig binary. Exit status 1 if a value differs.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
DATA, PROGRAM = pathlib.Path(sys.argv[1]).resolve() / "data", pathlib.Path(sys.argv[2]).resolve()
MODELS = DATA / "models"
SCRATCH = pathlib.Path(tempfile.mkdtemp())

# Not networks: reference outputs, inputs, weights that belong to the network of the same name, descriptions.
COMPANIONS = ["*.golden*.npz", "kws_input.npy", "*_weights.h5", "README.md", "stats.json", "*.dat", "vectors_*.txt", "config.json"]

# What a message of ours cannot know.
WHY_NOT = {
    "brevitas_jsc/*": "weights of a PyTorch program without the program: which quantizers act where is not in the file; export it as QONNX",
}


def nanotrig(*arguments):
    """Runs the program; gives its exit status and its errors."""
    ran = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True)
    said = " ".join(ran.stderr.split()).replace(f"{DATA}/", "").replace(" help: ", "; ")
    return ran.returncode, said.removeprefix("error: ").removeprefix(f"{arguments[1]}: ".replace(f"{DATA}/", ""))


def outputs(model, samples, *options):
    """The network's outputs for samples, a row each."""
    np.save(SCRATCH / "x.npy", samples.reshape(len(samples), -1))
    status, said = nanotrig("run", model, "--input", SCRATCH / "x.npy", "--output", SCRATCH / "y.npy", *options)
    if status:
        raise RuntimeError(said)
    return np.load(SCRATCH / "y.npy").reshape(len(samples), -1)


def equal(got, want, what="values"):
    """How many values are equal, of how many; and whether all are."""
    want = np.asarray(want, np.float64).reshape(len(want), -1)
    same = got.reshape(want.shape) == want
    return f"{int(same.sum()):,} of {want.size:,} {what}", bool(same.all())


def load(path, key=None):
    """An array of a file of the data."""
    array = np.load(DATA / path)
    return array[key] if key else array


def firmware(source, name, *options):
    """A dump of hls4ml firmware as a native network."""
    path = SCRATCH / f"{name}.toml"
    command = [sys.executable, HERE / "from_hls4ml.py", source, "-o", path, *options]
    ran = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    if ran.returncode:
        raise RuntimeError(ran.stderr.strip().splitlines()[-1])
    return path


def topo2a(*options):
    vectors = load("topo2a/vectors.npz")
    leaky = [word for name in ["relu1", "relu2"] for word in ["--set", f"{name}=leaky_relu(0.0009765625)"]]
    path = firmware(DATA / "topo2a" / "types.json", "topo2a", *leaky)
    return equal(outputs(path, vectors["x"]), vectors["hw_out_int"] / 1024)


def topo2a_keras():
    vectors = load("topo2a/vectors.npz")
    folder = DATA / "topo2a"
    got = outputs(folder / "keras_model.keras", vectors["x"], "--precision", folder / "types.json")
    return equal(got, vectors["hw_out_int"] / 1024)


def qubit(name, weights):
    folder = DATA / "qubit_readout"
    return firmware(folder / f"{name}_types.json", name, "--weights", folder / f"{weights}.npz")


def two_layer(layer, key):
    dump = load("qubit_readout/two_layer_w400_h8.npz")
    got = outputs(qubit("two_layer", "two_layer_w400_h8"), dump["x"], "--layer", layer)
    # The dump has six significant digits.
    printed = np.vectorize(lambda value: float(f"{value:.6g}"))
    return equal(printed(got), printed(dump[key]))


def single_layer():
    board = load("qubit_readout/board_windows.npz")
    got = outputs(qubit("single_layer", "single_layer_w100"), board["x"])
    return equal(got.argmax(1), board["board_out"].argmax(1), "decisions")


def hgq(name):
    return lambda path: equal(outputs(path, load("jets_hlf/jets_hlf.npz", "x_std")), load(f"models/hgq/{name}.golden.npz", "logits"))


def qkeras_3layer(path):
    want = load("models/hls4ml_examples/keras/qkeras_3layer.golden_fixed16_6_TRN.npz")
    got = outputs(path, load("jets_hlf/jets_hlf.npz", "x_std"), "--input-format", "fixed<16,6>", "--head", "logits")
    return equal(got, want["logits"] if "logits" in want else want[want.files[0]])


def jettagging(path):
    # 60 bits hold the float32 inputs exactly.
    got = outputs(path, load("jets_hlf/jets_hlf.npz", "x_std"), "--input-format", "fixed<60,10>", "--head", "logits")
    return equal(got, load("models/qonnx/qkeras_jettagging.golden.npz", "logits"))


def tfc(name):
    def check(path):
        images = load("mnist_10k/mnist10k.npz", "x_test")[:200]
        got = outputs(path, images.astype(np.float32) / 255, "--input-format", "u8/255")
        return equal(got, load("models/qonnx/tfc.golden.npz", name))
    return check


def dwn(name, *options):
    def check(path):
        golden = load(f"models/lut/{name}.golden.npz", "pred")
        scores = outputs(path, load("jets_hlf/jets_hlf.npz", "x_std"), *options)
        result, same = equal(scores.argmax(1), golden, "decisions")
        # Features on a grid are other features; how often that matters is said, and no mistake.
        return result, same or "bits" not in options
    return check


def kanele(folder):
    def check(path):
        table = lambda name: np.loadtxt(DATA / "models/lut" / folder / name, dtype=np.int64)
        return equal(outputs(path, table("vectors_in.txt")), table("vectors_out.txt"))
    return check


# The features are float32 and not scaled: 28 fraction bits are enough for the decisions of QKeras itself (24 in all are not quite).
JETS = "fixed<40,12,RND,SAT>"


def jets(path):
    constituents, bits = re.search(r"nconst_(\d+)_nbits_(\d+)", path.name).groups()
    name = "8const_QMLP" if constituents == "8" else f"{constituents}const"
    samples, labels = load(f"jets_constituents/x_{name}.npz", "x"), load(f"jets_constituents/x_{name}.npz", "y")
    right = outputs(path, samples, "--input-format", JETS).argmax(1) == labels
    text = (DATA / "jets_constituents" / "README.md").read_text()
    said = re.search(rf"QMLP {constituents} constituents,.*?\b{bits} bit ([\d.]+) %", text) or re.search(rf"\b{constituents} const ([\d.]+) %", text)
    half = 1.96 * (right.mean() * (1 - right.mean()) / 500) ** 0.5
    result = f"{right.mean():.1%} right (the first 500 alone: {right[:500].mean():.1%}; 500 jets tell it to {half:.1%})"
    return result + (f"; said to be {said.group(1)} % of 3,000" if said else ""), True


# What is compared: by file, a list of (against what, check).
REFERENCES = {
    "hls4ml_examples/keras/qkeras_3layer.json": [("QKeras, inputs on fixed<16,6>", qkeras_3layer)],
    "qonnx/qkeras_jettagging.onnx": [
        ("QKeras, inputs on fixed<16,6>", qkeras_3layer),
        ("the QONNX executor's logits, float32 inputs", jettagging),
    ],
    **{f"jetid_l1/model_QMLP_nconst_{name}.h5": [(f"the classes of 2,000 jets, `--input-format {JETS}`", jets)]
       for name in ["8_nbits_4", "8_nbits_8", "16_nbits_8", "32_nbits_8"]},
    **{f"qonnx/{name}.onnx": [("the QONNX executor, `--input-format u8/255`", tfc(name))] for name in ["TFC_1W1A", "TFC_1W2A", "TFC_2W2A"]},
    **{f"lut/{name}.npz": [
        ("its authors' predictions, `--input-format bits`", dwn(name, "--input-format", "bits")),
        ("the same, features as fixed<16,6>", dwn(name, "--input-format", "fixed<16,6>")),
    ] for name in ["dwn_t200_50", "dwn_t4_300-100", "dwn_t8_300-100"]},
    **{f"lut/{folder}": [("its authors' vectors", kanele(folder))] for folder in ["kanele_jsc_cernbox", "kanele_jsc_openml"]},
}
for golden in sorted((MODELS / "hgq").glob("*.golden.npz")):
    name = golden.name.removesuffix(".golden.npz")
    for end in ["plain.npz", "keras", "h5"]:
        if (MODELS / "hgq" / f"{name}.{end}").exists():
            REFERENCES[f"hgq/{name}.{end}"] = [("HGQ2's logits", hgq(name))]

# A line each in the second table: name, against what, check.
FIRMWARE = [
    ("topo2a", "what the FPGA card returned, 6,000 events; from the firmware's dump", topo2a),
    ("topo2a", "the same; from the Keras file with `--precision types.json`", topo2a_keras),
    ("qubit_readout two_layer, fc1", "hls4ml's C simulation", lambda: two_layer("fc1", "fc1_out")),
    ("qubit_readout two_layer, fc1_relu", "hls4ml's C simulation", lambda: two_layer("fc1_relu", "fc1_relu_out")),
    ("qubit_readout two_layer, batchnorm1", "hls4ml's C simulation", lambda: two_layer("batchnorm1", "batchnorm1_out")),
    ("qubit_readout two_layer, fc2", "hls4ml's C simulation", lambda: two_layer("fc2", "y_hls")),
    ("qubit_readout single_layer", "what the board returned, 4,400 windows", single_layer),
]


def networks():
    """Files and folders that are networks, by their path below the models."""
    for path in sorted(MODELS.rglob("*")):
        inside = path.relative_to(MODELS)
        if inside.parts[0] in ("cms_l1", "README.md") or "config-files" in inside.parts or inside.parts[-2:-1] == ("data",):
            continue
        if inside.parts[0] == "lut" and len(inside.parts) == 3:
            continue
        folder = path.is_dir() and path.name.startswith("kanele")
        if folder or path.is_file() and not any(path.match(pattern) for pattern in COMPANIONS):
            if not (inside.parts[1].startswith("proxy_") and path.suffix == ".h5"):
                yield str(inside), path


def others():
    """hls4ml's configurations with their models, and further weights of models."""
    keras = MODELS / "hls4ml_examples" / "keras"
    for config in sorted((MODELS / "hls4ml_examples" / "config-files").glob("*.yml")):
        model, weights = (re.search(rf"^{key}:\s*keras/(\S+)", config.read_text(), re.M).group(1) for key in ["KerasJson", "KerasH5"])
        yield f"hls4ml_examples/config-files/{config.name}", keras / model, "--weights", keras / weights, "--precision", config
    for weights in sorted(keras.glob("*_retrained_weights.h5")):
        model = keras / f"{weights.name.split('_')[0]}_{weights.name.split('_')[1]}.json"
        yield f"hls4ml_examples/keras/{weights.name}", model, "--weights", weights
    yield "qubit_readout/two_layer_w400_h8_keras.h5", DATA / "qubit_readout" / "two_layer_w400_h8_keras.h5"


def imported(path, *options):
    """Does it load? Else why not."""
    status, said = nanotrig("import", path, "-o", SCRATCH / "imported.toml", *options)
    return status == 0, said


def line(*cells):
    print("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |", flush=True)


def main():
    good = True
    print("# Public networks\n\nEvery network of the collection that nanotrig is tested with: does it load, and does it give what its reference gives?")
    print("Made by `scripts/models.sh`. Where there are labels only, the last column has the accuracy, and the others say how it compares.\n")
    line("network", "loads", "compared with", "equal")
    line("---", "---", "---", "---")
    refused = []
    for name, path in networks():
        why = next((why for pattern, why in WHY_NOT.items() if pathlib.PurePath(name).match(pattern)), None)
        loads, said = imported(path)
        if not loads:
            refused.append((name, why or said))
        for what, check in REFERENCES.get(name, [("", None)]):
            result, same = check(path) if check and loads else ("", True)
            line(f"`{name}`", "yes" if loads else "no", what, result)
            good &= same
    for name, what, check in FIRMWARE:
        result, same = check()
        line(f"`{name}`", "yes", what, result)
        good &= same
    for name, path, *options in others():
        loads, said = imported(path, *options)
        line(f"`{name}`", "yes" if loads else "no", "", "")
        if not loads:
            refused.append((name, said))
    for path in sorted((MODELS / "cms_l1").glob("*.json")):
        loads, said = imported(firmware(path, path.stem))
        line(f"`cms_l1/{path.name}`", "yes" if loads else "no", "", "")
        if not loads:
            refused.append((f"cms_l1/{path.name}", said))
    print("\n## Not read, and why\n")
    for name, why in refused:
        print(f"- `{name}`: {why}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
