#!/bin/sh
# Compiles networks and proves each: a row of a table for each network and target.
#   scripts/prove_all.sh [TARGET...] -- NETWORK...      (targets: generic and ultrascale-plus if none is named)
set -eu
cd "$(dirname "$0")/.."
targets=""
while [ $# -gt 0 ] && [ "$1" != "--" ]; do targets="$targets $1"; shift; done
[ $# -gt 0 ] && shift
targets=${targets:-generic ultrascale-plus}
cargo build --release --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
echo "| network | target | proved | compile s | prove s |"
echo "| --- | --- | --- | --- | --- |"
for network in "${@:-examples/jet_tagger/model.toml}"; do
    for target in $targets; do
        name=$(basename "$network")
        if ! target/release/nanotrig compile "$network" -o "$work/out" --no-prove --target "$target" >/dev/null 2>"$work/errors"; then
            echo "| $name | $target | not compiled | | |"
            continue
        fi
        compile=$(sed -n 's/.*"compile_s": \([0-9.]*\).*/\1/p' "$work/out/report.json" | head -1)
        start=$(date +%s.%N)
        if target/release/nanotrig prove "$work/out" >"$work/said" 2>&1; then proved=yes; else proved="no: $(grep ';' "$work/said" | head -1 | cut -d';' -f2- | cut -c1-80)"; fi
        echo "| $name | $target | $proved | $compile | $(echo "$(date +%s.%N) - $start" | bc | cut -c1-5) |"
    done
done
