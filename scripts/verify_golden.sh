#!/bin/sh
# Compile the trained networks whose outputs are stored, and verify each in Verilator: stored samples, then random vectors.
#
# usage: scripts/verify_golden.sh [VECTORS]
#
# The networks are under ../shared (or $NANOTRIG_SHARED). Ends with status 1 if any network has a mismatch.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
shared=${NANOTRIG_SHARED:-$root/../shared}
vectors=${1:-10000}
jets=$shared/data/jets_hlf/jets_hlf.npz:x_std
models=$shared/data/models

if ! [ -d "$shared" ]; then
    echo "skipped: $shared is absent" >&2
    exit 0
fi
if ! command -v verilator >/dev/null; then
    echo "skipped: verilator is not installed" >&2
    exit 0
fi
cargo build --release --quiet --manifest-path "$root/Cargo.toml"
nanotrig=${CARGO_TARGET_DIR:-$root/target}/release/nanotrig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

# one NAME MODEL GOLDEN [OPTION...]
one() {
    name=$1 model=$2 golden=$3
    shift 3
    echo "$name"
    "$nanotrig" compile "$model" -o "$work/$name" --input "$jets" --expect "$golden" "$@" >"$work/summary" ||
        { cat "$work/summary"; status=1; return; }
    "$nanotrig" verify "$work/$name" --input "$jets" --expect "$golden" --vectors "$vectors" 2>/dev/null || status=1
}

keras=$models/hls4ml_examples/keras/qkeras_3layer
one qkeras_3layer "$keras.json" "$keras.golden_fixed16_6_TRN.npz" --input-format "fixed<16,6>" --head logits
for plain in "$models"/hgq/*.plain.npz; do
    name=$(basename "$plain" .plain.npz)
    one "$name" "$plain" "${plain%.plain.npz}.golden.npz"
done
[ "$status" = 0 ] && echo "all networks verified" || echo "verification failed"
exit "$status"
