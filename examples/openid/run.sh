#!/usr/bin/env bash
# Starts an OpenID provider, and an app that signs people in by it, and plays their browsers. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
node check.js
