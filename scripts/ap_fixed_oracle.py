"""A second evaluator of hls4ml firmware: what the C++ computes, in whole numbers, written after nnet_utils and nothing else.

    pip install numpy
    python scripts/ap_fixed_oracle.py NAME.json --samples 100 --seed 1 --inputs IN.npz --outputs OUT.npz

Reads the dump of scripts/from_hls4ml.py's first kind (NAME.json, NAME.npz beside it) without sharing code with it, draws inputs (all
bits random, and of smaller sizes), and writes inputs and outputs as real values, one array each by name.
"""

import argparse
import json
import math
import pathlib
import re

import numpy as np


class Type:
    """ap_fixed<W,I,Q,O> or ap_int<W>: cast() is the assignment operator."""

    def __init__(self, text):
        match = re.match(r"ap_(u?)(fixed|int)<(.*)>$", text.replace(" ", ""))
        parts = match.group(3).split(",")
        self.signed, self.width = match.group(1) == "", int(parts[0])
        self.fraction = self.width - int(parts[1]) if match.group(2) == "fixed" else 0
        modes = parts[2:] if match.group(2) == "fixed" else []
        self.rounding, self.overflow = (modes + ["AP_TRN", "AP_WRAP"][len(modes):])[:2]

    def cast(self, codes, fraction):
        """Codes on the grid 2^-fraction to codes of this type."""
        x = np.asarray(codes, dtype=object)
        drop = fraction - self.fraction
        x = x * (1 << -drop) if drop <= 0 else self.round(x, drop)
        low = -(1 << (self.width - 1)) if self.signed else 0
        high = (1 << (self.width - 1 if self.signed else self.width)) - 1
        if self.overflow == "AP_WRAP":
            return (x - low) % (1 << self.width) + low
        if self.overflow == "AP_SAT_ZERO":
            return np.where((x < low) | (x > high), 0, x)
        low += self.overflow == "AP_SAT_SYM" and self.signed
        return np.minimum(np.maximum(x, low), high)

    def round(self, x, drop):
        one, half = 1 << drop, 1 << (drop - 1)
        floor, rest = x // one, x % one
        up = {
            "AP_TRN": rest < 0,
            "AP_TRN_ZERO": (x < 0) & (rest > 0),
            "AP_RND": rest >= half,
            "AP_RND_ZERO": (rest > half) | ((rest == half) & (x < 0)),
            "AP_RND_INF": (rest > half) | ((rest == half) & (x > 0)),
            "AP_RND_MIN_INF": rest > half,
            "AP_RND_CONV": (rest > half) | ((rest == half) & (floor % 2 == 1)),
        }[self.rounding]
        return floor + np.where(up, 1, 0)

    def of(self, values):
        """Codes of doubles."""
        def one(value):
            numerator, denominator = float(value).as_integer_ratio()
            return self.cast(np.array([numerator], dtype=object), denominator.bit_length() - 1)[0]
        return np.array([one(value) for value in np.ravel(values)], dtype=object).reshape(np.shape(values))


class Firmware:
    def __init__(self, path):
        self.dump = json.loads(path.read_text())
        self.arrays = dict(np.load(path.with_suffix(".npz")))
        self.values = {}  # variable -> (codes [samples, elements], type)

    def type(self, name):
        return Type(self.dump["typedefs"][name])

    def sizes(self, call):
        """The configuration's numbers; names of sizes are looked up, and products of them computed."""
        known, found = self.dump.get("sizes", {}), {}
        for key, text in self.dump["configs"].get(call["template"][-1], {}).items():
            for name in sorted(known, key=len, reverse=True):
                text = text.replace(name, str(known[name]))
            if re.fullmatch(r"-?\d+(\*-?\d+)*", text):
                found[key] = math.prod(int(factor) for factor in text.split("*"))
        return found

    def setting(self, call, key):
        return self.dump["configs"].get(call["template"][-1], {}).get(key, "")

    def product_sum(self, call, rows, weight, bias, result):
        """nnet::dense: rows [.., inputs] times weight [inputs, outputs]; each product and each partial sum in accum_t."""
        (x, x_type) = rows
        w_type, b_type, accum = (self.type(self.setting(call, f"type:{key}_t")) for key in ("weight", "bias", "accum"))
        w = w_type.of(weight)
        acc = accum.cast(np.broadcast_to(b_type.of(bias), x.shape[:-1] + (w.shape[1],)), b_type.fraction)
        for i in range(w.shape[0]):
            products = accum.cast(x[..., i, None] * w[i], x_type.fraction + w_type.fraction)
            acc = accum.cast(acc + products, accum.fraction)
        return result.cast(acc, accum.fraction)

    def run(self):
        for call in self.dump["layers"]:
            if call["op"] != "reduce":
                getattr(self, call["op"])(call)

    def read(self, call, position=0):
        """An operand; `layer6_out` that nothing makes is another name for what was made last (a reshape in place)."""
        return self.values.get(call["args"][position]) or self.values[self.last]

    def put(self, call, codes, position=1):
        result = self.type(call["template"][position])
        self.values[call["args"][position]] = (codes.reshape(codes.shape[0], -1), result)
        self.last = call["args"][position]

    def dense(self, call):
        sizes, (x, x_type) = self.sizes(call), self.read(call)
        w, b = (self.arrays[name] for name in call["args"][2:4])
        shape = (sizes["n_in"], sizes["n_out"])
        w = w.reshape(shape[::-1]).T if "resource" in self.setting(call, "strategy") else w.reshape(shape)
        self.put(call, self.product_sum(call, (x, x_type), w, b, self.type(call["template"][1])))

    def conv_2d_cl(self, call):
        s, (x, x_type) = self.sizes(call), self.read(call)
        height, width = s.get("in_height", 1), s["in_width"]
        taps = (s.get("filt_height", 1), s["filt_width"], s["n_chan"], s["n_filt"])
        w, b = (self.arrays[name] for name in call["args"][2:4])
        if "resource" in self.setting(call, "strategy"):
            w = w.reshape(taps[3], *taps[:3]).transpose(1, 2, 3, 0)
        x = x.reshape(x.shape[0], height, width, s["n_chan"])
        pads = [(0, 0), (s.get("pad_top", 0), s.get("pad_bottom", 0)), (s.get("pad_left", 0), s.get("pad_right", 0)), (0, 0)]
        x = np.pad(x, pads, constant_values=0)
        rows, columns = s.get("out_height", 1), s["out_width"]
        windows = np.empty((x.shape[0], rows, columns, taps[0] * taps[1] * taps[2]), dtype=object)
        for r in range(rows):
            for c in range(columns):
                top, left = r * s.get("stride_height", 1), c * s["stride_width"]
                windows[:, r, c] = x[:, top:top + taps[0], left:left + taps[1]].reshape(x.shape[0], -1)
        self.put(call, self.product_sum(call, (windows, x_type), w.reshape(-1, taps[3]), b, self.type(call["template"][1])))

    conv_1d_cl = pointwise_conv_1d_cl = conv_2d_cl

    def normalize(self, call):
        s, (x, x_type) = self.sizes(call), self.read(call)
        scale_type, bias_type = (self.type(self.setting(call, f"type:{key}_t")) for key in ("scale", "bias"))
        scale, bias = scale_type.of(self.arrays[call["args"][2]]), bias_type.of(self.arrays[call["args"][3]])
        count = s.get("n_filt", -1) if s.get("n_filt", -1) > 0 else x.shape[1]
        index = np.arange(x.shape[1]) % count
        fraction = max(x_type.fraction + scale_type.fraction, bias_type.fraction)
        y = x * scale[index] * (1 << (fraction - x_type.fraction - scale_type.fraction))
        y = y + bias[index] * (1 << (fraction - bias_type.fraction))
        self.put(call, self.type(call["template"][1]).cast(y, fraction))

    def relu(self, call):
        x, x_type = self.read(call)
        self.put(call, self.type(call["template"][1]).cast(np.where(x > 0, x, 0), x_type.fraction))

    def linear(self, call):
        x, x_type = self.read(call)
        self.put(call, self.type(call["template"][1]).cast(x, x_type.fraction))

    def table(self, call, spread, function):
        """index = int(x * size / spread) + size / 2, toward zero and clamped; the table's entries are of table_t."""
        x, x_type = self.read(call)
        size, table_type = self.sizes(call)["table_size"], self.type(self.setting(call, "type:table_t"))
        points = [np.float32(spread * (i - size / 2.0) / size) for i in range(size)]
        table = table_type.of(np.array([function(point) for point in points], dtype=np.float64))
        scaled = np.abs(x) * size // (spread << x_type.fraction) if x_type.fraction >= 0 else np.abs(x) * size // spread << -x_type.fraction
        index = np.clip(np.where(x < 0, -scaled, scaled) + size // 2, 0, size - 1)
        self.put(call, self.type(call["template"][1]).cast(table[index.astype(int)], table_type.fraction))

    def sigmoid(self, call):
        one = np.float32(1)
        self.table(call, 16, lambda x: np.float32(1.0 / float(one + np.exp(-x, dtype=np.float32))))

    def tanh(self, call):
        self.table(call, 8, lambda x: np.tanh(x, dtype=np.float32))

    def softmax(self, call):
        """The `stable` implementation of hls4ml 0.8 to 1.0: differences in the operand's type, rounded and saturated."""
        x, x_type = self.read(call)
        bits = self.sizes(call)["table_size"].bit_length() - 1
        exp_type, inv_type = (self.type(self.setting(call, f"type:{key}_table_t")) for key in ("exp", "inv"))
        difference = Type(f"ap_fixed<{x_type.width},{x_type.width - x_type.fraction},AP_RND,AP_SAT>")
        top = lambda codes, of: (codes % (1 << of.width)) >> (of.width - bits)

        def real(index, of):
            code = index << (of.width - bits)
            code -= 1 << of.width if of.signed and code >> (of.width - 1) else 0
            return np.float32(code / 2.0**of.fraction)

        with np.errstate(divide="ignore", over="ignore"):
            exps = exp_type.of([float(min(np.exp(real(i, x_type)), np.float32(3e38))) for i in range(1 << bits)])
            inverses = [np.float32(1) / real(i, exp_type) if i else np.float32(3e38) for i in range(1 << bits)]
        inverses = inv_type.of(np.array(inverses, dtype=np.float64))
        d = difference.cast(x - x.max(axis=1, keepdims=True), x_type.fraction)
        exp = exps[top(d, x_type).astype(int)]
        terms = [exp[:, i] for i in range(exp.shape[1])]

        def tree(terms):
            if len(terms) == 1:
                return terms[0]
            left = 1 << (len(terms) - 1).bit_length() - 1
            return exp_type.cast(tree(terms[:left]) + tree(terms[left:]), exp_type.fraction)

        inverse = inverses[top(tree(terms), exp_type).astype(int)]
        y = exp * inverse[:, None]
        self.put(call, self.type(call["template"][1]).cast(y, exp_type.fraction + inv_type.fraction))

    def global_pooling1d_cl(self, call):
        s, (x, x_type) = self.sizes(call), self.read(call)
        accum = self.type(self.setting(call, "type:accum_t"))
        x = x.reshape(x.shape[0], s["n_in"], s["n_filt"])
        y = np.zeros((x.shape[0], s["n_filt"]), dtype=object)
        for i in range(s["n_in"]):
            # y += x[i]: the sum is exact, then of accum_t.
            fraction = max(accum.fraction, x_type.fraction)
            total = y * (1 << (fraction - accum.fraction)) + x[:, i] * (1 << (fraction - x_type.fraction))
            y = accum.cast(total, fraction)
        quotient = np.abs(y) // s["n_in"]
        self.put(call, self.type(call["template"][1]).cast(np.where(y < 0, -quotient, quotient), accum.fraction))

    def embedding(self, call):
        s, (x, _) = self.sizes(call), self.read(call)
        form = self.type(self.setting(call, "type:embeddings_t"))
        table = form.of(self.arrays[call["args"][2]]).reshape(s["vocab_size"], s["n_out"])
        self.put(call, self.type(call["template"][1]).cast(table[x.astype(int)], form.fraction))

    def concatenate2d(self, call):
        s, result = self.sizes(call), self.type(call["template"][2])
        parts = []
        for n in (1, 2):
            x, x_type = self.read(call, n - 1)
            parts.append(result.cast(x, x_type.fraction).reshape(-1, s[f"n_elem{n}_0"], s[f"n_elem{n}_1"]))
        self.put(call, np.concatenate(parts, axis=2 if s["axis"] in (2, -1) else 1), 2)

    def pair(self, call):
        (a, a_type), (b, b_type) = self.read(call, 0), self.read(call, 1)
        if a.shape != b.shape:
            a = np.repeat(a, b.shape[1] // a.shape[1], axis=1)
        return a, a_type.fraction, b, b_type.fraction

    def subtract(self, call):
        a, a_fraction, b, b_fraction = self.pair(call)
        fraction = max(a_fraction, b_fraction)
        y = a * (1 << (fraction - a_fraction)) - b * (1 << (fraction - b_fraction))
        self.put(call, self.type(call["template"][2]).cast(y, fraction), 2)

    def multiply(self, call):
        a, a_fraction, b, b_fraction = self.pair(call)
        self.put(call, self.type(call["template"][2]).cast(a * b, a_fraction + b_fraction), 2)

    def dot1d(self, call):
        a, a_fraction, b, b_fraction = self.pair(call)
        accum = self.type(self.setting(call, "type:accum_t"))
        acc = np.zeros((a.shape[0], 1), dtype=object)
        for i in range(a.shape[1]):
            acc = accum.cast(acc + accum.cast(a[:, i:i + 1] * b[:, i:i + 1], a_fraction + b_fraction), accum.fraction)
        self.put(call, self.type(call["template"][2]).cast(acc, accum.fraction), 2)

    def squares(self, call):
        """AXOL1TL: each result squared in resultsq_t, and their sum in it."""
        x, x_type = self.values[self.last]
        form = self.type(call["template"][0])
        total = np.zeros((x.shape[0], 1), dtype=object)
        for i in range(x.shape[1]):
            total = form.cast(total + form.cast(x[:, i:i + 1] ** 2, 2 * x_type.fraction), form.fraction)
        return total, form


def draw(firmware, rng, samples):
    """Random codes for everything that is read and not made, as real values by name, with the shape that its reader has."""
    made = {call["args"][2 if len(call["args"]) == 3 and call["op"] not in ("embedding",) else 1] for call in firmware.dump["layers"]
            if call["op"] != "reduce"}
    given = {}
    for call in firmware.dump["layers"]:
        if call["op"] == "reduce":
            continue
        pair = call["op"] in ("concatenate2d", "subtract", "multiply", "add", "dot1d")
        for position in range(2 if pair else 1):
            name = call["args"][position]
            if name in made or name in given or (given and re.fullmatch(r"layer\d+_out", name)):
                continue
            form, shape = firmware.type(call["template"][position]), shape_of(firmware, call, position)
            count = math.prod(shape)
            codes = rng.integers(-(1 << 62), 1 << 62, size=(samples, count)).astype(object)
            shift = rng.integers(0, form.width, size=(samples, 1)).astype(object)
            codes = form.cast(codes, form.fraction) >> shift
            if call["op"] == "embedding":
                codes = codes % firmware.sizes(call)["vocab_size"]
            firmware.values[name] = (codes, form)
            given[name] = (codes / 2.0**form.fraction).astype(np.float64).reshape(samples, *shape)
    return given


def shape_of(firmware, call, position):
    s = firmware.sizes(call)
    if "in_width" in s:
        return [s[key] for key in ("in_height", "in_width", "n_chan") if key in s]
    if call["op"] == "concatenate2d":
        return [s[f"n_elem{position + 1}_{axis}"] for axis in (0, 1)]
    if call["op"] == "normalize":
        count = s.get("n_in") or firmware.arrays[call["args"][2]].size
        return [count // s["n_filt"], s["n_filt"]] if s.get("n_filt", -1) > 0 else [count]
    if call["op"] == "multiply":  # the layer behind says how many elements there are
        after = next(c for c in firmware.dump["layers"] if c["args"][0] == call["args"][2])
        return [firmware.sizes(after)["n_in"], firmware.sizes(after)["n_filt"]]
    return [s["n_in"]]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("--samples", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--inputs", type=pathlib.Path, required=True)
    parser.add_argument("--outputs", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    firmware = Firmware(arguments.source)
    given = draw(firmware, np.random.default_rng(arguments.seed), arguments.samples)
    firmware.run()
    outputs, read, last = {}, set(), None
    for call in firmware.dump["layers"]:
        if call["op"] != "reduce":
            made = 2 if len(call["args"]) == 3 and call["op"] != "embedding" else 1
            # A name that nothing makes stands for what was made last.
            read |= {name if name in firmware.values else last for name in call["args"][:made]}
            last = call["args"][made]
    for call in firmware.dump["layers"]:
        if call["op"] == "reduce":
            continue
        name = call["args"][2 if len(call["args"]) == 3 and call["op"] != "embedding" else 1]
        if name not in read:
            codes, form = firmware.values[name]
            outputs[call["name"]] = codes / 2.0**form.fraction
    for call in firmware.dump["layers"]:
        if call["op"] == "reduce":
            codes, form = firmware.squares(call)
            outputs = {"anomaly_score": codes / 2.0**form.fraction}
    np.savez_compressed(arguments.inputs, **given)
    np.savez_compressed(arguments.outputs, **{name: codes.astype(np.float64) for name, codes in outputs.items()})
    print(f"{arguments.samples} samples: {', '.join(given)} -> {', '.join(outputs)}")


if __name__ == "__main__":
    main()
