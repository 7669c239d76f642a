import t from 'tap'
import latchkey from '../../src/plugin.js'
import type { OutgoingMail } from '../../src/ports/mail.js'
import { testDataFolder } from '../support/database.js'
import { newHost, signedIn, testOptions } from '../support/host.js'

const forgot = { method: 'POST', url: '/auth/password/forgot', payload: { email: 'person-1@example.org' } } as const

t.test('a host sends mails by its own function', async (t) => {
  const app = newHost(t)
  const { promise: arrived, resolve } = withResolvers<OutgoingMail>()
  await app.register(latchkey, {
    ...testOptions,
    prefix: '/auth',
    issuer: 'https://auth.test/auth',
    dataDir: await testDataFolder(t),
    mailer: async (mail) => resolve(mail)
  })
  await app.ready()
  const client = await signedIn(app)
  const { email } = (await client.send('GET', '/auth/me')).json()
  t.equal((await app.inject({ ...forgot, payload: { email } })).statusCode, 202)
  const mail = await arrived
  t.match(mail, { kind: 'password_reset', to: email, messageId: /^<[\w-]+@auth\.test>$/ })
  t.match(mail.link, /^https:\/\/auth\.test\/auth\/account#reset=lk_ot_/)
  t.ok(mail.text.includes(String(mail.link)) && mail.html.includes(String(mail.link)))
})

t.test('emailVerification: required needs mailUrl or a mailer', async (t) => {
  const options = { ...testOptions, prefix: '/auth', emailVerification: 'required' } as const
  const without = Promise.resolve(newHost(t).register(latchkey, { ...options, dataDir: await testDataFolder(t) }))
  await t.rejects(without, /mailUrl is required with emailVerification=required/)

  const app = newHost(t)
  const { promise: arrived, resolve } = withResolvers<OutgoingMail>()
  const mailer = async (mail: OutgoingMail) => resolve(mail)
  await app.register(latchkey, { ...options, dataDir: await testDataFolder(t), mailer })
  await app.ready()
  const payload = { email: 'person-1@example.org', password: 'correct horse battery staple' }
  t.equal((await app.inject({ method: 'POST', url: '/auth/register', payload })).statusCode, 202)
  t.match(await arrived, { kind: 'email_verification', to: payload.email })
})

t.test('a host that says nothing about mail prints no link into its log', async (t) => {
  const app = newHost(t)
  await app.register(latchkey, { ...testOptions, prefix: '/auth', dataDir: await testDataFolder(t) })
  await app.ready()
  const answer = await app.inject(forgot)
  t.equal(answer.statusCode, 503)
  t.equal(answer.json().code, 'mail_not_configured')
})

function withResolvers<T>() {
  let resolve: (value: T) => void = () => undefined
  const promise = new Promise<T>((done) => {
    resolve = done
  })
  return { promise, resolve: (value: T) => resolve(value) }
}
