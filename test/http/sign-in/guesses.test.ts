import type { LightMyRequestResponse } from 'fastify'
import t, { type Test } from 'tap'
import { deviceTokenLifeSeconds } from '../../../src/core/opaque-token.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { anotherDevice, copyOf, newEmail, newPerson } from '../../support/http/people.js'
import { shiftableClock } from '../../support/http/shiftable-clock.js'
import { type Client, goodPassword, openService } from '../../support/service.js'

/** The limits on password guesses against an account. */
const database = await openTestDatabase(t, { kind: 'embedded' })
const clock = shiftableClock()
const app = await openService(t, database, { RATE_LIMIT_ENABLED: 'true' }, clock)

const maxPerStranger = 10
const maxOfStrangers = 25
const maxPerDevice = 10
const maxOfDevices = 50

let addresses = 0
const newAddress = () => {
  addresses += 1
  return `198.51.${addresses >> 8}.${addresses & 255}`
}

/** A new user, each at another address: one address can register few. */
const person = (mode: 'cookie' | 'body' = 'cookie') => newPerson(app, mode, undefined, newAddress())

interface Attempt {
  readonly password?: string
  readonly from?: string
  readonly device?: Client
  readonly deviceToken?: string
}

function login(email: string, { password = 'wrong password', from, device, deviceToken }: Attempt = {}) {
  const [name, value] = device?.deviceCookie ?? []
  return app.inject({
    method: 'POST',
    url: '/login',
    remoteAddress: from ?? newAddress(),
    headers: name === undefined ? {} : { cookie: `${name}=${value}` },
    payload: { email, password, mode: 'body', ...(deviceToken !== undefined && { device_token: deviceToken }) }
  })
}

const statusesOf = (responses: readonly LightMyRequestResponse[]) => responses.map(({ statusCode }) => statusCode)
const count = (statuses: readonly number[], status: number) => statuses.filter((one) => one === status).length

function expectLimited(t: Test, response: LightMyRequestResponse): void {
  expectProblem(t, response, 'too_many_requests')
  const wait = Number(response.headers['retry-after'])
  t.ok(wait > 800 && wait <= 900, `Retry-After is the rest of the quarter of an hour: ${wait}`)
}

/** Uses up the guesses that all strangers together have for an account, each from another address. */
async function attack(email: string): Promise<void> {
  for (let guess = 0; guess < maxOfStrangers; guess += 1) await login(email)
}

t.test('guesses from one address block that address, not the owner', async (t) => {
  const { client, email } = await person()
  const from = newAddress()
  for (let guess = 0; guess < maxPerStranger; guess += 1) {
    expectProblem(t, await login(email, { from }), 'invalid_credentials')
  }
  expectLimited(t, await login(email, { from }))
  expectLimited(t, await login(email, { from, password: goodPassword }))
  t.equal(
    (await login(email, { from, password: goodPassword, device: client })).statusCode,
    200,
    'the owner, even from the same address'
  )
  t.equal((await login(email, { password: goodPassword })).statusCode, 200, 'the owner on a new device')
  t.equal((await login((await person()).email, { from, password: goodPassword })).statusCode, 200, 'another user')
})

t.test('guesses from many addresses block strangers, and known devices get in', async (t) => {
  const laptop = await person()
  const { email } = laptop
  const phone = await anotherDevice(app, laptop, 'body')
  await attack(email)
  expectLimited(t, await login(email))
  expectLimited(t, await login(email, { password: goodPassword }))

  t.equal((await login(email, { password: goodPassword, device: laptop.client })).statusCode, 200, 'by its cookie')
  const { deviceToken } = phone.client
  t.match(deviceToken, /^lk_dt_/)
  t.equal((await login(email, { password: goodPassword, deviceToken })).statusCode, 200, 'by its token')
  t.equal((await laptop.client.send('POST', '/refresh')).statusCode, 200, 'nobody is signed out')
  t.equal((await laptop.client.send('GET', '/me')).statusCode, 200)
})

t.test('fifty concurrent guesses all count', async (t) => {
  const { email } = await person()
  const from = newAddress()
  const atOnce = (attempt: Attempt) => Promise.all(Array.from({ length: 50 }, () => login(email, attempt)))
  const fromOne = statusesOf(await atOnce({ from }))
  t.equal(count(fromOne, 401), maxPerStranger)
  t.equal(count(fromOne, 429), 50 - maxPerStranger)
  const fromEverywhere = statusesOf(await atOnce({}))
  t.equal(count(fromEverywhere, 401), maxOfStrangers - maxPerStranger)
  t.equal(count(fromEverywhere, 429), 50 - (maxOfStrangers - maxPerStranger))
})

t.test('an IPv6 client is its /64, and a mapped IPv4 client is its IPv4 address', async (t) => {
  const { email } = await person()
  for (let guess = 0; guess < maxPerStranger; guess += 1) await login(email, { from: `2001:db8:0:7::${guess}:1` })
  expectLimited(t, await login(email, { from: '2001:db8:0:7:ffff::1' }))
  t.equal((await login(email, { from: '2001:db8:0:8::1' })).statusCode, 401)

  const { email: other } = await person()
  for (let guess = 0; guess < maxPerStranger; guess += 1) await login(other, { from: '192.0.2.77' })
  expectLimited(t, await login(other, { from: '::ffff:192.0.2.77' }))
})

t.test('unknown, known and disabled accounts have the same limits and responses', async (t) => {
  const known = await person()
  const disabled = await person()
  await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE email_key = $1', disabled.email)
  const attempts = [
    { email: newEmail(), password: 'wrong password' },
    { email: known.email, password: 'wrong password' },
    { email: disabled.email, password: 'wrong password' },
    { email: disabled.email, password: goodPassword },
    { email: 'no address at all', password: goodPassword }
  ]
  const seen: { status: number; body: string; retryAfter: boolean }[][] = []
  for (const { email, password } of attempts) {
    const at = newAddress()
    const answers = []
    for (let guess = 0; guess < maxPerStranger + 2; guess += 1) {
      const { statusCode, body, headers } = await login(email, { password, from: at })
      answers.push({ status: statusCode, body, retryAfter: 'retry-after' in headers })
    }
    seen.push(answers)
  }
  for (const answers of seen) t.strictSame(answers, seen[0])
  t.strictSame(seen[0]?.map(({ status }) => status).slice(-3), [401, 429, 429])
})

t.test('right passwords never count', async (t) => {
  const { email } = await person()
  const from = newAddress()
  for (let i = 0; i < maxPerStranger + 2; i += 1) {
    t.equal((await login(email, { from, password: goodPassword })).statusCode, 200)
  }
  const atOnce = await Promise.all(Array.from({ length: 30 }, () => login(email, { from, password: goodPassword })))
  t.ok(statusesOf(atOnce).every((status) => status === 200 || status === 429))
  t.equal((await login(email, { from, password: goodPassword })).statusCode, 200, 'refused guesses write nothing')
})

t.test('a device has its own limits and keeps them after a login', async (t) => {
  const laptop = await person()
  const { email, client } = laptop
  const tablet = await anotherDevice(app, laptop)
  for (let guess = 0; guess < maxPerDevice - 1; guess += 1) await login(email, { device: client })
  await client.signIn(email, { path: '/login' })
  t.equal((await login(email, { device: client })).statusCode, 401)
  expectLimited(t, await login(email, { device: client, password: goodPassword }))
  t.equal((await login(email, { device: tablet.client, password: goodPassword })).statusCode, 200)
  t.equal((await login(email)).statusCode, 401, "the device did not use the strangers' allowance")
})

t.test('all devices of an account together have a limit', async (t) => {
  const { email } = await person()
  const devices = []
  for (let i = 0; i <= maxOfDevices / maxPerDevice; i += 1) devices.push((await anotherDevice(app, { email })).client)
  const statuses: number[] = []
  for (const device of devices) {
    for (let guess = 0; guess < maxPerDevice; guess += 1) statuses.push((await login(email, { device })).statusCode)
  }
  t.equal(count(statuses, 401), maxOfDevices)
})

t.test('a damaged or expired device token, or one of another account, proves nothing', async (t) => {
  const { client, email } = await person('body')
  const stranger = await person('body')
  const { deviceToken } = client
  await attack(email)
  for (const other of [stranger.client.deviceToken, `${deviceToken.slice(0, -1)}~`, '', 'x', client.refreshToken]) {
    expectLimited(t, await login(email, { password: goodPassword, deviceToken: other }))
  }
  clock.shiftSeconds = deviceTokenLifeSeconds - 60
  t.equal((await login(email, { password: goodPassword, deviceToken })).statusCode, 200)
  clock.shiftSeconds = deviceTokenLifeSeconds
  expectLimited(t, await login(email, { password: goodPassword, deviceToken }))
  clock.shiftSeconds = 0
})

t.test('a device token is not a credential', async (t) => {
  const { client } = await person('body')
  const { deviceToken } = client
  const headers = { authorization: `Bearer ${deviceToken}` }
  expectProblem(t, await app.inject({ url: '/me', headers }), 'invalid_token')
  const cookie = `__Host-session=${deviceToken}; __Host-refresh_token=${deviceToken}`
  expectProblem(t, await app.inject({ url: '/me', headers: { cookie } }), 'invalid_token')
  const refused = await app.inject({ method: 'POST', url: '/refresh', payload: { refresh_token: deviceToken } })
  expectProblem(t, refused, 'invalid_refresh_token')
  const [name, value] = (await person()).client.deviceCookie ?? []
  expectProblem(t, await app.inject({ url: '/me', headers: { cookie: `${name}=${value}` } }), 'missing_credentials')
})

t.test('a damaged device cookie is replaced', async (t) => {
  const { client, email } = await person()
  const [name] = client.deviceCookie ?? []
  const payload = { email, password: goodPassword }
  const send = (cookie: string) => app.inject({ method: 'POST', url: '/login', payload, headers: { cookie } })
  for (const damaged of ['', '"', '%', '%zz', 'x'.repeat(4000), '\u00e9', '=', '{}', 'lk_dt_']) {
    const response = await send(`${name}=${damaged}`)
    t.equal(response.statusCode, 200, JSON.stringify(damaged.slice(0, 10)))
    t.match(response.cookies.find((cookie) => cookie.name === name)?.value, /^lk_dt_/)
  }
})

t.test('a device stays known after logout and after every session has ended', async (t) => {
  const { client, email } = await person()
  await client.send('DELETE', '/sessions?all=true')
  await client.send('POST', '/logout')
  await attack(email)
  t.equal((await login(email, { password: goodPassword, device: client })).statusCode, 200)
})

t.test('a session holder cannot try many passwords on the account', async (t) => {
  const owner = await person()
  const thief = copyOf(owner.client)
  const elsewhere = await anotherDevice(app, owner)
  const guess = (client: Client, right = false) =>
    client.send('POST', '/password', {
      payload: { current_password: right ? goodPassword : 'wrong', new_password: 'another good password' }
    })
  const atOnce = await Promise.all(Array.from({ length: 15 }, () => guess(thief)))
  t.equal(count(statusesOf(atOnce), 401), 10)
  expectLimited(t, await guess(thief, true))
  expectLimited(t, await thief.send('DELETE', '/me', { payload: { password: goodPassword } }))
  expectLimited(t, await thief.send('POST', '/reauthenticate', { payload: { password: goodPassword } }))
  t.equal((await guess(elsewhere.client, true)).statusCode, 200, 'another session of the user is not limited')
})

t.test('limited requests are counted in the metrics and write no events', async (t) => {
  const { email } = await person()
  const limitedLogins = async () =>
    Number(/latchkey_logins_total\{outcome="limited"\} (\d+)/.exec((await app.inject('/metrics')).body)?.[1])
  const events = () => sql(database, "SELECT 1 FROM event WHERE type = 'login_failed'")
  await attack(email)
  const [before, written] = [await limitedLogins(), (await events()).length]
  for (let i = 0; i < 5; i += 1) await login(email)
  t.equal((await limitedLogins()) - before, 5)
  t.equal((await events()).length, written)
})
