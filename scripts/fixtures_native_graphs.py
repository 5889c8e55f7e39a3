"""Makes the attention and graph networks of tests/data/native: their meaning in plain numpy.

    pip install numpy
    python scripts/fixtures_native_graphs.py

Each network is written down once, as calls that compute in float64 and note the layer. Numbers are dyadic and short, so float64
is exact; functions (exp, 1/x) are rounded to float32, as ours are, and then quantized. Cases are added to cases.toml.
"""

import pathlib
import re

import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "native"


def quantize(x, text):
    """ap_fixed: fixed<W,I,Q,O> or ufixed<..>, with the roundings and overflows used here."""
    signed, (width, integer), modes = text[0] != "u", *(lambda a: (map(int, a[:2]), a[2:] or ["TRN", "WRAP"]))(text[text.index("<") + 1 : -1].split(","))
    step = 2.0 ** (integer - width)
    code = {"TRN": np.floor, "RND": lambda v: np.floor(v + 0.5), "RND_CONV": np.round}[modes[0]](x / step)
    low, high = (-(2 ** (width - 1)), 2 ** (width - 1) - 1) if signed else (0, 2**width - 1)
    code = np.clip(code, low, high) if modes[1] == "SAT" else (code - low) % 2**width + low
    return code * step


FUNCTIONS = {
    "relu": lambda x: np.maximum(x, 0),
    "square": np.square,
    "negative": np.negative,
    "exponential": lambda x: np.exp(x).astype(np.float32).astype(np.float64),
    "reciprocal": lambda x: (np.float32(1) / x.astype(np.float32)).astype(np.float64),
}


class Value:
    def __init__(self, name, x):
        self.name, self.x = name, x


class Net:
    """Computes and writes at once."""

    def __init__(self, seed):
        self.rng, self.text, self.arrays, self.count = np.random.default_rng(seed), [], {}, {}
        self.samples, self.outputs = 40, []

    def input(self, name, shape, form="fixed<6,2,RND,SAT>"):
        x = quantize(self.rng.normal(0, 0.9, (self.samples, *shape)), form)
        self.arrays["in_" + name] = x
        self.text.append(f'[[input]]\nname = "{name}"\nshape = {list(shape)}\nformat = "{form}"\n')
        return Value(name, x)

    def layer(self, kind, inputs, x, tensors=(), name=None, **attributes):
        number = self.count[kind] = self.count.get(kind, 0) + 1
        name = name or f"{kind}_{number}"
        lines = ["[[layer]]", f'name = "{name}"', f'kind = "{kind}"', f"inputs = {[v.name for v in inputs]}".replace("'", '"')]
        for key, value in attributes.items():
            lines.append(f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}".replace("'", '"'))
        if tensors:
            lines.append("[layer.tensors]")
            lines += [f"{key} = {np.asarray(value, float).tolist()}" for key, value in tensors]
        self.text.append("\n".join(lines) + "\n")
        return Value(name, x)

    def weights(self, *shape, scale=0.5):
        return np.clip(np.round(self.rng.normal(0, scale, shape) * 16), -31, 31) / 16

    def quantize(self, v, form, name=None):
        return self.layer("quantize", [v], quantize(v.x, form), name=name, format=form)

    def end(self, v, name, form="fixed<12,5,RND,SAT>"):
        v = self.quantize(v, form, name)
        self.outputs.append(name)
        self.arrays["out_" + name] = v.x

    def function(self, v, function, form=None):
        v = self.layer("activation", [v], FUNCTIONS[function](v.x), function=function)
        return self.quantize(v, form) if form else v

    def dense(self, v, units, form=None, bias=True):
        kernel, b = self.weights(v.x.shape[-1], units), self.weights(units)
        tensors = [("kernel", kernel)] + ([("bias", b)] if bias else [])
        v = self.layer("dense", [v], v.x @ kernel + (b if bias else 0), tensors)
        return self.quantize(v, form) if form else v

    def einsum_dense(self, v, equation, kernel, bias=None, form=None):
        x = np.einsum(equation, v.x, kernel) + (0 if bias is None else bias)
        tensors = [("kernel", kernel)] + ([] if bias is None else [("bias", bias)])
        v = self.layer("einsum_dense", [v], x, tensors, equation=equation)
        return self.quantize(v, form) if form else v

    def einsum(self, a, b, equation, form=None):
        v = self.layer("einsum", [a, b], np.einsum(equation, a.x, b.x), equation=equation)
        return self.quantize(v, form) if form else v

    def merge(self, kind, *values):
        compute = {"add": lambda a, b: a + b, "subtract": lambda a, b: a - b, "multiply": lambda a, b: a * b}[kind]
        return self.layer(kind, list(values), compute(*[v.x for v in values]))

    def scale(self, v, constant):
        return self.layer("multiply", [v], v.x * constant, [("constant", constant)])

    def concatenate(self, *values):
        return self.layer("concatenate", list(values), np.concatenate([v.x for v in values], -1))

    def reduce(self, v, kind, axis, keep=False):
        x = {"sum": np.sum, "max": np.max, "mean": np.mean}[kind](v.x, axis=axis + (axis >= 0), keepdims=keep)
        return self.layer(kind, [v], x, axis=axis, keep_dims=keep)

    def reshape(self, v, *shape):
        return self.layer("reshape", [v], v.x.reshape(len(v.x), *shape), shape=list(shape))

    def softmax(self, v, form="ufixed<8,0,RND,SAT>"):
        """HGQ2's QSoftmax: exp of the distance to the maximum, the sum, its reciprocal, and a product, each quantized."""
        distance = self.quantize(self.merge("subtract", v, self.reduce(v, "max", -1, True)), "fixed<7,4,RND,SAT>")
        exp = self.function(distance, "exponential", "ufixed<8,1,RND,SAT>")
        total = self.quantize(self.reduce(exp, "sum", -1, True), "ufixed<8,3,RND,SAT>")
        inverse = self.function(total, "reciprocal", "ufixed<8,1,RND,SAT>")
        return self.quantize(self.merge("multiply", exp, inverse), form)


def attention(net, query, value, heads, size, units):
    """Keras' MultiHeadAttention: its einsum equations, projections with biases, scores scaled by 1/sqrt(size)."""
    q8, (n, m) = "fixed<7,3,RND,SAT>", (query.x.shape[-1], value.x.shape[-1])
    project = lambda v, n: net.einsum_dense(v, "abc,cde->abde", net.weights(n, heads, size), net.weights(heads, size), q8)
    q, k, v = project(query, n), project(value, m), project(value, m)
    q = net.scale(q, np.array(size**-0.5))
    scores = net.einsum(k, q, "aecd,abcd->acbe", "fixed<8,4,RND,SAT>")
    mixed = net.einsum(net.softmax(scores), v, "acbe,aecd->abcd", q8)
    return net.einsum_dense(mixed, "abcd,cde->abe", net.weights(heads, size, units), net.weights(units), "fixed<8,4,RND,SAT>")


def self_attention(net):
    x = net.input("x", (5, 3))
    y = attention(net, x, x, 2, 4, 3)
    y = net.quantize(net.merge("add", x, y), "fixed<8,3,RND_CONV,SAT>")
    y = net.function(net.dense(y, 4), "relu", "ufixed<6,3,RND,SAT>")
    net.end(net.dense(net.reduce(y, "sum", 0), 2), "scores")


def cross_attention(net):
    x, y = net.input("x", (4, 3)), net.input("y", (6, 2), "fixed<5,2,TRN,WRAP>")
    net.end(attention(net, x, y, 1, 4, 2), "mixed")


def deep_sets(net):
    x = net.input("particles", (8, 3))
    for units in (6, 4):
        x = net.function(net.dense(x, units), "relu", "ufixed<6,2,RND,SAT>")
    for kind in ("sum", "mean", "max"):
        y = net.quantize(net.reduce(x, kind, 0), "ufixed<9,5,RND,SAT>")
        y = net.function(net.dense(y, 4), "relu", "ufixed<6,3,RND,SAT>")
        net.end(net.dense(y, 3), f"classes_{kind}")


def interaction_network(net):
    nodes, x = 4, net.input("x", (4, 3))
    edges = [(r, s) for r in range(nodes) for s in range(nodes) if r != s]
    receive = np.array([[float(r == n) for r, _ in edges] for n in range(nodes)])
    send = np.array([[float(s == n) for _, s in edges] for n in range(nodes)])
    ends = [net.einsum_dense(x, "abc,bd->adc", matrix) for matrix in (receive, send)]
    e = net.function(net.dense(net.concatenate(*ends), 4), "relu", "ufixed<6,2,RND,SAT>")
    arrived = net.quantize(net.einsum_dense(e, "abc,db->adc", receive), "ufixed<7,3,RND,SAT>")
    n = net.function(net.dense(net.concatenate(x, arrived), 4), "relu", "ufixed<6,2,RND,SAT>")
    net.end(net.dense(net.reduce(n, "sum", 0), 2), "graph")
    net.end(net.dense(n, 1), "each_node")


def graph_convolution(net):
    x = net.input("x", (6, 3))
    adjacency = np.eye(6) + np.eye(6, k=1) + np.eye(6, k=-1)
    hat = np.round(16 * adjacency / adjacency.sum(1, keepdims=True)) / 16
    for units in (4, 3):
        x = net.einsum_dense(net.dense(x, units, "fixed<8,3,RND,SAT>", bias=False), "abc,db->adc", hat, net.weights(units))
        x = net.function(x, "relu", "ufixed<6,2,RND,SAT>")
    net.end(net.dense(net.reduce(x, "sum", 0), 2), "graph")


def garnet(net):
    x = net.input("vertices", (8, 3))
    features, distance = net.dense(x, 3, "fixed<7,3,RND,SAT>"), net.dense(x, 2, "fixed<7,2,RND,SAT>")
    weight = net.function(net.function(net.function(distance, "square"), "negative"), "exponential", "ufixed<8,0,RND,SAT>")
    sums = net.einsum(weight, features, "abs,abf->asf")
    mean = net.quantize(net.scale(sums, np.array(1 / 8)), "fixed<8,3,RND,SAT>")
    back = net.reshape(net.einsum(weight, mean, "abs,asf->absf", "fixed<8,3,RND,SAT>"), 8, 6)
    out = net.quantize(net.dense(net.concatenate(x, back, weight), 4), "fixed<8,3,RND,SAT>")
    net.end(net.dense(net.reduce(out, "mean", 0), 2), "energy")


def two_by_two(net):
    a, b = net.input("tracks", (3, 4)), net.input("weights", (3,), "ufixed<5,2,RND,SAT>")
    t = net.function(net.dense(a, 3), "relu", "ufixed<6,2,RND,SAT>")
    weighted = net.quantize(net.einsum(t, b, "abc,ab->ac"), "ufixed<8,4,RND,SAT>")
    y = net.concatenate(weighted, b)
    net.end(net.dense(y, 2), "first")
    net.end(net.merge("add", t, net.reduce(t, "max", 0, True)), "second")


CASES = [
    (self_attention, "self-attention of 5 steps and 2 heads, HGQ2's softmax, a residual sum and a dense layer behind"),
    (cross_attention, "attention of 4 queries to 6 values of another input"),
    (deep_sets, "DeepSets: sum, mean and maximum over 8 particles"),
    (interaction_network, "an interaction network of 4 nodes and 12 edges; an output per graph and one per node"),
    (graph_convolution, "two graph convolutions with a constant normalised adjacency"),
    (garnet, "GarNet: exp(-d^2) weights, aggregation and return"),
    (two_by_two, "two inputs, two outputs"),
]


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    path = OUT / "cases.toml"
    cases = path.read_text() if path.exists() else ""
    for seed, (build, about) in enumerate(CASES, 11):
        name, net = build.__name__, Net(seed)
        build(net)
        head = f'format = "nanotrig/1"\nname = "{name}"\noutputs = {net.outputs}\n'.replace("'", '"')
        (OUT / f"{name}.toml").write_text("\n".join([head, *net.text]))
        np.savez_compressed(OUT / f"{name}.npz", **net.arrays)
        print(name, {key: len(np.unique(x)) for key, x in net.arrays.items() if key.startswith("out_")})
        cases = re.sub(rf'\[\[case\]\]\nmodel = "{name}\.toml"\n(?:\w.*\n)*\n?', "", cases).rstrip("\n")
        case = f'[[case]]\nmodel = "{name}.toml"\nvectors = "{name}.npz"\nabout = "{about}"\n'
        cases = (cases + "\n\n" if cases else "") + case
    path.write_text(cases)


if __name__ == "__main__":
    main()
