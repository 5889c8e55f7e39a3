"""alkaid's best mode on a network: the fewest LUTs over {ternary on, off} x {default depth, hard_dc=0}.

What alkaid makes of a network, and what Yosys counts of it, never changes; both are kept.
"""
import importlib.metadata
import json
import os
import pathlib
import sys
import tempfile

import bench_table
from bench_count import CACHE, HERE, count, digest, keep, output_of, say

COMPILES = 3  # compile time is the best of these: the least disturbed by whatever else the machine does

MODES = {
    "default": [],
    "ternary": ["--ternary"],
    "hard_dc=0": ["--hard-dc", "0"],
    "ternary, hard_dc=0": ["--ternary", "--hard-dc", "0"],
}
# alkaid's optimised trace of this network gives wrong outputs on about half of the inputs.
UNOPTIMISED = {"mixer_77p26"}
# Too large to synthesize in reasonable time; alkaid's default mode, for its compile time.
TIME_ONLY = {"mixer_64x16"}


def modes(name):
    """The modes that are compared, with their options."""
    wanted = {"default": MODES["default"]} if name in TIME_ONLY else MODES
    more = ["--unoptimised"] if name in UNOPTIMISED else []
    return {mode: [*options, *more] for mode, options in wanted.items()}


def compiled(path, mode, options, out):
    """alkaid's result in one mode, and its Verilog, in the folder `out`: compiled, or as it was kept."""
    version = importlib.metadata.version("alkaid").encode()
    key = digest(path.read_bytes(), version, (HERE / "bench_alkaid.py").read_bytes(), " ".join(options).encode())
    kept = CACHE / "alkaid" / f"{key}.json"
    if not kept.exists():
        say(f"{path.name}: alkaid, {mode}")
        one_thread = {"env": {**os.environ, "OMP_NUM_THREADS": "1"}}
        with tempfile.TemporaryDirectory() as tmp:
            command = [sys.executable, HERE / "bench_alkaid.py", path, tmp, *options]
            runs = [json.loads(output_of(*command, **one_thread)) for _ in range(COMPILES)]
            files = {file.name: file.read_text() for file in pathlib.Path(tmp, "src").rglob("*.v")}
        keep(kept, json.dumps({"result": min(runs, key=lambda run: run["compile_s"]), "files": files}).encode())
    held = json.loads(kept.read_text())
    out.mkdir(parents=True, exist_ok=True)
    for name, text in held["files"].items():
        (out / name).write_text(text)
    return held["result"], [out / name for name in held["files"]]


def results(path, name, out):
    """What alkaid makes in each mode: the compile's result with the cells and the files."""
    found = {}
    for index, (mode, options) in enumerate(modes(name).items()):
        result, files = compiled(path, mode, options, out / str(index))
        if name not in TIME_ONLY:
            say(f"{name}: counting alkaid, {mode}")
            result |= count(result["top"], files)
        found[mode] = result | {"mode": mode, "files": files}
    return found


def best(path, name, out):
    """alkaid's best mode: its result, with every mode's LUTs under `modes`."""
    found = results(path, name, out)
    chosen = min(found.values(), key=lambda result: result.get("luts", 0))
    return chosen | {"modes": {mode: result.get("luts") for mode, result in found.items()}}


def known(page, name):
    """alkaid's best mode as a page that bench.sh wrote has it; None for a network that is not there."""
    rows = [cells for cells in bench_table.cells(page.read_text()) if cells[0] == name]
    heads = [cells for cells in bench_table.cells(page.read_text()) if cells[0] == "network"]
    if len(rows) != 2:
        return None
    measured, modes = (dict(zip(head, row)) for head, row in zip(heads, rows))
    result = {key: float(measured[f"alkaid {title}"]) for title, key in bench_table.MEASURES}
    result |= {key: int(value) for key, value in result.items() if key != "compile_s"}
    found = {"cycles": int(modes["cycles"]), "mode": modes["best"], "exact": "alkaid" not in measured["exact"]}
    return result | found | {"modes": {mode: int(modes[mode]) for mode in MODES if modes[mode] != "-"}, "files": []}
