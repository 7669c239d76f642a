import t from 'tap'
import { followRevocations } from '../../src/verifier/revocation-follower.js'
import { systemRuntime } from '../../src/verifier/runtime.js'
import { revocationContract } from '../contract/revocations.js'
import { credential, newSid, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, testClock, verificationCode, waitUntil, withFeed } from '../support/verifier/verifiers.js'

t.test('the first token is checked against all past entries, and later entries apply as they arrive', async (t) => {
  const issuer = await startIssuer(t)
  const [early, late] = [newSid(), newSid()]
  issuer.revoke({ sid: early })
  const { verifier } = openVerifier(t, issuer, withFeed)
  t.equal(await verificationCode(verifier, issuer.token({ sid: early })), 'session_revoked')
  const token = issuer.token({ sid: late })
  t.equal(await verificationCode(verifier, token), 'accepted')
  issuer.revoke({ sid: late })
  await waitUntil(async () => (await verificationCode(verifier, token)) === 'session_revoked')
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted', 'other sessions are accepted')
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
  const { verifier } = openVerifier(t, issuer, withFeed)
  t.equal(await verificationCode(verifier, issuer.token({ sid })), 'session_revoked')
})

t.test('each kind of entry refuses the tokens that it names', async (t) => {
  const clock = testClock()
  const issuer = await startIssuer(t, clock.now)
  const { verifier } = openVerifier(t, issuer, { ...withFeed, clock })
  const [changed, ended, odd] = [newSid(), newSid(), newSid()]
  const iat = Math.floor(clock.now() / 1000)
  const at = clock.now()
  issuer.revoke({ sid: changed, reason: 'roles_changed', at })
  issuer.revoke({ sid: ended, at })
  issuer.revoke({ sid: ended, reason: 'roles_changed', at: at + 1000 })
  issuer.revoke({ sid: odd, reason: 'a_reason_of_a_later_version', at })
  await waitUntil(async () => (await verificationCode(verifier, issuer.token({ sid: odd }))) === 'session_revoked')
  t.equal(await verificationCode(verifier, issuer.token({ sid: changed, iat })), 'token_expired')
  t.equal(await verificationCode(verifier, issuer.token({ sid: changed, iat: iat + 2 })), 'accepted')
  t.equal(await verificationCode(verifier, issuer.token({ sid: ended, iat: iat + 2 })), 'session_revoked')

  issuer.revoke({ sid: null, reason: 'revoked_by_admin', at })
  await waitUntil(async () => (await verificationCode(verifier, issuer.token({ iat }))) === 'session_revoked')
  t.equal(await verificationCode(verifier, issuer.token({ iat: iat + 2 })), 'accepted')
})

t.test('after a cut connection the feed resumes after the last entry, so no entry is missed', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  issuer.revoke({ sid: newSid() })
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
  const sid = newSid()
  issuer.revoke({ sid })
  await waitUntil(async () => (await verificationCode(verifier, issuer.token({ sid }))) === 'session_revoked')
  issuer.feedHandler = (_request, response) => response.destroy()
  issuer.cutConnections()
  const missed = issuer.token({ sid: newSid() })
  const missedSid = JSON.parse(Buffer.from(missed.split('.')[1] ?? '', 'base64url').toString()).sid
  issuer.revoke({ sid: missedSid })
  t.equal(await verificationCode(verifier, missed), 'accepted')
  issuer.feedHandler = undefined
  await waitUntil(async () => (await verificationCode(verifier, missed)) === 'session_revoked')
  t.equal(issuer.followers.at(-1)?.lastEventId, '2')
  t.equal(await verificationCode(verifier, issuer.token({ sid })), 'session_revoked', 'earlier entries still apply')
})

t.test('if an older issuer refuses the id of a newer one, the follower asks for all entries', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  issuer.revoke({ sid: newSid() })
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
  const sid = newSid()
  const asked: (string | undefined)[] = []
  issuer.feedHandler = (request, response) => {
    const id = request.headers['last-event-id']?.toString()
    asked.push(id)
    if (id !== undefined) return response.writeHead(400).end()
    issuer.feedHandler = undefined
    issuer.revoke({ sid })
    response.destroy()
  }
  issuer.cutConnections()
  await waitUntil(async () => (await verificationCode(verifier, issuer.token({ sid }))) === 'session_revoked')
  t.strictSame(asked, ['1', undefined])
})

t.test('the follower encodes its credential as RFC 6749 §2.3.1 says', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  await verificationCode(verifier, issuer.token())
  const basic = issuer.followers[0]?.authorization?.replace(/^Basic /, '') ?? ''
  const parts = Buffer.from(basic, 'base64').toString().split(':')
  t.strictSame(
    parts.map((part) => new URLSearchParams(`v=${part}`).get('v')),
    [credential.id, credential.secret]
  )
})

t.test(
  'while the feed is silent, deny answers unavailable, allow accepts, and both refuse known entries',
  async (t) => {
    const clock = testClock()
    const issuer = await startIssuer(t, clock.now)
    const { verifier: denies } = openVerifier(t, issuer, { ...withFeed, clock, stale: 'deny' })
    const { verifier: allows } = openVerifier(t, issuer, { ...withFeed, clock })
    const sid = newSid()
    issuer.revoke({ sid })
    t.equal(await verificationCode(denies, issuer.token()), 'accepted')
    t.equal(await verificationCode(allows, issuer.token()), 'accepted')
    await waitUntil(async () => (await verificationCode(denies, issuer.token({ sid }))) === 'session_revoked')
    await waitUntil(async () => (await verificationCode(allows, issuer.token({ sid }))) === 'session_revoked')
    clock.advance(15_100)
    t.equal(await verificationCode(denies, issuer.token()), 'unavailable')
    t.equal(await verificationCode(allows, issuer.token()), 'accepted')
    t.equal(await verificationCode(denies, issuer.token({ sid })), 'session_revoked')
    t.equal(await verificationCode(allows, issuer.token({ sid })), 'session_revoked')
    t.equal(await verificationCode(denies, 'x.y.z'), 'invalid_token', 'a forged token is still invalid')
    issuer.sendText(': nothing new\n\n')
    await waitUntil(async () => (await verificationCode(denies, issuer.token())) === 'accepted')
  }
)

t.test('a silent connection is replaced', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = openVerifier(t, issuer, { ...withFeed, timing: { feedReconnectAfter: 200 } })
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
  await waitUntil(() => issuer.followers.length > 2)
  t.match(warnings[0], /it is silent/)
})

t.test('if the feed fails at the start, allow accepts, deny refuses, and the warning contains no secret', async (t) => {
  const issuer = await startIssuer(t)
  issuer.feedHandler = (_request, response) => response.writeHead(401).end()
  const { verifier: allows, warnings } = openVerifier(t, issuer, withFeed)
  const { verifier: denies } = openVerifier(t, issuer, { ...withFeed, stale: 'deny' })
  t.equal(await verificationCode(allows, issuer.token()), 'accepted')
  t.equal(await verificationCode(denies, issuer.token()), 'unavailable')
  t.equal(warnings.length, 1)
  t.match(warnings[0], /revocations answered 401/)
  t.notMatch(warnings[0], credential.secret)
  issuer.feedHandler = undefined
  await waitUntil(async () => (await verificationCode(denies, issuer.token())) === 'accepted')
})

t.test('a response that is not a feed is a failure', async (t) => {
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
    'an end before the past entries were complete': events(': hello\n\n'),
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
    const { verifier, warnings } = openVerifier(t, issuer, { ...withFeed, stale: 'deny' })
    t.equal(await verificationCode(verifier, issuer.token()), 'unavailable', name)
    t.equal(warnings.length, 1, name)
    await verifier.close()
  }
})

t.test('the first token waits a limited time for a silent feed', async (t) => {
  const issuer = await startIssuer(t)
  issuer.feedHandler = () => undefined
  const { verifier } = openVerifier(t, issuer, { ...withFeed, timing: { feedStartTimeout: 100 } })
  t.equal(await verificationCode(verifier, issuer.token()), 'accepted')
})

t.test('closing ends the connection and every pending wait', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = openVerifier(t, issuer, withFeed)
  await verificationCode(verifier, issuer.token())
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
    onEntry: () => undefined,
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
      issuer.announceKeys()
      await waitUntil(() => read > before)
    },
    refuses: follower.refusal,
    size: follower.size
  }
})
