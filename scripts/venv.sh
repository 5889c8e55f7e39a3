#!/bin/sh
# Makes a Python environment in the user's cache folder, with these packages, and prints its folder. What is there stays.
#
# usage: venv=$(scripts/venv.sh NAME PACKAGE[==VERSION]...)
set -eu

say() { echo "venv: $*" >&2; }
case ${1:-} in
"" | -*)
    say "usage: venv=\$(scripts/venv.sh NAME PACKAGE[==VERSION]...)"
    exit 2
    ;;
esac
venv=${XDG_CACHE_HOME:-$HOME/.cache}/nanotrig/$1
shift
if ! [ -x "$venv/bin/python" ]; then
    say "making a Python environment in $venv"
    python3 -m venv "$venv" >&2
fi
for package; do
    name=${package%%==*}
    installed=$("$venv/bin/pip" show "${name%%\[*}" 2>/dev/null | sed -n 's/^Version: //p')
    case $package in *==*) version=${package#*==} ;; *) version=$installed ;; esac
    if [ -z "$installed" ] || [ "$version" != "$installed" ]; then
        say "installing $package"
        "$venv/bin/pip" install --quiet "$package" >&2
    fi
done
echo "$venv"
