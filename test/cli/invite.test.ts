import t from 'tap'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import { resetPassword } from '../../src/service/recovery/reset-password.js'
import { emailOf } from '../contract/stores.js'
import { commandLine } from '../support/cli/command-line.js'
import { openTestDatabase, sql } from '../support/database.js'
import { openMailServer } from '../support/mail/mail-server.js'
import { goodPassword, testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)

async function openCommands(environment: Record<string, string>) {
  const config = loadConfig({ ...testEnvironment, ...environment })
  const { ports, close } = await openAdapters(config, { database, printMail: false })
  t.teardown(close)
  const opened = { ports, close: async () => undefined }
  return { ports, latchkey: (words: string) => commandLine(words.split(' '), { opened }) }
}

const { ports, latchkey } = await openCommands({})

const accept = (link: string) =>
  resetPassword(ports, { token: new URL(link).hash.split('=')[1] ?? '', newPassword: goodPassword }, {})

const find = (email: string) => ports.users.findByEmail(emailOf(email))

t.test('user invite without mail prints a one-time link, by which the person sets a password', async (t) => {
  const { exitCode, stdout } = await latchkey('user invite New@example.com --role ops --role ops --locale de')
  t.equal(exitCode, 0)
  t.match(stdout, /^https:\/\/auth\.test\/account#invitation=lk_ot_[\w-]+\n$/)
  await accept(stdout.trim())
  const user = await find('new@example.com')
  t.match(user, { email: 'New@example.com', roles: ['ops'], locale: 'de', emailVerifiedAt: Number })
  t.ok(await ports.passwords.verify(goodPassword, user?.passwordHash, { network: '', knownDevice: true }))
  const { items } = await ports.events.list({ userId: user?.id, type: 'user_invited' }, { limit: 10 })
  t.match(items, [{ reason: 'link', userAgent: 'latchkey command line' }])
  t.match(await latchkey('user invite new@EXAMPLE.com'), { exitCode: 1, stdout: '', stderr: /exists already/ })
})

t.test('user invite invites again as long as there is no password', async (t) => {
  const first = JSON.parse((await latchkey('user invite again@example.com --json')).stdout)
  const second = JSON.parse((await latchkey('user invite again@example.com --json')).stdout)
  t.match(first.user, { id: String, email: 'again@example.com', roles: [], disabled: false })
  t.strictSame(second.user, first.user)
  for (const more of ['--role ops', '--locale de']) {
    t.match(await latchkey(`user invite again@example.com ${more}`), {
      exitCode: 2,
      stderr: /this account exists already/
    })
  }
  await accept(second.link)
  await t.rejects(accept(first.link), { code: 'invalid_or_expired_token' }, 'the first one is dead now')
})

t.test('user invite replaces an account that waits for its confirmation', async (t) => {
  await sql(
    database,
    `INSERT INTO "user" (id, email, email_key, password_hash, awaits_confirmation)
     VALUES (gen_random_uuid(), 'waiting@example.com', 'waiting@example.com', 'none:x', true)`
  )
  t.match(await latchkey('user invite waiting@example.com --role ops'), { exitCode: 0 })
  t.match(await find('waiting@example.com'), { roles: ['ops'], emailVerifiedAt: Number, awaitsConfirmation: false })
})

t.test('user invite mails the invitation where mail is configured, and prints it with --link', async (t) => {
  const { latchkey: mailing } = await openCommands(mailServer.settings)
  for (const _ of ['a new account', 'again']) {
    const printed = await mailing('user invite far@example.com')
    t.match(printed, { exitCode: 0, stdout: 'An invitation to far@example.com is on its way.\n' })
  }
  await accept((await mailServer.mailTo('far@example.com', 1)).link)
  t.match(await mailing('user invite near@example.com --link'), { exitCode: 0, stdout: /#invitation=/ })
  t.equal(mailServer.received.filter(({ to }) => to === 'near@example.com').length, 0)
})

t.test('user invite refuses a wrong address, role or language', async (t) => {
  t.match(await latchkey('user invite b'), { exitCode: 1, stderr: /email must be/ })
  t.match(await latchkey('user invite b@example.com --role Admin'), { exitCode: 2, stderr: /not a role/ })
  t.match(await latchkey('user invite b@example.com --locale de_DE'), { exitCode: 2, stderr: /not a language tag/ })
  t.equal(await find('b@example.com'), undefined)
})

t.test(
  'with PASSWORD_LOGIN=off, commands that would make a password or a link for one say why they do not',
  async (t) => {
    const { latchkey: off } = await openCommands({ PASSWORD_LOGIN: 'off' })
    const { id } = JSON.parse((await latchkey('user invite off@example.com --json')).stdout).user
    for (const words of [
      'user invite d@example.com',
      'user invite off@example.com',
      `user reset-password ${id}`,
      'user create d@example.com'
    ]) {
      t.match(await off(words), { exitCode: 1, stdout: '', stderr: /PASSWORD_LOGIN is off/ }, words)
    }
    t.equal(await find('d@example.com'), undefined)
  }
)

t.test('with REGISTRATION=closed, user invite makes no account, and user create does', async (t) => {
  const { latchkey: closed } = await openCommands({ REGISTRATION: 'closed' })
  t.match(await closed('user invite c@example.com'), { exitCode: 1, stderr: /latchkey user create/ })
  t.equal(await find('c@example.com'), undefined)
})
