#!/bin/sh
# How compile time and memory grow: generate networks of 10^4 to 10^6 operations, compile each with one thread, and fit the
# growth of the time.
#
# usage: scripts/scale.sh [--target T] [--sizes N,N,...] [--kinds layers,positions] [--table FILE.md]
#
# Times are CPU seconds, so that other work on the machine counts little. Operations are those of the report: sums, clips,
# tables of the finished circuit. Standard output is the table.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
echo "scale: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2
exec python3 "$root/scripts/scale.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
