"""Makes the Keras 2 cases of transposed convolutions, operations of TensorFlow between layers, and QAdaptiveActivation.

    pip install "tensorflow-cpu==2.15.*" "qkeras==0.9.0" "pyparsing<3.2"
    python scripts/fixtures_keras_operations.py

As scripts/fixtures_keras.py.
"""

import fixtures_keras as base
import numpy as np
import qkeras as qk
import tensorflow as tf
from fixtures_keras import B, W, act, save, start, write_cases
from tensorflow.keras import layers as kl

# QKeras 0.9.0 calls a name that TensorFlow 2.15 no longer has there.
qk.qconvolutional.array_ops.stack = tf.stack
base.RNG = np.random.default_rng(23)


def transposes():
    i, x = start((4, 5, 3))
    s, t = start((6, 2), "s")
    ends = [
        qk.QConv2DTranspose(2, (3, 2), strides=(2, 3), padding="same", kernel_quantizer=W, bias_quantizer=B, name="t_same")(x),
        kl.Conv2DTranspose(3, (2, 3), strides=(3, 2), activation="relu", name="t_valid")(x),
        kl.Conv2DTranspose(2, 3, use_bias=False, name="t_one")(x),
        kl.Conv2DTranspose(2, 2, dilation_rate=2, padding="same", name="t_dilated")(x),
        kl.Conv2DTranspose(2, 2, strides=3, name="t_gaps")(x),
        kl.Conv1DTranspose(3, 4, strides=2, padding="same", name="t1_same")(t),
        kl.Conv1DTranspose(2, 3, strides=2, name="t1_valid")(t),
    ]
    behind = kl.Reshape((-1, 2), name="rows")(ends[0])
    return tf.keras.Model([i, s], [act(y, f"o{n}") for n, y in enumerate([*ends, kl.GlobalMaxPooling1D(name="gm")(behind)])])


def operations():
    i, x = start((3, 4))
    j, y = start((3, 4), "y", "quantized_bits(7,1,alpha=1)")
    ends = [
        x + y, x - 1.5, 2.0 * x, 1.0 - x, tf.nn.relu(x), tf.nn.relu6(y * 3.0), tf.concat([x, y], axis=-1), tf.concat([x, y], 1), tf.reshape(x, (-1, 12)),
        tf.transpose(x, (0, 2, 1)), tf.reduce_max(x, axis=1), tf.reduce_mean(x, axis=[1, 2], keepdims=True), tf.reduce_sum(x, axis=-1), tf.reduce_min(x, axis=2),
        tf.maximum(x, 0.5), tf.minimum(x, y), x[:, 0], x[..., 1:3], x[:, ::-1, -1], tf.matmul(x, y, transpose_b=True), -x, tf.clip_by_value(x, -1, 1),
        tf.squeeze(tf.expand_dims(x, -1), -1), x / 2, tf.tanh(x), tf.sigmoid(x), tf.abs(x), tf.math.multiply(x, y), tf.math.add(x, y), tf.math.subtract(x, y),
        tf.nn.leaky_relu(x, 0.25), x + np.float32([[0.25], [-0.5], [1.0]]),
    ]
    return tf.keras.Model([i, j], [act(y, f"o{n}", "quantized_bits(12,5,alpha=1)") for n, y in enumerate(ends)])


def adaptive():
    i, x = start((5,))
    relu = qk.QAdaptiveActivation("quantized_relu", 6, ema_decay=0, name="relu")(kl.Dense(4, name="d")(x))
    bits = qk.QAdaptiveActivation("quantized_bits", 5, ema_decay=0, name="bits")(kl.Dense(3, name="e")(relu))
    return tf.keras.Model(i, [relu, bits])


def main():
    save("transposes", transposes(), "Keras 2: Conv1DTranspose, Conv2DTranspose, QConv2DTranspose: strides, padding, dilation", samples=12)
    save("operations", operations(), "Keras 2: operations of TensorFlow between layers, TFOpLambda and SlicingOpLambda", samples=25)
    model = adaptive()
    # Extremes as a training would leave them.
    for layer in model.layers:
        if isinstance(layer, qk.QAdaptiveActivation):
            print([(w.name, w.shape) for w in layer.weights])
    model(np.random.default_rng(5).normal(0, 2, (64, 5)).astype(np.float32), training=True)
    for layer in model.layers:
        if isinstance(layer, qk.QAdaptiveActivation):
            print(layer.name, [(w.name, w.numpy()) for w in layer.weights])
    randomize, base.randomize = base.randomize, lambda model: [layer.set_weights([base.on_grid(base.RNG.normal(0, 0.5, w.shape)) for w in layer.weights]) for layer in model.layers if isinstance(layer, kl.Dense)]
    save("adaptive", model, "QKeras: QAdaptiveActivation of quantized_relu and quantized_bits")
    base.randomize = randomize
    write_cases(base.OUT / "cases.toml", base.CASES)


if __name__ == "__main__":
    main()
