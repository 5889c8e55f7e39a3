"""Native TOML (and weights beside it) from the dumped form of hls4ml firmware.

    pip install numpy
    python scripts/from_hls4ml.py SOURCE -o MODEL.toml [--weights FILE.npz] [--name NAME] [--set LAYER=FUNCTION]

SOURCE is one of
  NAME.json    firmware's typedefs, its calls of nnet:: functions in order, and their configurations, with NAME.npz beside it;
  TYPES.json   only the typedefs of defines.h in their order, with the arrays in --weights (or weights.npz beside it): the chain of
               dense, linear, batch normalisation and activation layers is read off the names. `w2_t` is a transposed `w2`.
--set names what the typedefs do not say: relu1=leaky_relu(0.0009765625).

What a layer of the firmware does is said in the native file as it is in the C++: operands are cast to the types of weights, each product and each
partial sum to accum_t (product_format, accumulator_format), the result to the next type (result_format). ap_[u]fixed<W,I,Q,O> is written
[u]fixed<W,I,Q,O>, and ap_[u]int<W> is [u]fixed<W,W>.
"""

import argparse
import json
import math
import pathlib
import re
import sys

import numpy as np

MODES = {"AP_TRN": "TRN", "AP_TRN_ZERO": "TRN_ZERO", "AP_RND": "RND", "AP_RND_ZERO": "RND_ZERO", "AP_RND_INF": "RND_INF",
         "AP_RND_MIN_INF": "RND_MIN_INF", "AP_RND_CONV": "RND_CONV"}
OVERFLOWS = {"AP_WRAP": "WRAP", "AP_SAT": "SAT", "AP_SAT_ZERO": "SAT_ZERO", "AP_SAT_SYM": "SAT_SYM"}
CALL = re.compile(r"\s*(?:nnet::array<\s*)?ap_(u?)(fixed|int)<([^>]*)>")


def stop(message):
    sys.exit(f"from_hls4ml: {message}")


def native(text):
    """ap_fixed<16,6,AP_RND,AP_SAT,0> -> fixed<16,6,RND,SAT>."""
    match = CALL.match(text)
    if not match:
        stop(f"`{text}` is no ap_fixed or ap_int type")
    unsigned, kind, rest = match.groups()
    parts = [part.strip() for part in rest.split(",")]
    if kind == "int":
        return f"{unsigned}fixed<{parts[0]},{parts[0]}>"
    rounding = parts[2] if len(parts) > 2 else "AP_TRN"
    overflow = parts[3] if len(parts) > 3 else "AP_WRAP"
    # The fifth argument counts bits that are forced on overflow; AP_SAT there is the enumerator with the value 0.
    if len(parts) > 4 and parts[4] not in ("0", "AP_SAT"):
        stop(f"`{text}`: saturation bits other than 0")
    if rounding not in MODES or overflow not in OVERFLOWS:
        stop(f"`{text}`: a mode that ap_fixed does not have")
    modes = "" if (rounding, overflow) == ("AP_TRN", "AP_WRAP") else f",{MODES[rounding]},{OVERFLOWS[overflow]}"
    return f"{unsigned}fixed<{parts[0]},{parts[1]}{modes}>"


class Form:
    """A fixed-point format."""

    def __init__(self, width, integer, modes="", signed=True):
        self.width, self.integer, self.modes, self.signed = width, integer, modes, signed

    @staticmethod
    def of(text):
        unsigned, width, integer, modes = re.match(r"(u?)fixed<(-?\d+),(-?\d+),?(.*)>", text).groups()
        return Form(int(width), int(integer), modes, not unsigned)

    def __str__(self):
        return f"{'' if self.signed else 'u'}fixed<{self.width},{self.integer}{',' if self.modes else ''}{self.modes}>"

    def points(self):
        """The numbers of the bit patterns 0, 1, .. in their order."""
        codes = np.arange(1 << self.width)
        codes = np.where(self.signed & (codes >= 1 << (self.width - 1)), codes - (1 << self.width), codes)
        return codes * 2.0 ** (self.integer - self.width)


def bits(size):
    """The bits of a table's index."""
    if size & (size - 1):
        stop(f"a table of {size} entries, which is no power of two")
    return size.bit_length() - 1


def cast(values, text):
    """Codes of numbers in a format that rounds with TRN or RND, and its fraction bits."""
    form = Form.of(text)
    fraction, scaled = form.width - form.integer, np.asarray(values, np.float64) * 2.0 ** (form.width - form.integer)
    rounding, overflow = (form.modes or "TRN,WRAP").split(",")
    if rounding not in ("TRN", "RND") or overflow not in ("WRAP", "SAT"):
        stop(f"a table of type {text}")
    codes = [math.floor(x + (0.5 if rounding == "RND" else 0)) for x in scaled]
    low = -(1 << (form.width - 1)) if form.signed else 0
    wrap = lambda code: (code - low) % (1 << form.width) + low
    clamp = lambda code: min(max(code, low), low + (1 << form.width) - 1)
    return [float((wrap if overflow == "WRAP" else clamp)(code)) for code in codes], fraction


class Model:
    """What is written: inputs, layers in order, weights; and for each C++ variable the layer that made it and its shape."""

    def __init__(self, name):
        self.name, self.inputs, self.layers, self.arrays = name, [], [], {}
        self.made, self.shapes = {}, {}

    def input(self, name, shape, form):
        self.inputs.append({"name": name, "shape": list(shape), "format": form})
        self.made[name], self.shapes[name] = name, list(shape)

    def layer(self, name, kind, inputs, shape, attributes=None, **tensors):
        """A layer that reads layers or variables; its shape is what it makes."""
        taken = {layer["name"] for layer in self.layers} | {entry["name"] for entry in self.inputs}
        name = name if name not in taken else next(n for n in (f"{name}_{i}" for i in range(2, 99)) if n not in taken)
        names = [self.made.get(name, name) for name in inputs]
        self.layers.append({"name": name, "kind": kind, "inputs": names, **(attributes or {})})
        for key, value in tensors.items():
            self.arrays[f"{name}.{key}"] = np.asarray(value, np.float64)
        self.made[name], self.shapes[name] = name, list(shape)
        return name

    def reshaped(self, variable, shape):
        """The variable in another shape (hls4ml's arrays are flat)."""
        if self.shapes[variable] == list(shape):
            return variable
        if int(np.prod(self.shapes[variable])) != int(np.prod(shape)):
            stop(f"`{variable}` has shape {self.shapes[variable]}, and is read as {list(shape)}")
        return self.layer(f"{self.made[variable]}_shaped", "reshape", [variable], shape, {"shape": list(shape)})

    def write(self, path, outputs):
        weights = path.with_suffix("").name + ".weights.npz"
        lines = ['format = "nanotrig/1"', f"name = {value(self.name)}", f"weights = {value(weights)}", f"outputs = {value(outputs)}"]
        for entry in self.inputs:
            lines += ["", "[[input]]"] + [f"{key} = {value(v)}" for key, v in entry.items()]
        for layer in self.layers:
            lines += ["", "[[layer]]"] + [f"{key} = {value(v)}" for key, v in layer.items()]
        np.savez_compressed(path.parent / weights, **self.arrays)
        path.write_text("\n".join(lines) + "\n")


def value(item):
    """A TOML value."""
    if isinstance(item, bool):
        return str(item).lower()
    return json.dumps(item)


def product(model, weight, bias, accumulator, result):
    """The attributes of a matrix product."""
    return {"kernel_quantizer": weight, "bias_quantizer": bias, "product_format": accumulator,
            "accumulator_format": accumulator, "result_format": result}


class Firmware:
    """A dump of typedefs, calls and configurations."""

    def __init__(self, path, weights):
        self.dump = json.loads(path.read_text())
        self.arrays = dict(np.load(weights))
        self.model = Model(path.stem)
        self.notes = []
        self.sizes = {}
        for key, text in self.dump.get("sizes", {}).items():
            self.sizes[key] = int(text)

    def type(self, name):
        return native(self.dump["typedefs"][name])

    def number(self, config, key, default=None):
        text = config.get(key)
        if text is None:
            return default
        for token, number in sorted(self.sizes.items(), key=lambda item: -len(item[0])):
            text = re.sub(rf"\b{token}\b", str(number), text)
        local = {k: int(v) for k, v in config.items() if re.fullmatch(r"-?\d+", v)}
        for token, number in local.items():
            text = re.sub(rf"\b{token}\b", str(number), text)
        if re.fullmatch(r"[-\d\s*+/()]+", text):
            return int(eval(text.replace("/", "//")))  # digits and operators only
        return default if default is not None else stop(f"`{key}` is `{text}`, with an unknown size")

    def run(self):
        calls = [call for call in self.dump["layers"] if call["op"] != "reduce"]
        custom = [call for call in self.dump["layers"] if call["op"] == "reduce"]
        for call in calls:
            operation = getattr(self, "op_" + call["op"], None)
            if operation is None:
                stop(f"no way to read nnet::{call['op']}")
            operation(call, self.dump["configs"].get(call["template"][-1], {}))
        reads = {name for layer in self.model.layers for name in layer["inputs"]}
        outputs = [self.model.made[call["args"][reads_of(call)]] for call in calls]
        outputs = [name for name in outputs if name not in reads]
        for call in custom:
            outputs = [self.squares(call, outputs[-1])]
        return self.model, outputs

    def feed(self, call, position, shape):
        """An operand in the shape in which it is read; one that nothing makes is an input."""
        variable, type_name = call["args"][position], call["template"][position]
        if variable not in self.model.made:
            made = {c["args"][reads_of(c)] for c in self.dump["layers"] if c["op"] != "reduce"}
            if variable in made:
                stop(f"`{variable}` is read before it is made")
            if re.fullmatch(r"layer\d+_out", variable) and self.model.layers:
                # `auto& layer6_out = layer5_out;`, a reshape in place, is no call.
                variable = self.latest
            else:
                self.model.input(variable, shape, self.type(type_name))
        return self.model.reshaped(variable, shape)

    def flat(self, call, config, key="n_in"):
        """The one operand of an element-wise call, in the shape it has; a new input has as many elements as the call."""
        variable = call["args"][0]
        shape = self.model.shapes.get(variable) or [self.number(config, key)]
        return self.feed(call, 0, shape), shape

    def made(self, call, name):
        self.model.made[call["args"][reads_of(call)]] = name
        self.model.shapes[call["args"][reads_of(call)]] = self.model.shapes[name]
        self.latest = call["args"][reads_of(call)]

    def op_dense(self, call, config):
        inputs, outputs = self.number(config, "n_in"), self.number(config, "n_out")
        x = self.feed(call, 0, [inputs])
        weight, bias = (self.arrays[name] for name in call["args"][2:4])
        kernel = weight.reshape(outputs, inputs).T if "resource" in config.get("strategy", "") else weight.reshape(inputs, outputs)
        attributes = self.product(call, config)
        self.made(call, self.model.layer(call["name"], "dense", [x], [outputs], attributes, kernel=kernel, bias=bias))

    def product(self, call, config):
        weight, bias, accumulator = (self.type(config[f"type:{key}_t"]) for key in ("weight", "bias", "accum"))
        return product(self.model, weight, bias, accumulator, self.type(call["template"][1]))

    def convolution(self, call, config, axes):
        taps = [self.number(config, f"filt_{axis}") for axis in axes]
        channels, filters = self.number(config, "n_chan"), self.number(config, "n_filt")
        x = self.feed(call, 0, [self.number(config, f"in_{axis}") for axis in axes] + [channels])
        weight, bias = (self.arrays[name] for name in call["args"][2:4])
        if "resource" in config.get("strategy", ""):
            kernel = np.moveaxis(weight.reshape([filters, *taps, channels]), 0, -1)
        else:
            kernel = weight.reshape([*taps, channels, filters])
        sides = {"width": ("pad_left", "pad_right"), "height": ("pad_top", "pad_bottom")}
        padding = [[self.number(config, side, 0) for side in sides[axis]] for axis in axes]
        attributes = self.product(call, config)
        strides = [self.number(config, f"stride_{axis}", 1) for axis in axes]
        attributes.update({"strides": strides, "padding": padding if np.any(padding) else "valid"})
        shape = [self.number(config, f"out_{axis}") for axis in axes] + [filters]
        kind = f"conv{len(axes)}d"
        self.made(call, self.model.layer(call["name"], kind, [x], shape, attributes, kernel=kernel, bias=bias))

    def op_conv_1d_cl(self, call, config):
        self.convolution(call, config, ["width"])

    def op_conv_2d_cl(self, call, config):
        self.convolution(call, config, ["height", "width"])

    op_pointwise_conv_1d_cl = op_conv_1d_cl
    op_pointwise_conv_2d_cl = op_conv_2d_cl

    def op_normalize(self, call, config):
        filters, count = self.number(config, "n_filt", -1), self.number(config, "n_in", 0) or self.arrays[call["args"][2]].size
        x, shape = (None, None)
        variable = call["args"][0]
        shape = self.model.shapes.get(variable) or ([count] if filters < 0 else [count // filters, filters])
        x = self.feed(call, 0, shape)
        scale, shift = (self.arrays[name] for name in call["args"][2:4])
        if filters < 0 and len(shape) > 1:
            scale, shift = scale.reshape(shape), shift.reshape(shape)
        attributes = {"scale_quantizer": self.type(config["type:scale_t"]), "shift_quantizer": self.type(config["type:bias_t"]),
                      "result_format": self.type(call["template"][1])}
        self.made(call, self.model.layer(call["name"], "scale_shift", [x], shape, attributes, scale=scale, shift=shift))

    def simple(self, call, config, kind, **attributes):
        x, shape = self.flat(call, config)
        attributes = {**attributes, "result_format": self.type(call["template"][1])}
        self.made(call, self.model.layer(call["name"], kind, [x], shape, attributes))

    def op_relu(self, call, config):
        self.simple(call, config, "relu")

    def op_linear(self, call, config):
        self.simple(call, config, "activation", function="linear")

    def table(self, call, config, spread, function):
        """nnet::sigmoid and tanh: index = int(x * size / 2^spread) + size / 2, clamped; entries are of table_t."""
        x, shape = self.flat(call, config)
        size = self.number(config, "table_size")
        points = [np.float32(2.0**spread * (i - size / 2.0) / size) for i in range(size)]
        y = self.looked_up(call["name"], x, shape, Form(bits(size), spread, "TRN_ZERO,SAT"), np.roll([function(p) for p in points], size // 2),
                           self.type(config["type:table_t"]), self.type(call["template"][1]))
        self.made(call, y)

    def looked_up(self, name, x, shape, index, values, entry, result):
        """The table's entries, in the order of the index' bit patterns, cast to `entry` and then to `result`."""
        codes, fraction = cast(values, entry)
        x = self.model.layer(f"{name}_index", "quantize", [x], shape, {"format": str(index)})
        attributes = {"signed": index.signed, "integer": index.integer - index.signed, "fraction": index.width - index.integer,
                      "out_fraction": fraction, "result_format": result}
        return self.model.layer(name, "table", [x], shape, attributes, values=codes)

    def op_sigmoid(self, call, config):
        one = np.float32(1)
        self.table(call, config, 4, lambda x: np.float32(1.0 / float(one + np.exp(-x))))

    def op_tanh(self, call, config):
        self.table(call, config, 3, np.tanh)

    def op_softmax(self, call, config):
        """The `stable` implementation: x - max rounded and saturated in the operand's type; the tables' indices are the top bits."""
        self.notes.append("the configuration does not say the softmax' implementation: taken as hls4ml 1.0's `stable`, the default")
        x, shape = self.flat(call, config)
        name, index_bits = call["name"], bits(self.number(config, "table_size"))
        operand, exp, inv = Form.of(self.type(call["template"][0])), *(Form.of(self.type(config[f"type:{key}_table_t"])) for key in ("exp", "inv"))
        if not operand.signed or not exp.signed or "SAT" not in str(exp):
            stop(f"`{name}`: a softmax of or into types other than signed, saturating ones")
        index = Form(index_bits, operand.integer)
        maximum = self.model.layer(f"{name}_max", "max", [x], [1], {"axis": -1, "keep_dims": True})
        x = self.model.layer(f"{name}_difference", "subtract", [x, maximum], shape,
                             {"result_format": str(Form(operand.width, operand.integer, "RND,SAT"))})
        with np.errstate(divide="ignore", over="ignore"):
            exps = np.exp(index.points().astype(np.float32))
            inverses = np.float32(1) / Form(index_bits, exp.integer).points().astype(np.float32)
        largest = np.float32(3e38)
        exps, inverses = np.minimum(exps, largest), np.clip(inverses, -largest, largest)
        x = self.looked_up(f"{name}_exp", x, shape, index, exps, str(exp), str(exp))
        # A sum of numbers that are not negative saturates to the same in every order.
        total = self.model.layer(f"{name}_sum", "sum", [x], [1], {"axis": -1, "keep_dims": True, "result_format": str(exp)})
        inverse = self.looked_up(f"{name}_inverse", total, [1], Form(index_bits, exp.integer), inverses, str(inv), str(inv))
        self.made(call, self.model.layer(name, "multiply", [x, inverse], shape, {"result_format": self.type(call["template"][1])}))

    def op_global_pooling1d_cl(self, call, config):
        count, filters = self.number(config, "n_in"), self.number(config, "n_filt")
        x = self.feed(call, 0, [count, filters])
        if "pool_op" not in config:
            self.notes.append(f"`{call['name']}`: the configuration does not say the kind of pooling: taken as the average")
        attributes = {"op": "average", "accumulator_format": self.type(config["type:accum_t"]),
                      "result_format": self.type(call["template"][1])}
        self.made(call, self.model.layer(call["name"], "hls4ml_pool", [x], [filters], attributes))

    def op_embedding(self, call, config):
        count, depth, words = (self.number(config, key) for key in ("n_in", "n_out", "vocab_size"))
        x = self.feed(call, 0, [count])
        attributes = {"embeddings_quantizer": self.type(config["type:embeddings_t"]), "result_format": self.type(call["template"][1])}
        table = self.arrays[call["args"][2]].reshape(words, depth)
        self.made(call, self.model.layer(call["name"], "embedding", [x], [count, depth], attributes, embeddings=table))

    def op_concatenate2d(self, call, config):
        shapes = [[self.number(config, f"n_elem{n}_{axis}") for axis in (0, 1)] for n in (1, 2)]
        axis = self.number(config, "axis")
        xs = [self.feed(call, position, shape) for position, shape in enumerate(shapes)]
        # nnet::concatenate2d takes the last axis for 2 and -1, and the first for anything else.
        axis = -1 if axis in (2, -1) else 0
        shape = [shapes[0][0], shapes[0][1] + shapes[1][1]] if axis == -1 else [shapes[0][0] + shapes[1][0], shapes[0][1]]
        attributes = {"axis": axis, "result_format": self.type(call["template"][2])}
        self.made(call, self.model.layer(call["name"], "concatenate", xs, shape, attributes))

    def merge(self, call, config, kind):
        left = self.model.shapes[call["args"][0]]
        right = self.model.shapes.get(call["args"][1])
        if right is None:
            # What is read next says how many elements there are.
            right = self.read_as(call["args"][2]) or left
        xs = [self.feed(call, position, shape) for position, shape in enumerate((left, right))]
        if left != right:
            self.notes.append(f"`{call['name']}`: operands of shapes {left} and {right} are taken as broadcast")
        shape = list(np.broadcast_shapes(left, right))
        self.made(call, self.model.layer(call["name"], kind, xs, shape, {"result_format": self.type(call["template"][2])}))

    def read_as(self, variable):
        for call in self.dump["layers"]:
            config = self.dump["configs"].get(call["template"][-1], {})
            if variable in call["args"][:1] and call["op"] == "global_pooling1d_cl":
                return [self.number(config, "n_in"), self.number(config, "n_filt")]
        return None

    def op_subtract(self, call, config):
        self.merge(call, config, "subtract")

    def op_add(self, call, config):
        self.merge(call, config, "add")

    def op_multiply(self, call, config):
        self.merge(call, config, "multiply")

    def op_dot1d(self, call, config):
        count, accumulator = self.number(config, "n_in"), self.type(config["type:accum_t"])
        xs = [self.feed(call, position, [count]) for position in (0, 1)]
        if "SAT" in accumulator:
            stop(f"`{call['name']}`: a saturating accumulator of nnet::dot1d")
        squares = self.model.layer(f"{call['name']}_products", "multiply", xs, [count], {"result_format": accumulator})
        total = self.model.layer(f"{call['name']}_sum", "sum", [squares], [1],
                                 {"axis": 0, "keep_dims": True, "result_format": accumulator})
        self.made(call, self.model.layer(call["name"], "quantize", [total], [1], {"format": self.type(call["template"][2])}))

    def squares(self, call, x):
        """AXOL1TL's own end: squares[i] = out[i] * out[i] in the type, and their sum in it."""
        form = self.type(call["template"][0])
        if "SAT" in form:
            stop("a saturating type of squares")
        shape = self.model.shapes[x]
        name = self.model.layer("squares", "multiply", [x, x], shape, {"result_format": form})
        return self.model.layer("anomaly_score", "sum", [name], [1], {"axis": 0, "keep_dims": True, "result_format": form})


def reads_of(call):
    """How many of a call's arguments it reads: those before the result."""
    return 2 if call["op"] in ("concatenate2d", "subtract", "add", "multiply", "dot1d") else 1


def chain(path, weights, given):
    """A chain of layers read off the names of typedefs in their order."""
    types = json.loads(path.read_text())
    arrays = dict(np.load(weights))
    model = Model(path.stem.removesuffix("_types"))
    names = list(types)
    numbers = sorted({int(n) for key in names for n in re.findall(r"^(?:layer|weight)(\d+)(?:_t|_index)$", key)}
                     | {int(n) for key in arrays for n in re.findall(r"^[ws](\d+)(?:_t)?$", key)})
    default = native(types["model_default_t"]) if "model_default_t" in types else None
    last = numbers[-1]
    x, width = "x", None
    for number in numbers:
        form = native(types.get(f"layer{number}_t") or types["result_t"])
        form = native(types["result_t"]) if number == last else form
        weight = arrays.get(f"w{number}")
        if weight is None and f"w{number}_t" in arrays:
            weight = arrays[f"w{number}_t"].T
        if weight is not None:
            if width is None:
                model.input("x", [weight.shape[0]], native(types["input_t"]))
            after = names.index(f"bias{number}_t") if f"bias{number}_t" in names else 0
            before = [key for key in names[:after] if key.endswith("_accum_t")]
            later = [key for key in names[after:] if key.endswith("_linear_table_t")]
            name = before[-1].removesuffix("_accum_t") if before else later[0].removesuffix("_linear_table_t") if later else f"dense{number}"
            accumulator = native(types[before[-1]]) if before else default or form
            width = weight.shape[1]
            attributes = product(model, native(types[f"weight{number}_t"]), native(types[f"bias{number}_t"]), accumulator, form)
            x = model.layer(name, "dense", [x], [width], attributes, kernel=weight, bias=arrays[f"b{number}"])
        elif f"s{number}" in arrays:
            scales = [key for key in names if key.endswith("_scale_t") and native_name(key) not in model.made]
            name = native_name(scales[0])
            attributes = {"scale_quantizer": native(types[scales[0]]), "shift_quantizer": native(types[f"{name}_bias_t"]),
                          "result_format": form}
            x = model.layer(name, "scale_shift", [x], [width], attributes, scale=arrays[f"s{number}"], shift=arrays[f"b{number}"])
        else:
            at = names.index(f"layer{number}_t") if f"layer{number}_t" in names else len(names) - 2
            name = next((key.removesuffix("_table_t") for key in names[at:] if key.endswith("_table_t")), f"layer{number}")
            function = given.pop(name, "linear" if name.endswith("_linear") else "relu")
            x = model.layer(name, "activation", [x], [width], {"function": function, "result_format": form})
    # The cast of the last dense layer's own linear activation to result_t, where it is a layer of its own in the typedefs.
    tail = [key for key in names[names.index("result_t"):] if key.endswith("_linear_table_t")]
    if tail and f"layer{last}_t" in types:
        model.layers[-1]["result_format"] = native(types[f"layer{last}_t"])
        x = model.layer(tail[-1].removesuffix("_table_t"), "activation", [x], [width],
                        {"function": "linear", "result_format": native(types["result_t"])})
    if given:
        stop(f"--set names no activation of the model: {', '.join(given)}")
    return model, [x]


def native_name(key):
    return key.removesuffix("_scale_t")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=pathlib.Path)
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--weights", type=pathlib.Path)
    parser.add_argument("--name")
    parser.add_argument("--set", action="append", default=[], metavar="LAYER=FUNCTION")
    arguments = parser.parse_args()
    source = arguments.source
    if source.is_dir():
        stop(f"{source} is a folder: name the JSON file of its types")
    notes = []
    if "layers" in json.loads(source.read_text()):
        firmware = Firmware(source, arguments.weights or source.with_suffix(".npz"))
        model, outputs = firmware.run()
        notes = firmware.notes
    else:
        given = dict(text.split("=", 1) for text in arguments.set)
        model, outputs = chain(source, arguments.weights or source.parent / "weights.npz", given)
    model.name = arguments.name or model.name
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    model.write(arguments.output, outputs)
    print(f"{len(model.layers)} layers, {len(model.arrays)} arrays -> {arguments.output}")


if __name__ == "__main__":
    main()
