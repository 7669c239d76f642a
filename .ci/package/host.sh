# The plugin runs in a host on its Fastify, the oldest, a middle one and the newest of version 5. Every export can be
# imported, and the command works.
cp -R "$INSTALLED/." .
cp "$ROOT/.ci/package/check-host.js" "$ROOT/.ci/package/check-weight.js" .
node check-weight.js
for fastify in $FASTIFY; do
  npm install --no-audit --no-fund --prefer-offline --loglevel error "fastify@$fastify" "$PACKED"/latchkey-[0-9]*.tgz
  [ ! -e node_modules/latchkey/node_modules/fastify ] || { echo 'The plugin has a Fastify of its own.' && exit 1; }
  # V8's optimizing compiler costs more than it saves here, as in scripts/test.js.
  node --liftoff-only check-host.js
  npx --no-install latchkey migrate
  npx --no-install latchkey user list --json
done
npx --no-install latchkey --help >/dev/null
