import { setTimeout as delay } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { serverUrl, testSchema } from '../../support/database.js'
import { startRelay } from '../../support/faults/relay.js'
import { newPerson } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { openService } from '../../support/service.js'

t.jobs = 1
const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

/** A service whose database connection is cut, and a user with a live and an ended session. */
async function openDisconnected(t: Test, FEED_STALE: 'allow' | 'deny') {
  const relay = await startRelay(t, await testSchema(t))
  const database = await openServerDatabase({ url: relay.url, poolSize: 2 })
  t.teardown(() => database.close())
  const clock = shiftableClock()
  const app = await openService(t, database, { ...serviceSettings, FEED_STALE }, clock)
  const { client: live } = await newPerson(app)
  const { client: ended } = await newPerson(app)
  await ended.send('POST', '/logout')
  relay.cut()
  const introspect = (token: string) => postForm(app, '/introspect', { token })
  return { app, clock, relay, live, ended, introspect }
}

t.test('FEED_STALE=deny answers 503 with Retry-After until the feed has caught up', { skip }, async (t) => {
  const { clock, relay, live, ended, introspect } = await openDisconnected(t, 'deny')
  t.equal((await introspect(live.accessToken)).json().active, true, 'not yet stale')
  clock.shiftSeconds = 11
  const refused = await introspect(live.accessToken)
  t.equal(refused.statusCode, 503)
  t.match(refused.json(), { code: 'unavailable', status: 503 })
  t.match(refused.headers['retry-after'], /^[1-9]\d*$/)
  t.notOk('www-authenticate' in refused.headers, 'the token itself is valid')
  const guarded = await live.send('GET', '/me')
  t.equal(guarded.statusCode, 503)
  t.match(guarded.headers['retry-after'], /^[1-9]\d*$/)
  t.equal((await introspect(ended.accessToken)).json().active, false, 'a known revocation is still reported')
  t.equal((await ended.send('GET', '/me')).json().code, 'session_revoked')

  relay.restore()
  for (let round = 0; round < 2000 && (await introspect(live.accessToken)).statusCode !== 200; round += 1)
    await delay(5)
  t.equal((await introspect(live.accessToken)).json().active, true)
  t.equal((await live.send('GET', '/me')).statusCode, 200)
})

t.test('FEED_STALE=allow accepts tokens until they expire, except those of known revocations', { skip }, async (t) => {
  const { clock, live, ended, introspect } = await openDisconnected(t, 'allow')
  clock.shiftSeconds = 11
  t.equal((await introspect(live.accessToken)).json().active, true)
  t.equal((await introspect(ended.accessToken)).json().active, false)
  clock.shiftSeconds = 601
  t.equal((await introspect(live.accessToken)).json().active, false)
})
