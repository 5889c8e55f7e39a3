#!/usr/bin/env python3
"""Make the events of this example, and the vectors that its network is checked on.

usage: python events.py             (numpy) writes build/anomaly_events.npz of the repository: what recipe.toml trains on
       python events.py model.toml  writes vectors.npz and labels.npz: events, their exact scores, and which are unusual

An event is 12 numbers: px and py, in units of 64 GeV, of the four hardest jets, a muon, and what is missing (zeros where
there is none). Ordinary events are two jets back to back that may radiate one or two more, or a W boson that
decays to a muon and a neutrino and recoils against jets. Unusual ones, which training never sees, are of two kinds: a new
particle that leaves unseen and recoils against one jet, and one that decays to four jets of like momenta.
"""
import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from reference import outputs  # noqa: E402

SEED = 1
TRAINED_ON, TESTED_ON = 20000, 5000
JETS = 4
UNIT = 64.0  # GeV
RESOLUTION = 0.1  # of a jet's momentum
LEAST = 15.0  # GeV: softer jets are not seen


def vectors(size, angle):
    return np.stack([size * np.cos(angle), size * np.sin(angle)], -1)


def falling(random, shape, least, slope):
    """Momenta above `least` whose spectrum falls as p^-slope."""
    return least * (1 - random.random(shape)) ** (-1 / (slope - 1))


def seen(random, jets, muon):
    """What the detector gives: smeared jets above the threshold in order of momentum, the muon, and what is missing."""
    jets = jets * (1 + RESOLUTION * random.normal(size=jets.shape[:2]))[..., None]
    size = np.linalg.norm(jets, axis=-1)
    jets = np.where((size > LEAST)[..., None], jets, 0)
    jets = np.take_along_axis(jets, np.argsort(-np.linalg.norm(jets, axis=-1))[..., None], 1)[:, :JETS]
    soft = random.normal(size=(len(jets), 2)) * 5  # GeV
    missing = -(jets.sum(1) + muon) + soft
    return np.concatenate([jets.reshape(len(jets), -1), muon, missing], 1) / UNIT


def shower(random, hard, count):
    """Jets that together have the momentum `hard`: each next one takes a share of the first."""
    jets = [hard]
    for _ in range(count):
        share = 0.5 * random.random((len(hard), 1)) ** 2
        side = vectors(np.linalg.norm(hard, axis=-1) * 0.3, random.uniform(0, 2 * np.pi, len(hard))) * share
        jets.append(share * jets[0] + side)
        jets[0] = jets[0] - jets[-1]
    return np.stack(jets, 1)


def ordinary(random, n):
    hard = vectors(falling(random, n, 30, 4.5), random.uniform(0, 2 * np.pi, n))
    two = np.concatenate([shower(random, hard, 1), shower(random, -hard, 1)], 1)
    boson = vectors(random.exponential(20, n), random.uniform(0, 2 * np.pi, n))
    decay = vectors(np.full(n, 40.0), random.uniform(0, 2 * np.pi, n))  # half the W's mass
    recoil = np.concatenate([shower(random, -boson, 1), np.zeros((n, 2, 2))], 1)
    is_boson = random.random(n) < 0.2
    muon = np.where(is_boson[:, None], boson / 2 + decay, 0)
    return seen(random, np.where(is_boson[:, None, None], recoil, two), muon)


def unusual(random, n):
    alone = vectors(random.uniform(100, 200, n), random.uniform(0, 2 * np.pi, n))
    one = np.concatenate([alone[:, None], np.zeros((n, 3, 2))], 1)
    angles = random.uniform(0, 2 * np.pi, (n, 1)) + np.arange(4) * np.pi / 2 + random.normal(size=(n, 4)) * 0.2
    four = vectors(random.uniform(60, 100, (n, 4)), angles)
    return seen(random, np.where((np.arange(n) % 2 == 0)[:, None, None], one, four), np.zeros((n, 2)))


def main():
    random = np.random.default_rng(SEED)
    if len(sys.argv) == 1:
        build = HERE.parents[1] / "build"
        build.mkdir(exist_ok=True)
        train, test = (ordinary(random, n).astype(np.float32) for n in (TRAINED_ON, TESTED_ON))
        aims = {"y_train": np.zeros((TRAINED_ON, 1)), "y_test": np.zeros((TESTED_ON, 1))}
        np.savez(build / "anomaly_events.npz", x_train=train, x_test=test, **aims)
        return
    random = np.random.default_rng(SEED + 1)
    x = np.concatenate([ordinary(random, 500), unusual(random, 200)]).astype(np.float32)
    labels = np.repeat([0, 1], [500, 200])
    order = random.permutation(len(x))
    x, labels = x[order], labels[order]
    np.savez(HERE / "vectors.npz", event=x, score=outputs(sys.argv[1], {"event": x})["score"])
    np.savez(HERE / "labels.npz", labels=labels)


if __name__ == "__main__":
    main()
