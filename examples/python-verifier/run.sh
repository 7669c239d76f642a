#!/usr/bin/env bash
# Starts a Latchkey and verifies its tokens with Debian's PyJWT. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
if ! /usr/bin/python3 -c 'import jwt, cryptography' 2>/dev/null; then
  as_root=$([ "$(id -u)" -eq 0 ] || echo sudo)
  $as_root apt-get update -qq
  $as_root apt-get install -y -qq --no-install-recommends python3-jwt python3-cryptography
fi
# No __pycache__ in the checkout; assertions stay on whatever the caller's environment says.
PYTHONOPTIMIZE='' PYTHONDONTWRITEBYTECODE=1 node ../with-latchkey.js /usr/bin/python3 check.py
