#!/bin/sh
# What an interval above 1 saves: a random 64-64 dense network of 8-bit weights, compiled for an event every 1, 2, 4 and 8
# clocks; each Verilog is verified in Verilator and mapped by Yosys 0.70.
#
# usage: scripts/interval.sh [--intervals K,K,...] [--size N] [--target T] [--vectors N] [--table FILE.md]
#
# Standard output is the table. The status is 1 if an output is wrong.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$("$root/scripts/venv.sh" peer pyosys==0.70)
echo "interval: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2
exec "$venv/bin/python" "$root/scripts/interval.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
