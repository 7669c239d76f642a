import t from 'tap'
import { onServer, serverUrl } from '../support/database.js'
import { Device } from '../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

t.test('fifty refreshes of one token at two instances get one successor', { skip }, async (t) => {
  const settings = await freshDatabase(t, 'server')
  // Both start at once on an empty database: one migrates and makes the key, and both use them.
  const [one, other] = await Promise.all([startService(t, settings), startService(t, settings)])
  const device = new Device(one.url)
  t.equal((await device.signIn('/register', 'ada@example.com')).status, 201)

  // The fifty copies share a token, and have different `Idempotency-Key`s.
  const copies = Array.from({ length: 50 }, (_, i) =>
    Object.assign(new Device(i % 2 === 0 ? one.url : other.url), { refreshToken: device.refreshToken })
  )
  const answers = await Promise.all(copies.map((copy) => copy.refresh()))
  t.strictSame([...new Set(answers.map(({ status }) => status))], [200])
  t.equal(new Set(copies.map(({ refreshToken }) => refreshToken)).size, 1, 'one successor')
  t.equal(copies[0]?.generation, 1, 'the next generation')

  const url = new URL(settings.DATABASE_URL ?? '')
  const { rows } = await onServer((client) =>
    client.query(`SELECT "generation"::int FROM "${url.searchParams.get('schema')}"."session"`)
  )
  t.strictSame(rows, [{ generation: 1 }], 'the row moved once')

  const [copy] = copies
  if (copy !== undefined) copy.url = other.url
  t.equal((await copy?.send('GET', '/me'))?.status, 200, 'an access token of one instance is valid at the other')
})
