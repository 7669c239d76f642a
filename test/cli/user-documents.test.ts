import t from 'tap'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import type { JsonObject } from '../../src/core/merge-patch.js'
import { authenticateBearer } from '../../src/service/sessions/authenticate.js'
import { register } from '../../src/service/sign-in/register.js'
import { emailOf } from '../contract/stores.js'
import { commandLine } from '../support/cli/command-line.js'
import { openTestDatabase } from '../support/database.js'
import { goodPassword, testEnvironment } from '../support/service.js'

const config = loadConfig({ ...testEnvironment, TOKEN_ATTRIBUTES: 'plan' })
const { ports, close } = await openAdapters(config, { database: await openTestDatabase(t, { kind: 'embedded' }) })
t.teardown(close)
const opened = { ports, close: async () => undefined }
const latchkey = (words: readonly string[], stdin = '') => commandLine(words, { opened, stdin })

let people = 0

/** A person with one session, and a profile. */
async function person(profile: JsonObject = {}) {
  people += 1
  const email = `person-${people}@example.com`
  const request = { mode: 'body', device: undefined, replacedTokens: [] } as const
  const { accessToken = '' } = await register(ports, { email, password: goodPassword, ...request }, {})
  const { id = '' } = (await ports.users.findByEmail(emailOf(email))) ?? {}
  await ports.users.changeProfile(id, () => profile, {})
  return { id, email, accessToken }
}

const attributesOf = async (id: string) => (await ports.users.find(id))?.attributes

t.test('user show prints the account, its live sessions, its attributes and its profile', async (t) => {
  const { id, email } = await person({ locale: 'de', note: 'line\n\u001b[2J\u202e' })
  await ports.users.update(id, { attributes: () => ({ plan: 'pro', seats: { paid: 3 } }), externalId: 'cn=ada' }, {})
  const { exitCode, stdout } = await latchkey(['user', 'show', email.toUpperCase()])
  t.equal(exitCode, 0)
  for (const line of [
    /^id +\S+$/m,
    /^email +person-\d@example\.com$/m,
    /^email_verified_at +-$/m,
    /^external_id +cn=ada$/m,
    /^roles +-$/m,
    /^disabled +no$/m,
    /^created_at +\S+Z$/m,
    /^live_sessions +1$/m,
    /^attributes\n {2}\{\n {4}"plan": "pro",\n {4}"seats": \{\n {6}"paid": 3\n {4}\}\n {2}\}$/m,
    /^profile\n {2}\{\n/m
  ])
    t.match(stdout, line)
  t.match(stdout, String.raw`"line\n\u001b[2J\u202e"`, 'no text of a person controls the terminal')

  const shown = JSON.parse((await latchkey(['user', 'show', id, '--json'])).stdout)
  const { created_at: createdAt, ...rest } = shown
  t.strictSame(rest, {
    id,
    email,
    email_verified_at: null,
    external_id: 'cn=ada',
    roles: [],
    disabled: false,
    live_sessions: 1,
    attributes: { plan: 'pro', seats: { paid: 3 } },
    profile: { locale: 'de', note: 'line\n\u001b[2J\u202e' }
  })
  t.match(createdAt, /Z$/)
  for (const unknown of ['nobody@example.com', crypto.randomUUID(), 'x'])
    t.match(await latchkey(['user', 'show', unknown]), { exitCode: 1, stderr: /Nothing has that name or id/ })
})

t.test(
  'user set-attributes merges JSON of the command line or of standard input, as the admin route does',
  async (t) => {
    const { id, email } = await person()
    const first = await latchkey([
      'user',
      'set-attributes',
      email,
      '{"plan":"free","seats":{"paid":1,"used":2}}',
      '--json'
    ])
    t.strictSame(JSON.parse(first.stdout), { id, attributes: { plan: 'free', seats: { paid: 1, used: 2 } } })
    const second = await latchkey(['user', 'set-attributes', id, '-'], '{"plan":null,"seats":{"paid":3}}\n')
    t.match(second, { exitCode: 0, stdout: /^id +\S+\nattributes\n {2}\{\n {4}"seats": \{/ })
    t.strictSame(await attributesOf(id), { seats: { paid: 3, used: 2 } })
    const { items } = await ports.events.list({ userId: id, type: 'attributes_changed' }, { limit: 1 })
    t.match(items, [{ note: 'plan, seats', actorId: null, userAgent: 'latchkey command line' }])
  }
)

t.test('user set-attributes makes access tokens with an older attribute stale', async (t) => {
  const { email, accessToken } = await person()
  await latchkey(['user', 'set-attributes', email, '{"note":"in no token"}'])
  t.doesNotThrow(() => authenticateBearer(ports, accessToken))
  await latchkey(['user', 'set-attributes', email, '{"plan":"pro"}'])
  t.throws(() => authenticateBearer(ports, accessToken), { code: 'token_expired' })
})

t.test('user set-attributes refuses what cannot be attributes, and changes nothing', async (t) => {
  const { id, email } = await person()
  const kept = { kept: true }
  await ports.users.update(id, { attributes: () => kept }, {})
  const deep = `${'{"a":'.repeat(21)}1${'}'.repeat(21)}`
  for (const [json, exitCode, says] of [
    ['', 2, /JSON cannot be read/],
    ['{"plan":', 2, /JSON cannot be read/],
    ['[]', 2, /JSON must be an object/],
    ['null', 2, /JSON must be an object/],
    ['{"plan":1,"plan":2}', 2, /JSON has the name "plan" twice/],
    [`{"a":"${'x'.repeat(8192)}"}`, 1, /attributes would make the attributes longer than 8192 bytes/],
    [`{"plan":"${'x'.repeat(1100)}"}`, 1, /access tokens \(plan\) longer than 1024 bytes/],
    [deep, 1, /a is nested deeper than 20 levels/],
    ['{"__proto__":{}}', 1, /__proto__/],
    ['{"a":1e400}', 1, /a has a number that is too large/],
    [String.raw`{"a":"\u0000"}`, 1, /a has a character that cannot be stored/]
  ] as const) {
    const refused = { exitCode, stdout: '', stderr: says }
    t.match(await latchkey(['user', 'set-attributes', email, '-'], json), refused, json.slice(0, 30))
  }
  t.match(await latchkey(['user', 'set-attributes', email]), { exitCode: 2, stderr: /JSON is missing/ })
  t.match(await latchkey(['user', 'set-attributes', 'nobody@example.com', '{}']), { exitCode: 1 })
  t.strictSame(await attributesOf(id), kept)
})

t.test('the message of a refusal cannot control the terminal, whatever the document or the words say', async (t) => {
  const { id } = await person()
  const name = '\u001b[31mred\u009b2J\u202e'
  for (const [words, stdin, exitCode] of [
    [['set-attributes', id, '-'], JSON.stringify({ [name]: '\0' }), 1],
    [['set-attributes', id, '-'], `{"${'\u009b'}":1,"${'\u009b'}":2}`, 2],
    [['set-attributes', id, '-'], `{"plan": ${name}}`, 2],
    [['set-attributes', id, '{}', name], '', 2],
    [['create', 'a@example.com', '--role', name], goodPassword, 2],
    [['list', `--${name}`], '', 2],
    [['list', '--limit', name], '', 2]
  ] as const) {
    const result = await latchkey(['user', ...words], stdin)
    t.equal(result.exitCode, exitCode, words.join(' '))
    t.not(result.stderr, '')
    t.notMatch(result.stdout + result.stderr, /(?!\n)[\p{C}\p{Zl}\p{Zp}]/u, words.join(' '))
  }
})

t.test('user set-attributes links no external id: the member is an attribute like any other', async (t) => {
  const { id } = await person()
  t.equal(
    (await latchkey(['user', 'set-attributes', id, '{"externalId":"cn=eve","external_id":"cn=eve"}'])).exitCode,
    0
  )
  t.match(await ports.users.find(id), { externalId: null, attributes: { externalId: 'cn=eve', external_id: 'cn=eve' } })
  for (const command of ['create', 'invite', 'set-roles', 'set-attributes'])
    t.notMatch((await latchkey(['user', command, '--help'])).stdout, /--external/, command)
})
