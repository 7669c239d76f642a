import t from 'tap'
import { serverUrl } from '../support/database.js'
import { Device, password } from '../support/processes/device.js'
import { freshDatabase, latchkey, processTestMilliseconds, startService } from '../support/processes/process.js'

t.setTimeout(processTestMilliseconds)

const skip = serverUrl === undefined && 'TEST_DATABASE_URL is not set'

t.test('the command line works on the database of a running service', { skip }, async (t) => {
  const settings = await freshDatabase(t, 'server')
  const service = await startService(t, settings)

  const created = await latchkey(['user', 'create', 'ops@example.com', '--role', 'admin', '--json'], settings, {
    input: `${password}\n`
  })
  t.equal(created.code, 0, created.stderr)
  t.match(JSON.parse(created.stdout), { email: 'ops@example.com', roles: ['admin'], disabled: false })

  const device = new Device(service.url)
  t.equal((await device.signIn('/login', 'ops@example.com', 'laptop')).status, 200, 'the new user logs in')
  t.equal((await device.send('GET', '/admin/users')).status, 200, 'the new user has the role')

  const listed = await latchkey(['session', 'list', '--user', 'ops@example.com', '--json'], settings)
  t.equal(listed.code, 0, listed.stderr)
  t.match(JSON.parse(listed.stdout), { sessions: [{ id: device.sessionId, device: 'laptop' }], next_cursor: null })

  const revoked = await latchkey(['session', 'revoke', device.sessionId, '--note', 'lost', '--json'], settings)
  t.equal(revoked.code, 0, revoked.stderr)
  t.strictSame(JSON.parse(revoked.stdout), { revoked: 1 })

  const refused = await device.refresh()
  t.match(refused, { status: 401, body: { code: 'session_ended', reason: 'revoked_by_admin' } })

  await service.stop()
  device.url = (await startService(t, settings)).url
  t.match(
    await device.send('GET', '/me'),
    { status: 401, body: { code: 'session_revoked' } },
    'its access token is refused, at the latest after a restart'
  )

  const again = await latchkey(['session', 'revoke', device.sessionId], settings)
  t.equal(again.code, 1, 'revoking an unknown session fails')
  t.match(again.stderr, 'Nothing has that name or id.')
})

t.test('wrong usage gives exit code 2 and opens no database', async (t) => {
  const settings = await freshDatabase(t, 'embedded')
  const { code, stderr } = await latchkey(['session', 'revoke'], settings)
  t.equal(code, 2)
  t.match(stderr, 'SESSION is missing')
})
