import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { connectionTo } from '../../../../src/adapters/prisma/server/database-url.js'
import { testFolder } from '../../../support/database.js'

t.test('only what a URL names is given to pg, which completes it from the PG variables', async (t) => {
  t.strictSame(connectionTo('postgresql://'), {
    setting: 'DATABASE_URL',
    schema: undefined,
    connection: { application_name: 'latchkey' }
  })
  const url = 'postgresql://ada:p%23@db:1/people?options=-c%20geqo%3Doff&application_name=auth&channel_binding=prefer'
  t.strictSame(connectionTo(`${url}&sslmode=disable`, 'DATABASE_DIRECT_URL'), {
    setting: 'DATABASE_DIRECT_URL',
    schema: undefined,
    connection: {
      host: 'db',
      port: 1,
      user: 'ada',
      password: 'p#',
      database: 'people',
      options: '-c geqo=off',
      application_name: 'auth',
      enableChannelBinding: true,
      ssl: false
    }
  })
})

t.test('the files of certificates are read, and one that cannot be is named', async (t) => {
  const folder = await testFolder(t)
  for (const name of ['ca', 'cert', 'key']) await writeFile(join(folder, name), `the ${name}`)
  const files = `sslrootcert=${folder}/ca&sslcert=${folder}/cert&sslkey=${folder}/key`
  const { ssl, sslnegotiation } = connectionTo(`postgresql://db?${files}&sslnegotiation=direct`).connection
  t.strictSame(ssl, { ca: 'the ca', cert: 'the cert', key: 'the key' })
  t.equal(sslnegotiation, 'direct')
  t.throws(() => connectionTo(`postgresql://db?sslkey=${folder}/none`, 'DATABASE_DIRECT_URL'), {
    name: 'CannotStart',
    message: /^DATABASE_DIRECT_URL: the file of sslkey, .*\/none, cannot be read \(ENOENT\)\.$/
  })
})

t.test('a certificate of any name or of any authority is accepted only where the URL says so', async (t) => {
  const settingsOf = (parameters: string) => connectionTo(`postgresql://db?${parameters}`).connection.ssl
  t.strictSame(settingsOf('sslmode=require'), {})
  t.strictSame(settingsOf('sslmode=no-verify'), { rejectUnauthorized: false })
  const folder = await testFolder(t)
  await writeFile(join(folder, 'ca'), 'the ca')
  const byAuthority = settingsOf(`uselibpqcompat=true&sslmode=verify-ca&sslrootcert=${folder}/ca`)
  t.match(byAuthority, { ca: 'the ca', rejectUnauthorized: undefined })
  t.match(byAuthority, { checkServerIdentity: Function })
})
