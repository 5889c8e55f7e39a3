"""Makes tests/data/qkeras/gradients*.json: the slopes that QKeras' own quantizers have in training.

    python -m venv VENV && VENV/bin/pip install "tensorflow-cpu==2.15.*" qkeras==0.9.0 "pyparsing<3.2"
    VENV/bin/python scripts/fixtures_gradients.py quantizers
    python -m venv V3 && V3/bin/pip install tensorflow-cpu "keras>=3.10" six && V3/bin/pip install --no-deps qkeras-v3==1.2.1
    V3/bin/python scripts/fixtures_gradients.py quantized_linear

For each case of NAME.json (the forward goldens, which the same package made) the gradient of the sum of the quantizer's
outputs with respect to each input, by TensorFlow's tape. A kernel's quantizer is used as a layer uses it.
"""

import json
import os
import pathlib
import sys
import types

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["KERAS_BACKEND"] = "tensorflow"
for module in ["tensorflow_model_optimization", "keras_tuner"]:  # imported by the package for other things
    try:
        __import__(module)
    except ImportError:
        sys.modules[module] = types.ModuleType(module)

import importlib
import importlib.util

import numpy as np
import tensorflow as tf

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "qkeras"


def quantizers():
    """The package's quantizers, without what it imports for other things."""
    spec = importlib.util.find_spec("qkeras")
    package = types.ModuleType("qkeras")
    package.__path__ = list(spec.submodule_search_locations)
    sys.modules["qkeras"] = package
    return importlib.import_module("qkeras.quantizers")


def main(name):
    module = quantizers()
    golden = json.loads((OUT / f"{name}.json").read_text())
    values = {key: np.array(v["data"], np.float32).reshape(v["shape"]) for key, v in golden["inputs"].items()}
    cases = []
    for case in golden["cases"]:
        text, role = case["quantizer"], case["role"]
        text = text if "(" in text else f"{text}()"
        quantizer = eval(text, vars(module))
        if role == "kernel":
            quantizer._set_trainable_parameter()
        x = tf.Variable(values[case["input"]])
        # Draws have their slope in training only; without a scale stochastic_ternary cannot be trained.
        drawn = text.startswith("stochastic_binary") or (text.startswith("stochastic_ternary") and "auto" in str(quantizer.alpha))
        if drawn:
            tf.keras.backend.set_learning_phase(1)
        with tf.GradientTape() as tape:
            y = tf.reduce_sum(quantizer(x))
        slope = tape.gradient(y, x)
        if drawn:
            tf.keras.backend.set_learning_phase(0)
        slope = np.zeros_like(x) if slope is None else np.asarray(slope)
        cases.append({**{key: case[key] for key in ("quantizer", "role", "input")}, "slope": [float(str(v)) for v in slope.ravel()]})
    suffix = "" if name == "quantizers" else f"_{name}"
    text = ",\n".join(json.dumps(case) for case in cases)
    (OUT / f"gradients{suffix}.json").write_text(f'{{"cases": [\n{text}\n]}}\n')
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main(sys.argv[1])
