import t from 'tap'
import { maxHostClaimsBytes, readHostClaims } from '../../src/core/host-claims.js'
import { isReservedClaim } from '../../src/core/reserved-claims.js'

const faultOf = (result: unknown) => {
  const verdict = readHostClaims(result)
  return verdict.ok ? undefined : verdict.fault
}

t.test('claims are what every receiver will read: JSON', async (t) => {
  const at = new Date(0)
  const result = {
    plan: 'pro',
    seats: 3,
    flags: [true, null, { deep: 'ü' }],
    none: undefined,
    at,
    'https://a.example/x': 1
  }
  const claims = { plan: 'pro', seats: 3, flags: result.flags, at: at.toISOString(), 'https://a.example/x': 1 }
  t.strictSame(readHostClaims(result), { ok: true, claims })
  class Plan {
    readonly name = 'pro'
  }
  const written = { plan: { name: 'pro' }, five: 5, yes: true, text: '', bare: {} }
  const objects = { plan: new Plan(), five: Object(5), yes: Object(true), text: Object(''), bare: Object.create(null) }
  t.strictSame(readHostClaims(objects), { ok: true, claims: written })
  t.strictSame(readHostClaims({}), { ok: true, claims: {} })
  t.strictSame(readHostClaims({ toJSON: () => ({ plan: 'pro' }) }), { ok: true, claims: { plan: 'pro' } })
})

t.test('what is no object is refused', async (t) => {
  for (const result of [undefined, null, 'pro', 5, true, [], ['plan'], new Date(0), { toJSON: () => 'pro' }]) {
    t.equal(faultOf(result), 'is not an object', String(result))
  }
  t.equal(faultOf({ toJSON: () => undefined }), 'is not an object')
})

t.test('what cannot be written as JSON, or only with a loss, is refused with its cause', async (t) => {
  const cycle: Record<string, unknown> = {}
  cycle.self = cycle
  let deep: unknown = 1
  for (let level = 0; level < 100_000; level += 1) deep = [deep]
  for (const [result, cause] of [
    [{ a: 1n }, /BigInt/],
    [cycle, /circular/i],
    [{ a: { b: () => 1 } }, /"b" is /],
    [() => 1, /cannot be written/],
    [{ a: Symbol('s') }, /"a" is Symbol\(s\)/],
    [{ a: [Number.NaN] }, /"0" is NaN/],
    [{ a: Number.POSITIVE_INFINITY }, /"a" is Infinity/],
    [
      {
        toJSON() {
          throw new Error('no')
        }
      },
      /: no$/
    ],
    [
      {
        get plan() {
          throw 'a text'
        }
      },
      /: a text$/
    ],
    [{ deep }, /cannot be written/],
    [{ seats: new Map([['a', 1]]) }, /"seats" is a Map/],
    [{ a: { flags: new Set(['x']) } }, /"flags" is a Set/],
    [{ a: /x/ }, /"a" is a RegExp/],
    [{ a: new (class Plan {})() }, /"a" is a Plan/],
    [new Map(), /"" is a Map/],
    [{ a: [1, undefined] }, /"1" of a list is undefined/],
    [{ at: new Date(Number.NaN) }, /"at" is an invalid Date/],
    [
      {
        get plan() {
          throw {
            toString() {
              throw new Error('not even that')
            }
          }
        }
      },
      /: what was thrown is no text$/
    ]
  ] as const) {
    t.match(faultOf(result), /^cannot be written as JSON: /)
    t.match(faultOf(result), cause)
  }
})

t.test('the names of Latchkey are refused, and a member __proto__ everywhere', async (t) => {
  for (const name of ['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'sid', 'roles', 'amr', 'active', 'token_type']) {
    t.equal(faultOf({ plan: 'pro', [name]: 'x' }), `has the reserved name "${name}"`)
  }
  for (const name of ['scope', 'client_id', 'username', 'auth_time', 'acr', 'cnf', 'azp', '__proto__'])
    t.ok(isReservedClaim(name), name)
  t.equal(faultOf(JSON.parse('{"__proto__":{"admin":true}}')), 'has the reserved name "__proto__"')
  t.equal(faultOf({ a: JSON.parse('[{"__proto__":1}]') }), 'has the member "a", which has a member __proto__')
})

t.test('claims have at most 2 KiB of JSON in UTF-8, and 20 levels', async (t) => {
  const empty = JSON.stringify({ a: '' }).length
  t.equal(faultOf({ a: 'x'.repeat(maxHostClaimsBytes - empty) }), undefined)
  t.equal(faultOf({ a: 'x'.repeat(maxHostClaimsBytes - empty + 1) }), 'has 2049 bytes of JSON, and 2048 are allowed')
  t.match(faultOf({ a: 'ü'.repeat(maxHostClaimsBytes / 2) }), /bytes of JSON/)
  let deep: unknown = 1
  for (let level = 0; level < 20; level += 1) deep = [deep]
  t.equal(faultOf({ deep }), 'has the member "deep", which is nested deeper than 20 levels')
  t.match(faultOf({ a: '\ud800' }), /character that cannot be stored/)
})
