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


def activated(y, name):
    """An activation that is exact."""
    return {"linear": lambda: y, "relu": lambda: np.maximum(y, 0), "abs": lambda: abs(y), "hard_tanh": lambda: np.clip(y, -1, 1)}[name]()


def windows(x, size, strides):
    """All windows [samples, positions.., taps.., channels] of images or sequences, without padding."""
    axes = tuple(range(1, 1 + len(size)))
    view = np.lib.stride_tricks.sliding_window_view(x, size, axes)  # the taps are the last axes
    view = view[(slice(None), *(slice(None, None, stride) for stride in strides))]
    return np.moveaxis(view, 1 + len(size), -1)


def convolved(x, kernel, strides):
    """A convolution without padding; channels and filters last."""
    size = kernel.shape[:-2]
    taps = windows(x, size, strides)
    return np.tensordot(taps, kernel, len(size) + 1)


def apply(layer, tensors, inputs):
    """A layer's result for many samples."""
    x, kind = inputs[0], layer["kind"]
    for name in tensors.keys() & {"kernel", "depthwise_kernel", "pointwise_kernel", "bias"}:
        quantizer = layer.get(name.removesuffix("_kernel") + "_quantizer")
        tensors[name] = fixed(tensors[name].astype(float), quantizer) if quantizer else tensors[name].astype(float)
    if kind == "quantize":
        if "format" in layer:
            return fixed(x, layer["format"])
        assert (layer["rounding"], layer["overflow"]) == ("RND", "SAT"), layer
        return rounded(x, *(tensors[key].astype(int) for key in ("signed", "integer", "fraction")))
    if kind == "dense":
        return activated(x @ tensors["kernel"] + tensors.get("bias", 0), layer.get("activation", "linear"))
    if kind in ("conv1d", "conv2d", "separable_conv2d"):
        assert layer.get("padding", "valid") == "valid", layer
        strides = layer.get("strides", [1] * (x.ndim - 2))
        if kind == "separable_conv2d":
            taps = windows(x, tensors["depthwise_kernel"].shape[:2], strides)
            y = np.einsum("...hwc,hwcm->...cm", taps, tensors["depthwise_kernel"])
            y = y.reshape(*y.shape[:-2], -1) @ tensors["pointwise_kernel"][0, 0]
        else:
            y = convolved(x, tensors["kernel"], strides)
        return activated(y + tensors.get("bias", 0), layer.get("activation", "linear"))
    if kind == "average_pool2d":
        total = windows(x, layer["size"], layer.get("strides", layer["size"])).sum((3, 4))
        return (total.astype(np.float32) / np.float32(np.prod(layer["size"]))).astype(float)
    if kind in ("flatten", "reshape"):
        return x.reshape(len(x), *layer.get("shape", [-1]))
    if kind == "activation":
        return activated(x, layer["function"])
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
        return np.concatenate(inputs, layer["axis"] + 1 if "axis" in layer else -1)
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
