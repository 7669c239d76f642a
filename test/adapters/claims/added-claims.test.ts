import { setImmediate } from 'node:timers/promises'
import t from 'tap'
import { addedClaims } from '../../../src/adapters/claims/added-claims.js'
import type { ClaimsFunction } from '../../../src/ports/added-claims.js'
import { Unavailable } from '../../../src/ports/errors.js'
import type { LiveSession } from '../../../src/ports/sessions.js'

const user = {
  id: 'u',
  email: 'ada@example.org',
  externalId: null,
  roles: ['editor'],
  disabled: false,
  createdAt: 5,
  attributes: { plan: 'pro', tenant: 't', other: { a: 1 } },
  passwordHash: 'a secret'
}
const session: LiveSession = {
  ...{ id: 's', userId: 'u', user, mode: 'body', device: 'phone', userAgent: 'browser', ip: '192.0.2.1', amr: ['pwd'] },
  ...{ authTime: 900_500, createdAt: 1, lastUsedAt: 1, usedBeforeAt: null, now: 1 },
  ...{ idleExpiresAt: 9, absoluteExpiresAt: 9, secretHash: 'h', rotatedAt: null },
  ...{ generation: 0, retryKeyHash: null, keyUsed: false, recoveredGeneration: null }
}

function setUp(claims: ClaimsFunction | undefined, attributes: readonly string[] = ['plan']) {
  const lines: { readonly fields: object; readonly message: string }[] = []
  const log = { warn: (fields: object, message: string) => void lines.push({ fields, message }) }
  return { added: addedClaims({ attributes, claims, log, timeoutMilliseconds: 20 }), lines }
}

/** A function with a result that the types refuse. */
const returning =
  (result: unknown): ClaimsFunction =>
  async () =>
    Object(result)

t.test('without a function the claims are the named attributes', async (t) => {
  const { added } = setUp(undefined, ['tenant', 'missing'])
  t.notOk(added.callsHost)
  t.strictSame(await added.of(session), { tenant: 't' })
})

t.test('the function gets user and session without secrets, frozen, and its claims win over attributes', async (t) => {
  const subjects: unknown[] = []
  const { added, lines } = setUp(
    (subject) => {
      subjects.push(subject)
      t.throws(() => Object.assign(subject.user.attributes, { plan: 'free' }))
      return Promise.resolve({ plan: 'of the host' })
    },
    ['plan', 'tenant']
  )
  t.ok(added.callsHost)
  t.strictSame(await added.of(session), { plan: 'of the host', tenant: 't' })
  const { passwordHash: _, disabled: __, ...seen } = user
  const rest = { device: 'phone', userAgent: 'browser', ip: '192.0.2.1', amr: ['pwd'], authTime: 900 }
  t.strictSame(subjects, [{ user: seen, session: { id: 's', mode: 'body', ...rest } }])
  t.strictSame(lines, [])
})

t.test('a function that throws, rejects or is late is unavailable, and a line says why', async (t) => {
  const boom = new Error('boom')
  const late = () => new Promise<object>(() => undefined)
  for (const [claims, err] of [
    [
      () => {
        throw boom
      },
      boom
    ],
    [() => Promise.reject(boom), boom],
    [late, { message: 'It did not answer within 20 ms' }]
  ] as const) {
    const { added, lines } = setUp(claims)
    await t.rejects(added.of(session), Unavailable)
    t.match(lines, [{ fields: { userId: 'u', sid: 's', err }, message: /^The function claims has failed/ }])
  }
})

t.test('what a late function does afterwards is ignored', async (t) => {
  let fail = (_: Error): void => undefined
  const { added } = setUp(() => new Promise((_resolve, reject) => (fail = reject)))
  await t.rejects(added.of(session), Unavailable)
  fail(new Error('after the answer'))
  await setImmediate()
})

t.test('a result that cannot be claims is unavailable, and a line names the fault without the values', async (t) => {
  for (const [result, fault] of [
    [{ roles: ['admin'], x: 'secret' }, /has the reserved name "roles"/],
    [['secret'], /is not an object/],
    [{ a: 1n, x: 'secret' }, /BigInt/],
    [{ a: 'secret'.repeat(1000) }, /6008 bytes of JSON/]
  ] as const) {
    const { added, lines } = setUp(returning(result))
    await t.rejects(added.of(session), Unavailable)
    t.match(lines, [{ fields: { userId: 'u', sid: 's' }, message: fault }])
    t.notMatch(JSON.stringify(lines), /secret/)
  }
})

t.test(
  'claims can change with the named attributes, and with all and the external id if the host has a function',
  (t) => {
    const changes = [
      { roles: ['other'], email: 'new@example.org' },
      { attributes: { ...user.attributes, tenant: 'u' } },
      { externalId: 'x' },
      { attributes: { ...user.attributes, plan: 'free' } }
    ]
    for (const [claims, expected] of [
      [undefined, [false, false, false, true]],
      [returning({}), [false, true, true, true]]
    ] as const) {
      const { added } = setUp(claims)
      t.strictSame(
        changes.map((change) => added.changeBetween(user, { ...user, ...change })),
        expected
      )
    }
    t.end()
  }
)

t.test('an attribute that is too long for a token is left out, and a line names it', async (t) => {
  const { added, lines } = setUp(undefined, ['big', 'plan'])
  const attributes = { big: 'x'.repeat(2000), plan: 'pro' }
  t.strictSame(await added.of({ ...session, user: { ...user, attributes } }), { plan: 'pro' })
  t.match(lines, [{ fields: { userId: 'u', attributes: ['big'] } }])
})

t.test('a server-side session costs one call for each read of its row, and a failed call is repeated', async (t) => {
  let calls = 0
  const { added } = setUp(async () => {
    calls += 1
    if (calls === 1) throw new Error('the first fails')
    return { plan: `call ${calls}` }
  })
  await t.rejects(added.ofRead(session))
  t.strictSame(await added.ofRead(session), { plan: 'call 2' })
  t.strictSame(await added.ofRead({ ...session, now: 7 }), { plan: 'call 2' }, 'the same read')
  t.strictSame(await added.ofRead({ ...session, user: { ...user } }), { plan: 'call 3' }, 'the row was read again')
})
