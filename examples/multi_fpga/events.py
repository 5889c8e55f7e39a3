#!/usr/bin/env python3
"""Make the events of this example, and the vectors that its network is checked on.

usage: python events.py             (numpy) writes build/multi_fpga_events.npz of the repository: what recipe.toml trains on
       python events.py model.toml  writes vectors.npz and labels.npz: events, their exact outputs, and which are pairs

A calorimeter is a ring of six sectors, each 5 cells high and 8 wide, with noise in every cell, in GeV. A pair is two showers of
equal energy back to back, in sectors that face each other; anything else is two such showers that do not face each other, of
unequal energy, or one alone.
"""
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from reference import outputs  # noqa: E402

SEED = 1
TRAINED_ON, TESTED_ON = 30000, 5000
SECTORS, HEIGHT, WIDTH = 6, 5, 8
RING = SECTORS * WIDTH
NOISE = 0.15  # GeV
SPREAD = 0.7  # cells


def shower(random, energy, place):
    """Cells [events, height, ring] of showers at these places around the ring."""
    row = random.uniform(0, HEIGHT - 1, len(place))[:, None]
    rows = np.exp(-0.5 * ((np.arange(HEIGHT) - row) / SPREAD) ** 2)
    away = (np.arange(RING) - place[:, None] + RING / 2) % RING - RING / 2
    columns = np.exp(-0.5 * (away / SPREAD) ** 2)
    share = rows[:, :, None] * columns[:, None, :]
    return energy[:, None, None] * share / share.sum((1, 2), keepdims=True)


def events(random, n):
    """Cells [events, 6 * 40], sector after sector, and 1 for pairs, 0 for others."""
    pair = random.random(n) < 0.5
    kind = random.integers(0, 3, n)  # of what is no pair
    place = random.uniform(0, RING, n)
    energy = random.uniform(6, 16, n)
    turned = np.where(pair | (kind != 0), random.normal(0, 1, n), random.uniform(-RING / 4, RING / 4, n) + RING / 4)
    other = np.where(pair | (kind == 0), energy * random.normal(1, 0.05, n), energy * random.uniform(0.2, 0.5, n))
    other = np.where(~pair & (kind == 2), 0, other)
    cells = shower(random, energy, place) + shower(random, other, (place + RING / 2 + turned) % RING)
    cells = np.maximum(cells + random.normal(0, NOISE, cells.shape), 0)
    sectors = cells.reshape(n, HEIGHT, SECTORS, WIDTH).transpose(0, 2, 1, 3)
    return sectors.reshape(n, -1).astype(np.float32), pair.astype(int)


def main():
    if len(sys.argv) == 1:
        random = np.random.default_rng(SEED)
        (x, y), (x_test, y_test) = (events(random, n) for n in (TRAINED_ON, TESTED_ON))
        build = HERE.parents[1] / "build"
        build.mkdir(exist_ok=True)
        aims = {"y_train": 2.0 * y[:, None] - 1, "y_test": 2.0 * y_test[:, None] - 1}
        np.savez(build / "multi_fpga_events.npz", x_train=x, x_test=x_test, **aims)
        return
    x, labels = events(np.random.default_rng(SEED + 1), 500)
    x = np.clip(np.floor(x * 2 + 0.5) / 2, 0, 15.5)  # as the ports have it: a smaller file
    x = x.astype(np.float32)
    np.savez_compressed(HERE / "vectors.npz", cells=x, pair=outputs(sys.argv[1], {"cells": x})["pair"])
    np.savez_compressed(HERE / "labels.npz", labels=labels)


if __name__ == "__main__":
    main()
