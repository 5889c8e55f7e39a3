#!/bin/sh
# Fit the estimates of LUTs and carry bits to what Yosys maps, and write src/targets/fitted.rs.
#
# usage: scripts/calibrate.sh [--target T]... [--jobs N] [--check]
#
# Networks of our own are generated; those of ../shared/bench are used where they are. Some are fitted on, and the errors are
# those of the others. The file has the fits of the targets named, or of all. --check only prints the errors of the
# estimates as they are. Standard output is the table of all networks; what is measured is kept in the cache.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$("$root/scripts/venv.sh" peer pyosys==0.70 numpy) # pinned: a fit names its version

echo "calibrate: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2

exec "$venv/bin/python" "$root/scripts/calibrate.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
