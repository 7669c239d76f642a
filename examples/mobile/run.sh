#!/usr/bin/env bash
# Starts a Latchkey and plays a phone. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
# A grace of one second and no recovery.
export LATCHKEY_OPTIONS='{ "refreshGraceSeconds": 1, "refreshRecoveryGenerations": 0 }'
node ../with-latchkey.js node check.js
