import Fastify from 'fastify'
import t from 'tap'
import { buildApp } from '../../src/app.js'
import { openAdapters } from '../../src/composition.js'
import { loadConfig } from '../../src/config/read-config.js'
import { httpPlugin } from '../../src/http/plugin.js'
import { openTestDatabase } from '../support/database.js'
import { userIdOf } from '../support/http/admin.js'
import { expectProblem } from '../support/http/contract-errors.js'
import { anotherDevice, newPerson } from '../support/http/people.js'
import { testEnvironment } from '../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const lines: string[] = []
const logger = { level: 'info', stream: { write: (line: string) => void lines.push(line) } }
const app = await buildApp(loadConfig(testEnvironment), { database, logger })
t.teardown(() => app.close())

const logged = () => lines.map((line) => JSON.parse(line)).filter(({ decision }) => decision === 'access')
const counted = async (outcome: string) =>
  Number(
    new RegExp(`latchkey_access_refusals_total\\{outcome="${outcome}"\\} (\\d+)`).exec(
      (await app.inject('/metrics')).body
    )?.[1]
  )

t.test(
  'every refused access is counted, and logged with the session, the user, the address and the route',
  async (t) => {
    const { client } = await newPerson(app)
    const { client: stranger } = await newPerson(app)
    const about = { sid: client.sessionId, userId: await userIdOf(client) }
    const theirs = `/sessions/${stranger.sessionId}`
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' }
    const refusals = [
      ['insufficient_scope', about, 'GET /admin/users', () => client.send('GET', '/admin/users')],
      [
        'insufficient_scope',
        about,
        'POST /admin/sessions/revoke-all',
        () => client.send('POST', '/admin/sessions/revoke-all', { payload: { confirm: 'revoke-all' } })
      ],
      ['not_found', about, 'DELETE /sessions/:id', () => client.send('DELETE', theirs)],
      ['not_found', about, 'PATCH /sessions/:id', () => client.send('PATCH', theirs, { payload: { device: 'mine' } })],
      ['forbidden_origin', {}, 'POST /refresh', () => client.send('POST', '/refresh', { headers: foreign })],
      [
        'forbidden_origin',
        {},
        'POST /logout',
        () => client.send('POST', '/logout', { headers: foreign, bearer: false })
      ]
    ] as const
    for (const [outcome, who, route, send] of refusals) {
      const [before, earlier] = [await counted(outcome), logged().length]
      expectProblem(t, await send(), outcome)
      t.equal(await counted(outcome), before + 1, outcome)
      t.match(logged().slice(earlier), [{ decision: 'access', outcome, ...who, ip: '127.0.0.1', route, level: 30 }])
      t.equal(logged().length, earlier + 1)
    }
  }
)

t.test('an unknown address and a granted request do not count as refused access', async (t) => {
  const device = await newPerson(app)
  const there = await anotherDevice(app, device)
  const before = logged().length
  expectProblem(t, await app.inject('/nowhere'), 'not_found')
  expectProblem(t, await device.client.send('GET', '/account/assets/nothing.js'), 'not_found')
  t.equal((await device.client.send('DELETE', `/sessions/${there.client.sessionId}`)).statusCode, 204)
  expectProblem(t, await app.inject('/me'), 'missing_credentials')
  t.equal(logged().length, before)
})

t.test("a refusal by requireRole in a host's own route counts too", async (t) => {
  const config = loadConfig(testEnvironment)
  const { ports, close } = await openAdapters(config, { database })
  const host = Fastify()
  t.teardown(() => host.close().then(close))
  await host.register(httpPlugin, { ports, settings: config })
  host.get(
    '/reports',
    { preHandler: [host.latchkey.authenticate, host.latchkey.requireRole('reader')] },
    async () => 'reports'
  )
  const { client } = await newPerson(host)
  expectProblem(t, await client.send('GET', '/reports'), 'insufficient_scope')
  t.match(await ports.metrics.text(), 'latchkey_access_refusals_total{outcome="insufficient_scope"} 1')
})
