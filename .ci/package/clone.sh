# In a clone, npm warns of nothing on each Node that we support. `npm ci --omit=dev` works, and so does the service with
# the packages that the image has.
(cd "$ROOT" && git ls-files -z | tar --create --null --files-from=- --ignore-failed-read) | tar --extract
for versions in '20.19.0 10.8.2' '22.12.0 10.9.0' '24 11'; do
  read -r node npm <<<"$versions"
  echo "npm ci on Node $node with npm $npm:"
  npm exec --yes --loglevel error --package="node@$node" --package="npm@$npm" -- \
    npm ci --dry-run --no-audit --no-fund >printed 2>&1 || { cat printed && exit 1; }
  # What the machine's own npmrc sets is not ours.
  if grep -i '^npm warn' printed | grep -v 'Unknown .* config'; then exit 1; fi
done

npm ci --omit=dev --no-audit --no-fund --prefer-offline 2>&1 | tee printed
if grep -i '^npm warn' printed; then exit 1; fi
cp -R "$ROOT/dist" dist
node dist/cli/main.js migrate

# The image's own step.
eval "$(sed -n 's/^RUN npm run build && \(npm uninstall .*\)/\1/p' Dockerfile)"
[ ! -e node_modules/prisma ] && [ ! -e node_modules/typescript ] && [ -e node_modules/fastify ]
PORT=0 node dist/cli/main.js serve >log &
server=$!
trap 'kill $server' EXIT
timeout 180 sh -c 'until grep -q "Latchkey listens" log; do sleep 0.1; done'
