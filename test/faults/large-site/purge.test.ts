import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { RevokedOfAllResponse } from '../../../src/http/schemas/admin/sessions.js'
import { onServer, serverUrl, testFolder, testSchema } from '../../support/database.js'
import { adminSettings, Crowd, until } from '../../support/faults/crowd.js'
import { startRelay } from '../../support/faults/relay.js'
import { Device, read } from '../../support/processes/device.js'
import { quickSettings, startService } from '../../support/processes/process.js'

t.setTimeout(240_000)

const entry = fileURLToPath(new URL('../../support/processes/serve-with-purge-timing.js', import.meta.url))
const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

/** A new schema, instances on it, and SQL in it. */
async function site(t: Test) {
  const url = await testSchema(t)
  const schema = new URL(url).searchParams.get('schema') ?? ''
  const settings = { ...quickSettings, ...adminSettings, DATA_DIR: await testFolder(t), ROOT_SECRET: 'a'.repeat(32) }
  return {
    url,
    start: (databaseUrl = url) => startService(t, { ...settings, DATABASE_URL: databaseUrl }, { entry }),
    sql: <Row = unknown>(text: string): Promise<Row[]> =>
      onServer(async (client) => {
        await client.query(`SET search_path = ${schema}`)
        return (await client.query(text)).rows
      })
  }
}

const addSessions = (count: number, life: string) => `
  INSERT INTO session (id, user_id, secret_hash, mode, idle_expires_at, absolute_expires_at)
  SELECT gen_random_uuid(), u.id, 'none', 'body', now() + interval '${life}', now() + interval '30 days'
  FROM "user" u, generate_series(1, ${count}) WHERE u.email = '${adminSettings.ADMIN_EMAIL}'`

t.test('of three instances one purges, and when it is killed another one goes on', { skip }, async (t) => {
  const { start, sql } = await site(t)
  const first = await start()
  await until(async () => (await sql('SELECT 1 FROM lease')).length === 1)
  await Promise.all([start(), start()])
  await sql(`
    CREATE TABLE held (holder uuid, position uuid, n serial);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS
      'BEGIN INSERT INTO held VALUES (NEW.holder, NEW.position); RETURN NEW; END';
    CREATE TRIGGER note AFTER UPDATE ON lease FOR EACH ROW EXECUTE FUNCTION note();
    ${addSessions(20_000, '-1 hour')}; ${addSessions(20_000, '1 hour')}`)
  const count = async (what: string) =>
    (await sql<{ count: number }>(`SELECT count(*)::int AS count FROM ${what}`))[0]?.count
  const expired = 'session WHERE idle_expires_at < now()'
  await until(async () => ((await count(expired)) ?? 0) < 17_000)
  await first.stop('SIGKILL')
  await until(async () => (await count(expired)) === 0)

  const holders = await sql<{ holder: string; first: string; last: string }>(`
    SELECT holder, (array_agg(position ORDER BY n))[1] AS first, max(position::text) AS last
    FROM held WHERE position IS NOT NULL GROUP BY holder ORDER BY min(n)`)
  t.equal(holders.length, 2, 'the third never walks')
  t.ok((holders[1]?.first ?? '') > '1', `the second goes on at ${holders[1]?.first}, and not at the beginning`)
  t.equal(await count(`event WHERE type = 'session_ended'`), 20_000, 'each session has one event')
  t.equal(await count('session'), 20_000)
})

t.test('everybody stays signed out although the instance that ended it is killed', { skip }, async (t) => {
  const { start, sql, url } = await site(t)
  const relay = await startRelay(t, url)
  const [doomed, other] = [await start(relay.url), await start()]
  const crowd = await Crowd.signIn([doomed.url, other.url], 6)
  for (const device of crowd.devices) device.url = other.url
  const admin = new Device(doomed.url)
  await admin.signIn('/login', adminSettings.ADMIN_EMAIL)
  await sql(addSessions(30_000, '1 hour'))

  relay.loseAnswerTo('previous AS')
  t.equal((await admin.send('POST', '/admin/sessions/revoke-all', { confirm: 'revoke-all' })).status, 503)
  t.equal(relay.lost, 1)
  await doomed.stop('SIGKILL')

  const [left] = await sql<{ count: number }>('SELECT count(*)::int AS count FROM session')
  t.ok((left?.count ?? 0) > 1000, `${left?.count} rows are left`)
  const refused = await Promise.all(crowd.devices.map((device) => device.refresh()))
  for (const { status, body } of refused) {
    t.equal(status, 401)
    t.match(body, { code: 'session_ended', reason: 'revoked_by_admin' })
  }
  for (const device of crowd.devices) t.equal((await device.send('GET', '/me')).status, 401)
  const later = new Device(other.url)
  t.equal((await later.signIn('/login', 'ada@example.com')).status, 200)
  t.equal((await later.refresh()).status, 200)

  const finished = 'SELECT 1 FROM everybody_revoked WHERE repeated AND NOT EXISTS (SELECT FROM session OFFSET 1)'
  await until(async () => (await sql(finished)).length === 1)
  t.equal((await later.refresh()).status, 200, 'a later session is left alone')
})

t.test("the end of everybody's sessions does not wait for the rows", { skip }, async (t) => {
  const { start, sql } = await site(t)
  const { url } = await start()
  const admin = new Device(url)
  await admin.signIn('/login', adminSettings.ADMIN_EMAIL)
  await sql(addSessions(110_000, '1 hour'))
  const before = performance.now()
  const answer = await admin.send('POST', '/admin/sessions/revoke-all', { confirm: 'revoke-all' })
  const milliseconds = Math.round(performance.now() - before)
  t.equal(read(RevokedOfAllResponse, answer).revoked, 100_000, 'the count stops')
  t.ok(milliseconds < 4000, `answered after ${milliseconds} ms`)
  t.equal((await admin.refresh()).status, 401)
})
