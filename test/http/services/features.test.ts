import t from 'tap'
import { openTestDatabase } from '../../support/database.js'
import { openService } from '../../support/service.js'

const database = await openTestDatabase(t, { kind: 'embedded' })

t.test('GET /features tells anybody what the service offers, and is cacheable for a minute', async (t) => {
  const app = await openService(t, database)
  const response = await app.inject('/features')
  t.equal(response.statusCode, 200)
  t.equal(response.headers['cache-control'], 'public, max-age=60')
  t.strictSame(response.json(), {
    registration: 'open',
    password_login: true,
    password_min_length: 15,
    mail: true,
    email_verification: 'off',
    modes: ['cookie', 'body', 'session', 'access'],
    passkeys: false,
    totp: false,
    refresh_grace_seconds: 20,
    locales: ['en', 'de']
  })
})

t.test('GET /features has the values of the settings', async (t) => {
  const app = await openService(t, database, {
    REFRESH_GRACE_SECONDS: '3',
    MODES: 'body,access',
    PASSWORD_MIN_LENGTH: '10'
  })
  t.match((await app.inject('/features')).json(), {
    refresh_grace_seconds: 3,
    modes: ['body', 'access'],
    password_min_length: 10
  })
})
