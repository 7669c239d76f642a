#!/usr/bin/env bash
# Starts a Latchkey, builds the page, and uses it with Debian's Chromium. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
if [ ! -x /usr/bin/chromium ]; then
  as_root=$([ "$(id -u)" -eq 0 ] || echo sudo)
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq --no-install-recommends chromium
fi
npm ci --silent --no-audit --no-fund --prefer-offline
export PAGE_PORT=$((20000 + RANDOM % 10000))
export LATCHKEY_OPTIONS="{ \"allowedOrigins\": [\"http://127.0.0.1:$PAGE_PORT\"] }"
node ../with-latchkey.js node check.js
