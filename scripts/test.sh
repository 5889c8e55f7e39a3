#!/bin/sh
# Everything that must hold before a change goes in: format, lints, tests, and the example verified in Verilator.
#
# usage: scripts/test.sh
set -eu

cd "$(dirname "$0")/.."
say() { echo "test: $*" >&2; }

scripts/setup.sh
say "format"
cargo fmt --check
say "lints"
cargo clippy --quiet --all-targets -- -D warnings
say "tests"
cargo test --quiet
say "models of the stream modules"
cargo test --quiet --manifest-path hdl/models/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/models"
say "training on libtorch, and searches on SQLite and PostgreSQL"
eval "$(scripts/libtorch.sh)"
cargo clippy --quiet --lib --bins --features search -- -D warnings
cargo clippy --quiet --all-targets --features train -- -D warnings
cargo test --quiet --features train --lib -- training learned searches
scripts/postgres.sh cargo test --quiet --features train --test registry --test tables --test search --test training --test training_forward \
    --test learned_hgq2
for report in examples/*/report.txt; do
    example=$(dirname "$report")
    say "$example"
    scripts/run.sh "$example"
done
say "passed"
