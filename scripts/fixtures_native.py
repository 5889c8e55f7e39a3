#!/usr/bin/env python3
"""Golden cases of native layers: tests/data/native, by Keras 2 and NumPy.

    pip install tensorflow-cpu==2.15.0 && python scripts/fixtures_native.py

Inputs and weights are small multiples of powers of two, so that every float32 sum of TensorFlow is exact; means are
TensorFlow's own float32 divisions. What TensorFlow cannot do on a processor (groups, explicit padding of a mean)
is a plain NumPy loop. Every layer of a case is an output.
"""
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf

K = tf.keras.layers
FOLDER = pathlib.Path(__file__).resolve().parent.parent / "tests/data/native"
SAMPLES = 12


class Case:
    """One network: an input or more, layers that all are outputs, and what they give."""

    def __init__(self, name, about, seed, **inputs):
        self.name, self.about, self.random = name, about, np.random.default_rng(seed)
        self.head = f'format = "nanotrig/1"\nname = "{name}"\n'
        self.text, self.outputs, self.vectors, self.x = "", [], {}, {}
        for key, shape in inputs.items():
            self.head_input(key, shape)

    def head_input(self, key, shape, format="fixed<6,3>", low=-32, high=32, step=1 / 8):
        codes = self.random.integers(low, high, (SAMPLES, *shape))
        self.x[key] = (codes * step).astype(np.float32)
        self.vectors[f"in_{key}"] = self.x[key].astype(np.float64)
        self.text += f'\n[[input]]\nname = "{key}"\nshape = {list(shape)}\nformat = "{format}"\n'

    def weights(self, *shape, step=1 / 4, most=7, zeros=0.2):
        values = self.random.integers(-most, most + 1, shape) * step
        return np.where(self.random.random(shape) < zeros, 0, values).astype(np.float32)

    def layer(self, kind, y, inputs=("x",), tensors=(), **attributes):
        name = f"l{len(self.outputs)}"
        self.text += f'\n[[layer]]\nname = "{name}"\nkind = "{kind}"\ninputs = {toml(list(inputs))}\n'
        self.text += "".join(f"{key} = {toml(value)}\n" for key, value in attributes.items())
        for at, (key, value) in enumerate(dict(tensors).items()):
            self.text += ("[layer.tensors]\n" if at == 0 else "") + f"{key} = {toml(np.asarray(value).tolist())}\n"
        y = np.asarray(y)
        self.outputs.append(name)
        self.vectors[f"out_{name}"] = y.astype(np.float64)

    def write(self, cases):
        FOLDER.mkdir(parents=True, exist_ok=True)
        text = self.head + f"outputs = {toml(self.outputs)}\n" + self.text
        (FOLDER / f"{self.name}.toml").write_text(text)
        np.savez_compressed(FOLDER / f"{self.name}.npz", **self.vectors)
        cases.append(f'[[case]]\nmodel = "{self.name}.toml"\nvectors = "{self.name}.npz"\nabout = "{self.about}"\n')


def toml(value):
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(v) for v in value) + "]"
    return repr(value)


def run(layer, x, *weights):
    layer.build(x.shape)
    layer.set_weights(list(weights))
    return layer(x).numpy()


def windows(x, size, strides, dilation, pads):
    """[samples, out.., taps, channels] of x padded by zeros, and how many taps of each window are inside."""
    axes = len(size)
    ones = np.pad(np.ones(x.shape[1:-1]), pads)
    x = np.pad(x, [(0, 0), *pads, (0, 0)])
    counts = [(n - (k - 1) * d - 1) // s + 1 for n, k, s, d in zip(x.shape[1:-1], size, strides, dilation)]
    y = np.zeros((x.shape[0], *counts, int(np.prod(size)), x.shape[-1]), x.dtype)
    inside = np.zeros(counts)
    for at in np.ndindex(*counts):
        for tap, offset in enumerate(np.ndindex(*size)):
            place = tuple(at[i] * strides[i] + offset[i] * dilation[i] for i in range(axes))
            y[(slice(None), *at, tap)] = x[(slice(None), *place)]
            inside[at] += ones[place]
    return y, inside


def grouped(x, kernel, bias, strides, dilation, pads, groups):
    """A convolution with groups, by NumPy."""
    size, own, outputs = kernel.shape[:-2], kernel.shape[-2], kernel.shape[-1]
    seen, _ = windows(x, size, strides, dilation, pads)
    flat = kernel.reshape(-1, own, outputs)
    per = outputs // groups
    parts = [
        np.einsum("...tc,tco->...o", seen[..., g * own : (g + 1) * own], flat[..., g * per : (g + 1) * per])
        for g in range(groups)
    ]
    return np.concatenate(parts, -1) + bias


def convolutions(cases, axes):
    shape = (7, 6, 4) if axes == 2 else (11, 4)
    case = Case(f"conv{axes}d", f"{axes}-d convolutions: strides, dilation, groups, padding", 10 + axes, x=shape)
    x, random, conv = case.x["x"], case.random, K.Conv2D if axes == 2 else K.Conv1D
    for at in range(8):
        size = [int(n) for n in random.integers(1, 4, axes)]
        padding = ["valid", "same", "causal" if axes == 1 else "same"][at % 3]
        one = [1] * axes
        strides = [int(n) for n in random.integers(1, 4, axes)] if at % 2 else one
        dilation = one if at % 2 else [int(n) for n in random.integers(1, 3, axes)]
        filters = int(random.integers(1, 4))
        kernel, bias = case.weights(*size, shape[-1], filters), case.weights(filters, step=1 / 16, most=40)
        layer = conv(filters, size, strides=strides, padding=padding, dilation_rate=dilation)
        tensors = dict(kernel=kernel, bias=bias)
        case.layer(f"conv{axes}d", run(layer, x, kernel, bias), tensors=tensors, strides=strides, padding=padding,
                   dilation=dilation, filters=filters)
    for groups, outputs in [(2, 6), (4, 4), (1, 3)]:
        size, strides = [int(n) for n in random.integers(1, 4, axes)], [int(n) for n in random.integers(1, 3, axes)]
        pads = [[int(n) for n in random.integers(0, 3, 2)] for _ in range(axes)]
        dilation = [int(n) for n in random.integers(1, 3, axes)]
        kernel, bias = case.weights(*size, shape[-1] // groups, outputs), case.weights(outputs)
        y = grouped(x, kernel, bias, strides, dilation, pads, groups)
        case.layer(f"conv{axes}d", y, tensors=dict(kernel=kernel, bias=bias), strides=strides, padding=pads,
                   dilation=dilation, groups=groups)
    transposed = K.Conv2DTranspose if axes == 2 else K.Conv1DTranspose
    small = x[:, :3, :3] if axes == 2 else x[:, :4]
    starts, ends = [0] * (axes + 1), [3, 3, 4] if axes == 2 else [4, 4]
    case.layer("slice", small, starts=starts, ends=ends)
    source = case.outputs[-1]
    for padding in ["valid", "same"]:
        for stride in [1, 2, 3]:
            size = [int(n) for n in random.integers(1, 5, axes)]
            kernel, bias = case.weights(*size, 2, shape[-1]), case.weights(2)
            layer = transposed(2, size, strides=stride, padding=padding)
            case.layer(f"conv{axes}d_transpose", run(layer, small, kernel, bias), inputs=[source],
                       tensors=dict(kernel=kernel, bias=bias), strides=[stride] * axes, padding=padding)
    case.write(cases)


def depthwise(cases):
    case = Case("depthwise", "depthwise and separable convolutions of images and sequences", 20, x=(6, 5, 3), s=(9, 3))
    for name, key, axes in [("2d", "x", 2), ("1d", "s", 1)]:
        x, random = case.x[key], case.random
        many, separable = (K.DepthwiseConv2D, K.SeparableConv2D) if axes == 2 else (K.DepthwiseConv1D, K.SeparableConv1D)
        for at in range(5):
            size, multiplier = [int(n) for n in random.integers(1, 4, axes)], 1 + at % 2
            stride = 1 + at % 3 if at % 2 else 1
            dilation = 2 if at == 4 else 1
            padding = ["valid", "same"][at // 2 % 2]
            options = dict(strides=[stride] * axes, padding=padding, dilation=[dilation] * axes)
            kernel, bias = case.weights(*size, 3, multiplier), case.weights(3 * multiplier)
            pair = (lambda n: (n,) * axes) if axes == 2 else (lambda n: n)
            common = dict(strides=pair(stride), padding=padding, dilation_rate=pair(dilation))
            layer = many(size if axes == 2 else size[0], depth_multiplier=multiplier, **common)
            tensors = dict(kernel=kernel, bias=bias)
            case.layer(f"depthwise_conv{name}", run(layer, x, kernel, bias), inputs=[key], tensors=tensors, **options)
            points, bias = case.weights(*[1] * axes, 3 * multiplier, 2, most=3), case.weights(2)
            layer = separable(2, size if axes == 2 else size[0], depth_multiplier=multiplier, **common)
            y = run(layer, x, kernel, points, bias)
            tensors = dict(depthwise_kernel=kernel, pointwise_kernel=points, bias=bias)
            case.layer(f"separable_conv{name}", y, inputs=[key], tensors=tensors, filters=2, **options)
    case.write(cases)


def pooling(cases):
    case = Case("pooling", "maxima and means of windows and of whole axes", 30, x=(7, 6, 2), s=(9, 3))
    for name, key, axes in [("2d", "x", 2), ("1d", "s", 1)]:
        x, random = case.x[key], case.random
        most, mean = (K.MaxPool2D, K.AveragePooling2D) if axes == 2 else (K.MaxPool1D, K.AveragePooling1D)
        for at in range(6):
            size = [int(n) for n in random.integers(1, 4, axes)]
            strides = [int(n) for n in random.integers(1, 4, axes)]
            padding = ["valid", "same"][at % 2]
            options = dict(size=size, padding=padding) | ({} if at == 0 else dict(strides=strides))
            for kind, layer in [("max", most), ("average", mean)]:
                y = layer(size, strides=None if at == 0 else strides, padding=padding)(x)
                case.layer(f"{kind}_pool{name}", y, inputs=[key], **options)
        for at in range(3):
            size, pads = [int(n) for n in random.integers(2, 4, axes)], [[1, int(random.integers(0, 2))] for _ in range(axes)]
            strides = [int(n) for n in random.integers(1, 3, axes)]
            seen, inside = windows(x, size, strides, [1] * axes, pads)
            counts = np.float32(np.prod(size)) if at else inside[..., None].astype(np.float32)
            y = (seen.sum(-2) / counts).astype(np.float32)
            case.layer(f"average_pool{name}", y, inputs=[key], size=size, strides=strides, padding=pads,
                       count_include_pad=bool(at))
        low, _ = windows(x + 100, size, strides, [1] * axes, pads)
        case.layer(f"max_pool{name}", low.max(-2) - 100, inputs=[key], size=size, strides=strides, padding=pads)
    x = case.x["x"]
    for kind, f in [("mean", tf.reduce_mean), ("sum", tf.reduce_sum), ("max", tf.reduce_max), ("min", tf.reduce_min)]:
        case.layer(kind, f(x, [1, 2]), axis=[0, 1])
        case.layer(kind, f(x, 3, keepdims=True), axis=-1, keep_dims=True)
    case.layer("mean", K.GlobalAveragePooling1D()(case.x["s"]), inputs=["s"], axis=0)
    case.write(cases)


def moves(cases):
    case = Case("moves", "borders, upsampling, slices, chosen elements, order", 40, x=(4, 5, 3), v=(3,))
    x, v = case.x["x"], case.x["v"]
    case.layer("pad", K.ZeroPadding2D(((1, 2), (0, 1)))(x), padding=[[1, 2], [0, 1]])
    case.layer("pad", np.pad(x, [(0, 0), (0, 1), (2, 0), (1, 1)], constant_values=-1.5), padding=[[0, 1], [2, 0], [1, 1]],
               value=-1.5)
    case.layer("crop", K.Cropping2D(((1, 0), (2, 1)))(x), cropping=[[1, 0], [2, 1]])
    case.layer("upsample", K.UpSampling2D((2, 3))(x), size=[2, 3])
    for size in [(2, 2), (4, 1)]:
        case.layer("upsample", K.UpSampling2D(size, interpolation="bilinear")(x), size=list(size), interpolation="bilinear")
    case.layer("slice", x[:, 1:, 4:0:-2, -2:], starts=[1, 4, -2], ends=[9, 0, 3], steps=[1, -2, 1])
    case.layer("slice", x[:, :3:2], starts=[0], ends=[3], steps=[2])
    case.layer("gather", np.take(x, [2, 0, 0, -1], 2), indices=[2, 0, 0, -1], axis=1)
    case.layer("gather", np.take(x, 1, 3), indices=1, axis=-1)
    case.layer("reverse", x[:, ::-1, :, ::-1], axis=[0, 2])
    case.layer("repeat", K.RepeatVector(4)(v), inputs=["v"], count=4)
    case.layer("transpose", K.Permute((3, 1, 2))(x), perm=[2, 0, 1])
    case.layer("flatten", K.Flatten()(x))
    case.layer("reshape", K.Reshape((6, -1))(x), shape=[6, -1])
    case.write(cases)


def sums_of_products(cases):
    case = Case("products", "dense, einsum, matmul, dot", 50, x=(4, 6), y=(5, 6), z=(2, 3, 4), w=(2, 4, 3))
    x, y, z, w = (case.x[key] for key in "xyzw")
    kernel, bias = case.weights(6, 4), case.weights(4)
    case.layer("dense", run(K.Dense(4), x, kernel, bias), tensors=dict(kernel=kernel, bias=bias), units=4)
    for equation, shape, out, axes, key in [
        ("abc,cd->abd", (6, 3), (None, 3), "d", "x"),
        ("abc,bcd->ad", (4, 6, 2), (2,), "d", "x"),
        ("abc,bd->acd", (4, 3), (6, 3), "cd", "x"),
        ("...x,xy->...y", (4, 2), (2, 3, 2), "y", "z"),
        ("abcd,bde->abce", (2, 4, 3), (2, 3, 3), "be", "z"),
        ("abcd,cde->abe", (3, 4, 2), (2, 2), None, "z"),
    ]:
        source = case.x[key]
        layer = K.EinsumDense(equation, output_shape=out, bias_axes=axes)
        kernel = case.weights(*shape)
        layer.build(source.shape)
        weights = [kernel] + ([case.weights(*layer.bias.shape)] if axes else [])
        layer.set_weights(weights)
        tensors = dict(zip(["kernel", "bias"], weights))
        case.layer("einsum_dense", layer(source), inputs=[key], tensors=tensors, equation=equation)
    for equation, a, b in [("abc,adc->abd", "x", "y"), ("sbmk,sbkn->smbn", "z", "w"), ("...mk,...kn->...mn", "z", "w")]:
        case.layer("einsum", np.einsum(equation, case.x[a], case.x[b]), inputs=[a, b], equation=equation)
    case.layer("matmul", x @ y.transpose(0, 2, 1), inputs=["x", "y"], transpose_b=True)
    case.layer("matmul", z @ w, inputs=["z", "w"])
    case.layer("matmul", tf.matmul(w, z, transpose_a=True, transpose_b=True), inputs=["w", "z"], transpose_a=True,
               transpose_b=True)
    case.layer("dot", K.Dot(2)([x, y]), inputs=["x", "y"], axes=1)
    case.layer("gather", z[:, 0], inputs=["z"], indices=0, axis=0)
    case.layer("gather", w[:, 1], inputs=["w"], indices=1, axis=0)
    case.layer("dot", K.Dot((2, 1))([z[:, 0], w[:, 1]]), inputs=case.outputs[-2:], axes=[1, 0])
    case.write(cases)


def merges(cases):
    case = Case("merges", "sums, products and extremes of inputs and constants; embedding; scale and shift", 60,
                x=(3, 4), y=(3, 4), z=(1, 4))
    case.head_input("codes", (5,), format="ufixed<3,3>", low=0, high=6, step=1)
    x, y, z, codes = (case.x[key] for key in ["x", "y", "z", "codes"])
    case.layer("add", K.Add()([x, y, z]), inputs=["x", "y", "z"])
    case.layer("subtract", K.Subtract()([x, z]), inputs=["x", "z"])
    case.layer("multiply", K.Multiply()([x, y]), inputs=["x", "y"])
    case.layer("average", K.Average()([x, y, z]), inputs=["x", "y", "z"])
    case.layer("average", K.Average()([x, y]), inputs=["x", "y"])
    case.layer("maximum", K.Maximum()([x, y, z]), inputs=["x", "y", "z"])
    case.layer("minimum", K.Minimum()([x, z]), inputs=["x", "z"])
    case.layer("concatenate", K.Concatenate(1)([x, z]), inputs=["x", "z"], axis=0)
    numbers = [case.weights(4), np.float32([0.1, -2.7, 3.3, 1e-3]), np.float32([[0.5], [4], [-2]]), case.weights(2, 1, 4)]
    kinds = dict(add=np.add, subtract=np.subtract, multiply=np.multiply, divide=np.divide, maximum=np.maximum,
                 minimum=np.minimum)
    for kind, f in kinds.items():
        for c in numbers:
            if kind == "divide":
                c = np.where(c == 0, np.float32(3), c)
            case.layer(kind, f(x[:, None] if c.ndim == 3 else x, c, dtype=np.float32), tensors=dict(constant=c))
    for c in numbers:
        case.layer("subtract", np.subtract(c, x[:, None] if c.ndim == 3 else x), tensors=dict(constant=c), constant_first=True)
    table = case.weights(6, 3)
    case.layer("embedding", tf.gather(table, codes.astype(int)), inputs=["codes"], tensors=dict(embeddings=table))
    scale, shift = case.weights(4), case.weights(4)
    case.layer("scale_shift", x * scale + shift, tensors=dict(scale=scale, shift=shift))
    case.write(cases)


def tables(cases):
    """Tables of codes: one for all elements, one for each element of the last axes, and one for each element."""
    case = Case("tables", "tables of codes, for all elements and for each", 70)
    case.head_input("x", (3, 4), format="fixed<4,2>", low=-8, high=7, step=1 / 4)
    case.head_input("u", (2, 3), format="ufixed<3,4>", low=0, high=7, step=2)
    for key, bits, step, signed, integer, fraction in [("x", 4, 1 / 4, True, 1, 2), ("u", 3, 2, False, 4, -1)]:
        x = case.x[key]
        codes = np.round(x / step).astype(int) % 2**bits
        shape = x.shape[1:]
        for own in [(), shape[1:], shape]:
            values = case.random.integers(-40, 41, (*own, 2**bits))
            wide = np.broadcast_to(values, (SAMPLES, *shape[: len(shape) - len(own)], *own, 2**bits) if own else (SAMPLES, *shape, 2**bits))
            y = np.take_along_axis(wide, codes[..., None], -1)[..., 0] / 8
            case.layer("table", y, inputs=[key], tensors=dict(values=values), signed=signed, integer=integer, fraction=fraction, out_fraction=3)
    case.write(cases)


def main():
    tf.keras.utils.set_random_seed(1)
    cases = []
    convolutions(cases, 2)
    convolutions(cases, 1)
    for family in [depthwise, pooling, moves, sums_of_products, merges, tables]:
        family(cases)
    (FOLDER / "cases.toml").write_text("\n".join(cases))


main()
