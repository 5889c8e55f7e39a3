#!/bin/sh
# Compiles networks, at 8 stages, and proves each: a row of a table for each network, a column for each target, with the proof's
# seconds (or why it is not proved).
#   scripts/prove_all.sh [TARGET...] -- NETWORK...      (targets: generic and ultrascale-plus if none is named)
# The environment variable EFFORT is the compile's --effort, OPTIONS are more of its options (--precision FILE), LIMIT is the proof's --limit.
set -eu
cd "$(dirname "$0")/.."
targets=""
while [ $# -gt 0 ] && [ "$1" != "--" ]; do targets="$targets $1"; shift; done
[ $# -gt 0 ] && shift
targets=${targets:-generic ultrascale-plus}
cargo build --release --quiet
nanotrig=${CARGO_TARGET_DIR:-target}/release/nanotrig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
row() { printf '| %s' "$1"; shift; printf ' | %s' "$@"; echo ' |'; }
row network $targets
row $(for column in network $targets; do echo ---; done)
# The seconds of a proof, or why there is none.
proved() {
    # shellcheck disable=SC2086 # a list of words
    "$nanotrig" compile "$1" -o "$work/out" --target "$2" --stages 8 --effort "${EFFORT:-default}" ${OPTIONS:-} --no-prove >/dev/null 2>&1 ||
        { echo "not compiled"; return; }
    start=$(date +%s.%N)
    if "$nanotrig" prove "$work/out" --limit "${LIMIT:-60}" >"$work/said" 2>&1; then
        echo "$(date +%s.%N) - $start" | bc | sed 's/^\./0./' | cut -c1-4
    else
        echo "not proved:$(grep ';' "$work/said" | head -1 | cut -d';' -f2- | cut -c1-80)"
    fi
}
for network in "${@:-examples/jet_tagger/model.toml}"; do
    name=$(basename "$network" .json.gz)
    printf '| %s' "$name"
    for target in $targets; do printf ' | %s' "$(proved "$network" "$target")"; done
    echo ' |'
done
