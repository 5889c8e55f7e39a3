"""Makes tests/data/hls4ml: what hls4ml's own C simulation computes, for the tests to compare with.

    pip install "tensorflow-cpu==2.15.*" qkeras "pyparsing<3.2" hls4ml==1.3.0
    python scripts/fixtures_hls4ml.py [CASE ..]        # needs g++
    python scripts/fixtures_hls4ml.py --examples FOLDER    # hls4ml's example-models: example_NAME.npz, inputs and outputs alone

NAME.h5 is a Keras model with random weights, NAME.yml its hls4ml configuration with random types, NAME.npz inputs (on no grid: the
host's cast is tested too) and the outputs of the compiled firmware (Vitis or Vivado back end, io_parallel). cases.toml lists them.
"""

import json
import os
import pathlib
import sys
import tempfile
import warnings

os.environ["CUDA_VISIBLE_DEVICES"] = ""
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
warnings.filterwarnings("ignore")

import hls4ml
import numpy as np
import qkeras as qk
import tensorflow as tf
import yaml
from tensorflow.keras import layers as kl

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "hls4ml"
ROUNDINGS = ["TRN", "TRN_ZERO", "RND", "RND_ZERO", "RND_INF", "RND_MIN_INF", "RND_CONV"]
LIKE = {"depthwise": "weight", "pointwise": "weight", "recurrent_weight": "weight", "recurrent_bias": "bias",
        "depthwise_accum": "accum", "pointwise_accum": "accum", "depthwise_result": "result"}
# Models whose results would have more bits than the float32 of predict() where all is `auto`.
NARROWED = {"depthwise", "depthwise1d", "separable", "separable1d", "rectifiers", "upsample", "upsample1d", "dot", "lstm", "gru",
            "bidirectional", "bidirectional_gru"}
OVERFLOWS = ["WRAP", "SAT", "SAT_ZERO", "SAT_SYM"]


def draw(rng, low, high, integer, unsigned=False, modes=True):
    """A random type."""
    width = int(rng.integers(low, high + 1))
    kind = "ap_ufixed" if unsigned else "ap_fixed"
    text = f"{kind}<{width},{integer + int(rng.integers(-1, 2))}"
    if modes and rng.random() < 0.7:
        text += f",AP_{rng.choice(ROUNDINGS)},AP_{rng.choice(OVERFLOWS)}"
    return text + ">"


def randomize(model, rng):
    for layer in model.layers:
        values = []
        for weight in layer.weights:
            shape = weight.shape
            if "variance" in weight.name:
                values.append(rng.uniform(0.3, 2, shape))
            elif "gamma" in weight.name:
                values.append(rng.uniform(-1.5, 1.5, shape))
            else:
                values.append(rng.normal(0, 0.6, shape))
        layer.set_weights([np.asarray(value, np.float32) for value in values])


def chain(*layers, shape):
    x = inputs = kl.Input(shape, name="x")
    for layer in layers:
        x = layer(x)
    return tf.keras.Model(inputs, x)


def two(shape_a, shape_b, build):
    a, b = kl.Input(shape_a, name="a"), kl.Input(shape_b, name="b")
    return tf.keras.Model([a, b], build(a, b))


def bits(width, integer):
    return qk.quantized_bits(width, integer, alpha=1)


MODELS = {
    "dense": lambda: chain(kl.Dense(6, name="fc1"), kl.ReLU(name="act1"), kl.Dense(5, name="fc2", activation="relu"),
                           kl.Dense(3, name="fc3", use_bias=False), shape=(7,)),
    "batch_norm": lambda: chain(kl.Dense(6, name="fc1"), kl.BatchNormalization(name="bn1"), kl.Activation("relu", name="act1"),
                                kl.BatchNormalization(name="bn2"), kl.Dense(4, name="fc2"), shape=(5,)),
    "tables": lambda: chain(kl.Dense(4, name="fc1", activation="sigmoid"), kl.Dense(4, name="fc2", activation="tanh"),
                            kl.Dense(4, name="fc3"), kl.Activation("softplus", name="sp"), kl.Dense(4, name="fc4"),
                            kl.Activation("softsign", name="ss"), shape=(5,)),
    "leaky": lambda: chain(kl.Dense(6, name="fc1"), kl.LeakyReLU(alpha=0.3, name="act1"), kl.Dense(4, name="fc2"),
                           kl.LeakyReLU(alpha=0.125, name="act2"), shape=(5,)),
    "softmax": lambda: chain(kl.Dense(5, name="fc1"), kl.Activation("softmax", name="sm"), shape=(4,)),
    "conv1d": lambda: chain(kl.Conv1D(4, 3, padding="same", name="c1", activation="relu"), kl.MaxPooling1D(2, name="mp"),
                            kl.Conv1D(3, 2, strides=2, name="c2"), kl.Flatten(name="flat"), kl.Dense(2, name="fc"), shape=(8, 2)),
    "conv2d": lambda: chain(kl.Conv2D(3, 3, name="c1", activation="relu"), kl.AveragePooling2D(2, name="ap"),
                            kl.Conv2D(2, (1, 1), name="c2"), kl.GlobalAveragePooling2D(name="gap"), shape=(8, 8, 2)),
    "pools": lambda: chain(kl.AveragePooling1D(3, name="ap"), kl.GlobalMaxPooling1D(name="gmp"), kl.Dense(3, name="fc"), shape=(9, 3)),
    "pointwise": lambda: chain(kl.Dense(4, name="fc1", activation="relu"), kl.GlobalAveragePooling1D(name="gap"),
                               kl.Dense(3, name="fc2"), shape=(7, 3)),
    "merges": lambda: two((4,), (4,), merged),
    "qkeras": lambda: chain(qk.QDense(6, kernel_quantizer=bits(6, 0), bias_quantizer=bits(6, 1), name="fc1"),
                            qk.QActivation("quantized_relu(6,2)", name="act1"),
                            qk.QDense(4, kernel_quantizer=bits(4, 1), bias_quantizer=bits(5, 0), name="fc2",
                                      activation=qk.quantized_relu(5, 1)),
                            qk.QDense(3, kernel_quantizer=bits(5, 1), bias_quantizer=bits(5, 1), name="fc3"), shape=(6,)),
    "depthwise": lambda: chain(kl.DepthwiseConv2D(3, padding="same", name="d1", activation="relu"), kl.DepthwiseConv2D((2, 1), strides=2, name="d2"),
                               kl.Flatten(name="flat"), kl.Dense(2, name="fc"), shape=(5, 5, 2)),
    "depthwise1d": lambda: chain(kl.DepthwiseConv1D(3, padding="same", name="d1", use_bias=False), kl.Activation("tanh", name="th"),
                                 kl.DepthwiseConv1D(2, name="d2"), kl.Flatten(name="flat"), kl.Dense(2, name="fc"), shape=(6, 2)),
    "separable": lambda: chain(kl.SeparableConv2D(3, 3, name="s1", activation="relu"), kl.SeparableConv2D(2, 2, padding="same", name="s2"),
                               kl.Flatten(name="flat"), kl.Dense(2, name="fc"), shape=(5, 5, 2)),
    "separable1d": lambda: chain(kl.SeparableConv1D(3, 3, name="s1"), kl.BatchNormalization(name="bn"),
                                 kl.SeparableConv1D(2, 2, use_bias=False, name="s2"), kl.Flatten(name="flat"), kl.Dense(2, name="fc"), shape=(7, 2)),
    "rectifiers": lambda: chain(kl.Dense(4, name="fc1", activation="elu"), kl.Dense(4, name="fc2"), kl.ELU(alpha=0.7, name="el"),
                                kl.Dense(4, name="fc3", activation="selu"), kl.Dense(4, name="fc4"), kl.PReLU(name="pr"),
                                kl.Dense(4, name="fc5"), kl.ThresholdedReLU(theta=0.4, name="th"), shape=(5,)),
    "hard": lambda: chain(kl.Dense(4, name="fc1", activation="hard_sigmoid"), qk.QDense(4, kernel_quantizer=bits(6, 1), name="fc2"),
                          qk.QActivation("quantized_sigmoid(6)", name="qs"), kl.Dense(4, name="fc3"), qk.QActivation("quantized_tanh(6)", name="qt"),
                          kl.Dense(4, name="fc4"), shape=(5,)),
    "argmax": lambda: chain(kl.Dense(5, name="fc1"), kl.Activation("softmax", name="sm"), shape=(4,)),
    "legacy": lambda: chain(kl.Dense(4, name="fc1"), kl.Activation("softmax", name="sm"), shape=(4,)),
    "upsample": lambda: chain(kl.Conv2D(2, 2, name="c1", activation="relu"), kl.UpSampling2D((2, 3), name="up"),
                              kl.Conv2D(2, 3, strides=2, name="c2"), shape=(4, 3, 2)),
    "upsample1d": lambda: chain(kl.Conv1D(2, 2, name="c1"), kl.UpSampling1D(3, name="up"), kl.Conv1D(2, 2, strides=2, name="c2"), shape=(5, 2)),
    "dot": lambda: two((4,), (4,), lambda a, b: kl.Dense(2, name="fc")(kl.Dot(1, name="dt")([kl.Dense(3, name="fa")(a), kl.Dense(3, name="fb")(b)]))),
    "lstm": lambda: chain(kl.LSTM(3, return_sequences=True, name="l1"), kl.LSTM(2, activation="relu", name="l2"), kl.Dense(2, name="fc"), shape=(4, 3)),
    "gru": lambda: chain(kl.GRU(3, return_sequences=True, name="g1"), kl.GRU(2, name="g2"), kl.Dense(2, name="fc"), shape=(4, 3)),
    "bidirectional": lambda: chain(kl.Bidirectional(kl.LSTM(2, return_sequences=True, name="b1"), name="b1"), kl.Flatten(name="flat"),
                                   kl.Dense(2, name="fc"), shape=(3, 2)),
    "bidirectional_gru": lambda: chain(kl.Bidirectional(kl.GRU(2, name="b1"), name="b1"), kl.Dense(2, name="fc"), shape=(3, 2)),
    "po2": lambda: chain(qk.QDense(5, kernel_quantizer=qk.quantized_po2(4), bias_quantizer=bits(5, 1), name="fc1"),
                         qk.QActivation("quantized_relu(6,2)", name="act1"),
                         qk.QDense(3, kernel_quantizer=qk.quantized_po2(5, 2), bias_quantizer=bits(5, 1), name="fc2"), shape=(5,)),
    "binary": lambda: chain(qk.QDense(5, kernel_quantizer=qk.binary(alpha=1), bias_quantizer=bits(5, 1), name="fc1"),
                            qk.QActivation("quantized_relu(6,2)", name="act1"),
                            qk.QDense(4, kernel_quantizer=qk.ternary(alpha=1, threshold=0.4), bias_quantizer=bits(5, 1), name="fc2"), shape=(5,)),
}


def merged(a, b):
    a, b = kl.Dense(4, name="fa")(a), kl.Dense(4, name="fb")(b)
    merges = [kl.Add(name="sum")([a, b]), kl.Subtract(name="less")([a, b]), kl.Multiply(name="times")([a, b]),
              kl.Average(name="mean")([a, b]), kl.Maximum(name="most")([a, b]), kl.Minimum(name="least")([a, b])]
    x = kl.Concatenate(name="c0")([merges[0], merges[1]])
    for at, merge in enumerate(merges[2:]):
        x = kl.Concatenate(name=f"c{at + 1}")([x, merge])
    return x


def random_types(model, rng):
    """Each layer's types drawn, some left to the default."""
    config = {"Model": {"Precision": {"default": "ap_fixed<14,5>"}, "ReuseFactor": 1, "Strategy": "Latency"}, "LayerName": {}}
    for name, entry in hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis")["LayerName"].items():
        usages = {}
        for usage in entry["Precision"]:
            if rng.random() < 0.2:
                continue
            relu = "relu" in name or name.startswith("act")
            usages[usage] = {
                "weight": draw(rng, 5, 9, 2, modes=False), "bias": draw(rng, 5, 9, 2, modes=False), "scale": draw(rng, 7, 10, 2, modes=False),
                "accum": draw(rng, 11, 16, 5), "result": draw(rng, 8, 12, 3, unsigned=relu and rng.random() < 0.5),
                "param": draw(rng, 6, 8, 1, modes=False),
            }.get(LIKE.get(usage, usage), entry["Precision"][usage])
        if name in ("x", "a", "b"):
            usages["result"] = draw(rng, 7, 9, 2)
        config["LayerName"][name] = {"Precision": usages}
        if "TableSize" in entry:
            config["LayerName"][name]["TableSize"] = int(rng.choice([128, 256, 512]))
    if any(isinstance(layer, kl.LSTM) or layer.name == "b1" for layer in model.layers):
        one_type(config["LayerName"], model, "ap_fixed<10,3,AP_RND,AP_SAT>")
    return config


def auto_types(model, rng):
    """What config_from_keras_model gives, with a narrow default."""
    config = hls4ml.utils.config_from_keras_model(model, granularity="name", backend="Vitis", default_precision="fixed<9,3>")
    for name in ("x", "a", "b"):
        if name in config["LayerName"]:
            config["LayerName"][name]["Precision"]["result"] = "fixed<8,3,RND,SAT>"
    for layer in model.layers:
        if isinstance(layer, kl.LSTM) or layer.name == "b1":
            one_type(config["LayerName"], model, "fixed<12,4,RND,SAT>")
    if "times" in config["LayerName"]:
        # predict() gives float32: no more than 24 bits.
        config["LayerName"]["times"]["Precision"]["result"] = "fixed<18,8>"
    return config


def one_type(layers, model, text):
    """hls4ml 1.3 compiles an LSTM only where input, accumulator and result have one type."""
    for name in ["x"] + [layer.name for layer in model.layers if isinstance(layer, (kl.LSTM, kl.Bidirectional))]:
        layers[name]["Precision"].update({key: text for key in ("accum", "result") if name != "x" or key == "result"})


def model_types(model, rng):
    """One type for everything."""
    # The firmware of depthwise convolutions has no resource strategy: it aborts.
    depthwise = any("Depthwise" in type(layer).__name__ or "Separable" in type(layer).__name__ for layer in model.layers)
    return {"Model": {"Precision": "ap_fixed<12,5>", "ReuseFactor": 1, "Strategy": "Latency" if depthwise else "Resource"}}


def small_softmax(config):
    for name, entry in config.get("LayerName", {}).items():
        if name == "sm":
            entry.update(TableSize=64, exp_table_t="ap_fixed<10,4,AP_RND,AP_SAT>", inv_table_t="ap_fixed<11,3,AP_RND,AP_SAT>",
                         inv_inp_t="ap_fixed<10,4,AP_RND,AP_SAT>")
            entry["Precision"]["accum"] = "ap_fixed<11,5,AP_RND,AP_SAT>"
        if name == "fc1":
            entry["Precision"]["result"] = "ap_fixed<8,3,AP_RND,AP_SAT>"
    return config


CASES = {f"{model}_{kind.__name__.split('_')[0]}": (model, kind) for model in MODELS for kind in (random_types, auto_types, model_types)}


def make(name, seed, folder):
    kind = CASES[name]
    rng = np.random.default_rng(seed)
    tf.keras.utils.set_random_seed(seed)
    model = MODELS[kind[0]]()
    randomize(model, rng)
    config = kind[1](model, rng)
    if kind[0] == "softmax" and kind[1] is not model_types:
        config = small_softmax(config)
    if kind[0] in NARROWED and kind[1] is auto_types:
        config["LayerName"][model.layers[-1].name]["Precision"]["result"] = "fixed<18,8>"
    if kind[0] == "separable1d" and kind[1] is auto_types:
        config["LayerName"]["s2"]["Precision"]["result"] = "fixed<16,6>"
    if kind[0] == "dot" and kind[1] is auto_types:
        # hls4ml 1.3 infers no accumulator of a dot product.
        config["LayerName"]["dt"]["Precision"]["accum"] = "fixed<14,8>"
    if kind[0] in ("argmax", "legacy"):
        # In auto_types this stands beside an `Implementation`: the later counts.
        config.setdefault("LayerName", {}).setdefault("sm", {})["implementation"] = kind[0]
    backend = ["Vitis", "Vivado"][seed % 2]
    firmware = hls4ml.converters.convert_from_keras_model(model, hls_config=json.loads(json.dumps(config)), backend=backend,
                                                          io_type="io_parallel", output_dir=f"{folder}/{name}")
    firmware.compile()
    samples = 60
    inputs = {tensor.name.split(":")[0]: rng.normal(0, 1.5, (samples,) + tuple(tensor.shape[1:])).astype(np.float32) for tensor in model.inputs}
    given = list(inputs.values())
    outputs = firmware.predict(given if len(given) > 1 else given[0])
    arrays = {f"in_{key}": value for key, value in inputs.items()}
    variables = [variable.name for variable in firmware.get_output_variables()]
    last = [node.name for node in firmware.get_layers() if node.get_output_variable().name in variables]
    arrays[f"out_{last[-1]}"] = np.asarray(outputs).reshape((samples,) + tuple(model.output_shape[1:]))
    model.save(OUT / f"{name}.h5", include_optimizer=False)
    np.savez_compressed(OUT / f"{name}.npz", **arrays)
    header = "\n".join(f"# {node.name} {node.class_name} " + " ".join(f"{k}={v.precision}" for k, v in node.types.items())
                       for node in firmware.get_layers())
    (OUT / f"{name}.yml").write_text("# What hls4ml made of it:\n" + header + "\n" + yaml.dump(config))
    return backend


def example(name, folder, scratch):
    """hls4ml's example models with the configurations beside them: inputs and outputs only."""
    config = yaml.safe_load((folder / "config-files" / f"{name}_config.yml").read_text())
    config.update(KerasJson=str(folder / "keras" / f"{name}.json"), KerasH5=str(folder / "keras" / f"{name}_weights.h5"),
                  OutputDir=f"{scratch}/{name}", Backend="Vitis", IOType="io_parallel")
    firmware = hls4ml.converters.keras_v2_to_hls(config)
    firmware.compile()
    x = np.random.default_rng(1).normal(0, 1, (100,) + tuple(firmware.get_input_variables()[0].shape)).astype(np.float32)
    np.savez_compressed(OUT / f"example_{name}.npz", x=x, y=firmware.predict(x))


def main():
    if sys.argv[1:2] == ["--examples"]:
        with tempfile.TemporaryDirectory() as scratch:
            return example("qkeras_3layer", pathlib.Path(sys.argv[2]), scratch)
    OUT.mkdir(parents=True, exist_ok=True)
    wanted = sys.argv[1:] or list(CASES)
    with tempfile.TemporaryDirectory() as folder:
        for seed, name in enumerate(CASES):
            if name in wanted:
                try:
                    print(name, make(name, seed + 1, folder), flush=True)
                except Exception as error:  # hls4ml refuses some combinations
                    print(name, "FAILED", str(error)[:300], flush=True)
    lines = ["# Written by scripts/fixtures_hls4ml.py.", ""]
    for name, (model, kind) in CASES.items():
        if (OUT / f"{name}.npz").exists():
            about = f"{model}: {kind.__doc__.strip().splitlines()[0]}"
            lines += ["[[case]]", f'model = "{name}.h5"', f'precision = "{name}.yml"', f'vectors = "{name}.npz"', f'about = "{about}"', ""]
    (OUT / "cases.toml").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
