"""Makes tests/data/native/hls4ml_*: what hls4ml's own C++ (nnet_utils, with the ap_types it ships) computes.

    pip install --no-deps hls4ml==1.3.0 && pip install numpy      # and g++
    python scripts/fixtures_hls4ml_activations.py

Each case is a native network and an .npz of `in_NAME` and `out_NAME`. Formats, parameters and inputs are random, from a seed.
The C++ is compiled from hls4ml's installed package; nothing of it is kept here.
"""

import importlib.util
import json
import pathlib
import subprocess
import tempfile

import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "native"
VIVADO = pathlib.Path(importlib.util.find_spec("hls4ml").submodule_search_locations[0]) / "templates" / "vivado"
SAMPLES = 120
rng = np.random.default_rng(7)

HEAD = """
#include <cstdio>
#include <cmath>
#include <vector>
#include "ap_fixed.h"
#include "nnet_utils/nnet_activation.h"
#include "nnet_utils/nnet_layernorm.h"
static std::vector<double> load(const char *path, size_t n) {
    std::vector<double> v(n); FILE *f = fopen(path, "rb"); if (fread(v.data(), 8, n, f) != n) return {}; fclose(f); return v; }
static void store(const char *path, const std::vector<double> &v) {
    FILE *f = fopen(path, "wb"); fwrite(v.data(), 8, v.size(), f); fclose(f); }
"""


def cpp(text):
    """`fixed<8,3,RND,SAT>` in C++."""
    name, rest = text.split("<")
    parts = rest.rstrip(">").split(",")
    modes = [f"AP_{mode}" for mode in parts[2:]]
    return f"ap_{name}<{','.join(parts[:2] + modes)}>"


def parts(text):
    name, rest = text.split("<")
    w, i = [int(p) for p in rest.rstrip(">").split(",")[:2]]
    return name == "fixed", w, i


def random_format(signed=True, low=6, high=16, integer=(1, 6)):
    width = int(rng.integers(low, high + 1))
    mode = str(rng.choice(["", ",RND,SAT", ",RND_CONV,SAT", ",TRN,SAT_SYM", ",RND_ZERO,WRAP"]))
    return f"{'fixed' if signed else 'ufixed'}<{width},{int(rng.integers(*integer))}{mode}>"


def inputs(text, shape):
    """Codes over the whole range, and many near 0."""
    signed, w, i = parts(text)
    lo, hi = (-(1 << (w - 1)), 1 << (w - 1)) if signed else (0, 1 << w)
    wide = rng.integers(lo, hi, (SAMPLES, *shape))
    near = np.clip(np.round(rng.normal(0, (hi - lo) / 40, (SAMPLES, *shape))), lo, hi - 1)
    codes = np.where(rng.uniform(size=wide.shape) < 0.5, wide, near)
    codes[0], codes[1], codes[2] = lo, hi - 1, 0
    return codes * 2.0 ** (i - w)


class Case:
    """A native network with one layer behind each other's inputs, and the C++ that computes them."""

    def __init__(self, name):
        self.name, self.toml, self.blocks, self.body, self.arrays, self.outputs = name, [], [], [], {}, []
        self.formats, self.shapes = {}, {}

    def input(self, name, text, shape):
        self.formats[name], self.shapes[name] = text, shape
        self.toml.append(f'[[input]]\nname = "{name}"\nshape = {list(shape)}\nformat = "{text}"\n')
        self.arrays[f"in_{name}"] = inputs(text, shape)

    def layer(self, kind, source, struct, call, to, count=None, tensors=None, **attributes):
        name = f"y{len(self.outputs)}"
        self.outputs.append(name)
        tensors = tensors or {}
        lines = [f'[[layer]]\nname = "{name}"\nkind = "{kind}"\ninputs = ["{source}"]', f'format = "{to}"']
        lines += [f"{key} = {json.dumps(value)}" for key, value in attributes.items() if value is not None]
        lines += [f"tensors.{key} = {json.dumps(value)}" for key, value in tensors.items()]
        self.toml.append("\n".join(lines) + "\n")
        n = int(np.prod(self.shapes[source]))
        self.arrays[f"out_{name}"] = self.shapes[source]
        self.blocks.append(f"struct config_{name} {struct};")
        weights = "".join(
            f"static {cpp(attributes.get(key + '_cpp', to))} {key}[] = {{}};" for key in [])
        call = call.format(d=cpp(self.formats[source]), r=cpp(to), c=f"config_{name}")
        self.body.append(f"""{{ {weights}
            auto x = load("{source}.bin", {SAMPLES * n}); std::vector<double> y;
            for (int s = 0; s < {SAMPLES}; s++) {{ {cpp(self.formats[source])} data[{n}]; {cpp(to)} res[{n}];
              for (int i = 0; i < {n}; i++) data[i] = x[s * {n} + i];
              {call}
              for (int i = 0; i < {n}; i++) y.push_back(res[i].to_double()); }}
            store("{name}.bin", y); }}""")

    def save(self, about):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            source = HEAD + "\n".join(self.blocks) + "\nint main() {\n" + "\n".join(self.body) + "\nreturn 0; }\n"
            (folder / "main.cpp").write_text(source)
            for name in self.formats:
                self.arrays[f"in_{name}"].astype(np.float64).tofile(folder / f"{name}.bin")
            flags = ["-std=c++14", "-O1", "-w", f"-I{VIVADO}", f"-I{VIVADO / 'ap_types'}"]
            subprocess.run(["g++", *flags, "main.cpp", "-o", "main"], cwd=folder, check=True)
            subprocess.run(["./main"], cwd=folder, check=True)
            for name in self.outputs:
                y = np.fromfile(folder / f"{name}.bin")
                self.arrays[f"out_{name}"] = y.reshape(SAMPLES, *self.arrays[f"out_{name}"])
        order = "outputs = " + json.dumps(self.outputs) + "\n"
        (OUT / f"{self.name}.toml").write_text('format = "nanotrig/1"\n' + order + "".join(self.toml))
        np.savez_compressed(OUT / f"{self.name}.npz", **self.arrays)
        return f'[[case]]\nmodel = "{self.name}.toml"\nvectors = "{self.name}.npz"\nabout = "{about}"\n'


def activations():
    case = Case("hls4ml_activations")
    n = 2
    for name, text in [("x", "fixed<16,6>"), ("y", "fixed<11,4>"), ("z", "ufixed<9,3>")]:
        case.input(name, text, (n,))
        for function in ["sigmoid", "tanh", "softplus", "softsign", "selu"]:
            size = int(rng.choice([64, 256, 512, 1024, 600]))
            table = random_format(low=8, high=18, integer=(2, 8))
            struct = f"{{ static const unsigned n_in = {n}; static const unsigned table_size = {size}; typedef {cpp(table)} table_t; }}"
            case.layer("hls4ml_activation", name, struct, f"nnet::{function}<{{d}}, {{r}}, {{c}}>(data, res);",
                       random_format(), function=function, table_size=size, table_format=table)
        plain = f"{{ static const unsigned n_in = {n}; }}"
        for function in ["relu", "relu6", "relu1", "binary_tanh", "ternary_tanh", "linear"]:
            case.layer("hls4ml_activation", name, plain, f"nnet::{function}<{{d}}, {{r}}, {{c}}>(data, res);",
                       random_format(integer=(3, 7)), function=function)
        alpha, alpha_format = float(rng.uniform(0.05, 3)), "ufixed<12,3>"
        size, table = int(rng.choice([128, 1024])), random_format(low=8, high=18, integer=(2, 8))
        struct = f"{{ static const unsigned n_in = {n}; static const unsigned table_size = {size}; typedef {cpp(table)} table_t; }}"
        call = f"nnet::elu<{{d}}, {cpp(alpha_format)}, {{r}}, {{c}}>(data, {alpha!r}, res);"
        case.layer("hls4ml_activation", name, struct, call, random_format(), function="elu", table_size=size,
                   table_format=table, param=alpha, param_format=alpha_format)
        for function in ["leaky_relu", "thresholded_relu"]:
            call = f"nnet::{function}<{{d}}, {cpp(alpha_format)}, {{r}}, {{c}}>(data, {alpha!r}, res);"
            case.layer("hls4ml_activation", name, plain, call, random_format(), function=function, param=alpha,
                       param_format=alpha_format)
        for function in ["hard_sigmoid", "hard_tanh"]:
            slope, shift = ("ufixed<16,0>", "ufixed<2,0>")
            struct = (f"{{ static const unsigned n_in = {n}; static const unsigned io_type = 0; const static {cpp(slope)} slope;"
                      f" const static {cpp(shift)} shift; }}")
            index = f"y{len(case.outputs)}"
            case.layer("hls4ml_activation", name, struct, f"nnet::{function}<{{d}}, {{r}}, {{c}}>(data, res);",
                       random_format(), function=function)
            case.blocks.append(f"const {cpp(slope)} config_{index}::slope = 0.2; const {cpp(shift)} config_{index}::shift = 0.5;")
        slopes = [float(a) for a in np.round(rng.uniform(-0.5, 1.5, n) * 64) / 64]
        call = (f"static ap_fixed<10,4> a[{n}] = {{{{{', '.join(map(str, slopes))}}}}};"
                f" nnet::prelu<{{d}}, ap_fixed<10,4>, {{r}}, {{c}}>(data, a, res);")
        case.layer("hls4ml_activation", name, plain, call, random_format(), function="prelu", tensors=dict(alpha=slopes))
    return case.save("hls4ml's activations, with tables of several sizes and casts of every kind")


def softmax_struct(n, a):
    fields = dict(exp_table_t=a["exp_format"], inv_table_t=a["inv_format"], accum_t=a["accumulator_format"],
                  inv_inp_t=a["inv_input_format"], inp_norm_t=a["norm_format"], table_t=a["table_format"])
    types = " ".join(f"typedef {cpp(value)} {key};" for key, value in fields.items())
    return (f"{{ static const unsigned n_in = {n}; static const unsigned n_slice = {n}; static constexpr float exp_scale ="
            f" {a['exp_scale']}f; static const unsigned exp_table_size = {a['exp_table_size']}; static const unsigned"
            f" inv_table_size = {a['inv_table_size']}; static const nnet::softmax_implementation implementation ="
            f" nnet::softmax_implementation::{a['implementation']}; {types} }}")


def softmax(name, n, signed_input):
    case = Case(name)
    text = "fixed<12,4>" if signed_input else "ufixed<10,3>"
    case.input("x", text, (n,))
    for implementation in ["latency", "stable", "legacy", "argmax"]:
        for plain in [True, False]:
            default = "fixed<18,8,RND,SAT>"
            a = dict(implementation=implementation, input_format=text, exp_table_size=1024, inv_table_size=1024,
                     exp_format=default, inv_format=default, accumulator_format=default, inv_input_format=default,
                     norm_format="ufixed<11,3>" if signed_input else "ufixed<10,3>", table_format="fixed<18,8>", exp_scale=1.0)
            if not plain:
                a.update(exp_table_size=int(2 ** rng.integers(4, 9)), inv_table_size=int(2 ** rng.integers(4, 9)),
                         exp_format=random_format(False, 10, 17, (3, 8)), inv_format=random_format(True, 10, 18, (4, 8)),
                         accumulator_format=random_format(True, 12, 18, (4, 9)), table_format=random_format(True, 12, 18, (6, 9)),
                         inv_input_format=random_format(False, 10, 18, (4, 8)), exp_scale=float(rng.choice([0.5, 0.75, 1.25])),
                         norm_format=random_format(False, 9, 12, (2, 5)))
            to = "ufixed<12,0,RND,SAT>" if plain else random_format(True, 8, 14, (1, 3))
            case.layer("softmax", "x", softmax_struct(n, a), "nnet::softmax<{d}, {r}, {c}>(data, res);", to, **a)
    return case.save(f"hls4ml's four softmaxes over {n} elements, as shipped and with other tables and casts")


def layer_norm():
    case = Case("hls4ml_layer_norm")
    for name, (rows, n), text in [("x", (2, 5), "fixed<12,3>"), ("y", (1, 8), "fixed<10,2>")]:
        case.input(name, text, (rows, n))
        for plain in [True, False]:
            accumulator = "fixed<18,6>" if plain else random_format(True, 14, 20, (4, 8))
            table = "fixed<18,8>" if plain else random_format(True, 12, 18, (6, 8))
            size, power, epsilon = (1024, 0, 3) if plain else (256, int(rng.integers(0, 3)), int(rng.integers(1, 5)))
            gamma = [float(v) for v in np.round(rng.uniform(0.25, 2, n) * 64) / 64]
            beta = [float(v) for v in np.round(rng.uniform(-1, 1, n) * 64) / 64]
            struct = (f"{{ static const unsigned n_in = {rows * n}; static const unsigned seq_len = {rows}; static const unsigned"
                      f" axis = 2; static const unsigned epsilon_power_of_10 = {epsilon}; static const unsigned"
                      f" table_range_power2 = {power}; static const unsigned table_size = {size}; static const unsigned io_type"
                      f" = 0; static const unsigned reuse_factor = 1; typedef {cpp(accumulator)} accum_t; typedef"
                      f" ap_fixed<12,4> bias_t; typedef ap_fixed<12,4> scale_t; typedef {cpp(table)} table_t;"
                      " template <class a, class b> using product = nnet::product::mult<a, b>; }")
            values = [", ".join(map(str, list_)) for list_ in (gamma, beta)]
            call = (f"static ap_fixed<12,4> g[{n}] = {{{{{values[0]}}}}}; static ap_fixed<12,4> b[{n}] = {{{{{values[1]}}}}};"
                    " nnet::layernormalize<{d}, {r}, {c}>(data, res, g, b);")
            case.layer("layer_norm", name, struct, call, random_format(True, 10, 16, (4, 6)), accumulator_format=accumulator,
                       table_format=table, table_size=size, table_range_power2=power, epsilon=10.0 ** -epsilon,
                       tensors=dict(gamma=gamma, beta=beta))
    return case.save("hls4ml's layer normalisation, with table ranges and casts of several kinds")


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    cases = [activations(), softmax("hls4ml_softmax", 5, True), softmax("hls4ml_softmax_unsigned", 3, False), layer_norm()]
    path = OUT / "cases.toml"
    old = path.read_text() if path.exists() else ""
    kept = [c for c in old.split("[[case]]\n") if c.strip() and 'model = "hls4ml_' not in c]
    path.write_text("\n".join(["[[case]]\n" + c.strip() + "\n" for c in kept] + cases))


if __name__ == "__main__":
    main()
