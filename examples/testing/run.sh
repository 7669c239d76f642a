#!/usr/bin/env bash
# Tests the two apps as their developers would. Fails if a test fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
node --test
