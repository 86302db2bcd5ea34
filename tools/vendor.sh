#!/bin/sh
# Copies what browsers get from us out of node_modules into the web service: the chart library and the font.
set -eu
cd "$(dirname "$0")/.."
vendor=services/web/mmetering_web/static/vendor
rm -rf "$vendor"
mkdir -p "$vendor/uplot" "$vendor/inter"
( cd node_modules/uplot && cp dist/uPlot.iife.min.js dist/uPlot.min.css LICENSE "$OLDPWD/$vendor/uplot" )
( cd node_modules/@fontsource-variable/inter && cp files/inter-latin-wght-normal.woff2 LICENSE "$OLDPWD/$vendor/inter" )
