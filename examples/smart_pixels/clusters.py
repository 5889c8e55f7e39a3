#!/usr/bin/env python3
"""Make the clusters of this example, and what its trained networks are checked on.

usage: python clusters.py          (numpy) writes build/smart_pixels_clusters.npz of the repository: what the recipes train on
       python clusters.py vectors  writes vectors.npz and projection_vectors.npz (clusters, and the exact outputs of both networks),
                                   pulls.svg, and the table of README.md

A cluster is what a charged particle leaves in 9 x 13 pixels of 25 um: it crosses 100 um of silicon in a straight line, frees
electrons along it (unevenly), which drift to the pixels and spread on the way. A pixel has two numbers of two bits: the charge
of what was freed in the nearer half of the silicon and comes first, and all of it. What is asked is where the particle
crossed the middle of the silicon, in eighths of a pixel from the centre, and its two slopes, in units of 1.5 / 8 (across
columns) and 1 / 8: so that errors are about 1, and the network's numbers are fine enough for them.
"""
import math
import pathlib
import re
import sys

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from reference import outputs  # noqa: E402

SEED = 1
TRAINED_ON, TESTED_ON, SHOWN = 20000, 5000, 500
ROWS, COLUMNS = 9, 13
PITCH, DEPTH = 25.0, 100.0  # um
SLOPES = (1.5, 1.0)
PARTS = 8  # of a pixel, and of these slopes
STEPS = 40  # in which the way through the silicon is taken
FREED = 80.0  # electrons per um
NOISE = 60.0  # electrons
THRESHOLDS = (400.0, 1600.0, 3600.0)  # electrons
TRUTH = ["x", "y", "slope x", "slope y"]


def shares(centre, spread, pixels):
    """The share of a Gaussian cloud at `centre` (um, from the middle) that each of some pixels in a row gets."""
    edges = (np.arange(pixels + 1) - pixels / 2) * PITCH
    z = (edges - centre[..., None]) / (spread[:, None] * math.sqrt(2))
    erf = np.tanh(z * (1.1283791671 + 0.1009 * z * z))  # within 0.0004
    return np.diff(erf, axis=-1) / 2


def clusters(random, n):
    """Clusters [n, rows, columns, 2] of 0, 2, 4 or 6, and the truth [n, 4]."""
    truth = random.uniform(-1, 1, (n, 4)) * (0.5, 0.5, 1, 1)  # in pixels, and in units of SLOPES
    slopes = truth[:, 2:] * SLOPES
    depth = (np.arange(STEPS) + 0.5) / STEPS * DEPTH  # from the pixels
    place = truth[:, None, :2] * PITCH + slopes[:, None] * (depth - DEPTH / 2)[:, None]
    way = np.sqrt(1 + (slopes**2).sum(-1)) * DEPTH / STEPS
    freed = random.gamma(0.6, 1 / 0.6, (n, STEPS)) * FREED * way[:, None]
    spread = 1.5 + 6 * np.sqrt(depth / DEPTH)
    charge = np.zeros((n, ROWS, COLUMNS, 2))
    parts = freed[..., None] * shares(place[..., 1], spread, ROWS), shares(place[..., 0], spread, COLUMNS)
    near = depth < DEPTH / 2
    charge[..., 0] = np.einsum("nsr,nsc->nrc", parts[0][:, near], parts[1][:, near])
    charge[..., 1] = charge[..., 0] + np.einsum("nsr,nsc->nrc", parts[0][:, ~near], parts[1][:, ~near])
    charge += random.normal(size=charge.shape) * NOISE
    return (2 * np.digitize(charge, THRESHOLDS)).astype(np.float32), (PARTS * truth).astype(np.float32)


def pulls(found, truth):
    """(L^-1 (truth - mean)) of each of the four numbers: standard normal if the network knows what it does not know."""
    mean, diagonal = found[:, 0:8:2], np.maximum(found[:, 1:8:2], 0) + 1e-9
    factor = np.zeros((len(found), 4, 4))
    factor[:, range(4), range(4)] = diagonal
    factor[:, *np.tril_indices(4, -1)] = found[:, 8:]
    return np.linalg.solve(factor, (truth - mean)[..., None])[..., 0], mean


def picture(name, pulls, x, y):
    """Histogram and standard normal, as elements of an SVG."""
    bins = np.linspace(-4, 4, 33)
    counts = np.histogram(pulls, bins)[0] / len(pulls) / (bins[1] - bins[0])
    place = lambda u, v: (x + 20 + (u + 4) * 22, y + 130 - v * 230)  # noqa: E731
    bars = "".join(
        f'<rect x="{place(left, 0)[0]:.1f}" y="{place(0, count)[1]:.1f}" width="5" height="{count * 230:.1f}"/>'
        for left, count in zip(bins, counts)
    )
    curve = " ".join("{:.1f},{:.1f}".format(*place(u, math.exp(-u * u / 2) / math.sqrt(2 * math.pi))) for u in np.linspace(-4, 4, 65))
    ticks = "".join(f'<text x="{place(u, 0)[0]:.1f}" y="{y + 145}">{u}</text>' for u in (-4, -2, 0, 2, 4))
    title = f'<text x="{x + 108}" y="{y + 14}">{name}: {pulls.mean():+.2f}, {pulls.std():.2f}</text>'
    axis = '<line x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>'.format(*place(-4, 0), *place(4, 0))
    return f"{bars}<polyline points=\"{curve}\"/>{axis}{ticks}{title}\n"


def draw(networks):
    """pulls.svg: a row for each network."""
    parts = []
    for row, (name, found) in enumerate(networks):
        parts.append(f'<text class="name" x="20" y="{row * 180 + 16}">{name}</text>\n')
        parts += [picture(what, found[:, i], i * 210, row * 180 + 20) for i, what in enumerate(TRUTH)]
    style = (
        "svg { background: white; font-family: sans-serif; } text { font-size: 11px; text-anchor: middle; } "
        "text.name { font-size: 13px; text-anchor: start; } rect { fill: #9ec4ec; } line { stroke: #888; } "
        "polyline { fill: none; stroke: #c0392b; stroke-width: 1.5; }"
    )
    size = 'width="860" height="350" viewBox="0 0 860 350"'
    (HERE / "pulls.svg").write_text(f'<svg xmlns="http://www.w3.org/2000/svg" {size}>\n<style>{style}</style>\n{"".join(parts)}</svg>\n')


def table(rows):
    """The table of README.md."""
    lines = ["| network | " + " | ".join(f"error of {name}" for name in TRUTH) + " | pulls, mean | width |", "|---|" + "---|" * 6]
    lines += [f"| {name} | " + " | ".join(f"{e:.3f}" for e in errors) + f" | {mean} | {width} |" for name, errors, mean, width in rows]
    readme = HERE / "README.md"
    text, count = re.subn(
        r"(<!-- measured -->\n).*?(<!-- end -->)", lambda found: f"{found[1]}" + "\n".join(lines) + f"\n{found[2]}", readme.read_text(), flags=re.S
    )
    assert count == 1, readme
    readme.write_text(text)


def main():
    if len(sys.argv) == 1:
        build = HERE.parents[1] / "build"
        build.mkdir(exist_ok=True)
        random = np.random.default_rng(SEED)
        (x, y), (u, v) = clusters(random, TRAINED_ON), clusters(random, TESTED_ON)
        np.savez_compressed(build / "smart_pixels_clusters.npz", x_train=x, y_train=y, x_test=u, y_test=v)
        return
    x, truth = clusters(np.random.default_rng(SEED + 1), TESTED_ON)
    drawn, rows = [], []
    for name, model, file in [("2-D", "model.toml", "vectors.npz"), ("projections", "projection_model.toml", "projection_vectors.npz")]:
        found = outputs(HERE / model, {"charge": x})["track"]
        np.savez_compressed(HERE / file, charge=x[:SHOWN], track=found[:SHOWN])
        pull, mean = pulls(found, truth)
        errors = (truth - mean).std(0)
        drawn.append((f"{name}: pulls of {TESTED_ON} clusters, with mean and width, and the standard normal", pull))
        join = lambda numbers: ", ".join(f"{n:.2f}" for n in numbers)  # noqa: E731
        rows.append((name, errors, join(pull.mean(0)), join(pull.std(0))))
    draw(drawn)
    table(rows)


if __name__ == "__main__":
    main()
