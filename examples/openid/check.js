import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freeAddress } from '../free-address.js'
import { buildApp } from './app.js'
import { buildProvider } from './provider.js'

const dataDir = await mkdtemp(join(tmpdir(), 'latchkey-openid-'))
const [base, issuer] = [await freeAddress(), await freeAddress()]
const client = { issuer, clientId: 'app', clientSecret: 'the secret of the app at the provider' }
const people = {
  ann: { sub: '1', email: 'ann@example.com', email_verified: true, groups: ['staff'] },
  bob: { sub: '2' }
}
const provider = await buildProvider({ ...client, people })
const app = await buildApp({ base, dataDir, provider: client, sessionKey: randomBytes(32) })

try {
  await provider.listen({ port: Number(new URL(issuer).port) })
  await app.listen({ port: Number(new URL(base).port) })

  const ann = newBrowser()
  assert.equal(await ann.visit(`${base}/sign-in?login_hint=ann`), `${base}/`)
  const first = await ann.hello()
  assert.deepEqual(first.roles, ['staff'])
  assert.equal(await ann.visit(`${base}/sign-in?login_hint=ann`), `${base}/`)
  assert.equal((await ann.hello()).id, first.id)

  const bob = newBrowser()
  await bob.visit(`${base}/sign-in?login_hint=bob`)
  const { id, roles } = await bob.hello()
  assert.notEqual(id, first.id)
  assert.deepEqual(roles, [])

  // A link with somebody else's code signs nobody in: `state` is not in this browser.
  const victim = newBrowser()
  assert.equal((await fetch(`${base}/sign-in?code=stolen&state=invented`)).status, 400)
  await assert.rejects(victim.hello())

  assert.equal((await fetch(`${base}/auth/login`, { method: 'POST' })).status, 404)
  console.log('The example works: people sign in at the provider, and Latchkey has their sessions.')
} finally {
  await app.close()
  await provider.close()
  await rm(dataDir, { recursive: true })
}

/** A browser: it keeps cookies for each host and follows redirects. */
function newBrowser() {
  const cookies = new Map()
  const send = async (address, options = {}) => {
    const { host } = new URL(address)
    const own = [...cookies].filter(([key]) => key.startsWith(`${host} `))
    const cookie = own.map(([key, value]) => `${key.slice(host.length + 1)}=${value}`).join('; ')
    const response = await fetch(address, { redirect: 'manual', ...options, headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [name, value] = line.split(';', 1)[0].split('=')
      cookies.set(`${host} ${name}`, value)
    }
    return response
  }
  return {
    async visit(address) {
      for (let at = address; ; ) {
        const { status, headers } = await send(at)
        if (status !== 302) return at
        at = new URL(headers.get('location'), at).href
      }
    },
    /** What the page does: it gets an access token by the cookie, and calls the app with it. */
    async hello() {
      const refreshed = await send(`${base}/auth/refresh`, { method: 'POST' })
      if (!refreshed.ok) throw new Error(`The refresh answered ${refreshed.status}.`)
      const { access_token: token } = await refreshed.json()
      return (await fetch(`${base}/hello`, { headers: { authorization: `Bearer ${token}` } })).json()
    }
  }
}
