import assert from 'node:assert/strict'
import { once } from 'node:events'
import { buildSite } from './site.js'

const { ISSUER: latchkey, ACCESS_TOKEN: accessToken } = process.env
const server = buildSite(latchkey).listen(0, '127.0.0.1')
await once(server, 'listening')
const site = `http://127.0.0.1:${server.address().port}`

/** A browser that follows no redirects. */
let cookie = ''
async function browse(path, form) {
  const response = await fetch(site + path, {
    method: form ? 'POST' : 'GET',
    headers: { cookie, 'user-agent': 'a browser', ...(form && { origin: site, 'sec-fetch-site': 'same-origin' }) },
    body: form && new URLSearchParams(form),
    redirect: 'manual'
  })
  const set = response.headers.getSetCookie().find((header) => /^__Host-session(_\w+)?=/.test(header))
  if (set !== undefined) {
    assert.match(set, /; HttpOnly; Secure; SameSite=Strict$/)
    cookie = set.split(';')[0]
  }
  return { status: response.status, text: await response.text() }
}

const person = { email: 'you@example.com', password: 'correct horse battery staple' }
try {
  assert.match((await browse('/')).text, /<form/)
  assert.equal((await browse('/login', { ...person, password: 'a wrong one' })).status, 401)
  assert.equal((await browse('/login', person)).status, 303)
  assert.match((await browse('/')).text, /Hello you@example.com/)

  // New with Latchkey: the user's other device lists the browser's session and ends it, and the browser is signed out at once.
  const headers = { authorization: `Bearer ${accessToken}` }
  const { sessions } = await (await fetch(`${latchkey}/sessions`, { headers })).json()
  const { id } = sessions.find(({ mode, user_agent: agent }) => mode === 'session' && agent === 'a browser')
  assert.equal((await fetch(`${latchkey}/sessions/${id}`, { method: 'DELETE', headers })).status, 204)
  assert.match((await browse('/')).text, /<form/)

  await browse('/login', person)
  const before = cookie
  await browse('/login', person)
  const after = cookie
  cookie = before
  assert.match((await browse('/')).text, /<form/, 'a login ends the session that it replaces')
  cookie = after
  await browse('/logout', {})
  cookie = after
  assert.match((await browse('/')).text, /<form/, 'a logout ends the session')
  console.log('The example works: the site signs users in and out, and another device can sign them out.')
} finally {
  server.close()
}
