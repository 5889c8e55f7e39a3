"""HGQ2 0.2.0 on Keras 3 and TensorFlow: random layers and formats of each element; the truth is what Keras computes.

Every layer quantizes its inputs to at most 8 bits, weights have at most 6 and sums at most 40 terms, so that float32 sums are exact
(below 24 bits). Functions of tables are those whose float32 values are exact or far from the middle of two codes.
"""

import sys
from pathlib import Path

import tensorflow_exact  # noqa: F401, before Keras

sys.path.insert(0, str(Path(__file__).parent.parent))

import keras
import numpy as np
from cases import Blocks, Case, Draw, codes
from fixtures_hgq2 import OVERFLOWS, ROUNDINGS, act, attention_config, randomise
from hgq import layers as hl
from hgq.config import HardSigmoidConfig, HardTanhConfig, QuantizerConfig
from hgq.quantizer import Quantizer
from keras import layers as kl

BLOCKS = Blocks()
block = BLOCKS.block


class Hgq(Draw):
    """Random quantizers."""

    def modes(self):
        return dict(round_mode=self.one(*ROUNDINGS), overflow_mode=self.one(*OVERFLOWS))

    def values(self, shape=(), **options):
        """A quantizer of values: of each element, of each channel, or of all."""
        rank = len(shape)
        axes = self.one({}, {}, {"heterogeneous_axis": ()}, {"heterogeneous_axis": (rank,)} if rank else {})
        if self.chance(0.3):
            more = dict(b0=self.int(3, 7), i0=self.int(0, 3))
            return QuantizerConfig("kbi", "datalane", **more, k0=self.chance(0.8), **self.modes(), **axes, **options)
        more = dict(i0=self.int(1, 3), f0=self.int(1, 3))
        return act(**more, k0=self.chance(0.8), **self.modes(), **axes, **options)

    def weights(self, place="weight"):
        modes = dict(round_mode=self.one(*ROUNDINGS), overflow_mode=self.one(*OVERFLOWS))
        return self.one(QuantizerConfig("kbi", place, **modes), QuantizerConfig("kif", place, i0=0, f0=3, **modes))

    def options(self, base, x, weights=False, activation=False):
        """Keywords that nearly every layer takes."""
        options = dict(name=self.name(base), iq_conf=self.values(x.shape[1:]))
        if self.chance(0.2):
            options |= dict(enable_oq=True, oq_conf=self.values())
        if weights:
            options |= dict(kq_conf=self.weights(), bq_conf=self.weights("bias"), use_bias=self.chance(0.7))
        if activation and self.chance(0.4):
            options |= dict(activation="relu")
        return options


@block(1, 2, 3, weight=2)
def dense(g, x):
    return hl.QDense(g.int(1, 7), **g.options("dense", x, weights=True, activation=True))(x)


@block(1)
def dense_norm(g, x):
    return hl.QBatchNormDense(g.int(1, 6), **g.options("dense_norm", x, activation=True))(x)


@block(1, 2, 3)
def norm(g, x):
    return hl.QBatchNormalization(**g.options("norm", x), center=g.chance(0.7), scale=g.chance(0.7))(x)


@block(1, 2, 3)
def quantizer(g, x):
    config = g.one(g.values(x.shape[1:]), g.values(x.shape[1:], scaler=g.one(0.5, 2.0, 0.25)),
                   HardTanhConfig(place="datalane", f0=g.one(2, 4, 6)), HardSigmoidConfig(place="datalane", f0=g.one(2, 4, 6)))
    return Quantizer(config, name=g.name("quantizer"))(x)


@block(1, 2, 3)
def table(g, x):
    function = g.one("tanh", "sigmoid", "relu", "softplus", "softsign", "exponential", "elu", "gelu", "silu", "selu", "hard_sigmoid", "linear")
    if g.chance(0.2):
        return hl.QAffinedUnaryFunctionLUT("relu", name=g.name("affined"), iq_conf=act(i0=2, f0=3))(x)
    oq = QuantizerConfig(*g.one(("kbi", "table"), ("kif", "table")), **g.modes())
    return hl.QUnaryFunctionLUT(function, name=g.name(function), iq_conf=g.values(x.shape[1:]), oq_conf=oq)(x)


@block(1, 2, 3)
def relu(g, x):
    return kl.ReLU(name=g.name("relu"))(x)


@block(1, 2, 3, weight=2)
def merge(g, x):
    """The value with another version of itself."""
    other = Quantizer(g.values(x.shape[1:]), name=g.name("other"))(x)
    if g.chance(0.5):
        other = hl.QDense(x.shape[-1], **g.options("side", x, weights=True))(x)
    kind = g.one(hl.QAdd, hl.QSubtract, hl.QMultiply, hl.QMaximum, hl.QMinimum, hl.QAveragePow2)
    parts = [x, other] if g.chance(0.6) or kind in (hl.QSubtract, hl.QMultiply) else [x, other, kl.ReLU(name=g.name("relu"))(other)]
    return kind(name=g.name(kind.__name__.lower()), iq_confs=g.values(x.shape[1:]))(parts)


@block(1, 2, 3)
def join(g, x):
    other = hl.QDense(3, **g.options("joined", x, weights=True))(x)
    return kl.Concatenate(name=g.name("concatenate"))([x, other])


@block(2)
def products(g, x):
    if g.chance(0.5):
        return hl.QDot(axes=(2, 2), name=g.name("dot"), iq_confs=act(i0=1, f0=2))([x, x])
    return hl.QEinsum("bnc,bmc->bnm", name=g.name("einsum"), iq_confs=act(i0=1, f0=2))([x, x])


@block(1, 2)
def softmax(g, x):
    tables = dict(
        exp_iq_conf=QuantizerConfig("kif", "datalane", k0=0, i0=g.one(3, 4), f0=g.one(2, 4), overflow_mode="SAT"),
        exp_oq_conf=QuantizerConfig("kif", "table", k0=0, i0=3, f0=g.one(4, 7)),
        inv_iq_conf=QuantizerConfig("kif", "datalane", k0=0, i0=g.one(4, 7), f0=g.one(3, 5)),
        inv_oq_conf=QuantizerConfig("kif", "table", k0=0, i0=2, f0=g.one(5, 8)))
    plain = dict(stable=g.chance(0.6), enable_iq=True, iq_conf=act(i0=1, f0=3))
    axis = g.one(-1, 1, (1, 2)) if len(x.shape) == 3 else -1
    return hl.QSoftmax(axis=axis, name=g.name("softmax"), input_scaler=g.one(1.0, 1.0, 0.5), **plain, **tables)(x)


@block(2, 3)
def total(g, x):
    kind, axes = g.one(hl.QSum, hl.QMeanPow2), g.one(1, 2, (1, 2))
    more = dict(scale=g.one(1.0, 0.5, 0.25)) if kind is hl.QSum else {}
    return kind(axes=axes, keepdims=g.chance(0.3), name=g.name(kind.__name__.lower()), iq_conf=g.values(x.shape[1:]), **more)(x)


@block(2, weight=2)
def einsum_dense(g, x):
    n, c = x.shape[1:]
    m = g.int(1, 5)
    equation, shape, bias = g.one(
        ("bnc,cC->bnC", (n, m), "C"), ("bnc,nN->bNc", (m, c), "N"), ("bnc,n->bc", (c,), "c"), ("bnc,ncd->bd", (m,), "d"),
        ("...c,cC->...C", m, "C"), ("bnc,cd->bdn", (m, n), "d"))
    options = g.options("einsum_dense", x, weights=True, activation=True)
    biased = options.pop("use_bias")
    if g.chance(0.3) and equation in ("bnc,cC->bnC", "bnc,nN->bNc", "...c,cC->...C"):
        return hl.QEinsumDenseBatchnorm(equation, shape, bias_axes=bias, **options)(x)
    return hl.QEinsumDense(equation, shape, bias_axes=bias if biased else None, **options)(x)


@block(2, weight=2)
def conv1d(g, x):
    size = g.int(1, min(3, x.shape[1]))
    step = g.one(dict(strides=g.one(1, 2)), dict(dilation_rate=2)) if (size - 1) * 2 < x.shape[1] else {}
    padding, options = g.one("valid", "same", "causal"), g.options("conv1d", x, weights=True, activation=True)
    if padding == "causal":  # which HGQ2 pads before it quantizes: formats of each step would not fit
        options["iq_conf"] = act(i0=2, f0=3, heterogeneous_axis=(2,), **g.modes())
    return hl.QConv1D(g.int(1, 4), size, padding=padding, **step, **options)(x)


@block(3, weight=3)
def conv2d(g, x):
    size = [g.int(1, min(3, n)) for n in x.shape[1:3]]
    step = g.one(dict(strides=g.one(1, 2)), dict(dilation_rate=2)) if all((n - 1) * 2 < m for n, m in zip(size, x.shape[1:3])) else {}
    return hl.QConv2D(g.int(1, 3), size, padding=g.one("valid", "same"), **step,
                      **g.options("conv2d", x, weights=True, activation=True))(x)


@block(2, 3, weight=2)
def pool(g, x):
    axes = len(x.shape) - 2
    of = g.one("Max", "Average")
    options = dict(iq_conf=g.values(x.shape[1:]), name=g.name(f"{of.lower()}_pool"))
    if g.chance(0.3):
        return getattr(hl, f"QGlobal{of}Pooling{axes}D")(keepdims=g.chance(0.4), **options)(x)
    # Averages of two or four values only: a third is not exact in float32.
    size = g.one(2, 1) if of == "Average" else g.int(1, 3)
    size = min(size, *x.shape[1:-1])
    padding = "valid" if of == "Average" else g.one("valid", "same")
    return getattr(hl, f"Q{of}Pooling{axes}D")(size, strides=g.one(None, 1, 2), padding=padding, **options)(x)


@block(2, 3)
def move(g, x):
    shape = x.shape[1:]
    count = int(np.prod(shape))
    axes = tuple(int(n) for n in g.rng.permutation(len(shape)) + 1)
    return g.one(kl.Flatten(name=g.name("flatten")), kl.Permute(axes, name=g.name("permute")),
                 kl.Reshape((-1, shape[0]) if count % shape[0] == 0 else (count,), name=g.name("reshape")))(x)


@block(2)
def pad(g, x):
    return g.one(kl.ZeroPadding1D(1, name=g.name("pad")), kl.UpSampling1D(2, name=g.name("up")), kl.Cropping1D((0, 0), name=g.name("crop")))(x)


@block(2)
def attention(g, x):
    if g.chance(0.3):
        return hl.QLinformerAttention(g.int(1, 2), g.int(1, 3), g.int(1, 2), name=g.name("linformer"), **attention_config())(x, x)
    other = Quantizer(g.values(x.shape[1:]), name=g.name("other"))(x)
    fuse, value = g.one(("none", x), ("none", other), ("kv", other), ("qkv", x))
    return hl.QMultiHeadAttention(g.int(1, 2), g.int(1, 3), fuse=fuse, use_bias=g.chance(0.7), name=g.name("attention"), **attention_config())(x, value)


@block(2)
def recurrent(g, x):
    options = dict(iq_conf=act(i0=2, f0=2), paq_conf=HardTanhConfig(place="datalane", f0=g.int(2, 4)), return_sequences=g.chance(0.5), go_backwards=g.chance(0.3), use_bias=g.chance(0.7))
    if x.shape[1] > 4:
        x = kl.Cropping1D((0, x.shape[1] - 4), name=g.name("crop"))(x)
    if g.chance(0.5):
        if g.chance(0.5):
            options |= dict(enable_sq=True, sq_conf=act(i0=1, f0=2))
        return hl.QSimpleRNN(g.int(1, 3), name=g.name("simple"), **options)(x)
    gates = dict(praq_conf=HardSigmoidConfig(place="datalane", f0=3), sq_conf=act(i0=1, f0=3), rhq_conf=act(i0=2, f0=3))
    return hl.QGRU(g.int(1, 3), reset_after=g.chance(0.5), name=g.name("gru"), **options, **gates)(x)


@block(1, 2, 3)
def tables(g, x):
    """Small float networks on each edge, of weights that are multiples of 1/16: see `on_grid`."""
    axes = g.one({}, {"heterogeneous_axis": (1, len(x.shape))})
    options = dict(n_hl=g.int(0, 2), d_hl=g.int(2, 4), subnn_activation="relu", iq_conf=act(i0=1, f0=2), use_bias=g.chance(0.7),
                   toq_conf=QuantizerConfig("kbi", "table", b0=g.int(3, 7), i0=2), **({"activation": "relu"} if g.chance(0.3) else {}))
    if len(x.shape) == 2:
        return hl.QDenseT(g.int(1, 5), name=g.name("dense_t"), **(options | {"iq_conf": act(i0=1, f0=2, **axes)}))(x)
    kind = hl.QConvT1D if len(x.shape) == 3 else hl.QConvT2D
    return kind(g.int(1, 3), g.int(1, min(2, *x.shape[1:-1])), padding=g.one("valid", "same"), strides=g.int(1, 2), name=g.name("conv_t"), **options)(x)


def on_grid(model):
    """Weights of table layers as multiples of 1/16, whose float32 sums are exact."""
    for layer in model.layers:
        if layer.name.startswith(("dense_t", "conv_t")):
            for variable in layer.variables:
                if variable.name.split("/")[-1] in ("kernel", "bias"):
                    variable.assign(np.round(np.array(variable) * 16) / 16)


def make(seed, folder):
    """One input with its chain of layers; or two, with what they give joined, or as two outputs."""
    keras.utils.clear_session(free_memory=False)
    g = Hgq(seed)
    inputs, ends, samples = [], [], {}
    for name in g.one("x", "x", "xz"):
        shape = g.shape()
        i, f = g.int(0, 4), g.int(0, 5)
        inputs.append(keras.Input(shape, name=name))
        ends.append(BLOCKS.chain(g, Quantizer(act(i0=i, f0=f, **g.modes()), name=f"first_{name}")(inputs[-1])))
        # Two more bits at either end than the first quantizer keeps: it rounds and overflows.
        samples[name] = (codes(g.rng, shape, -(1 << (i + f + 3)), 1 << (i + f + 3)) / 2.0 ** (f + 2)).astype(np.float32)
    if len(ends) == 2 and g.chance(0.6):
        both = kl.Concatenate(name="both")([kl.Flatten(name=f"flat_{n}")(end) for n, end in enumerate(ends)])
        ends = [dense(g, both)]
    if len(ends) == 2 or g.chance(0.5):
        ends = [Quantizer(act(i0=6, f0=3, **g.modes()), name=f"last_{n}")(end) for n, end in enumerate(ends)]
    model = keras.Model(inputs, ends)
    randomise(model, g.rng)
    on_grid(model)
    outputs = keras.tree.flatten(model(samples, training=False))
    path = folder / g.one("model.keras", "model.keras", "model.h5")
    model.save(path)
    names = [tensor._keras_history.operation.name for tensor in model.outputs]
    about = f"{model.input_shape}: " + ", ".join(layer.name for layer in model.layers)
    return Case(path, samples, {name: np.asarray(y) for name, y in zip(names, outputs)}, about)
