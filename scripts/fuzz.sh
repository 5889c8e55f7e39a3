#!/bin/sh
# Coverage-guided fuzzing of all readers, on the stable compiler: none may panic, hang, or use more than 2 GB. Inputs that reach
# new code are added to fuzz/corpus/READER, which tests/fuzz_corpus.rs reads at every test.
#
# usage: scripts/fuzz.sh [SECONDS [READER...]]      600 seconds of each if nothing is said
#
# A reader is a front end, `precision`, `recipes`, or a file of an output folder as `nanotrig prove` reads it: `graph`, `verilog`,
# `report`, `certificate`.
set -eu

cd "$(dirname "$0")/.."
say() { echo "fuzz: $*" >&2; }

seconds=${1:-600}
[ $# -eq 0 ] || shift
cargo fuzz --version >/dev/null 2>&1 || { say "installing cargo-fuzz"; cargo install --quiet cargo-fuzz; }
say "building"
eval "$(scripts/libtorch.sh)"
export LD_LIBRARY_PATH="$LIBTORCH/lib${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
cargo fuzz build --fuzz-dir fuzz --sanitizer none --features train 2>&1 | tail -1 >&2
programs=${CARGO_TARGET_DIR:-fuzz/target}/x86_64-unknown-linux-gnu/release
nanotrig=${NANOTRIG:-${CARGO_TARGET_DIR:-target}/debug/nanotrig}
[ -x "$nanotrig" ] || cargo build --quiet
[ $# -gt 0 ] || set -- $("$nanotrig" list frontends | cut -d' ' -f1) precision recipes graph verilog report certificate

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
for READER in "$@"; do
    # What lies beside the input: weights of JSON architectures, the configuration of tables.
    INPUT=examples/jet_tagger/model.toml WEIGHTS=
    program=$programs/frontends seeds="tests/data examples/jet_tagger tests/golden/frontends" bytes=65536
    FRONTEND=$READER FOLDER= FILE= NETWORK=
    case $READER in
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
    recipes)
        program=$programs/recipes seeds=$scratch/recipes bytes=4096 NETWORK=examples/jet_tagger/model.toml
        mkdir -p "$scratch/recipes"
        for recipe in examples/*/*recipe.toml; do cp "$recipe" "$scratch/recipes/$(echo "$recipe" | tr / _)"; done
        ;;
    graph | verilog | report | certificate)
        program=$programs/folders seeds=$scratch/seeds bytes=8192 FOLDER=$scratch/small
        rm -rf "$FOLDER" "$scratch/seeds"
        mkdir -p "$scratch/seeds"
        "$nanotrig" compile fuzz/small.toml -o "$FOLDER" >/dev/null 2>&1
        case $READER in
        graph) FILE=ir/optimised.txt own="$FOLDER/ir/dfg.txt $FOLDER/ir/optimised.txt" ;;
        verilog) FILE=verilog/first.v own="$FOLDER/verilog/*.v hdl/behavioural/*.v" ;;
        report) FILE=report.json own=$FOLDER/report.json ;;
        certificate) FILE=proof.json own=$FOLDER/proof.json ;;
        esac
        cp $own "$scratch/seeds"
        ;;
    esac
    export FRONTEND INPUT WEIGHTS FOLDER FILE NETWORK
    found=$scratch/$READER
    mkdir -p "$found" "fuzz/corpus/$READER" fuzz/artifacts
    say "$READER: $seconds s"
    "$program" "$found" "fuzz/corpus/$READER" $seeds -max_total_time="$seconds" -timeout=20 \
        -rss_limit_mb=2048 -malloc_limit_mb=1024 -max_len=$bytes -use_value_profile=1 -print_final_stats=1 \
        -artifact_prefix="fuzz/artifacts/$READER-" >"$scratch/log" 2>&1 ||
        { tail -40 "$scratch/log" >&2; say "$READER failed; the input is in fuzz/artifacts"; exit 1; }
    grep -E 'Done|stat::(number_of_executed|peak)' "$scratch/log" | sed "s/^/fuzz: $READER: /" >&2
    # The smallest of the few that reach all the code that the many reached.
    mkdir -p "$scratch/few"
    "$program" -merge=1 -max_len=$bytes "$scratch/few" "fuzz/corpus/$READER" "$found" >/dev/null 2>&1
    for name in $(ls -Sr "$scratch/few" | head -n 150); do cp "$scratch/few/$name" "fuzz/corpus/$READER/"; done
    rm -rf "$scratch/few"
    say "$READER: $(ls "fuzz/corpus/$READER" | wc -l) inputs kept"
done
say "passed"
