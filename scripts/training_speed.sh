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
hgq2=$(scripts/venv.sh speed-hgq2 HGQ2==0.2.0 keras==3.15.1 'jax[cpu]')/bin/python
qkeras=$(scripts/venv.sh speed-qkeras qkeras-v3==1.2.1 tensorflow-cpu)/bin/python

eval "$(scripts/libtorch.sh)"
say "building nanotrig"
cargo build --release --quiet --features train
program=${CARGO_TARGET_DIR:-target}/release/nanotrig

"$hgq2" scripts/training_speed.py hgq2 "$samples" 2>/dev/null
"$qkeras" scripts/training_speed.py qkeras "$samples" 2>/dev/null
for kind in learned fixed; do
    "$hgq2" scripts/training_speed.py "nanotrig-$kind" "$samples" "$program"
done
