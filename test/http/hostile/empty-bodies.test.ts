import t from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { openAdminService } from '../../support/http/admin.js'
import { expectFieldErrors } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { portOf, problemOf, rawRequest, sendRaw } from '../../support/http/raw-socket.js'
import { asGateway, serviceSettings } from '../../support/http/services.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const app = await openService(t, database, serviceSettings)
const port = await portOf(app)

const types = [
  'application/json',
  'application/json; charset=utf-8',
  'text/plain',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/octet-stream',
  'x',
  ';',
  '\u00a0'
]

t.test('an empty body is no body, whatever its type says', async (t) => {
  const { app: service, admin } = await openAdminService(t, database)
  for (const type of types) {
    const headers = { 'content-type': type }
    t.equal((await admin.send('POST', '/admin/keys/rotate', { headers, payload: '' })).statusCode, 200)
    const confirm = await admin.send('POST', '/admin/sessions/revoke-all', { headers, payload: '' })
    expectFieldErrors(t, confirm, ['confirm'])

    const { client } = await newPerson(service)
    expectFieldErrors(t, await client.send('DELETE', '/me', { headers, payload: '' }), ['password'])
    t.equal((await client.send('POST', '/refresh', { headers, payload: '' })).statusCode, 200)
    t.equal((await client.send('DELETE', '/sessions', { headers, payload: '' })).statusCode, 200)
    t.equal((await client.send('POST', '/logout', { headers, payload: '' })).statusCode, 204)
    const form = { method: 'POST', url: '/introspect', headers: { ...asGateway, ...headers }, payload: '' } as const
    expectFieldErrors(t, await app.inject(form), ['token'])
  }
})

/** A chunked request of the type, with these chunks. */
const chunked = (line: string, chunks: readonly string[], type?: string) =>
  `${rawRequest(line, ['transfer-encoding: chunked', ...(type === undefined ? [] : [`content-type: ${type}`])])}${[...chunks, ''].map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join('')}`

t.test('a chunked body without a byte is no body', async (t) => {
  for (const type of [undefined, 'application/json', 'text/plain', ';']) {
    t.equal((await sendRaw(port, chunked('POST /logout', [], type))).status, 204, type ?? 'no type')
    t.equal(problemOf(await sendRaw(port, chunked('POST /refresh', [], type))).code, 'missing_credentials')
  }
})

t.test('a chunked body with bytes is read if it is JSON, and refused otherwise', async (t) => {
  const json = await sendRaw(port, chunked('POST /refresh', ['{"refresh', '_token":"x"}'], 'application/json'))
  t.equal(problemOf(json).code, 'invalid_refresh_token')
  for (const type of [undefined, 'text/plain', ';']) {
    t.equal(problemOf(await sendRaw(port, chunked('POST /refresh', ['{}'], type))).code, 'unsupported_media_type')
  }
})

t.test('a body that is not empty and has no type is refused', async (t) => {
  t.equal(problemOf(await sendRaw(port, rawRequest('POST /logout', [], '{}'))).code, 'unsupported_media_type')
  t.equal(problemOf(await sendRaw(port, rawRequest('POST /logout', [], ' '))).code, 'unsupported_media_type')
})

t.test("a host's own routes read empty bodies as before", async (t) => {
  const host = newHost(t)
  host.post('/own', async (request) => ({ type: request.headers['content-type'], body: request.body ?? null }))
  await host.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/auth' })
  const send = (type: string) =>
    host.inject({ method: 'POST', url: '/own', headers: { 'content-type': type }, payload: '' })
  t.equal((await send('application/json')).json().code, 'FST_ERR_CTP_EMPTY_JSON_BODY')
  t.strictSame((await send('text/plain')).json(), { type: 'text/plain', body: '' })
  t.equal((await send('x/y')).statusCode, 415)
})
