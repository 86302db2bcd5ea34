#!/bin/sh
# Compiles the locked requirements: one file per image and one for development, with hashes.
# A requirement file, unlike uv.lock, holds no registry's address.
set -eu
cd "$(dirname "$0")/.."
compile() {
    uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-package mmetering-contract --no-emit-package mmetering-accounting --no-emit-package mmetering-runtime \
        --no-emit-package mmetering-gateway --no-emit-package mmetering-ingest \
        --no-emit-package mmetering-alerter --no-emit-package mmetering-web \
        --no-emit-package mmetering-import \
        --no-emit-package mmetering-simulator --no-emit-package mmetering-demo "$@"
}
for service in gateway ingest alerter web; do
    compile "services/$service/pyproject.toml" --output-file "requirements/$service.txt" "${@}"
done
compile importer/pyproject.toml --output-file requirements/import.txt "${@}"
for tool in simulator demo; do
    compile "$tool/pyproject.toml" --output-file "requirements/$tool.txt" "${@}"
done
for file in build dev; do
    compile "requirements/$file.in" --output-file "requirements/$file.txt" "${@}"
done
