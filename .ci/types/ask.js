// Starts each app that check.js compiled in this folder, one after the other, and asks for /auth/me: 401.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:http2'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const [folder, ...names] = process.argv.slice(2)
const dataDir = join(process.cwd(), 'data')
const prefix = '/auth'

for (const name of names) {
  const { build } = await import(join(folder, name))
  const app = await build({ prefix, issuer: 'http://localhost:8080/auth', dataDir })
  for (const url of ['/auth/me', '/reports']) {
    const { statusCode, body } = await app.inject(url)
    assert.deepEqual([statusCode, JSON.parse(body).code], [401, 'missing_credentials'], `${name}: ${url}`)
  }
  if (name === 'http1.js') assert.equal((await fetch(`${await app.listen()}/auth/me`)).status, 401)
  if (name === 'http2.js') assert.equal(await statusOverHttp2(await app.listen(), '/auth/me'), 401)
  await app.close()
}
const { build } = createRequire(import.meta.url)(join(folder, 'commonjs.cjs'))
const app = await build(dataDir)
assert.equal((await app.inject('/auth/me')).statusCode, 401)
await app.close()
console.log(`Started and asked: ${names.join(', ')}, commonjs.cjs`)

async function statusOverHttp2(address, path) {
  const session = connect(address)
  // An error of the session is one of its request too.
  session.on('error', () => {})
  try {
    const [headers] = await once(session.request({ ':path': path }), 'response')
    return headers[':status']
  } finally {
    session.destroy()
  }
}
