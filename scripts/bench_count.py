"""LUTs, flip-flops and carry bits of Verilog as Yosys maps it, kept by the content of all that decides them.

Yosys takes minutes, and the same Verilog gives the same count. The mapped netlist is kept beside the count.
"""
import gzip
import hashlib
import importlib.metadata
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache", "nanotrig")

# Numbers are only comparable when counted alike, so a count shared by several tools takes precedence over ours.
SHARED_COUNT = HERE.parent.parent / "shared" / "bench" / "yosys_count.py"
if "NANOTRIG_SHARED" in os.environ:
    SHARED_COUNT = pathlib.Path(os.environ["NANOTRIG_SHARED"], "bench", "yosys_count.py")
COUNT = SHARED_COUNT if SHARED_COUNT.exists() else HERE / "yosys_count.py"


def say(*words):
    print("bench:", *words, file=sys.stderr, flush=True)


def output_of(*command, **settings):
    """Run a command; its standard output, or an error that shows what it said."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **settings)
    if done.returncode:
        raise RuntimeError(f"{command[0]} ended with {done.returncode}\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def digest(*texts):
    """One name for several byte strings."""
    whole = hashlib.sha256()
    for text in texts:
        whole.update(hashlib.sha256(text).digest())
    return whole.hexdigest()


def keep(path, content):
    """Write a file of the cache at once, so that a run beside this one never reads half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(f".{os.getpid()}")
    written.write_bytes(content)
    written.rename(path)


def kept_count(top, files):
    """Where the count of these files is kept; the netlist is beside it, its name ending in .v.gz."""
    files = sorted(files, key=lambda file: file.name)
    name = digest(COUNT.read_bytes(), importlib.metadata.version("pyosys").encode(), top.encode(), *(file.read_bytes() for file in files))
    return CACHE / "yosys" / f"{name}.json"


def count(top, files):
    """LUTs, flip-flops and carry bits of a design."""
    kept = kept_count(top, files)
    if not kept.exists():
        with tempfile.TemporaryDirectory() as tmp:
            netlist = pathlib.Path(tmp, "netlist.v")
            cells = output_of(sys.executable, COUNT, top, *sorted(files, key=lambda file: file.name), "--keep", netlist)
            keep(kept.with_suffix(".v.gz"), gzip.compress(netlist.read_bytes(), 6))
        keep(kept, cells.encode())
    cells = json.loads(kept.read_text().splitlines()[-1])
    return {"luts": cells["lut"], "ffs": cells["ff"], "carry_bits": cells["carry_bits"]}
