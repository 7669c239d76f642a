import assert from 'node:assert/strict'
import { createServerClient } from 'latchkey/client/server'
import { buildSite } from './site.js'

const { ISSUER: baseURL, ACCESS_TOKEN: accessToken } = process.env
const origin = 'http://127.0.0.1:8080'
let refreshes = 0
const counted = (input, init) => {
  if (String(input).endsWith('/refresh')) refreshes += 1
  return fetch(input, init)
}
const newSite = () => buildSite(createServerClient({ baseURL, origin, fetch: counted }))
let site = newSite()

/** A browser that follows no redirects. */
const jar = new Map()
async function browse(url, body) {
  const headers = { cookie: [...jar].map((pair) => pair.join('=')).join('; '), 'sec-fetch-site': 'same-origin' }
  if (body) headers['content-type'] = 'application/x-www-form-urlencoded'
  const payload = body && new URLSearchParams(body).toString()
  const response = await site.inject({ method: body ? 'POST' : 'GET', url, headers, payload })
  for (const { name, value } of response.cookies) value === '' ? jar.delete(name) : jar.set(name, value)
  return response
}

const person = { email: 'you@example.com', password: 'correct horse battery staple' }
assert.match((await browse('/')).body, /signed out/)
assert.equal((await browse('/login', { ...person, password: 'a wrong one' })).statusCode, 401)
assert.equal((await browse('/login', person)).statusCode, 303)
for (let time = 0; time < 3; time += 1) assert.match((await browse('/')).body, /signed in/)
assert.equal(refreshes, 0, 'the site holds the access token of the login')

// A new process holds nothing. Pages that open at once share one refresh.
site = newSite()
const pages = await Promise.all(Array.from({ length: 10 }, () => browse('/')))
for (const { body } of pages) assert.match(body, /signed in/)
assert.equal(refreshes, 1)

// Another device signs all devices out.
site = newSite()
const headers = { authorization: `Bearer ${accessToken}` }
assert.equal((await fetch(`${baseURL}/sessions?all=true`, { method: 'DELETE', headers })).status, 200)
assert.match((await browse('/')).body, /signed out/)
assert.deepEqual(
  [...jar.keys()].filter((name) => name.includes('refresh')),
  []
)
console.log('The example works: the site refreshes for its pages, and ten pages at once share one refresh.')
