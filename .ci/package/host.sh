# The plugin runs in a host on its Fastify, the oldest, a middle one and the newest of version 5. Every export can be
# imported, and the command works.
echo '{ "private": true, "type": "module" }' >package.json
cp "$ROOT/.ci/package/check-host.js" "$ROOT/.ci/package/check-weight.js" .
for fastify in $FASTIFY; do
  npm install --no-audit --no-fund --prefer-offline --loglevel error "fastify@$fastify" "$PACKED"/latchkey-[0-9]*.tgz
  [ ! -e node_modules/latchkey/node_modules/fastify ] || { echo 'The plugin has a Fastify of its own.' && exit 1; }
  node check-host.js
  npx --no-install latchkey migrate
  npx --no-install latchkey user list --json
done
npx --no-install latchkey --help >/dev/null
node check-weight.js
