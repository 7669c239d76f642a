import t from 'tap'
import { accessTokens } from '../../../src/adapters/keys/access-tokens.js'
import { signingAlgorithms } from '../../../src/core/vocabulary.js'
import { Unavailable } from '../../../src/ports/errors.js'
import { claims, clock, decode, identity, makeKey, now, tokensOf } from '../../support/adapters/access-tokens.js'

t.test('a token of each algorithm opens to exactly the claims that were signed', async (t) => {
  for (const alg of signingAlgorithms) {
    const key = await makeKey(alg)
    const tokens = await tokensOf(key)
    const token = await tokens.sign(claims)
    const [header, payload] = token.split('.')
    t.equal(Buffer.from(header ?? '', 'base64url').toString(), `{"alg":"${alg}","typ":"at+jwt","kid":"${key.kid}"}`)
    t.strictSame(decode(payload), claims)
    t.strictSame(tokens.open(token), claims, alg)
  }
})

t.test('an HS256 key has 256 random bits', async (t) => {
  const [one, other] = [await makeKey('HS256'), await makeKey('HS256')]
  t.equal(Buffer.from(one.signing).length, 32)
  t.notSame(one.signing, other.signing)
})

t.test('signing does not change the claims object', async (t) => {
  const tokens = await tokensOf(await makeKey('ES256'))
  t.equal((await tokens.sign(Object.freeze({ ...claims }))).split('.').length, 3)
})

t.test('the key with the greatest number that may sign signs; tokens of the others still open', async (t) => {
  const [first, second, next] = [
    await makeKey('ES256', { number: 1 }),
    await makeKey('EdDSA', { number: 2 }),
    await makeKey('ES256', { number: 3, signsFrom: now + 1000 })
  ]
  const kidOf = (token: string) => (decode(token.split('.')[0]) as { kid: string }).kid
  const tokens = await tokensOf(first, next, second)
  t.equal(kidOf(await tokens.sign(claims)), second.kid)
  t.strictSame(tokens.open(await (await tokensOf(first)).sign(claims)), claims)
  t.strictSame(
    tokens.jwks().keys.map(({ kid }) => kid),
    [next.kid, second.kid, first.kid],
    'the next key is already published'
  )
  const laterClaims = { ...claims, iat: claims.iat + 1 }
  t.equal(kidOf(await tokens.sign(laterClaims)), next.kid)
  t.strictSame(tokens.open(await tokens.sign(laterClaims)), laterClaims, 'even if the clock of the reader is behind')
})

t.test('a token is never signed by a key that does not sign yet, or has retired, at its iat', async (t) => {
  const second = (offset: number) => ({ ...claims, iat: claims.iat + offset })
  const kidOf = (token: string) => (decode(token.split('.')[0]) as { kid: string }).kid
  const old = await makeKey('ES256', { number: 1, retiresAt: now + 1500 })
  const next = await makeKey('ES256', { number: 2, signsFrom: now + 500 })
  const tokens = await tokensOf(old, next)
  t.equal(kidOf(await tokens.sign(claims)), old.kid, 'the key begins to sign within this second')
  t.equal(kidOf(await tokens.sign(second(1))), next.kid)

  const alone = await tokensOf(old)
  t.equal(kidOf(await alone.sign(second(1))), old.kid, 'the key retires within this second')
  await t.rejects(alone.sign(second(2)), { name: 'Unavailable' })
  const emergency = await tokensOf({ ...old, retiresAt: now + 500 }, { ...next, signsFrom: now + 500 - 60_000 })
  t.equal(kidOf(await emergency.sign(claims)), next.kid, 'revoke_old: the new key signs from a minute before')
})

t.test('a retired key does not sign, does not open and is not published', async (t) => {
  const [retired, current] = [await makeKey('ES256', { number: 2 }), await makeKey('ES256', { number: 1 })]
  const token = await (await tokensOf(retired)).sign(claims)
  const before = await tokensOf(current, { ...retired, retiresAt: now + 1 })
  const after = await tokensOf(current, { ...retired, retiresAt: now })
  t.strictSame(before.open(token), claims)
  t.equal(after.open(token), undefined)
  t.strictSame(after.jwks(), { keys: [current.jwk] })
  t.strictSame(after.open(await after.sign(claims)), claims)
})

t.test('without a key that may sign, signing throws Unavailable', async (t) => {
  const tokens = await tokensOf(await makeKey('ES256', { signsFrom: now + 1 }))
  await t.rejects(tokens.sign(claims), new Unavailable('No signing key is in force'))
})

t.test('the key set holds public keys alone, and nothing of an HS256 key', async (t) => {
  const [key, secretKey] = [await makeKey('ES256'), await makeKey('HS256', { number: 2 })]
  const tokens = await tokensOf(key, secretKey)
  t.strictSame(tokens.jwks(), { keys: [key.jwk] })
  t.notOk('d' in (tokens.jwks().keys[0] ?? {}))
})

t.test('the keys can be replaced at run time', async (t) => {
  const [old, next] = [await makeKey('ES256'), await makeKey('EdDSA', { number: 2 })]
  const tokens = await tokensOf(old)
  const [before, foreign] = [await tokens.sign(claims), await (await tokensOf(next)).sign(claims)]
  t.equal(tokens.open(foreign), undefined)
  await tokens.use([old, next])
  const after = await tokens.sign(claims)
  t.match(decode(after.split('.')[0]), { kid: next.kid, alg: 'EdDSA' })
  for (const token of [before, foreign, after]) t.strictSame(tokens.open(token), claims)
  await tokens.use([next])
  t.equal(tokens.open(before), undefined, 'a removed key opens nothing')
  t.strictSame(tokens.open(after), claims)
  t.strictSame(tokens.jwks(), { keys: [next.jwk] })
  await tokens.close()
})

t.test('a token is verified once, and all its callers get the same frozen payload', async (t) => {
  const tokens = await tokensOf(await makeKey('ES256'))
  const token = await tokens.sign(claims)
  const opened = tokens.open(token)
  t.equal(tokens.open(token), opened)
  t.ok(Object.isFrozen(opened) && Object.isFrozen((opened as typeof claims).roles))
  t.equal(tokens.open(`${token.slice(0, -4)}AAAA`), undefined, 'another signature')
})

t.test('a key that retires at run time opens nothing from then on', async (t) => {
  const [old, next] = [await makeKey('ES256'), await makeKey('ES256', { number: 2 })]
  const tokens = await tokensOf(old)
  const token = await tokens.sign(claims)
  t.strictSame(tokens.open(token), claims)
  await tokens.use([{ ...old, retiresAt: now }, next])
  t.equal(tokens.open(token), undefined)
})

t.test('if no key fits, the keys are reloaded and used', async (t) => {
  const [waiting, late] = [await makeKey('ES256', { signsFrom: now + 1 }), await makeKey('ES256', { number: 2 })]
  const asked: string[] = []
  const tokens = await accessTokens({
    keys: [waiting],
    identity,
    clock,
    async reload(why) {
      asked.push(why)
      await tokens.use([waiting, late])
    }
  })
  const token = await tokens.sign(claims)
  t.match(decode(token.split('.')[0]), { kid: late.kid })
  t.strictSame(tokens.open(token), claims)
  t.strictSame(asked, ['no active key'])
  t.equal(tokens.open(await (await tokensOf(await makeKey('ES256'))).sign(claims)), undefined)
  t.strictSame(asked, ['no active key', 'unknown key'])
})
