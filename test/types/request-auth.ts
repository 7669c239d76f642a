// Compiled by `npm run types`, never run: each @ts-expect-error marks a use that must not compile.
import Fastify from 'fastify'
import type { Auth } from '../../src/index.js'
import '../../src/index.js'

const app = Fastify()

app.get('/reports', { preHandler: app.latchkey.authenticate }, async (request) => {
  const auth: Auth = request.auth
  const authTime: number = auth.authTime
  // @ts-expect-error a handler must not replace the user
  request.auth = auth
  // @ts-expect-error a handler must not change the user
  auth.userId = 'another'
  // @ts-expect-error a handler must not add a role
  auth.roles.push('admin')
  // @ts-expect-error the e-mail address is in /me, not in the token
  auth.email
  return [auth.userId, auth.sessionId, ...auth.roles, ...auth.amr, authTime]
})

app.get(
  '/admin',
  { preHandler: [app.latchkey.authenticate, app.latchkey.requireRole('admin')] },
  async () => 'for admins'
)
// @ts-expect-error a role has a name
app.get('/admin/unnamed', { preHandler: app.latchkey.requireRole() }, async () => 'for nobody')

const ended: number = await app.latchkey.sessions.endSessionsOfUser('a-user', 'lost phone')
// @ts-expect-error ending a session needs its id
await app.latchkey.sessions.endSession()

export { ended }
