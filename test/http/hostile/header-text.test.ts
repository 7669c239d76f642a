import t from 'tap'
import { parseToken } from '../../../src/core/opaque-token.js'
import { openTestDatabase } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson, refreshCookie, sessionCookie } from '../../support/http/people.js'
import { asGateway, postForm, serviceSettings } from '../../support/http/services.js'
import { goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, serviceSettings)

/** Node reads each byte of a header as one character, so a Unicode space is one to three characters of Latin-1. */
const asBytes = (text: string) => Buffer.from(text).toString('latin1')
/** Spaces that `String.trim` or `\s` removes, and HTTP does not (RFC 9110 §5.6.3). */
const spaces = ['\u0085', '\u00a0', '\u000b', ...['\u00a0', '\u2003', '\ufeff'].map(asBytes)]

t.test('a cookie whose name begins or ends with a Unicode space is not ours', async (t) => {
  const { client: byRefresh } = await newPerson(app)
  const { client: bySession } = await newPerson(app, 'session')
  const refreshToken = byRefresh.cookies.get(refreshCookie)
  const sessionToken = bySession.cookies.get(sessionCookie)
  for (const space of spaces) {
    for (const named of [(name: string) => space + name, (name: string) => name + space]) {
      const refresh = `${named(refreshCookie)}=${refreshToken}`
      const refused = await app.inject({ method: 'POST', url: '/refresh', headers: { cookie: refresh } })
      expectProblem(t, refused, 'missing_credentials')
      for (const cookie of [
        `${named(sessionCookie)}=${sessionToken}`,
        `a=b; ${named(sessionCookie)}=${sessionToken}`
      ]) {
        expectProblem(t, await app.inject({ url: '/me', headers: { cookie } }), 'missing_credentials')
      }
    }
  }
})

t.test('a cookie with a Unicode space in its name does not replace ours', async (t) => {
  const { client, email } = await newPerson(app, 'session')
  const { client: attacker } = await newPerson(app, 'session')
  for (const space of spaces) {
    const tossed = `${space}${sessionCookie}=${attacker.cookies.get(sessionCookie)}`
    for (const cookie of [`${tossed}; ${sessionCookie}=${client.cookies.get(sessionCookie)}`]) {
      t.match((await app.inject({ url: '/me', headers: { cookie } })).json(), { email })
    }
  }
})

t.test('spaces and tabs around a cookie are removed', async (t) => {
  const { client, email } = await newPerson(app, 'session')
  for (const cookie of [`a=b;\t${sessionCookie}=${client.cookies.get(sessionCookie)} \t; c=d`]) {
    t.match((await app.inject({ url: '/me', headers: { cookie } })).json(), { email })
  }
})

t.test('the device cookie is read in the same way', async (t) => {
  const { client, email } = await newPerson(app)
  const [name, value = ''] = client.deviceCookie ?? []
  const deviceId = (token = '') => parseToken('device', token)?.content.deviceId
  const deviceAfterLogin = async (cookie: string) => {
    const payload = { email, password: goodPassword }
    const { cookies } = await app.inject({ method: 'POST', url: '/login', payload, headers: { cookie } })
    return deviceId(cookies.find((set) => set.name === name)?.value)
  }
  t.equal(await deviceAfterLogin(`${name}=${value}`), deviceId(value))
  for (const space of spaces) t.not(await deviceAfterLogin(`${space}${name}=${value}`), deviceId(value))
})

t.test('a Unicode space does not separate the parts of an Authorization header', async (t) => {
  const { client } = await newPerson(app)
  for (const space of spaces) {
    for (const authorization of [
      `Bearer${space}${client.accessToken}`,
      `Bearer ${space}${client.accessToken}`,
      `Bearer ${client.accessToken}${space}`,
      `${space}Bearer ${client.accessToken}`
    ]) {
      expectProblem(t, await app.inject({ url: '/me', headers: { authorization } }), 'invalid_token')
    }
    const basic = asGateway.authorization
    for (const authorization of [basic.replace(' ', space), basic + space, space + basic]) {
      const refused = await postForm(app, '/introspect', { token: 'x' }, { authorization })
      t.match(refused.json(), { code: 'invalid_credentials' })
    }
  }
})

t.test('a content type with a Unicode space is neither JSON nor a form', async (t) => {
  const payload = JSON.stringify({ email: 'a@b.c', password: goodPassword })
  for (const space of spaces) {
    for (const named of [(type: string) => space + type, (type: string) => type + space]) {
      const headers = { 'content-type': named('application/json') }
      expectProblem(t, await app.inject({ method: 'POST', url: '/login', headers, payload }), 'unsupported_media_type')
      const form = { ...asGateway, 'content-type': named('application/x-www-form-urlencoded') }
      expectProblem(t, await postForm(app, '/introspect', { token: 'x' }, form), 'unsupported_media_type')
    }
  }
})

t.test('an origin with a Unicode space is another origin', async (t) => {
  const allowing = await openService(t, database, { ALLOWED_ORIGINS: 'https://app.test' })
  const { client } = await newPerson(allowing)
  for (const space of spaces) {
    for (const headers of [
      { origin: `${space}https://app.test` },
      { origin: `https://auth.test${space}` },
      { 'sec-fetch-site': `same-origin${space}` }
    ]) {
      expectProblem(t, await client.send('POST', '/refresh', { headers }), 'forbidden_origin')
    }
  }
})

t.test('a Last-Event-ID with a Unicode space is refused', async (t) => {
  for (const space of spaces) {
    const headers = { ...asGateway, 'last-event-id': `${space}1` }
    expectProblem(t, await app.inject({ url: '/revocations', headers }), 'invalid_request', {
      errors: [{ field: 'last-event-id', message: 'must match pattern "^(?:[A-Za-z0-9_-]{1,32}\\.)?[0-9]{1,19}$"' }]
    })
  }
})
