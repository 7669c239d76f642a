import t from 'tap'
import { buildApp } from '../../../src/app.js'
import { loadConfig } from '../../../src/config/read-config.js'
import { openTestDatabase } from '../../support/database.js'
import { keptLog } from '../../support/http/log-lines.js'
import { newPerson } from '../../support/http/people.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { testEnvironment } from '../../support/service.js'

t.test(
  'with a mail server no token of a link is in the log, also if the link is used, refused or sent in the wrong place',
  async (t) => {
    const log = keptLog('trace')
    const mailServer = await openMailServer(t)
    const database = await openTestDatabase(t, { kind: 'embedded' })
    const config = loadConfig({ ...testEnvironment, ...mailServer.settings })
    const app = await buildApp(config, { database, logger: log.logger })
    t.teardown(() => app.close())
    const { email } = await newPerson(app)
    await app.inject({ method: 'POST', url: '/password/forgot', payload: { email } })
    const { token } = await mailServer.mailTo(email)
    const payload = { token, new_password: 'another good password' }
    for (let i = 0; i < 2; i += 1) await app.inject({ method: 'POST', url: '/password/reset', payload })
    await app.inject(`/account?reset=${token}`)
    await app.inject(`/password/reset/${token}`)
    await app.inject({ method: 'POST', url: '/password/reset', payload: { token: { token }, new_password: 7 } })
    t.match(log.text(), /password_reset/)
    t.notMatch(log.text(), token)
    t.notMatch(log.text(), /lk_ot_/)
  }
)

t.test('for development on one machine, the log prints the link', async (t) => {
  const log = keptLog('info')
  const database = await openTestDatabase(t, { kind: 'embedded' })
  const app = await buildApp(loadConfig(testEnvironment), { database, logger: log.logger })
  const { email } = await newPerson(app)
  await app.inject({ method: 'POST', url: '/password/forgot', payload: { email } })
  // Closing waits for the mail.
  await app.close()
  const [line] = log.lines().filter(({ to }) => to === email)
  t.match(line, { kind: 'password_reset', link: /^https:\/\/auth\.test\/account#reset=lk_ot_/ })
})
