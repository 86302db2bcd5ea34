#!/bin/bash
# Brings the deployment of docker compose to a later release: tools/update.sh [COMMIT]
# Backs up, takes COMMIT (without it: what the checkout's branch follows), builds, migrates, starts; and says how to go
# back. The gateway reads on into its spool; only while its own image changes does it pause.
set -euo pipefail
cd "$(dirname "$0")/.."

main() {
    before=$(git rev-parse HEAD)
    [ -z "$(git status --porcelain --untracked-files=no)" ] || { echo "update: the checkout has changes" >&2; exit 1; }
    backup=backups/before-update-$(date -u +%Y%m%dT%H%M%SZ).tar.gz
    tools/backup.sh "$backup"
    trap how_to_go_back EXIT

    if [ $# -gt 0 ]; then git checkout --quiet "$1"; else git pull --quiet --ff-only; fi
    python3 mosquitto/make_secrets.py secrets  # a later release may know one more login
    docker compose pull --quiet --ignore-buildable
    docker compose build --quiet
    docker compose stop ingest web
    docker compose up -d --wait database
    docker compose run --rm --no-deps -T migrate migrate --extension
    docker compose up -d --wait
    echo "update: from $before to $(git rev-parse HEAD)"
}

# An older server may be unable to read what a newer one has written, so its data are made anew.
how_to_go_back() {
    cat << EOT
To go back to what was before:
    git checkout $before
    docker compose build
    docker compose rm --stop --force ingest web migrate database
    docker volume rm mmetering_database
    tools/restore.sh $backup
    docker compose up -d
and send again what came since: docs/operations.md, "A database that was lost or restored from a backup".
EOT
}

main "$@"  # read whole before the checkout changes under it
exit
