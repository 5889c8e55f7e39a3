#!/bin/sh
# Streams many events through every shell in Verilator, with random stalls on both sides, resets and damaged events: nothing may
# be lost, come twice or in another order, and no clock may be lost while nobody stalls.
#
# usage: scripts/shells.sh [EVENTS [MODEL]]      1000000 events through small circuits, one of them with states, if nothing is said
set -eu

cd "$(dirname "$0")/.."
say() { echo "shells: $*" >&2; }

events=${1:-1000000} models=${2:-tests/data/interfaces/tiny.toml tests/data/interfaces/keeps.toml}
scripts/setup.sh
say "building nanotrig"
cargo build --release --quiet
nanotrig=${CARGO_TARGET_DIR:-target}/release/nanotrig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

status=0
for model in $models; do
    for interface in fixed-slot=20 axi-stream axi-stream=7:3 axi-stream=19:200 packets crossing=32 crossing=8:5; do
        name=$(basename "$model" .toml)
        say "$name, $interface: $events events"
        "$nanotrig" compile "$model" -o "$work/out" --interface "$interface" >/dev/null
        "$nanotrig" verify "$work/out" --vectors "$events" >"$work/said" 2>/dev/null || status=$?
        printf '%-8s %-16s %s\n' "$name" "$interface" "$(grep '^shell: ' "$work/said")"
        grep '^mismatch: ' "$work/said" || true
    done
done
exit "$status"
