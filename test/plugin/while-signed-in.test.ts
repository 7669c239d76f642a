import { PassThrough } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import type { Database } from '../../src/adapters/prisma/database.js'
import type { WatchEndReason } from '../../src/core/signed-in-watch.js'
import { httpPlugin } from '../../src/http/plugin.js'
import { Unavailable } from '../../src/ports/errors.js'
import { deleteUser } from '../../src/service/admin/delete-user.js'
import { updateUser } from '../../src/service/admin/update-user.js'
import { rotateKeys } from '../../src/service/keys/rotate-keys.js'
import { watchedSession } from '../../src/service/sessions/watched-credentials.js'
import { age, openTestDatabase } from '../support/database.js'
import { newHost, openPluginOptions } from '../support/host.js'
import { openAdminService } from '../support/http/admin.js'
import { newMachine, tokenOf } from '../support/http/clients.js'
import { anotherDevice, newPerson } from '../support/http/people.js'
import { shiftableClock } from '../support/http/shiftable-clock.js'
import { claimsOf, signedAgain } from '../support/http/signed-again.js'
import { type Client, openService } from '../support/service.js'
import { waitUntil } from '../support/verifier/verifiers.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

/** A host whose `GET /open` opens a connection of the session that asks, and what each connection's `onEnd` got. */
async function openHost(t: Test) {
  const { ports, settings } = await openPluginOptions(t, database, { rateLimitEnabled: false })
  const app = newHost(t)
  await app.register(httpPlugin, { ports, settings })
  return { app, ports, ...addConnections(app) }
}

function addConnections(app: FastifyInstance) {
  const reasons = new Map<string, WatchEndReason[]>()
  app.get('/open', { preHandler: app.latchkey.authenticate }, async (request) => {
    const { sessionId } = request.auth
    const ends: WatchEndReason[] = []
    reasons.set(sessionId, ends)
    app.latchkey.whileSignedIn(request, { onEnd: (reason) => ends.push(reason) })
    return 'open'
  })
  const open = async ({ client }: { readonly client: Client }) => {
    const response = await client.send('GET', '/open')
    if (response.statusCode !== 200) throw new Error(response.body)
  }
  return { open, reasonsOf: ({ client }: { readonly client: Client }) => reasons.get(client.sessionId) }
}

const someTurns = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
}

t.test('an open connection ends once, with the reason for which its session has ended', async (t) => {
  const { app, ports, open, reasonsOf } = await openHost(t)
  const causes: readonly [WatchEndReason, (client: Client, userId: string) => Promise<unknown>][] = [
    ['logged_out', (client) => client.send('POST', '/logout')],
    ['revoked_by_user', (client) => client.send('DELETE', '/sessions?all=true')],
    ['revoked_by_admin', (client) => app.latchkey.sessions.endSession(client.sessionId)],
    ['revoked_by_admin', (_client, userId) => app.latchkey.sessions.endSessionsOfUser(userId)],
    ['user_disabled', (_client, userId) => updateUser(ports, userId, { disabled: true }, {})],
    ['roles_changed', (_client, userId) => updateUser(ports, userId, { roles: ['editor'] }, {})],
    ['roles_changed', (_client, userId) => updateUser(ports, userId, { roles: ['editor'] }, {})],
    ['revoked_by_admin', (_client, userId) => deleteUser(ports, userId, {})],
    ['revoked_by_admin', () => app.latchkey.sessions.endEverybodysSessions()],
    ['revoked_by_admin', () => app.latchkey.sessions.endEverybodysSessions()]
  ]
  for (const [index, [reason, cause]] of causes.entries()) {
    const mode = index % 2 === 0 ? 'cookie' : 'session'
    const person = await newPerson(app, mode)
    await open(person)
    await cause(person.client, (await person.client.send('GET', '/me')).json().id)
    await someTurns()
    t.strictSame(reasonsOf(person), [reason], `${reason} in ${mode} mode`)
  }
})

t.test('the end of a session leaves the connections of others open, also those of the same user', async (t) => {
  const { app, open, reasonsOf } = await openHost(t)
  const person = await newPerson(app)
  const elsewhere = await anotherDevice(app, person, 'session')
  for (const device of [person, elsewhere]) await open(device)
  await person.client.send('POST', '/logout')
  await someTurns()
  t.strictSame([reasonsOf(person), reasonsOf(elsewhere)], [['logged_out'], []])
})

t.test('a login in the same client ends the connection of the session that it replaces', async (t) => {
  const { app, open, reasonsOf } = await openHost(t)
  const person = await newPerson(app)
  await open(person)
  const before = reasonsOf(person)
  await person.client.signIn(person.email, { path: '/login' })
  await someTurns()
  t.strictSame(before, ['replaced'])
})

t.test('a token that came in a message names its user, and a newer one of the session renews it', async (t) => {
  const { app } = await openHost(t)
  const { client } = await newPerson(app, 'body')
  const stranger = await newPerson(app, 'body')
  const reasons: WatchEndReason[] = []
  const { auth, renew, stop } = app.latchkey.whileSignedIn(client.accessToken, {
    onEnd: (reason) => reasons.push(reason)
  })
  t.match(await auth, { sessionId: client.sessionId, roles: [] })
  await client.send('POST', '/refresh', { payload: { refresh_token: client.refreshToken } })
  t.match(await renew(client.accessToken), { sessionId: client.sessionId })
  t.equal(await renew(stranger.client.accessToken), null)
  for (const token of ['no token', undefined, null, 5, {}]) t.equal(await renew(token as never), null, String(token))
  stop()
  await client.send('POST', '/logout')
  await someTurns()
  t.strictSame(reasons, [])
})

t.test('a token that is not good, or of an ended session, ends the connection after the call', async (t) => {
  const { app } = await openHost(t)
  const { client } = await newPerson(app, 'body')
  await client.send('POST', '/logout')
  for (const [token, reason] of [
    ['no token', 'invalid_token'],
    [undefined as never, 'invalid_token'],
    [{ token: 'x' } as never, 'invalid_token'],
    [client.refreshToken, 'invalid_token'],
    [client.accessToken, 'logged_out']
  ] as const) {
    const reasons: WatchEndReason[] = []
    const { auth } = app.latchkey.whileSignedIn(token, { onEnd: (given) => reasons.push(given) })
    t.strictSame(reasons, [])
    t.equal(await auth, null)
    await someTurns()
    t.strictSame(reasons, [reason])
  }
})

t.test("a machine client's token opens and renews no connection of a person", async (t) => {
  const { admin } = await openAdminService(t, database)
  const { app } = await openHost(t)
  const { client } = await newPerson(app, 'body')
  const token = await tokenOf(app, await newMachine(admin, ['reports:read']))
  const reasons: WatchEndReason[] = []
  const { auth } = app.latchkey.whileSignedIn(token, { onEnd: (reason) => reasons.push(reason) })
  t.equal(await auth, null)
  await someTurns()
  t.strictSame(reasons, ['invalid_token'])
  const person = app.latchkey.whileSignedIn(client.accessToken, { onEnd: () => t.fail('it goes on') })
  t.equal(await person.renew(token), null)
  t.match(await person.auth, { sessionId: client.sessionId })
  person.stop()
})

t.test('a connection ends at most a second after its token has expired', async (t) => {
  const clock = shiftableClock()
  const service = await openService(t, database, {}, clock)
  const { client } = await newPerson(service)
  const reasons: WatchEndReason[] = []
  service.latchkey.whileSignedIn(client.accessToken, { onEnd: (reason) => reasons.push(reason) })
  clock.shiftSeconds = 601
  await waitUntil(() => reasons.length > 0)
  t.strictSame(reasons, ['token_expired'])
})

t.test('the withdrawal of a key ends the connections of its tokens', async (t) => {
  const { app, ports } = await openHost(t)
  const { client } = await newPerson(app)
  const reasons: WatchEndReason[] = []
  app.latchkey.whileSignedIn(client.accessToken, { onEnd: (reason) => reasons.push(reason) })
  await rotateKeys(ports, { revokeOld: false, dryRun: false }, {})
  await someTurns()
  t.strictSame(reasons, [], 'a rotation withdraws no key')
  await rotateKeys(ports, { revokeOld: true, dryRun: false }, {})
  await someTurns()
  t.strictSame(reasons, ['invalid_token'])
})

t.test('a request without a guard, or of a stranger, is a mistake of the host', async (t) => {
  const { app } = await openHost(t)
  const onEnd = () => t.fail('there is nothing to end')
  app.get('/unguarded', async (request) => app.latchkey.whileSignedIn(request, { onEnd }))
  app.get('/welcome', { preHandler: app.latchkey.authenticateOptional }, async (request) =>
    app.latchkey.whileSignedIn(request, { onEnd })
  )
  t.match((await app.inject('/unguarded')).json().message, /a route without a guard/)
  t.match((await app.inject('/welcome')).json().message, /nobody is signed in/)
})

t.test('a server-side session is read to learn its end, and why it has ended', async (t) => {
  const { app, ports } = await openHost(t)
  const person = await newPerson(app, 'session')
  const { client } = person
  const userId = (await client.send('GET', '/me')).json().id
  const auth = { userId, sessionId: client.sessionId, roles: [], amr: ['pwd'], authTime: 0, claims: {} }
  const read = async () => watchedSession(ports, auth).reread?.()
  const end = await read()
  t.ok(typeof end === 'number' && end > ports.clock.now())
  await client.send('POST', '/logout')
  t.equal(await read(), 'logged_out')

  for (const [seconds, reason] of [
    [15 * 86_400, 'idle_timeout'],
    [91 * 86_400, 'absolute_timeout']
  ] as const) {
    const { client: later } = await anotherDevice(app, person, 'session')
    await age(database, later.sessionId, seconds)
    t.equal(await watchedSession(ports, { ...auth, sessionId: later.sessionId }).reread?.(), reason)
  }
  const unknown = '00000000-0000-4000-8000-000000000000'
  t.equal(await watchedSession(ports, { ...auth, sessionId: unknown }).reread?.(), 'session_revoked')
})

for (const waits of ['its handler', 'claims'] as const) {
  t.test(
    `a connection of a session that waited in ${waits} ends for what happened since the guard read it`,
    async (t) => {
      let meanwhile = async (): Promise<unknown> => undefined
      const claims = async () => {
        await meanwhile()
        return {}
      }
      const settingsOptions = { rateLimitEnabled: false, tokenAttributes: ['plan'] }
      const options = await openPluginOptions(t, database, settingsOptions, waits === 'claims' ? { claims } : {})
      const { ports } = options
      const app = newHost(t)
      await app.register(httpPlugin, options)
      const reasons: WatchEndReason[] = []
      let stop = (): void => undefined
      app.get('/slow', { preHandler: app.latchkey.authenticate }, async (request) => {
        if (waits === 'its handler') await meanwhile()
        ;({ stop } = app.latchkey.whileSignedIn(request, { onEnd: (reason) => reasons.push(reason) }))
        return 'open'
      })

      const { client } = await newPerson(app, 'session')
      const { id } = (await client.send('GET', '/me')).json()
      const { users, sessions } = app.latchkey
      const ofAnyAttribute = waits === 'claims' ? ['roles_changed'] : []
      const changes: readonly [string, readonly string[], () => Promise<unknown>][] = [
        ['a role more', ['roles_changed'], () => users.update(id, { roles: ['editor'] })],
        ['another role', ['roles_changed'], () => users.update(id, { roles: ['reader'] })],
        ['the same role', [], () => users.update(id, { roles: ['reader'] })],
        ['a role less', ['roles_changed'], () => users.update(id, { roles: [] })],
        ['an attribute of tokens', ['roles_changed'], () => users.update(id, { attributes: { plan: 'pro' } })],
        ['another attribute', ofAnyAttribute, () => users.update(id, { attributes: { tenant: 't' } })],
        ['the external id', ofAnyAttribute, () => users.update(id, { externalId: id })],
        ['another read of the same', [], () => ports.sessionResolver.touch(client.sessionId)],
        ['the end', ['revoked_by_admin'], () => sessions.endSession(client.sessionId)]
      ]
      for (const [what, expected, change] of changes) {
        // The function `claims` is called once for each read of the session.
        await ports.sessionResolver.touch(client.sessionId)
        meanwhile = async () => {
          meanwhile = async () => undefined
          await change()
        }
        t.equal((await client.send('GET', '/slow')).statusCode, 200, what)
        if (expected.length > 0) await waitUntil(() => reasons.length > 0)
        await ports.sessionResolver.find(client.sessionId)
        await someTurns()
        stop()
        t.strictSame(reasons.splice(0), expected, what)
      }
    }
  )
}

t.test('a closing app ends its streams, so that it does not wait for them', async (t) => {
  const { app } = await openHost(t)
  app.get('/events', { preHandler: app.latchkey.authenticate }, async (request, reply) => {
    const stream = new PassThrough()
    const { stop } = app.latchkey.whileSignedIn(request, { onEnd: (reason) => stream.end(`data: ${reason}\n\n`) })
    stream.on('close', stop)
    stream.write(': open\n\n')
    return reply.type('text/event-stream').send(stream)
  })
  const { client } = await newPerson(app)
  const address = await app.listen({ port: 0 })
  const response = await fetch(`${address}/events`, { headers: { authorization: `Bearer ${client.accessToken}` } })
  await Promise.all([app.close(), response.text().then((text) => t.equal(text, ': open\n\ndata: closing\n\n'))])
})

t.test('an onEnd that throws is logged, and the process goes on', async (t) => {
  const lines: string[] = []
  const { ports, settings } = await openPluginOptions(t, database)
  const app = newHost(t, { logger: { level: 'error', stream: { write: (line) => void lines.push(line) } } })
  await app.register(httpPlugin, { ports, settings })
  const { client } = await newPerson(app)
  app.latchkey.whileSignedIn(client.accessToken, {
    onEnd() {
      throw new Error('the socket is gone')
    }
  })
  await client.send('POST', '/logout')
  await someTurns()
  t.match(
    lines.map((line) => JSON.parse(line)),
    [{ msg: 'The onEnd of a whileSignedIn has failed', err: { message: 'the socket is gone' } }]
  )
  t.notMatch(lines.join(), client.accessToken)
})

for (const stale of ['deny', 'allow'] as const) {
  const does = stale === 'deny' ? 'ends connections as unavailable' : 'leaves connections open'
  t.test(`a host that is cut off from the database ${does} with FEED_STALE=${stale}`, async (t) => {
    const clock = shiftableClock()
    let isAway = false
    const cut: Database = {
      ...database,
      run: (operation) => (isAway ? Promise.reject(new Unavailable('away')) : database.run(operation)),
      listen: () => () => Promise.reject(new Error('away'))
    }
    const { ports, settings } = await openPluginOptions(t, cut, { feedStale: stale }, { clock })
    const app = newHost(t)
    await app.register(httpPlugin, { ports, settings })
    const { client } = await newPerson(app, 'body')
    const { exp } = claimsOf(client.accessToken)
    const longer = await signedAgain(ports, client.accessToken, { exp: exp + 600 })
    const connect = (token: string) => {
      const reasons: WatchEndReason[] = []
      return { reasons, ...app.latchkey.whileSignedIn(token, { onEnd: (reason) => reasons.push(reason) }) }
    }
    const [expiring, open] = [connect(client.accessToken), connect(longer)]

    isAway = true
    clock.shiftSeconds = 601
    const late = connect(longer)
    await waitUntil(() => expiring.reasons.length > 0)
    if (stale === 'allow') {
      t.strictSame([expiring.reasons, open.reasons, late.reasons], [['token_expired'], [], []])
      return
    }
    t.equal(await late.auth, null)
    t.strictSame([expiring.reasons, open.reasons, late.reasons], [['unavailable'], ['unavailable'], ['unavailable']])
    isAway = false
    await waitUntil(async () => (await connect(longer).auth) !== null)
  })
}
