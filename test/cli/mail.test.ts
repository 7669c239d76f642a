import t from 'tap'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import { MailRefused } from '../../src/ports/errors.js'
import { createUser } from '../../src/service/admin/create-user.js'
import { startReset } from '../../src/service/recovery/start-reset.js'
import { commandLine } from '../support/cli/command-line.js'
import { openTestDatabase } from '../support/database.js'
import { until } from '../support/faults/crowd.js'
import { goodPassword, testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailer = async () => {
  throw new MailRefused('550 \u001b[2J no such person')
}
const { ports, close } = await openAdapters(loadConfig(testEnvironment), { database, mailer })
t.teardown(close)
const latchkey = (words: string) => commandLine(words.split(' '), { opened: { ports, close: async () => undefined } })
const json = async (words: string) => JSON.parse((await latchkey(`${words} --json`)).stdout)

t.test('mail list shows what became of the mails of a person', async (t) => {
  t.match(await latchkey('mail list'), { exitCode: 0, stdout: 'No mails.\n' })
  const email = 'ada@example.com'
  const user = await createUser(ports, { email, password: goodPassword, roles: [] }, {})
  await startReset(ports, user.id, { deliver: 'mail', endSessions: false }, {})
  await until(async () => (await json('mail list --state bounced')).mails.length === 1)
  const { mails, next_cursor: next } = await json(`mail list --user ${email}`)
  t.match(mails, [{ kind: 'password_reset', state: 'bounced', recipient: email, user_id: user.id, attempts: 1 }])
  t.strictSame([mails[0].next_attempt_at, next], [null, null])
  t.strictSame((await json('mail list --state sent')).mails, [])

  const { stdout } = await latchkey(`mail list --user ${email}`)
  t.match(stdout, /bounced .*550 \ufffd\[2J no such person\n$/)
  t.match(await latchkey('mail list --state lost'), { exitCode: 2, stderr: /--state must be one of pending, sent/ })
  t.match(await latchkey('mail list --user nobody@example.com'), { exitCode: 1, stdout: '' })
})
