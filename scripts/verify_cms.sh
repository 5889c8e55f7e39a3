#!/bin/sh
# Compiles hls4ml firmware dumps from native TOML, and verifies each in Verilator against the independent evaluator.
#
#   scripts/verify_cms.sh FOLDER [NAME ..]
#
# FOLDER holds NAME.json and NAME.npz. Prints for each: seconds and megabytes of the compile, stages, and what verify said.
# PYTHON names a Python with NumPy; SAMPLES (200) the events.
set -eu
folder=$1
shift
here=$(cd "$(dirname "$0")/.." && pwd)
python=${PYTHON:-python3}
cargo build --release --quiet --manifest-path "$here/Cargo.toml"
nanotrig=${CARGO_TARGET_DIR:-$here/target}/release/nanotrig
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
[ $# -gt 0 ] || set -- $(cd "$folder" && ls *.json | sed 's/\.json$//')
status=0
for name in "$@"; do
    cd "$scratch"
    "$python" "$here/scripts/from_hls4ml.py" "$folder/$name.json" -o "$name.toml" >/dev/null 2>&1
    "$python" "$here/scripts/ap_fixed_oracle.py" "$folder/$name.json" --samples "${SAMPLES:-200}" --inputs x.npz --outputs y.npz >/dev/null
    if "$python" - "$nanotrig" "$name" <<'PY'
import resource, subprocess, sys, time
import numpy as np
nanotrig, name = sys.argv[1:]
start = time.time()
made = subprocess.run([nanotrig, "compile", f"{name}.toml", "-o", name], capture_output=True, text=True)
seconds = time.time() - start
megabytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
print(f"{name}: compile {seconds:.1f} s, {megabytes} MB", end="", flush=True)
if made.returncode:
    sys.exit(f"\n{made.stderr.strip()}")
# The ports' names are legal Verilog names of the outputs'; the order is the same.
subprocess.run([nanotrig, "run", f"{name}.toml", "--input", "x.npz", "--output", "run.npz"], check=True, capture_output=True)
want, run = np.load("y.npz"), np.load("run.npz")
np.savez("y.npz", **{ours: want[theirs].reshape(run[ours].shape) for ours, theirs in zip(run.files, want.files)})
start = time.time()
checked = subprocess.run([nanotrig, "verify", name, "--input", "x.npz", "--expect", "y.npz"], capture_output=True, text=True)
print(f"; verify {time.time() - start:.0f} s: {(checked.stdout or checked.stderr).strip().splitlines()[-1]}")
sys.exit(checked.returncode)
PY
    then :; else status=1; fi
    rm -rf "$name"
done
exit $status
