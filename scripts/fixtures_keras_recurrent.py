"""Makes the recurrent cases of tests/data/keras: what Keras 2.15 and QKeras 0.9 themselves compute.

    pip install "tensorflow-cpu==2.15.*" qkeras "pyparsing<3.2"
    python scripts/fixtures_keras_recurrent.py [NAME ..]

recurrent_NAME.h5    a model in a single file
recurrent_NAME.npz   in_NAME and out_NAME of every input and output, sample axis first

Weights and inputs have few bits, so that float32 computes everything exactly. QKeras' own quantizers see to it; the model
without them is compared with its twin in float64 (QKeras knows float32 only). Cases are added to cases.toml.
"""

import os
import pathlib
import re
import sys

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import qkeras as qk
import tensorflow as tf
from tensorflow.keras import layers as kl
from tensorflow.python.ops import array_ops
from tensorflow.python.util import nest

# QKeras 0.9.0 calls these by the names that they had in older TensorFlow.
nest.is_sequence = nest.is_nested
array_ops.unstack = tf.unstack

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "keras"
K, R, B = "quantized_bits(5,0,alpha=1)", "quantized_bits(4,0,alpha=1)", "quantized_bits(5,1,alpha=1)"
S = "quantized_bits(6,1,alpha=1)"


def quantized(**more):
    return dict(kernel_quantizer=K, recurrent_quantizer=R, bias_quantizer=B, **more)


def end(x, name, quantizer="quantized_bits(12,3,alpha=1)"):
    return qk.QActivation(quantizer, name=name)(x)


def source(steps=4, features=3, quantizer="quantized_bits(6,1,alpha=1)"):
    i = kl.Input((steps, features), name="x")
    return i, qk.QActivation(quantizer, name="quantize")(i)


def simple_rnn():
    i, x = source(5)
    variants = [
        quantized(activation="quantized_tanh(5)", state_quantizer=S),
        quantized(activation="quantized_relu(5,1)", return_sequences=True),
        quantized(activation="quantized_bits(5,1,alpha=1)", state_quantizer="binary(alpha=1)", go_backwards=True, return_sequences=True),
        quantized(activation="ternary(alpha=1)", use_bias=False, unroll=True),
        quantized(activation=None, state_quantizer=S, go_backwards=True),
        dict(activation="quantized_tanh", kernel_quantizer="quantized_bits(4)", recurrent_quantizer="ternary", bias_quantizer=B, state_quantizer=S),
        dict(activation="quantized_relu(4)", kernel_quantizer=K),
    ]
    return i, [end(qk.QSimpleRNN(3, name=f"rnn_{n}", **v)(x), f"end_{n}") for n, v in enumerate(variants)]


def lstm():
    i, x = source()
    variants = [
        quantized(state_quantizer=S),  # quantized_tanh, and QKeras' own hard_sigmoid
        quantized(activation="quantized_tanh(5)", recurrent_activation="quantized_sigmoid(4)", state_quantizer=S, implementation=2, return_sequences=True),
        quantized(activation="quantized_tanh(4)", recurrent_activation="quantized_sigmoid(3)", return_sequences=True, go_backwards=True),
        quantized(activation="quantized_relu(4,1)", recurrent_activation="quantized_relu(3,1)", state_quantizer="quantized_bits(5,2,alpha=1)", use_bias=False),
        quantized(activation="quantized_bits(4,1,alpha=1)", recurrent_activation="quantized_sigmoid(4)", state_quantizer="binary(alpha=0.5)", unit_forget_bias=False),
        dict(activation="quantized_tanh(5)", recurrent_activation="quantized_sigmoid(4)", kernel_quantizer="quantized_bits(4)", recurrent_quantizer="quantized_bits(3)", bias_quantizer=B, state_quantizer=S, go_backwards=True),
    ]
    return i, [end(qk.QLSTM(3, name=f"lstm_{n}", **v)(x), f"end_{n}") for n, v in enumerate(variants)]


def gru():
    i, x = source()
    variants = [
        quantized(state_quantizer=S),  # quantized_tanh, and QKeras' own hard_sigmoid
        quantized(activation="quantized_tanh(5)", recurrent_activation="quantized_sigmoid(4)", state_quantizer=S, reset_after=True, return_sequences=True),
        quantized(activation="quantized_tanh(4)", recurrent_activation="quantized_sigmoid(3)", implementation=2, return_sequences=True, go_backwards=True),
        quantized(activation="quantized_tanh(4)", recurrent_activation="quantized_sigmoid(3)", state_quantizer=S, implementation=2, reset_after=True, go_backwards=True),
        quantized(activation="quantized_relu(4,1)", recurrent_activation="quantized_relu(3,1)", state_quantizer="quantized_bits(5,2,alpha=1)", use_bias=False, reset_after=True),
        quantized(activation="quantized_relu(4,1)", recurrent_activation="quantized_sigmoid(3)", state_quantizer="binary(alpha=0.5)", use_bias=False),
        dict(activation="quantized_tanh(4)", recurrent_activation="quantized_sigmoid(4)", state_quantizer=S, bias_quantizer=B, recurrent_quantizer="quantized_bits(3)"),
        # Without a recurrent quantizer QKeras 0.9.0 takes the kernel in place of the recurrent kernel.
        dict(activation="quantized_tanh(4)", recurrent_activation="quantized_sigmoid(4)", state_quantizer=S),
    ]
    return i, [end(qk.QGRU(3, name=f"gru_{n}", **v)(x), f"end_{n}") for n, v in enumerate(variants)]


def bidirectional():
    i, x = source()
    l = dict(activation="quantized_tanh(5)", recurrent_activation="quantized_sigmoid(4)")
    wrapped = [
        qk.QBidirectional(qk.QLSTM(2, state_quantizer=S, return_sequences=True, **l, **quantized()), name="both_0"),
        qk.QBidirectional(qk.QGRU(2, state_quantizer=S, **l, **quantized()), merge_mode="sum", name="both_1"),
        qk.QBidirectional(qk.QSimpleRNN(2, activation="quantized_tanh(5)", state_quantizer=S, return_sequences=True, **quantized()), merge_mode="ave", name="both_2"),
        kl.Bidirectional(qk.QGRU(2, state_quantizer=S, **l, **quantized()), merge_mode="mul", name="both_3"),
        kl.Bidirectional(kl.SimpleRNN(2, activation="relu", return_sequences=True), name="both_4"),
        kl.Bidirectional(kl.SimpleRNN(2, activation="linear"), backward_layer=kl.SimpleRNN(3, activation="relu", go_backwards=True), name="both_5"),
        kl.Bidirectional(qk.QGRU(2, go_backwards=True, state_quantizer=S, return_sequences=True, **l, **quantized()), name="both_6"),
    ]
    return i, [end(layer(x), f"end_{n}") for n, layer in enumerate(wrapped)]


def time_distributed():
    i = kl.Input((3, 4, 2), name="x")
    x = qk.QActivation("quantized_bits(6,1,alpha=1)", name="quantize")(i)
    a = kl.TimeDistributed(qk.QDense(3, kernel_quantizer=K, bias_quantizer=B, activation="quantized_relu(5,1)"), name="dense")(x)
    b = kl.TimeDistributed(kl.Flatten(), name="flatten")(x)
    c = kl.TimeDistributed(qk.QDense(3, kernel_quantizer=K, bias_quantizer=B), name="flat_dense")(b)
    d = kl.TimeDistributed(qk.QConv1D(2, 3, padding="same", kernel_quantizer=K, bias_quantizer=B), name="conv")(x)
    e = kl.TimeDistributed(kl.Permute((2, 1)), name="permute")(x)
    f = qk.QLSTM(2, activation="quantized_tanh(5)", recurrent_activation="quantized_sigmoid(4)", state_quantizer=S, name="lstm", **quantized())(c)
    return i, [end(y, f"end_{n}") for n, y in enumerate([a, b, c, d, e, f])]


def plain():
    i, x = source(2, 3, "quantized_bits(3,1,alpha=1)")
    layers = [
        kl.SimpleRNN(3, activation="relu", name="rnn_0"),
        kl.SimpleRNN(3, activation="linear", go_backwards=True, return_sequences=True, name="rnn_1"),
        kl.LSTM(2, activation="relu", recurrent_activation="relu", return_sequences=True, name="lstm_0"),
        kl.LSTM(2, activation="linear", recurrent_activation="relu", use_bias=False, go_backwards=True, name="lstm_1"),
        kl.GRU(2, activation="relu", recurrent_activation="relu", return_sequences=True, name="gru_0"),
        kl.GRU(2, activation="linear", recurrent_activation="relu", reset_after=False, name="gru_1"),
        kl.GRU(2, activation="relu", recurrent_activation="linear", use_bias=False, go_backwards=True, name="gru_2"),
    ]
    return i, [end(layer(x), f"end_{n}", "quantized_bits(24,10,alpha=1)") for n, layer in enumerate(layers)]


def stateful():
    i = kl.Input((2, 3), batch_size=1, name="x")
    x = qk.QActivation("quantized_bits(6,1,alpha=1)", name="quantize")(i)
    keeps = dict(state_quantizer=S, stateful=True)
    layers = [
        qk.QSimpleRNN(3, activation="quantized_tanh(5)", name="rnn_0", **keeps, **quantized()),
        qk.QSimpleRNN(3, activation="quantized_relu(5,1)", return_sequences=True, go_backwards=True, stateful=True, name="rnn_1", **quantized()),
        qk.QLSTM(2, activation="quantized_tanh(5)", recurrent_activation="quantized_sigmoid(4)", name="lstm", **keeps, **quantized()),
        qk.QGRU(2, activation="quantized_tanh(4)", recurrent_activation="quantized_sigmoid(3)", reset_after=True, name="gru", **keeps, **quantized()),
        kl.Bidirectional(qk.QSimpleRNN(2, activation="quantized_tanh(5)", **keeps, **quantized()), name="both"),
    ]
    return i, [end(layer(x), f"end_{n}") for n, layer in enumerate(layers)]


def randomize(model, rng, grid, size):
    for layer in model.layers:
        new = [np.round(rng.normal(0, size, w.shape) * grid) / grid for w in layer.weights]
        if new:
            layer.set_weights([w.astype(np.float32) for w in new])


def outputs(build, x, weights, dtype):
    tf.keras.backend.clear_session()
    tf.keras.backend.set_floatx(dtype)
    i, ends = build()
    model = tf.keras.Model(i, ends)
    model.set_weights([w.astype(dtype) for w in weights])
    result = [np.array(y) for y in model(tf.constant(x, dtype))]
    tf.keras.backend.set_floatx("float32")
    return result


def save(name, build, about, seed, grid=2**10, size=0.45, scale=1.0, samples=32):
    tf.keras.backend.clear_session()
    rng = np.random.default_rng(seed)
    i, ends = build()
    model = tf.keras.Model(i, ends)
    randomize(model, rng, grid, size)
    x = np.round(rng.normal(0, scale, (samples, *model.input_shape[1:])) * 2**6) / 2**6
    if scale > 2:
        x = np.round(x)
    x = x.astype(np.float32)
    if name == "stateful":
        # Sample by sample: each is the next batch of one stream of events.
        model.reset_states()
        answers = [[np.array(y) for y in model(event[None])] for event in x]
        y = [np.concatenate(rows) for rows in zip(*answers)]
    else:
        y = [np.array(y) for y in model(x)]
    model.save(OUT / f"recurrent_{name}.h5", include_optimizer=False)
    weights = model.get_weights()
    if name == "plain":
        for layer, a, b in zip(ends, y, outputs(build, x.astype(np.float64), weights, "float64")):
            assert np.array_equal(a, b), f"{name}: {layer.name} is not exact in float32: {np.abs(a - b).max()}"
    arrays = {f"in_{i.name.split('/')[0]}": x.astype(np.float64)}
    for layer, y in zip(ends, y):
        used = len(np.unique(y))
        print(f"{name} {layer.name}: {y.shape}, {used} values")
        arrays["out_" + layer.name.split("/")[0]] = y.astype(np.float64)
    np.savez_compressed(OUT / f"recurrent_{name}.npz", **arrays)
    case = f'[[case]]\nmodel = "recurrent_{name}.h5"\nvectors = "recurrent_{name}.npz"\nabout = "{about}"\n'
    path = OUT / "cases.toml"
    cases = path.read_text() if path.exists() else ""
    cases = re.sub(rf'\[\[case\]\]\nmodel = "recurrent_{name}\.h5"\n(?:\w.*\n)*\n?', "", cases).rstrip("\n")
    path.write_text((cases + "\n\n" if cases else "") + case)


CASES = [
    ("simple_rnn", simple_rnn, "QSimpleRNN: state quantizers, directions, sequences", {}),
    ("lstm", lstm, "QLSTM: both implementations, state quantizers, directions, sequences", {}),
    ("gru", gru, "QGRU: reset before and after, both implementations, state quantizers", {}),
    ("bidirectional", bidirectional, "Bidirectional and QBidirectional: concat, sum, ave, mul, sequences", dict(grid=2**4)),
    ("time_distributed", time_distributed, "TimeDistributed dense, flatten, convolution; an LSTM behind", {}),
    ("stateful", stateful, "stateful layers: samples are consecutive batches of one", dict(samples=64)),
    ("plain", plain, "Keras SimpleRNN, LSTM, GRU with relu and linear", dict(grid=2, size=0.8, scale=0.7)),
]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    for seed, (name, build, about, more) in enumerate(CASES, 1):
        if not sys.argv[1:] or name in sys.argv[1:]:
            save(name, build, about, seed, **more)


if __name__ == "__main__":
    main()
