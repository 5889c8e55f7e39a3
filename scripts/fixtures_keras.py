"""Makes the Keras 2 and QKeras cases of tests/data/keras: what the frameworks themselves compute, layer family by layer family.

    pip install "tensorflow-cpu==2.15.*" "qkeras==0.9.0" "pyparsing<3.2"
    python scripts/fixtures_keras.py

A case is NAME.h5 (or NAME.json with NAME_weights.h5), NAME.npz (in_X and out_X for each input and output of ours) and its entry in cases.toml. Weights
are on their quantizers' grids and sums stay below 2^24 steps, so that float32 is exact up to the quantizer at each end.
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

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "keras"
RNG = np.random.default_rng(7)
W, B = "quantized_bits(4,0,alpha=1)", "quantized_bits(6,1,alpha=1)"


def act(x, name, call="quantized_bits(10,5,alpha=1)"):
    """The quantizer at the end of a branch."""
    return qk.QActivation(call, name=name)(x)


def start(shape, name="x", call="quantized_bits(6,2,alpha=1)"):
    i = kl.Input(shape, name=name)
    return i, qk.QActivation(call, name=name + "_q")(i)


def convolutions():
    i, x = start((9, 8, 4))
    s, t = start((12, 4), "s")
    conv = dict(kernel_quantizer=W, bias_quantizer=B)
    ends = [
        qk.QConv2D(3, (3, 2), strides=(2, 1), padding="same", name="c_same", **conv)(x),
        qk.QConv2D(2, (2, 3), dilation_rate=(2, 2), name="c_dilated", activation="quantized_relu(6,3)", **conv)(x),
        kl.Conv2D(4, 3, padding="valid", use_bias=False, name="c_float")(x),
        qk.QDepthwiseConv2D((3, 3), strides=(2, 2), padding="same", depthwise_quantizer=W, bias_quantizer=B, name="d_same")(x),
        kl.DepthwiseConv2D((2, 2), depth_multiplier=2, name="d_float")(x),
        qk.QSeparableConv2D(3, (2, 2), depthwise_quantizer=W, pointwise_quantizer=W, bias_quantizer=B, name="s_valid")(x),
        kl.SeparableConv2D(2, 3, padding="same", depth_multiplier=2, name="s_float")(x),
        qk.QConv1D(3, 3, strides=2, padding="same", name="c1_same", **conv)(t),
        qk.QConv1D(2, 2, dilation_rate=3, padding="causal", name="c1_causal", **conv)(t),
        kl.Conv1D(3, 4, padding="causal", strides=2, name="c1_float")(t),
        qk.QSeparableConv1D(3, 2, depthwise_quantizer=W, pointwise_quantizer=W, bias_quantizer=B, name="s1_valid")(t),
        kl.DepthwiseConv1D(3, padding="same", name="d1_float")(t),
        kl.SeparableConv1D(2, 3, padding="valid", name="s1_float")(t),
    ]
    outs = [act(y, f"o{n}", "quantized_bits(8,4,alpha=1)") for n, y in enumerate(ends)]
    return tf.keras.Model([i, s], outs)


def pooling():
    i, x = start((8, 6, 3))
    s, t = start((9, 3), "s")
    ends = [
        kl.MaxPooling2D((2, 3), name="m")(x), kl.MaxPooling2D(3, strides=2, padding="same", name="m_same")(x),
        kl.AveragePooling2D(2, name="a")(x), kl.AveragePooling2D((2, 4), strides=(1, 2), name="a_strided")(x),
        kl.GlobalMaxPooling2D(name="gm")(x), kl.GlobalMaxPooling2D(keepdims=True, name="gm_keep")(x),
        qk.QAveragePooling2D((2, 2), average_quantizer="quantized_bits(6,0,alpha=1)", activation="quantized_bits(8,3,alpha=1)", name="qa")(x),
        qk.QAveragePooling2D((2, 2), name="qa_plain")(x),
        kl.MaxPooling1D(2, name="m1")(t), kl.MaxPooling1D(3, strides=2, padding="same", name="m1_same")(t),
        kl.AveragePooling1D(4, strides=1, name="a1")(t), kl.GlobalMaxPooling1D(name="gm1")(t),
        kl.GlobalAveragePooling1D(name="ga1")(kl.Cropping1D((0, 1))(t)),
        kl.GlobalAveragePooling2D(name="ga")(kl.Cropping2D(((0, 0), (1, 1)))(x)),
        qk.QGlobalAveragePooling2D(average_quantizer="quantized_bits(8,0,alpha=1)", activation="quantized_bits(8,3,alpha=1)", name="qga")(
            kl.Cropping2D(((0, 0), (2, 0)))(x)),
    ]
    return tf.keras.Model([i, s], [act(y, f"o{n}") for n, y in enumerate(ends)])


def averages_of_any_number():
    """Windows whose size is no power of two: float32 divisions before the quantizer. A sum of such averages ends on so fine a grid that
    no exact sum is a tie: TensorFlow's float32 sum would fall to either side."""
    i, x = start((6, 6, 2))
    s, t = start((9, 3), "s")
    ends = [kl.AveragePooling2D(3, name="a")(x), kl.AveragePooling2D(2, padding="same", strides=2, name="a_same")(kl.Cropping2D(((0, 1), (0, 1)))(x)),
            kl.GlobalAveragePooling2D(name="ga")(x), kl.AveragePooling1D(3, name="a1")(t), kl.GlobalAveragePooling1D(name="ga1")(t),
            qk.QDense(4, kernel_quantizer=W, bias_quantizer=B, name="dense")(kl.Flatten()(kl.AveragePooling1D(3, name="a3")(t)))]
    return tf.keras.Model([i, s], [act(y, f"o{n}", "quantized_bits(14,5,alpha=1)" if n == 5 else "quantized_bits(9,3,alpha=1)") for n, y in enumerate(ends)])


def shapes():
    i, x = start((4, 6, 2))
    s, t = start((5, 3), "s")
    v, w = start((3,), "v")
    ends = [
        kl.ZeroPadding2D(((1, 2), (0, 1)), name="p")(x), kl.ZeroPadding2D(1, name="p1")(x), kl.ZeroPadding1D((2, 1), name="p1d")(t),
        kl.Cropping2D(((1, 0), (2, 1)), name="c")(x), kl.Cropping1D((1, 2), name="c1d")(t),
        kl.UpSampling2D((2, 3), name="u")(x), kl.UpSampling1D(3, name="u1d")(t),
        kl.UpSampling2D(2, interpolation="bilinear", name="ub")(x),
        kl.Permute((3, 1, 2), name="perm")(x), kl.Reshape((6, -1), name="r")(x), kl.Flatten(name="f")(x),
        kl.RepeatVector(4, name="rep")(w), kl.Concatenate(axis=1, name="cat")([t, kl.RepeatVector(2)(w)]),
    ]
    return tf.keras.Model([i, s, v], [act(y, f"o{n}") for n, y in enumerate(ends)])


def merges():
    i, x = start((4, 3))
    j, y = start((4, 3), "y", "quantized_bits(7,1,alpha=1)")
    k, z = start((4, 3), "z", "quantized_relu(4,2)")
    ends = [kl.Add(name="add")([x, y, z]), kl.Subtract(name="sub")([x, y]), kl.Multiply(name="mul")([x, y, z]), kl.Average(name="ave")([x, y]),
            kl.Maximum(name="max")([x, y, z]), kl.Minimum(name="min")([x, y, z]), kl.Concatenate(name="cat")([x, y]), kl.Dot((2, 2), name="dot")([x, y]),
            kl.Dot(1, name="dot1")([x, y])]
    return tf.keras.Model([i, j, k], [act(e, f"o{n}", "quantized_bits(12,7,alpha=1)") for n, e in enumerate(ends)])


FUNCTIONS = ["relu", "relu6", "elu", "selu", "gelu", "swish", "softplus", "softsign", "sigmoid", "tanh", "exponential", "hard_sigmoid", "leaky_relu"]


def activations():
    i, x = start((6, 2), call="quantized_bits(8,3,alpha=1)")
    layers = [kl.Activation(f, name=f"f_{f}") for f in FUNCTIONS] + [
        kl.ReLU(name="r"), kl.ReLU(max_value=6.0, name="r6"), kl.ReLU(negative_slope=0.25, name="rs"), kl.ReLU(threshold=0.75, name="rt"), kl.ReLU(max_value=2.5, name="rm"),
        kl.LeakyReLU(0.3, name="l"), kl.PReLU(name="p"), kl.PReLU(shared_axes=[1], name="ps"), kl.ThresholdedReLU(1.5, name="t"), kl.ELU(0.7, name="e")]
    outs = [act(layer(x), f"o{n}", "quantized_bits(9,3,alpha=1)") for n, layer in enumerate(layers)]
    return tf.keras.Model(i, outs)


def quantizers():
    """Quantizers as activations of layers and as objects."""
    i, x = start((6,), call="quantized_bits(9,3,alpha=1)")
    calls = [qk.quantized_relu(6, 2), qk.quantized_relu(5, 1, negative_slope=0.25), qk.quantized_bits(5, 2, symmetric=1, alpha=1), qk.quantized_tanh(6),
             qk.quantized_sigmoid(6), qk.ternary(alpha=1.0, threshold=0.5), qk.binary(alpha=1.0), qk.quantized_po2(4, 2), qk.quantized_relu_po2(4, 4),
             "quantized_relu(4)", qk.quantized_bits(6, 1, keep_negative=False, alpha=1)]
    outs = [qk.QDense(4, kernel_quantizer=W, bias_quantizer=B, activation=call, name=f"d{n}")(x) for n, call in enumerate(calls)]
    return tf.keras.Model(i, [act(y, f"o{n}", "quantized_bits(16,6,alpha=1)") for n, y in enumerate(outs)])


def normalizations():
    i, x = start((5, 4), call="quantized_bits(8,3,alpha=1)")
    layers = [kl.BatchNormalization(name="b"), kl.BatchNormalization(scale=False, epsilon=0.01, name="bs"), kl.BatchNormalization(center=False, name="bc"),
              kl.BatchNormalization(axis=1, name="b1"), qk.QBatchNormalization(name="q"),
              qk.QBatchNormalization(beta_quantizer="quantized_bits(8,2,alpha=1)", gamma_quantizer="quantized_bits(8,2,alpha=1)", mean_quantizer="quantized_bits(7,2,alpha=1)",
                                     variance_quantizer="quantized_bits(8,3,keep_negative=0,alpha=1)", name="qf"),
              kl.Rescaling(1.0 / 255, offset=-0.5, name="r"), kl.Rescaling(0.25, name="r2"),
              kl.Normalization(mean=[0.5, -1.0, 0.25, 2.0], variance=[2.0, 0.3, 4.0, 1.7], name="n")]
    return tf.keras.Model(i, [act(layer(x), f"o{n}", "quantized_bits(10,4,alpha=1)") for n, layer in enumerate(layers)])


def folded():
    i, x = start((6, 6, 3))
    common = dict(kernel_quantizer="quantized_bits(6,2,alpha=1)", bias_quantizer="quantized_bits(8,3,alpha=1)")
    ends = [qk.QConv2DBatchnorm(4, 3, folding_mode="ema_stats_folding", name="e", **common)(x),
            qk.QConv2DBatchnorm(3, 2, strides=2, use_bias=False, folding_mode="batch_stats_folding", padding="same", name="s", **common)(x),
            qk.QDepthwiseConv2DBatchnorm(3, depthwise_quantizer="quantized_bits(6,2,alpha=1)", bias_quantizer="quantized_bits(8,3,alpha=1)", name="d")(x)]
    return tf.keras.Model(i, [act(y, f"o{n}") for n, y in enumerate(ends)])


def nested():
    """A shared layer, a model inside called twice, one inside that, several inputs and outputs, layers that vanish."""
    dense = lambda n, name: qk.QDense(n, kernel_quantizer=W, bias_quantizer=B, name=name)
    a, x = start((6,), "a")
    b, y = start((6,), "b")
    inner = tf.keras.Sequential([kl.Input((5,)), dense(4, "in1"), qk.QActivation("quantized_relu(6,3)", name="in2")], name="inner")
    i = kl.Input((6,))
    encoder = tf.keras.Model(i, inner(act(dense(5, "first")(i), "mid", "quantized_bits(7,3,alpha=1)")), name="encoder")
    shared = dense(6, "shared")
    p, q = act(shared(x), "p", "quantized_bits(7,3,alpha=1)"), act(shared(y), "q", "quantized_bits(7,3,alpha=1)")
    both = kl.Concatenate(name="both")([encoder(p), kl.Dropout(0.5)(encoder(q))])
    seq = kl.TimeDistributed(dense(2, "inside"), name="steps")(kl.Reshape((4, 2))(both))
    return tf.keras.Model({"b": b, "a": a}, [act(seq, "o1"), act(kl.Add(name="sum")([p, q]), "o0")])


def embedding():
    i = kl.Input((4,), name="codes")
    x = kl.Embedding(10, 3, name="table")(i)
    return tf.keras.Model(i, [act(qk.QConv1D(2, 2, kernel_quantizer=W, bias_quantizer=B, name="c")(act(x, "q", "quantized_bits(5,1,alpha=1)")), "o0"),
                              act(kl.Flatten(name="f")(x), "o1")])


def on_grid(values, step=1 / 8, limit=0.875):
    return np.clip(np.round(values / step) * step, -limit, limit).astype(np.float32)


def randomize(model):
    for layer in model.layers:
        if hasattr(layer, "layers"):
            randomize(layer)
            continue
        new = []
        for weight in layer.weights:
            value = RNG.normal(0, 0.5, weight.shape)
            if "normalization" in weight.name or any(word in weight.name for word in ["gamma", "beta", "moving"]):
                value = RNG.uniform(0.3, 2.5, weight.shape) if "variance" in weight.name or "gamma" in weight.name else value * 2
                value = value.astype(np.float32)
            elif "iteration" in weight.name:
                value = np.zeros(weight.shape, np.int64)
            elif "alpha" in weight.name:
                value = on_grid(RNG.uniform(0, 1, weight.shape))
            else:
                value = on_grid(value)
            new.append(value)
        if new and not isinstance(layer, kl.Normalization):
            layer.set_weights(new)


CASES = []


def save(name, model, about, samples=40, inputs=None, json_form=False, input_format=None):
    randomize(model)
    names = [t.name.split(":")[0] for t in model.inputs]
    if inputs is None:
        inputs = {n: np.round(RNG.normal(0, 1.5, (samples, *t.shape[1:])) * 2**6) / 2**6 for n, t in zip(names, model.inputs)}
    outs = model.predict({n: inputs[n].astype(np.float32) for n in names}, verbose=0)
    outs = outs if isinstance(outs, list) else [outs]
    if json_form:
        (OUT / f"{name}.json").write_text(json.dumps(json.loads(model.to_json()), separators=(",", ":")) + "\n")
        model.save_weights(OUT / f"{name}_weights.h5")
    else:
        model.save(OUT / f"{name}.h5", include_optimizer=False)
    arrays = {f"in_{n}": inputs[n].astype(np.float32) for n in names}
    arrays |= {f"out_{n}": y for n, y in zip(model.output_names, outs)}
    np.savez_compressed(OUT / f"{name}.npz", **arrays)
    CASES.append(dict(model=f"{name}.json" if json_form else f"{name}.h5", **({"weights": f"{name}_weights.h5"} if json_form else {}), vectors=f"{name}.npz",
                      **({"input_format": input_format} if input_format else {}), about=about))


def write_cases(file, cases):
    """Entries of other scripts stay; a case made again replaces its entry."""
    quoted = lambda v: json.dumps(v)
    old = file.read_text().split("\n[[case]]\n")[1:] if file.exists() else []
    made = [f"model = {quoted(case['model'])}" for case in cases]
    entries = [text.strip() for text in old if not any(line in text for line in made)]
    entries += ["\n".join(f"{key} = {quoted(value)}" for key, value in case.items()) for case in cases]
    file.write_text("# Made by scripts/fixtures_keras.py and scripts/fixtures_keras3.py.\n" + "".join(f"\n[[case]]\n{text}\n" for text in sorted(entries)))


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    save("convolutions", convolutions(), "Keras 2: Conv, DepthwiseConv, SeparableConv and QKeras' of one and two axes: strides, padding, dilation", samples=12)
    save("pooling", pooling(), "Keras 2: max, average and global pooling, QAveragePooling2D, QGlobalAveragePooling2D", samples=15)
    save("averages", averages_of_any_number(), "Keras 2: averages of 3, 9 and 36 elements, and of windows at the rim", samples=15)
    save("shapes", shapes(), "Keras 2: ZeroPadding, Cropping, UpSampling, Permute, Reshape, Flatten, RepeatVector, Concatenate", samples=10, json_form=True)
    save("merges", merges(), "Keras 2: Add, Subtract, Multiply, Average, Maximum, Minimum, Concatenate, Dot", samples=25)
    save("activations", activations(), "Keras 2: functions by name and as layers")
    save("quantizers", quantizers(), "QKeras: quantizers as objects, in the activation of a QDense")
    save("normalizations", normalizations(), "Keras 2: BatchNormalization, QBatchNormalization, Rescaling, Normalization")
    save("folded", folded(), "QKeras: QConv2DBatchnorm and QDepthwiseConv2DBatchnorm in both folding modes", samples=15)
    save("nested", nested(), "Keras 2: a shared layer, models inside models called twice, TimeDistributed, several inputs and outputs")
    save("embedding", embedding(), "Keras 2: Embedding of integer codes", inputs={"codes": RNG.integers(0, 10, (30, 4)).astype(np.float64)}, input_format=["codes=ufixed<4,4>"])
    write_cases(OUT / "cases.toml", CASES)


if __name__ == "__main__":
    main()
