import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { openAdminService, userIdOf } from '../../support/http/admin.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { goodPassword, openService } from '../../support/service.js'

const newPassword = 'another good password 27'
const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const { app, admin } = await openAdminService(t, database, mailServer.settings)

const loginStatus = async (email: string, password: string) =>
  (await app.inject({ method: 'POST', url: '/login', payload: { email, password } })).statusCode

const reset = (token: string) =>
  app.inject({ method: 'POST', url: '/password/reset', payload: { token, new_password: newPassword } })

t.test('an admin gets a one-time link for a person, and the person sets the password', async (t) => {
  const { client, email } = await newPerson(app)
  const userId = await userIdOf(client)
  const response = await admin.send('POST', `/admin/users/${userId}/password-reset`, { payload: { deliver: 'link' } })
  t.equal(response.headers['cache-control'], 'no-store')
  const { link, expires_at: expiresAt } = response.json()
  t.match(link, /^https:\/\/auth\.test\/account#reset=lk_ot_/)
  t.ok(Date.parse(expiresAt) > 0)
  t.equal((await client.send('GET', '/me')).statusCode, 200, 'the sessions go on until then')
  t.equal((await reset(link.split('=')[1])).statusCode, 204)
  t.equal(await loginStatus(email, newPassword), 200)
  t.match((await admin.send('GET', `/admin/events?user_id=${userId}&type=password_reset_started`)).json().events, [
    { actor_id: await userIdOf(admin), reason: 'link' }
  ])
})

t.test('an admin sends the link by mail, and does not see it', async (t) => {
  const { client, email } = await newPerson(app)
  const url = `/admin/users/${await userIdOf(client)}/password-reset`
  const response = await admin.send('POST', url, { payload: { deliver: 'mail' } })
  t.strictSame(Object.keys(response.json()), ['expires_at'])
  t.equal((await reset((await mailServer.mailTo(email)).token)).statusCode, 204)
})

t.test('a compromised account: the sessions end, and the old password opens nothing', async (t) => {
  const { client, email } = await newPerson(app)
  const url = `/admin/users/${await userIdOf(client)}/password-reset`
  const payload = { deliver: 'link', end_sessions: true, reason: 'phished on Monday' }
  const { link } = (await admin.send('POST', url, { payload })).json()
  t.equal((await client.send('GET', '/me')).json().code, 'session_revoked')
  t.equal(await loginStatus(email, goodPassword), 401)
  t.equal((await reset(link.split('=')[1])).statusCode, 204)
  t.equal(await loginStatus(email, newPassword), 200)
  const { events } = (await admin.send('GET', `/admin/events?user_id=${url.split('/')[3]}`)).json()
  const adminId = await userIdOf(admin)
  for (const type of ['password_removed', 'session_ended', 'password_reset_started']) {
    const noted = events.filter((event: { type: string }) => event.type === type)
    t.match(noted, [{ note: 'phished on Monday', actor_id: adminId }], type)
  }
})

t.test('without a way to send mail, an admin still gets a link', async (t) => {
  const without = await openAdminService(t, database, { HOST: '0.0.0.0' })
  const { client } = await newPerson(without.app)
  const url = `/admin/users/${await userIdOf(client)}/password-reset`
  expectProblem(t, await without.admin.send('POST', url, { payload: { deliver: 'mail' } }), 'mail_not_configured')
  t.equal((await client.send('GET', '/me')).statusCode, 200)
  t.ok((await without.admin.send('POST', url, { payload: { deliver: 'link' } })).json().link)
})

t.test('an unknown user is not found', async (t) => {
  const url = '/admin/users/00000000-0000-4000-8000-000000000000/password-reset'
  expectProblem(t, await admin.send('POST', url, { payload: { deliver: 'link' } }), 'not_found')
})

t.test('a person without a password gets one by a link, and until then none verifies', async (t) => {
  const service = await openService(t, database, mailServer.settings)
  const { client, email } = await newPerson(service)
  const url = `/admin/users/${await userIdOf(client)}/password-reset`
  await admin.send('POST', url, { payload: { deliver: 'link', end_sessions: true } })
  for (const password of [goodPassword, '', 'none:', newPassword]) t.not(await loginStatus(email, password), 200)
})
