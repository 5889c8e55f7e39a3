#!/usr/bin/env python3
"""Price the Verilog of any tool by a target's cell delays: its worst register-to-register path, as one JSON line.

usage: price.py --nanotrig NANOTRIG [--target generic] [--path] TOP FILE.v...

Yosys maps the Verilog with the command of yosys_count.py, and the mapped netlist is walked pin by pin. The delays are those
that `nanotrig list targets --json` prints, so they live in one place. What a path costs:

- a register: clock to output, set-up, and clock uncertainty;
- a net before every cell, but for what a slice wires itself: LUT to carry chain, chain to chain, LUT to wide multiplexer,
  and LUT, chain or multiplexer to the register behind it;
- a LUT, whatever those of its pins are that an output depends on, and a wide multiplexer as much as a LUT;
- a carry chain: its entry, each bit that the carry passes, its exit. A chain that no LUT feeds is entered through one. The
  LUTs before both pins of a carry bit are one with two outputs, where five inputs do for both, as in every slice.

Paths from input ports and to output ports are not counted. Mapped netlists are kept, by the content of all that decides them.
"""
import argparse
import collections
import gzip
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "nanotrig", "mapped")


def counting():
    """The script that counts cells, as a module: one synthesis command and one list of what a cell is worth."""
    spec = importlib.util.spec_from_file_location("yosys_count", HERE / "yosys_count.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def synthesize(top, files, synth):
    """The mapped cells as Yosys writes them: [type, {pin: [net bit, ...]}], with what the outputs of a LUT6_2 read."""
    from pyosys import libyosys

    with tempfile.TemporaryDirectory() as tmp:
        netlist = pathlib.Path(tmp, "netlist.json")
        design = libyosys.Design()
        for command in (f"read_verilog -defer -sv {' '.join(map(str, files))}", f"{synth} -top {top}", f"write_json {netlist}"):
            libyosys.run_pass(f"tee -q {command}", design)
        modules = json.loads(netlist.read_text())["modules"]
    (module,) = [module for module in modules.values() if int(module["attributes"].get("top", "0"), 2)]
    cells = [cell for cell in module["cells"].values() if cell["type"] != "$scopeinfo"]
    for cell in cells:
        if cell["type"] == "LUT6_2":
            init, pins = int(cell["parameters"]["INIT"], 2), cell["connections"]
            cell["connections"] = pins | {"reads O5": reads(init, pins, 5), "reads O6": reads(init, pins, 6)}
    return [[cell["type"], cell["connections"]] for cell in cells]


def reads(init, pins, inputs):
    """The input pins that a LUT's output depends on; a constant is none."""
    at = {number: pins[f"I{number}"][0] for number in range(inputs)}
    indices = [index for index in range(1 << inputs) if all(str(index >> number & 1) == bit for number, bit in at.items() if bit in ("0", "1"))]
    free = [number for number, bit in at.items() if bit not in ("0", "1")]
    return [f"I{number}" for number in free if any((init >> index ^ init >> (index ^ 1 << number)) & 1 for index in indices)]


def mapped(top, files):
    """The mapped cells, from the cache if this Verilog has been mapped before."""
    synth = counting().SYNTH
    digest = hashlib.sha256()
    texts = [b"with reads", synth.encode(), importlib.metadata.version("pyosys").encode(), top.encode()]
    for text in texts + [file.read_bytes() for file in sorted(files, key=lambda file: file.name)]:
        digest.update(hashlib.sha256(text).digest())
    kept = CACHE / f"{digest.hexdigest()}.json.gz"
    if not kept.exists():
        cells = synthesize(top, files, synth)
        CACHE.mkdir(parents=True, exist_ok=True)
        written = kept.with_suffix(f".{os.getpid()}")
        written.write_bytes(gzip.compress(json.dumps(cells, separators=(",", ":")).encode(), 6))
        written.rename(kept)  # at once, so that a run beside this one never reads half a file
    return json.loads(gzip.decompress(kept.read_bytes()))


def count(cells):
    """LUTs, flip-flops and carry bits, as yosys_count.py counts them."""
    worth = counting().WORTH
    total = {"lut": 0, "carry_bits": 0, "ff": 0, "muxf": 0}
    for kind, number in collections.Counter(kind for kind, _ in cells).items():
        known = [(what, each) for pattern, what, each in worth if re.fullmatch(pattern, kind)]
        if not known:
            sys.exit(f"price: {number} cells of a type this count does not know: {kind}")
        what, each = known[0]
        if what:
            total[what] += number * each
    return total


class Paths:
    """The arrival of every net bit after the clock edge, in ps."""

    def __init__(self, cells, delay):
        self.delay = delay
        self.same = {pins["O"][0]: pins["I"][0] for kind, pins in cells if kind == "INV"}  # inverters are absorbed
        self.driver = {}  # net bit -> what kind of pin drives it
        self.inputs = collections.defaultdict(list)  # net bit or chain bit -> [(net bit, ps), ...]
        cells = [(self.family(kind), pins) for kind, pins in cells]
        self.luts = {pins["O"][0]: [bits[0] for pin, bits in pins.items() if pin != "O"] for kind, pins in cells if kind == "lut"}
        # The lower output of a LUT6_2 is the data of the carry bit that its upper one selects, without a net between.
        self.lower = {pins["O5"][0]: pins["O6"][0] for kind, pins in cells if kind == "lut2" and pins.get("O5") and pins.get("O6")}
        for kind, pins in cells:
            outputs = {"lut": ["O"], "lut2": ["O5", "O6"], "mux": ["O"], "carry": ["O", "CO"], "register": ["Q"]}
            for pin in outputs.get(kind, []):
                drives = {"lut2": "lut", "carry": "sum" if pin == "O" else "carry"}.get(kind, kind)
                self.driver.update((bit, drives) for bit in pins.get(pin, []))
        for number, (kind, pins) in enumerate(cells):
            getattr(self, kind, lambda *_: None)(number, pins)
        self.arrival, self.through = {}, {}
        self.walk()

    @staticmethod
    def family(kind):
        """What a cell is here."""
        families = [(r"LUT[1-6]", "lut"), ("LUT6_2", "lut2"), (r"CARRY[48]", "carry"), (r"MUXF[789]", "mux"), (r"FD[RSCP]E", "register")]
        known = [family for pattern, family in families if re.fullmatch(pattern, kind)]
        if not known and not re.fullmatch("INV|GND|VCC|BUFG", kind):
            sys.exit(f"price: no delay is known for a cell of type {kind}")
        return known[0] if known else "none"

    def join(self, to, bit, ps, local=()):
        """An input pin: the net before it, unless what drives it is next to it."""
        while bit in self.same:
            bit = self.same[bit]
        if isinstance(bit, tuple):
            self.inputs[to].append((bit, ps))
        elif (driver := self.driver.get(bit)) is not None:
            leaves = self.delay["carry_exit"] if driver == "carry" and not (isinstance(to, tuple) and to[0] == "chain") else 0
            self.inputs[to].append((bit, ps + leaves + (0 if driver in local else self.delay["net"])))

    def lut(self, _, pins):
        for pin, bits in pins.items():
            if pin.startswith("I"):
                self.join(pins["O"][0], bits[0], self.delay["lut"])

    def lut2(self, _, pins):
        for out in ("O5", "O6"):
            for bit in pins.get(out, []):
                for pin in pins[f"reads {out}"]:
                    self.join(bit, pins[pin][0], self.delay["lut"])

    def mux(self, _, pins):
        for pin in ("I0", "I1"):
            self.join(pins["O"][0], pins[pin][0], self.delay["lut"], local=("lut", "mux"))
        self.join(pins["O"][0], pins["S"][0], self.delay["lut"])

    def both(self, select, data):
        """The inputs of the one LUT that gives both pins of a carry bit; none where it takes two, or a net is the data."""
        select, data = self.same.get(select, select), self.same.get(data, data)
        inner = set(self.luts.get(data, []))
        inputs = inner | set(self.luts.get(select, [select])) - {data}
        return sorted(inputs, key=str) if inner and len(inputs) <= 5 else []

    def carry(self, number, pins):
        entry, bit, leave = (self.delay[name] for name in ("carry_entry", "carry_bit", "carry_exit"))
        before = ("chain", number, -1)  # the carry into the lowest bit
        for pin in ("CYINIT", "CI"):
            for net in pins.get(pin, [])[:1]:
                chained = self.driver.get(net) == "carry"
                self.join(before, net, 0 if chained else entry, local=("carry",))
        for at, (select, data) in enumerate(zip(pins["S"], pins["DI"])):
            here, after = ("select", number, at), ("chain", number, at)
            for net in (both := self.both(select, data)):
                self.join(here, net, self.delay["lut"] + entry)
                self.join(after, net, self.delay["lut"] + entry + bit)
            if not both:
                fed = self.driver.get(self.same.get(select, select)) == "lut"
                self.join(here, select, entry + (0 if fed else self.delay["lut"]), local=("lut",))
                self.join(after, data, entry + bit, local=("lut",) if self.lower.get(data) == select else ())
            for source in (before, here):
                self.join(after, source, bit)
            for out, sources in (("O", (before, here)), ("CO", (after,))):
                nets = pins.get(out, [])
                for source in sources if at < len(nets) else ():
                    # A carry that goes on to the next chain stays inside; what else reads one adds the exit.
                    self.join(nets[at], source, leave if out == "O" else 0)
            before = after

    def register(self, number, pins):
        self.arrival_of_clock(pins["Q"][0])
        local = ("lut", "sum", "carry", "mux")
        for pin in ("D", "CE", "R", "S", "CLR", "PRE"):
            if pin in pins:
                self.join(("end", number), pins[pin][0], self.delay["setup"], local=local if pin == "D" else ())

    def arrival_of_clock(self, bit):
        self.inputs[bit] = [(("clock",), self.delay["clock_to_output"])]

    def walk(self):
        """Longest arrivals, every node after what it reads."""
        readers, waiting = collections.defaultdict(list), {}
        for node, inputs in self.inputs.items():
            waiting[node] = len(inputs)
            for source, ps in inputs:
                readers[source].append((node, ps))
        ready = [node for node in readers if node not in self.inputs]
        self.arrival = {node: 0 if node == ("clock",) else float("-inf") for node in ready}
        while ready:
            node = ready.pop()
            for reader, ps in readers[node]:
                if self.arrival[node] + ps > self.arrival.get(reader, float("-inf")) or reader not in self.arrival:
                    self.arrival[reader] = self.arrival[node] + ps
                    self.through[reader] = node
                waiting[reader] -= 1
                if not waiting[reader]:
                    ready.append(reader)
        if any(waiting.values()):
            sys.exit("price: the mapped netlist has a combinational loop")

    def worst(self):
        """The slowest end of a path and its arrival."""
        ends = [(arrival, node) for node, arrival in self.arrival.items() if isinstance(node, tuple) and node[0] == "end"]
        return max(ends, default=(0, None), key=lambda end: end[0])

    def back(self, node):
        """The path that ends at a node, as [(node, arrival), ...]."""
        path = []
        while node is not None:
            path.append((node, self.arrival[node]))
            node = self.through.get(node)
        return path[::-1]


def period(cells, delay):
    """The worst register-to-register path in ps, and the path."""
    paths = Paths(cells, delay)
    arrival, end = paths.worst()
    if end is None or arrival < 0:
        return 0, []
    return round(arrival + delay["uncertainty"]), [
        (node if isinstance(node, str) else f"{paths.driver[node]} {node}" if node in paths.driver else " ".join(map(str, node)), ps)
        for node, ps in paths.back(end)
    ]


def delays(nanotrig, target):
    """The target's cell delays in ps, as the program has them."""
    done = subprocess.run([nanotrig, "list", "targets", "--json"], capture_output=True, text=True, check=True)
    known = {entry["name"]: entry.get("cells") for entry in json.loads(done.stdout)}
    if not known.get(target):
        sys.exit(f"price: no cell delays of a target {target}; known: {', '.join(name for name, cells in known.items() if cells)}")
    return known[target]


def main():
    parser = argparse.ArgumentParser(prog="price.py", description="Worst register-to-register path of Verilog, by a target's delays.")
    parser.add_argument("top")
    parser.add_argument("files", nargs="+", type=pathlib.Path)
    parser.add_argument("--nanotrig", required=True, help="the program, for its targets' delays")
    parser.add_argument("--target", default="generic")
    parser.add_argument("--path", action="store_true", help="the worst path too, on standard error")
    options = parser.parse_args()
    delay = delays(options.nanotrig, options.target)
    result = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what Yosys has to say goes to standard error, so that standard output holds the result alone
    cells = mapped(options.top, options.files)
    worst, path = period(cells, delay)
    if options.path:
        for node, ps in path:
            print(f"{ps:8.0f}  {node}", file=sys.stderr)
    print(json.dumps({"period_ps": worst, **count(cells)}), file=result)


if __name__ == "__main__":
    main()
