// Registers at the ISSUER, and asks who is signed in.
import assert from 'node:assert/strict'
import { createAuthClient } from 'latchkey/client'
import { authorizeAxios } from 'latchkey/client/axios'

const auth = createAuthClient({ baseURL: process.env.ISSUER, mode: 'body' })
await auth.register({ email: 'grace@example.com', password: 'correct horse battery staple' })
const me = await auth.fetch('/me')
assert.equal((await me.json()).email, 'grace@example.com')
auth.close()
assert.equal(typeof authorizeAxios, 'function')
console.log('The client works, with no other package.')
