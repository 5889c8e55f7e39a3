"""qonnx 1.0.0: random QONNX graphs; the truth is what its executor computes (standard operators run in onnxruntime).

Scales are small integers times powers of two, weights have at most 5 bits, and a Quant stands behind every product, so that float32
sums are exact; functions that onnxruntime approximates end in at most 5 bits.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from cases import SAMPLES, Blocks, Case, Draw, Redraw, codes
from fixtures_onnx import QONNX, Graph
from onnx import TensorProto, helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx
from qonnx.transformation.infer_shapes import InferShapes

BLOCKS = Blocks()
block = BLOCKS.block
ROUNDINGS = ["ROUND", "ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]
FUNCTIONS = {"Sigmoid": {}, "Tanh": {}, "Elu": {"alpha": 0.75}, "Selu": {}, "Softplus": {}, "Softsign": {}}
EXACT = {"Relu": {}, "LeakyRelu": {"alpha": 0.25}, "HardSigmoid": {"alpha": 0.25, "beta": 0.5}, "ThresholdedRelu": {"alpha": 0.5}, "Neg": {}, "Identity": {}}


@dataclass
class Value:
    """A tensor of the graph; the first axis is the samples'."""

    name: str
    shape: tuple


class Onnx(Draw):
    """Random nodes, with the shapes of their results."""

    def __init__(self, seed):
        super().__init__(seed)
        self.graph = Graph(seed, opset=14)
        self.graph.random = self.rng

    def node(self, op, shape, *inputs, **attributes):
        inputs = [i.name if isinstance(i, Value) else i for i in inputs]
        return Value(self.graph.node(op, *inputs, **attributes), tuple(shape))

    def scale(self, shape=()):
        """Exact in float32 with every code: an odd number times a power of two."""
        return (self.rng.choice([1, 1, 1, 3, 5, 7], shape) * 2.0 ** self.rng.integers(-5, 0, shape)).astype(np.float32)

    def along(self, x, axis=1):
        """For all, or for each channel."""
        if self.chance(0.7):
            return ()
        return tuple(n if at == axis else 1 for at, n in enumerate(x.shape))

    def quant(self, x, bits=None):
        bits = bits or self.int(2, 7)
        if self.chance(0.07):
            return self.node("BipolarQuant", x.shape, x, self.scale(self.along(x)), domain=QONNX)
        signed = int(self.chance(0.7))
        zero = float(self.int(-3, 3)) if self.chance(0.15) else 0.0
        y = self.node("Quant", x.shape, x, self.scale(self.along(x)), zero, float(bits), domain=QONNX, signed=signed,
                      narrow=int(self.chance(0.3)), rounding_mode=self.one(*ROUNDINGS))
        if self.chance(0.08) and bits > 2 and zero == 0:
            scale = self.scale()
            y = self.node("Quant", x.shape, x, scale, 0.0, float(bits), domain=QONNX, signed=signed, narrow=0, rounding_mode="ROUND")
            y = self.node("Trunc", x.shape, y, scale, 0.0, float(bits), float(self.int(1, bits - 1)), domain=QONNX, rounding_mode=self.one("FLOOR", "ROUND", "CEIL"))
        return y

    def weights(self, *shape, channel=None):
        bits = self.int(1, 5)
        w = Value(self.graph.constant(self.rng.normal(0, 0.7, shape).astype(np.float32)), shape)
        if bits == 1:
            return self.node("BipolarQuant", shape, w, self.scale(), domain=QONNX)
        scale = self.scale() if channel is None or self.chance(0.6) else self.scale([n if at == channel else 1 for at, n in enumerate(shape)])
        return self.node("Quant", shape, w, scale, 0.0, float(bits), domain=QONNX, signed=1, narrow=int(self.chance(0.5)), rounding_mode=self.one(*ROUNDINGS))

    def grid(self, *shape, low=-16, high=16, step=8):
        """Constants that are multiples of 1/step."""
        return (self.rng.integers(low, high + 1, shape) / step).astype(np.float32)


@block(1, 2, weight=2)
def matmul(g, x):
    units, inputs = g.int(1, 8), x.shape[-1]
    if len(x.shape) == 2 and g.chance(0.5):
        transposed = g.int(0, 1)
        w = g.weights(*((units, inputs) if transposed else (inputs, units)), channel=1 - transposed)
        more = [g.grid(units)] if g.chance(0.6) else []
        return g.quant(g.node("Gemm", (1, units), x, w, *more, transB=transposed))
    y = g.node("MatMul", (*x.shape[:-1], units), x, g.weights(inputs, units, channel=1))
    if g.chance(0.5):
        y = g.node("Add", y.shape, y, g.grid(units))
    return g.quant(y)


def windows(g, x, size, dilation=1):
    """Attributes of a window operator, and the sizes of its result."""
    strides = [g.one(1, 1, 2) for _ in size]
    pads = [[g.int(0, n - 1) if g.chance(0.4) else 0 for n in size] for _ in range(2)]
    out = [(n + a + b - dilation * (k - 1) - 1) // s + 1 for n, k, s, a, b in zip(x.shape[2:], size, strides, *pads)]
    return dict(kernel_shape=size, strides=strides, pads=pads[0] + pads[1]), out


@block(2, 3, weight=3)
def conv(g, x):
    channels = x.shape[1]
    size = [g.int(1, min(3, n)) for n in x.shape[2:]]
    dilation = 2 if g.chance(0.2) and all(2 * (k - 1) < n for k, n in zip(size, x.shape[2:])) else 1
    groups = g.one(1, 1, channels)
    filters = groups * g.int(1, 2) if groups > 1 else g.int(1, 4)
    attributes, out = windows(g, x, size, dilation)
    if g.chance(0.15) and dilation == 1:
        del attributes["pads"]
        attributes["auto_pad"] = g.one("SAME_UPPER", "SAME_LOWER")
        out = [-(-n // s) for n, s in zip(x.shape[2:], attributes["strides"])]
    more = [g.grid(filters)] if g.chance(0.6) else []
    w = g.weights(filters, channels // groups, *size, channel=0)
    return g.quant(g.node("Conv", (1, filters, *out), x, w, *more, group=groups, dilations=[dilation] * len(size), **attributes))


@block(2, 3, weight=2)
def pool(g, x):
    size = [min(g.int(1, 3), n) for n in x.shape[2:]]
    kind = g.one("MaxPool", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool")
    if kind.startswith("Global"):
        return g.quant(g.node(kind, (*x.shape[:2], *[1] * len(size)), x))
    attributes, out = windows(g, x, size)
    if kind == "AveragePool":
        return g.quant(g.node(kind, (*x.shape[:2], *out), x, count_include_pad=g.int(0, 1), **attributes))
    return g.node(kind, (*x.shape[:2], *out), x, **attributes)


@block(1, 2, 3, weight=2)
def quantizer(g, x):
    return g.quant(x)


@block(1, 2, 3)
def thresholds(g, x):
    layout, axis = {2: ("", 1), 3: g.one(("", 2), ("NCW", 1), ("NWC", 2)), 4: g.one(("", 1), ("NHWC", 3))}[len(x.shape)]
    steps = np.sort(g.grid(g.one(1, x.shape[axis]), g.one(1, 3, 7), low=-40, high=40), axis=1)
    bits = {1: 1, 3: 2, 7: 3}[steps.shape[1]]
    layout = {"data_layout": layout} if layout else {}
    if g.chance(0.4):
        return g.node("MultiThreshold", x.shape, x, steps, domain=QONNX, **layout, out_dtype=f"INT{bits + 1}", out_scale=g.one(1.0, 2.0, 0.5), out_bias=g.one(0.0, -1.0))
    return g.node("MultiThreshold", x.shape, x, steps, domain=QONNX, **layout, out_dtype=f"UINT{bits}")


@block(1, 2, 3, weight=2)
def function(g, x):
    if g.chance(0.4):
        op = g.one(*FUNCTIONS)
        return g.quant(g.node(op, x.shape, x, **FUNCTIONS[op]), g.int(2, 5))
    kind = g.one("plain", "clip", "prelu", "norm")
    if kind == "clip":
        y = g.node("Clip", x.shape, x, -float(g.int(0, 4)), float(g.int(1, 5)))
    elif kind == "prelu":
        y = g.node("PRelu", x.shape, x, g.grid(*([x.shape[1]] + [1] * (len(x.shape) - 2)), low=0, high=8))
    elif kind == "norm":
        c = x.shape[1]
        variance = (g.rng.choice([0.25, 1.0, 4.0], c) - 2.0**-10).astype(np.float32)
        y = g.node("BatchNormalization", x.shape, x, g.grid(c), g.grid(c), g.grid(c), variance, epsilon=2.0**-10)
    else:
        op = g.one(*EXACT)
        y = g.node(op, x.shape, x, **EXACT[op])
    return g.quant(y)


@block(1, 2, 3)
def constant(g, x):
    shape = g.one((), (x.shape[-1],), (1, x.shape[1], *[1] * (len(x.shape) - 2)))
    op = g.one("Add", "Sub", "Mul", "Div")
    value = (2.0 ** g.rng.integers(-2, 3, shape)).astype(np.float32) if op == "Div" else g.grid(*shape)
    first = op in ("Add", "Sub", "Mul") and g.chance(0.3)
    return g.quant(g.node(op, x.shape, value, x) if first else g.node(op, x.shape, x, value))


@block(1, 2, 3, weight=2)
def merge(g, x):
    other = g.quant(x)
    if g.chance(0.4):
        w = g.weights(x.shape[-1], x.shape[-1], channel=1)
        other = g.quant(g.node("MatMul", x.shape, x, w))
    op = g.one("Add", "Sub", "Mul", "Max", "Min", "Concat", "MatMul")
    if op == "Concat":
        axis = g.int(1, len(x.shape) - 1)
        return g.quant(g.node(op, [n * (1 + (at == axis)) for at, n in enumerate(x.shape)], x, other, axis=axis))
    if op == "MatMul" and len(x.shape) > 2:
        order = [*range(len(x.shape) - 2), len(x.shape) - 1, len(x.shape) - 2]
        turned = g.node("Transpose", [x.shape[at] for at in order], other, perm=order)
        return g.quant(g.node(op, (*x.shape[:-1], x.shape[-2]), x, turned))
    y = g.node("Add" if op == "MatMul" else op, x.shape, x, other)
    return g.quant(y) if g.chance(0.9) else y


@block(2, 3)
def reduce(g, x):
    axis, keep = g.int(1, len(x.shape) - 1), g.int(0, 1)
    shape = [1 if at == axis else n for at, n in enumerate(x.shape) if keep or at != axis]
    op = g.one("ReduceMax", "ReduceMin", "ReduceSum", "ReduceMean")
    if op == "ReduceSum":
        return g.quant(g.node(op, shape, x, g.graph.integers(axis), keepdims=keep))
    return g.quant(g.node(op, shape, x, axes=[axis], keepdims=keep))


@block(2, 3, weight=2)
def move(g, x):
    rest = [int(n) for n in g.rng.permutation(len(x.shape) - 1) + 1]
    count = int(np.prod(x.shape))
    axis = g.int(1, len(x.shape) - 1)
    n = x.shape[axis]
    kind = g.one("Transpose", "Flatten", "Reshape", "Slice", "Gather", "Pad", "Split")
    if kind == "Transpose":
        return g.node(kind, [1, *(x.shape[at] for at in rest)], x, perm=[0, *rest])
    if kind == "Flatten":
        return g.node(kind, (1, count), x)
    if kind == "Reshape":
        shape = g.one((count,), (x.shape[-1], count // x.shape[-1]))
        return g.node(kind, (1, *shape), x, g.graph.integers(0, *shape[:-1], -1))
    if kind == "Gather":
        indices = g.rng.integers(0, n, g.int(1, 3))
        return g.node(kind, [len(indices) if at == axis else m for at, m in enumerate(x.shape)], x, g.graph.integers(*indices), axis=axis)
    if kind == "Pad":
        pads = [[0, *(g.int(0, 1) for _ in x.shape[1:])] for _ in range(2)]
        return g.node(kind, [m + a + b for m, a, b in zip(x.shape, *pads)], x, g.graph.integers(*pads[0], *pads[1]))
    first = g.int(0, n - 1)
    last = g.int(first + 1, n)
    shape = [last - first if at == axis else m for at, m in enumerate(x.shape)]
    return g.node("Slice", shape, x, g.graph.integers(first), g.graph.integers(last), g.graph.integers(axis))


@block(1, 2, 3)
def qcdq(g, x):
    """QuantizeLinear, perhaps Clip, and DequantizeLinear."""
    kind = g.one(np.int8, np.uint8)
    scale, zero = g.graph.constant(g.scale()), g.graph.constant(g.int(0, 5), kind)
    q = g.node("QuantizeLinear", x.shape, x, scale, zero)
    if g.chance(0.6):
        q = g.node("Clip", x.shape, q, g.graph.constant(g.int(0, 2) if kind is np.uint8 else -g.int(1, 15), kind), g.graph.constant(g.int(5, 31), kind))
    return g.node("DequantizeLinear", x.shape, q, scale, zero)


@block(2)
def einsum(g, x):
    n, c = x.shape[1:]
    m = g.int(1, 4)
    equation, shape, out = g.one(("bij,jk->bik", (c, m), (n, m)), ("bij,ij->bi", (n, c), (n,)), ("bij,ijk->bk", (n, c, m), (m,)), ("bij,jk->bki", (c, m), (m, n)))
    return g.quant(g.node("Einsum", (1, *out), x, g.weights(*shape), equation=equation))


@block(2)
def recurrent(g, x):
    """Gates of functions that are exact in float32, of so few bits that each step is."""
    steps, features = x.shape[1:]
    if steps > 3:
        x, steps = g.node("Slice", (1, 3, features), x, g.graph.integers(0), g.graph.integers(3), g.graph.integers(1)), 3
    x = g.node("Quant", x.shape, x, 0.5, 0.0, 3.0, domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND")
    op, gates, functions = g.one(("RNN", 1, ["Relu"]), ("LSTM", 4, ["HardSigmoid", "Relu", "Relu"]), ("GRU", 3, ["HardSigmoid", "Relu"]))
    units, direction = g.int(1, 2), g.one("forward", "reverse")
    arrays = [g.grid(1, gates * units, features, low=-2, high=2, step=2), g.grid(1, gates * units, units, low=-2, high=2, step=2)]
    if g.chance(0.7):
        arrays.append(g.grid(1, 2 * gates * units, low=-2, high=2, step=2))
    hard = {"activation_alpha": [0.25], "activation_beta": [0.5]} if op != "RNN" else {}
    more = {"linear_before_reset": g.int(0, 1)} if op == "GRU" else {}
    turned = g.node("Transpose", (steps, 1, features), x, perm=[1, 0, 2])
    sequence, last = g.graph.node(op, turned.name, *arrays, outputs=2, hidden_size=units, activations=functions, direction=direction, **hard, **more)
    if g.chance(0.5):
        y = g.node("Transpose", (1, steps, units, 1), Value(sequence, ()), perm=[2, 0, 3, 1])
        y = g.node("Squeeze", (1, steps, units), y, g.graph.integers(3))
    else:
        y = g.node("Squeeze", (1, units), g.node("Transpose", (1, 1, units), Value(last, ()), perm=[1, 0, 2]), g.graph.integers(1))
    return g.quant(y)


@block(3)
def resize(g, x):
    by = [1, 1, g.int(1, 2), g.int(1, 2)]
    return g.node("Resize", [n * k for n, k in zip(x.shape, by)], x, "", np.float32(by), mode="nearest")


def execute(model, samples):
    """All samples at once: qonnx checks shapes, so the executed copy has as many as there are."""
    copy = type(model)()
    copy.CopyFrom(model)
    for tensor in copy.graph.input:
        tensor.type.tensor_type.shape.dim[0].dim_value = SAMPLES
    wrapper = ModelWrapper(copy).transform(InferShapes())
    with np.errstate(all="ignore"):
        return execute_onnx(wrapper, {"x": samples})


def make(seed, folder):
    g = Onnx(seed)
    shape = g.shape()
    x = Value(g.graph.input("x", *shape), (1, *shape))
    arguments = ["--input-format", "fixed<9,4>"] if g.chance(0.5) else []
    y = BLOCKS.chain(g, g.quant(x) if arguments else g.node("Quant", x.shape, x, g.scale(), 0.0, float(g.int(2, 7)), domain=QONNX, signed=1, narrow=0, rounding_mode="ROUND"))
    g.graph.nodes.append(helper.make_node("Identity", [y.name], ["y"]))
    g.graph.outputs.append(helper.make_tensor_value_info("y", TensorProto.FLOAT, None))
    model = g.graph.model()
    samples = (codes(g.rng, shape, -256, 255) / 32.0).astype(np.float32)
    outputs = execute(model, samples)["y"]
    if not np.isfinite(outputs).all():
        raise Redraw("not finite")
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    names = ", ".join(node.op_type for node in g.graph.nodes)
    return Case(folder / "model.onnx", {"x": samples}, {"y": outputs}, f"{shape}: {names}", arguments)
