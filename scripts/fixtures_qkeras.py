"""Makes tests/data/qkeras: what QKeras itself computes, for the tests to compare with.

    pip install "tensorflow-cpu==2.15.*" qkeras "pyparsing<3.2"
    python scripts/fixtures_qkeras.py

quantizers.json   inputs by name, and per quantizer string and role QKeras' outputs for an input. Role `kernel` is a kernel's quantizer, as a
                  layer uses it; `other` a bias' quantizer; `activation` is an activation.
NAME.json, NAME_weights.h5   a model's architecture and weights; NAME.h5 (some) is the model in a single file
NAME.npz          x (inputs, on the grid of fixed<16,6>), logits (the model without its last softmax), y (with it)
"""

import json
import os
import pathlib

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import qkeras as qk
import tensorflow as tf
from tensorflow.keras import layers as kl

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "qkeras"

PARAMETERS = [
    "quantized_bits(6,0,alpha=1)", "quantized_bits(6,0,alpha=1.0)", "quantized_bits(4,1,1,alpha=1)",
    "quantized_bits(4,0,keep_negative=False,alpha=1)", "quantized_bits(1,0,alpha=1)", "quantized_bits(5,0,alpha=0.5)",
    "quantized_bits(5,0,alpha=0.3)", "quantized_bits(4,0,alpha='auto')", "quantized_bits(4,1,alpha='auto_po2')",
    "quantized_bits(4,0)", "quantized_bits(2,1,1)", "quantized_bits(8,2)", "quantized_bits(16,6,alpha=1)",
    "quantized_bits(3,0,alpha='auto')", "quantized_bits(6,2,alpha='auto_po2')", "quantized_bits",
    "binary", "binary(alpha=1)", "binary(alpha=0.7)", "binary(alpha='auto')", "binary(alpha='auto_po2')",
    "binary(use_01=True,alpha=1)", "binary(1)", "binary(True,'auto')",
    "stochastic_binary", "stochastic_binary(alpha=1.0)", "stochastic_binary(alpha='auto')",
    "ternary", "ternary(alpha=1)", "ternary(alpha=0.6,threshold=0.2)", "ternary(alpha='auto')",
    "ternary(alpha='auto_po2')", "ternary(alpha='auto',number_of_unrolls=2)",
    "stochastic_ternary", "stochastic_ternary(alpha='auto')", "stochastic_ternary(alpha=1.0)",
    "quantized_po2(4)", "quantized_po2(5,1)", "quantized_po2(4,2)", "quantized_po2(8)",
    "quantized_po2(5,quadratic_approximation=True)", "quantized_po2(4,log2_rounding='floor')",
]
ACTIVATIONS = [
    "quantized_relu(6,0)", "quantized_relu(6)", "quantized_relu(4,2)", "quantized_relu(3,1)", "quantized_relu(1,1)",
    "quantized_relu(6,2,negative_slope=0.25)", "quantized_relu(4,1,negative_slope=0.0625)", "quantized_relu(5,1,1)",
    "quantized_relu(5,1,use_sigmoid=1,negative_slope=0.5)",
    "quantized_relu(5,3,is_quantized_clip=False,relu_upper_bound=6)", "quantized_relu(16,6)",
    "quantized_bits(8,3,alpha=1)", "quantized_bits(6,2)", "quantized_bits(5,1,1,alpha=1)", "quantized_bits(4,1,alpha=0.3)",
    "quantized_bits(4,0,keep_negative=False)", "quantized_bits(1)",
    "quantized_tanh(4)", "quantized_tanh(5,symmetric=True)", "quantized_sigmoid(4)", "quantized_sigmoid(6,True)",
    "binary", "binary(alpha=0.5)", "binary(use_01=1)", "ternary", "ternary(alpha=0.75,threshold=0.5)",
    "stochastic_ternary(alpha=1.0)", "quantized_po2(4)", "quantized_po2(4,2)", "quantized_relu_po2(4)",
    "quantized_relu_po2(3,4,negative_slope=0.5)",
    "quantized_tanh(5,use_real_tanh=True)", "quantized_tanh(8,symmetric=True,use_real_tanh=True)", "quantized_sigmoid(5,use_real_sigmoid=True)",
    "quantized_sigmoid(8,symmetric=True,use_real_sigmoid=True)",
    "quantized_hswish(6,2,alpha=1)", "quantized_hswish(8,3,1)", "quantized_hswish(5,1,relu_shift=2,relu_upper_bound=4)",
    "quantized_ulaw(6)", "quantized_ulaw(4,2)", "quantized_ulaw(5,1,symmetric=1)", "quantized_ulaw(6,0,u=15.0)",
]


def plain(array):
    """Shortest decimals that are these float32 numbers."""
    return [float(str(v)) for v in np.asarray(array, np.float32).ravel()]


def quantizer_cases():
    rng = np.random.default_rng(2)
    kernel = rng.normal(0, 0.6, (7, 3)).astype(np.float32)
    kernel[:, 1] *= 0.05
    kernel[0] = [0.0, 0.015625, -0.03125]
    kernel[1, 0] = 0.109375  # a tie of several grids
    conv = rng.uniform(-1.2, 1.2, (2, 2, 2, 2)).astype(np.float32)
    dead = kernel[:5].copy()
    dead[:, 2] = 0.0
    bias = rng.normal(0, 0.8, 6).astype(np.float32)
    line = np.concatenate([
        np.arange(-40, 41) / 16.0, rng.normal(0, 2, 40), [1e-9, -1e-9, 1e-7, 0.33, -0.33, 100.0, -100.0, 1 / 3, 3e4, -3e4],
    ]).astype(np.float32)[None, :]
    inputs = dict(kernel=kernel, conv=conv, dead=dead, bias=bias, line=line)
    cases = []
    for text in PARAMETERS:
        for role, name in [("kernel", "kernel"), ("kernel", "conv"), ("kernel", "dead"), ("other", "bias")]:
            values = inputs[name]
            quantizer = qk.get_quantizer(text)
            if role == "kernel" and hasattr(quantizer, "_set_trainable_parameter"):
                quantizer._set_trainable_parameter()
            y = np.array(quantizer(tf.constant(values)))
            if np.isfinite(y).all():
                cases.append(dict(quantizer=text, role=role, input=name, y=plain(y)))
            else:
                print("not finite:", text, role, values.shape)
    for text in ACTIVATIONS:
        y = np.array(qk.get_quantizer(text)(tf.constant(line)))
        cases.append(dict(quantizer=text, role="activation", input="line", y=plain(y)))
    return dict(inputs={name: dict(shape=list(v.shape), data=plain(v)) for name, v in inputs.items()}, cases=cases)


def dense(x, units, kernel, bias=None, use_bias=True, name=None):
    return qk.QDense(units, kernel_quantizer=kernel, bias_quantizer=bias, use_bias=use_bias, name=name)(x)


def fixed_mlp():
    x = i = kl.Input((16,), name="features")
    for n, units in enumerate([12, 8], 1):
        x = dense(x, units, qk.quantized_bits(6, 0, alpha=1), qk.quantized_bits(6, 0, alpha=1), name=f"fc{n}")
        x = qk.QActivation(qk.quantized_relu(6), name=f"relu{n}")(x)
    x = dense(x, 5, "quantized_bits(6,0,alpha=1)", "quantized_bits(6,0,alpha=1)", name="output")
    return tf.keras.Model(i, kl.Activation("softmax", name="softmax")(x))


def mixed_mlp():
    x = i = kl.Input((8,), name="features")
    x = qk.QActivation("quantized_bits(10,4,alpha=1)", name="quantize_input")(x)
    kinds = [("ternary()", "quantized_relu(4,2)"), ("stochastic_binary()", "quantized_relu(3,1)"),
             ("quantized_bits(4,0)", "quantized_relu(6,2,negative_slope=0.25)"), ("quantized_bits(4,0,1)", "ternary()")]
    for n, (kernel, activation) in enumerate(kinds, 1):
        x = dense(x, 8, kernel, use_bias=False, name=f"dense_{n}")
        x = kl.BatchNormalization(name=f"bn_{n}")(x)
        x = qk.QActivation(activation, name=f"act_{n}")(x)
    x = dense(x, 3, "stochastic_binary", None, name="output")
    return tf.keras.Model(i, kl.Activation("softmax", name="softmax")(x))


def auto_mlp():
    x = i = kl.Input((6,), name="features")
    kinds = [("quantized_bits(5,0,alpha='auto')", "quantized_bits(5,1,alpha=1)", "quantized_bits(8,3,alpha=1)"),
             ("ternary(alpha='auto')", "quantized_po2(4,1)", "quantized_relu(5,2)"),
             ("binary(alpha='auto')", "quantized_bits(8,2)", "binary()"),
             ("quantized_po2(4)", None, "quantized_tanh(4)"),
             ("quantized_bits(6,1,alpha=0.3)", "quantized_bits(6,1)", "quantized_bits(6,2)")]
    for n, (kernel, bias, activation) in enumerate(kinds, 1):
        x = dense(x, 6, kernel, bias, name=f"dense_{n}")
        x = qk.QActivation(activation, name=f"act_{n}")(x)
    return tf.keras.Model(i, dense(x, 2, "binary(alpha=1)", "quantized_bits(4,0,alpha=1)", name="output"))


def conv():
    x = i = kl.Input((7, 6, 2), name="image")
    x = qk.QConv2D(3, (3, 2), kernel_quantizer="quantized_bits(4,0,alpha=1)", bias_quantizer="quantized_bits(4,0,alpha=1)",
                   name="conv_1")(x)
    x = qk.QActivation("quantized_relu(5,2)", name="act_1")(x)
    x = kl.MaxPooling2D((2, 2), name="pool")(x)
    x = qk.QConv2D(4, (2, 3), strides=(2, 1), padding="same", kernel_quantizer="ternary", use_bias=False, name="conv_2")(x)
    x = kl.BatchNormalization(name="bn")(x)
    x = qk.QActivation("quantized_relu(4,1)", name="act_2")(x)
    x = kl.Flatten(name="flatten")(x)
    x = dense(x, 3, "quantized_bits(4,0,alpha='auto_po2')", "quantized_bits(6,1,alpha=1)", name="output")
    return tf.keras.Model(i, kl.Activation("softmax", name="softmax")(x))


def randomize(model, rng):
    """Weights of the size that training leaves; normalisation statistics of plausible size."""
    for layer in model.layers:
        new = []
        for weight in layer.weights:
            shape = weight.shape
            if "variance" in weight.name or "gamma" in weight.name:
                value = rng.uniform(0.3, 2.0, shape) * np.where(rng.uniform(size=shape) < 0.2, -1, 1) ** ("gamma" in weight.name)
            else:
                value = rng.normal(0, 0.45, shape)
            new.append(value.astype(np.float32))
        if new:
            layer.set_weights(new)


def save(name, model, rng, samples=100, single=False, on_grid=False):
    randomize(model, rng)
    if on_grid:  # weights that are their own quantization: float32 noise of the straight-through sum vanishes
        for layer in model.layers:
            if isinstance(layer, qk.QDense):
                quantizers = [layer.kernel_quantizer_internal, layer.bias_quantizer_internal]
                layer.set_weights([np.round(np.array(q(w)) * 2**12) / 2**12 for q, w in zip(quantizers, layer.get_weights())])
    x = np.round(rng.normal(0, 1.5, (samples, *model.input_shape[1:])) * 2**10) / 2**10
    x = np.clip(x, -32, 32 - 2**-10).astype(np.float32)
    y = model.predict(x, verbose=0)
    last = model.layers[-1]
    inner = tf.keras.Model(model.input, last.input) if last.name == "softmax" else model
    (OUT / f"{name}.json").write_text(json.dumps(json.loads(model.to_json()), separators=(",", ":")) + "\n")
    model.save_weights(OUT / f"{name}_weights.h5")
    if single:
        model.save(OUT / f"{name}.h5", include_optimizer=False)
    np.savez_compressed(OUT / f"{name}.npz", x=x, logits=inner.predict(x, verbose=0), y=y)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / "quantizers.json").write_text(json.dumps(quantizer_cases(), separators=(",", ":")) + "\n")
    rng = np.random.default_rng(5)
    save("fixed_mlp", fixed_mlp(), rng, single=True)
    save("grid_mlp", fixed_mlp(), rng, on_grid=True)
    save("mixed_mlp", mixed_mlp(), rng)
    save("auto_mlp", auto_mlp(), rng)
    save("conv", conv(), rng, samples=40)


if __name__ == "__main__":
    main()
