#!/usr/bin/env bash
# Starts a Latchkey and the site, and plays a browser. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
npm ci --silent --no-audit --no-fund --prefer-offline
node ../with-latchkey.js node check.js
