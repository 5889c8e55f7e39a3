#!/bin/sh
# Compile neutral networks with nanotrig and with alkaid, side by side, and count both results with the same Yosys script.
#
# usage: scripts/bench.sh [--target T] [--jobs N] [--period NS] [--no-peer] [--peer-only] [--options "..."] [--table FILE.md]
#                         [--equal-period] NET.json.gz...
#
# With --equal-period, nanotrig is asked for the period that alkaid's netlist has: both netlists are mapped by Yosys and
# priced by price.py with the target's cell delays.
#
# alkaid runs in its best mode of each network: the fewest LUTs over {ternary on, off} x {default, hard_dc=0}, which is kept in
# the cache. Standard output is one JSON line per network; all else, the geometric means at the end too, goes to standard
# error. The status is 1 if an output is wrong or a tool failed.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/nanotrig/peer
packages="alkaid==0.8.2 pyosys==0.70 numpy" # pinned: a comparison names its versions

if ! [ -x "$venv/bin/python" ]; then
    echo "bench: making a Python environment in $venv" >&2
    python3 -m venv "$venv" >&2
fi
for package in $packages; do
    case $package in *==*) version=${package#*==} ;; *) version= ;; esac
    installed=$("$venv/bin/pip" show "${package%%==*}" 2>/dev/null | sed -n 's/^Version: //p')
    if [ -z "$installed" ] || [ "${version:-$installed}" != "$installed" ]; then
        echo "bench: installing $package" >&2
        "$venv/bin/pip" install --quiet "$package" >&2
    fi
done

echo "bench: building nanotrig" >&2
cargo build --release --quiet --manifest-path "$root/Cargo.toml" >&2

exec "$venv/bin/python" "$root/scripts/bench.py" --nanotrig "${CARGO_TARGET_DIR:-$root/target}/release/nanotrig" "$@"
