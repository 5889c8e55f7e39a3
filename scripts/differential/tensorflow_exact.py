"""Import before Keras: TensorFlow on one core, without graphics cards, messages, or kernels whose sums are not exact."""

import os

os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = "1"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"  # no Winograd convolutions

import absl.logging  # noqa: E402

absl.logging.set_verbosity(absl.logging.ERROR)

import keras.src.backend.tensorflow.numpy as backend  # noqa: E402

keras_add = backend.add


def add(x1, x2):
    """Keras 3.15 on TensorFlow adds an array of shape [n, 1] along another axis where that has n elements too; on JAX it broadcasts."""
    if len(getattr(x2, "shape", ())) > 1:
        return backend.subtract(x1, backend.negative(x2))
    return keras_add(x1, x2)


backend.add = add
