import t, { type Test } from 'tap'
import type { HookFunction, LatchkeyOptions, SessionEnded, UserCreated, UserDeleted } from '../../src/index.js'
import latchkey from '../../src/plugin.js'
import { serverUrl, testDataFolder, testSchema } from '../support/database.js'
import { newHost, signedIn, testOptions } from '../support/host.js'
import { goodPassword } from '../support/service.js'

async function hookedHost(t: Test, options: Partial<LatchkeyOptions>) {
  const app = newHost(t)
  const database = options.databaseUrl === undefined ? { dataDir: await testDataFolder(t) } : {}
  await app.register(latchkey, { ...testOptions, prefix: '/auth', ...database, ...options })
  return app
}

/** Keeps what a hook gets. `after` resolves to it, once there are so many events. */
function collecting<Event>() {
  const events: Event[] = []
  let check = () => undefined as unknown
  const hook: HookFunction<Event> = async (event) => {
    events.push(event)
    check()
  }
  const after = (count: number) =>
    new Promise<readonly Event[]>((resolve) => {
      check = () => events.length >= count && resolve(events)
      check()
    })
  return { hook, events, after }
}

t.test('hooks learn of accounts and sessions by the routes of the same app', async (t) => {
  const created = collecting<UserCreated>()
  const deleted = collecting<UserDeleted>()
  const ended = collecting<SessionEnded>()
  const again = collecting<SessionEnded>()
  const app = await hookedHost(t, {
    onUserCreated: created.hook,
    onUserDeleted: deleted.hook,
    onSessionEnded: { first: ended.hook, second: again.hook }
  })
  await app.ready()
  const client = await signedIn(app)
  const { id, email } = (await client.send('GET', '/auth/me')).json()
  await app.latchkey.sessions.endSession(client.sessionId)
  await client.send('POST', '/auth/login', { bearer: false, payload: { email, password: goodPassword } })
  await client.send('DELETE', '/auth/me', { payload: { password: goodPassword } })

  t.match(await created.after(1), [{ userId: id, by: 'request' }])
  t.match(await ended.after(2), [
    { userId: id, reason: 'revoked_by_admin', by: 'host', actorId: null },
    { userId: id, sid: client.sessionId, reason: 'revoked_by_user', by: 'request', actorId: id }
  ])
  t.strictSame(await again.after(2), ended.events)
  t.match(await deleted.after(1), [{ userId: id, reason: 'revoked_by_user', by: 'request' }])
  const text = JSON.stringify([created.events, deleted.events, ended.events])
  t.notMatch(text, 'example.org', 'no address')
})

t.test('a hook gets the external id of an account that a host has linked and deleted', async (t) => {
  const deleted = collecting<UserDeleted>()
  const ended = collecting<SessionEnded>()
  const app = await hookedHost(t, { onUserDeleted: deleted.hook, onSessionEnded: ended.hook })
  await app.ready()
  const { users } = app.latchkey
  const client = await signedIn(app)
  const { id } = (await client.send('GET', '/auth/me')).json()
  await users.update(id, { externalId: 'cn=ada' })
  await users.delete(id)
  t.match(await deleted.after(1), [{ userId: id, externalId: 'cn=ada', by: 'host' }])
  t.match(await ended.after(1), [{ userId: id, externalId: 'cn=ada', sid: client.sessionId }])
})

t.test('another instance and events before a restart reach the hooks of a host', async (t) => {
  if (serverUrl === undefined) return t.pass('what needs a PostgreSQL server', { skip: 'TEST_DATABASE_URL is not set' })
  const databaseUrl = await testSchema(t)
  const created = collecting<UserCreated>()
  const first = await hookedHost(t, { databaseUrl, onUserCreated: created.hook })
  const withoutHooks = await hookedHost(t, { databaseUrl })
  await Promise.all([first.ready(), withoutHooks.ready()])
  await signedIn(withoutHooks)
  await created.after(1)
  await first.close()
  await signedIn(withoutHooks)
  const later = collecting<UserCreated>()
  await (await hookedHost(t, { databaseUrl, onUserCreated: later.hook })).ready()
  await later.after(1)
  const users = new Set([...created.events, ...later.events].map(({ userId }) => userId))
  t.equal(users.size, 2)
})

t.test('a hook that fails shows in the metrics, and no event waits for another hook', async (t) => {
  const { hook, after } = collecting<UserCreated>()
  const failing = collecting<UserCreated>()
  const app = await hookedHost(t, {
    onUserCreated: {
      good: hook,
      bad: async (event, signal) => {
        await failing.hook(event, signal)
        throw new Error('always')
      }
    }
  })
  await app.ready()
  await signedIn(app)
  // Its second call begins after the first failure is noted.
  await Promise.all([after(1), failing.after(2)])
  const { body } = await app.inject('/auth/metrics')
  t.match(body, /latchkey_hook_failures_total\{hook="onUserCreated:bad"\} [12]\n/)
  t.match(body, 'latchkey_hook_failures_total{hook="onUserCreated:good"} 0\n')
  t.match(body, 'latchkey_hook_deliveries_total{hook="onUserCreated:bad"} 0\n')
  t.match(body, /latchkey_hook_lag_seconds\{hook="onUserCreated:bad"\} \d/)
})

t.test('hooks begin when the app is ready, and end before the host closes what they need', async (t) => {
  const app = newHost(t)
  const state = { isOpen: false, calls: 0, closedCalls: 0 }
  app.addHook('onReady', async () => {
    state.isOpen = true
  })
  app.addHook('onClose', async () => {
    state.isOpen = false
  })
  const { hook, after } = collecting<UserCreated>()
  const onUserCreated: HookFunction<UserCreated> = async (event, signal) => {
    await hook(event, signal)
    await new Promise((done) => setImmediate(done))
    state.calls += 1
    if (!state.isOpen) state.closedCalls += 1
  }
  await app.register(latchkey, { ...testOptions, prefix: '/auth', dataDir: await testDataFolder(t), onUserCreated })
  await app.ready()
  await signedIn(app)
  await after(1)
  await app.close()
  t.strictSame(state, { isOpen: false, calls: 1, closedCalls: 0 })
})

t.test('what is no hook is refused when the plugin is registered', async (t) => {
  const options = { onUserCreated: 'crm', onSessionEnded: { 'No Name': async () => undefined } }
  const registering = hookedHost(t, options as never)
  const refused = await registering.catch((error: unknown) => error)
  t.match(refused, {
    name: 'ConfigError',
    problems: [
      'onUserCreated must be a function, or an object with functions by name.',
      /^onSessionEnded has the name "No Name"/
    ]
  })
  await t.rejects(hookedHost(t, { claims: { plan: 'pro' } } as never), /claims must be a function\./)
  await t.rejects(hookedHost(t, { onUserCreate: async () => undefined } as never), /Did you mean onUserCreated\?/)
})
