"""Makes the cases of tests/data/keras that qkeras-v3 wrote, on Keras 3 and TensorFlow.

    pip install qkeras-v3==1.2.1 tensorflow-cpu
    python scripts/fixtures_qkeras3.py

As scripts/fixtures_keras.py: weights are multiples of 1/8, and variances make the factor of a batch normalisation exact.
"""

import os
import pathlib
import sys

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import keras
import numpy as np
import qkeras as qk
from keras import layers as kl

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from fixtures_keras3 import OUT, write_cases

RNG = np.random.default_rng(31)
KERNEL, BIAS = "quantized_bits(6,2,alpha=1)", "quantized_bits(8,3,alpha=1)"


def act(x, name, call="quantized_bits(7,3,alpha=1)"):
    return qk.QActivation(call, name=name)(x)


def folded():
    """Every class with a batch normalisation inside, with a bias and without."""
    i = keras.Input((6, 6, 3), name="x")
    common = dict(epsilon=2.0**-10, bias_quantizer=BIAS)
    x = act(i, "q")
    y = act(qk.QConv2DBatchnorm(3, 3, kernel_quantizer=KERNEL, name="conv", **common)(x), "a0")
    z = act(qk.QDepthwiseConv2DBatchnorm(3, depthwise_quantizer=KERNEL, use_bias=False, name="depthwise", **common)(x), "a1")
    y = kl.Flatten(name="f")(kl.Add(name="sum")([y, z]))
    y = act(qk.QDenseBatchnorm(4, kernel_quantizer=KERNEL, use_bias=False, name="dense", **common)(act(y, "a2")), "a3")
    return keras.Model(i, act(qk.QDenseBatchnorm(3, kernel_quantizer=KERNEL, folding_mode="batch_stats_folding", name="last", **common)(y), "o0"))


def hswish():
    """Its configuration has `keep_negative`, which is no argument of it."""
    i = keras.Input((5,), name="x")
    y = qk.QDense(4, kernel_quantizer=KERNEL, bias_quantizer=BIAS, activation=qk.quantized_hswish(6, 2, alpha=1.0), name="d")(act(i, "q"))
    return keras.Model(i, act(qk.QDense(3, kernel_quantizer=KERNEL, bias_quantizer=BIAS, name="e")(y), "o0", "quantized_hswish(7,3,alpha=1.0)"))


def randomize(model):
    for variable in model.variables:
        name, shape = variable.path.split("/")[-1], variable.shape
        if "variance" in name:
            variable.assign(RNG.choice([0.25, 1.0, 4.0], shape) - 2.0**-10)
        elif "iteration" not in name:
            variable.assign(np.round(RNG.normal(0, 0.6, shape) * 8) / 8)


def save(name, model, about):
    randomize(model)
    x = (np.round(RNG.normal(0, 3, (40, *model.input_shape[1:])) * 16) / 16).astype(np.float32)
    model.save(OUT / f"{name}.keras")
    np.savez_compressed(OUT / f"{name}.npz", in_x=x, out_o0=np.asarray(model(x, training=False)))
    return dict(model=f"{name}.keras", vectors=f"{name}.npz", about=about)


if __name__ == "__main__":
    write_cases(OUT / "cases.toml", [
        save("qkeras3_folded", folded(), "qkeras-v3: QConv2DBatchnorm, QDepthwiseConv2DBatchnorm, QDenseBatchnorm"),
        save("qkeras3_hswish", hswish(), "qkeras-v3: quantized_hswish, in a QDense and alone"),
    ])
