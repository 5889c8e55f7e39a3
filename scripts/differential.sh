#!/bin/sh
# Differential fuzzing: random networks through nanotrig and through independent implementations, bit for bit (scripts/differential/).
# Each oracle runs for so many seconds; mismatches are kept in a folder of the temporary directory, and named. Cases come from seeds, the first
# of which is the clock's time; `python scripts/differential/run.py ORACLE --seed N --cases 1 ...` makes one again.
#
# usage: scripts/differential.sh [SECONDS [ORACLE...]]      600 seconds of each oracle, if nothing is said
#        NANOTRIG=PROGRAM takes that program instead of building one
set -eu

cd "$(dirname "$0")/.."
say() { echo "differential: $*" >&2; }

seconds=${1:-600}
[ $# -eq 0 ] || shift
[ $# -gt 0 ] || set -- hgq2 qkeras qonnx alkaid
if [ -z "${NANOTRIG:-}" ]; then
    say "building"
    cargo build --release --quiet
    NANOTRIG=${CARGO_TARGET_DIR:-target}/release/nanotrig
fi

failed=0
for oracle in "$@"; do
    # Pinned: an oracle is a version. HGQ2 brings a module called qkeras, so the two do not share an environment.
    case $oracle in
    hgq2) venv=$(scripts/venv.sh hgq2-tensorflow tensorflow-cpu==2.21.0 keras==3.15.1 HGQ2==0.2.0) ;;
    qkeras) venv=$(scripts/venv.sh speed-qkeras qkeras-v3==1.2.1 tensorflow-cpu==2.21.0) ;;
    qonnx) venv=$(scripts/venv.sh qonnx qonnx==1.0.0) ;;
    alkaid) venv=$(scripts/venv.sh peer alkaid==0.8.2 numpy) ;;
    *) say "no oracle \`$oracle\`; there are hgq2, qkeras, qonnx, alkaid"; exit 2 ;;
    esac
    say "$oracle: $seconds s"
    "$venv/bin/python" scripts/differential/run.py "$oracle" --nanotrig "$NANOTRIG" --seconds "$seconds" || failed=1
done
exit $failed
