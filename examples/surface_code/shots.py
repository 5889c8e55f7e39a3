#!/usr/bin/env python3
"""Make the shots of this example, compare its decoder with matching, and write the vectors that it is checked on.

usage: python shots.py             (pip install numpy stim pymatching) writes build/surface_code_shots.npz of the repository:
                                   what recipe.toml trains on
       python shots.py model.toml  prints the logical error rates of the decoder and of matching, on the same shots, and writes
                                   them to rates.txt, which is part of the report, and vectors.npz and labels.npz

A shot is a memory experiment of the rotated surface code of distance 3 over three rounds: 24 detection events, each the
difference of a stabiliser from one round to the next, and whether the logical qubit flipped. Noise is depolarising, of the
same strength at each gate, reset and measurement (stim's `surface_code:rotated_memory_z`).
"""
import pathlib
import sys

import numpy as np
import pymatching
import stim

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from reference import outputs  # noqa: E402

SEED = 1
DISTANCE, ROUNDS, NOISE = 3, 3, 0.01
TRAINED_ON, TESTED_ON, KEPT = 1_000_000, 1_000_000, 10_000


def circuit():
    strength = dict.fromkeys(
        ["after_clifford_depolarization", "after_reset_flip_probability", "before_measure_flip_probability",
         "before_round_data_depolarization"], NOISE)
    return stim.Circuit.generated("surface_code:rotated_memory_z", distance=DISTANCE, rounds=ROUNDS, **strength)


def shots(seed, n):
    """Detection events and flips; the seed holds for one version of stim and one kind of processor."""
    events, flips = circuit().compile_detector_sampler(seed=seed).sample(n, separate_observables=True)
    return events.astype(np.uint8), flips[:, 0].astype(np.uint8)


def error(wrong):
    rate = wrong.mean()
    return f"{rate:.4%} +- {np.sqrt(rate * (1 - rate) / len(wrong)):.4%}"


def main():
    if len(sys.argv) == 1:
        x, y = shots(SEED, TRAINED_ON)
        build = HERE.parents[1] / "build"
        build.mkdir(exist_ok=True)
        np.savez(build / "surface_code_shots.npz", x_train=x, y_train=y)
        return
    x, y = shots(SEED + 1, TESTED_ON)
    logits = outputs(sys.argv[1], {"events": x})["flip"]
    ours = logits.argmax(1)  # the first of equals
    matching = pymatching.Matching.from_detector_error_model(circuit().detector_error_model(decompose_errors=True))
    theirs = matching.decode_batch(x)[:, 0]
    rates = (f"logical errors in {ROUNDS} rounds, {TESTED_ON} shots: the decoder {error(ours != y)}, matching {error(theirs != y)}\n"
             f"the decoder's rate is {(ours != y).mean() / (theirs != y).mean():.3f} of matching's\n")
    print(rates, end="")
    (HERE / "rates.txt").write_text(rates)
    np.savez_compressed(HERE / "vectors.npz", events=x[:KEPT], flip=ours[:KEPT].astype(np.uint8)[:, None])
    np.savez_compressed(HERE / "labels.npz", labels=y[:KEPT])


if __name__ == "__main__":
    main()
