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
say "searches, on SQLite and PostgreSQL"
cargo clippy --quiet --all-targets --features search -- -D warnings
cargo test --quiet --features search --lib searches::
scripts/postgres.sh cargo test --quiet --features search --test search --test registry
say "models of the stream modules"
cargo test --quiet --manifest-path hdl/models/Cargo.toml --target-dir "${CARGO_TARGET_DIR:-target}/models"
say "training, on libtorch"
eval "$(scripts/libtorch.sh)"
cargo clippy --quiet --features train --all-targets -- -D warnings
cargo test --quiet --features train --lib training
cargo test --quiet --features train --test training --test training_forward
say "example"
scripts/run.sh examples/jet_tagger
say "passed"
