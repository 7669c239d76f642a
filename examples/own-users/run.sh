#!/usr/bin/env bash
# Generates the app's Prisma client, checks the types, and plays the app's people. It needs a PostgreSQL server in
# DATABASE_URL or TEST_DATABASE_URL, and a role that may create a database there. Fails if any step fails.
set -euo pipefail
cd "$(dirname "$0")"
export DATABASE_URL="${DATABASE_URL:-${TEST_DATABASE_URL:?name a PostgreSQL server in DATABASE_URL}}"
[ -e ../../dist/index.js ] || npm --prefix ../.. run build
rm -rf build generated
# Naming any file as the schema engine keeps `prisma generate` off line: it needs none.
PRISMA_SCHEMA_ENGINE_BINARY="$(command -v node)" PRISMA_HIDE_UPDATE_MESSAGE=1 npx prisma generate > /dev/null
npx tsc -p tsconfig.json
node build/check.js
