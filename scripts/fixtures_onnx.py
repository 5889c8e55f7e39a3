#!/usr/bin/env python3
"""Golden cases of ONNX, QONNX and Brevitas: networks with random weights, and what the frameworks compute.

    pip install onnx==1.23.2 onnxruntime==1.32.0 qonnx==1.0.0 torch==2.13.0 brevitas==0.12.1 onnxscript onnxoptimizer
    python scripts/fixtures_onnx.py            # writes tests/data/onnx; without torch, the Brevitas cases stay as they are

QONNX graphs run in qonnx' executor (which runs standard operators in onnxruntime), QCDQ and plain ones in onnxruntime,
Brevitas networks in PyTorch itself.
"""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from qonnx.core.modelwrapper import ModelWrapper
from qonnx.core.onnx_exec import execute_onnx

HERE = Path(__file__).resolve().parent.parent / "tests/data/onnx"
QONNX = "qonnx.custom_op.general"
ROWS = 40


class Graph:
    """A graph that is written node by node; names count up."""

    def __init__(self, seed, opset=13):
        self.random = np.random.default_rng(seed)
        self.opset, self.nodes, self.tensors, self.inputs, self.outputs = opset, [], [], [], []

    def name(self, base):
        return f"{base}_{len(self.nodes) + len(self.tensors)}"

    def input(self, name, *shape):
        self.inputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, *shape]))
        return name

    def constant(self, value, dtype=np.float32):
        name = self.name("c")
        self.tensors.append(numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def node(self, op, *inputs, outputs=1, domain="", **attributes):
        inputs = [self.constant(i) if not isinstance(i, str) else i for i in inputs]
        names = [self.name(op.lower()) + (f"_{n}" if n else "") for n in range(outputs)]
        self.nodes.append(helper.make_node(op, inputs, names, name=names[0] + "_node", domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def integers(self, *values):
        return self.constant(values, np.int64)

    def quant(self, x, scale, bits, zero=0.0, signed=1, narrow=0, rounding="ROUND"):
        return self.node("Quant", x, scale, zero, float(bits), domain=QONNX, signed=signed, narrow=narrow,
                         rounding_mode=rounding)

    def bipolar(self, x, scale):
        return self.node("BipolarQuant", x, scale, domain=QONNX)

    def weights(self, *shape, bits=4, channel=None, scale=None):
        """Random weights behind a Quant, with a scale per tensor, or per channel of an axis."""
        w = self.random.normal(0, 1, shape).astype(np.float32)
        if scale is None:
            scale = np.float32(2.2 / 2 ** (bits - 1))
            if channel is not None:
                along = [n if axis == channel else 1 for axis, n in enumerate(shape)]
                scale = self.random.uniform(0.7, 1.3, along).astype(np.float32) * scale
        return self.quant(w, scale, bits, narrow=1)

    def floats(self, *shape, low=-1.0, high=1.0):
        return self.random.uniform(low, high, shape).astype(np.float32)

    def norm(self, x, channels):
        parameters = [self.floats(channels, low=0.5, high=1.5), self.floats(channels), self.floats(channels),
                      self.floats(channels, low=0.5, high=2)]
        return self.node("BatchNormalization", x, *parameters, epsilon=1e-5)

    def output(self, value):
        name = f"y{len(self.outputs)}"
        self.nodes.append(helper.make_node("Identity", [value], [name]))
        self.outputs.append(helper.make_tensor_value_info(name, TensorProto.FLOAT, None))

    def model(self):
        graph = helper.make_graph(self.nodes, "graph", self.inputs, self.outputs, self.tensors)
        sets = [helper.make_opsetid("", self.opset), helper.make_opsetid(QONNX, 1)]
        return helper.make_model(graph, opset_imports=sets, ir_version=8)


def run(model, inputs, qonnx=True):
    """The outputs of each sample, stacked."""
    names = [output.name for output in model.graph.output]
    rows = {name: [] for name in names}
    if qonnx:
        wrapper = ModelWrapper(model)
        for index, node in enumerate(wrapper.graph.node):
            node.name = node.name or f"node_{index}"
        with np.errstate(all="ignore"):
            from qonnx.transformation.infer_shapes import InferShapes
            wrapper = wrapper.transform(InferShapes())
        compute = lambda feed: execute_onnx(wrapper, feed)
    else:
        # Without onnxruntime's rewriting into integer kernels, whose scales round in another way.
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, ["CPUExecutionProvider"])
        compute = lambda feed: dict(zip(names, session.run(names, feed)))
    for row in range(len(next(iter(inputs.values())))):
        found = compute({name: values[row:row + 1] for name, values in inputs.items()})
        for name in names:
            rows[name].append(np.asarray(found[name]))
    return {name: np.concatenate(values) for name, values in rows.items()}


def on_grid(random, shape, step, low, high):
    """Multiples of a step, as an input port with that format takes them unchanged."""
    return (random.integers(int(low / step), int(high / step) + 1, shape) * step).astype(np.float32)


CASES = []


def save(stem, model, inputs, outputs, about, formats=()):
    (HERE / f"{stem}.onnx").write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    arrays = {f"in_{name}": value for name, value in inputs.items()}
    arrays |= {f"out_{name}": value for name, value in outputs.items()}
    np.savez_compressed(HERE / f"{stem}.npz", **arrays)
    CASES.append((stem, about, list(formats)))


def case(stem, about, build, seed, shapes, opset=13, formats=("fixed<12,5>",), qonnx=True, step=2.0 ** -7, bound=12.0):
    graph = Graph(seed, opset)
    build(graph, *[graph.input(name, *shape) for name, shape in shapes.items()])
    model = graph.model()
    inputs = {name: on_grid(graph.random, (ROWS, *shape), step, -bound, bound) for name, shape in shapes.items()}
    save(stem, model, inputs, run(model, inputs, qonnx), about, formats)


def quantizers(g, x):
    for rounding in ["ROUND", "CEIL", "FLOOR", "UP", "DOWN", "HALF_UP", "HALF_DOWN"]:
        g.output(g.quant(x, 0.37, 5, rounding=rounding))
        g.output(g.quant(x, 0.25, 4, rounding=rounding, narrow=1))
    g.output(g.quant(x, 0.29, 6, zero=17.0, signed=0))
    g.output(g.quant(x, 0.125, 5, zero=3.0, signed=0, narrow=1))
    g.output(g.quant(x, 0.5, 4, zero=2.5))
    g.output(g.quant(x, g.floats(1, 6, low=0.1, high=1.0), 4))
    g.output(g.quant(x, np.float32([[0.125, 0.25, 0.5, 1.0, 2.0, 4.0]]), 4, signed=0))
    g.output(g.quant(x, 0.7, 1))
    g.output(g.bipolar(x, 0.3))
    g.output(g.bipolar(x, g.floats(1, 6, low=0.1, high=1.0)))
    # The same codes again, other codes of codes, and bits dropped.
    q = g.quant(x, 0.21, 6)
    g.output(g.quant(q, 0.21, 6))
    g.output(g.quant(q, 0.5, 4))
    g.output(g.node("Trunc", q, 0.21, 0.0, 6.0, 4.0, domain=QONNX, rounding_mode="FLOOR"))
    half = g.quant(x, 0.5, 6)
    g.output(g.node("Trunc", half, 0.5, 0.0, 6.0, 3.0, domain=QONNX, rounding_mode="ROUND"))


def thresholds(g, x):
    t = np.sort(g.floats(6, 7, low=-8, high=8), axis=1)
    g.output(g.node("MultiThreshold", x, t, domain=QONNX, out_dtype="UINT3"))
    g.output(g.node("MultiThreshold", x, t[:1], domain=QONNX, out_dtype="INT4", out_scale=2.0, out_bias=-7.0))


def thresholds_of_steps(g, x):
    """Three axes: channels are the last of them unless the layout says otherwise."""
    g.output(g.node("MultiThreshold", x, np.sort(g.floats(4, 3, low=-8, high=8), axis=1), domain=QONNX, out_dtype="UINT2"))
    g.output(g.node("MultiThreshold", x, np.sort(g.floats(4, 7, low=-8, high=8), axis=1), domain=QONNX, out_dtype="UINT3", data_layout="NCW"))
    g.output(g.node("MultiThreshold", x, np.sort(g.floats(4, 7, low=-8, high=8), axis=1), domain=QONNX, out_dtype="UINT3", data_layout="NWC"))
    g.output(g.node("MultiThreshold", x, np.sort(g.floats(1, 3, low=-8, high=8), axis=1), domain=QONNX, out_dtype="UINT2", out_scale=0.5))


def dense(g, x):
    q = g.quant(x, 0.37, 6)
    y = g.node("MatMul", q, g.node("Transpose", g.weights(12, 8, channel=0), perm=[1, 0]))
    y = g.quant(g.node("Relu", g.norm(y, 12)), 0.31, 4, signed=0)
    y = g.node("Add", g.node("MatMul", y, g.weights(12, 10)), g.floats(10))
    y = g.quant(y, 0.8, 5)
    # A residual with the same scale, a bias with the scale of the product, and an exact end.
    other = g.quant(g.node("Gemm", q, g.weights(8, 10, bits=3), g.floats(10)), 0.8, 5)
    y = g.quant(g.node("Add", y, other), 0.5, 6)
    w = g.weights(5, 10, bits=3, scale=np.float32(0.5))
    g.output(g.node("Gemm", y, w, g.quant(g.floats(5), 0.25, 6), transB=1))


def convolutions(g, x):
    y = g.node("Conv", g.quant(x, 0.43, 5), g.weights(6, 4, 3, 3, channel=0), g.floats(6), kernel_shape=[3, 3],
               pads=[1, 0, 1, 2], strides=[1, 2])
    y = g.quant(g.node("Relu", g.norm(y, 6)), 0.4, 4, signed=0)
    y = g.node("MaxPool", y, kernel_shape=[2, 2], strides=[2, 1], pads=[0, 0, 0, 1])
    y = g.node("Conv", y, g.weights(8, 3, 3, 2, bits=3), kernel_shape=[3, 2], group=2, auto_pad="SAME_UPPER")
    y = g.quant(y, 0.9, 4)
    y = g.node("Conv", y, g.weights(8, 1, 1, 2, bits=3), kernel_shape=[1, 2], group=8, dilations=[1, 2])
    y = g.quant(y, 0.5, 5)
    pooled = g.node("AveragePool", y, kernel_shape=[2, 1], strides=[1, 1])
    g.output(g.quant(pooled, 0.25, 6))
    y = g.quant(g.node("GlobalAveragePool", y), 0.25, 6)
    y = g.node("Flatten", y)
    g.output(g.node("MatMul", y, g.weights(8, 3, bits=3, scale=np.float32(0.25))))


def sequence(g, x):
    y = g.node("Conv", g.quant(x, 0.25, 5), g.weights(5, 3, 3, bits=4), kernel_shape=[3], strides=[2], pads=[1, 1])
    y = g.quant(g.node("Relu", y), 0.45, 4, signed=0)
    y = g.node("MaxPool", y, kernel_shape=[2], strides=[2])
    g.output(g.node("GlobalMaxPool", y))
    g.output(g.quant(g.node("ReduceMean", y, axes=[2], keepdims=0), 0.25, 5, signed=0))


def functions(g, x):
    q = g.quant(x, 0.11, 8)
    for op, attributes in [("Relu", {}), ("LeakyRelu", {"alpha": 0.1}), ("Sigmoid", {}), ("Tanh", {}),
                           ("HardSigmoid", {}), ("HardSwish", {}), ("Elu", {"alpha": 0.7}), ("Selu", {}),
                           ("Softplus", {}), ("Softsign", {}), ("ThresholdedRelu", {"alpha": 0.5})]:
        g.output(g.quant(g.node(op, q, **attributes), 0.03, 8))
    g.output(g.quant(g.node("PRelu", q, g.floats(6, low=-0.3, high=0.5)), 0.05, 8))
    g.output(g.quant(g.node("Clip", q, -3.0, 4.5), 0.04, 8))
    g.output(g.quant(g.node("Clip", q, "", 4.5), 0.04, 8))


def arithmetic(g, x):
    q = g.quant(x, 0.25, 6)
    r = g.quant(x, 0.31, 5)
    for op in ["Add", "Sub", "Mul", "Div"]:
        g.output(g.quant(g.node(op, q, g.floats(6, low=0.3, high=2)), 0.11, 8))
        g.output(g.quant(g.node(op, r, 0.7), 0.13, 8))
    g.output(g.quant(g.node("Sub", 1.0, r), 0.13, 8))
    g.output(g.node("Add", q, g.quant(x, 0.5, 4)))
    g.output(g.node("Mul", q, g.quant(x, 0.5, 4)))
    g.output(g.node("Sub", q, g.quant(x, 0.5, 4)))
    g.output(g.node("Max", q, g.quant(x, 0.5, 4)))
    g.output(g.node("Min", q, g.quant(x, 0.5, 4)))
    g.output(g.quant(g.node("Mul", r, r), 0.5, 8))
    g.output(g.quant(g.node("Add", q, r), 0.5, 8))
    g.output(g.quant(g.node("Pow", q, 2.0), 0.5, 8))
    g.output(g.node("Neg", q))
    # Constants that fold: scales of scales, a transposed sum, a shape.
    w = g.node("Mul", g.node("Add", g.constant(2.0), g.constant([1.0, 2, 3, 4, 5, 6])), g.constant(0.5))
    g.output(g.node("Mul", q, w))


def shapes(g, x):
    q = g.quant(x, 0.25, 6)
    g.output(g.node("Transpose", q, perm=[0, 2, 1, 3]))
    g.output(g.node("Reshape", q, g.integers(0, 4, -1)))
    g.output(g.node("Flatten", g.node("Transpose", q, perm=[0, 3, 1, 2])))
    g.output(g.node("Slice", q, g.integers(1, -1), g.integers(4, -5), g.integers(2, 3), g.integers(2, -2)))
    g.output(g.node("Gather", q, g.integers(2, 0, 2), axis=2))
    g.output(g.node("Gather", q, g.constant(1, np.int64), axis=1))
    a, b = g.node("Split", q, g.integers(1, 3), outputs=2, axis=2)
    g.output(g.node("Concat", b, a, axis=2))
    g.output(g.node("Concat", q, g.quant(x, 0.5, 3), axis=-1))
    g.output(g.node("Squeeze", g.node("Unsqueeze", q, g.integers(1, 5)), g.integers(-1)))
    g.output(g.node("Pad", q, g.integers(0, 0, 1, 0, 0, 0, 0, 2)))
    for op in ["ReduceMax", "ReduceMin"]:
        g.output(g.node(op, q, axes=[2], keepdims=0))
    g.output(g.node("ReduceSum", q, g.integers(1, -1)))
    g.output(g.quant(g.node("ReduceMean", q, axes=[1, 2, 3]), 0.1, 8))
    shape = g.node("Concat", g.node("Gather", g.node("Shape", q), g.integers(0)), g.integers(-1), axis=0)
    g.output(g.node("Reshape", q, shape))
    ones = g.node("ConstantOfShape", g.integers(5), value=numpy_helper.from_array(np.float32([0.5])))
    g.output(g.node("Mul", q, ones))
    g.output(g.node("Resize", q, "", np.float32([1, 1, 2, 3]), mode="nearest"))
    m = g.node("MatMul", g.node("Transpose", q, perm=[0, 1, 3, 2]), q)
    g.output(m)


def choices(g, x):
    q = g.quant(x, 0.25, 6)
    g.output(g.node("Cast", g.node("ArgMax", q, axis=1, keepdims=0), to=TensorProto.FLOAT))
    values, _ = g.node("TopK", q, g.integers(1), outputs=2)
    g.output(values)
    values, places = g.node("TopK", q, g.integers(3), outputs=2)
    g.output(values)
    g.output(g.node("Cast", places, to=TensorProto.FLOAT))


def old(g, x):
    """Version 9 of the operators: what became arguments later are attributes."""
    q = g.quant(x, 0.25, 6)
    g.output(g.node("Slice", q, axes=[2, 3], starts=[1, 0], ends=[3, -1]))
    g.output(g.node("Clip", q, min=-2.5, max=3.25))
    a, b = g.node("Split", q, outputs=2, axis=2, split=[3, 1])
    g.output(a)
    g.output(g.node("Pad", b, pads=[0, 0, 0, 1, 0, 0, 2, 0]))
    g.output(g.node("ReduceSum", q, axes=[1, 3], keepdims=0))
    g.output(g.node("Squeeze", g.node("Unsqueeze", q, axes=[2]), axes=[2]))
    g.output(g.node("Dropout", q))
    g.output(g.node("Upsample", q, np.float32([1, 1, 2, 1]), mode="nearest"))


def qcdq(g, x):
    def both(value, scale, zero, low=None, high=None, axis=None):
        more = {} if axis is None else {"axis": axis}
        zero_name, scale_name = g.constant(*zero), g.constant(scale)
        q = g.node("QuantizeLinear", value, scale_name, zero_name, **more)
        if low is not None:
            q = g.node("Clip", q, g.constant(low, zero[1]), g.constant(high, zero[1]))
        return g.node("DequantizeLinear", q, scale_name, zero_name, **more)

    q = both(x, 0.23, (7, np.int8))
    w = both(g.constant(g.floats(9, 6)), g.floats(9, low=0.05, high=0.2), (np.zeros(9), np.int8), -7, 7, axis=0)
    y = g.node("Gemm", q, w, g.floats(9), transB=1)
    y = both(g.node("Relu", y), 0.31, (0, np.uint8), 0, 15)
    stored = g.constant(g.random.integers(-8, 8, (9, 4)), np.int8)
    w = g.node("DequantizeLinear", stored, g.constant(0.11), g.constant(0, np.int8))
    y = both(g.node("MatMul", y, w), 0.17, (0, np.int8), -31, 31)
    g.output(y)
    g.output(both(x, g.floats(6, low=0.05, high=0.5), (np.zeros(6), np.int8), -7, 7, axis=1))
    g.output(both(x, 0.25, (9, np.uint8)))


def recurrent(g, x):
    """Recurrent operators with functions that are exact in float32, on so few bits that every sum is; sequence first, as ONNX has it."""
    q = g.quant(x, 0.5, 4)
    t = g.node("Transpose", q, perm=[1, 0, 2])
    grid = lambda *shape: (g.random.integers(-2, 3, shape) / 2).astype(np.float32)

    def cell(op, gates, units, pick, bias=True, **attributes):
        inputs = [t, grid(1, gates * units, 3), grid(1, gates * units, units)] + ([grid(1, 2 * gates * units)] if bias else [])
        outputs = g.node(op, *inputs, outputs=2, hidden_size=units, **attributes)
        y = outputs[pick]
        order = [2, 0, 1, 3] if pick == 0 else [1, 0, 2]
        g.output(g.quant(g.node("Transpose", y, perm=order), 0.25, 6))

    hard = {"activation_alpha": [0.25], "activation_beta": [0.5]}
    cell("RNN", 1, 3, 0, activations=["Relu"])
    cell("RNN", 1, 2, 1, bias=False, activations=["LeakyRelu"], activation_alpha=[0.5], direction="reverse")
    cell("LSTM", 4, 2, 1, activations=["HardSigmoid", "Relu", "Relu"], **hard)
    cell("LSTM", 4, 2, 0, activations=["HardSigmoid", "Relu", "Relu"], direction="reverse", **hard)
    cell("GRU", 3, 2, 0, activations=["HardSigmoid", "Relu"], linear_before_reset=1, **hard)
    cell("GRU", 3, 3, 1, activations=["HardSigmoid", "Relu"], **hard)
    cell("GRU", 3, 2, 1, bias=False, activations=["HardSigmoid", "Relu"], direction="reverse", **hard)


def products(g, x, z):
    """Einsum with constants and with tensors, MatMul of tensors."""
    q, r = g.quant(x, 0.25, 5), g.quant(z, 0.5, 4)
    for equation, shape in [("bij,jk->bik", (4, 5)), ("bij,ij->bi", (3, 4)), ("bij,ijk->bk", (3, 4, 2)), ("bij,jk->bki", (4, 2))]:
        y = g.node("Einsum", q, g.weights(*shape, scale=np.float32(0.125)), equation=equation)
        g.output(g.quant(y, 0.25, 8))
    for equation in ["bij,bkj->bik", "bij,bkj->bki", "bij,bij->bj"]:
        g.output(g.quant(g.node("Einsum", q, r, equation=equation), 0.25, 9))
    y = g.node("MatMul", q, g.node("Transpose", r, perm=[0, 2, 1]))
    g.output(g.quant(y, 0.25, 9))


def brevitas_cases():
    import torch
    import brevitas.nn as qnn
    from brevitas.export import export_onnx_qcdq, export_qonnx
    from brevitas.quant import Int8ActPerTensorFloat, Int8Bias, Int8WeightPerChannelFloat
    from torch import nn

    weights = {"weight_quant": Int8WeightPerChannelFloat, "bias_quant": Int8Bias}
    end = {"act_quant": Int8ActPerTensorFloat, "bit_width": 6, "return_quant_tensor": False}

    def dense():
        return nn.Sequential(
            qnn.QuantIdentity(bit_width=6, return_quant_tensor=True),
            qnn.QuantLinear(8, 12, bias=True, weight_bit_width=4, **weights),
            nn.BatchNorm1d(12),
            qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
            qnn.QuantLinear(12, 8, bias=True, weight_bit_width=3, **weights),
            qnn.QuantHardTanh(bit_width=5, min_val=-2.0, max_val=2.0, return_quant_tensor=True),
            qnn.QuantLinear(8, 5, bias=True, weight_bit_width=4, **weights),
            qnn.QuantIdentity(**end))

    def convolution():
        return nn.Sequential(
            qnn.QuantIdentity(bit_width=5, return_quant_tensor=True),
            qnn.QuantConv2d(2, 4, 3, padding=1, bias=True, weight_bit_width=4, **weights),
            nn.BatchNorm2d(4),
            qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
            nn.MaxPool2d(2),
            qnn.QuantConv2d(4, 4, 2, groups=2, bias=True, weight_bit_width=3, **weights),
            qnn.QuantReLU(bit_width=4, return_quant_tensor=True),
            nn.Flatten(),
            qnn.QuantLinear(16, 3, bias=True, weight_bit_width=4, **weights),
            qnn.QuantIdentity(**end))

    for name, make, shape in [("brevitas_dense", dense, (8,)), ("brevitas_conv", convolution, (2, 6, 6))]:
        torch.manual_seed(7)
        network = make()
        network.train()
        with torch.no_grad():
            for _ in range(30):
                network(2 * torch.randn(64, *shape))
        network.eval()
        x = 2 * torch.randn(ROWS, *shape)
        with torch.no_grad():
            network(x[:1])
            y = network(x)
        outputs = {"y": y.detach().numpy()}
        for export, kind in [(export_qonnx, "qonnx"), (export_onnx_qcdq, "qcdq")]:
            path = HERE / "export.onnx"
            more = {"dynamo": False} if kind == "qcdq" else {}
            export(network, torch.zeros(1, *shape), export_path=str(path), input_names=["x"], output_names=["y"], **more)
            model = onnx.load(path)
            path.unlink()
            path.with_suffix(".onnx.data").unlink(missing_ok=True)
            del model.graph.value_info[:]
            for node in model.graph.node:
                node.doc_string = ""
                del node.metadata_props[:]
            del model.metadata_props[:]
            save(f"{name}_{kind}", model, {"x": x.numpy()}, outputs, f"{name.replace('_', ' ')}, exported as {kind}")


def main():
    HERE.mkdir(parents=True, exist_ok=True)
    case("quantizers", "Quant with every rounding, zero points, scales per tensor and channel, BipolarQuant, Trunc",
         quantizers, 1, {"x": (6,)})
    case("thresholds", "MultiThreshold, per channel and for all", thresholds, 2, {"x": (6,)})
    case("thresholds_of_steps", "MultiThreshold of three axes, with every layout", thresholds_of_steps, 14, {"x": (4, 4)})
    case("dense", "MatMul and Gemm with scales of any value, per channel too, BatchNormalization, a residual", dense, 3,
         {"x": (8,)}, formats=())
    case("conv", "Conv with pads, strides, groups, dilations; pooling", convolutions, 4, {"x": (4, 6, 7)}, formats=())
    case("sequence", "1-d convolution and pooling", sequence, 5, {"x": (3, 12)}, formats=())
    case("functions", "functions behind a quantizer", functions, 6, {"x": (6,)}, opset=14, formats=())
    case("arithmetic", "constants and tensors, folded constants", arithmetic, 7, {"x": (6,)})
    case("shapes", "operators that move elements, and reductions", shapes, 8, {"x": (3, 4, 5)})
    case("choices", "ArgMax, TopK", choices, 9, {"x": (6,)}, formats=())
    case("old", "version 9 of the operators", old, 10, {"x": (3, 4, 5)}, opset=9, formats=())
    case("qcdq", "QuantizeLinear, Clip and DequantizeLinear", qcdq, 11, {"x": (6,)}, qonnx=False)
    case("recurrent", "RNN, LSTM and GRU, forward and reverse, the reset gate before and behind its product", recurrent, 12,
         {"x": (2, 3)}, opset=14)
    case("products", "Einsum and MatMul of constants and of tensors", products, 13, {"x": (3, 4), "z": (3, 4)})
    try:
        brevitas_cases()
    except ImportError as error:
        print(f"without Brevitas: {error}")
    text = "# Written by scripts/fixtures_onnx.py.\n"
    for stem, about, formats in CASES:
        text += f'\n[[case]]\nmodel = "{stem}.onnx"\n'
        text += f"input_format = {list(formats)}\n".replace("'", '"') if formats else ""
        text += f'vectors = "{stem}.npz"\nabout = "{about}"\n'
    (HERE / "cases.toml").write_text(text)


if __name__ == "__main__":
    main()
