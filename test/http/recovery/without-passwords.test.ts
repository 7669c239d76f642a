import type { FastifyInstance } from 'fastify'
import t from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectProblem } from '../../support/http/contract-errors.js'
import { copyOf, newEmail, newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
/** The service before its operator turned passwords off, and after. */
const before = await openService(t, database, mailServer.settings)
const waiting = await openService(t, database, { ...mailServer.settings, EMAIL_VERIFICATION: 'required' })
const off = await openService(t, database, { ...mailServer.settings, PASSWORD_LOGIN: 'off' })

const use = (path: string, token: string, on: FastifyInstance = off) =>
  new Client(on).send('POST', path, { payload: { token } })

t.test('with PASSWORD_LOGIN=off a registration that waits is not confirmed, and its link stays', async (t) => {
  const email = newEmail()
  t.equal((await new Client(waiting).signIn(email)).statusCode, 202)
  const { token } = await mailServer.mailTo(email)
  const refused = await use('/email/verification/confirm', token)
  const detail = 'Nobody registers here any more: PASSWORD_LOGIN is off.'
  expectProblem(t, refused, 'registration_closed', { detail })
  expectProblem(t, await use('/email/verification/confirm', `${token}x`), 'invalid_or_expired_token', {
    detail: 'The link has been used, has expired or is not complete. Ask for a new one.'
  })
  const confirmed = await use('/email/verification/confirm', token, waiting)
  t.equal(confirmed.statusCode, 200, 'the operator has turned passwords on again')
})

t.test('with PASSWORD_LOGIN=off a person confirms the address, changes it, and undoes the change', async (t) => {
  const person = await newPerson(before)
  const client = Object.assign(copyOf(person.client), { app: off })
  t.equal((await client.send('POST', '/email/verification')).statusCode, 202)
  t.equal((await use('/email/verification/confirm', (await mailServer.mailTo(person.email)).token)).statusCode, 204)
  const address = newEmail()
  t.equal((await client.send('POST', '/email', { payload: { new_email: address } })).statusCode, 202)
  t.equal((await use('/email/confirm', (await mailServer.mailTo(address)).token)).statusCode, 204)
  t.equal((await use('/email/undo', (await mailServer.mailTo(person.email, 1)).token)).statusCode, 204)

  t.match((await client.send('POST', '/refresh')).json(), { code: 'session_ended', reason: 'revoked_by_user' })
  await mailServer.mailTo(address, 1)
  t.strictSame(await sql(database, `SELECT 1 FROM one_time_link WHERE purpose = 'password_reset'`), [])
  const toOldAddress = mailServer.received.filter(({ to }) => to === person.email)
  t.equal(toOldAddress.length, 2, 'no mail with a link for a password')
})
