// Registers at the ISSUER, and asks who is signed in.
import assert from 'node:assert/strict'
import { createAuthClient } from 'latchkey/client'
import { authorizeAxios } from 'latchkey/client/axios'
import { createServerClient } from 'latchkey/client/server'

const auth = createAuthClient({ baseURL: process.env.ISSUER, mode: 'body' })
await auth.register({ email: 'grace@example.com', password: 'correct horse battery staple' })
const me = await auth.fetch('/me')
assert.equal((await me.json()).email, 'grace@example.com')
auth.close()
assert.equal(typeof authorizeAxios, 'function')

const site = createServerClient({ baseURL: process.env.ISSUER, origin: new URL(process.env.ISSUER).origin })
const person = { email: 'grace@example.com', password: 'correct horse battery staple' }
const login = await site.answer({ headers: {} }, 'login', person)
const cookie = login.headers.getSetCookie().map((header) => header.split(';')[0])
assert.equal((await site.authenticate({ headers: { cookie: cookie.join('; ') } })).status, 'signed_in')
console.log('The client works, with no other package.')
