#!/bin/sh
# Times an epoch of training at batch 1024: ours beside HGQ2 on JAX and qkeras-v3 on Keras, one after another on this machine.
#
# usage: scripts/training_speed.sh [SAMPLES]
#
# Needs python3; the other frameworks go into virtual environments in the user's cache folder, once.
set -eu

cd "$(dirname "$0")/.."
say() { echo "training_speed: $*" >&2; }
samples=${1:-65536}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nanotrig

# usage: environment NAME PIP-ARGUMENT...
environment() {
    place=$cache/speed-$1
    shift
    [ -e "$place/complete" ] && return
    say "installing $* into $place"
    python3 -m venv "$place"
    "$place/bin/pip" install --quiet --disable-pip-version-check "$@" >&2
    touch "$place/complete"
}
environment hgq2 HGQ2==0.2.0 keras==3.15.1 'jax[cpu]'
environment qkeras qkeras-v3==1.2.1 tensorflow-cpu

eval "$(scripts/libtorch.sh)"
say "building nanotrig"
cargo build --release --quiet --features train
program=${CARGO_TARGET_DIR:-target}/release/nanotrig

for framework in hgq2 qkeras; do
    "$cache/speed-$framework/bin/python" scripts/training_speed.py "$framework" "$samples" 2>/dev/null
done
for kind in learned fixed; do
    "$cache/speed-hgq2/bin/python" scripts/training_speed.py "nanotrig-$kind" "$samples" "$program"
done
