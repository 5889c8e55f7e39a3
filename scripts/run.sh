#!/bin/sh
# Compiles an example, and verifies its Verilog in Verilator with the example's vectors and random ones.
#
# usage: scripts/run.sh EXAMPLE [COMPILE OPTION...]
#
# EXAMPLE is a folder with model.toml and vectors.npz; the result is build/NAME in the repository. Without options they are those of
# the example's file `options` (a clock of 360 MHz if there is none), its `more.sh` is run as well, and the summary must be its
# report.txt, which README.md may quote; BLESS=1 writes both anew.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
say() { echo "run: $*" >&2; }

example=${1:-}
[ -d "$example" ] || example=$root/$example # an example of the repository may be named from anywhere
if ! [ -f "$example/model.toml" ] || ! [ -f "$example/vectors.npz" ]; then
    say "usage: scripts/run.sh EXAMPLE [COMPILE OPTION...], with EXAMPLE a folder such as examples/jet_tagger"
    exit 2
fi
example=$(cd "$example" && pwd)
example=${example#"$root"/} # short, from here on in the repository's root
cd "$root"
shift
golden=$example/report.txt
more=
if [ $# -eq 0 ]; then
    set -- --clock 360
    ! [ -f "$example/options" ] || set -- $(cat "$example/options")
    ! [ -f "$example/more.sh" ] || more=$example/more.sh
else
    golden= # of other options there is no golden report
fi
name=$(basename "$example")
vectors=$example/vectors.npz

scripts/setup.sh
say "building nanotrig"
cargo build --release --quiet
nanotrig=${CARGO_TARGET_DIR:-target}/release/nanotrig

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0 # 1: something differs, and the rest is shown all the same
say "compiling $name $*"
"$nanotrig" compile "$example/model.toml" -o "build/$name" --input "$vectors" --expect "$vectors" "$@" \
    >"$work/summary" || status=$?
[ "$status" -le 1 ] || exit "$status"
say "verifying build/$name in Verilator"
"$nanotrig" verify "build/$name" --input "$vectors" --expect "$vectors" >"$work/verified" || status=$?

# Where the files are is no part of the golden report.
sed -e '/^report /d' -e '/^Verilog /d' "$work/summary" >"$work/report.txt"
if [ -n "$more" ]; then
    say "running $more"
    sh "$more" "$nanotrig" >"$work/more" || status=$?
    cat "$work/more" >>"$work/report.txt"
    cat "$work/more" >>"$work/verified"
fi
# README.md, with the report in the code block after the line that names it.
awk -v mark="<!-- $golden -->" -v report="$work/report.txt" '
    /^```/ && inside { inside = marked = 0 }
    inside { next }
    { print }
    /^```/ && marked { inside = 1; while ((getline line < report) > 0) print line }
    $0 == mark { marked = 1 }' README.md >"$work/README.md"
if [ -n "$golden" ] && [ -n "${BLESS:-}" ]; then
    say "writing $golden, and what README.md quotes of it"
    cat "$work/report.txt" >"$golden"
    cat "$work/README.md" >README.md
elif [ -n "$golden" ] && ! { diff -u "$golden" "$work/report.txt" && diff -u README.md "$work/README.md"; } >&2; then
    say "the summary is not the one in $golden, or README.md quotes another; if that is meant,"
    say "BLESS=1 scripts/run.sh $example writes them anew"
    status=1
fi

cat "$work/summary" "$work/verified"
exit "$status"
