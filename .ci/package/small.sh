# latchkey-client and latchkey-verifier work alone, and so do latchkey/client and latchkey/verifier: none loads another
# package. npm installs nothing beside them.
mkdir lone
cp -R "$INSTALLED" service
cp "$ROOT/examples/with-latchkey.js" "$ROOT/.ci/package/check-verifier.js" "$ROOT/.ci/package/check-client.js" service
cd lone
echo '{ "private": true, "type": "module" }' >package.json
npm install --no-audit --no-fund --prefer-offline "$PACKED"/latchkey-client-*.tgz "$PACKED"/latchkey-verifier-*.tgz 2>&1 |
  tee installed
if grep -i '^npm warn' installed; then exit 1; fi
[ "$(ls node_modules)" = "$(printf 'latchkey-client\nlatchkey-verifier')" ]
# The files of latchkey without its dependencies.
cp -R ../service/node_modules/latchkey node_modules/
# V8's optimizing compiler costs more than it saves here, as in scripts/test.js.
for verifier in latchkey/verifier latchkey-verifier; do
  sed "s#latchkey/verifier#$verifier#" "$ROOT/examples/nginx/verify.js" >verify.mjs
  (cd ../service && LONE=$OLDPWD node --liftoff-only with-latchkey.js node check-verifier.js)
done
for client in latchkey/client latchkey-client; do
  sed "s#latchkey/client#$client#" "$ROOT/.ci/package/check-client.js" >check-client.mjs
  (cd ../service && node --liftoff-only with-latchkey.js node "$OLDPWD/check-client.mjs")
done
