"""qkeras-v3 1.2.1 on Keras 3 and TensorFlow: random layers and quantizers; the truth is what the model in memory computes.

Inputs have at most 8 bits, weights at most 6 and a power of two as scale (other scales round each product of a float32 sum), and an
activation quantizes before the next layer. Weights are multiples of 2^-8, so that x + (q - x), as QKeras writes it, is q; variances
make the factor of a batch normalisation exact.
"""

import tensorflow_exact  # noqa: F401, before Keras

import keras
import numpy as np
import qkeras as qk
from cases import Blocks, Case, Draw, codes
from keras import layers as kl
from keras import ops

BLOCKS = Blocks()
block = BLOCKS.block
FUNCTIONS = ["relu", "relu6", "elu", "selu", "gelu", "silu", "softplus", "softsign", "sigmoid", "tanh", "exponential", "hard_sigmoid", "leaky_relu", "mish"]


class QKeras(Draw):
    """Random quantizers, as text."""

    hdf5 = True

    def bits(self, low=3, high=8):
        bits = self.int(low, high)
        text = f"{bits},{self.int(0, min(3, bits - 1))},{self.int(0, 1)}"
        return f"quantized_bits({text},alpha=1.0)" if self.chance(0.8) else f"quantized_bits({text},keep_negative=False,alpha=1.0)"

    def kernel(self):
        b = self.int(2, 6)
        return self.one(
            f"quantized_bits({b},{self.int(0, 1)},{self.int(0, 1)},alpha=1.0)", f"quantized_bits({b},0,alpha=1.0)", f"quantized_bits({b},0)",
            f"quantized_bits({b},1,alpha='auto_po2')", f"quantized_bits({b},0,alpha={self.one(0.5, 2.0)})",
            "ternary(alpha=1.0)", "ternary", f"ternary(alpha=0.5,threshold={self.one(0.25, 0.5)})", "ternary(alpha='auto_po2')", "stochastic_ternary(alpha='auto_po2')",
            "binary(alpha=1.0)", "binary", "binary(alpha='auto_po2')", "binary(use_01=True,alpha=1.0)", "stochastic_binary(alpha='auto_po2')",
            f"quantized_po2({self.int(3, 4)},{self.one(1, 2)})", "quantized_po2(3)", "quantized_po2(4,quadratic_approximation=True)", "quantized_po2(4,log2_rounding='floor')",
            f"quantized_linear({b},0,alpha=1.0)", f"quantized_linear({b},{self.int(0, 1)},alpha='auto_po2')")

    def bias(self):
        return self.one(f"quantized_bits({self.int(3, 7)},{self.int(0, 2)},alpha=1.0)", f"quantized_po2({self.int(3, 4)},2)", "quantized_bits(6)")

    def activation(self):
        b = self.int(2, 8)
        return self.one(
            self.bits(), f"quantized_relu({b},{self.int(0, 3)})", f"quantized_relu({b},{self.int(0, 3)},negative_slope={self.one(0.25, 0.125, 0.5)})",
            f"quantized_relu({b},1,use_sigmoid=1)", f"quantized_tanh({b})", f"quantized_tanh({b},symmetric=True)", f"quantized_sigmoid({b})",
            f"quantized_sigmoid({b},True)", f"quantized_tanh({b},use_real_tanh=True)", f"quantized_sigmoid({b},use_real_sigmoid=True)",
            f"ternary(alpha={self.one(0.5, 1.0)},threshold={self.one(0.25, 0.5, 1.0)})", "binary(alpha=1.0)", f"binary(alpha={self.one(0.5, 2.0)})", "binary(use_01=True,alpha=1.0)",
            f"quantized_po2({self.int(3, 4)},{self.one(1, 2, 4)})", f"quantized_relu_po2({self.int(2, 3)},{self.one(2, 4)})",
            f"quantized_relu_po2(3,4,negative_slope={self.one(0.5, 0.25)})", f"quantized_hswish({self.int(5, 8)},{self.int(1, 3)},alpha=1.0)",
            f"quantized_linear({self.int(3, 8)},{self.int(0, 3)},alpha=1.0)")

    def act(self, x, text=None):
        return qk.QActivation(text or self.activation(), name=self.name("act"))(x)

    def weights(self, base, kernel="kernel_quantizer"):
        options = {"name": self.name(base), kernel: self.kernel()}
        if self.chance(0.6):
            return options | {"bias_quantizer": self.bias()}
        return options | {"use_bias": False}


@block(1, 2, weight=3)
def dense(g, x):
    inside = {"activation": g.activation()} if g.chance(0.3) else {}
    y = qk.QDense(g.int(1, 8), **g.weights("dense"), **inside)(x)
    return y if inside else g.act(y)


@block(1)
def dense_folded(g, x):
    return g.act(qk.QDenseBatchnorm(g.int(1, 6), **folded(g, "dense_folded"))(x))


@block(3)
def conv_folded(g, x):
    size = [g.int(1, min(3, n)) for n in x.shape[1:3]]
    if g.chance(0.5):
        return g.act(qk.QConv2DBatchnorm(g.int(1, 4), size, padding=g.one("valid", "same"), **folded(g, "conv_folded"))(x))
    return g.act(qk.QDepthwiseConv2DBatchnorm(size[0] if size[0] <= x.shape[2] else 1, padding=g.one("valid", "same"), **folded(g, "depthwise_folded", "depthwise_quantizer"))(x))


def folded(g, base, kernel="kernel_quantizer"):
    return {"name": g.name(base), kernel: f"quantized_bits({g.int(4, 6)},2,alpha=1.0)", "bias_quantizer": "quantized_bits(8,3,alpha=1.0)",
            "use_bias": g.chance(0.5), "epsilon": 2.0**-10, "folding_mode": g.one("ema_stats_folding", "batch_stats_folding")}


@block(2, weight=2)
def conv1d(g, x):
    size = g.int(1, min(3, x.shape[1]))
    step = g.one({"strides": 2}, {"dilation_rate": 2}, {}) if (size - 1) * 2 < x.shape[1] else {}
    padding = g.one("valid", "same")  # `causal` fails in qkeras-v3
    if g.chance(0.3):
        options = g.weights("separable1d", "depthwise_quantizer")
        return g.act(qk.QSeparableConv1D(g.int(1, 4), size, padding=padding, pointwise_quantizer=g.kernel(), **options)(x))
    return g.act(qk.QConv1D(g.int(1, 4), size, padding=padding, **step, **g.weights("conv1d"))(x))


@block(3, weight=3)
def conv2d(g, x):
    size = [g.int(1, min(3, n)) for n in x.shape[1:3]]
    step = g.one({"strides": 2}, {"dilation_rate": 2}, {}) if all((n - 1) * 2 < m for n, m in zip(size, x.shape[1:3])) else {}
    padding = g.one("valid", "same")
    kind = g.one("conv", "conv", "depthwise", "separable", "transpose")
    if kind == "depthwise":
        y = qk.QDepthwiseConv2D(size, padding=padding, depth_multiplier=g.int(1, 2), **step, **g.weights("depthwise", "depthwise_quantizer"))(x)
    elif kind == "separable":
        y = qk.QSeparableConv2D(g.int(1, 3), size, padding=padding, pointwise_quantizer=g.kernel(), **g.weights("separable", "depthwise_quantizer"))(x)
    elif kind == "transpose":
        y = qk.QConv2DTranspose(g.int(1, 2), size, strides=g.int(1, 2), padding=padding, **g.weights("transpose"))(x)
    else:
        y = qk.QConv2D(g.int(1, 4), size, padding=padding, **step, **g.weights("conv2d"))(x)
    return g.act(y)


@block(1, 2, 3)
def norm(g, x):
    axis = {"axis": 1} if len(x.shape) == 3 and g.chance(0.2) else {}
    options = {"name": g.name("norm"), "epsilon": 2.0**-10, "center": g.chance(0.8), "scale": g.chance(0.8)}
    if g.chance(0.5) and not axis:
        own = g.one({}, {"beta_quantizer": g.bias(), "gamma_quantizer": "quantized_bits(6,1,alpha=1.0)", "mean_quantizer": g.bias(), "variance_quantizer": "quantized_relu_po2(4,16,quadratic_approximation=True)"},
                    {"gamma_quantizer": None, "variance_quantizer": None, "inverse_quantizer": "quantized_bits(8,2,alpha=1.0)"})
        return g.act(qk.QBatchNormalization(**options, **own)(x), g.bits())
    return g.act(kl.BatchNormalization(**options, **axis)(x))


@block(1, 2, 3)
def activation(g, x):
    return g.act(x)


@block(1, 2, 3)
def function(g, x):
    if g.chance(0.6):
        name = g.one(*FUNCTIONS)
        if name == "exponential":  # of up to 16 it is so large that x + (q - x) is not q in float32
            x = g.act(x, "quantized_bits(6,2,alpha=1.0)")
        layer = kl.Activation(name, name=g.name(name))
    else:
        layer = g.one(kl.ReLU(max_value=g.one(None, 2.5, 6.0), negative_slope=g.one(0.0, 0.25), threshold=g.one(0.0, 0.5), name=g.name("relu")),
                      kl.LeakyReLU(negative_slope=g.one(0.25, 0.3), name=g.name("leaky")), kl.PReLU(name=g.name("prelu")), kl.ELU(alpha=1.0, name=g.name("elu")))
    return g.act(layer(x), g.one(g.bits(), f"quantized_relu({g.int(2, 8)},{g.int(0, 3)})"))


@block(1, 2, 3, weight=2)
def merge(g, x):
    """The value with another version of itself."""
    other = g.act(x)
    if g.chance(0.5):
        other = g.act(qk.QDense(x.shape[-1], **g.weights("side"))(x))
    kind = g.one(kl.Add, kl.Subtract, kl.Multiply, kl.Average, kl.Maximum, kl.Minimum, kl.Concatenate, kl.Dot)
    if kind is kl.Dot:
        axes = {1: 1, 2: g.one(1, 2), 3: 3}[len(x.shape) - 1]
        return g.act(kl.Dot(axes, name=g.name("dot"))([x, other])) if len(x.shape) < 4 else g.act(x)
    parts = [x, other] if kind in (kl.Subtract, kl.Multiply, kl.Average) or g.chance(0.6) else [x, other, g.act(other)]
    options = {"axis": g.int(1, len(x.shape) - 1)} if kind is kl.Concatenate else {}
    return g.act(kind(name=g.name(kind.__name__.lower()), **options)(parts))


@block(2, 3, weight=2)
def pool(g, x):
    axes = len(x.shape) - 2
    of = g.one("Max", "Average")
    if g.chance(0.3):
        if axes == 2 and g.chance(0.5):
            return qk.QGlobalAveragePooling2D(average_quantizer="quantized_bits(6,0,alpha=1.0)", activation=g.bits(), name=g.name("global_average"))(x)
        return g.act(getattr(kl, f"Global{of}Pooling{axes}D")(keepdims=g.chance(0.4), name=g.name("global"))(x))
    size = min(g.int(1, 3), *x.shape[1:-1])
    options = dict(strides=g.one(None, 1, 2), padding=g.one("valid", "same"))
    if axes == 2 and of == "Average" and g.chance(0.6):
        return qk.QAveragePooling2D((size, size), average_quantizer="quantized_bits(6,0,alpha=1.0)", activation=g.bits(), name=g.name("average"), **(options | {"padding": "valid"}))(x)
    return g.act(getattr(kl, f"{of}Pooling{axes}D")(size, name=g.name(of.lower()), **options)(x))


@block(2, 3)
def move(g, x):
    shape = x.shape[1:]
    count = int(np.prod(shape))
    axes = tuple(int(n) for n in g.rng.permutation(len(shape)) + 1)
    both = len(shape) == 3
    return g.one(
        kl.Flatten(name=g.name("flatten")), kl.Permute(axes, name=g.name("permute")), kl.Reshape((count // shape[0], shape[0]), name=g.name("reshape")),
        kl.ZeroPadding2D(((1, 0), (0, 2)), name=g.name("pad")) if both else kl.ZeroPadding1D((1, 2), name=g.name("pad")),
        kl.UpSampling2D((1, 2), name=g.name("up")) if both else kl.UpSampling1D(2, name=g.name("up")),
        kl.Cropping2D(((1, 0), (0, 1)), name=g.name("crop")) if both else kl.Cropping1D((1, 0), name=g.name("crop")))(x)


@block(1)
def repeat(g, x):
    return kl.RepeatVector(g.int(1, 3), name=g.name("repeat"))(x)


@block(2)
def recurrent(g, x):
    """States and gates of few bits, so that the sums of every step are exact."""
    small = f"quantized_bits({g.int(2, 4)},0,alpha=1.0)"
    options = dict(kernel_quantizer=small, recurrent_quantizer=small, bias_quantizer="quantized_bits(4,1,alpha=1.0)", activation=f"quantized_tanh({g.int(2, 4)})",
                   return_sequences=g.chance(0.5), go_backwards=g.chance(0.3), use_bias=g.chance(0.7), state_quantizer=g.one(None, "quantized_bits(4,0,1,alpha=1.0)"))
    kind = g.one(qk.QSimpleRNN, qk.QLSTM, qk.QGRU)
    if kind is not qk.QSimpleRNN:
        options["recurrent_activation"] = f"quantized_sigmoid({g.int(2, 4)})"
    if kind is qk.QGRU:
        options["reset_after"] = g.chance(0.5)
    x = g.act(x, "quantized_bits(4,1,alpha=1.0)")
    return g.act(kind(g.int(1, 3), name=g.name(kind.__name__.lower()), **options)(x))


@block(2)
def steps(g, x):
    """A layer at each step; a recurrent one in both directions."""
    if g.chance(0.5):
        return g.act(kl.TimeDistributed(qk.QDense(g.int(1, 4), **g.weights("inside")), name=g.name("distributed"))(x))
    small = f"quantized_bits({g.int(2, 4)},0,alpha=1.0)"
    inner = qk.QSimpleRNN(g.int(1, 3), kernel_quantizer=small, recurrent_quantizer=small, bias_quantizer="quantized_bits(4,1,alpha=1.0)", activation=f"quantized_tanh({g.int(2, 4)})",
                          return_sequences=g.chance(0.5), name=g.name("inside"))
    merge = g.one("concat", "sum", "mul", "ave")
    return g.act(kl.Bidirectional(inner, merge_mode=merge, name=g.name("both_ways"))(g.act(x, "quantized_bits(4,1,alpha=1.0)")))


@block(1, 2, 3)
def operations(g, x):
    """Operations between layers, of Keras itself; HDF5 does not say which module they are of, and Keras does not load them."""
    g.hdf5 = False
    axis, last = g.int(1, len(x.shape) - 1), len(x.shape) - 1
    order = [0, *(int(n) + 1 for n in g.rng.permutation(last))]
    y = g.act(x)
    return g.act(g.one(
        lambda: x + y, lambda: x - y, lambda: x * 0.75, lambda: 1.5 - x, lambda: ops.maximum(x, y), lambda: ops.minimum(x, 0.5), lambda: ops.abs(x), lambda: -x,
        lambda: ops.relu(x), lambda: ops.clip(x, -1.0, 1.5), lambda: ops.concatenate([x, y], axis=axis), lambda: ops.transpose(x, order),
        lambda: ops.sum(x, axis=axis, keepdims=True), lambda: ops.max(x, axis=axis, keepdims=True), lambda: ops.expand_dims(ops.min(x, axis=axis), axis),
        lambda: ops.square(x), lambda: x[:, : max(1, x.shape[1] - 1)], lambda: x[..., ::-1], lambda: x / 2.0, lambda: ops.leaky_relu(x, 0.25), lambda: ops.flip(x, axis=axis),
        lambda: ops.repeat(x, 2, axis=axis), lambda: ops.reshape(x, (-1, int(np.prod(x.shape[1:])))))())


def weight(g, variable):
    """A random value: multiples of 2^-8, and for a normalisation what makes its factor exact."""
    name, shape = variable.path.split("/")[-1], variable.shape
    if "variance" in name:
        return g.rng.choice([0.25, 1.0, 4.0, 16.0], shape) - 2.0**-10
    if "gamma" in name:
        return g.rng.choice([-1.0, 0.25, 0.5, 0.75, 1.0, 1.5], shape)
    if "alpha" in name:
        return np.round(g.rng.uniform(0, 1, shape) * 8) / 8
    if "iteration" in name or "seed" in name:
        return None
    codes = np.round(g.rng.normal(0, 0.5, shape) * 256).astype(int)
    # No powers of two: half the logarithm of 0.5 is a tie, which TensorFlow's own kernels for one and for many numbers decide differently.
    power = (abs(codes) & (abs(codes) - 1)) == 0
    return np.where(power, codes + np.sign(codes) * (1 + (abs(codes) == 1)), codes) / 256


def make(seed, folder):
    """One input with its chain of layers; or two, with what they give joined, or as two outputs."""
    keras.utils.clear_session(free_memory=False)
    g = QKeras(seed)
    inputs, ends, samples = [], [], {}
    for name in g.one("x", "x", "xz"):
        shape = g.shape()
        bits, integer = g.int(2, 8), g.int(0, 4)
        inputs.append(keras.Input(shape, name=name))
        ends.append(BLOCKS.chain(g, g.act(inputs[-1], f"quantized_bits({bits},{integer},alpha=1.0)")))
        step = 2.0 ** (integer - bits - 1)
        samples[name] = (codes(g.rng, shape, -(1 << (bits + 2)), 1 << (bits + 2)) * step).astype(np.float32)
    if len(ends) == 2 and g.chance(0.6):
        ends = [dense(g, kl.Concatenate(name="both")([kl.Flatten(name=f"flat_{n}")(end) for n, end in enumerate(ends)]))]
    if len(ends) == 2:
        ends = [qk.QActivation(g.bits(), name=f"last_{n}")(end) for n, end in enumerate(ends)]
    model = keras.Model(inputs, ends)
    for variable in model.variables:
        value = weight(g, variable)
        if value is not None:
            variable.assign(value)
    outputs = keras.tree.flatten(model(samples, training=False))
    path = folder / g.one("model.keras", "model.h5" if g.hdf5 else "model.keras", "model.json")
    arguments = []
    if path.suffix == ".json":
        path.write_text(model.to_json())
        model.save_weights(folder / "model.weights.h5")
        arguments = ["--weights", str(folder / "model.weights.h5")]
    else:
        model.save(path)
    names = [tensor._keras_history.operation.name for tensor in model.outputs]
    about = f"{model.input_shape}: " + ", ".join(layer.name for layer in model.layers)
    return Case(path, samples, {name: np.asarray(y) for name, y in zip(names, outputs)}, about, arguments)
