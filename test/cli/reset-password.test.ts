import t from 'tap'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import { hasPassword } from '../../src/core/password-policy.js'
import { createUser } from '../../src/service/admin/create-user.js'
import { resetPassword } from '../../src/service/recovery/reset-password.js'
import { emailOf } from '../contract/stores.js'
import { commandLine } from '../support/cli/command-line.js'
import { openTestDatabase } from '../support/database.js'
import { goodPassword, testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
// Without mail: the link is printed all the same.
const { ports, close } = await openAdapters(loadConfig({ ...testEnvironment, HOST: '0.0.0.0' }), { database })
t.teardown(close)
const latchkey = (words: string) => commandLine(words.split(' '), { opened: { ports, close: async () => undefined } })

t.test('user reset-password prints a one-time link that sets a new password', async (t) => {
  const user = await createUser(ports, { email: 'lost@example.com', password: goodPassword, roles: [] }, {})
  const printed = await latchkey('user reset-password LOST@example.com')
  t.match(printed, { exitCode: 0, stdout: /^https:\/\/auth\.test\/account#reset=lk_ot_[\w-]+\n$/ })
  const { link, expires_at: expiresAt } = JSON.parse(
    (await latchkey('user reset-password lost@example.com --json')).stdout
  )
  t.ok(Date.parse(expiresAt) > 0)

  const token = new URL(link).hash.split('=')[1] ?? ''
  await resetPassword(ports, { token, newPassword: 'another good password' }, {})
  const stored = await ports.users.findByEmail(emailOf('lost@example.com'))
  t.ok(await ports.passwords.verify('another good password', stored?.passwordHash, { network: '', knownDevice: true }))
  const { items } = await ports.events.list({ userId: user.id, type: 'password_reset_started' }, { limit: 10 })
  t.match(items, [{ reason: 'link', userAgent: 'latchkey command line' }, {}])
})

t.test('user reset-password --end-sessions removes the password', async (t) => {
  await createUser(ports, { email: 'stolen@example.com', password: goodPassword, roles: [] }, {})
  t.match(await latchkey('user reset-password stolen@example.com --end-sessions --note phished'), { exitCode: 0 })
  const { items } = await ports.events.list({ type: 'password_removed' }, { limit: 10 })
  t.match(items, [{ note: 'phished', userAgent: 'latchkey command line' }])
  t.equal(hasPassword((await ports.users.findByEmail(emailOf('stolen@example.com')))?.passwordHash ?? ''), false)
})

t.test('user reset-password of an unknown user fails', async (t) => {
  t.match(await latchkey('user reset-password nobody@example.com'), { exitCode: 1, stdout: '' })
})
