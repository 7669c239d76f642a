import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { WatchEndReason } from '../../src/core/signed-in-watch.js'
import verifierPlugin, { type Verifier } from '../../src/verifier/index.js'
import { makeKey, newSid, signToken, startIssuer } from '../support/verifier/issuer.js'
import { openVerifier, testClock, waitUntil, withFeed } from '../support/verifier/verifiers.js'

/** A connection that is watched, and the reasons that its `onEnd` got. */
function connect(verifier: Verifier, credential: Parameters<Verifier['whileSignedIn']>[0]) {
  const reasons: WatchEndReason[] = []
  return { reasons, ...verifier.whileSignedIn(credential, { onEnd: (reason) => reasons.push(reason) }) }
}

t.test('an open connection ends once, when the feed says that its session has ended', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  const [sid, other] = [newSid(), newSid()]
  const open = connect(verifier, issuer.token({ sid }))
  const byHeader = connect(verifier, { authorization: `Bearer ${issuer.token({ sid })}` })
  const bystander = connect(verifier, issuer.token({ sid: other }))
  t.match(await open.auth, { sessionId: sid })
  t.match(await byHeader.auth, { sessionId: sid })
  await bystander.auth
  issuer.revoke({ sid, reason: 'revoked_by_user' })
  issuer.revoke({ sid, reason: 'revoked_by_user' })
  await waitUntil(() => open.reasons.length > 0 && byHeader.reasons.length > 0)
  issuer.revoke({ sid: null, reason: 'revoked_by_admin' })
  await waitUntil(() => bystander.reasons.length > 0)
  t.strictSame(
    [open, byHeader, bystander].map(({ reasons }) => reasons),
    [['revoked_by_user'], ['revoked_by_user'], ['revoked_by_admin']]
  )
})

t.test(
  'a token that is refused at the call ends the connection, with the reason of the feed if there is one',
  async (t) => {
    const issuer = await startIssuer(t)
    const { verifier } = openVerifier(t, issuer, withFeed)
    const sid = newSid()
    const known = issuer.token({ sid })
    await verifier.verify(known)
    issuer.revoke({ sid, reason: 'password_changed' })
    await waitUntil(async () => !(await verifier.verify(known)).ok)
    const cases = [
      [known, 'password_changed'],
      [issuer.token({ sid }), 'password_changed'],
      [issuer.token({ exp: 1 }), 'token_expired'],
      ['x.y.z', 'invalid_token'],
      [{}, 'invalid_token'],
      [{ authorization: 'Basic YTpi' }, 'invalid_token']
    ] as const
    for (const [credential, reason] of cases) {
      const { reasons, auth } = connect(verifier, credential)
      t.strictSame(reasons, [])
      t.equal(await auth, null)
      await waitUntil(() => reasons.length > 0)
      t.strictSame(reasons, [reason])
    }
  }
)

t.test("a machine client's token opens and renews no connection of a person", async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  const [key] = issuer.keys
  if (key === undefined) throw new Error('The issuer has no key.')
  const { roles, auth_time, amr, ...claims } = issuer.claims()
  const id = `client_${claims.sub}`
  const token = signToken(key, { ...claims, sub: id, client_id: id, scope: 'reports:read' })
  t.match(await verifier.authenticateClient({ authorization: `Bearer ${token}` }, 'reports:read'), { ok: true })
  const refused = connect(verifier, token)
  t.equal(await refused.auth, null)
  await waitUntil(() => refused.reasons.length > 0)
  t.strictSame(refused.reasons, ['invalid_token'])
  const person = connect(verifier, issuer.token({ sid: claims.sid }))
  t.equal(await person.renew(token), null, 'even with the sid of the session')
  t.match(await person.auth, { sessionId: claims.sid })
  t.strictSame(person.reasons, [])
})

t.test('a token ends its connection when it expires, and a newer token of the session renews it', async (t) => {
  const issuer = await startIssuer(t)
  const clock = testClock()
  const { verifier } = openVerifier(t, issuer, { clock })
  const sid = newSid()
  const exp = Math.floor(clock.now() / 1000) + 600
  const expiring = connect(verifier, issuer.token({ sid, exp }))
  const renewed = connect(verifier, issuer.token({ sid, exp }))
  t.equal(await renewed.renew(issuer.token({ exp: exp + 600 })), null, 'of another session')
  for (const token of ['x.y.z', undefined, null, 5, {}])
    t.equal(await renewed.renew(token as never), null, String(token))
  t.match(await renewed.renew(issuer.token({ sid, exp: exp + 600 })), { sessionId: sid })
  clock.advance(610_000)
  await waitUntil(() => expiring.reasons.length > 0)
  t.strictSame([expiring.reasons, renewed.reasons], [['token_expired'], []])
})

t.test('what came in a message and is no token ends its connection, and throws nothing', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer)
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(verifierPlugin, { issuer: issuer.url, audience: issuer.audience })
  for (const credential of [undefined, null, 5, {}, { authorization: 5 }]) {
    for (const guards of [verifier, app.latchkey]) {
      const reasons: string[] = []
      const onEnd = (reason: string) => reasons.push(reason)
      t.equal(await guards.whileSignedIn(credential as never, { onEnd }).auth, null, String(credential))
      await waitUntil(() => reasons.length > 0)
      t.strictSame(reasons, ['invalid_token'])
    }
  }
})

t.test('a key that the feed no longer names ends the connections of its tokens', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier } = openVerifier(t, issuer, withFeed)
  const [oldKey = makeKey()] = issuer.keys
  const newKey = makeKey()
  issuer.keys = [oldKey, newKey]
  const ofOldKey = connect(verifier, signToken(oldKey, issuer.claims()))
  const ofNewKey = connect(verifier, signToken(newKey, issuer.claims()))
  t.ok((await ofOldKey.auth) && (await ofNewKey.auth))
  issuer.keys = [newKey]
  issuer.announceKeys()
  await waitUntil(() => ofOldKey.reasons.length > 0)
  t.strictSame([ofOldKey.reasons, ofNewKey.reasons], [['invalid_token'], []])
})

for (const stale of ['deny', 'allow'] as const) {
  t.test(`a silent feed ${stale === 'deny' ? 'ends' : 'leaves'} open connections with stale: '${stale}'`, async (t) => {
    const issuer = await startIssuer(t)
    const clock = testClock()
    const { verifier } = openVerifier(t, issuer, { ...withFeed, clock, stale })
    const open = connect(verifier, issuer.token())
    t.ok(await open.auth)
    issuer.feedHandler = (_request, response) => response.destroy()
    issuer.cutConnections()
    clock.advance(16_000)
    const late = connect(verifier, issuer.token())
    if (stale === 'allow') return void t.ok(await late.auth)
    t.equal(await late.auth, null)
    await waitUntil(() => open.reasons.length > 0 && late.reasons.length > 0)
    t.strictSame([open.reasons, late.reasons], [['unavailable'], ['unavailable']])
  })
}

t.test('closing ends all connections, and a failing onEnd is a warning', async (t) => {
  const issuer = await startIssuer(t)
  const { verifier, warnings } = openVerifier(t, issuer)
  const open = connect(verifier, issuer.token())
  const failing = verifier.whileSignedIn(issuer.token(), {
    onEnd() {
      throw new Error('the socket is gone')
    }
  })
  await Promise.all([open.auth, failing.auth])
  await verifier.close()
  t.strictSame(open.reasons, ['closing'])
  t.strictSame(warnings, ['An onEnd of whileSignedIn has failed: the socket is gone'])
})

t.test('in Fastify the request of a guarded route is enough, and the closing app waits for nobody', async (t) => {
  const issuer = await startIssuer(t)
  const app = Fastify()
  await app.register(verifierPlugin, { issuer: issuer.url, audience: issuer.audience, ...withFeed })
  await openStreams(t, app)
  const headers = { authorization: `Bearer ${issuer.token()}` }
  t.match((await app.inject('/unguarded')).json().message, /a route without a guard/)
  const response = await fetch(`${await app.listen({ port: 0 })}/events`, { headers })
  t.equal(response.status, 200)
  await Promise.all([app.close(), response.text().then((text) => t.equal(text, 'open closing'))])
})

async function openStreams(t: Test, app: FastifyInstance): Promise<void> {
  app.get('/events', { preHandler: app.latchkey.authenticate }, (request, reply) => {
    reply.hijack()
    reply.raw.writeHead(200).write('open ')
    app.latchkey.whileSignedIn(request, { onEnd: (reason) => reply.raw.end(reason) })
  })
  app.get('/unguarded', async (request) =>
    app.latchkey.whileSignedIn(request, { onEnd: () => t.fail('there is nothing to end') })
  )
  t.teardown(() => app.close())
}
