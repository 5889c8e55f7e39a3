"""Makes a large set of labelled jets out of few, with public networks as teachers: build/jets/{train,test}.npz.

    python scripts/distil_jets.py [PROGRAM]  # needs numpy, ../shared/data, and nanotrig (target/release/nanotrig)

Only 700 jets with labels can be had, so that a network for 5 classes would learn little. A jet of this set is a real one moved
towards one of its 8 nearest neighbours (in standardised features) by a random share, and its class is drawn from the mean
softmax of six public HGQ2 networks, which nanotrig computes exactly. Arrays: `x` (float32, standardised), `y` (uint8, in
the order g q w z t of these networks) and `p` (float32, the teachers' probabilities). 200,000 jets to train on and 100,000 to
test on, from a fixed seed. The teachers' licences forbid to ship what is made of them: the files are in the user's cache folder,
and build/jets is a link to it.
"""

import os
import pathlib
import subprocess
import sys
import tempfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parent.parent
DATA = ROOT.parent / "shared" / "data"
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "nanotrig" / "jets"
LINK = ROOT / "build" / "jets"
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


def make(nanotrig):
    """Writes both files into the cache; the last one whole or not at all."""
    jets = np.load(DATA / "jets_hlf" / "jets_hlf.npz")["x_std"].astype(np.float64)
    random = np.random.default_rng(SEED)
    CACHE.mkdir(parents=True, exist_ok=True)
    x = drawn(jets, TRAIN + TEST, random)
    with tempfile.TemporaryDirectory() as folder:
        p = probabilities(x, nanotrig, pathlib.Path(folder))
    y = (random.random((len(p), 1)) > p.cumsum(1)).sum(1).clip(0, 4).astype(np.uint8)
    for name, rows in (("train", slice(0, TRAIN)), ("test", slice(TRAIN, None))):
        part = CACHE / f"{name}.part.npz"
        np.savez_compressed(part, x=x[rows], y=y[rows], p=p[rows].astype(np.float32))
        part.rename(CACHE / f"{name}.npz")


def main(program=ROOT / "target" / "release" / "nanotrig"):
    if not (CACHE / "test.npz").exists():
        for needed in (DATA / "jets_hlf" / "jets_hlf.npz", pathlib.Path(program)):
            if not needed.exists():
                sys.exit(f"skipped: {needed.name} is not there")
        make(program)
    if not LINK.exists():
        LINK.parent.mkdir(exist_ok=True)
        LINK.symlink_to(CACHE)
    test = np.load(CACHE / "test.npz")
    right = np.mean(test["p"].argmax(1) == test["y"])
    print(f"the teachers' mean is right for {right:.4f} of the test jets")


if __name__ == "__main__":
    main(*sys.argv[1:])
