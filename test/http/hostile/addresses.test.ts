import t from 'tap'
import { httpPlugin } from '../../../src/http/plugin.js'
import { openTestDatabase } from '../../support/database.js'
import { newHost, openPluginOptions } from '../../support/host.js'
import { openAdminService } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { portOf, rawRequest, sendRaw } from '../../support/http/raw-socket.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const { app, admin } = await openAdminService(t, database)
const { client } = await newPerson(app)
const id = client.sessionId
const port = await portOf(app)
const authorization = `authorization: Bearer ${admin.accessToken}`

/** Other spellings of a path. A proxy may compare the path as it is sent, and the router decodes it. */
function spellings(path: string): readonly string[] {
  const encoded = [...path].map((letter, at) =>
    letter === '/' ? [] : `${path.slice(0, at)}%${letter.charCodeAt(0).toString(16)}${path.slice(at + 1)}`
  )
  return [
    ...encoded.flat(),
    ...encoded.flat().map((spelling) => spelling.replace(/%../, (code) => code.toUpperCase())),
    path.replace('/', '%2f'),
    path.replace('/', '/%2f'),
    path.replaceAll('/', '//'),
    path.toUpperCase(),
    `${path}/`,
    `${path};x`,
    `${path}%00`,
    `${path}%20`
  ]
}

t.test('an admin route answers only to its exact path', async (t) => {
  for (const spelling of spellings('/admin/users')) {
    t.equal((await admin.send('GET', spelling)).statusCode, 404, spelling)
    t.equal((await app.inject({ method: 'HEAD', url: spelling })).statusCode, 404, `HEAD ${spelling}`)
  }
  t.equal((await admin.send('GET', '/admin/users')).statusCode, 200)
})

t.test('every route answers only to its exact path, whatever the method', async (t) => {
  const { paths } = (await app.inject('/openapi.json')).json<{ paths: Record<string, object> }>()
  for (const [path, operations] of Object.entries(paths)) {
    const url = path.replace(/\{\w+\}/g, id)
    for (const method of Object.keys(operations)) {
      for (const spelling of [url.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`), `/${url}`]) {
        expectProblem(t, await admin.send(method.toUpperCase() as 'GET', spelling), 'not_found')
      }
    }
  }
  t.equal((await client.send('GET', '/me')).statusCode, 200, 'no spelling of DELETE /me has an effect')
})

t.test('the query may be encoded, and the address may be absolute', async (t) => {
  const found = await admin.send('GET', '/admin/users?email=ops%40example.org')
  t.equal(found.json().users.length, 1)
  t.equal((await sendRaw(port, rawRequest('GET http://auth.test/admin/users', [authorization]))).status, 200)
  t.equal((await sendRaw(port, rawRequest('GET http://auth.test/%61dmin/users', [authorization]))).status, 404)
})

t.test('no part of a path is resolved or cut off', async (t) => {
  for (const path of ['/./admin/users', '/x/../admin/users', '/admin/./users', '/admin/users#x', '/admin/users/.']) {
    t.equal((await sendRaw(port, rawRequest(`GET ${path}`, [authorization]))).status, 404, path)
  }
})

const lenient = {
  caseSensitive: false,
  ignoreTrailingSlash: true,
  ignoreDuplicateSlashes: true,
  useSemicolonDelimiter: true
}

t.test("a host's lenient router opens no other spelling of our routes, and keeps its own", async (t) => {
  const host = newHost(t, { routerOptions: lenient })
  await host.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/Auth' })
  host.get('/own/:name', async (request) => request.params)
  t.equal((await host.inject('/Auth/healthz')).statusCode, 200)
  t.equal((await host.inject('/Auth/healthz?x=%61')).statusCode, 200)
  for (const url of spellings('/Auth/healthz').filter((spelling) => spelling !== '/Auth/healthz')) {
    t.equal((await host.inject(url)).statusCode, 404, url)
  }
  for (const url of ['/own/%61', '/OWN/a', '//own//a', '/own/a/', '/own/a;x']) {
    t.strictSame((await host.inject(url)).json(), { name: 'a' }, url)
  }
})

t.test('a prefix that needs encoding works in the encoding of browsers', async (t) => {
  const host = newHost(t)
  await host.register(httpPlugin, { ...(await openPluginOptions(t, database)), prefix: '/größe' })
  t.equal((await host.inject('/gr%C3%B6%C3%9Fe/healthz')).statusCode, 200)
  t.equal((await host.inject('/gr%C3%B6%C3%9Fe/%68ealthz')).statusCode, 404)
  t.equal((await host.inject('/%67r%C3%B6%C3%9Fe/healthz')).statusCode, 404)
})
