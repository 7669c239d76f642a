import type { InjectOptions } from 'fastify'
import t from 'tap'
import { maxDocumentBytes } from '../../../src/core/json-document.js'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const app = await openService(t, database, mailServer.settings)
/** A second instance on the same database. */
const other = await openService(t, database, mailServer.settings)

const mergePatch = 'application/merge-patch+json'
const json = 'application/json'

/** Sends a patch as this exact text. */
const patch = (client: Client, payload: string | object, type = mergePatch, on = app) => {
  const request: InjectOptions = {
    method: 'PATCH',
    url: '/me/profile',
    headers: { authorization: `Bearer ${client.accessToken}`, 'content-type': type },
    payload: typeof payload === 'string' ? payload : JSON.stringify(payload)
  }
  return on.inject(request)
}
const read = async (client: Client) => (await client.send('GET', '/me/profile')).json()

t.test('a person changes the profile by merge patches, under both types, and reads it', async (t) => {
  const { client } = await newPerson(app)
  const first = await client.send('GET', '/me/profile')
  t.match(first, { statusCode: 200, body: '{}', headers: { 'cache-control': 'no-store', 'content-type': /json/ } })

  const theme = { theme: { color: 'dark', size: 3 }, tags: ['a', null] }
  const changed = await patch(client, theme)
  t.equal(changed.statusCode, 200)
  t.strictSame(changed.json(), theme)
  t.strictSame((await patch(client, { theme: { size: null }, tags: null, name: 'Ada' }, json)).json(), {
    theme: { color: 'dark' },
    name: 'Ada'
  })
  t.strictSame((await patch(client, { theme: 'light' }, `${mergePatch}; charset=utf-8`)).json(), {
    theme: 'light',
    name: 'Ada'
  })
  t.strictSame((await client.send('PATCH', '/me/profile')).json(), { theme: 'light', name: 'Ada' }, 'no body')
  t.strictSame(await read(client), { theme: 'light', name: 'Ada' })
  t.strictSame(await read((await newPerson(app)).client), {}, "another person's is another one")
})

t.test('locale is the language of mails, and can be removed', async (t) => {
  const { client, email } = await newPerson(app)
  const localeOf = () => sql(database, 'SELECT locale FROM "user" WHERE email = $1', email)
  t.strictSame((await patch(client, { locale: 'de' })).json(), { locale: 'de' })
  t.strictSame(await localeOf(), [{ locale: 'de' }])
  const payload = { current_password: goodPassword, new_password: 'another good password 27' }
  await client.send('POST', '/password', { payload })
  t.match((await mailServer.mailTo(email)).subject, /Passwort/)
  t.strictSame((await patch(client, { locale: null })).json(), {})
  t.strictSame(await localeOf(), [{ locale: null }])
})

t.test('a patch whose result is no profile is refused, and changes nothing', async (t) => {
  const { client } = await newPerson(app)
  await patch(client, { kept: true, locale: 'de' })
  const fits = maxDocumentBytes - JSON.stringify({ kept: true, locale: 'de', a: '' }).length
  const refused: readonly (readonly [field: string | undefined, patch: string])[] = [
    ['body', 'null'],
    ['body', '[]'],
    ['body', '"text"'],
    ['body', '5'],
    [undefined, '{'],
    ['body', '{"a":1,"__proto__":{"polluted":true}}'],
    ['body', '{"a":{"__proto__":{"polluted":true}}}'],
    ['body', '{"constructor":{"prototype":{"polluted":true}}}'],
    ['a', '{"a":"\\u0000"}'],
    ['\0', '{"\\u0000":1}'],
    ['a', '{"a":["\\ud800"]}'],
    ['a', '{"a":1,"b":{"a":2},"a":3}'],
    ['a', '{"a":1e400}'],
    ['a', `{"a":${'['.repeat(10_000)}${']'.repeat(10_000)}}`],
    ['body', JSON.stringify({ a: 'x'.repeat(fits + 1) })],
    ['body', JSON.stringify({ a: 'ü'.repeat(fits / 2 + 1) })],
    ['locale', '{"locale":"de_AT"}'],
    ['locale', '{"locale":5}'],
    ['notices', '{"notices":{"password_changed":false}}'],
    ['notices', '{"notices":{"new_device":"no"}}']
  ]
  for (const [field, text] of refused) {
    for (const type of [mergePatch, json]) {
      const { statusCode, body } = await patch(client, text, type)
      t.equal(statusCode, 400, `${text.slice(0, 60)} as ${type}`)
      t.match(JSON.parse(body), { code: 'invalid_request', ...(field !== undefined && { errors: [{ field }] }) })
    }
  }
  t.equal(Reflect.get({}, 'polluted'), undefined)
  expectProblem(t, await patch(client, { a: 'x'.repeat(70_000) }), 'body_too_large')
  expectProblem(t, await patch(client, '{}', 'application/json-patch+json'), 'unsupported_media_type')
  t.strictSame(await read(client), { kept: true, locale: 'de' })
  t.equal((await patch(client, { a: 'x'.repeat(fits) })).statusCode, 200)
})

t.test('no other route takes a merge patch', async (t) => {
  const { client } = await newPerson(app)
  const url = `/sessions/${client.sessionId}`
  const headers = { 'content-type': mergePatch }
  const response = await client.send('PATCH', url, { headers, payload: '{"device":"x"}' })
  expectProblem(t, response, 'unsupported_media_type')
})

t.test('simultaneous patches on two instances are all in the profile', async (t) => {
  const { client } = await newPerson(app)
  const names = Array.from({ length: 20 }, (_, i) => `member-${i}`)
  const answers = await Promise.all(names.map((name, i) => patch(client, { [name]: i }, json, i % 2 ? app : other)))
  for (const { statusCode } of answers) t.equal(statusCode, 200)
  t.strictSame(await read(client), Object.fromEntries(names.map((name, i) => [name, i])))
})

t.test('a person turns the mails of new devices off and on again', async (t) => {
  const { client, email } = await newPerson(app)
  const loginElsewhere = () => new Client(app).signIn(email, { path: '/login' })
  const mails = async () => (await sql(database, 'SELECT 1 FROM mail WHERE recipient = $1', email)).length
  await patch(client, { notices: { new_device: false } })
  await loginElsewhere()
  t.equal(await mails(), 0)
  await patch(client, { notices: null })
  await loginElsewhere()
  t.equal(await mails(), 1)
})

t.test('a profile is not in an access token', async (t) => {
  const { client } = await newPerson(app)
  await patch(client, { secret: 'of the person' })
  await client.send('POST', '/refresh')
  const [, claims = ''] = client.accessToken.split('.')
  t.notMatch(Buffer.from(claims, 'base64url').toString(), /profile|secret|of the person/)
})

t.test('the profile of a deleted account is gone', async (t) => {
  const { client } = await newPerson(app)
  await client.send('DELETE', '/me', { payload: { password: goodPassword } })
  t.equal((await client.send('GET', '/me/profile')).json().code, 'session_revoked')
})
