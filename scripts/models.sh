#!/bin/sh
# Loads all public networks of a folder and compares those with reference outputs; writes examples/models.md.
#
# usage: scripts/models.sh [SHARED]      the folder that has data/, ../shared if nothing is said
set -eu

cd "$(dirname "$0")/.."
say() { echo "models: $*" >&2; }
shared=${1:-../shared}
[ -d "$shared/data/models" ] || { say "there are no networks in $shared; nothing is done"; exit 0; }

python=$(scripts/venv.sh models numpy)/bin/python
say "building"
cargo build --quiet --release
say "reading and comparing: some minutes"
"$python" scripts/models.py "$shared" "${CARGO_TARGET_DIR:-target}/release/nanotrig" >build-models.md || status=$?
mv build-models.md examples/models.md
say "written: examples/models.md"
exit "${status:-0}"
