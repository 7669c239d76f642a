#!/usr/bin/env bash
# Starts two apps, opens a page with connections to both in Debian's Chromium, and ends its session elsewhere. Fails if
# any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
if [ ! -x /usr/bin/chromium ]; then
  as_root=$([ "$(id -u)" -eq 0 ] || echo sudo)
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq --no-install-recommends chromium
fi
node check.js
