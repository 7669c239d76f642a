import t from 'tap'
import { makeKey, signToken, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, testClock, verificationCode, waitUntil, withFeed } from '../support/verifier/verifiers.js'

t.test('concurrent tokens fetch the keys once', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer)
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => verificationCode(verifier, issuer.token())))
  t.ok(verdicts.every((verdict) => verdict === 'accepted'))
  t.equal(issuer.keyRequests, 1)
})

t.test('nothing is fetched before the first token', async (t) => {
  const issuer = await startIssuer(t)
  openVerifier(t, issuer)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(issuer.keyRequests, 0)
})

t.test('a new key is fetched at once, and many unknown kids cause one request', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier } = openVerifier(t, issuer, { clock })
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
  const next = makeKey()
  issuer.keys = [next, ...issuer.keys]
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'the new key')
  t.equal(issuer.keyRequests, 2)

  const flood = Array.from({ length: 200 }, () =>
    signToken(next, issuer.claims(), { alg: 'ES256', typ: 'at+jwt', kid: `${Math.random()}` })
  )
  t.ok(
    (await Promise.all(flood.map((token) => verificationCode(verifier, token)))).every(
      (code) => code === 'invalid_token'
    )
  )
  t.equal(issuer.keyRequests, 2, 'one request within unknownKeyDelay')
  clock.advance(10_000)
  await Promise.all(flood.map((token) => verificationCode(verifier, token)))
  t.equal(issuer.keyRequests, 3, 'after it')
})

t.test(
  'keys are renewed in the background before their max-age ends, and at the latest when it has ended',
  async (t) => {
    const clock = testClock()
    const issuer = await startIssuer(t, clock.now)
    issuer.cacheControl = 'public, max-age=100'
    const { verifier } = openVerifier(t, issuer, { clock })
    await verificationCode(verifier, issuer.token())
    clock.advance(79_000)
    await verificationCode(verifier, issuer.token())
    t.equal(issuer.keyRequests, 1)
    clock.advance(2000)
    t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
    await waitUntil(() => issuer.keyRequests === 2)
    clock.advance(101_000)
    // The response to the second request may not have arrived yet.
    await waitUntil(async () => {
      await verificationCode(verifier, issuer.token())
      return issuer.keyRequests === 3
    })
  }
)

t.test('a very short or very long max-age is limited', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  issuer.cacheControl = 'max-age=0'
  const { verifier } = openVerifier(t, issuer, { clock })
  await verificationCode(verifier, issuer.token())
  await verificationCode(verifier, issuer.token())
  t.equal(issuer.keyRequests, 1)
  issuer.cacheControl = 'max-age=999999999'
  clock.advance(10_000)
  await verificationCode(verifier, issuer.token())
  t.equal(issuer.keyRequests, 2)
  clock.advance(3_600_000)
  await verificationCode(verifier, issuer.token())
  t.equal(issuer.keyRequests, 3)
})

t.test(
  'while the issuer is unreachable its keys stay in use for a limited time, and one warning is emitted',
  async (t) => {
    const clock = testClock()
    const issuer = await startIssuer(t, clock.now)
    const { verifier, warnings } = openVerifier(t, issuer, { clock })
    t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
    issuer.keysHandler = (_request, response) => response.writeHead(500).end()
    clock.advance(301_000)
    t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'new tokens too')
    clock.advance(3_000_000)
    t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
    clock.advance(600_000)
    t.equal(await verificationCode(verifier, issuer.token()), 'unavailable')
    t.equal(warnings.length, 1)
    t.match(warnings[0], /jwks\.json: it answered 500/)
    issuer.keysHandler = undefined
    clock.advance(1000)
    t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'after the issuer is back')
  }
)

t.test('an unknown key is answered unavailable while the issuer is unreachable', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer)
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
  issuer.keysHandler = (_request, response) => response.destroy()
  const next = makeKey()
  t.equal(await verificationCode(verifier, signToken(next, issuer.claims())), 'unavailable')
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'known keys stay in use')
})

t.test('an invalid response gives no keys', async (t) => {
  const issuer = await startIssuer(t)
  const good = JSON.stringify({ keys: issuer.keys.map(({ jwk }) => jwk) })
  const answers: Record<string, typeof issuer.keysHandler> = {
    'a redirect': (_request, response) => response.writeHead(302, { location: `${issuer.url}/elsewhere` }).end(),
    'too large': (_request, response) => response.end(`${' '.repeat(300 * 1024)}${good}`),
    'no JSON': (_request, response) => response.end('<html>'),
    'no JWK Set': (_request, response) => response.end('{"keys":{}}'),
    null: (_request, response) => response.end('null'),
    'too many keys': (_request, response) =>
      response.end(JSON.stringify({ keys: Array(101).fill(issuer.keys[0]?.jwk) })),
    'none in time': () => undefined
  }
  issuer.feedHandler = (_request, response) => response.end(good)
  for (const [name, answer] of Object.entries(answers)) {
    issuer.keysHandler = answer
    const { verifier, warnings } = openVerifier(t, issuer, { timing: { keysTimeout: 200 } })
    t.equal(await verificationCode(verifier, issuer.token()), 'unavailable', name)
    t.equal(warnings.length, 1)
  }
})

t.test('without any keys, a failed fetch is repeated only after a pause', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  issuer.keysHandler = (_request, response) => response.writeHead(503).end()
  const { verifier } = openVerifier(t, issuer, { clock, timing: { keysRetryDelay: 5000 } })
  for (let i = 0; i < 20; i++) t.equal(await verificationCode(verifier, issuer.token()), 'unavailable')
  t.ok(issuer.keyRequests <= 2, 'once without keys, once for the unknown kid')
  issuer.keysHandler = undefined
  clock.advance(5000)
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
})

t.test('unsuitable keys in the set are skipped', async (t) => {
  const issuer = await startIssuer(t)
  const { jwk = {} } = issuer.keys[0] ?? {}
  const odd = [null, 1, {}, { ...jwk, kid: 1 }, { ...jwk, kid: 'x', x: '!' }, { ...jwk, kid: 'y', alg: 'HS256' }]
  issuer.keysHandler = (_request, response) => response.end(JSON.stringify({ keys: [...odd, jwk] }))
  const { verifier } = openVerifier(t, issuer)
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
})

t.test('a key that the feed no longer lists is refused at once, and its successor is fetched', async (t) => {
  const issuer = await startIssuer(t)
  const [old = makeKey()] = issuer.keys
  const { verifier } = openVerifier(t, issuer, withFeed)
  const [seen, unseen] = [issuer.token(), issuer.token()]
  t.equal(await verificationCode(verifier, seen), 'accepted')
  const requests = issuer.keyRequests
  const next = makeKey()
  issuer.keys = [next]
  issuer.announceKeys()
  await waitUntil(async () => (await verificationCode(verifier, seen)) === 'invalid_token')
  t.equal(await verificationCode(verifier, unseen), 'invalid_token')
  await waitUntil(() => issuer.keyRequests > requests)
  t.equal(await verificationCode(verifier, signToken(next, issuer.claims())), 'accepted')
  t.equal(await verificationCode(verifier, signToken(old, issuer.claims())), 'invalid_token')
  t.equal(issuer.keyRequests, requests + 1, 'no request for the old key')
})

t.test('an outdated response for the keys does not bring a withdrawn key back, only the feed does', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const [leaked = makeKey()] = issuer.keys
  const { verifier } = openVerifier(t, issuer, { ...withFeed, clock })
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
  const next = makeKey()
  issuer.keys = [next]
  issuer.announceKeys()
  issuer.keys = [next, leaked]
  await waitUntil(async () => (await verificationCode(verifier, signToken(next, issuer.claims()))) === 'accepted')
  t.equal(await verificationCode(verifier, signToken(leaked, issuer.claims())), 'invalid_token')
  clock.advance(301_000)
  t.equal(
    await verificationCode(verifier, signToken(leaked, issuer.claims())),
    'invalid_token',
    'after the keys were fetched again'
  )
  issuer.keysHandler = (_request, response) => response.destroy()
  clock.advance(301_000)
  t.equal(
    await verificationCode(verifier, signToken(leaked, issuer.claims())),
    'invalid_token',
    'after a fetch has failed'
  )
  issuer.keysHandler = undefined
  clock.advance(1001)
  issuer.announceKeys()
  await waitUntil(async () => (await verificationCode(verifier, signToken(leaked, issuer.claims()))) === 'accepted')
})

t.test('a key that is published during a fetch is fetched after it', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  const next = makeKey()
  issuer.keysHandler = (_request, response) => {
    issuer.keysHandler = undefined
    const keys = issuer.keys.map(({ jwk }) => jwk)
    issuer.keys = [next, ...issuer.keys]
    issuer.announceKeys()
    setTimeout(() => response.end(JSON.stringify({ keys })), 50)
  }
  await verificationCode(verifier, issuer.token({ exp: 1 }))
  await waitUntil(() => issuer.keyRequests === 2)
  t.equal(await verificationCode(verifier, signToken(next, issuer.claims())), 'accepted')
})
