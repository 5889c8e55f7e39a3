#!/bin/sh
# Trains gamma_telescope, pulsar and digits anew, and writes what these examples ship. Then verify each of them:
# BLESS=1 scripts/run.sh examples/NAME
#
# usage: scripts/train_examples.sh [NAME...]
set -eu

cd "$(dirname "$0")/.."
say() { echo "train_examples: $*" >&2; }
python=$(scripts/venv.sh models numpy)/bin/python
eval "$(scripts/libtorch.sh)"
say "building nanotrig"
cargo build --release --quiet --features train
"$python" scripts/train_examples.py "${CARGO_TARGET_DIR:-target}/release/nanotrig" "$@"
