#!/usr/bin/env bash
# Starts a bank with Latchkey inside, and plays its customer. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
node check.js
