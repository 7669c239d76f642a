#!/usr/bin/env bash
# Installs Nest and, beside it, the build of Latchkey. Checks the types, starts the two apps, and sends them requests.
# Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
npm ci --silent --no-audit --no-fund --prefer-offline
mkdir node_modules/latchkey
cp -R ../../package.json ../../dist ../../docs ../../prisma node_modules/latchkey/
rm -rf build
../../node_modules/.bin/tsc -p tsconfig.json
node build/check.js
