#!/bin/bash
# Restores the deployment of docker compose from a backup: tools/restore.sh FILE [--replace]
# Files that are missing here (secrets/, plant.toml, .env) come out of it; those that are here stay as they are. The
# database must be empty; with --replace what it holds is deleted. Afterwards: docker compose up -d
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: tools/restore.sh FILE [--replace]" >&2; exit 2; }
file=$(realpath -e "$1")
replace=${2:-}
cd "$(dirname "$0")/.."
umask 077

for path in .env plant.toml secrets; do
    if [ -e "$path" ]; then
        echo "restore: $path is here and stays as it is"
    elif tar -tzf "$file" "files/$path" > /dev/null 2>&1; then
        tar -xpzf "$file" --strip-components=1 "files/$path"
        echo "restore: $path comes out of the backup"
    fi
done
python3 mosquitto/make_secrets.py secrets  # an older backup may lack a login's
# Nobody else may use the database meanwhile; the gateway goes on reading into its spool.
docker compose stop ingest web
docker compose up -d --wait database
docker compose run --rm --no-deps -T migrate restore ${replace:+"$replace"} - < "$file"
