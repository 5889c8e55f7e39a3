#!/bin/sh
# Coverage-guided fuzzing of the front ends and of --precision, on the stable compiler: none may panic, hang, or use more than 2 GB.
# Inputs that reach new code are added to fuzz/corpus/FRONTEND, which tests/fuzz_corpus.rs reads at every test.
#
# usage: scripts/fuzz.sh [SECONDS [FRONTEND...]]      600 seconds of each front end and of `precision`, if nothing is said
set -eu

cd "$(dirname "$0")/.."
say() { echo "fuzz: $*" >&2; }

seconds=${1:-600}
[ $# -eq 0 ] || shift
cargo fuzz --version >/dev/null 2>&1 || { say "installing cargo-fuzz"; cargo install --quiet cargo-fuzz; }
say "building"
for target in frontends precision; do cargo fuzz build --fuzz-dir fuzz --sanitizer none $target 2>&1 | tail -1 >&2; done
programs=${CARGO_TARGET_DIR:-fuzz/target}/x86_64-unknown-linux-gnu/release
[ $# -gt 0 ] || set -- $(cargo run --quiet -- list frontends | cut -d' ' -f1) precision

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for FRONTEND in "$@"; do
    # What lies beside the input: weights of JSON architectures, the configuration of tables.
    INPUT=examples/jet_tagger/model.toml WEIGHTS=
    program=$programs/frontends seeds="tests/data examples/jet_tagger tests/golden/frontends" bytes=65536
    case $FRONTEND in
    keras) WEIGHTS=tests/data/qkeras/fixed_mlp_weights.h5 ;;
    kanele) INPUT=$(ls tests/data/lut/*/truth_tables.json | head -1) ;;
    precision)
        # What the configurations are applied to: small networks with every class of hls4ml's layers between them.
        program=$programs/precision seeds=$scratch/configurations bytes=4096
        NETWORKS=
        for model in batch_norm conv1d separable rectifiers hard legacy dot gru bidirectional po2 merges; do
            NETWORKS=$NETWORKS${NETWORKS:+:}tests/data/hls4ml/${model}_model.h5
        done
        export NETWORKS
        mkdir -p "$scratch/configurations"
        cp tests/data/hls4ml/*.yml "$scratch/configurations"
        ;;
    esac
    export FRONTEND INPUT WEIGHTS
    found=$scratch/$FRONTEND
    mkdir -p "$found" "fuzz/corpus/$FRONTEND" fuzz/artifacts
    say "$FRONTEND: $seconds s"
    "$program" "$found" "fuzz/corpus/$FRONTEND" $seeds -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=$bytes -use_value_profile=1 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$FRONTEND-" >"$scratch/log" 2>&1 ||
        { tail -40 "$scratch/log" >&2; say "$FRONTEND failed; the input is in fuzz/artifacts"; exit 1; }
    grep -E 'Done|stat::(number_of_executed|peak)' "$scratch/log" | sed "s/^/fuzz: $FRONTEND: /" >&2
    # The smallest of the few that reach all the code that the many reached.
    mkdir -p "$scratch/few"
    "$program" -merge=1 -max_len=$bytes "$scratch/few" "fuzz/corpus/$FRONTEND" "$found" >/dev/null 2>&1
    for name in $(ls -Sr "$scratch/few" | head -n 150); do cp "$scratch/few/$name" "fuzz/corpus/$FRONTEND/"; done
    rm -rf "$scratch/few"
    say "$FRONTEND: $(ls "fuzz/corpus/$FRONTEND" | wc -l) inputs kept"
done
say "passed"
