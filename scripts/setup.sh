#!/bin/sh
# Installs the tools that running and testing need and that are not there yet: Debian's packages, and nothing else.
# Called by run.sh and test.sh; it does nothing, and says nothing, where all of them are installed.
set -eu

say() { echo "setup: $*" >&2; }

if ! command -v cargo >/dev/null; then
    say "cargo is not on the PATH: install Rust 1.95 or later from https://rustup.rs, then start again"
    exit 2
fi

# Each command, and the package that brings it.
missing=
for tool in verilator:verilator yosys:yosys iverilog:iverilog g++:g++ make:make unzip:unzip pip3:python3-pip; do
    command -v "${tool%%:*}" >/dev/null || missing="$missing ${tool#*:}"
done
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null; then
    say "missing:$missing"
    say "there is no apt-get here; install them with your system's package manager, then start again"
    exit 2
fi
root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        say "missing:$missing"
        say "as root: apt-get install$missing"
        exit 2
    fi
    root=sudo
fi
say "installing$missing with apt-get"
$root apt-get update -q >&2
# shellcheck disable=SC2086 # a list of words
$root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing >&2
say "done"
