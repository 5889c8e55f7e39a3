#!/bin/bash
# Kills a search with -9 at random moments, again and again, and starts it anew each time: every search that comes to its end
# must have found the same as one that nobody touched.
#   scripts/kill_search.sh [KILLS]      1000 if not given; NANOTRIG names another program than target/debug/nanotrig
set -euo pipefail

cd "$(dirname "$0")/.."
kills=${1:-1000}
nanotrig=${NANOTRIG:-$PWD/target/debug/nanotrig}
if ! [ -x "$nanotrig" ]; then
    cargo build --features search
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/network.toml" <<'TOML'
format = "nanotrig/1"
[[input]]
name = "x"
shape = [2]
format = "fixed<8,3>"
[[layer]]
name = "dense"
kind = "dense"
[layer.tensors]
kernel = [[0.5, -0.25, 0.1], [0.375, 0.875, 0.125]]
bias = [0.0, 1.5, 0.25]
[[layer]]
name = "act"
kind = "relu"
[[layer]]
name = "last"
kind = "dense"
[layer.tensors]
kernel = [[1.0], [0.0], [-1.0]]
TOML
cat >"$folder/recipe.toml" <<'TOML'
network = "network.toml"
[search]
max_trials = 40
seed = 1
blocks = ["dense|act", "last"]
command = ["sh", "-c", "cksum < \"$0\" | awk '{ print 0.5 + $1 % 1000 / 4000 }'"]
[search.limit]
Dense = [8, 8, 8]
Activation = [8]
TOML

# Runs or resumes a search; its folder is the argument.
search() { (cd "$1" && exec "$nanotrig" search recipe.toml --workers 2 --lease 0.3 >log 2>&1); }

mkdir "$folder/whole"
cp "$folder"/*.toml "$folder/whole"
search "$folder/whole"

killed=0 finished=0
fresh() {
    rm -rf "$folder/killed"
    mkdir "$folder/killed"
    cp "$folder/network.toml" "$folder/recipe.toml" "$folder/killed"
}
fresh
while [ "$killed" -lt "$kills" ]; do
    # A session of its own, so that its workers are killed with it.
    setsid bash -c "$(declare -f search); nanotrig='$nanotrig'; search '$folder/killed'" &
    process=$!
    sleep "0.$((RANDOM % 900 + 50))"
    if kill -9 -- "-$process" 2>/dev/null; then
        killed=$((killed + 1))
    fi
    wait "$process" 2>/dev/null && status=0 || status=$?
    if [ "$status" = 0 ]; then
        cmp "$folder/whole/recipe.best.csv" "$folder/killed/recipe.best.csv"
        cmp "$folder/whole/recipe.best.toml" "$folder/killed/recipe.best.toml"
        finished=$((finished + 1))
        fresh
    elif [ "$status" != 137 ]; then
        cat "$folder/killed/log" >&2
        exit 1
    fi
done
search "$folder/killed"
cmp "$folder/whole/recipe.best.csv" "$folder/killed/recipe.best.csv"
cmp "$folder/whole/recipe.best.toml" "$folder/killed/recipe.best.toml"
echo "killed $killed times, finished $((finished + 1)) times: always the same trials and the same best network"
