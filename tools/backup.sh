#!/bin/bash
# Backs up the deployment of docker compose while it runs: tools/backup.sh [FILE]
# Into one archive, for its owner only: the database, secrets/, plant.toml, .env. To restore: tools/restore.sh
set -euo pipefail
checkout=$(realpath "$(dirname "$0")/..")
file=$(realpath -m "${1:-$checkout/backups/mmetering-$(date -u +%Y%m%dT%H%M%SZ).tar.gz}")
cd "$checkout"
umask 077

[ ! -e "$file" ] || { echo "backup: $file is there already" >&2; exit 1; }
mkdir -p "$(dirname "$file")"
unfinished=$(mktemp "$file.XXXXXX")
trap 'rm -f "$unfinished"' EXIT

kept=()
for path in .env plant.toml secrets; do [ ! -e "$path" ] || kept+=("$path"); done
tar -c "${kept[@]}" | docker compose run --rm --no-deps -T migrate backup --files - > "$unfinished"
# What came through the pipes is whole.
tar -tzf "$unfinished" > /dev/null
sync "$unfinished"
mv "$unfinished" "$file"
echo "backup: $file"
