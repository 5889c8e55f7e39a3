#!/bin/sh
# The benchmark of jets: trains, compiles and measures the networks of examples/jet_search beside public ones, and writes
# the tables of its README.md. Hours on two cores; what is in build/jet_search already is not made again.
#
# usage: scripts/jets.sh
set -eu

cd "$(dirname "$0")/.."
say() { echo "jets: $*" >&2; }
[ -d ../shared/data ] || { say "there is no ../shared/data; nothing is done"; exit 0; }

python=$(scripts/venv.sh models numpy)/bin/python
scripts/setup.sh
eval "$(scripts/libtorch.sh)"
say "building nanotrig"
cargo build --release --quiet --features train
nanotrig=${CARGO_TARGET_DIR:-target}/release/nanotrig
"$python" scripts/distil_jets.py "$nanotrig"
"$python" scripts/jets.py "$nanotrig"
