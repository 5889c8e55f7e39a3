#!/bin/sh
# Checks every package of a design with the tools that it is for: IP-XACT by the rules of IEEE 1685-2014 and against the pins that
# Yosys reads, FuseSoC builds the Verilator target and runs it, GHDL analyses the VHDL and simulates the records, cocotb
# passes with Icarus.
#
# usage: scripts/packaging.sh [MODEL]      the example and a small circuit, bare, with streams and with weights in
#        registers, if nothing is said
set -eu

cd "$(dirname "$0")/.."
say() { echo "packaging: $*" >&2; }

scripts/setup.sh
if ! command -v ghdl >/dev/null; then
    say "ghdl is not installed: apt-get install ghdl"
    exit 2
fi
venv=$(scripts/venv.sh packaging fusesoc==2.4.7 cocotb==2.1.0) # pinned: a check names its versions
PATH=$venv/bin:$PATH
say "building nanotrig"
cargo build --release --quiet
nanotrig=${CARGO_TARGET_DIR:-target}/release/nanotrig
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools=$PWD/scripts

check() { # MODEL OPTIONS
    say "$*"
    model=$1
    shift
    rm -rf "$work/out"
    "$nanotrig" compile "$model" -o "$work/out" "$@" >/dev/null
    (
        cd "$work/out"
        core=$(ls ./*.core)
        top=$(basename "$core" .core)
        yosys -q -p "read_verilog $(sed "/^  simulation:/q" "$core" | sed -n "s#^      - \(.*\.v\)\$#\1#p" | tr "\n" " "); proc; write_json $work/pins.json"
        python3 "$tools/ip_xact.py" "packages/$top.xml" "$work/pins.json"

        fusesoc --cores-root . run --target=sim --setup --build "nanotrig:networks:$top" >"$work/log" 2>&1 ||
            { tail -20 "$work/log" >&2; exit 1; }
        simulation=$(find build -name "V$top" -type f)
        "$simulation" >"$work/log" 2>&1 || [ $? -eq 2 ] # without vectors it says how it is used
        grep -q '^usage: run VECTORS' "$work/log"
        echo "FuseSoC: the Verilator target of $top is built and runs"

        mkdir -p "$work/ghdl"
        rm -f "$work"/ghdl/*
        design=$(basename packages/*.vhd .vhd)
        ghdl -a --std=08 --workdir="$work/ghdl" "packages/$design.vhd"
        entity=$(sed -n 's/^entity \(.*\) is$/\1/p' "packages/$design.vhd")
        python3 "$tools/vhdl_stub.py" "packages/$design.vhd" "$work/ghdl"
        ghdl -a --std=08 --workdir="$work/ghdl" "$work/ghdl/stub.vhd" "$work/ghdl/bench.vhd"
        (cd "$work/ghdl" && ghdl --elab-run --std=08 bench)
        echo "GHDL: $entity carries every bit"

        make -C packages/cocotb >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
        grep -q 'FAIL=0' "$work/log" || { tail -20 "$work/log" >&2; exit 1; }
        grep -o '[0-9]* events answered' "$work/log"
    )
}

if [ $# -gt 0 ]; then
    check "$1"
else
    small=tests/data/interfaces/tiny.toml
    for interface in bare fixed-slot=20 axi-stream=16 packets crossing=32; do check $small --interface "$interface"; done
    check $small --weight-storage registers
    check examples/jet_tagger/model.toml --interface axi-stream
fi
say "passed"
