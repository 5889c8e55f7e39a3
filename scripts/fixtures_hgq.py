"""Golden networks of HGQ (the first) and of its proxy models, for tests/data/hgq: random bits for each element.

    python3.11 -m venv VENV && VENV/bin/pip install HGQ==0.2.6 tensorflow-cpu==2.15.1 hls4ml==1.3.0 h5py
    VENV/bin/python scripts/fixtures_hgq.py [NAME ...]

A model of HGQ has no integer bits in its file: it is only rounded, and the case says the input's format, in whose range the inputs are.
Proxies are the Keras models that HGQ makes for hls4ml, and quantizers of every mode by themselves.
"""

import gzip
import os
import sys
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from HGQ import to_proxy_model, trace_minmax
from HGQ.layers import (
    HActivation,
    HAdd,
    HConv1D,
    HConv1DBatchNorm,
    HConv2D,
    HConv2DBatchNorm,
    HDense,
    HDenseBatchNorm,
    HQuantize,
    PAveragePooling2D,
    PConcatenate,
    PDropout,
    PFlatten,
    PMaxPooling1D,
    PMaxPooling2D,
    PPermute,
    PReshape,
)
from HGQ.layers.batchnorm_base import HBatchNormalization
from HGQ.proxy.fixed_point_quantizer import FixedPointQuantizer

OUT = Path(__file__).parent.parent / "tests/data/hgq"
keras = tf.keras


def conf(strategy="standard_round", skip=(0,), minmax=True, bits=2):
    return dict(
        init_bw=bits, skip_dims=skip, rnd_strategy=strategy, exact_q_value=True, dtype=None, bw_clip=(-23, 23),
        trainable=True, regularizer=None, **({"minmax_record": True} if minmax else {}),
    )  # fmt: skip


KERNEL = {"kq_conf": conf(skip=None, minmax=False)}
FLOOR = {"kq_conf": conf("floor", None, False), "paq_conf": conf("floor")}
AUTO = {"paq_conf": conf("auto", (0, 1))}


def dense():
    x = keras.Input((8,), name="x")
    q = HQuantize(name="q")(x)
    a = HDense(6, activation="relu", name="rounded")(q)
    b = HDense(6, name="floored", **FLOOR)(q)
    c = HAdd(name="add")([a, b])
    d = HDenseBatchNorm(5, activation="relu", name="norm")(c)
    d = HDenseBatchNorm(5, name="centered", scale=False, **AUTO)(PDropout(0.5, name="drop")(d))
    e = PConcatenate(name="both")([d, b])
    return keras.Model(x, HDense(4, name="last", use_bias=False, paq_conf=conf("auto"))(e))


def conv():
    x = keras.Input((7, 8), name="x")
    y = PReshape((7, 8, 1), name="image")(HQuantize(name="q", paq_conf=conf(skip=(0, 1)))(x))
    y = HConv2D(3, 3, activation="relu", name="conv", paq_conf=conf("auto", (0, 1, 2)))(y)
    y = PMaxPooling2D((1, 2), name="pool")(y)
    y = HConv2DBatchNorm(2, (2, 3), name="norm", padding="same", strides=2)(y)
    z = PPermute((2, 1), name="turn")(PReshape((6, 2), name="flat")(y))
    return keras.Model(x, HDense(3, name="last")(PFlatten(name="flatten")(z)))


def series():
    x = keras.Input((9, 2), name="x")
    y = HConv1D(3, 2, activation="relu", name="conv", padding="same")(HQuantize(name="q")(x))
    y = HConv1DBatchNorm(2, 3, name="norm")(PMaxPooling1D(2, name="pool")(y))
    return keras.Model(x, y)


def functions():
    x = keras.Input((6,), name="x")
    y = HQuantize(name="q")(x)
    tanh = HActivation("tanh", name="tanh", paq_conf=conf("floor", bits=5))(y)
    sigmoid = HActivation("sigmoid", name="sigmoid", paq_conf=conf(bits=5))(y)
    return keras.Model(x, HAdd(name="add")([tanh, sigmoid]))


def randomise(model, rng):
    for layer in model.layers:
        for variable in layer.weights:
            name, shape = variable.name.split("/")[-1], variable.shape
            if name.startswith("kernel_bw"):
                variable.assign(rng.uniform(-1.4, 4.4, shape))
            elif name.startswith("activation_bw"):
                variable.assign(variable + rng.uniform(-1.4, 2.4, shape))
            elif name.startswith(("kernel:", "bias:", "bn_beta", "moving_mean")):
                variable.assign(rng.normal(0, 0.7, shape))
            elif name.startswith(("bn_gamma", "moving_variance")):
                variable.assign(rng.uniform(0.3, 2.5, shape))


def normalized():
    x, s = keras.Input((8,), name="x"), keras.Input((4, 3), name="s")
    q, t = HQuantize(name="q")(x), HQuantize(name="qs")(s)
    a = HBatchNormalization(name="rounded")(q)
    b = HBatchNormalization(name="floored", scale=False, **FLOOR)(q)
    c = HBatchNormalization(name="auto", center=False, **AUTO)(t)
    d = HBatchNormalization(name="steps", axis=1)(t)
    return keras.Model([x, s], [a, b, c, d])


def save(model, file, config=False):
    model.save(file, save_format="h5")
    data = file.read_bytes()
    file.unlink()
    file = file.with_suffix(".h5.gz")
    file.write_bytes(gzip.compress(data, mtime=0))
    return file.name


def vectors(model, name, inputs):
    values = model.predict(inputs, verbose=0)
    outputs = values if isinstance(values, list) else [values]
    names = [layer for layer in model.output_names]
    given = inputs if isinstance(inputs, list) else [inputs]
    arrays = {"in_" + n: v for n, v in zip(model.input_names, given)} | {"out_" + n: v for n, v in zip(names, outputs)}
    np.savez_compressed(OUT / f"{name}.npz", **arrays)
    print(name, {key: (value.shape, len(np.unique(value))) for key, value in arrays.items()})
    return f"{name}.npz"


def entry(model, vectors, about, *more):
    return "\n".join(["[[case]]", f'model = "{model}"', *more, f'vectors = "{vectors}"', f'about = "{about}"', ""])


def modes():
    x = keras.Input((12,), name="x")
    rng = np.random.default_rng(7)
    first = FixedPointQuantizer(*(tf.constant(n, "int8", (1, 12)) for n in (1, 13, 6)), name="first")(x)
    out = []
    for rounding in ["TRN", "RND", "RND_CONV", "TRN_ZERO", "RND_ZERO", "RND_MIN_INF", "RND_INF"]:
        for overflow in ["WRAP", "SAT", "SAT_SYM", "SAT_ZERO"]:
            bits = rng.integers(0, 7, (1, 12))
            signed = (rng.random((1, 12)) < 0.6) * (bits > 1)
            formats = [tf.constant(a, "int8") for a in (signed, bits, rng.integers(0, 5, (1, 12)))]
            out.append(FixedPointQuantizer(*formats, rounding, overflow, name=f"{rounding}_{overflow}".lower())(first))
    return keras.Model(x, keras.layers.Concatenate(name="all")(out))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    entries = []
    cases = [
        (dense, "HDense, HDenseBatchNorm, HAdd, every rounding strategy, random bits"),
        (conv, "HConv2D, HConv2DBatchNorm, pooling, reshapes"),
        (series, "HConv1D, HConv1DBatchNorm"),
        (functions, "HActivation of tanh and sigmoid"),
        (normalized, "HBatchNormalization, over the last axis and another"),
    ]
    only = sys.argv[1:]
    for make, about in cases:
        if only and make.__name__ not in only:
            continue
        keras.backend.clear_session()
        name = make.__name__
        rng = np.random.default_rng(sum(map(ord, name)))
        model = make()
        shapes = model.input_shape if isinstance(model.input_shape, list) else [model.input_shape]
        inputs = [np.float32(np.clip(np.round(rng.normal(0, 3, (64, *s[1:])) * 256) / 256, -15.9, 15.9)) for s in shapes]
        inputs = inputs[0] if len(shapes) == 1 else inputs
        model.predict(inputs, verbose=0)
        randomise(model, rng)
        file = save(model, OUT / f"{name}.h5")
        entries.append(entry(file, vectors(model, name, inputs), about, 'input_format = ["fixed<13,5>"]'))
        if make in (functions, normalized):
            continue
        try:
            trace_minmax(model, inputs)
            proxy = to_proxy_model(model, aggressive=False)
            file = save(proxy, OUT / f"{name}_proxy.h5")
            entries.append(entry(file, vectors(proxy, f"{name}_proxy", inputs), f"the proxy model of {name}"))
        except Exception as error:  # noqa: BLE001
            print("no proxy of", name, repr(error)[:300])
    if only:
        print("\n".join(entries))
        return
    model = modes()
    rng = np.random.default_rng(11)
    inputs = np.float32(np.round(rng.normal(0, 9, (96, 12)) * 256) / 256)
    file = save(model, OUT / "modes.h5")
    entries.append(entry(file, vectors(model, "modes", inputs), "FixedPointQuantizer with every mode, random formats"))
    (OUT / "cases.toml").write_text("# Written by scripts/fixtures_hgq.py.\n\n" + "\n".join(entries))


main()
