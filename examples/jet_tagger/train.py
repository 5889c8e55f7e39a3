#!/usr/bin/env python3
"""Train the jet tagger of this folder, and write it in nanotrig's own format.

usage: python train.py [--cross-validate]         (pip install "jax[cpu]==0.10.2")

Reads the jets of vectors.npz and labels.npz: the first 500 train the network, the last 200 are held out. Writes
model.toml, model.npz and, into vectors.npz, the exact outputs. One core, one minute; the same seed gives the same files
on one machine and version of JAX.

Every weight and every activation has a number of fraction bits of its own, learned along with the weights against a cost:
the bits of each weight times the bits of what it multiplies, which is about the number of LUTs. A weight without bits is
zero, and its multiplication is gone. (After HGQ, arXiv 2405.00645, simplified.)
"""
import pathlib
import sys

import jax
import jax.numpy as jnp
import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
TRAINED_ON = 500
SIZES = (16, 64, 32, 32, 5)
STEPS, BATCH, RATE = 3000, 256, 3e-3
BITS_COST, WEIGHT_DECAY, LABEL_SMOOTHING = 2e-5, 3e-3, 0.1
FASTER_BITS = 8  # fraction bits learn this much faster than weights: they have further to go
BIAS_FRACTION = 6
FINE = 16  # the grid 2^-FINE holds every weight, which is asserted
SEED = 1


# --- the network in training: float numbers on their grids, straight-through gradients ---------------------------------

def quantize(x, fraction):
    """Round to the grid 2^-fraction. The gradient passes straight through to x; to the fraction goes how the rounding
    error changes with it, as it halves with every bit."""
    stop = jax.lax.stop_gradient
    step = 2.0 ** -jnp.round(fraction)
    on_grid = jnp.floor(x / step + 0.5) * step
    error = stop(x - on_grid)
    return x + stop(on_grid - x) + error * jnp.log(2.0) * (fraction - stop(fraction))


def bits(magnitude, fraction):
    """Bits, without sign, of a number of this magnitude; its gradient to the fraction is one, or zero if no bit is left."""
    integer = jnp.floor(jnp.log2(jnp.maximum(jax.lax.stop_gradient(magnitude), 1e-9))) + 1
    return jnp.maximum(integer + fraction + jax.lax.stop_gradient(jnp.round(fraction) - fraction), 0)


def forward(layers, x):
    """Logits and the cost in bit products."""
    cost = 0.0
    for n, layer in enumerate(layers):
        x = quantize(x if n == 0 else jax.nn.relu(x), layer["x_fraction"])
        kernel = quantize(layer["kernel"], layer["kernel_fraction"])
        bits_x, bits_kernel = bits(abs(x).max(0), layer["x_fraction"]), bits(abs(kernel), layer["kernel_fraction"])
        cost += (bits_x[:, None] * bits_kernel).sum()
        x = x @ kernel + quantize(layer["bias"], BIAS_FRACTION)
    return x, cost


def initial(key):
    return [
        {
            "kernel": jax.random.normal(k, (rows, columns)) * np.sqrt(2 / rows),
            "bias": jnp.zeros(columns),
            "kernel_fraction": jnp.full((rows, columns), 6.0),
            "x_fraction": jnp.full((rows,), 5.0),
        }
        for k, rows, columns in zip(jax.random.split(key, len(SIZES) - 1), SIZES, SIZES[1:])
    ]


def neighbours(x, y, count=8):
    """The nearest jets of the same class, of each jet."""
    distance = ((x[:, None] - x[None]) ** 2).sum(-1) + np.where(y[:, None] == y[None], 0, np.inf)
    np.fill_diagonal(distance, np.inf)
    return np.argsort(distance, axis=1)[:, :count]


@jax.jit
def fit(key, x, y, near):
    """Adam, with a warm-up and a cosine decay; each jet is drawn somewhere between itself and a near one of its class."""

    def loss(layers, x, y, bits_cost):
        logits, cost = forward(layers, x)
        target = jax.nn.one_hot(y, SIZES[-1]) * (1 - LABEL_SMOOTHING) + LABEL_SMOOTHING / SIZES[-1]
        decay = sum((layer["kernel"] ** 2).sum() for layer in layers)
        return -(target * jax.nn.log_softmax(logits)).sum(-1).mean() + bits_cost * cost + WEIGHT_DECAY * decay

    def step(state, n):
        layers, mean, square, key = state
        key, *keys = jax.random.split(key, 4)
        one = jax.random.randint(keys[0], (BATCH,), 0, len(x))
        other = near[one, jax.random.randint(keys[1], (BATCH,), 0, near.shape[1])]
        drawn = x[one] + jax.random.uniform(keys[2], (BATCH, 1)) * (x[other] - x[one])

        done = n / STEPS
        gradient = jax.grad(loss)(layers, drawn, y[one], BITS_COST * jnp.minimum(done / 0.6, 1) ** 2)
        mean = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, mean, gradient)
        square = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, square, gradient)
        rate = RATE * jnp.where(done < 0.05, done / 0.05, (1 + jnp.cos(jnp.pi * done)) / 2)

        def moved(path, value, m, s):
            faster = FASTER_BITS if path[-1].key.endswith("fraction") else 1
            return value - rate * faster * (m / (1 - 0.9 ** (n + 1))) / (jnp.sqrt(s / (1 - 0.999 ** (n + 1))) + 1e-8)

        return (jax.tree_util.tree_map_with_path(moved, layers, mean, square), mean, square, key), None

    layers = initial(key)
    zero = jax.tree.map(jnp.zeros_like, layers)
    return jax.lax.scan(step, (layers, zero, zero, key), jnp.arange(STEPS))[0][0]


# --- the network as built: integers in explicit formats ----------------------------------------------------------------

def codes_on(x, fraction):
    """x in steps of 2^-fraction, halves rounded up; nothing else is rounded, as 64-bit floats hold every step of the way."""
    return np.floor(np.ldexp(np.asarray(x, float), fraction) + 0.5).astype(np.int64)


def exact(layers, x):
    """Logits of frozen layers, by integers alone."""
    for n, layer in enumerate(layers):
        fraction = layer["fraction"]
        limit = 1 << np.maximum(layer["integer"] + fraction, 0)
        codes = np.clip(codes_on(x if n == 0 else np.maximum(x, 0), fraction), -layer["signed"] * limit, limit - 1)
        common = fraction.max()
        kernel, bias = codes_on(layer["kernel"], FINE), codes_on(layer["bias"], FINE + common)
        assert (np.ldexp(kernel, -FINE) == layer["kernel"]).all() and abs(bias).max() < 1 << 40
        x = np.ldexp((codes << (common - fraction)) @ kernel + bias, -FINE - common)
    return x


def freeze(layers, jets):
    """Formats with the learned fraction bits and the fewest integer bits that hold every value the training jets take."""
    frozen, x = [], jets
    for layer in layers:
        fraction, kernel_fraction = (np.round(layer[key]).astype(int) for key in ("x_fraction", "kernel_fraction"))
        codes = codes_on(x, fraction)
        magnitude = np.maximum(codes.max(0), -codes.min(0) - 1)
        frozen.append({
            "signed": (codes.min(0) < 0).astype(int),
            "integer": np.array([int(m).bit_length() for m in magnitude]) - fraction,
            "fraction": fraction,
            "kernel": np.ldexp(codes_on(layer["kernel"], kernel_fraction), -kernel_fraction),
            "bias": np.ldexp(codes_on(layer["bias"], BIAS_FRACTION), -BIAS_FRACTION),
        })
        x = np.maximum(exact(frozen, jets), 0)
    return frozen


def write(frozen):
    text = ['format = "nanotrig/1"', 'name = "jet_tagger"', 'weights = "model.npz"']
    text += ["", "[[input]]", 'name = "jet"', f"shape = [{SIZES[0]}]"]
    tensors = {}
    for n, layer in enumerate(frozen, 1):
        if n > 1:
            text += ["", "[[layer]]", f'name = "relu_{n - 1}"', 'kind = "relu"']
        text += ["", "[[layer]]", f'name = "quantize_{n}"', 'kind = "quantize"', 'rounding = "RND"', 'overflow = "SAT"']
        text += ["", "[[layer]]", f'name = "dense_{n}"', 'kind = "dense"']
        tensors |= {f"quantize_{n}.{key}": layer[key].astype(np.int8) for key in ("signed", "integer", "fraction")}
        tensors |= {f"dense_{n}.{key}": layer[key].astype(np.float32) for key in ("kernel", "bias")}
    (HERE / "model.toml").write_text("\n".join(text) + "\n")
    np.savez(HERE / "model.npz", **tensors)


def main():
    jets, labels = np.load(HERE / "vectors.npz")["jet"], np.load(HERE / "labels.npz")["labels"].astype(int)

    def trained(rows, seed):
        x, y = jets[rows], labels[rows]
        return freeze(jax.tree.map(np.asarray, fit(jax.random.key(seed), x, y, neighbours(x, y))), x)

    def accuracy(network, rows):
        right = exact(network, jets[rows]).argmax(1) == labels[rows]
        return f"{right.mean():.3f} +- {np.sqrt(right.mean() * (1 - right.mean()) / len(right)):.3f}"

    train, held_out = np.split(np.arange(len(jets)), [TRAINED_ON])
    if "--cross-validate" in sys.argv[1:]:  # how the settings above were chosen: without the held-out jets
        for fold in range(5):
            network = trained(train[train % 5 != fold], SEED + fold)
            print(f"fold {fold}: {accuracy(network, train[train % 5 == fold])}")

    network = trained(train, SEED)
    write(network)
    np.savez(HERE / "vectors.npz", jet=jets, **{f"dense_{len(network)}": exact(network, jets)})

    zeros = np.mean(np.concatenate([layer["kernel"].ravel() == 0 for layer in network]))
    print(f"accuracy on the jets trained on {accuracy(network, train)}, held out {accuracy(network, held_out)}")
    print(f"{sum(layer['kernel'].size for layer in network)} weights, {zeros:.0%} of them zero")
    for n, layer in enumerate(network, 1):
        total = np.maximum(layer["signed"] + layer["integer"] + layer["fraction"], 0)
        print(f"dense_{n}: {np.count_nonzero(layer['kernel'])} weights, of inputs with bits {' '.join(map(str, total))}")


if __name__ == "__main__":
    main()
