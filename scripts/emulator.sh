#!/bin/sh
# Compares the C++ emulator of examples with `nanotrig run`, and its speed with Verilator's, both on one thread: each is measured
# five times, in turns, and the best counts.
#
# usage: scripts/emulator.sh [EXAMPLE...]      all of examples/ that have model.toml and vectors.npz, if nothing is said
#
# The status is 1 if an output differs, or if an emulator is not at least 20 times as fast as the simulation.
set -eu

cd "$(dirname "$0")/.."
say() { echo "emulator: $*" >&2; }

scripts/setup.sh
say "building nanotrig"
cargo build --release --quiet
nanotrig=${CARGO_TARGET_DIR:-target}/release/nanotrig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
[ $# -gt 0 ] || set -- $(for model in examples/*/model.toml; do dirname "$model"; done)

status=0
printf '%-16s %10s %12s %12s %8s\n' example differing 'emulator, /s' 'Verilator, /s' ratio
for example in "$@"; do
    vectors=$example/vectors.npz name=$(basename "$example")
    say "compiling $name"
    "$nanotrig" compile "$example/model.toml" -o "$work/out" >/dev/null
    make --silent -C "$work/out/emulator"
    # The ports' own values: what the host does behind them is left out, and inputs are given as codes of the netlist level.
    "$nanotrig" run "$example/model.toml" --input "$vectors" --output "$work/y.csv" --level netlist
    "$nanotrig" run "$example/model.toml" --input "$vectors" --output "$work/x.csv" --layer \
        "$(sed -n '/^\[\[input\]\]/,/^name/s/^name = "\(.*\)"/\1/p' "$example/model.toml" | head -1)"
    "$work/out/emulator/emulator" "$work/x.csv" "$work/z.csv"
    differing=$(sed 1d "$work/y.csv" | awk -F, -v other="$work/z.csv" '
        { getline line < other; n = split(line, z, ","); for (i = 1; i <= NF; i++) wrong += n != NF || $i + 0 != z[i] + 0 }
        END { print NR == 0 ? "none read" : wrong + 0 }')
    fast=0 slow=0
    for _ in 1 2 3 4 5; do
        now=$("$work/out/emulator/emulator" --speed 1024000 | sed 's/.* s, \(.*\) a second.*/\1/')
        [ "$now" -le "$fast" ] || fast=$now
        now=$("$nanotrig" verify "$work/out" --vectors 20000 2>"$work/said" | sed -n 's/.*(\([0-9]*\) a second.*/\1/p')
        [ "${now:-0}" -gt 0 ] || cat "$work/said" >&2
        [ "${now:-0}" -le "$slow" ] || slow=$now
    done
    awk -v n="$name" -v d="$differing" -v f="$fast" -v s="$slow" 'BEGIN {
        printf "%-16s %10s %12d %12d %8.1f\n", n, d, f, s, f / s
        exit !(d == "0" && f >= 20 * s) }' || status=1
done
exit "$status"
