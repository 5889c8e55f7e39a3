"""Random networks through nanotrig and through an independent implementation of the same layers, bit for bit.

    python run.py ORACLE --nanotrig PROGRAM [--seconds S] [--cases N] [--seed FIRST] [--compile EVERY] [--keep FOLDER]

An oracle is a file `oracle_NAME.py` with `make(seed, folder)`, which writes a random network into the folder and gives a
`cases.Case`: the same seed gives the same case. `nanotrig run` must give the oracle's numbers, or refuse with status 2, which
is counted by its message; each EVERY-th case is also compiled and proved. What differs is kept in FOLDER/ORACLE-SEED and named, and the
exit status is 1 in the end. The last line of standard output is a row of a Markdown table.
"""

import argparse
import importlib
import itertools
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path

import numpy as np

from cases import Redraw

OPERATIONS = 30_000  # a network of more is not compiled
COMPILE_LIMIT_S = 300


def program(nanotrig, *arguments):
    """The exit status and all that was printed."""
    try:
        done = subprocess.run([nanotrig, *map(str, arguments)], capture_output=True, text=True, timeout=COMPILE_LIMIT_S)
    except subprocess.TimeoutExpired:
        return -1, f"no end after {COMPILE_LIMIT_S} s"
    return done.returncode, done.stdout + done.stderr


def reason(text):
    """The first error of a message, without names, paths and numbers: refusals of one kind are counted together."""
    error = next((line for line in text.splitlines() if "error" in line), text[:200])
    error = re.sub(r"^\W*error: *|\S*/\S*:|`[^`]*`|\"[^\"]*\"", "", error)
    return re.sub(r"\s+", " ", re.sub(r"-?\d[\d.e-]*", "N", error)).strip(" :,")


def differences(case, got):
    """What of the outputs differs, as text; nothing where all are equal."""
    for name, want in case.outputs.items():
        if len(case.outputs) == len(got) == 1:  # a fused activation's name may be the output's
            name = next(iter(got))
        if name not in got:
            return f"no output `{name}`; there are {sorted(got)}"
        have, want = got[name].reshape(-1), np.asarray(want, np.float64).reshape(-1)
        if have.size != want.size:
            return f"`{name}` has {got[name].shape}, expected {want.size} values"
        wrong = np.flatnonzero(have != want)
        if wrong.size:
            at = wrong[0]
            return f"`{name}`: {wrong.size} of {want.size} values; value {at} is {float(have[at])!r}, expected {float(want[at])!r}"
    return ""


def check(case, folder, nanotrig, tally):
    """Runs a case; the text of a failure, or nothing."""
    np.savez(folder / "x.npz", **case.inputs)
    np.savez(folder / "expected.npz", **case.outputs)
    status, text = program(nanotrig, "run", case.model, *case.arguments, "--input", folder / "x.npz", "--output", folder / "y.npz")
    if status == 2:
        tally["refused"] += 1
        tally.refuse(text)
        return ""
    if status != 0:
        return f"status {status}: {text[-500:]}"
    with np.load(folder / "y.npz") as got:
        wrong = differences(case, got)
    values = sum(np.size(value) for value in case.outputs.values())
    tally["values"] += values
    tally["equal"] += 0 if wrong else values
    return wrong


def compiles(case, folder, nanotrig, tally):
    """Compiles a case, which checks every level and proves the Verilog; the text of a failure, or nothing."""
    status, text = program(nanotrig, "compile", case.model, *case.arguments, "-o", folder / "out", "--max-operations", OPERATIONS,
                           "--input", folder / "x.npz")
    shutil.rmtree(folder / "out", ignore_errors=True)
    if status == 2:
        tally.refuse(text, "compile: ")
        return ""
    if status != 0:
        return f"compile, status {status}: {text[-500:]}"
    tally["compiled"] += 1
    tally["proved"] += bool(re.search(r"^proved ", text, re.M))
    return ""


class Tally(Counter):
    """Counts, and why there was no comparison, with the first example of each reason."""

    def __init__(self):
        super().__init__()
        self.reasons, self.examples, self.seed = Counter(), {}, None

    def refuse(self, text, before=""):
        why = before + reason(text)
        self.reasons[why] += 1
        self.examples.setdefault(why, f"seed {self.seed}: {text.strip()}")


def one(oracle, seed, options, tally):
    """Makes and checks the case of a seed; keeps its files if it fails."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tally.seed = seed
        try:
            case = oracle.make(seed, folder)
        except Redraw as why:
            tally.refuse(str(why), "drawn again: ")
            return
        tally["cases"] += 1
        wrong = check(case, folder, options.nanotrig, tally)
        if not wrong and (folder / "y.npz").exists() and tally["cases"] % options.compile == 0:
            wrong = compiles(case, folder, options.nanotrig, tally)
        if wrong:
            tally["failed"] += 1
            kept = options.keep / f"{options.oracle}-{seed}"
            shutil.copytree(folder, kept, dirs_exist_ok=True)
            command = " ".join([str(case.model), *case.arguments]).replace(str(folder), str(kept))
            print(f"{options.oracle} seed {seed}: {wrong}\n  layers: {case.layers}\n  kept: nanotrig run {command}", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("oracle")
    parser.add_argument("--nanotrig", required=True)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cases", type=int, default=sys.maxsize)
    parser.add_argument("--seed", type=int, default=int(time.time()) * 1000, help="of the first case; the clock's milliseconds if left out, so that runs do not repeat")
    parser.add_argument("--compile", type=int, default=10, metavar="EVERY")
    parser.add_argument("--keep", type=Path, default=Path(tempfile.gettempdir()) / "nanotrig-differential")
    options = parser.parse_args()
    oracle = importlib.import_module(f"oracle_{options.oracle}")

    tally = Tally()
    start = time.monotonic()
    for seed in itertools.islice(itertools.count(options.seed), options.cases):
        if time.monotonic() - start > options.seconds:
            break
        if tally["cases"] % 50 == 49:
            print(f"{options.oracle}: {dict(tally)}, {time.monotonic() - start:.0f} s", file=sys.stderr)
        try:
            one(oracle, seed, options, tally)
        except Exception:  # the framework's own failure: counted, and shown, since the generator should not lead there
            tally["framework failed"] += 1
            print(f"{options.oracle} seed {seed}: the framework failed\n{traceback.format_exc(limit=-3)}", flush=True)
    for why, count in tally.reasons.most_common():
        print(f"{count} x {why}\n    {tally.examples[why]}")
    columns = ["cases", "values", "equal", "refused", "failed", "framework failed", "compiled", "proved"]
    cells = [options.oracle, f"{options.seed}", *(f"{tally[name]:,}" for name in columns), f"{time.monotonic() - start:.0f}"]
    print("| oracle | first seed | " + " | ".join(columns) + " | seconds |\n" + "| --- " * len(cells) + "|")
    print("| " + " | ".join(cells) + " |")
    sys.exit(1 if tally["failed"] else 0)


if __name__ == "__main__":
    main()
