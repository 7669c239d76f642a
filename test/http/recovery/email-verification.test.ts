import t from 'tap'
import { openTestDatabase, sql } from '../../support/database.js'
import { expectFieldErrors, expectProblem } from '../../support/http/contract-errors.js'
import { newEmail, newPerson, refreshCookie } from '../../support/http/people.js'
import { specificationOf } from '../../support/http/specification.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Client, goodPassword, openService } from '../../support/service.js'

const otherPassword = 'another good password 27'

const database = await openTestDatabase(t, { kind: 'embedded' })
const mailServer = await openMailServer(t)
const required = { ...mailServer.settings, EMAIL_VERIFICATION: 'required' }
const app = await openService(t, database, required)
/** A second instance on the same database. */
const other = await openService(t, database, required)
const optional = await openService(t, database, { ...mailServer.settings, EMAIL_VERIFICATION: 'optional' })
const off = await openService(t, database, mailServer.settings)

const post = (url: string, payload: object, on = app, headers = {}) =>
  on.inject({ method: 'POST', url, payload, headers })
const register = (email: string, { password = goodPassword, on = app, ...more }: Registration = {}) =>
  post('/register', { email, password, ...more }, on)
interface Registration {
  readonly password?: string
  readonly on?: typeof app
  readonly mode?: string
  readonly locale?: string
}
const login = (email: string, password = goodPassword, on = app) => post('/login', { email, password }, on)
const confirm = (token: string, more: object = {}, on = app) =>
  post('/email/verification/confirm', { token, ...more }, on)

/** A person who has registered, and the mail that waits for the confirmation. */
async function newcomer() {
  const email = newEmail()
  const answer = await register(email)
  t.equal(answer.statusCode, 202)
  return { email, mail: await mailServer.mailTo(email) }
}

const accountOf = async (email: string) => {
  const [row] = await sql<{ id: string; awaits: boolean; verified: boolean; locale: string | null }>(
    database,
    `SELECT id::text, awaits_confirmation AS awaits, email_verified_at IS NOT NULL AS verified, locale
     FROM "user" WHERE email_key = $1`,
    email.toLowerCase()
  )
  return row
}
const eventsOf = async (email: string) =>
  (
    await sql<{ text: string }>(
      database,
      `SELECT e.type || coalesce(' ' || e.reason, '') AS text FROM event e JOIN "user" u ON u.id = e.user_id
       WHERE u.email_key = $1 ORDER BY e.id`,
      email.toLowerCase()
    )
  ).map(({ text }) => text)

t.test('with EMAIL_VERIFICATION=required the first session begins when the mailed link is used', async (t) => {
  const email = newEmail()
  const answer = await register(email, { locale: 'nl-BE' })
  t.equal(answer.statusCode, 202)
  t.equal(answer.body, '{}')
  t.equal(answer.headers['set-cookie'], undefined)
  t.equal(answer.headers['content-type'], 'application/json; charset=utf-8')
  t.match(await accountOf(email), { awaits: true, verified: false, locale: 'nl-BE' })
  t.equal(
    (await sql(database, 'SELECT 1 FROM session s JOIN "user" u ON u.id = s.user_id WHERE u.email = $1', email)).length,
    0
  )

  const mail = await mailServer.mailTo(email)
  t.equal(mail.subject, 'Confirm your address')
  t.match(mail.content, /If that was not you, do not confirm/, 'a stranger may have chosen the password')
  t.equal(mail.link, `https://auth.test/account#verify=${mail.token}`)

  const client = new Client(app)
  const confirmed = await client.send('POST', '/email/verification/confirm', {
    payload: { token: mail.token, device: 'tablet' }
  })
  t.equal(confirmed.statusCode, 200)
  t.same(
    confirmed.cookies.map(({ name }) => name),
    [refreshCookie, '__Host-device']
  )
  t.match((await client.send('GET', '/me')).json(), { email, email_verified: true })
  t.match((await client.send('GET', '/sessions')).json(), { sessions: [{ device: 'tablet' }] })
  const claims = JSON.parse(Buffer.from(client.accessToken.split('.')[1] ?? '', 'base64url').toString())
  t.same(claims.amr, ['email'])
  t.equal('email_verified' in claims, false)
  t.match(await accountOf(email), { awaits: false, verified: true })
  t.same(await eventsOf(email), ['user_registered', 'email_verified', 'login_succeeded'])
  t.equal((await login(email)).statusCode, 200)
})

t.test(
  'the confirmation starts the session in the mode that is asked for, and a cookie only for our own pages',
  async (t) => {
    const { mail } = await newcomer()
    const foreign = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    expectProblem(t, await post('/email/verification/confirm', { token: mail.token }, app, foreign), 'forbidden_origin')
    const answer = await post('/email/verification/confirm', { token: mail.token, mode: 'body' }, app, foreign)
    t.match(answer.json(), { refresh_token: /^lk_rt_/, device_token: /^lk_/ })
    t.equal(answer.headers['set-cookie'], undefined)

    const bodyOnly = await openService(t, database, { ...required, MODES: 'body' })
    const { mail: next } = await newcomer()
    t.equal((await confirm(next.token, {}, bodyOnly)).json().code, 'mode_not_allowed')
    t.equal((await register(newEmail(), { on: bodyOnly })).json().code, 'mode_not_allowed')
    t.equal(
      (await confirm(next.token, { mode: 'body' }, bodyOnly)).statusCode,
      200,
      'a refusal does not use the link up'
    )
  }
)

t.test('a taken address gets the same answer, and its owner a mail', async (t) => {
  const owner = await newPerson(off)
  await sql(database, 'UPDATE "user" SET email_verified_at = now() WHERE email = $1', owner.email)
  const [free, taken] = [await register(newEmail()), await register(owner.email.toUpperCase())]
  t.equal(taken.statusCode, 202)
  t.equal(taken.body, free.body)
  t.same(Object.keys(taken.headers), Object.keys(free.headers))
  const mail = await mailServer.mailTo(owner.email)
  t.equal(mail.subject, 'You already have an account')
  t.equal(mail.token, '')
  t.equal((await login(owner.email, goodPassword, off)).statusCode, 200)
  t.ok((await eventsOf(owner.email)).includes('email_verification_requested account_exists'))
})

t.test('an owner who has not confirmed the address gets a link also from registrations of strangers', async (t) => {
  const limited = await openService(t, database, { ...required, RATE_LIMIT_ENABLED: 'true' })
  const { email } = await newPerson(off)
  for (let i = 0; i < 3; i += 1) await register(email, { on: limited, password: otherPassword })
  t.equal((await login(email, goodPassword, limited)).json().code, 'email_not_verified', 'above the limit of mails')
  const mail = await mailServer.mailTo(email)
  t.equal(mail.subject, 'You already have an account')
  t.equal((await confirm(mail.token)).statusCode, 204)
  t.equal((await login(email)).statusCode, 200)
  t.equal((await login(email, otherPassword)).json().code, 'email_not_verified', 'the password of the stranger')
})

t.test('a bad registration is refused in the same way for a new and a taken address', async (t) => {
  const { email } = await newPerson(off)
  for (const address of [email, newEmail()]) {
    expectProblem(t, await register(address, { password: 'short' }), 'password_too_short', {
      detail: 'A password has at least 15 characters.'
    })
    expectFieldErrors(t, await register(address, { locale: 'x' }), ['locale'])
    expectFieldErrors(t, await register(address, { locale: 'de-AT-1996-verylongtext' }), ['locale'])
  }
  expectFieldErrors(t, await register('nobody'), ['email'])
})

t.test('registering a waiting address again with the same password changes nothing, and both links work', async (t) => {
  const { email, mail } = await newcomer()
  t.equal((await register(email, { locale: 'fr' })).statusCode, 202)
  const second = await mailServer.mailTo(email, 1)
  t.equal(second.subject, mail.subject)
  t.match(await accountOf(email), { locale: null })
  t.equal((await login(email)).json().code, 'email_not_verified')
  t.equal((await confirm(mail.token)).statusCode, 200)
  expectProblem(t, await confirm(second.token), 'invalid_or_expired_token', {
    detail: 'The link has been used, has expired or is not complete. Ask for a new one.'
  })
  t.equal((await login(email)).statusCode, 200)
})

t.test(
  'if different passwords register a waiting address, none is valid, and each link leads to a new one',
  async (t) => {
    for (const used of [0, 1, 2]) {
      const { email, mail } = await newcomer()
      for (const password of [otherPassword, goodPassword]) {
        t.equal((await register(email, { password })).statusCode, 202)
      }
      const mails = [mail, await mailServer.mailTo(email, 1), await mailServer.mailTo(email, 2)]
      for (const password of [goodPassword, otherPassword]) {
        t.equal((await login(email, password)).json().code, 'invalid_credentials')
      }

      const client = new Client(app)
      const payload = { token: mails[used]?.token }
      t.equal((await client.send('POST', '/email/verification/confirm', { payload })).statusCode, 200)
      t.match((await client.send('GET', '/me')).json(), { email, email_verified: true, has_password: false })
      const chosen = await client.send('POST', '/password', { payload: { new_password: 'her own good password 3' } })
      t.equal(chosen.statusCode, 200)
      t.equal((await login(email, 'her own good password 3')).statusCode, 200)
      for (const password of [goodPassword, otherPassword]) {
        t.equal((await login(email, password)).json().code, 'invalid_credentials')
      }
    }
  }
)

t.test(
  'a stranger above the limit of mails makes the password of a waiting account invalid, but not its links',
  async (t) => {
    const limited = await openService(t, database, { ...required, RATE_LIMIT_ENABLED: 'true' })
    const { email, mail } = await newcomer()
    for (let i = 0; i < 5; i += 1) {
      t.equal((await register(email, { on: limited, password: `${otherPassword} ${i}` })).statusCode, 202)
    }
    t.equal((await login(email)).json().code, 'invalid_credentials')
    const { statusCode } = await confirm(mail.token)
    t.equal(statusCode, 200)
  }
)

t.test('a link for a new password works after another registration of the waiting account', async (t) => {
  const { email } = await newcomer()
  await post('/password/forgot', { email })
  const { token } = await mailServer.mailTo(email, 1)
  await register(email, { password: otherPassword })
  t.equal((await post('/password/reset', { token, new_password: 'her own good password 4' })).statusCode, 204)
  t.equal((await login(email, 'her own good password 4')).statusCode, 200)
})

t.test('a stranger who registers another spelling first keeps no mail from the owner', async (t) => {
  for (const [spelling, way] of [
    ['groß', 'verification'],
    ['ｇross', 'login'],
    ['Gross', 'reset']
  ] as const) {
    const [strangers, email] = [`${spelling}@${way}.example`, `gross@${way}.example`]
    await register(strangers, { password: otherPassword })
    await register(email, { password: otherPassword })
    if (way === 'login') await login(email, otherPassword)
    if (way === 'reset') await post('/password/forgot', { email })
    const { token } = await mailServer.mailTo(email, way === 'verification' ? 0 : 1)
    const used = await (way === 'reset'
      ? post('/password/reset', { token, new_password: goodPassword })
      : confirm(token))
    t.ok(used.statusCode < 300)
    const [account] = await sql(database, 'SELECT email FROM "user" WHERE email_key = $1', email)
    t.same(account, { email }, 'the spelling that the owner has confirmed')
    await post('/password/forgot', { email: strangers })
    const mails = await sql(database, 'SELECT kind FROM mail WHERE recipient = $1', strangers)
    t.same(mails, [{ kind: 'email_verification' }], 'the stranger gets the first mail only')
  }
})

t.test('mails to another spelling do not use up the mails of the owner', async (t) => {
  const limited = await openService(t, database, { ...required, RATE_LIMIT_ENABLED: 'true' })
  const [strangers, email] = ['spaß@limits.example', 'spass@limits.example']
  for (let i = 0; i < 3; i += 1) {
    await register(strangers, { on: limited, password: otherPassword })
    await post('/password/forgot', { email: strangers }, limited)
  }
  await register(email, { on: limited })
  t.equal((await mailServer.mailTo(email)).subject, 'Confirm your address')
  await post('/password/forgot', { email: 'Spass@LIMITS.example' }, limited)
  t.equal((await mailServer.mailTo('Spass@limits.example')).subject, 'Set a new password')
  for (let i = 0; i < 3; i += 1) await post('/password/forgot', { email }, limited)
  const dropped = `SELECT 1 FROM mail WHERE lower(recipient) = $1 AND outcome = 'dropped'`
  t.equal((await sql(database, dropped, email)).length, 1, 'case alone makes no other mailbox')
})

t.test('an account that was used before is never replaced, even if its address is not verified', async (t) => {
  const { email } = await newPerson(off)
  await register(email, { password: otherPassword })
  t.equal((await login(email, otherPassword)).json().code, 'email_not_verified', 'as for a new address')
  t.equal((await login(email, otherPassword, off)).json().code, 'invalid_credentials')
  t.equal((await login(email)).json().code, 'email_not_verified')

  // It was registered with `required`, and used after the setting was changed.
  const { email: second } = await newcomer()
  t.equal((await login(second, goodPassword, off)).statusCode, 200)
  await register(second, { password: otherPassword })
  t.equal((await login(second, otherPassword, off)).json().code, 'invalid_credentials')
})

t.test('a stranger who registers a taken address cannot reset the count of wrong guesses, nor use it up', async (t) => {
  const limited = await openService(t, database, { ...required, RATE_LIMIT_ENABLED: 'true' })
  const { email } = await newPerson(off)
  await sql(database, 'UPDATE "user" SET email_verified_at = now() WHERE email = $1', email)
  await register(email, { on: limited, password: otherPassword })
  for (let i = 0; i < 9; i += 1) {
    t.equal((await login(email, `wrong password ${i}`, limited)).statusCode, 401)
    t.equal((await login(email, otherPassword, limited)).json().code, 'email_not_verified')
  }
  const [run] = await sql<{ failures: number }>(database, 'SELECT max(failures) AS failures FROM guess_run')
  t.equal(run?.failures, 9)
  t.equal((await login(email, goodPassword, limited)).statusCode, 200)
})

t.test(
  'a stranger in the network cannot use up the logins of the owner’s device with the 403s of a registration',
  async (t) => {
    const limited = await openService(t, database, { ...required, RATE_LIMIT_ENABLED: 'true' })
    const { client, email } = await newPerson(off)
    await sql(database, 'UPDATE "user" SET email_verified_at = now() WHERE email = $1', email)
    await register(email, { on: limited, password: otherPassword })
    for (let count = 0; count < 30; count += 1) {
      t.equal((await login(email, otherPassword, limited)).statusCode, 403)
    }
    t.equal((await login(newEmail(), otherPassword, limited)).statusCode, 429, 'they count in the network')

    const known = new Client(limited)
    for (let count = 0; count < 71; count += 1) {
      known.deviceCookie = client.deviceCookie
      t.equal((await known.send('POST', '/login', { payload: { email, password: goodPassword } })).statusCode, 200)
    }
  }
)

t.test(
  'a login with the right password says email_not_verified, and mails a link; a wrong one tells nothing',
  async (t) => {
    const { client, email } = await newPerson(off)
    t.equal((await login(email, 'a wrong password')).json().code, 'invalid_credentials')
    const answer = await login(email)
    expectProblem(t, answer, 'email_not_verified')
    // Before the other logins, whose mails tell of a new device.
    const mail = await mailServer.mailTo(email)
    t.equal((await client.send('GET', '/me')).statusCode, 200, 'live sessions go on')
    t.equal((await client.send('GET', '/sessions')).json().sessions.length, 1)
    t.ok((await eventsOf(email)).includes('login_failed email_not_verified'))
    for (const on of [off, optional]) t.equal((await login(email, goodPassword, on)).statusCode, 200)

    t.equal((await confirm(mail.token)).statusCode, 204, 'no session: the registration did not wait')
    t.equal((await login(email)).statusCode, 200)

    await sql(database, 'UPDATE "user" SET disabled_at = now(), email_verified_at = NULL WHERE email = $1', email)
    t.equal((await login(email)).json().code, 'invalid_credentials')
  }
)

t.test('a login succeeds if the address is confirmed while the password is verified', async (t) => {
  const { client, email } = await newPerson(off)
  const { id } = (await client.send('GET', '/me')).json()
  let reads = Number.NEGATIVE_INFINITY
  const confirming: typeof database = {
    ...database,
    run: async (operation) => {
      reads += 1
      if (reads === 2) await sql(database, 'UPDATE "user" SET email_verified_at = now() WHERE id = $1::uuid', id)
      return database.run(operation)
    }
  }
  const late = await openService(t, confirming, required)
  reads = 0
  t.equal((await login(email, goodPassword, late)).statusCode, 200)
})

t.test('of twenty simultaneous confirmations by one link on two instances, one succeeds', async (t) => {
  const { email, mail } = await newcomer()
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => confirm(mail.token, { mode: 'body' }, i % 2 ? app : other))
  )
  t.equal(answers.filter(({ statusCode }) => statusCode === 200).length, 1)
  for (const { statusCode, body } of answers) t.ok([200, 400, 503].includes(statusCode), body)
  t.equal((await eventsOf(email)).filter((event) => event === 'email_verified').length, 1)
})

t.test(
  'a confirmation and a registration with another password at once: the link works, and no stranger gets in',
  async (t) => {
    for (const { email, mail } of await Promise.all(Array.from({ length: 10 }, newcomer))) {
      const [confirmed, registered] = await Promise.all([
        confirm(mail.token, {}, other),
        register(email, { password: otherPassword })
      ])
      t.equal(confirmed.statusCode, 200)
      t.equal(registered.statusCode, 202)
      t.ok([200, 401].includes((await login(email, goodPassword)).statusCode))
      t.ok([401, 403].includes((await login(email, otherPassword)).statusCode))
    }
  }
)

t.test(
  'a link is dead after 24 hours, after use, after a new password, as another link, and for a disabled account',
  async (t) => {
    const [used, late, reset, disabled, another] = await Promise.all([
      newcomer(),
      newcomer(),
      newcomer(),
      newcomer(),
      newcomer()
    ])
    await confirm(used.mail.token)
    await sql(database, 'UPDATE one_time_link SET expires_at = now() WHERE address = $1', late.email)
    await sql(database, 'UPDATE "user" SET disabled_at = now() WHERE email = $1', disabled.email)
    await post('/password/forgot', { email: reset.email })
    const forgotten = await mailServer.mailTo(reset.email, 1)
    const foreign = await confirm(forgotten.token)
    const wrong = await post('/password/reset', { token: another.mail.token, new_password: otherPassword })
    await post('/password/reset', { token: forgotten.token, new_password: otherPassword })
    const answers = await Promise.all([used, late, reset, disabled].map(({ mail }) => confirm(mail.token)))
    for (const answer of [foreign, wrong, ...answers, await confirm('x'), await confirm('')]) {
      t.equal(answer.statusCode, 400)
      t.equal(answer.body, foreign.body)
    }
  }
)

t.test(
  'an account that waits for its confirmation keeps its address neither from admins nor from a change',
  async (t) => {
    const [first, admin, invited, moved] = [await newcomer(), await newcomer(), await newcomer(), await newcomer()]
    const adminPassword = 'the password of the admin'
    const settings = { ...required, ADMIN_EMAIL: admin.email, ADMIN_PASSWORD: adminPassword }
    const administered = await openService(t, database, settings)
    const client = new Client(administered)
    const payload = { email: admin.email, password: adminPassword }
    t.equal((await client.send('POST', '/login', { payload })).statusCode, 200, 'ADMIN_EMAIL')
    const invite = (email: string) => client.send('POST', '/admin/users', { payload: { email, invite: 'link' } })
    t.equal((await invite(invited.email)).statusCode, 201)
    t.equal((await invite(invited.email)).json().code, 'email_taken')
    const international = newEmail().replace('example.org', 'bücher.example')
    await register(international)
    t.equal((await invite(international)).statusCode, 201, 'an internationalized domain')

    t.equal((await client.send('POST', '/email', { payload: { new_email: moved.email } })).statusCode, 202)
    const change = await mailServer.mailTo(moved.email, 1)
    t.equal((await post('/email/confirm', { token: change.token })).statusCode, 204)
    t.match((await client.send('GET', '/me')).json(), { email: moved.email, email_verified: true })

    for (const { mail } of [admin, invited, moved]) {
      t.equal((await confirm(mail.token)).json().code, 'invalid_or_expired_token')
    }
    for (const { email } of [first, admin, invited, moved]) {
      t.equal((await login(email)).json().code, 'email_not_verified', 'a stranger sees no difference')
    }
    t.equal((await confirm(first.mail.token)).statusCode, 200)
  }
)

t.test('a password reset by mail confirms the address', async (t) => {
  const { email } = await newcomer()
  await post('/password/forgot', { email })
  const { token } = await mailServer.mailTo(email, 1)
  t.equal((await post('/password/reset', { token, new_password: otherPassword })).statusCode, 204)
  t.match(await accountOf(email), { awaits: false, verified: true })
  t.equal((await login(email, otherPassword)).statusCode, 200)
})

t.test('with EMAIL_VERIFICATION=optional the account can be used at once, and gets a mail', async (t) => {
  const { client, email } = await newPerson(optional)
  t.match((await client.send('GET', '/me')).json(), { email_verified: false })
  const mail = await mailServer.mailTo(email)
  t.same(await eventsOf(email), ['user_registered', 'email_verification_requested', 'login_succeeded'])
  t.equal((await confirm(mail.token, {}, optional)).statusCode, 204)
  t.match((await client.send('GET', '/me')).json(), { email_verified: true })
  t.equal((await register(email, { on: optional })).json().code, 'email_taken')

  const silent = await openService(t, database, { HOST: '0.0.0.0', EMAIL_VERIFICATION: 'optional' })
  const { client: unmailed } = await newPerson(silent)
  t.match((await unmailed.send('GET', '/me')).json(), { email_verified: false })
  expectProblem(t, await unmailed.send('POST', '/email/verification'), 'mail_not_configured')
})

t.test('with EMAIL_VERIFICATION=off a registration sends no mail', async (t) => {
  const { email } = await newPerson(off)
  t.equal((await sql(database, 'SELECT 1 FROM mail WHERE recipient = $1', email)).length, 0)
})

t.test('a signed-in person gets the mail again, at most once a minute, and not after the confirmation', async (t) => {
  const limited = await openService(t, database, { ...mailServer.settings, RATE_LIMIT_ENABLED: 'true' })
  const { client, email } = await newPerson(limited)
  const ask = () => client.send('POST', '/email/verification')
  const answers = [await ask(), await ask()]
  for (const answer of answers) {
    t.equal(answer.statusCode, 202)
    t.equal(answer.body, '{}')
  }
  const { token } = await mailServer.mailTo(email)
  const mails = () => sql(database, 'SELECT 1 FROM mail WHERE recipient = $1', email)
  t.equal((await mails()).length, 1)
  t.equal((await confirm(token, {}, limited)).statusCode, 204)
  const { client: unlimited } = { client: await copyTo(off, client) }
  t.equal((await unlimited.send('POST', '/email/verification')).statusCode, 202)
  t.equal((await mails()).length, 1)
  t.equal((await limited.inject({ method: 'POST', url: '/email/verification' })).statusCode, 401)
})

/** A client with the same access token at another instance. */
async function copyTo(on: typeof app, { accessToken }: Client): Promise<Client> {
  const copy = new Client(on)
  copy.accessToken = accessToken
  return copy
}

t.test('an address gets three mails in half an hour, then none, with the same answer', async (t) => {
  const limited = await openService(t, database, { ...required, RATE_LIMIT_ENABLED: 'true' })
  const queued = async (email: string) => {
    const rows = `SELECT 1 FROM mail WHERE lower(recipient) = $1 AND outcome IS DISTINCT FROM 'dropped'`
    return (await sql(database, rows, email)).length
  }
  const owner = await newPerson(off)
  const newEmails = newEmail()
  for (const email of [owner.email, newEmails]) {
    for (let i = 0; i < 5; i += 1) {
      const answer = await register(i % 2 ? email : email.toUpperCase(), {
        on: limited,
        password: `${otherPassword} ${i}`
      })
      t.equal(answer.statusCode, 202)
      t.equal(answer.body, '{}')
    }
    t.equal(await queued(email), 3)
  }
  t.equal((await login(newEmails, `${otherPassword} 4`, limited)).json().code, 'invalid_credentials')

  const again = newEmail()
  await register(again, { on: limited })
  for (let i = 0; i < 4; i += 1) {
    t.equal((await login(again, goodPassword, limited)).json().code, 'email_not_verified')
  }
  t.equal(await queued(again), 3, 'logins count too')

  // Strangers want the address, and ask for its password, before its owner registers it.
  const later = newEmail()
  const stranger = await copyTo(limited, owner.client)
  for (let i = 0; i < 3; i += 1) {
    t.equal((await stranger.send('POST', '/email', { payload: { new_email: later } })).statusCode, 202)
    t.equal((await post('/password/forgot', { email: later }, limited)).statusCode, 202)
  }
  await register(later, { on: limited })
  await post('/password/forgot', { email: later }, limited)
  t.equal(await queued(later), 5, 'three changes, one confirmation and one new password')
})

t.test('a registration of a taken address uses up no mail of its owner if it causes none', async (t) => {
  const limited = await openService(t, database, {
    ...mailServer.settings,
    RATE_LIMIT_ENABLED: 'true',
    EMAIL_VERIFICATION: 'optional'
  })
  const { email } = await newPerson(off)
  for (let i = 0; i < 5; i += 1) t.equal((await register(email, { on: limited })).json().code, 'email_taken')
  await post('/password/forgot', { email }, limited)
  t.equal((await mailServer.mailTo(email)).subject, 'Set a new password')
})

t.test('/openapi.json has 202 in place of 201 for /register, and no email_taken', async (t) => {
  const responses = (await specificationOf(app)).paths['/register']?.post?.responses ?? {}
  t.same(
    Object.keys(responses).filter((status) => status < '300'),
    ['202']
  )
  t.equal('409' in responses, false)
  const usual = (await specificationOf(off)).paths['/register']?.post?.responses ?? {}
  t.same(
    Object.keys(usual).filter((status) => status < '300'),
    ['201']
  )
})
