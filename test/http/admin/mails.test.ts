import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { until } from '../../support/faults/crowd.js'
import { allPages, openAdminService, userIdOf } from '../../support/http/admin.js'
import { expectFieldErrors } from '../../support/http/contract-errors.js'
import { newEmail, newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const { app, admin } = await openAdminService(t, database, mailServer.settings)

interface MailView {
  readonly id: string
  readonly state: string
}

const mails = async (query = ''): Promise<MailView[]> => (await admin.send('GET', `/admin/mails${query}`)).json().mails
const forgot = (email: string) => app.inject({ method: 'POST', url: '/password/forgot', payload: { email } })

t.test('an admin sees what became of the mails of a person, without the link', async (t) => {
  const { client, email } = await newPerson(app)
  const userId = await userIdOf(client)
  await forgot(email)
  const { token } = await mailServer.mailTo(email)
  await until(async () => (await mails(`?user_id=${userId}`))[0]?.state === 'sent')
  mailServer.behaviour = 'refuses'
  await forgot(email)
  await until(async () => (await mails(`?user_id=${userId}&state=bounced`)).length === 1)
  mailServer.behaviour = 'accepts'

  const response = await admin.send('GET', `/admin/mails?user_id=${userId}`)
  t.equal(response.headers['cache-control'], 'no-store')
  const [bounced, sent] = response.json().mails
  t.match(bounced, {
    state: 'bounced',
    last_error: "Can't send mail - all recipients were rejected: 550 No such person here",
    done_at: /Z$/,
    next_attempt_at: null
  })
  t.strictSame(
    { ...sent, id: '', created_at: '', done_at: '' },
    {
      ...{ id: '', kind: 'password_reset', user_id: userId, recipient: email, state: 'sent', attempts: 1 },
      ...{ created_at: '', next_attempt_at: null, done_at: '', last_error: null }
    }
  )
  t.notMatch(response.body, /lk_ot|token|#reset/)
  t.notOk(response.body.includes(token))
  t.strictSame((await admin.send('GET', '/admin/mails/status')).json(), {
    delivery: 'sent',
    counts: { pending: 0, sent: 1, bounced: 1, given_up: 0, dropped: 0 }
  })
})

t.test('mails are listed page by page, and none is listed for an address without an account', async (t) => {
  const { client, email } = await newPerson(app)
  const userId = await userIdOf(client)
  const before = (await mails('?limit=200')).length
  for (let i = 0; i < 3; i += 1) await forgot(email)
  const unknown = newEmail()
  await forgot(unknown)
  const pages = await allPages<MailView>(admin, `/admin/mails?limit=2&user_id=${userId}`, 'mails')
  t.strictSame(
    pages.map((page) => page.length),
    [2, 1]
  )
  t.equal((await mails('?limit=200')).length, before + 3)
  t.notOk((await admin.send('GET', '/admin/mails?limit=200')).body.includes(unknown))
})

t.test('the status says that mails are only printed, or that mail is off', async (t) => {
  for (const [settings, delivery] of [
    [{}, 'printed'],
    [{ HOST: '0.0.0.0' }, 'off']
  ] as const) {
    const service = await openAdminService(t, database, settings)
    t.match((await service.admin.send('GET', '/admin/mails/status')).json(), { delivery, counts: { bounced: 1 } })
  }
})

for (const [query, field] of [
  ['state=lost', 'state'],
  ['user_id=x', 'user_id'],
  ['limit=0', 'limit'],
  ['cursor=x', 'cursor'],
  ['recipient=a@b.c', 'recipient']
] as const) {
  t.test(`GET /admin/mails?${query} is refused`, async (t) => {
    expectFieldErrors(t, await admin.send('GET', `/admin/mails?${query}`), [field])
  })
}
