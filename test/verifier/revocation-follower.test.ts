import t from 'tap'
import { followRevocations } from '../../src/verifier/revocation-follower.js'
import { systemRuntime } from '../../src/verifier/runtime.js'
import { revocationContract } from '../contract/revocations.js'
import { credential, newSid, startIssuer } from '../support/verifier/issuer.js'
import { followed, testClock, until, verifierOf, worth } from '../support/verifier/verifiers.js'

t.test('what was revoked before is known to the first token, what is revoked later within a moment', async (t) => {
  const issuer = await startIssuer(t)
  const [early, late] = [newSid(), newSid()]
  issuer.revoke({ sid: early })
  const { verifier } = verifierOf(t, issuer, followed)
  t.equal(await worth(verifier, issuer.token({ sid: early })), 'session_revoked')
  const token = issuer.token({ sid: late })
  t.equal(await worth(verifier, token), 'accepted')
  issuer.revoke({ sid: late })
  await until(async () => (await worth(verifier, token)) === 'session_revoked')
  t.equal(await worth(verifier, issuer.token()), 'accepted', 'others are left alone')
})

t.test('the first token waits for a feed that is slower than the keys', async (t) => {
  const issuer = await startIssuer(t)
  const sid = newSid()
  const entry = { sid, reason: 'logged_out', at: new Date(), expires_at: new Date(Date.now() + 660_000) }
  issuer.feedHandler = (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const text = `id: 1\nevent: revocation\ndata: ${JSON.stringify(entry)}\n\nevent: ready\ndata: {}\n\n`
    setTimeout(() => response.write(text), 200)
  }
  const { verifier } = verifierOf(t, issuer, followed)
  t.equal(await worth(verifier, issuer.token({ sid })), 'session_revoked')
})

t.test('each kind of entry refuses what it says', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier } = verifierOf(t, issuer, { ...followed, clock })
  const [changed, ended, odd] = [newSid(), newSid(), newSid()]
  const iat = Math.floor(clock.now() / 1000)
  const at = clock.now()
  issuer.revoke({ sid: changed, reason: 'roles_changed', at })
  issuer.revoke({ sid: ended, at })
  issuer.revoke({ sid: ended, reason: 'roles_changed', at: at + 1000 })
  issuer.revoke({ sid: odd, reason: 'a_reason_of_a_later_version', at })
  await until(async () => (await worth(verifier, issuer.token({ sid: odd }))) === 'session_revoked')
  t.equal(await worth(verifier, issuer.token({ sid: changed, iat })), 'token_expired')
  t.equal(await worth(verifier, issuer.token({ sid: changed, iat: iat + 2 })), 'accepted')
  t.equal(await worth(verifier, issuer.token({ sid: ended, iat: iat + 2 })), 'session_revoked')

  issuer.revoke({ sid: null, reason: 'revoked_by_admin', at })
  await until(async () => (await worth(verifier, issuer.token({ iat }))) === 'session_revoked')
  t.equal(await worth(verifier, issuer.token({ iat: iat + 2 })), 'accepted')
})

t.test('a feed that was cut is resumed where it was, and what was missed is known', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = verifierOf(t, issuer, followed)
  issuer.revoke({ sid: newSid() })
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  const sid = newSid()
  issuer.revoke({ sid })
  await until(async () => (await worth(verifier, issuer.token({ sid }))) === 'session_revoked')
  issuer.feedHandler = (_request, response) => response.destroy()
  issuer.cutFeed()
  const missed = issuer.token({ sid: newSid() })
  const missedSid = JSON.parse(Buffer.from(missed.split('.')[1] ?? '', 'base64url').toString()).sid
  issuer.revoke({ sid: missedSid })
  t.equal(await worth(verifier, missed), 'accepted')
  issuer.feedHandler = undefined
  await until(async () => (await worth(verifier, missed)) === 'session_revoked')
  t.equal(issuer.followers.at(-1)?.lastEventId, '2')
  t.equal(await worth(verifier, issuer.token({ sid })), 'session_revoked', 'what it knew it still knows')
})

t.test('it identifies itself as RFC 6749 §2.3.1 says', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = verifierOf(t, issuer, followed)
  await worth(verifier, issuer.token())
  const basic = issuer.followers[0]?.authorization?.replace(/^Basic /, '') ?? ''
  const parts = Buffer.from(basic, 'base64').toString().split(':')
  t.strictSame(
    parts.map((part) => new URLSearchParams(`v=${part}`).get('v')),
    [credential.id, credential.secret]
  )
})

t.test('a silent feed: deny answers unavailable, allow trusts, and both refuse what they know', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier: denies } = verifierOf(t, issuer, { ...followed, clock, stale: 'deny' })
  const { verifier: allows } = verifierOf(t, issuer, { ...followed, clock })
  const sid = newSid()
  issuer.revoke({ sid })
  t.equal(await worth(denies, issuer.token()), 'accepted')
  t.equal(await worth(allows, issuer.token()), 'accepted')
  await until(async () => (await worth(denies, issuer.token({ sid }))) === 'session_revoked')
  await until(async () => (await worth(allows, issuer.token({ sid }))) === 'session_revoked')
  clock.advance(15_100)
  t.equal(await worth(denies, issuer.token()), 'unavailable')
  t.equal(await worth(allows, issuer.token()), 'accepted')
  t.equal(await worth(denies, issuer.token({ sid })), 'session_revoked')
  t.equal(await worth(allows, issuer.token({ sid })), 'session_revoked')
  t.equal(await worth(denies, 'x.y.z'), 'invalid_token', 'a forged token is forged all the same')
  issuer.say(': nothing new\n\n')
  await until(async () => (await worth(denies, issuer.token())) === 'accepted')
})

t.test('a silent connection is replaced', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = verifierOf(t, issuer, { ...followed, timing: { feedReconnectAfter: 200 } })
  t.equal(await worth(verifier, issuer.token()), 'accepted')
  await until(() => issuer.followers.length > 2)
  t.match(warnings[0], /it is silent/)
})

t.test(
  'a feed that cannot be had at the start: allow trusts, deny does not, and it is said without the secret',
  async (t) => {
    const issuer = await startIssuer(t)
    issuer.feedHandler = (_request, response) => response.writeHead(401).end()
    const { verifier: allows, warnings } = verifierOf(t, issuer, followed)
    const { verifier: denies } = verifierOf(t, issuer, { ...followed, stale: 'deny' })
    t.equal(await worth(allows, issuer.token()), 'accepted')
    t.equal(await worth(denies, issuer.token()), 'unavailable')
    t.equal(warnings.length, 1)
    t.match(warnings[0], /revocations: it answered 401/)
    t.notMatch(warnings[0], credential.secret)
    issuer.feedHandler = undefined
    await until(async () => (await worth(denies, issuer.token())) === 'accepted')
  }
)

t.test('what is no feed is no feed', async (t) => {
  const issuer = await startIssuer(t)
  const events =
    (text: string): typeof issuer.feedHandler =>
    (_request, response) =>
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(text)
  const ready = 'event: ready\ndata: {}\n\n'
  const handlers: Record<string, typeof issuer.feedHandler> = {
    'a page': (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(ready),
    'a redirect': (request, response) =>
      request.url === '/elsewhere'
        ? response.writeHead(200, { 'content-type': 'text/event-stream' }).end(ready)
        : response.writeHead(307, { location: '/elsewhere' }).end(),
    'an end before all was told': events(': hello\n\n'),
    'data that is no JSON': events(`id: 1\nevent: revocation\ndata: {\n\n${ready}`),
    'an entry of no time': events(`id: 1\nevent: revocation\ndata: {"sid":"x","reason":"y","at":"z"}\n\n${ready}`),
    'an entry of no session': events(
      `id: 1\nevent: revocation\ndata: {"sid":1,"reason":"y","at":0,"expires_at":0}\n\n${ready}`
    ),
    'keys that are no list': events(`event: keys\ndata: {}\n\n${ready}`),
    'a key that is no text': events(`event: keys\ndata: {"kids":[1]}\n\n${ready}`),
    'a line without end': events(`data: ${'x'.repeat(70_000)}`)
  }
  for (const [name, handler] of Object.entries(handlers)) {
    issuer.feedHandler = handler
    const { verifier, warnings } = verifierOf(t, issuer, { ...followed, stale: 'deny' })
    t.equal(await worth(verifier, issuer.token()), 'unavailable', name)
    t.equal(warnings.length, 1, name)
    await verifier.close()
  }
})

t.test('an issuer that says nothing at the start is waited for in bounded time', async (t) => {
  const issuer = await startIssuer(t)
  issuer.feedHandler = () => undefined
  const { verifier } = verifierOf(t, issuer, { ...followed, timing: { feedStartTimeout: 100 } })
  t.equal(await worth(verifier, issuer.token()), 'accepted')
})

t.test('closing ends the connection and all that waits', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = verifierOf(t, issuer, followed)
  await worth(verifier, issuer.token())
  await verifier.close()
  await verifier.close()
  const before = issuer.followers.length
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(issuer.followers.length, before)
  t.strictSame(warnings, [])
})

revocationContract(t, async (t, now) => {
  const issuer = await startIssuer(t, now)
  let read = 0
  const follower = followRevocations({
    url: new URL(`${issuer.url}/revocations`),
    credential,
    runtime: { ...systemRuntime, now },
    warn: (message) => t.fail(message),
    onKeys: () => {
      read += 1
    }
  })
  t.teardown(() => follower.close())
  await follower.started
  return {
    async take(entries) {
      const before = read
      for (const entry of entries) issuer.revoke(entry)
      issuer.tellKeys()
      await until(() => read > before)
    },
    refuses: follower.refusal,
    size: follower.size
  }
})
