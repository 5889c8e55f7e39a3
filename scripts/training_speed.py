"""Times an epoch of a quantized network in one framework; training_speed.sh calls it for each.

    python scripts/training_speed.py hgq2|qkeras SAMPLES
    python scripts/training_speed.py nanotrig-fixed|nanotrig-learned SAMPLES PROGRAM

The network is 16-64-32-32-5 with ReLU; weights, biases and activations are quantized: quantized_bits(6,0) and quantized_relu(6) in
qkeras and nanotrig-fixed, bits learned for each weight and value, which wraps, in hgq2 and nanotrig-learned. Adam, batch 1024, random data. Prints the
mean seconds of an epoch, and of its processors' time; what happens once (compilation, reading) is not counted.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

import numpy as np

WIDTHS = [64, 32, 32, 5]
EPOCHS = 8


def data(samples):
    random = np.random.default_rng(1)
    return random.normal(size=(samples, 16)).astype(np.float32), random.integers(5, size=samples).astype(np.uint8)


def hgq2():
    import keras
    from hgq.config import LayerConfigScope, QuantizerConfigScope
    from hgq.layers import QDense

    with QuantizerConfigScope(default_q_type="kif", place="all"), LayerConfigScope(beta0=1e-6):
        layers = [QDense(units, activation="relu" if units != 5 else None) for units in WIDTHS]
    return keras.Sequential([keras.layers.Input((16,)), *layers])


def qkeras():
    import keras
    from qkeras import QActivation, QDense

    layers = []
    for units in WIDTHS:
        bits = "quantized_bits(6,0,alpha=1)"
        layers.append(QDense(units, kernel_quantizer=bits, bias_quantizer=bits))
        if units != 5:
            layers.append(QActivation("quantized_relu(6)"))
    return keras.Sequential([keras.layers.Input((16,)), *layers])


def with_keras(framework, samples):
    """Seconds and processor seconds of an epoch; the first, which compiles, is not counted."""
    os.environ["KERAS_BACKEND"] = "jax" if framework == "hgq2" else "tensorflow"
    os.environ["TF_CPP_MIN_LOG_LEVEL"], os.environ["JAX_PLATFORMS"] = "3", "cpu"
    import keras

    model = {"hgq2": hgq2, "qkeras": qkeras}[framework]()
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.Adam(2e-3), loss=loss)
    x, y = data(samples)
    model.fit(x, y, batch_size=1024, epochs=1, verbose=0)
    start = time.time(), time.process_time()
    model.fit(x, y, batch_size=1024, epochs=EPOCHS, verbose=0)
    return (time.time() - start[0]) / EPOCHS, (time.process_time() - start[1]) / EPOCHS


def network(learned):
    """The network as TOML, without weights."""
    text = 'format = "nanotrig/1"\nname = "mlp"\n[[input]]\nname = "x"\nshape = [16]\nformat = "fixed<16,6,RND,SAT>"\n'
    for index, units in enumerate(WIDTHS):
        last = units == WIDTHS[-1]
        bits = "learned(6)" if learned else "quantized_bits(6,0,alpha=1)"
        if learned:
            text += f'[[layer]]\nname = "q{index}"\nkind = "quantize"\nformat = "learned(6,2,overflow=\'WRAP\')"\n'
        text += f'[[layer]]\nname = "d{index}"\nkind = "dense"\nunits = {units}\n'
        text += f'kernel_quantizer = "{bits}"\nbias_quantizer = "{bits}"\n'
        if not last:
            text += f'activation = "{"relu" if learned else "quantized_relu(6)"}"\n'
    return text


def with_nanotrig(learned, samples, program):
    """The same of the program: the difference between a long run and a short one."""
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        x, y = data(samples + 1024)
        np.savez(folder / "data.npz", x=x, y=y)
        (folder / "network.toml").write_text(network(learned))
        spent = []
        for epochs in (2, 2 + EPOCHS):
            recipe = f'network = "network.toml"\nepochs = {epochs}\nthreads = 2\nebops = {1e-6 if learned else 0.0}\n'
            recipe += '[optimizer]\nrate = 0.002\n[data]\ntrain = "data.npz"\ninputs = "x"\ntargets = "y"\n'
            recipe += f"validation = {1024 / (samples + 1024)}\n"
            (folder / "recipe.toml").write_text(recipe)
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
            command = [program, "train", folder / "recipe.toml", "-o", folder / "out"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent.append((time.time() - start, after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime))
    return tuple((long - short) / EPOCHS for short, long in zip(*spent))


def main(framework, samples, *program):
    if framework.startswith("nanotrig"):
        wall, processors = with_nanotrig(framework == "nanotrig-learned", samples, *program)
    else:
        wall, processors = with_keras(framework, samples)
    print(f"{framework:<18} {wall:.3f} s an epoch of {samples} samples, {processors:.3f} s of processors", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), *sys.argv[3:])
