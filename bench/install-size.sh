#!/usr/bin/env bash
# The size of the packed tarball, of a clone's node_modules, and of the node_modules of an app that installs the package,
# beside an app that installs Fastify alone.
#   npm ci && bash bench/install-size.sh
set -euo pipefail
cd "$(dirname "$0")/.."
app=$(mktemp -d)
bare=$(mktemp -d)
trap 'rm -rf "$app" "$bare"' EXIT

size() {
  printf '%-42s %s MB\n' "$1" "$(du -sm --apparent-size "$2" | cut -f 1)"
}

npm pack --silent --pack-destination "$app" >/dev/null
printf '%-42s %s kB\n' 'tarball' "$(($(stat -c %s "$app"/latchkey-*.tgz) / 1000))"
size 'node_modules of a clone (npm ci)' node_modules/
echo '{ "private": true }' | tee "$app/package.json" >"$bare/package.json"
(cd "$app" && npm install --silent --no-audit --no-fund --prefer-offline ./latchkey-*.tgz)
size 'node_modules of an app that installs it' "$app/node_modules"
(cd "$bare" && npm install --silent --no-audit --no-fund --prefer-offline fastify@5)
size '... without Latchkey: Fastify alone' "$bare/node_modules"
