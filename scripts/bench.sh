#!/bin/sh
# Compile neutral networks with nanotrig and with alkaid, side by side, and count both results with the same Yosys script.
#
# usage: scripts/bench.sh [--target T] [--jobs N] [--period NS [--same-cycles]] [--no-peer] [--peer-only]
#                         [--options "..."] [--untimed] [--peer FILE.md] [--table FILE.md] [--equal-period | --times] NET.json.gz...
#
# alkaid's numbers come from a table that this made before if it is given as --peer and has them: they do not change. nanotrig is asked
# for alkaid's number of cycles, or for a period, or with --same-cycles for both.
#
# With --equal-period, nanotrig is asked for the period that alkaid's netlist has: both netlists are mapped by Yosys and
# priced by price.py with the target's cell delays.
#
# With --times, both are only timed.
#
# alkaid runs in its best mode of each network: the fewest LUTs over {ternary on, off} x {default, hard_dc=0}, which is kept in
# the cache. Standard output is one JSON line per network; all else, the geometric means at the end too, goes to standard
# error. The status is 1 if an output is wrong or a tool failed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$("$root/scripts/venv.sh" peer alkaid==0.8.2 pyosys==0.70 numpy) # pinned: a comparison names its versions

echo "bench: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2

exec "$venv/bin/python" "$root/scripts/bench.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
