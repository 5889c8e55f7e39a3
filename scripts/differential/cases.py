"""What oracles share: a case, and random samples."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SAMPLES = 96


class Redraw(Exception):
    """This seed gives no case: float32 would not be exact, or the framework does not build it."""


@dataclass
class Case:
    model: Path
    inputs: dict  # arrays by the names of inputs, a row each sample
    outputs: dict  # what the oracle says
    layers: str  # for people
    arguments: list = field(default_factory=list)  # of nanotrig, beside the model


def codes(rng, shape, low, high):
    """Integers from low to high: uniform, near zero, extremes and zeros."""
    shape = (SAMPLES, *shape)
    uniform = rng.integers(low, high + 1, shape)
    near = np.clip(np.round(rng.normal(0, max(1, (high - low) / 10), shape)), low, high).astype(np.int64)
    ends = rng.choice([low, high, 0 if low <= 0 <= high else low], shape)
    kind = rng.random((SAMPLES,) + (1,) * (len(shape) - 1)) + 0.2 * rng.random(shape)
    return np.where(kind < 0.5, uniform, np.where(kind < 1.0, near, ends))


class Draw:
    """Random choices of a network; names count up."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.names = 0

    def one(self, *options):
        return options[self.rng.integers(len(options))]

    def chance(self, p):
        return self.rng.random() < p

    def int(self, low, high):
        """Both ends included."""
        return int(self.rng.integers(low, high + 1))

    def name(self, base):
        self.names += 1
        return f"{base}_{self.names}"

    def shape(self):
        """Of an input: features, steps of features, or an image."""
        return self.one((self.int(1, 9),), (self.int(2, 6), self.int(1, 6)), (self.int(3, 6), self.int(3, 6), self.int(1, 2)))


class Blocks:
    """Functions (draw, x) -> y that add random layers behind a value, by its number of axes without samples."""

    def __init__(self):
        self.of = {1: [], 2: [], 3: []}

    def block(self, *ranks, weight=1):
        def register(make):
            for rank in ranks:
                self.of[rank] += [make] * weight
            return make

        return register

    def chain(self, g, x, most=5, elements=200):
        """A chain of one to so many blocks; a result that is too large or has no elements is left out."""
        for _ in range(g.int(1, most)):
            y = g.one(*self.of[len(x.shape) - 1])(g, x)
            if 0 < np.prod(y.shape[1:]) <= elements and 2 <= len(y.shape) <= 4:
                x = y
        return x
