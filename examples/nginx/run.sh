#!/usr/bin/env bash
# Starts a Latchkey, an API and nginx before it, and ends a session. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
if ! [ -x /usr/sbin/nginx ]; then
  as_root=$([ "$(id -u)" -eq 0 ] || echo sudo)
  $as_root apt-get update -qq
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nginx-light
fi
node ../with-latchkey.js node check.js
