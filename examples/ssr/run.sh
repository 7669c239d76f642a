#!/usr/bin/env bash
# Starts a Latchkey and a site that refreshes for its pages, and plays a browser. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
node ../with-latchkey.js node check.js
