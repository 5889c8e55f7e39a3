"""Makes the Keras 3 cases of transposed convolutions and of keras.ops between layers.

    pip install "keras==3.15.*" jax h5py numpy
    python scripts/fixtures_keras3_operations.py

As scripts/fixtures_keras3.py.
"""

import fixtures_keras3 as base
import keras
import numpy as np
from fixtures_keras3 import save, write_cases
from keras import layers as kl
from keras import ops

base.RNG = np.random.default_rng(29)


def ends(inputs, values):
    return keras.Model(inputs, [kl.Activation("linear", name=f"o{n}")(y) for n, y in enumerate(values)])


def transposes():
    i, s = keras.Input((4, 5, 3), name="x"), keras.Input((6, 2), name="s")
    return ends([i, s], [
        kl.Conv2DTranspose(2, (3, 2), strides=(2, 3), padding="same", name="t_same")(i),
        kl.Conv2DTranspose(3, (2, 3), strides=(3, 2), activation="relu", name="t_valid")(i),
        kl.Conv2DTranspose(2, 2, dilation_rate=2, use_bias=False, name="t_dilated")(i),
        kl.Conv1DTranspose(3, 4, strides=2, padding="same", name="t1_same")(s),
        kl.Conv1DTranspose(2, 3, strides=2, name="t1_valid")(s),
        kl.Conv1DTranspose(2, 2, strides=3, name="t1_first", data_format="channels_first")(kl.Permute((2, 1), name="p")(s)),
    ])


def operations():
    x, y = keras.Input((3, 4), name="x"), keras.Input((3, 4), name="y")
    return ends([x, y], [
        x + y, x - 1.5, 2.0 * x, 1.0 - x, ops.relu(x), ops.relu6(x), ops.concatenate([x, y], axis=-1), ops.concatenate([x, y], 1), ops.reshape(x, (-1, 12)),
        ops.transpose(x, (0, 2, 1)), ops.max(x, axis=1), ops.mean(x[:, :2], axis=(1, 2), keepdims=True), ops.sum(x, axis=-1), ops.min(x, axis=2), ops.maximum(x, 0.5),
        ops.minimum(x, y), x[:, 0], x[..., 1:3], x[:, ::-1, -1], ops.matmul(x, ops.transpose(y, (0, 2, 1))), -x, ops.clip(x, -1, 1),
        ops.squeeze(ops.expand_dims(x, -1), -1), x / 2, ops.abs(x), ops.einsum("bij,bkj->bik", x, y), ops.multiply(x, y), ops.subtract(x, y),
        ops.leaky_relu(x, 0.25), ops.flip(x, axis=1), ops.square(x), ops.stack([x, y], axis=1), ops.add(x, np.float32([[0.25], [-0.5], [1.0]])),
    ])


def main():
    save("keras3_transposes", transposes(), "Keras 3: Conv1DTranspose and Conv2DTranspose", samples=12)
    save("keras3_operations", operations(), "Keras 3: keras.ops between layers", samples=25)
    write_cases(base.OUT / "cases.toml", base.CASES)


if __name__ == "__main__":
    main()
