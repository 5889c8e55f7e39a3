#!/bin/sh
# Compile a convolutional network of 32 x 32 x 3 pixels (random weights, always the same) for pixels that come one after another,
# simulate it in Verilator, and compare the images' answers with the network's.
#
# usage: scripts/streaming.sh [--images N] [--table FILE.md]
#
# Standard output is what nanotrig prints. The status is 1 if an answer is wrong.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
echo "streaming: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2
exec python3 "$root/scripts/streaming.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
