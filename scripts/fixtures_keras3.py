"""Makes the Keras 3 cases of tests/data/keras: what Keras 3 itself computes, on JAX.

    pip install "keras==3.15.*" jax h5py numpy
    python scripts/fixtures_keras3.py

As scripts/fixtures_keras.py. Keras 3 has no quantizers of its own: weights are multiples of 1/8 and inputs of 1/64, so that float32 is exact.
"""

import json
import os
import sys
import pathlib

os.environ["KERAS_BACKEND"] = "jax"
os.environ["JAX_PLATFORMS"] = "cpu"

import keras
import numpy as np
from keras import layers as kl

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "keras"
RNG = np.random.default_rng(11)
CASES = []


def on_grid(shape, step=1 / 8, limit=0.875, scale=0.5):
    limit = limit if step < 0.5 else 1.0
    return np.clip(np.round(RNG.normal(0, scale, shape) / step) * step, -limit, limit).astype(np.float32)


def randomize(layers, step=1 / 8):
    for layer in layers:
        if isinstance(layer, (kl.BatchNormalization,)):
            # variance + epsilon is a power of four, so that the factor is exact
            power = RNG.choice([0.25, 1.0, 4.0, 16.0], layer.moving_variance.shape)
            new = {"gamma": on_grid(layer.moving_mean.shape), "beta": on_grid(layer.moving_mean.shape), "moving_mean": on_grid(layer.moving_mean.shape),
                   "moving_variance": power.astype(np.float32)}
            for weight in layer.weights:
                weight.assign(new[weight.name])
        elif isinstance(layer, kl.Normalization):
            pass
        elif hasattr(layer, "layers"):
            randomize(layer.layers, step)
        elif layer.weights:
            layer.set_weights([on_grid(w.shape, step) if "seed" not in w.path else np.array(w) for w in layer.weights])


def convolutions():
    i, s = keras.Input((8, 9, 4), name="x"), keras.Input((4, 12), name="s")
    first = dict(data_format="channels_first")
    ends = [
        kl.Conv2D(4, (3, 2), groups=2, name="c_groups")(i), kl.Conv2D(3, 3, padding="same", strides=2, activation="relu", name="c_relu")(i),
        kl.DepthwiseConv2D(2, depth_multiplier=2, dilation_rate=2, name="d")(i), kl.SeparableConv2D(3, 3, padding="same", name="sep")(i),
        kl.Conv2D(2, (2, 3), name="c_first", activation="relu6", **first)(kl.Permute((3, 1, 2), name="perm")(i)),
        kl.Conv1D(3, 3, name="c1_first", **first)(s), kl.Conv1D(4, 2, groups=2, dilation_rate=2, padding="causal", name="c1_causal")(kl.Permute((2, 1))(s)),
        kl.DepthwiseConv1D(3, name="d1")(kl.Permute((2, 1))(s)), kl.SeparableConv1D(3, 2, name="s1")(kl.Permute((2, 1))(s)),
        kl.MaxPooling2D((2, 3), name="m_first", **first)(kl.Permute((3, 1, 2))(i)), kl.AveragePooling2D(2, name="a")(i), kl.AveragePooling1D(2, strides=1, name="a1", **first)(s),
        kl.GlobalMaxPooling2D(name="gm_first", **first)(kl.Permute((3, 1, 2))(i)), kl.GlobalAveragePooling1D(keepdims=True, name="ga", **first)(kl.Permute((2, 1))(kl.Cropping1D((3, 1))(kl.Permute((2, 1))(s)))),
        kl.ZeroPadding2D(((1, 0), (2, 1)), name="p_first", **first)(kl.Permute((3, 1, 2))(i)), kl.UpSampling2D(2, name="u_first", **first)(kl.Permute((3, 1, 2))(i)),
        kl.Flatten(name="f_first", **first)(kl.Permute((3, 1, 2))(i)),
    ]
    return keras.Model([i, s], [kl.Activation("linear", name=f"o{n}")(y) for n, y in enumerate(ends)])


def others():
    i, j = keras.Input((4, 6), name="x"), keras.Input((4, 6), name="y")
    ends = [
        kl.EinsumDense("abc,cd->abd", output_shape=(4, 3), bias_axes="d", name="e")(i), kl.EinsumDense("...x,xy->...y", output_shape=5, activation="relu", name="e2")(i),
        kl.EinsumDense("abc,bcd->abd", output_shape=(4, 3), name="e3")(i), kl.EinsumDense("abc,cde->aebd", output_shape=(3, 4, 2), bias_axes="ed", name="e4")(i),
        kl.BatchNormalization(epsilon=0.0, name="b")(i), kl.BatchNormalization(epsilon=0.0, axis=1, scale=False, name="b1")(i),
        kl.Rescaling(0.5, offset=-0.25, name="r")(i), kl.Normalization(mean=[0.5] * 6, variance=[4.0] * 6, name="n")(i),
        kl.ReLU(negative_slope=0.25, name="rs")(i), kl.ReLU(max_value=1.5, name="rm")(i), kl.LeakyReLU(negative_slope=0.125, name="l")(i), kl.PReLU(shared_axes=[1], name="p")(i),
        kl.Dense(3, activation=kl.LeakyReLU(negative_slope=0.5), name="dl")(i), kl.Dense(3, activation="leaky_relu", name="dl2", use_bias=False)(kl.ReLU(name="pos")(i)),
        kl.Subtract(name="sub")([i, j]), kl.Average(name="ave")([i, j]), kl.Minimum(name="min")([i, j]), kl.Dot((2, 2), name="dot")([i, j]), kl.Concatenate(axis=1, name="cat")([i, j]),
        kl.RepeatVector(3, name="rep")(kl.Flatten()(i)), kl.Cropping1D(1, name="crop")(i), kl.Reshape((-1, 3), name="resh")(i), kl.GaussianNoise(0.3, name="noise")(i),
    ]
    return keras.Model([i, j], [kl.Activation("linear", name=f"o{n}")(y) for n, y in enumerate(ends)])


def nested():
    a, b = keras.Input((6,), name="a"), keras.Input((6,), name="b")
    inner = keras.Sequential([keras.Input((5,)), kl.Dense(4, name="in1", activation="relu")], name="inner")
    i = keras.Input((6,))
    encoder = keras.Model(i, inner(kl.Dense(5, name="first")(i)), name="encoder")
    shared = kl.Dense(6, name="shared")
    p, q = shared(a), shared(b)
    both = kl.Concatenate(name="both")([encoder(p), kl.Dropout(0.5)(encoder(q))])
    out = kl.Dense(3, name="dense")(kl.Dense(2, name="dense_1")(both))
    return keras.Model({"b": b, "a": a}, [kl.Activation("linear", name="o1")(out), kl.Add(name="o0")([p, q])])


def embedding():
    i = keras.Input((4,), name="codes")
    return keras.Model(i, kl.Activation("linear", name="o0")(kl.Conv1D(2, 2, name="c")(kl.Embedding(10, 3, name="table")(i))))


def save(name, model, about, form="keras", inputs=None, samples=25, input_format=None, step=1 / 8):
    randomize(model.layers, step)
    names = [layer.name for layer in model.layers if isinstance(layer, kl.InputLayer)]
    shapes = {layer.name: layer.batch_shape[1:] for layer in model.layers if isinstance(layer, kl.InputLayer)}
    if inputs is None:
        inputs = {n: np.round(RNG.normal(0, 1.5, (samples, *shapes[n])) * 2**6) / 2**6 for n in names}
    asked = model.input
    given = {k: inputs[k].astype(np.float32) for k in asked} if isinstance(asked, dict) else [inputs[t.name].astype(np.float32) for t in model.inputs]
    outs = model.predict(given if len(names) > 1 else given[0], verbose=0)
    outs = outs if isinstance(outs, (list, tuple)) else [outs]
    case = dict(model=f"{name}.{form}")
    if form == "json":
        (OUT / f"{name}.json").write_text(json.dumps(json.loads(model.to_json()), separators=(",", ":")) + "\n")
        model.save_weights(OUT / f"{name}.weights.h5")
        case["weights"] = f"{name}.weights.h5"
    else:
        model.save(OUT / f"{name}.{form}")
    outputs = [t._keras_history.operation for t in model.outputs]
    arrays = {f"in_{n}": inputs[n].astype(np.float32) for n in names} | {f"out_{op.name}": np.asarray(y) for op, y in zip(outputs, outs)}
    np.savez_compressed(OUT / f"{name}.npz", **arrays)
    CASES.append(dict(**case, vectors=f"{name}.npz", **({"input_format": input_format} if input_format else {}), about=about))


def main():
    sys.path.insert(0, str(pathlib.Path(__file__).parent))
    save("keras3_convolutions", convolutions(), "Keras 3: convolutions with groups and dilation, channels_first, pooling, padding", samples=10)
    save("keras3_others", others(), "Keras 3: EinsumDense, normalisations, activations as layers and as objects, merges", samples=15)
    save("keras3_nested", nested(), "Keras 3: a shared layer, nested models called twice, inputs as a dict", step=0.5)
    save("keras3_nested_h5", nested(), "Keras 3: the same in HDF5", form="h5", step=0.5)
    save("keras3_nested_json", nested(), "Keras 3: the same as JSON with its weights", form="json", step=0.5)
    save("keras3_embedding", embedding(), "Keras 3: Embedding of integer codes", inputs={"codes": RNG.integers(0, 10, (30, 4)).astype(np.float64)}, input_format=["codes=ufixed<4,4>"])
    write_cases(OUT / "cases.toml", CASES)


def write_cases(file, cases):
    """Entries of other scripts stay; a case made again replaces its entry."""
    old = file.read_text().split("\n[[case]]\n")[1:] if file.exists() else []
    made = [f"model = {json.dumps(case['model'])}" for case in cases]
    entries = [text.strip() for text in old if not any(line in text for line in made)]
    entries += ["\n".join(f"{key} = {json.dumps(value)}" for key, value in case.items()) for case in cases]
    file.write_text("# Made by scripts/fixtures_keras.py and scripts/fixtures_keras3.py.\n" + "".join(f"\n[[case]]\n{text}\n" for text in sorted(entries)))


if __name__ == "__main__":
    main()
