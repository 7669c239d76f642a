import { setImmediate as nextTurn } from 'node:timers/promises'
import type { LightMyRequestResponse } from 'fastify'
import t from 'tap'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { openTestDatabase } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { goodPassword, openService, testEnvironment } from '../../support/service.js'

/** Requests that find no room in the queue of the passwords. */
const database = await openTestDatabase(t, { kind: 'embedded', embedded: { waitSeconds: 20 } })
const [first, second, third] = ['198.51.100.1', '198.51.100.2', '198.51.100.3'] as const
const wrongPassword = () => ({ email: newEmail(), password: 'wrong password' })
const count = (responses: readonly LightMyRequestResponse[], status: number) =>
  responses.filter(({ statusCode }) => statusCode === status).length

/** So slow that the requests of a flood arrive while the first ones are hashed. */
const slowHashes = { RATE_LIMIT_ENABLED: 'true', BCRYPT_COST: '9' }

t.test('a login that found no room counts towards no limit', async (t) => {
  const app = await openService(t, database, slowHashes)
  const send = () => app.inject({ method: 'POST', url: '/login', remoteAddress: first, payload: wrongPassword() })
  const others = () => app.inject({ method: 'POST', url: '/login', remoteAddress: second, payload: wrongPassword() })
  const [flood] = await Promise.all([
    Promise.all(Array.from({ length: 30 }, send)),
    Promise.all(Array.from({ length: 30 }, others))
  ])
  const noRoom = flood.filter(({ statusCode }) => statusCode === 503)
  t.ok(noRoom.length > 0)
  for (const response of noRoom) expectProblem(t, response, 'unavailable')
  const later = []
  for (let i = 0; i < 31; i += 1) later.push(await send())
  t.equal(count(flood, 401) + count(later, 401), 30)
})

t.test('a registration that found no room counts towards no limit', async (t) => {
  const app = await openService(t, database, slowHashes)
  const register = (remoteAddress: string) => {
    const payload = { email: newEmail(), password: goodPassword }
    return app.inject({ method: 'POST', url: '/register', remoteAddress, payload })
  }
  const flood = await Promise.all(Array.from({ length: 60 }, (_, i) => register(i % 2 === 0 ? first : second)))
  t.ok(count(flood, 503) > 0)
  const ofFirst = flood.filter((_, i) => i % 2 === 0)
  const later = []
  for (let i = 0; i < 31; i += 1) later.push(await register(first))
  t.equal(count(ofFirst, 201) + count(later, 201), 30)

  const junk = []
  for (let i = 0; i < 121; i += 1) {
    junk.push(await app.inject({ method: 'POST', url: '/register', remoteAddress: first }))
  }
  const requests = ofFirst.length - count(ofFirst, 503) + later.length
  t.equal(count(junk, 400), 120 - requests, 'nor towards the limit of requests')
})

t.test('three networks at their full allowance keep no known device out', async (t) => {
  const app = await openService(t, database, slowHashes)
  const { email, client } = await newPerson(app)
  const [name, value] = client.deviceCookie ?? []
  const headers = { cookie: `${name}=${value}` }
  let isOver = false
  // Guesses are sent again at once, so the queue stays full until the owner is in.
  const guess = async (remoteAddress: string, onFull: () => void) => {
    while (!isOver) {
      const payload = wrongPassword()
      const { statusCode } = await app.inject({ method: 'POST', url: '/login', remoteAddress, payload })
      if (statusCode === 503) onFull()
      await nextTurn()
    }
  }
  const flood: Promise<void>[] = []
  await new Promise<void>((onFull) => {
    for (const network of [first, second, third]) {
      for (let i = 0; i < 30; i += 1) flood.push(guess(network, onFull))
    }
  })
  const payload = { email, password: goodPassword, mode: 'body' }
  for (let i = 0; i < 3; i += 1) {
    const owner = await app.inject({ method: 'POST', url: '/login', remoteAddress: first, headers, payload })
    t.equal(owner.statusCode, 200)
  }
  isOver = true
  await Promise.all(flood)
})

t.test('a client above a limit waits for its response, and delays nobody else', async (t) => {
  const config = loadConfig({ ...testEnvironment, RATE_LIMIT_ENABLED: 'true' })
  const app = await buildApp(config, { database, refusalMilliseconds: 2 ** 30 })
  t.teardown(() => app.close())
  const { email } = await newPerson(app)
  const from = '192.0.2.1'
  const login = (password: string) =>
    app.inject({ method: 'POST', url: '/login', remoteAddress: from, payload: { email, password, mode: 'body' } })
  for (let i = 0; i < 10; i += 1) t.equal((await login('wrong password')).statusCode, 401)
  let answered = false
  for (let i = 0; i < 40; i += 1) void login('wrong password').finally(() => (answered = true))
  const payload = { email: (await newPerson(app)).email, password: goodPassword, mode: 'body' }
  for (let i = 0; i < 5; i += 1) {
    const other = await app.inject({ method: 'POST', url: '/login', remoteAddress: from, payload })
    t.equal(other.statusCode, 200, 'another person in the same network')
  }
  t.notOk(answered)
})
