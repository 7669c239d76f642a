import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { buildService } from './service.js'

const { ISSUER: issuer, ACCESS_TOKEN: accessToken, SERVICE_SECRET: secret } = process.env
const headers = { authorization: `Bearer ${accessToken}` }
const service = await buildService(issuer, secret)
const base = await service.listen({ port: 0 })

async function call(address, method = 'GET') {
  const response = await fetch(address, { method, headers })
  const text = await response.text()
  return { status: response.status, body: text === '' ? undefined : JSON.parse(text) }
}

try {
  const me = (await call(`${issuer}/me`)).body
  assert.deepEqual(await call(`${base}/reports`), { status: 200, body: { for: me.id } })
  assert.equal((await call(`${base}/ops`)).body.code, 'insufficient_scope')
  assert.equal((await fetch(`${base}/reports`)).status, 401)

  assert.equal((await call(`${issuer}/sessions/${me.session_id}`, 'DELETE')).status, 204)
  const endedAt = performance.now()
  let answer = await call(`${base}/reports`)
  while (answer.status === 200 && performance.now() - endedAt < 1000) {
    await delay(5)
    answer = await call(`${base}/reports`)
  }
  assert.equal(answer.body.code, 'session_revoked')
  console.log(
    `The example works: the service refused the session ${Math.round(performance.now() - endedAt)} ms after its end.`
  )
} finally {
  await service.close()
}
