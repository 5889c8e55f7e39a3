"""Times an epoch of a quantized network in HGQ2 on JAX, or in qkeras-v3 on Keras: called by training_speed.sh.

    python scripts/training_speed.py hgq2|qkeras SAMPLES EPOCHS

The network is 16-64-32-32-5 with ReLU; weights, biases and activations are quantized (HGQ2: bits learned per weight; qkeras:
quantized_bits(6,0) and quantized_relu(6)). Adam, batch 1024, random data in memory. The first epoch, which compiles, is not
counted; prints the seconds of each of the others.
"""

import os
import sys
import time

framework, samples, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.environ["KERAS_BACKEND"] = "jax" if framework == "hgq2" else os.environ.get("KERAS_BACKEND", "tensorflow")
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np

WIDTHS = [64, 32, 32, 5]


def hgq2():
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    from hgq.layers import QDense

    with QuantizerConfigScope(default_q_type="kif", place="all"), LayerConfigScope(beta0=1e-6):
        layers = [QDense(units, activation="relu" if units != 5 else None) for units in WIDTHS]
    return keras.Sequential([keras.layers.Input((16,)), *layers])


def qkeras():
    from qkeras import QActivation, QDense

    layers = []
    for units in WIDTHS:
        layers.append(QDense(units, kernel_quantizer="quantized_bits(6,0,alpha=1)", bias_quantizer="quantized_bits(6,0,alpha=1)"))
        if units != 5:
            layers.append(QActivation("quantized_relu(6)"))
    return keras.Sequential([keras.layers.Input((16,)), *layers])


class Clock(keras.callbacks.Callback):
    def on_epoch_begin(self, epoch, logs=None):
        self.start = time.process_time(), time.time()

    def on_epoch_end(self, epoch, logs=None):
        if epoch > 0:
            print(f"{time.time() - self.start[1]:.3f} s, {time.process_time() - self.start[0]:.3f} s of processors", flush=True)


random = np.random.default_rng(1)
x = random.normal(size=(samples, 16)).astype(np.float32)
y = random.integers(5, size=samples)
model = {"hgq2": hgq2, "qkeras": qkeras}[framework]()
loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=loss)
model.fit(x, y, batch_size=1024, epochs=epochs, verbose=0, callbacks=[Clock()])
