import { connect, createServer, type Server, type Socket } from 'node:net'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { openServerDatabase } from '../../src/adapters/prisma/server/server-database.js'
import { Unavailable } from '../../src/ports/errors.js'
import { onServer, openTestDatabase, serverUrl, testSchema } from '../support/database.js'
import { openAdminService, signInAdmin, userIdOf } from '../support/http/admin.js'
import { expectProblem } from '../support/http/contract-errors.js'
import { anotherDevice, copyOf, newPerson, refreshCookie, sessionCookie } from '../support/http/people.js'
import { shiftableClock } from '../support/http/shiftable-clock.js'
import { Client, goodPassword } from '../support/service.js'

interface Prepared {
  readonly app: FastifyInstance
  readonly cookie: Client
  readonly phone: Client
  readonly serverSide: Client
  readonly admin: Client
  /** Every request that needs the database, from a client that is allowed to send it. */
  readonly requests: readonly (readonly [name: string, client: Client, request: InjectOptions])[]
}

/** Signed-in users of every mode, and the requests that they send while the database is down. */
async function prepare(app: FastifyInstance, admin: Client): Promise<Prepared> {
  const person = await newPerson(app)
  const { client: cookie, email } = person
  const { client: phone } = await anotherDevice(app, person, 'body')
  const { client: serverSide } = await anotherDevice(app, person, 'session')
  const userId = await userIdOf(cookie)
  const credentials = { email, password: goodPassword }
  const someUser = `/admin/users/${userId}`

  const requests: Prepared['requests'] = [
    [
      'register',
      new Client(app),
      { method: 'POST', url: '/register', payload: { ...credentials, email: `a-${email}` } }
    ],
    ['login', new Client(app), { method: 'POST', url: '/login', payload: credentials }],
    ['login over a session', cookie, { method: 'POST', url: '/login', payload: credentials }],
    ['refresh by cookie', cookie, { method: 'POST', url: '/refresh' }],
    ['refresh by body', phone, { method: 'POST', url: '/refresh', payload: { refresh_token: phone.refreshToken } }],
    ['logout', cookie, { method: 'POST', url: '/logout' }],
    ['logout of a server-side session', serverSide, { method: 'POST', url: '/logout' }],
    ['me', cookie, { method: 'GET', url: '/me' }],
    ['me of a server-side session', serverSide, { method: 'GET', url: '/me' }],
    ['sessions', cookie, { method: 'GET', url: '/sessions' }],
    ['rename', cookie, { method: 'PATCH', url: `/sessions/${cookie.sessionId}`, payload: { device: 'x' } }],
    ['end one', cookie, { method: 'DELETE', url: `/sessions/${phone.sessionId}` }],
    ['end the others', cookie, { method: 'DELETE', url: '/sessions' }],
    [
      'password',
      cookie,
      {
        method: 'POST',
        url: '/password',
        payload: { current_password: goodPassword, new_password: 'another good password' }
      }
    ],
    ['reauthenticate', cookie, { method: 'POST', url: '/reauthenticate', payload: { password: goodPassword } }],
    ['delete the account', cookie, { method: 'DELETE', url: '/me', payload: { password: goodPassword } }],
    ['users', admin, { method: 'GET', url: '/admin/users' }],
    ['user', admin, { method: 'GET', url: someUser }],
    ['change a user', admin, { method: 'PATCH', url: someUser, payload: { disabled: true } }],
    ['delete a user', admin, { method: 'DELETE', url: someUser }],
    ["a user's sessions", admin, { method: 'GET', url: `${someUser}/sessions` }],
    ["end a user's sessions", admin, { method: 'DELETE', url: `${someUser}/sessions` }],
    ['all sessions', admin, { method: 'GET', url: '/admin/sessions' }],
    ['end a session', admin, { method: 'DELETE', url: `/admin/sessions/${cookie.sessionId}` }],
    ['end all', admin, { method: 'POST', url: '/admin/sessions/revoke-all', payload: { confirm: 'revoke-all' } }],
    ['events', admin, { method: 'GET', url: '/admin/events' }],
    ['counts', admin, { method: 'GET', url: '/admin/counts' }],
    ['clients', admin, { method: 'GET', url: '/admin/clients' }],
    ['create a client', admin, { method: 'POST', url: '/admin/clients', payload: { name: 'n', scopes: ['x'] } }],
    ['keys', admin, { method: 'GET', url: '/admin/keys' }],
    ['rotate the key', admin, { method: 'POST', url: '/admin/keys/rotate', payload: {} }],
    ['revoke the keys', admin, { method: 'POST', url: '/admin/keys/rotate', payload: { revoke_old: true } }],
    ['readiness', new Client(app), { method: 'GET', url: '/readyz' }]
  ]
  return { app, cookie, phone, serverSide, admin, requests }
}

/** A copy of the client sends the request, so the client keeps nothing of the response. */
async function ask(client: Client, request: InjectOptions): Promise<LightMyRequestResponse> {
  const { accessToken, cookies } = copyOf(client)
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return client.app.inject({
    ...request,
    headers: { ...(cookie && { cookie }), ...(accessToken && { authorization: `Bearer ${accessToken}` }) }
  })
}

function expectUnavailable(t: Test, response: LightMyRequestResponse): void {
  expectProblem(t, response, 'unavailable')
  t.match(response.headers['retry-after'], /^[1-9]\d*$/)
  t.equal(response.headers['set-cookie'], undefined, 'cookies are left alone')
}

/** Expects that nobody is signed out and that none of the refused requests took effect. */
async function expectAllAsBefore(t: Test, { app, cookie, phone, serverSide, admin }: Prepared): Promise<void> {
  t.equal((await app.inject('/readyz')).statusCode, 200)
  t.equal((await cookie.send('GET', '/me')).statusCode, 200)
  t.equal((await cookie.send('POST', '/refresh')).statusCode, 200)
  const byBody = { payload: { refresh_token: phone.refreshToken } }
  t.equal((await phone.send('POST', '/refresh', byBody)).statusCode, 200)
  t.equal((await serverSide.send('GET', '/me')).statusCode, 200)
  t.equal((await cookie.send('GET', '/sessions')).json().sessions.length, 3)
  t.equal((await admin.send('GET', '/admin/users')).statusCode, 200)
  t.ok(cookie.cookies.has(refreshCookie))
  t.ok(serverSide.cookies.has(sessionCookie))
}

t.test('without a database every route that needs it answers 503, and everything works afterwards', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  let away = false
  const clock = shiftableClock()
  const { app, admin } = await openAdminService(
    t,
    { ...database, run: (operation) => (away ? Promise.reject(new Unavailable('away')) : database.run(operation)) },
    {},
    clock
  )
  const prepared = await prepare(app, admin)

  away = true
  for (const [name, client, request] of prepared.requests) {
    await t.test(name, async (t) => expectUnavailable(t, await ask(client, request)))
  }
  await t.test('routes that need no database keep working', async (t) => {
    for (const url of [
      '/healthz',
      '/.well-known/jwks.json',
      '/.well-known/oauth-authorization-server',
      '/features',
      '/openapi.json'
    ]) {
      t.equal((await app.inject(url)).statusCode, 200)
    }
    expectProblem(t, await app.inject('/me'), 'missing_credentials')
    const invented = { method: 'POST', url: '/refresh', payload: { refresh_token: 'lk_rt_invented' } } as const
    expectProblem(t, await app.inject(invented), 'invalid_refresh_token')
  })
  away = false
  clock.shiftSeconds += 1
  await expectAllAsBefore(t, prepared)
})

t.test('a database that fails during a request causes a 503 too', async (t) => {
  const database = await openTestDatabase(t, { kind: 'embedded' })
  let left = Number.POSITIVE_INFINITY
  const { app, admin } = await openAdminService(t, {
    ...database,
    run: (operation) => (left-- > 0 ? database.run(operation) : Promise.reject(new Unavailable('away')))
  })
  const prepared = await prepare(app, admin)
  for (const [name, client, request] of prepared.requests.filter(([name]) => name === 'login' || name === 'password')) {
    await t.test(name, async (t) => {
      left = 1
      expectUnavailable(t, await ask(client, request))
      left = Number.POSITIVE_INFINITY
    })
  }
  await expectAllAsBefore(t, prepared)
})

t.test(
  'a real database server that stops and comes back',
  { skip: serverUrl === undefined && 'TEST_DATABASE_URL is not set' },
  async (t) => {
    const schemaUrl = new URL(await testSchema(t))
    const relay = await openRelay(t, { host: schemaUrl.hostname, port: Number(schemaUrl.port || 5432) })
    const through = new URL(schemaUrl)
    through.port = String(relay.port)
    const database = await openServerDatabase({ url: through.href, poolSize: 2, waitSeconds: 1 })
    t.teardown(() => database.close())
    const clock = shiftableClock()
    const { app, admin } = await openAdminService(t, database, {}, clock)
    const prepared = await prepare(app, admin)

    await t.test('after its connections were cut, a request opens a new one', async (t) => {
      const cut = 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE client_port = ANY ($1)'
      const { rowCount } = await onServer((client) => client.query(cut, [relay.onwardPorts()]))
      t.ok(rowCount)
      const statuses: number[] = []
      // Each of the pool's two connections may be found dead by a request.
      while (statuses.length < 3 && !statuses.includes(200)) {
        statuses.push((await ask(prepared.cookie, { method: 'GET', url: '/me' })).statusCode)
      }
      t.match(statuses.join(' '), /^(503 )*200$/)
    })

    await relay.close()
    for (const [name, client, request] of prepared.requests) {
      await t.test(`${name}, while the port is closed`, async (t) => expectUnavailable(t, await ask(client, request)))
    }
    await relay.open()
    clock.shiftSeconds += 1
    await expectAllAsBefore(t, prepared)
    t.ok((await signInAdmin(app)).accessToken)
  }
)

/** A relay to the database server. Closing it cuts all connections and frees its port. */
async function openRelay(t: Test, target: { readonly host: string; readonly port: number }) {
  const relayedConnections = new Map<Socket, Socket>()
  const serve = (socket: Socket) => {
    const onwards = connect(target)
    relayedConnections.set(socket, onwards)
    for (const end of [socket, onwards]) end.on('error', () => end.destroy())
    socket.pipe(onwards).pipe(socket)
    socket.on('close', () => onwards.destroy())
    onwards.on('close', () => {
      socket.destroy()
      relayedConnections.delete(socket)
    })
  }
  let server: Server = createServer(serve)
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  await listen(0)
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('The relay has no port.')
  const { port } = address

  const road = {
    port,
    /** How the server identifies connections through the relay. */
    onwardPorts: () => [...relayedConnections.values()].map(({ localPort }) => localPort),
    async close() {
      for (const socket of relayedConnections.keys()) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
    async open() {
      server = createServer(serve)
      await listen(port)
    }
  }
  t.teardown(() => road.close())
  return road
}
