import t, { type Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import type { Ports } from '../../src/ports/index.js'
import { authenticateBearer } from '../../src/service/sessions/authenticate.js'
import { refresh } from '../../src/service/sessions/refresh.js'
import { register } from '../../src/service/sign-in/register.js'
import { emailOf } from '../contract/stores.js'
import { type CommandOptions, commandLine } from '../support/cli/command-line.js'
import { openTestDatabase, testDatabases } from '../support/database.js'
import { goodPassword, testEnvironment } from '../support/service.js'

const absent = '00000000-0000-4000-8000-000000000000'

async function openCommands(t: Test, database: Database) {
  const { ports, close } = await openAdapters(loadConfig(testEnvironment), { database })
  t.teardown(close)
  const opened = { ports, close: async () => {} }
  const latchkey = (words: string, options: CommandOptions = {}) =>
    commandLine(words.split(' '), { opened, ...options })
  const json = async (words: string, options: CommandOptions = {}) => {
    const { exitCode, stdout, stderr } = await latchkey(`${words} --json`, options)
    if (exitCode !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  }
  return { ports, latchkey, json }
}

function signIn(ports: Ports, email: string, userAgent = 'a browser') {
  const request = { mode: 'body', device: undefined, replacedTokens: [] } as const
  return register(ports, { email, password: goodPassword, ...request }, { ip: '192.0.2.1', userAgent })
}

for (const kind of testDatabases(t)) {
  t.test(`on the ${kind} database`, async (t) => {
    const { ports, latchkey, json } = await openCommands(t, await openTestDatabase(t, { kind }))

    t.test('user create reads the password from a pipe, without its line end', async (t) => {
      const made = await json('user create Ops@example.com --role admin --role ops', { stdin: `${goodPassword}\n` })
      t.match(made, { email: 'Ops@example.com', roles: ['admin', 'ops'], disabled: false, created_at: /Z$/ })
      const stored = await ports.users.findByEmail(emailOf('ops@example.com'))
      t.ok(await ports.passwords.verify(goodPassword, stored?.passwordHash, { network: '', knownDevice: true }))
    })

    t.test('user create refuses a taken address, a weak password and a misspelt role', async (t) => {
      t.match(await latchkey('user create ops@EXAMPLE.com', { stdin: goodPassword }), {
        exitCode: 1,
        stderr: /already/
      })
      t.match(await latchkey('user create b@example.com', { stdin: 'short' }), { exitCode: 1, stderr: /15 characters/ })
      t.match(await latchkey('user create b', { stdin: goodPassword }), { exitCode: 1, stderr: /email must be/ })
      t.match(await latchkey('user create b@example.com --role Admin'), {
        exitCode: 2,
        stderr: /"Admin" is not a role/
      })
    })

    t.test('user disable and user set-roles refuse to take the last admin', async (t) => {
      for (const words of ['user disable ops@example.com', 'user set-roles ops@example.com ops']) {
        t.match(await latchkey(words), { exitCode: 1, stderr: /This is the last admin\. Give the role/ })
      }
      t.match(await json('user set-roles ops@example.com admin ops'), { roles: ['admin', 'ops'], disabled: false })
    })

    t.test('user list shows one page after the other', async (t) => {
      await json('user create second@example.com', { stdin: goodPassword })
      const first = await json('user list --limit 1')
      t.match(first, { users: [{ email: 'second@example.com' }], next_cursor: String })
      const second = await json(`user list --limit 1 --cursor ${first.next_cursor}`)
      t.match(second, { users: [{ email: 'Ops@example.com' }] })
      t.match(await json('user list --email sec'), { users: [{ email: 'second@example.com' }], next_cursor: null })
      t.match(await latchkey('user list --limit 1'), { stdout: /second@example\.com/, stderr: /--cursor \S+/ })
    })

    t.test('user disable ends every session at once, and user enable allows logins again', async (t) => {
      const { sessionId, accessToken = '', opaque } = await signIn(ports, 'leaver@example.com')
      t.match(await json('user disable leaver@example.com'), { disabled: true })
      t.throws(() => authenticateBearer(ports, accessToken), { code: 'session_revoked' })
      const presented = { refreshToken: opaque?.token ?? '', idempotencyKey: undefined }
      await t.rejects(refresh(ports, presented, {}), { code: 'session_ended' })
      t.match(await json(`event list --session ${sessionId} --type session_ended`), {
        events: [{ reason: 'user_disabled' }]
      })
      t.match(await json('user enable leaver@example.com'), { disabled: false })
    })

    t.test('user set-roles replaces all roles', async (t) => {
      const { id } = await json('user create roles@example.com --role admin', { stdin: goodPassword })
      t.match(await json(`user set-roles ${id} ops ops audit`), { roles: ['ops', 'audit'] })
      t.strictSame((await json(`user set-roles ${id}`)).roles, [])
    })

    t.test('session list shows the user of each session, and session revoke ends one', async (t) => {
      const { sessionId, accessToken = '' } = await signIn(ports, 'holder@example.com')
      const other = await signIn(ports, 'bystander@example.com')
      t.match(await json('session list --user holder@example.com'), {
        sessions: [{ id: sessionId, mode: 'body', ip: '192.0.2.1', user_agent: 'a browser', expires_at: /Z$/ }],
        next_cursor: null
      })
      t.match((await json('session list --ip 192.0.2.1')).sessions.length, 2)
      t.match((await json('session list --ip ::ffff:192.0.2.1')).sessions.length, 2, 'in another spelling')
      t.match(await latchkey(`session revoke ${sessionId} --note stolen`), { exitCode: 0 })
      t.throws(() => authenticateBearer(ports, accessToken), { code: 'session_revoked' })
      t.doesNotThrow(() => authenticateBearer(ports, other.accessToken ?? ''))
      t.match(await json(`event list --session ${sessionId} --type session_ended`), {
        events: [{ reason: 'revoked_by_admin', note: 'stolen', user_agent: 'latchkey command line' }]
      })
      t.match(await latchkey(`session revoke ${sessionId}`), { exitCode: 1, stderr: /Nothing has that name/ })
    })

    t.test('session revoke-all ends the sessions of one user, or of all users', async (t) => {
      t.match(await latchkey('session revoke-all'), { exitCode: 2 })
      t.match(await latchkey('session revoke-all --everybody --user holder@example.com'), { exitCode: 2 })
      const { accessToken = '' } = await signIn(ports, 'many@example.com')
      t.strictSame(await json('session revoke-all --user many@example.com'), { revoked: 1 })
      t.throws(() => authenticateBearer(ports, accessToken), { code: 'session_revoked' })
      t.strictSame(await json('session revoke-all --everybody'), { revoked: 1 })
      t.match(await latchkey('session list'), { stdout: 'No sessions.\n' })
    })

    t.test('event list filters by user, also by an id that never existed', async (t) => {
      const { events } = await json('event list --user ops@example.com')
      t.strictSame(
        events.map((event: { type: string }) => event.type),
        ['user_registered']
      )
      t.strictSame(await json(`event list --user ${absent}`), { events: [], next_cursor: null })
      t.match(await latchkey('event list --type nonsense'), { exitCode: 2, stderr: /--type must be one of/ })
    })

    t.test('an unknown name or id fails with a message', async (t) => {
      for (const words of [`user disable ${absent}`, 'user disable x', 'session revoke x', 'event list --session x']) {
        t.match(await latchkey(words), { exitCode: 1, stdout: '', stderr: 'Nothing has that name or id.\n' }, words)
      }
    })

    t.test('text from strangers cannot control the terminal', async (t) => {
      await signIn(ports, 'sly@example.com', `\u001b[2J${'x'.repeat(200)}`)
      const { stdout } = await latchkey('session list --user sly@example.com')
      t.notMatch(stdout, '\u001b')
      t.match(stdout, /x…\n$/)
    })

    t.test(
      'text from strangers cannot control the terminal in JSON either, and is read as it was stored',
      async (t) => {
        const userAgent = '\u007f\u0080\u009b2J\u009d0;title\u009c\u202egnp\u2028\u2029\ufeff\u{e0041} "ü" 😀'
        await signIn(ports, 'slyer@example.com', userAgent)
        const { stdout } = await latchkey('session list --user slyer@example.com --json')
        t.notMatch(stdout.trimEnd(), /[\p{C}\p{Zl}\p{Zp}]/u)
        t.match(stdout, 'ü', 'other letters stay as they are')
        t.equal(JSON.parse(stdout).sessions[0].user_agent, userAgent)
        t.notMatch((await latchkey('session list --user slyer@example.com')).stdout.trimEnd(), /[\u2028\u2029\u009b]/)
      }
    )
  })
}
