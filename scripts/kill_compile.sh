#!/bin/sh
# Kills a compile (-9) at random moments, and demands that the output folder is each time absent, the old one whole or
# the new one whole.
#   scripts/kill_compile.sh [TIMES [NETWORK]]      (100, the jet tagger)
set -eu
cd "$(dirname "$0")/.."
times=${1:-100}
network=${2:-examples/jet_tagger/model.toml}
nanotrig=${NANOTRIG:-target/release/nanotrig}
[ -n "${NANOTRIG:-}" ] || cargo build --release --quiet
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

compile() { "$nanotrig" compile "$network" -o "$1" --clock "$2" --no-prove --json; }
# Everything in a folder but how long it took.
state() { (cd "$1" && find . -type f | sort | xargs sed 's/"[a-z]*_s": [0-9.e-]*//; s/[0-9.]* s\b//' | cksum); }

for clock in 200 400; do
    start=$(date +%s%N)
    compile "$work/clock$clock" "$clock" >/dev/null 2>&1
    took=$(($(date +%s%N) - start))
    # The same folder's name again: some files have it.
    cp -r "$work/clock$clock" "$work/same" && compile "$work/same" "$clock" >/dev/null 2>&1
    [ "$(state "$work/same")" = "$(state "$work/clock$clock")" ] || { echo "a compile does not repeat itself"; exit 1; }
    rm -rf "$work/same"
done
[ "$(state "$work/clock200")" != "$(state "$work/clock400")" ] || { echo "the two states cannot be told apart"; exit 1; }
absent=0 old=0 new=0
for time in $(seq "$times"); do
    rm -rf "$work/out"
    [ $((time % 2)) -eq 1 ] || cp -r "$work/clock200" "$work/out"
    "$nanotrig" compile "$network" -o "$work/out" --clock 400 --no-prove >/dev/null 2>&1 &
    victim=$!
    sleep "$(awk -v took="$took" -v seed="$time" 'BEGIN { srand(seed); printf "%.4f", rand() * 1.2 * took / 1e9 }')"
    kill -9 "$victim" 2>/dev/null || true
    wait "$victim" 2>/dev/null || true
    if [ ! -e "$work/out" ]; then
        absent=$((absent + 1))
    elif [ "$(state "$work/out")" = "$(state "$work/clock200")" ]; then
        old=$((old + 1))
    elif [ "$(state "$work/out")" = "$(state "$work/clock400")" ]; then
        new=$((new + 1))
    else
        echo "run $time: the folder is neither the old one nor the new one"
        exit 1
    fi
done
echo "$times kills: $absent folders absent, $old old, $new new, none mixed"
