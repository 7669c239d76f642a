import t from 'tap'
import type { Auth } from '../../src/core/access-claims.js'
import {
  checkScope,
  guardOf,
  isGuardableRequest,
  rememberAuth,
  rememberClient,
  rememberedAuth,
  rememberedClient,
  requestAuth,
  requestAuthKey
} from '../../src/core/request-auth.js'

const auth: Auth = { userId: 'a user', sessionId: 'a session', roles: [], amr: ['pwd'], authTime: 900, claims: {} }

t.test('a request has the user that a guard remembered', async (t) => {
  const request = { id: 'a request' }
  rememberAuth(request, auth)
  t.equal(rememberedAuth(request), auth)
  t.equal(requestAuth(request), auth)
  t.strictSame(Reflect.ownKeys(request), ['id', requestAuthKey])
})

t.test(
  'without a guard, or if nobody is signed in, there is no user, and reading one throws with the reason',
  async (t) => {
    const request = { id: 'a request' }
    t.equal(rememberedAuth(request), null)
    t.throws(() => requestAuth(request), { message: /without a guard/ })
    rememberAuth(request, null)
    t.equal(rememberedAuth(request), null)
    t.throws(() => requestAuth(request), { message: /nobody is signed in/ })
  }
)

t.test('a request of a machine client has no user, and reading one says where the client is', async (t) => {
  const request = { id: 'a request' }
  t.equal(rememberedClient(request), null)
  const client = { clientId: 'client_1', scopes: ['a'] }
  rememberClient(request, client)
  t.equal(rememberedClient(request), client)
  t.equal(rememberedAuth(request), null)
  t.throws(() => requestAuth(request), { message: /clientOf\(request\)/ })
})

t.test('a scope that no token can have is refused', async (t) => {
  t.doesNotThrow(() => checkScope('reports:read'))
  t.throws(() => checkScope('two words'), { name: 'TypeError', message: /requireScope\("two words"\)/ })
})

t.test('a guard that accepts at once calls done before it returns, and makes no promise', async (t) => {
  const calls: string[] = []
  const guard = guardOf((request: string, reply: string) => {
    calls.push(`${request} ${reply}`)
    return undefined
  })
  t.equal(
    guard('request', 'reply', () => calls.push('done')),
    undefined
  )
  t.strictSame(calls, ['request reply', 'done'])
})

t.test('a guard that waits, and one that is called without done, return a promise', async (t) => {
  const guard = guardOf(() => Promise.resolve('a reply'))
  t.equal(await guard('request', 'reply', () => t.fail('Fastify goes on when the promise is settled')), 'a reply')
  t.equal(await guard('request', 'reply'), 'a reply')
  const accepted = guardOf(() => undefined)('request', 'reply')
  t.ok(accepted instanceof Promise, 'so a host can await it')
  t.equal(await accepted, undefined)
})

t.test('what a guard throws reaches code that calls it by hand as a rejection', async (t) => {
  const guard = guardOf(() => {
    throw new Error('no')
  })
  await t.rejects(guard('a request', 'a reply'), { message: 'no' })
})

t.test('only what has the place for the result of a guard is taken for a request', async (t) => {
  t.ok(isGuardableRequest({ [requestAuthKey]: null }))
  for (const other of ['a token', null, undefined, {}, { auth }]) t.notOk(isGuardableRequest(other))
})
