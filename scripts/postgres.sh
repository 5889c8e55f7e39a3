#!/bin/sh
# Runs a command with a PostgreSQL server of its own, in a temporary folder and on a socket there; NANOTRIG_POSTGRES is its URL.
#   scripts/postgres.sh cargo test --features search --test search
# Installs the Debian package `postgresql` where it is missing, without starting its own server.
set -eu

find_programs() { ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1; }

programs=$(find_programs)
if [ -z "$programs" ]; then
    sudo=$([ "$(id -u)" = 0 ] || echo sudo)
    $sudo apt-get update -q >&2
    $sudo apt-get install -y --no-install-recommends postgresql >&2
    programs=$(find_programs)
fi

folder=$(mktemp -d)
# The server refuses to run as root.
if [ "$(id -u)" = 0 ]; then
    user=nobody
    chown "$user" "$folder"
    as() { setpriv --reuid="$user" --regid="$(id -g "$user")" --clear-groups env HOME="$folder" "$@"; }
else
    user=$(id -un)
    as() { "$@"; }
fi
cd "$folder"
trap 'as "$programs/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$folder"' EXIT INT TERM

as "$programs/initdb" -D "$folder/data" -U nanotrig -A trust >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }
as "$programs/pg_ctl" -D "$folder/data" -w -l "$folder/data/log" \
    -o "-c listen_addresses='' -c unix_socket_directories='$folder'" start >"$folder/log" 2>&1 || { cat "$folder/log" >&2; exit 1; }

NANOTRIG_POSTGRES="postgres://nanotrig@/postgres?host=$(printf %s "$folder" | sed 's,/,%2F,g')"
export NANOTRIG_POSTGRES
cd "$OLDPWD"
"$@"
