"""Networks in nanotrig's own format, computed by numpy alone: the answers that examples check nanotrig against.

Every value is a number of few bits, so that 64-bit floats are exact. Knows the kinds of layers that examples have, and
fails on any other.
"""
import pathlib
import re
import tomllib

import numpy as np


def rounded(x, signed, integer, fraction):
    """Fixed point: rounded half up, saturating. `integer` bits do not count the sign."""
    step = np.ldexp(1.0, -np.asarray(fraction, int))
    limit = np.ldexp(1.0, np.asarray(integer, int))
    return np.clip(np.floor(x / step + 0.5) * step, -np.asarray(signed) * limit, limit - step) * (integer + fraction + signed > 0)


def fixed(x, text):
    """`fixed<W,I,RND,SAT>` or `ufixed<..>`."""
    unsigned, width, integer = re.fullmatch(r"(u?)fixed<(\d+),(-?\d+),RND,SAT>", text).groups()
    signed = int(not unsigned)
    return rounded(x, signed, int(integer) - signed, int(width) - int(integer))


def apply(layer, tensors, inputs):
    """A layer's result for many samples."""
    x, kind = inputs[0], layer["kind"]
    if kind == "quantize":
        if "format" in layer:
            return fixed(x, layer["format"])
        assert (layer["rounding"], layer["overflow"]) == ("RND", "SAT"), layer
        return rounded(x, *(tensors[key].astype(int) for key in ("signed", "integer", "fraction")))
    if kind == "dense":
        assert not {"kernel_quantizer", "bias_quantizer"} & layer.keys(), layer
        y = x @ tensors["kernel"].astype(float) + tensors.get("bias", np.zeros(1)).astype(float)
        return {"linear": y, "relu": np.maximum(y, 0)}[layer.get("activation", "linear")]
    if kind == "activation":
        return {"relu": np.maximum(x, 0), "abs": abs(x)}[layer["function"]]
    if kind == "relu":
        return np.maximum(x, 0)
    if kind == "subtract":
        return x - inputs[1]
    if kind == "sum":
        assert layer["axis"] == 0 and layer["keep_dims"], layer
        return x.sum(1, keepdims=True)
    if kind == "slice":
        return x[:, layer["starts"][0] : layer["ends"][0]]
    if kind == "concatenate":
        return np.concatenate(inputs, -1)
    raise ValueError(f"{layer['name']}: no reference for `{kind}`")


def outputs(path, inputs):
    """The exact outputs of the network in a file, by name, for inputs [samples, ..] by name."""
    path = pathlib.Path(path)
    model = tomllib.loads(path.read_text())
    weights = np.load(path.parent / model["weights"]) if "weights" in model else {}
    values = {name: np.asarray(x, float) for name, x in inputs.items()}
    before = model["input"][0]["name"]
    for layer in model["layer"]:
        name = layer["name"]
        tensors = {key: np.asarray(value) for key, value in layer.get("tensors", {}).items()}
        tensors |= {key.removeprefix(name + "."): weights[key] for key in weights if key.startswith(name + ".")}
        values[name] = apply(layer, tensors, [values[key] for key in layer.get("inputs", [before])])
        before = name
    return {name: values[name] for name in model.get("outputs", [before])}
