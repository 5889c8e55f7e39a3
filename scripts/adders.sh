#!/bin/sh
# Price sums alone, nanotrig's beside alkaid's, by one rule for both.
#
# usage: scripts/adders.sh [--options "..."] [--no-deeper] [--table FILE.md] FILE...
#
# With --no-deeper, nanotrig is asked for the longest period at which its sums are no deeper than alkaid's with hard_dc=0.
# A FILE is a neutral network, or a matrix of ../shared/bench/cmvm. adders.py says how sums are priced. The table goes to
# standard output (and to FILE.md). It needs the environment that bench.sh makes.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/nanotrig/peer
[ -x "$venv/bin/python" ] || { echo "adders: run scripts/bench.sh once, which makes $venv" >&2; exit 1; }
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2
exec "$venv/bin/python" "$root/scripts/adders.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
