"""Makes tests/data/hgq2/gradients.json: what HGQ2's own fixed-point quantizers give in training, and their slopes.

    python -m venv VENV && VENV/bin/pip install HGQ2==0.2.0 keras==3.15.1 "jax[cpu]"
    VENV/bin/python scripts/fixtures_gradients_hgq2.py

Of `FixedPointQuantizerKIF` and `FixedPointQuantizerKBI`, all overflows and roundings that nanotrig learns, with formats for the
tensor, for each channel and for each element: the values in training and after it; the gradient of a weighted sum of those in
training by inputs, integer and fraction bits (KBI: bits); and the integer bits that a quantizer which wraps follows to.
"""

import json
import os
import pathlib

os.environ["KERAS_BACKEND"], os.environ["JAX_PLATFORMS"] = "jax", "cpu"

import jax
import numpy as np
from hgq.quantizer.internal import FixedPointQuantizerKBI, FixedPointQuantizerKIF

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "hgq2" / "gradients.json"
# Axes that share a format; the first is the samples'.
GROUPS = {"tensor": (0, 1, 2), "channel": (0, 1), "element": (0,)}
SHAPE = (12, 2, 3)
SIGNS = (0, 1)


def inputs(random):
    """Numbers of a fine grid, on ties and beyond bounds too; the greatest are rare."""
    return (np.round(random.normal(size=SHAPE) * 3 * 64) / 64).astype(np.float32)


def case(kind, signed, rounding, overflow, group, weight, random):
    """One quantizer on one batch."""
    axes = () if weight and group == "element" else GROUPS[group]
    names = {"round_mode": rounding, "overflow_mode": overflow, "homogeneous_axis": axes, "i_decay_speed": 0.01, "is_weight": weight}
    make = {"kif": lambda: FixedPointQuantizerKIF(signed, 2, 3, ic=None, fc=None, **names),
            "kbi": lambda: FixedPointQuantizerKBI(signed, 5, 2, bc=None, ic=None, **names)}[kind]
    quantizer = make()
    quantizer.build(SHAPE)
    shape = quantizer._i.shape
    integer = (random.integers(0, 4, size=shape) + random.uniform(-0.4, 0.4, size=shape)).astype(np.float32)
    fraction = (random.integers(1, 4, size=shape) + random.uniform(-0.4, 0.4, size=shape)).astype(np.float32)
    second = quantizer._f if kind == "kif" else quantizer._b
    quantizer._i.assign(integer)
    second.assign(fraction if kind == "kif" else np.round(integer) + fraction)
    before = {"integer": np.asarray(quantizer._i.value), "second": np.asarray(second.value)}
    x, upstream = inputs(random), random.normal(size=SHAPE).astype(np.float32)
    evaluated = np.array(quantizer(x, training=False))
    trained, fixed = [v.value for v in quantizer.trainable_variables], [v.value for v in quantizer.non_trainable_variables]

    def run(x, trained):
        y, updated = quantizer.stateless_call(trained, fixed, x, training=True)
        return (y * upstream).sum(), (y, updated)

    (_, (y, updated)), (dx, by) = jax.value_and_grad(run, argnums=(0, 1), has_aux=True)(x, trained)
    slopes = {variable.name: slope for variable, slope in zip(quantizer.trainable_variables, by)}
    followed = {variable.name: value for variable, value in zip(quantizer.non_trainable_variables, updated)}
    numbers = lambda array: [float(str(np.float32(value))) for value in np.asarray(array).ravel()]
    found = {"x": x, "upstream": upstream, **before, "evaluated": evaluated, "trained": y, "dx": dx,
             "dsecond": slopes["f" if kind == "kif" else "b"]}
    if "i" in slopes:
        found["dinteger"] = slopes["i"]
    elif not weight:
        found["followed"] = followed["i"]
    head = {"kind": kind, "signed": signed, "rounding": rounding, "overflow": overflow, "weight": weight, "shape": list(SHAPE), "formats": list(shape)}
    return head | {name: numbers(array) for name, array in found.items()}


def main():
    random = np.random.default_rng(7)
    cases = []
    for kind in ("kif", "kbi"):
        for overflow in ("WRAP", "SAT", "SAT_SYM"):
            # KBI that wraps derives its fraction bits from the integer bits that it follows: nanotrig's wrapping formats are KIF.
            if (kind, overflow) == ("kbi", "WRAP"):
                continue
            for rounding in ("RND", "RND_CONV", "TRN"):
                for at, group in enumerate(GROUPS):
                    cases.append(case(kind, SIGNS[(at + len(cases)) % 2], rounding, overflow, group, False, random))
    for group in GROUPS:
        cases.append(case("kif", 1, "RND", "WRAP", group, True, random))
    text = ",\n".join(json.dumps(case) for case in cases)
    OUT.write_text(f'{{"cases": [\n{text}\n]}}\n')
    print(f"{len(cases)} cases")


if __name__ == "__main__":
    main()
