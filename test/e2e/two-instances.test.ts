import t from 'tap'
import { onServer, serverUrl } from '../support/database.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

t.test('fifty refreshes of one token at two instances get one successor', { skip }, async (t) => {
  // A long grace, so that a busy machine does not leave it.
  const database = await freshDatabase(t, 'server')
  const settings = { ...database, REFRESH_GRACE_SECONDS: '120' }
  // Both start at once on an empty database: one migrates and makes the key, and both use them.
  const [one, other] = await Promise.all([startService(t, settings), startService(t, settings)])
  const device = new Device(one.url)
  t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)

  // As many tabs: they share a token and a key. The strangers have the token, and a key of their own each.
  const { refreshToken, retryKey } = device
  const urls = Array.from({ length: 25 }, () => [one.url, other.url]).flat()
  const tabs = urls.map((url) => Object.assign(new Device(url), { refreshToken, retryKey }))
  const answers = await Promise.all(tabs.map((tab) => tab.refresh()))
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
  const successors = [...new Set(tabs.map((tab) => tab.refreshToken))]
  t.equal(successors.length, 1, 'one successor')
  t.equal(tabs[0]?.generation, 1, 'the next generation')

  const strangers = urls.map((url) => Object.assign(new Device(url), { refreshToken }))
  const toStrangers = await Promise.all(strangers.map((stranger) => stranger.refresh()))
  t.strictSame([...new Set(toStrangers.map(({ status }) => status))], [200])
  t.strictSame([...new Set(strangers.map((stranger) => stranger.refreshToken))], [refreshToken], 'no newer token')

  const url = new URL(database.DATABASE_URL ?? '')
  const { rows } = await onServer((client) =>
    client.query(`SELECT "generation"::int FROM "${url.searchParams.get('schema')}"."session"`)
  )
  t.strictSame(rows, [{ generation: 1 }], 'the row moved once')

  const [tab] = tabs
  if (tab !== undefined) tab.url = other.url
  t.equal((await tab?.send('GET', '/me'))?.status, 200, 'an access token of one instance is valid at the other')
})
