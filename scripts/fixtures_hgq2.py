"""Golden networks of HGQ2 for tests/data/hgq2: random formats for each element, every class, rounding and overflow mode.

    python -m venv VENV && VENV/bin/pip install HGQ2==0.2.0 keras==3.15.1 'jax[cpu]' h5py
    VENV/bin/python scripts/fixtures_hgq2.py [NAME ...]

Each case is a model as HGQ2 saves it (`.keras`, deflated; or HDF5, gzip'd) and `NAME.npz` with inputs and the outputs of
`model.predict`. Formats are chosen so that float32 sums are exact (below 24 bits).
"""

import gzip
import os
import sys
import zipfile
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
from hgq.config import HardSigmoidConfig, HardTanhConfig, QuantizerConfig
from hgq.layers import *  # noqa: F403
from hgq.layers import QDense, QEinsumDense
from hgq.quantizer import Quantizer
from hgq.quantizer.internal import FixedPointQuantizerKBI, FixedPointQuantizerKIF

OUT = Path(__file__).parent.parent / "tests/data/hgq2"
CASES = []
ROUNDINGS = ["TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_MIN_INF", "RND_INF", "S_RND", "S_RND_CONV"]
OVERFLOWS = ["WRAP", "SAT", "SAT_SYM"]


def case(about, h5=False):
    def register(make):
        CASES.append((make.__name__, about, h5, make))
        return make

    return register


def act(**options):
    """A quantizer of values, with a format for each element."""
    if "axes" in options:
        options["heterogeneous_axis"] = options.pop("axes")
    return QuantizerConfig("kif", "datalane", **options)


def first(x, i=3, f=4, name="first", **options):
    """A quantizer at an input; its formats become those of the port."""
    return Quantizer(act(i0=i, f0=f, **options), name=name)(x)


def last(*x):
    """A quantizer at an output, wide enough to keep most values."""
    return [Quantizer(act(i0=6, f0=3, round_mode="RND", overflow_mode="SAT"), name=f"last_{n}")(x) for n, x in enumerate(x)]


def spread(rng, shape, low, high):
    return rng.integers(low, high + 1, shape).astype("float32")


def randomise(model, rng):
    """Random parameters, and a random format for each element of each quantizer."""
    for layer in model._flatten_layers():
        if isinstance(layer, FixedPointQuantizerKIF):
            i, f = layer._i.shape, layer._f.shape
            if layer._is_weight:
                layer._k.assign(np.ones(layer._k.shape))
                layer._i.assign(spread(rng, i, -1, 1) + 0.3 * rng.random(i))
                layer._f.assign(spread(rng, f, -1, 4))
            else:
                base_i, base_f = np.array(layer._i), np.array(layer._f)
                layer._k.assign(np.where(np.array(layer._k) > 0, rng.integers(0, 5, layer._k.shape) > 0, 0))
                layer._i.assign(base_i + spread(rng, i, -2, 0))
                layer._f.assign(base_f + spread(rng, f, -2, 1))
        elif isinstance(layer, FixedPointQuantizerKBI):
            if layer._is_weight:
                layer._k.assign(rng.integers(0, 4, layer._k.shape) > 0)
                layer._b.assign(spread(rng, layer._b.shape, 0, 5) + 0.4 * rng.random(layer._b.shape))
                layer._i.assign(spread(rng, layer._i.shape, -2, 1))
            else:
                layer._b.assign(np.array(layer._b) + spread(rng, layer._b.shape, -1, 2))
        else:
            for variable in layer._trainable_variables + layer._non_trainable_variables:
                name = variable.name
                shape = variable.shape
                if name in ("kernel", "bias", "recurrent_kernel", "moving_mean", "bn_beta") or (
                    name == "beta" and len(shape)
                ):
                    variable.assign(rng.normal(0, 0.7, shape))
                elif name in ("gamma", "bn_gamma", "moving_variance", "scale"):
                    variable.assign(rng.uniform(0.3, 2.5, shape))


def model(inputs, *x):
    return keras.Model(inputs, last(*x))


@case("a layer of quantizers for each rounding and overflow mode, formats of each element")
def quantizers():
    x = keras.Input((24,), name="x")
    y = first(x, 5, 7)
    layers = [
        Quantizer(act(i0=2, f0=3, round_mode=r, overflow_mode=o), name=f"{r}_{o}".lower())(y)
        for r in ROUNDINGS
        for o in OVERFLOWS
    ]
    axes = [
        Quantizer(QuantizerConfig("kbi", "datalane", b0=6, i0=3, homogeneous_axis=(0, 1), round_mode="RND"), name="kbi_all")(y),
        Quantizer(QuantizerConfig("kbi", "datalane", b0=6, i0=3, round_mode="TRN", overflow_mode="SAT"), name="kbi_sat")(y),
        Quantizer(act(i0=2, f0=3, scaler=0.5), name="scaled")(y),
        Quantizer(act(i0=2, f0=3, affine=(0.25, 0.5)), name="affine")(y),
        Quantizer(HardTanhConfig(place="datalane", f0=4), name="hard_tanh")(y),
        Quantizer(HardSigmoidConfig(place="datalane", f0=4), name="hard_sigmoid")(y),
    ]
    return keras.Model(x, keras.layers.Concatenate(name="all")(layers + axes))


@case("formats along one axis or another, as HGQ2's heterogeneous and homogeneous axes say")
def axes():
    x = keras.Input((4, 3, 2), name="x")
    y = first(x, 4, 6)
    out = [
        Quantizer(QuantizerConfig("kif", "datalane", i0=3, f0=4, heterogeneous_axis=axis), name=f"axis_{n}")(y)
        for n, axis in enumerate([(1,), (2,), (3,), (1, 3), (), (-1, 2)])
    ]
    out += [Quantizer(QuantizerConfig("kif", "datalane", i0=3, f0=4, homogeneous_axis=(0, 2)), name="homogeneous")(y)]
    return keras.Model(x, keras.layers.Concatenate(name="all")(out))


def dense_layers(x):
    y = QDense(7, activation="relu", name="kbi", iq_conf=act(i0=3, f0=4))(x)
    y = QDense(
        6,
        name="kif",
        use_bias=False,
        kq_conf=QuantizerConfig("kif", "weight", i0=0, f0=3, round_mode="RND", overflow_mode="WRAP"),
        iq_conf=act(i0=3, f0=3, round_mode="RND", overflow_mode="SAT"),
    )(y)
    y = QDense(
        6,
        name="output_quantized",
        activation="relu",
        enable_iq=False,
        enable_oq=True,
        oq_conf=act(i0=3, f0=2, round_mode="RND_CONV"),
        kq_conf=QuantizerConfig("kbi", "weight", round_mode="RND_CONV", overflow_mode="SAT_SYM"),
        bq_conf=QuantizerConfig("kif", "bias", i0=0, f0=3, round_mode="TRN", overflow_mode="SAT"),
    )(first(y))
    y = QBatchNormDense(5, name="dense_norm", activation="relu", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    return QDense(4, name="trn", kq_conf=QuantizerConfig("kbi", "weight", round_mode="TRN", overflow_mode="WRAP"))(y)


@case("QDense with every kind of weight quantizer, QBatchNormDense")
def dense():
    x = keras.Input((8,), name="x")
    return model(x, dense_layers(x))


@case("the same, from HDF5", h5=True)
def dense_h5():
    x = keras.Input((8,), name="x")
    return model(x, dense_layers(x))


def einsum_layers(x):
    y = QEinsumDense("bnc,cC->bnC", (4, 6), bias_axes="C", activation="relu", name="mix", iq_conf=act(i0=3, f0=3))(x)
    y = QEinsumDenseBatchnorm("bnc,nN->bNc", (5, 6), bias_axes="N", activation="relu", name="norm_n", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    y = QEinsumDenseBatchnorm("...c,cC->...C", 4, bias_axes="C", name="norm_c", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    y = QBatchNormalization(name="norm", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    z = QBatchNormalization(name="norm_plain", center=False, scale=False, iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    y = QEinsumDense("bnc,n->bc", (4,), name="pool", iq_conf=act(i0=3, f0=2))(y)
    z = QEinsumDense("bnc,ncd->bd", (4,), bias_axes="d", name="all", iq_conf=act(i0=3, f0=2))(z)
    return y, z


@case("QEinsumDense, QEinsumDenseBatchnorm, QBatchNormalization over several axes")
def einsum():
    x = keras.Input((4, 5), name="x")
    return model(x, *einsum_layers(x))


@case("the same, from HDF5", h5=True)
def einsum_h5():
    x = keras.Input((4, 5), name="x")
    return model(x, *einsum_layers(x))


@case("QConv1D and QConv2D with strides, padding, dilation; all pooling layers")
def conv():
    x, s = keras.Input((8, 9, 2), name="image"), keras.Input((12, 3), name="series")
    y = QConv2D(3, (3, 2), activation="relu", name="valid", iq_conf=act(i0=3, f0=2))(x)  # noqa: F405
    y = QConv2D(2, 3, strides=2, padding="same", name="same", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    a = QMaxPooling2D(2, name="max2d", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    b = QAveragePooling2D((1, 2), name="average2d", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    c = QGlobalAveragePooling2D(name="global_average2d", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    d = QGlobalMaxPooling2D(name="global_max2d", iq_conf=act(i0=3, f0=2))(y)  # noqa: F405
    t = QConv1D(4, 3, padding="same", dilation_rate=2, name="dilated", iq_conf=act(i0=3, f0=2))(s)  # noqa: F405
    t = QConv1D(3, 2, padding="causal", name="causal", iq_conf=act(i0=3, f0=2, axes=(2,)))(t)  # noqa: F405
    e = QMaxPooling1D(2, name="max1d", iq_conf=act(i0=3, f0=2))(t)  # noqa: F405
    f = QAveragePooling1D(4, name="average1d", iq_conf=act(i0=3, f0=2))(t)  # noqa: F405
    g = QGlobalMaxPooling1D(name="global_max1d", iq_conf=act(i0=3, f0=2))(t)  # noqa: F405
    return keras.Model([x, s], last(a, b, c, d, e, f, g))


@case("QAdd, QSubtract, QMultiply, QMaximum, QMinimum, QAveragePow2, QDot, QEinsum, QSum, QMeanPow2")
def merges():
    a, b, c = (keras.Input((3, 4), name=n) for n in "abc")
    config = {"iq_confs": act(i0=2, f0=3)}
    out = [
        QAdd(name="add", **config)([a, b, c]),  # noqa: F405
        QSubtract(name="subtract", **config)([a, b]),  # noqa: F405
        QMultiply(name="multiply", **config)([a, b]),  # noqa: F405
        QMaximum(name="maximum", **config)([a, b, c]),  # noqa: F405
        QMinimum(name="minimum", **config)([a, b, c]),  # noqa: F405
        QAveragePow2(name="average", **config)([a, b, c]),  # noqa: F405
        QDot(axes=(2, 2), name="dot", **config)([a, b]),  # noqa: F405
        QEinsum("bnc,bmc->bnm", name="einsum", **config)([b, c]),  # noqa: F405
        QSum(axes=1, scale=0.25, name="sum", iq_conf=act(i0=3, f0=3))(a),  # noqa: F405
        QSum(axes=(1, 2), keepdims=True, name="sum_all", iq_conf=act(i0=3, f0=3))(b),  # noqa: F405
        QMeanPow2(axes=2, name="mean", iq_conf=act(i0=3, f0=3))(c),  # noqa: F405
        QMeanPow2(axes=(1, 2), keepdims=True, name="mean_all", iq_conf=act(i0=3, f0=3))(c),  # noqa: F405
    ]
    return keras.Model([a, b, c], last(*out))


@case("axes counted from the front behind QDot")
def dot_axes():
    a, b = keras.Input((3, 4), name="a"), keras.Input((4, 5), name="b")
    y = QDot(axes=(2, 1), name="dot", iq_confs=act(i0=2, f0=3))([a, b])  # noqa: F405
    return model([a, b], QSum(axes=1, name="rows", iq_conf=act(i0=3, f0=3))(y), QSum(axes=2, name="columns", iq_conf=act(i0=3, f0=3))(y))  # noqa: F405


@case("QUnaryFunctionLUT of many functions, QAffinedUnaryFunctionLUT")
def functions():
    x = keras.Input((6,), name="x")
    y = first(x)
    names = ["tanh", "sigmoid", "relu", "softplus", "softsign", "exponential", "elu", "gelu", "silu", "selu", "hard_sigmoid", "linear"]
    out = [
        QUnaryFunctionLUT(n, name=n, iq_conf=act(i0=2, f0=3), oq_conf=QuantizerConfig("kbi", "table", b0=8, i0=3))(y)  # noqa: F405
        for n in names
    ]
    out += [
        QAffinedUnaryFunctionLUT("tanh", name="affined", iq_conf=act(i0=2, f0=3))(y),  # noqa: F405
        QUnaryFunctionLUT("sigmoid", name="homogeneous", allow_heterogeneous_input=False, iq_conf=act(i0=3, f0=3))(y),  # noqa: F405
    ]
    return keras.Model(x, keras.layers.Concatenate(name="all")(out))


@case("QSoftmax, stable and not, over one axis and over two")
def softmax():
    x, z = keras.Input((5,), name="x"), keras.Input((3, 4), name="z")
    a, b = first(x), first(z, 2, 4, "second")
    tables = lambda: {  # noqa: E731
        "exp_iq_conf": QuantizerConfig("kif", "datalane", k0=0, i0=4, f0=4, overflow_mode="SAT"),
        "exp_oq_conf": QuantizerConfig("kif", "table", k0=0, i0=3, f0=7),
        "inv_iq_conf": QuantizerConfig("kif", "datalane", k0=0, i0=7, f0=5),
        "inv_oq_conf": QuantizerConfig("kif", "table", k0=0, i0=2, f0=8),
    }
    out = [
        QSoftmax(name="stable", **tables())(a),  # noqa: F405
        QSoftmax(axis=(1, 2), name="both", **tables())(b),  # noqa: F405
        QSoftmax(name="plain", stable=False, enable_iq=True, iq_conf=act(i0=1, f0=3), **tables())(b),  # noqa: F405
        QSoftmax(axis=1, name="scaled", input_scaler=0.4, enable_iq=True, iq_conf=act(i0=1, f0=3), **tables())(b),  # noqa: F405
    ]
    return keras.Model([x, z], last(*out))


def attention_config():
    return dict(
        qkvo_iq_conf=act(i0=2, f0=2),
        qkvo_oq_conf=act(i0=2, f0=2),
        softmax_iq_conf=act(i0=3, f0=3),
        softmax_oq_conf=act(i0=1, f0=5),
        softmax_exp_iq_conf=QuantizerConfig("kif", "datalane", k0=0, i0=4, f0=4, overflow_mode="SAT"),
        softmax_exp_oq_conf=QuantizerConfig("kif", "table", k0=0, i0=2, f0=6),
        softmax_inv_iq_conf=QuantizerConfig("kif", "datalane", k0=0, i0=6, f0=5),
        softmax_inv_oq_conf=QuantizerConfig("kif", "table", k0=0, i0=2, f0=6),
    )


def attention_layers():
    x, y = keras.Input((5, 4), name="x"), keras.Input((6, 3), name="y")
    out = [
        QMultiHeadAttention(2, 3, name="self", **attention_config())(x, x),  # noqa: F405
        QMultiHeadAttention(2, 3, value_dim=2, output_shape=(3,), fuse="kv", name="cross", **attention_config())(x, y),  # noqa: F405
        QMultiHeadAttention(1, 4, fuse="qkv", use_bias=False, name="fused", **attention_config())(x, x, x),  # noqa: F405
        QLinformerAttention(2, 3, 2, name="linformer", **attention_config())(x, x),  # noqa: F405
    ]
    return keras.Model([x, y], last(*out))


@case("QMultiHeadAttention with one input and with three, fused and not; QLinformerAttention")
def attention():
    return attention_layers()


@case("the same, from HDF5", h5=True)
def attention_h5():
    return attention_layers()


def table(i=1, f=3, b=7, **options):
    """Quantizers of a table layer: in front, with a format for each edge, and behind."""
    toq = QuantizerConfig("kbi", "table", b0=b, i0=2, **options)
    return dict(iq_conf=act(i0=i, f0=f), toq_conf=toq)


def dense_tables(x, s):
    a = QDenseT(6, name="one", activation="relu", **table())(x)  # noqa: F405
    a = QDenseT(5, n_hl=2, d_hl=4, name="two", subnn_activation="sigmoid", batch_norm=True, **table(2, 2))(a)  # noqa: F405
    b = QDenseT(4, n_hl=0, name="linear", use_bias=False, **table(2, 4, heterogeneous_axis=(1, 2)))(x)  # noqa: F405
    c = QDenseT(3, name="series", batch_norm=True, bn_scale=False, subnn_activation="relu", **table())(s)  # noqa: F405
    d = QDenseT(2, d_hl=3, name="each", **table(1, 2, heterogeneous_axis=(1, 3)))(c)  # noqa: F405
    return a, b, d


@case("QDenseT: tables of one to three layers, batch normalisation, formats of each edge")
def tables():
    x, s = keras.Input((5,), name="x"), keras.Input((4, 3), name="series_in")
    return model([x, s], *dense_tables(first(x, 3, 5), first(s, 3, 5, name="first_s")))


@case("the same, from HDF5", h5=True)
def tables_h5():
    x, s = keras.Input((5,), name="x"), keras.Input((4, 3), name="series_in")
    return model([x, s], *dense_tables(first(x, 3, 5), first(s, 3, 5, name="first_s")))


@case("QEinsumDenseT: sums over one axis and two, and over none, transposed results, batch normalisation")
def tables_einsum():
    x = keras.Input((3, 4), name="x")
    y = first(x, 3, 5)
    out = [
        QEinsumDenseT("bnc,cd->bnd", (3, 5), bias_axes="d", name="last", activation="relu", **table())(y),  # noqa: F405
        QEinsumDenseT("bnc,ncd->bd", 3, name="both", n_hl=0, **table(2, 3))(y),  # noqa: F405
        QEinsumDenseT("bnc,nm->bcm", (4, 2), bias_axes="m", batch_norm=True, d_hl=4, name="first_axis", **table())(y),  # noqa: F405
        QEinsumDenseT("...c,dc->...d", 2, bias_axes="d", batch_norm=True, bn_center=False, n_hl=2, d_hl=3, name="leading", **table())(y),  # noqa: F405
        QEinsumDenseT("bnc,c->bnc", (3, 4), name="none", subnn_activation="softsign", **table())(y),  # noqa: F405
        QEinsumDenseT("bnc,cde->bedn", (2, 2, 3), bias_axes="ed", name="turned", **table(1, 2, heterogeneous_axis=(1, 3)))(y),  # noqa: F405
    ]
    return model(x, *out)


@case("QConvT1D and QConvT2D with strides, dilation and padding")
def tables_conv():
    x, s = keras.Input((5, 6, 2), name="image"), keras.Input((8, 2), name="series")
    y, t = first(x, 3, 5), first(s, 3, 5, name="first_s")
    out = [
        QConvT2D(2, (2, 3), subnn_activation="tanh", d_hl=3, name="valid", activation="relu", **table(1, 2))(y),  # noqa: F405
        QConvT2D(2, 3, strides=2, padding="same", n_hl=0, name="same", batch_norm=True, **table(1, 2))(y),  # noqa: F405
        QConvT1D(3, 3, padding="same", strides=2, subnn_activation="tanh", d_hl=3, name="strided", **table(1, 3))(t),  # noqa: F405
        QConvT1D(2, 2, dilation_rate=3, name="dilated", n_hl=0, **table(1, 3))(t),  # noqa: F405
    ]
    return keras.Model([x, s], last(*out))


def recurrent_layers(x):
    rnn = dict(iq_conf=act(i0=2, f0=2), paq_conf=HardTanhConfig(place="datalane", f0=4))
    gru = dict(**rnn, praq_conf=HardSigmoidConfig(place="datalane", f0=3), sq_conf=act(i0=1, f0=3), rhq_conf=act(i0=2, f0=3))
    a = QSimpleRNN(3, name="simple", return_sequences=True, **rnn)(x)  # noqa: F405
    a = QSimpleRNN(2, name="states", activation="relu", use_bias=False, go_backwards=True, enable_sq=True, sq_conf=act(i0=1, f0=2), **rnn)(a)  # noqa: F405
    b = QGRU(2, name="after", return_sequences=True, **gru)(x)  # noqa: F405
    c = QGRU(3, name="before", reset_after=False, go_backwards=True, **gru)(x)  # noqa: F405
    return a, b, c


@case("QSimpleRNN and QGRU, states quantized and not, the reset gate before and behind its product")
def recurrent():
    x = keras.Input((3, 2), name="x")
    return model(x, *recurrent_layers(first(x, 3, 4)))


@case("the same, from HDF5", h5=True)
def recurrent_h5():
    x = keras.Input((3, 2), name="x")
    return model(x, *recurrent_layers(first(x, 3, 4)))


def store(name, about, h5, make):
    keras.utils.clear_session()
    rng = np.random.default_rng(sum(map(ord, name)))
    net = make()
    randomise(net, rng)
    scale = 4.0
    inputs = {i.name: np.float32(np.round(rng.normal(0, scale, (48, *i.shape[1:])) * 1024) / 1024) for i in net.inputs}
    inputs = {key: np.where(rng.random(v.shape) < 0.1, np.float32(np.round(v * 4) / 4 + 0.125), v) for key, v in inputs.items()}
    values = net.predict(inputs, verbose=0)
    values = list(values) if isinstance(values, (list, tuple)) else [values]
    file = OUT / (f"{name}.h5" if h5 else f"{name}.keras")
    net.save(file)
    if h5:
        data = file.read_bytes()
        file.unlink()
        file = OUT / f"{name}.h5.gz"
        file.write_bytes(gzip.compress(data, mtime=0))
    else:
        with zipfile.ZipFile(file) as old:
            members = {m: old.read(m) for m in old.namelist()}
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
            for member, data in members.items():
                new.writestr(zipfile.ZipInfo(member, (2020, 1, 1, 0, 0, 0)), data, zipfile.ZIP_DEFLATED)
    arrays = {f"in_{k}": v for k, v in inputs.items()}
    for tensor, value in zip(net.outputs, values):
        arrays["out_" + tensor._keras_history.operation.name] = np.asarray(value)
    np.savez_compressed(OUT / f"{name}.npz", **arrays)
    print(name, file.stat().st_size, {k: (v.shape, round(float(np.mean(v != 0)), 2)) for k, v in arrays.items() if k[0] == "o"})


if __name__ == "__main__":
    OUT.mkdir(parents=True, exist_ok=True)
    for entry in CASES:
        if not sys.argv[1:] or entry[0] in sys.argv[1:]:
            store(*entry)
    text = '[[case]]\nmodel = "{0}{2}"\nvectors = "{0}.npz"\nabout = "{1}"\n'
    entries = [text.format(name, about, ".h5.gz" if h5 else ".keras") for name, about, h5, _ in CASES]
    (OUT / "cases.toml").write_text("# Written by scripts/fixtures_hgq2.py.\n\n" + "\n".join(entries))
