"""alkaid 0.8.2: random networks of neutral-net/1, as alkaid's symbolic trace evaluates them before its optimiser.

The trace is exact integer arithmetic; networks are small, since building it solves each constant matrix.
"""

import gzip
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import numpy as np
from alkaid.trace import FVArray, trace
from bench_alkaid import apply
from cases import Blocks, Case, Draw, Redraw, codes

BLOCKS = Blocks()
block = BLOCKS.block


class Value:
    """What the operations so far give; `shape` has an axis of samples, as in other oracles."""

    def __init__(self, array, operations, saved):
        self.array, self.operations, self.saved = array, operations, saved
        self.shape = (1, *array.shape)

    def then(self, op):
        quantized = op.get("quant", op)
        if quantized.get("overflow") == "WRAP" and any(v.low == v.high != 0 for v in self.array.ravel()):
            raise Redraw("alkaid wraps an unsigned constant modulo 2^(i+1)")
        saved = dict(self.saved)
        try:
            return Value(apply(self.array, op, saved), [*self.operations, op], saved)
        except StopIteration:
            raise Redraw("alkaid does not sum constants only") from None


class Neutral(Draw):
    """Random formats and matrices."""

    def modes(self):
        return {"round": self.one("TRN", "RND"), "overflow": self.one("WRAP", "WRAP", "SAT", "SAT_SYM")}

    def bits(self, shape, low, high):
        """For all elements, or for each."""
        return self.int(low, high) if self.chance(0.5) else self.rng.integers(low, high + 1, int(np.prod(shape))).tolist()

    def quant(self, shape):
        return {"op": "quant", "k": self.bits(shape, 0, 1), "i": self.bits(shape, 0, 4), "f": self.bits(shape, -1, 4), **self.modes()}

    def weights(self, shape, units):
        limit = self.one(1, 3, 15, 60)
        w = self.rng.integers(-limit, limit + 1, shape) * (self.rng.random(shape) < self.one(0.4, 0.8, 1.0))
        bias = {"b": self.rng.integers(-40, 41, units).tolist(), "b_frac": self.int(0, 6)} if self.chance(0.6) else {}
        return {"w": w.tolist(), "w_frac": self.int(0, 5), **bias}


def small(g, x):
    """Sums are wide: a format before the next product, nearly always."""
    return x.then(g.quant(x.shape[1:])) if g.chance(0.9) else x


@block(1, 2, 3, weight=3)
def dense(g, x):
    units = g.int(1, 6)
    return small(g, x.then({"op": "dense", **g.weights((x.shape[-1], units), units)}))


@block(3, weight=3)
def conv2d(g, x):
    size, units = [g.int(1, min(3, n)) for n in x.shape[1:3]], g.int(1, 3)
    op = {"op": "conv2d", **g.weights((*size, x.shape[3], units), units), "stride": [g.int(1, 2), g.int(1, 2)]}
    return small(g, x.then(op))


@block(1, 2, 3)
def relu(g, x):
    return x.then({"op": "relu"})


@block(1, 2, 3, weight=2)
def quant(g, x):
    return x.then(g.quant(x.shape[1:]))


@block(3)
def maxpool2d(g, x):
    return x.then({"op": "maxpool2d", "size": [min(2, n) for n in x.shape[1:3]]})


@block(2, 3)
def total(g, x):
    return x.then({"op": "sum", "axis": g.int(0, len(x.shape) - 2)})


@block(2, 3)
def move(g, x):
    shape = x.shape[1:]
    return x.then(g.one(
        {"op": "transpose", "perm": [int(n) for n in g.rng.permutation(len(shape))]}, {"op": "flatten"},
        {"op": "reshape", "shape": [shape[-1], int(np.prod(shape)) // shape[-1]]}))


@block(1, 2, 3)
def residual(g, x):
    """Some layers of the same shape between a value and its sum with what they give."""
    key = g.names = g.names + 1
    op = {"op": "save", "id": key} | ({"quant": {k: v for k, v in g.quant(x.shape[1:]).items() if k != "op"}} if g.chance(0.5) else {})
    y = small(g, x.then(op).then({"op": "dense", **g.weights((x.shape[-1], x.shape[-1]), x.shape[-1])}))
    return y.then({"op": "add_saved", "id": key})


@block(1, 2, 3)
def square(g, x):
    return small(g, x.then({"op": "quant", "k": 1, "i": 2, "f": 2, **g.modes()}).then({"op": "square"}))


@block(1, 2, 3)
def table(g, x):
    k, i, f = g.int(0, 1), g.int(0, 2), g.int(0, 3)
    if k + i + f == 0:
        f = 1
    x = x.then({"op": "quant", "k": k, "i": i, "f": f, **g.modes()})
    values = g.rng.integers(-31, 32, 1 << (k + i + f)).tolist()
    return x.then({"op": "table", "k": k, "i": i, "f": f, "values": values, "out_f": g.int(0, 4)})


def make(seed, folder):
    g = Neutral(seed)
    shape = g.shape()
    count = int(np.prod(shape))
    k, i, f = (g.rng.integers(low, high + 1, count) for low, high in [(0, 1), (0, 4), (-1, 4)])
    inputs = FVArray.from_kif(*(v.reshape(shape) for v in (k, i, f)))
    y = BLOCKS.chain(g, Value(inputs, [], {}), elements=80)
    if not y.operations:
        raise Redraw("no operation")
    # Codes of each element's own format; an element without bits is 0.
    low, high = -(k << np.maximum(i + f, 0)), (1 << np.maximum(i + f, 0)) - 1
    x = np.clip(codes(g.rng, (count,), -256, 255), low, high) * (k + i + f > 0) * 2.0 ** -f
    want = trace(inputs, y.array, optimize=False).predict(x)
    net = {"format": "neutral-net/1", "name": f"seed_{seed}", "about": "random", "input": {"shape": list(shape), "k": k.tolist(), "i": i.tolist(), "f": f.tolist()},
           "ops": y.operations}
    path = folder / "model.json.gz"
    path.write_bytes(gzip.compress(json.dumps(net).encode(), mtime=0))
    names = ", ".join(op["op"] for op in y.operations)
    return Case(path, {"input": x.reshape(-1, *shape)}, {"y": want}, f"{shape}: {names}")
