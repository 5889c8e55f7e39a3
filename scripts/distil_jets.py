"""Makes a large set of labelled jets out of few, with public networks as teachers: build/jets/{train,test}.npz.

    python scripts/distil_jets.py            # needs numpy, target/release/nanotrig, and ../shared/data

Only 700 jets with labels can be had, so that a network for 5 classes would learn little. A jet of this set is a real one moved
towards one of its 8 nearest neighbours (in standardised features) by a random share, and its class is drawn from the mean
softmax of six public HGQ2 networks, which nanotrig computes exactly. Arrays: `x` (float32, standardised), `y` (uint8, in
the order g q w z t of these networks) and `p` (float32, the teachers' probabilities). 200,000 jets to train on and 100,000 to
test on, from a fixed seed. The teachers' licences forbid to ship what is made of them.
"""

import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
OUT = ROOT / "build" / "jets"
TEACHERS = ["openml_e20849_acc76.86.h5", "openml_e50945_acc76.61.h5", "openml_e71874_acc76.27.h5",
            "openml_e87478_acc75.99.h5", "openml_e93431_acc75.86.h5", "cernbox_e24246_acc75.16.keras"]
TRAIN, TEST, NEIGHBOURS, SEED = 200_000, 100_000, 8, 20060


def drawn(jets, count, random):
    """Jets between a real one and one of its neighbours."""
    distance = ((jets[:, None, :] - jets[None, :, :]) ** 2).sum(-1)
    near = np.argsort(distance, axis=1, kind="stable")[:, 1 : NEIGHBOURS + 1]
    first = random.integers(len(jets), size=count)
    second = near[first, random.integers(NEIGHBOURS, size=count)]
    share = random.random((count, 1))
    return (jets[first] + share * (jets[second] - jets[first])).astype(np.float32)


def probabilities(x, nanotrig, folder):
    """The mean softmax of the teachers."""
    np.save(folder / "x.npy", x)
    total = np.zeros((len(x), 5))
    for teacher in TEACHERS:
        out = folder / "y.npy"
        model = DATA / "models" / "hgq" / teacher
        subprocess.run([nanotrig, "run", model, "--input", folder / "x.npy", "--output", out], check=True)
        logits = np.load(out)
        powers = np.exp(logits - logits.max(1, keepdims=True))
        total += powers / powers.sum(1, keepdims=True)
        print(f"{teacher}", file=sys.stderr)
    return total / len(TEACHERS)


def main():
    nanotrig = ROOT / "target" / "release" / "nanotrig"
    for needed in (DATA / "jets_hlf" / "jets_hlf.npz", nanotrig):
        if not needed.exists():
            sys.exit(f"skipped: {needed.name} is not there")
    jets = np.load(DATA / "jets_hlf" / "jets_hlf.npz")["x_std"].astype(np.float64)
    random = np.random.default_rng(SEED)
    OUT.mkdir(parents=True, exist_ok=True)
    x = drawn(jets, TRAIN + TEST, random)
    with tempfile.TemporaryDirectory() as folder:
        p = probabilities(x, nanotrig, pathlib.Path(folder))
    y = (random.random((len(p), 1)) > p.cumsum(1)).sum(1).clip(0, 4).astype(np.uint8)
    for name, rows in (("train", slice(0, TRAIN)), ("test", slice(TRAIN, None))):
        np.savez_compressed(OUT / f"{name}.npz", x=x[rows], y=y[rows], p=p[rows].astype(np.float32))
    best = p.argmax(1)
    print(f"the teachers' mean is right for {np.mean(best[TRAIN:] == y[TRAIN:]):.4f} of the test jets")


if __name__ == "__main__":
    main()
