import t from 'tap'
import { makeKey, signToken, startIssuer } from '../support/verifier/issuer.js'
import { followed, testClock, until, verifierOf, worth } from '../support/verifier/verifiers.js'

t.test('however many tokens come at once, the keys are fetched once', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = verifierOf(t, issuer)
  const verdicts = await Promise.all(Array.from({ length: 50 }, () => worth(verifier, issuer.token())))
  t.ok(verdicts.every((verdict) => verdict === 'accepted'))
  t.equal(issuer.keyRequests, 1)
})

t.test('nothing is fetched before a token comes', async (t) => {
  const issuer = await startIssuer(t)
  verifierOf(t, issuer)
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(issuer.keyRequests, 0)
})

t.test('a key that the issuer has just made is fetched; a flood of invented ones costs it one request', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier } = verifierOf(t, issuer, { clock })
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  const next = makeKey()
  issuer.keys = [next, ...issuer.keys]
  t.equal(await worth(verifier, issuer.token()), 'accepted', 'the new key')
  t.equal(issuer.keyRequests, 2)

  const flood = Array.from({ length: 200 }, () =>
    signToken(next, issuer.claims(), { alg: 'ES256', typ: 'at+jwt', kid: `${Math.random()}` })
  )
  t.ok((await Promise.all(flood.map((token) => worth(verifier, token)))).every((code) => code === 'invalid_token'))
  t.equal(issuer.keyRequests, 2, 'within the cool-down')
  clock.advance(10_000)
  await Promise.all(flood.map((token) => worth(verifier, token)))
  t.equal(issuer.keyRequests, 3, 'after it')
})

t.test('they are renewed in time, in the background, and at the latest when their max-age is over', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  issuer.cacheControl = 'public, max-age=100'
  const { verifier } = verifierOf(t, issuer, { clock })
  await worth(verifier, issuer.token())
  clock.advance(79_000)
  await worth(verifier, issuer.token())
  t.equal(issuer.keyRequests, 1)
  clock.advance(2000)
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  await until(() => issuer.keyRequests === 2)
  clock.advance(101_000)
  // The answer to the second request may still be on its way.
  await until(async () => {
    await worth(verifier, issuer.token())
    return issuer.keyRequests === 3
  })
})

t.test('a max-age of nothing, or of for ever, is held within bounds', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  issuer.cacheControl = 'max-age=0'
  const { verifier } = verifierOf(t, issuer, { clock })
  await worth(verifier, issuer.token())
  await worth(verifier, issuer.token())
  t.equal(issuer.keyRequests, 1)
  issuer.cacheControl = 'max-age=999999999'
  clock.advance(10_000)
  await worth(verifier, issuer.token())
  t.equal(issuer.keyRequests, 2)
  clock.advance(3_600_000)
  await worth(verifier, issuer.token())
  t.equal(issuer.keyRequests, 3)
})

t.test('while the issuer is away its keys are used on, for a bounded time; it is said once', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier, warnings } = verifierOf(t, issuer, { clock })
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  issuer.keysHandler = (_request, response) => response.writeHead(500).end()
  clock.advance(301_000)
  t.equal(await worth(verifier, issuer.token()), 'accepted', 'new tokens too')
  clock.advance(3_000_000)
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  clock.advance(600_000)
  t.equal(await worth(verifier, issuer.token()), 'unavailable')
  t.equal(warnings.length, 1)
  t.match(warnings[0], /jwks\.json: it answered 500/)
  issuer.keysHandler = undefined
  clock.advance(1000)
  t.equal(await worth(verifier, issuer.token()), 'accepted', 'and when it is back')
})

t.test('a key that is not known is not refused for good while the issuer cannot be asked', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = verifierOf(t, issuer)
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  issuer.keysHandler = (_request, response) => response.destroy()
  const next = makeKey()
  t.equal(await worth(verifier, signToken(next, issuer.claims())), 'unavailable')
  t.equal(await worth(verifier, issuer.token()), 'accepted', 'the known ones go on')
})

t.test('an answer that cannot be trusted gives no keys', async (t) => {
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
    const { verifier, warnings } = verifierOf(t, issuer, { timing: { keysTimeout: 200 } })
    t.equal(await worth(verifier, issuer.token()), 'unavailable', name)
    t.equal(warnings.length, 1)
  }
})

t.test('without any keys yet, a failed issuer is asked again only after a moment', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  issuer.keysHandler = (_request, response) => response.writeHead(503).end()
  const { verifier } = verifierOf(t, issuer, { clock, timing: { keysRetryDelay: 5000 } })
  for (let i = 0; i < 20; i++) t.equal(await worth(verifier, issuer.token()), 'unavailable')
  t.ok(issuer.keyRequests <= 2, 'once for want of keys, once for the unknown one')
  issuer.keysHandler = undefined
  clock.advance(5000)
  t.equal(await worth(verifier, issuer.token()), 'accepted')
})

t.test('what is no key of ours in the set is passed over', async (t) => {
  const issuer = await startIssuer(t)
  const { jwk = {} } = issuer.keys[0] ?? {}
  const odd = [null, 1, {}, { ...jwk, kid: 1 }, { ...jwk, kid: 'x', x: '!' }, { ...jwk, kid: 'y', alg: 'HS256' }]
  issuer.keysHandler = (_request, response) => response.end(JSON.stringify({ keys: [...odd, jwk] }))
  const { verifier } = verifierOf(t, issuer)
  t.equal(await worth(verifier, issuer.token()), 'accepted')
})

t.test('a key that the feed no longer names is refused at once, and its successor is known', async (t) => {
  const issuer = await startIssuer(t)
  const [old = makeKey()] = issuer.keys
  const { verifier } = verifierOf(t, issuer, followed)
  const [seen, unseen] = [issuer.token(), issuer.token()]
  t.equal(await worth(verifier, seen), 'accepted')
  const requests = issuer.keyRequests
  const next = makeKey()
  issuer.keys = [next]
  issuer.tellKeys()
  await until(async () => (await worth(verifier, seen)) === 'invalid_token')
  t.equal(await worth(verifier, unseen), 'invalid_token')
  await until(() => issuer.keyRequests > requests)
  t.equal(await worth(verifier, signToken(next, issuer.claims())), 'accepted')
  t.equal(await worth(verifier, signToken(old, issuer.claims())), 'invalid_token')
  t.equal(issuer.keyRequests, requests + 1, 'the old one is not asked for again')
})

t.test('what a cache on the way still hands out does not bring it back, the feed alone does', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const [leaked = makeKey()] = issuer.keys
  const { verifier } = verifierOf(t, issuer, { ...followed, clock })
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  const next = makeKey()
  issuer.keys = [next]
  issuer.tellKeys()
  issuer.keys = [next, leaked]
  await until(async () => (await worth(verifier, signToken(next, issuer.claims()))) === 'accepted')
  t.equal(await worth(verifier, signToken(leaked, issuer.claims())), 'invalid_token')
  clock.advance(301_000)
  t.equal(
    await worth(verifier, signToken(leaked, issuer.claims())),
    'invalid_token',
    'also when the keys are read anew'
  )
  issuer.keysHandler = (_request, response) => response.destroy()
  clock.advance(301_000)
  t.equal(await worth(verifier, signToken(leaked, issuer.claims())), 'invalid_token', 'also when they cannot be')
  issuer.keysHandler = undefined
  clock.advance(1001)
  issuer.tellKeys()
  await until(async () => (await worth(verifier, signToken(leaked, issuer.claims()))) === 'accepted')
})

t.test('a key that came while the keys were being fetched is fetched after them', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = verifierOf(t, issuer, followed)
  const next = makeKey()
  issuer.keysHandler = (_request, response) => {
    issuer.keysHandler = undefined
    const keys = issuer.keys.map(({ jwk }) => jwk)
    issuer.keys = [next, ...issuer.keys]
    issuer.tellKeys()
    setTimeout(() => response.end(JSON.stringify({ keys })), 50)
  }
  await worth(verifier, issuer.token({ exp: 1 }))
  await until(() => issuer.keyRequests === 2)
  t.equal(await worth(verifier, signToken(next, issuer.claims())), 'accepted')
})
