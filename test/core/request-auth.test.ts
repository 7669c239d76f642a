import t from 'tap'
import type { Auth } from '../../src/core/access-claims.js'
import { rememberAuth, rememberedAuth, requestAuth, requestAuthKey } from '../../src/core/request-auth.js'

const auth: Auth = { userId: 'a user', sessionId: 'a session', roles: [], amr: ['pwd'], authTime: 900 }

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
