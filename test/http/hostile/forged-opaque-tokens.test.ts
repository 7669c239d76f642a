import t, { type Test } from 'tap'
import { opaqueTokens } from '../../../src/adapters/secrets/opaque-tokens.js'
import { rootSecrets } from '../../../src/adapters/secrets/root-secrets.js'
import { systemEntropy } from '../../../src/adapters/secrets/system.js'
import { type SessionTokenKind, tokenPrefixes } from '../../../src/core/opaque-token.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { anotherDevice, newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { postForm, serviceSettings } from '../../support/http/services.js'
import { processTestMilliseconds } from '../../support/processes/process.js'
import { openService, testEnvironment } from '../../support/service.js'

/** Refresh and session tokens that are changed, invented, or used in place of another kind. */
t.setTimeout(processTestMilliseconds)

const database = await openTestDatabase(t, { kind: 'embedded' })
let asked = 0
const app = await openService(
  t,
  {
    ...database,
    run(operation) {
      asked += 1
      return database.run(operation)
    }
  },
  // However slow the machine, the genuine refresh token stays within grace, so no recovery is logged. On an address of the
  // network no mail is sent or printed, so only requests ask the database.
  { ...serviceSettings, REFRESH_GRACE_SECONDS: '300', HOST: '192.0.2.1' }
)

const person = await newPerson(app, 'body')
const serverSide = (await anotherDevice(app, person, 'session')).client
const tokens: Readonly<Record<SessionTokenKind, string>> = {
  refresh: person.client.refreshToken,
  session: serverSide.cookies.get(sessionCookie) ?? ''
}

/** The status and code for an invalid token, per place that takes a token of that kind. */
const ask = {
  async refresh(token: string) {
    return outcomeOf(await app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token: token } }))
  },
  async session(token: string) {
    return outcomeOf(await app.inject({ url: '/me', headers: { cookie: `${sessionCookie}=${token}` } }))
  }
}

function outcomeOf({ statusCode, json }: { readonly statusCode: number; json(): { readonly code?: string } }): string {
  return statusCode === 200 ? 'accepted' : `${statusCode} ${json().code}`
}

const refused = { refresh: '401 invalid_refresh_token', session: '401 invalid_token' } as const

/** Expects that all of `changed` are refused without a database query, and that the genuine token still works after. */
async function expectAllRefused(
  t: Test,
  kind: SessionTokenKind,
  changed: Iterable<readonly [name: string, token: string]>
) {
  t.equal(await ask[kind](tokens[kind]), 'accepted')
  const before = asked
  const others: string[] = []
  let count = 0
  for (const [name, token] of changed) {
    count += 1
    const said = await ask[kind](token)
    if (said !== refused[kind]) others.push(`${name}: ${said}`)
  }
  t.ok(count > 0)
  t.strictSame(others, [], `${count} tokens`)
  t.equal(asked, before, 'no database query')
  t.equal(await ask[kind](tokens[kind]), 'accepted')
}

const bytesOf = (kind: SessionTokenKind) => Buffer.from(tokens[kind].slice(tokenPrefixes[kind].length), 'base64url')
const spelled = (kind: SessionTokenKind, bytes: Buffer) => tokenPrefixes[kind] + bytes.toString('base64url')

for (const kind of ['refresh', 'session'] as const) {
  t.test(`a ${kind} token with any single bit changed is refused`, async (t) => {
    const bytes = bytesOf(kind)
    t.equal(spelled(kind, bytes), tokens[kind])
    await expectAllRefused(
      t,
      kind,
      [...bytes.keys()].flatMap((at) =>
        [1, 2, 4, 8, 16, 32, 64, 128, 255].map((bits) => {
          const changed = Buffer.from(bytes)
          changed[at] = (changed[at] ?? 0) ^ bits
          return [`byte ${at} ^ ${bits}`, spelled(kind, changed)] as const
        })
      )
    )
  })

  t.test(`a ${kind} token of another version or another key id is refused`, async (t) => {
    const bytes = bytesOf(kind)
    await expectAllRefused(
      t,
      kind,
      [0, 1].flatMap((at) =>
        Array.from({ length: 256 }, (_, value) => value)
          .filter((value) => value !== bytes[at])
          .map((value) => {
            const changed = Buffer.from(bytes)
            changed[at] = value
            return [`byte ${at} = ${value}`, spelled(kind, changed)] as const
          })
      )
    )
  })

  t.test(`a ${kind} token with changed letters, additions or omissions is refused`, async (t) => {
    const token = tokens[kind]
    const prefix = tokenPrefixes[kind]
    const inOtherCase = [...token].flatMap((letter, at) => {
      const other = letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase()
      return other === letter ? [] : [[`letter ${at}`, token.slice(0, at) + other + token.slice(at + 1)] as const]
    })
    const rest = token.slice(prefix.length)
    await expectAllRefused(t, kind, [
      ...inOtherCase,
      ['stray bits', respelled(token)],
      ['all small', token.toLowerCase()],
      ['all large', token.toUpperCase()],
      ['no prefix', rest],
      ['prefix twice', prefix + token],
      ['prefix of the other kind', (kind === 'refresh' ? 'lk_st_' : 'lk_rt_') + rest],
      ['an unknown prefix', `lk_xx_${rest}`],
      ['one letter less', token.slice(0, -1)],
      ['one letter more', `${token}A`],
      ['padded', `${token}=`],
      ['one and a half', token + rest.slice(0, 60)],
      ['backwards', prefix + [...rest].reverse().join('')],
      ['all zero', prefix + 'A'.repeat(rest.length)],
      ['in hex', prefix + bytesOf(kind).toString('hex')]
    ])
  })

  t.test(`a ${kind} token under another root secret or the other kind's key is refused`, async (t) => {
    const content = opaqueTokens(await secretsOf(testEnvironment.ROOT_SECRET ?? '')).open(kind, tokens[kind])
    if (content === undefined) return t.fail('our root secret does not verify it')
    const strange = opaqueTokens(await secretsOf('another root secret of more than 32 bytes'))
    const own = opaqueTokens(await secretsOf(testEnvironment.ROOT_SECRET ?? ''))
    const otherKind = kind === 'refresh' ? 'session' : 'refresh'
    t.equal(own.issue(kind, content), tokens[kind], 'the positive control')
    const underAnotherRoot = Buffer.from(strange.issue(kind, content).slice(6), 'base64url')
    underAnotherRoot[1] = bytesOf(kind)[1] ?? 0
    await expectAllRefused(t, kind, [
      ['another root secret', strange.issue(kind, content)],
      ['another root secret under our key id', spelled(kind, underAnotherRoot)],
      ['the key of the other kind', tokenPrefixes[kind] + own.issue(otherKind, content).slice(6)]
    ])
  })
}

t.test("the root secret without the session's secret is useless", async (t) => {
  const own = opaqueTokens(await secretsOf(testEnvironment.ROOT_SECRET ?? ''))
  for (const kind of ['refresh', 'session'] as const) {
    const content = own.open(kind, tokens[kind])
    if (content === undefined) return t.fail('it does not verify')
    const guessed = own.issue(kind, { ...content, secret: new Uint8Array(32) })
    t.equal(await ask[kind](guessed), refused[kind])
    t.equal(await ask[kind](tokens[kind]), 'accepted')
  }
})

t.test('each kind of token works only in its own place', async (t) => {
  const credentials = { ...tokens, access: person.client.accessToken }
  const places = {
    access: async (token: string) =>
      outcomeOf(await app.inject({ url: '/me', headers: { authorization: `Bearer ${token}` } })),
    refresh: ask.refresh,
    'refresh cookie': async (token: string) =>
      outcomeOf(
        await app.inject({ method: 'POST', url: '/refresh', headers: { cookie: `${refreshCookie}=${token}` } })
      ),
    session: ask.session,
    // Addresses end up in logs and browser histories.
    'query of /me': async (token: string) => outcomeOf(await app.inject(`/me?access_token=${token}&token=${token}`)),
    'query of /refresh': async (token: string) =>
      outcomeOf(await app.inject({ method: 'POST', url: `/refresh?refresh_token=${token}` }))
  }
  const inAnAddress = { 'query of /me': '401 missing_credentials', 'query of /refresh': '401 missing_credentials' }
  const found: Record<string, Record<string, string>> = {}
  for (const [credential, token] of Object.entries(credentials)) {
    found[credential] = {}
    for (const [place, send] of Object.entries(places)) Object.assign(found[credential], { [place]: await send(token) })
  }
  t.strictSame(found, {
    refresh: {
      access: '401 invalid_token',
      refresh: 'accepted',
      'refresh cookie': 'accepted',
      session: '401 invalid_token',
      ...inAnAddress
    },
    session: {
      access: '401 invalid_token',
      refresh: '401 invalid_refresh_token',
      'refresh cookie': '401 invalid_refresh_token',
      session: 'accepted',
      ...inAnAddress
    },
    access: {
      access: 'accepted',
      // Longer than any refresh token.
      refresh: '400 invalid_request',
      'refresh cookie': '401 invalid_refresh_token',
      session: '401 invalid_token',
      ...inAnAddress
    }
  })
})

t.test('introspection shows a refresh or session token as active, but not as a Bearer token', async (t) => {
  for (const [token, type] of [
    [tokens.refresh, 'refresh_token'],
    [tokens.session, 'session_token'],
    [person.client.accessToken, 'Bearer']
  ] as const) {
    t.match((await postForm(app, '/introspect', { token })).json(), { active: true, token_type: type })
  }
  const changed = spelled('refresh', bytesOf('refresh').fill(0, 60))
  t.strictSame((await postForm(app, '/introspect', { token: changed })).json(), { active: false })
})

t.test('none of these requests ended a session or logged one as ended', async (t) => {
  t.strictSame(
    await sql(database, `SELECT 1 FROM event WHERE type <> ALL (ARRAY['user_registered', 'login_succeeded'])`),
    []
  )
  t.equal((await person.client.send('GET', '/sessions')).json().sessions.length, 2)
})

const secretsOf = (secret: string) =>
  rootSecrets({ configured: [secret], dataDir: '', required: true, entropy: systemEntropy })

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same bytes with another last letter: some of its bits encode nothing. */
function respelled(token: string): string {
  return token.slice(0, -1) + letters[letters.indexOf(token.at(-1) ?? '') ^ 1]
}
