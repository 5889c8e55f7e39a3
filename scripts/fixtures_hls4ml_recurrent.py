"""Makes tests/data/native/hls4ml_recurrent: what hls4ml's own C++ (nnet_recurrent.h, with the ap_types it ships) computes.

    pip install --no-deps hls4ml==1.3.0 && pip install numpy      # and g++
    python scripts/fixtures_hls4ml_recurrent.py

The steps are called one by one (`lstm_static`, `gru_static`): `lstm_stack` of hls4ml 1.3.0 also instantiates its other form, which
compiles only where input, result and accumulator have one type.

One native network, each layer of it an LSTM or GRU with random formats and weights behind the same input. The C++ is compiled
from hls4ml's installed package; nothing of it is kept here. The case is added to cases.toml.
"""

import importlib.util
import pathlib
import re
import subprocess
import tempfile

import numpy as np

OUT = pathlib.Path(__file__).resolve().parent.parent / "tests" / "data" / "native"
VIVADO = pathlib.Path(importlib.util.find_spec("hls4ml").submodule_search_locations[0]) / "templates" / "vivado"
SAMPLES, STEPS, FEATURES, UNITS = 60, 4, 3, 2
DATA = "fixed<10,4>"
rng = np.random.default_rng(3)

# Kind, result, accumulator, table, entries, sequences, activation
CASES = [
    ("lstm", "fixed<16,6>", "fixed<16,6>", "fixed<18,8>", 1024, True, "tanh"),
    ("lstm", "fixed<9,3,RND,SAT>", "fixed<11,4,RND,SAT>", "fixed<12,3>", 512, False, "tanh"),
    ("lstm", "fixed<12,3>", "fixed<14,5,TRN,SAT>", "fixed<10,2>", 256, True, "relu"),
    ("lstm", "fixed<8,2>", "fixed<10,3>", "fixed<18,8>", 1024, True, "tanh"),
    ("gru", "fixed<16,6>", "fixed<16,6>", "fixed<18,8>", 1024, True, "tanh"),
    ("gru", "fixed<9,3,RND,SAT>", "fixed<11,4,RND,SAT>", "fixed<12,3>", 512, False, "tanh"),
    ("gru", "fixed<12,3>", "fixed<14,5,TRN,SAT>", "fixed<10,2>", 256, True, "relu"),
    ("gru", "fixed<8,2>", "fixed<10,3>", "fixed<18,8>", 1024, True, "tanh"),
]

HEAD = """
#include <cstdio>
#include <vector>
#include "ap_fixed.h"
#include "nnet_utils/nnet_dense_latency.h"
#include "nnet_utils/nnet_recurrent.h"
"""

CONFIG = """
struct mult_{at}_{part} : nnet::dense_config {{
    static const unsigned n_in = {rows}; static const unsigned n_out = {columns};
    static const unsigned strategy = nnet::latency; static const unsigned reuse_factor = 1;
    static const unsigned n_zeros = 0; static const unsigned n_nonzeros = n_in * n_out;
    static const unsigned multiplier_limit = n_in * n_out; static const bool store_weights_in_bram = false;
    typedef {accum} accum_t; typedef {weight} bias_t; typedef {weight} weight_t;
    template<class data_T, class res_T, class CONFIG_T> using kernel = nnet::DenseLatency<data_T, res_T, CONFIG_T>;
    template<class x_T, class y_T> using product = nnet::product::mult<x_T, y_T>;
}};"""

LAYER = """
struct act_{at} : nnet::activ_config {{ static const unsigned n_in = {units}; static const unsigned table_size = {size};
    static const unsigned io_type = nnet::io_parallel; static const unsigned reuse_factor = 1; typedef {table} table_t; }};
struct act_{at}_recr : nnet::activ_config {{ static const unsigned n_in = {gated}; static const unsigned table_size = {size};
    static const unsigned io_type = nnet::io_parallel; static const unsigned reuse_factor = 1; typedef {table} table_t; }};
struct config_{at} : nnet::{kind}_config {{
    typedef {accum} accum_t; typedef {weight} weight_t; typedef {weight} recurrent_weight_t;
    typedef {weight} bias_t; typedef {weight} recurrent_bias_t;
    typedef mult_{at}_1 mult_config1; typedef mult_{at}_2 mult_config2; typedef act_{at}_recr ACT_CONFIG_{KIND};
    template<class x_T, class y_T, class config_T> using activation_recr = nnet::activation::sigmoid<x_T, y_T, config_T>;
    typedef act_{at} ACT_CONFIG_T;
    template<class x_T, class y_T, class config_T> using activation = nnet::activation::{activation}<x_T, y_T, config_T>;
    static const unsigned n_in = {features}; static const unsigned n_out = {units}; static const unsigned n_state = {units};
    static const unsigned n_sequence = {steps}; static const unsigned n_sequence_out = {out};
    static const unsigned io_type = nnet::latency; static const unsigned reuse_factor = 1;
    static const bool store_weights_in_bram = false; static const bool use_static = true; static const bool pytorch_order = false;
}};"""

RUN = """
    {{ static {weight} w[] = {{{w}}}; static {weight} u[] = {{{u}}}; static {weight} b[] = {{{b}}}; static {weight} c[] = {{{c}}};
    FILE *f = fopen("y{at}.bin", "wb");
    for (int s = 0; s < {samples}; s++) {{ {data} x[{count}]; {result} y[{units}], carry[{units}];
        for (int i = 0; i < {count}; i++) x[i] = in[s * {count} + i];
        for (int t = 0; t < {steps}; t++) {{
            nnet::{kind}_static<{data}, {result}, config_{at}>(t == 0, x + t * {features}, y, {carry}w, u, b, c);
            if ({last} <= t) for (int i = 0; i < {units}; i++) {{ double v = y[i].to_double(); fwrite(&v, 8, 1, f); }} }} }}
    fclose(f); }}"""


def cpp(text):
    """`fixed<8,3,RND,SAT>` in C++."""
    parts = text[text.index("<") + 1 : -1].split(",")
    return f"ap_{text[: text.index('<')]}<{','.join(parts[:2] + ['AP_' + mode for mode in parts[2:]])}>"


def numbers(array):
    return ", ".join(repr(float(v)) for v in np.ravel(array))


def main():
    x = np.clip(np.round(rng.normal(0, 1.2, (SAMPLES, STEPS, FEATURES)) * 64), -512, 511) / 64
    arrays, structs, runs, names = {"in_x": x}, [], [], []
    toml = [f'[[input]]\nname = "x"\nshape = [{STEPS}, {FEATURES}]\nformat = "{DATA}"\n']
    for at, (kind, result, accum, table, size, sequences, activation) in enumerate(CASES):
        gates = {"lstm": 4, "gru": 3}[kind]
        draw = lambda *shape: np.clip(np.round(rng.normal(0, 0.6, shape) * 64), -127, 127) / 64
        w, u, b = draw(FEATURES, gates * UNITS), draw(UNITS, gates * UNITS), draw(gates * UNITS)
        c = draw(gates * UNITS) if kind == "gru" else np.zeros(gates * UNITS)
        common = dict(at=at, kind=kind, KIND=kind.upper(), accum=cpp(accum), table=cpp(table), size=size, units=UNITS, steps=STEPS,
                      gated=(gates - 1) * UNITS, features=FEATURES, activation=activation, weight="ap_fixed<10,4>",
                      out=STEPS if sequences else 1, columns=gates * UNITS)
        structs += [CONFIG.format(part=1, rows=FEATURES, **common), CONFIG.format(part=2, rows=UNITS, **common)]
        structs.append(LAYER.format(**common))
        total = UNITS * (STEPS if sequences else 1)
        runs.append(RUN.format(w=numbers(w), u=numbers(u), b=numbers(b), c=numbers(c), samples=SAMPLES, data=cpp(DATA),
                               result=cpp(result), count=STEPS * FEATURES,
                               last=0 if sequences else STEPS - 1, carry="carry, " if kind == "lstm" else "", **common))
        name = f"{kind}_{at}"
        names.append((name, total))
        bias = np.stack([b, c]) if kind == "gru" else b
        lines = ["[[layer]]", f'name = "{name}"', f'kind = "{kind}"', 'inputs = ["x"]', f'activation = "{activation}"',
                 'recurrent_activation = "sigmoid"', f"return_sequences = {str(sequences).lower()}"]
        formats = dict(product=accum, accumulator=accum, gate=accum, activation=accum, recurrent_activation=accum, state=result, table=table)
        if kind == "lstm":
            formats["carry"] = result
        lines += [f'{key}_format = "{value}"' for key, value in formats.items()] + [f"table_size = {size}", "[layer.tensors]"]
        lines += [f"{key} = {value.tolist()}" for key, value in [("kernel", w), ("recurrent_kernel", u), ("bias", bias)]]
        toml.append("\n".join(lines) + "\n")
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        count = x.size
        body = f'std::vector<double> in({count}); FILE *g = fopen("x.bin", "rb"); if (fread(in.data(), 8, {count}, g) != {count}) return 1;'
        (folder / "main.cpp").write_text(HEAD + "".join(structs) + "\nint main() {\n" + body + "".join(runs) + "\nreturn 0; }\n")
        x.tofile(folder / "x.bin")
        flags = ["-std=c++14", "-O1", "-w", f"-I{VIVADO}", f"-I{VIVADO / 'ap_types'}"]
        subprocess.run(["g++", *flags, "main.cpp", "-o", "main"], cwd=folder, check=True)
        subprocess.run(["./main"], cwd=folder, check=True)
        for at, (name, total) in enumerate(names):
            y = np.fromfile(folder / f"y{at}.bin").reshape(SAMPLES, total)
            arrays["out_" + name] = y.reshape(SAMPLES, STEPS, UNITS) if CASES[at][5] else y
            print(name, len(np.unique(y)), "values")
    outputs = [name for name, _ in names]
    (OUT / "hls4ml_recurrent.toml").write_text("\n".join([f'format = "nanotrig/1"\noutputs = {outputs}\n'.replace("'", '"'), *toml]))
    np.savez_compressed(OUT / "hls4ml_recurrent.npz", **arrays)
    path = OUT / "cases.toml"
    cases = path.read_text() if path.exists() else ""
    cases = re.sub(r'\[\[case\]\]\nmodel = "hls4ml_recurrent\.toml"\n(?:\w.*\n)*\n?', "", cases).rstrip("\n")
    case = '[[case]]\nmodel = "hls4ml_recurrent.toml"\nvectors = "hls4ml_recurrent.npz"\nabout = "hls4ml\'s LSTM and GRU: casts, tables, sequences"\n'
    path.write_text((cases + "\n\n" if cases else "") + case)


if __name__ == "__main__":
    main()
