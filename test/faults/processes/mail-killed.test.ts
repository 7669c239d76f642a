import t from 'tap'
import { openEmbeddedDatabase } from '../../../src/adapters/embedded/embedded-database.js'
import { openServerDatabase } from '../../../src/adapters/prisma/server/server-database.js'
import { sql, testDatabases } from '../../support/database.js'
import { openMailServer } from '../../support/mail/mail-server.js'
import { Device } from '../../support/processes/device.js'
import { freshDatabase, processTestMilliseconds, startService } from '../../support/processes/process.js'

t.setTimeout(2 * processTestMilliseconds)

/** More than one instance sends at a time, so that some wait in the outbox when it is killed. */
const people = Array.from({ length: 8 }, (_, i) => `person-${i}@example.com`)

for (const kind of testDatabases(t)) {
  t.test(`kill -9 between the commit and the sending loses no mail (${kind})`, async (t) => {
    const mailServer = await openMailServer(t)
    const settings = { ...(await freshDatabase(t, kind)), ...mailServer.settings, ISSUER: 'https://auth.test' }
    let service = await startService(t, settings)
    for (const email of people) await new Device(service.url).signIn('/register', email)

    mailServer.behaviour = 'hangs'
    t.same(
      await forgotAll(service.url),
      people.map(() => 202)
    )
    await until(() => mailServer.connections >= 5)
    await service.stop('SIGKILL')
    t.equal(mailServer.received.length, 0)

    mailServer.behaviour = 'accepts'
    await endLeases(settings)
    service = await startService(t, settings)
    const mails = await Promise.all(people.map((email) => mailServer.mailTo(email)))
    for (const { token } of mails) {
      const body = { token, new_password: 'another good password' }
      t.equal((await new Device(service.url).send('POST', '/password/reset', body)).status, 204, 'its link works')
    }
    await Promise.all(people.map((email) => mailServer.mailTo(email, 1)))
    t.equal(mailServer.received.length, 2 * people.length, 'each mail and each notice once')
  })

  t.test(`kill -9 before the server's answer is noted sends a copy with the same Message-ID (${kind})`, async (t) => {
    const mailServer = await openMailServer(t)
    const settings = { ...(await freshDatabase(t, kind)), ...mailServer.settings, ISSUER: 'https://auth.test' }
    let service = await startService(t, settings)
    await new Device(service.url).signIn('/register', 'ada@example.com')
    mailServer.behaviour = 'keeps and hangs'
    await new Device(service.url).send('POST', '/password/forgot', { email: 'ada@example.com' })
    const first = await mailServer.mailTo('ada@example.com')
    await service.stop('SIGKILL')

    mailServer.behaviour = 'accepts'
    await endLeases(settings)
    service = await startService(t, settings)
    const copy = await mailServer.mailTo('ada@example.com', 1)
    t.equal(copy.messageId, first.messageId)
    t.equal(copy.token, first.token)
    await service.stop()
    t.equal(mailServer.received.length, 2)
  })
}

function forgotAll(url: string): Promise<number[]> {
  return Promise.all(
    people.map(async (email) => (await new Device(url).send('POST', '/password/forgot', { email })).status)
  )
}

/** As if the leases of the killed process were over. */
async function endLeases({ DATABASE_URL, DATA_DIR = '' }: Readonly<Record<string, string>>): Promise<void> {
  const database = await (DATABASE_URL === undefined
    ? openEmbeddedDatabase({ dataDir: DATA_DIR })
    : openServerDatabase({ url: DATABASE_URL }))
  await sql(database, 'UPDATE mail SET next_attempt_at = now() WHERE next_attempt_at IS NOT NULL')
  await database.close()
}

function until(condition: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const timer = setInterval(() => {
      if (!condition()) return
      clearInterval(timer)
      resolve()
    }, 50)
  })
}
