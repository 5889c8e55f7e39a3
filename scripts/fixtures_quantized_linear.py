"""Makes tests/data/qkeras/quantized_linear.json: what quantized_linear computes, which QKeras 0.9.0 does not have yet.

    pip install "keras>=3.10" six "pyparsing<3.2" && pip install --no-deps qkeras-v3==1.2.1
    KERAS_BACKEND=numpy python scripts/fixtures_quantized_linear.py

The numpy backend divides as IEEE says (and as eager TensorFlow does); XLA does not, which decides ties of `auto` scales.
The layout is that of quantizers.json (scripts/fixtures_qkeras.py), and the inputs are its own.
"""

import json
import pathlib
import sys
import types

# Only its quantizers are needed; what the package imports for other things is left out.
if len(sys.argv) > 1:
    sys.path.insert(0, sys.argv[1])
for name in ["tensorflow_model_optimization", "keras_tuner"]:
    sys.modules.setdefault(name, types.ModuleType(name))
import importlib.util

import numpy as np


def quantizers():
    spec = importlib.util.find_spec("qkeras")
    package = types.ModuleType("qkeras")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["qkeras"] = package
    return importlib.import_module("qkeras.quantizers")


OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "qkeras"
PARAMETERS = [
    "quantized_linear(6,0,alpha=1)", "quantized_linear(4,1,0,alpha=1)", "quantized_linear(4,0,keep_negative=False,alpha=1)",
    "quantized_linear(1,0,alpha=1)", "quantized_linear(5,0,alpha=0.3)", "quantized_linear(4,0,alpha='auto')",
    "quantized_linear(3,1,0,alpha='auto')", "quantized_linear(4,1,alpha='auto_po2')", "quantized_linear(4,0)",
    "quantized_linear(1,0)", "quantized_linear(2,1)",
]
ACTIVATIONS = [
    "quantized_linear(8,3,alpha=1)", "quantized_linear(6,2)", "quantized_linear(5,1,0)", "quantized_linear(4,1,alpha=0.3)",
    "quantized_linear(4,0,keep_negative=False)", "quantized_linear(1)", "quantized_linear(1,0,alpha=0.7)",
]


def plain(array):
    return [float(str(v)) for v in np.asarray(array, np.float32).ravel()]


def main():
    module = quantizers()
    inputs = json.loads((OUT / "quantizers.json").read_text())["inputs"]
    values = {name: np.array(v["data"], np.float32).reshape(v["shape"]) for name, v in inputs.items()}
    uses = [(text, "kernel", name) for text in PARAMETERS for name in ("kernel", "conv")]
    uses += [(text, "other", "bias") for text in PARAMETERS if "auto" not in text]
    uses += [(text, "activation", "line") for text in ACTIVATIONS]
    cases = []
    for text, role, name in uses:
        quantizer = eval(text, {"quantized_linear": module.quantized_linear})
        if role == "kernel" and quantizer.alpha is None:  # what QKeras' layers do to kernels
            quantizer._set_trainable_parameter()
        cases.append(dict(quantizer=text, role=role, input=name, y=plain(quantizer(values[name]))))
    (OUT / "quantized_linear.json").write_text(json.dumps(dict(inputs=inputs, cases=cases), separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
