"""Makes tests/data/energy: what QTools itself says that networks cost, for the tests to compare with.

    pip install qkeras-v3==1.2.1
    python scripts/fixtures_qtools.py

NAME.keras    a model
golden.json   for each model and setting of the memories, QTools' energies of each layer and their sum
"""

import json
import os
import pathlib
import zipfile

os.environ["KERAS_BACKEND"] = "tensorflow"

import keras
import numpy as np
from keras import layers as kl
from qkeras import QActivation, QBatchNormalization, QConv2D, QDense, QDepthwiseConv2D, quantized_bits
from qkeras.qtools import run_qtools, settings

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "energy"
SRAM = 8 * 16 * 1024 * 1024
# Where weights and activations lie, the smallest SRAM, inputs and outputs through DRAM, the type of what has no quantizer.
SETTINGS = {
    "paper": ("fixed", "fixed", SRAM, False, "fp16", False),
    "autoqkeras": ("fixed", "dram", 0, True, "fp32", False),
    "sram": ("sram", "sram", 0, False, "fp16", False),
    "dram": ("dram", "sram", 1 << 20, False, "int16", False),
    "trained": ("fixed", "fixed", SRAM, False, "fp16", True),
}


def convolutions():
    x = inputs = keras.Input((8, 8, 3), name="x")
    x = QActivation("quantized_bits(8,0,1)", name="pixels")(x)
    x = QConv2D(6, 3, kernel_quantizer="quantized_bits(4,0,1,alpha=1)", bias_quantizer="quantized_bits(6,2,1)", name="conv")(x)
    x = kl.BatchNormalization(name="norm")(x)
    x = QActivation("quantized_relu(4,2)", name="relu")(x)
    x = QDepthwiseConv2D(
        3, depthwise_quantizer="ternary(alpha=1)", bias_quantizer="quantized_po2(4)", padding="same", name="depthwise"
    )(x)
    # Not the other way round: QTools takes a quantized_tanh that another layer passes on for a ternary.
    x = kl.MaxPooling2D(2, name="pool")(x)
    x = QActivation("quantized_tanh(5)", name="tanh")(x)
    x = QConv2D(4, 1, kernel_quantizer="quantized_po2(4)", use_bias=False, name="pointwise")(x)
    x = QBatchNormalization(
        beta_quantizer="quantized_po2(5)", mean_quantizer="quantized_po2(5)", gamma_quantizer="quantized_relu_po2(6,2048)",
        variance_quantizer="quantized_relu_po2(6,quadratic_approximation=True)", name="qnorm",
    )(x)
    x = QActivation("quantized_relu(3,1)", name="relu_2")(x)
    x = kl.Flatten(name="flatten")(x)
    x = QDense(5, kernel_quantizer="binary(alpha=1)", bias_quantizer="quantized_bits(8,3,1)", name="dense")(x)
    return keras.Model(inputs, kl.Activation("softmax", name="softmax")(x), name="convolutions")


def merges():
    a = x = keras.Input((12,), name="x")
    x = QActivation("quantized_bits(6,1,1)", name="start")(x)
    left = QDense(8, kernel_quantizer="quantized_po2(3,1)", bias_quantizer="quantized_po2(4,8)", name="left")(x)
    left = QActivation("quantized_relu_po2(4,4)", name="left_act")(left)
    right = QDense(8, kernel_quantizer="stochastic_ternary", bias_quantizer="quantized_bits(4,0,1)", name="right")(x)
    right = QActivation("binary", name="right_act")(right)
    third = kl.Dense(8, name="float")(x)
    third = QActivation("quantized_bits(7,2,1)", name="third")(third)
    product = kl.Multiply(name="product")([left, third])
    total = kl.Add(name="sum")([third, product])
    most = kl.Maximum(name="most")([third, right])
    joined = kl.Concatenate(name="joined")([total, most])
    x = QActivation("ternary", name="ternary")(joined)
    x = QDense(6, kernel_quantizer="quantized_po2(4,2)", use_bias=False, name="po2")(x)
    x = QActivation("quantized_relu(1,1)", name="bit")(x)
    x = QDense(4, kernel_quantizer="ternary", bias_quantizer="quantized_bits(8,0,1)", name="last")(x)
    return keras.Model(a, x, name="merges")


def gates():
    """Each class of weights on each class of inputs."""
    inputs = x = keras.Input((6,), name="x")
    kinds = [
        ("bits", "quantized_bits(5,1,1,alpha=1)", "quantized_bits(4,1,1)"),
        ("po2", "quantized_po2(4,2)", "quantized_po2(3)"),
        ("ternary", "ternary(alpha=1)", "ternary"),
        ("binary", "stochastic_binary", "binary"),
        ("bit", "binary(use_01=1,alpha=1)", "quantized_relu(1,1)"),
        ("ulaw", "quantized_bits(3,0,1,alpha=1)", "quantized_ulaw(5,1)"),
        ("stochastic", "binary(alpha=1)", "stochastic_binary"),
    ]
    ends = []
    for name, _, activation in kinds:
        value = QActivation(activation, name=f"x_{name}")(x)
        for weight, kernel, _ in kinds:
            y = QDense(3, kernel_quantizer=kernel, bias_quantizer="quantized_bits(6,1,1)", name=f"{weight}_{name}")(value)
            ends.append(QActivation("quantized_bits(4,1,1)", name=f"end_{weight}_{name}")(y))
    return keras.Model(inputs, kl.Concatenate(name="joined")(ends), name="gates")


def settle(model):
    """Weights that are powers of two where their quantizer makes such, so that it changes none."""
    random = np.random.default_rng(1)
    for layer in model.layers:
        if any("po2" in str(quantizer) for quantizer in getattr(layer, "get_quantizers", list)()):
            powers = [2.0 ** random.integers(-3, 1, weight.shape) for weight in layer.get_weights()]
            layer.set_weights([power.astype("float32") for power in powers])


def energies(model, setting):
    weights, activations, sram, io, internal, trained = setting
    qtools = run_qtools.QTools(
        model, process="horowitz", source_quantizers=[quantized_bits(15, 5, 1)], is_inference=trained,
        keras_quantizer=internal, keras_accumulator=internal, for_reference=False,
    )
    found = qtools.pe(weights_on_memory=weights, activations_on_memory=activations, min_sram_size=sram, rd_wr_on_io=io)
    total = qtools.extract_energy_sum(settings.cfg.include_energy, found)
    layers = {name: row["energy"] for name, row in found.items() if name != "total_cost"}
    return {"layers": layers, "total": total}


def save(model):
    """Compressed: nearly all of an HDF5 file of small arrays is empty."""
    path = OUT / f"{model.name}.keras"
    model.save(path)
    with zipfile.ZipFile(path) as stored:
        members = [(name, stored.read(name)) for name in stored.namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in members:
            packed.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    golden = {}
    for make in (convolutions, merges, gates):
        keras.utils.set_random_seed(1)
        model = make()
        model(np.zeros((1, *model.input_shape[1:]), "float32"))
        settle(model)
        save(model)
        used = ["paper"] if make is gates else SETTINGS
        golden[model.name] = {name: energies(model, SETTINGS[name]) for name in used}
    (OUT / "golden.json").write_text(json.dumps(golden, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
