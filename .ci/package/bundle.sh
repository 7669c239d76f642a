# A host bundled by esbuild works if latchkey is external. Otherwise one line says to mark it so. The client and the
# verifier can be part of a bundle.
cp -R "$INSTALLED/." .
npm install --no-audit --no-fund --prefer-offline --loglevel error "$PACKED"/latchkey-[cv]*.tgz
esbuild() {
  "$ROOT/node_modules/.bin/esbuild" --bundle --platform=node --log-level=error "$@"
}
require="import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)"

cat >host.js <<'JS'
import Fastify from 'fastify'
import latchkey from 'latchkey'
const app = Fastify()
app.register(latchkey, { prefix: '/auth', issuer: 'http://localhost:8080/auth' })
app.inject('/auth/account').then(({ statusCode }) => {
  console.log('The account page answers', statusCode)
  return app.close()
})
JS
esbuild host.js --format=esm --outfile=out/external.mjs --external:latchkey --banner:js="$require"
[ "$(node out/external.mjs)" = 'The account page answers 200' ]
esbuild host.js --format=esm --outfile=out/packages-external.mjs --packages=external
[ "$(node out/packages-external.mjs)" = 'The account page answers 200' ]

esbuild host.js --format=esm --outfile=out/whole.mjs --banner:js="$require"
esbuild host.js --format=cjs --outfile=out/whole.cjs
for bundle in out/whole.mjs out/whole.cjs; do
  if node "$bundle" 2>error; then exit 1; fi
  grep 'Mark it as external (esbuild: --external:latchkey)' error
done

cat >small.js <<'JS'
import { createAuthClient } from 'latchkey-client'
import { createAuthClient as same } from 'latchkey/client'
import { createServerClient } from 'latchkey/client/server'
import verifier, { createVerifier } from 'latchkey/verifier'
import { createVerifier as alone } from 'latchkey-verifier'
console.log([createAuthClient, same, createServerClient, verifier, createVerifier, alone].map((member) => typeof member).join())
createVerifier({ issuer: 'http://localhost:1', audience: 'a' }).close()
createAuthClient({ baseURL: 'http://localhost:1' }).close()
JS
for format in esm cjs; do
  esbuild small.js "--format=$format" "--outfile=elsewhere/small.${format/esm/mjs}"
  [ "$(node "elsewhere/small.${format/esm/mjs}")" = 'function,function,function,function,function,function' ]
done
