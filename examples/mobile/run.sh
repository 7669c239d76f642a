#!/usr/bin/env bash
# Starts a Latchkey and plays a phone. Fails where anything does.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
# A second counts as long ago, and no token that is older than that is forgiven.
export LATCHKEY_OPTIONS='{ "refreshGraceSeconds": 1, "refreshRecoveryGenerations": 0 }'
node ../with-latchkey.js node check.js
