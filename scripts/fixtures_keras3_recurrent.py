"""Makes the recurrent archives of tests/data/keras: what Keras 3 computes, saved as `.keras`.

    pip install keras==3.15.1 jax
    python scripts/fixtures_keras3_recurrent.py

recurrent_keras3.keras, recurrent_keras3.npz: as of fixtures_keras_recurrent.py. Weights and inputs have few bits, and the same
equations in float64 must give the same numbers. The case is added to cases.toml.
"""

import os
import pathlib
import re

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"
os.environ["JAX_ENABLE_X64"] = "1"

import keras
import numpy as np
from keras import layers as kl

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "keras"


def build():
    x = keras.Input((2, 3), name="x")
    both = lambda layer, mode, name: kl.Bidirectional(layer, merge_mode=mode, name=name)(x)
    ends = {
        "rnn": kl.SimpleRNN(3, activation="relu", return_sequences=True)(x),
        "lstm": kl.LSTM(2, activation="relu", recurrent_activation="relu", return_sequences=True)(x),
        "lstm_back": kl.LSTM(2, activation="linear", recurrent_activation="relu", go_backwards=True, use_bias=False)(x),
        "gru": kl.GRU(2, activation="relu", recurrent_activation="relu")(x),
        "gru_before": kl.GRU(2, activation="linear", recurrent_activation="relu", reset_after=False, return_sequences=True)(x),
        "both": both(kl.LSTM(2, activation="relu", recurrent_activation="relu", return_sequences=True), "concat", "pair"),
        "both_ave": both(kl.SimpleRNN(2, activation="linear"), "ave", "mean"),
        "steps": kl.TimeDistributed(kl.Dense(4, activation="relu"), name="each")(x),
    }
    # A layer that does nothing gives each output its name.
    return keras.Model(x, [kl.Activation("linear", name=f"end_{name}")(y) for name, y in ends.items()])


def outputs(x, weights, dtype):
    keras.config.set_floatx(dtype)
    model = build()
    model.set_weights([w.astype(dtype) for w in weights])
    return model, [np.array(y) for y in model(x.astype(dtype))]


def main():
    rng = np.random.default_rng(12)
    x = np.clip(np.round(rng.normal(0, 0.8, (32, 2, 3)) * 2), -4, 3) / 2
    weights = [np.round(rng.normal(0, 0.8, w.shape) * 2) / 2 for w in build().get_weights()]
    _, exact = outputs(x, weights, "float64")
    keras.backend.clear_session()
    model, found = outputs(x, weights, "float32")
    arrays = {"in_x": x}
    for layer, a, b in zip(model.outputs, found, exact):
        name = layer._keras_history.operation.name
        assert np.array_equal(a, b), f"{name} is not exact in float32"
        arrays["out_" + name] = a.astype(np.float64)
        print(name, a.shape, len(np.unique(a)), "values")
    model.save(OUT / "recurrent_keras3.keras")
    np.savez_compressed(OUT / "recurrent_keras3.npz", **arrays)
    path = OUT / "cases.toml"
    cases = path.read_text() if path.exists() else ""
    cases = re.sub(r'\[\[case\]\]\nmodel = "recurrent_keras3\.keras"\n(?:\w.*\n)*\n?', "", cases).rstrip("\n")
    case = '[[case]]\nmodel = "recurrent_keras3.keras"\nvectors = "recurrent_keras3.npz"\ninput_format = ["fixed<3,2>"]\n'
    case += 'about = "Keras 3 SimpleRNN, LSTM, GRU, Bidirectional, TimeDistributed in an archive"\n'
    path.write_text((cases + "\n\n" if cases else "") + case)


if __name__ == "__main__":
    main()
