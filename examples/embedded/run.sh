#!/usr/bin/env bash
# Checks the example's types against the built package, starts it, and talks to it. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
rm -rf build
npx tsc -p tsconfig.json
node build/check.js
